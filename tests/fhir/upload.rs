//! Documents that are sent: with a resource, or as a file of their own; what is filed and what is refused.

use axum::body::Body;
use axum::http::Request;
use axum::http::StatusCode;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use serde_json::json;

use crate::clinic::Answer;
use crate::clinic::Clinic;
use crate::clinic::engine::LAYOUTS;
use crate::fhir::message::WRITES;
use crate::fhir::reach::token;

const FHIR: &str = "application/fhir+json";
const PDF: &[u8] = b"%PDF-1.4\n1 0 obj << /JS (app.alert(1)) >> endobj\n%%EOF";

fn document(kind: &str, bytes: &[u8]) -> Value {
    json!({
        "resourceType": "DocumentReference",
        "status": "current",
        "content": [{"attachment": {
            "contentType": kind,
            "data": STANDARD.encode(bytes),
            "title": "Überweisung & \"co\" &amp; 漢字.pdf"
        }}]
    })
}

async fn send(clinic: &Clinic, token: &str, body: &Value) -> Answer {
    let to = ("/fhir/DocumentReference", token);
    clinic.with_body("POST", to, FHIR, body.to_string()).await
}

async fn post(clinic: &Clinic, token: &str, headers: &[(&str, &str)], bytes: Vec<u8>) -> Answer {
    let mut request =
        Request::post("/fhir/Binary").header("authorization", format!("Bearer {token}"));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    clinic
        .send(request.body(Body::from(bytes)).expect("a request"))
        .await
}

const COUNT: &str = "SELECT CAST(COUNT(*) AS CHAR) AS text FROM documents";

/// An installation without "Onsite Portal / Patient": what is sent lies elsewhere, and waits there until staff looked.
async fn without_its_category(clinic: Clinic) {
    let own = "UPDATE categories SET name = 'Patients' WHERE name = 'Patient'";
    clinic.app.emr.db.script(own).await.expect("renamed");
    let mine = clinic.token(clinic.patient("active"), WRITES).await;
    let answer = send(&clinic, &mine, &document("application/pdf", PDF)).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
    assert_eq!(answer.json()["docStatus"], "preliminary");
    // Staff file it in OpenEMR.
    let filed = "UPDATE categories_to_documents SET category_id = 2 \
        WHERE document_id = (SELECT MAX(document) FROM anteroom_upload)";
    clinic.app.emr.db.script(filed).await.expect("filed");
    let id = answer.json()["id"].as_str().expect("an id").to_owned();
    let path = format!("/fhir/DocumentReference/{id}");
    let told = clinic.get(&path, &mine).await;
    assert_eq!(told.json()["docStatus"], "final", "{}", told.text());
    clinic.close().await;
}

#[tokio::test]
async fn f150_what_is_sent_waits_where_an_installation_without_its_category_puts_it() {
    without_its_category(Clinic::open().await).await;
}

#[tokio::test]
async fn f150_what_is_sent_waits_wherever_it_lies_on_mariadb_in_every_layout() {
    for layout in LAYOUTS {
        if let Some(clinic) = Clinic::on_mariadb(layout).await {
            without_its_category(clinic).await;
        }
    }
}

