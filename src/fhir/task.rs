//! Task: what a patient sent and staff have to look through, and the forms a patient is asked to fill in.

use fhir_sdk::r4b::codes::TaskIntent;
use fhir_sdk::r4b::codes::TaskStatus;
use fhir_sdk::r4b::resources;
use fhir_sdk::r4b::resources::TaskInput;
use fhir_sdk::r4b::resources::TaskInputValue;
use fhir_sdk::r4b::resources::TaskOutput;
use fhir_sdk::r4b::resources::TaskOutputValue;
use fhir_sdk::r4b::types::Annotation;
use fhir_sdk::r4b::types::Meta;
use fhir_sdk::r4b::types::Reference;

use crate::domain::ResourceType;
use crate::domain::people::Code;
use crate::domain::records::Record;
use crate::domain::scope::Interaction;
use crate::domain::tasks::Asked;
use crate::domain::tasks::Owner;
use crate::domain::tasks::Progress;
use crate::domain::tasks::TASK_CODES;
use crate::domain::tasks::Task;
use crate::fhir::Served;
use crate::fhir::Writable;
use crate::fhir::parameter;
use crate::fhir::parameter::ID;
use crate::fhir::parameter::Indexed;
use crate::fhir::parameter::Meaning;
use crate::fhir::parameter::Parameter;
use crate::fhir::parameter::UPDATED;
use crate::fhir::wire;
use crate::fhir::wire::Built;

/// What the type of an output begins with that says what was not taken over; the element follows.
pub(super) const REFUSED: &str = "refused: ";

/// The type of an output that says which category a document is filed under.
pub(super) const CATEGORY: &str = "category";

/// `Task.businessStatus` where not all was taken over.
const IN_PART: &str = "Taken over in part";

/// Why a part was not taken over, where nobody said.
const UNSAID: &str = "The practice did not take this over.";

/// Task as it is served.
pub static SERVED: Served = Served {
    kind: ResourceType::Task,
    profile: None,
    prose: "What waits: a patient's changes for staff to look through, forms for the patient, requests for visits. Staff put a \
        form before a patient with a new Task: status requested, intent order, code review-form, the Questionnaire as focus, \
        the patient as for; an input of the type text category, with the name as valueString, files it elsewhere than \
        the Questionnaire says. What is made has the form as focus, a DocumentReference. Staff set \
        status to completed, which takes the change over, or to rejected with statusReason.text; a patient sets an own \
        waiting one to cancelled. Task.input says what is to change, as before: and after: with the element. To refuse a \
        part of it, staff complete the Task with an output each, of the type text refused: with the element, and why as \
        valueString. A document that is accepted may be filed elsewhere, with an output of the type text category and \
        its name. A request for a visit is answered, and called off, at \
        the Appointment in focus.",
    interactions: &[
        Interaction::Create,
        Interaction::Read,
        Interaction::Update,
        Interaction::Search,
    ],
    parameters: &[
        ID,
        UPDATED,
        parameter::patient("http://hl7.org/fhir/SearchParameter/Task-patient"),
        Parameter {
            name: "subject",
            ..parameter::patient("http://hl7.org/fhir/SearchParameter/Task-subject")
        },
        Parameter {
            name: "status",
            meaning: Meaning::Tokens,
            definition: "http://hl7.org/fhir/SearchParameter/Task-status",
            values: |record| {
                work(record, |task| {
                    vec![Indexed::token(
                        "http://hl7.org/fhir/task-status",
                        task.progress.code(),
                    )]
                })
            },
        },
        Parameter {
            name: "code",
            meaning: Meaning::Tokens,
            definition: "http://hl7.org/fhir/SearchParameter/Task-code",
            values: |record| {
                work(record, |task| {
                    let (code, display) = task.work.code();
                    vec![Indexed::Token(
                        TASK_CODES.to_owned(),
                        code.to_owned(),
                        display.to_owned(),
                    )]
                })
            },
        },
        Parameter {
            name: "owner",
            meaning: Meaning::References(&[ResourceType::Patient, ResourceType::Practitioner]),
            definition: "http://hl7.org/fhir/SearchParameter/Task-owner",
            values: |record| {
                work(record, |task| match &task.owner {
                    Owner::Patient => {
                        Indexed::reference(ResourceType::Patient, Some(task.person.uuid))
                    }
                    Owner::Staff(id, _) => Indexed::reference(ResourceType::Practitioner, *id),
                    Owner::Desk => Vec::new(),
                })
            },
        },
        Parameter {
            name: "requester",
            meaning: Meaning::References(&[ResourceType::Patient]),
            definition: "http://hl7.org/fhir/SearchParameter/Task-requester",
            values: |record| {
                work(record, |task| {
                    let id = task.by_patient.then_some(task.person.uuid);
                    Indexed::reference(ResourceType::Patient, id)
                })
            },
        },
        Parameter {
            name: "focus",
            meaning: Meaning::References(&[
                ResourceType::Patient,
                ResourceType::Coverage,
                ResourceType::DocumentReference,
                ResourceType::Appointment,
            ]),
            definition: "http://hl7.org/fhir/SearchParameter/Task-focus",
            values: |record| {
                work(record, |task| match task.focus {
                    Some((kind, id)) => Indexed::reference(kind, Some(id)),
                    None => Vec::new(),
                })
            },
        },
        Parameter {
            name: "authored-on",
            meaning: Meaning::Dates,
            definition: "http://hl7.org/fhir/SearchParameter/Task-authored-on",
            values: |record| work(record, |task| Indexed::moment(task.authored)),
        },
        Parameter {
            name: "modified",
            meaning: Meaning::Dates,
            definition: "http://hl7.org/fhir/SearchParameter/Task-modified",
            values: |record| work(record, |task| Indexed::moment(task.last_updated)),
        },
    ],
    order: "-authored-on",
    create: Writable {
        patient: &[],
        staff: &["status", "intent", "code", "focus", "for", "input"],
    },
    update: Writable {
        patient: &["status"],
        staff: &["status", "statusReason", "output"],
    },
    operations: &[(
        "validate",
        "http://hl7.org/fhir/OperationDefinition/Resource-validate",
    )],
};

