//! From a Task that was sent to a decision: staff complete or reject, a patient cancels. A new one puts a form before a
//! patient.

mod put;

use fhir_sdk::r4b::codes::TaskStatus;
use fhir_sdk::r4b::resources::Resource;
use fhir_sdk::r4b::resources::TaskOutput;
use fhir_sdk::r4b::resources::TaskOutputValue;
use fhir_sdk::r4b::types::CodeableConcept;

use crate::domain::records::Record;
use crate::domain::refusal::Refusal;
use crate::fhir::Base;
use crate::fhir::ask::Role;
use crate::fhir::ask::Sent;
use crate::fhir::task::CATEGORY;
use crate::fhir::task::REFUSED;
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
pub(super) fn of(sent: Sent<'_>, base: &Base) -> Result<Ask, Refusal> {
    if let (Resource::Task(task), None) = (&sent.resource, sent.before) {
        return put::of(task, base);
    }
    let (Resource::Task(task), Some(Record::Task(before))) = (&sent.resource, sent.before) else {
        let why = "this is the address of a Task";
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
        Some(concept) => words(concept, REASON)?,
        None => String::new(),
    };
    let (refused, category) = parts(&task.output, &reason)?;
    Ok(Ask::Work(Box::new(WorkAsk {
        task: before.as_ref().clone(),
        decide,
        reason,
        refused,
        category,
    })))
}

/// What outputs say: each part that is not taken over, and why.
type Parts = Vec<(String, String)>;

/// What is not taken over, and why, where an output that says nothing means the reason of the whole; and the category a
/// document is filed under.
fn parts(outputs: &[Option<TaskOutput>], reason: &str) -> Result<(Parts, String), Refusal> {
    let (mut parts, mut category) = (Vec::new(), String::new());
    for (place, output) in outputs.iter().flatten().enumerate() {
        let place = format!("Task.output[{place}]");
        let named = words(&output.r#type, &format!("{place}.type"))?;
        let TaskOutputValue::String(said) = &output.value else {
            return Err(unread(place));
        };
        if named == CATEGORY {
            category = checked(said, &format!("{place}.valueString"))?;
            continue;
        }
        let Some(element) = named.strip_prefix(REFUSED).map(str::trim) else {
            return Err(unread(place));
        };
        let why = checked(said, &format!("{place}.valueString"))?;
        let why = if why.is_empty() {
            reason.to_owned()
        } else {
            why
        };
        parts.push((element.to_owned(), why));
    }
    Ok((parts, category))
}

fn unread(place: String) -> Refusal {
    let why = "an output says as type.text \"refused: \" and an element, and why as valueString; or category, and its name";
    Refusal::invalid(place, why).understood()
}

/// The words of the reason; a coded one could not be kept.
fn words(concept: &CodeableConcept, place: &str) -> Result<String, Refusal> {
    let bare = concept.coding.is_empty() && concept.extension.is_empty() && concept.id.is_none();
    let Some(text) = concept.text.as_deref().filter(|_| bare) else {
        let why = "only text can be kept here";
        return Err(Refusal::invalid(place, why).understood());
    };
    checked(text, place)
}

/// Words that people read.
fn checked(text: &str, place: &str) -> Result<String, Refusal> {
    let refused = |why: &str| Refusal::invalid(place, why).understood();
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
