//! What a body may ask about documents: that a new one is filed, with its bytes in it.

use std::sync::Arc;

use fhir_sdk::r4b::codes::DocumentReferenceStatus;
use fhir_sdk::r4b::resources::DocumentReference;
use fhir_sdk::r4b::resources::Resource;
use fhir_sdk::r4b::types::Attachment;
use fhir_sdk::r4b::types::CodeableConcept;
use fhir_sdk::r4b::types::Coding;
use fhir_sdk::r4b::types::Reference;
use uuid::Uuid;

use crate::crypto;
use crate::domain::ResourceType;
use crate::domain::records::CLINICAL_NOTE;
use crate::domain::records::DOCUMENT_CATEGORIES;
use crate::domain::records::Record;
use crate::domain::records::UNKNOWN_KIND;
use crate::domain::refusal::Refusal;
use crate::domain::scope::Token;
use crate::fhir::Base;
use crate::fhir::ask::Role;
use crate::fhir::ask::Sent;
use crate::fhir::document_reference::FORMAT;
use crate::fhir::document_reference::NOT_FOR_PATIENT;
use crate::fhir::refers;
use crate::portal::Ask;
use crate::portal::document::DocumentAsk;
use crate::portal::document::Paper;
use crate::portal::document::Source;
use crate::portal::sharing::ShareAsk;

/// What the column of the name holds.
pub const LONGEST_NAME: usize = 255;

const LOINC: &str = "http://loinc.org";

const ATTACHMENT: &str = "DocumentReference.content[0].attachment";

const NOT_YOU: &str = "A document is about the patient of the token, and filed by its user.";

/// The Ask of a document that was sent.
///
/// # Errors
/// `Invalid` at the element that cannot be kept, `Forbidden` where it is about another patient than the token.
pub(super) fn of(sent: Sent<'_>, base: &Base) -> Result<Ask, Refusal> {
    let Resource::DocumentReference(document) = &sent.resource else {
        let why = "this is the address of a DocumentReference";
        return Err(Refusal::invalid("$this.resourceType", why));
    };
    if let Some(Record::DocumentReference(before)) = sent.before {
        return Ok(Ask::Share(ShareAsk {
            document: before.uuid,
            shared: shared(&document.security_label)?,
        }));
    }
    if document.status != DocumentReferenceStatus::Current {
        let why = "a new document is current";
        return Err(Refusal::invalid("DocumentReference.status", why));
    }
    let patient = subject(document, sent.role, base)?;
    author(&document.author, (sent.role, patient), base)?;
    let [Some(content)] = document.content.as_slice() else {
        let why = "a document has one content";
        return Err(Refusal::invalid("DocumentReference.content", why));
    };
    if content.format.as_ref().is_some_and(|format| {
        format.system.as_deref() != Some(FORMAT.0) || format.code.as_deref() != Some(FORMAT.1)
    }) {
        let why = "leave it out: every document here is what its media type says";
        return Err(Refusal::invalid("DocumentReference.content[0].format", why));
    }
    if !content.extension.is_empty()
        || !content.modifier_extension.is_empty()
        || content.id.is_some()
    {
        let why = "an id or extension of a content is not kept";
        return Err(Refusal::invalid("DocumentReference.content[0]", why));
    }
    let (name, declared, bytes) = attachment(&content.attachment, ATTACHMENT)?;
    Ok(Ask::Document(DocumentAsk::File(Paper {
        id: sent.id,
        patient,
        name,
        declared,
        category: category(document)?,
        bytes: Source::Inline(bytes),
    })))
}

/// What the labels say: none, or the one that keeps a document from its patient.
fn shared(labels: &[Option<CodeableConcept>]) -> Result<bool, Refusal> {
    let keeps = |label: &CodeableConcept| {
        let codings: Vec<&Coding> = label.coding.iter().flatten().collect();
        matches!(codings.as_slice(), [one]
            if (one.system.as_deref(), one.code.as_deref()) == (Some(NOT_FOR_PATIENT.0), Some(NOT_FOR_PATIENT.1)))
    };
    match labels {
        [] => Ok(true),
        [Some(label)] if keeps(label) => Ok(false),
        _ => {
            let why = format!(
                "the one label that can be kept is {}|{}",
                NOT_FOR_PATIENT.0, NOT_FOR_PATIENT.1
            );
            Err(Refusal::invalid("DocumentReference.securityLabel", why))
        }
    }
}

fn subject(document: &DocumentReference, role: Role, base: &Base) -> Result<Uuid, Refusal> {
    let place = "DocumentReference.subject";
    let subject = document
        .subject
        .as_ref()
        .map(|subject| refers::target(subject, place, &[ResourceType::Patient], base))
        .transpose()?
        .map(|(_, id)| id);
    match (role, subject) {
        (Role::Patient(person), Some(named)) if named != person.uuid => {
            Err(Refusal::Forbidden(NOT_YOU))
        }
        (Role::Patient(person), _) => Ok(person.uuid),
        (Role::Staff, Some(named)) => Ok(named),
        (Role::Staff, None) => Err(Refusal::invalid(place, "say whose document it is")),
    }
}

