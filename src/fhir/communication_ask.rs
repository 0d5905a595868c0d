//! What a body may ask about messages: a new one, or marks on the own copy of one.

mod payload;

use fhir_sdk::r4b::codes::EventStatus;
use fhir_sdk::r4b::resources::Communication;
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
use crate::domain::records::Topic;
use crate::domain::refusal::Refusal;
use crate::fhir::Base;
use crate::fhir::ask::Role;
use crate::fhir::ask::Sent;
use crate::fhir::communication;
use crate::fhir::communication::ARCHIVED;
use crate::fhir::communication::DONE;
use crate::fhir::communication::READ;
use crate::fhir::refers;
use crate::portal::Ask;
use crate::portal::message::Letter;
use crate::portal::message::Mark;
use crate::portal::message::MessageAsk;

/// What the column of the title holds.
const LONGEST_TITLE: usize = 255;

const THEIRS: &str =
    "Whether the patient has read a message or put it away is the patient's to say.";

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
        None => MessageAsk::Send(letter(message, (sent.id, sent.role), base)?),
        Some(Record::Communication(before)) => {
            MessageAsk::Mark(marks(&message.extension, (before, sent.role))?)
        }
        Some(_) => return Err(Refusal::NotFound),
    };
    Ok(Ask::Message(ask))
}

fn letter(
    message: &Communication,
    (id, role): (Uuid, Role),
    base: &Base,
) -> Result<Letter, Refusal> {
    if message.status != EventStatus::Completed {
        let why = "a message is sent at once: its status is completed";
        return Err(Refusal::invalid("Communication.status", why));
    }
    let (patient, colleague) = ends(message, role, base)?;
    let payload = payload::of(&message.payload, (id, patient), base)?;
    Ok(Letter {
        patient,
        colleague,
        answered: answered(&message.in_response_to, base)?,
        title: title(message.topic.as_ref())?,
        topic: topic(&message.category)?,
        body: payload.body,
        enclosed: payload.enclosed,
    })
}

/// What it is about: beside the category of every message at most one more.
fn topic(categories: &[Option<CodeableConcept>]) -> Result<Option<Topic>, Refusal> {
    let mut found = None;
    for category in categories.iter().flatten() {
        let codes = category.coding.iter().flatten();
        let ours = codes.filter(|coding| coding.system.as_deref() == Some(MESSAGE.0));
        let codes: Vec<&str> = ours.filter_map(|coding| coding.code.as_deref()).collect();
        let topic = match codes.as_slice() {
            [code] if *code == MESSAGE.1 => continue,
            [code] => Topic::of(code),
            _ => None,
        };
        if topic.is_none() || found.is_some() {
            let known: Vec<&str> = Topic::ALL.iter().map(|(_, code, _)| *code).collect();
            let why = format!(
                "leave it out, or give {}|{} and at most one of {}",
                MESSAGE.0,
                MESSAGE.1,
                known.join(", ")
            );
            return Err(Refusal::invalid("Communication.category", why));
        }
        found = topic;
    }
    Ok(found)
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

/// The three extensions, each with its value; whatever else stands there is refused. What a patient notes is the patient's
/// to change; staff complete a message in their own mailbox.
fn marks(
    sent: &[Extension],
    (before, role): (&records::Communication, Role),
) -> Result<Mark, Refusal> {
    let place = "Communication.extension";
    let (mut read, mut archived, mut done) = (None, None, None);
    for extension in sent {
        let mark = match extension.url.as_str() {
            READ => &mut read,
            ARCHIVED => &mut archived,
            DONE => &mut done,
            _ => {
                let why = format!("only {READ}, {ARCHIVED} and {DONE} can be kept");
                return Err(Refusal::invalid(place, why));
            }
        };
        let bare = extension.extension.is_empty() && extension.id.is_none();
        match extension.value {
            Some(ExtensionValue::Boolean(value)) if bare && mark.is_none() => *mark = Some(value),
            _ => {
                let why = "each of the three stands once, with a valueBoolean";
                return Err(Refusal::invalid(place, why));
            }
        }
    }
    let (Some(read), Some(archived), Some(done)) = (read, archived, done) else {
        let why = "a mark is changed to false, not removed";
        return Err(Refusal::invalid(place, why));
    };
    let was_done = communication::is_done(before);
    if was_done && !done {
        let why = "what is completed stays so: answer it, and there is something new";
        return Err(Refusal::invalid(place, why));
    }
    if role == Role::Staff && (read, archived) != (before.read, before.archived) {
        return Err(Refusal::Forbidden(THEIRS));
    }
    Ok(Mark {
        message: before.uuid,
        person: before.person,
        read,
        archived,
        completes: done && !was_done,
    })
}

#[cfg(test)]
mod tests;
