//! Bundles a client sends: `anteroom::fhir::sent_bundle`, what an operation is given, and the links between entries.

use std::collections::HashMap;

use anteroom::domain::ResourceType;
use anteroom::domain::refusal::Refusal;
use anteroom::fhir::Base;
use anteroom::fhir::inputs;
use anteroom::fhir::links;
use anteroom::fhir::links::Link;
use anteroom::fhir::sent_bundle;
use anteroom::rest::route::Address;
use uuid::Uuid;

use super::CANARY;
use super::Target;
use super::run;

const WORDS: [&str; 20] = [
    CANARY,
    "\"type\":\"batch\"",
    "\"type\":\"transaction\"",
    "\"entry\":[",
    "\"request\":{\"method\":\"GET\",\"url\":\"Patient\"}",
    "\"request\":{\"method\":\"POST\",\"url\":\"Task\"}",
    "\"fullUrl\":\"urn:uuid:a\"",
    "\"reference\":\"urn:uuid:a\"",
    "\"reference\":\"Practitioner?name=x\"",
    "\"resource\":{\"resourceType\":\"Task\"}",
    "\"ifNoneExist\":\"identifier=x\"",
    "\"ifMatch\":\"W/\\\"1\\\"\"",
    "\"resourceType\":\"Parameters\"",
    "\"parameter\":[{\"name\":\"a\",\"valueCode\":\"b\"}]",
    "{}",
    "[]",
    "null",
    "\"\"",
    "\\ud800",
    "http://x.org/fhir/",
];

fn known(refusal: Refusal) -> String {
    let text = format!("{refusal:?}");
    assert!(!text.contains(CANARY), "it repeats what was sent: {text}");
    text
}

/// What is taken apart names its places, its addresses are ours, and no name of an entry is left in what refers to it.
fn look(input: &[u8]) -> String {
    let base = Base::new("http://x.org/fhir");
    let names = HashMap::from([(
        "urn:uuid:a".to_owned(),
        Link::Record(ResourceType::Task, Uuid::from_u128(7)),
    )]);
    let given = inputs::read(input, true)
        .map_or_else(known, |given| format!("{} parameters", given.pairs.len()));
    let found = match sent_bundle::read(input) {
        Ok(found) => found,
        Err(refusal) => return format!("{} {given}", known(refusal)),
    };
    let mut outcome = format!("{:?} {}", found.mode, found.entries.len());
    for (index, entry) in found.entries.into_iter().enumerate() {
        match entry {
            Ok(entry) => {
                if let Err(refusal) = Address::read(&entry.url, &base) {
                    known(refusal);
                }
                if let Some(mut resource) = entry.resource {
                    links::conditional(&resource);
                    links::rewrite(&mut resource, &names, &base).expect("every name is known");
                    let text = resource.to_string();
                    assert!(!text.contains(r#""reference":"urn:uuid:a""#));
                }
                outcome.push_str(&format!(" {:?}", entry.method));
            }
            Err(refusal) => {
                let text = known(refusal);
                assert!(text.contains(&format!("Bundle.entry[{index}]")), "{text}");
                outcome.push_str(" refused");
            }
        }
    }
    outcome
}

#[test]
fn case_162_163_bundles_are_taken_apart_or_refused_whatever_is_sent() {
    run(&Target {
        name: "bundle",
        words: &WORDS,
        iterations: 2_000,
        look,
    });
}
