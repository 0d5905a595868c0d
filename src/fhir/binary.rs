//! Binary: the bytes of a document, where a client asks for them wrapped in FHIR JSON instead of as they are.

use fhir_sdk::Base64Binary;
use fhir_sdk::BuilderError;
use fhir_sdk::Instant;
use fhir_sdk::r4b::resources;
use fhir_sdk::r4b::resources::Resource;
use fhir_sdk::r4b::types::Meta;
use fhir_sdk::r4b::types::Reference;
use time::UtcOffset;
use uuid::Uuid;

use crate::domain::ResourceType;
use crate::domain::records::Content;
use crate::domain::refusal::Fault;
use crate::domain::refusal::Refusal;
use crate::domain::scope::Interaction;
use crate::fhir::Base;
use crate::fhir::READ_ONLY;
use crate::fhir::Served;
use crate::fhir::bytes;
use crate::fhir::document_ask::media_type;
use crate::fhir::refers;

/// Binary as it is served.
pub static SERVED: Served = Served {
    kind: ResourceType::Binary,
    profile: None,
    prose: "The bytes of a document, by the id of its DocumentReference: raw and in ranges, or as a FHIR resource of at \
        most 5 MiB where the Accept header asks for FHIR. Opened by scopes for Binary, within the patient's own documents \
        and within what granular scopes leave of DocumentReference. A file of up to 20 MiB that is posted here, with its \
        own Content-Type and its name in Content-Disposition, is filed in the chart at once: its DocumentReference has \
        the id of the Location.",
    interactions: &[Interaction::Read, Interaction::Create],
    parameters: &[],
    order: "",
    create: READ_ONLY,
    update: READ_ONLY,
    operations: &[],
};

/// The FHIR JSON of a document's bytes.
///
/// # Errors
/// As [`crate::fhir::encode`].
pub fn encode(content: &Content) -> Result<Vec<u8>, Fault> {
    let resource = render(content)
        .map_err(|error: BuilderError| Fault::new("rendering a document", error.to_string()))?;
    bytes(&Resource::from(resource))
}

/// A Binary as a client sends one.
#[derive(Debug)]
pub struct SentBinary {
    /// Media type, in lower case, without parameters.
    pub content_type: String,
    /// The bytes.
    pub bytes: Vec<u8>,
    /// Whose it is, where that was said.
    pub patient: Option<Uuid>,
}

/// Reads a Binary.
///
/// # Errors
/// `Invalid` where it is none, `Unprocessable` at an element that cannot be kept.
pub fn decode(bytes: &[u8], base: &Base) -> Result<SentBinary, Refusal> {
    let refuse = |place: &str, why: &str| Refusal::Unprocessable {
        location: place.to_owned(),
        why: why.to_owned(),
    };
    let resource = fhir_decode::decode(bytes)
        .map_err(|problem| Refusal::invalid(problem.path, problem.why))?;
    let Resource::Binary(mut binary) = resource else {
        return Err(refuse(
            "$this.resourceType",
            "this is the address of a Binary",
        ));
    };
    if binary.language.is_some() || binary.implicit_rules.is_some() {
        return Err(refuse(
            "Binary",
            "language and implicitRules are not kept: leave them out",
        ));
    }
    let patient = binary.security_context.as_ref().map(|context| {
        let place = "Binary.securityContext";
        refers::target(context, place, &[ResourceType::Patient], base)
    });
    let patient = patient.transpose().map_err(Refusal::understood)?;
    let data = binary.data.take();
    let data = data.ok_or_else(|| refuse("Binary.data", "the bytes, as base64, are missing"))?;
    Ok(SentBinary {
        content_type: media_type(&binary.content_type),
        bytes: data.0,
        patient: patient.map(|(_, id)| id),
    })
}

/// The patient an `X-Security-Context` names.
///
/// # Errors
/// `Invalid` where it names none.
pub fn context(text: &str, base: &Base) -> Result<Uuid, Refusal> {
    let name = "X-Security-Context";
    let reference = Reference::builder()
        .reference(text.trim().to_owned())
        .build()
        .map_err(|_| Refusal::invalid(name, "say whose file it is, as Patient/[id]"))?;
    refers::target(&reference, name, &[ResourceType::Patient], base).map(|(_, id)| id)
}

fn render(content: &Content) -> Result<resources::Binary, BuilderError> {
    let mut meta = Meta::builder().build()?;
    meta.last_updated = content
        .last_updated
        .map(|at| Instant(at.to_offset(UtcOffset::UTC)));
    let document = format!(
        "{}/{}",
        ResourceType::DocumentReference.name(),
        content.uuid
    );
    let mut binary = resources::Binary::builder()
        .id(content.uuid.to_string())
        .content_type(content.content_type.clone())
        .security_context(Reference::builder().reference(document).build()?)
        .data(Base64Binary(content.bytes.clone()))
        .build()?;
    binary.meta = meta.last_updated.is_some().then_some(meta);
    Ok(binary)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;
    use serde_json::json;
    use time::macros::datetime;

    #[test]
    fn bytes_travel_as_base64() {
        let content = Content {
            uuid: Uuid::from_u128(9),
            name: "a.txt".to_owned(),
            content_type: "text/plain".to_owned(),
            bytes: b"hello".to_vec(),
            last_updated: Some(datetime!(2026-03-04 10:00 -5)),
        };
        let body = encode(&content).expect("renders");
        let found: Value = serde_json::from_slice(&body).expect("JSON");
        assert_eq!(
            found,
            json!({
                "resourceType": "Binary",
                "id": "00000000-0000-0000-0000-000000000009",
                "meta": {"lastUpdated": "2026-03-04T15:00:00Z"},
                "contentType": "text/plain",
                "securityContext": {"reference": "DocumentReference/00000000-0000-0000-0000-000000000009"},
                "data": "aGVsbG8="
            })
        );
    }
}
