//! The one write of this server: a patient calls off a visit, by PUT or JSON Patch of `status`.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::Path;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::Method;
use axum::http::StatusCode;
use axum::http::header::IF_MATCH;
use axum::response::IntoResponse;
use axum::response::Response;
use serde::de::IgnoredAny;
use uuid::Uuid;

use crate::domain::ResourceType;
use crate::domain::access::Grant;
use crate::domain::access::Reach;
use crate::domain::access::User;
use crate::domain::records::Record;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Failure;
use crate::domain::refusal::Refusal;
use crate::domain::scope::Interaction;
use crate::domain::visits::Cancellation;
use crate::emr;
use crate::emr::cancel;
use crate::fhir::appointment_ask;
use crate::fhir::outcome;
use crate::http::App;
use crate::http::fhir;
use crate::http::guard;
use crate::http::negotiate;
use crate::http::reply;
use crate::http::request_id::RequestId;
use crate::portal;
use crate::store::ledger;
use crate::store::ledger::Entry;
use crate::store::ledger::Outcome;

const ACTION: &str = "Appointment.cancel";

/// `PUT` and `PATCH /fhir/Appointment/{id}`.
pub async fn change(
    State(app): State<Arc<App>>,
    id: RequestId,
    path: fhir::Named<(String, String)>,
    (method, headers): (Method, HeaderMap),
    body: Body,
) -> Response {
    let Ok(Path((kind, logical))) = path else {
        return fhir::other(State(app), id, headers).await;
    };
    if ResourceType::of(&kind) != Some(ResourceType::Appointment) {
        return fhir::not_allowed(State(app), id, headers).await;
    }
    match call_off(&app, &id, (&method, &headers), (&logical, body)).await {
        Ok(response) => response,
        Err(failure) => reply::unprocessable(&app, &id.0, failure),
    }
}

async fn call_off(
    app: &App,
    id: &RequestId,
    (method, headers): (&Method, &HeaderMap),
    (logical, body): (&str, Body),
) -> Answer<Response> {
    let grant = guard::grant(app, headers).await?;
    let reach = grant.reach(ResourceType::Appointment, Interaction::Update)?;
    if !matches!(grant.user(), User::Patient(_)) {
        let why = "Patients cancel their own visits here; staff and services change visits in OpenEMR's calendar.";
        return Err(Refusal::Unsupported(why.to_owned()).into());
    }
    negotiate::json(headers, &[])?;
    let uuid = logical.parse::<Uuid>().map_err(|_| Refusal::NotFound)?;
    let seen = if_match(headers)?;
    let current = emr::read(&app.emr, &reach, uuid).await?;
    let bytes = negotiate::bytes(body).await?;
    let ask = match ask(app, (method, headers), &current, &bytes) {
        // A body that is no JSON is a bad request; one that asks for too much was at least understood.
        Err(Failure::Refused(Refusal::Invalid { .. })) if !is_json(&bytes) => {
            let refusal = Refusal::invalid("body", "The body is not JSON.");
            return Ok(reply::fhir(app, &id.0, refusal.into()));
        }
        ask => ask?,
    };
    if *method == Method::PUT && seen.is_none() {
        return Err(Refusal::PreconditionRequired.into());
    }
    let ask = Cancellation { seen, ..ask };
    match decide_and_apply(app, id, (&grant, &reach), ask).await {
        Ok(()) => {}
        Err(Failure::Refused(refusal)) => {
            refused(app, id, &grant, (uuid, &refusal)).await?;
            return Err(refusal.into());
        }
        Err(broken) => return Err(broken),
    }
    match emr::read(&app.emr, &reach, uuid).await {
        Ok(record) => preferred(app, &record, headers),
        // A scope cut to booked visits does not open the cancelled one: it is done all the same, and no more is shown.
        Err(Failure::Refused(Refusal::NotFound)) => Ok(done()),
        Err(failure) => Err(failure),
    }
}

