//! What data types have under a search parameter (R4 search, 3.1.1.4): one place for each type.

use uuid::Uuid;

use crate::domain::people::Address;
use crate::domain::people::Code;
use crate::domain::people::Means;
use crate::domain::people::Name;
use crate::domain::people::Telecom;
use crate::fhir::parameter::Indexed;

/// `true` or `false`.
pub(super) fn boolean(value: bool) -> Indexed {
    let word = if value { "true" } else { "false" };
    Indexed::token("http://hl7.org/fhir/special-values", word)
}

/// A number or address, whatever it is used for.
pub(super) fn telecoms(known: &[Telecom]) -> Vec<Indexed> {
    known
        .iter()
        .map(|point| Indexed::token("", &point.value))
        .collect()
}

/// The numbers or addresses of one means.
pub(super) fn reached_by(known: &[Telecom], means: Means) -> Vec<Indexed> {
    known
        .iter()
        .filter(|point| point.system == means)
        .map(|point| Indexed::token("", &point.value))
        .collect()
}

/// Every part of a name.
pub(super) fn name(name: &Name) -> Vec<Indexed> {
    let parts = [&name.prefix, &name.family, &name.suffix];
    let given = name.given.iter();
    parts
        .into_iter()
        .chain(given)
        .flat_map(|part| Indexed::text(part))
        .collect()
}

/// Every part of an address.
pub(super) fn address(address: &Address) -> Vec<Indexed> {
    let parts = [
        &address.city,
        &address.district,
        &address.state,
        &address.postal_code,
        &address.country,
    ];
    let lines = address.lines.iter();
    lines
        .chain(parts)
        .flat_map(|part| Indexed::text(part))
        .collect()
}

/// The identifier everything with an id has: its id as URN.
pub(super) fn urn(id: Uuid) -> Indexed {
    Indexed::token("urn:ietf:rfc:3986", &id.urn().to_string())
}

/// A code with its words.
pub(super) fn code(code: &Code) -> Indexed {
    Indexed::Token(
        code.system.to_owned(),
        code.code.clone(),
        code.display.clone(),
    )
}

/// A concept that has words and no code: found by the whole of them, or by `:text`.
pub(super) fn words(text: &str) -> Vec<Indexed> {
    match text.trim() {
        "" => Vec::new(),
        text => vec![Indexed::Token(
            String::new(),
            text.to_owned(),
            text.to_owned(),
        )],
    }
}
