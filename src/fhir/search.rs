//! Search parameters: from the pairs of a URL or form to the domain's query, by the table of what is served.

use uuid::Uuid;

use crate::domain::ResourceType;
use crate::domain::people::Person;
use crate::domain::query::Field;
use crate::domain::query::Filter;
use crate::domain::query::Query;
use crate::domain::refusal::Refusal;
use crate::domain::scope::Interaction;
use crate::domain::scope::Token;
use crate::emr::zone::Zone;
use crate::fhir::dates;
use crate::fhir::parameter::Meaning;
use crate::fhir::parameter::Parameter;
use crate::fhir::served;

/// Records on a page where the client does not say.
const DEFAULT_COUNT: u32 = 50;

/// Records on a page at most.
const MOST: u32 = 200;

/// Parameters in a search at most.
const MOST_PARAMETERS: usize = 50;

/// Alternatives in a parameter at most.
const MOST_VALUES: usize = 100;

/// Alternatives in all parameters of a search together at most, so that no statement has more values than SQLite takes.
const MOST_VALUES_TOGETHER: usize = 500;

/// Bytes of all parameters together at most, as they are written in the next link, which is a URL of at most 8 KiB.
const LONGEST: usize = 4_500;

/// `Prefer: handling=`: what becomes of parameters nobody knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handling {
    /// They refuse the search.
    Strict,
    /// They are left out and named in a warning.
    Lenient,
}

/// What reading a search needs to know.
#[derive(Clone, Copy, Debug)]
pub struct SearchContext<'a> {
    /// The one patient of the reach; `None` where it is the whole practice and a search may name any.
    pub patient: Option<Person>,
    /// The zone of dates without offset.
    pub zone: &'a Zone,
    /// The FHIR base, as absolute references begin.
    pub fhir_base: &'a str,
}

/// A search that was understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Search {
    /// What to ask the EMR.
    pub query: Query,
    /// The parameters that were used, for the self link and the next page.
    pub pairs: Vec<(String, String)>,
    /// The names of those that were not; unusual characters are left out.
    pub ignored: Vec<String>,
}

/// Reads a search. Another patient, existing or invented, is refused before anything is looked up.
///
/// # Errors
/// `Forbidden` where a reference names another patient; `Invalid` at the parameter for a value, modifier or, if
/// strict, a name that is not understood; `TooLarge` over 50 parameters, 100 values of one, 500 of all or 4,500
/// characters; `Unsupported` for searches that are right but not served.
pub fn parse(
    kind: ResourceType,
    pairs: &[(String, String)],
    handling: Handling,
    context: &SearchContext<'_>,
) -> Result<Search, Refusal> {
    let Some(served) = served(kind).filter(|served| served.takes(Interaction::Search)) else {
        let name = kind.name();
        return Err(Refusal::Unsupported(format!("{name} is read by id only.")));
    };
    if pairs.len() > MOST_PARAMETERS {
        return Err(Refusal::TooLarge("A search has at most 50 parameters."));
    }
    let mut search = Search {
        query: Query {
            count: DEFAULT_COUNT,
            ..Query::default()
        },
        pairs: Vec::with_capacity(pairs.len()),
        ignored: Vec::new(),
    };
    let mut length = 0;
    let mut values = 0;
    for (name, value) in pairs {
        let known = served.parameters.iter().find(|known| known.name == name);
        match (name.as_str(), known) {
            ("_count", _) => search.query.count = count(value)?,
            // Their values are the business of content negotiation.
            ("_format" | "_pretty", _) => {}
            (_, Some(parameter)) => add(parameter, value, context, &mut search.query)?,
            _ if name.contains([':', '.']) => {
                let why = "modifiers and chained parameters are not served";
                return Err(Refusal::invalid(plain(name), why));
            }
            _ if handling == Handling::Strict => {
                let why = format!("{} is not searched by this parameter", kind.name());
                return Err(Refusal::invalid(plain(name), why));
            }
            _ => {
                search.ignored.push(plain(name));
                continue;
            }
        }
        length += written(name) + written(value);
        values += split(value, ',').len();
        if length > LONGEST || values > MOST_VALUES_TOGETHER {
            return Err(Refusal::TooLarge(
                "A search has at most 4,500 characters and 500 values.",
            ));
        }
        search.pairs.push((name.clone(), value.clone()));
    }
    Ok(search)
}

fn add(
    parameter: &Parameter,
    value: &str,
    context: &SearchContext<'_>,
    query: &mut Query,
) -> Result<(), Refusal> {
    let parts = split(value, ',');
    if parts.len() > MOST_VALUES {
        return Err(Refusal::TooLarge("A parameter has at most 100 values."));
    }
    if parts.iter().any(|part| part.trim().is_empty()) {
        return Err(Refusal::invalid(parameter.name, "a value is empty"));
    }
    let values: Vec<String> = parts.iter().map(|part| unescaped(part)).collect();
    match parameter.meaning {
        Meaning::Ids => ids(&values, query),
        Meaning::Patient => {
            for value in &values {
                patient(value, context, query)?;
            }
        }
        Meaning::References(_) => {
            for value in &values {
                participant(parameter.name, value, (context, query))?;
            }
        }
        Meaning::Reference(..)
        | Meaning::Dates
        | Meaning::Tokens
        | Meaning::Texts
        | Meaning::Uri => {
            return Err(Refusal::Unsupported("not yet".to_owned()));
        }
        Meaning::Date(field) => {
            let range = |value: &String| {
                dates::range(value, context.zone).ok_or_else(|| {
                    let why = "a date is YYYY, YYYY-MM, YYYY-MM-DD or YYYY-MM-DDThh:mm:ss with an offset, after eq, \
                        ne, gt, lt, ge, le, sa, eb or nothing";
                    Refusal::invalid(parameter.name, why)
                })
            };
            let ranges = values.iter().map(range).collect::<Result<_, _>>()?;
            query.filters.push(Filter::Date(field, ranges));
        }
        Meaning::Token(field) => {
            let tokens = parts.iter().map(|part| token(part)).collect();
            query.filters.push(Filter::Token(field, tokens));
        }
        Meaning::Text(field) => {
            let texts = values.iter().map(|value| value.trim().to_owned());
            query.filters.push(Filter::Text(field, texts.collect()));
        }
        Meaning::Identifier => {
            let tokens: Vec<Token> = parts.iter().map(|part| identifier(part, context)).collect();
            if tokens.iter().any(|token| token.code.is_empty()) {
                let why = "an identifier is a value, or system|value";
                return Err(Refusal::invalid(parameter.name, why));
            }
            query.filters.push(Filter::Token(Field::Identifier, tokens));
        }
    }
    Ok(())
}

