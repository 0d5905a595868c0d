//! What messages carry and are about, and what is unread or completed, through the whole server (F139 to F146).

use axum::http::StatusCode;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use serde_json::json;

use super::message::WRITES;
use crate::clinic::Answer;
use crate::clinic::Clinic;
use crate::clinic::engine::LAYOUTS;
use crate::fhir::reach::token;

const FHIR: &str = "application/fhir+json";
const PATCH: &str = "application/json-patch+json";

const STAFF: &str = "user/Communication.crus user/DocumentReference.crs user/Binary.r";

async fn post(clinic: &Clinic, token: &str, (kind, body): (&str, &Value)) -> Answer {
    let path = format!("/fhir/{kind}");
    clinic
        .with_body("POST", (&path, token), FHIR, body.to_string())
        .await
}

async fn first(clinic: &Clinic, path: &str, token: &str) -> Value {
    let found = clinic.get(path, token).await.json();
    found["entry"][0]["resource"].clone()
}

async fn total(clinic: &Clinic, token: &str, query: &str) -> i64 {
    let path = format!("/fhir/Communication?{query}&_summary=count");
    let found = clinic.get(&path, token).await;
    found.json()["total"].as_i64().expect("a total")
}

fn to_patient(id: &str, payload: Value) -> Value {
    json!({
        "resourceType": "Communication",
        "status": "completed",
        "recipient": [{"reference": format!("Patient/{id}")}],
        "topic": {"text": "News"},
        "payload": payload
    })
}

