//! The one thing a patient may write: an appointment's status, to cancelled, with a reason in words. Whatever else a
//! body would change is refused by name, so nothing that was sent is lost without a word.

use fhir_sdk::r4b::codes::AppointmentStatus;
use fhir_sdk::r4b::resources::Appointment;
use fhir_sdk::r4b::resources::Resource;
use serde_json::Value;
use uuid::Uuid;

use crate::domain::records::Record;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Refusal;
use crate::domain::visits::Cancellation;
use crate::fhir::Base;
use crate::fhir::render;

/// Letters of a reason at most.
const MOST_LETTERS: usize = 1000;

/// Operations of a patch at most.
const MOST_OPERATIONS: usize = 10;

/// Whether two appointments have the same value somewhere.
type Same = fn(&Appointment, &Appointment) -> bool;

/// The elements of an Appointment that a patient may not change. `meta` is the server's and is not looked at
/// (R4 http, 3.1.0.4).
const FIXED: [(&str, Same); 26] = [
    ("implicitRules", |a, b| a.implicit_rules == b.implicit_rules),
    ("language", |a, b| a.language == b.language),
    ("text", |a, b| a.text == b.text),
    // We never serve any, and comparing them would compile the comparison of all 140 resource types.
    ("contained", |a, b| {
        a.contained.is_empty() && b.contained.is_empty()
    }),
    ("extension", |a, b| a.extension == b.extension),
    ("modifierExtension", |a, b| {
        a.modifier_extension == b.modifier_extension
    }),
    ("identifier", |a, b| a.identifier == b.identifier),
    ("serviceCategory", |a, b| {
        a.service_category == b.service_category
    }),
    ("serviceType", |a, b| a.service_type == b.service_type),
    ("specialty", |a, b| a.specialty == b.specialty),
    ("appointmentType", |a, b| {
        a.appointment_type == b.appointment_type
    }),
    ("reasonCode", |a, b| a.reason_code == b.reason_code),
    ("reasonReference", |a, b| {
        a.reason_reference == b.reason_reference
    }),
    ("priority", |a, b| a.priority == b.priority),
    ("description", |a, b| a.description == b.description),
    ("supportingInformation", |a, b| {
        a.supporting_information == b.supporting_information
    }),
    ("start", |a, b| a.start == b.start),
    ("end", |a, b| a.end == b.end),
    ("minutesDuration", |a, b| {
        a.minutes_duration == b.minutes_duration
    }),
    ("slot", |a, b| a.slot == b.slot),
    ("created", |a, b| a.created == b.created),
    ("comment", |a, b| a.comment == b.comment),
    ("patientInstruction", |a, b| {
        a.patient_instruction == b.patient_instruction
    }),
    ("basedOn", |a, b| a.based_on == b.based_on),
    ("participant", |a, b| a.participant == b.participant),
    ("requestedPeriod", |a, b| {
        a.requested_period == b.requested_period
    }),
];

/// A whole Appointment as the body of a PUT, beside the appointment as it stands.
///
/// # Errors
/// `Invalid` with the FHIRPath of what is wrong in the body or would change beside the status; a fault where the
/// present appointment cannot be rendered.
pub fn put(bytes: &[u8], current: &Record, base: &Base) -> Answer<Cancellation> {
    let resource = fhir_decode::decode(bytes)
        .map_err(|problem| Refusal::invalid(problem.path, problem.why))?;
    let Resource::Appointment(mut sent) = resource else {
        return Err(Refusal::invalid(
            "$this.resourceType",
            "this is the address of an Appointment",
        )
        .into());
    };
    let Resource::Appointment(known) = render(current, base)? else {
        return Err(Refusal::NotFound.into());
    };
    if sent.id != known.id {
        return Err(Refusal::invalid("Appointment.id", "this is not the id in the URL").into());
    }
    if sent.status != AppointmentStatus::Cancelled {
        return Err(Refusal::invalid("Appointment.status", ONLY_CANCELLED).into());
    }
    let reason = reason(&mut sent)?;
    unchanged(&mut sent, &known)?;
    cancellation(current.id(), &reason)
}

/// A JSON Patch (RFC 6902) as the body of a PATCH: `status`, and a reason.
///
/// # Errors
/// `Invalid` with the FHIRPath of what is wrong or may not change; a `test` that fails is one of them.
pub fn patch(bytes: &[u8], current: &Record) -> Answer<Cancellation> {
    let Ok(Value::Array(operations)) = serde_json::from_slice(bytes) else {
        let why = "a JSON Patch is an array of operations";
        return Err(Refusal::invalid("$this", why).into());
    };
    if operations.len() > MOST_OPERATIONS {
        return Err(Refusal::TooLarge("A patch has at most 10 operations.").into());
    }
    let mut asked = Asked::default();
    for (index, operation) in operations.iter().enumerate() {
        apply(operation, index, current, &mut asked)?;
    }
    match asked.cancelled {
        true => cancellation(current.id(), &asked.reason.unwrap_or_default()),
        false => Err(Refusal::invalid("Appointment.status", ONLY_CANCELLED).into()),
    }
}