/// The author is who files it: taken from the token, so a body may leave it out or say the same. Which member of staff
/// it is only the token knows, so staff leave it out.
fn author(
    named: &[Option<Reference>],
    (role, patient): (Role, Uuid),
    base: &Base,
) -> Result<(), Refusal> {
    let place = "DocumentReference.author";
    for (index, author) in named.iter().enumerate() {
        let Some(author) = author else { continue };
        if role == Role::Staff {
            let why = "leave it out: the author is the user of the token";
            return Err(Refusal::invalid(place, why));
        }
        let place = format!("{place}[{index}]");
        let (_, id) = refers::target(author, &place, &[ResourceType::Patient], base)?;
        if id != patient {
            return Err(Refusal::Forbidden(NOT_YOU));
        }
    }
    Ok(())
}

/// The practice's category: its name, or the LOINC code of the type. `clinical-note` and the unknown type say nothing.
fn category(document: &DocumentReference) -> Result<Option<Token>, Refusal> {
    let mut found: Option<Token> = None;
    let kinds = document
        .r#type
        .iter()
        .map(|kind| ("DocumentReference.type", kind));
    let categories = document
        .category
        .iter()
        .flatten()
        .map(|concept| ("DocumentReference.category", concept));
    for (place, concept) in categories.chain(kinds) {
        for token in tokens(place, concept)? {
            match &found {
                // The name of the category decides; a type beside it must fit, which the type of the category shows.
                Some(known) if known.system.as_deref() == Some(DOCUMENT_CATEGORIES) => {
                    let why = "the practice's category has its own type: leave one of the two out";
                    return Err(Refusal::invalid(place, why));
                }
                Some(_) => {
                    let why = "a document is filed in one category";
                    return Err(Refusal::invalid(place, why));
                }
                None => found = Some(token),
            }
        }
    }
    Ok(found)
}

fn tokens(place: &str, concept: &CodeableConcept) -> Result<Vec<Token>, Refusal> {
    let mut all = Vec::new();
    for coding in concept.coding.iter().flatten() {
        let system = coding.system.as_deref().unwrap_or_default();
        let code = coding.code.as_deref().unwrap_or_default();
        match (place, system) {
            _ if (system, code) == CLINICAL_NOTE || (system, code) == UNKNOWN_KIND => {}
            ("DocumentReference.category", DOCUMENT_CATEGORIES)
            | ("DocumentReference.type", LOINC)
                if !code.is_empty() =>
            {
                all.push(Token {
                    system: Some(system.to_owned()),
                    code: code.to_owned(),
                });
            }
            ("DocumentReference.type", _) => {
                let why = "give the LOINC code of one of the practice's categories, or UNK of v3-NullFlavor";
                return Err(Refusal::invalid(place, why));
            }
            _ => {
                let why = format!(
                    "give clinical-note, and one of the practice's own as a code of {DOCUMENT_CATEGORIES}"
                );
                return Err(Refusal::invalid(place, why));
            }
        }
    }
    Ok(all)
}

/// Name, media type and bytes.
///
/// # Errors
/// `Invalid` at the part that cannot be kept.
pub(super) fn attachment(
    sent: &Attachment,
    place: &str,
) -> Result<(String, String, Arc<[u8]>), Refusal> {
    let at = |part: &str| format!("{place}.{part}");
    if sent.url.is_some() {
        let why = "nothing is fetched: send the bytes as data, or post them to Binary, which files them by itself";
        return Err(Refusal::invalid(at("url"), why));
    }
    for (there, part) in [
        (sent.language.is_some(), "language"),
        (sent.creation.is_some(), "creation"),
        (!sent.extension.is_empty(), "extension"),
        (sent.id.is_some(), "id"),
    ] {
        if there {
            return Err(Refusal::invalid(
                at(part),
                "this cannot be kept: leave it out",
            ));
        }
    }
    let Some(data) = &sent.data else {
        return Err(Refusal::invalid(
            at("data"),
            "the bytes, as base64, are missing",
        ));
    };
    let Some(declared) = &sent.content_type else {
        return Err(Refusal::invalid(
            at("contentType"),
            "say what kind of file it is",
        ));
    };
    let length = u64::try_from(data.0.len()).unwrap_or(u64::MAX);
    if sent.size.is_some_and(|size| u64::from(size) != length) {
        let why = format!("data has {length} bytes");
        return Err(Refusal::invalid(at("size"), why));
    }
    if sent
        .hash
        .as_ref()
        .is_some_and(|hash| hash.0 != crypto::sha1(&data.0))
    {
        let why = "this is not the SHA-1 of data";
        return Err(Refusal::invalid(at("hash"), why));
    }
    let name = name(sent.title.as_deref().unwrap_or_default(), &at("title"))?;
    Ok((name, media_type(declared), Arc::from(data.0.as_slice())))
}

/// A media type without its parameters, in lower case.
pub fn media_type(text: &str) -> String {
    let (kind, _) = text.split_once(';').unwrap_or((text, ""));
    kind.trim().to_ascii_lowercase()
}

/// A file name that can be kept: one line, no path, at most 255 letters.
///
/// # Errors
/// `Invalid` at the place.
pub fn name(text: &str, place: &str) -> Result<String, Refusal> {
    let text = text.trim();
    if text.contains(|letter: char| letter.is_control() || matches!(letter, '/' | '\\')) {
        let why = "a file name has no slashes and no control characters";
        return Err(Refusal::invalid(place, why));
    }
    match text.chars().count() > LONGEST_NAME {
        true => Err(Refusal::invalid(
            place,
            "a file name has at most 255 letters",
        )),
        false => Ok(text.to_owned()),
    }
}

#[cfg(test)]
mod tests;
