//! `POST /oauth2/register`: apps that register themselves (RFC 7591).

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::Extensions;
use axum::http::HeaderMap;
use axum::http::HeaderValue;
use axum::http::StatusCode;
use axum::http::header::ALLOW;
use axum::http::header::CACHE_CONTROL;
use axum::http::header::PRAGMA;
use axum::http::header::RETRY_AFTER;
use axum::response::IntoResponse;
use axum::response::Response;
use serde_json::Value;
use serde_json::json;

use crate::auth::client::check::Wrong;
use crate::auth::login;
use crate::auth::oauth_error;
use crate::auth::registration;
use crate::auth::registration::Rejected;
use crate::crypto;
use crate::domain::refusal::Failure;
use crate::domain::refusal::Refusal;
use crate::http::App;
use crate::http::client_address;
use crate::http::negotiate;
use crate::http::oauth::context;
use crate::http::reply;
use crate::http::request_id::RequestId;

/// The largest registration: room for a key set.
const LARGEST: usize = 64 * 1024;

/// `POST /oauth2/register`
pub async fn register(
    State(app): State<Arc<App>>,
    id: RequestId,
    extensions: Extensions,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let address = fingerprint(&app, &headers, &extensions);
    match registered(&app, &id, (&headers, body), &address).await {
        Ok(answer) => unkept(StatusCode::CREATED, &answer),
        Err(rejected) => refused(&id, rejected),
    }
}

/// Any other method: there is nothing here to read, change or delete (RFC 7592 is not offered).
pub async fn only_post(id: RequestId) -> Response {
    let words = ("invalid_request", "the registration endpoint takes POST");
    let mut response = error(&id, StatusCode::METHOD_NOT_ALLOWED, words);
    let post = HeaderValue::from_static("POST");
    response.headers_mut().insert(ALLOW, post);
    response
}

/// Whom a registration is counted against.
pub fn fingerprint(app: &App, headers: &HeaderMap, extensions: &Extensions) -> String {
    crypto::fingerprint(&login::network(client_address::of(
        app, headers, extensions,
    )))
}

async fn registered(
    app: &App,
    id: &RequestId,
    (headers, body): (&HeaderMap, Body),
    address: &str,
) -> Result<Value, Rejected> {
    if negotiate::media_type(headers) != "application/json" {
        return Err(Refusal::UnsupportedMediaType("send application/json").into());
    }
    let body = axum::body::to_bytes(body, LARGEST)
        .await
        .map_err(|_| Refusal::TooLarge("the body is over 64 KiB or ended early"))?;
    let asked = registration::read(&body)?;
    let base = app.config.fhir_base();
    let caller = (address, "registration");
    let added = registration::register(&context(app, &base, &id.0), caller, asked.app).await?;
    Ok(registration::answer(&added, asked.method))
}

fn refused(id: &RequestId, rejected: Rejected) -> Response {
    match rejected {
        Rejected::Off => {
            let why = "this practice registers apps itself: ask it for a client_id";
            error(id, StatusCode::FORBIDDEN, ("access_denied", why))
        }
        Rejected::Statement => {
            let why = "software_statement: this server approves no issuer of software statements; leave it out";
            let words = ("unapproved_software_statement", why);
            error(id, StatusCode::BAD_REQUEST, words)
        }
        Rejected::Wrong(wrong) => {
            let redirects = wrong.iter().any(|(field, _)| *field == "redirect_uris");
            let word = match redirects {
                true => "invalid_redirect_uri",
                false => "invalid_client_metadata",
            };
            error(id, StatusCode::BAD_REQUEST, (word, &told(&wrong)))
        }
        Rejected::Failed(Failure::Refused(refusal)) => no(id, &refusal),
        Rejected::Failed(Failure::Broken(fault)) => {
            reply::log(&fault, &id.0);
            let words = ("server_error", "something broke; nothing was registered");
            error(id, StatusCode::INTERNAL_SERVER_ERROR, words)
        }
    }
}

fn no(id: &RequestId, refusal: &Refusal) -> Response {
    let word = match refusal {
        Refusal::TooMany(_) | Refusal::Unavailable(_) => "temporarily_unavailable",
        _ => "invalid_request",
    };
    let sentence = reply::sentence(refusal);
    let mut response = error(id, reply::status(refusal), (word, &sentence));
    wait(&mut response, refusal);
    response
}

/// Says when to come back, where time is all that helps.
pub fn wait(response: &mut Response, refusal: &Refusal) {
    let seconds = match refusal {
        Refusal::TooMany(seconds) => *seconds,
        // The practice has to look at what waits first.
        Refusal::Unavailable(_) => 3600,
        _ => return,
    };
    let value = HeaderValue::from(seconds);
    response.headers_mut().insert(RETRY_AFTER, value);
}

/// Every wrong member with its sentence.
fn told(wrong: &[Wrong]) -> String {
    let all: Vec<String> = wrong
        .iter()
        .map(|(field, sentence)| format!("{}: {sentence}", registration::member(field)))
        .collect();
    all.join(" ")
}

fn error(id: &RequestId, status: StatusCode, (word, description): (&str, &str)) -> Response {
    let description: String = oauth_error::plain(description).chars().take(2000).collect();
    let body = json!({ "error": word, "error_description": description, "request_id": id.0 });
    unkept(status, &body)
}

/// JSON that nobody may keep: it may hold a secret.
fn unkept(status: StatusCode, body: &Value) -> Response {
    let mut response = (status, Json(body)).into_response();
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(PRAGMA, HeaderValue::from_static("no-cache"));
    response
}
