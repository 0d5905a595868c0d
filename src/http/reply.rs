//! From Refusal and Fault to an answer: three matches, one for each kind of caller. Status codes live here alone.

use axum::body::Body;
use axum::http::HeaderValue;
use axum::http::StatusCode;
use axum::http::header::CACHE_CONTROL;
use axum::http::header::CONTENT_LOCATION;
use axum::http::header::CONTENT_TYPE;
use axum::http::header::ETAG;
use axum::http::header::HeaderName;
use axum::http::header::LAST_MODIFIED;
use axum::http::header::LOCATION;
use axum::http::header::RETRY_AFTER;
use axum::http::header::VARY;
use axum::http::header::WWW_AUTHENTICATE;
use axum::response::IntoResponse;
use axum::response::Response;

use askama::DynTemplate;
use time::OffsetDateTime;
use time::PrimitiveDateTime;
use time::UtcOffset;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;

use crate::auth::authorize;
use crate::domain::refusal::Failure;
use crate::domain::refusal::Fault;
use crate::domain::refusal::Reason;
use crate::domain::refusal::Refusal;
use crate::fhir::outcome;
use crate::http::App;
use crate::http::pages::frame::Frame;
use crate::http::pages::problem::Detail;
use crate::http::pages::problem::Problem;
use crate::http::words::Page;
use crate::portal::form::LOCKED;
use crate::portal::login::USERNAME_TAKEN;
use crate::rest::Answered;
use crate::rest::How;

/// HTTP's dates, after the name of the day.
const HTTP_DATE: &[BorrowedFormatItem<'static>] = format_description!(
    "[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT"
);

/// FHIR's JSON (R4 http, 3.1.0.1.10: with its encoding).
pub const FHIR_JSON: HeaderValue = HeaderValue::from_static("application/fhir+json; charset=utf-8");

/// What an answer depends on beside its URL: for caches between us and the caller.
const VARIES: HeaderValue = HeaderValue::from_static("Accept, Origin, Authorization");

/// A no or a breakage as an OperationOutcome.
pub fn fhir(app: &App, request_id: &str, failure: Failure) -> Response {
    let refusal = match failure {
        Failure::Refused(refusal) => refusal,
        Failure::Broken(fault) => {
            log(&fault, request_id);
            let status = StatusCode::INTERNAL_SERVER_ERROR;
            return fhir_body(status, outcome::fault(request_id));
        }
    };
    let mut response = fhir_body(status(&refusal), outcome::refusal(&refusal));
    if let Some((name, value)) = extra(&refusal, app) {
        response.headers_mut().insert(name, value);
    }
    response
}

/// What an interaction came to, its ledger lines left to be written.
pub async fn answered(app: &App, answered: Answered) -> Response {
    for note in answered.notes {
        app.reads.note(note).await;
    }
    let status = status_of(answered.how);
    let empty = answered.body.is_empty();
    let mut response = fhir_body(status, answered.body);
    let headers = response.headers_mut();
    if empty {
        headers.remove(CONTENT_TYPE);
    }
    let version = answered.version.map(|version| format!("W/\"{version}\""));
    if let Some(etag) = version.and_then(|etag| HeaderValue::from_str(&etag).ok()) {
        headers.insert(ETAG, etag);
    }
    if let Some(date) = answered.last_updated.and_then(http_date) {
        headers.insert(LAST_MODIFIED, date);
    }
    let place = match answered.how {
        How::Existing => CONTENT_LOCATION,
        _ => LOCATION,
    };
    let url = answered.location.as_deref();
    if let Some(url) = url.and_then(|url| HeaderValue::from_str(url).ok()) {
        headers.insert(place, url);
    }
    response
}

/// The status of each way of coming to something.
pub fn status_of(how: How) -> StatusCode {
    match how {
        How::Found | How::Updated | How::Existing => StatusCode::OK,
        How::Created => StatusCode::CREATED,
        How::Accepted => StatusCode::ACCEPTED,
        How::NotModified => StatusCode::NOT_MODIFIED,
    }
}

/// `Sat, 21 Nov 2026 20:00:00 GMT` (RFC 9110, 5.6.7).
pub fn http_date(at: OffsetDateTime) -> Option<HeaderValue> {
    let text = at.to_offset(UtcOffset::UTC).format(HTTP_DATE).ok()?;
    HeaderValue::from_str(&text).ok()
}

/// Reads what [`http_date`] writes; other spellings of old are not read, and then a condition does not hold.
pub fn date_of(text: &str) -> Option<OffsetDateTime> {
    let at = PrimitiveDateTime::parse(text.trim(), HTTP_DATE).ok()?;
    Some(at.assume_utc())
}

/// A FHIR body with its status.
pub fn fhir_body(status: StatusCode, bytes: Vec<u8>) -> Response {
    let mut response = Response::new(Body::from(bytes));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, FHIR_JSON);
    // A record is this caller's alone and may change at any moment: it is kept nowhere.
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(VARY, VARIES);
    response
}

