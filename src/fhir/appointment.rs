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
use crate::domain::records::Record;
use crate::domain::scope::Interaction;
use crate::domain::visits::Appointment;
use crate::domain::visits::Status;
use crate::domain::visits::told_apart;
use crate::fhir::Served;
use crate::fhir::Writable;
use crate::fhir::indexes;
use crate::fhir::parameter;
use crate::fhir::parameter::ID;
use crate::fhir::parameter::Indexed;
use crate::fhir::parameter::LAST_UPDATED;
use crate::fhir::parameter::Meaning;
use crate::fhir::parameter::Parameter;
use crate::fhir::wire;
use crate::fhir::wire::Built;

/// Appointment as it is served.
pub static SERVED: Served = Served {
    kind: ResourceType::Appointment,
    profile: None,
    prose: "The patient's visits, each of a series by itself, from five years ago until two years ahead. A patient may \
        ask for one (status proposed or pending; waitlist asks to be called about it) on free time of a provider's Slots or \
        of $find, agree with status booked to a time the practice proposed (then the patient's participation is \
        needs-action), and cancel with a reason in cancelationReason.text; the practice's rules decide. Staff may book, mark \
        and move visits.",
    interactions: &[
        Interaction::Create,
        Interaction::Read,
        Interaction::Update,
        Interaction::Search,
    ],
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
            values: |record| {
                of(record, |visit| {
                    let patient = Some(visit.person.uuid);
                    let mut actors = Indexed::reference(ResourceType::Patient, patient);
                    actors.extend(practitioners(visit));
                    actors.extend(location(visit));
                    actors
                })
            },
        },
        Parameter {
            name: "appointment-type",
            meaning: Meaning::Tokens,
            definition: "http://hl7.org/fhir/SearchParameter/Appointment-appointment-type",
            values: |record| of(record, category),
        },
        Parameter {
            name: "date",
            meaning: Meaning::Date(Field::Date),
            definition: "http://hl7.org/fhir/SearchParameter/Appointment-date",
            values: |record| of(record, |visit| Indexed::moment(Some(visit.start))),
        },
        Parameter {
            name: "identifier",
            meaning: Meaning::Tokens,
            definition: "http://hl7.org/fhir/SearchParameter/Appointment-identifier",
            values: |record| of(record, |visit| vec![indexes::urn(visit.uuid)]),
        },
        Parameter {
            name: "location",
            meaning: Meaning::References(&[ResourceType::Location]),
            definition: "http://hl7.org/fhir/SearchParameter/Appointment-location",
            values: |record| of(record, location),
        },
        Parameter {
            name: "part-status",
            meaning: Meaning::Tokens,
            definition: "http://hl7.org/fhir/SearchParameter/Appointment-part-status",
            values: |record| {
                of(record, |visit| {
                    let system = "http://hl7.org/fhir/participationstatus";
                    let answers = [
                        (true, "accepted"),
                        (visit.offered, "needs-action"),
                        (!visit.providers.is_empty() && waits(visit), "needs-action"),
                    ];
                    let answers = answers.into_iter().filter(|(is, _)| *is);
                    answers
                        .map(|(_, code)| Indexed::token(system, code))
                        .collect()
                })
            },
        },
        Parameter {
            name: "practitioner",
            meaning: Meaning::References(&[ResourceType::Practitioner]),
            definition: "http://hl7.org/fhir/SearchParameter/Appointment-practitioner",
            values: |record| of(record, practitioners),
        },
        Parameter {
            name: "service-type",
            meaning: Meaning::Tokens,
            definition: "http://hl7.org/fhir/SearchParameter/Appointment-service-type",
            values: |record| of(record, category),
        },
        Parameter {
            name: "specialty",
            meaning: Meaning::Tokens,
            definition: "http://hl7.org/fhir/SearchParameter/Appointment-specialty",
            values: |record| {
                of(record, |visit| {
                    let words = visit.specialties.iter();
                    words.flat_map(|words| indexes::words(words)).collect()
                })
            },
        },
        Parameter {
            name: "status",
            meaning: Meaning::Token(Field::Status),
            definition: "http://hl7.org/fhir/SearchParameter/Appointment-status",
            values: |record| {
                of(record, |visit| {
                    let system = "http://hl7.org/fhir/appointmentstatus";
                    vec![Indexed::token(system, visit.status.code())]
                })
            },
        },
    ],
    order: "date",
    create: Writable {
        patient: ASKED,
        staff: ASKED,
    },
    update: Writable {
        patient: &["status", "cancelationReason"],
        staff: &[
            "status",
            "cancelationReason",
            "start",
            "end",
            "minutesDuration",
            "comment",
            "participant",
            "extension",
        ],
    },
    operations: &[
        (
            "validate",
            "http://hl7.org/fhir/OperationDefinition/Resource-validate",
        ),
        (
            "find",
            "https://anteroom.dev/fhir/OperationDefinition/appointment-find",
        ),
        (
            "hold",
            "https://anteroom.dev/fhir/OperationDefinition/appointment-hold",
        ),
        (
            "book",
            "https://anteroom.dev/fhir/OperationDefinition/appointment-book",
        ),
    ],
};

