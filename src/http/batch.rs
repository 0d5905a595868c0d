//! `POST /fhir`: batch and transaction. The response Bundle is put together here, because statuses are told here alone.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::OriginalUri;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::HeaderValue;
use axum::http::StatusCode;
use axum::http::header::ALLOW;
use axum::response::Response;
use serde_json::json;
use time::UtcOffset;
use time::format_description::well_known::Rfc3339;

use crate::domain::refusal::Answer;
use crate::domain::refusal::Failure;
use crate::domain::refusal::Refusal;
use crate::fhir::outcome;
use crate::fhir::sent_bundle;
use crate::fhir::sent_bundle::Mode;
use crate::http::App;
use crate::http::fhir;
use crate::http::guard;
use crate::http::negotiate;
use crate::http::reply;
use crate::http::request_id::RequestId;
use crate::http::write;
use crate::rest::Answered;
use crate::rest::How;
use crate::rest::bundle;
use crate::rest::bundle::Done;
use crate::rest::bundle::Stopped;
use crate::rest::repeat::Repeat;

/// How every outcome this server writes begins.
const OUTCOME: &[u8] = br#"{"resourceType":"OperationOutcome""#;

/// `POST /fhir`.
pub async fn post(
    State(app): State<Arc<App>>,
    id: RequestId,
    uri: OriginalUri,
    headers: HeaderMap,
    body: Body,
) -> Response {
    match answered(&app, &id, (&uri, &headers), body).await {
        Ok(response) => response,
        Err(failure) => reply::fhir(&app, &id.0, failure),
    }
}

/// Another method of the base.
pub async fn not_allowed(
    State(app): State<Arc<App>>,
    id: RequestId,
    headers: HeaderMap,
) -> Response {
    let failure = match guard::grant(&app, &headers).await {
        Ok(_) => Refusal::NoMethod.into(),
        Err(failure) => failure,
    };
    let none = matches!(failure, Failure::Refused(Refusal::NoMethod));
    let mut response = reply::fhir(&app, &id.0, failure);
    if none {
        let post = HeaderValue::from_static("POST");
        response.headers_mut().insert(ALLOW, post);
    }
    response
}

async fn answered(
    app: &App,
    id: &RequestId,
    (uri, headers): (&OriginalUri, &HeaderMap),
    body: Body,
) -> Answer<Response> {
    // Who asks comes before what is asked: a stranger's body is not read.
    let grant = guard::grant(app, headers).await?;
    negotiate::json(headers, &negotiate::pairs(uri.query()))?;
    negotiate::fhir_body(headers)?;
    let bytes = negotiate::bytes(body).await?;
    let rest = fhir::rest(app, id, &grant);
    let wanted = write::wanted(headers);
    let key = write::one(headers, "idempotency-key")?;
    let sent = sent_bundle::read(&bytes)?;
    let (done, name) = match sent.mode {
        Mode::Batch if key.is_some() => {
            let why = "a batch is many requests: the key is for one write, or for a transaction";
            return Err(Refusal::invalid("Idempotency-Key", why).into());
        }
        Mode::Batch => {
            let done = bundle::batch(&rest, sent.entries, wanted).await;
            (done, "batch-response")
        }
        Mode::Transaction => {
            let parts = [b"POST".as_slice(), b"/fhir", &bytes];
            let repeat = key.map(|key| Repeat::of(&rest, key, &parts)).transpose()?;
            let asked = (wanted, repeat.as_ref());
            match bundle::transaction(&rest, sent.entries, asked).await {
                Ok(done) => (done, "transaction-response"),
                Err(stopped) => return Ok(not_done(app, id, stopped)),
            }
        }
    };
    let bytes = response_bundle(app, id, (done, name)).await;
    Ok(reply::fhir_body(StatusCode::OK, bytes))
}

/// The entry that keeps the rest from being done: with the status it would have alone.
fn not_done(app: &App, id: &RequestId, stopped: Stopped) -> Response {
    let outcome = match &stopped.failure {
        Failure::Refused(refusal) => outcome::refusal(refusal),
        Failure::Broken(_) => outcome::fault(&id.0),
    };
    let response = reply::fhir(app, &id.0, stopped.failure);
    let (parts, _) = response.into_parts();
    let outcome = sent_bundle::about(outcome, stopped.index);
    Response::from_parts(parts, Body::from(outcome))
}

/// The answers in the order of the entries, their ledger lines left to be written.
async fn response_bundle(app: &App, id: &RequestId, (done, name): (Vec<Done>, &str)) -> Vec<u8> {
    let frame = json!({"resourceType": "Bundle", "type": name});
    let mut bundle = frame.to_string().into_bytes();
    if done.is_empty() {
        return bundle;
    }
    // The frame ends with a brace of its own, which the entries go before.
    bundle.pop();
    bundle.extend_from_slice(b",\"entry\":[");
    for (index, one) in done.into_iter().enumerate() {
        if index > 0 {
            bundle.push(b',');
        }
        match one.answer {
            Ok(mut answered) => {
                for note in std::mem::take(&mut answered.notes) {
                    app.reads.note(note).await;
                }
                entry(answered, one.is_write, &mut bundle);
            }
            Err(failure) => failed(id, failure, &mut bundle),
        }
    }
    bundle.extend_from_slice(b"]}");
    bundle
}

