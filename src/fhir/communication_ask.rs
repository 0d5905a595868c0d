//! What a body may ask about messages: a new one, or marks on the own copy of one.

use fhir_sdk::r4b::codes::EventStatus;
use fhir_sdk::r4b::resources::Communication;
use fhir_sdk::r4b::resources::CommunicationPayload;
use fhir_sdk::r4b::resources::CommunicationPayloadContent;
use fhir_sdk::r4b::resources::Resource;
use fhir_sdk::r4b::types::CodeableConcept;
use fhir_sdk::r4b::types::Extension;
use fhir_sdk::r4b::types::ExtensionValue;
use fhir_sdk::r4b::types::Reference;
use uuid::Uuid;

use crate::domain::ResourceType;
use crate::domain::records;
use crate::domain::records::MESSAGE;
use crate::domain::records::Record;
use crate::domain::refusal::Refusal;
use crate::fhir::Base;
use crate::fhir::ask::Role;
use crate::fhir::ask::Sent;
use crate::fhir::communication::ARCHIVED;
use crate::fhir::communication::READ;
use crate::fhir::refers;
use crate::portal::Ask;
use crate::portal::message::Letter;
use crate::portal::message::Mark;
use crate::portal::message::MessageAsk;

/// What the column of the title holds.
const LONGEST_TITLE: usize = 255;

/// More than anybody writes; a longer text is a document.
const LONGEST_BODY: usize = 100_000;

const NOT_YOU: &str = "A message is about the patient of the token, and written by its user.";

/// The Ask of a message that was sent.
///
/// # Errors
/// `Invalid` at the element that cannot be kept, `Forbidden` where it is somebody else's message.
pub(super) fn of(sent: Sent<'_>, base: &Base) -> Result<Ask, Refusal> {
    let Resource::Communication(message) = &sent.resource else {
        let why = "this is the address of a Communication";
        return Err(Refusal::invalid("$this.resourceType", why));
    };
    let ask = match sent.before {
        None => MessageAsk::Send(letter(message, sent.role, base)?),
        Some(Record::Communication(before)) => MessageAsk::Mark(marks(&message.extension, before)?),
        Some(_) => return Err(Refusal::NotFound),
    };
    Ok(Ask::Message(ask))
}

fn letter(message: &Communication, role: Role, base: &Base) -> Result<Letter, Refusal> {
    if message.status != EventStatus::Completed {
        let why = "a message is sent at once: its status is completed";
        return Err(Refusal::invalid("Communication.status", why));
    }
    let known = |concept: &CodeableConcept| {
        concept.coding.iter().flatten().any(|coding| {
            coding.system.as_deref() == Some(MESSAGE.0) && coding.code.as_deref() == Some(MESSAGE.1)
        })
    };
    if !message.category.is_empty()
        && !matches!(message.category.as_slice(), [Some(one)] if known(one))
    {
        let why = format!(
            "leave it out, or give the one category {}|{}",
            MESSAGE.0, MESSAGE.1
        );
        return Err(Refusal::invalid("Communication.category", why));
    }
    let (patient, colleague) = ends(message, role, base)?;
    Ok(Letter {
        patient,
        colleague,
        answered: answered(&message.in_response_to, base)?,
        title: title(message.topic.as_ref())?,
        body: body(&message.payload)?,
    })
}

/// The patient, and for a patient's message whom it is for. Subject and sender are the token's own, or left out.
fn ends(message: &Communication, role: Role, base: &Base) -> Result<(Uuid, Option<Uuid>), Refusal> {
    const PATIENT: &[ResourceType] = &[ResourceType::Patient];
    const STAFF: &[ResourceType] = &[ResourceType::Practitioner];
    let subject = message
        .subject
        .as_ref()
        .map(|subject| refers::target(subject, "Communication.subject", PATIENT, base))
        .transpose()?;
    let sender = message
        .sender
        .as_ref()
        .map(|sender| {
            refers::target(
                sender,
                "Communication.sender",
                match role {
                    Role::Patient(_) => PATIENT,
                    Role::Staff => STAFF,
                },
                base,
            )
        })
        .transpose()?;
    let [Some(recipient)] = message.recipient.as_slice() else {
        let why = "a message is for exactly one";
        return Err(Refusal::invalid("Communication.recipient", why));
    };
    let wanted = match role {
        Role::Patient(_) => STAFF,
        Role::Staff => PATIENT,
    };
    let (_, recipient) = refers::target(recipient, "Communication.recipient[0]", wanted, base)?;
    let other = |named: Option<(ResourceType, Uuid)>, own: Uuid| {
        named.is_some_and(|(_, named)| named != own)
    };
    match role {
        Role::Patient(person) => match other(subject, person.uuid) || other(sender, person.uuid) {
            true => Err(Refusal::Forbidden(NOT_YOU)),
            false => Ok((person.uuid, Some(recipient))),
        },
        Role::Staff if other(subject, recipient) => {
            let why = "staff write to the patient the message is about";
            Err(Refusal::invalid("Communication.subject", why))
        }
        // Who of the staff writes is in the token; the writing room compares it.
        Role::Staff => Ok((recipient, sender.map(|(_, sender)| sender))),
    }
}

