//! The CapabilityStatement against the table it is made from.

use super::*;
use crate::domain::scope::Scope;
use serde_json::Value;
use serde_json::json;
use time::macros::datetime;

fn stated() -> Value {
    stated_with(Registration::Open)
}

fn stated_with(registration: Registration) -> Value {
    let now = datetime!(2026-11-21 20:00:00.123 UTC);
    let listen = "127.0.0.1:8080".parse().expect("an address");
    let config = Config::sandbox(listen, "sqlite://x".to_owned(), "x".into()).expect("settings");
    let config = Config {
        public_url: "http://x.org".to_owned(),
        registration,
        ..config
    };
    let bytes = statement(&config, "Main Street Practice", now).expect("renders");
    assert_eq!(fhir_decode::decode(&bytes).err(), None);
    serde_json::from_slice(&bytes).expect("JSON")
}

#[test]
fn it_says_what_it_is() {
    let stated = stated();
    assert_eq!(stated["fhirVersion"], "4.0.1");
    assert_eq!(stated["kind"], "instance");
    assert_eq!(stated["date"], "2026-11-21T20:00:00Z");
    assert_eq!(stated["format"], json!(["json", "application/fhir+json"]));
    assert_eq!(
        stated["implementation"],
        json!({"description": "Main Street Practice", "url": "http://x.org/fhir"})
    );
    assert!(!stated.to_string().contains("4.3"));
    assert_eq!(stated["instantiates"], json!([US_CORE]));
}

#[test]
fn it_tells_where_to_authorize() {
    let security = &stated()["rest"][0]["security"];
    assert_eq!(security["cors"], true);
    assert_eq!(security["service"][0]["coding"][0]["code"], "SMART-on-FHIR");
    assert_eq!(
        security["extension"][0]["extension"],
        json!([
            {"url": "authorize", "valueUri": "http://x.org/oauth2/authorize"},
            {"url": "token", "valueUri": "http://x.org/oauth2/token"},
            {"url": "introspect", "valueUri": "http://x.org/oauth2/introspect"},
            {"url": "manage", "valueUri": "http://x.org/account/apps"},
            {"url": "revoke", "valueUri": "http://x.org/oauth2/revoke"},
            {"url": "register", "valueUri": "http://x.org/oauth2/register"}
        ])
    );
    let without = stated_with(Registration::Off).to_string();
    assert!(!without.contains("/oauth2/register"));
}

#[test]
fn every_served_type_is_there_once_with_its_parameters() {
    let stated = stated();
    let resources = stated["rest"][0]["resource"].as_array().expect("array");
    let names: Vec<&str> = resources
        .iter()
        .filter_map(|known| known["type"].as_str())
        .collect();
    let published = KINDS.into_iter();
    let all: Vec<&str> = ResourceType::ALL
        .map(ResourceType::name)
        .into_iter()
        .chain(published)
        .collect();
    assert_eq!(names, all);
    for (resource, row) in resources.iter().zip(table()) {
        let parameters = resource["searchParam"].as_array();
        let stated: Vec<&str> = parameters
            .into_iter()
            .flatten()
            .filter_map(|known| known["name"].as_str())
            .collect();
        assert_eq!(stated, row.search, "{}", row.name);
        assert_eq!(stated.is_empty(), row.name == "Binary");
    }
    let visits = resources[1]["interaction"].as_array().expect("array");
    let documented = |code: &str| {
        let found = visits.iter().find(|one| one["code"] == code);
        found.unwrap_or_else(|| panic!("no {code}"))["documentation"].to_string()
    };
    for code in ["read", "vread", "history-instance", "search-type"] {
        assert_eq!(documented(code), "null", "{code}");
    }
    for code in ["update", "patch"] {
        assert!(
            documented(code).contains("A patient: status"),
            "{}",
            documented(code)
        );
    }
    assert!(
        resources[0]["supportedProfile"][0]
            .as_str()
            .is_some_and(|url| url.ends_with("us-core-patient"))
    );
}

#[test]
fn every_scope_is_one_this_server_reads() {
    let scopes = scopes();
    for scope in &scopes {
        assert!(Scope::of(scope).is_some(), "{scope}");
    }
    for wanted in [
        "openid",
        "patient/*.rs",
        "patient/Patient.rs",
        "patient/Patient.read",
        "patient/Appointment.rs",
        "patient/Appointment.read",
        "launch",
        "online_access",
        "user/*.rs",
        "user/Encounter.rs",
        "system/*.rs",
        "system/Patient.read",
        "system/DocumentReference.rs?category=http://hl7.org/fhir/us/core/CodeSystem/us-core-documentreference-category|clinical-note",
    ] {
        assert!(scopes.iter().any(|scope| scope == wanted), "{wanted}");
    }
    assert!(
        !scopes
            .iter()
            .any(|scope| scope.starts_with("patient/Binary.rs"))
    );
    assert!(
        !scopes
            .iter()
            .any(|scope| scope.starts_with("system/Appointment.ru"))
    );
    let mut once = scopes.clone();
    once.sort();
    once.dedup();
    assert_eq!(once.len(), scopes.len());
}

#[test]
fn what_can_be_included_and_combined_is_stated() {
    let stated = stated();
    let resources = stated["rest"][0]["resource"].as_array().expect("array");
    let of = |name: &str| {
        let found = resources.iter().find(|one| one["type"] == name);
        found.unwrap_or_else(|| panic!("no {name}"))
    };
    let list = |name: &str, member: &str| of(name)[member].as_array().cloned().unwrap_or_default();
    assert!(list("Appointment", "searchInclude").contains(&json!("Appointment:patient")));
    for name in ["Patient", "DocumentReference", "Encounter", "Appointment"] {
        let reverse = list(name, "searchRevInclude");
        assert!(
            reverse.contains(&json!("Provenance:target")),
            "{name}: {reverse:?}"
        );
    }
    assert!(list("Patient", "searchRevInclude").contains(&json!("Appointment:patient")));
    let combinations = of("Patient")["extension"].to_string();
    assert!(
        combinations.contains(r#"{"url":"required","valueString":"birthdate"}"#),
        "{combinations}"
    );
    assert_eq!(of("Appointment").get("extension"), None);
    assert_eq!(of("Binary").get("searchInclude"), None);
    assert_eq!(of("Appointment")["conditionalRead"], "full-support");
    for name in KINDS {
        assert_eq!(
            of(name)["interaction"],
            json!([{"code": "read"}, {"code": "search-type"}])
        );
    }
}
