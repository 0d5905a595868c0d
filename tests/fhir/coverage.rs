//! Insurances: read with their insurer, sent by patients for review, written by staff.

use anteroom::db::sql::Sql;
use axum::http::StatusCode;
use serde_json::json;
use uuid::Uuid;

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

/// The test's insurance, and what it says of whoever is insured.
const WHOSE: &str = "SELECT CONCAT_WS('|', subscriber_relationship, subscriber_fname, COALESCE(subscriber_mname, ''), \
    subscriber_lname, COALESCE(subscriber_ss, ''), COALESCE(CAST(subscriber_DOB AS CHAR), '-'), \
    COALESCE(subscriber_sex, ''), COALESCE(subscriber_street, ''), COALESCE(subscriber_city, ''), \
    COALESCE(subscriber_phone, ''), COALESCE(subscriber_employer, '')) AS text \
    FROM insurance_data WHERE policy_number = 'WHOSE-1'";

/// The same, as the chart says it of the patient.
const PATIENTS: &str = "SELECT CONCAT_WS('|', 'self', fname, COALESCE(mname, ''), lname, '', \
    COALESCE(CAST(DOB AS CHAR), '-'), COALESCE(sex, ''), COALESCE(street, ''), COALESCE(city, ''), \
    COALESCE(phone_home, ''), '') AS text FROM patient_data \
    WHERE pid = (SELECT pid FROM insurance_data WHERE policy_number = 'WHOSE-1')";

#[tokio::test]
async fn f148_nothing_of_who_was_insured_stays_beside_somebody_elses_name() {
    for clinic in both().await {
        let maria = clinic.patient("active");
        let own = clinic.token(maria, EVERYTHING).await;
        let found = read(&clinic, &own, "/fhir/Coverage").await;
        let id = found["entry"][0]["resource"]["id"].as_str().expect("an id");
        let id: Uuid = id.parse().expect("an id");
        let spouses = Sql::new(
            "UPDATE insurance_data SET policy_number = 'WHOSE-1', subscriber_relationship = 'spouse', \
             subscriber_fname = 'Pat', subscriber_mname = 'Q', subscriber_lname = 'Kim', subscriber_ss = '123', \
             subscriber_DOB = '1970-01-02', subscriber_sex = 'Male', subscriber_street = '9 Ash', \
             subscriber_city = 'Troy', subscriber_phone = '555-9', subscriber_employer = 'Mill' WHERE uuid = ?",
        );
        let done = clinic.app.emr.db.run(spouses.bind(id)).await;
        assert_eq!(done.expect("changes"), 1);
        let staff = manager(&clinic).await;
        let path = format!("/fhir/Coverage/{id}");
        let related = |code: &str| {
            json!({"coding": [{"system":
            "http://terminology.hl7.org/CodeSystem/subscriber-relationship", "code": code}]})
        };
        for (code, name, says) in [
            (
                "spouse",
                "Pat Kim",
                "spouse|Pat|Q|Kim|123|1970-01-02|Male|9 Ash|Troy|555-9|Mill",
            ),
            (
                "spouse",
                "Lee Park",
                "spouse|Lee||Park||-||9 Ash|Troy|555-9|",
            ),
            ("self", "", ""),
            ("child", "Jo Park", "child|Jo||Park||-|||||"),
        ] {
            let mut card = read(&clinic, &staff, &path).await;
            card["relationship"] = related(code);
            match name {
                "" => {
                    card.as_object_mut()
                        .expect("an object")
                        .remove("subscriber");
                }
                name => card["subscriber"] = json!({"display": name}),
            }
            let done = put(&clinic, &staff, &card).await;
            assert_eq!(done.status, StatusCode::OK, "{}", done.text());
            let expected = match says {
                "" => clinic.look(PATIENTS).await,
                says => says.to_owned(),
            };
            assert_eq!(clinic.look(WHOSE).await, expected, "{code} {name}");
        }
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
