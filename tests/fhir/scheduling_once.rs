//! What of booking may happen once, and what stands for a request in the queue: equal requests, limits, Tasks.

use axum::body::Body;
use axum::http::Request;
use axum::http::StatusCode;
use futures_util::future::join_all;
use serde_json::Value;
use serde_json::json;
use time::Duration;

use super::scheduling::matches;
use super::scheduling::offers;
use super::scheduling::post;
use crate::clinic::Answer;
use crate::clinic::Clinic;
use crate::fhir::reach;

const ASKING: &str = "openid fhirUser launch/patient patient/*.crus";

fn appt(id: &Value) -> Value {
    json!({"resourceType": "Parameters", "parameter": [{"name": "appt-id", "valueUri": id}]})
}

/// The same with a key.
async fn keyed(
    clinic: &Clinic,
    (path, token): (&str, &str),
    (key, body): (&str, &Value),
) -> Answer {
    let request = Request::post(format!("/fhir/{path}"))
        .header("authorization", format!("Bearer {token}"))
        .header("content-type", "application/fhir+json")
        .header("idempotency-key", key);
    let request = request.body(Body::from(body.to_string()));
    clinic.send(request.expect("a request")).await
}

#[tokio::test]
async fn f121_equal_requests_with_one_key_make_one_visit() {
    let mut clinics = vec![Clinic::open().await];
    clinics.extend(Clinic::on_mariadb("7.0.4").await);
    for clinic in clinics {
        let token = clinic.token(clinic.patient("active"), ASKING).await;
        let found = matches(&offers(&clinic, &token, "").await);
        let body = appt(&found[0]["id"]);
        let all = (0..6).map(|_| keyed(&clinic, ("Appointment/$book", &token), ("k1", &body)));
        let answers = join_all(all).await;
        let ids: Vec<Value> = answers
            .iter()
            .map(|answer| {
                assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
                matches(&answer.json())[0]["id"].clone()
            })
            .collect();
        assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
        let rows = clinic
            .look("SELECT CAST(COUNT(*) AS CHAR) AS text FROM anteroom_visit")
            .await;
        assert_eq!(rows, "1");
        // A hold that is asked for again is that hold, or has ended: never another one.
        let first = appt(&found[2]["id"]);
        let held = keyed(&clinic, ("Appointment/$hold", &token), ("k2", &first)).await;
        assert_eq!(held.status, StatusCode::OK, "{}", held.text());
        let again = keyed(&clinic, ("Appointment/$hold", &token), ("k2", &first)).await;
        assert_eq!(matches(&again.json()), matches(&held.json()));
        let second = post(
            &clinic,
            ("Appointment/$hold", &token),
            &appt(&found[3]["id"]),
        )
        .await;
        assert_eq!(second.status, StatusCode::OK, "{}", second.text());
        let ended = keyed(&clinic, ("Appointment/$hold", &token), ("k2", &first)).await;
        assert_eq!(ended.status, StatusCode::CONFLICT, "{}", ended.text());
        clinic.close().await;
    }
}

#[tokio::test]
async fn f134_asking_to_be_called_counts_as_a_request_that_waits() {
    let clinic = Clinic::with(|config| config.booking.open = Some(2)).await;
    let ana = clinic.patients("active").nth(1).expect("another patient");
    let token = clinic.token(ana, ASKING).await;
    let found = matches(&offers(&clinic, &token, "").await);
    let mut statuses = Vec::new();
    for one in found.iter().take(4) {
        let mut body = one.clone();
        body["status"] = json!("waitlist");
        let answer = post(&clinic, ("Appointment/$book", &token), &body).await;
        if answer.status == StatusCode::OK {
            let visit = matches(&answer.json())[0].clone();
            assert_eq!(visit["status"], "waitlist");
            assert_eq!(visit["extension"][0]["valueCode"], "CALL", "F134");
        }
        statuses.push(answer.status);
    }
    let made = statuses
        .iter()
        .filter(|one| **one == StatusCode::OK)
        .count();
    assert!(made <= 2, "{statuses:?}");
    assert_eq!(
        statuses[3],
        StatusCode::UNPROCESSABLE_ENTITY,
        "{statuses:?}"
    );
    clinic.close().await;
}