async fn the_whole_story(clinic: Clinic) {
    let maria = clinic.patient("active");
    let mine = clinic.token(maria, WRITES).await;
    let answer = send(&clinic, &mine, &document("application/pdf", PDF)).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
    let made = answer.json();
    let id = made["id"].as_str().expect("an id").to_owned();
    let attachment = &made["content"][0]["attachment"];
    assert_eq!(
        attachment["title"], "Überweisung & \"co\" &amp; 漢字.pdf",
        "case 168"
    );
    assert_eq!(
        (&made["docStatus"], &attachment["contentType"]),
        (&json!("preliminary"), &json!("application/pdf"))
    );
    assert_eq!(
        made["author"][0]["reference"],
        format!("Patient/{}", maria.id)
    );
    let bytes = clinic.get(&format!("/fhir/Binary/{id}"), &mine).await;
    assert_eq!(bytes.bytes, PDF);
    assert!(
        bytes
            .header("content-disposition")
            .contains("filename*=UTF-8''%C3%9C")
    );
    // As OpenEMR stores it: encrypted, numbered, registered, linked, told.
    let row = clinic.look("SELECT CONCAT_WS('|', d.type, d.encrypted, d.storagemethod, d.path_depth, LENGTH(d.hash), c.name, COALESCE(d.owner, 'none')) AS text \
        FROM documents d JOIN categories_to_documents l ON l.document_id = d.id JOIN categories c ON c.id = l.category_id ORDER BY d.id DESC").await;
    assert_eq!(row, "file_url|1|0|1|128|Patient|none");
    let note = clinic
        .look(
            "SELECT CONCAT_WS('|', title, assigned_to, body) AS text FROM pnotes ORDER BY id DESC",
        )
        .await;
    assert!(
        note.starts_with("New Document|portal-user|")
            && note.contains(maria.name.split(' ').next_back().expect("a family name")),
        "{note}"
    );
    let counter = clinic.look("SELECT CAST((SELECT MAX(id) FROM sequences) - (SELECT MAX(id) FROM documents) AS CHAR) AS text").await;
    assert_eq!(counter, "0");
    let ledger = clinic.look("SELECT CONCAT_WS('|', outcome, resource) AS text FROM anteroom_audit WHERE action = 'DocumentReference.create'").await;
    assert_eq!(ledger, format!("success|DocumentReference/{id}"));
    // The same as a file of its own, and staff into a category of theirs.
    let headers = [
        ("content-type", "text/plain"),
        (
            "content-disposition",
            "attachment; filename*=UTF-8''n%C3%B6te.txt",
        ),
    ];
    let answer = post(&clinic, &mine, &headers, b"a note".to_vec()).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
    let location = answer.header("location").to_owned();
    let id = location.rsplit('/').next().expect("an id").to_owned();
    let known = clinic
        .get(&format!("/fhir/DocumentReference/{id}"), &mine)
        .await
        .json();
    assert_eq!(known["content"][0]["attachment"]["title"], "nöte.txt");
    let staff = token(
        &clinic,
        Some("dlee"),
        None,
        "user/DocumentReference.crus user/Binary.cr",
    )
    .await;
    let mut body = document("text/plain", b"all is well");
    body["subject"] = json!({"reference": format!("Patient/{}", maria.id)});
    body["category"] = json!([{"coding": [{"system": "https://anteroom.dev/fhir/CodeSystem/document-category", "code": "Lab Report"}]}]);
    let answer = send(&clinic, &staff, &body).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
    let made = answer.json();
    assert_eq!(made["docStatus"], "final");
    assert!(
        made["author"][0]["reference"]
            .as_str()
            .is_some_and(|author| author.starts_with("Practitioner/"))
    );
    clinic.close().await;
}

#[tokio::test]
async fn case_168_a_document_is_filed_and_given_back_as_it_was() {
    the_whole_story(Clinic::open().await).await;
}

#[tokio::test]
async fn a_document_is_filed_on_mariadb_in_every_layout() {
    for layout in LAYOUTS {
        if let Some(clinic) = Clinic::on_mariadb(layout).await {
            the_whole_story(clinic).await;
        }
    }
}

#[tokio::test]
async fn case_169_171_172_what_is_not_taken_leaves_nothing() {
    let clinic = Clinic::open().await;
    let mine = clinic.token(clinic.patient("active"), WRITES).await;
    let before = clinic.look(COUNT).await;
    let rules: [(&str, &[u8], &str); 9] = [
        (
            "image/svg+xml",
            b"<svg xmlns='http://www.w3.org/2000/svg'><script>1</script></svg>",
            "upload.type",
        ),
        (
            "text/html; charset=utf-7",
            b"+ADw-script+AD4-",
            "upload.type",
        ),
        (
            "application/xhtml+xml",
            b"<?xml version='1.0'?><html xmlns='http://www.w3.org/1999/xhtml'/>",
            "upload.type",
        ),
        ("image/png", b"<html><body>", "upload.type"),
        (
            "text/plain",
            b"<!DOCTYPE html><script>1</script>",
            "upload.type",
        ),
        ("application/octet-stream", b"MZ\x90\0\x03\0", "upload.type"),
        ("application/pdf", b"\x89PNG\r\n\x1a\n", "upload.type"),
        (
            "application/javascript",
            b"GIF89a=1;alert(1)",
            "upload.type",
        ),
        ("application/zip", b"PK\x03\x04 a.exe", "upload.type"),
    ];
    for (kind, bytes, rule) in rules {
        let answer = send(&clinic, &mine, &document(kind, bytes)).await;
        assert_eq!(
            answer.status,
            StatusCode::UNPROCESSABLE_ENTITY,
            "{kind} {}",
            answer.text()
        );
        assert_eq!(
            answer.json()["issue"][0]["details"]["coding"][0]["code"],
            rule,
            "{kind}"
        );
        let headers = [("content-type", kind)];
        let answer = post(&clinic, &mine, &headers, bytes.to_vec()).await;
        assert_eq!(
            answer.status,
            StatusCode::UNPROCESSABLE_ENTITY,
            "{kind} {}",
            answer.text()
        );
    }
    for (name, value) in [
        ("url", json!("file:///etc/passwd")),
        ("url", json!("http://127.0.0.1/")),
        ("url", json!("//evil/")),
        ("url", json!("data:text/html,x")),
        ("url", json!("javascript:alert(1)")),
        ("size", json!(1)),
        ("hash", json!(STANDARD.encode([1; 20]))),
        ("data", json!("JVBE Ri0xLjQ=")),
        ("data", json!("JVBERi0xLjQ")),
        ("title", json!("../../etc/cron.d/x")),
    ] {
        let mut body = document("application/pdf", PDF);
        body["content"][0]["attachment"][name] = value.clone();
        let answer = send(&clinic, &mine, &body).await;
        let status = answer.status.as_u16();
        assert!(
            matches!(status, 400 | 422),
            "{name} {value}: {}",
            answer.text()
        );
        answer.issue();
    }
    assert_eq!(clinic.look(COUNT).await, before);
    clinic.close().await;
}

