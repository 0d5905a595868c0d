//! F148: what of a patient's wishes waits, is taken over at once, or is not taken here; the practice chooses for each kind.

use axum::http::StatusCode;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use serde_json::json;

use anteroom::config::Choice;
use anteroom::config::Config;

use crate::clinic::Clinic;
use crate::clinic::EVERYTHING;
use crate::clinic::engine::LAYOUTS;
use crate::fhir::chart::manager;
use crate::fhir::chart::put;
use crate::fhir::chart::read;
use crate::fhir::message::WRITES;
use crate::fhir::write::FHIR;

/// The sandbox with some settings, on every engine there is.
async fn both(change: fn(&mut Config)) -> Vec<Clinic> {
    let mut all = vec![Clinic::with(change).await];
    all.extend(Clinic::on_mariadb_with(LAYOUTS[1], change).await);
    all
}

fn home(chart: &Value) -> usize {
    let all = chart["address"].as_array().expect("addresses");
    let home = all.iter().position(|one| one["use"] == "home");
    home.expect("a home")
}

#[tokio::test]
async fn f148_a_changed_profile_is_taken_over_at_once_where_nobody_has_to_agree() {
    for clinic in both(|config| config.reviews.profile = Choice::Automatic).await {
        let maria = clinic.patient("active");
        let own = clinic.token(maria, EVERYTHING).await;
        let path = format!("/fhir/Patient/{}", maria.id);
        let mut chart = read(&clinic, &own, &path).await;
        let at = home(&chart);
        chart["address"][at]["city"] = json!("Östhaven");
        let done = put(&clinic, &own, &chart).await;
        assert_eq!(done.status, StatusCode::OK, "{}", done.text());
        assert_eq!(done.json()["address"][at]["city"], "Östhaven");
        // A wish of OpenEMR's own portal waits, with all fields of the page: it must not put the city back.
        let service = manager(&clinic).await;
        let waiting = "/fhir/Task?code=review-profile&status=requested";
        let mut task = read(&clinic, &service, waiting).await["entry"][0]["resource"].clone();
        task["status"] = json!("completed");
        let taken = put(&clinic, &service, &task).await;
        assert_eq!(taken.status, StatusCode::OK, "{}", taken.text());
        let after = read(&clinic, &own, &path).await;
        assert_eq!(after["address"][home(&after)]["city"], "Östhaven");
        let kept = clinic
            .look("SELECT CONCAT_WS('|', kind, status, client_id <> '') AS text FROM anteroom_review WHERE status = 'automatic'")
            .await;
        assert_eq!(kept, "review-profile|automatic|1");
        let none = read(
            &clinic,
            &own,
            "/fhir/Task?code=review-profile&status=requested",
        )
        .await;
        assert_eq!(none["total"], 0, "{none}");
        clinic.close().await;
    }
}

#[tokio::test]
async fn f148_an_insurance_is_taken_over_at_once_where_nobody_has_to_agree() {
    for clinic in both(|config| config.reviews.coverage = Choice::Automatic).await {
        let maria = clinic.patient("active");
        let own = clinic.token(maria, EVERYTHING).await;
        let found = read(&clinic, &own, "/fhir/Coverage").await;
        let mut card = found["entry"][0]["resource"].clone();
        card["subscriberId"] = json!("CHH-1");
        let done = put(&clinic, &own, &card).await;
        assert_eq!(done.status, StatusCode::OK, "{}", done.text());
        assert_eq!(done.json()["subscriberId"], "CHH-1");
        let none = read(&clinic, &own, "/fhir/Task?code=review-coverage").await;
        assert_eq!(none["total"], 0, "{none}");
        clinic.close().await;
    }
}

#[tokio::test]
async fn f148_what_is_forbidden_is_refused_with_whom_to_call_and_staff_write_it_all_the_same() {
    let none = |config: &mut Config| {
        config.reviews.profile = Choice::Forbidden;
        config.reviews.coverage = Choice::Forbidden;
        config.reviews.document = Choice::Forbidden;
    };
    for clinic in both(none).await {
        let maria = clinic.patient("active");
        let own = clinic.token(maria, EVERYTHING).await;
        let path = format!("/fhir/Patient/{}", maria.id);
        let mut chart = read(&clinic, &own, &path).await;
        let at = home(&chart);
        chart["address"][at]["city"] = json!("Troy");
        let refused = put(&clinic, &own, &chart).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        let text = refused.text();
        assert!(text.contains("profile.forbidden"), "{text}");
        assert!(text.contains("call the practice"), "{text}");
        let found = read(&clinic, &own, "/fhir/Coverage").await;
        let mut card = found["entry"][0]["resource"].clone();
        card["subscriberId"] = json!("CHH-1");
        let refused = put(&clinic, &own, &card).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(refused.text().contains("coverage.forbidden"));
        let writes = clinic.token(maria, WRITES).await;
        let paper = json!({"resourceType": "DocumentReference", "status": "current", "content": [{"attachment":
            {"contentType": "text/plain", "data": STANDARD.encode("x"), "title": "a.txt"}}]});
        let to = ("/fhir/DocumentReference", writes.as_str());
        let refused = clinic.with_body("POST", to, FHIR, paper.to_string()).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(refused.text().contains("upload.forbidden"));

        let service = manager(&clinic).await;
        let mut chart = read(&clinic, &service, &path).await;
        chart["address"][at]["city"] = json!("Troy");
        let done = put(&clinic, &service, &chart).await;
        assert_eq!(done.status, StatusCode::OK, "{}", done.text());
        clinic.close().await;
    }
}
