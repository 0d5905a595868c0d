//! `/fhir/StructureDefinition` and friends: what `fhir-profiles/` publishes, for anybody.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::HeaderValue;
use axum::http::StatusCode;
use axum::http::Uri;
use axum::http::header::CACHE_CONTROL;
use axum::http::header::ETAG;
use axum::http::header::IF_NONE_MATCH;
use axum::response::IntoResponse;
use axum::response::Response;

use crate::crypto;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Refusal;
use crate::fhir::definitions;
use crate::http::App;
use crate::http::negotiate;
use crate::http::reply;
use crate::http::request_id::RequestId;

/// They change with the program, not while it runs.
const CACHED: HeaderValue = HeaderValue::from_static("public, max-age=300");

/// `GET /fhir/{kind}/{id}`.
pub async fn read(
    State(app): State<Arc<App>>,
    id: RequestId,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let answer = negotiate::json(&headers, &negotiate::pairs(uri.query()));
    match answer.and_then(|()| one(&uri, &headers)) {
        Ok(response) => response,
        Err(refusal) => reply::fhir(&app, &id.0, refusal.into()),
    }
}

fn one(uri: &Uri, headers: &HeaderMap) -> Result<Response, Refusal> {
    let (kind, logical) = asked(uri)?;
    let found = definitions::all(kind).find(|known| known.id == logical);
    let found = found.ok_or(Refusal::NotFound)?;
    let etag = format!("W/\"{}\"", crypto::base64url(&crypto::sha256(found.bytes)));
    let known = headers.get(IF_NONE_MATCH);
    let known = known.and_then(|value| value.to_str().ok());
    let unchanged =
        known.is_some_and(|known| known == "*" || known.split(',').any(|one| one.trim() == etag));
    let mut response = match unchanged {
        true => StatusCode::NOT_MODIFIED.into_response(),
        false => reply::fhir_body(StatusCode::OK, found.bytes.to_vec()),
    };
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, CACHED);
    if let Ok(etag) = HeaderValue::from_str(&etag) {
        headers.insert(ETAG, etag);
    }
    Ok(response)
}

/// `GET /fhir/{kind}`.
pub async fn search(
    State(app): State<Arc<App>>,
    id: RequestId,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let pairs = negotiate::pairs(uri.query());
    match page(&app, &uri, (&headers, &pairs)) {
        Ok(response) => response,
        Err(failure) => reply::fhir(&app, &id.0, failure),
    }
}

/// `POST /fhir/{kind}/_search`: the same, with parameters in the URL, the body, or both.
pub async fn search_post(
    State(app): State<Arc<App>>,
    id: RequestId,
    uri: Uri,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let done = async {
        let mut pairs = negotiate::pairs(uri.query());
        pairs.extend(negotiate::form(&headers, body).await?);
        page(&app, &uri, (&headers, &pairs))
    };
    match done.await {
        Ok(response) => response,
        Err(failure) => reply::fhir(&app, &id.0, failure),
    }
}

fn page(
    app: &App,
    uri: &Uri,
    (headers, pairs): (&HeaderMap, &[(String, String)]),
) -> Answer<Response> {
    negotiate::json(headers, pairs)?;
    let (kind, _) = asked(uri)?;
    let base = app.config.fhir_base();
    let handling = negotiate::handling(headers);
    let bytes = definitions::search(kind, pairs, handling, base.trim_end_matches('/'))?;
    let mut response = reply::fhir_body(StatusCode::OK, bytes);
    response.headers_mut().insert(CACHE_CONTROL, CACHED);
    Ok(response)
}

/// The kind and the id of the path, which begins below `/fhir`. Ids have no letter that a URL would escape.
fn asked(uri: &Uri) -> Result<(&'static str, &str), Refusal> {
    let mut parts = uri.path().split('/').filter(|part| !part.is_empty());
    let kind = parts.next().unwrap_or_default();
    let kind = definitions::KINDS.into_iter().find(|known| *known == kind);
    Ok((
        kind.ok_or(Refusal::NotFound)?,
        parts.next().unwrap_or_default(),
    ))
}
