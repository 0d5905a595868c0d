//! CodeSystem: codes and what they mean, this server's own and the practice's. They are kept as JSON as published, so the
//! search parameters below have their values from there and not from a record.

use serde_json::Value;
use serde_json::json;

use crate::domain::ResourceType;
use crate::domain::scope::Interaction;
use crate::emr::vocabulary::List;
use crate::emr::vocabulary::Term;
use crate::fhir::READ_ONLY;
use crate::fhir::Served;
use crate::fhir::parameter::Meaning;
use crate::fhir::parameter::Parameter;

/// CodeSystem as it is served.
pub static SERVED: Served = Served {
    kind: ResourceType::CodeSystem,
    profile: None,
    prose: "The codes this server uses beside FHIR's: reasons of a refusal, kinds of work, and the practice's own categories.",
    interactions: &[Interaction::Read, Interaction::Search],
    parameters: PARAMETERS,
    order: "",
    create: READ_ONLY,
    update: READ_ONLY,
    operations: &[],
};

/// The search parameters of CodeSystem and ValueSet. `rest::terminology` compares them with the JSON.
pub(super) const PARAMETERS: &[Parameter] = &[
    Parameter {
        name: "_id",
        meaning: Meaning::Tokens,
        definition: "http://hl7.org/fhir/SearchParameter/Resource-id",
        values: |_| Vec::new(),
    },
    Parameter {
        name: "url",
        meaning: Meaning::Uri,
        definition: "http://hl7.org/fhir/SearchParameter/conformance-url",
        values: |_| Vec::new(),
    },
    Parameter {
        name: "name",
        meaning: Meaning::Texts,
        definition: "http://hl7.org/fhir/SearchParameter/conformance-name",
        values: |_| Vec::new(),
    },
    Parameter {
        name: "title",
        meaning: Meaning::Texts,
        definition: "http://hl7.org/fhir/SearchParameter/conformance-title",
        values: |_| Vec::new(),
    },
    Parameter {
        name: "version",
        meaning: Meaning::Tokens,
        definition: "http://hl7.org/fhir/SearchParameter/conformance-version",
        values: |_| Vec::new(),
    },
    Parameter {
        name: "status",
        meaning: Meaning::Tokens,
        definition: "http://hl7.org/fhir/SearchParameter/conformance-status",
        values: |_| Vec::new(),
    },
];

/// The id of the code system, in `fhir-profiles/`, that a practice's list fills.
pub const fn id_of(list: List) -> &'static str {
    match list {
        List::Calendar => "openemr-calendar-category",
        List::Documents => "document-category",
        List::Marks => "openemr-appointment-mark",
    }
}

/// The code system as published, with the practice's codes in it instead of those OpenEMR is installed with.
pub fn filled(mut published: Value, terms: &[Term]) -> Value {
    let concepts: Vec<Value> = terms
        .iter()
        .map(|term| json!({"code": term.code, "display": term.display}))
        .collect();
    if !concepts.is_empty() {
        published["concept"] = Value::Array(concepts);
    }
    published
}

/// The value set as published, cut to the codes that may be chosen today.
pub fn to_choose(mut published: Value, system: &str, terms: &[Term]) -> Value {
    let chosen = terms.iter().filter(|term| term.chosen);
    let concepts: Vec<Value> = chosen
        .map(|term| json!({"code": term.code, "display": term.display}))
        .collect();
    if !concepts.is_empty() {
        published["compose"]["include"] = json!([{"system": system, "concept": concepts}]);
    }
    published
}
