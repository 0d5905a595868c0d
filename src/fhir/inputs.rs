//! What an operation is given: the pairs of a query, or a Parameters resource, which says the same and may hold resources.

use serde_json::Value;
use time::OffsetDateTime;

use crate::domain::refusal::Refusal;
use crate::emr::zone::Zone;
use crate::fhir::dates;

/// Parameters at most, as of a search.
const MOST: usize = 50;

/// The parameter that holds a resource.
const RESOURCE: &str = "resource";

/// What an operation is given.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Inputs {
    /// Primitive values, as a query would have them: a Coding as `system|code`.
    pub pairs: Vec<(String, String)>,
    /// The resource of the parameter `resource`.
    pub resource: Option<Value>,
}

impl Inputs {
    /// The one value of a parameter that comes at most once.
    ///
    /// # Errors
    /// `Invalid` where it comes twice.
    pub fn one<'a>(&'a self, name: &'a str) -> Result<Option<&'a str>, Refusal> {
        let mut all = self.all(name);
        match (all.next(), all.next()) {
            (first, None) => Ok(first),
            _ => Err(Refusal::invalid(name, "this comes at most once")),
        }
    }

    /// Every value of a parameter.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let named = self.pairs.iter().filter(move |(known, _)| known == name);
        named.map(|(_, value)| value.as_str())
    }

    /// The parameters of these names, for a self link.
    pub fn said(&self, names: &[&str]) -> Vec<(String, String)> {
        let known = |pair: &&(String, String)| names.contains(&pair.0.as_str());
        self.pairs.iter().filter(known).cloned().collect()
    }

    /// Refuses parameters an operation does not have: one that is left out would change what the answer means.
    ///
    /// # Errors
    /// `Invalid` with the names there are.
    pub fn only(&self, operation: &str, names: &[&str]) -> Result<(), Refusal> {
        let common = ["_format", "_pretty"];
        let known = |name: &str| names.contains(&name) || common.contains(&name);
        let resource = self.resource.is_some() && !names.contains(&"resource");
        if resource || self.pairs.iter().any(|(name, _)| !known(name)) {
            let why = match names {
                [] => "it takes no parameters here".to_owned(),
                names => format!("it takes {} here", names.join(", ")),
            };
            return Err(Refusal::invalid(operation, why));
        }
        Ok(())
    }
}

/// Reads a body: Parameters, or, for an operation on one resource, that resource.
///
/// # Errors
/// `Invalid` for what is not JSON within the limits, or not Parameters as FHIR has them.
pub fn read(sent: &[u8], takes_resource: bool) -> Result<Inputs, Refusal> {
    read_many(sent, takes_resource, MOST)
}

/// The same with another limit on the number of parameters: an operation on many patients names each.
///
/// # Errors
/// As [`read`].
pub fn read_many(sent: &[u8], takes_resource: bool, most: usize) -> Result<Inputs, Refusal> {
    if sent.is_empty() {
        return Ok(Inputs::default());
    }
    let json =
        fhir_decode::json(sent).map_err(|problem| Refusal::invalid(problem.path, problem.why))?;
    of_many(json, (takes_resource, RESOURCE), most)
}

/// The same where the resource comes bare, or in a parameter of another name.
///
/// # Errors
/// As [`read`].
pub fn read_named(sent: &[u8], name: &str) -> Result<Inputs, Refusal> {
    if sent.is_empty() {
        return Ok(Inputs::default());
    }
    let json =
        fhir_decode::json(sent).map_err(|problem| Refusal::invalid(problem.path, problem.why))?;
    of_many(json, (true, name), MOST)
}

/// The same from JSON that was read, such as the resource of an entry.
///
/// # Errors
/// As [`read`].
pub fn of(json: Value, takes_resource: bool) -> Result<Inputs, Refusal> {
    of_many(json, (takes_resource, RESOURCE), MOST)
}

