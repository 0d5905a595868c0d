//! Calling off: `PATCH` and `PUT Appointment.status=cancelled`, with the practice's rules (F127, F128, F135, F149).

use anteroom::db::Db;
use axum::body::Body;
use axum::http::Request;
use axum::http::StatusCode;
use serde_json::Value;
use serde_json::json;
use time::Duration;

use crate::clinic::Answer;
use crate::clinic::Clinic;
use crate::clinic::EVERYTHING;
use crate::clinic::engine::LAYOUTS;

pub(super) const PATCH: &str = "application/json-patch+json";
pub(super) const CANCEL: &str = r#"[{"op":"replace","path":"/status","value":"cancelled"}]"#;

/// The patient's first booked visit that is more than two days away and no series.
pub(super) async fn visit(clinic: &Clinic, token: &str) -> Value {
    let from = clinic
        .app
        .emr
        .zone
        .at(clinic.app.emr.now() + Duration::days(2))
        .date();
    let search = format!("/fhir/Appointment?status=booked&date=ge{from}&_count=200");
    let found = clinic.get(&search, token).await.json();
    let entries = found["entry"].as_array().cloned().unwrap_or_default();
    let single = |entry: &&Value| !entry.to_string().contains("emr-series");
    entries.iter().find(single).expect("a visit to cancel")["resource"].clone()
}

async fn patch(clinic: &Clinic, id: &str, token: &str, body: &str) -> Answer {
    let path = format!("/fhir/Appointment/{id}");
    clinic
        .with_body("PATCH", (&path, token), PATCH, body.to_owned())
        .await
}

async fn the_whole_story(clinic: Clinic) {
    let maria = clinic.patient("active");
    let token = clinic.token(maria, EVERYTHING).await;
    let before = visit(&clinic, &token).await;
    let id = before["id"].as_str().expect("an id");
    let body = r#"[{"op":"replace","path":"/status","value":"cancelled"},
        {"op":"add","path":"/cancelationReason","value":{"text":"Travelling"}}]"#;
    let answer = patch(&clinic, id, &token, body).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    let after = answer.json();
    assert_eq!(after["status"], "cancelled");
    assert_ne!(after["meta"]["versionId"], before["meta"]["versionId"]);
    assert_eq!(
        clinic
            .get(&format!("/fhir/Appointment/{id}"), &token)
            .await
            .json()["status"],
        "cancelled"
    );
    // The calendar's own mark, the note to staff, and the ledger: all there, and all told by one transaction.
    let marks = clinic.look("SELECT CAST(COUNT(*) AS CHAR) AS text FROM openemr_postcalendar_events WHERE pc_apptstatus = 'x' AND pc_hometext LIKE '%Cancelled by patient: Travelling'").await;
    assert_eq!(marks, "1", "F128");
    let note = clinic.look("SELECT body AS text FROM pnotes WHERE title = 'Patient Reminders' AND body LIKE '%cancelled the appointment%'").await;
    assert!(
        note.contains(&maria.name) && note.contains("Reason: Travelling."),
        "{note}"
    );
    let ledger = clinic.look("SELECT CONCAT_WS('|', outcome, resource, actor, client_id) AS text FROM anteroom_audit WHERE action = 'Appointment.cancel'").await;
    assert_eq!(
        ledger,
        format!("success|Appointment/{id}|Patient/{}|demo-public", maria.id)
    );
    let again = patch(&clinic, id, &token, CANCEL).await;
    assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(
        again.json()["issue"][0]["details"]["coding"][0]["code"],
        "cancel.status"
    );
    clinic.close().await;
}

#[tokio::test]
async fn f127_f128_a_patient_cancels_a_visit() {
    the_whole_story(Clinic::open().await).await;
}

#[tokio::test]
async fn f127_f128_on_mariadb_in_every_layout() {
    for layout in LAYOUTS {
        if let Some(clinic) = Clinic::on_mariadb(layout).await {
            the_whole_story(clinic).await;
        }
    }
}

