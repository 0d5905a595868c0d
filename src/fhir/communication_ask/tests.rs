//! What a patient and staff may say in a new message, and what is refused and where.

use super::*;
use crate::domain::people::Person;
use crate::domain::records::Party;
use serde_json::Value;
use serde_json::json;

const PATIENT: u128 = 7;
const STAFF: u128 = 5;

fn id(number: u128) -> String {
    Uuid::from_u128(number).to_string()
}

fn person() -> Person {
    Person {
        pid: 7,
        uuid: Uuid::from_u128(PATIENT),
    }
}

fn message() -> Value {
    json!({
        "resourceType": "Communication",
        "status": "completed",
        "recipient": [{"reference": format!("Practitioner/{}", id(STAFF))}],
        "topic": {"text": "A question"},
        "payload": [{"contentString": "May I swim?\n\nAna"}]
    })
}

fn asked(body: &Value, role: Role, before: Option<&Record>) -> Result<MessageAsk, Refusal> {
    let resource = fhir_decode::decode(body.to_string().as_bytes()).expect("FHIR");
    let sent = Sent {
        kind: ResourceType::Communication,
        id: Uuid::from_u128(1),
        role,
        seen: None,
        before,
        resource,
        changed: Vec::new(),
    };
    match of(sent, &Base::new("http://x.org/fhir"))? {
        Ask::Message(ask) => Ok(ask),
        other => panic!("{other:?}"),
    }
}

fn letter(body: &Value, role: Role) -> Result<Letter, Refusal> {
    match asked(body, role, None)? {
        MessageAsk::Send(letter) => Ok(letter),
        MessageAsk::Mark(_) => panic!("a mark"),
    }
}

fn with(change: impl FnOnce(&mut Value)) -> Value {
    let mut body = message();
    change(&mut body);
    body
}

#[test]
fn f140_a_message_has_a_patient_a_recipient_a_title_and_a_text() {
    let body = with(|body| {
        body["subject"] = json!({"reference": format!("Patient/{}", id(PATIENT))});
        body["sender"] = json!({"reference": format!("http://x.org/fhir/Patient/{}", id(PATIENT))});
        body["inResponseTo"] = json!([{"reference": format!("Communication/{}", id(3))}]);
        body["category"] = json!([{"coding": [{"system": MESSAGE.0, "code": MESSAGE.1}]}]);
    });
    let expected = Letter {
        patient: person().uuid,
        colleague: Some(Uuid::from_u128(STAFF)),
        answered: Some(Uuid::from_u128(3)),
        title: "A question".to_owned(),
        body: "May I swim?\n\nAna".to_owned(),
    };
    assert_eq!(letter(&body, Role::Patient(person())), Ok(expected.clone()));
    let bare = letter(&message(), Role::Patient(person())).expect("enough");
    assert_eq!((bare.patient, bare.answered), (expected.patient, None));
    let staff = with(|body| {
        body["recipient"] = json!([{"reference": format!("Patient/{}", id(PATIENT))}]);
    });
    let staff = letter(&staff, Role::Staff).expect("staff write");
    assert_eq!((staff.patient, staff.colleague), (person().uuid, None));
}

#[test]
fn case_142_a_message_of_or_about_another_patient_is_refused() {
    for element in ["subject", "sender"] {
        let body = with(|body| {
            body[element] = json!({"reference": format!("Patient/{}", id(8))});
        });
        let refusal = letter(&body, Role::Patient(person()));
        assert_eq!(refusal, Err(Refusal::Forbidden(NOT_YOU)), "{element}");
    }
    for (element, value) in [
        ("subject", json!({"identifier": {"value": "x"}})),
        (
            "sender",
            json!({"reference": format!("Practitioner/{}", id(STAFF))}),
        ),
        (
            "recipient",
            json!([{"reference": format!("Patient/{}", id(8))}]),
        ),
        (
            "inResponseTo",
            json!([{"reference": format!("Appointment/{}", id(3))}]),
        ),
    ] {
        let body = with(|body| body[element] = value);
        let refusal = letter(&body, Role::Patient(person())).expect_err(element);
        let Refusal::Invalid { location, .. } = refusal else {
            panic!("{element} {refusal:?}")
        };
        assert!(
            location.starts_with(&format!("Communication.{element}")),
            "{location}"
        );
    }
}

#[test]
fn what_cannot_be_kept_is_refused_where_it_stands() {
    type Change = fn(&mut Value);
    let changes: [(&str, Change); 11] = [
        ("Communication.status", |body| {
            body["status"] = json!("preparation")
        }),
        ("Communication.category", |body| {
            body["category"] = json!([{"text": "alert"}]);
        }),
        ("Communication.recipient", |body| {
            body["recipient"] = json!([{"display": "a"}, {"display": "b"}]);
        }),
        ("Communication.topic", |body| {
            body["topic"] = json!({"coding": [{"code": "x"}]});
        }),
        ("Communication.topic.text", |body| {
            body["topic"] = json!({"text": "x".repeat(256)});
        }),
        ("Communication.topic.text", |body| {
            body["topic"] = json!({"text": "two\nlines"});
        }),
        ("Communication.payload", |body| {
            body["payload"] = json!([{"contentString": "a"}, {"contentString": "b"}]);
        }),
        ("Communication.payload", |body| {
            body["payload"] = json!([{"id": "a", "contentString": "b"}]);
        }),
        ("Communication.payload[0].content", |body| {
            body["payload"] = json!([{"contentAttachment": {"title": "a.pdf"}}]);
        }),
        ("Communication.payload[0].content", |body| {
            body["payload"] = json!([{"contentReference": {"reference": "DocumentReference/1"}}]);
        }),
        ("Communication.payload[0].contentString", |body| {
            body["payload"] = json!([{"contentString": "x".repeat(100_001)}]);
        }),
    ];
    for (place, change) in changes {
        let refusal = letter(&with(change), Role::Patient(person())).expect_err(place);
        assert!(
            matches!(&refusal, Refusal::Invalid { location, .. } if location == place),
            "{place} {refusal:?}"
        );
    }
}

#[test]
fn marks_are_the_two_extensions_and_nothing_else() {
    let before = Record::Communication(Box::new(records::Communication {
        uuid: Uuid::from_u128(1),
        person: person(),
        sender: Party::Other("x".to_owned()),
        recipient: Party::Other("y".to_owned()),
        title: String::new(),
        body: "x".to_owned(),
        sent: None,
        read: false,
        archived: false,
        thread: None,
    }));
    let mark = |extensions: Value| {
        let body = with(|body| body["extension"] = extensions);
        asked(&body, Role::Patient(person()), Some(&before))
    };
    let one = |url: &str, value: bool| json!({"url": url, "valueBoolean": value});
    let expected = MessageAsk::Mark(Mark {
        message: Uuid::from_u128(1),
        read: true,
        archived: false,
    });
    assert_eq!(
        mark(json!([one(READ, true), one(ARCHIVED, false)])),
        Ok(expected)
    );
    for odd in [
        json!([one(READ, true)]),
        json!([one(READ, true), one(READ, true), one(ARCHIVED, true)]),
        json!([one(READ, true), one(ARCHIVED, true), one("http://x", true)]),
        json!([one(READ, true), {"url": ARCHIVED, "valueString": "yes"}]),
    ] {
        assert!(matches!(mark(odd), Err(Refusal::Invalid { .. })));
    }
}