fn work(record: &Record, of: impl Fn(&Task) -> Vec<Indexed>) -> Vec<Indexed> {
    match record {
        Record::Task(task) => of(task),
        _ => Vec::new(),
    }
}

pub(super) fn render(task: &Task, meta: Meta) -> Built<resources::Task> {
    let (code, display) = task.work.code();
    let patient = wire::reference(ResourceType::Patient, task.person.uuid, &task.patient_name)?;
    let mut resource = resources::Task::builder()
        .id(task.uuid.to_string())
        .meta(meta)
        .status(status(task.progress))
        // fhir-sdk knows one code of the required list only, and keeps the others as they are.
        .intent(TaskIntent::_Custom("order".to_owned()))
        .code(wire::concept(&Code {
            system: TASK_CODES,
            code: code.to_owned(),
            display: display.to_owned(),
        })?)
        .r#for(patient.clone())
        .build()?;
    resource.description = wire::clean(&task.description);
    resource.focus = match task.focus {
        Some((kind, id)) => Some(wire::reference(kind, id, "")?),
        None => None,
    };
    resource.authored_on = task.authored.map(wire::date_time);
    resource.last_modified = task.last_updated.map(wire::date_time);
    resource.requester = task.by_patient.then(|| patient.clone());
    resource.owner = match &task.owner {
        Owner::Desk => None,
        Owner::Patient => Some(patient),
        Owner::Staff(Some(id), name) => {
            Some(wire::reference(ResourceType::Practitioner, *id, name)?)
        }
        Owner::Staff(None, name) => named(name)?,
    };
    if let Some(reason) = wire::clean(&task.reason) {
        resource.status_reason = Some(wire::words(&reason)?);
    }
    if let Some(note) = wire::clean(&task.note) {
        let note = Annotation::builder().text(note).build()?;
        resource.note = wire::list([note]);
    }
    for asked in &task.asked {
        for input in inputs(asked)? {
            resource.input.push(Some(input));
        }
    }
    for (element, why) in &task.refused {
        let why = wire::clean(why).unwrap_or_else(|| UNSAID.to_owned());
        let output = TaskOutput::builder()
            .r#type(wire::words(&format!("{REFUSED}{element}"))?)
            .value(TaskOutputValue::String(why));
        resource.output.push(Some(output.build()?));
    }
    if task.progress == Progress::Completed && !task.refused.is_empty() {
        resource.business_status = Some(wire::words(IN_PART)?);
    }
    Ok(resource)
}

