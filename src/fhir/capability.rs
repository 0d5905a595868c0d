//! CapabilityStatement, scopes and the developers' table: all of it from [`RESOURCES`], so that what is said is what
//! is done.

use fhir_sdk::r4b::codes;
use fhir_sdk::r4b::codes::CapabilityStatementKind;
use fhir_sdk::r4b::codes::FHIRVersion;
use fhir_sdk::r4b::codes::PublicationStatus;
use fhir_sdk::r4b::codes::ReferenceHandlingPolicy;
use fhir_sdk::r4b::codes::ResourceVersionPolicy;
use fhir_sdk::r4b::codes::RestfulCapabilityMode;
use fhir_sdk::r4b::codes::SearchParamType;
use fhir_sdk::r4b::resources::CapabilityStatement;
use fhir_sdk::r4b::resources::CapabilityStatementImplementation;
use fhir_sdk::r4b::resources::CapabilityStatementRest;
use fhir_sdk::r4b::resources::CapabilityStatementRestResource;
use fhir_sdk::r4b::resources::CapabilityStatementRestResourceInteraction;
use fhir_sdk::r4b::resources::CapabilityStatementRestResourceSearchParam;
use fhir_sdk::r4b::resources::CapabilityStatementRestSecurity;
use fhir_sdk::r4b::resources::CapabilityStatementSoftware;
use fhir_sdk::r4b::resources::Resource;
use fhir_sdk::r4b::types::Extension;
use fhir_sdk::r4b::types::ExtensionValue;
use time::OffsetDateTime;
use time::UtcOffset;

use crate::domain::ResourceType;
use crate::domain::people::Code;
use crate::domain::records::CLINICAL_NOTE;
use crate::domain::refusal::Fault;
use crate::domain::scope::Interaction;
use crate::fhir::Meaning;
use crate::fhir::Parameter;
use crate::fhir::RESOURCES;
use crate::fhir::Served;
use crate::fhir::bytes;
use crate::fhir::wire;
use crate::fhir::wire::Built;

/// SMART App Launch 1.0's way of telling the endpoints, which client libraries still read.
const OAUTH_URIS: &str = "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris";

/// The endpoints it tells: names of SMART 1.0, paths under the public URL.
const ENDPOINTS: [(&str, &str); 2] = [
    ("authorize", "/oauth2/authorize"),
    ("token", "/oauth2/token"),
];

/// Words that are scopes of every deployment, beside those of resources.
const WORDS: [&str; 4] = ["openid", "fhirUser", "launch/patient", "offline_access"];

/// Parameters of every search, about the answer instead of the records.
const RESULT: Parameter = Parameter {
    name: "_count",
    meaning: Meaning::Ids,
    definition: "",
};

/// One row of the developers' table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The type.
    pub name: &'static str,
    /// FHIR's names of the interactions.
    pub interactions: Vec<String>,
    /// Names of the search parameters.
    pub search: Vec<String>,
}

/// The CapabilityStatement of the server at a public URL, for a practice of that name.
///
/// # Errors
/// As [`crate::fhir::encode`].
pub fn statement(public_url: &str, practice: &str, now: OffsetDateTime) -> Result<Vec<u8>, Fault> {
    let public_url = public_url.trim_end_matches('/');
    let built = whole(public_url, practice, now)
        .map_err(|error| Fault::new("making the CapabilityStatement", error.to_string()))?;
    bytes(&Resource::from(built))
}

/// Every scope that means something here, in SMART's v2 and v1 spelling, for `scopes_supported`.
pub fn scopes() -> Vec<String> {
    let mut scopes: Vec<String> = WORDS.map(str::to_owned).to_vec();
    scopes.push("patient/*.rs".to_owned());
    scopes.push("patient/*.read".to_owned());
    for served in RESOURCES {
        let name = served.kind.name();
        let reading: String = letters(served, &[Interaction::Read, Interaction::Search]);
        scopes.push(format!("patient/{name}.{reading}"));
        if served.takes(Interaction::Update) {
            let all = letters(served, &Interaction::LETTERS.map(|(_, known)| known));
            scopes.push(format!("patient/{name}.{all}"));
        }
        scopes.push(format!("patient/{name}.read"));
        if served.kind == ResourceType::DocumentReference {
            let (system, code) = CLINICAL_NOTE;
            scopes.push(format!("patient/{name}.{reading}?category={system}|{code}"));
        }
    }
    scopes
}

