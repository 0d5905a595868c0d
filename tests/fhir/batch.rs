//! Batch Bundles: each entry alone, under the caller's own reach, with the status it would have alone.

use axum::body::Body;
use axum::http::Request;
use axum::http::StatusCode;
use serde_json::Value;
use serde_json::json;

use crate::clinic::Answer;
use crate::clinic::Clinic;
use crate::clinic::EVERYTHING;
use crate::fhir::message::WRITES;

pub(super) const FHIR: &str = "application/fhir+json";

/// A Bundle of these entries.
pub(super) fn bundle(mode: &str, entries: &[Value]) -> Value {
    json!({"resourceType": "Bundle", "type": mode, "entry": entries})
}

/// An entry that reads.
pub(super) fn get(url: &str) -> Value {
    json!({"request": {"method": "GET", "url": url}})
}

/// Sends a Bundle.
pub(super) async fn send(clinic: &Clinic, token: &str, body: &Value) -> Answer {
    let to = ("/fhir", token);
    clinic.with_body("POST", to, FHIR, body.to_string()).await
}

/// The statuses of the entries.
pub(super) fn statuses(answer: &Answer) -> Vec<String> {
    let json = answer.json();
    let entries = json["entry"].as_array().cloned().unwrap_or_default();
    let status = |entry: &Value| entry["response"]["status"].as_str().map(str::to_owned);
    entries.iter().filter_map(status).collect()
}

#[tokio::test]
async fn case_137_139_149_every_entry_is_authorised_alone() {
    let clinic = Clinic::open().await;
    let mut active = clinic.patients("active");
    let (maria, sean) = (active.next().expect("one"), active.next().expect("two"));
    let mine = clinic.token(maria, EVERYTHING).await;
    let known = clinic
        .get(&format!("/fhir/Patient/{}", maria.id), &mine)
        .await;
    let version = known.header("etag").to_owned();
    let mut unchanged = get(&format!("Patient/{}", maria.id));
    unchanged["request"]["ifNoneMatch"] = json!(version);
    let sent = bundle(
        "batch",
        &[
            get(&format!("Patient/{}", maria.id)),
            get(&format!("Patient/{}", sean.id)),
            get("$export"),
            get("Patient/$export"),
            get(&format!("Appointment?patient={}", sean.id)),
            get("Appointment?_count=1"),
            unchanged,
            get("_history"),
            get("Patient/$purge"),
            json!({"request": {"method": "DELETE", "url": format!("Patient/{}", maria.id)}}),
            json!({"request": {"method": "POST", "url": "Bundle"}, "resource": bundle("batch", &[])}),
            get("http://127.0.0.1:9/fhir/Patient/7"),
            json!({"request": {"method": "PUT"}}),
            get(&format!("/Patient/{}", maria.id)),
        ],
    );
    let answer = send(&clinic, &mine, &sent).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    assert_eq!(
        statuses(&answer),
        [
            "200 OK",
            "404 Not Found",
            "404 Not Found",
            "404 Not Found",
            "403 Forbidden",
            "200 OK",
            "304 Not Modified",
            "403 Forbidden",
            "404 Not Found",
            "405 Method Not Allowed",
            "404 Not Found",
            "400 Bad Request",
            "400 Bad Request",
            "200 OK",
        ]
    );
    let json = answer.json();
    assert_eq!(json["type"], "batch-response");
    assert_eq!(json["entry"][0]["resource"], known.json());
    assert_eq!(json["entry"][0]["response"]["etag"], version);
    assert_eq!(json["entry"][5]["resource"]["type"], "searchset");
    let outcome = &json["entry"][1]["response"]["outcome"];
    assert_eq!(outcome["resourceType"], "OperationOutcome");
    assert!(!answer.text().contains(&sean.name), "{}", answer.text());
    clinic.close().await;
}

#[tokio::test]
async fn case_152_a_batch_opens_no_more_than_the_scope() {
    let clinic = Clinic::open().await;
    let maria = clinic.patient("active");
    let narrow = clinic
        .token(maria, "launch/patient patient/Appointment.s")
        .await;
    let sent = bundle(
        "batch",
        &[
            get("Appointment?_count=1"),
            get(&format!("Patient/{}", maria.id)),
            get("Communication"),
            json!({"request": {"method": "POST", "url": "Communication"},
                "resource": {"resourceType": "Communication", "status": "completed"}}),
        ],
    );
    let answer = send(&clinic, &narrow, &sent).await;
    assert_eq!(
        statuses(&answer),
        ["200 OK", "403 Forbidden", "403 Forbidden", "403 Forbidden"]
    );
    clinic.close().await;
}

