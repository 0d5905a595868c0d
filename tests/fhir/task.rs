//! Tasks: each patient's own; decided by staff, with a reason where refused; taken back by the patient.

use axum::http::StatusCode;
use serde_json::Value;
use serde_json::json;

use crate::clinic::Clinic;
use crate::clinic::EVERYTHING;
use crate::fhir::chart::both;
use crate::fhir::chart::manager;
use crate::fhir::chart::put;
use crate::fhir::chart::read;

async fn waiting(clinic: &Clinic, token: &str) -> Value {
    let found = read(
        clinic,
        token,
        "/fhir/Task?code=review-profile&status=requested",
    )
    .await;
    found["entry"][0]["resource"].clone()
}

#[tokio::test]
async fn a_review_of_openemrs_own_portal_is_refused_with_a_reason_the_patient_reads() {
    for clinic in both().await {
        let maria = clinic.patient("active");
        let own = clinic.token(maria, EVERYTHING).await;
        let form = read(&clinic, &own, "/fhir/Task?code=review-form").await;
        assert_eq!(form["total"], 1, "{form}");
        let service = manager(&clinic).await;
        let mut task = waiting(&clinic, &service).await;
        let note = task["note"][0]["text"].as_str().unwrap_or_default();
        assert!(note.contains("We moved"), "{task}");
        task["status"] = json!("rejected");
        let silent = put(&clinic, &service, &task).await;
        assert_eq!(
            silent.status,
            StatusCode::UNPROCESSABLE_ENTITY,
            "{}",
            silent.text()
        );
        assert!(silent.text().contains("review.reason"), "{}", silent.text());
        task["statusReason"] = json!({"text": "Please bring a proof of address."});
        let done = put(&clinic, &service, &task).await;
        assert_eq!(done.status, StatusCode::OK, "{}", done.text());
        let path = format!("/fhir/Task/{}", task["id"].as_str().unwrap_or_default());
        let told = read(&clinic, &own, &path).await;
        assert_eq!(told["status"], "rejected");
        assert_eq!(
            told["statusReason"]["text"],
            "Please bring a proof of address."
        );
        clinic.close().await;
    }
}

#[tokio::test]
async fn a_patient_takes_back_an_own_wish_and_decides_nothing_else() {
    for clinic in both().await {
        let maria = clinic.patient("active");
        let own = clinic.token(maria, EVERYTHING).await;
        let mut task = waiting(&clinic, &own).await;
        task["status"] = json!("completed");
        let refused = put(&clinic, &own, &task).await;
        assert_eq!(
            refused.status,
            StatusCode::UNPROCESSABLE_ENTITY,
            "{}",
            refused.text()
        );
        task["status"] = json!("cancelled");
        let done = put(&clinic, &own, &task).await;
        assert_eq!(done.status, StatusCode::OK, "{}", done.text());
        let row = clinic
            .look("SELECT status AS text FROM onsite_portal_activity WHERE id = 1")
            .await;
        assert_eq!(row, "deleted");
        let sean = clinic.patients("active").nth(1).expect("a second patient");
        let other = clinic.token(sean, EVERYTHING).await;
        let path = format!("/fhir/Task/{}", task["id"].as_str().unwrap_or_default());
        assert_eq!(
            clinic.get(&path, &other).await.status,
            StatusCode::NOT_FOUND
        );
        clinic.close().await;
    }
}

/// The sentence of a Task's output about an element.
fn refused_for(task: &Value, element: &str) -> Option<String> {
    let mut outputs = task["output"].as_array()?.iter();
    let output = outputs.find(|one| one["type"]["text"] == format!("refused: {element}"))?;
    output["valueString"].as_str().map(str::to_owned)
}