/// What is served, type by type.
pub fn table() -> Vec<Row> {
    let row = |served: &&Served| Row {
        name: served.kind.name(),
        interactions: codes(served).map(str::to_owned).collect(),
        search: parameters(served)
            .map(|known| known.name.to_owned())
            .collect(),
    };
    RESOURCES.iter().map(row).collect()
}

/// The letters of a scope: those of `wanted` that the type takes, in SMART's order.
fn letters(served: &Served, wanted: &[Interaction]) -> String {
    Interaction::LETTERS
        .iter()
        .filter(|(_, known)| wanted.contains(known) && served.takes(*known))
        .map(|(letter, _)| letter)
        .collect()
}

/// FHIR's names of what a type takes.
fn codes(served: &Served) -> impl Iterator<Item = &'static str> {
    let names = |interaction: &Interaction| -> &'static [&'static str] {
        match interaction {
            Interaction::Create => &["create"],
            Interaction::Read => &["read"],
            Interaction::Update => &["update", "patch"],
            Interaction::Delete => &["delete"],
            Interaction::Search => &["search-type"],
        }
    };
    served.interactions.iter().flat_map(names).copied()
}

fn parameters(served: &Served) -> impl Iterator<Item = &Parameter> {
    let result = served.takes(Interaction::Search).then_some(&RESULT);
    served.parameters.iter().chain(result)
}

fn whole(public_url: &str, practice: &str, now: OffsetDateTime) -> Built<CapabilityStatement> {
    let fhir_base = format!("{public_url}/fhir");
    let words = wire::clean(practice).unwrap_or_else(|| "A medical practice".to_owned());
    let software = CapabilityStatementSoftware::builder()
        .name("Anteroom".to_owned())
        .version(env!("CARGO_PKG_VERSION").to_owned())
        .build()?;
    let implementation = CapabilityStatementImplementation::builder()
        .description(words)
        .url(fhir_base.clone())
        .build()?;
    let formats = ["json", "application/fhir+json"];
    CapabilityStatement::builder()
        .url(format!("{fhir_base}/metadata"))
        .version(env!("CARGO_PKG_VERSION").to_owned())
        .name("Anteroom".to_owned())
        .title("Anteroom".to_owned())
        .status(PublicationStatus::Active)
        .date(wire::date_time(second(now)))
        .description("Patient access to the practice's own records by SMART App Launch.".to_owned())
        .kind(CapabilityStatementKind::Instance)
        .software(software)
        .implementation(implementation)
        // The model is that of 4.3.0, whose resources served here are those of 4.0.1.
        .fhir_version(FHIRVersion::N401)
        .format(wire::list(formats.map(str::to_owned)))
        .patch_format(wire::list(["application/json-patch+json".to_owned()]))
        .rest(wire::list([rest(public_url)?]))
        .build()
}

fn second(now: OffsetDateTime) -> OffsetDateTime {
    let now = now.to_offset(UtcOffset::UTC);
    now.replace_nanosecond(0).unwrap_or(now)
}

fn rest(public_url: &str) -> Built<CapabilityStatementRest> {
    let mut resources = Vec::with_capacity(RESOURCES.len());
    for served in RESOURCES {
        resources.push(Some(resource(served)?));
    }
    CapabilityStatementRest::builder()
        .mode(RestfulCapabilityMode::Server)
        .documentation(
            "Everything is cut to the patient in context of the token: another patient's record is not found, a \
             search that names another patient is forbidden. Unknown search parameters are ignored and named in a \
             warning, or refused with Prefer: handling=strict."
                .to_owned(),
        )
        .security(security(public_url)?)
        .resource(resources)
        .build()
}