/// A no or a breakage as a page for a person.
pub fn page(app: &App, request_id: &str, failure: Failure) -> Response {
    let (status, title, sentence, detail) = match &failure {
        Failure::Refused(refusal) => (
            status(refusal),
            title(refusal),
            sentence(refusal),
            detail(refusal),
        ),
        Failure::Broken(fault) => {
            log(fault, request_id);
            (
                StatusCode::INTERNAL_SERVER_ERROR,
                "Something went wrong",
                "This was our mistake, not yours. Nothing was changed.".to_owned(),
                Vec::new(),
            )
        }
    };
    let mut response = detailed(app, request_id, (status, (title, sentence)), detail);
    // A challenge is for machines; when to come back is for both.
    if let Failure::Refused(refusal @ (Refusal::TooMany(_) | Refusal::Unavailable(_))) = &failure
        && let Some((name, value)) = extra(refusal, app)
    {
        response.headers_mut().insert(name, value);
    }
    response
}

/// A page with one problem on it: its title and sentence.
pub fn problem(app: &App, request_id: &str, status: StatusCode, words: (&str, String)) -> Response {
    detailed(app, request_id, (status, words), Vec::new())
}

/// The page of an authorization request that cannot be answered at the app's address.
pub fn cannot_connect(app: &App, request_id: &str, problem: authorize::Problem) -> Response {
    let words = ("This app cannot connect", problem.sentence().to_owned());
    let detail = match problem {
        // Which of the two it is stays unsaid: an address that is told apart can be guessed.
        authorize::Problem::UnknownApp => vec![
            Detail::new(
                "client_id",
                "Exactly once: the id of an app that is registered here and not shut out.",
            ),
            Detail::new(
                "redirect_uri",
                "Exactly once: letter by letter one of the addresses registered for that app. Only the port of http://127.0.0.1 and http://[::1] may differ.",
            ),
        ],
        authorize::Problem::Waits => vec![Detail::new(
            "client_id",
            "The id of an app that the practice has let in: staff do that on the staff desk, or with anteroom client approve.",
        )],
        authorize::Problem::PortalOff => vec![Detail::new(
            "portal_onsite_two_enable",
            "OpenEMR's setting for its patient portal has to be on.",
        )],
    };
    detailed(app, request_id, (StatusCode::BAD_REQUEST, words), detail)
}

/// The same with what a developer needs.
fn detailed(
    app: &App,
    request_id: &str,
    (status, (title, sentence)): (StatusCode, (&str, String)),
    detail: Vec<Detail>,
) -> Response {
    let page = Problem {
        frame: frame(app, title),
        sentence,
        steps: vec![
            "If an app sent you here, go back to it and connect again.".to_owned(),
            "If it happens again, call the practice and give the number below.".to_owned(),
        ],
        request_id: request_id.to_owned(),
        detail,
    };
    html(status, page)
}

/// What a developer has to know of a no: which part of the request, and what was expected of it.
fn detail(refusal: &Refusal) -> Vec<Detail> {
    match refusal {
        Refusal::Expired(_) => vec![
            Detail::new(
                "request",
                "The id of an authorization request that this browser began within the last 10 minutes and that has not been answered yet.",
            ),
            Detail::new(
                "Cookie",
                "The cookies this server set when the request began. A browser that keeps none, or an app that follows the redirects itself, cannot log anybody in.",
            ),
        ],
        Refusal::Forbidden(_) => vec![
            Detail::new(
                "csrf",
                "The hidden field of the form, as the page had it, with the cookies of the same browser.",
            ),
            Detail::new("Origin", "This server's own origin, or none."),
        ],
        Refusal::Unauthenticated => vec![Detail::new(
            "Cookie",
            "The cookie of a login that has not ended.",
        )],
        Refusal::Invalid { location, why } | Refusal::Unprocessable { location, why } => {
            vec![Detail::new(location, why)]
        }
        Refusal::UnsupportedMediaType(text) => vec![Detail::new("Content-Type", *text)],
        Refusal::TooMany(seconds) => vec![Detail::new(
            "Retry-After",
            format!("Nothing before {seconds} seconds are over."),
        )],
        _ => Vec::new(),
    }
}

/// A page, which is written where its reader's language is known ([`crate::http::words::write`]).
pub fn html(status: StatusCode, page: impl DynTemplate + Send + Sync + 'static) -> Response {
    let mut response = status.into_response();
    response.extensions_mut().insert(Page::new(page));
    response
}

/// What stands around every page.
pub fn frame(app: &App, title: &str) -> Frame {
    Frame {
        title: title.to_owned(),
        practice: app.emr.known().name.clone(),
        sandbox: app.config.sandbox,
    }
}

