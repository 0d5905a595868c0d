//! Practitioner: a person who treats the patient or may be written to.

use fhir_sdk::r4b::codes::AddressUse;
use fhir_sdk::r4b::codes::NameUse;
use fhir_sdk::r4b::resources;
use fhir_sdk::r4b::resources::PractitionerQualification;
use fhir_sdk::r4b::types::Meta;

use crate::domain::ResourceType;
use crate::domain::people::Practitioner;
use crate::domain::scope::Interaction;
use crate::fhir::READ_ONLY;
use crate::fhir::Served;
use crate::fhir::parameter::ID;
use crate::fhir::wire;
use crate::fhir::wire::Built;

/// Practitioner as it is served.
pub static SERVED: Served = Served {
    kind: ResourceType::Practitioner,
    profile: Some("http://hl7.org/fhir/us/core/StructureDefinition/us-core-practitioner"),
    prose: "The practice's providers, and staff whom patients may write to.",
    interactions: &[Interaction::Read, Interaction::Search],
    parameters: &[ID],
    order: "",
    create: READ_ONLY,
    update: READ_ONLY,
    operations: &[],
};

pub(super) fn render(person: &Practitioner, meta: Meta) -> Built<resources::Practitioner> {
    // US Core wants an identifier with a system and a family name of everybody.
    let identifier = match wire::npi(&person.npi)? {
        Some(npi) => npi,
        None => wire::urn(person.uuid)?,
    };
    let mut name = wire::human_name(&person.name, NameUse::Official)?;
    if name.family.is_none() {
        name.family_ext = Some(wire::unknown_field()?);
    }
    let mut resource = resources::Practitioner::builder()
        .id(person.uuid.to_string())
        .meta(meta)
        .identifier(wire::list([identifier]))
        .active(person.active)
        .name(wire::list([name]))
        .telecom(wire::telecoms(&person.telecom)?)
        .build()?;
    if let Some(address) = &person.address {
        resource.address = wire::list(wire::address(address, AddressUse::Work)?);
    }
    if wire::clean(&person.specialty).is_some() {
        let specialty = PractitionerQualification::builder()
            .code(wire::words(&person.specialty)?)
            .build()?;
        resource.qualification = wire::list([specialty]);
    }
    Ok(resource)
}

#[cfg(test)]
mod tests;
