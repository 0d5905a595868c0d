//! What the EMR does not look for itself: modifiers, missing elements, sorting, over records that were read.

use std::cmp::Ordering;

use serde_json::Value;
use time::Duration;
use time::OffsetDateTime;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;
use uuid::Uuid;

use crate::domain::ResourceType;
use crate::domain::query::Cursor;
use crate::domain::query::DateRange;
use crate::domain::query::Prefix;
use crate::domain::query::Target;
use crate::domain::records::Record;
use crate::domain::scope::Token;
use crate::fhir::parameter::Indexed;
use crate::fhir::parameter::Meaning;
use crate::fhir::parameter::Parameter;

/// Letters of a sort key at most: it travels in the next link, which is a URL. What is the same up to here is in the
/// order of ids.
const KEY_LETTERS: usize = 64;

/// Nanoseconds that make every moment a number without a sign.
const BEFORE_ALL: i128 = 1_000_000_000_000_000_000_000;

/// One condition: its values are alternatives.
#[derive(Clone, Debug)]
pub struct Criterion {
    /// What is looked at.
    pub parameter: &'static Parameter,
    /// What is wanted of it.
    pub test: Test,
}

/// What is wanted of the values a record has under a parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Test {
    /// There is none: `:missing=true`.
    Missing,
    /// There is one: `:missing=false`.
    Present,
    /// A date in one of these ranges.
    Dates(Vec<DateRange>),
    /// One of these codes.
    Tokens(Vec<Token>),
    /// None of these codes: `:not`.
    NoToken(Vec<Token>),
    /// A code whose words, or one of them, begin like this: `:text`.
    Words(Vec<String>),
    /// Text that begins like this, whatever case and accents.
    Begins(Vec<String>),
    /// Text that is exactly this: `:exact`.
    Exact(Vec<String>),
    /// Text with this in it, whatever case and accents: `:contains`.
    Contains(Vec<String>),
    /// A reference to one of these.
    Targets(Vec<Target>),
    /// One of these URIs.
    Uris(Vec<String>),
}

/// One step of an order.
#[derive(Clone, Copy, Debug)]
pub struct Sorting {
    /// What is compared.
    pub parameter: &'static Parameter,
    /// Which way.
    pub direction: Direction,
}

/// Which way an order runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// The smallest first.
    Up,
    /// The greatest first.
    Down,
}

/// Where a record stands in an order: a key for each step, `None` where it has no value, and the id for ties.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    keys: Vec<Option<String>>,
    id: Uuid,
}

/// Whether a record meets all conditions.
pub fn fits(record: &Record, criteria: &[Criterion]) -> bool {
    criteria.iter().all(|criterion| criterion.fits(record))
}

/// What a record has under a parameter. The patient is whose record it is, whatever the type calls it.
pub fn values(parameter: &Parameter, record: &Record) -> Vec<Indexed> {
    match parameter.meaning {
        Meaning::Patient => Indexed::reference(
            ResourceType::Patient,
            record.person().map(|person| person.uuid),
        ),
        _ => (parameter.values)(record),
    }
}

impl Criterion {
    fn fits(&self, record: &Record) -> bool {
        let values = values(self.parameter, record);
        match &self.test {
            Test::Missing => values.is_empty(),
            Test::Present => !values.is_empty(),
            Test::NoToken(tokens) => !values.iter().any(|value| is_one(value, tokens)),
            test => values.iter().any(|value| test.takes(value)),
        }
    }
}

impl Test {
    fn takes(&self, value: &Indexed) -> bool {
        match (self, value) {
            (Self::Dates(ranges), Indexed::Date(start, end)) => {
                ranges.iter().any(|range| lies(range, (*start, *end)))
            }
            (Self::Tokens(tokens), value) => is_one(value, tokens),
            (Self::Words(texts), Indexed::Token(_, _, words)) => {
                let words = folded(words);
                let begins = |text: &String| {
                    let text = folded(text);
                    words.starts_with(&text) || words.contains(&format!(" {text}"))
                };
                texts.iter().any(begins)
            }
            (Self::Begins(texts), Indexed::Text(value)) => {
                let value = folded(value);
                texts.iter().any(|text| value.starts_with(&folded(text)))
            }
            (Self::Exact(texts), Indexed::Text(value)) => texts.contains(value),
            (Self::Contains(texts), Indexed::Text(value)) => {
                let value = folded(value);
                texts.iter().any(|text| value.contains(&folded(text)))
            }
            (Self::Targets(targets), Indexed::Reference(kind, id)) => targets
                .iter()
                .any(|target| target.id == *id && target.kind.is_none_or(|wanted| wanted == *kind)),
            (Self::Uris(uris), Indexed::Uri(value)) => uris.contains(value),
            _ => false,
        }
    }
}

