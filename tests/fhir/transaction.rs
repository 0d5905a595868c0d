//! Transaction Bundles: all or nothing, in one database transaction, with references between the entries.

use axum::body::Body;
use axum::http::Request;
use axum::http::StatusCode;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use serde_json::json;

use crate::clinic::Clinic;
use crate::clinic::engine::LAYOUTS;
use crate::fhir::batch::FHIR;
use crate::fhir::batch::bundle;
use crate::fhir::batch::get;
use crate::fhir::batch::send;
use crate::fhir::batch::statuses;
use crate::fhir::message::WRITES;

const ROWS: &str = "SELECT CAST(COUNT(*) AS CHAR) AS text FROM onsite_mail";

/// A message in an entry.
fn message(to: &str, text: &str) -> Value {
    json!({"request": {"method": "POST", "url": "Communication"}, "resource": {
        "resourceType": "Communication", "status": "completed",
        "recipient": [{"reference": to}],
        "topic": {"text": "Together"}, "payload": [{"contentString": text}]}})
}

async fn lee(clinic: &Clinic, token: &str) -> String {
    let found = clinic
        .get("/fhir/Practitioner?name=Lee", token)
        .await
        .json();
    let id = found["entry"][0]["resource"]["id"].as_str();
    format!("Practitioner/{}", id.expect("a colleague"))
}

async fn the_whole_story(clinic: Clinic) {
    let mut active = clinic.patients("active");
    let (maria, sean) = (active.next().expect("one"), active.next().expect("two"));
    let mine = clinic.token(maria, WRITES).await;
    let lee = lee(&clinic, &mine).await;
    let before = clinic.look(ROWS).await;

    // Twenty writes and a read, whose answer is in its own place and sees them.
    let mut entries: Vec<Value> = (0..20)
        .map(|n| message(&lee, &format!("No. {n}")))
        .collect();
    entries.insert(3, get("Communication?_summary=count"));
    let answer = send(&clinic, &mine, &bundle("transaction", &entries)).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    let json = answer.json();
    assert_eq!(json["type"], "transaction-response");
    let told = statuses(&answer);
    assert_eq!(told.len(), 21);
    assert!(
        told.iter()
            .enumerate()
            .all(|(at, one)| { one == if at == 3 { "200 OK" } else { "201 Created" } })
    );
    assert_eq!(
        json["entry"][4]["resource"]["payload"][0]["contentString"],
        "No. 3"
    );
    assert!(json["entry"][3]["resource"]["total"].as_u64() >= Some(20));
    let lines = clinic
        .look("SELECT CAST(COUNT(*) AS CHAR) AS text FROM anteroom_audit WHERE action = 'Communication.create'")
        .await;
    assert_eq!(lines, "20", "a line for each entry");

    // The last entry is refused: nothing of it is written.
    let after = clinic.look(ROWS).await;
    assert_ne!(before, after);
    let mut theirs = message(&lee, "Not mine");
    theirs["resource"]["subject"] = json!({"reference": format!("Patient/{}", sean.id)});
    let sent = bundle("transaction", &[message(&lee, "Mine"), theirs]);
    let answer = send(&clinic, &mine, &sent).await;
    assert_eq!(
        answer.status,
        StatusCode::FORBIDDEN,
        "case 139: {}",
        answer.text()
    );
    assert_eq!(
        answer.json()["issue"][0]["expression"][0],
        "Bundle.entry[1]"
    );
    for (entry, status) in [
        (get(&format!("Patient/{}", sean.id)), StatusCode::NOT_FOUND),
        (get("Patient/$export"), StatusCode::NOT_FOUND),
        (
            json!({"request": {"method": "DELETE", "url": "Communication/1"}}),
            StatusCode::METHOD_NOT_ALLOWED,
        ),
        (
            json!({"request": {"method": "PUT"}}),
            StatusCode::BAD_REQUEST,
        ),
    ] {
        let sent = bundle("transaction", &[message(&lee, "Mine"), entry]);
        let answer = send(&clinic, &mine, &sent).await;
        assert_eq!(answer.status, status, "{}", answer.text());
        assert_eq!(
            answer.json()["issue"][0]["expression"][0],
            "Bundle.entry[1]"
        );
    }
    assert_eq!(clinic.look(ROWS).await, after, "nothing was written");
    clinic.close().await;
}

#[tokio::test]
async fn case_139_all_or_nothing() {
    the_whole_story(Clinic::open().await).await;
}

#[tokio::test]
async fn case_139_all_or_nothing_on_mariadb_in_every_layout() {
    for layout in LAYOUTS {
        if let Some(clinic) = Clinic::on_mariadb(layout).await {
            the_whole_story(clinic).await;
        }
    }
}

