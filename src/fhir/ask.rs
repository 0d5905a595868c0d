//! From a body to an Ask: what of a resource was sent, what of it is new, and what the caller may not set.

use fhir_sdk::r4b::resources::Resource;

use crate::domain::ResourceType;
use crate::domain::people::Person;
use crate::domain::records::Record;
use crate::domain::refusal::Refusal;
use crate::fhir::Base;
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
    /// Who writes.
    pub role: Role,
    /// The record as it stands; `None` for a new one.
    pub before: Option<&'a Record>,
    /// The resource as the client wants it.
    pub resource: Resource,
    /// The root elements that are new or differ from the record as it stands, all of them writable for this role.
    pub changed: Vec<String>,
}

/// The Ask of a resource that was sent.
///
/// # Errors
/// `Invalid` at the element that cannot be taken as it is; `Forbidden` where the body is about another patient than the
/// token; `Unsupported` where the type is not written.
pub fn of(sent: Sent<'_>, base: &Base) -> Result<Ask, Refusal> {
    let _ = base;
    let name = sent.kind.name();
    Err(Refusal::Unsupported(format!("{name} is read only.")))
}
