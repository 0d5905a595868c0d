//! Charts of every kind, as US Core Patient.

use super::*;
use crate::domain::people::Address;
use crate::domain::people::Means;
use crate::domain::people::Person;
use crate::domain::people::Telecom;
use crate::domain::records::Record;
use crate::fhir::encode;
use serde_json::Value;
use serde_json::json;
use time::macros::date;
use time::macros::datetime;
use uuid::Uuid;

fn code(system: &'static str, code: &str, display: &str) -> Code {
    Code {
        system,
        code: code.to_owned(),
        display: display.to_owned(),
    }
}

fn name(given: &[&str], family: &str) -> Name {
    Name {
        given: given.iter().map(|&given| given.to_owned()).collect(),
        family: family.to_owned(),
        ..Name::default()
    }
}

/// A chart with nothing in it.
fn empty() -> Patient {
    Patient {
        person: Person {
            pid: 7,
            uuid: Uuid::from_u128(7),
        },
        chart_number: String::new(),
        account: None,
        portal_status: None,
        name: Name::default(),
        preferred_name: " ".to_owned(),
        old_names: Vec::new(),
        birth_date: None,
        gender: Gender::Unknown,
        birth_sex: None,
        gender_identity: None,
        race: Vec::new(),
        ethnicity: Vec::new(),
        tribes: Vec::new(),
        marital: None,
        language: None,
        telecom: Vec::new(),
        addresses: vec![Address::default()],
        deceased: None,
        contact: Some((String::new(), " ".to_owned())),
        provider: None,
        organization: None,
        last_updated: None,
    }
}

fn full() -> Patient {
    const RACES: &str = "urn:oid:2.16.840.1.113883.6.238";
    Patient {
        chart_number: " 1001 ".to_owned(),
        account: Some("Ana7".to_owned()),
        name: Name {
            prefix: "Ms.".to_owned(),
            suffix: "PhD".to_owned(),
            ..name(&["Ana", "Maria"], "Núñez")
        },
        preferred_name: "Annie".to_owned(),
        old_names: vec![(name(&["Ana"], "Ruiz"), Some(date!(2010 - 05 - 01)))],
        birth_date: Some(date!(1984 - 02 - 29)),
        gender: Gender::Female,
        birth_sex: Some("F"),
        gender_identity: Some(code(
            "http://snomed.info/sct",
            "446141000124107",
            "Identifies as female gender",
        )),
        race: vec![
            code(RACES, "2106-3", "White"),
            code(RACES, "1006-6", "Abenaki"),
        ],
        ethnicity: vec![code(RACES, "2135-2", "Hispanic or Latino")],
        tribes: vec![code(
            "http://terminology.hl7.org/CodeSystem/v3-TribalEntityUS",
            "91",
            "Tribe",
        )],
        marital: Some(code(
            "http://terminology.hl7.org/CodeSystem/v3-MaritalStatus",
            "M",
            "Married",
        )),
        language: Some(code("urn:ietf:bcp:47", "es", "Spanish")),
        telecom: vec![
            Telecom {
                system: Means::Phone,
                value: "555-1".to_owned(),
                used: "mobile",
            },
            Telecom {
                system: Means::Phone,
                value: " ".to_owned(),
                used: "home",
            },
            Telecom {
                system: Means::Email,
                value: "ana@example.org".to_owned(),
                used: "",
            },
        ],
        addresses: vec![
            Address {
                lines: vec!["1 Elm St".to_owned(), String::new()],
                city: "Troy".to_owned(),
                district: "Rensselaer".to_owned(),
                state: "NY".to_owned(),
                postal_code: "12180".to_owned(),
                country: "USA".to_owned(),
                old: None,
            },
            Address {
                city: "Albany".to_owned(),
                old: Some(Some(date!(2019 - 12 - 31))),
                ..Address::default()
            },
        ],
        deceased: Some(datetime!(2026-07-01 10:00 -4)),
        contact: Some(("Luis Núñez".to_owned(), "555-9".to_owned())),
        provider: Some((Uuid::from_u128(5), "Dana Lee".to_owned())),
        organization: Some(Uuid::from_u128(3)),
        last_updated: Some(datetime!(2026-01-15 09:00 -5)),
        ..empty()
    }
}

fn rendered(patient: Patient) -> Value {
    let record = Record::Patient(Box::new(patient));
    let bytes = encode(&record, &Base::new("http://x.org/fhir")).expect("renders");
    serde_json::from_slice(&bytes).expect("JSON")
}

