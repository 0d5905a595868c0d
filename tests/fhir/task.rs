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
