//! `Appointment/$find`, `$hold` and `$book` (Argonaut Scheduling on R4), and the practice's settings for booking.

use anteroom::config::booking::CancelledTime;
use anteroom::config::booking::Confirm;
use anteroom::db::sql::Sql;
use axum::http::StatusCode;
use futures_util::future::join_all;
use serde_json::Value;
use serde_json::json;
use time::Duration;

use crate::clinic::Answer;
use crate::clinic::Clinic;
use crate::clinic::engine::LAYOUTS;
use crate::fhir::reach;

const JSON: &str = "application/fhir+json";

const ASKING: &str = "openid fhirUser launch/patient patient/*.crus";

pub(super) async fn post(clinic: &Clinic, (path, token): (&str, &str), body: &Value) -> Answer {
    let path = format!("/fhir/{path}");
    clinic
        .with_body("POST", (&path, token), JSON, body.to_string())
        .await
}

/// What `$find` offers in four weeks from the day after tomorrow on: what may still be called off, for which the practice wants
/// a day's notice.
pub(super) async fn offers(clinic: &Clinic, token: &str, more: &str) -> Value {
    let from = clinic.app.emr.now() + Duration::days(2);
    let until = (from + Duration::days(28)).date();
    let path = format!(
        "/fhir/Appointment/$find?start={}&end={until}&visit-type=office_visit{more}",
        from.date()
    );
    let found = clinic.get(&path, token).await;
    assert_eq!(found.status, StatusCode::OK, "{}", found.text());
    found.json()
}

pub(super) fn matches(bundle: &Value) -> Vec<Value> {
    let all = bundle["entry"].as_array().cloned().unwrap_or_default();
    let all = all.into_iter().map(|entry| entry["resource"].clone());
    all.filter(|one| one["resourceType"] == "Appointment")
        .collect()
}

fn named(name: &str, value: &Value) -> Value {
    json!({"name": name, "valueUri": value})
}

fn parameters(all: &[Value]) -> Value {
    json!({"resourceType": "Parameters", "parameter": all})
}

