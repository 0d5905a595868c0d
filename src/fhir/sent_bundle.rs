//! Bundles that are sent: batch and transaction, taken apart into requests. What stands around the entries is checked
//! here; what an entry holds goes the way of a request of its own.

use serde_json::Map;
use serde_json::Value;

use crate::domain::refusal::Refusal;

/// Entries of a Bundle at most (`spec/security.md` section 0).
const MOST: usize = 200;

const BUNDLE: [&str; 10] = [
    "resourceType",
    "id",
    "meta",
    "language",
    "identifier",
    "type",
    "timestamp",
    "total",
    "link",
    "entry",
];

const ENTRY: [&str; 5] = ["id", "link", "fullUrl", "resource", "request"];

const REQUEST: [&str; 7] = [
    "id",
    "method",
    "url",
    "ifNoneMatch",
    "ifModifiedSince",
    "ifMatch",
    "ifNoneExist",
];

/// How the entries of a Bundle belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Each alone.
    Batch,
    /// All or nothing.
    Transaction,
}

/// What an entry does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Method {
    /// `DELETE`
    Delete,
    /// `POST`
    Post,
    /// `PUT`
    Put,
    /// `PATCH`
    Patch,
    /// `GET`
    Get,
    /// `HEAD`
    Head,
}

/// One entry.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// What the other entries call it.
    pub full_url: Option<String>,
    /// What it does.
    pub method: Method,
    /// To what: relative to the base, or absolute.
    pub url: String,
    /// The body.
    pub resource: Option<Value>,
    /// `ifMatch`
    pub if_match: Option<String>,
    /// `ifNoneExist`
    pub if_none_exist: Option<String>,
    /// `ifNoneMatch`
    pub if_none_match: Option<String>,
    /// `ifModifiedSince`
    pub if_modified_since: Option<String>,
}

/// A Bundle taken apart. An entry that is none is refused in its own place: a batch goes on without it.
#[derive(Clone, Debug, PartialEq)]
pub struct SentBundle {
    /// How the entries belong together.
    pub mode: Mode,
    /// The entries, in their order.
    pub entries: Vec<Result<Entry, Refusal>>,
}

/// Takes a Bundle apart.
///
/// # Errors
/// `Invalid` for what is not JSON within the limits, no Bundle, or of another type; `TooLarge` over 200 entries.
pub fn read(sent: &[u8]) -> Result<SentBundle, Refusal> {
    let json =
        fhir_decode::json(sent).map_err(|problem| Refusal::invalid(problem.path, problem.why))?;
    let Value::Object(members) = json else {
        return Err(Refusal::invalid("$this", "a Bundle is a JSON object"));
    };
    if members.get("resourceType").and_then(Value::as_str) != Some("Bundle") {
        let why = "this is the address of a Bundle of type batch or transaction";
        return Err(Refusal::invalid("$this.resourceType", why));
    }
    let mode = match members.get("type").and_then(Value::as_str) {
        Some("batch") => Mode::Batch,
        Some("transaction") => Mode::Transaction,
        _ => {
            let why = "a Bundle that is sent here is of type batch or transaction";
            return Err(Refusal::invalid("Bundle.type", why));
        }
    };
    only(&members, &BUNDLE, "Bundle")?;
    let mut members = members;
    let entries = match members.remove("entry") {
        None => Vec::new(),
        Some(Value::Array(all)) if all.len() > MOST => {
            return Err(Refusal::TooLarge("A Bundle has at most 200 entries."));
        }
        Some(Value::Array(all)) => all,
        Some(_) => return Err(Refusal::invalid("Bundle.entry", "this is a JSON array")),
    };
    let entries = entries.into_iter().enumerate();
    let entries = entries.map(|(index, one)| entry(one, &format!("Bundle.entry[{index}]")));
    Ok(SentBundle {
        mode,
        entries: entries.collect(),
    })
}

