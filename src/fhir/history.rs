//! Bundle: the history of one record, the newest state first.

use serde_json::json;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use uuid::Uuid;

use crate::domain::ResourceType;
use crate::fhir::Base;

/// One state of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// The FHIR JSON; `None` where the record was removed.
    pub body: Option<String>,
    /// `meta.versionId`; empty where it was removed.
    pub version: String,
    /// What made this state: `POST`, `PUT`, `PATCH`, `DELETE`.
    pub method: String,
    /// When it came to be, where that is known.
    pub since: Option<OffsetDateTime>,
}

/// What stands around the states.
#[derive(Clone, Debug)]
pub struct Frame<'a> {
    /// The FHIR base.
    pub base: &'a Base,
    /// Whose history.
    pub of: (ResourceType, Uuid),
    /// The query of the self link, as it was understood.
    pub query: String,
    /// How many states there are, where that is known.
    pub total: Option<usize>,
    /// The URL of the next page, where there is one.
    pub next: Option<String>,
}

/// A Bundle of type history.
pub fn bundle(states: &[State], frame: &Frame<'_>) -> Vec<u8> {
    let (kind, id) = frame.of;
    let url = frame.base.of(kind, id);
    let mut link = vec![json!({
        "relation": "self", "url": format!("{url}/_history{}", frame.query)
    })];
    if let Some(next) = &frame.next {
        link.push(json!({"relation": "next", "url": next}));
    }
    let mut bundle = json!({"resourceType": "Bundle", "type": "history", "link": link});
    if let Some(total) = frame.total {
        bundle["total"] = json!(total);
    }
    let mut text = bundle.to_string().into_bytes();
    if states.is_empty() {
        return text;
    }
    // The frame ends with a brace of its own, which the entries go before. A state is put in as it was kept: reading
    // it to write it again could change it.
    text.pop();
    text.extend_from_slice(b",\"entry\":[");
    for (index, state) in states.iter().enumerate() {
        if index > 0 {
            text.push(b',');
        }
        let opening = format!("{{\"fullUrl\":{}", json!(url));
        text.extend_from_slice(opening.as_bytes());
        if let Some(body) = &state.body {
            text.extend_from_slice(b",\"resource\":");
            text.extend_from_slice(body.as_bytes());
        }
        let address = match state.method.as_str() {
            "POST" => kind.name().to_owned(),
            _ => format!("{}/{id}", kind.name()),
        };
        let request = json!({"method": state.method, "url": address});
        let closing = format!(",\"request\":{request},\"response\":{}}}", response(state));
        text.extend_from_slice(closing.as_bytes());
    }
    text.extend_from_slice(b"]}");
    text
}

fn response(state: &State) -> serde_json::Value {
    let status = match state.method.as_str() {
        "POST" => "201 Created",
        "DELETE" => "204 No Content",
        _ => "200 OK",
    };
    let mut response = json!({"status": status});
    if !state.version.is_empty() {
        response["etag"] = json!(format!("W/\"{}\"", state.version));
    }
    if let Some(since) = state.since.and_then(|since| since.format(&Rfc3339).ok()) {
        response["lastModified"] = json!(since);
    }
    response
}
