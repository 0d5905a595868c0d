//! A decision is one transaction: whatever statement of it fails, nothing of it happened, and it can be made again.

use anteroom::db::Db;
use axum::http::StatusCode;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use serde_json::json;

use crate::clinic::Clinic;
use crate::clinic::EVERYTHING;
use crate::fhir::chart::both;
use crate::fhir::chart::manager;
use crate::fhir::chart::put;
use crate::fhir::chart::read;
use crate::fhir::message::WRITES;
use crate::fhir::write::FHIR;

/// Lets the next change of this kind in a table fail.
async fn stop(clinic: &Clinic, (event, table): (&str, &str)) {
    let db = &clinic.app.emr.db;
    let text = match db {
        Db::Sqlite { .. } => format!(
            "CREATE TRIGGER stopped BEFORE {event} ON {table} BEGIN SELECT RAISE(ABORT, 'stopped'); END"
        ),
        Db::MySql(_) => format!(
            "CREATE TRIGGER stopped BEFORE {event} ON {table} FOR EACH ROW SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'stopped'"
        ),
    };
    db.script(&text).await.expect("a trigger");
}

async fn go_on(clinic: &Clinic) {
    let db = &clinic.app.emr.db;
    db.script("DROP TRIGGER stopped").await.expect("no trigger");
}

/// Everything a decision may touch, as one text.
async fn state(clinic: &Clinic) -> String {
    let rows = "SELECT CONCAT_WS('|', \
        (SELECT GROUP_CONCAT(CONCAT(pid, city, lname) ORDER BY pid) FROM patient_data), \
        (SELECT COUNT(*) FROM patient_history), (SELECT COUNT(*) FROM uuid_registry), \
        (SELECT GROUP_CONCAT(CONCAT(status, COALESCE(pending_action, '')) ORDER BY id) FROM onsite_portal_activity), \
        (SELECT GROUP_CONCAT(status ORDER BY id) FROM anteroom_review), \
        (SELECT GROUP_CONCAT(CONCAT(state, reason) ORDER BY document) FROM anteroom_upload), \
        (SELECT CONCAT(COUNT(*), SUM(deleted)) FROM documents), \
        (SELECT GROUP_CONCAT(CONCAT(denial_reason, accept_signed_status) ORDER BY id) FROM onsite_documents), \
        (SELECT GROUP_CONCAT(category_id ORDER BY document_id) FROM categories_to_documents), \
        (SELECT COUNT(*) FROM anteroom_change)) AS text";
    clinic.look(rows).await
}

/// Tries a decision with each statement failing, then with none.
pub(super) async fn tried(clinic: &Clinic, (at, also): (&str, Value), steps: &[(&str, &str)]) {
    let staff = manager(clinic).await;
    let mut task = read(clinic, &staff, at).await;
    for (name, value) in also.as_object().expect("an object") {
        task[name] = value.clone();
    }
    let before = state(clinic).await;
    for step in steps {
        stop(clinic, *step).await;
        let broken = put(clinic, &staff, &task).await;
        assert!(
            broken.status.is_server_error(),
            "{step:?} {} {}",
            broken.status,
            broken.text()
        );
        go_on(clinic).await;
        assert_eq!(state(clinic).await, before, "{step:?}");
    }
    let done = put(clinic, &staff, &task).await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.text());
    assert_ne!(state(clinic).await, before);
}

#[tokio::test]
async fn f148_a_decision_about_a_profile_happens_whole_or_not_at_all() {
    for clinic in both().await {
        let sean = clinic.patients("active").nth(1).expect("a second patient");
        let own = clinic.token(sean, EVERYTHING).await;
        let path = format!("/fhir/Patient/{}", sean.id);
        let mut chart = read(&clinic, &own, &path).await;
        let names = chart["name"].as_array().expect("names");
        let name = names.iter().position(|one| one["use"] == "official");
        chart["name"][name.unwrap_or_default()]["family"] = json!("Whole");
        let waits = put(&clinic, &own, &chart).await;
        assert_eq!(waits.status, StatusCode::ACCEPTED, "{}", waits.text());
        let id = waits
            .header("location")
            .split("/Task/")
            .nth(1)
            .expect("a Task");
        let at = format!("/fhir/Task/{}", id.split('/').next().unwrap_or_default());
        let steps = [
            ("UPDATE", "patient_data"),
            ("INSERT", "patient_history"),
            ("INSERT", "uuid_registry"),
            ("UPDATE", "onsite_portal_activity"),
            ("UPDATE", "anteroom_review"),
            ("INSERT", "anteroom_change"),
            ("INSERT", "anteroom_audit"),
        ];
        tried(&clinic, (&at, json!({"status": "completed"})), &steps).await;
        clinic.close().await;
    }
}

#[tokio::test]
async fn f150_a_decision_about_a_document_happens_whole_or_not_at_all() {
    for clinic in both().await {
        let maria = clinic.patient("active");
        let own = clinic.token(maria, WRITES).await;
        let sent = || async {
            let paper = json!({"resourceType": "DocumentReference", "status": "current", "content": [{"attachment":
                {"contentType": "text/plain", "data": STANDARD.encode("x"), "title": "a.txt"}}]});
            let to = ("/fhir/DocumentReference", own.as_str());
            let made = clinic.with_body("POST", to, FHIR, paper.to_string()).await;
            assert_eq!(made.status, StatusCode::CREATED, "{}", made.text());
            let staff = manager(&clinic).await;
            let found = read(
                &clinic,
                &staff,
                "/fhir/Task?code=review-document&status=requested",
            )
            .await;
            let id = found["entry"][0]["resource"]["id"]
                .as_str()
                .expect("a Task")
                .to_owned();
            format!("/fhir/Task/{id}")
        };
        let filed = json!({"status": "completed",
            "output": [{"type": {"text": "category"}, "valueString": "Lab Report"}]});
        let steps = [
            ("UPDATE", "categories_to_documents"),
            ("UPDATE", "anteroom_upload"),
            ("UPDATE", "anteroom_review"),
            ("INSERT", "anteroom_change"),
            ("INSERT", "anteroom_audit"),
        ];
        tried(&clinic, (&sent().await, filed), &steps).await;
        let refused = json!({"status": "rejected", "statusReason": {"text": "Not readable."}});
        let steps = [
            ("UPDATE", "documents"),
            ("UPDATE", "anteroom_upload"),
            ("UPDATE", "anteroom_review"),
            ("INSERT", "anteroom_audit"),
        ];
        tried(&clinic, (&sent().await, refused), &steps).await;
        clinic.close().await;
    }
}