/// What a new visit is asked for with.
const ASKED: &[&str] = &[
    "status",
    "serviceType",
    "appointmentType",
    "reasonCode",
    "description",
    "start",
    "end",
    "minutesDuration",
    "slot",
    "comment",
    "participant",
];

/// The calendar's own mark, which says more than FHIR's status.
pub(super) const MARK: &str = "https://anteroom.dev/fhir/StructureDefinition/emr-status";

/// This is one visit of a series.
pub(super) const SERIES: &str = "https://anteroom.dev/fhir/StructureDefinition/emr-series";

fn of(record: &Record, values: fn(&Appointment) -> Vec<Indexed>) -> Vec<Indexed> {
    match record {
        Record::Appointment(visit) => values(visit),
        _ => Vec::new(),
    }
}

fn practitioners(visit: &Appointment) -> Vec<Indexed> {
    let ids = visit.providers.iter().map(|(id, _)| *id);
    ids.map(|id| Indexed::Reference(ResourceType::Practitioner, id))
        .collect()
}

fn location(visit: &Appointment) -> Vec<Indexed> {
    let id = visit.location.as_ref().map(|(id, _)| *id);
    Indexed::reference(ResourceType::Location, id)
}

fn category(visit: &Appointment) -> Vec<Indexed> {
    visit.category.iter().map(indexes::code).collect()
}

/// Whether it waits for the provider's answer; what the practice proposed waits for the patient's.
fn waits(visit: &Appointment) -> bool {
    matches!(
        visit.status,
        Status::Proposed | Status::Pending | Status::Waitlist
    ) && !visit.offered
}

pub(super) fn render(visit: &Appointment, meta: Meta) -> Built<resources::Appointment> {
    let mut resource = resources::Appointment::builder()
        .id(visit.uuid.to_string())
        .meta(meta)
        .identifier(wire::list([wire::urn(visit.uuid)?]))
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
    let specialties = visit.specialties.iter().map(|words| wire::words(words));
    resource.specialty = wire::list(specialties.collect::<Built<Vec<_>>>()?);
    let minutes = (visit.end - visit.start).whole_minutes();
    resource.minutes_duration = u32::try_from(minutes).ok().and_then(NonZeroU32::new);
    resource.created = visit.created.map(wire::date_time);
    resource.comment = wire::clean(&visit.comment);
    let why = told_apart(&visit.comment).1;
    if let (Status::Cancelled, Some((_, reason))) = (visit.status, why) {
        resource.cancelation_reason = Some(wire::words(reason)?);
    }
    if let Some(slot) = visit.slot {
        resource.slot = wire::list([wire::reference(ResourceType::Slot, slot, "")?]);
    }
    Ok(resource)
}

fn status(status: Status) -> AppointmentStatus {
    match status {
        Status::Proposed => AppointmentStatus::Proposed,
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
    let mine = match visit.offered || visit.status == Status::Proposed {
        true => ParticipationStatus::NeedsAction,
        false => ParticipationStatus::Accepted,
    };
    participants.push(participant(patient, mine)?);
    for (id, display) in &visit.providers {
        let answer = match waits(visit) {
            true => ParticipationStatus::NeedsAction,
            false => ParticipationStatus::Accepted,
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
