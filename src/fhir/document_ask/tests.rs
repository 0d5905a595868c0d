//! What a new document may have, and what is refused and where.

use super::*;
use crate::domain::people::Person;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use serde_json::json;

fn person() -> Person {
    Person {
        pid: 7,
        uuid: Uuid::from_u128(7),
    }
}

fn document() -> Value {
    json!({
        "resourceType": "DocumentReference",
        "status": "current",
        "content": [{"attachment": {
            "contentType": "text/plain; charset=utf-8",
            "data": STANDARD.encode("hello"),
            "title": "a.txt",
            "size": 5,
            "hash": STANDARD.encode(crypto::sha1(b"hello"))
        }}]
    })
}

fn asked(body: &Value, role: Role) -> Result<Paper, Refusal> {
    let resource = fhir_decode::decode(body.to_string().as_bytes()).expect("FHIR");
    let sent = Sent {
        kind: ResourceType::DocumentReference,
        id: Uuid::from_u128(1),
        role,
        seen: None,
        before: None,
        resource,
        changed: Vec::new(),
    };
    match of(sent, &Base::new("http://x.org/fhir"))? {
        Ask::Document(DocumentAsk::File(paper)) => Ok(paper),
        other => panic!("{other:?}"),
    }
}

fn with(change: impl FnOnce(&mut Value)) -> Value {
    let mut body = document();
    change(&mut body);
    body
}

#[test]
fn a_document_brings_its_bytes() {
    let body = with(|body| {
        body["subject"] = json!({"reference": format!("Patient/{}", person().uuid)});
        body["author"] = json!([{"reference": format!("Patient/{}", person().uuid)}]);
        body["type"] = json!({"coding": [{"system": UNKNOWN_KIND.0, "code": UNKNOWN_KIND.1}]});
        body["category"] = json!([
            {"coding": [{"system": CLINICAL_NOTE.0, "code": CLINICAL_NOTE.1}]},
            {"coding": [{"system": DOCUMENT_CATEGORIES, "code": "Lab Report"}]}
        ]);
    });
    let paper = asked(&body, Role::Patient(person())).expect("a document");
    assert_eq!(paper.patient, person().uuid);
    assert_eq!(
        (paper.name.as_str(), paper.declared.as_str()),
        ("a.txt", "text/plain")
    );
    assert_eq!(
        paper.category.map(|token| token.code).as_deref(),
        Some("Lab Report")
    );
    assert_eq!(paper.bytes, Source::Inline(Arc::from(b"hello".as_slice())));
    let bare = asked(&document(), Role::Patient(person())).expect("enough");
    assert_eq!(bare.category, None);
    assert!(asked(&document(), Role::Staff).is_err(), "whose it is");
}

#[test]
fn case_142_a_document_of_another_patient_is_refused() {
    for change in [
        json!({"subject": {"reference": format!("Patient/{}", Uuid::from_u128(8))}}),
        json!({"author": [{"reference": format!("Patient/{}", Uuid::from_u128(8))}]}),
    ] {
        let body = with(|body| {
            for (name, value) in change.as_object().expect("members") {
                body[name] = value.clone();
            }
        });
        let refusal = asked(&body, Role::Patient(person()));
        assert_eq!(refusal, Err(Refusal::Forbidden(NOT_YOU)));
    }
}

#[test]
fn case_171_172_what_cannot_be_kept_or_is_not_true_is_refused_where_it_stands() {
    let attachment = |change: Value| {
        with(|body| {
            for (name, value) in change.as_object().expect("members") {
                body["content"][0]["attachment"][name] = value.clone();
            }
        })
    };
    let at = |part: &str| format!("{ATTACHMENT}.{part}");
    let mut cases = vec![
        (at("size"), attachment(json!({"size": 6}))),
        (
            at("hash"),
            attachment(json!({"hash": STANDARD.encode([0; 20])})),
        ),
        (at("language"), attachment(json!({"language": "en"}))),
        (
            at("creation"),
            attachment(json!({"creation": "2026-01-01"})),
        ),
        (
            at("title"),
            attachment(json!({"title": "../../etc/passwd"})),
        ),
        (at("title"), attachment(json!({"title": "x".repeat(256)}))),
        (
            "DocumentReference.status".to_owned(),
            with(|body| body["status"] = json!("superseded")),
        ),
        (
            "DocumentReference.content".to_owned(),
            with(|body| {
                let content = body["content"][0].clone();
                body["content"] = json!([content.clone(), content]);
            }),
        ),
        (
            "DocumentReference.type".to_owned(),
            with(|body| body["type"] = json!({"coding": [{"system": "http://x", "code": "y"}]})),
        ),
        (
            "DocumentReference.category".to_owned(),
            with(|body| {
                body["category"] = json!([{"coding": [{"system": "http://x", "code": "y"}]}])
            }),
        ),
    ];
    for url in [
        "file:///etc/passwd",
        "http://127.0.0.1/x",
        "//evil/x",
        "data:text/plain,x",
        "javascript:alert(1)",
        "http://x.org/fhir/Binary/00000000-0000-0000-0000-000000000009",
    ] {
        cases.push((at("url"), attachment(json!({"url": url}))));
    }
    for (place, body) in cases {
        let refusal = asked(&body, Role::Patient(person())).expect_err(&place);
        assert!(
            matches!(&refusal, Refusal::Invalid { location, .. } if *location == place),
            "{place} {refusal:?}"
        );
    }
}

#[test]
fn case_172_base64_is_written_in_one_piece() {
    for data in [
        "aGVs bG8=",
        "aGVsbG8",
        "aGVsbG8==",
        "aGVs\nbG8=",
        "a*==",
        "aGVsbG9=",
    ] {
        let body = with(|body| body["content"][0]["attachment"]["data"] = json!(data));
        assert!(
            fhir_decode::decode(body.to_string().as_bytes()).is_err(),
            "{data}"
        );
    }
}
