//! Parts of resources.

use super::*;
use crate::domain::ResourceType;
use serde_json::Value;
use serde_json::json;

const VISIT: &str = r#"{"resourceType":"Appointment","id":"1","meta":{"versionId":"2"},"text":{"status":"generated"},"status":"booked","description":"a \"}, [\\","start":"2026-01-01T10:00:00.10Z","participant":[{"status":"accepted"}]}"#;

fn part(resource: &str, subset: &Subset) -> Value {
    let bytes = apply(resource.as_bytes().to_vec(), subset);
    serde_json::from_slice(&bytes).expect("JSON")
}

fn names(value: &Value) -> Vec<&str> {
    let object = value.as_object().expect("an object");
    object.keys().map(String::as_str).collect()
}

#[test]
fn a_whole_resource_is_left_as_it_is() {
    let bytes = apply(VISIT.as_bytes().to_vec(), &Subset::Whole);
    assert_eq!(bytes, VISIT.as_bytes());
}

#[test]
fn every_kind_of_summary_has_its_parts() {
    for (value, expected) in [
        ("true", "id meta participant resourceType start status"),
        ("text", "id meta participant resourceType status text"),
        (
            "data",
            "description id meta participant resourceType start status",
        ),
    ] {
        let subset = Subset::of("_summary", value).expect("known");
        let found = part(VISIT, &subset);
        let mut names = names(&found);
        names.sort_unstable();
        assert_eq!(names.join(" "), expected, "{value}");
        assert_eq!(found["meta"]["versionId"], "2");
        assert_eq!(found["meta"]["tag"][0]["code"], "SUBSETTED");
    }
}

#[test]
fn elements_are_chosen_and_what_must_be_there_stays() {
    let subset = Subset::of("_elements", "start,Patient.name").expect("known");
    let mut found = part(VISIT, &subset);
    assert_eq!(found["start"], "2026-01-01T10:00:00.10Z");
    assert_eq!(found["status"], "booked");
    assert_eq!(found.get("description"), None);
    let subset = Subset::of("_elements", "description").expect("known");
    found = part(VISIT, &subset);
    assert_eq!(found["description"], "a \"}, [\\");
    let patient = r#"{"resourceType":"Patient","id":"1","name":[{"family":"x"}],"gender":"male","_gender":{"id":"y"},"deceasedDateTime":"2020","birthDate":"1970-01-01"}"#;
    let subset = Subset::of("_elements", "Patient.name.family,gender,deceased").expect("known");
    assert_eq!(
        part(patient, &subset),
        json!({
            "resourceType": "Patient",
            "id": "1",
            "name": [{"family": "x"}],
            "gender": "male",
            "_gender": {"id": "y"},
            "deceasedDateTime": "2020",
            "meta": {"tag": [{
                "system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue",
                "code": "SUBSETTED"
            }]}
        })
    );
}

#[test]
fn what_is_contained_goes_with_what_refers_to_it() {
    let form = r##"{"resourceType":"DocumentReference","id":"1","contained":[{"resourceType":"Questionnaire","id":"q"}],"status":"current","context":{"related":[{"reference":"#q"}]},"content":[]}"##;
    for (name, value, both) in [
        ("_summary", "true", true),
        ("_summary", "data", true),
        ("_summary", "text", false),
        ("_elements", "status", false),
        ("_elements", "context", true),
    ] {
        let found = part(form, &Subset::of(name, value).expect("known"));
        let there = (
            found.get("contained").is_some(),
            found.get("context").is_some(),
        );
        assert_eq!(there, (both, both), "{name}={value}");
    }
}

#[test]
fn tags_that_are_there_stay() {
    for meta in [
        r#"{"tag":[{"code":"x"}]}"#,
        r#"{"tag":[{"code":"x"}],"source":"y"}"#,
    ] {
        let visit = format!(r#"{{"resourceType":"Slot","meta":{meta},"status":"free"}}"#);
        let tags = part(&visit, &Subset::Summary)["meta"]["tag"].clone();
        assert_eq!(tags[0]["code"], "x");
        assert_eq!(tags[1]["code"], "SUBSETTED");
    }
    let empty = part(r#"{"resourceType":"Slot","meta":{}}"#, &Subset::Data);
    assert_eq!(empty["meta"]["tag"][0]["code"], "SUBSETTED");
}

#[test]
fn what_is_no_part_is_refused() {
    for (name, value) in [
        ("_summary", "TRUE"),
        ("_summary", "count"),
        ("_summary", ""),
        ("_elements", ""),
        ("_elements", "a,,b"),
        ("_elements", "a b"),
        ("_elements", "'"),
    ] {
        let refused = Subset::of(name, value);
        assert!(
            matches!(&refused, Err(Refusal::Invalid { location, .. }) if location == name),
            "{name}={value}"
        );
    }
    let many = vec!["a"; 101].join(",");
    assert!(matches!(
        Subset::of("_elements", &many),
        Err(Refusal::TooLarge(_))
    ));
}

#[test]
fn a_read_takes_elements_before_a_summary() {
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let pairs = [
        pair("_elements", "id"),
        pair("_summary", "true"),
        pair("x", "y"),
    ];
    let elements = Subset::Elements(vec!["id".to_owned()]);
    assert_eq!(Subset::asked(&pairs), Ok(elements));
    assert_eq!(Subset::asked(&pairs[1..]), Ok(Subset::Summary));
    assert_eq!(Subset::asked(&[]), Ok(Subset::Whole));
    assert!(Subset::asked(&[pair("_summary", "count")]).is_err());
}

#[test]
fn every_type_has_its_row() {
    assert_eq!(PARTS.map(|(kind, ..)| kind), ResourceType::ALL);
}