#[tokio::test]
async fn f124_a_request_is_a_task_until_it_is_answered() {
    let clinic = Clinic::open().await;
    let maria = clinic.patient("active");
    let token = clinic.token(maria, ASKING).await;
    let staff = reach::token(&clinic, Some("nhaddad"), None, "user/*.crus").await;
    let found = matches(&offers(&clinic, &token, "").await);
    let booked = post(
        &clinic,
        ("Appointment/$book", &token),
        &appt(&found[0]["id"]),
    )
    .await;
    let id = matches(&booked.json())[0]["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    let path = format!("/fhir/Task?focus=Appointment/{id}&patient={}", maria.id);
    let task = async |token: &str| {
        let found = clinic.get(&path, token).await;
        assert_eq!(found.status, StatusCode::OK, "{}", found.text());
        let found = found.json();
        assert_eq!(found["total"].as_u64().unwrap_or(1), 1, "{found}");
        found["entry"][0]["resource"].clone()
    };
    let waits = task(&staff).await;
    assert_eq!(waits["status"], "requested", "{waits}");
    assert_eq!(waits["code"]["coding"][0]["code"], "visit-request");
    assert_eq!(waits["focus"]["reference"], format!("Appointment/{id}"));
    assert_eq!(
        task(&token).await["id"],
        waits["id"],
        "the patient sees it too"
    );
    // It is answered at the visit, and says so.
    let own = waits["id"].as_str().expect("an id");
    let done = json!([{"op": "replace", "path": "/status", "value": "completed"}]);
    let to = (&*format!("/fhir/Task/{own}"), staff.as_str());
    let kind = "application/json-patch+json";
    let no = clinic.with_body("PATCH", to, kind, done.to_string()).await;
    assert_eq!(no.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", no.text());
    assert!(
        no.text().contains("Answer the visit itself"),
        "{}",
        no.text()
    );
    let confirm = json!([{"op": "replace", "path": "/status", "value": "booked"}]);
    let to = (&*format!("/fhir/Appointment/{id}"), staff.as_str());
    let yes = clinic
        .with_body("PATCH", to, kind, confirm.to_string())
        .await;
    assert_eq!(yes.status, StatusCode::OK, "{}", yes.text());
    assert_eq!(task(&token).await["status"], "completed");
    clinic.close().await;
}

#[tokio::test]
async fn what_is_held_is_promised_whoever_wants_to_hold_it() {
    let clinic = Clinic::open().await;
    let maria = clinic.patient("active");
    let token = clinic.token(maria, ASKING).await;
    let staff = reach::token(&clinic, Some("dlee"), None, "user/*.crus").await;
    let found = matches(&offers(&clinic, &token, "").await);
    let held = post(
        &clinic,
        ("Appointment/$hold", &token),
        &appt(&found[0]["id"]),
    )
    .await;
    assert_eq!(held.status, StatusCode::OK, "{}", held.text());
    let sean = clinic.patients("active").nth(1).expect("another");
    let mut body = appt(&found[0]["id"]);
    let whose = json!({"name": "patient-id", "valueUri": format!("Patient/{}", sean.id)});
    body["parameter"]
        .as_array_mut()
        .expect("a list")
        .push(whose);
    let no = post(&clinic, ("Appointment/$hold", &staff), &body).await;
    assert_eq!(no.status, StatusCode::CONFLICT, "{}", no.text());
    // Held again and again it ends all the same: four times as long at most.
    let mut last = StatusCode::OK;
    for _ in 0..6 {
        clinic.wait(Duration::minutes(4));
        let token = clinic.token(maria, ASKING).await;
        let again = post(
            &clinic,
            ("Appointment/$hold", &token),
            &appt(&found[0]["id"]),
        )
        .await;
        last = again.status;
    }
    assert_eq!(last, StatusCode::CONFLICT);
    clinic.close().await;
}

#[tokio::test]
async fn f125_a_search_for_slots_of_a_calendar_that_is_not_set_up_says_so() {
    let clinic = Clinic::open().await;
    let token = clinic.token(clinic.patient("active"), ASKING).await;
    let drop = "DELETE FROM openemr_postcalendar_events WHERE pc_catid = 2";
    let drop = anteroom::db::sql::Sql::new(drop);
    clinic.app.emr.db.run(drop).await.expect("removed");
    let found = clinic.get("/fhir/Schedule", &token).await.json();
    let id = found["entry"][0]["resource"]["id"]
        .as_str()
        .expect("a calendar");
    let slots = clinic
        .get(&format!("/fhir/Slot?schedule={id}"), &token)
        .await;
    assert_eq!(slots.status, StatusCode::OK, "{}", slots.text());
    let slots = slots.json();
    let told = &slots["entry"][0]["resource"]["issue"][0]["details"]["coding"][0];
    assert_eq!(told["code"], "schedule-not-configured", "{slots}");
    clinic.close().await;
}