/// A token whose system is the bare name where it is one of the practice's own.
fn identifier(part: &str, context: &SearchContext<'_>) -> Token {
    let Token { system, code } = token(part);
    let own = |system: String| {
        let name = relative(&system, context).strip_prefix("sid/");
        name.map_or_else(|| system.clone(), str::to_owned)
    };
    Token {
        system: system.map(own),
        code,
    }
}

/// Alternatives within one `_id`, all of several: what stays is in each. An id that is no uuid matches nothing.
fn ids(values: &[String], query: &mut Query) {
    let asked: Vec<Uuid> = values.iter().filter_map(|value| uuid(value)).collect();
    query.ids = Some(match query.ids.take() {
        Some(known) => known.into_iter().filter(|id| asked.contains(id)).collect(),
        None => asked,
    });
}

/// A uuid in the one spelling that ids of this server have.
fn uuid(text: &str) -> Option<Uuid> {
    let id = Uuid::parse_str(text).ok()?;
    (id.to_string() == text).then_some(id)
}

/// `Patient/x`, `x` or the absolute URL. Under one patient's reach x must be that patient; under a wider one the search
/// is narrowed to x, and to one patient only.
fn patient(value: &str, context: &SearchContext<'_>, query: &mut Query) -> Result<(), Refusal> {
    let relative = relative(value, context);
    let id = uuid(relative.strip_prefix("Patient/").unwrap_or(relative));
    let foreign = Refusal::Forbidden("This token is for another patient.");
    match (context.patient, id) {
        (Some(person), id) => match id == Some(person.uuid) {
            true => Ok(()),
            false => Err(foreign),
        },
        (None, Some(id)) if query.patient.is_none_or(|known| known == id) => {
            query.patient = Some(id);
            Ok(())
        }
        (None, Some(_)) => Err(Refusal::Unsupported(
            "A search is about one patient, or about all.".to_owned(),
        )),
        (None, None) => Err(Refusal::invalid("patient", "this is no id of a patient")),
    }
}

/// A participant other than the patient is a right question, but not one that is answered here.
fn participant(
    name: &str,
    value: &str,
    (context, query): (&SearchContext<'_>, &mut Query),
) -> Result<(), Refusal> {
    let relative = relative(value, context);
    let others = ["Practitioner/", "Location/"];
    match others.iter().any(|other| relative.starts_with(other)) {
        true => Err(Refusal::Unsupported(format!(
            "{name} is served for the patient in context only."
        ))),
        false => patient(value, context, query),
    }
}

fn relative<'a>(value: &'a str, context: &SearchContext<'_>) -> &'a str {
    let base = context.fhir_base.trim_end_matches('/');
    value
        .strip_prefix(base)
        .and_then(|rest| rest.strip_prefix('/'))
        .unwrap_or(value)
}

/// `code`, `|code`, `system|` or `system|code`, with its backslashes.
fn token(value: &str) -> Token {
    let mut parts = split(value, '|');
    let code = parts.pop().map(unescaped).unwrap_or_default();
    let system = match parts.is_empty() {
        true => None,
        false => Some(unescaped(&parts.join("|"))),
    };
    Token { system, code }
}

fn count(value: &str) -> Result<u32, Refusal> {
    let digits = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
    if !digits {
        return Err(Refusal::invalid(
            "_count",
            "this is a number from 1 upwards",
        ));
    }
    if value.bytes().all(|byte| byte == b'0') {
        let why = "counting without records is not served; ask for at least one";
        return Err(Refusal::invalid("_count", why));
    }
    // More digits than a number can hold are still more than the most.
    Ok(value.parse().map_or(MOST, |count: u32| count.min(MOST)))
}

/// How long a text is as a JSON string.
fn written(text: &str) -> usize {
    let letter = |letter: char| match letter {
        '"' | '\\' => 2,
        '\0'..='\u{1f}' => 6,
        _ => letter.len_utf8(),
    };
    text.chars().map(letter).sum()
}

/// Splits at a separator that no backslash stands before.
fn split(text: &str, separator: char) -> Vec<&str> {
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
fn unescaped(text: &str) -> String {
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

/// A parameter's name as far as it can be repeated to the one who sent it.
fn plain(name: &str) -> String {
    let usual = |letter: &char| letter.is_ascii_alphanumeric() || "_-.:".contains(*letter);
    name.chars().filter(usual).take(64).collect()
}

#[cfg(test)]
mod tests;