const ONLY_CANCELLED: &str = "the one thing that can be asked here is the status cancelled";

/// What the operations of a patch have asked for so far.
#[derive(Default)]
struct Asked {
    cancelled: bool,
    reason: Option<String>,
}

fn apply(
    operation: &Value,
    index: usize,
    current: &Record,
    asked: &mut Asked,
) -> Result<(), Refusal> {
    let place = format!("$this[{index}]");
    let text = |name: &str| operation.get(name).and_then(Value::as_str);
    let (Some(op), Some(path)) = (text("op"), text("path")) else {
        return Err(Refusal::invalid(place, "an operation has op and path"));
    };
    let place = element(path).unwrap_or(place);
    let Some(value) = operation.get("value") else {
        let why = "only add, replace and test are taken, and they have a value";
        return Err(Refusal::invalid(place, why));
    };
    match (op, path) {
        ("add" | "replace", "/status") if value == "cancelled" => asked.cancelled = true,
        ("add" | "replace", "/status") => {
            return Err(Refusal::invalid("Appointment.status", ONLY_CANCELLED));
        }
        ("test", "/status") => {
            // Operations apply in order (RFC 6902, 3): after the change the status is the new one.
            let known = match asked.cancelled {
                true => "cancelled",
                false => status(current),
            };
            if value != known {
                return Err(Refusal::invalid("Appointment.status", "the test failed"));
            }
        }
        ("add" | "replace", "/cancelationReason") => {
            let members = value.as_object().map(|members| members.len());
            let words = value.get("text").and_then(Value::as_str);
            match (members, words) {
                (Some(1), Some(words)) => asked.reason = Some(words.to_owned()),
                _ => return Err(Refusal::invalid(REASON, ONLY_WORDS)),
            }
        }
        ("add" | "replace", "/cancelationReason/text") => match value.as_str() {
            Some(words) => asked.reason = Some(words.to_owned()),
            None => return Err(Refusal::invalid(REASON, ONLY_WORDS)),
        },
        ("add" | "replace" | "test", _) => {
            let why = "only /status and /cancelationReason may be patched";
            return Err(Refusal::invalid(place, why));
        }
        _ => {
            return Err(Refusal::invalid(
                place,
                "only add, replace and test are taken",
            ));
        }
    }
    Ok(())
}

/// The element a JSON Pointer is about, by name; `None` for a pointer that names none.
fn element(path: &str) -> Option<String> {
    let name = path.strip_prefix('/')?.split('/').next()?;
    let plain =
        !name.is_empty() && name.len() <= 40 && name.bytes().all(|b| b.is_ascii_alphabetic());
    plain.then(|| format!("Appointment.{name}"))
}

const REASON: &str = "Appointment.cancelationReason";
const ONLY_WORDS: &str = "only text can be kept here";

fn status(current: &Record) -> &'static str {
    match current {
        Record::Appointment(visit) => visit.status.code(),
        _ => "",
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

/// Refuses by name everything that differs, the reason having been taken out.
fn unchanged(sent: &mut Appointment, known: &Appointment) -> Result<(), Refusal> {
    let changed: Vec<String> = FIXED
        .iter()
        .filter(|(_, same)| !same(sent, known))
        .map(|(name, _)| format!("Appointment.{name}"))
        .collect();
    if let Some(first) = changed.first() {
        let why = format!(
            "a patient may change the status only, not {}",
            changed.join(", ")
        );
        return Err(Refusal::invalid(first, why));
    }
    // What is left to differ are ids and extensions of primitive elements.
    sent.meta.clone_from(&known.meta);
    sent.status.clone_from(&known.status);
    match sent == known {
        true => Ok(()),
        false => Err(Refusal::invalid(
            "Appointment",
            "extensions of its elements cannot be kept",
        )),
    }
}

fn cancellation(uuid: Uuid, reason: &str) -> Answer<Cancellation> {
    let control = |letter: char| letter.is_control() && !matches!(letter, '\t' | '\r' | '\n');
    if reason.contains(control) {
        return Err(Refusal::invalid(REASON, "a text must not have control characters").into());
    }
    if reason.chars().count() > MOST_LETTERS {
        return Err(Refusal::invalid(REASON, "a reason has at most 1000 letters").into());
    }
    Ok(Cancellation {
        uuid,
        seen: None,
        reason: reason.trim().to_owned(),
    })
}

#[cfg(test)]
mod tests;