#[test]
fn a_full_chart_fills_what_us_core_asks_for() {
    let id = |number: u32| format!("00000000-0000-0000-0000-{number:012}");
    let cdc = "urn:oid:2.16.840.1.113883.6.238";
    let us_core = |name: &str| format!("http://hl7.org/fhir/us/core/StructureDefinition/{name}");
    let mut found = rendered(full());
    let version = found["meta"]["versionId"].take();
    assert!(version.as_str().is_some_and(|version| version.len() == 16));
    assert_eq!(
        found,
        json!({
            "resourceType": "Patient",
            "id": id(7),
            "meta": {"versionId": null, "lastUpdated": "2026-01-15T14:00:00Z", "profile": [us_core("us-core-patient")]},
            "extension": [
                {"url": us_core("us-core-race"), "extension": [
                    {"url": "ombCategory", "valueCoding": {"system": cdc, "code": "2106-3", "display": "White"}},
                    {"url": "detailed", "valueCoding": {"system": cdc, "code": "1006-6", "display": "Abenaki"}},
                    {"url": "text", "valueString": "White, Abenaki"}]},
                {"url": us_core("us-core-ethnicity"), "extension": [
                    {"url": "ombCategory", "valueCoding": {"system": cdc, "code": "2135-2", "display": "Hispanic or Latino"}},
                    {"url": "text", "valueString": "Hispanic or Latino"}]},
                {"url": us_core("us-core-tribal-affiliation"), "extension": [
                    {"url": "tribalAffiliation", "valueCodeableConcept": {"coding": [
                        {"system": "http://terminology.hl7.org/CodeSystem/v3-TribalEntityUS", "code": "91", "display": "Tribe"}],
                        "text": "Tribe"}}]},
                {"url": us_core("us-core-birthsex"), "valueCode": "F"},
                {"url": us_core("us-core-sex"), "valueCode": "248152002"},
                {"url": us_core("us-core-genderIdentity"), "valueCodeableConcept": {"coding": [
                    {"system": "http://snomed.info/sct", "code": "446141000124107", "display": "Identifies as female gender"}],
                    "text": "Identifies as female gender"}}
            ],
            "identifier": [
                {"use": "usual", "type": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "MR",
                    "display": "Medical record number"}], "text": "Medical record number"},
                    "system": "http://x.org/fhir/sid/chart-number", "value": "1001"},
                {"use": "secondary", "type": {"text": "Portal account id"},
                    "system": "http://x.org/fhir/sid/portal-account", "value": "Ana7"}
            ],
            "active": true,
            "name": [
                {"use": "official", "family": "Núñez", "given": ["Ana", "Maria"], "prefix": ["Ms."], "suffix": ["PhD"]},
                {"use": "usual", "given": ["Annie"]},
                {"use": "old", "family": "Ruiz", "given": ["Ana"], "period": {"end": "2010-05-01"}}
            ],
            "telecom": [
                {"system": "phone", "value": "555-1", "use": "mobile"},
                {"system": "email", "value": "ana@example.org"}
            ],
            "gender": "female",
            "birthDate": "1984-02-29",
            "deceasedDateTime": "2026-07-01T10:00:00-04:00",
            "address": [
                {"use": "home", "line": ["1 Elm St"], "city": "Troy", "district": "Rensselaer", "state": "NY",
                    "postalCode": "12180", "country": "USA"},
                {"use": "old", "city": "Albany", "period": {"end": "2019-12-31"}}
            ],
            "maritalStatus": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v3-MaritalStatus", "code": "M",
                "display": "Married"}], "text": "Married"},
            "contact": [{
                "relationship": [{"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0131", "code": "C",
                    "display": "Emergency Contact"}], "text": "Emergency Contact"}],
                "name": {"text": "Luis Núñez"},
                "telecom": [{"system": "phone", "value": "555-9"}]
            }],
            "communication": [{"language": {"coding": [{"system": "urn:ietf:bcp:47", "code": "es", "display": "Spanish"}],
                "text": "Spanish"}, "preferred": true}],
            "generalPractitioner": [{"reference": format!("Practitioner/{}", id(5)), "display": "Dana Lee"}],
            "managingOrganization": {"reference": format!("Organization/{}", id(3))}
        })
    );
}

#[test]
fn an_empty_chart_still_has_what_is_mandatory_and_nothing_empty() {
    let mut found = rendered(empty());
    found["meta"]["versionId"].take();
    assert_eq!(
        found,
        json!({
            "resourceType": "Patient",
            "id": "00000000-0000-0000-0000-000000000007",
            "meta": {"versionId": null, "profile": [SERVED.profile]},
            "identifier": [{"system": "urn:ietf:rfc:3986", "value": "urn:uuid:00000000-0000-0000-0000-000000000007"}],
            "active": true,
            "name": [{"extension": [{"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason",
                "valueCode": "unknown"}], "use": "official"}],
            "gender": "unknown"
        })
    );
}

#[test]
fn what_is_written_passes_the_gate() {
    for patient in [full(), empty()] {
        let record = Record::Patient(Box::new(patient));
        let bytes = encode(&record, &Base::new("http://x.org/fhir")).expect("renders");
        assert_eq!(fhir_decode::decode(&bytes).err(), None);
    }
}

#[test]
fn the_version_moves_with_what_is_shown() {
    let changed = Patient {
        preferred_name: "A".to_owned(),
        ..full()
    };
    let version = |patient| rendered(patient)["meta"]["versionId"].take();
    assert_eq!(version(full()), version(full()));
    assert_ne!(version(full()), version(changed));
}

#[test]
fn us_core_has_one_category_of_ethnicity() {
    const CDC: &str = "urn:oid:2.16.840.1.113883.6.238";
    let mut patient = empty();
    patient.ethnicity = vec![
        code(CDC, "2135-2", "Hispanic or Latino"),
        code(CDC, "2186-5", "Not Hispanic or Latino"),
    ];
    let json = rendered(patient);
    let extensions = json["extension"].as_array().expect("extensions");
    let parts = extensions
        .iter()
        .find(|known| known["url"] == ETHNICITY)
        .and_then(|known| known["extension"].as_array())
        .expect("ethnicity");
    assert_eq!(parts.len(), 2, "{parts:?}");
    assert_eq!(
        parts[1]["valueString"],
        "Hispanic or Latino, Not Hispanic or Latino"
    );
}
