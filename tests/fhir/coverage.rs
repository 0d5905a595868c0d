//! Insurances: read with their insurer, sent by patients for review, written by staff.

use axum::http::StatusCode;
use serde_json::json;

use crate::clinic::EVERYTHING;
use crate::fhir::chart::both;
use crate::fhir::chart::manager;
use crate::fhir::chart::put;
use crate::fhir::chart::read;
use crate::fhir::write::FHIR;
use crate::fhir::write::send;

#[tokio::test]
async fn an_insurance_is_read_changed_by_review_and_added_by_staff() {
    for clinic in both().await {
        let maria = clinic.patient("active");
        let own = clinic.token(maria, EVERYTHING).await;
        let found = read(&clinic, &own, "/fhir/Coverage").await;
        let mut card = found["entry"][0]["resource"].clone();
        assert_eq!(card["status"], "active");
        let payor = card["payor"][0]["reference"].as_str().expect("an insurer");
        let insurer = read(&clinic, &own, &format!("/fhir/{payor}")).await;
        assert_eq!(insurer["type"][0]["coding"][0]["code"], "ins");
        let payor = payor.to_owned();
        card["subscriberId"] = json!("CHH-448120-02");
        let waits = put(&clinic, &own, &card).await;
        assert_eq!(waits.status, StatusCode::ACCEPTED, "{}", waits.text());

        let service = manager(&clinic).await;
        let waiting = "/fhir/Task?code=review-coverage&status=requested";
        let mut task = read(&clinic, &service, waiting).await["entry"][0]["resource"].clone();
        task["status"] = json!("completed");
        let done = put(&clinic, &service, &task).await;
        assert_eq!(done.status, StatusCode::OK, "{}", done.text());
        let path = format!("/fhir/Coverage/{}", card["id"].as_str().unwrap_or_default());
        assert_eq!(
            read(&clinic, &own, &path).await["subscriberId"],
            "CHH-448120-02"
        );

        let new = json!({
            "resourceType": "Coverage", "status": "active", "order": 2, "subscriberId": "N-1",
            "beneficiary": {"reference": format!("Patient/{}", maria.id)},
            "relationship": {"coding": [{"system":
                "http://terminology.hl7.org/CodeSystem/subscriber-relationship", "code": "self"}]},
            "period": {"start": "2026-01-01"}, "payor": [{"reference": payor}]
        });
        let to = ("POST", "/fhir/Coverage", service.as_str());
        let made = send(&clinic, to, &[("content-type", FHIR)], &new.to_string()).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.text());
        let twice = send(&clinic, to, &[("content-type", FHIR)], &new.to_string()).await;
        assert_eq!(twice.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(twice.text().contains("coverage.taken"), "{}", twice.text());
        clinic.close().await;
    }
}

#[tokio::test]
async fn case_142_a_patient_sends_no_insurance_for_somebody_else() {
    for clinic in both().await {
        let maria = clinic.patient("active");
        let sean = clinic.patients("active").nth(1).expect("a second patient");
        let own = clinic.token(maria, EVERYTHING).await;
        let found = read(&clinic, &own, "/fhir/Coverage").await;
        let mut card = found["entry"][0]["resource"].clone();
        let other = format!("Patient/{}", sean.id);
        card["beneficiary"] = json!({"reference": other});
        let refused = put(&clinic, &own, &card).await;
        assert!(matches!(
            refused.status,
            StatusCode::FORBIDDEN | StatusCode::UNPROCESSABLE_ENTITY
        ));
        clinic.close().await;
    }
}
