//! Communication: one secure message in the patient's mailbox, sent or received.

use fhir_sdk::r4b::codes::EventStatus;
use fhir_sdk::r4b::resources;
use fhir_sdk::r4b::resources::CommunicationPayload;
use fhir_sdk::r4b::resources::CommunicationPayloadContent;
use fhir_sdk::r4b::types::ExtensionValue;
use fhir_sdk::r4b::types::Meta;
use fhir_sdk::r4b::types::Reference;

use crate::domain::ResourceType;
use crate::domain::people::Code;
use crate::domain::query::Field;
use crate::domain::records::Communication;
use crate::domain::records::MESSAGE;
use crate::domain::records::Party;
use crate::domain::scope::Interaction;
use crate::fhir::READ_ONLY;
use crate::fhir::Served;
use crate::fhir::parameter;
use crate::fhir::parameter::ID;
use crate::fhir::parameter::LAST_UPDATED;
use crate::fhir::parameter::Meaning;
use crate::fhir::parameter::Parameter;
use crate::fhir::wire;
use crate::fhir::wire::Built;

/// Communication as it is served.
pub static SERVED: Served = Served {
    kind: ResourceType::Communication,
    profile: None,
    prose: "The patient's copy of each secure message between patient and staff, as plain text.",
    interactions: &[Interaction::Read, Interaction::Search],
    parameters: &[
        ID,
        LAST_UPDATED,
        parameter::patient("http://hl7.org/fhir/SearchParameter/Communication-patient"),
        Parameter {
            name: "subject",
            meaning: Meaning::Patient,
            definition: "http://hl7.org/fhir/SearchParameter/Communication-subject",
            values: |_| Vec::new(),
        },
        Parameter {
            name: "sent",
            meaning: Meaning::Date(Field::Date),
            definition: "http://hl7.org/fhir/SearchParameter/Communication-sent",
            values: |_| Vec::new(),
        },
        Parameter {
            name: "status",
            meaning: Meaning::Token(Field::Status),
            definition: "http://hl7.org/fhir/SearchParameter/Communication-status",
            values: |_| Vec::new(),
        },
        Parameter {
            name: "category",
            meaning: Meaning::Token(Field::Category),
            definition: "http://hl7.org/fhir/SearchParameter/Communication-category",
            values: |_| Vec::new(),
        },
    ],
    order: "",
    create: READ_ONLY,
    update: READ_ONLY,
    operations: &[],
};

/// Whether the patient has read it.
const READ: &str = "https://anteroom.dev/fhir/StructureDefinition/message-read";

/// Whether the patient has put it away.
const ARCHIVED: &str = "https://anteroom.dev/fhir/StructureDefinition/message-archived";

pub(super) fn render(message: &Communication, meta: Meta) -> Built<resources::Communication> {
    let category = wire::concept(&Code {
        system: MESSAGE.0,
        code: MESSAGE.1.to_owned(),
        display: "Secure message".to_owned(),
    })?;
    let patient = wire::reference(ResourceType::Patient, message.person.uuid, "")?;
    let mut resource = resources::Communication::builder()
        .id(message.uuid.to_string())
        .meta(meta)
        .extension(vec![
            wire::extension(READ, ExtensionValue::Boolean(message.read))?,
            wire::extension(ARCHIVED, ExtensionValue::Boolean(message.archived))?,
        ])
        .status(EventStatus::Completed)
        .category(wire::list([category]))
        .subject(patient)
        .build()?;
    if wire::clean(&message.title).is_some() {
        resource.topic = Some(wire::words(&message.title)?);
    }
    if let Some(first) = message.thread {
        let first = wire::reference(ResourceType::Communication, first, "")?;
        resource.part_of = wire::list([first]);
    }
    resource.sent = message.sent.map(wire::date_time);
    resource.sender = party(&message.sender)?;
    resource.recipient = wire::list(party(&message.recipient)?);
    if let Some(text) = wire::clean(&message.body) {
        let payload = CommunicationPayload::builder()
            .content(CommunicationPayloadContent::String(text))
            .build()?;
        resource.payload = wire::list([payload]);
    }
    Ok(resource)
}

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
