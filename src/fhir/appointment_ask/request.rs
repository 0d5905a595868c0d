//! A visit that is asked for: who, with whom, when, what for, in which words.

use fhir_sdk::r4b::codes::AppointmentStatus;
use fhir_sdk::r4b::resources::Appointment;
use fhir_sdk::r4b::types::CodeableConcept;
use time::Duration;
use time::OffsetDateTime;
use uuid::Uuid;

use super::ONLY_WORDS;
use super::minute;
use super::said;
use crate::domain::ResourceType;
use crate::domain::refusal::Refusal;
use crate::domain::scope::Token;
use crate::domain::visits::Status;
use crate::fhir::Base;
use crate::fhir::ask::Role;
use crate::fhir::refers;
use crate::portal::visit::By;
use crate::portal::visit::Request;
use crate::portal::visit::Step;

const PARTICIPANT: &str = "Appointment.participant";

/// Who takes part, one of a kind.
#[derive(Default)]
struct Actors {
    patient: Option<Uuid>,
    provider: Option<Uuid>,
    location: Option<Uuid>,
}

/// The request of a new Appointment.
///
/// # Errors
/// `Invalid` at the element that is missing, doubled or cannot be kept; `Forbidden` where a patient asks for another.
pub(super) fn of(
    (id, role): (Uuid, Role),
    visit: &Appointment,
    base: &Base,
) -> Result<Request, Refusal> {
    let actors = actors(visit, base)?;
    let (by, patient) = match role {
        Role::Patient(person) => {
            if actors.patient.is_some_and(|named| named != person.uuid) {
                let why = "A patient asks for visits of their own.";
                return Err(Refusal::Forbidden(why));
            }
            (By::Patient, Some(person.uuid))
        }
        Role::Staff => (By::Staff, actors.patient),
    };
    let patient = patient.ok_or_else(|| {
        let why = "name the patient, as a participant whose actor is Patient/[id]";
        Refusal::invalid(PARTICIPANT, why)
    })?;
    let slot = slot(visit, base)?;
    if actors.provider.is_none() && slot.is_none() {
        let why = "name the provider, as a participant whose actor is Practitioner/[id], or a slot";
        return Err(Refusal::invalid(PARTICIPANT, why));
    }
    let (start, length) = span(visit)?;
    if start.is_none() && slot.is_none() {
        return Err(Refusal::invalid(
            "Appointment.start",
            "give a start or a slot",
        ));
    }
    Ok(Request {
        id,
        by,
        patient,
        provider: actors.provider,
        location: actors.location,
        category: category(visit)?,
        slot,
        start,
        length,
        status: status(&visit.status)?,
        reason: words(visit)?,
        step: Step::Ask,
        instead: None,
    })
}

fn status(status: &AppointmentStatus) -> Result<Status, Refusal> {
    Ok(match status {
        AppointmentStatus::Proposed | AppointmentStatus::Pending => Status::Pending,
        AppointmentStatus::Booked => Status::Booked,
        AppointmentStatus::Waitlist => Status::Waitlist,
        _ => {
            let why =
                "a new visit is proposed or pending; staff may also make it booked or waitlist";
            return Err(Refusal::invalid("Appointment.status", why));
        }
    })
}

fn actors(visit: &Appointment, base: &Base) -> Result<Actors, Refusal> {
    let mut found = Actors::default();
    for (index, one) in visit.participant.iter().enumerate() {
        let place = format!("{PARTICIPANT}[{index}]");
        let one = one
            .as_ref()
            .ok_or_else(|| Refusal::invalid(&place, "a participant is missing"))?;
        if !one.r#type.is_empty()
            || one.required.is_some()
            || one.period.is_some()
            || !one.extension.is_empty()
        {
            let why = "type, required, period and extensions of a participant are not kept";
            return Err(Refusal::invalid(&place, why));
        }
        let at = format!("{place}.actor");
        let actor = one
            .actor
            .as_ref()
            .ok_or_else(|| Refusal::invalid(&at, "say who takes part"))?;
        let kinds = [
            ResourceType::Patient,
            ResourceType::Practitioner,
            ResourceType::Location,
        ];
        let (kind, id) = refers::target(actor, &at, &kinds, base)?;
        let known = match kind {
            ResourceType::Patient => &mut found.patient,
            ResourceType::Practitioner => &mut found.provider,
            _ => &mut found.location,
        };
        if known.replace(id).is_some() {
            let why = "a visit is asked for with one patient, one provider and one place";
            return Err(Refusal::invalid(at, why));
        }
    }
    Ok(found)
}

