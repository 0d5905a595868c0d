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
