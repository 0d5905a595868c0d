//! Appointment: a visit in the calendar, past or to come, asked for or agreed. A patient may call one off.

use std::num::NonZeroU32;

use fhir_sdk::Instant;
use fhir_sdk::r4b::codes::AppointmentStatus;
use fhir_sdk::r4b::codes::ParticipationStatus;
use fhir_sdk::r4b::resources;
use fhir_sdk::r4b::resources::AppointmentParticipant;
use fhir_sdk::r4b::types::ExtensionValue;
use fhir_sdk::r4b::types::Meta;
use fhir_sdk::r4b::types::Reference;

use crate::domain::ResourceType;
use crate::domain::query::Field;
use crate::domain::scope::Interaction;
use crate::domain::visits::Appointment;
use crate::domain::visits::Status;
use crate::fhir::READ_ONLY;
use crate::fhir::Served;
use crate::fhir::parameter;
use crate::fhir::parameter::ID;
use crate::fhir::parameter::LAST_UPDATED;
use crate::fhir::parameter::Meaning;
use crate::fhir::parameter::Parameter;
use crate::fhir::wire;
use crate::fhir::wire::Built;

/// Appointment as it is served.
pub static SERVED: Served = Served {
    kind: ResourceType::Appointment,
    profile: None,
    prose: "The patient's visits. An update or patch may do one thing: set status to cancelled, with a reason in \
        cancelationReason.text; the practice's rules decide.",
    interactions: &[Interaction::Read, Interaction::Update, Interaction::Search],
    parameters: &[
        ID,
        LAST_UPDATED,
        parameter::patient("http://hl7.org/fhir/SearchParameter/Appointment-patient"),
        Parameter {
            name: "actor",
            meaning: Meaning::References(&[
                ResourceType::Patient,
                ResourceType::Practitioner,
                ResourceType::Location,
            ]),
            definition: "http://hl7.org/fhir/SearchParameter/Appointment-actor",
            values: |_| Vec::new(),
        },
        Parameter {
            name: "date",
            meaning: Meaning::Date(Field::Date),
            definition: "http://hl7.org/fhir/SearchParameter/Appointment-date",
            values: |_| Vec::new(),
        },
        Parameter {
            name: "status",
            meaning: Meaning::Token(Field::Status),
            definition: "http://hl7.org/fhir/SearchParameter/Appointment-status",
            values: |_| Vec::new(),
        },
    ],
    order: "",
    create: READ_ONLY,
    update: READ_ONLY,
    operations: &[],
};

/// The calendar's own mark, which says more than FHIR's status.
const MARK: &str = "https://anteroom.dev/fhir/StructureDefinition/emr-status";

/// This is one visit of a series.
const SERIES: &str = "https://anteroom.dev/fhir/StructureDefinition/emr-series";

pub(super) fn render(visit: &Appointment, meta: Meta) -> Built<resources::Appointment> {
    let mut resource = resources::Appointment::builder()
        .id(visit.uuid.to_string())
        .meta(meta)
        .status(status(visit.status))
        .start(Instant(visit.start))
        .end(Instant(visit.end))
        .participant(participants(visit)?)
        .build()?;
    // A code has no blanks at its ends; OpenEMR's marks are single signs or words.
    if let Some(mark) = wire::clean(&visit.mark) {
        let mark = wire::extension(MARK, ExtensionValue::Code(mark))?;
        resource.extension.push(mark);
    }
    if visit.series {
        let series = wire::extension(SERIES, ExtensionValue::Boolean(true))?;
        resource.extension.push(series);
    }
    if let Some(category) = &visit.category {
        let concept = wire::concept(category)?;
        resource.service_type = wire::list([concept.clone()]);
        resource.appointment_type = Some(concept);
    }
    let minutes = (visit.end - visit.start).whole_minutes();
    resource.minutes_duration = u32::try_from(minutes).ok().and_then(NonZeroU32::new);
    resource.created = visit.created.map(wire::date_time);
    resource.comment = wire::clean(&visit.comment);
    Ok(resource)
}

fn status(status: Status) -> AppointmentStatus {
    match status {
        Status::Pending => AppointmentStatus::Pending,
        Status::Booked => AppointmentStatus::Booked,
        Status::Arrived => AppointmentStatus::Arrived,
        Status::CheckedIn => AppointmentStatus::CheckedIn,
        Status::Fulfilled => AppointmentStatus::Fulfilled,
        Status::Cancelled => AppointmentStatus::Cancelled,
        Status::NoShow => AppointmentStatus::Noshow,
        Status::Waitlist => AppointmentStatus::Waitlist,
    }
}

/// Patient, provider and place. What waits for an answer waits for the provider's.
fn participants(visit: &Appointment) -> Built<Vec<Option<AppointmentParticipant>>> {
    let mut participants = Vec::with_capacity(4);
    let id = visit.person.uuid;
    let patient = wire::reference(ResourceType::Patient, id, &visit.patient_name)?;
    participants.push(participant(patient, ParticipationStatus::Accepted)?);
    for (id, display) in &visit.providers {
        let answer = match visit.status {
            Status::Pending | Status::Waitlist => ParticipationStatus::NeedsAction,
            _ => ParticipationStatus::Accepted,
        };
        let provider = wire::reference(ResourceType::Practitioner, *id, display)?;
        participants.push(participant(provider, answer)?);
    }
    if let Some((id, display)) = &visit.location {
        let place = wire::reference(ResourceType::Location, *id, display)?;
        participants.push(participant(place, ParticipationStatus::Accepted)?);
    }
    Ok(wire::list(participants))
}

fn participant(actor: Reference, status: ParticipationStatus) -> Built<AppointmentParticipant> {
    AppointmentParticipant::builder()
        .actor(actor)
        .status(status)
        .build()
}

#[cfg(test)]
pub(in crate::fhir) mod tests;
