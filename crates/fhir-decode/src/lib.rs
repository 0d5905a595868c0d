//! The one place that reads FHIR JSON into an fhir-sdk resource, and the gate those types are not: they drop unknown
//! elements, choices of the wrong type and second choices without a word, and take ids and references that are none.
//! So a body is read as plain JSON, decoded, encoded again, and refused by path where something did not survive.

mod compare;
mod syntax;
mod tree;

use fhir_sdk::r4b::resources::Resource;
use serde_json::Value;

/// Why a body is refused, worded for a developer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// FHIRPath of the element, such as `Appointment.participant[0].actor`; `$this` where nothing could be read.
    pub path: String,
    /// One sentence. It never repeats what was sent.
    pub why: String,
}

impl Problem {
    pub(crate) fn new(path: impl Into<String>, why: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            why: why.into(),
        }
    }
}

/// Reads one resource of FHIR R4 (4.0.1).
///
/// # Errors
/// The first problem found: JSON that is broken, too deep (32), too large (10,000 nodes) or has a key twice; a wrong
/// id, reference, code or date; an element, choice or value FHIR does not have; a required element that is missing.
pub fn decode(bytes: &[u8]) -> Result<Resource, Problem> {
    let sent = tree::read(bytes)?;
    let kind = syntax::kind(&sent)?;
    syntax::check(&sent, kind)?;
    let resource: Resource =
        serde_json::from_slice(bytes).map_err(|error| undecodable(&error, &sent, kind))?;
    let encoded = fhir_encode::encode(&resource)
        .map_err(|_| Problem::new(kind, "a date or number in it cannot be written in FHIR"))?;
    let kept: Value = serde_json::from_slice(&encoded)
        .map_err(|_| Problem::new(kind, "it cannot be written in FHIR"))?;
    compare::check(&sent, &kept, kind)?;
    Ok(resource)
}

/// Reads JSON under the limits of [`decode`] and nothing more: what is put into other hands piece by piece, as the
/// entries of a Bundle are, each of which meets the gate alone.
///
/// # Errors
/// The first problem found: JSON that is broken, too deep (32), too large (10,000 nodes), has a key twice or a number
/// that cannot be kept as written.
pub fn json(bytes: &[u8]) -> Result<Value, Problem> {
    tree::read(bytes)
}

/// serde's complaint, without the value it quotes and without the list of all 140 resources.
fn undecodable(error: &serde_json::Error, sent: &Value, kind: &str) -> Problem {
    let message = error.to_string();
    if let Some(rest) = message.strip_prefix("missing field `") {
        let field = rest.split('`').next().unwrap_or_default();
        return Problem::new(
            format!("{kind}.{field}"),
            "this element is required, here or in one of the parts",
        );
    }
    let quoted = message
        .strip_prefix("Unknown value: ")
        .map(|rest| rest.split(" at line").next().unwrap_or(rest));
    if let Some(path) = quoted.and_then(|value| compare::locate(sent, value, kind)) {
        return Problem::new(path, "this code is not in the required value set");
    }
    let expected = message
        .split_once(", expected ")
        .map(|(_, rest)| rest.split(" at line").next().unwrap_or(rest));
    match expected {
        Some(expected) if expected.len() < 60 => Problem::new(
            kind,
            format!("a value has the wrong JSON type: expected {expected}"),
        ),
        _ => match culprit(sent) {
            Some(name) => Problem::new(
                format!("{kind}.{name}"),
                "a value in it has the wrong type or form",
            ),
            None => Problem::new(kind, "a value has the wrong type or form"),
        },
    }
}

/// The element at the root without which the rest could be read. serde's complaint about a value that may be of several
/// types names no place.
fn culprit(sent: &Value) -> Option<&str> {
    let members = sent.as_object()?;
    let without = |name: &&String| {
        let mut rest = members.clone();
        rest.remove(name.as_str());
        let bytes = serde_json::to_vec(&rest).unwrap_or_default();
        match serde_json::from_slice::<Resource>(&bytes) {
            Ok(_) => true,
            // Whatever is required is missing now because it was the one that was wrong.
            Err(error) => error.to_string().starts_with("missing field"),
        }
    };
    let named = members.keys().filter(|name| *name != "resourceType");
    named.take(64).find(without).map(String::as_str)
}

#[cfg(test)]
mod tests;