#[tokio::test]
async fn every_broken_rule_is_told_with_code_sentence_and_place() {
    let clinic = Clinic::open().await;
    let token = clinic.token(clinic.patient("active"), EVERYTHING).await;
    let today = clinic.app.emr.zone.at(clinic.app.emr.now()).date();
    let past = clinic
        .get(
            &format!("/fhir/Appointment?status=booked&date=lt{today}"),
            &token,
        )
        .await
        .json();
    let past = past["entry"][0]["resource"]["id"]
        .as_str()
        .map(str::to_owned);
    if let Some(past) = past {
        let answer = patch(&clinic, &past, &token, CANCEL).await;
        assert_eq!(
            answer.json()["issue"][0]["details"]["coding"][0]["code"],
            "cancel.past"
        );
    }
    let future = visit(&clinic, &token).await;
    let start = future["start"].as_str().expect("a start");
    let start = time::OffsetDateTime::parse(start, &time::format_description::well_known::Rfc3339)
        .expect("a time");
    // An hour before the visit the sandbox's day of notice is gone; tokens are too, so a new one is asked for.
    clinic.wait(start - clinic.app.emr.now() - Duration::HOUR);
    let token = clinic.token(clinic.patient("active"), EVERYTHING).await;
    let id = future["id"].as_str().expect("an id");
    let answer = patch(&clinic, id, &token, CANCEL).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    let issue = answer.json()["issue"][0].clone();
    assert_eq!(issue["code"], "business-rule");
    assert_eq!(
        issue["details"]["coding"][0]["system"],
        "https://anteroom.dev/fhir/CodeSystem/reason"
    );
    assert_eq!(issue["details"]["coding"][0]["code"], "cancel.notice");
    assert!(
        issue["details"]["text"]
            .as_str()
            .expect("a sentence")
            .contains("24 hours")
    );
    let ledger = clinic.look("SELECT CONCAT_WS('|', outcome, reason) AS text FROM anteroom_audit WHERE action = 'Appointment.cancel' ORDER BY id DESC").await;
    assert_eq!(ledger, "refused|cancel.notice");
    clinic.close().await;
}

