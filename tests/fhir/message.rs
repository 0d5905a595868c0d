//! Messages a patient and staff send through the whole server: rows at both ends, rules, marks, and every letter of a
//! text both ways (F140, F141).

use axum::http::StatusCode;
use serde_json::Value;
use serde_json::json;

use crate::clinic::Answer;
use crate::clinic::Clinic;
use crate::clinic::engine::LAYOUTS;
use crate::fhir::reach::token;

/// A patient's app that writes.
pub(super) const WRITES: &str = "openid fhirUser launch/patient patient/*.crus";

const FHIR: &str = "application/fhir+json";
const PATCH: &str = "application/json-patch+json";

/// The FHIR id of a member of staff.
async fn colleague(clinic: &Clinic, token: &str, name: &str) -> String {
    let found = clinic
        .get(&format!("/fhir/Practitioner?name={name}"), token)
        .await
        .json();
    found["entry"][0]["resource"]["id"]
        .as_str()
        .expect("a colleague")
        .to_owned()
}

fn message(to: &str, text: &str) -> Value {
    json!({
        "resourceType": "Communication",
        "status": "completed",
        "recipient": [{"reference": to}],
        "topic": {"text": "Refill & <b>more</b> &amp; 'so'"},
        "payload": [{"contentString": text}]
    })
}

async fn send(clinic: &Clinic, token: &str, body: &Value) -> Answer {
    let to = ("/fhir/Communication", token);
    clinic.with_body("POST", to, FHIR, body.to_string()).await
}

/// What staff cannot be written in Windows-1252, folded, trimmed or escaped away.
const HARD: &str = "¿Puedo?  two blanks\tand a tab\r\nCR LF\n\n\n<script>alert(1)</script> &lt;b&gt; &amp;amp; \u{202e}rtl \u{200b} 👩‍👩‍👧‍👦 e\u{301} İı عربى";

async fn the_whole_story(clinic: Clinic) {
    let maria = clinic.patient("active");
    let mine = clinic.token(maria, WRITES).await;
    let lee = colleague(&clinic, &mine, "Lee").await;
    let answer = send(
        &clinic,
        &mine,
        &message(&format!("Practitioner/{lee}"), HARD),
    )
    .await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
    let sent = answer.json();
    assert_eq!(sent["payload"][0]["contentString"], HARD, "case 168");
    assert_eq!(sent["topic"]["text"], "Refill & <b>more</b> &amp; 'so'");
    assert_eq!(sent["sender"]["reference"], format!("Patient/{}", maria.id));
    let id = sent["id"].as_str().expect("an id").to_owned();
    let read = clinic
        .get(&format!("/fhir/Communication/{id}"), &mine)
        .await
        .json();
    assert_eq!(read, sent);
    let body = clinic
        .look("SELECT body AS text FROM onsite_mail ORDER BY id DESC")
        .await;
    assert!(
        !body.contains("<script") && !body.contains("<b>"),
        "case 173: {body}"
    );
    let statuses = clinic.look("SELECT CONCAT_WS('|', COUNT(*), COUNT(DISTINCT owner), MIN(message_status), MAX(message_status)) AS text FROM onsite_mail WHERE title LIKE 'Refill%'").await;
    assert_eq!(statuses, "2|2|New|New");
    // Staff answer; the patient reads it in the same thread, and marks it.
    let staff = token(&clinic, Some("dlee"), None, "user/Communication.crus").await;
    let mut reply = message(&format!("Patient/{}", maria.id), "Yes.");
    reply["inResponseTo"] = json!([{"reference": format!("Communication/{id}")}]);
    let answer = send(&clinic, &staff, &reply).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
    let reply = answer.json();
    assert_eq!(
        reply["partOf"][0]["reference"],
        format!("Communication/{id}")
    );
    assert_eq!(reply["extension"][0]["valueBoolean"], false);
    let reply = reply["id"].as_str().expect("an id");
    let path = format!("/fhir/Communication/{reply}");
    let found = clinic
        .get(
            &format!("/fhir/Communication?part-of=Communication/{id}"),
            &mine,
        )
        .await
        .json();
    assert_eq!(found["entry"].as_array().map(Vec::len), Some(1));
    let mark = r#"[{"op":"replace","path":"/extension/0/valueBoolean","value":true}]"#;
    let answer = clinic.with_body("PATCH", (&path, &mine), PATCH, mark).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    assert_eq!(answer.json()["extension"][0]["valueBoolean"], true);
    // Nothing else of it is the patient's to change, and nothing at all anybody else's.
    let text = r#"[{"op":"replace","path":"/payload/0/contentString","value":"No."}]"#;
    let answer = clinic.with_body("PATCH", (&path, &mine), PATCH, text).await;
    assert_eq!(
        answer.status,
        StatusCode::UNPROCESSABLE_ENTITY,
        "{}",
        answer.text()
    );
    let sean = clinic.patients("active").nth(1).expect("another");
    let other = clinic.token(sean, WRITES).await;
    let answer = clinic
        .with_body("PATCH", (&path, &other), PATCH, mark)
        .await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND, "{}", answer.text());
    let unread = r#"[{"op":"replace","path":"/extension/0/valueBoolean","value":false}]"#;
    let answer = clinic
        .with_body("PATCH", (&path, &staff), PATCH, unread)
        .await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN, "{}", answer.text());
    let ledger = clinic.look("SELECT CONCAT_WS('|', action, outcome) AS text FROM anteroom_audit WHERE action = 'Communication.patch' ORDER BY id").await;
    assert_eq!(ledger, "Communication.patch|success");
    clinic.close().await;
}

