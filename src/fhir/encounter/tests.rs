//! Encounters as JSON.

use serde_json::Value;
use serde_json::json;
use time::macros::datetime;
use uuid::Uuid;

use super::*;
use crate::domain::people::Person;
use crate::domain::records::Record;
use crate::fhir;
use crate::fhir::Base;

fn visit() -> Encounter {
    Encounter {
        uuid: Uuid::from_u128(1),
        person: Person {
            pid: 7,
            uuid: Uuid::from_u128(7),
        },
        patient_name: "Ada King".to_owned(),
        progress: Progress::Finished,
        class: Code {
            system: "http://terminology.hl7.org/CodeSystem/v3-ActCode",
            code: "AMB".to_owned(),
            display: "ambulatory".to_owned(),
        },
        category: Some(Code {
            system: "https://anteroom.dev/fhir/CodeSystem/openemr-calendar-category",
            code: "office_visit".to_owned(),
            display: "Office Visit".to_owned(),
        }),
        start: Some(datetime!(2026-03-08 10:15 -4)),
        end: Some(datetime!(2026-03-08 10:40 -4)),
        reason: "Cough".to_owned(),
        provider: Some((Uuid::from_u128(4), "Donna Lee".to_owned())),
        organization: Some((Uuid::from_u128(3), "Main Street".to_owned())),
        location: Some(Uuid::from_u128(33)),
        discharge: Some(Code {
            system: "http://terminology.hl7.org/CodeSystem/discharge-disposition",
            code: "home".to_owned(),
            display: "Home".to_owned(),
        }),
        last_updated: None,
    }
}

fn written(visit: Encounter) -> Value {
    let record = Record::Encounter(Box::new(visit));
    let bytes = fhir::encode(&record, &Base::new("http://x.org/fhir")).expect("renders");
    assert_eq!(fhir_decode::decode(&bytes).err(), None);
    serde_json::from_slice(&bytes).expect("JSON")
}

#[test]
fn everything_us_core_must_support_is_there() {
    let json = written(visit());
    assert_eq!(json["resourceType"], "Encounter");
    assert_eq!(json["status"], "finished");
    assert_eq!(json["class"]["code"], "AMB");
    assert_eq!(json["type"][0]["text"], "Office Visit");
    assert_eq!(
        json["subject"]["reference"],
        format!("Patient/{}", Uuid::from_u128(7))
    );
    assert_eq!(
        json["period"],
        json!({"start": "2026-03-08T10:15:00-04:00", "end": "2026-03-08T10:40:00-04:00"})
    );
    assert_eq!(
        json["participant"][0]["type"][0]["coding"][0]["code"],
        "PPRF"
    );
    assert_eq!(json["participant"][0]["individual"]["display"], "Donna Lee");
    assert_eq!(json["reasonCode"][0]["text"], "Cough");
    let discharge = &json["hospitalization"]["dischargeDisposition"];
    assert_eq!(discharge["coding"][0]["code"], "home");
    assert_eq!(json["serviceProvider"]["display"], "Main Street");
    assert_eq!(
        json["location"][0]["location"]["reference"],
        format!("Location/{}", Uuid::from_u128(33))
    );
}

#[test]
fn what_is_not_known_is_not_said() {
    let json = written(Encounter {
        progress: Progress::Planned,
        category: None,
        start: None,
        end: None,
        reason: " ".to_owned(),
        provider: None,
        organization: None,
        location: None,
        discharge: None,
        ..visit()
    });
    assert_eq!(json["status"], "planned");
    // US Core's code for a mandatory one nobody knows.
    let unknown = json!({"coding": [{"system": "http://terminology.hl7.org/CodeSystem/data-absent-reason",
        "code": "unknown", "display": "Unknown"}]});
    assert_eq!(json["type"][0], unknown);
    for absent in [
        "period",
        "reasonCode",
        "participant",
        "serviceProvider",
        "location",
        "hospitalization",
    ] {
        assert_eq!(json.get(absent), None, "{absent}");
    }
}
