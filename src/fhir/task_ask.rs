//! From a Task that was sent to a decision: staff complete or reject, a patient cancels.

use fhir_sdk::r4b::codes::TaskStatus;
use fhir_sdk::r4b::resources::Resource;
use fhir_sdk::r4b::types::CodeableConcept;

use crate::domain::records::Record;
use crate::domain::refusal::Refusal;
use crate::fhir::ask::Role;
use crate::fhir::ask::Sent;
use crate::portal::Ask;
use crate::portal::work::Decide;
use crate::portal::work::WorkAsk;

const REASON: &str = "Task.statusReason";

/// Letters of a reason at most.
const MOST: usize = 1000;

/// The Ask of a Task that was sent.
///
/// # Errors
/// `Unprocessable` at the status or its reason.
pub(super) fn of(sent: Sent<'_>) -> Result<Ask, Refusal> {
    let (Resource::Task(task), Some(Record::Task(before))) = (&sent.resource, sent.before) else {
        let why = "Tasks are made by the server; an existing one can be decided";
        return Err(Refusal::invalid("$this", why).understood());
    };
    let refused = |place: &str, why: &str| Refusal::invalid(place, why).understood();
    let decide = match (&task.status, sent.role) {
        (TaskStatus::Completed, Role::Staff) => Decide::Accept,
        (TaskStatus::Rejected, Role::Staff) => Decide::Reject,
        (TaskStatus::Cancelled, Role::Patient(_)) => Decide::Withdraw,
        (_, Role::Staff) => {
            return Err(refused(
                "Task.status",
                "staff set it to completed or to rejected",
            ));
        }
        (_, Role::Patient(_)) => {
            return Err(refused("Task.status", "a patient sets it to cancelled"));
        }
    };
    let reason = match &task.status_reason {
        Some(concept) => words(concept)?,
        None => String::new(),
    };
    Ok(Ask::Work(WorkAsk {
        task: before.as_ref().clone(),
        decide,
        reason,
    }))
}

/// The words of the reason; a coded one could not be kept.
fn words(concept: &CodeableConcept) -> Result<String, Refusal> {
    let refused = |why: &str| Refusal::invalid(REASON, why).understood();
    let bare = concept.coding.is_empty() && concept.extension.is_empty() && concept.id.is_none();
    let Some(text) = concept.text.as_deref().filter(|_| bare) else {
        return Err(refused("only text can be kept here"));
    };
    let control = |letter: char| letter.is_control() && !matches!(letter, '\t' | '\r' | '\n');
    if text.contains(control) {
        return Err(refused("a text must not have control characters"));
    }
    if text.chars().count() > MOST {
        return Err(refused("a reason has at most 1000 letters"));
    }
    Ok(text.trim().to_owned())
}

#[cfg(test)]
mod tests;
