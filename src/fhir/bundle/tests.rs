//! Pages of a search as a client reads them.

use super::*;
use crate::fhir::appointment;
use serde_json::Value;
use serde_json::json;

fn page(records: &[Record], links: &Links<'_>, names: &[String]) -> Value {
    let warnings: Vec<String> = ignored(names).into_iter().collect();
    let entries = Entries {
        matches: records,
        included: &[],
        subset: &Subset::Whole,
        warnings: &warnings,
        reasons: &[],
    };
    let bytes = searchset(&entries, links).expect("renders");
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
    let url = warning["fullUrl"].as_str().expect("a fullUrl");
    assert!(url.starts_with("urn:uuid:"), "{url}");
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

#[test]
fn what_comes_along_is_told_from_what_was_searched_for_and_parts_from_the_whole() {
    let visit = Record::Appointment(Box::new(appointment::tests::visit()));
    let links = Links {
        base: "http://x.org/fhir",
        kind: ResourceType::Appointment,
        pairs: &[],
        total: Some(1),
        next: None,
    };
    let subset = Subset::of("_elements", "start").expect("known");
    let entries = Entries {
        matches: std::slice::from_ref(&visit),
        included: std::slice::from_ref(&visit),
        subset: &subset,
        warnings: &[],
        reasons: &[],
    };
    let bytes = searchset(&entries, &links).expect("renders");
    let found: Value = serde_json::from_slice(&bytes).expect("JSON");
    let modes: Vec<&Value> = (0..2)
        .map(|at| &found["entry"][at]["search"]["mode"])
        .collect();
    assert_eq!(modes, ["match", "include"]);
    let part = &found["entry"][0]["resource"];
    assert_eq!(part["meta"]["tag"][0]["code"], "SUBSETTED");
    assert_eq!(part.get("extension"), None);
    assert!(part["start"].is_string() && part["participant"].is_array());
    assert_eq!(found["entry"][1]["resource"]["meta"].get("tag"), None);
}
