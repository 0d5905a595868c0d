//! Messages of every kind, as Communication.

use super::*;
use crate::domain::people::Person;
use crate::domain::records::Attached;
use crate::domain::records::Record;
use crate::domain::records::Topic;
use crate::fhir::Base;
use crate::fhir::encode;
use serde_json::Value;
use serde_json::json;
use time::macros::datetime;
use uuid::Uuid;

fn message() -> Communication {
    let person = Person {
        pid: 7,
        uuid: Uuid::from_u128(7),
    };
    Communication {
        uuid: Uuid::from_u128(1),
        person,
        sender: Party::Staff {
            uuid: Uuid::from_u128(5),
            name: "Dana Lee".to_owned(),
        },
        recipient: Party::Patient {
            person,
            name: "Ana Núñez".to_owned(),
        },
        title: "Lab results".to_owned(),
        body: "All is well.\n\nDana".to_owned(),
        html: "<p>All is <b>well</b>.</p><p>Dana</p>".to_owned(),
        topic: Some(Topic::Document),
        attached: vec![Attached {
            document: Uuid::from_u128(9),
            name: "Lab.pdf".to_owned(),
        }],
        sent: Some(datetime!(2026-11-20 15:30 -5)),
        read: false,
        archived: true,
        done: false,
        handled: true,
        thread: Some(Uuid::from_u128(2)),
    }
}

fn rendered(message: Communication) -> Value {
    let record = Record::Communication(Box::new(message));
    let bytes = encode(&record, &Base::new("http://x.org/fhir")).expect("renders");
    assert_eq!(fhir_decode::decode(&bytes).err(), None);
    serde_json::from_slice(&bytes).expect("JSON")
}

#[test]
fn a_message_is_told_whole() {
    let mut found = rendered(message());
    found["meta"]["versionId"].take();
    assert_eq!(
        found,
        json!({
            "resourceType": "Communication",
            "id": "00000000-0000-0000-0000-000000000001",
            "meta": {"versionId": null, "lastUpdated": "2026-11-20T20:30:00Z"},
            "extension": [
                {"url": "https://anteroom.dev/fhir/StructureDefinition/message-read", "valueBoolean": false},
                {"url": "https://anteroom.dev/fhir/StructureDefinition/message-archived", "valueBoolean": true},
                {"url": "https://anteroom.dev/fhir/StructureDefinition/message-done", "valueBoolean": true}
            ],
            "text": {"status": "additional", "div":
                "<div xmlns=\"http://www.w3.org/1999/xhtml\"><p>All is <b>well</b>.</p><p>Dana</p></div>"},
            "partOf": [{"reference": "Communication/00000000-0000-0000-0000-000000000002"}],
            "identifier": [{"system": "urn:ietf:rfc:3986", "value": "urn:uuid:00000000-0000-0000-0000-000000000001"}],
            "status": "completed",
            "category": [{"coding": [{"system": MESSAGE.0, "code": MESSAGE.1, "display": "Secure message"}],
                "text": "Secure message"},
                {"coding": [{"system": MESSAGE.0, "code": "document", "display": "Document"}], "text": "Document"}],
            "subject": {"reference": "Patient/00000000-0000-0000-0000-000000000007"},
            "topic": {"text": "Lab results"},
            "sent": "2026-11-20T15:30:00-05:00",
            "received": "2026-11-20T15:30:00-05:00",
            "recipient": [{"reference": "Patient/00000000-0000-0000-0000-000000000007", "display": "Ana Núñez"}],
            "sender": {"reference": "Practitioner/00000000-0000-0000-0000-000000000005", "display": "Dana Lee"},
            "payload": [{"contentString": "All is well.\n\nDana"}, {"contentReference":
                {"reference": "DocumentReference/00000000-0000-0000-0000-000000000009", "display": "Lab.pdf"}}]
        })
    );
}

#[test]
fn an_empty_message_from_nobody_has_nothing_empty() {
    let found = rendered(Communication {
        sender: Party::Other(" ".to_owned()),
        recipient: Party::Other("Front desk".to_owned()),
        title: String::new(),
        body: "\u{0} ".to_owned(),
        html: String::new(),
        topic: None,
        attached: Vec::new(),
        sent: None,
        thread: None,
        ..message()
    });
    for absent in [
        "sender", "topic", "payload", "text", "sent", "received", "partOf",
    ] {
        assert_eq!(found.get(absent), None, "{absent}");
    }
    assert_eq!(found["recipient"], json!([{"display": "Front desk"}]));
}