fn slot(visit: &Appointment, base: &Base) -> Result<Option<Uuid>, Refusal> {
    match visit.slot.as_slice() {
        [] => Ok(None),
        [Some(slot)] => {
            let kinds = [ResourceType::Slot];
            refers::target(slot, "Appointment.slot", &kinds, base).map(|(_, id)| Some(id))
        }
        _ => Err(Refusal::invalid(
            "Appointment.slot",
            "a visit takes one slot",
        )),
    }
}

/// When, and for how long where that was said; both ways of saying it must agree.
fn span(visit: &Appointment) -> Result<(Option<OffsetDateTime>, Option<Duration>), Refusal> {
    let start = visit.start.as_ref();
    let start = start
        .map(|at| minute(at, "Appointment.start"))
        .transpose()?;
    let end = visit.end.as_ref();
    let end = end.map(|at| minute(at, "Appointment.end")).transpose()?;
    let told = visit.minutes_duration;
    let told = told.map(|minutes| Duration::minutes(i64::from(minutes.get())));
    let length = match (start, end) {
        (None, Some(_)) => {
            let why = "an end without a start says nothing";
            return Err(Refusal::invalid("Appointment.end", why));
        }
        (Some(start), Some(end)) if end <= start || end - start > Duration::DAY => {
            let why = "a visit ends after it begins, and within a day";
            return Err(Refusal::invalid("Appointment.end", why));
        }
        (Some(start), Some(end)) => Some(end - start),
        _ => None,
    };
    match (length, told) {
        (Some(length), Some(told)) if length != told => {
            let why = "this is not what start and end say";
            Err(Refusal::invalid("Appointment.minutesDuration", why))
        }
        (_, Some(told)) if told > Duration::DAY => {
            let why = "a visit is no longer than a day";
            Err(Refusal::invalid("Appointment.minutesDuration", why))
        }
        (length, told) => Ok((start, length.or(told))),
    }
}

/// The category: OpenEMR has one, so both elements must name the same where both are there.
fn category(visit: &Appointment) -> Result<Option<Token>, Refusal> {
    let service = match visit.service_type.as_slice() {
        [] => None,
        [Some(concept)] => Some(code(concept, "Appointment.serviceType")?),
        _ => {
            let why = "a visit has one kind";
            return Err(Refusal::invalid("Appointment.serviceType", why));
        }
    };
    let kind = visit.appointment_type.as_ref();
    let kind = kind
        .map(|concept| code(concept, "Appointment.appointmentType"))
        .transpose()?;
    match (service, kind) {
        (Some(service), Some(kind)) if service != kind => {
            let why = "this is not what serviceType says; the practice's calendar has one category for both";
            Err(Refusal::invalid("Appointment.appointmentType", why))
        }
        (service, kind) => Ok(service.or(kind)),
    }
}

fn code(concept: &CodeableConcept, place: &str) -> Result<Token, Refusal> {
    let coding = match concept.coding.as_slice() {
        [Some(coding)] => Some(coding),
        _ => None,
    };
    let code = coding.and_then(|coding| coding.code.clone());
    let (Some(coding), Some(code)) = (coding, code) else {
        let why = "give one coding of the practice's calendar categories";
        return Err(Refusal::invalid(place, why));
    };
    Ok(Token {
        system: coding.system.clone(),
        code,
    })
}

/// Reason, description and comment: the calendar has one text for all three.
fn words(visit: &Appointment) -> Result<String, Refusal> {
    let mut lines: Vec<String> = Vec::new();
    for concept in &visit.reason_code {
        let bare = concept
            .as_ref()
            .filter(|concept| concept.coding.is_empty() && concept.extension.is_empty());
        let text = bare.and_then(|concept| concept.text.as_deref());
        let text = text.ok_or_else(|| Refusal::invalid("Appointment.reasonCode", ONLY_WORDS))?;
        lines.push(said(text, "Appointment.reasonCode")?);
    }
    for (text, place) in [
        (&visit.description, "Appointment.description"),
        (&visit.comment, "Appointment.comment"),
    ] {
        if let Some(text) = text {
            lines.push(said(text, place)?);
        }
    }
    lines.retain(|line| !line.is_empty());
    lines.dedup();
    said(&lines.join("\n"), "Appointment.comment")
}