/// The status of each no.
pub fn status(refusal: &Refusal) -> StatusCode {
    match refusal {
        // Nothing of the portal works while it is off (F001), and a name that is taken is a race that was lost (F036).
        Refusal::Rules(reasons) if first_is(reasons, "portal-disabled") => {
            StatusCode::SERVICE_UNAVAILABLE
        }
        Refusal::Rules(reasons) if first_is(reasons, USERNAME_TAKEN) => StatusCode::CONFLICT,
        // What is signed is not changed (F157).
        Refusal::Rules(reasons) if first_is(reasons, LOCKED) => StatusCode::CONFLICT,
        Refusal::Unauthenticated => StatusCode::UNAUTHORIZED,
        Refusal::Forbidden(_) => StatusCode::FORBIDDEN,
        Refusal::NotFound => StatusCode::NOT_FOUND,
        Refusal::Gone => StatusCode::GONE,
        Refusal::Invalid { .. } | Refusal::Unsupported(_) | Refusal::Expired(_) => {
            StatusCode::BAD_REQUEST
        }
        Refusal::Unprocessable { .. } | Refusal::Rules(_) => StatusCode::UNPROCESSABLE_ENTITY,
        Refusal::Conflict(_) => StatusCode::CONFLICT,
        Refusal::Stale | Refusal::Several => StatusCode::PRECONDITION_FAILED,
        Refusal::NoMethod => StatusCode::METHOD_NOT_ALLOWED,
        Refusal::PreconditionRequired => StatusCode::PRECONDITION_REQUIRED,
        Refusal::UnsupportedMediaType(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        Refusal::NotAcceptable => StatusCode::NOT_ACCEPTABLE,
        Refusal::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
        Refusal::TooMany(_) => StatusCode::TOO_MANY_REQUESTS,
        Refusal::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
    }
}

fn first_is(reasons: &[Reason], id: &str) -> bool {
    reasons.first().is_some_and(|first| first.id == id)
}

/// The headers a no brings along (RFC 6750, 3; RFC 9110, 10.2.3).
fn extra(refusal: &Refusal, app: &App) -> Option<(HeaderName, HeaderValue)> {
    let challenge = |error: &str| {
        let text = format!(
            "Bearer realm=\"{}\", error=\"{error}\"",
            app.config.fhir_base()
        );
        HeaderValue::from_str(&text)
            .ok()
            .map(|value| (WWW_AUTHENTICATE, value))
    };
    match refusal {
        Refusal::Unauthenticated => challenge("invalid_token"),
        Refusal::Forbidden(_) => challenge("insufficient_scope"),
        Refusal::TooMany(seconds) => Some((RETRY_AFTER, HeaderValue::from(*seconds))),
        Refusal::Unavailable(_) => Some((RETRY_AFTER, HeaderValue::from(5))),
        _ => None,
    }
}

/// The heading a person reads.
fn title(refusal: &Refusal) -> &'static str {
    match refusal {
        Refusal::Unauthenticated => "Please log in",
        Refusal::Forbidden(_) => "This is not allowed",
        Refusal::NotFound | Refusal::Gone => "This page is not here",
        Refusal::Expired(_) => "This page has expired",
        Refusal::TooMany(_) => "Too many tries",
        Refusal::Unavailable(_) => "Please try again in a moment",
        _ => "This request is not right",
    }
}

/// The sentence a person reads.
pub fn sentence(refusal: &Refusal) -> String {
    match refusal {
        Refusal::Unauthenticated => "You are not logged in, or no longer.".to_owned(),
        Refusal::NotFound | Refusal::Gone => "There is nothing at this address.".to_owned(),
        Refusal::TooMany(seconds) => format!("Please wait {seconds} seconds and try again."),
        Refusal::Forbidden(text)
        | Refusal::Expired(text)
        | Refusal::Unavailable(text)
        | Refusal::TooLarge(text)
        | Refusal::UnsupportedMediaType(text) => (*text).to_owned(),
        Refusal::Invalid { why, .. } | Refusal::Unprocessable { why, .. } => why.clone(),
        Refusal::Unsupported(text) | Refusal::Conflict(text) => text.clone(),
        Refusal::Rules(reasons) => {
            let texts: Vec<&str> = reasons.iter().map(|reason| reason.text.as_str()).collect();
            texts.join(" ")
        }
        Refusal::Stale
        | Refusal::Several
        | Refusal::NoMethod
        | Refusal::PreconditionRequired
        | Refusal::NotAcceptable => "The request does not fit the present state.".to_owned(),
    }
}

/// One log line for a breakage: the request's id and the chain of causes, and nothing of the request itself.
pub fn log(fault: &Fault, request_id: &str) {
    let mut chain = fault.to_string();
    let mut cause = std::error::Error::source(fault.source.as_ref());
    while let Some(error) = cause {
        chain.push_str(": ");
        chain.push_str(&error.to_string());
        cause = error.source();
    }
    tracing::error!(request_id, chain, "broken");
}
