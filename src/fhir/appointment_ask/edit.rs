//! What staff change about a visit: status or mark, time, comment, and the provider's answer.

use fhir_sdk::r4b::codes::AppointmentStatus;
use fhir_sdk::r4b::codes::ParticipationStatus;
use fhir_sdk::r4b::resources;
use fhir_sdk::r4b::types::ExtensionValue;
use time::Duration;
use time::OffsetDateTime;

use super::minute;
use super::reason;
use super::said;
use crate::domain::ResourceType;
use crate::domain::refusal::Refusal;
use crate::domain::visits::Appointment;
use crate::domain::visits::Status;
use crate::fhir::Base;
use crate::fhir::appointment::MARK;
use crate::fhir::appointment::SERIES;
use crate::fhir::refers;
use crate::portal::visit::Edit;

/// Letters of a mark at most: the width of `pc_apptstatus`.
const LONGEST_MARK: usize = 15;

/// The change between the Appointment as it stands and as staff want it.
///
/// # Errors
/// `Invalid` at the element that cannot be taken as it is.
pub(super) fn of(
    changed: &[String],
    mut visit: resources::Appointment,
    (before, base): (&Appointment, &Base),
) -> Result<Edit, Refusal> {
    let is_new = |name: &str| changed.iter().any(|known| known == name);
    let mut status = match is_new("status") {
        true => Some(status(&visit.status)?),
        false => None,
    };
    if is_new("participant") {
        let answer = answer(&visit, (before, base))?;
        status = status.or(answer);
    }
    let mark = match is_new("extension") {
        true => mark(&visit, before)?,
        false => None,
    };
    let comment = match is_new("comment") {
        true => {
            let text = visit.comment.as_deref().unwrap_or_default();
            Some(said(text, "Appointment.comment")?)
        }
        false => None,
    };
    let span = match is_new("start") || is_new("end") || is_new("minutesDuration") {
        true => Some(span(&visit, changed)?),
        false => None,
    };
    let reason = reason(&mut visit)?;
    let ends = matches!(
        status.unwrap_or(before.status),
        Status::Cancelled | Status::NoShow
    );
    if !reason.is_empty() && !ends {
        let why = "a reason is kept where the visit is cancelled or noshow";
        return Err(Refusal::invalid(super::REASON, why));
    }
    Ok(Edit {
        before: before.clone(),
        // A mark without a new status must mean the one the visit has.
        status: status.or_else(|| mark.as_ref().map(|_| before.status)),
        mark,
        reason: said(&reason, super::REASON)?,
        span,
        comment,
    })
}

fn status(status: &AppointmentStatus) -> Result<Status, Refusal> {
    Ok(match status {
        AppointmentStatus::Pending => Status::Pending,
        AppointmentStatus::Booked => Status::Booked,
        AppointmentStatus::Arrived => Status::Arrived,
        AppointmentStatus::CheckedIn => Status::CheckedIn,
        AppointmentStatus::Fulfilled => Status::Fulfilled,
        AppointmentStatus::Cancelled => Status::Cancelled,
        AppointmentStatus::Noshow => Status::NoShow,
        AppointmentStatus::Waitlist => Status::Waitlist,
        _ => {
            let why = "the calendar has marks for pending, booked, arrived, checked-in, fulfilled, cancelled, noshow \
                and waitlist";
            return Err(Refusal::invalid("Appointment.status", why));
        }
    })
}

/// The calendar's own mark, the one extension staff may set.
fn mark(visit: &resources::Appointment, before: &Appointment) -> Result<Option<String>, Refusal> {
    let place = "Appointment.extension";
    let mut mark = None;
    let mut series = false;
    for extension in &visit.extension {
        let bare = extension.extension.is_empty() && extension.id.is_none();
        match (
            extension.url.as_str(),
            extension.value.as_ref().filter(|_| bare),
        ) {
            (MARK, Some(ExtensionValue::Code(code))) if mark.is_none() => mark = Some(code.clone()),
            (SERIES, Some(ExtensionValue::Boolean(true))) if before.series => series = true,
            _ => {
                let why = "only emr-status can be set, once, as a code";
                return Err(Refusal::invalid(place, why));
            }
        }
    }
    if series != before.series {
        let why = "emr-series is not for a client to change";
        return Err(Refusal::invalid(place, why));
    }
    let fits = |mark: &String| !mark.trim().is_empty() && mark.chars().count() <= LONGEST_MARK;
    match mark {
        Some(mark) if !fits(&mark) => {
            let why = "a mark has 1 to 15 letters";
            Err(Refusal::invalid(place, why))
        }
        mark => Ok(mark),
    }
}

