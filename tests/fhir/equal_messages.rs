//! Two messages that say the same in one thread: whoever completes one of them leaves the other as it is (F146).

use axum::http::StatusCode;
use serde_json::Value;
use serde_json::json;

use crate::clinic::Clinic;
use crate::clinic::engine::LAYOUTS;
use crate::fhir::message::WRITES;
use crate::fhir::reach::token;

const FHIR: &str = "application/fhir+json";
const PATCH: &str = "application/json-patch+json";
const DONE: &str = "https://anteroom.dev/fhir/StructureDefinition/message-done";

/// How many copies of staff are completed, and whether that is the newest.
const COMPLETED: &str = "SELECT CONCAT_WS('|', COUNT(*), CASE WHEN MIN(m.id) = (SELECT MAX(x.id) FROM onsite_mail x \
    WHERE x.owner = 'dlee' AND x.body LIKE '%the same again%') THEN 'newest' ELSE 'another' END) AS text \
    FROM onsite_mail m WHERE m.owner = 'dlee' AND m.body LIKE '%the same again%' AND m.message_status = 'Done'";

async fn sent(clinic: &Clinic, token: &str, body: Value) -> Value {
    let to = ("/fhir/Communication", token);
    let answer = clinic.with_body("POST", to, FHIR, body.to_string()).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
    answer.json()
}

/// The place of the mark in a message, and whether it is set.
fn done(message: &Value) -> (usize, bool) {
    let all = message["extension"].as_array().expect("marks");
    let at = all.iter().position(|one| one["url"] == DONE);
    let at = at.expect("the mark");
    (at, all[at]["valueBoolean"] == true)
}

async fn the_same_twice(clinic: Clinic) {
    let maria = clinic.patient("active");
    let mine = clinic.token(maria, WRITES).await;
    let staff = token(&clinic, Some("dlee"), None, "user/Communication.crus").await;
    let asked = json!({
        "resourceType": "Communication",
        "status": "completed",
        "recipient": [{"reference": format!("Patient/{}", maria.id)}],
        "topic": {"text": "Swim"},
        "payload": [{"contentString": "Well?"}]
    });
    let asked = sent(&clinic, &staff, asked).await;
    let answer = json!({
        "resourceType": "Communication",
        "status": "completed",
        "recipient": [{"reference": asked["sender"]["reference"]}],
        "inResponseTo": [{"reference": format!("Communication/{}", asked["id"].as_str().expect("an id"))}],
        "topic": {"text": "Swim"},
        "payload": [{"contentString": "the same again"}]
    });
    let first = sent(&clinic, &mine, answer.clone()).await;
    let second = sent(&clinic, &mine, answer).await;
    let path = |message: &Value| {
        let id = message["id"].as_str().expect("an id");
        format!("/fhir/Communication/{id}")
    };
    let (at, set) = done(&second);
    assert!(!set);
    let mark =
        format!(r#"[{{"op":"replace","path":"/extension/{at}/valueBoolean","value":true}}]"#);
    let to = (path(&second), &staff);
    let answer = clinic.with_body("PATCH", (&to.0, to.1), PATCH, mark).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    assert_eq!(clinic.look(COMPLETED).await, "1|newest");
    for (message, expected) in [(&first, false), (&second, true)] {
        let told = clinic.get(&path(message), &mine).await.json();
        assert_eq!(done(&told).1, expected, "{told}");
    }
    clinic.close().await;
}

#[tokio::test]
async fn f146_one_of_two_equal_messages_is_completed_alone() {
    the_same_twice(Clinic::open().await).await;
}

#[tokio::test]
async fn f146_one_of_two_equal_messages_is_completed_alone_on_mariadb_in_every_layout() {
    for layout in LAYOUTS {
        if let Some(clinic) = Clinic::on_mariadb(layout).await {
            the_same_twice(clinic).await;
        }
    }
}
