//! What staff have removed: 410 to whose it was, 404 to everybody else.

use anteroom::domain::ResourceType;
use anteroom::emr::seen;
use axum::http::StatusCode;
use uuid::Uuid;

use crate::clinic::Clinic;
use crate::clinic::EVERYTHING;
use crate::clinic::engine::LAYOUTS;

async fn the_whole_story(clinic: Clinic) {
    let mut active = clinic.patients("active");
    let (maria, sean) = (active.next().expect("one"), active.next().expect("two"));
    let (mine, theirs) = (
        clinic.token(maria, EVERYTHING).await,
        clinic.token(sean, EVERYTHING).await,
    );
    let emr = &clinic.app.emr;
    let noted = seen::look(emr).await.expect("looked");
    assert!(noted > 50, "{noted}");
    assert_eq!(seen::look(emr).await.expect("looked"), 0, "once is enough");
    let mut ids = Vec::new();
    for (kind, search) in [
        (
            ResourceType::Appointment,
            "/fhir/Appointment?status=booked&_count=200",
        ),
        (
            ResourceType::DocumentReference,
            "/fhir/DocumentReference?_count=200",
        ),
        (ResourceType::Encounter, "/fhir/Encounter?_count=200"),
    ] {
        let found = clinic.get(search, &mine).await.json();
        // Forms of the Documents Center are rows of another table: they have no size.
        let is_row = |entry: &&serde_json::Value| {
            let attachment = &entry["resource"]["content"][0]["attachment"];
            kind != ResourceType::DocumentReference || attachment["size"].is_u64()
        };
        let mut entries = found["entry"].as_array().expect("entries").iter();
        let entry = entries.find(is_row).expect("one");
        let id = entry["resource"]["id"].as_str().expect("one").to_owned();
        ids.push((kind, id));
    }
    for (kind, id) in &ids {
        let path = format!("/fhir/{}/{id}", kind.name());
        assert_eq!(
            clinic.get(&path, &mine).await.status,
            StatusCode::OK,
            "{path}"
        );
        assert_eq!(
            clinic.get(&path, &theirs).await.status,
            StatusCode::NOT_FOUND,
            "{path}"
        );
    }
    let remove = "DELETE FROM openemr_postcalendar_events; DELETE FROM form_encounter; UPDATE documents SET deleted = 1";
    emr.db.script(remove).await.expect("removed");
    ids.push((ResourceType::Binary, ids[1].1.clone()));
    for (kind, id) in &ids {
        let path = format!("/fhir/{}/{id}", kind.name());
        let answer = clinic.get(&path, &mine).await;
        assert_eq!(answer.status, StatusCode::GONE, "{path}: {}", answer.text());
        assert_eq!(answer.issue(), "deleted");
        assert_eq!(
            clinic.get(&path, &theirs).await.status,
            StatusCode::NOT_FOUND,
            "{path}"
        );
        let never = format!(
            "/fhir/{}/{}",
            kind.name(),
            Uuid::from_u128(0x4000_8000_0000_0000_0001)
        );
        assert_eq!(
            clinic.get(&never, &mine).await.status,
            StatusCode::NOT_FOUND,
            "{path}"
        );
    }
    clinic.close().await;
}

#[tokio::test]
async fn what_staff_removed_is_gone_for_whose_it_was() {
    the_whole_story(Clinic::open().await).await;
}

#[tokio::test]
async fn what_staff_removed_is_gone_on_mariadb_in_every_layout() {
    for layout in LAYOUTS {
        if let Some(clinic) = Clinic::on_mariadb(layout).await {
            the_whole_story(clinic).await;
        }
    }
}
