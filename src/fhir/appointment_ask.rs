//! What may be asked about a visit: a patient asks for one or calls one off, staff book and change them.

mod edit;
mod request;

use fhir_sdk::Instant;
use fhir_sdk::r4b::codes::AppointmentStatus;
use fhir_sdk::r4b::resources::Appointment;
use fhir_sdk::r4b::resources::Resource;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::domain::records::Record;
use crate::domain::refusal::Refusal;
use crate::domain::visits::Cancellation;
use crate::fhir::Base;
use crate::fhir::ask::Role;
use crate::fhir::ask::Sent;
use crate::portal::Ask;
use crate::portal::visit::Acceptance;
use crate::portal::visit::VisitAsk;

/// Letters of a reason at most.
const MOST_LETTERS: usize = 1000;

const ONLY_CANCELLED: &str = "the one thing that can be asked here is the status cancelled";
const REASON: &str = "Appointment.cancelationReason";
const ONLY_WORDS: &str = "only text can be kept here";

/// The Ask of an Appointment that was sent.
///
/// # Errors
/// `Invalid` at the element that cannot be taken as it is; `Forbidden` where a patient asks for another.
pub fn of(sent: Sent<'_>, base: &Base) -> Result<Ask, Refusal> {
    let Resource::Appointment(mut visit) = sent.resource else {
        return Err(Refusal::NotFound);
    };
    match (sent.before, sent.role) {
        (None, role) => {
            let request = request::of((sent.id, role), &visit, base)?;
            Ok(Ask::Visit(VisitAsk::Request(Box::new(request))))
        }
        (Some(Record::Appointment(before)), Role::Patient(_))
            if before.offered && visit.status == AppointmentStatus::Booked =>
        {
            let (uuid, seen) = (sent.id, sent.seen);
            Ok(Ask::Visit(VisitAsk::Accept(Acceptance { uuid, seen })))
        }
        (Some(_), Role::Patient(_)) => {
            if visit.status != AppointmentStatus::Cancelled {
                return Err(Refusal::invalid("Appointment.status", ONLY_CANCELLED));
            }
            let reason = reason(&mut visit)?;
            cancellation((sent.id, sent.seen), &reason).map(Ask::Cancel)
        }
        (Some(Record::Appointment(before)), Role::Staff) => {
            let edit = edit::of(&sent.changed, visit, (before, base))?;
            Ok(Ask::Visit(VisitAsk::Edit(Box::new(edit))))
        }
        (Some(_), Role::Staff) => Err(Refusal::NotFound),
    }
}

/// The words of the reason; a coded one could not be kept.
fn reason(sent: &mut Appointment) -> Result<String, Refusal> {
    let Some(mut concept) = sent.cancelation_reason.take() else {
        return Ok(String::new());
    };
    let words = concept.text.take();
    let bare = concept.coding.is_empty()
        && concept.extension.is_empty()
        && concept.id.is_none()
        && concept.text_ext.is_none();
    match words {
        Some(words) if bare => Ok(words),
        _ => Err(Refusal::invalid(REASON, ONLY_WORDS)),
    }
}

fn cancellation((uuid, seen): (Uuid, Option<u64>), reason: &str) -> Result<Cancellation, Refusal> {
    Ok(Cancellation {
        uuid,
        seen,
        reason: said(reason, REASON)?,
    })
}

/// Text as it can be kept.
fn said(text: &str, place: &str) -> Result<String, Refusal> {
    let control = |letter: char| letter.is_control() && !matches!(letter, '\t' | '\r' | '\n');
    if text.contains(control) {
        let why = "a text must not have control characters";
        return Err(Refusal::invalid(place, why));
    }
    if text.chars().count() > MOST_LETTERS {
        return Err(Refusal::invalid(place, "a reason has at most 1000 letters"));
    }
    Ok(text.trim().to_owned())
}

/// The years a visit can be in, as seconds since 1970: 1900 to 2999. Beyond them days cannot be counted on.
const YEARS: std::ops::Range<i64> = -2_208_988_800..32_503_680_000;

/// The instant of a whole minute, which is what the calendar has.
fn minute(at: &Instant, place: &str) -> Result<OffsetDateTime, Refusal> {
    let at = at.0;
    if !YEARS.contains(&at.unix_timestamp()) {
        let why = "a visit is in the years 1900 to 2999";
        return Err(Refusal::invalid(place, why));
    }
    match at.second() == 0 && at.nanosecond() == 0 {
        true => Ok(at),
        false => Err(Refusal::invalid(
            place,
            "visits begin and end on a whole minute",
        )),
    }
}

#[cfg(test)]
mod tests;