fn entry(sent: Value, place: &str) -> Result<Entry, Refusal> {
    let Value::Object(mut members) = sent else {
        return Err(Refusal::invalid(place, "an entry is a JSON object"));
    };
    only(&members, &ENTRY, place)?;
    let full_url = text(&mut members, "fullUrl", place)?;
    let resource = match members.remove("resource") {
        Some(Value::Object(resource)) => Some(Value::Object(resource)),
        None => None,
        Some(_) => {
            let place = format!("{place}.resource");
            return Err(Refusal::invalid(place, "a resource is a JSON object"));
        }
    };
    let place = format!("{place}.request");
    let Some(Value::Object(mut request)) = members.remove("request") else {
        let why = "an entry says what it asks for: method and url";
        return Err(Refusal::invalid(place, why));
    };
    only(&request, &REQUEST, &place)?;
    let method = match text(&mut request, "method", &place)?.as_deref() {
        Some("DELETE") => Method::Delete,
        Some("POST") => Method::Post,
        Some("PUT") => Method::Put,
        Some("PATCH") => Method::Patch,
        Some("GET") => Method::Get,
        Some("HEAD") => Method::Head,
        _ => {
            let why = "this is GET, HEAD, POST, PUT, PATCH or DELETE";
            return Err(Refusal::invalid(format!("{place}.method"), why));
        }
    };
    let url = text(&mut request, "url", &place)?.ok_or_else(|| {
        let why = "this is the address below the base, such as Patient/[id]";
        Refusal::invalid(format!("{place}.url"), why)
    })?;
    Ok(Entry {
        full_url,
        method,
        url,
        resource,
        if_match: text(&mut request, "ifMatch", &place)?,
        if_none_exist: text(&mut request, "ifNoneExist", &place)?,
        if_none_match: text(&mut request, "ifNoneMatch", &place)?,
        if_modified_since: text(&mut request, "ifModifiedSince", &place)?,
    })
}

/// A text; refused where something else stands there.
fn text(
    members: &mut Map<String, Value>,
    name: &str,
    place: &str,
) -> Result<Option<String>, Refusal> {
    match members.remove(name) {
        None => Ok(None),
        Some(Value::String(text)) if !text.trim().is_empty() => Ok(Some(text)),
        Some(_) => {
            let why = "this is a text that is not empty";
            Err(Refusal::invalid(format!("{place}.{name}"), why))
        }
    }
}

/// What is not looked at is refused, not lost.
fn only(members: &Map<String, Value>, known: &[&str], place: &str) -> Result<(), Refusal> {
    match members.keys().any(|name| !known.contains(&name.as_str())) {
        false => Ok(()),
        true => {
            let why = format!("only {} may stand here", known.join(", "));
            Err(Refusal::invalid(place, why))
        }
    }
}