/// The body as an ask. A body that changes anything but the status is refused by the name of the element.
fn ask(
    app: &App,
    (method, headers): (&Method, &HeaderMap),
    current: &Record,
    bytes: &[u8],
) -> Answer<Cancellation> {
    let kind = negotiate::media_type(headers);
    let ask = match (method, kind.as_str()) {
        (&Method::PUT, "application/fhir+json" | "application/json") => {
            appointment_ask::put(bytes, current, &app.base)?
        }
        (&Method::PATCH, "application/json-patch+json") => appointment_ask::patch(bytes, current)?,
        (&Method::PATCH, _) => {
            let wanted = "Send a JSON Patch as application/json-patch+json.";
            return Err(Refusal::UnsupportedMediaType(wanted).into());
        }
        _ => {
            let wanted = "Send the resource as application/fhir+json.";
            return Err(Refusal::UnsupportedMediaType(wanted).into());
        }
    };
    Ok(ask)
}

fn is_json(bytes: &[u8]) -> bool {
    serde_json::from_slice::<IgnoredAny>(bytes).is_ok()
}

/// Ask, Case, Verdict, Permit, Record.
async fn decide_and_apply(
    app: &App,
    id: &RequestId,
    (grant, reach): (&Grant, &Reach),
    ask: Cancellation,
) -> Answer<()> {
    let uuid = ask.uuid;
    let case = cancel::case(&app.emr, reach, ask, app.config.cancel_notice).await?;
    let permit = portal::decide(case).permit()?;
    let entry = entry(app, id, grant, (Outcome::Success, uuid));
    cancel::apply(&app.emr, &permit, entry).await
}

/// A refusal by the rules is told in the ledger too: who was sent away and why.
async fn refused(
    app: &App,
    id: &RequestId,
    grant: &Grant,
    (uuid, refusal): (Uuid, &Refusal),
) -> Answer<()> {
    let Refusal::Rules(reasons) = refusal else {
        return Ok(());
    };
    let ids: Vec<&str> = reasons.iter().map(|reason| reason.id).collect();
    let mut entry = entry(app, id, grant, (Outcome::Refused, uuid));
    entry.reason = ids.join(" ");
    ledger::record_all(&app.emr.db, &[entry]).await
}

fn entry(app: &App, id: &RequestId, grant: &Grant, (outcome, uuid): (Outcome, Uuid)) -> Entry {
    let mut entry = Entry::new(ACTION, outcome, app.emr.now()).under(grant);
    entry.resource = format!("Appointment/{uuid}");
    entry.request_id.clone_from(&id.0);
    entry
}

/// `If-Match: W/"<version>"`, one version only (R4 http, 3.1.0.5).
fn if_match(headers: &HeaderMap) -> Result<Option<u64>, Refusal> {
    let mut all = headers.get_all(IF_MATCH).iter();
    let Some(value) = all.next() else {
        return Ok(None);
    };
    let version = value
        .to_str()
        .ok()
        .map(|text| text.trim().trim_start_matches("W/").trim_matches('"'))
        .and_then(|text| u64::from_str_radix(text, 16).ok());
    match (version, all.next()) {
        (Some(version), None) => Ok(Some(version)),
        // A version that is none of ours cannot be the present one.
        _ => Err(Refusal::Stale),
    }
}

/// The new state as `Prefer: return=` wants it: the resource, nothing, or a sentence (R4 http, 3.1.0.1.6).
fn preferred(app: &App, record: &Record, headers: &HeaderMap) -> Answer<Response> {
    let wanted = headers
        .get("prefer")
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let mut response = fhir::shown(app, record, &HeaderMap::new())?;
    if wanted.contains("return=minimal") {
        let headers = response.headers().clone();
        response = StatusCode::OK.into_response();
        for name in ["etag", "last-modified"] {
            if let Some(value) = headers.get(name) {
                response.headers_mut().insert(name, value.clone());
            }
        }
    }
    if wanted.contains("return=OperationOutcome") {
        response = done();
    }
    Ok(response)
}

fn done() -> Response {
    reply::fhir_body(
        StatusCode::OK,
        outcome::information("The visit is cancelled."),
    )
}
