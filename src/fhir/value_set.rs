//! ValueSet: being built.

use crate::domain::ResourceType;
use crate::domain::scope::Interaction;
use crate::fhir::READ_ONLY;
use crate::fhir::Served;
use crate::fhir::parameter::ID;

/// ValueSet as it is served.
pub static SERVED: Served = Served {
    kind: ResourceType::ValueSet,
    profile: None,
    prose: "",
    interactions: &[Interaction::Read, Interaction::Search],
    parameters: &[ID],
    order: "",
    create: READ_ONLY,
    update: READ_ONLY,
    operations: &[],
};