fn of_many(
    json: Value,
    (takes_resource, named): (bool, &str),
    most: usize,
) -> Result<Inputs, Refusal> {
    let kind = json.get("resourceType").and_then(Value::as_str);
    match kind {
        Some("Parameters") => {}
        Some(_) if takes_resource => {
            return Ok(Inputs {
                resource: Some(json),
                ..Inputs::default()
            });
        }
        _ => {
            let why = "send a Parameters resource";
            return Err(Refusal::invalid("$this.resourceType", why));
        }
    }
    let empty = Vec::new();
    let all = match &json["parameter"] {
        Value::Null => &empty,
        Value::Array(all) => all,
        _ => {
            return Err(Refusal::invalid(
                "Parameters.parameter",
                "this is a JSON array",
            ));
        }
    };
    if all.len() > most {
        return Err(Refusal::TooLarge("The operation has too many parameters."));
    }
    let mut inputs = Inputs::default();
    for (index, one) in all.iter().enumerate() {
        let place = format!("Parameters.parameter[{index}]");
        let Some(name) = one["name"].as_str() else {
            return Err(Refusal::invalid(place, "a parameter has a name"));
        };
        if one.get("resource").is_some() {
            let second = inputs.resource.replace(one["resource"].clone()).is_some();
            if second || name != named {
                let why = format!("there is one resource, in the parameter {named}");
                return Err(Refusal::invalid(place, why));
            }
            continue;
        }
        let mut values = one.as_object().into_iter().flatten();
        let value = values.find_map(|(name, value)| name.starts_with("value").then_some(value));
        let value = value.and_then(primitive).ok_or_else(|| {
            let why = "this takes one primitive value, a Coding, or a resource";
            Refusal::invalid(place, why)
        })?;
        inputs.pairs.push((name.to_owned(), value));
    }
    Ok(inputs)
}

/// A value as a query has it.
fn primitive(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(value) => Some(value.to_string()),
        Value::Number(number) => Some(number.to_string()),
        // A reference is said as a query says it.
        Value::Object(reference) if reference.contains_key("reference") => {
            reference.get("reference")?.as_str().map(str::to_owned)
        }
        Value::Object(coding) => {
            let code = coding.get("code")?.as_str()?;
            Some(match coding.get("system").and_then(Value::as_str) {
                Some(system) => format!("{system}|{code}"),
                None => code.to_owned(),
            })
        }
        _ => None,
    }
}

/// A period that something happened in, from the dates an operation is given: both are whole days where only a day is
/// said, and either may be open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    start: Option<OffsetDateTime>,
    end: Option<OffsetDateTime>,
}

