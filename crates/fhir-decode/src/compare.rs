//! What went in beside what came out.

use std::str::FromStr;

use fhir_sdk::Instant;
use serde_json::Number;
use serde_json::Value;

use crate::Problem;

/// Refuses the first value that was sent and is not in what would be stored.
pub(crate) fn check(sent: &Value, kept: &Value, path: &str) -> Result<(), Problem> {
    match (sent, kept) {
        (Value::Object(sent), Value::Object(kept)) => {
            for (name, value) in sent {
                let path = format!("{path}.{name}");
                match kept.get(name) {
                    Some(kept) => check(value, kept, &path)?,
                    None => return Err(Problem::new(path, DROPPED)),
                }
            }
            Ok(())
        }
        (Value::Array(sent), Value::Array(kept)) => {
            for (index, value) in sent.iter().enumerate() {
                let path = format!("{path}[{index}]");
                match kept.get(index) {
                    Some(kept) => check(value, kept, &path)?,
                    None => return Err(Problem::new(path, DROPPED)),
                }
            }
            Ok(())
        }
        (Value::String(sent), Value::String(kept)) if sent == kept || same_instant(sent, kept) => {
            Ok(())
        }
        (Value::Number(sent), Value::Number(kept)) if same_whole(sent, kept) => Ok(()),
        (sent, kept) if sent == kept => Ok(()),
        _ => Err(Problem::new(
            path,
            "this value is not in the form FHIR gives it",
        )),
    }
}

const DROPPED: &str = "FHIR R4 has no such element here, or not with a value of this type";

/// An instant may be written with more zeros or `+00:00` for `Z`.
fn same_instant(sent: &str, kept: &str) -> bool {
    let read = |text: &str| {
        text.contains('T')
            .then(|| Instant::from_str(text).ok())
            .flatten()
    };
    read(sent).is_some_and(|sent| read(kept) == Some(sent))
}

/// A decimal may be written as a whole number: `10` is kept as `10.0`. Every digit must be there still, which those behind
/// a double's fifteen are not.
fn same_whole(sent: &Number, kept: &Number) -> bool {
    let whole = |kept: &f64| kept.fract() == 0.0 && format!("{kept:.0}") == sent.to_string();
    !sent.is_f64() && kept.is_f64() && kept.as_f64().as_ref().is_some_and(whole)
}

/// The path of the first text that is exactly `text`.
pub(crate) fn locate(value: &Value, text: &str, path: &str) -> Option<String> {
    match value {
        Value::String(found) => (found == text).then(|| path.to_owned()),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .find_map(|(index, item)| locate(item, text, &format!("{path}[{index}]"))),
        Value::Object(members) => members
            .iter()
            .find_map(|(name, member)| locate(member, text, &format!("{path}.{name}"))),
        _ => None,
    }
}
