//! What was sent beside what would be shown of it: how asks see that nothing is lost without a word.

use serde_json::Value;

use crate::domain::refusal::Refusal;

/// Refuses the first part of an element that would not be shown again as it was sent, and what would be shown without
/// having been sent. Lists may be in another order.
///
/// # Errors
/// `Unprocessable` at the part.
pub(super) fn whole(
    place: &str,
    sent: Option<&Value>,
    kept: Option<&Value>,
) -> Result<(), Refusal> {
    let lost = match (sent, kept) {
        (Some(sent), Some(kept)) => lost(place, sent, kept),
        (Some(_), None) => Some(place.to_owned()),
        (None, _) => None,
    };
    if let Some(place) = lost {
        let why = "the chart has no place for this, or not in this form";
        return Err(Refusal::invalid(place, why).understood());
    }
    let many = |value: Option<&Value>| match value {
        Some(Value::Array(items)) => items.len(),
        Some(_) => 1,
        None => 0,
    };
    if many(kept) > many(sent) {
        let why = "something of it cannot be left out here";
        return Err(Refusal::invalid(place, why).understood());
    }
    Ok(())
}

/// The first part that is not among what is kept.
fn lost(place: &str, sent: &Value, kept: &Value) -> Option<String> {
    match (sent, kept) {
        (Value::Object(sent), Value::Object(kept)) => sent.iter().find_map(|(name, value)| {
            let place = format!("{place}.{name}");
            match kept.get(name) {
                Some(kept) => lost(&place, value, kept),
                None => Some(place),
            }
        }),
        (Value::Array(sent), Value::Array(kept)) => {
            let mut left: Vec<&Value> = kept.iter().collect();
            let mut items = sent.iter().enumerate();
            items.find_map(|(index, item)| {
                let place = format!("{place}[{index}]");
                match left.iter().position(|kept| lost("", item, kept).is_none()) {
                    Some(found) => {
                        left.remove(found);
                        None
                    }
                    // The nearest thing is the one in the same place: it says which part of the item is too much.
                    None => kept
                        .get(index)
                        .and_then(|kept| lost(&place, item, kept))
                        .or(Some(place)),
                }
            })
        }
        (sent, kept) => (sent != kept).then(|| place.to_owned()),
    }
}

/// Refuses control characters, which no column of OpenEMR's forms takes and no app means.
///
/// # Errors
/// `Unprocessable` at the text.
pub(super) fn printable(place: &str, value: &Value) -> Result<(), Refusal> {
    match value {
        Value::String(text) if text.contains(char::is_control) => {
            let why = "a text must not have control characters or line ends here";
            Err(Refusal::invalid(place, why).understood())
        }
        Value::Array(items) => {
            let mut items = items.iter().enumerate();
            items.try_for_each(|(index, item)| printable(&format!("{place}[{index}]"), item))
        }
        Value::Object(members) => {
            let mut members = members.iter();
            members.try_for_each(|(name, value)| printable(&format!("{place}.{name}"), value))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn at(sent: Value, kept: Value) -> Option<String> {
        match whole("X", Some(&sent), Some(&kept)) {
            Ok(()) => None,
            Err(Refusal::Unprocessable { location, .. }) => Some(location),
            Err(other) => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_is_lost_is_told_by_its_place() {
        assert_eq!(at(json!({"a": 1}), json!({"a": 1, "b": 2})), None);
        assert_eq!(
            at(json!({"a": 1, "c": 2}), json!({"a": 1})).as_deref(),
            Some("X.c")
        );
        assert_eq!(at(json!([2, 1]), json!([1, 2])), None);
        assert_eq!(at(json!([1, 1]), json!([1, 2])).as_deref(), Some("X[1]"));
        assert_eq!(at(json!([1]), json!([1, 2])).as_deref(), Some("X"));
        assert_eq!(
            at(
                json!([{"a": 1}, {"a": 2, "c": 3}]),
                json!([{"a": 1}, {"a": 2}])
            )
            .as_deref(),
            Some("X[1].c")
        );
    }

    #[test]
    fn control_characters_are_refused_where_they_stand() {
        assert!(printable("X", &json!({"a": ["ok", "\u{202e}rtl"]})).is_ok());
        let refused = printable("X", &json!({"a": ["ok", "a\u{0}"]}));
        assert!(
            matches!(refused, Err(Refusal::Unprocessable { location, .. }) if location == "X.a[1]")
        );
    }
}