fn answered(named: &[Option<Reference>], base: &Base) -> Result<Option<Uuid>, Refusal> {
    const MESSAGES: &[ResourceType] = &[ResourceType::Communication];
    match named {
        [] => Ok(None),
        [Some(one)] => refers::target(one, "Communication.inResponseTo[0]", MESSAGES, base)
            .map(|(_, id)| Some(id)),
        _ => {
            let why = "one message can be answered at a time";
            Err(Refusal::invalid("Communication.inResponseTo", why))
        }
    }
}

fn title(topic: Option<&CodeableConcept>) -> Result<String, Refusal> {
    let Some(topic) = topic else {
        return Ok(String::new());
    };
    let place = "Communication.topic";
    if !topic.coding.is_empty() || !topic.extension.is_empty() || topic.id.is_some() {
        let why = "a title is words: only topic.text can be kept";
        return Err(Refusal::invalid(place, why));
    }
    let title = topic.text.as_deref().unwrap_or_default().trim();
    if title.contains(char::is_control) {
        let why = "a title is one line, without control characters";
        return Err(Refusal::invalid("Communication.topic.text", why));
    }
    match title.chars().count() > LONGEST_TITLE {
        true => {
            let why = "a title has at most 255 letters";
            Err(Refusal::invalid("Communication.topic.text", why))
        }
        false => Ok(title.to_owned()),
    }
}

fn body(payload: &[Option<CommunicationPayload>]) -> Result<String, Refusal> {
    let place = "Communication.payload";
    let [Some(payload)] = payload else {
        let why = "a message has one payload with its text as contentString";
        return Err(Refusal::invalid(place, why));
    };
    let CommunicationPayloadContent::String(text) = &payload.content else {
        let why = "a message is text (contentString): send a file as a DocumentReference of its own, and name it in the text";
        return Err(Refusal::invalid("Communication.payload[0].content", why));
    };
    if !payload.extension.is_empty()
        || !payload.modifier_extension.is_empty()
        || payload.id.is_some()
    {
        return Err(Refusal::invalid(place, "only contentString can be kept"));
    }
    let place = "Communication.payload[0].contentString";
    let control = |letter: char| letter.is_control() && !matches!(letter, '\t' | '\r' | '\n');
    if text.contains(control) {
        return Err(Refusal::invalid(
            place,
            "a text must not have control characters",
        ));
    }
    let text = text.trim();
    match text.chars().count() {
        0 => Err(Refusal::invalid(place, "an empty message is not sent")),
        1..=LONGEST_BODY => Ok(text.to_owned()),
        _ => Err(Refusal::invalid(
            place,
            "a message has at most 100,000 letters",
        )),
    }
}

/// The two extensions, each with its value; whatever else stands there is refused.
fn marks(sent: &[Extension], before: &records::Communication) -> Result<Mark, Refusal> {
    let place = "Communication.extension";
    let (mut read, mut archived) = (None, None);
    for extension in sent {
        let mark = match extension.url.as_str() {
            READ => &mut read,
            ARCHIVED => &mut archived,
            _ => {
                let why = format!("only {READ} and {ARCHIVED} can be kept");
                return Err(Refusal::invalid(place, why));
            }
        };
        let bare = extension.extension.is_empty() && extension.id.is_none();
        match extension.value {
            Some(ExtensionValue::Boolean(value)) if bare && mark.is_none() => *mark = Some(value),
            _ => {
                let why = "each of the two stands once, with a valueBoolean";
                return Err(Refusal::invalid(place, why));
            }
        }
    }
    let (Some(read), Some(archived)) = (read, archived) else {
        let why = "a mark is changed to false, not removed";
        return Err(Refusal::invalid(place, why));
    };
    Ok(Mark {
        message: before.uuid,
        read,
        archived,
    })
}

#[cfg(test)]
mod tests;
