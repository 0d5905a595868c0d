//! The e-mail address of a chart with an account, written through FHIR, is protected as one changed on a page (F038).

use axum::http::StatusCode;
use serde_json::Value;
use serde_json::json;

use crate::auth::email_change::watch;
use crate::clinic::Clinic;
use crate::clinic::EVERYTHING;
use crate::fhir::chart::both;
use crate::fhir::chart::manager;
use crate::fhir::chart::put;
use crate::fhir::chart::read;

const LETTERS: &str =
    "SELECT GROUP_CONCAT(CONCAT(letter, ' ', address)) AS text FROM anteroom_outbox";
const HOLDS: &str =
    "SELECT CAST(COUNT(*) AS CHAR) AS text FROM anteroom_account WHERE email_hold > 0";

fn readdress(chart: &mut Value, address: &str) {
    let telecom = chart["telecom"].as_array_mut().expect("telecom");
    let email = telecom.iter_mut().find(|one| one["system"] == "email");
    email.expect("an address")["value"] = json!(address);
}

#[tokio::test]
async fn f038_what_a_patient_asks_for_through_an_app_is_told_to_the_old_address_once_staff_accept()
{
    for clinic in both().await {
        let sean = clinic.patients("active").nth(1).expect("a second patient");
        watch(&clinic).await;
        let own = clinic.token(sean, EVERYTHING).await;
        let path = format!("/fhir/Patient/{}", sean.id);
        let mut chart = read(&clinic, &own, &path).await;
        readdress(&mut chart, "sean@new.example");
        let waits = put(&clinic, &own, &chart).await;
        assert_eq!(waits.status, StatusCode::ACCEPTED, "{}", waits.text());
        assert_eq!(watch(&clinic).await, 0, "nothing changed yet");
        let location = waits.header("location").to_owned();
        let id = location.split("/Task/").nth(1).expect("a Task");
        let id = id.split('/').next().unwrap_or_default();
        let staff = manager(&clinic).await;
        let mut task = read(&clinic, &staff, &format!("/fhir/Task/{id}")).await;
        task["status"] = json!("completed");
        let done = put(&clinic, &staff, &task).await;
        assert_eq!(done.status, StatusCode::OK, "{}", done.text());
        noticed(&clinic).await;
        clinic.close().await;
    }
}

#[tokio::test]
async fn f038_what_staff_write_is_told_to_the_old_address() {
    for clinic in both().await {
        let sean = clinic.patients("active").nth(1).expect("a second patient");
        watch(&clinic).await;
        let staff = manager(&clinic).await;
        let path = format!("/fhir/Patient/{}", sean.id);
        let mut chart = read(&clinic, &staff, &path).await;
        readdress(&mut chart, "sean@new.example");
        let done = put(&clinic, &staff, &chart).await;
        assert_eq!(done.status, StatusCode::OK, "{}", done.text());
        noticed(&clinic).await;
        clinic.close().await;
    }
}

async fn noticed(clinic: &Clinic) {
    assert_eq!(watch(clinic).await, 1);
    assert_eq!(
        clinic.look(LETTERS).await,
        "email-changed sean@oconnor.example.org"
    );
    assert_eq!(clinic.look(HOLDS).await, "1");
}
