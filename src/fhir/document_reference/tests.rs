//! Documents of every kind, as DocumentReference.

use super::*;
use crate::domain::people::Person;
use crate::domain::records::Record;
use crate::fhir::encode;
use serde_json::Value;
use serde_json::json;
use time::macros::datetime;
use uuid::Uuid;

fn document() -> DocumentReference {
    DocumentReference {
        uuid: Uuid::from_u128(1),
        person: Person {
            pid: 7,
            uuid: Uuid::from_u128(7),
        },
        patient_name: "Ana Núñez".to_owned(),
        name: "blood.pdf".to_owned(),
        category: "Lab  Report".to_owned(),
        loinc: Some(Code {
            system: "http://loinc.org",
            code: "11502-2".to_owned(),
            display: "Laboratory report".to_owned(),
        }),
        content_type: "application/pdf".to_owned(),
        size: Some(1234),
        date: Some(datetime!(2026-10-02 08:00 -4)),
        author: Some((Uuid::from_u128(5), "Dana Lee".to_owned())),
        custodian: Some(Uuid::from_u128(3)),
        about: Some(About {
            encounter: Uuid::from_u128(9),
            start: Some(datetime!(2026-10-01 10:15 -4)),
            end: None,
        }),
        from_patient: false,
        stage: Stage::Final,
        shared: true,
        form: None,
        transforms: None,
        last_updated: Some(datetime!(2026-10-03 08:00 -4)),
    }
}

fn rendered(document: DocumentReference) -> Value {
    let record = Record::DocumentReference(Box::new(document));
    let bytes = encode(&record, &Base::new("http://x.org/fhir/")).expect("renders");
    assert_eq!(fhir_decode::decode(&bytes).err(), None);
    serde_json::from_slice(&bytes).expect("JSON")
}

#[test]
fn a_document_is_told_whole() {
    let mut found = rendered(document());
    found["meta"]["versionId"].take();
    let (system, code) = CLINICAL_NOTE;
    assert_eq!(
        found,
        json!({
            "resourceType": "DocumentReference",
            "id": "00000000-0000-0000-0000-000000000001",
            "meta": {"versionId": null, "lastUpdated": "2026-10-03T12:00:00Z", "profile": [SERVED.profile]},
            "identifier": [{"system": "urn:ietf:rfc:3986", "value": "urn:uuid:00000000-0000-0000-0000-000000000001"}],
            "status": "current",
            "docStatus": "final",
            "type": {"coding": [{"system": "http://loinc.org", "code": "11502-2", "display": "Laboratory report"}],
                "text": "Lab  Report"},
            "category": [
                {"coding": [{"system": system, "code": code, "display": "Clinical Note"}]},
                {"coding": [{"system": DOCUMENT_CATEGORIES, "code": "Lab Report", "display": "Lab  Report"}],
                    "text": "Lab  Report"}
            ],
            "subject": {"reference": "Patient/00000000-0000-0000-0000-000000000007", "display": "Ana Núñez"},
            "date": "2026-10-02T08:00:00-04:00",
            "author": [{"reference": "Practitioner/00000000-0000-0000-0000-000000000005", "display": "Dana Lee"}],
            "custodian": {"reference": "Organization/00000000-0000-0000-0000-000000000003"},
            "content": [{
                "attachment": {
                    "contentType": "application/pdf",
                    "url": "http://x.org/fhir/Binary/00000000-0000-0000-0000-000000000001",
                    "size": 1234,
                    "title": "blood.pdf",
                    "creation": "2026-10-02T08:00:00-04:00"
                },
                "format": {"system": FORMAT.0, "code": FORMAT.1,
                    "display": "mimeType Sufficient"}
            }],
            "context": {
                "encounter": [{"reference": "Encounter/00000000-0000-0000-0000-000000000009"}],
                "period": {"start": "2026-10-01T10:15:00-04:00"}
            }
        })
    );
}

#[test]
fn a_type_nobody_coded_is_unknown_in_the_value_sets_own_way() {
    let found = rendered(DocumentReference {
        loinc: None,
        size: Some(-1),
        author: None,
        custodian: None,
        date: None,
        about: None,
        ..document()
    });
    assert_eq!(found.get("context"), None);
    assert_eq!(
        found["type"],
        json!({"coding": [{"system": UNKNOWN_KIND.0, "code": "UNK", "display": "unknown"}], "text": "Lab  Report"})
    );
    assert_eq!(found["content"][0]["attachment"].get("size"), None);
}
