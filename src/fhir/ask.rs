//! From a body to an Ask: what of a resource was sent, what of it is new, and what the caller may not set.

use fhir_sdk::r4b::resources::Resource;
use uuid::Uuid;

use crate::domain::ResourceType;
use crate::domain::people::Person;
use crate::domain::records::Record;
use crate::domain::refusal::Refusal;
use crate::fhir::Base;
use crate::fhir::appointment_ask;
use crate::fhir::communication_ask;
use crate::fhir::coverage_ask;
use crate::fhir::document_ask;
use crate::fhir::patient_ask;
use crate::fhir::practitioner_ask;
use crate::fhir::questionnaire_ask;
use crate::fhir::task_ask;
use crate::portal::Ask;

/// Who writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// A patient, about the own record: the server takes the patient from the token, not from the body.
    Patient(Person),
    /// Staff. The patient is the one the body names.
    Staff,
}

/// What was sent, after the gate: decoded, and what of it may be written is known.
#[derive(Clone, Debug)]
pub struct Sent<'a> {
    /// The type of the address.
    pub kind: ResourceType,
    /// The FHIR id: that of the record as it stands, or the one a new record is to have where its table holds one.
    pub id: Uuid,
    /// Who writes.
    pub role: Role,
    /// The version the caller saw (`If-Match`), where that was said. It is the one of `before`.
    pub seen: Option<u64>,
    /// The record as it stands; `None` for a new one.
    pub before: Option<&'a Record>,
    /// The resource as the client wants it.
    pub resource: Resource,
    /// The root elements that are new or differ from the record as it stands, all of them writable for this role.
    /// Empty only for a visit: of the other types, what changes nothing is answered without asking.
    pub changed: Vec<String>,
}

/// The Ask of a resource that was sent.
///
/// # Errors
/// `Invalid` at the element that cannot be taken as it is; `Forbidden` where the body is about another patient than the
/// token; `Unsupported` where the type is not written.
pub fn of(sent: Sent<'_>, base: &Base) -> Result<Ask, Refusal> {
    match sent.kind {
        ResourceType::Appointment => appointment_ask::of(sent, base),
        ResourceType::Communication => communication_ask::of(sent, base),
        ResourceType::DocumentReference => document_ask::of(sent, base),
        ResourceType::Patient => patient_ask::of(sent, base),
        ResourceType::Coverage => coverage_ask::of(sent, base),
        ResourceType::Practitioner => practitioner_ask::of(sent),
        ResourceType::Task => task_ask::of(sent, base),
        ResourceType::Questionnaire => questionnaire_ask::of(sent),
        other => {
            let name = other.name();
            Err(Refusal::Unsupported(format!("{name} is read only.")))
        }
    }
}
