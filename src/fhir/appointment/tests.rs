//! Visits of every kind, as Appointment.

use super::*;
use crate::domain::people::Code;
use crate::domain::people::Person;
use crate::fhir::Base;
use crate::fhir::encode;
use serde_json::Value;
use serde_json::json;
use time::macros::datetime;
use uuid::Uuid;

/// A booked visit with everything a visit can have; the ask's tests use it too.
pub(in crate::fhir) fn visit() -> Appointment {
    Appointment {
        uuid: Uuid::from_u128(1),
        person: Person {
            pid: 7,
            uuid: Uuid::from_u128(7),
        },
        patient_name: "Ana Núñez".to_owned(),
        status: Status::Booked,
        mark: "-".to_owned(),
        category: Some(Code {
            system: "http://x.org/category",
            code: "office_visit".to_owned(),
            display: "Office Visit".to_owned(),
        }),
        start: datetime!(2026-12-01 09:00 -5),
        end: datetime!(2026-12-01 09:15 -5),
        providers: vec![(Uuid::from_u128(5), "Dana Lee".to_owned())],
        specialties: vec!["Family medicine".to_owned()],
        location: Some((Uuid::from_u128(3), "Main Street".to_owned())),
        comment: "Knee pain".to_owned(),
        created: Some(datetime!(2026-11-01 12:00 -4)),
        series: false,
        offered: false,
        slot: None,
    }
}

fn rendered(visit: Appointment) -> Value {
    let record = Record::Appointment(Box::new(visit));
    let bytes = encode(&record, &Base::new("http://x.org/fhir")).expect("renders");
    assert_eq!(fhir_decode::decode(&bytes).err(), None);
    serde_json::from_slice(&bytes).expect("JSON")
}

#[test]
fn a_visit_is_told_whole() {
    let mut found = rendered(visit());
    found["meta"]["versionId"].take();
    let category = json!({"coding": [{"system": "http://x.org/category", "code": "office_visit", "display": "Office Visit"}],
        "text": "Office Visit"});
    let participant = |reference: &str, display: &str| json!({"actor": {"reference": reference, "display": display}, "status": "accepted"});
    assert_eq!(
        found,
        json!({
            "resourceType": "Appointment",
            "id": "00000000-0000-0000-0000-000000000001",
            "meta": {"versionId": null, "lastUpdated": "2026-11-01T16:00:00Z"},
            "extension": [{"url": "https://anteroom.dev/fhir/StructureDefinition/emr-status", "valueCode": "-"}],
            "identifier": [{"system": "urn:ietf:rfc:3986", "value": "urn:uuid:00000000-0000-0000-0000-000000000001"}],
            "status": "booked",
            "serviceType": [category],
            "appointmentType": category,
            "specialty": [{"text": "Family medicine"}],
            "start": "2026-12-01T09:00:00-05:00",
            "end": "2026-12-01T09:15:00-05:00",
            "minutesDuration": 15,
            "created": "2026-11-01T12:00:00-04:00",
            "comment": "Knee pain",
            "participant": [
                participant("Patient/00000000-0000-0000-0000-000000000007", "Ana Núñez"),
                participant("Practitioner/00000000-0000-0000-0000-000000000005", "Dana Lee"),
                participant("Location/00000000-0000-0000-0000-000000000003", "Main Street")
            ]
        })
    );
}

#[test]
fn a_bare_visit_has_nothing_empty() {
    let found = rendered(Appointment {
        patient_name: String::new(),
        mark: String::new(),
        category: None,
        end: datetime!(2026-12-01 09:00 -5),
        providers: Vec::new(),
        specialties: Vec::new(),
        location: None,
        comment: " ".to_owned(),
        created: None,
        series: true,
        offered: false,
        slot: None,
        ..visit()
    });
    assert_eq!(found.get("minutesDuration"), None);
    assert_eq!(found.get("comment"), None);
    assert_eq!(found["participant"].as_array().map(Vec::len), Some(1));
    assert_eq!(
        found["extension"],
        json!([{"url": "https://anteroom.dev/fhir/StructureDefinition/emr-series", "valueBoolean": true}])
    );
}

#[test]
fn every_status_has_fhirs_code() {
    for (code, status) in Status::CODES {
        assert_eq!(rendered(Appointment { status, ..visit() })["status"], code);
    }
}

#[test]
fn what_is_asked_for_waits_for_the_provider() {
    let found = rendered(Appointment {
        status: Status::Pending,
        ..visit()
    });
    let answers: Vec<&Value> = (0..3)
        .map(|index| &found["participant"][index]["status"])
        .collect();
    assert_eq!(answers, ["accepted", "needs-action", "accepted"]);
}
