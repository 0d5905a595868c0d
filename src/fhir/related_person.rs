//! RelatedPerson: being built.

use fhir_sdk::r4b::resources;
use fhir_sdk::r4b::types::Meta;

use crate::domain::ResourceType;
use crate::domain::scope::Interaction;
use crate::domain::staffing::RelatedPerson;

use crate::fhir::READ_ONLY;
use crate::fhir::Served;
use crate::fhir::parameter::ID;
use crate::fhir::wire::Built;

/// RelatedPerson as it is served.
pub static SERVED: Served = Served {
    kind: ResourceType::RelatedPerson,
    profile: None,
    prose: "",
    interactions: &[Interaction::Read, Interaction::Search],
    parameters: &[ID],
    order: "",
    create: READ_ONLY,
    update: READ_ONLY,
    operations: &[],
};

pub(super) fn render(one: &RelatedPerson, meta: Meta) -> Built<resources::RelatedPerson> {
    resources::RelatedPerson::builder()
        .id(one.uuid.to_string())
        .meta(meta)
        .build()
}