impl Span {
    /// Reads `start` and `end`.
    ///
    /// # Errors
    /// `Invalid` at the one that is no date.
    pub fn read(inputs: &Inputs, zone: &Zone, now: OffsetDateTime) -> Result<Self, Refusal> {
        let of = |name: &'static str| {
            let Some(text) = inputs.one(name)? else {
                return Ok(None);
            };
            let bare = text.starts_with(|first: char| first.is_ascii_digit());
            let range = dates::range(text, zone, now).filter(|_| bare);
            range.map(Some).ok_or_else(|| {
                let why = "this is a date or a moment, such as 2026-11-21";
                Refusal::invalid(name, why)
            })
        };
        Ok(Self {
            start: of("start")?.map(|range| range.start),
            end: of("end")?.map(|range| range.end),
        })
    }

    /// Its first instant, and the first after it.
    pub fn bounds(&self) -> (Option<OffsetDateTime>, Option<OffsetDateTime>) {
        (self.start, self.end)
    }

    /// Whether it is open at both ends.
    pub fn is_open(&self) -> bool {
        self.start.is_none() && self.end.is_none()
    }

    /// Whether any part of a period lies in it; the end of the period is its last instant, or none.
    pub fn meets(&self, from: Option<OffsetDateTime>, to: Option<OffsetDateTime>) -> bool {
        let begins = match (self.end, from) {
            (Some(end), Some(from)) => from < end,
            _ => true,
        };
        let ends = match (self.start, to) {
            (Some(start), Some(to)) => to >= start,
            _ => true,
        };
        begins && ends
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use time::macros::datetime;

    #[test]
    fn parameters_say_what_a_query_says() {
        let sent = json!({"resourceType": "Parameters", "parameter": [
            {"name": "patient", "valueId": "7"},
            {"name": "type", "valueCoding": {"system": "http://loinc.org", "code": "34133-9"}},
            {"name": "type", "valueCoding": {"code": "x"}},
            {"name": "on-demand", "valueBoolean": true},
            {"name": "_count", "valueInteger": 5}]});
        let found = read(sent.to_string().as_bytes(), false).expect("Parameters");
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(
            found.pairs,
            [
                pair("patient", "7"),
                pair("type", "http://loinc.org|34133-9"),
                pair("type", "x"),
                pair("on-demand", "true"),
                pair("_count", "5")
            ]
        );
        assert!(found.one("type").is_err());
        assert_eq!(found.one("patient"), Ok(Some("7")));
        assert!(found.only("$docref", &["patient", "type"]).is_err());
    }

    #[test]
    fn a_resource_comes_bare_or_in_parameters() {
        let patient = json!({"resourceType": "Patient", "id": "7"});
        let bare = of(patient.clone(), true).expect("bare");
        let wrapped = json!({"resourceType": "Parameters", "parameter": [
            {"name": "resource", "resource": patient}, {"name": "mode", "valueCode": "create"}]});
        let wrapped = of(wrapped, true).expect("wrapped");
        assert_eq!(bare.resource, wrapped.resource);
        assert_eq!(wrapped.one("mode"), Ok(Some("create")));
        assert!(of(patient, false).is_err());
        assert!(bare.only("$everything", &["start"]).is_err());
    }

    #[test]
    fn what_is_no_parameters_is_refused() {
        for text in [
            "{}",
            "[]",
            "{",
            r#"{"resourceType":"Parameters","parameter":{}}"#,
            r#"{"resourceType":"Parameters","parameter":[{"name":"a"}]}"#,
            r#"{"resourceType":"Parameters","parameter":[{"name":"a","valueAddress":{"city":"x"}}]}"#,
            r#"{"resourceType":"Parameters","parameter":[{"valueString":"a"}]}"#,
            r#"{"resourceType":"Parameters","parameter":[{"name":"other","resource":{}}]}"#,
        ] {
            assert!(read(text.as_bytes(), false).is_err(), "{text}");
        }
        assert_eq!(read(b"", false), Ok(Inputs::default()));
    }

    #[test]
    fn a_span_has_whole_days_and_may_be_open() {
        let zone = Zone::named("America/New_York").expect("bundled zone");
        let span = |text: &[(&str, &str)]| {
            let pairs = text.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned()));
            let inputs = Inputs {
                pairs: pairs.collect(),
                resource: None,
            };
            Span::read(&inputs, &zone, datetime!(2026-11-21 12:00 UTC))
        };
        let day = span(&[("start", "2026-11-01"), ("end", "2026-11-02")]).expect("dates");
        let at = |moment| Some(moment);
        assert!(day.meets(
            at(datetime!(2026-11-02 23:59 -5)),
            at(datetime!(2026-11-02 23:59 -5))
        ));
        assert!(!day.meets(at(datetime!(2026-11-03 00:00 -5)), None));
        assert!(!day.meets(None, at(datetime!(2026-10-31 23:59 -4))));
        assert!(day.meets(None, None));
        assert!(span(&[]).expect("open").is_open());
        for wrong in ["yesterday", "ge2026", "2026-02-30", ""] {
            assert!(span(&[("start", wrong)]).is_err(), "{wrong}");
        }
    }
}
