//! What the CapabilityStatement says of one type.

use fhir_sdk::r4b::codes;
use fhir_sdk::r4b::codes::ConditionalReadStatus;
use fhir_sdk::r4b::codes::ReferenceHandlingPolicy;
use fhir_sdk::r4b::codes::ResourceVersionPolicy;
use fhir_sdk::r4b::codes::SearchParamType;
use fhir_sdk::r4b::resources::CapabilityStatementRestResource;
use fhir_sdk::r4b::resources::CapabilityStatementRestResourceInteraction;
use fhir_sdk::r4b::resources::CapabilityStatementRestResourceOperation;
use fhir_sdk::r4b::resources::CapabilityStatementRestResourceSearchParam;
use fhir_sdk::r4b::types::Extension;
use fhir_sdk::r4b::types::ExtensionValue;

use crate::domain::ResourceType;
use crate::domain::scope::Interaction;
use crate::fhir::RESOURCES;
use crate::fhir::Served;
use crate::fhir::Writable;
use crate::fhir::capability;
use crate::fhir::capability::RESULT;
use crate::fhir::definitions;
use crate::fhir::parameter::Meaning;
use crate::fhir::parameter::Parameter;
use crate::fhir::search::referred;
use crate::fhir::wire;
use crate::fhir::wire::Built;

/// Says which parameters may be given together, as US Core's own statement does.
const COMBINATION: &str =
    "http://hl7.org/fhir/StructureDefinition/capabilitystatement-search-parameter-combination";

/// The combinations US Core asks for, by type.
const COMBINATIONS: [(ResourceType, &[&[&str]]); 4] = [
    (
        ResourceType::Patient,
        &[
            &["birthdate", "name"],
            &["gender", "name"],
            &["birthdate", "family"],
            &["family", "gender"],
            &["death-date", "family"],
        ],
    ),
    (
        ResourceType::DocumentReference,
        &[
            &["patient", "type"],
            &["patient", "category"],
            &["patient", "category", "date"],
            &["patient", "status"],
            &["patient", "type", "period"],
        ],
    ),
    (
        ResourceType::Encounter,
        &[
            &["date", "patient"],
            &["patient", "type"],
            &["class", "patient"],
            &["patient", "status"],
            &["patient", "location"],
            &["discharge-disposition", "patient"],
            &["_lastUpdated", "patient"],
        ],
    ),
    (ResourceType::RelatedPerson, &[&["patient", "name"]]),
];

/// The kinds of [`definitions::KINDS`] as the statement names them.
pub(super) const PUBLISHED: [codes::ResourceType; definitions::KINDS.len()] = [
    codes::ResourceType::OperationDefinition,
    codes::ResourceType::StructureDefinition,
    codes::ResourceType::SearchParameter,
    codes::ResourceType::ImplementationGuide,
    codes::ResourceType::CapabilityStatement,
];

/// A type of records.
pub(super) fn stated(served: &Served) -> Built<CapabilityStatementRestResource> {
    let mut parameters = Vec::new();
    for parameter in capability::parameters(served) {
        parameters.push(Some(search_parameter(parameter)?));
    }
    let mut operations = Vec::new();
    for (name, definition) in served.operations {
        let operation = CapabilityStatementRestResourceOperation::builder()
            .name((*name).to_owned())
            .definition((*definition).to_owned())
            .build()?;
        operations.push(Some(operation));
    }
    let versions = capability::has_versions(served);
    let created = capability::takes(served, Interaction::Create);
    let mut resource = CapabilityStatementRestResource::builder()
        .r#type(resource_type(served.kind))
        .documentation(served.prose.to_owned())
        .interaction(interactions(served)?)
        .versioning(
            match (capability::takes(served, Interaction::Update), versions) {
                (true, _) => ResourceVersionPolicy::VersionedUpdate,
                (false, true) => ResourceVersionPolicy::Versioned,
                (false, false) => ResourceVersionPolicy::NoVersion,
            },
        )
        .read_history(versions)
        .update_create(false)
        .conditional_create(created && served.kind != ResourceType::Binary)
        .conditional_update(false)
        .reference_policy(wire::list([
            ReferenceHandlingPolicy::Literal,
            ReferenceHandlingPolicy::Resolves,
        ]))
        .search_include(wire::list(includes(served)))
        .search_rev_include(wire::list(revincludes(served)))
        .search_param(parameters)
        .operation(operations)
        .extension(combinations(served)?)
        .build()?;
    if versions {
        resource.conditional_read = Some(ConditionalReadStatus::FullSupport);
    }
    resource.supported_profile = wire::list(served.profile.map(str::to_owned));
    Ok(resource)
}

