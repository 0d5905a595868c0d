//! `GET /fhir/{type}/{id}`: R4 http 3.1.0, and the small decisions of the interface.

use axum::body::Body;
use axum::http::Request;
use axum::http::StatusCode;

use crate::clinic::Clinic;
use crate::clinic::EVERYTHING;

#[tokio::test]
async fn f147_a_patient_reads_the_own_record() {
    let clinic = Clinic::open().await;
    let maria = clinic.patient("active");
    let token = clinic.token(maria, EVERYTHING).await;
    let path = format!("/fhir/Patient/{}", maria.id);
    let answer = clinic.get(&path, &token).await;
    assert_eq!(answer.status, StatusCode::OK);
    let json = answer.json();
    assert_eq!(json["resourceType"], "Patient");
    assert_eq!(json["id"], maria.id.as_str());
    assert_eq!(json["birthDate"], maria.birth_date.as_str());
    assert_eq!(
        answer.header("content-type"),
        "application/fhir+json; charset=utf-8"
    );
    let version = json["meta"]["versionId"].as_str().expect("a version");
    assert_eq!(answer.header("etag"), format!("W/\"{version}\""));
    assert!(answer.header("last-modified").ends_with(" GMT"));
    clinic.close().await;
}

#[tokio::test]
async fn a_known_version_is_not_sent_again() {
    let clinic = Clinic::open().await;
    let maria = clinic.patient("active");
    let token = clinic.token(maria, EVERYTHING).await;
    let path = format!("/fhir/Patient/{}", maria.id);
    let first = clinic.get(&path, &token).await;
    let ask = |etag: &str| {
        Request::get(&path)
            .header("authorization", format!("Bearer {token}"))
            .header("if-none-match", etag)
            .body(Body::empty())
            .expect("a request")
    };
    let same = clinic.send(ask(first.header("etag"))).await;
    assert_eq!(same.status, StatusCode::NOT_MODIFIED);
    assert!(same.bytes.is_empty());
    let other = clinic.send(ask("W/\"0000000000000000\"")).await;
    assert_eq!(other.status, StatusCode::OK);
    clinic.close().await;
}

#[tokio::test]
async fn everything_a_record_refers_to_can_be_read() {
    let clinic = Clinic::open().await;
    let maria = clinic.patient("active");
    let token = clinic.token(maria, EVERYTHING).await;
    let mut seen = 0;
    for kind in [
        "Patient",
        "Appointment",
        "Communication",
        "DocumentReference",
    ] {
        let found = clinic
            .get(&format!("/fhir/{kind}?_count=200"), &token)
            .await
            .json();
        for entry in found["entry"].as_array().expect("entries") {
            for reference in references(&entry["resource"]) {
                if let Some(id) = reference.strip_prefix('#') {
                    assert_eq!(entry["resource"]["contained"][0]["id"], id, "{kind}");
                    continue;
                }
                let answer = clinic.get(&format!("/fhir/{reference}"), &token).await;
                assert_eq!(
                    answer.status,
                    StatusCode::OK,
                    "{kind} refers to {reference}"
                );
                seen += 1;
            }
        }
    }
    assert!(seen > 20, "the sandbox refers to things: {seen}");
    clinic.close().await;
}

/// Every `reference` in a resource.
fn references(value: &serde_json::Value) -> Vec<String> {
    match value {
        serde_json::Value::Object(members) => members
            .iter()
            .flat_map(|(name, value)| match (name.as_str(), value.as_str()) {
                ("reference", Some(reference)) => vec![reference.to_owned()],
                _ => references(value),
            })
            .collect(),
        serde_json::Value::Array(items) => items.iter().flat_map(references).collect(),
        _ => Vec::new(),
    }
}

#[tokio::test]
async fn case_122_somebody_elses_record_is_like_one_that_never_was() {
    let clinic = Clinic::open().await;
    let mut active = clinic.patients("active");
    let (maria, sean) = (active.next().expect("one"), active.next().expect("two"));
    let token = clinic.token(maria, EVERYTHING).await;
    let theirs = clinic.token(sean, EVERYTHING).await;
    for kind in [
        "Patient",
        "Appointment",
        "Communication",
        "DocumentReference",
    ] {
        let found = clinic.get(&format!("/fhir/{kind}"), &theirs).await.json();
        let id = found["entry"][0]["resource"]["id"]
            .as_str()
            .expect("a record")
            .to_owned();
        let foreign = clinic.get(&format!("/fhir/{kind}/{id}"), &token).await;
        let never = clinic
            .get(
                &format!("/fhir/{kind}/00000000-0000-4000-8000-000000000000"),
                &token,
            )
            .await;
        let odd = clinic.get(&format!("/fhir/{kind}/no-uuid"), &token).await;
        assert_eq!(foreign.status, StatusCode::NOT_FOUND, "{kind}");
        assert_eq!(foreign.issue(), "not-found");
        for like in [&never, &odd] {
            assert_eq!(like.status, foreign.status);
            assert_eq!(like.bytes, foreign.bytes);
        }
    }
    clinic.close().await;
}

