//! Definitions are found by everything that names them, and a page of them is a FHIR searchset.

use super::*;
use crate::domain::refusal::Failure;

const BASE: &str = "http://x.org/fhir";
const KIND: &str = "StructureDefinition";

fn searched(query: &[(&str, &str)]) -> Value {
    let bytes = asked(query, Handling::Lenient).expect("a page");
    assert_eq!(fhir_decode_of(&bytes), None);
    serde_json::from_slice(&bytes).expect("JSON")
}

fn asked(query: &[(&str, &str)], handling: Handling) -> Answer<Vec<u8>> {
    let pairs: Vec<(String, String)> = query
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    search(KIND, &pairs, handling, BASE)
}

/// What the gate has against a page that holds no definition: those are more than 10,000 nodes together.
fn fhir_decode_of(bytes: &[u8]) -> Option<String> {
    match bytes.len() < 20_000 {
        true => fhir_decode::decode(bytes)
            .err()
            .map(|problem| format!("{problem:?}")),
        false => None,
    }
}

fn ids(bundle: &Value) -> Vec<&str> {
    let entries = bundle["entry"].as_array().map(Vec::as_slice);
    let entries = entries.unwrap_or_default().iter();
    entries
        .filter_map(|entry| entry["resource"]["id"].as_str())
        .collect()
}

fn refused(query: &[(&str, &str)], handling: Handling) -> String {
    match asked(query, handling) {
        Err(Failure::Refused(Refusal::Invalid { location, .. })) => location,
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_file_is_a_definition() {
    assert_eq!(ALL.len(), FILES.len());
    for kind in KINDS {
        assert!(all(kind).count() > 0, "{kind}: nothing to serve");
    }
}

#[test]
fn a_definition_is_found_by_id_and_url_and_version() {
    let url = "https://anteroom.dev/fhir/StructureDefinition/emr-status";
    let one = find(KIND, "emr-status").expect("by id");
    assert_eq!((one.url.as_str(), one.name.as_str()), (url, "EmrStatus"));
    for name in [url.to_owned(), format!("{url}|{}", one.version)] {
        assert_eq!(
            find(KIND, &name).map(|one| one.id.as_str()),
            Some("emr-status")
        );
    }
    assert!(find(KIND, &format!("{url}|9")).is_none());
    assert!(find("CodeSystem", "emr-status").is_none());
    assert!(find(KIND, "").is_none());
}

#[test]
fn each_parameter_narrows() {
    let url = "https://anteroom.dev/fhir/StructureDefinition/emr-status";
    let one = ["emr-status"];
    assert_eq!(ids(&searched(&[("_id", "emr-status")])), one);
    assert_eq!(ids(&searched(&[("url", url)])), one);
    assert_eq!(ids(&searched(&[("name", "emrstat")])), one);
    assert_eq!(ids(&searched(&[("name:exact", "EmrStatus")])), one);
    assert_eq!(ids(&searched(&[("name:exact", "emrstatus")])), [""; 0]);
    assert_eq!(ids(&searched(&[("name:contains", "STATUS")])), one);
    assert_eq!(
        ids(&searched(&[("_id", "emr-status,,emr-series")])),
        ["emr-series", "emr-status"]
    );
    assert_eq!(
        ids(&searched(&[("_id", "emr-status"), ("name", "Message")])),
        [""; 0]
    );
    assert_eq!(ids(&searched(&[("version", "9")])), [""; 0]);
    assert_eq!(ids(&searched(&[("name", "a\\,b")])), [""; 0]);
    assert_eq!(
        searched(&[("version", &all(KIND).next().expect("one").version)])["total"],
        all(KIND).count()
    );
}

#[test]
fn pages_lead_to_each_other_and_end() {
    let mut seen = Vec::new();
    let mut offset = String::from("0");
    loop {
        let page = searched(&[("_count", "3"), ("_offset", &offset)]);
        assert_eq!(page["total"], all(KIND).count());
        for entry in page["entry"].as_array().expect("entries") {
            let id = entry["resource"]["id"].as_str().expect("an id");
            assert_eq!(entry["fullUrl"], format!("{BASE}/{KIND}/{id}"));
            assert_eq!(entry["search"]["mode"], "match");
            seen.push(id.to_owned());
        }
        let Some(next) = page["link"][1]["url"].as_str() else {
            break;
        };
        assert_eq!(page["link"][1]["relation"], "next");
        offset = next
            .rsplit_once("_offset=")
            .expect("an offset")
            .1
            .to_owned();
    }
    let known: Vec<&str> = all(KIND).map(|one| one.id.as_str()).collect();
    assert_eq!(seen, known);
    let none = searched(&[("_count", "0")]);
    assert_eq!(none.get("entry"), None);
    assert_eq!(none["link"].as_array().map(Vec::len), Some(1));
}

#[test]
fn the_self_link_says_what_was_used() {
    let page = searched(&[("name", "emr st"), ("colour", "red"), ("_format", "json")]);
    assert_eq!(
        page["link"],
        json!([{"relation": "self", "url": "http://x.org/fhir/StructureDefinition?name=emr+st"}])
    );
    let warned = &page["entry"][0];
    assert_eq!(warned["search"]["mode"], "outcome");
    let text = warned["resource"]["issue"][0]["details"]["text"].as_str();
    assert!(text.is_some_and(|text| text.contains("colour")), "{text:?}");
}

#[test]
fn what_cannot_be_is_refused_by_name() {
    for name in ["_id:exact", "url:below", "name:text", "version:not"] {
        assert_eq!(refused(&[(name, "x")], Handling::Lenient), name);
    }
    for value in ["-1", "x", "99999999999"] {
        assert_eq!(refused(&[("_count", value)], Handling::Lenient), "_count");
    }
    assert_eq!(refused(&[("colour", "red")], Handling::Strict), "colour");
}