#[tokio::test]
async fn references_are_resolved_or_refused_where_they_stand() {
    let clinic = Clinic::open().await;
    let maria = clinic.patient("active");
    let mine = clinic.token(maria, WRITES).await;
    let lee = lee(&clinic, &mine).await;
    let before = clinic.look(ROWS).await;

    // A message has no id before it is written.
    let mut first = message(&lee, "First");
    first["fullUrl"] = json!("urn:uuid:6d1e0f6e-0000-4000-8000-000000000001");
    let mut second = message(&lee, "Second");
    second["resource"]["inResponseTo"] =
        json!([{"reference": "urn:uuid:6d1e0f6e-0000-4000-8000-000000000001"}]);
    let answer = send(
        &clinic,
        &mine,
        &bundle("transaction", &[first.clone(), second]),
    )
    .await;
    assert_eq!(
        answer.status,
        StatusCode::UNPROCESSABLE_ENTITY,
        "{}",
        answer.text()
    );
    assert_eq!(
        answer.json()["issue"][0]["expression"],
        json!(["Bundle.entry[1]", "Communication.inResponseTo[0].reference"])
    );

    // One name, one record; one record, one entry.
    let answer = send(
        &clinic,
        &mine,
        &bundle("transaction", &[first.clone(), first]),
    )
    .await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{}", answer.text());
    assert_eq!(clinic.look(ROWS).await, before);

    // A search stands for the one record it finds, and for nothing where it finds another number.
    let found = message("Practitioner?name=Lee", "Found");
    let answer = send(&clinic, &mine, &bundle("transaction", &[found])).await;
    assert_eq!(statuses(&answer), ["201 Created"], "{}", answer.text());
    let to = &answer.json()["entry"][0]["resource"]["recipient"][0]["reference"];
    assert_eq!(to, &json!(lee));
    let none = message("Practitioner?name=Nobodyatall", "Lost");
    let answer = send(&clinic, &mine, &bundle("transaction", &[none])).await;
    assert_eq!(
        answer.status,
        StatusCode::PRECONDITION_FAILED,
        "{}",
        answer.text()
    );

    // What can have its id before it is written is found by it.
    let mut paper = json!({"fullUrl": "urn:uuid:6d1e0f6e-0000-4000-8000-000000000002",
        "request": {"method": "POST", "url": "DocumentReference"}, "resource": {
        "resourceType": "DocumentReference", "status": "current",
        "content": [{"attachment": {"contentType": "application/pdf", "title": "a.pdf",
            "data": STANDARD.encode("%PDF-1.4\n1 0 obj\nendobj\n%%EOF")}}]}});
    paper["resource"]["subject"] = json!({"reference": format!("Patient/{}", maria.id)});
    let answer = send(&clinic, &mine, &bundle("transaction", &[paper])).await;
    assert_eq!(statuses(&answer), ["201 Created"], "{}", answer.text());
    clinic.close().await;
}

#[tokio::test]
async fn case_147_versions_patches_and_repeats_count_in_a_transaction() {
    let clinic = Clinic::open().await;
    let maria = clinic.patient("active");
    let mine = clinic.token(maria, WRITES).await;
    let lee = lee(&clinic, &mine).await;
    let made = send(
        &clinic,
        &mine,
        &bundle("transaction", &[message(&lee, "Mark me")]),
    )
    .await;
    let sent = made.json()["entry"][0].clone();
    let id = sent["resource"]["id"].as_str().expect("an id").to_owned();
    let place = sent["resource"]["extension"].as_array().and_then(|all| {
        all.iter().position(|one| {
            one["url"]
                .as_str()
                .is_some_and(|url| url.ends_with("message-archived"))
        })
    });
    let place = place.expect("the mark");
    let operations = json!([{"op": "replace", "path": format!("/extension/{place}/valueBoolean"), "value": true}]);
    let patch = |version: &str| {
        json!({"request": {"method": "PATCH", "url": format!("Communication/{id}"), "ifMatch": version},
            "resource": {"resourceType": "Binary", "contentType": "application/json-patch+json",
                "data": STANDARD.encode(operations.to_string())}})
    };
    let stale = send(
        &clinic,
        &mine,
        &bundle("transaction", &[patch("W/\"00000000000000ff\"")]),
    )
    .await;
    assert_eq!(
        stale.status,
        StatusCode::PRECONDITION_FAILED,
        "{}",
        stale.text()
    );
    let version = sent["response"]["etag"].as_str().expect("a version");
    let done = send(&clinic, &mine, &bundle("transaction", &[patch(version)])).await;
    assert_eq!(statuses(&done), ["200 OK"], "{}", done.text());
    assert_ne!(done.json()["entry"][0]["response"]["etag"], version);

    // The whole Bundle again with its key: the same answer, and nothing more is written.
    let again = || async {
        let request = Request::post("/fhir")
            .header("authorization", format!("Bearer {mine}"))
            .header("content-type", FHIR)
            .header("idempotency-key", "once-1");
        let body = bundle(
            "transaction",
            &[message(&lee, "Once"), message(&lee, "Only")],
        );
        clinic
            .send(
                request
                    .body(Body::from(body.to_string()))
                    .expect("a request"),
            )
            .await
    };
    let first = again().await;
    assert_eq!(first.status, StatusCode::OK, "{}", first.text());
    let rows = clinic.look(ROWS).await;
    assert_eq!(again().await.json(), first.json());
    assert_eq!(clinic.look(ROWS).await, rows);
    clinic.close().await;
}
