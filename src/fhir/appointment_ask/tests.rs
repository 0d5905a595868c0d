//! What may be asked, and what is refused by name.

use super::*;
use crate::domain::ResourceType;
use crate::domain::records::Record;
use crate::fhir::Base;
use crate::fhir::appointment;
use crate::fhir::ask::Role;
use crate::fhir::body;
use crate::fhir::encode;
use serde_json::Value;
use serde_json::json;

fn current() -> Record {
    Record::Appointment(Box::new(appointment::tests::visit()))
}

/// The present appointment as a client read it, with the status it asks for.
fn shown() -> Value {
    let bytes = encode(&current(), &Base::new("http://x.org/fhir")).expect("renders");
    let mut body: Value = serde_json::from_slice(&bytes).expect("JSON");
    body["status"] = json!("cancelled");
    body
}

/// The reason of the cancellation, or the place of the refusal.
fn asking(body: &Value) -> Result<String, String> {
    let current = current();
    let Record::Appointment(visit) = &current else {
        panic!("no visit")
    };
    let read = body::read(body.to_string().as_bytes(), ResourceType::Appointment).expect("a body");
    let asked = of(Sent {
        kind: ResourceType::Appointment,
        id: current.id(),
        role: Role::Patient(visit.person),
        seen: Some(7),
        before: Some(&current),
        resource: read.resource,
        changed: vec!["status".to_owned()],
    });
    match asked {
        Ok(Ask::Cancel(ask)) => {
            assert_eq!((ask.uuid, ask.seen), (current.id(), Some(7)));
            Ok(ask.reason)
        }
        Err(Refusal::Invalid { location, .. }) => Err(location),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_status_cancelled_is_taken_with_a_reason_in_words() {
    assert_eq!(asking(&shown()), Ok(String::new()));
    let mut body = shown();
    body["cancelationReason"] = json!({"text": " Feeling better "});
    assert_eq!(asking(&body), Ok("Feeling better".to_owned()));
}

#[test]
fn only_cancelling_can_be_asked() {
    for (name, value, place) in [
        ("status", json!("booked"), "Appointment.status"),
        (
            "cancelationReason",
            json!({"coding": [{"system": "http://x.org", "code": "pat"}]}),
            REASON,
        ),
        (
            "cancelationReason",
            json!({"text": "x".repeat(1001)}),
            REASON,
        ),
    ] {
        let mut body = shown();
        body[name] = value;
        assert_eq!(asking(&body), Err(place.to_owned()), "{name}");
    }
}
