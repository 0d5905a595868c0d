//! Endpoint: being built.

use fhir_sdk::r4b::resources;
use fhir_sdk::r4b::types::Meta;

use crate::domain::ResourceType;
use crate::domain::scope::Interaction;
use crate::domain::staffing::Endpoint;
use crate::fhir::Base;
use crate::fhir::READ_ONLY;
use crate::fhir::Served;
use crate::fhir::parameter::ID;
use crate::fhir::wire::Built;

/// Endpoint as it is served.
pub static SERVED: Served = Served {
    kind: ResourceType::Endpoint,
    profile: None,
    prose: "",
    interactions: &[Interaction::Read, Interaction::Search],
    parameters: &[ID],
    order: "",
    create: READ_ONLY,
    update: READ_ONLY,
    operations: &[],
};

pub(super) fn render(endpoint: &Endpoint, meta: Meta, base: &Base) -> Built<resources::Endpoint> {
    resources::Endpoint::builder()
        .id(endpoint.uuid.to_string())
        .meta(meta)
        .address(base.url().to_owned())
        .build()
}