fn status(progress: Progress) -> TaskStatus {
    match progress {
        Progress::Requested => TaskStatus::Requested,
        Progress::InProgress => TaskStatus::InProgress,
        Progress::Completed => TaskStatus::Completed,
        Progress::Rejected => TaskStatus::Rejected,
        Progress::Cancelled => TaskStatus::Cancelled,
    }
}

/// Somebody who is known by name alone.
fn named(name: &str) -> Built<Option<Reference>> {
    let name = wire::clean(name);
    name.map(|name| Reference::builder().display(name).build())
        .transpose()
}

/// `before: X` and `after: X` for a change, one of them where the other is nothing.
fn inputs(asked: &Asked) -> Built<Vec<TaskInput>> {
    let mut inputs = Vec::with_capacity(2);
    for (when, value) in [("before", &asked.before), ("after", &asked.after)] {
        let Some(value) = wire::clean(value) else {
            continue;
        };
        let words = wire::words(&format!("{when}: {}", asked.element))?;
        let input = TaskInput::builder()
            .r#type(words)
            .value(TaskInputValue::String(value));
        inputs.push(input.build()?);
    }
    Ok(inputs)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::people::Person;
    use crate::domain::tasks::Work;
    use time::macros::datetime;
    use uuid::Uuid;

    fn task() -> Task {
        Task {
            uuid: Uuid::from_u128(1),
            person: Person {
                pid: 1,
                uuid: Uuid::from_u128(2),
            },
            patient_name: "Ana Kim".to_owned(),
            work: Work::Profile,
            progress: Progress::Rejected,
            description: "Changes".to_owned(),
            focus: Some((ResourceType::Patient, Uuid::from_u128(2))),
            by_patient: true,
            owner: Owner::Staff(None, "Sam Lee".to_owned()),
            asked: vec![
                Asked {
                    element: "Patient.address.line".to_owned(),
                    before: "1 Elm".to_owned(),
                    after: "2 Oak".to_owned(),
                },
                Asked {
                    element: "Patient.contact.name".to_owned(),
                    before: "Joe".to_owned(),
                    after: String::new(),
                },
            ],
            note: String::new(),
            reason: "No proof".to_owned(),
            refused: Vec::new(),
            stand: String::new(),
            authored: Some(datetime!(2026-11-20 14:00 UTC)),
            last_updated: None,
        }
    }

    #[test]
    fn what_was_asked_and_why_it_was_refused_can_be_read() {
        let meta = Meta::builder().build().expect("meta");
        let resource = render(&task(), meta).expect("renders");
        let bytes = fhir_encode::encode(&resource.into()).expect("encodes");
        let json: serde_json::Value = serde_json::from_slice(&bytes).expect("JSON");
        assert_eq!(json["status"], "rejected");
        assert_eq!(json["intent"], "order");
        assert_eq!(json["statusReason"]["text"], "No proof");
        assert_eq!(
            json["input"][0]["type"]["text"],
            "before: Patient.address.line"
        );
        assert_eq!(json["input"][0]["valueString"], "1 Elm");
        assert_eq!(json["input"][1]["valueString"], "2 Oak");
        assert_eq!(
            json["input"][2]["type"]["text"],
            "before: Patient.contact.name"
        );
        assert_eq!(json["input"].as_array().map(Vec::len), Some(3));
        assert_eq!(json["owner"]["display"], "Sam Lee");
    }

    #[test]
    fn f148_what_was_not_taken_over_can_be_read_with_why() {
        let meta = Meta::builder().build().expect("meta");
        let mut task = task();
        task.progress = Progress::Completed;
        task.refused = vec![("Patient.contact.name".to_owned(), "Ask Joe".to_owned())];
        let resource = render(&task, meta).expect("renders");
        let bytes = fhir_encode::encode(&resource.into()).expect("encodes");
        let json: serde_json::Value = serde_json::from_slice(&bytes).expect("JSON");
        assert_eq!(json["businessStatus"]["text"], "Taken over in part");
        assert_eq!(
            json["output"][0]["type"]["text"],
            "refused: Patient.contact.name"
        );
        assert_eq!(json["output"][0]["valueString"], "Ask Joe");
    }
}
