//! What differs is named, and what is not the caller's to set is refused.

use super::*;
use crate::domain::scope::Token;
use serde_json::json;

const WRITABLE: [&str; 3] = ["status", "telecom", "name"];

fn map(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        other => panic!("{other}"),
    }
}

fn shown() -> Value {
    json!({
        "resourceType": "Patient", "id": "1",
        "meta": {"versionId": "a", "lastUpdated": "2026-01-01T00:00:00Z", "profile": ["p"]},
        "extension": [{"url": "u", "valueCode": "x"}],
        "birthDate": "1980-01-01",
        "period": {"start": "2026-01-01T10:00:00-05:00"},
        "name": [{"family": "A", "extension": [{"url": "n", "valueString": "s"}]}],
        "telecom": [{"system": "phone", "value": "1"}]
    })
}

/// The elements that differ, or the place and sentence of the refusal.
fn differing(change: impl Fn(&mut Value)) -> Result<Vec<String>, (String, String)> {
    let mut after = shown();
    change(&mut after);
    let (before, after) = (map(shown()), map(after));
    match changed(ResourceType::Patient, (Some(&before), &after), &WRITABLE) {
        Ok(names) => Ok(names),
        Err(Refusal::Unprocessable { location, why }) => Err((location, why)),
        Err(other) => panic!("{other:?}"),
    }
}

fn place(change: impl Fn(&mut Value)) -> String {
    differing(change).expect_err("refused").0
}

#[test]
fn what_may_be_set_and_differs_is_named() {
    assert_eq!(differing(|_| {}), Ok(Vec::new()));
    let names = differing(|body| {
        body["status"] = json!("x");
        body["telecom"] = json!([{"system": "phone", "value": "2"}]);
        body["period"]["start"] = json!("2026-01-01T15:00:00Z");
        body["meta"] = json!({"versionId": "zzz"});
        body["id"] = json!("other");
    });
    assert_eq!(names, Ok(vec!["status".to_owned(), "telecom".to_owned()]));
    let gone = differing(|body| {
        body.as_object_mut().and_then(|body| body.remove("telecom"));
    });
    assert_eq!(gone, Ok(vec!["telecom".to_owned()]));
}

#[test]
fn case_143_everything_else_is_refused_by_name() {
    let (location, why) = differing(|body| {
        body["birthDate"] = json!("1990-01-01");
        body["active"] = json!(false);
        body["deceasedBoolean"] = json!(true);
    })
    .expect_err("refused");
    assert_eq!(location, "Patient.active");
    assert!(
        why.contains("Patient.active, Patient.birthDate, Patient.deceasedBoolean"),
        "{why}"
    );
    for name in [
        "link",
        "generalPractitioner",
        "managingOrganization",
        "identifier",
        "text",
        "contained",
        "implicitRules",
        "language",
        "modifierExtension",
    ] {
        let refused = place(|body| body[name] = json!("x"));
        assert_eq!(refused, format!("Patient.{name}"));
    }
    assert_eq!(
        place(|body| body["_birthDate"] = json!({"id": "x"})),
        "Patient.birthDate"
    );
    assert_eq!(
        place(|body| body["extension"] = json!([])),
        "Patient.extension"
    );
    let gone = |body: &mut Value| {
        body.as_object_mut()
            .and_then(|body| body.remove("birthDate"));
    };
    assert_eq!(place(gone), "Patient.birthDate");
}

#[test]
fn case_143_labels_and_tags_cannot_be_set() {
    for name in ["security", "tag", "source", "extension"] {
        let refused = place(|body| body["meta"][name] = json!([{"code": "R"}]));
        assert_eq!(refused, format!("Patient.meta.{name}"));
    }
    let alone = place(|body| body["meta"] = json!({"tag": [{"code": "x"}]}));
    assert_eq!(alone, "Patient.meta.tag");
}

#[test]
fn parts_that_no_table_keeps_are_refused_where_they_are() {
    let strange = place(|body| body["telecom"][0]["extension"] = json!([{"url": "z"}]));
    assert_eq!(strange, "Patient.telecom[0].extension");
    let named = place(|body| body["telecom"][0]["id"] = json!("t1"));
    assert_eq!(named, "Patient.telecom[0].id");
    let primitive = place(|body| body["telecom"][0]["_value"] = json!({"id": "x"}));
    assert_eq!(primitive, "Patient.telecom[0].value");
    // What the record shows itself comes back as it was.
    let names = differing(|body| body["name"][0]["family"] = json!("B"));
    assert_eq!(names, Ok(vec!["name".to_owned()]));
}

#[test]
fn a_body_is_json_of_the_type_of_its_address() {
    let kind = ResourceType::Appointment;
    let refused = |sent: &str| match read(sent.as_bytes(), kind) {
        Err(crate::domain::refusal::Failure::Refused(refusal)) => refusal,
        other => panic!("{other:?}"),
    };
    assert!(matches!(refused("{"), Refusal::Invalid { .. }));
    let other = refused(r#"{"resourceType":"Patient"}"#);
    assert_eq!(
        other,
        Refusal::invalid("$this.resourceType", "this is the address of Appointment")
    );
    let unknown = refused(r#"{"resourceType":"Appointment","colour":"red"}"#);
    assert!(
        matches!(unknown, Refusal::Unprocessable { .. }),
        "{unknown:?}"
    );
    assert!(matches!(refused("[]"), Refusal::Unprocessable { .. }));
}

#[test]
fn case_152_a_new_resource_must_fit_the_granular_scope() {
    let only = |field, code: &str, system: Option<&str>| {
        let system = system.map(str::to_owned);
        vec![vec![(
            field,
            Token {
                system,
                code: code.to_owned(),
            },
        )]]
    };
    let body = map(json!({
        "status": "proposed", "category": [{"coding": [{"system": "s", "code": "c"}]}]
    }));
    assert!(fits(&body, &only(Field::Status, "proposed", None)));
    assert!(!fits(&body, &only(Field::Status, "booked", None)));
    assert!(fits(&body, &only(Field::Category, "c", Some("s"))));
    assert!(!fits(&body, &only(Field::Category, "c", Some("t"))));
    assert!(!fits(&body, &only(Field::Type, "c", None)));
    assert!(!fits(&body, &[]));
}

#[test]
fn the_patient_of_a_body_is_found_for_the_ledger() {
    let id = Uuid::from_u128(7);
    let reference = json!({"reference": format!("Patient/{id}")});
    let of = |value| patient(ResourceType::Communication, Uuid::nil(), &map(value));
    assert_eq!(of(json!({"subject": reference})), Some(id));
    assert_eq!(
        of(json!({"participant": [{"actor": {"display": "x"}}, {"actor": reference}]})),
        Some(id)
    );
    assert_eq!(of(json!({"subject": {"reference": "Group/1"}})), None);
    assert_eq!(patient(ResourceType::Patient, id, &Map::new()), Some(id));
}
