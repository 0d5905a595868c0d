//! Location: one of the practice's facilities, as a place.

use fhir_sdk::r4b::codes::AddressUse;
use fhir_sdk::r4b::codes::LocationMode;
use fhir_sdk::r4b::codes::LocationStatus;
use fhir_sdk::r4b::resources;
use fhir_sdk::r4b::types::Meta;

use crate::domain::ResourceType;
use crate::domain::people::Code;
use crate::domain::people::Facility;
use crate::domain::records::Record;
use crate::domain::scope::Interaction;
use crate::fhir::READ_ONLY;
use crate::fhir::Served;
use crate::fhir::indexes;
use crate::fhir::parameter::ID;
use crate::fhir::parameter::Indexed;
use crate::fhir::parameter::Meaning;
use crate::fhir::parameter::Parameter;
use crate::fhir::parameter::UPDATED;
use crate::fhir::wire;
use crate::fhir::wire::Built;

/// Location as it is served.
pub static SERVED: Served = Served {
    kind: ResourceType::Location,
    profile: Some("http://hl7.org/fhir/us/core/StructureDefinition/us-core-location"),
    prose: "The places where the practice sees patients.",
    interactions: &[Interaction::Read, Interaction::Search],
    parameters: &[
        ID,
        UPDATED,
        Parameter {
            name: "name",
            meaning: Meaning::Texts,
            definition: "http://hl7.org/fhir/us/core/SearchParameter/us-core-location-name",
            values: |record| of(record, |facility| Indexed::text(&facility.name)),
        },
        Parameter {
            name: "address",
            meaning: Meaning::Texts,
            definition: "http://hl7.org/fhir/us/core/SearchParameter/us-core-location-address",
            values: |record| of(record, |facility| indexes::address(&facility.address)),
        },
        Parameter {
            name: "address-city",
            meaning: Meaning::Texts,
            definition: "http://hl7.org/fhir/us/core/SearchParameter/us-core-location-address-city",
            values: |record| of(record, |facility| Indexed::text(&facility.address.city)),
        },
        Parameter {
            name: "address-state",
            meaning: Meaning::Texts,
            definition: "http://hl7.org/fhir/us/core/SearchParameter/us-core-location-address-state",
            values: |record| of(record, |facility| Indexed::text(&facility.address.state)),
        },
        Parameter {
            name: "address-postalcode",
            meaning: Meaning::Texts,
            definition: "http://hl7.org/fhir/us/core/SearchParameter/us-core-location-address-postalcode",
            values: |record| {
                of(record, |facility| {
                    Indexed::text(&facility.address.postal_code)
                })
            },
        },
        Parameter {
            name: "status",
            meaning: Meaning::Tokens,
            definition: "http://hl7.org/fhir/SearchParameter/Location-status",
            values: |record| {
                of(record, |facility| {
                    let status = if facility.active {
                        "active"
                    } else {
                        "inactive"
                    };
                    vec![Indexed::token(
                        "http://hl7.org/fhir/location-status",
                        status,
                    )]
                })
            },
        },
        Parameter {
            name: "organization",
            meaning: Meaning::References(&[ResourceType::Organization]),
            definition: "http://hl7.org/fhir/SearchParameter/Location-organization",
            values: |record| {
                of(record, |facility| {
                    Indexed::reference(ResourceType::Organization, Some(facility.organization))
                })
            },
        },
    ],
    order: "name",
    create: READ_ONLY,
    update: READ_ONLY,
    operations: &[],
};

fn of(record: &Record, values: fn(&Facility) -> Vec<Indexed>) -> Vec<Indexed> {
    match record {
        Record::Location(facility) => values(facility),
        _ => Vec::new(),
    }
}

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
