//! The practice's people and places.

use super::*;
use crate::domain::people::Address;
use crate::domain::people::Facility;
use crate::domain::people::Means;
use crate::domain::people::Name;
use crate::domain::people::Telecom;
use crate::domain::records::Record;
use crate::fhir::Base;
use crate::fhir::encode;
use serde_json::Value;
use serde_json::json;
use time::macros::datetime;
use uuid::Uuid;

fn phone() -> Vec<Telecom> {
    vec![Telecom {
        system: Means::Phone,
        value: "555-0100".to_owned(),
        used: "work",
    }]
}

fn troy() -> Address {
    Address {
        lines: vec!["1 Main St".to_owned()],
        city: "Troy".to_owned(),
        ..Address::default()
    }
}

fn person() -> Practitioner {
    Practitioner {
        uuid: Uuid::from_u128(5),
        active: true,
        name: Name {
            prefix: "Dr.".to_owned(),
            given: vec!["Dana".to_owned()],
            family: "Lee".to_owned(),
            suffix: String::new(),
        },
        npi: "1234567893".to_owned(),
        telecom: phone(),
        address: Some(troy()),
        addressee: true,
        specialty: "Family medicine".to_owned(),
        last_updated: None,
    }
}

fn facility() -> Facility {
    Facility {
        organization: Uuid::from_u128(3),
        location: Uuid::from_u128(4),
        insurer: false,
        active: true,
        name: "Main Street".to_owned(),
        npi: "1234567893".to_owned(),
        clia: "12D3456789".to_owned(),
        telecom: phone(),
        address: troy(),
        last_updated: Some(datetime!(2026-01-01 00:00 UTC)),
    }
}

fn rendered(record: &Record) -> Value {
    let bytes = encode(record, &Base::new("http://x.org/fhir")).expect("renders");
    assert_eq!(fhir_decode::decode(&bytes).err(), None);
    let mut found: Value = serde_json::from_slice(&bytes).expect("JSON");
    found["meta"]["versionId"].take();
    found
}

fn us_core(name: &str) -> String {
    format!("http://hl7.org/fhir/us/core/StructureDefinition/us-core-{name}")
}

#[test]
fn a_provider_is_told_whole() {
    assert_eq!(
        rendered(&Record::Practitioner(Box::new(person()))),
        json!({
            "resourceType": "Practitioner",
            "id": "00000000-0000-0000-0000-000000000005",
            "extension": [{
                "url": "https://anteroom.dev/fhir/StructureDefinition/portal-addressee",
                "valueBoolean": true,
            }],
            "meta": {"versionId": null, "profile": [us_core("practitioner")]},
            "identifier": [{"system": "http://hl7.org/fhir/sid/us-npi", "value": "1234567893"}],
            "active": true,
            "name": [{"use": "official", "family": "Lee", "given": ["Dana"], "prefix": ["Dr."]}],
            "telecom": [{"system": "phone", "value": "555-0100", "use": "work"}],
            "address": [{"use": "work", "line": ["1 Main St"], "city": "Troy"}],
            "qualification": [{"code": {"text": "Family medicine"}}]
        })
    );
}

#[test]
fn a_provider_without_npi_and_family_name_still_keeps_the_profile() {
    let found = rendered(&Record::Practitioner(Box::new(Practitioner {
        npi: "1234567890".to_owned(),
        name: Name {
            given: vec!["Sam".to_owned()],
            ..Name::default()
        },
        address: Some(Address::default()),
        specialty: String::new(),
        ..person()
    })));
    assert_eq!(found["identifier"][0]["system"], "urn:ietf:rfc:3986");
    assert!(found["name"][0]["_family"]["extension"].is_array());
    assert_eq!(found.get("address"), None);
    assert_eq!(found.get("qualification"), None);
}

#[test]
fn a_facility_is_a_body() {
    assert_eq!(
        rendered(&Record::Organization(Box::new(facility()))),
        json!({
            "resourceType": "Organization",
            "id": "00000000-0000-0000-0000-000000000003",
            "meta": {"versionId": null, "lastUpdated": "2026-01-01T00:00:00Z", "profile": [us_core("organization")]},
            "identifier": [
                {"system": "http://hl7.org/fhir/sid/us-npi", "value": "1234567893"},
                {"system": "urn:oid:2.16.840.1.113883.4.7", "value": "12D3456789"}
            ],
            "active": true,
            "type": [{"coding": [{"system": "http://terminology.hl7.org/CodeSystem/organization-type", "code": "prov",
                "display": "Healthcare Provider"}], "text": "Healthcare Provider"}],
            "name": "Main Street",
            "telecom": [{"system": "phone", "value": "555-0100", "use": "work"}],
            "address": [{"use": "work", "line": ["1 Main St"], "city": "Troy"}]
        })
    );
}

#[test]
fn a_facility_without_numbers_and_name_is_still_a_body() {
    let found = rendered(&Record::Organization(Box::new(Facility {
        npi: String::new(),
        clia: "CLIA pending".to_owned(),
        name: String::new(),
        address: Address::default(),
        ..facility()
    })));
    assert_eq!(found["identifier"][0]["system"], "urn:ietf:rfc:3986");
    assert_eq!(found.get("address"), None);
    assert!(found["_name"]["extension"].is_array());
}

#[test]
fn a_facility_is_a_place() {
    let found = rendered(&Record::Location(Box::new(Facility {
        active: false,
        ..facility()
    })));
    assert_eq!(
        found,
        json!({
            "resourceType": "Location",
            "id": "00000000-0000-0000-0000-000000000004",
            "meta": {"versionId": null, "lastUpdated": "2026-01-01T00:00:00Z", "profile": [us_core("location")]},
            "identifier": [{"system": "urn:ietf:rfc:3986", "value": "urn:uuid:00000000-0000-0000-0000-000000000004"}],
            "status": "inactive",
            "name": "Main Street",
            "mode": "instance",
            "type": [{"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v3-RoleCode", "code": "OF",
                "display": "Outpatient facility"}], "text": "Outpatient facility"}],
            "telecom": [{"system": "phone", "value": "555-0100", "use": "work"}],
            "address": {"use": "work", "line": ["1 Main St"], "city": "Troy"},
            "managingOrganization": {"reference": "Organization/00000000-0000-0000-0000-000000000003",
                "display": "Main Street"}
        })
    );
}
