//! PractitionerRole: what a member of staff does at the practice, as US Core 7.0.0 wants it.

use fhir_sdk::r4b::resources;
use fhir_sdk::r4b::types::CodeableConcept;
use fhir_sdk::r4b::types::Meta;

use crate::domain::ResourceType;
use crate::domain::people::Code;
use crate::domain::records::Record;
use crate::domain::scope::Interaction;
use crate::domain::staffing::PractitionerRole;
use crate::fhir::READ_ONLY;
use crate::fhir::Served;
use crate::fhir::indexes;
use crate::fhir::parameter;
use crate::fhir::parameter::ID;
use crate::fhir::parameter::Indexed;
use crate::fhir::parameter::Meaning;
use crate::fhir::parameter::Parameter;
use crate::fhir::wire;
use crate::fhir::wire::Built;

/// PractitionerRole as it is served.
pub static SERVED: Served = Served {
    kind: ResourceType::PractitionerRole,
    profile: Some("http://hl7.org/fhir/us/core/StructureDefinition/us-core-practitionerrole"),
    prose: "What the practice's people do there, where, and how to reach them at work.",
    interactions: &[Interaction::Read, Interaction::Search],
    parameters: &[
        ID,
        parameter::UPDATED,
        Parameter {
            name: "practitioner",
            meaning: Meaning::References(&[ResourceType::Practitioner]),
            definition: "http://hl7.org/fhir/us/core/SearchParameter/us-core-practitionerrole-practitioner",
            values: |record| {
                of(record, |role| {
                    Indexed::reference(ResourceType::Practitioner, Some(role.practitioner.0))
                })
            },
        },
        Parameter {
            name: "specialty",
            meaning: Meaning::Tokens,
            definition: "http://hl7.org/fhir/us/core/SearchParameter/us-core-practitionerrole-specialty",
            values: |record| {
                of(record, |role| {
                    let words = role.specialty.clone();
                    vec![Indexed::Token(
                        NUCC.to_owned(),
                        role.taxonomy.clone(),
                        words,
                    )]
                })
            },
        },
        Parameter {
            name: "role",
            meaning: Meaning::Tokens,
            definition: "http://hl7.org/fhir/SearchParameter/PractitionerRole-role",
            values: |record| {
                of(record, |role| match role.provider {
                    true => vec![Indexed::token(ROLES, DOCTOR)],
                    false => Vec::new(),
                })
            },
        },
        Parameter {
            name: "organization",
            meaning: Meaning::References(&[ResourceType::Organization]),
            definition: "http://hl7.org/fhir/SearchParameter/PractitionerRole-organization",
            values: |record| {
                of(record, |role| {
                    let id = role.organization.as_ref().map(|(id, _)| *id);
                    Indexed::reference(ResourceType::Organization, id)
                })
            },
        },
        Parameter {
            name: "location",
            meaning: Meaning::References(&[ResourceType::Location]),
            definition: "http://hl7.org/fhir/SearchParameter/PractitionerRole-location",
            values: |record| {
                of(record, |role| {
                    let id = role.location.as_ref().map(|(id, _)| *id);
                    Indexed::reference(ResourceType::Location, id)
                })
            },
        },
        Parameter {
            name: "endpoint",
            meaning: Meaning::References(&[ResourceType::Endpoint]),
            definition: "http://hl7.org/fhir/SearchParameter/PractitionerRole-endpoint",
            values: |record| {
                of(record, |role| {
                    Indexed::reference(ResourceType::Endpoint, Some(role.endpoint))
                })
            },
        },
        Parameter {
            name: "active",
            meaning: Meaning::Tokens,
            definition: "http://hl7.org/fhir/SearchParameter/PractitionerRole-active",
            values: |record| of(record, |role| vec![indexes::boolean(role.active)]),
        },
        Parameter {
            name: "telecom",
            meaning: Meaning::Tokens,
            definition: "http://hl7.org/fhir/SearchParameter/PractitionerRole-telecom",
            values: |record| of(record, |role| indexes::telecoms(&role.telecom)),
        },
    ],
    order: "",
    create: READ_ONLY,
    update: READ_ONLY,
    operations: &[],
};

/// NUCC's specialties.
const NUCC: &str = "http://nucc.org/provider-taxonomy";

/// HL7's roles of practitioners.
const ROLES: &str = "http://terminology.hl7.org/CodeSystem/practitioner-role";

/// Whoever may treat patients is what HL7 calls a doctor; for who looks after the portal it has no code.
const DOCTOR: &str = "doctor";

fn of(record: &Record, values: fn(&PractitionerRole) -> Vec<Indexed>) -> Vec<Indexed> {
    match record {
        Record::PractitionerRole(role) => values(role),
        _ => Vec::new(),
    }
}

pub(super) fn render(role: &PractitionerRole, meta: Meta) -> Built<resources::PractitionerRole> {
    let (id, display) = &role.practitioner;
    let mut resource = resources::PractitionerRole::builder()
        .id(role.uuid.to_string())
        .meta(meta)
        .active(role.active)
        .practitioner(wire::reference(ResourceType::Practitioner, *id, display)?)
        .code(wire::list([function(role)?]))
        .telecom(wire::telecoms(&role.telecom)?)
        .endpoint(wire::list([wire::reference(
            ResourceType::Endpoint,
            role.endpoint,
            "",
        )?]))
        .build()?;
    if let Some((id, display)) = &role.organization {
        let organization = wire::reference(ResourceType::Organization, *id, display)?;
        resource.organization = Some(organization);
    }
    if let Some((id, display)) = &role.location {
        let place = wire::reference(ResourceType::Location, *id, display)?;
        resource.location = wire::list([place]);
    }
    if let Some(specialty) = specialty(role)? {
        resource.specialty = wire::list([specialty]);
    }
    Ok(resource)
}

fn function(role: &PractitionerRole) -> Built<CodeableConcept> {
    match role.provider {
        true => wire::concept(&Code {
            system: ROLES,
            code: DOCTOR.to_owned(),
            display: "Doctor".to_owned(),
        }),
        false => wire::words("Portal staff"),
    }
}

fn specialty(role: &PractitionerRole) -> Built<Option<CodeableConcept>> {
    let mut concept = wire::words(&role.specialty)?;
    if is_nucc(&role.taxonomy) {
        concept.coding = wire::list([wire::coding(NUCC, &role.taxonomy, "")?]);
    }
    let empty = concept.text.is_none() && concept.coding.is_empty();
    Ok((!empty).then_some(concept))
}

/// Ten characters, the last an X, as NUCC's codes are.
fn is_nucc(code: &str) -> bool {
    code.len() == 10 && code.ends_with('X') && code.bytes().all(|b| b.is_ascii_alphanumeric())
}
