//! FHIR R4 (4.0.1): what each resource means in a portal, and how records become JSON. No async, no database.
//! [`RESOURCES`] is the one list of what is served; CapabilityStatement, scopes and search are made from it.

pub mod appointment;
pub mod appointment_ask;
pub mod ask;
pub mod audit_event;
pub mod binary;
pub mod body;
pub mod brands;
pub mod bundle;
pub mod capability;
pub mod code_system;
pub mod communication;
mod communication_ask;
pub mod coverage;
mod coverage_ask;
mod dates;
pub mod definitions;
pub mod document_ask;
pub mod document_reference;
pub mod encounter;
pub mod endpoint;
pub mod group;
pub mod history;
mod indexes;
pub mod inputs;
mod kept;
pub mod links;
pub mod location;
pub mod matching;
pub mod organization;
pub mod outcome;
pub mod page_link;
pub mod parameter;
pub mod patch;
pub mod patient;
mod patient_ask;
pub mod portal_job;
pub mod portal_parameters;
pub mod practitioner;
mod practitioner_ask;
pub mod practitioner_role;
pub mod provenance;
pub mod questionnaire;
mod questionnaire_ask;
mod questions;
mod refers;
pub mod related_person;
pub mod requirements;
pub mod schedule;
pub mod search;
pub mod sent_bundle;
pub mod slot;
pub mod subset;
pub mod task;
mod task_ask;
pub mod value_set;
mod wire;

use fhir_sdk::BuilderError;
use fhir_sdk::r4b::resources::Resource;
use uuid::Uuid;

use crate::domain::ResourceType;
use crate::domain::records::Record;
use crate::domain::refusal::Fault;
use crate::domain::scope::Interaction;
use crate::fhir::parameter::Parameter;

/// One resource type as it is served.
#[derive(Debug)]
pub struct Served {
    /// The type.
    pub kind: ResourceType,
    /// The profile every instance claims and keeps.
    pub profile: Option<&'static str>,
    /// What the type means in a portal, for the CapabilityStatement.
    pub prose: &'static str,
    /// What may be done with it, as SMART letters.
    pub interactions: &'static [Interaction],
    /// Its search parameters; those about the answer (`_count`, `_sort`, `_include` ...) come on top.
    pub parameters: &'static [Parameter],
    /// The parameter whose order a search has that asks for none, with `-` for descending; empty where any will do.
    pub order: &'static str,
    /// The elements a new resource may have.
    pub create: Writable,
    /// The elements of an existing one that may change.
    pub update: Writable,
    /// Operations beside the interactions: name, and the OperationDefinition that says what it does.
    pub operations: &'static [(&'static str, &'static str)],
}

/// Root elements that may be written, by who writes. An empty list is nothing at all. `resourceType`, `id` and `meta`
/// come on top: they are the server's, and `meta.security` and `meta.tag` are refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Writable {
    /// By a patient about the own record.
    pub patient: &'static [&'static str],
    /// By staff.
    pub staff: &'static [&'static str],
}

/// Nothing may be written.
pub const READ_ONLY: Writable = Writable {
    patient: &[],
    staff: &[],
};

/// Every type that is served, in the order of the CapabilityStatement.
pub static RESOURCES: [&Served; 22] = [
    &patient::SERVED,
    &appointment::SERVED,
    &schedule::SERVED,
    &slot::SERVED,
    &communication::SERVED,
    &document_reference::SERVED,
    &binary::SERVED,
    &practitioner::SERVED,
    &practitioner_role::SERVED,
    &organization::SERVED,
    &location::SERVED,
    &encounter::SERVED,
    &related_person::SERVED,
    &coverage::SERVED,
    &task::SERVED,
    &questionnaire::SERVED,
    &provenance::SERVED,
    &audit_event::SERVED,
    &group::SERVED,
    &endpoint::SERVED,
    &value_set::SERVED,
    &code_system::SERVED,
];

impl Served {
    /// Whether the type takes an interaction.
    pub fn takes(&self, interaction: Interaction) -> bool {
        self.interactions.contains(&interaction)
    }
}

/// How a type is served. `None` for none: the compiler cannot know that [`RESOURCES`] is complete, a test does.
pub fn served(kind: ResourceType) -> Option<&'static Served> {
    RESOURCES.iter().copied().find(|served| served.kind == kind)
}