#[tokio::test]
async fn case_142_nobody_files_into_another_chart() {
    let clinic = Clinic::open().await;
    let mut active = clinic.patients("active");
    let (maria, sean) = (active.next().expect("one"), active.next().expect("two"));
    let mine = clinic.token(maria, WRITES).await;
    let before = clinic.look(COUNT).await;
    let theirs = format!("Patient/{}", sean.id);
    for (element, value) in [
        ("subject", json!({"reference": theirs})),
        (
            "subject",
            json!({"reference": format!("http://127.0.0.1:8080/fhir/{theirs}")}),
        ),
        (
            "subject",
            json!({"reference": theirs, "type": "Practitioner"}),
        ),
        (
            "subject",
            json!({"identifier": {"system": "x", "value": sean.id}}),
        ),
        ("author", json!([{"reference": theirs}])),
        ("custodian", json!({"reference": "Organization/1"})),
        (
            "context",
            json!({"encounter": [{"reference": "Encounter/1"}]}),
        ),
        ("contained", json!([{"resourceType": "Patient", "id": "p"}])),
    ] {
        let mut body = document("application/pdf", PDF);
        body[element] = value.clone();
        let answer = send(&clinic, &mine, &body).await;
        let status = answer.status.as_u16();
        assert!(
            matches!(status, 400 | 403 | 422),
            "{element} {value}: {}",
            answer.text()
        );
    }
    let headers = [
        ("content-type", "application/pdf"),
        ("x-security-context", theirs.as_str()),
    ];
    let answer = post(&clinic, &mine, &headers, PDF.to_vec()).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN, "{}", answer.text());
    let cut = clinic
        .token(
            maria,
            "launch/patient patient/Binary.rs patient/DocumentReference.rs",
        )
        .await;
    let answer = post(&clinic, &cut, &headers[..1], PDF.to_vec()).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN, "{}", answer.text());
    assert_eq!(clinic.look(COUNT).await, before);
    clinic.close().await;
}

#[tokio::test]
async fn a_file_of_twenty_mebibytes_is_taken_and_one_byte_more_is_not() {
    let clinic = Clinic::open().await;
    let mine = clinic.token(clinic.patient("active"), WRITES).await;
    let limit = 20 * 1024 * 1024;
    let mut large = b"%PDF-1.4\n".to_vec();
    large.resize(limit, b' ');
    let headers = [("content-type", "application/pdf")];
    let answer = post(&clinic, &mine, &headers, large.clone()).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
    let location = answer.header("location").to_owned();
    let path = location
        .strip_prefix("http://127.0.0.1:8080")
        .expect("ours")
        .to_owned();
    let read = clinic.get(&path, &mine).await;
    assert_eq!((read.status, read.bytes.len()), (StatusCode::OK, limit));
    large.push(b' ');
    let answer = post(&clinic, &mine, &headers, large).await;
    assert_eq!(
        answer.status,
        StatusCode::PAYLOAD_TOO_LARGE,
        "{}",
        answer.text()
    );
    let spool = clinic.folder().join("documents").join(".anteroom");
    assert_eq!(
        std::fs::read_dir(spool).expect("a folder").count(),
        0,
        "nothing is left behind"
    );
    clinic.close().await;
}
