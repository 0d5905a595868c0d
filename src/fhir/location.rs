//! Location: one of the practice's facilities, as a place.

use fhir_sdk::r4b::codes::AddressUse;
use fhir_sdk::r4b::codes::LocationMode;
use fhir_sdk::r4b::codes::LocationStatus;
use fhir_sdk::r4b::resources;
use fhir_sdk::r4b::types::Meta;

use crate::domain::ResourceType;
use crate::domain::people::Code;
use crate::domain::people::Facility;
use crate::domain::scope::Interaction;
use crate::fhir::READ_ONLY;
use crate::fhir::Served;
use crate::fhir::parameter::ID;
use crate::fhir::wire;
use crate::fhir::wire::Built;

/// Location as it is served.
pub static SERVED: Served = Served {
    kind: ResourceType::Location,
    profile: Some("http://hl7.org/fhir/us/core/StructureDefinition/us-core-location"),
    prose: "The places where the practice sees patients.",
    interactions: &[Interaction::Read, Interaction::Search],
    parameters: &[ID],
    order: "",
    create: READ_ONLY,
    update: READ_ONLY,
    operations: &[],
};

pub(super) fn render(facility: &Facility, meta: Meta) -> Built<resources::Location> {
    let outpatient = wire::concept(&Code {
        system: "http://terminology.hl7.org/CodeSystem/v3-RoleCode",
        code: "OF".to_owned(),
        display: "Outpatient facility".to_owned(),
    })?;
    let organization = ResourceType::Organization;
    let organization = wire::reference(organization, facility.organization, &facility.name)?;
    let mut resource = resources::Location::builder()
        .id(facility.location.to_string())
        .meta(meta)
        .identifier(wire::list([wire::urn(facility.location)?]))
        .status(match facility.active {
            true => LocationStatus::Active,
            false => LocationStatus::Inactive,
        })
        .mode(LocationMode::Instance)
        .r#type(wire::list([outpatient]))
        .telecom(wire::telecoms(&facility.telecom)?)
        .managing_organization(organization)
        .build()?;
    resource.address = wire::address(&facility.address, AddressUse::Work)?;
    resource.name = wire::clean(&facility.name);
    if resource.name.is_none() {
        resource.name_ext = Some(wire::unknown_field()?);
    }
    Ok(resource)
}