#[tokio::test]
async fn f011_only_the_status_may_change_and_the_rest_is_refused_by_name() {
    let clinic = Clinic::open().await;
    let token = clinic.token(clinic.patient("active"), EVERYTHING).await;
    let mut visit = visit(&clinic, &token).await;
    let id = visit["id"].as_str().expect("an id").to_owned();
    for (body, named) in [
        (
            r#"[{"op":"replace","path":"/start","value":"2030-01-01T10:00:00Z"}]"#,
            "start",
        ),
        (r#"[{"op":"remove","path":"/participant"}]"#, "participant"),
        (
            r#"[{"op":"replace","path":"/status","value":"booked"}]"#,
            "status",
        ),
        (
            r#"[{"op":"copy","from":"/comment","path":"/status"}]"#,
            "status",
        ),
        ("[]", "operation"),
    ] {
        let answer = patch(&clinic, &id, &token, body).await;
        let refused =
            [StatusCode::UNPROCESSABLE_ENTITY, StatusCode::BAD_REQUEST].contains(&answer.status);
        assert!(refused, "{body}: {}", answer.status);
        assert!(answer.text().contains(named), "{body}: {}", answer.text());
    }
    visit["status"] = json!("cancelled");
    visit["start"] = json!("2030-01-01T10:00:00Z");
    let version = visit["meta"]["versionId"].as_str().expect("a version");
    let seen = format!("W/\"{version}\"");
    let answer = put(&clinic, (&id, &token), Some(&seen), &visit).await;
    assert_eq!(
        answer.status,
        StatusCode::UNPROCESSABLE_ENTITY,
        "{}",
        answer.text()
    );
    assert!(
        answer.text().contains("Appointment.start"),
        "{}",
        answer.text()
    );
    let cancelled = clinic.look("SELECT CAST(COUNT(*) AS CHAR) AS text FROM anteroom_audit WHERE action = 'Appointment.cancel' AND outcome = 'success'").await;
    assert_eq!(cancelled, "0");
    clinic.close().await;
}

async fn put(
    clinic: &Clinic,
    (id, token): (&str, &str),
    version: Option<&str>,
    body: &Value,
) -> Answer {
    let mut request = Request::put(format!("/fhir/Appointment/{id}"))
        .header("authorization", format!("Bearer {token}"))
        .header("content-type", "application/fhir+json");
    if let Some(version) = version {
        request = request.header("if-match", version);
    }
    clinic
        .send(
            request
                .body(Body::from(body.to_string()))
                .expect("a request"),
        )
        .await
}

#[tokio::test]
async fn f135_case_147_a_put_needs_the_version_it_was_made_from() {
    let clinic = Clinic::open().await;
    let token = clinic.token(clinic.patient("active"), EVERYTHING).await;
    let mut visit = visit(&clinic, &token).await;
    let id = visit["id"].as_str().expect("an id").to_owned();
    let version = format!(
        "W/\"{}\"",
        visit["meta"]["versionId"].as_str().expect("a version")
    );
    visit["status"] = json!("cancelled");
    let without = put(&clinic, (&id, &token), None, &visit).await;
    assert_eq!(without.status, StatusCode::PRECONDITION_REQUIRED);
    for stale in ["W/\"0000000000000000\"", "W/\"1\"", "*"] {
        let answer = put(&clinic, (&id, &token), Some(stale), &visit).await;
        assert_eq!(answer.status, StatusCode::PRECONDITION_FAILED, "{stale}");
    }
    let right = put(&clinic, (&id, &token), Some(&version), &visit).await;
    assert_eq!(right.status, StatusCode::OK, "{}", right.text());
    assert_eq!(right.json()["status"], "cancelled");
    clinic.close().await;
}

#[tokio::test]
async fn of_two_who_cancel_at_once_one_does() {
    let clinic = Clinic::open().await;
    let token = clinic.token(clinic.patient("active"), EVERYTHING).await;
    let visit = visit(&clinic, &token).await;
    let id = visit["id"].as_str().expect("an id");
    let answers =
        futures_util::future::join_all((0..20).map(|_| patch(&clinic, id, &token, CANCEL))).await;
    let done = answers
        .iter()
        .filter(|answer| answer.status == StatusCode::OK)
        .count();
    assert_eq!(done, 1);
    for answer in answers
        .iter()
        .filter(|answer| answer.status != StatusCode::OK)
    {
        let told =
            [StatusCode::CONFLICT, StatusCode::UNPROCESSABLE_ENTITY].contains(&answer.status);
        assert!(told, "{} {}", answer.status, answer.text());
    }
    let notes = clinic.look("SELECT CAST(COUNT(*) AS CHAR) AS text FROM pnotes WHERE body LIKE '%cancelled the appointment%'").await;
    assert_eq!(notes, "1");
    clinic.close().await;
}

#[tokio::test]
async fn bad_bodies_get_their_own_answers() {
    let clinic = Clinic::open().await;
    let token = clinic.token(clinic.patient("active"), EVERYTHING).await;
    let visit = visit(&clinic, &token).await;
    let id = visit["id"].as_str().expect("an id");
    let path = format!("/fhir/Appointment/{id}");
    let version = visit["meta"]["versionId"].as_str().expect("a version");
    let seen = format!("W/\"{version}\"");
    for (method, kind, body, status) in [
        (
            "PATCH",
            "application/fhir+json",
            CANCEL,
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
        ),
        (
            "PATCH",
            "text/plain",
            CANCEL,
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
        ),
        (
            "PUT",
            "application/xml",
            "<x/>",
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
        ),
        ("PATCH", PATCH, "{not json", StatusCode::BAD_REQUEST),
        (
            "PUT",
            "application/fhir+json",
            "{not json",
            StatusCode::BAD_REQUEST,
        ),
        (
            "PUT",
            "application/fhir+json",
            r#"{"resourceType":"Patient"}"#,
            StatusCode::BAD_REQUEST,
        ),
    ] {
        let request = Request::builder()
            .method(method)
            .uri(&path)
            .header("authorization", format!("Bearer {token}"))
            .header("if-match", &seen)
            .header("content-type", kind);
        let answer = clinic
            .send(request.body(Body::from(body)).expect("a request"))
            .await;
        assert_eq!(
            answer.status,
            status,
            "{method} {kind} {body}: {}",
            answer.text()
        );
        answer.issue();
    }
    let deep = "[".repeat(100_000);
    let answer = patch(&clinic, id, &token, &deep).await;
    assert!(answer.status.is_client_error());
    clinic.close().await;
}

#[tokio::test]
async fn without_the_letter_u_nothing_changes() {
    let clinic = Clinic::open().await;
    let maria = clinic.patient("active");
    let token = clinic
        .token(maria, "launch/patient patient/Appointment.rs")
        .await;
    let visit = visit(&clinic, &token).await;
    let answer = patch(
        &clinic,
        visit["id"].as_str().expect("an id"),
        &token,
        CANCEL,
    )
    .await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert_eq!(answer.issue(), "forbidden");
    clinic.close().await;
}

/// What a cancellation may leave behind, as one line to compare.
const LEFT: &str = "SELECT CONCAT_WS('|', \
    (SELECT COUNT(*) FROM openemr_postcalendar_events WHERE pc_apptstatus IN ('x', '%')), \
    (SELECT COUNT(*) FROM pnotes), (SELECT COUNT(*) FROM patient_tracker_element), \
    (SELECT COUNT(*) FROM anteroom_audit WHERE action = 'Appointment.cancel')) AS text";

#[tokio::test]
async fn a_cancellation_that_breaks_in_the_middle_leaves_nothing() {
    let mut clinics = vec![Clinic::open().await];
    clinics.extend(Clinic::on_mariadb("7.0.4").await);
    for clinic in clinics {
        let token = clinic.token(clinic.patient("active"), EVERYTHING).await;
        let before = visit(&clinic, &token).await;
        let id = before["id"].as_str().expect("an id");
        let left = clinic.look(LEFT).await;
        // The last statement of the transaction is the ledger's.
        let hide = "ALTER TABLE anteroom_audit RENAME TO anteroom_audit_away";
        clinic.app.emr.db.script(hide).await.expect("hidden");
        let answer = patch(&clinic, id, &token, CANCEL).await;
        assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
        let show = "ALTER TABLE anteroom_audit_away RENAME TO anteroom_audit";
        clinic.app.emr.db.script(show).await.expect("back");
        assert_eq!(clinic.look(LEFT).await, left);
        let path = format!("/fhir/Appointment/{id}");
        assert_eq!(clinic.get(&path, &token).await.json(), before);
        clinic.close().await;
    }
}

#[tokio::test]
async fn of_two_cancellations_at_once_one_is_made() {
    let clinic = Clinic::open().await;
    let token = clinic.token(clinic.patient("active"), EVERYTHING).await;
    let id = visit(&clinic, &token).await["id"].clone();
    let id = id.as_str().expect("an id");
    let [first, second] = [
        patch(&clinic, id, &token, CANCEL),
        patch(&clinic, id, &token, CANCEL),
    ];
    let (first, second) = tokio::join!(first, second);
    let mut statuses = [first.status.as_u16(), second.status.as_u16()];
    statuses.sort_unstable();
    assert!(
        matches!(statuses, [200, 409 | 422]),
        "only one of two is the one: {statuses:?}"
    );
    clinic.close().await;
}

#[tokio::test]
async fn a_cancellation_waits_for_its_own_row_only_and_not_for_ever() {
    let Some(clinic) = Clinic::on_mariadb("8.2").await else {
        return;
    };
    let token = clinic.token(clinic.patient("active"), EVERYTHING).await;
    let before = visit(&clinic, &token).await;
    let id = before["id"].as_str().expect("an id");
    let Db::MySql(pool) = &clinic.app.emr.db else {
        panic!("not MariaDB");
    };
    let hex = id.replace('-', "");
    let hold = async |condition: String| {
        let mut staff = pool.begin().await.expect("a transaction of staff");
        let sql = format!("UPDATE openemr_postcalendar_events SET pc_room = 'x' WHERE {condition}");
        sqlx::query(sqlx::AssertSqlSafe(sql))
            .execute(&mut *staff)
            .await
            .expect("staff change rows");
        staff
    };
    let own = hold(format!("uuid = X'{hex}'")).await;
    let answer = patch(&clinic, id, &token, CANCEL).await;
    assert_eq!(
        answer.status,
        StatusCode::SERVICE_UNAVAILABLE,
        "{}",
        answer.text()
    );
    own.rollback().await.expect("staff let go");
    let key = clinic.look(Box::leak(format!("SELECT CAST(MAX(pc_eid) AS CHAR) AS text FROM openemr_postcalendar_events WHERE uuid <> X'{hex}'").into_boxed_str())).await;
    let other = hold(format!("pc_eid = {key}")).await;
    let answer = patch(&clinic, id, &token, CANCEL).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    other.rollback().await.expect("staff let go");
    clinic.close().await;
}
