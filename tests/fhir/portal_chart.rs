//! Credentials that are saved with a change of the chart: both or neither, in one transaction (portal rule F085).

use axum::http::StatusCode;
use serde_json::Value;
use serde_json::json;

use super::chart::both;
use super::chart::read;
use crate::clinic::Answer;
use crate::clinic::Clinic;
use crate::clinic::EVERYTHING;
use crate::fhir::reach::token;
use crate::fhir::write::FHIR;
use crate::fhir::write::send;

/// Walter's number; he has no login.
const LOGINS: &str =
    "SELECT CAST(COUNT(*) AS CHAR) AS text FROM patient_access_onsite WHERE pid = 6";

const LINES: &str = "SELECT CAST(COALESCE(GROUP_CONCAT(action ORDER BY action), '') AS CHAR) AS text FROM anteroom_audit \
    WHERE outcome = 'success' AND action IN ('portal.credential', 'Patient.update')";

/// What is typed by hand beside the chart.
fn typed(username: &str) -> Vec<Value> {
    vec![
        json!({"name": "deliver", "valueCode": "in-person"}),
        json!({"name": "reason", "valueCode": "patient-in-trouble"}),
        json!({"name": "manual", "valueBoolean": true}),
        json!({"name": "username", "valueString": username}),
    ]
}

async fn save(
    clinic: &Clinic,
    token: &str,
    (chart, version): (&Value, Option<&str>),
    (mut parameters, key): (Vec<Value>, &str),
) -> Answer {
    let id = chart["id"].as_str().expect("an id");
    let path = format!("/fhir/Patient/{id}/$portal-credential");
    parameters.push(json!({"name": "resource", "resource": chart}));
    let body = json!({"resourceType": "Parameters", "parameter": parameters}).to_string();
    let seen = format!("W/\"{}\"", version.unwrap_or_default());
    let mut headers = vec![("content-type", FHIR)];
    headers.extend(version.map(|_| ("if-match", seen.as_str())));
    headers.extend((!key.is_empty()).then_some(("idempotency-key", key)));
    send(clinic, ("POST", &path, token), &headers, &body).await
}

/// The chart with another city, and its version before.
async fn moved(clinic: &Clinic, staff: &str) -> (Value, String) {
    let walter = clinic.patient("no credentials, e-mail");
    let mut chart = read(clinic, staff, &format!("/fhir/Patient/{}", walter.id)).await;
    let version = chart["meta"]["versionId"].as_str().expect("a version");
    let version = version.to_owned();
    chart["address"][0]["city"] = json!("Newburyport");
    (chart, version)
}

async fn city(clinic: &Clinic) -> String {
    let city = "SELECT CAST(city AS CHAR) AS text FROM patient_data WHERE pid = 6";
    clinic.look(city).await
}

#[tokio::test]
async fn f085_credentials_by_hand_and_the_chart_are_saved_at_once() {
    for clinic in both().await {
        let staff = token(&clinic, Some("nhaddad"), None, "user/Patient.rus").await;
        let (chart, version) = moved(&clinic, &staff).await;
        let sent = (&chart, Some(version.as_str()));
        let first = save(&clinic, &staff, sent, (typed("walter.k"), "once")).await;
        assert_eq!(first.status, StatusCode::OK, "{}", first.text());
        assert!(first.text().contains("oneTimePassword"), "{}", first.text());
        assert_eq!(city(&clinic).await, "Newburyport");
        assert_eq!(clinic.look(LOGINS).await, "1");
        let both = "Patient.update,portal.credential";
        assert_eq!(clinic.look(LINES).await, both);
        // The answer got lost: it is asked again, the chart being in another version by now.
        let again = save(&clinic, &staff, sent, (typed("walter.k"), "once")).await;
        assert_eq!(again.status, StatusCode::OK, "{}", again.text());
        assert!(again.text().contains("\"repeated\""), "{}", again.text());
        assert_eq!(clinic.look(LINES).await, both);
        clinic.close().await;
    }
}

