//! Calendars and the time in them, as a patient's app sees them.

use axum::http::StatusCode;

use crate::clinic::Clinic;
use crate::clinic::EVERYTHING;
use crate::clinic::engine::LAYOUTS;

async fn times(clinic: Clinic) {
    let token = clinic.token(clinic.patient("active"), EVERYTHING).await;
    let found = clinic.get("/fhir/Schedule?active=true", &token).await;
    assert_eq!(found.status, StatusCode::OK, "{}", found.text());
    let found = found.json();
    let calendars = found["entry"].as_array().expect("calendars");
    assert_eq!(calendars.len(), 3, "{found}");
    for calendar in calendars {
        let calendar = &calendar["resource"];
        assert_eq!(
            calendar["actor"][0]["reference"]
                .as_str()
                .map(|actor| actor.starts_with("Practitioner/")),
            Some(true)
        );
        let id = calendar["id"].as_str().expect("an id");
        let all = clinic
            .get(&format!("/fhir/Slot?schedule={id}&_count=200"), &token)
            .await;
        assert_eq!(all.status, StatusCode::OK, "{}", all.text());
        let text = all.text();
        for told in ["Patient/", "comment", "Lunch", "Vacation"] {
            assert!(!text.contains(told), "a slot tells {told}");
        }
        let all = all.json();
        let entries = all["entry"].as_array().expect("slots");
        assert!(entries.len() > 20, "{}", entries.len());
        // The same in small pages, and each by its id.
        let mut pages = Vec::new();
        let mut path = Some(format!("/fhir/Slot?schedule={id}&_count=37"));
        while let Some(next) = path.take() {
            let page = clinic.get(&next, &token).await.json();
            pages.extend(page["entry"].as_array().cloned().unwrap_or_default());
            let links = page["link"].as_array().cloned().unwrap_or_default();
            let next = links.iter().find(|link| link["relation"] == "next");
            let next = next.and_then(|link| link["url"].as_str());
            path = next.and_then(|url| url.find("/fhir/").map(|at| url[at..].to_owned()));
            if pages.len() >= entries.len() {
                break;
            }
        }
        let ids = |list: &[serde_json::Value]| -> Vec<String> {
            let ids = list.iter().map(|entry| entry["resource"]["id"].to_string());
            ids.take(entries.len()).collect()
        };
        assert_eq!(ids(&pages), ids(entries));
        let first = entries[0]["resource"]["id"].as_str().expect("an id");
        let one = clinic.get(&format!("/fhir/Slot/{first}"), &token).await;
        assert_eq!(one.status, StatusCode::OK, "{}", one.text());
        assert_eq!(one.json()["start"], entries[0]["resource"]["start"]);
    }
    clinic.close().await;
}

#[tokio::test]
async fn f125_time_is_offered_in_pages_and_by_id() {
    times(Clinic::open().await).await;
}

#[tokio::test]
async fn f125_time_is_offered_on_mariadb_in_every_layout() {
    for layout in LAYOUTS {
        if let Some(clinic) = Clinic::on_mariadb(layout).await {
            times(clinic).await;
        }
    }
}
