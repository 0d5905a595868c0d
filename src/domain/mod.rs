//! The words of the house: ids, people, visits, records, scopes, Grant, Reach, Refusal. No I/O, no async, no serde.

pub mod access;
pub mod people;
pub mod query;
pub mod records;
pub mod refusal;
pub mod scope;
pub mod visits;

/// The FHIR resource types this server knows, in the order the CapabilityStatement lists them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ResourceType {
    /// A person with a chart.
    Patient,
    /// A visit, asked for or agreed.
    Appointment,
    /// A message between patient and staff.
    Communication,
    /// What is known about a document.
    DocumentReference,
    /// The bytes of a document.
    Binary,
    /// A person who treats or may be written to.
    Practitioner,
    /// The practice or one of its facilities, as a body.
    Organization,
    /// The facility, as a place.
    Location,
    /// A visit that took place, with its documentation.
    Encounter,
}

impl ResourceType {
    /// Every type, each once.
    pub const ALL: [Self; 9] = [
        Self::Patient,
        Self::Appointment,
        Self::Communication,
        Self::DocumentReference,
        Self::Binary,
        Self::Practitioner,
        Self::Organization,
        Self::Location,
        Self::Encounter,
    ];

    /// The name FHIR gives the type, as in URLs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Patient => "Patient",
            Self::Appointment => "Appointment",
            Self::Communication => "Communication",
            Self::DocumentReference => "DocumentReference",
            Self::Binary => "Binary",
            Self::Practitioner => "Practitioner",
            Self::Organization => "Organization",
            Self::Location => "Location",
            Self::Encounter => "Encounter",
        }
    }

    /// The type of that name; `None` for a name this server does not know.
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Whether every resource of this type belongs to one patient. The others belong to the practice
    /// and are readable under `patient/` scopes that name them (`interface.md`, small decisions).
    pub const fn in_patient_compartment(self) -> bool {
        !matches!(
            self,
            Self::Practitioner | Self::Organization | Self::Location
        )
    }
}