async fn the_whole_story(clinic: Clinic) {
    let maria = clinic.patient("active");
    let mine = clinic.token(maria, WRITES).await;
    let staff = token(&clinic, Some("dlee"), None, STAFF).await;
    let unread = total(&clinic, &mine, "read=false").await;
    let payments = total(&clinic, &mine, "category=payment").await;
    // HTML in, with everything that must not get through; the text and safe HTML out.
    let html = "<p>Take it <b>daily</b>.</p><script>alert(1)</script><img src=x onerror=alert(2)><a href=\"javascript:alert(3)\">x</a>";
    let data = STANDARD.encode(html);
    let paper = json!({"contentAttachment":
        {"contentType": "text/plain", "title": "plan <1>.txt", "data": STANDARD.encode("Walk daily.\n")}});
    let mut body = to_patient(
        &maria.id,
        json!([{"contentAttachment": {"contentType": "text/html", "data": data}}, paper]),
    );
    body["category"] = json!([{"coding": [{
        "system": "https://anteroom.dev/fhir/CodeSystem/communication-category", "code": "payment"}]}]);
    let answer = post(&clinic, &staff, ("Communication", &body)).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
    let sent = answer.json();
    let id = sent["id"].as_str().expect("an id");
    assert_eq!(sent["payload"][0]["contentString"], "Take it daily.\n\nx");
    let div = sent["text"]["div"].as_str().expect("a narrative");
    assert!(div.contains("<p>Take it <b>daily</b>.</p>"), "{div}");
    for bad in ["script", "onerror", "javascript", "<img"] {
        assert!(!div.contains(bad), "{div}");
    }
    let stored = clinic
        .look("SELECT body AS text FROM onsite_mail ORDER BY id DESC")
        .await;
    assert!(
        !stored.contains("script") && !stored.contains("onerror"),
        "{stored}"
    );
    assert!(
        stored.contains("plan &lt;1&gt;.txt"),
        "OpenEMR's screens tell of it: {stored}"
    );
    // F144: the document is in the patient's compartment, and the patient's to read.
    let read = first(&clinic, &format!("/fhir/Communication?_id={id}"), &mine).await;
    let reference = read["payload"][1]["contentReference"]["reference"].clone();
    let reference = reference.as_str().expect("a document");
    assert_eq!(
        read["payload"][1]["contentReference"]["display"],
        "plan <1>.txt"
    );
    let document = clinic.get(&format!("/fhir/{reference}"), &mine).await;
    assert_eq!(document.status, StatusCode::OK, "{}", document.text());
    let number = reference.trim_start_matches("DocumentReference/");
    let bytes = clinic.get(&format!("/fhir/Binary/{number}"), &mine).await;
    assert_eq!(bytes.status, StatusCode::OK, "{}", bytes.text());
    let sean = clinic.patients("active").nth(1).expect("another");
    let other = clinic.token(sean, WRITES).await;
    for path in [reference, &format!("Communication/{id}")] {
        let no = clinic.get(&format!("/fhir/{path}"), &other).await;
        assert_eq!(no.status, StatusCode::NOT_FOUND, "{path}");
    }
    // Nobody sends along what is another patient's.
    let stolen = to_patient(
        &sean.id,
        json!([{"contentString": "x"}, {"contentReference": {"reference": reference}}]),
    );
    let no = post(&clinic, &staff, ("Communication", &stolen)).await;
    assert_eq!(no.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", no.text());
    // F145, F146: what it is about, and what is unread.
    assert_eq!(
        total(&clinic, &mine, "category=payment").await,
        payments + 1
    );
    assert_eq!(total(&clinic, &mine, "read=false").await, unread + 1);
    let done = total(&clinic, &mine, "done=true").await;
    let path = format!("/fhir/Communication/{id}");
    let complete = r#"[{"op":"replace","path":"/extension/2/valueBoolean","value":true}]"#;
    let answer = clinic
        .with_body("PATCH", (&path, &staff), PATCH, complete)
        .await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    assert_eq!(answer.json()["extension"][2]["valueBoolean"], true);
    let rows = clinic.look("SELECT CONCAT_WS('|', message_status, activity) AS text FROM onsite_mail WHERE title = 'News' ORDER BY id").await;
    assert_eq!(rows, "Done|0", "the practice's own copy");
    assert_eq!(total(&clinic, &mine, "done=true").await, done + 1);
    assert_eq!(total(&clinic, &mine, "read=false").await, unread + 1);
    let read = r#"[{"op":"replace","path":"/extension/0/valueBoolean","value":true}]"#;
    let answer = clinic.with_body("PATCH", (&path, &mine), PATCH, read).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    assert_eq!(total(&clinic, &mine, "read=false").await, unread);
    let open = r#"[{"op":"replace","path":"/extension/2/valueBoolean","value":false}]"#;
    let no = clinic.with_body("PATCH", (&path, &mine), PATCH, open).await;
    assert_eq!(no.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", no.text());
    // What staff take out of the chart is told by no message any more.
    clinic
        .app
        .emr
        .db
        .script("UPDATE documents SET deleted = 1 WHERE name LIKE 'plan%'")
        .await
        .expect("changed");
    let read = first(&clinic, &format!("/fhir/Communication?_id={id}"), &mine).await;
    assert_eq!(read["payload"].as_array().map(Vec::len), Some(1), "{read}");
    assert!(!read.to_string().contains("plan"), "{read}");
    clinic.close().await;
}

#[tokio::test]
async fn f139_f144_f145_f146_what_a_message_carries_is_about_and_comes_to() {
    the_whole_story(Clinic::open().await).await;
}

#[tokio::test]
async fn f139_f144_f145_f146_the_same_on_mariadb_in_every_layout() {
    for layout in LAYOUTS {
        if let Some(clinic) = Clinic::on_mariadb(layout).await {
            the_whole_story(clinic).await;
        }
    }
}

/// A known document that staff send along is shared by it, with a right to and a line of the ledger; what staff complete stays
/// where it lies in their own mailbox, wherever the patient put the own copy.
async fn known_papers_and_replies(clinic: Clinic) {
    let maria = clinic.patient("active");
    let mine = clinic.token(maria, WRITES).await;
    let all = "user/Communication.crus user/DocumentReference.crus user/Binary.cr";
    let staff = token(&clinic, Some("dlee"), None, all).await;
    let paper = json!({
        "resourceType": "DocumentReference",
        "status": "current",
        "subject": {"reference": format!("Patient/{}", maria.id)},
        "category": [{"coding": [{
            "system": "https://anteroom.dev/fhir/CodeSystem/document-category", "code": "Lab Report"}]}],
        "content": [{"attachment": {
            "contentType": "text/plain", "title": "lab.txt", "data": STANDARD.encode("All is well.")}}]
    });
    let filed = post(&clinic, &staff, ("DocumentReference", &paper)).await;
    assert_eq!(filed.status, StatusCode::CREATED, "{}", filed.text());
    let document = format!(
        "DocumentReference/{}",
        filed.json()["id"].as_str().expect("an id")
    );
    let hidden = r#"[{"op":"add","path":"/securityLabel","value":[{"coding":[
        {"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"NOPAT"}]}]}]"#;
    let path = format!("/fhir/{document}");
    let done = clinic
        .with_body("PATCH", (&path, &staff), PATCH, hidden)
        .await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.text());
    assert_eq!(clinic.get(&path, &mine).await.status, StatusCode::NOT_FOUND);
    let body = to_patient(
        &maria.id,
        json!([{"contentString": "Look."}, {"contentReference": {"reference": document}}]),
    );
    // To share it is to change it, which a token that only reads documents may not.
    let reads = token(&clinic, Some("dlee"), None, STAFF).await;
    let no = post(&clinic, &reads, ("Communication", &body)).await;
    assert_eq!(no.status, StatusCode::FORBIDDEN, "{}", no.text());
    assert_eq!(clinic.get(&path, &mine).await.status, StatusCode::NOT_FOUND);
    let sent = post(&clinic, &staff, ("Communication", &body)).await;
    assert_eq!(sent.status, StatusCode::CREATED, "{}", sent.text());
    assert_eq!(clinic.get(&path, &mine).await.status, StatusCode::OK);
    let told = clinic
        .look("SELECT CONCAT_WS('|', SUM(CASE WHEN action = 'DocumentReference.share' THEN 1 ELSE 0 END), \
            SUM(CASE WHEN action = 'DocumentReference.unshare' THEN 1 ELSE 0 END)) AS text FROM anteroom_audit WHERE outcome = 'success'")
        .await;
    assert_eq!(told, "1|1");
    // The patient reads it, puts it away and answers; then staff complete theirs.
    let id = sent.json()["id"].as_str().expect("an id").to_owned();
    let path = format!("/fhir/Communication/{id}");
    let away = r#"[{"op":"replace","path":"/extension/0/valueBoolean","value":true},
        {"op":"replace","path":"/extension/1/valueBoolean","value":true}]"#;
    let done = clinic.with_body("PATCH", (&path, &mine), PATCH, away).await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.text());
    let lee = first(&clinic, "/fhir/Practitioner?name=Lee", &mine).await["id"].clone();
    let reply = json!({
        "resourceType": "Communication",
        "status": "completed",
        "recipient": [{"reference": format!("Practitioner/{}", lee.as_str().expect("an id"))}],
        "inResponseTo": [{"reference": format!("Communication/{id}")}],
        "payload": [{"contentString": "Thanks for the lab."}]
    });
    let reply = post(&clinic, &mine, ("Communication", &reply)).await;
    assert_eq!(reply.status, StatusCode::CREATED, "{}", reply.text());
    let complete = r#"[{"op":"replace","path":"/extension/2/valueBoolean","value":true}]"#;
    for id in [id.as_str(), reply.json()["id"].as_str().expect("an id")] {
        let path = format!("/fhir/Communication/{id}");
        let done = clinic
            .with_body("PATCH", (&path, &staff), PATCH, complete)
            .await;
        assert_eq!(done.status, StatusCode::OK, "{}", done.text());
    }
    let rows = "SELECT CONCAT_WS('|', COUNT(*), MIN(message_status), MAX(message_status), SUM(deleted), SUM(activity)) AS text \
        FROM onsite_mail WHERE owner = 'dlee' AND (title = 'News' OR body LIKE '%Thanks for the lab.%')";
    assert_eq!(clinic.look(rows).await, "2|Done|Done|0|0");
    let theirs = "SELECT CONCAT_WS('|', message_status, deleted) AS text FROM onsite_mail \
        WHERE owner <> 'dlee' AND title = 'News' ORDER BY id";
    assert_eq!(
        clinic.look(theirs).await,
        "Delete|1",
        "the patient's own is as it was"
    );
    clinic.close().await;
}

