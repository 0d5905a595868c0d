//! Asking for a visit and what staff make of it, through to OpenEMR's own rows: F121 to F136.

use axum::http::StatusCode;
use serde_json::Value;
use serde_json::json;

use crate::clinic::Answer;
use crate::clinic::Clinic;
use crate::clinic::EVERYTHING;
use crate::clinic::engine::LAYOUTS;
use crate::fhir::reach;

const JSON: &str = "application/fhir+json";
const PATCH: &str = "application/json-patch+json";

/// May read, ask for, change and search.
const ASKING: &str = "openid fhirUser launch/patient patient/*.crus";

/// The sandbox's calendar where a visit of this kind has room: its Slots, one provider's.
pub(super) async fn free(clinic: &Clinic, token: &str, more: &str) -> Vec<Value> {
    let found = clinic.get("/fhir/Schedule", token).await.json();
    let schedule = found["entry"][0]["resource"]["id"]
        .as_str()
        .expect("a calendar");
    let path = format!("/fhir/Slot?schedule={schedule}&status=free&_count=20{more}");
    let found = clinic.get(&path, token).await;
    assert_eq!(found.status, StatusCode::OK, "{}", found.text());
    let entries = found.json()["entry"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    let free = entries.into_iter().map(|entry| entry["resource"].clone());
    free.filter(|slot| slot["resourceType"] == "Slot").collect()
}

/// The provider a Slot is with, as a reference.
async fn provider(clinic: &Clinic, token: &str, slot: &Value) -> String {
    let schedule = slot["schedule"]["reference"].as_str().expect("a schedule");
    let found = clinic.get(&format!("/fhir/{schedule}"), token).await.json();
    let actor = found["actor"][0]["reference"].as_str();
    actor.expect("a provider").to_owned()
}

fn wanted(patient: &str, provider: &str, start: &Value) -> Value {
    json!({
        "resourceType": "Appointment",
        "status": "proposed",
        "serviceType": [{"coding": [{"code": "office_visit"}]}],
        "reasonCode": [{"text": "Cough & cold"}],
        "start": start,
        "participant": [
            {"actor": {"reference": format!("Patient/{patient}")}, "status": "accepted"},
            {"actor": {"reference": provider}, "status": "needs-action"}
        ]
    })
}

async fn post(clinic: &Clinic, token: &str, body: &Value) -> Answer {
    let to = ("/fhir/Appointment", token);
    clinic.with_body("POST", to, JSON, body.to_string()).await
}

async fn patch(clinic: &Clinic, token: &str, id: &str, body: &Value) -> Answer {
    let path = format!("/fhir/Appointment/{id}");
    let to = (path.as_str(), token);
    clinic.with_body("PATCH", to, PATCH, body.to_string()).await
}

async fn the_whole_story(clinic: Clinic) {
    let maria = clinic.patient("active");
    let token = clinic.token(maria, ASKING).await;
    let slots = free(&clinic, &token, "&service-type=office_visit").await;
    let slot = slots.first().expect("free time");
    let with = provider(&clinic, &token, slot).await;
    let body = wanted(&maria.id, &with, &slot["start"]);
    let made = post(&clinic, &token, &body).await;
    assert_eq!(made.status, StatusCode::CREATED, "F121: {}", made.text());
    let found = clinic
        .get(
            &format!(
                "/fhir/Appointment?status=pending&date={}",
                slot["start"]
                    .as_str()
                    .unwrap_or_default()
                    .replace('+', "%2B")
            ),
            &token,
        )
        .await
        .json();
    let visit = &found["entry"][0]["resource"];
    assert_eq!(visit["status"], "pending", "F124: {found}");
    assert_eq!(visit["start"], slot["start"]);
    assert_eq!(visit["end"], slot["end"], "F122: as long as the category");
    assert_eq!(visit["participant"][1]["status"], "needs-action");
    let id = visit["id"].as_str().expect("an id").to_owned();
    let row = clinic.look("SELECT CONCAT_WS('|', pc_apptstatus, pc_catid, pc_title, pc_hometext, pc_duration, pc_recurrtype, pc_eventstatus, pc_sharing, pc_facility, pc_multiple, pc_alldayevent) AS text FROM openemr_postcalendar_events ORDER BY pc_eid DESC").await;
    assert_eq!(row, "^|5|Office Visit|Cough & cold|900|0|1|1|0|0|0", "F126");
    let note = clinic.look("SELECT body AS text FROM pnotes WHERE body LIKE '%A New Appointment request%' ORDER BY id DESC").await;
    assert!(
        note.contains("Reason Cough & cold. Use Portal Dashboard"),
        "{note}"
    );

    // The same time again: somebody was first, and what is free next is told.
    let again = post(&clinic, &token, &body).await;
    assert_eq!(again.status, StatusCode::CONFLICT, "{}", again.text());
    assert!(again.text().contains("Next free: 20"), "{}", again.text());
    let left = free(&clinic, &token, "&service-type=office_visit").await;
    assert!(left.iter().all(|left| left["start"] != slot["start"]));

    // A patient cannot confirm; staff can, with each of the calendar's marks, both ways.
    let confirm = json!([{"op": "replace", "path": "/status", "value": "booked"}]);
    let refused = patch(&clinic, &token, &id, &confirm).await;
    assert_eq!(
        refused.status,
        StatusCode::UNPROCESSABLE_ENTITY,
        "F124: {}",
        refused.text()
    );
    let staff = reach::token(&clinic, Some("dlee"), None, "user/*.crus").await;
    let answer = patch(&clinic, &staff, &id, &confirm).await;
    assert_eq!(answer.status, StatusCode::OK, "F129: {}", answer.text());
    for (row, mark) in [
        ("F130", "*"),
        ("F131", "EMAIL"),
        ("F132", "SMS"),
        ("F133", "AVM"),
    ] {
        let body = json!([{"op": "replace", "path": "/extension/0/valueCode", "value": mark}]);
        let answer = patch(&clinic, &staff, &id, &body).await;
        assert_eq!(answer.status, StatusCode::OK, "{row}: {}", answer.text());
        let shown = clinic
            .get(&format!("/fhir/Appointment/{id}"), &token)
            .await
            .json();
        assert_eq!(shown["status"], "booked", "{row}");
        assert_eq!(shown["extension"][0]["valueCode"], mark, "F136");
    }
    let call = json!([{"op": "replace", "path": "/status", "value": "waitlist"}]);
    assert_eq!(
        patch(&clinic, &staff, &id, &call).await.status,
        StatusCode::OK
    );
    let row = clinic.look("SELECT CONCAT_WS('|', e.pc_apptstatus, t.lastseq, t.original_user) AS text FROM openemr_postcalendar_events e JOIN patient_tracker t ON t.eid = e.pc_eid ORDER BY e.pc_eid DESC").await;
    assert_eq!(row, "CALL|6|dlee", "F134, and the flow board follows");
    clinic.close().await;
}

#[tokio::test]
async fn f121_to_f136_a_request_is_confirmed() {
    the_whole_story(Clinic::open().await).await;
}

#[tokio::test]
async fn f121_to_f136_on_mariadb_in_every_layout() {
    for layout in LAYOUTS {
        if let Some(clinic) = Clinic::on_mariadb(layout).await {
            the_whole_story(clinic).await;
        }
    }
}

#[tokio::test]
async fn f121_only_one_of_many_gets_the_time() {
    let mut clinics = vec![Clinic::open().await];
    clinics.extend(Clinic::on_mariadb("8.2").await);
    for clinic in clinics {
        let maria = clinic.patient("active");
        let token = clinic.token(maria, ASKING).await;
        let slots = free(&clinic, &token, "&service-type=office_visit").await;
        let with = provider(&clinic, &token, &slots[0]).await;
        let body = wanted(&maria.id, &with, &slots[0]["start"]);
        let all = (0..12).map(|_| post(&clinic, &token, &body));
        let answers = futures_util::future::join_all(all).await;
        let made = answers
            .iter()
            .filter(|one| one.status == StatusCode::CREATED)
            .count();
        let told: Vec<StatusCode> = answers.iter().map(|one| one.status).collect();
        assert_eq!(made, 1, "{told:?}");
        let rest = |one: &&Answer| one.status == StatusCode::CONFLICT;
        assert_eq!(answers.iter().filter(rest).count(), 11, "{told:?}");
        clinic.close().await;
    }
}

#[tokio::test]
async fn every_rule_of_a_request_is_told_by_code() {
    let clinic = Clinic::open().await;
    let maria = clinic.patient("active");
    let token = clinic.token(maria, ASKING).await;
    let slots = free(&clinic, &token, "&service-type=office_visit").await;
    let with = provider(&clinic, &token, &slots[0]).await;
    let good = wanted(&maria.id, &with, &slots[0]["start"]);
    type Spoil = fn(&mut Value);
    let spoilt: [(&str, Spoil); 5] = [
        ("book.status", |body| body["status"] = json!("booked")),
        ("book.past", |body| {
            body["start"] = json!("2020-01-06T09:00:00-05:00")
        }),
        ("book.ahead", |body| {
            body["start"] = json!("2036-01-07T09:00:00-05:00")
        }),
        ("book.category", |body| {
            body["serviceType"][0]["coding"][0]["code"] = json!("no_show");
        }),
        ("book.length", |body| body["minutesDuration"] = json!(45)),
    ];
    for (code, spoil) in spoilt {
        let mut body = good.clone();
        spoil(&mut body);
        let answer = post(&clinic, &token, &body).await;
        assert_eq!(
            answer.status,
            StatusCode::UNPROCESSABLE_ENTITY,
            "{code}: {}",
            answer.text()
        );
        let issues = answer.json()["issue"].to_string();
        assert!(issues.contains(code), "{code}: {issues}");
    }
    // Another patient is refused without a look at whether there is one.
    let mut foreign = good.clone();
    foreign["participant"][0]["actor"]["reference"] =
        json!("Patient/00000000-0000-4000-8000-000000000001");
    assert_eq!(
        post(&clinic, &token, &foreign).await.status,
        StatusCode::FORBIDDEN
    );
    // Without the letter c nothing is asked for.
    let reader = clinic.token(maria, EVERYTHING).await;
    assert_eq!(
        post(&clinic, &reader, &good).await.status,
        StatusCode::FORBIDDEN
    );
    clinic.close().await;
}

#[tokio::test]
async fn f129_staff_book_move_and_decline() {
    let clinic = Clinic::open().await;
    let maria = clinic.patient("active");
    let token = clinic.token(maria, ASKING).await;
    let staff = reach::token(&clinic, Some("dlee"), None, "user/*.crus").await;
    let slots = free(&clinic, &token, "&service-type=office_visit").await;
    let with = provider(&clinic, &token, &slots[0]).await;
    let mut body = wanted(&maria.id, &with, &slots[0]["start"]);
    body["status"] = json!("booked");
    for _ in 0..2 {
        let made = post(&clinic, &staff, &body).await;
        assert_eq!(
            made.status,
            StatusCode::CREATED,
            "staff may book twice: {}",
            made.text()
        );
    }
    let found = clinic
        .look("SELECT CONCAT_WS('|', COUNT(*), MIN(pc_apptstatus)) AS text FROM openemr_postcalendar_events WHERE pc_hometext = 'Cough & cold'")
        .await;
    assert_eq!(found, "2|-");
    let day = slots[0]["start"]
        .as_str()
        .and_then(|start| start.get(..10))
        .expect("a day");
    let found = clinic
        .get(
            &format!("/fhir/Appointment?date={day}&status=booked&_count=50"),
            &token,
        )
        .await
        .json();
    let visit = found["entry"]
        .as_array()
        .expect("visits")
        .iter()
        .map(|entry| &entry["resource"]);
    let visit = visit
        .clone()
        .find(|one| one["comment"] == "Cough & cold")
        .expect("the visit");
    let id = visit["id"].as_str().expect("an id");
    let moved = json!([
        {"op": "replace", "path": "/start", "value": slots[3]["start"]},
        {"op": "replace", "path": "/end", "value": slots[3]["end"]}
    ]);
    let answer = patch(&clinic, &staff, id, &moved).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    let shown = clinic
        .get(&format!("/fhir/Appointment/{id}"), &token)
        .await
        .json();
    assert_eq!(shown["start"], slots[3]["start"]);
    let decline = json!([
        {"op": "replace", "path": "/status", "value": "cancelled"},
        {"op": "add", "path": "/cancelationReason", "value": {"text": "The doctor is ill"}}
    ]);
    let answer = patch(&clinic, &staff, id, &decline).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    let shown = clinic
        .get(&format!("/fhir/Appointment/{id}"), &token)
        .await
        .json();
    assert_eq!(shown["status"], "cancelled");
    assert!(
        shown["comment"]
            .as_str()
            .is_some_and(|text| text.ends_with("The doctor is ill"))
    );
    clinic.close().await;
}