#[tokio::test]
async fn f148_staff_take_over_a_part_of_a_profile_and_the_patient_reads_why_not_the_rest() {
    for clinic in both().await {
        let sean = clinic.patients("active").nth(1).expect("a second patient");
        let own = clinic.token(sean, EVERYTHING).await;
        let path = format!("/fhir/Patient/{}", sean.id);
        let mut chart = read(&clinic, &own, &path).await;
        let all = chart["address"].as_array().expect("addresses");
        let home = all
            .iter()
            .position(|one| one["use"] == "home")
            .expect("a home");
        let before = chart["address"][home]["city"].clone();
        chart["address"][home]["city"] = json!("Ysleta");
        chart["address"][home]["postalCode"] = json!("79907");
        let waits = put(&clinic, &own, &chart).await;
        assert_eq!(waits.status, StatusCode::ACCEPTED, "{}", waits.text());

        let staff = manager(&clinic).await;
        let id = waits
            .header("location")
            .split("/Task/")
            .nth(1)
            .expect("a Task")
            .to_owned();
        let at = format!("/fhir/Task/{}", id.split('/').next().unwrap_or_default());
        let mut task = read(&clinic, &staff, &at).await;
        task["status"] = json!("completed");
        let output = |element: &str| json!([{"type": {"text": format!("refused: {element}")}, "valueString": "Please bring a bill."}]);
        task["output"] = output("Patient.gender");
        let other = put(&clinic, &staff, &task).await;
        assert_eq!(other.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(other.text().contains("review.parts"), "{}", other.text());
        task["output"] = output("Patient.address.city");
        let done = put(&clinic, &staff, &task).await;
        assert_eq!(done.status, StatusCode::OK, "{}", done.text());

        let after = read(&clinic, &own, &path).await;
        assert_eq!(after["address"][home]["city"], before);
        assert_eq!(after["address"][home]["postalCode"], "79907");
        let told = read(&clinic, &own, &at).await;
        assert_eq!(told["businessStatus"]["text"], "Taken over in part");
        assert_eq!(
            refused_for(&told, "Patient.address.city").as_deref(),
            Some("Please bring a bill.")
        );
        assert_eq!(refused_for(&told, "Patient.address.postalCode"), None);
        clinic.close().await;
    }
}

#[tokio::test]
async fn f148_staff_take_over_a_part_of_an_insurance_and_the_insurer_stays() {
    for clinic in both().await {
        let maria = clinic.patient("active");
        let own = clinic.token(maria, EVERYTHING).await;
        let found = read(&clinic, &own, "/fhir/Coverage").await;
        let mut card = found["entry"][0]["resource"].clone();
        let payor = card["payor"].clone();
        let service = manager(&clinic).await;
        card["payor"] = json!([{"display": "Medicare Part B, Massachusetts"}]);
        card["subscriberId"] = json!("NEW-7");
        let waits = put(&clinic, &own, &card).await;
        assert_eq!(waits.status, StatusCode::ACCEPTED, "{}", waits.text());
        let waiting = "/fhir/Task?code=review-coverage&status=requested";
        let mut task = read(&clinic, &service, waiting).await["entry"][0]["resource"].clone();
        task["status"] = json!("completed");
        task["statusReason"] = json!({"text": "The card says another insurer."});
        task["output"] =
            json!([{"type": {"text": "refused: Coverage.payor"}, "valueString": "See above."}]);
        let done = put(&clinic, &service, &task).await;
        assert_eq!(done.status, StatusCode::OK, "{}", done.text());
        let path = format!("/fhir/Coverage/{}", card["id"].as_str().unwrap_or_default());
        let after = read(&clinic, &own, &path).await;
        assert_eq!(after["subscriberId"], "NEW-7");
        assert_eq!(after["payor"][0]["reference"], payor[0]["reference"]);
        clinic.close().await;
    }
}

#[tokio::test]
async fn f148_of_two_who_decide_at_once_one_does_and_a_newer_wish_is_told() {
    for clinic in both().await {
        let sean = clinic.patients("active").nth(1).expect("a second patient");
        let own = clinic.token(sean, EVERYTHING).await;
        let path = format!("/fhir/Patient/{}", sean.id);
        let chart = read(&clinic, &own, &path).await;
        let all = chart["address"].as_array().expect("addresses");
        let home = all
            .iter()
            .position(|one| one["use"] == "home")
            .expect("a home");
        let wish = |city: &str| {
            let mut chart = chart.clone();
            chart["address"][home]["city"] = json!(city);
            chart
        };
        let waits = put(&clinic, &own, &wish("First")).await;
        assert_eq!(waits.status, StatusCode::ACCEPTED, "{}", waits.text());
        let id = waits
            .header("location")
            .split("/Task/")
            .nth(1)
            .expect("a Task")
            .to_owned();
        let at = format!("/fhir/Task/{}", id.split('/').next().unwrap_or_default());
        let staff = manager(&clinic).await;
        let mut old = read(&clinic, &staff, &at).await;
        // The patient thinks again while staff look.
        let again = put(&clinic, &own, &wish("Second")).await;
        assert_eq!(again.status, StatusCode::ACCEPTED, "{}", again.text());
        old["status"] = json!("completed");
        let late = put(&clinic, &staff, &old).await;
        assert_eq!(
            late.status,
            StatusCode::PRECONDITION_FAILED,
            "{}",
            late.text()
        );
        assert_eq!(
            read(&clinic, &own, &path).await["address"][home]["city"],
            chart["address"][home]["city"]
        );
        let mut task = read(&clinic, &staff, &at).await;
        assert_eq!(task["status"], "requested");
        task["status"] = json!("completed");
        let mut other = task.clone();
        other["status"] = json!("rejected");
        other["statusReason"] = json!({"text": "No."});
        let both = tokio::join!(put(&clinic, &staff, &task), put(&clinic, &staff, &other));
        let done = [both.0.status, both.1.status];
        let yes = done
            .iter()
            .filter(|status| **status == StatusCode::OK)
            .count();
        assert_eq!(yes, 1, "{done:?}");
        let city = read(&clinic, &own, &path).await["address"][home]["city"].clone();
        let told = read(&clinic, &own, &at).await;
        match told["status"].as_str() {
            Some("completed") => assert_eq!(city, "Second"),
            _ => assert_eq!(city, chart["address"][home]["city"]),
        }
        clinic.close().await;
    }
}
