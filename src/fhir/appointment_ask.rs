//! What may be asked about a visit. A patient calls one off: its status, to cancelled, with a reason in words.

use fhir_sdk::r4b::codes::AppointmentStatus;
use fhir_sdk::r4b::resources::Appointment;
use fhir_sdk::r4b::resources::Resource;
use uuid::Uuid;

use crate::domain::refusal::Refusal;
use crate::domain::visits::Cancellation;
use crate::fhir::ask::Sent;
use crate::portal::Ask;

/// Letters of a reason at most.
const MOST_LETTERS: usize = 1000;

const ONLY_CANCELLED: &str = "the one thing that can be asked here is the status cancelled";
const REASON: &str = "Appointment.cancelationReason";
const ONLY_WORDS: &str = "only text can be kept here";

/// The Ask of an Appointment that was sent.
///
/// # Errors
/// `Invalid` at the element that cannot be taken as it is.
pub fn of(sent: Sent<'_>) -> Result<Ask, Refusal> {
    let Resource::Appointment(mut visit) = sent.resource else {
        return Err(Refusal::NotFound);
    };
    if visit.status != AppointmentStatus::Cancelled {
        return Err(Refusal::invalid("Appointment.status", ONLY_CANCELLED));
    }
    let reason = reason(&mut visit)?;
    cancellation((sent.id, sent.seen), &reason).map(Ask::Cancel)
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
    let control = |letter: char| letter.is_control() && !matches!(letter, '\t' | '\r' | '\n');
    if reason.contains(control) {
        return Err(Refusal::invalid(
            REASON,
            "a text must not have control characters",
        ));
    }
    if reason.chars().count() > MOST_LETTERS {
        return Err(Refusal::invalid(
            REASON,
            "a reason has at most 1000 letters",
        ));
    }
    Ok(Cancellation {
        uuid,
        seen,
        reason: reason.trim().to_owned(),
    })
}

#[cfg(test)]
mod tests;
