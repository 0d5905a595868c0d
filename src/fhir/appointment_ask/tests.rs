//! What may be asked, and what is refused by name.

use super::*;
use crate::domain::refusal::Failure;
use crate::fhir::appointment;
use crate::fhir::encode;
use serde_json::json;

fn current() -> Record {
    Record::Appointment(Box::new(appointment::tests::visit()))
}

fn base() -> Base {
    Base::new("http://x.org/fhir")
}

/// The present appointment as a client read it, with the status it asks for.
fn shown() -> Value {
    let bytes = encode(&current(), &base()).expect("renders");
    let mut body: Value = serde_json::from_slice(&bytes).expect("JSON");
    body["status"] = json!("cancelled");
    body
}

/// The reason that is taken, or the place that is refused.
fn told(answer: Answer<Cancellation>) -> Result<String, String> {
    match answer {
        Ok(ask) => {
            assert_eq!((ask.uuid, ask.seen), (current().id(), None));
            Ok(ask.reason)
        }
        Err(Failure::Refused(Refusal::Invalid { location, .. })) => Err(location),
        Err(other) => Err(format!("{other:?}")),
    }
}

fn putting(body: &Value) -> Result<String, String> {
    told(put(body.to_string().as_bytes(), &current(), &base()))
}

fn patching(body: &Value) -> Result<String, String> {
    told(patch(body.to_string().as_bytes(), &current()))
}

#[test]
fn the_resource_as_read_with_the_new_status_is_taken() {
    assert_eq!(putting(&shown()), Ok(String::new()));
    let mut body = shown();
    body["meta"] = json!({"versionId": "other", "tag": [{"code": "x"}]});
    body["cancelationReason"] = json!({"text": " Feeling better "});
    body["start"] = json!("2026-12-01T14:00:00Z");
    assert_eq!(putting(&body), Ok("Feeling better".to_owned()));
}

#[test]
fn everything_else_that_changes_is_refused_by_name() {
    for (name, value) in [
        ("start", json!("2026-12-02T09:00:00-05:00")),
        ("end", json!("2026-12-01T10:00:00-05:00")),
        ("comment", json!("Something else")),
        ("description", json!("x")),
        ("minutesDuration", json!(30)),
        ("priority", json!(1)),
        (
            "participant",
            json!([{"status": "declined", "actor": {"display": "x"}}]),
        ),
        (
            "extension",
            json!([{"url": "https://anteroom.dev/fhir/StructureDefinition/emr-status", "valueCode": "@"}]),
        ),
        (
            "modifierExtension",
            json!([{"url": "http://x.org", "valueBoolean": true}]),
        ),
        (
            "text",
            json!({"status": "generated", "div": "<div xmlns=\"http://www.w3.org/1999/xhtml\">x</div>"}),
        ),
        ("slot", json!([{"reference": "Slot/1"}])),
        ("requestedPeriod", json!([{"start": "2026-12-02"}])),
    ] {
        let mut body = shown();
        body[name] = value;
        assert_eq!(putting(&body), Err(format!("Appointment.{name}")));
    }
    let mut body = shown();
    body.as_object_mut().and_then(|body| body.remove("comment"));
    assert_eq!(putting(&body), Err("Appointment.comment".to_owned()));
    let mut body = shown();
    body["_start"] = json!({"id": "x"});
    assert_eq!(putting(&body), Err("Appointment".to_owned()));
}

#[test]
fn every_changed_element_is_named() {
    let mut body = shown();
    body["comment"] = json!("x");
    body["priority"] = json!(1);
    let answer = put(body.to_string().as_bytes(), &current(), &base());
    let Err(Failure::Refused(Refusal::Invalid { why, .. })) = answer else {
        panic!("{answer:?}");
    };
    assert!(
        why.contains("Appointment.priority, Appointment.comment"),
        "{why}"
    );
}

#[test]
fn only_cancelling_this_visit_can_be_asked() {
    for (name, value, place) in [
        ("status", json!("booked"), "Appointment.status"),
        ("status", json!("gone"), "Appointment.status"),
        (
            "id",
            json!("00000000-0000-0000-0000-000000000002"),
            "Appointment.id",
        ),
        ("colour", json!("red"), "Appointment.colour"),
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
        assert_eq!(putting(&body), Err(place.to_owned()), "{name}");
    }
    assert_eq!(
        putting(&json!({"resourceType": "Patient"})),
        Err("$this.resourceType".to_owned())
    );
    assert_eq!(putting(&json!([])), Err("$this".to_owned()));
}

#[test]
fn a_patch_sets_the_status_and_a_reason() {
    let status = json!({"op": "replace", "path": "/status", "value": "cancelled"});
    assert_eq!(patching(&json!([status])), Ok(String::new()));
    assert_eq!(
        patching(&json!([
            {"op": "test", "path": "/status", "value": "booked"},
            status,
            {"op": "test", "path": "/status", "value": "cancelled"},
            {"op": "add", "path": "/cancelationReason", "value": {"text": "No need"}}
        ])),
        Ok("No need".to_owned())
    );
    assert_eq!(
        patching(
            &json!([status, {"op": "add", "path": "/cancelationReason/text", "value": "Ill"}])
        ),
        Ok("Ill".to_owned())
    );
}

#[test]
fn every_other_patch_is_refused_by_its_place() {
    let status = json!({"op": "replace", "path": "/status", "value": "cancelled"});
    for (operation, place) in [
        (
            json!({"op": "replace", "path": "/start", "value": "2026"}),
            "Appointment.start",
        ),
        (
            json!({"op": "remove", "path": "/comment"}),
            "Appointment.comment",
        ),
        (
            json!({"op": "move", "from": "/start", "path": "/end"}),
            "Appointment.end",
        ),
        (
            json!({"op": "copy", "from": "/start", "path": "/status", "value": "cancelled"}),
            "Appointment.status",
        ),
        (
            json!({"op": "replace", "path": "", "value": {}}),
            "$this[1]",
        ),
        (
            json!({"op": "replace", "path": "/participant/0/actor", "value": {}}),
            "Appointment.participant",
        ),
        (
            json!({"op": "replace", "path": "/status"}),
            "Appointment.status",
        ),
        (json!({"path": "/status", "value": "x"}), "$this[1]"),
        (json!("x"), "$this[1]"),
        (
            json!({"op": "test", "path": "/status", "value": "pending"}),
            "Appointment.status",
        ),
        (
            json!({"op": "add", "path": "/status", "value": "booked"}),
            "Appointment.status",
        ),
        (
            json!({"op": "add", "path": "/cancelationReason", "value": {"text": "a", "coding": []}}),
            REASON,
        ),
        (
            json!({"op": "add", "path": "/cancelationReason/text", "value": 1}),
            REASON,
        ),
        (
            json!({"op": "add", "path": "/cancelationReason/text", "value": "a\u{0}b"}),
            REASON,
        ),
    ] {
        let found = patching(&json!([status, operation]));
        assert_eq!(found, Err(place.to_owned()), "{operation}");
    }
    assert_eq!(patching(&json!([])), Err("Appointment.status".to_owned()));
    assert_eq!(patching(&json!({})), Err("$this".to_owned()));
    assert!(patching(&json!(vec![status; 11])).is_err_and(|told| told.contains("TooLarge")));
}
