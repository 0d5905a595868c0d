//! The brand bundle against what the standard and its test suite ask of it.

use serde_json::Value;
use serde_json::json;
use time::macros::datetime;

use super::*;
use crate::domain::people::Address;
use crate::domain::people::Telecom;

fn facility(number: u128, name: &str, website: &str) -> Facility {
    Facility {
        organization: Uuid::from_u128(number),
        location: Uuid::from_u128(number + 100),
        insurer: false,
        active: true,
        name: name.to_owned(),
        npi: String::new(),
        clia: String::new(),
        telecom: vec![Telecom {
            system: Means::Url,
            value: website.to_owned(),
            used: "work",
        }],
        address: Address {
            city: "Troy".to_owned(),
            country: "USA".to_owned(),
            ..Address::default()
        },
        last_updated: Some(datetime!(2026-01-02 03:04:05 -5)),
    }
}

fn written(facilities: &[Facility]) -> Value {
    let brands = Brands {
        public_url: "https://emr.example.org/",
        website: "https://www.harbor.example.org/about?x",
        name: "Harbor Street",
        primary: Some(Uuid::from_u128(3)),
        facilities,
    };
    let bytes = bundle(&brands, datetime!(2026-11-21 20:00 UTC)).expect("renders");
    assert_eq!(fhir_decode::decode(&bytes).err(), None);
    serde_json::from_slice(&bytes).expect("JSON")
}

#[test]
fn an_identifier_is_the_site_without_www_and_path() {
    for (website, value) in [
        (
            "https://www.harbor.example.org/about",
            "https://harbor.example.org",
        ),
        ("https://Harbor.example.org", "https://harbor.example.org"),
        ("http://127.0.0.1:8080/", "http://127.0.0.1:8080"),
        ("harbor.example.org/x", "https://harbor.example.org"),
    ] {
        assert_eq!(identifier(website), (URI.to_owned(), value.to_owned()));
    }
}

#[test]
fn the_practice_is_a_brand_with_portal_and_endpoint() {
    let facilities = [
        facility(4, "Annex", "https://annex.example.org"),
        facility(3, "Harbor Street", ""),
    ];
    let bundle = written(&facilities);
    assert_eq!(bundle["type"], "collection");
    assert_eq!(bundle["timestamp"], "2026-01-02T08:04:05Z");
    assert_eq!(bundle["meta"]["profile"], json!([BUNDLE]));
    let entries = bundle["entry"].as_array().expect("entries");
    let kinds: Vec<&Value> = entries
        .iter()
        .map(|entry| &entry["resource"]["resourceType"])
        .collect();
    assert_eq!(kinds, ["Organization", "Organization", "Endpoint"]);
    let [practice, annex, endpoint] = [0, 1, 2].map(|place| &entries[place]["resource"]);
    assert_eq!(
        practice["identifier"],
        json!([{"system": URI, "value": "https://harbor.example.org"}])
    );
    assert_eq!(practice["address"][0]["country"], "US");
    let website = |brand: &Value| brand["telecom"][0]["value"].clone();
    assert_eq!(website(practice), "https://www.harbor.example.org/about?x");
    assert_eq!(website(annex), "https://annex.example.org");
    let reference = format!("Endpoint/{}", endpoint["id"].as_str().expect("an id"));
    assert_eq!(practice["endpoint"], json!([{ "reference": reference }]));
    let portal = &practice["extension"][0];
    assert_eq!(portal["url"], PORTAL);
    assert_eq!(
        portal["extension"][1]["valueUrl"],
        "https://emr.example.org/account"
    );
    assert_eq!(
        portal["extension"][2]["valueReference"]["reference"],
        reference
    );
    let practice_reference = format!("Organization/{}", Uuid::from_u128(3));
    assert_eq!(annex["partOf"]["reference"], practice_reference);
    assert_eq!(endpoint["address"], "https://emr.example.org/fhir");
    assert_eq!(endpoint["status"], "active");
    assert_eq!(endpoint["connectionType"]["code"], "hl7-fhir-rest");
    assert_eq!(endpoint["extension"][0]["valueCode"], "4.0.1");
    for entry in entries {
        assert_eq!(
            entry["resource"]["meta"]["lastUpdated"],
            "2026-01-02T08:04:05Z"
        );
        let id = entry["resource"]["id"].as_str().expect("an id");
        assert!(
            entry["fullUrl"]
                .as_str()
                .is_some_and(|url| url.ends_with(id))
        );
    }
}

#[test]
fn a_practice_without_facilities_is_still_found() {
    let bundle = written(&[]);
    assert_eq!(bundle["entry"][0]["resource"]["name"], "Harbor Street");
    assert_eq!(bundle["entry"][1]["resource"]["resourceType"], "Endpoint");
    assert_eq!(bundle["timestamp"], "2026-11-21T00:00:00Z");
}
