//! How the practice is staffed and grouped: roles, relatives, panels of patients, the address of this server.

use time::OffsetDateTime;
use uuid::Uuid;

use crate::domain::people::Address;
use crate::domain::people::Gender;
use crate::domain::people::Person;
use crate::domain::people::Telecom;

/// What a member of staff does at the practice.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PractitionerRole {
    /// FHIR id, made of the row's number.
    pub uuid: Uuid,
    /// Whether the account is in use.
    pub active: bool,
    /// Who it is, as FHIR id and display.
    pub practitioner: (Uuid, String),
    /// For whom they work, as FHIR id of the Organization and display.
    pub organization: Option<(Uuid, String)>,
    /// Where, as FHIR id of the Location and display.
    pub location: Option<(Uuid, String)>,
    /// Whether they treat patients (`authorized`) or look after them otherwise.
    pub provider: bool,
    /// NUCC's code of the specialty; empty where the row has none.
    pub taxonomy: String,
    /// The specialty in the practice's words; empty where none.
    pub specialty: String,
    /// Work phone, fax and e-mail.
    pub telecom: Vec<Telecom>,
    /// FHIR id of the Endpoint to ask about their patients.
    pub endpoint: Uuid,
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
    /// Guardian, or whom to call in an emergency.
    pub tie: Tie,
    /// The name as staff wrote it; may be empty.
    pub name: String,
    /// How they are related, as staff wrote it; empty where nobody did.
    pub relationship: String,
    /// Administrative gender, where it was written down.
    pub gender: Option<Gender>,
    /// Phones and e-mail.
    pub telecom: Vec<Telecom>,
    /// Where they live.
    pub address: Address,
    /// When the chart last changed.
    pub last_updated: Option<OffsetDateTime>,
}

/// What somebody is to a patient.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Tie {
    /// Acts for the patient.
    Guardian,
    /// Is called in an emergency.
    EmergencyContact,
}

/// A panel of patients: everybody with the portal, or those of one provider.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Group {
    /// FHIR id, made of the provider's row.
    pub uuid: Uuid,
    /// What it is called.
    pub name: String,
    /// Whose patients, as FHIR id of the Practitioner; `None` for everybody with the portal.
    pub provider: Option<Uuid>,
    /// How many patients are in it.
    pub quantity: u32,
    /// FHIR ids of the patients; empty where there are too many to list.
    pub members: Vec<Uuid>,
    /// The practice that keeps it.
    pub organization: Option<Uuid>,
}

/// Where this server is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Endpoint {
    /// FHIR id.
    pub uuid: Uuid,
    /// The practice's name.
    pub name: String,
    /// The practice, as FHIR id of the Organization.
    pub organization: Option<Uuid>,
}