/// The FHIR base URL, from which absolute URLs and the practice's identifier systems are made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Base {
    url: String,
}

impl Base {
    /// The base; a slash at its end is left away.
    pub fn new(url: &str) -> Self {
        Self {
            url: url.trim_end_matches('/').to_owned(),
        }
    }

    /// The base without a slash at its end.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The absolute URL of a resource.
    pub fn of(&self, kind: ResourceType, id: Uuid) -> String {
        format!("{}/{}/{id}", self.url, kind.name())
    }

    /// The practice's own identifier system of that name, such as `chart-number`.
    pub fn system(&self, name: &str) -> String {
        format!("{}/sid/{name}", self.url)
    }
}

/// `meta.versionId` of a record: 16 hexadecimal digits, also the ETag.
pub fn version_id(record: &Record) -> String {
    format!("{:016x}", record.version())
}

/// The FHIR resource of a record.
///
/// # Errors
/// A fault where a mapping forgot an element FHIR requires.
pub fn render(record: &Record, base: &Base) -> Result<Resource, Fault> {
    let meta = wire::meta(record);
    let built = meta.and_then(|meta| match record {
        Record::Patient(patient) => patient::render(patient, meta, base).map(Resource::from),
        Record::Appointment(visit) => appointment::render(visit, meta).map(Resource::from),
        Record::Communication(message) => communication::render(message, meta).map(Resource::from),
        Record::DocumentReference(document) => {
            document_reference::render(document, meta, base).map(Resource::from)
        }
        Record::Practitioner(person) => practitioner::render(person, meta).map(Resource::from),
        Record::Organization(facility) => organization::render(facility, meta).map(Resource::from),
        Record::Location(facility) => location::render(facility, meta).map(Resource::from),
        Record::Encounter(visit) => encounter::render(visit, meta).map(Resource::from),
        Record::Schedule(calendar) => schedule::render(calendar, meta).map(Resource::from),
        Record::Slot(slot) => slot::render(slot, meta).map(Resource::from),
        Record::PractitionerRole(role) => practitioner_role::render(role, meta).map(Resource::from),
        Record::RelatedPerson(one) => related_person::render(one, meta).map(Resource::from),
        Record::Coverage(insurance) => coverage::render(insurance, meta).map(Resource::from),
        Record::Task(task) => task::render(task, meta).map(Resource::from),
        Record::Questionnaire(template) => {
            questionnaire::render(template, meta).map(Resource::from)
        }
        Record::Provenance(origin) => provenance::render(origin, meta).map(Resource::from),
        Record::AuditEvent(line) => audit_event::render(line, meta).map(Resource::from),
        Record::Group(panel) => group::render(panel, meta).map(Resource::from),
        Record::Endpoint(endpoint) => endpoint::render(endpoint, meta, base).map(Resource::from),
    });
    built.map_err(|error: BuilderError| Fault::new("rendering a record", error.to_string()))
}

/// The FHIR JSON of a record.
///
/// # Errors
/// As [`render`], and where a value of the database has no spelling in FHIR.
pub fn encode(record: &Record, base: &Base) -> Result<Vec<u8>, Fault> {
    bytes(&render(record, base)?)
}

fn bytes(resource: &Resource) -> Result<Vec<u8>, Fault> {
    fhir_encode::encode(resource).map_err(|error| Fault::new("writing FHIR JSON", error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_is_served_once_and_in_order() {
        let kinds: Vec<ResourceType> = RESOURCES.iter().map(|served| served.kind).collect();
        assert_eq!(kinds, ResourceType::ALL);
    }

    #[test]
    fn no_parameter_is_there_twice() {
        for served in RESOURCES {
            let names: Vec<&str> = served.parameters.iter().map(|known| known.name).collect();
            for name in &names {
                let times = names.iter().filter(|other| *other == name).count();
                assert_eq!(times, 1, "{} {name}", served.kind.name());
            }
        }
    }

    #[test]
    fn the_base_has_no_slash_at_its_end() {
        let base = Base::new("http://x.org/fhir/");
        assert_eq!(
            base.of(ResourceType::Patient, Uuid::nil()),
            "http://x.org/fhir/Patient/00000000-0000-0000-0000-000000000000"
        );
        assert_eq!(
            base.system("chart-number"),
            "http://x.org/fhir/sid/chart-number"
        );
    }
}
