//! How the practice is staffed and grouped: roles, panels of patients, the address of this server.

use time::OffsetDateTime;
use uuid::Uuid;

use crate::domain::people::Person;

/// What a member of staff does at the practice.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PractitionerRole {
    /// FHIR id, made of the row's number.
    pub uuid: Uuid,
    /// When the row last changed, where the layout records it.
    pub last_updated: Option<OffsetDateTime>,
}

/// Somebody who acts for a patient or is to be called in an emergency.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RelatedPerson {
    /// FHIR id, made of the patient's.
    pub uuid: Uuid,
    /// Whose relative.
    pub person: Person,
    /// The patient's name for display.
    pub patient_name: String,
    /// When the chart last changed.
    pub last_updated: Option<OffsetDateTime>,
}

/// A panel of patients.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Group {
    /// FHIR id, made of the provider's row.
    pub uuid: Uuid,
}

/// Where this server is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Endpoint {
    /// FHIR id.
    pub uuid: Uuid,
}
