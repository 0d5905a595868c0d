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
    let asked = of(
        Sent {
            kind: ResourceType::Appointment,
            id: current.id(),
            role: Role::Patient(visit.person),
            seen: Some(7),
            before: Some(&current),
            resource: read.resource,
            changed: vec!["status".to_owned()],
        },
        &Base::new("http://x.org/fhir"),
    );
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

/// A new visit as a patient's app sends it.
fn wanted() -> Value {
    json!({
        "resourceType": "Appointment",
        "status": "proposed",
        "serviceType": [{"coding": [{"code": "office_visit"}]}],
        "start": "2026-12-01T09:00:00-05:00",
        "reasonCode": [{"text": "Cough"}],
        "comment": "Mornings only",
        "participant": [
            {"actor": {"reference": "Patient/00000000-0000-0000-0000-000000000007"}, "status": "accepted"},
            {"actor": {"reference": "http://x.org/fhir/Practitioner/00000000-0000-0000-0000-000000000005"},
             "status": "needs-action"}
        ]
    })
}

fn requested(body: &Value, role: Role) -> Result<Ask, Refusal> {
    let read = body::read(body.to_string().as_bytes(), ResourceType::Appointment).expect("a body");
    let sent = Sent {
        kind: ResourceType::Appointment,
        id: Uuid::from_u128(9),
        role,
        seen: None,
        before: None,
        resource: read.resource,
        changed: Vec::new(),
    };
    of(sent, &Base::new("http://x.org/fhir"))
}

fn patient() -> Role {
    Role::Patient(crate::domain::people::Person {
        pid: 7,
        uuid: Uuid::from_u128(7),
    })
}

#[test]
fn f121_f122_a_request_says_who_with_whom_when_and_what_for() {
    let Ok(Ask::Visit(VisitAsk::Request(ask))) = requested(&wanted(), patient()) else {
        panic!("not taken")
    };
    assert_eq!(ask.provider, Some(Uuid::from_u128(5)));
    assert_eq!(
        ask.category.map(|token| token.code).as_deref(),
        Some("office_visit")
    );
    assert_eq!(ask.status, crate::domain::visits::Status::Pending);
    assert_eq!(ask.reason, "Cough\nMornings only");
    assert_eq!(ask.length, None);
}

#[test]
fn a_request_that_cannot_be_kept_is_refused_at_its_place() {
    type Spoil = fn(&mut Value);
    let spoilt: [(&str, Spoil); 10] = [
        ("Appointment.status", |body| {
            body["status"] = json!("arrived")
        }),
        ("Appointment.start", |body| {
            body.as_object_mut().expect("an object").remove("start");
        }),
        ("Appointment.start", |body| {
            body["start"] = json!("2026-12-01T09:00:30-05:00")
        }),
        ("Appointment.end", |body| {
            body["end"] = json!("2026-12-01T08:00:00-05:00")
        }),
        ("Appointment.minutesDuration", |body| {
            body["end"] = json!("2026-12-01T09:15:00-05:00");
            body["minutesDuration"] = json!(30);
        }),
        ("Appointment.serviceType", |body| {
            body["serviceType"] = json!([{"text": "Visit"}])
        }),
        ("Appointment.appointmentType", |body| {
            body["appointmentType"] = json!({"coding": [{"code": "new_patient"}]});
        }),
        ("Appointment.reasonCode", |body| {
            body["reasonCode"] = json!([{"coding": [{"code": "x"}]}]);
        }),
        ("Appointment.participant", |body| {
            body["participant"]
                .as_array_mut()
                .expect("a list")
                .truncate(1);
        }),
        ("Appointment.participant[1].actor.reference", |body| {
            body["participant"][1]["actor"]["reference"] = json!("Device/1");
        }),
    ];
    for (place, spoil) in spoilt {
        let mut body = wanted();
        spoil(&mut body);
        match requested(&body, patient()) {
            Err(Refusal::Invalid { location, .. }) => assert_eq!(location, place),
            other => panic!("{place}: {other:?}"),
        }
    }
}

#[test]
fn a_patient_asks_for_nobody_else_and_staff_name_whom() {
    let mut body = wanted();
    body["participant"][0]["actor"]["reference"] =
        json!("Patient/00000000-0000-0000-0000-000000000008");
    assert!(matches!(
        requested(&body, patient()),
        Err(Refusal::Forbidden(_))
    ));
    assert!(requested(&body, Role::Staff).is_ok());
    body["participant"]
        .as_array_mut()
        .expect("a list")
        .remove(0);
    assert!(requested(&body, patient()).is_ok(), "the token says whose");
    assert!(matches!(
        requested(&body, Role::Staff),
        Err(Refusal::Invalid { .. })
    ));
}

/// What staff change, by the elements that differ.
fn edited(body: &Value, changed: &[&str]) -> Result<Ask, Refusal> {
    let current = current();
    let read = body::read(body.to_string().as_bytes(), ResourceType::Appointment).expect("a body");
    let sent = Sent {
        kind: ResourceType::Appointment,
        id: current.id(),
        role: Role::Staff,
        seen: None,
        before: Some(&current),
        resource: read.resource,
        changed: changed.iter().map(|name| (*name).to_owned()).collect(),
    };
    of(sent, &Base::new("http://x.org/fhir"))
}

#[test]
fn staff_change_status_mark_time_and_comment() {
    let mut body = shown();
    body["status"] = json!("arrived");
    let Ok(Ask::Visit(VisitAsk::Edit(edit))) = edited(&body, &["status"]) else {
        panic!("not taken")
    };
    assert_eq!(edit.status, Some(crate::domain::visits::Status::Arrived));
    assert_eq!((edit.mark, edit.span, edit.comment), (None, None, None));

    let mut body = shown();
    body["status"] = json!("booked");
    body["extension"][0]["valueCode"] = json!("EMAIL");
    let Ok(Ask::Visit(VisitAsk::Edit(edit))) = edited(&body, &["extension"]) else {
        panic!("not taken")
    };
    assert_eq!(edit.mark.as_deref(), Some("EMAIL"), "F131");
    assert_eq!(edit.status, Some(crate::domain::visits::Status::Booked));

    let mut body = shown();
    body["minutesDuration"] = json!(30);
    let Ok(Ask::Visit(VisitAsk::Edit(edit))) = edited(&body, &["minutesDuration"]) else {
        panic!("not taken")
    };
    let (start, end) = edit.span.expect("a span");
    assert_eq!((end - start).whole_minutes(), 30);

    let mut body = shown();
    body["participant"][1]["actor"]["reference"] =
        json!("Practitioner/00000000-0000-0000-0000-000000000006");
    assert!(matches!(
        edited(&body, &["participant"]),
        Err(Refusal::Invalid { .. })
    ));
}