#[tokio::test]
async fn only_json_is_spoken() {
    let clinic = Clinic::open().await;
    let maria = clinic.patient("active");
    let token = clinic.token(maria, EVERYTHING).await;
    let path = format!("/fhir/Patient/{}", maria.id);
    for fine in [
        "?_format=json",
        "?_format=application/fhir%2Bjson",
        "?_format=application/fhir+json",
        "",
    ] {
        assert_eq!(
            clinic.get(&format!("{path}{fine}"), &token).await.status,
            StatusCode::OK,
            "{fine}"
        );
    }
    let xml = clinic.get(&format!("{path}?_format=xml"), &token).await;
    assert_eq!(xml.status, StatusCode::NOT_ACCEPTABLE);
    assert_eq!(xml.issue(), "not-supported");
    clinic.close().await;
}

#[tokio::test]
async fn unknown_types_and_methods_are_refused_in_fhirs_words() {
    let clinic = Clinic::open().await;
    let token = clinic.token(clinic.patient("active"), EVERYTHING).await;
    for path in [
        "/fhir/Observation",
        "/fhir/Nonsense/1",
        "/fhir/Patient/1/_history",
        "/fhir/Patient/1/_history/1",
    ] {
        let answer = clinic.get(path, &token).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
        assert_eq!(answer.issue(), "not-found", "{path}");
    }
    for (method, path) in [
        ("DELETE", "/fhir/Patient/1"),
        ("GET", "/fhir"),
        ("POST", "/fhir/Organization"),
        ("PUT", "/fhir/Encounter/1"),
        ("PATCH", "/fhir/Slot/1"),
    ] {
        let answer = clinic
            .with_body(method, (path, &token), "application/fhir+json", "{}")
            .await;
        assert_eq!(
            answer.status,
            StatusCode::METHOD_NOT_ALLOWED,
            "{method} {path}"
        );
        assert_eq!(answer.issue(), "not-supported", "{method} {path}");
    }
    clinic.close().await;
}

#[tokio::test]
async fn what_is_too_long_is_told_as_that() {
    let clinic = Clinic::open().await;
    let token = clinic.token(clinic.patient("active"), EVERYTHING).await;
    let long = format!("/fhir/Patient?_id={}", "a".repeat(9000));
    let answer = clinic.get(&long, &token).await;
    assert_eq!(answer.status, StatusCode::URI_TOO_LONG);
    assert_eq!(answer.issue(), "too-long");
    let body = "a".repeat(3 * 1024 * 1024);
    let form = "application/x-www-form-urlencoded";
    let answer = clinic
        .with_body("POST", ("/fhir/Patient/_search", &token), form, body)
        .await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(answer.issue(), "too-long");
    let request = Request::get("/fhir/metadata").header("x-long", "a".repeat(40_000));
    let answer = clinic
        .send(request.body(Body::empty()).expect("a request"))
        .await;
    assert_eq!(answer.status, StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE);
    clinic.close().await;
}

#[tokio::test]
async fn reads_are_in_the_ledger_by_id_and_without_people() {
    let clinic = Clinic::open().await;
    let maria = clinic.patient("active");
    let token = clinic.token(maria, EVERYTHING).await;
    let answer = clinic
        .get(&format!("/fhir/Patient/{}", maria.id), &token)
        .await;
    let request = answer.header("x-request-id").to_owned();
    assert!(!request.is_empty());
    // Reads are written behind; the loop gathers for a fifth of a second.
    for _ in 0..100 {
        if clinic.app.reads.written() > 0 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let line = clinic
        .look("SELECT CONCAT_WS('|', action, outcome, resource, request_id, actor) AS text FROM anteroom_audit WHERE action = 'Patient.read'")
        .await;
    assert_eq!(
        line,
        format!(
            "Patient.read|success|Patient/{0}|{request}|Patient/{0}",
            maria.id
        )
    );
    clinic.close().await;
}