async fn find_hold_book_and_move(clinic: Clinic) {
    let maria = clinic.patient("active");
    let sean = clinic.patients("active").nth(1).expect("another");
    let token = clinic.token(maria, ASKING).await;
    let other = clinic.token(sean, ASKING).await;
    let found = matches(&offers(&clinic, &token, "").await);
    let first = &found[0];
    assert_eq!(first["status"], "proposed", "{first}");
    assert!(
        first["slot"][0]["reference"]
            .as_str()
            .is_some_and(|slot| slot.starts_with("Slot/"))
    );
    assert_eq!(first["participant"][0]["status"], "needs-action");
    let starts: Vec<&str> = found
        .iter()
        .filter_map(|one| one["start"].as_str())
        .collect();
    assert!(starts.is_sorted(), "the first first");

    // Held by its id: others are offered it no more, whoever holds it is.
    let body = parameters(&[named("appt-id", &first["id"])]);
    let held = post(&clinic, ("Appointment/$hold", &token), &body).await;
    assert_eq!(held.status, StatusCode::OK, "{}", held.text());
    assert!(!held.header("expires").is_empty());
    let held = matches(&held.json())[0].clone();
    assert_eq!(
        (&held["status"], &held["start"]),
        (&json!("pending"), &first["start"])
    );
    let same = |bundle: &Value| {
        let all = matches(bundle);
        all.iter().any(|one| one["id"] == first["id"])
    };
    assert!(
        !same(&offers(&clinic, &other, "").await),
        "held for somebody else"
    );
    assert!(same(&offers(&clinic, &token, "").await), "held for me");
    let taken = post(&clinic, ("Appointment/$book", &other), &body).await;
    assert_eq!(taken.status, StatusCode::CONFLICT, "{}", taken.text());
    assert!(taken.text().contains("Next free: 20"), "{}", taken.text());
    let rows = clinic.look("SELECT CAST(COUNT(*) AS CHAR) AS text FROM openemr_postcalendar_events WHERE pc_apptstatus = '^' AND pc_hometext = 'Cough'").await;
    assert_eq!(rows, "0", "a hold is no row of OpenEMR's");

    // Booked by the id of the hold.
    let body = parameters(&[
        named("appt-id", &held["id"]),
        json!({"name": "comment", "valueString": "Cough"}),
    ]);
    let booked = post(&clinic, ("Appointment/$book", &token), &body).await;
    assert_eq!(booked.status, StatusCode::OK, "{}", booked.text());
    let booked = matches(&booked.json())[0].clone();
    assert_eq!(
        (&booked["status"], &booked["comment"]),
        (&json!("pending"), &json!("Cough"))
    );
    let row = clinic.look("SELECT CONCAT_WS('|', pc_apptstatus, pc_title, pc_duration) AS text FROM openemr_postcalendar_events WHERE pc_hometext = 'Cough'").await;
    assert_eq!(row, "^|Office Visit|900");
    let holds = clinic
        .look("SELECT CAST(COUNT(*) AS CHAR) AS text FROM anteroom_hold")
        .await;
    assert_eq!(holds, "0", "the hold is used up");

    // Moved in one step, sent as $find told it: the old one is called off, the new one asked for.
    let place = format!("&practitioner={}", reference(&booked));
    let later = matches(&offers(&clinic, &token, &place).await);
    let later = later.last().expect("free time").clone();
    let old = booked["id"].as_str().expect("an id");
    let body = parameters(&[
        json!({"name": "appt-resource", "resource": later}),
        json!({"name": "cancelled-appt-id", "valueUri": format!("Appointment/{old}")}),
    ]);
    let moved = post(&clinic, ("Appointment/$book", &token), &body).await;
    assert_eq!(moved.status, StatusCode::OK, "{}", moved.text());
    let moved = matches(&moved.json())[0].clone();
    assert_eq!(
        (&moved["status"], &moved["start"]),
        (&json!("pending"), &later["start"])
    );
    let gone = clinic
        .get(&format!("/fhir/Appointment/{old}"), &token)
        .await
        .json();
    assert_eq!(gone["status"], "cancelled");
    let note = clinic
        .look("SELECT body AS text FROM pnotes ORDER BY id DESC")
        .await;
    assert!(
        note.contains("An Updated Appointment request") && note.contains("instead of 20"),
        "{note}"
    );

    // Where the new time cannot be had nothing is given up.
    let id = moved["id"].as_str().expect("an id");
    let body = parameters(&[
        json!({"name": "appt-resource", "resource": first}),
        json!({"name": "cancelled-appt-id", "valueUri": id}),
    ]);
    let blocked = post(&clinic, ("Appointment/$book", &token), &body).await;
    assert_eq!(
        blocked.status,
        StatusCode::CONFLICT,
        "cancelled time stays taken: {}",
        blocked.text()
    );
    let kept = clinic
        .get(&format!("/fhir/Appointment/{id}"), &token)
        .await
        .json();
    assert_eq!(kept["status"], "pending");
    // Somebody else's visit cannot be given up, and is not told of.
    let theirs = matches(&offers(&clinic, &other, "").await);
    let body = parameters(&[
        json!({"name": "appt-resource", "resource": theirs[4]}),
        json!({"name": "cancelled-appt-id", "valueUri": id}),
    ]);
    let foreign = post(&clinic, ("Appointment/$book", &other), &body).await;
    assert_eq!(foreign.status, StatusCode::NOT_FOUND, "{}", foreign.text());
    clinic.close().await;
}

/// The provider of a visit, as a query has it.
fn reference(visit: &Value) -> String {
    let all = visit["participant"].as_array().expect("participants");
    let mut named = all
        .iter()
        .filter_map(|one| one["actor"]["reference"].as_str());
    let provider = named.find(|one| one.starts_with("Practitioner/"));
    provider.expect("a provider").to_owned()
}

#[tokio::test]
async fn f121_found_held_booked_and_moved() {
    find_hold_book_and_move(Clinic::open().await).await;
}

#[tokio::test]
async fn f121_found_held_booked_and_moved_on_mariadb_in_every_layout() {
    for layout in LAYOUTS {
        if let Some(clinic) = Clinic::on_mariadb(layout).await {
            find_hold_book_and_move(clinic).await;
        }
    }
}

#[tokio::test]
async fn a_hold_ends_and_a_patient_has_one() {
    let clinic = Clinic::open().await;
    let token = clinic.token(clinic.patient("active"), ASKING).await;
    let second = clinic.patients("active").nth(1).expect("another");
    let other = clinic.token(second, ASKING).await;
    let found = matches(&offers(&clinic, &token, "").await);
    for one in [&found[0], &found[1]] {
        let body = parameters(&[named("appt-id", &one["id"])]);
        let held = post(&clinic, ("Appointment/$hold", &token), &body).await;
        assert_eq!(held.status, StatusCode::OK, "{}", held.text());
    }
    let seen = matches(&offers(&clinic, &other, "").await);
    let sees = |one: &Value| seen.iter().any(|known| known["id"] == one["id"]);
    assert!(
        sees(&found[0]) && !sees(&found[1]),
        "the second let the first go"
    );
    clinic.wait(Duration::minutes(6));
    let other = clinic.token(second, ASKING).await;
    let seen = matches(&offers(&clinic, &other, "").await);
    assert!(
        seen.iter().any(|known| known["id"] == found[1]["id"]),
        "it has ended"
    );
    clinic.close().await;
}

