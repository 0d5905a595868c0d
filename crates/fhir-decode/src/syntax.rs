//! What FHIR says about the form of values that fhir-sdk takes as any text: ids, references, codes, dates, emptiness.

use std::ops::Range;

use fhir_sdk::r4b::resources::ResourceType;
use serde_json::Map;
use serde_json::Value;

use crate::Problem;

/// Elements of type date, dateTime or instant whose names do not end in `Date`, `DateTime` or `Instant`.
const DATES: [&str; 31] = [
    "authored",
    "authoredOn",
    "created",
    "creation",
    "date",
    "dateTime",
    "dateWritten",
    "detected",
    "effectiveTime",
    "expiry",
    "ifModifiedSince",
    "issued",
    "lastModified",
    "lastOccurrence",
    "lastPerformed",
    "lastUpdated",
    "nextScheduled",
    "onset",
    "received",
    "receivedTime",
    "recorded",
    "recordedOn",
    "sent",
    "started",
    "time",
    "timestamp",
    "useBy",
    "validTo",
    "whenHandedOver",
    "whenPrepared",
    "dateAsserted",
];

/// The name of the resource's type, known to FHIR.
pub(crate) fn kind(sent: &Value) -> Result<&str, Problem> {
    let Value::Object(members) = sent else {
        return Err(Problem::new("$this", "a resource is a JSON object"));
    };
    let kind = members.get("resourceType").and_then(Value::as_str);
    let kind = kind.ok_or_else(|| Problem::new("$this", "resourceType is missing"))?;
    match kind.parse::<ResourceType>() {
        Ok(_) => Ok(kind),
        Err(_) => Err(Problem::new(
            "$this.resourceType",
            "FHIR R4 has no resource of this name",
        )),
    }
}

