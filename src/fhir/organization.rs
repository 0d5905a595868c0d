//! Organization: the practice, or one of its facilities, as a body.

use fhir_sdk::r4b::codes::AddressUse;
use fhir_sdk::r4b::resources;
use fhir_sdk::r4b::types::Identifier;
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

/// Organization as it is served.
pub static SERVED: Served = Served {
    kind: ResourceType::Organization,
    profile: Some("http://hl7.org/fhir/us/core/StructureDefinition/us-core-organization"),
    prose: "The practice and its facilities, as bodies that keep charts and documents.",
    interactions: &[Interaction::Read, Interaction::Search],
    parameters: &[
        ID,
        UPDATED,
        Parameter {
            name: "name",
            meaning: Meaning::Texts,
            definition: "http://hl7.org/fhir/us/core/SearchParameter/us-core-organization-name",
            values: |record| of(record, |facility| Indexed::text(&facility.name)),
        },
        Parameter {
            name: "address",
            meaning: Meaning::Texts,
            definition: "http://hl7.org/fhir/us/core/SearchParameter/us-core-organization-address",
            values: |record| of(record, |facility| indexes::address(&facility.address)),
        },
        Parameter {
            name: "identifier",
            meaning: Meaning::Tokens,
            definition: "http://hl7.org/fhir/SearchParameter/Organization-identifier",
            values: |record| of(record, identified),
        },
        Parameter {
            name: "active",
            meaning: Meaning::Tokens,
            definition: "http://hl7.org/fhir/SearchParameter/Organization-active",
            values: |record| of(record, |facility| vec![indexes::boolean(facility.active)]),
        },
    ],
    order: "name",
    create: READ_ONLY,
    update: READ_ONLY,
    operations: &[],
};

/// The system of CLIA numbers.
const CLIA: &str = "urn:oid:2.16.840.1.113883.4.7";

fn of(record: &Record, values: fn(&Facility) -> Vec<Indexed>) -> Vec<Indexed> {
    match record {
        Record::Organization(facility) => values(facility),
        _ => Vec::new(),
    }
}

fn identified(facility: &Facility) -> Vec<Indexed> {
    let found = identifiers(facility).unwrap_or_default().into_iter();
    let shown = found.filter_map(|one| Some((one.system.clone()?, one.value.clone()?)));
    shown
        .map(|(system, value)| Indexed::token(&system, &value))
        .collect()
}

pub(super) fn render(facility: &Facility, meta: Meta) -> Built<resources::Organization> {
    let (code, display) = match facility.insurer {
        true => ("ins", "Insurance Company"),
        false => ("prov", "Healthcare Provider"),
    };
    let provider = wire::concept(&Code {
        system: "http://terminology.hl7.org/CodeSystem/organization-type",
        code: code.to_owned(),
        display: display.to_owned(),
    })?;
    let mut resource = resources::Organization::builder()
        .id(facility.organization.to_string())
        .meta(meta)
        .identifier(wire::list(identifiers(facility)?))
        .active(facility.active)
        .r#type(wire::list([provider]))
        .telecom(wire::telecoms(&facility.telecom)?)
        .address(wire::list(wire::address(
            &facility.address,
            AddressUse::Work,
        )?))
        .build()?;
    resource.name = wire::clean(&facility.name);
    if resource.name.is_none() {
        resource.name_ext = Some(wire::unknown_field()?);
    }
    Ok(resource)
}

/// NPI and CLIA number where they are such; else the id (org-1 wants a name or an identifier).
fn identifiers(facility: &Facility) -> Built<Vec<Identifier>> {
    let mut identifiers: Vec<Identifier> = wire::npi(&facility.npi)?.into_iter().collect();
    let clia = facility.clia.trim();
    if is_clia(clia) {
        identifiers.push(wire::identifier(CLIA, clia)?);
    }
    if identifiers.is_empty() {
        identifiers.push(wire::urn(facility.organization)?);
    }
    Ok(identifiers)
}

/// us-core-18: two digits, `D`, seven digits.
fn is_clia(number: &str) -> bool {
    number.len() == 10
        && number.bytes().enumerate().all(|(index, byte)| match index {
            2 => byte == b'D',
            _ => byte.is_ascii_digit(),
        })
}
