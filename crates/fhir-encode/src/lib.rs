//! The one place that turns an fhir-sdk resource into JSON. A resource can contain every other one, so each serde call
//! on such a type compiles the code of all of them into the crate that makes the call; here it happens once.

use fhir_sdk::r4b::resources::Resource;

/// Room for a resource of usual size, so that most are written without growing the buffer.
const USUAL_BYTES: usize = 4096;

/// FHIR JSON of a resource, in UTF-8 without white space.
///
/// # Errors
/// A value that FHIR cannot spell, such as a year outside 1000 to 9999 or a number that is not finite.
pub fn encode(resource: &Resource) -> Result<Vec<u8>, serde_json::Error> {
    let mut bytes = Vec::with_capacity(USUAL_BYTES);
    encode_into(resource, &mut bytes)?;
    Ok(bytes)
}

/// The same, written behind what is in the buffer already: how a page of resources is put together one by one.
///
/// # Errors
/// As [`encode`]; then the buffer holds a part of it and is of no use.
pub fn encode_into(resource: &Resource, bytes: &mut Vec<u8>) -> Result<(), serde_json::Error> {
    serde_json::to_writer(bytes, resource)
}

#[cfg(test)]
mod tests {
    use super::*;
    use fhir_sdk::r4b::resources::Patient;

    #[test]
    fn a_resource_names_its_type_once() {
        let patient = Patient::builder().id("a".to_owned()).build();
        let bytes = patient.map(|patient| encode(&Resource::from(patient)));
        let text = bytes
            .ok()
            .and_then(Result::ok)
            .and_then(|bytes| String::from_utf8(bytes).ok());
        assert_eq!(
            text.as_deref(),
            Some(r#"{"resourceType":"Patient","id":"a"}"#)
        );
    }
}
