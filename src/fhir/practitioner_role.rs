//! PractitionerRole: being built.

use fhir_sdk::r4b::resources;
use fhir_sdk::r4b::types::Meta;

use crate::domain::ResourceType;
use crate::domain::scope::Interaction;
use crate::domain::staffing::PractitionerRole;

use crate::fhir::READ_ONLY;
use crate::fhir::Served;
use crate::fhir::parameter::ID;
use crate::fhir::wire::Built;

/// PractitionerRole as it is served.
pub static SERVED: Served = Served {
    kind: ResourceType::PractitionerRole,
    profile: None,
    prose: "",
    interactions: &[Interaction::Read, Interaction::Search],
    parameters: &[ID],
    order: "",
    create: READ_ONLY,
    update: READ_ONLY,
    operations: &[],
};

pub(super) fn render(role: &PractitionerRole, meta: Meta) -> Built<resources::PractitionerRole> {
    resources::PractitionerRole::builder()
        .id(role.uuid.to_string())
        .meta(meta)
        .build()
}
