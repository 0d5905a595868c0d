//! What a document is: the code of its kind, and its media type.

use crate::domain::people::Code;
use crate::emr::documents::LOINC;

/// What is served where the row names no media type, or none that is one.
pub(super) const UNKNOWN_TYPE: &str = "application/octet-stream";

/// The first LOINC code of a category.
pub(super) fn loinc(codes: Option<&str>, category: Option<&str>) -> Option<Code> {
    let code = codes?
        .split(';')
        .find_map(|code| code.trim().strip_prefix("LOINC:"))?;
    Some(Code {
        system: LOINC,
        code: code.trim().to_owned(),
        display: category.unwrap_or_default().to_owned(),
    })
}

/// `type/subtype` in the letters of RFC 6838, or the type of unknown bytes.
pub(super) fn media_type(text: Option<&str>) -> String {
    let text = text.unwrap_or_default().trim();
    let name = |part: &str| {
        let letter = |c: char| c.is_ascii_alphanumeric() || "!#$&-^_.+".contains(c);
        part.starts_with(|c: char| c.is_ascii_alphanumeric())
            && part.len() <= 127
            && part.chars().all(letter)
    };
    match text.split_once('/') {
        Some((kind, subtype)) if name(kind) && name(subtype) => text.to_ascii_lowercase(),
        _ => UNKNOWN_TYPE.to_owned(),
    }
}
