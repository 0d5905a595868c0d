//! Binary: the bytes of a document, where a client asks for them wrapped in FHIR JSON instead of as they are.

use fhir_sdk::Base64Binary;
use fhir_sdk::BuilderError;
use fhir_sdk::Instant;
use fhir_sdk::r4b::resources;
use fhir_sdk::r4b::resources::Resource;
use fhir_sdk::r4b::types::Meta;
use fhir_sdk::r4b::types::Reference;
use time::UtcOffset;

use crate::domain::ResourceType;
use crate::domain::records::Content;
use crate::domain::refusal::Fault;
use crate::domain::scope::Interaction;
use crate::fhir::READ_ONLY;
use crate::fhir::Served;
use crate::fhir::bytes;

/// Binary as it is served.
pub static SERVED: Served = Served {
    kind: ResourceType::Binary,
    profile: None,
    prose: "The bytes of a document, by the id of its DocumentReference: raw, or as a FHIR resource where the Accept \
        header asks for FHIR. Opened by scopes for Binary, within the patient's own documents.",
    interactions: &[Interaction::Read],
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
    use uuid::Uuid;

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
