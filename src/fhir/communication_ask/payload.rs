//! What a message holds: its text, and the documents that go along.

use fhir_sdk::r4b::resources::CommunicationPayload;
use fhir_sdk::r4b::resources::CommunicationPayloadContent;
use uuid::Uuid;

use crate::domain::ResourceType;
use crate::domain::refusal::Refusal;
use crate::emr::html;
use crate::fhir::Base;
use crate::fhir::document_ask;
use crate::fhir::refers;
use crate::portal::document::Paper;
use crate::portal::document::Source;
use crate::portal::message::Body;
use crate::portal::message::Enclosure;

/// More than anybody writes; a longer text is a document.
const LONGEST_BODY: usize = 100_000;

/// Documents that go along at most.
const MOST: usize = 10;

/// The media type of a text that is sent as HTML.
const HTML: &str = "text/html";

/// What a message holds.
pub(super) struct Payload {
    pub(super) body: Body,
    pub(super) enclosed: Vec<Enclosure>,
}

/// Reads what a message holds. `id` is the one it was sent under, `patient` whose chart new documents go to.
///
/// # Errors
/// `Invalid` at the part that cannot be kept.
pub(super) fn of(
    sent: &[Option<CommunicationPayload>],
    (id, patient): (Uuid, Uuid),
    base: &Base,
) -> Result<Payload, Refusal> {
    const DOCUMENTS: &[ResourceType] = &[ResourceType::DocumentReference];
    let mut body = None;
    let mut enclosed = Vec::new();
    for (index, payload) in sent.iter().enumerate() {
        let Some(payload) = payload else { continue };
        let place = format!("Communication.payload[{index}]");
        if !payload.extension.is_empty()
            || !payload.modifier_extension.is_empty()
            || payload.id.is_some()
        {
            let why = "an id or extension of a payload is not kept";
            return Err(Refusal::invalid(place, why));
        }
        let said = match &payload.content {
            CommunicationPayloadContent::String(text) => Some(Body::Text(text_of(
                text,
                &format!("{place}.contentString"),
            )?)),
            CommunicationPayloadContent::Reference(document) => {
                let at = format!("{place}.contentReference");
                let (_, document) = refers::target(document, &at, DOCUMENTS, base)?;
                enclosed.push(Enclosure::Known(document));
                None
            }
            CommunicationPayloadContent::Attachment(attachment) => {
                let at = format!("{place}.contentAttachment");
                let (name, declared, bytes) = document_ask::attachment(attachment, &at)?;
                match declared == HTML {
                    true => Some(Body::Html(html_of(&bytes, &at)?)),
                    false => {
                        enclosed.push(Enclosure::New(Paper {
                            id: Uuid::new_v5(&id, place.as_bytes()),
                            patient,
                            name,
                            declared,
                            category: None,
                            bytes: Source::Inline(bytes),
                        }));
                        None
                    }
                }
            }
        };
        if body.is_some() && said.is_some() {
            let why =
                "a message has one text: a contentString, or a contentAttachment of text/html";
            return Err(Refusal::invalid(place, why));
        }
        body = body.or(said);
    }
    if enclosed.len() > MOST {
        let why = "at most ten documents go along with a message";
        return Err(Refusal::invalid("Communication.payload", why));
    }
    let Some(body) = body else {
        let why = "a message has a text: a contentString, or a contentAttachment of text/html";
        return Err(Refusal::invalid("Communication.payload", why));
    };
    Ok(Payload { body, enclosed })
}

fn text_of(text: &str, place: &str) -> Result<String, Refusal> {
    let control = |letter: char| letter.is_control() && !matches!(letter, '\t' | '\r' | '\n');
    if text.contains(control) {
        let why = "a text must not have control characters";
        return Err(Refusal::invalid(place, why));
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

fn html_of(bytes: &[u8], place: &str) -> Result<String, Refusal> {
    let at = format!("{place}.data");
    let sent = std::str::from_utf8(bytes)
        .map_err(|_| Refusal::invalid(at.clone(), "HTML is sent in UTF-8"))?;
    if sent.chars().count() > LONGEST_BODY {
        let why = "a message has at most 100,000 letters";
        return Err(Refusal::invalid(at, why));
    }
    match html::sanitised(sent).as_str() {
        "" => {
            let why =
                "nothing is left of this once it is safe to show, and an empty message is not sent";
            Err(Refusal::invalid(at, why))
        }
        safe => Ok(safe.to_owned()),
    }
}
