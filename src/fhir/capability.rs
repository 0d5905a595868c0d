//! CapabilityStatement, scopes and the developers' table: all of it from [`RESOURCES`], so that what is said is what
//! is done.

mod resource;

use fhir_sdk::r4b::codes::CapabilityStatementKind;
use fhir_sdk::r4b::codes::FHIRVersion;
use fhir_sdk::r4b::codes::PublicationStatus;
use fhir_sdk::r4b::codes::RestfulCapabilityMode;
use fhir_sdk::r4b::resources::CapabilityStatement;
use fhir_sdk::r4b::resources::CapabilityStatementImplementation;
use fhir_sdk::r4b::resources::CapabilityStatementRest;
use fhir_sdk::r4b::resources::CapabilityStatementRestInteraction;
use fhir_sdk::r4b::resources::CapabilityStatementRestSecurity;
use fhir_sdk::r4b::resources::CapabilityStatementSoftware;
use fhir_sdk::r4b::resources::Resource;
use fhir_sdk::r4b::types::Extension;
use fhir_sdk::r4b::types::ExtensionValue;
use time::OffsetDateTime;
use time::UtcOffset;

use crate::config::Config;
use crate::config::Registration;
use crate::domain::ResourceType;
use crate::domain::people::Code;
use crate::domain::records::CLINICAL_NOTE;
use crate::domain::refusal::Fault;
use crate::domain::scope::Interaction;
use crate::fhir::READ_ONLY;
use crate::fhir::RESOURCES;
use crate::fhir::Served;
use crate::fhir::bytes;
use crate::fhir::definitions::KINDS;
use crate::fhir::parameter::Meaning;
use crate::fhir::parameter::Parameter;
use crate::fhir::wire;
use crate::fhir::wire::Built;

/// SMART App Launch 1.0's way of telling the endpoints, which client libraries still read.
const OAUTH_URIS: &str = "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris";

/// The endpoints it tells: names of SMART 1.0, paths under the public URL.
const ENDPOINTS: [(&str, &str); 5] = [
    ("authorize", "/oauth2/authorize"),
    ("token", "/oauth2/token"),
    ("introspect", "/oauth2/introspect"),
    ("manage", "/account/apps"),
    ("revoke", "/oauth2/revoke"),
];

/// One more where apps may register themselves.
const REGISTER: (&str, &str) = ("register", "/oauth2/register");

/// Words that are scopes of every deployment, beside those of resources.
const WORDS: [&str; 6] = [
    "openid",
    "fhirUser",
    "launch",
    "launch/patient",
    "offline_access",
    "online_access",
];

/// The levels of scopes; a service changes nothing.
const LEVELS: [(&str, &[Interaction]); 3] = [
    ("patient", &ALL_LETTERS),
    ("user", &ALL_LETTERS),
    ("system", &[Interaction::Read, Interaction::Search]),
];

const ALL_LETTERS: [Interaction; 5] = [
    Interaction::Create,
    Interaction::Read,
    Interaction::Update,
    Interaction::Delete,
    Interaction::Search,
];

/// What every US Core server does.
const US_CORE: &str = "http://hl7.org/fhir/us/core/CapabilityStatement/us-core-server";

