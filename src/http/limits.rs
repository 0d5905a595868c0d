//! What no request may exceed, what no answer may lack: sizes, time, panics, and the headers of every page.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::Request;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::HeaderValue;
use axum::http::StatusCode;
use axum::http::header::CACHE_CONTROL;
use axum::http::header::CONTENT_SECURITY_POLICY;
use axum::http::header::REFERRER_POLICY;
use axum::http::header::X_CONTENT_TYPE_OPTIONS;
use axum::http::header::X_FRAME_OPTIONS;
use axum::middleware::Next;
use axum::response::Response;
use futures_util::FutureExt;

use crate::domain::refusal::Failure;
use crate::domain::refusal::Fault;
use crate::domain::refusal::Refusal;
use crate::http::App;
use crate::http::reply;
use crate::http::request_id::RequestId;

/// The longest URL.
const LONGEST_URL: usize = 8 * 1024;

/// The largest header block.
const LARGEST_HEADERS: usize = 32 * 1024;

/// The longest a request may take.
const LONGEST: Duration = Duration::from_secs(30);

/// The policy of a page that posts to this server only.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data: blob:; \
    connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// Refuses what is too long, ends what takes too long, and turns a panic into a 500 that says nothing.
pub async fn layer(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let id = request
        .extensions()
        .get::<RequestId>()
        .cloned()
        .unwrap_or_default();
    let machine = request.uri().path().starts_with("/fhir");
    let answer = |failure: Failure| match machine {
        true => reply::fhir(&app, &id.0, failure),
        false => reply::page(&app, &id.0, failure),
    };
    let url = request
        .uri()
        .path_and_query()
        .map_or(0, |url| url.as_str().len());
    if url > LONGEST_URL {
        let mut response =
            answer(Refusal::TooLarge("The URL is over 8 KiB; use POST and _search.").into());
        *response.status_mut() = StatusCode::URI_TOO_LONG;
        return response;
    }
    if size(request.headers()) > LARGEST_HEADERS {
        let mut response = answer(Refusal::TooLarge("The headers are over 32 KiB.").into());
        *response.status_mut() = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
        return response;
    }
    let work = AssertUnwindSafe(next.run(request)).catch_unwind();
    let mut response = match tokio::time::timeout(LONGEST, work).await {
        Ok(Ok(response)) => response,
        Ok(Err(_)) => answer(Fault::new("serving a request", "it panicked").into()),
        Err(_) => answer(Refusal::Unavailable("The request took too long.").into()),
    };
    let nosniff = HeaderValue::from_static("nosniff");
    response
        .headers_mut()
        .insert(X_CONTENT_TYPE_OPTIONS, nosniff);
    response
}

fn size(headers: &HeaderMap) -> usize {
    headers
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len() + 4)
        .sum()
}

/// The headers of every page: no frame, no referrer, no foreign script, nothing kept (`spec/security.md` 21, 29, 118,
/// 174). A handler that sets its own policy, for the redirect of a form, keeps it.
pub async fn page_headers(request: Request, next: Next) -> Response {
    let asset = request.uri().path().starts_with("/assets/");
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    let set = [
        (X_FRAME_OPTIONS, "DENY"),
        (REFERRER_POLICY, "no-referrer"),
        (
            CACHE_CONTROL,
            if asset {
                "public, max-age=300"
            } else {
                "no-store"
            },
        ),
    ];
    for (name, value) in set {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers
        .entry(CONTENT_SECURITY_POLICY)
        .or_insert(HeaderValue::from_static(POLICY));
    response
}

/// The policy of a page whose form ends in a redirect to an app: browsers apply `form-action` to redirects too.
/// `origin` is that of a registered redirect address, such as `https://app.example`.
pub fn policy_for(origin: &str) -> Option<HeaderValue> {
    let plain = origin
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b":/.-[]".contains(&byte));
    let text = POLICY.replace(
        "form-action 'self'",
        &format!("form-action 'self' {origin}"),
    );
    plain.then(|| HeaderValue::from_str(&text).ok()).flatten()
}
