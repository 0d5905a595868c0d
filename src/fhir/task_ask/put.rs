//! A new Task of staff: a form is put before a patient.

use fhir_sdk::r4b::codes::TaskStatus;
use fhir_sdk::r4b::resources::Task;
use fhir_sdk::r4b::resources::TaskInputValue;
use fhir_sdk::r4b::types::CodeableConcept;

use super::checked;
use super::words;
use crate::domain::ResourceType;
use crate::domain::refusal::Refusal;
use crate::domain::tasks::TASK_CODES;
use crate::domain::tasks::Work;
use crate::fhir::Base;
use crate::fhir::refers;
use crate::fhir::task::CATEGORY;
use crate::portal::Ask;
use crate::portal::form::FormAsk;

/// What it must be: the Task as it reads afterwards.
const ORDER: &str = "order";

/// The Ask of a new Task.
///
/// # Errors
/// `Invalid` at the element that cannot be taken as it is.
pub(super) fn of(task: &Task, base: &Base) -> Result<Ask, Refusal> {
    if task.status != TaskStatus::Requested {
        let why = "a form is requested of a patient";
        return Err(Refusal::invalid("Task.status", why));
    }
    let intent: &str = task.intent.as_ref();
    if intent != ORDER {
        let why = "a form is put before a patient with the intent order";
        return Err(Refusal::invalid("Task.intent", why));
    }
    if !task.code.as_ref().is_some_and(is_form) {
        let (code, _) = Work::Form.code();
        let why = format!("staff put forms before patients: this is {TASK_CODES}|{code}");
        return Err(Refusal::invalid("Task.code", why));
    }
    let (Some(focus), Some(patient)) = (&task.focus, &task.r#for) else {
        let place = match task.focus {
            None => "Task.focus",
            Some(_) => "Task.for",
        };
        let why = "give the Questionnaire as focus, and the patient as for";
        return Err(Refusal::invalid(place, why));
    };
    let (_, template) = refers::target(focus, "Task.focus", &[ResourceType::Questionnaire], base)?;
    let (_, patient) = refers::target(patient, "Task.for", &[ResourceType::Patient], base)?;
    let mut category = None;
    for (place, input) in task.input.iter().flatten().enumerate() {
        let place = format!("Task.input[{place}]");
        let named = words(&input.r#type, &format!("{place}.type"))?;
        match &input.value {
            TaskInputValue::String(said) if named == CATEGORY && category.is_none() => {
                category = Some(checked(said, &format!("{place}.valueString"))?);
            }
            _ => {
                let why =
                    "the one input is of the type.text category, with its name as valueString";
                return Err(Refusal::invalid(place, why));
            }
        }
    }
    Ok(Ask::Form(Box::new(FormAsk::Put {
        patient,
        template,
        category: category.unwrap_or_default(),
    })))
}

/// Whether it is the code our own Tasks of forms have.
fn is_form(concept: &CodeableConcept) -> bool {
    let (code, display) = Work::Form.code();
    let mut codings = concept.coding.iter().flatten();
    let ours = codings.next().is_some_and(|coding| {
        coding.system.as_deref() == Some(TASK_CODES) && coding.code.as_deref() == Some(code)
    });
    let bare = concept.text.as_deref().is_none_or(|text| text == display);
    ours && bare && codings.next().is_none()
}