/// Parameters of every search, about the answer instead of the records.
const RESULT: Parameter = Parameter {
    name: "_count",
    meaning: Meaning::Ids,
    definition: "",
    values: |_| Vec::new(),
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

/// The CapabilityStatement of a server with these settings, for a practice of that name.
///
/// # Errors
/// As [`crate::fhir::encode`].
pub fn statement(config: &Config, practice: &str, now: OffsetDateTime) -> Result<Vec<u8>, Fault> {
    let built = whole(config, practice, now)
        .map_err(|error| Fault::new("making the CapabilityStatement", error.to_string()))?;
    bytes(&Resource::from(built))
}

/// Every scope that means something here, in SMART's v2 and v1 spelling, for `scopes_supported`.
pub fn scopes() -> Vec<String> {
    let mut scopes: Vec<String> = WORDS.map(str::to_owned).to_vec();
    for (level, wanted) in LEVELS {
        scopes.extend(scopes_of(level, wanted));
    }
    scopes
}

/// The scopes of one level: all types, then each, reading alone and with everything the type takes.
fn scopes_of(level: &str, wanted: &[Interaction]) -> Vec<String> {
    let reading = [Interaction::Read, Interaction::Search];
    let mut every = String::new();
    for (letter, interaction) in Interaction::LETTERS {
        if wanted.contains(&interaction) && RESOURCES.iter().any(|known| takes(known, interaction))
        {
            every.push(letter);
        }
    }
    let mut scopes = vec![format!("{level}/*.rs"), format!("{level}/*.read")];
    if every != "rs" {
        scopes.push(format!("{level}/*.{every}"));
    }
    for served in RESOURCES {
        let name = served.kind.name();
        // Of what is no patient's nothing is changed with a patient's scope.
        let one = level == "patient" && !served.kind.in_patient_compartment();
        let wanted = if one { &reading[..] } else { wanted };
        let (reading, all) = (letters(served, &reading), letters(served, wanted));
        scopes.push(format!("{level}/{name}.{reading}"));
        if all != reading {
            scopes.push(format!("{level}/{name}.{all}"));
        }
        scopes.push(format!("{level}/{name}.read"));
        if served.kind == ResourceType::DocumentReference {
            let (system, code) = CLINICAL_NOTE;
            scopes.push(format!("{level}/{name}.{reading}?category={system}|{code}"));
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
        .filter(|(_, known)| wanted.contains(known) && takes(served, *known))
        .map(|(letter, _)| letter)
        .collect()
}

/// Whether a type takes an interaction: reading as its entry says, writing also where it says what may be written.
fn takes(served: &Served, interaction: Interaction) -> bool {
    let written = match interaction {
        Interaction::Create => served.create != READ_ONLY,
        Interaction::Update => served.update != READ_ONLY,
        Interaction::Read | Interaction::Delete | Interaction::Search => false,
    };
    written || served.takes(interaction)
}

/// Whether a type's records have versions that are told apart. Bytes and lists are not records of a patient.
fn has_versions(served: &Served) -> bool {
    let none = matches!(
        served.kind,
        ResourceType::Binary | ResourceType::ValueSet | ResourceType::CodeSystem
    );
    served.takes(Interaction::Read) && !none
}

/// FHIR's names of what a type takes.
fn codes(served: &Served) -> impl Iterator<Item = &'static str> {
    let versions = has_versions(served);
    let names = move |interaction: &Interaction| -> &'static [&'static str] {
        match interaction {
            Interaction::Create => &["create"],
            Interaction::Read if versions => &["read", "vread", "history-instance"],
            Interaction::Read => &["read"],
            Interaction::Update => &["update", "patch"],
            Interaction::Delete => &["delete"],
            Interaction::Search => &["search-type"],
        }
    };
    let taken = ALL_LETTERS.iter().filter(|one| takes(served, **one));
    taken.flat_map(names).copied()
}

fn parameters(served: &Served) -> impl Iterator<Item = &Parameter> {
    let result = served.takes(Interaction::Search).then_some(&RESULT);
    served.parameters.iter().chain(result)
}

fn whole(config: &Config, practice: &str, now: OffsetDateTime) -> Built<CapabilityStatement> {
    let fhir_base = format!("{}/fhir", config.public_url.trim_end_matches('/'));
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
        .description("The practice's own records for apps of patients and staff and for services, by SMART App Launch."
            .to_owned())
        .kind(CapabilityStatementKind::Instance)
        .software(software)
        .implementation(implementation)
        // The model is that of 4.3.0, whose resources served here are those of 4.0.1.
        .fhir_version(FHIRVersion::N401)
        .instantiates(wire::list([US_CORE.to_owned()]))
        .format(wire::list(formats.map(str::to_owned)))
        .patch_format(wire::list(["application/json-patch+json".to_owned()]))
        .rest(wire::list([rest(config)?]))
        .build()
}

fn second(now: OffsetDateTime) -> OffsetDateTime {
    let now = now.to_offset(UtcOffset::UTC);
    now.replace_nanosecond(0).unwrap_or(now)
}

fn rest(config: &Config) -> Built<CapabilityStatementRest> {
    let mut resources = Vec::with_capacity(RESOURCES.len() + KINDS.len());
    for served in RESOURCES {
        resources.push(Some(resource::stated(served)?));
    }
    for kind in resource::PUBLISHED {
        resources.push(Some(resource::published(kind)?));
    }
    let mut bundles = Vec::new();
    for code in ["transaction", "batch"] {
        let taken = CapabilityStatementRestInteraction::builder().code(code.to_owned());
        bundles.push(Some(taken.build()?));
    }
    CapabilityStatementRest::builder()
        .mode(RestfulCapabilityMode::Server)
        .documentation(
            "Under patient/ scopes everything is cut to the patient in context: another patient's record is not \
             found, a search that names another patient is forbidden. Under user/ scopes staff reach what OpenEMR's \
             access control gives them, under system/ scopes a service reaches every patient; they search messages \
             and documents with patient or _id, appointments also by date alone. Unknown search parameters are \
             ignored and named in a warning, or refused with Prefer: handling=strict. Every search takes _count, _sort by \
             the type's own parameters, _total, _summary, _elements, _include, _revinclude, _has and chained parameters; \
             what the token's scopes do not open is neither included nor asked about. A versionId names a state: a \
             state that comes back has the versionId it had, and a history lists each once, with the newest time."
                .to_owned(),
        )
        .security(security(config)?)
        .resource(resources)
        .interaction(bundles)
        .build()
}

fn security(config: &Config) -> Built<CapabilityStatementRestSecurity> {
    let public_url = config.public_url.trim_end_matches('/');
    let register = match config.registration {
        Registration::Open | Registration::Approval => Some(REGISTER),
        Registration::Off => None,
    };
    let mut endpoints = Vec::with_capacity(ENDPOINTS.len() + 1);
    for (name, path) in ENDPOINTS.into_iter().chain(register) {
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
        .description(
            "SMART App Launch 2.2: standalone and EHR launch, backend services.".to_owned(),
        )
        .build()
}

#[cfg(test)]
mod tests;