#[tokio::test]
async fn f125_a_calendar_that_is_not_set_up_says_so_with_a_code() {
    let clinic = Clinic::open().await;
    let token = clinic.token(clinic.patient("active"), ASKING).await;
    let found = matches(&offers(&clinic, &token, "").await);
    let provider = reference(&found[0]);
    let drop = "DELETE FROM openemr_postcalendar_events WHERE pc_catid = 2";
    clinic
        .app
        .emr
        .db
        .run(Sql::new(drop))
        .await
        .expect("removed");
    let none = offers(&clinic, &token, &format!("&practitioner={provider}")).await;
    assert!(matches(&none).is_empty());
    let told = none["entry"][0]["resource"]["issue"][0]["details"].clone();
    assert_eq!(
        told["coding"][0]["code"], "schedule-not-configured",
        "{none}"
    );
    assert!(
        told["text"]
            .as_str()
            .is_some_and(|text| text.contains("Out Of Office"))
    );
    // Nobody such, nothing such, nothing free: each has its own word.
    let nobody = "&practitioner=00000000-0000-4000-8000-000000000001";
    let none = offers(&clinic, &token, nobody).await;
    assert!(none.to_string().contains("book.provider"), "{none}");
    let none = offers(&clinic, &token, "&specialty=nothing+of+the+kind").await;
    assert!(none.to_string().contains("book.provider"), "{none}");
    let body = parameters(&[named("appt-id", &found[0]["id"])]);
    let refused = post(&clinic, ("Appointment/$book", &token), &body).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        refused.text().contains("schedule-not-configured"),
        "{}",
        refused.text()
    );
    clinic.close().await;
}

#[tokio::test]
async fn the_practice_says_how_soon_how_far_and_how_many() {
    let clinic = Clinic::with(|config| {
        config.booking.notice = Duration::hours(48);
        config.booking.ahead = Duration::days(10);
        config.booking.open = Some(2);
    })
    .await;
    let token = clinic.token(clinic.patient("active"), ASKING).await;
    let found = matches(&offers(&clinic, &token, "").await);
    let now = clinic.app.emr.now();
    for one in &found {
        let start = one["start"].as_str().expect("a start");
        let start =
            time::OffsetDateTime::parse(start, &time::format_description::well_known::Rfc3339)
                .expect("an instant");
        let away = start - now;
        assert!(
            away >= Duration::hours(48) && away <= Duration::days(11),
            "{start}"
        );
    }
    // Eight at once, two may wait.
    let clear =
        "UPDATE openemr_postcalendar_events SET pc_apptstatus = '-' WHERE pc_apptstatus = '^'";
    clinic
        .app
        .emr
        .db
        .run(Sql::new(clear))
        .await
        .expect("answered");
    let bodies: Vec<Value> = found
        .iter()
        .take(8)
        .map(|one| parameters(&[named("appt-id", &one["id"])]))
        .collect();
    let all = bodies
        .iter()
        .map(|body| post(&clinic, ("Appointment/$book", &token), body));
    let answers = join_all(all).await;
    let made = answers
        .iter()
        .filter(|one| one.status == StatusCode::OK)
        .count();
    assert_eq!(made, 2);
    let refused = answers.iter().find(|one| one.status != StatusCode::OK);
    let refused = refused.expect("the others");
    assert_eq!(
        refused.status,
        StatusCode::UNPROCESSABLE_ENTITY,
        "{}",
        refused.text()
    );
    assert!(refused.text().contains("book.open"), "{}", refused.text());
    let rows = clinic
        .look("SELECT CAST(COUNT(*) AS CHAR) AS text FROM anteroom_visit")
        .await;
    assert_eq!(rows, "2");
    clinic.close().await;
}

