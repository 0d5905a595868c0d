//! Where records come from and who looked at them: Provenance and AuditEvent.

use time::OffsetDateTime;
use uuid::Uuid;

use crate::domain::ResourceType;
use crate::domain::forms::Signed;
use crate::domain::people::Person;

/// Who is behind a record.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Provenance {
    /// FHIR id, made of the target's.
    pub uuid: Uuid,
    /// What it is about.
    pub target: (ResourceType, Uuid),
    /// Whose record that is.
    pub person: Option<Person>,
    /// When the target was recorded.
    pub recorded: OffsetDateTime,
    /// Who wrote it, as type, FHIR id and display; `None` where only the practice is known.
    pub author: Option<(ResourceType, Uuid, String)>,
    /// Through which app it was asked for, as its name; empty where none is known.
    pub app: String,
    /// Who agreed to it, likewise; `None` where nobody had to.
    pub verifier: Option<(ResourceType, Uuid, String)>,
    /// The practice, as FHIR id of the Organization and display.
    pub organization: (Uuid, String),
    /// The signature the author gave, where it is a form that was signed.
    pub signature: Option<Signed>,
}

/// Who acted, in a line of the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Actor {
    /// A patient or a member of staff, as type and FHIR id.
    Person(ResourceType, Uuid),
    /// A backend service, or this server itself.
    System,
    /// Somebody nobody knew yet: a fingerprint of what they typed.
    Unknown(String),
}

/// A line of the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AuditEvent {
    /// FHIR id, made of the line's number.
    pub uuid: Uuid,
    /// When it was written.
    pub recorded: OffsetDateTime,
    /// What was done: `Patient.read`, `login` ...
    pub action: String,
    /// How it ended: `success`, `refused`, `failed`.
    pub outcome: String,
    /// Why, as rule ids or our own words.
    pub reason: String,
    /// Who.
    pub actor: Actor,
    /// Through which app: its id and its name, where it is registered; empty where none.
    pub client: (String, String),
    /// On what: `Type/id`, or `Type` for a search; empty where nothing.
    pub resource: String,
    /// Whose record, as FHIR id of the Patient.
    pub patient: Option<Uuid>,
    /// The id of the request.
    pub request_id: String,
}