/// A kind of what this server publishes itself, which anybody may read.
pub(super) fn published(kind: codes::ResourceType) -> Built<CapabilityStatementRestResource> {
    let mut interactions = Vec::new();
    for code in ["read", "search-type"] {
        let interaction = CapabilityStatementRestResourceInteraction::builder()
            .code(code.to_owned())
            .build()?;
        interactions.push(Some(interaction));
    }
    let mut parameters = Vec::new();
    for (name, kind, definition) in definitions::PARAMETERS {
        let kind = match kind {
            "token" => SearchParamType::Token,
            "uri" => SearchParamType::Uri,
            _ => SearchParamType::String,
        };
        let parameter = CapabilityStatementRestResourceSearchParam::builder()
            .name(name.to_owned())
            .r#type(kind)
            .definition(definition.to_owned())
            .build()?;
        parameters.push(Some(parameter));
    }
    CapabilityStatementRestResource::builder()
        .r#type(kind)
        .documentation("What this server adds to FHIR, for anybody, without a token.".to_owned())
        .interaction(interactions)
        .search_param(parameters)
        .build()
}

fn interactions(served: &Served) -> Built<Vec<Option<CapabilityStatementRestResourceInteraction>>> {
    let mut interactions = Vec::new();
    for code in capability::codes(served) {
        let mut interaction = CapabilityStatementRestResourceInteraction::builder()
            .code(code.to_owned())
            .build()?;
        interaction.documentation = match code {
            "create" => written(&served.create),
            "update" | "patch" => written(&served.update),
            _ => None,
        };
        interactions.push(Some(interaction));
    }
    Ok(interactions)
}

/// Who may write what; nothing where the elements are not what is written.
fn written(elements: &Writable) -> Option<String> {
    let said = |who: &str, list: &[&str]| match list {
        [] => format!("{who}: nothing."),
        list => format!("{who}: {}.", list.join(", ")),
    };
    (!elements.patient.is_empty() || !elements.staff.is_empty()).then(|| {
        format!(
            "What may be written. {} {} Anything else is refused by name.",
            said("A patient", elements.patient),
            said("Staff", elements.staff)
        )
    })
}

/// `Type:parameter` of everything the type refers to.
fn includes(served: &Served) -> Vec<String> {
    if !served.takes(Interaction::Search) {
        return Vec::new();
    }
    let refers = |known: &&Parameter| !referred(known).is_empty();
    let own = served.kind.name();
    let known = served.parameters.iter().filter(refers);
    known.map(|known| format!("{own}:{}", known.name)).collect()
}

/// `Type:parameter` of everything that refers to the type.
fn revincludes(served: &Served) -> Vec<String> {
    let searched = |other: &&&Served| other.takes(Interaction::Search);
    if !searched(&&served) {
        return Vec::new();
    }
    // Lists are not looked up among records, and a Group or a Questionnaire is nobody's: no patient's ledger comes along.
    if matches!(
        served.kind,
        ResourceType::ValueSet | ResourceType::CodeSystem
    ) {
        return Vec::new();
    }
    let ledger = |other: &Served| {
        other.kind == ResourceType::AuditEvent
            && matches!(
                served.kind,
                ResourceType::Group | ResourceType::Questionnaire
            )
    };
    let of = |other: &&'static Served| {
        let refers = |known: &&Parameter| !ledger(other) && referred(known).contains(&served.kind);
        let known = other.parameters.iter().filter(refers);
        let name = other.kind.name();
        known
            .map(|known| format!("{name}:{}", known.name))
            .collect::<Vec<String>>()
    };
    RESOURCES.iter().filter(searched).flat_map(of).collect()
}