/// `code` in any system, `|code` in none, `system|` whatever the code, `system|code`.
fn is_one(value: &Indexed, tokens: &[Token]) -> bool {
    let Indexed::Token(system, code, _) = value else {
        return false;
    };
    let asked = |token: &Token| match &token.system {
        None => token.code == *code,
        Some(wanted) => wanted == system && (token.code.is_empty() || token.code == *code),
    };
    tokens.iter().any(asked)
}

/// How a moment or period stands to a range (R4 search, 3.1.1.4.5). An open end lies beyond everything.
fn lies(range: &DateRange, (start, end): (Option<OffsetDateTime>, Option<OffsetDateTime>)) -> bool {
    // A moment is as short as can be, but not nothing.
    let end = match (start, end) {
        (Some(start), Some(end)) => Some(end.max(start.saturating_add(Duration::NANOSECOND))),
        (_, end) => end,
    };
    let within =
        start.is_some_and(|start| range.start <= start) && end.is_some_and(|end| end <= range.end);
    let beyond = end.is_none_or(|end| end > range.end);
    let before = start.is_none_or(|start| start < range.start);
    match range.prefix {
        Prefix::Eq => within,
        Prefix::Ne => !within,
        Prefix::Gt => beyond,
        Prefix::Lt => before,
        Prefix::Ge => beyond || within,
        Prefix::Le => before || within,
        Prefix::Sa => start.is_some_and(|start| start >= range.end),
        Prefix::Eb => end.is_some_and(|end| end <= range.start),
    }
}

/// Text without case, accents and doubled blanks.
pub fn folded(text: &str) -> String {
    let letters = text.nfkd().filter(|letter| !is_combining_mark(*letter));
    let folded: String = letters.flat_map(char::to_lowercase).collect();
    folded.split_whitespace().collect::<Vec<&str>>().join(" ")
}

impl Place {
    /// Where a record stands in an order.
    pub fn of(record: &Record, order: &[Sorting]) -> Self {
        let key = |step: &Sorting| {
            let keys = values(step.parameter, record).into_iter().map(key);
            match step.direction {
                Direction::Up => keys.min(),
                Direction::Down => keys.max(),
            }
        };
        Self {
            keys: order.iter().map(key).collect(),
            id: record.id(),
        }
    }

    /// Which of two comes first. What has no value is last either way.
    pub fn compare(&self, other: &Self, order: &[Sorting]) -> Ordering {
        let steps = order.iter().zip(self.keys.iter().zip(&other.keys));
        let mut compared = steps.map(|(step, (mine, theirs))| match (mine, theirs) {
            (Some(mine), Some(theirs)) => match step.direction {
                Direction::Up => mine.cmp(theirs),
                Direction::Down => theirs.cmp(mine),
            },
            (mine, theirs) => mine.is_none().cmp(&theirs.is_none()),
        });
        let first = compared.find(|step| step.is_ne());
        first.unwrap_or_else(|| self.id.cmp(&other.id))
    }

    /// The place as a paging link holds it.
    pub fn cursor(&self) -> Cursor {
        let mut parts: Vec<Value> = self.keys.iter().map(|key| key.clone().into()).collect();
        parts.push(self.id.to_string().into());
        Cursor {
            key: Value::from(parts).to_string(),
            row: 0,
        }
    }

    /// Reads a [`Place::cursor`] of an order with that many steps.
    pub fn read(cursor: &Cursor, steps: usize) -> Option<Self> {
        let Value::Array(mut parts) = serde_json::from_str(&cursor.key).ok()? else {
            return None;
        };
        let id = parts.pop()?.as_str()?.parse().ok()?;
        let keys = parts.into_iter().map(|part| match part {
            Value::String(key) => Some(Some(key)),
            Value::Null => Some(None),
            _ => None,
        });
        let keys: Vec<Option<String>> = keys.collect::<Option<_>>()?;
        (keys.len() == steps).then_some(Self { keys, id })
    }
}

/// A value as text that sorts like the value.
fn key(value: Indexed) -> String {
    let text = match value {
        Indexed::Date(start, _) => {
            let number = start.map_or(0, |at| at.unix_timestamp_nanos() + BEFORE_ALL);
            return format!("{number:022}");
        }
        Indexed::Token(_, code, _) => folded(&code),
        Indexed::Text(text) => folded(&text),
        Indexed::Reference(kind, id) => format!("{}/{id}", kind.name()),
        Indexed::Uri(uri) => uri,
    };
    text.chars().take(KEY_LETTERS).collect()
}

#[cfg(test)]
mod tests;