#[tokio::test]
async fn f144_f146_known_papers_are_shared_by_right_and_each_side_completes_its_own() {
    known_papers_and_replies(Clinic::open().await).await;
}

#[tokio::test]
async fn f144_f146_known_papers_and_replies_on_mariadb_in_every_layout() {
    for layout in LAYOUTS {
        if let Some(clinic) = Clinic::on_mariadb(layout).await {
            known_papers_and_replies(clinic).await;
        }
    }
}

/// What goes along may be as large as a document that is sent alone.
#[tokio::test]
async fn f144_a_large_document_goes_along() {
    let clinic = Clinic::open().await;
    let maria = clinic.patient("active");
    let staff = token(&clinic, Some("dlee"), None, STAFF).await;
    let large = "All is well. ".repeat(300_000);
    let paper = json!({"contentAttachment":
        {"contentType": "text/plain", "title": "long.txt", "data": STANDARD.encode(&large)}});
    let body = to_patient(&maria.id, json!([{"contentString": "Look."}, paper]));
    let sent = post(&clinic, &staff, ("Communication", &body)).await;
    assert_eq!(sent.status, StatusCode::CREATED, "{}", sent.text());
    let sent = sent.json();
    let id = sent["id"].as_str().expect("an id");
    let mine = clinic.token(maria, WRITES).await;
    let read = first(&clinic, &format!("/fhir/Communication?_id={id}"), &mine).await;
    let reference = read["payload"][1]["contentReference"]["reference"].clone();
    let number = reference.as_str().expect("a document");
    let number = number.trim_start_matches("DocumentReference/");
    let bytes = clinic.get(&format!("/fhir/Binary/{number}"), &mine).await;
    assert_eq!(bytes.status, StatusCode::OK, "{}", bytes.text());
    assert!(bytes.bytes == large.as_bytes());
    clinic.close().await;
}

#[tokio::test]
async fn f143_a_patient_is_offered_those_who_take_messages_alone() {
    let clinic = Clinic::open().await;
    let mine = clinic.token(clinic.patient("active"), WRITES).await;
    let offered = clinic
        .get("/fhir/Practitioner?portal-addressee=true", &mine)
        .await
        .json();
    let flags = clinic.look("SELECT CAST(COUNT(*) AS CHAR) AS text FROM users WHERE portal_user = 1 AND username <> ''").await;
    let count = offered["entry"].as_array().map_or(0, Vec::len);
    assert_eq!(count.to_string(), flags);
    assert!(count > 0);
    clinic.close().await;
}
