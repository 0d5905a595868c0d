//! What becomes of a visit reaches the patient, whoever changed it: another time that is proposed and agreed to, and the
//! letters (F137, F138).

use anteroom::db::sql::Sql;
use anteroom::worker::telling;
use anteroom::worker::telling::Of;
use axum::http::StatusCode;
use serde_json::Value;
use serde_json::json;

use super::scheduling::matches;
use super::scheduling::offers;
use super::scheduling::post;
use crate::clinic::Answer;
use crate::clinic::Clinic;
use crate::clinic::engine::LAYOUTS;
use crate::fhir::reach;

const PATCH: &str = "application/json-patch+json";

const ASKING: &str = "openid fhirUser launch/patient patient/*.crus";

async fn patch(clinic: &Clinic, (id, token): (&str, &str), body: &Value) -> Answer {
    let path = format!("/fhir/Appointment/{id}");
    let to = (path.as_str(), token);
    clinic.with_body("PATCH", to, PATCH, body.to_string()).await
}

/// A request of the first patient; its id and what was offered.
async fn asked(clinic: &Clinic, token: &str) -> (String, Vec<Value>) {
    let found = matches(&offers(clinic, token, "").await);
    let body = json!({"resourceType": "Parameters", "parameter": [
        {"name": "appt-id", "valueUri": found[0]["id"]},
        {"name": "comment", "valueString": "Knee"}]});
    let booked = post(clinic, ("Appointment/$book", token), &body).await;
    assert_eq!(booked.status, StatusCode::OK, "{}", booked.text());
    let id = matches(&booked.json())[0]["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    let provider = found[0]["participant"][1]["actor"]["reference"].clone();
    let same = |one: &Value| one["participant"][1]["actor"]["reference"] == provider;
    (id, found.into_iter().filter(same).collect())
}

/// What is in the outbox about visits, the last.
async fn letter(clinic: &Clinic) -> Value {
    let sent = telling::look(clinic.app.as_ref(), Of::Visits)
        .await
        .expect("a look");
    if sent == 0 {
        return Value::Null;
    }
    assert_eq!(sent, 1);
    let told = clinic
        .look("SELECT told AS text FROM anteroom_outbox WHERE letter = 'visit' ORDER BY id DESC")
        .await;
    serde_json::from_str(&told).expect("JSON")
}

async fn the_answer_is_told(clinic: Clinic) {
    let maria = clinic.patient("active");
    let token = clinic.token(maria, ASKING).await;
    let staff = reach::token(&clinic, Some("dlee"), None, "user/*.crus").await;
    let (id, free) = asked(&clinic, &token).await;
    let note = clinic.look("SELECT CONCAT_WS('|', assigned_to, title, message_status, body) AS text FROM pnotes ORDER BY id DESC").await;
    assert!(
        note.contains("|Patient Reminders|New|") && note.contains("Reason Knee."),
        "F137: {note}"
    );
    assert_eq!(
        letter(&clinic).await,
        Value::Null,
        "asking is no news to who asked"
    );

    // Staff propose another time: the patient is asked, and what was offered is not yet agreed.
    let there = &free[free.len() - 1];
    let propose = json!([
        {"op": "replace", "path": "/start", "value": there["start"]},
        {"op": "replace", "path": "/end", "value": there["end"]}]);
    let answer = patch(&clinic, (&id, &staff), &propose).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    let shown = clinic
        .get(&format!("/fhir/Appointment/{id}"), &token)
        .await
        .json();
    assert_eq!(shown["status"], "pending");
    let answers = |shown: &Value| {
        let all = shown["participant"].as_array().cloned().unwrap_or_default();
        let all: Vec<String> = all.iter().map(|one| one["status"].to_string()).collect();
        all.join(" ")
    };
    assert!(
        answers(&shown).starts_with("\"needs-action\" \"accepted\""),
        "{shown}"
    );
    let told = letter(&clinic).await;
    assert_eq!(
        (&told["change"], &told["uid"]),
        (&json!("offered"), &json!(id))
    );
    assert_eq!(letter(&clinic).await, Value::Null, "once");

    // The patient agrees: that is no news to them, and it is to staff.
    let agree = json!([{"op": "replace", "path": "/status", "value": "booked"}]);
    let answer = patch(&clinic, (&id, &token), &agree).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    assert_eq!(answer.json()["status"], "booked");
    assert_eq!(letter(&clinic).await, Value::Null);
    let note = clinic
        .look("SELECT body AS text FROM pnotes ORDER BY id DESC")
        .await;
    assert!(note.contains("agreed to the appointment"), "{note}");
    let again = patch(&clinic, (&id, &token), &agree).await;
    assert_eq!(
        again.status,
        StatusCode::UNPROCESSABLE_ENTITY,
        "{}",
        again.text()
    );

    // OpenEMR's own screens move it, and call it off.
    let row = "UPDATE openemr_postcalendar_events SET pc_startTime = '07:00:00' WHERE pc_hometext = 'Knee'";
    clinic.app.emr.db.run(Sql::new(row)).await.expect("moved");
    let told = letter(&clinic).await;
    assert_eq!(
        (&told["change"], &told["revision"]),
        (&json!("moved"), &json!(3))
    );
    let row =
        "UPDATE openemr_postcalendar_events SET pc_apptstatus = 'x' WHERE pc_hometext = 'Knee'";
    clinic
        .app
        .emr
        .db
        .run(Sql::new(row))
        .await
        .expect("called off");
    assert_eq!(letter(&clinic).await["change"], "cancelled");
    clinic.close().await;
}

#[tokio::test]
async fn f138_what_becomes_of_a_visit_is_told() {
    the_answer_is_told(Clinic::open().await).await;
}

#[tokio::test]
async fn f138_on_mariadb_in_every_layout() {
    for layout in LAYOUTS {
        if let Some(clinic) = Clinic::on_mariadb(layout).await {
            the_answer_is_told(clinic).await;
        }
    }
}

#[tokio::test]
async fn f138_confirmed_and_declined_with_a_reason() {
    let clinic = Clinic::with(|config| config.cancel_notice = time::Duration::ZERO).await;
    let token = clinic.token(clinic.patient("active"), ASKING).await;
    let staff = reach::token(&clinic, Some("dlee"), None, "user/*.crus").await;
    let (id, _) = asked(&clinic, &token).await;
    let confirm = json!([{"op": "replace", "path": "/status", "value": "booked"}]);
    assert_eq!(
        patch(&clinic, (&id, &staff), &confirm).await.status,
        StatusCode::OK
    );
    let shown = clinic
        .get("/fhir/Appointment?status=booked&_count=100", &token)
        .await;
    assert!(shown.text().contains(&id), "F138: seen at once");
    assert_eq!(letter(&clinic).await["change"], "confirmed");
    let (id, _) = asked(&clinic, &token).await;
    let decline = json!([
        {"op": "replace", "path": "/status", "value": "cancelled"},
        {"op": "add", "path": "/cancelationReason", "value": {"text": "The doctor is away"}}]);
    assert_eq!(
        patch(&clinic, (&id, &staff), &decline).await.status,
        StatusCode::OK
    );
    let shown = clinic
        .get(&format!("/fhir/Appointment/{id}"), &token)
        .await
        .json();
    assert_eq!(shown["cancelationReason"]["text"], "The doctor is away");
    let told = letter(&clinic).await;
    assert_eq!(told["change"], "declined");
    assert!(
        !told.to_string().contains("away"),
        "a letter holds nothing of the record"
    );
    // Deleted in OpenEMR is called off too.
    let (_, _) = asked(&clinic, &token).await;
    let row = "DELETE FROM openemr_postcalendar_events WHERE pc_hometext = 'Knee' AND pc_apptstatus = '^'";
    clinic.app.emr.db.run(Sql::new(row)).await.expect("removed");
    assert_eq!(letter(&clinic).await["change"], "declined");
    // What the patient calls off is no news.
    let (id, _) = asked(&clinic, &token).await;
    let cancel = json!([{"op": "replace", "path": "/status", "value": "cancelled"}]);
    let done = patch(&clinic, (&id, &token), &cancel).await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.text());
    assert_eq!(letter(&clinic).await, Value::Null);
    clinic.close().await;
}

#[tokio::test]
async fn f138_nobody_is_written_to_who_may_not_be() {
    let clinic = Clinic::open().await;
    let token = clinic.token(clinic.patient("active"), ASKING).await;
    asked(&clinic, &token).await;
    let no = "UPDATE patient_data SET hipaa_allowemail = 'NO'";
    clinic
        .app
        .emr
        .db
        .run(Sql::new(no))
        .await
        .expect("switched off");
    let row =
        "UPDATE openemr_postcalendar_events SET pc_apptstatus = 'EMAIL' WHERE pc_hometext = 'Knee'";
    clinic
        .app
        .emr
        .db
        .run(Sql::new(row))
        .await
        .expect("confirmed");
    assert_eq!(letter(&clinic).await, Value::Null);
    let why = clinic.look("SELECT CONCAT_WS('|', outcome, reason) AS text FROM anteroom_audit WHERE action = 'visit.tell'").await;
    assert!(why.contains("email-not-allowed"), "{why}");
    clinic.close().await;
}