#[tokio::test]
async fn f140_case_168_173_a_message_goes_both_ways_letter_by_letter() {
    the_whole_story(Clinic::open().await).await;
}

#[tokio::test]
async fn f140_a_message_goes_both_ways_on_mariadb_in_every_layout() {
    for layout in LAYOUTS {
        if let Some(clinic) = Clinic::on_mariadb(layout).await {
            the_whole_story(clinic).await;
        }
    }
}

#[tokio::test]
async fn f141_case_142_whom_a_patient_cannot_write_to_and_as_whom() {
    let clinic = Clinic::open().await;
    let maria = clinic.patient("active");
    let sean = clinic.patients("active").nth(1).expect("another");
    let mine = clinic.token(maria, WRITES).await;
    let lee = format!("Practitioner/{}", colleague(&clinic, &mine, "Lee").await);
    let before = clinic
        .look("SELECT CAST(COUNT(*) AS CHAR) AS text FROM onsite_mail")
        .await;
    clinic
        .app
        .emr
        .db
        .script("UPDATE users SET portal_user = 0 WHERE username <> 'nhaddad'")
        .await
        .expect("changed");
    let answer = send(&clinic, &mine, &message(&lee, "x")).await;
    assert_eq!(
        answer.status,
        StatusCode::UNPROCESSABLE_ENTITY,
        "{}",
        answer.text()
    );
    let code = answer.json()["issue"][0]["details"]["coding"][0]["code"].clone();
    assert_eq!(code, "recipient-not-portal-user");
    for (element, value, status) in [
        (
            "subject",
            json!({"reference": format!("Patient/{}", sean.id)}),
            StatusCode::FORBIDDEN,
        ),
        (
            "sender",
            json!({"reference": format!("Patient/{}", sean.id)}),
            StatusCode::FORBIDDEN,
        ),
        (
            "sender",
            json!({"reference": lee}),
            StatusCode::UNPROCESSABLE_ENTITY,
        ),
        (
            "subject",
            json!({"identifier": {"value": "1"}}),
            StatusCode::UNPROCESSABLE_ENTITY,
        ),
        (
            "encounter",
            json!({"reference": "Encounter/1"}),
            StatusCode::UNPROCESSABLE_ENTITY,
        ),
        (
            "basedOn",
            json!([{"reference": "Task/1"}]),
            StatusCode::UNPROCESSABLE_ENTITY,
        ),
        (
            "recipient",
            json!([{"reference": format!("Patient/{}", sean.id)}]),
            StatusCode::UNPROCESSABLE_ENTITY,
        ),
        (
            "payload",
            json!([{"contentAttachment": {"title": "x"}}]),
            StatusCode::UNPROCESSABLE_ENTITY,
        ),
    ] {
        let mut body = message(&lee, "x");
        body[element] = value;
        let answer = send(&clinic, &mine, &body).await;
        assert_eq!(answer.status, status, "{element}: {}", answer.text());
    }
    assert_eq!(
        clinic
            .look("SELECT CAST(COUNT(*) AS CHAR) AS text FROM onsite_mail")
            .await,
        before
    );
    clinic.close().await;
}