#[tokio::test]
async fn f085_neither_is_saved_where_one_of_them_cannot_be() {
    for clinic in both().await {
        let staff = token(&clinic, Some("nhaddad"), None, "user/Patient.rus").await;
        let (chart, version) = moved(&clinic, &staff).await;
        let before = city(&clinic).await;
        let seen = Some(version.as_str());
        let mut nameless = chart.clone();
        nameless["name"][0]["family"] = json!(" ");
        let mut mixed_up = chart.clone();
        mixed_up["birthDate"] = json!("2999-01-01");
        let taken = clinic.patient("active").username.clone();
        for (chart, seen, name, status) in [
            // The chart: of another version, of none, and against its rules.
            (&chart, Some("0"), "walter.k", 412),
            (&chart, None, "walter.k", 428),
            (&nameless, seen, "walter.k", 422),
            (&mixed_up, seen, "walter.k", 422),
            // The credentials: a name that somebody has, and one that is none.
            (&chart, seen, taken.as_str(), 409),
            (&chart, seen, "w", 422),
        ] {
            let answer = save(&clinic, &staff, (chart, seen), (typed(name), "")).await;
            let told = answer.text();
            assert_eq!(answer.status.as_u16(), status, "{name} {seen:?} {told}");
            assert_eq!(city(&clinic).await, before);
            assert_eq!(clinic.look(LOGINS).await, "0");
            assert_eq!(clinic.look(LINES).await, "");
        }
        // The database breaks between the credentials, which are written then, and the last of the chart.
        let hide = "ALTER TABLE anteroom_change RENAME TO anteroom_change_away";
        clinic.app.emr.db.script(hide).await.expect("hidden");
        let broken = save(&clinic, &staff, (&chart, seen), (typed("walter.k"), "")).await;
        assert!(broken.status.is_server_error(), "{}", broken.text());
        assert_eq!(city(&clinic).await, before);
        assert_eq!(clinic.look(LOGINS).await, "0");
        assert_eq!(clinic.look(LINES).await, "");
        clinic.close().await;
    }
}

#[tokio::test]
async fn f085_the_chart_is_written_by_whoever_may_and_nobodys_but_the_patients() {
    let clinic = Clinic::open().await;
    let staff = token(&clinic, Some("nhaddad"), None, "user/Patient.rus").await;
    let (mut chart, version) = moved(&clinic, &staff).await;
    let own = clinic.token(clinic.patient("active"), EVERYTHING).await;
    let sent = (&chart, Some(version.as_str()));
    let answer = save(&clinic, &own, sent, (typed("walter.k"), "")).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN, "{}", answer.text());
    // Somebody else's chart in the body.
    let walter = chart["id"].as_str().expect("an id").to_owned();
    chart["id"] = json!(clinic.patient("active").id);
    let path = format!("/fhir/Patient/{walter}/$portal-credential");
    let mut parameters = typed("walter.k");
    parameters.push(json!({"name": "resource", "resource": chart}));
    let body = json!({"resourceType": "Parameters", "parameter": parameters}).to_string();
    let seen = format!("W/\"{version}\"");
    let headers = [("content-type", FHIR), ("if-match", seen.as_str())];
    let answer = send(&clinic, ("POST", &path, &staff), &headers, &body).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{}", answer.text());
    assert_eq!(clinic.look(LOGINS).await, "0");
    clinic.close().await;
}

#[tokio::test]
async fn f085_f005_credentials_are_for_the_chart_as_it_is_saved() {
    let clinic = Clinic::open().await;
    let staff = token(&clinic, Some("nhaddad"), None, "user/Patient.rus").await;
    for lacking in [
        "UPDATE patient_data SET phone_home = '' WHERE pid = 6",
        "UPDATE patient_data SET hipaa_allowemail = 'YES' WHERE pid = 6",
    ] {
        clinic.app.emr.db.script(lacking).await.expect("a change");
    }
    let walter = clinic.patient("no credentials, e-mail");
    let path = format!("/fhir/Patient/{}", walter.id);
    let mut chart = read(&clinic, &staff, &path).await;
    let version = chart["meta"]["versionId"].as_str().expect("a version");
    let version = version.to_owned();
    let email = json!([{"name": "deliver", "valueCode": "email"}]);
    let email = email.as_array().expect("parameters").clone();
    let refused = save(
        &clinic,
        &staff,
        (&chart, Some(&version)),
        (email.clone(), ""),
    )
    .await;
    assert!(
        refused.text().contains("no-home-phone"),
        "{}",
        refused.text()
    );
    // The same save supplies the phone, and another address, to which the letter goes.
    chart["telecom"] = json!([
        {"system": "phone", "use": "home", "value": "978-555-0111"},
        {"system": "email", "value": "walter@new.example"},
    ]);
    let saved = save(&clinic, &staff, (&chart, Some(&version)), (email, "")).await;
    assert_eq!(saved.status, StatusCode::OK, "{}", saved.text());
    assert!(
        saved.text().contains("walter@new.example"),
        "{}",
        saved.text()
    );
    let to = "SELECT CAST(address AS CHAR) AS text FROM anteroom_outbox WHERE pid = 6";
    assert_eq!(clinic.look(to).await, "walter@new.example");
    let held = "SELECT CAST(email AS CHAR) AS text FROM patient_data WHERE pid = 6";
    assert_eq!(clinic.look(held).await, "walter@new.example");
    clinic.close().await;
}
