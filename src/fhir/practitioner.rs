//! Practitioner: a person who treats the patient or may be written to.

use fhir_sdk::r4b::codes::AddressUse;
use fhir_sdk::r4b::codes::NameUse;
use fhir_sdk::r4b::resources;
use fhir_sdk::r4b::resources::PractitionerQualification;
use fhir_sdk::r4b::types::ExtensionValue;
use fhir_sdk::r4b::types::Meta;

use crate::domain::ResourceType;
use crate::domain::people::Means;
use crate::domain::people::Practitioner;
use crate::domain::records::Record;
use crate::domain::scope::Interaction;
use crate::fhir::READ_ONLY;
use crate::fhir::Served;
use crate::fhir::Writable;
use crate::fhir::indexes;
use crate::fhir::parameter::ID;
use crate::fhir::parameter::Indexed;
use crate::fhir::parameter::Meaning;
use crate::fhir::parameter::Parameter;
use crate::fhir::parameter::UPDATED;
use crate::fhir::wire;
use crate::fhir::wire::Built;

/// Practitioner as it is served.
pub static SERVED: Served = Served {
    kind: ResourceType::Practitioner,
    profile: Some("http://hl7.org/fhir/us/core/StructureDefinition/us-core-practitioner"),
    prose: "The practice's providers, and staff whom patients may write to: those are found by portal-addressee=true. Whoever \
        administers users says with the extension who they are; nothing else of an account is changed here.",
    interactions: &[Interaction::Read, Interaction::Update, Interaction::Search],
    parameters: &[
        ID,
        UPDATED,
        Parameter {
            name: "name",
            meaning: Meaning::Texts,
            definition: "http://hl7.org/fhir/us/core/SearchParameter/us-core-practitioner-name",
            values: |record| of(record, |person| indexes::name(&person.name)),
        },
        Parameter {
            name: "family",
            meaning: Meaning::Texts,
            definition: "http://hl7.org/fhir/SearchParameter/individual-family",
            values: |record| of(record, |person| Indexed::text(&person.name.family)),
        },
        Parameter {
            name: "given",
            meaning: Meaning::Texts,
            definition: "http://hl7.org/fhir/SearchParameter/individual-given",
            values: |record| {
                of(record, |person| {
                    let given = person.name.given.iter();
                    given.flat_map(|name| Indexed::text(name)).collect()
                })
            },
        },
        Parameter {
            name: "identifier",
            meaning: Meaning::Tokens,
            definition: "http://hl7.org/fhir/us/core/SearchParameter/us-core-practitioner-identifier",
            values: |record| of(record, |person| vec![identified(person)]),
        },
        Parameter {
            name: "active",
            meaning: Meaning::Tokens,
            definition: "http://hl7.org/fhir/SearchParameter/Practitioner-active",
            values: |record| of(record, |person| vec![indexes::boolean(person.active)]),
        },
        Parameter {
            name: "telecom",
            meaning: Meaning::Tokens,
            definition: "http://hl7.org/fhir/SearchParameter/individual-telecom",
            values: |record| of(record, |person| indexes::telecoms(&person.telecom)),
        },
        Parameter {
            name: "phone",
            meaning: Meaning::Tokens,
            definition: "http://hl7.org/fhir/SearchParameter/individual-phone",
            values: |record| {
                of(record, |person| {
                    indexes::reached_by(&person.telecom, Means::Phone)
                })
            },
        },
        Parameter {
            name: "email",
            meaning: Meaning::Tokens,
            definition: "http://hl7.org/fhir/SearchParameter/individual-email",
            values: |record| {
                of(record, |person| {
                    indexes::reached_by(&person.telecom, Means::Email)
                })
            },
        },
        Parameter {
            name: "address",
            meaning: Meaning::Texts,
            definition: "http://hl7.org/fhir/SearchParameter/individual-address",
            values: |record| {
                of(record, |person| {
                    let address = person.address.iter();
                    address.flat_map(indexes::address).collect()
                })
            },
        },
        Parameter {
            name: "portal-addressee",
            meaning: Meaning::Tokens,
            definition: "https://anteroom.dev/fhir/SearchParameter/practitioner-portal-addressee",
            values: |record| of(record, |person| vec![indexes::boolean(person.addressee)]),
        },
    ],
    order: "family",
    create: READ_ONLY,
    update: Writable {
        patient: &[],
        staff: &["extension"],
    },
    operations: &[],
};

/// Whether patients may write to somebody (F142).
pub(super) const ADDRESSEE: &str = "https://anteroom.dev/fhir/StructureDefinition/portal-addressee";

fn of(record: &Record, values: fn(&Practitioner) -> Vec<Indexed>) -> Vec<Indexed> {
    match record {
        Record::Practitioner(person) => values(person),
        _ => Vec::new(),
    }
}

/// The identifier that is shown: the NPI, or the id as URN.
fn identified(person: &Practitioner) -> Indexed {
    match wire::is_npi(person.npi.trim()) {
        true => Indexed::token(wire::NPI, person.npi.trim()),
        false => Indexed::token("urn:ietf:rfc:3986", &person.uuid.urn().to_string()),
    }
}

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
    let takes = ExtensionValue::Boolean(person.addressee);
    resource.extension = vec![wire::extension(ADDRESSEE, takes)?];
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
