//! A few long stories.

use axum::http::StatusCode;

use crate::clinic::Clinic;
use crate::clinic::EVERYTHING;

/// A patient connects an app, reads everything, cancels a visit, stays connected, and is shut out by staff.
#[tokio::test]
async fn a_patient_and_an_app_from_first_to_last() {
    let clinic = Clinic::open().await;
    let maria = clinic.patient("active");
    let mut browser = clinic.browser();
    let tokens = browser.launch(maria, EVERYTHING).await;
    let access = tokens["access_token"].as_str().expect("a token");
    for kind in [
        "Patient",
        "Appointment",
        "Communication",
        "DocumentReference",
        "Practitioner",
        "Organization",
        "Location",
    ] {
        let answer = clinic.get(&format!("/fhir/{kind}"), access).await;
        assert_eq!(answer.status, StatusCode::OK, "{kind}");
        assert!(
            answer.json()["entry"]
                .as_array()
                .is_some_and(|entries| !entries.is_empty()),
            "{kind}"
        );
    }
    // A second app of the same browser needs no password, but a consent of its own.
    let consent = browser
        .start(&crate::clinic::browser::authorization(EVERYTHING))
        .await;
    assert!(
        consent.text().contains("name=\"decision\""),
        "{}",
        consent.text()
    );
    let again = browser
        .refresh(tokens["refresh_token"].as_str().expect("a token"))
        .await
        .json();
    clinic
        .app
        .emr
        .db
        .script("UPDATE anteroom_client SET disabled = 1 WHERE client_id = 'demo-public'")
        .await
        .expect("shut out");
    clinic.wait(time::Duration::seconds(1));
    let access = again["access_token"].as_str().expect("a token");
    assert_eq!(
        clinic.get("/fhir/Patient", access).await.status,
        StatusCode::UNAUTHORIZED
    );
    let refresh = browser
        .refresh(again["refresh_token"].as_str().expect("a token"))
        .await;
    assert_eq!(refresh.status, StatusCode::UNAUTHORIZED);
    clinic.close().await;
}
