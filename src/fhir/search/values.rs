//! Values of search parameters: alternatives, backslashes, tokens, ids and references.

use uuid::Uuid;

use crate::domain::ResourceType;
use crate::domain::query::Target;
use crate::domain::refusal::Refusal;
use crate::domain::scope::Token;
use crate::fhir::parameter::Parameter;
use crate::fhir::search::SearchContext;

/// Splits at a separator that no backslash stands before.
pub(super) fn split(text: &str, separator: char) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut begin, mut escaped) = (0, false);
    for (at, letter) in text.char_indices() {
        if letter == separator && !escaped {
            parts.push(text.get(begin..at).unwrap_or_default());
            begin = at + separator.len_utf8();
        }
        escaped = letter == '\\' && !escaped;
    }
    parts.push(text.get(begin..).unwrap_or_default());
    parts
}

/// Takes the backslashes of `\,` `\|` `\$` `\\` away (R4 search, 3.1.1.4.0).
pub(super) fn unescaped(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        let meant = match letter {
            '\\' => letters.next_if(|next| matches!(next, ',' | '|' | '$' | '\\')),
            _ => None,
        };
        plain.push(meant.unwrap_or(letter));
    }
    plain
}

/// `code`, `|code`, `system|` or `system|code`, with its backslashes. A system of the practice's own becomes its bare
/// name, as records have it.
pub(super) fn token(value: &str, context: &SearchContext<'_>) -> Token {
    let mut parts = split(value, '|');
    let code = parts.pop().map(unescaped).unwrap_or_default();
    let system = match parts.is_empty() {
        true => None,
        false => Some(unescaped(&parts.join("|"))),
    };
    let own = |system: String| {
        let name = relative(&system, context).strip_prefix("sid/");
        name.map_or_else(|| system.clone(), str::to_owned)
    };
    Token {
        system: system.map(own),
        code,
    }
}

/// A uuid in the one spelling that ids of this server have.
pub(super) fn uuid(text: &str) -> Option<Uuid> {
    let id = Uuid::parse_str(text).ok()?;
    (id.to_string() == text).then_some(id)
}

/// A URL under the FHIR base without the base.
pub(super) fn relative<'a>(value: &'a str, context: &SearchContext<'_>) -> &'a str {
    let base = context.fhir_base.trim_end_matches('/');
    value
        .strip_prefix(base)
        .and_then(|rest| rest.strip_prefix('/'))
        .unwrap_or(value)
}

/// `id`, `Type/id` or the absolute URL; `None` for what can be no resource of this server. A patient other than the
/// one of the token is refused, whatever the parameter.
///
/// # Errors
/// `Forbidden` for another patient; `Invalid` for a type the parameter does not refer to.
pub(super) fn reference(
    (parameter, kinds): (&Parameter, &[ResourceType]),
    said: Option<ResourceType>,
    value: &str,
    context: &SearchContext<'_>,
) -> Result<Option<Target>, Refusal> {
    let own = relative(value, context);
    let foreign = own.contains("://");
    // The last two segments, wherever the server is: what names a patient is about a patient.
    let mut segments = own.rsplit('/');
    let (id, name) = (segments.next().unwrap_or_default(), segments.next());
    let written = name.filter(|name| !name.is_empty());
    let kind = match written.map(ResourceType::of) {
        Some(Some(kind)) => Some(kind),
        Some(None) if foreign => None,
        Some(None) => return Err(elsewhere(parameter, kinds)),
        None => said.or(match kinds {
            [only] => Some(*only),
            _ => None,
        }),
    };
    let id = uuid(id);
    if kind == Some(ResourceType::Patient)
        && let Some(person) = context.patient
        && (id != Some(person.uuid) || foreign)
    {
        return Err(Refusal::Forbidden("This token is for another patient."));
    }
    let known = kind.is_none_or(|kind| kinds.contains(&kind));
    let agreed = said.is_none() || kind.is_none() || said == kind;
    if !known || !agreed {
        return Err(elsewhere(parameter, kinds));
    }
    Ok(id.filter(|_| !foreign).map(|id| Target { kind, id }))
}

fn elsewhere(parameter: &Parameter, kinds: &[ResourceType]) -> Refusal {
    let names: Vec<&str> = kinds.iter().map(|kind| kind.name()).collect();
    let why = format!("this refers to {} only", names.join(" or "));
    Refusal::invalid(parameter.name, why)
}

/// How long a text is as a JSON string.
pub(super) fn written(text: &str) -> usize {
    let letter = |letter: char| match letter {
        '"' | '\\' => 2,
        '\0'..='\u{1f}' => 6,
        _ => letter.len_utf8(),
    };
    text.chars().map(letter).sum()
}

/// A parameter's name as far as it can be repeated to the one who sent it.
pub fn plain(name: &str) -> String {
    let usual = |letter: &char| letter.is_ascii_alphanumeric() || "_-.:".contains(*letter);
    name.chars().filter(usual).take(64).collect()
}