/// Checks the form of every value below a resource.
pub(crate) fn check(sent: &Value, kind: &str) -> Result<(), Problem> {
    match sent {
        Value::Object(members) => object(members, kind, Inside::Resource),
        _ => Ok(()),
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Inside {
    Resource,
    Contained,
    Element,
}

fn object(members: &Map<String, Value>, path: &str, inside: Inside) -> Result<(), Problem> {
    if members.is_empty() {
        return Err(Problem::new(path, "an object must have a member"));
    }
    for (name, value) in members {
        if !is_name(name) {
            return Err(Problem::new(path, "a member has a name no element has"));
        }
        let path = format!("{path}.{name}");
        if inside == Inside::Contained && name == "contained" {
            return Err(Problem::new(path, "contained resources contain nothing"));
        }
        // R4 has no such types; the model is that of R4B.
        if name == "valueCodeableReference" || name == "valueRatioRange" {
            return Err(Problem::new(path, "FHIR R4 has no such element"));
        }
        match value {
            Value::Array(items) => {
                let twin = members.get(&twin(name)).and_then(Value::as_array);
                array(items, twin, name, &path)?;
            }
            value => one(name, value, &path, inside)?,
        }
    }
    Ok(())
}

/// `name` beside `_name`: the values and the extensions of a primitive element.
fn twin(name: &str) -> String {
    match name.strip_prefix('_') {
        Some(name) => name.to_owned(),
        None => format!("_{name}"),
    }
}

fn array(
    items: &[Value],
    twin: Option<&Vec<Value>>,
    name: &str,
    path: &str,
) -> Result<(), Problem> {
    if items.is_empty() {
        return Err(Problem::new(path, "an array must have a member"));
    }
    for (index, item) in items.iter().enumerate() {
        let path = format!("{path}[{index}]");
        let padding = item.is_null()
            && twin
                .and_then(|twin| twin.get(index))
                .is_some_and(|other| !other.is_null());
        if padding {
            continue;
        }
        match item {
            Value::Array(_) => return Err(Problem::new(path, "FHIR has no arrays of arrays")),
            item => one(name, item, &path, Inside::Element)?,
        }
    }
    Ok(())
}

fn one(name: &str, value: &Value, path: &str, inside: Inside) -> Result<(), Problem> {
    match value {
        Value::Null => Err(Problem::new(
            path,
            "null stands for nothing here: leave the element out",
        )),
        Value::Object(members) => {
            let resource = name == "contained" || members.contains_key("resourceType");
            let below = if resource {
                Inside::Contained
            } else {
                Inside::Element
            };
            object(members, path, below)
        }
        Value::String(text) => match complaint(name, text, inside) {
            Some(why) => Err(Problem::new(path, why)),
            None => Ok(()),
        },
        _ => Ok(()),
    }
}

fn complaint(name: &str, text: &str, inside: Inside) -> Option<&'static str> {
    let control = |character: char| character < ' ' && !matches!(character, '\t' | '\r' | '\n');
    if text.trim().is_empty() {
        return Some("a text must not be empty");
    }
    if text.contains(control) {
        return Some("a text must not have control characters");
    }
    match name {
        "id" if inside != Inside::Element && !id(text) => {
            Some("an id has 1 to 64 letters, digits, '-' and '.'")
        }
        "id" if text.contains(char::is_whitespace) => Some("an id has no white space"),
        "reference" if !reference(text) => Some("a reference is Type/id, #id, a URL or a URN"),
        "code" | "valueCode" | "status" | "contentType" | "language" if !code(text) => {
            Some("a code has no white space at its ends and no two spaces together")
        }
        "start" | "end"
            if text.starts_with(|first: char| first.is_ascii_digit()) && !date(text) =>
        {
            Some(DATE_FORM)
        }
        name if is_date(name) && !date(text) => Some(DATE_FORM),
        _ => None,
    }
}

const DATE_FORM: &str =
    "a date is YYYY, YYYY-MM, YYYY-MM-DD or YYYY-MM-DDThh:mm:ss with its zone, and in the calendar";

/// Whether a member is named as elements are, so that its name can be repeated.
pub(crate) fn is_name(name: &str) -> bool {
    let usual = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    (1..=64).contains(&name.len()) && name.bytes().all(usual)
}

fn is_date(name: &str) -> bool {
    name.ends_with("Date")
        || name.ends_with("DateTime")
        || name.ends_with("Instant")
        || DATES.contains(&name)
}

fn id(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.');
    (1..=64).contains(&text.len()) && text.bytes().all(allowed)
}

fn code(text: &str) -> bool {
    text.trim() == text && !text.contains("  ") && !text.contains(['\t', '\r', '\n'])
}

fn reference(text: &str) -> bool {
    if text.contains(char::is_whitespace) {
        return false;
    }
    if let Some(local) = text.strip_prefix('#') {
        return local.is_empty() || id(local);
    }
    for scheme in ["http://", "https://", "urn:uuid:", "urn:oid:"] {
        if let Some(rest) = text.strip_prefix(scheme) {
            return !rest.is_empty();
        }
    }
    let relative = |kind: &str, name: &str| kind.parse::<ResourceType>().is_ok() && id(name);
    match text.split('/').collect::<Vec<&str>>()[..] {
        [kind, name] => relative(kind, name),
        [kind, name, "_history", version] => relative(kind, name) && id(version),
        _ => false,
    }
}

/// The form, and whether the day is in the calendar and the time on the clock.
fn date(text: &str) -> bool {
    let form = |text: &str, form: &str| {
        text.len() == form.len()
            && text
                .bytes()
                .zip(form.bytes())
                .all(|(byte, form)| match form {
                    b'0' => byte.is_ascii_digit(),
                    form => byte == form,
                })
    };
    let Some((day, clock)) = text.split_once('T') else {
        let year = text.get(..4).is_some_and(|year| year >= "1000");
        return year
            && ["0000", "0000-00", "0000-00-00"]
                .iter()
                .any(|known| form(text, known))
            && in_calendar(text);
    };
    let (clock, zone) = match clock.find(['Z', '+', '-']) {
        Some(at) => clock.split_at(at),
        None => return false,
    };
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
    let zone = zone == "Z" || form(zone, "+00:00") || form(zone, "-00:00");
    let fraction =
        (1..=9).contains(&fraction.len()) && fraction.bytes().all(|byte| byte.is_ascii_digit());
    let formed = form(day, "0000-00-00") && form(clock, "00:00:00") && zone && fraction;
    // A leap second is a second (R4 datatypes, dateTime); there is no hour 24.
    let ticks = clock.get(..2) <= Some("23")
        && clock.get(3..5) <= Some("59")
        && clock.get(6..) <= Some("60");
    formed && day >= "1000" && ticks && in_calendar(day)
}

/// Whether a year, month or day of the right form exists.
fn in_calendar(text: &str) -> bool {
    let part = |range: Range<usize>| text.get(range)?.parse::<u32>().ok();
    let year = part(0..4).unwrap_or_default();
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match part(5..7) {
        None => return true,
        Some(4 | 6 | 9 | 11) => 30,
        Some(2) if is_leap => 29,
        Some(2) => 28,
        Some(1..=12) => 31,
        Some(_) => return false,
    };
    part(8..10).is_none_or(|day| (1..=days).contains(&day))
}