/// The combinations US Core asks for of which every parameter is served.
fn combinations(served: &Served) -> Built<Vec<Extension>> {
    let known = |name: &str| served.parameters.iter().any(|known| known.name == name);
    let asked = COMBINATIONS.iter().filter(|(kind, _)| *kind == served.kind);
    let asked = asked.flat_map(|(_, combinations)| combinations.iter());
    let mut combinations = Vec::new();
    for names in asked.filter(|names| names.iter().all(|name| known(name))) {
        let mut required = Vec::new();
        for name in *names {
            let value = ExtensionValue::String((*name).to_owned());
            required.push(wire::extension("required", value)?);
        }
        let combination = Extension::builder()
            .url(COMBINATION.to_owned())
            .extension(required)
            .build()?;
        combinations.push(combination);
    }
    Ok(combinations)
}

fn search_parameter(parameter: &Parameter) -> Built<CapabilityStatementRestResourceSearchParam> {
    let (kind, words) = match parameter.meaning {
        _ if parameter.name == RESULT.name => (
            SearchParamType::Number,
            "Matches on a page: at most 200, 50 where it is not said, none at all where it is 0.",
        ),
        Meaning::Ids | Meaning::Token(_) | Meaning::Tokens | Meaning::Identifier => (
            SearchParamType::Token,
            "code, system|code, |code or system|. Modifiers: not, text, missing.",
        ),
        Meaning::Text(_) | Meaning::Texts => (
            SearchParamType::String,
            "How the text begins, whatever its case. Modifiers: exact, contains, missing.",
        ),
        Meaning::Patient | Meaning::Reference(..) | Meaning::References(_) => (
            SearchParamType::Reference,
            "id, Type/id or the URL here. Modifiers: the type, identifier, missing. It may be chained.",
        ),
        Meaning::Date(_) | Meaning::Dates => (
            SearchParamType::Date,
            "Prefixes: eq, ne, gt, lt, ge, le, sa, eb, ap. Modifier: missing.",
        ),
        Meaning::Uri => (SearchParamType::Uri, "The whole URI. Modifier: missing."),
    };
    let mut built = CapabilityStatementRestResourceSearchParam::builder()
        .name(parameter.name.to_owned())
        .r#type(kind)
        .documentation(words.to_owned())
        .build()?;
    built.definition = wire::clean(parameter.definition);
    Ok(built)
}

fn resource_type(kind: ResourceType) -> codes::ResourceType {
    match kind {
        ResourceType::Patient => codes::ResourceType::Patient,
        ResourceType::Appointment => codes::ResourceType::Appointment,
        ResourceType::Schedule => codes::ResourceType::Schedule,
        ResourceType::Slot => codes::ResourceType::Slot,
        ResourceType::Communication => codes::ResourceType::Communication,
        ResourceType::DocumentReference => codes::ResourceType::DocumentReference,
        ResourceType::Binary => codes::ResourceType::Binary,
        ResourceType::Practitioner => codes::ResourceType::Practitioner,
        ResourceType::PractitionerRole => codes::ResourceType::PractitionerRole,
        ResourceType::Organization => codes::ResourceType::Organization,
        ResourceType::Location => codes::ResourceType::Location,
        ResourceType::Encounter => codes::ResourceType::Encounter,
        ResourceType::RelatedPerson => codes::ResourceType::RelatedPerson,
        ResourceType::Coverage => codes::ResourceType::Coverage,
        ResourceType::Task => codes::ResourceType::Task,
        ResourceType::Questionnaire => codes::ResourceType::Questionnaire,
        ResourceType::Provenance => codes::ResourceType::Provenance,
        ResourceType::AuditEvent => codes::ResourceType::AuditEvent,
        ResourceType::Group => codes::ResourceType::Group,
        ResourceType::Endpoint => codes::ResourceType::Endpoint,
        ResourceType::ValueSet => codes::ResourceType::ValueSet,
        ResourceType::CodeSystem => codes::ResourceType::CodeSystem,
    }
}
