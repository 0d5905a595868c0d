//! Communication: one secure message in the patient's mailbox, sent or received.

use fhir_sdk::r4b::codes::EventStatus;
use fhir_sdk::r4b::codes::NarrativeStatus;
use fhir_sdk::r4b::resources;
use fhir_sdk::r4b::resources::CommunicationPayload;
use fhir_sdk::r4b::resources::CommunicationPayloadContent;
use fhir_sdk::r4b::types::ExtensionValue;
use fhir_sdk::r4b::types::Meta;
use fhir_sdk::r4b::types::Narrative;
use fhir_sdk::r4b::types::Reference;

use crate::domain::ResourceType;
use crate::domain::people::Code;
use crate::domain::query::Field;
use crate::domain::records::Communication;
use crate::domain::records::MESSAGE;
use crate::domain::records::Party;
use crate::domain::records::Record;
use crate::domain::scope::Interaction;
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

/// Communication as it is served.
pub static SERVED: Served = Served {
    kind: ResourceType::Communication,
    profile: None,
    prose: "The patient's copy of each secure message between patient and staff, as plain text and, in the narrative, as safe HTML. Patients write to staff \
        who take part in the portal, staff to patients whose portal is on: payload.contentString is the text, topic.text \
        the title, inResponseTo a message of the same mailbox whose thread (partOf) it joins. A text may be sent as HTML \
        instead (contentAttachment of text/html). Documents go along as contentReference to a DocumentReference of the \
        patient, or as contentAttachment with data, which is filed like an upload. A second category says what it is \
        about. Patients mark their copy as read, archived or done with the extensions, staff their own copy as done.",
    interactions: &[
        Interaction::Read,
        Interaction::Search,
        Interaction::Create,
        Interaction::Update,
    ],
    parameters: &[
        ID,
        LAST_UPDATED,
        parameter::patient("http://hl7.org/fhir/SearchParameter/Communication-patient"),
        Parameter {
            name: "subject",
            meaning: Meaning::Patient,
            definition: "http://hl7.org/fhir/SearchParameter/Communication-subject",
            values: |record| {
                of(record, |message| {
                    Indexed::reference(ResourceType::Patient, Some(message.person.uuid))
                })
            },
        },
        Parameter {
            name: "sent",
            meaning: Meaning::Date(Field::Date),
            definition: "http://hl7.org/fhir/SearchParameter/Communication-sent",
            values: |record| of(record, |message| Indexed::moment(message.sent)),
        },
        Parameter {
            name: "received",
            meaning: Meaning::Dates,
            definition: "http://hl7.org/fhir/SearchParameter/Communication-received",
            values: |record| of(record, |message| Indexed::moment(message.sent)),
        },
        Parameter {
            name: "status",
            meaning: Meaning::Token(Field::Status),
            definition: "http://hl7.org/fhir/SearchParameter/Communication-status",
            values: |_| vec![Indexed::token(STATUS, "completed")],
        },
        Parameter {
            name: "category",
            meaning: Meaning::Token(Field::Category),
            definition: "http://hl7.org/fhir/SearchParameter/Communication-category",
            values: |record| {
                of(record, |message| {
                    let topic = message.topic.map(|topic| (topic.code(), topic.display()));
                    let codes = [(MESSAGE.1, MESSAGE_WORDS)].into_iter().chain(topic);
                    let codes = codes.map(|(code, words)| {
                        Indexed::Token(MESSAGE.0.into(), code.into(), words.into())
                    });
                    codes.collect()
                })
            },
        },
        Parameter {
            name: "read",
            meaning: Meaning::Token(Field::Read),
            definition: "https://anteroom.dev/fhir/SearchParameter/communication-read",
            values: |record| of(record, |message| vec![indexes::boolean(message.read)]),
        },
        Parameter {
            name: "done",
            meaning: Meaning::Token(Field::Done),
            definition: "https://anteroom.dev/fhir/SearchParameter/communication-done",
            values: |record| of(record, |message| vec![indexes::boolean(is_done(message))]),
        },
        Parameter {
            name: "identifier",
            meaning: Meaning::Tokens,
            definition: "http://hl7.org/fhir/SearchParameter/Communication-identifier",
            values: |record| vec![indexes::urn(record.id())],
        },
        Parameter {
            name: "part-of",
            meaning: Meaning::References(&[ResourceType::Communication]),
            definition: "http://hl7.org/fhir/SearchParameter/Communication-part-of",
            values: |record| {
                of(record, |message| {
                    Indexed::reference(ResourceType::Communication, message.thread)
                })
            },
        },
        Parameter {
            name: "sender",
            meaning: Meaning::References(PARTIES),
            definition: "http://hl7.org/fhir/SearchParameter/Communication-sender",
            values: |record| of(record, |message| indexed(&message.sender)),
        },
        Parameter {
            name: "recipient",
            meaning: Meaning::References(PARTIES),
            definition: "http://hl7.org/fhir/SearchParameter/Communication-recipient",
            values: |record| of(record, |message| indexed(&message.recipient)),
        },
    ],
    order: "-sent",
    create: Writable {
        patient: NEW,
        staff: NEW,
    },
    update: Writable {
        patient: &["extension"],
        staff: &["extension"],
    },
    operations: &[(
        "validate",
        "http://hl7.org/fhir/OperationDefinition/Resource-validate",
    )],
};

