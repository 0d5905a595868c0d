//! The words of the house: ids, people, visits, records, scopes, Grant, Reach, Refusal. No I/O, no async, no serde.

pub mod access;
pub mod accounts;
pub mod coverage;
pub mod credentials;
pub mod forms;
pub mod language;
pub mod mailbox;
pub mod people;
pub mod query;
pub mod records;
pub mod refusal;
pub mod scope;
pub mod staffing;
pub mod tasks;
pub mod trace;
pub mod visits;

/// The FHIR resource types this server knows, in the order the CapabilityStatement lists them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ResourceType {
    /// A person with a chart.
    Patient,
    /// A visit, asked for or agreed.
    Appointment,
    /// A provider's calendar.
    Schedule,
    /// A stretch of time in it, free or taken.
    Slot,
    /// A message between patient and staff.
    Communication,
    /// What is known about a document.
    DocumentReference,
    /// The bytes of a document.
    Binary,
    /// A person who treats or may be written to.
    Practitioner,
    /// What that person does at the practice, and where.
    PractitionerRole,
    /// The practice, one of its facilities, or an insurer, as a body.
    Organization,
    /// The facility, as a place.
    Location,
    /// A visit that took place, with its documentation.
    Encounter,
    /// Somebody who acts for a patient or is to be called.
    RelatedPerson,
    /// A patient's insurance.
    Coverage,
    /// Something that waits for somebody: a review by staff, a form for the patient.
    Task,
    /// A form that can be put before a patient.
    Questionnaire,
    /// Who is behind a record.
    Provenance,
    /// A line of the ledger: who looked at or changed what.
    AuditEvent,
    /// A panel of patients.
    Group,
    /// Where this server is.
    Endpoint,
    /// A list of codes to choose from.
    ValueSet,
    /// Codes and what they mean.
    CodeSystem,
}

impl ResourceType {
    /// Every type, each once.
    pub const ALL: [Self; 22] = [
        Self::Patient,
        Self::Appointment,
        Self::Schedule,
        Self::Slot,
        Self::Communication,
        Self::DocumentReference,
        Self::Binary,
        Self::Practitioner,
        Self::PractitionerRole,
        Self::Organization,
        Self::Location,
        Self::Encounter,
        Self::RelatedPerson,
        Self::Coverage,
        Self::Task,
        Self::Questionnaire,
        Self::Provenance,
        Self::AuditEvent,
        Self::Group,
        Self::Endpoint,
        Self::ValueSet,
        Self::CodeSystem,
    ];

    /// The name FHIR gives the type, as in URLs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Patient => "Patient",
            Self::Appointment => "Appointment",
            Self::Schedule => "Schedule",
            Self::Slot => "Slot",
            Self::Communication => "Communication",
            Self::DocumentReference => "DocumentReference",
            Self::Binary => "Binary",
            Self::Practitioner => "Practitioner",
            Self::PractitionerRole => "PractitionerRole",
            Self::Organization => "Organization",
            Self::Location => "Location",
            Self::Encounter => "Encounter",
            Self::RelatedPerson => "RelatedPerson",
            Self::Coverage => "Coverage",
            Self::Task => "Task",
            Self::Questionnaire => "Questionnaire",
            Self::Provenance => "Provenance",
            Self::AuditEvent => "AuditEvent",
            Self::Group => "Group",
            Self::Endpoint => "Endpoint",
            Self::ValueSet => "ValueSet",
            Self::CodeSystem => "CodeSystem",
        }
    }

    /// The type of that name; `None` for a name this server does not know.
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Whether every resource of this type belongs to one patient. The others belong to the practice
    /// and are readable under `patient/` scopes that name them (`interface.md`, small decisions), except a Group,
    /// which would tell of other patients; of Questionnaires a patient sees those that were put before them.
    pub const fn in_patient_compartment(self) -> bool {
        !matches!(
            self,
            Self::Schedule
                | Self::Slot
                | Self::Practitioner
                | Self::PractitionerRole
                | Self::Organization
                | Self::Location
                | Self::Questionnaire
                | Self::Group
                | Self::Endpoint
                | Self::ValueSet
                | Self::CodeSystem
        )
    }
}