fn security(public_url: &str) -> Built<CapabilityStatementRestSecurity> {
    let mut endpoints = Vec::with_capacity(ENDPOINTS.len());
    for (name, path) in ENDPOINTS {
        let uri = ExtensionValue::Uri(format!("{public_url}{path}"));
        endpoints.push(wire::extension(name, uri)?);
    }
    let oauth = Extension::builder()
        .url(OAUTH_URIS.to_owned())
        .extension(endpoints)
        .build()?;
    let service = wire::concept(&Code {
        system: "http://terminology.hl7.org/CodeSystem/restful-security-service",
        code: "SMART-on-FHIR".to_owned(),
        display: "SMART-on-FHIR".to_owned(),
    })?;
    CapabilityStatementRestSecurity::builder()
        .extension(vec![oauth])
        .cors(true)
        .service(wire::list([service]))
        .description("SMART App Launch 2.2, standalone launch for patients.".to_owned())
        .build()
}

fn resource(served: &Served) -> Built<CapabilityStatementRestResource> {
    let mut interactions = Vec::new();
    for code in codes(served) {
        let mut interaction = CapabilityStatementRestResourceInteraction::builder()
            .code(code.to_owned())
            .build()?;
        if matches!(code, "update" | "patch") {
            let words = "Only status may change, to cancelled, with cancelationReason.text.";
            interaction.documentation = Some(words.to_owned());
        }
        interactions.push(Some(interaction));
    }
    let mut parameters = Vec::new();
    for parameter in self::parameters(served) {
        parameters.push(Some(search_parameter(parameter)?));
    }
    let mut resource = CapabilityStatementRestResource::builder()
        .r#type(resource_type(served.kind))
        .documentation(served.prose.to_owned())
        .interaction(interactions)
        .versioning(match served.takes(Interaction::Update) {
            true => ResourceVersionPolicy::VersionedUpdate,
            false => ResourceVersionPolicy::NoVersion,
        })
        .read_history(false)
        .reference_policy(wire::list([
            ReferenceHandlingPolicy::Literal,
            ReferenceHandlingPolicy::Resolves,
        ]))
        .search_param(parameters)
        .build()?;
    resource.supported_profile = wire::list(served.profile.map(str::to_owned));
    Ok(resource)
}

fn search_parameter(parameter: &Parameter) -> Built<CapabilityStatementRestResourceSearchParam> {
    let kind = match parameter.meaning {
        _ if parameter.name == RESULT.name => SearchParamType::Number,
        Meaning::Ids | Meaning::Token(_) | Meaning::Identifier => SearchParamType::Token,
        Meaning::Text(_) => SearchParamType::String,
        Meaning::Patient | Meaning::Participant => SearchParamType::Reference,
        Meaning::Date(_) => SearchParamType::Date,
    };
    let mut built = CapabilityStatementRestResourceSearchParam::builder()
        .name(parameter.name.to_owned())
        .r#type(kind)
        .build()?;
    built.definition = wire::clean(parameter.definition);
    Ok(built)
}

fn resource_type(kind: ResourceType) -> codes::ResourceType {
    match kind {
        ResourceType::Patient => codes::ResourceType::Patient,
        ResourceType::Appointment => codes::ResourceType::Appointment,
        ResourceType::Communication => codes::ResourceType::Communication,
        ResourceType::DocumentReference => codes::ResourceType::DocumentReference,
        ResourceType::Binary => codes::ResourceType::Binary,
        ResourceType::Practitioner => codes::ResourceType::Practitioner,
        ResourceType::Organization => codes::ResourceType::Organization,
        ResourceType::Location => codes::ResourceType::Location,
        ResourceType::Encounter => codes::ResourceType::Encounter,
    }
}

#[cfg(test)]
mod tests;