/// What an entry came to. Bodies are put in as they are: reading them to write them again could change them.
fn entry(answered: Answered, is_write: bool, bundle: &mut Vec<u8>) {
    let mut response = json!({"status": spelled(reply::status_of(answered.how))});
    if let Some(version) = &answered.version {
        response["etag"] = json!(format!("W/\"{version}\""));
    }
    let updated = answered.last_updated.map(|at| at.to_offset(UtcOffset::UTC));
    if let Some(at) = updated.and_then(|at| at.format(&Rfc3339).ok()) {
        response["lastModified"] = json!(at);
    }
    if let Some(location) = &answered.location {
        response["location"] = json!(location);
    }
    let mut response = response.to_string().into_bytes();
    let body = answered.body;
    // A read that is not modified says nothing, and what a write says about itself is no resource.
    let says = is_write && body.starts_with(OUTCOME);
    if says {
        response.pop();
        response.extend_from_slice(b",\"outcome\":");
        response.extend_from_slice(&body);
        response.push(b'}');
    }
    bundle.push(b'{');
    if !says && !body.is_empty() && answered.how != How::NotModified {
        bundle.extend_from_slice(b"\"resource\":");
        bundle.extend_from_slice(&body);
        bundle.push(b',');
    }
    bundle.extend_from_slice(b"\"response\":");
    bundle.extend_from_slice(&response);
    bundle.push(b'}');
}

/// A no or a breakage in its own place.
fn failed(id: &RequestId, failure: Failure, bundle: &mut Vec<u8>) {
    let (status, outcome) = match failure {
        Failure::Refused(refusal) => (reply::status(&refusal), outcome::refusal(&refusal)),
        Failure::Broken(fault) => {
            reply::log(&fault, &id.0);
            (StatusCode::INTERNAL_SERVER_ERROR, outcome::fault(&id.0))
        }
    };
    let opening = format!(
        "{{\"response\":{{\"status\":{},\"outcome\":",
        json!(spelled(status))
    );
    bundle.extend_from_slice(opening.as_bytes());
    bundle.extend_from_slice(&outcome);
    bundle.extend_from_slice(b"}}");
}

/// `404 Not Found`
fn spelled(status: StatusCode) -> String {
    match status.canonical_reason() {
        Some(reason) => format!("{} {reason}", status.as_str()),
        None => status.as_str().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;
    use time::macros::datetime;

    fn shown(answered: Answered, is_write: bool) -> Value {
        let mut bytes = Vec::new();
        entry(answered, is_write, &mut bytes);
        serde_json::from_slice(&bytes).expect("JSON")
    }

    #[test]
    fn an_entry_has_status_version_date_and_resource() {
        let mut created = Answered::found(br#"{"resourceType":"Task","n":1.50}"#.to_vec());
        created.how = How::Created;
        created.version = Some("00ff".to_owned());
        created.last_updated = Some(datetime!(2026-11-21 09:00 -5));
        created.location = Some("http://x.org/fhir/Task/7/_history/00ff".to_owned());
        assert_eq!(
            shown(created, true),
            json!({"resource": {"resourceType": "Task", "n": 1.50}, "response": {
                "status": "201 Created", "etag": "W/\"00ff\"", "lastModified": "2026-11-21T14:00:00Z",
                "location": "http://x.org/fhir/Task/7/_history/00ff"}})
        );
    }

    #[test]
    fn what_a_write_says_is_its_outcome_and_what_an_operation_says_its_resource() {
        let said = || {
            let mut said = Answered::found(outcome::information("Wait."));
            said.how = How::Accepted;
            said
        };
        let write = shown(said(), true);
        assert_eq!(write["response"]["status"], "202 Accepted");
        assert_eq!(
            write["response"]["outcome"]["resourceType"],
            "OperationOutcome"
        );
        assert_eq!(write.get("resource"), None);
        let operation = shown(said(), false);
        assert_eq!(operation["resource"]["resourceType"], "OperationOutcome");
        let mut same = Answered::found(Vec::new());
        same.how = How::NotModified;
        assert_eq!(
            shown(same, false),
            json!({"response": {"status": "304 Not Modified"}})
        );
    }

    #[test]
    fn a_no_has_its_status_and_outcome() {
        let mut bytes = Vec::new();
        failed(&RequestId::default(), Refusal::NotFound.into(), &mut bytes);
        let entry: Value = serde_json::from_slice(&bytes).expect("JSON");
        assert_eq!(entry["response"]["status"], "404 Not Found");
        assert_eq!(
            entry["response"]["outcome"]["issue"][0]["code"],
            "not-found"
        );
    }
}