/// When the visit is to be. Where only its length was changed, it begins when it did.
fn span(
    visit: &resources::Appointment,
    changed: &[String],
) -> Result<(OffsetDateTime, OffsetDateTime), Refusal> {
    let is_new = |name: &str| changed.iter().any(|known| known == name);
    let (new_end, new_length) = (is_new("end"), is_new("minutesDuration"));
    let missing = |place: &str| Refusal::invalid(place, "a visit has a start and an end");
    let start = visit.start.as_ref();
    let start = start.ok_or_else(|| missing("Appointment.start"))?;
    let start = minute(start, "Appointment.start")?;
    let told = visit.minutes_duration;
    let told = told.map(|minutes| Duration::minutes(i64::from(minutes.get())));
    if let (true, false, Some(told)) = (new_length, new_end, told) {
        let end = start.checked_add(told).ok_or_else(|| {
            let why = "no calendar goes that far";
            Refusal::invalid("Appointment.minutesDuration", why)
        })?;
        return Ok((start, end));
    }
    let end = visit.end.as_ref();
    let end = end.ok_or_else(|| missing("Appointment.end"))?;
    let end = minute(end, "Appointment.end")?;
    match told.filter(|told| new_length && *told != end - start) {
        None => Ok((start, end)),
        Some(_) => {
            let why = "this is not what start and end say";
            Err(Refusal::invalid("Appointment.minutesDuration", why))
        }
    }
}

/// What the provider's answer makes of a visit that waits for it. Who takes part does not change.
fn answer(
    visit: &resources::Appointment,
    (before, base): (&Appointment, &Base),
) -> Result<Option<Status>, Refusal> {
    let place = "Appointment.participant";
    let fixed = || {
        Refusal::invalid(
            place,
            "who takes part cannot be changed, only the provider's status",
        )
    };
    let kinds = [
        ResourceType::Patient,
        ResourceType::Practitioner,
        ResourceType::Location,
    ];
    let waits = matches!(before.status, Status::Pending | Status::Waitlist);
    let patient = (&before.person.uuid, &before.patient_name);
    let mut known = vec![(ResourceType::Patient, patient)];
    let providers = before.providers.iter();
    known.extend(providers.map(|(id, name)| (ResourceType::Practitioner, (id, name))));
    let places = before.location.iter();
    known.extend(places.map(|(id, name)| (ResourceType::Location, (id, name))));
    let mut answer = None;
    for one in &visit.participant {
        let one = one.as_ref().ok_or_else(fixed)?;
        let actor = one.actor.as_ref().ok_or_else(fixed)?;
        let (kind, id) = refers::target(actor, place, &kinds, base)?;
        let at = known
            .iter()
            .position(|(of, (named, _))| *of == kind && **named == id);
        let (_, (_, name)) = known.swap_remove(at.ok_or_else(fixed)?);
        let renamed = actor.display.as_ref().is_some_and(|said| said != name);
        if renamed || one.required.is_some() || one.period.is_some() || !one.r#type.is_empty() {
            return Err(fixed());
        }
        answer = match (kind, &one.status, waits) {
            (ResourceType::Practitioner, ParticipationStatus::Accepted, true) => {
                answer.or(Some(Status::Booked))
            }
            (ResourceType::Practitioner, ParticipationStatus::Declined, true) => {
                Some(Status::Cancelled)
            }
            (ResourceType::Practitioner, ParticipationStatus::NeedsAction, true)
            | (_, ParticipationStatus::Accepted, false)
            | (ResourceType::Patient | ResourceType::Location, ParticipationStatus::Accepted, _) => {
                answer
            }
            _ => return Err(fixed()),
        };
    }
    match known.is_empty() {
        true => Ok(answer),
        false => Err(fixed()),
    }
}
