//! Coverage: being built.

use fhir_sdk::r4b::resources;
use fhir_sdk::r4b::types::Meta;

use crate::domain::ResourceType;
use crate::domain::coverage::Coverage;
use crate::domain::scope::Interaction;

use crate::fhir::READ_ONLY;
use crate::fhir::Served;
use crate::fhir::parameter::ID;
use crate::fhir::wire::Built;

/// Coverage as it is served.
pub static SERVED: Served = Served {
    kind: ResourceType::Coverage,
    profile: None,
    prose: "",
    interactions: &[Interaction::Read, Interaction::Search],
    parameters: &[ID],
    order: "",
    create: READ_ONLY,
    update: READ_ONLY,
    operations: &[],
};

pub(super) fn render(insurance: &Coverage, meta: Meta) -> Built<resources::Coverage> {
    resources::Coverage::builder()
        .id(insurance.uuid.to_string())
        .meta(meta)
        .build()
}
