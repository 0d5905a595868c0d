//! What a patient and staff may say in a new message, and what is refused and where.

use super::*;
use crate::domain::people::Person;
use crate::domain::records::Party;
use crate::portal::message::Body;
use crate::portal::message::Enclosure;
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
        other => panic!("{other:?}"),
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
        body: Body::Text("May I swim?\n\nAna".to_owned()),
        topic: None,
        enclosed: Vec::new(),
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
    let changes: [(&str, Change); 16] = [
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
        ("Communication.category", |body| {
            let one = |code: &str| json!({"coding": [{"system": MESSAGE.0, "code": code}]});
            body["category"] = json!([one("payment"), one("document")]);
        }),
        ("Communication.category", |body| {
            body["category"] = json!([{"coding": [{"system": MESSAGE.0, "code": "alert"}]}]);
        }),
        ("Communication.payload[1]", |body| {
            body["payload"] = json!([{"contentString": "a"}, {"contentString": "b"}]);
        }),
        ("Communication.payload[0]", |body| {
            body["payload"] = json!([{"id": "a", "contentString": "b"}]);
        }),
        ("Communication.payload", |body| {
            let document = format!("DocumentReference/{}", id(9));
            body["payload"] = json!([{"contentReference": {"reference": document}}]);
        }),
        ("Communication.payload[0].contentAttachment.data", |body| {
            body["payload"] = json!([{"contentAttachment": {"title": "a.pdf"}}]);
        }),
        ("Communication.payload[0].contentAttachment.data", |body| {
            let script = json!({"contentType": "text/html", "data": "PHNjcmlwdD54PC9zY3JpcHQ+"});
            body["payload"] = json!([{"contentAttachment": script}]);
        }),
        ("Communication.payload[0].contentAttachment.url", |body| {
            body["payload"] = json!([{"contentAttachment": {"url": "http://x.org/a.pdf"}}]);
        }),
        (
            "Communication.payload[1].contentReference.reference",
            |body| {
                let other = json!({"contentReference": {"reference": "DocumentReference/1"}});
                body["payload"] = json!([{"contentString": "a"}, other]);
            },
        ),
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
fn f139_f144_f145_a_message_may_be_html_carry_documents_and_say_what_it_is_about() {
    let body = with(|body| {
        body["category"] = json!([
            {"coding": [{"system": MESSAGE.0, "code": MESSAGE.1}]},
            {"coding": [{"system": MESSAGE.0, "code": "payment"}]}
        ]);
        body["payload"] = json!([
            // <p>a<script>x</script></p>
            {"contentAttachment": {"contentType": "text/html", "data": "PHA+YTxzY3JpcHQ+eDwvc2NyaXB0PjwvcD4="}},
            {"contentReference": {"reference": format!("DocumentReference/{}", id(9))}},
            {"contentAttachment": {"contentType": "text/plain", "title": "a.txt", "data": "YQ=="}}
        ]);
    });
    let sent = letter(&body, Role::Patient(person())).expect("a message");
    assert_eq!(sent.body, Body::Html("<p>a</p>".to_owned()));
    assert_eq!(sent.topic, Some(Topic::Payment));
    let [Enclosure::Known(known), Enclosure::New(paper)] = sent.enclosed.as_slice() else {
        panic!("{:?}", sent.enclosed)
    };
    assert_eq!(*known, Uuid::from_u128(9));
    assert_eq!(
        (paper.name.as_str(), paper.patient),
        ("a.txt", person().uuid)
    );
}

#[test]
fn f146_marks_are_the_three_extensions_and_nothing_else() {
    let before = Record::Communication(Box::new(records::Communication {
        uuid: Uuid::from_u128(1),
        person: person(),
        sender: Party::Other("x".to_owned()),
        recipient: Party::Other("y".to_owned()),
        title: String::new(),
        body: "x".to_owned(),
        html: String::new(),
        topic: None,
        attached: Vec::new(),
        sent: None,
        read: false,
        archived: false,
        done: false,
        handled: false,
        thread: None,
    }));
    let mark_as = |role: Role, extensions: Value| {
        let body = with(|body| body["extension"] = extensions);
        asked(&body, role, Some(&before))
    };
    let mark = |extensions: Value| mark_as(Role::Patient(person()), extensions);
    let one = |url: &str, value: bool| json!({"url": url, "valueBoolean": value});
    let expected = |read, completes| {
        Ok(MessageAsk::Mark(Mark {
            message: Uuid::from_u128(1),
            person: person(),
            read,
            archived: false,
            completes,
        }))
    };
    let three = |read, done| json!([one(READ, read), one(ARCHIVED, false), one(DONE, done)]);
    assert_eq!(mark(three(true, false)), expected(true, false));
    assert_eq!(mark(three(false, true)), expected(false, true));
    assert_eq!(
        mark_as(Role::Staff, three(false, true)),
        expected(false, true)
    );
    assert_eq!(
        mark_as(Role::Staff, three(true, true)),
        Err(Refusal::Forbidden(THEIRS))
    );
    for odd in [
        json!([one(READ, true), one(ARCHIVED, true)]),
        json!([
            one(READ, true),
            one(READ, true),
            one(ARCHIVED, true),
            one(DONE, true)
        ]),
        json!([
            one(READ, true),
            one(ARCHIVED, true),
            one(DONE, true),
            one("http://x", true)
        ]),
        json!([one(READ, true), one(DONE, true), {"url": ARCHIVED, "valueString": "yes"}]),
    ] {
        assert!(matches!(mark(odd), Err(Refusal::Invalid { .. })));
    }
}
