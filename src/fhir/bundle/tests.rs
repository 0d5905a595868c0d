//! Pages of a search as a client reads them.

use super::*;
use crate::fhir::appointment;
use serde_json::Value;
use serde_json::json;

fn page(records: &[Record], links: &Links<'_>, ignored: &[String]) -> Value {
    let bytes = searchset(records, links, ignored).expect("renders");
    assert_eq!(fhir_decode::decode(&bytes).err(), None);
    serde_json::from_slice(&bytes).expect("JSON")
}

#[test]
fn a_page_has_matches_links_and_a_warning() {
    let visit = Record::Appointment(Box::new(appointment::tests::visit()));
    let pairs = [
        ("date".to_owned(), "ge2026-01-01T10:00:00+02:00".to_owned()),
        ("status".to_owned(), "a b&c=d|é,e".to_owned()),
    ];
    let links = Links {
        base: "http://x.org/fhir/",
        kind: ResourceType::Appointment,
        pairs: &pairs,
        total: None,
        next: Some("http://x.org/fhir/Appointment?_page=abc".to_owned()),
    };
    let found = page(&[visit], &links, &["colour".to_owned(), "_sort".to_owned()]);
    assert_eq!(found["type"], "searchset");
    assert_eq!(found.get("total"), None);
    assert_eq!(
        found["link"],
        json!([
            {"relation": "self", "url": "http://x.org/fhir/Appointment?date=ge2026-01-01T10:00:00%2B02:00&status=a%20b%26c%3Dd%7C%C3%A9,e"},
            {"relation": "next", "url": "http://x.org/fhir/Appointment?_page=abc"}
        ])
    );
    let entry = &found["entry"][0];
    assert_eq!(
        entry["fullUrl"],
        "http://x.org/fhir/Appointment/00000000-0000-0000-0000-000000000001"
    );
    assert_eq!(entry["search"], json!({"mode": "match"}));
    assert_eq!(entry["resource"]["resourceType"], "Appointment");
    let warning = &found["entry"][1];
    assert_eq!(warning["search"], json!({"mode": "outcome"}));
    assert_eq!(warning["resource"]["issue"][0]["severity"], "warning");
    assert_eq!(
        warning["resource"]["issue"][0]["details"]["text"],
        "Ignored, because not known here: colour, _sort."
    );
}

#[test]
fn nothing_found_is_a_page_without_entries() {
    let links = Links {
        base: "http://x.org/fhir",
        kind: ResourceType::Patient,
        pairs: &[],
        total: Some(0),
        next: None,
    };
    assert_eq!(
        page(&[], &links, &[]),
        json!({
            "resourceType": "Bundle",
            "type": "searchset",
            "total": 0,
            "link": [{"relation": "self", "url": "http://x.org/fhir/Patient"}]
        })
    );
}
