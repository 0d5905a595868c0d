//! Encounter: a visit as the chart documents it, as US Core 7.0.0 wants it.

use fhir_sdk::r4b::codes::EncounterLocationStatus;
use fhir_sdk::r4b::codes::EncounterStatus;
use fhir_sdk::r4b::resources;
use fhir_sdk::r4b::resources::EncounterHospitalization;
use fhir_sdk::r4b::resources::EncounterLocation;
use fhir_sdk::r4b::resources::EncounterParticipant;
use fhir_sdk::r4b::types::CodeableConcept;
use fhir_sdk::r4b::types::Meta;
use fhir_sdk::r4b::types::Period;

use crate::domain::ResourceType;
use crate::domain::people::Code;
use crate::domain::query::Field;
use crate::domain::records::Record;
use crate::domain::scope::Interaction;
use crate::domain::visits::Encounter;
use crate::domain::visits::Progress;
use crate::fhir::READ_ONLY;
use crate::fhir::Served;
use crate::fhir::parameter;
use crate::fhir::parameter::ID;
use crate::fhir::parameter::Indexed;
use crate::fhir::parameter::Meaning;
use crate::fhir::parameter::Parameter;
use crate::fhir::wire;
use crate::fhir::wire::Built;

/// Encounter as it is served.
pub static SERVED: Served = Served {
    kind: ResourceType::Encounter,
    profile: Some("http://hl7.org/fhir/us/core/StructureDefinition/us-core-encounter"),
    prose: "Visits as the chart documents them. Those the practice marked as sensitive are left out.",
    interactions: &[Interaction::Read, Interaction::Search],
    parameters: &[
        ID,
        parameter::patient("http://hl7.org/fhir/us/core/SearchParameter/us-core-encounter-patient"),
        parameter::UPDATED,
        Parameter {
            name: "date",
            meaning: Meaning::Date(Field::Date),
            definition: "http://hl7.org/fhir/us/core/SearchParameter/us-core-encounter-date",
            values: |record| of(record, |visit| vec![Indexed::Date(visit.start, visit.end)]),
        },
        Parameter {
            name: "identifier",
            meaning: Meaning::Tokens,
            definition: "http://hl7.org/fhir/us/core/SearchParameter/us-core-encounter-identifier",
            values: |record| {
                of(record, |visit| {
                    vec![Indexed::token(
                        "urn:ietf:rfc:3986",
                        &visit.uuid.urn().to_string(),
                    )]
                })
            },
        },
        Parameter {
            name: "type",
            meaning: Meaning::Tokens,
            definition: "http://hl7.org/fhir/us/core/SearchParameter/us-core-encounter-type",
            values: |record| {
                of(record, |visit| match &visit.category {
                    Some(category) => vec![coded(category)],
                    None => vec![Indexed::token(wire::REASON, "unknown")],
                })
            },
        },
        Parameter {
            name: "class",
            meaning: Meaning::Tokens,
            definition: "http://hl7.org/fhir/us/core/SearchParameter/us-core-encounter-class",
            values: |record| of(record, |visit| vec![coded(&visit.class)]),
        },
        Parameter {
            name: "status",
            meaning: Meaning::Tokens,
            definition: "http://hl7.org/fhir/us/core/SearchParameter/us-core-encounter-status",
            values: |record| {
                of(record, |visit| {
                    let status = match visit.progress {
                        Progress::Planned => "planned",
                        Progress::InProgress => "in-progress",
                        Progress::Finished => "finished",
                    };
                    vec![Indexed::token(
                        "http://hl7.org/fhir/encounter-status",
                        status,
                    )]
                })
            },
        },
        Parameter {
            name: "location",
            meaning: Meaning::References(&[ResourceType::Location]),
            definition: "http://hl7.org/fhir/us/core/SearchParameter/us-core-encounter-location",
            values: |record| {
                of(record, |visit| {
                    Indexed::reference(ResourceType::Location, visit.location)
                })
            },
        },
        Parameter {
            name: "discharge-disposition",
            meaning: Meaning::Tokens,
            definition: "http://hl7.org/fhir/us/core/SearchParameter/us-core-encounter-discharge-disposition",
            values: |record| of(record, |visit| visit.discharge.iter().map(coded).collect()),
        },
        Parameter {
            name: "practitioner",
            meaning: Meaning::References(&[ResourceType::Practitioner]),
            definition: "http://hl7.org/fhir/SearchParameter/Encounter-practitioner",
            values: |record| {
                of(record, |visit| {
                    let id = visit.provider.as_ref().map(|(id, _)| *id);
                    Indexed::reference(ResourceType::Practitioner, id)
                })
            },
        },
        Parameter {
            name: "service-provider",
            meaning: Meaning::References(&[ResourceType::Organization]),
            definition: "http://hl7.org/fhir/SearchParameter/Encounter-service-provider",
            values: |record| {
                of(record, |visit| {
                    let id = visit.organization.as_ref().map(|(id, _)| *id);
                    Indexed::reference(ResourceType::Organization, id)
                })
            },
        },
    ],
    order: "-date",
    create: READ_ONLY,
    update: READ_ONLY,
    operations: &[],
};

