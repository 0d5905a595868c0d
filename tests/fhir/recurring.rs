//! A series of visits, told and called off one by one.

use axum::http::StatusCode;
use serde_json::Value;
use serde_json::json;

use crate::clinic::Clinic;
use crate::clinic::EVERYTHING;
use crate::clinic::engine::LAYOUTS;

/// The patient who comes every week, in the sandbox.
async fn weekly(clinic: &Clinic, token: &str) -> Vec<Value> {
    let found = clinic
        .get("/fhir/Appointment?_count=200", token)
        .await
        .json();
    let entries = found["entry"].as_array().cloned().unwrap_or_default();
    let all = entries.into_iter().map(|entry| entry["resource"].clone());
    all.filter(|visit| visit.to_string().contains("emr-series"))
        .collect()
}

async fn cancelled_alone(clinic: Clinic, layout: &str) {
    let mut found = None;
    for patient in clinic.patients("active") {
        let token = clinic.token(patient, EVERYTHING).await;
        let visits = weekly(&clinic, &token).await;
        if !visits.is_empty() {
            found = Some((token, visits));
        }
    }
    let (token, visits) = found.expect("somebody comes every week");
    assert!(visits.len() >= 8, "{} visits", visits.len());
    let now = clinic.app.emr.now();
    let parsed = |visit: &Value| {
        let start = visit["start"].as_str().expect("a start");
        time::OffsetDateTime::parse(start, &time::format_description::well_known::Rfc3339)
            .expect("a moment")
    };
    let to_come: Vec<&Value> = visits
        .iter()
        .filter(|visit| parsed(visit) > now + time::Duration::days(2))
        .collect();
    let visit = to_come[0];
    let id = visit["id"].as_str().expect("an id");
    let spec = "SELECT pc_recurrspec AS text FROM openemr_postcalendar_events WHERE pc_recurrtype > 0 AND pc_pid <> ''";
    let before = clinic.look(spec).await;
    let body = json!([
        {"op": "replace", "path": "/status", "value": "cancelled"},
        {"op": "add", "path": "/cancelationReason", "value": {"text": "Travelling"}}
    ]);
    let path = format!("/fhir/Appointment/{id}");
    let to = (path.as_str(), token.as_str());
    let answer = clinic
        .with_body("PATCH", to, "application/json-patch+json", body.to_string())
        .await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    assert_eq!(answer.json()["status"], "cancelled");
    if layout != "6.1" {
        let shown = clinic.get(&path, &token).await;
        assert_eq!(
            shown.status,
            StatusCode::OK,
            "it keeps its id: {}",
            shown.text()
        );
        assert_eq!(shown.json()["status"], "cancelled");
        assert_eq!(shown.json()["start"], visit["start"]);
    }
    let left = weekly(&clinic, &token).await;
    assert_eq!(left.len(), visits.len() - 1, "the others stay");
    let after = clinic.look(spec).await;
    let day: String = visit["start"]
        .as_str()
        .unwrap_or_default()
        .chars()
        .take(10)
        .filter(|letter| *letter != '-')
        .collect();
    assert!(after.contains(&day) && !before.contains(&day), "{after}");
    let row = clinic.look("SELECT CONCAT_WS('|', pc_apptstatus, pc_recurrtype) AS text FROM openemr_postcalendar_events ORDER BY pc_eid DESC").await;
    assert_eq!(row, "x|0");
    clinic.close().await;
}

#[tokio::test]
async fn f127_one_visit_of_a_series_is_cancelled_alone() {
    cancelled_alone(Clinic::open().await, "").await;
}

#[tokio::test]
async fn f127_one_visit_of_a_series_on_mariadb_in_every_layout() {
    for layout in LAYOUTS {
        if let Some(clinic) = Clinic::on_mariadb(layout).await {
            cancelled_alone(clinic, layout).await;
        }
    }
}