/// An OperationOutcome that says which entry it is about, before whatever it says about the place in it.
pub fn about(outcome: Vec<u8>, index: usize) -> Vec<u8> {
    let Ok(mut json) = serde_json::from_slice::<Value>(&outcome) else {
        return outcome;
    };
    let place = Value::String(format!("Bundle.entry[{index}]"));
    let issues = json.get_mut("issue").and_then(Value::as_array_mut);
    for issue in issues.into_iter().flatten() {
        let known = issue["expression"].as_array().cloned().unwrap_or_default();
        let all =
            std::iter::once(place.clone()).chain(known.into_iter().filter(|one| *one != place));
        issue["expression"] = all.collect();
    }
    json.to_string().into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn sent(json: &Value) -> Result<SentBundle, Refusal> {
        read(json.to_string().as_bytes())
    }

    fn place(refusal: &Refusal) -> &str {
        match refusal {
            Refusal::Invalid { location, .. } => location,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_bundle_is_taken_apart_and_a_bad_entry_stays_alone() {
        let found = sent(
            &json!({"resourceType": "Bundle", "type": "batch", "entry": [
                {"fullUrl": "urn:uuid:1", "resource": {"resourceType": "Task"},
                 "request": {"method": "POST", "url": "Task", "ifNoneExist": "a=b"}},
                {"request": {"method": "EAT", "url": "Task"}},
                {"request": {"method": "GET"}},
                {"resource": {}},
                {"request": {"method": "GET", "url": "Task"}, "search": {"mode": "match"}},
                {"request": {"method": "GET", "url": "Patient/1", "ifNoneMatch": "W/\"1\""}},
            ]}),
        )
        .expect("a Bundle");
        assert_eq!(found.mode, Mode::Batch);
        let first = found.entries[0].as_ref().expect("right");
        assert_eq!((first.method, first.url.as_str()), (Method::Post, "Task"));
        assert_eq!(first.if_none_exist.as_deref(), Some("a=b"));
        let places: Vec<&str> = found.entries[1..5]
            .iter()
            .map(|one| place(one.as_ref().expect_err("wrong")))
            .collect();
        assert_eq!(
            places,
            [
                "Bundle.entry[1].request.method",
                "Bundle.entry[2].request.url",
                "Bundle.entry[3].request",
                "Bundle.entry[4]"
            ]
        );
        assert!(found.entries[5].is_ok());
    }

    #[test]
    fn only_batch_and_transaction_of_200_entries_are_taken() {
        for other in ["document", "searchset", "history", ""] {
            let refusal = sent(&json!({"resourceType": "Bundle", "type": other}));
            assert_eq!(place(&refusal.expect_err(other)), "Bundle.type");
        }
        let refusal = sent(&json!({"resourceType": "Patient"})).expect_err("no Bundle");
        assert_eq!(place(&refusal), "$this.resourceType");
        let of = |count: usize| {
            let entry = json!({"request": {"method": "GET", "url": "Patient"}});
            json!({"resourceType": "Bundle", "type": "transaction", "entry": vec![entry; count]})
        };
        assert_eq!(sent(&of(200)).map(|found| found.entries.len()), Ok(200));
        assert!(matches!(sent(&of(201)), Err(Refusal::TooLarge(_))));
    }

    #[test]
    fn case_162_163_depth_doubles_and_strange_numbers_are_refused() {
        let deep = format!(
            r#"{{"resourceType":"Bundle","type":"batch","entry":{}1{}}}"#,
            "[".repeat(100_000),
            "]".repeat(100_000)
        );
        let wide = format!(
            r#"{{"resourceType":"Bundle","type":"batch","entry":[{}]}}"#,
            vec!["1"; 10_001].join(",")
        );
        for text in [
            deep.as_str(),
            wide.as_str(),
            r#"{"resourceType":"Bundle","type":"batch","type":"transaction"}"#,
            r#"{"resourceType":"Bundle","type":"batch","total":1e400}"#,
            r#"{"resourceType":"Bundle","type":"batch","total":-0}"#,
            r#"{"resourceType":"Bundle","type":"batch","id":"\ud800"}"#,
            "\u{feff}{\"resourceType\":\"Bundle\",\"type\":\"batch\"}",
            r#"{"resourceType":"Bundle","type":"batch","total":NaN}"#,
            r#"{"resourceType":"Bundle","type":"batch","__proto__":{}}"#,
        ] {
            let refusal = read(text.as_bytes()).expect_err("refused");
            assert!(matches!(refusal, Refusal::Invalid { .. }), "{refusal:?}");
        }
    }

    #[test]
    fn an_outcome_says_which_entry() {
        let outcome =
            json!({"issue": [{"code": "invalid", "expression": ["Task.status"]}, {"code": "x"}]});
        let told: Value =
            serde_json::from_slice(&about(outcome.to_string().into_bytes(), 3)).expect("JSON");
        assert_eq!(
            told["issue"][0]["expression"],
            json!(["Bundle.entry[3]", "Task.status"])
        );
        assert_eq!(told["issue"][1]["expression"], json!(["Bundle.entry[3]"]));
    }
}