fn of(record: &Record, values: fn(&Encounter) -> Vec<Indexed>) -> Vec<Indexed> {
    match record {
        Record::Encounter(visit) => values(visit),
        _ => Vec::new(),
    }
}

fn coded(code: &Code) -> Indexed {
    Indexed::Token(
        code.system.to_owned(),
        code.code.clone(),
        code.display.clone(),
    )
}

pub(super) fn render(visit: &Encounter, meta: Meta) -> Built<resources::Encounter> {
    let patient = ResourceType::Patient;
    let patient = wire::reference(patient, visit.person.uuid, &visit.patient_name)?;
    let class = &visit.class;
    let mut resource = resources::Encounter::builder()
        .id(visit.uuid.to_string())
        .meta(meta)
        .identifier(wire::list([wire::urn(visit.uuid)?]))
        .status(match visit.progress {
            Progress::Planned => EncounterStatus::Planned,
            Progress::InProgress => EncounterStatus::InProgress,
            Progress::Finished => EncounterStatus::Finished,
        })
        .class(wire::coding(class.system, &class.code, &class.display)?)
        .r#type(wire::list([kind(visit)?]))
        .subject(patient)
        .build()?;
    resource.period = period(visit)?;
    if let Some(reason) = wire::clean(&visit.reason) {
        resource.reason_code = wire::list([wire::words(&reason)?]);
    }
    if let Some(discharge) = &visit.discharge {
        let mut stay = EncounterHospitalization::builder().build()?;
        stay.discharge_disposition = Some(match discharge.code.is_empty() {
            true => wire::words(&discharge.display)?,
            false => wire::concept(discharge)?,
        });
        resource.hospitalization = Some(stay);
    }
    if let Some((id, display)) = &visit.provider {
        let mut provider = EncounterParticipant::builder()
            .r#type(wire::list([primary_performer()?]))
            .individual(wire::reference(ResourceType::Practitioner, *id, display)?)
            .build()?;
        provider.period = period(visit)?;
        resource.participant = wire::list([provider]);
    }
    if let Some((id, display)) = &visit.organization {
        let organization = wire::reference(ResourceType::Organization, *id, display)?;
        resource.service_provider = Some(organization);
        if let Some(id) = visit.location {
            let place = EncounterLocation::builder()
                .location(wire::reference(ResourceType::Location, id, display)?)
                .status(match visit.progress {
                    Progress::Planned => EncounterLocationStatus::Planned,
                    Progress::InProgress => EncounterLocationStatus::Active,
                    Progress::Finished => EncounterLocationStatus::Completed,
                })
                .build()?;
            resource.location = wire::list([place]);
        }
    }
    Ok(resource)
}

/// The calendar's category; US Core wants a type of every visit, so one without says that it is not known.
fn kind(visit: &Encounter) -> Built<CodeableConcept> {
    match &visit.category {
        Some(category) => wire::concept(category),
        None => wire::unknown_code(),
    }
}

fn period(visit: &Encounter) -> Built<Option<Period>> {
    if visit.start.is_none() && visit.end.is_none() {
        return Ok(None);
    }
    let mut period = Period::builder().build()?;
    period.start = visit.start.map(wire::date_time);
    period.end = visit.end.map(wire::date_time);
    Ok(Some(period))
}

fn primary_performer() -> Built<CodeableConcept> {
    wire::concept(&Code {
        system: "http://terminology.hl7.org/CodeSystem/v3-ParticipationType",
        code: "PPRF".to_owned(),
        display: "primary performer".to_owned(),
    })
}

#[cfg(test)]
mod tests;