#[tokio::test]
async fn one_bad_write_keeps_the_others_from_nothing() {
    let clinic = Clinic::open().await;
    let maria = clinic.patient("active");
    let mine = clinic.token(maria, WRITES).await;
    let staff = clinic
        .get("/fhir/Practitioner?name=Lee", &mine)
        .await
        .json();
    let lee = staff["entry"][0]["resource"]["id"].as_str().expect("an id");
    let write = |text: &str| {
        json!({"request": {"method": "POST", "url": "Communication"}, "resource": {
            "resourceType": "Communication", "status": "completed",
            "recipient": [{"reference": format!("Practitioner/{lee}")}],
            "topic": {"text": "In a batch"}, "payload": [{"contentString": text}]}})
    };
    let mut wrong = write("No");
    wrong["resource"]["status"] = json!("stopped");
    let sent = bundle("batch", &[write("One"), wrong, write("Two")]);
    let answer = send(&clinic, &mine, &sent).await;
    assert_eq!(
        statuses(&answer),
        ["201 Created", "422 Unprocessable Entity", "201 Created"],
        "{}",
        answer.text()
    );
    let json = answer.json();
    let place = json["entry"][0]["response"]["location"].as_str();
    assert!(place.is_some_and(|place| place.contains("/fhir/Communication/")));
    let rows = clinic
        .look("SELECT CAST(COUNT(DISTINCT body) AS CHAR) AS text FROM onsite_mail WHERE title = 'In a batch'")
        .await;
    assert_eq!(rows, "2");
    let ledger = clinic
        .look("SELECT CAST(COUNT(*) AS CHAR) AS text FROM anteroom_audit WHERE action = 'Communication.create'")
        .await;
    assert_eq!(ledger, "2", "a line for each entry");
    clinic.close().await;
}

#[tokio::test]
async fn case_162_163_a_bundle_that_is_none_is_refused() {
    let clinic = Clinic::open().await;
    let mine = clinic.token(clinic.patient("active"), EVERYTHING).await;
    let deep = format!(
        r#"{{"resourceType":"Bundle","type":"batch","entry":{}{}}}"#,
        "[".repeat(100_000),
        "]".repeat(100_000)
    );
    for body in [
        deep.as_str(),
        r#"{"resourceType":"Bundle","type":"batch","type":"batch"}"#,
        r#"{"resourceType":"Bundle","type":"document"}"#,
        r#"{"resourceType":"Bundle"}"#,
        r#"{"resourceType":"Patient"}"#,
        r#"{"resourceType":"Bundle","type":"batch","total":1e400}"#,
        "[]",
        "",
    ] {
        let to = ("/fhir/", mine.as_str());
        let answer = clinic.with_body("POST", to, FHIR, body.to_owned()).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{}", answer.text());
        assert_eq!(answer.issue(), "invalid");
    }
    let many = bundle("batch", &vec![get("Slot/x"); 201]);
    let answer = send(&clinic, &mine, &many).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
    let large = format!("{}{}", " ".repeat(2 * 1024 * 1024), bundle("batch", &[]));
    let to = ("/fhir", mine.as_str());
    let answer = clinic.with_body("POST", to, FHIR, large).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
    let text = clinic.with_body("POST", to, "text/plain", "{}").await;
    assert_eq!(text.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let empty = send(&clinic, &mine, &bundle("batch", &[])).await;
    assert_eq!(
        empty.json(),
        json!({"resourceType": "Bundle", "type": "batch-response"})
    );
    let get = clinic.get("/fhir", &mine).await;
    assert_eq!(get.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(get.header("allow"), "POST");
    let stranger = Request::post("/fhir").header("content-type", FHIR);
    let stranger = stranger.body(Body::from("{}")).expect("a request");
    assert_eq!(clinic.send(stranger).await.status, StatusCode::UNAUTHORIZED);
    clinic.close().await;
}