#[tokio::test]
async fn f124_a_category_may_be_confirmed_at_once() {
    let clinic = Clinic::with(|config| {
        config.booking.confirm = Confirm::Of(vec!["office_visit".to_owned()]);
    })
    .await;
    let token = clinic.token(clinic.patient("active"), ASKING).await;
    let found = matches(&offers(&clinic, &token, "").await);
    let body = parameters(&[named("appt-id", &found[0]["id"])]);
    let booked = post(&clinic, ("Appointment/$book", &token), &body).await;
    assert_eq!(booked.status, StatusCode::OK, "{}", booked.text());
    let booked = matches(&booked.json())[0].clone();
    assert_eq!(booked["status"], "booked");
    assert_eq!(booked["extension"][0]["valueCode"], "-");
    clinic.close().await;
}

#[tokio::test]
async fn cancelled_time_can_be_had_again_where_the_practice_says_so() {
    for (setting, expected) in [
        (CancelledTime::Blocks, StatusCode::CONFLICT),
        (CancelledTime::Frees, StatusCode::OK),
    ] {
        let clinic = Clinic::with(|config| {
            config.booking.cancelled = setting;
            config.cancel_notice = Duration::ZERO;
        })
        .await;
        let token = clinic.token(clinic.patient("active"), ASKING).await;
        let found = matches(&offers(&clinic, &token, "").await);
        let body = parameters(&[named("appt-id", &found[0]["id"])]);
        let booked = post(&clinic, ("Appointment/$book", &token), &body)
            .await
            .json();
        let id = matches(&booked)[0]["id"]
            .as_str()
            .expect("an id")
            .to_owned();
        let cancel = json!([{"op": "replace", "path": "/status", "value": "cancelled"}]);
        let path = format!("/fhir/Appointment/{id}");
        let kind = "application/json-patch+json";
        let to = (path.as_str(), token.as_str());
        let gone = clinic
            .with_body("PATCH", to, kind, cancel.to_string())
            .await;
        assert_eq!(gone.status, StatusCode::OK, "{}", gone.text());
        let again = post(&clinic, ("Appointment/$book", &token), &body).await;
        assert_eq!(again.status, expected, "{}", again.text());
        clinic.close().await;
    }
}

#[tokio::test]
async fn every_no_of_the_operations_says_what_is_wrong() {
    let clinic = Clinic::open().await;
    let maria = clinic.patient("active");
    let token = clinic.token(maria, ASKING).await;
    let reader = clinic
        .token(maria, "openid fhirUser launch/patient patient/*.rs")
        .await;
    let staff = reach::token(&clinic, Some("dlee"), None, "user/*.crus").await;
    let found = matches(&offers(&clinic, &token, "").await);
    let body = parameters(&[named("appt-id", &found[0]["id"])]);
    let no = post(&clinic, ("Appointment/$book", &reader), &body).await;
    assert_eq!(no.status, StatusCode::FORBIDDEN, "without c: {}", no.text());
    let no = clinic.get("/fhir/Appointment/$hold", &token).await;
    assert_eq!(no.status, StatusCode::METHOD_NOT_ALLOWED);
    let no = clinic
        .get("/fhir/Appointment/$find?start=2026-11-29", &token)
        .await;
    assert_eq!(no.status, StatusCode::BAD_REQUEST, "{}", no.text());
    let no = clinic
        .get(
            "/fhir/Appointment/$find?start=2026-11-29&end=2027-11-29",
            &token,
        )
        .await;
    assert_eq!(no.status, StatusCode::BAD_REQUEST, "{}", no.text());
    // Another patient's time is not asked for.
    let sean = clinic.patients("active").nth(1).expect("another");
    let foreign = parameters(&[
        named("appt-id", &found[0]["id"]),
        named("patient-id", &json!(format!("Patient/{}", sean.id))),
    ]);
    let no = post(&clinic, ("Appointment/$book", &token), &foreign).await;
    assert_eq!(no.status, StatusCode::FORBIDDEN, "{}", no.text());
    // Staff say for whom, and then it is booked.
    let no = post(&clinic, ("Appointment/$book", &staff), &body).await;
    assert_eq!(no.status, StatusCode::BAD_REQUEST, "{}", no.text());
    let yes = post(&clinic, ("Appointment/$book", &staff), &foreign).await;
    assert_eq!(yes.status, StatusCode::OK, "{}", yes.text());
    assert_eq!(matches(&yes.json())[0]["status"], "booked");
    let nothing = parameters(&[named(
        "appt-id",
        &json!("00000000-0000-4000-8000-000000000001"),
    )]);
    let no = post(&clinic, ("Appointment/$book", &token), &nothing).await;
    assert_eq!(no.status, StatusCode::BAD_REQUEST, "{}", no.text());
    clinic.close().await;
}