/// What a new message may have.
const NEW: &[&str] = &[
    "status",
    "category",
    "subject",
    "topic",
    "sender",
    "recipient",
    "inResponseTo",
    "payload",
];

/// Who can be at either end.
const PARTIES: &[ResourceType] = &[ResourceType::Patient, ResourceType::Practitioner];

const STATUS: &str = "http://hl7.org/fhir/event-status";

pub(super) const MESSAGE_WORDS: &str = "Secure message";

/// What a message has under a parameter.
fn of(record: &Record, values: fn(&Communication) -> Vec<Indexed>) -> Vec<Indexed> {
    match record {
        Record::Communication(message) => values(message),
        _ => Vec::new(),
    }
}

fn indexed(party: &Party) -> Vec<Indexed> {
    match party {
        Party::Patient { person, .. } => {
            Indexed::reference(ResourceType::Patient, Some(person.uuid))
        }
        Party::Staff { uuid, .. } => Indexed::reference(ResourceType::Practitioner, Some(*uuid)),
        Party::Other(_) => Vec::new(),
    }
}

/// Whether the patient has read it.
pub(super) const READ: &str = "https://anteroom.dev/fhir/StructureDefinition/message-read";

/// Whether the patient has put it away.
pub(super) const ARCHIVED: &str = "https://anteroom.dev/fhir/StructureDefinition/message-archived";

/// Whether it is completed, by the patient or the practice.
pub(super) const DONE: &str = "https://anteroom.dev/fhir/StructureDefinition/message-done";

/// Whether somebody has completed a message.
pub(super) fn is_done(message: &Communication) -> bool {
    message.done || message.handled
}

pub(super) fn render(message: &Communication, meta: Meta) -> Built<resources::Communication> {
    let topic = message.topic.map(|topic| (topic.code(), topic.display()));
    let mut categories = Vec::new();
    for (code, display) in [(MESSAGE.1, MESSAGE_WORDS)].into_iter().chain(topic) {
        categories.push(wire::concept(&Code {
            system: MESSAGE.0,
            code: code.to_owned(),
            display: display.to_owned(),
        })?);
    }
    let patient = wire::reference(ResourceType::Patient, message.person.uuid, "")?;
    let mut resource = resources::Communication::builder()
        .id(message.uuid.to_string())
        .meta(meta)
        .extension(vec![
            wire::extension(READ, ExtensionValue::Boolean(message.read))?,
            wire::extension(ARCHIVED, ExtensionValue::Boolean(message.archived))?,
            wire::extension(DONE, ExtensionValue::Boolean(is_done(message)))?,
        ])
        .identifier(wire::list([wire::urn(message.uuid)?]))
        .status(EventStatus::Completed)
        .category(wire::list(categories))
        .subject(patient)
        .build()?;
    if wire::clean(&message.title).is_some() {
        resource.topic = Some(wire::words(&message.title)?);
    }
    if let Some(first) = message.thread {
        let first = wire::reference(ResourceType::Communication, first, "")?;
        resource.part_of = wire::list([first]);
    }
    // A message lies in the mailbox the moment it is sent.
    resource.sent = message.sent.map(wire::date_time);
    resource.received = message.sent.map(wire::date_time);
    resource.sender = party(&message.sender)?;
    resource.recipient = wire::list(party(&message.recipient)?);
    let mut contents = Vec::new();
    if let Some(text) = wire::clean(&message.body) {
        contents.push(CommunicationPayloadContent::String(text));
    }
    for one in &message.attached {
        let document = wire::reference(ResourceType::DocumentReference, one.document, &one.name)?;
        contents.push(CommunicationPayloadContent::Reference(document));
    }
    let mut payload = Vec::new();
    for content in contents {
        payload.push(CommunicationPayload::builder().content(content).build()?);
    }
    resource.payload = wire::list(payload);
    if !message.html.is_empty() {
        resource.text = Some(
            Narrative::builder()
                .status(NarrativeStatus::Additional)
                .div(format!("{NARRATIVE}{}</div>", message.html))
                .build()?,
        );
    }
    Ok(resource)
}

/// How a narrative begins (R4 narrative, 2.4.0).
const NARRATIVE: &str = "<div xmlns=\"http://www.w3.org/1999/xhtml\">";

/// A reference; for somebody known by name only the name; nothing where not even that is known.
fn party(party: &Party) -> Built<Option<Reference>> {
    match party {
        Party::Patient { person, name } => {
            wire::reference(ResourceType::Patient, person.uuid, name).map(Some)
        }
        Party::Staff { uuid, name } => {
            wire::reference(ResourceType::Practitioner, *uuid, name).map(Some)
        }
        Party::Other(name) => wire::clean(name)
            .map(|name| Reference::builder().display(name).build())
            .transpose(),
    }
}

#[cfg(test)]
mod tests;
