//! Binary: a document's own bytes, whole or in ranges, read from the disk while they are sent; and files that are
//! posted, received onto the disk piece by piece and filed in the chart.

pub mod handed;
mod name;
mod range;
mod sending;
mod upload;

pub use upload::create;

use std::sync::Arc;

use axum::extract::Path;
use axum::extract::RawQuery;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::HeaderValue;
use axum::http::StatusCode;
use axum::http::header::ACCEPT_RANGES;
use axum::http::header::CACHE_CONTROL;
use axum::http::header::CONTENT_DISPOSITION;
use axum::http::header::CONTENT_LENGTH;
use axum::http::header::CONTENT_RANGE;
use axum::http::header::CONTENT_SECURITY_POLICY;
use axum::http::header::CONTENT_TYPE;
use axum::http::header::ETAG;
use axum::http::header::HeaderName;
use axum::http::header::IF_NONE_MATCH;
use axum::http::header::LAST_MODIFIED;
use axum::response::IntoResponse;
use axum::response::Response;
use uuid::Uuid;

use crate::domain::ResourceType;
use crate::domain::access::Reach;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Failure;
use crate::domain::refusal::Refusal;
use crate::domain::scope::Interaction;
use crate::emr;
use crate::emr::documents::Opened;
use crate::emr::seen;
use crate::fhir as resources;
use crate::http::App;
use crate::http::fhir;
use crate::http::guard;
use crate::http::negotiate;
use crate::http::reply;
use crate::http::request_id::RequestId;
use crate::rest::Rest;

use range::Range;
use sending::body;

/// The largest document that is given as a resource: base64 takes a third more, and a client holds it twice.
const LARGEST_RESOURCE: u64 = 5 * 1024 * 1024;

/// `GET` and `HEAD /fhir/Binary/{id}`.
pub async fn read(
    State(app): State<Arc<App>>,
    id: RequestId,
    path: fhir::Named<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let Path(logical) = path.unwrap_or_else(fhir::nowhere);
    match read_one(&app, &id, (&logical, query.as_deref()), &headers).await {
        Ok(response) => response,
        Err(failure) => reply::fhir(&app, &id.0, failure),
    }
}

async fn read_one(
    app: &App,
    id: &RequestId,
    (logical, query): (&str, Option<&str>),
    headers: &HeaderMap,
) -> Answer<Response> {
    let grant = guard::grant(app, headers).await?;
    let kind = ResourceType::Binary;
    let reach = grant.reach(kind, Interaction::Read)?;
    let uuid = logical.parse::<Uuid>().map_err(|_| Refusal::NotFound)?;
    let opened = opened(app, &reach, uuid).await?;
    let patient = opened.person.uuid;
    let pairs = negotiate::pairs(query);
    let taken = negotiate::bytes_of_type(headers, &opened.about.content_type);
    // Whoever does not take the document's own type may still take FHIR's.
    let as_fhir = match negotiate::wants_fhir(headers, query) {
        true => true,
        false if taken.is_ok() => false,
        false => negotiate::json(headers, &pairs).map(|()| true)?,
    };
    let response = match as_fhir {
        true if opened.length > LARGEST_RESOURCE => return Ok(too_large(app, id)),
        true => {
            // From what is open: a second place of the same taker might never become free.
            let content = opened.content().await?;
            reply::fhir_body(StatusCode::OK, resources::binary::encode(&content)?)
        }
        false => sent(opened, (Shown::Saved, headers)).await?,
    };
    note(app, &fhir::rest(app, id, &grant), (uuid, patient)).await;
    Ok(response)
}

/// What a browser does with a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// It saves it.
    Saved,
    /// It shows it, shut off from this site, where it is of a kind that is no program.
    Here,
}

/// Whether a browser shows a type by itself and finds nothing to run in it. A PDF is for the reader's own program.
pub fn is_shown(content_type: &str) -> bool {
    [
        "image/png",
        "image/jpeg",
        "image/gif",
        "image/webp",
        "text/plain",
    ]
    .contains(&content_type)
}

/// The bytes of a document for one of our pages, with ranges and tags as for apps, and the ledger's line of it.
///
/// # Errors
/// `NotFound` where there is none within this reach, `Gone` where there was.
pub async fn given(
    (app, rest): (&App, &Rest<'_>),
    reach: &Reach,
    document: Uuid,
    (how, headers): (Shown, &HeaderMap),
) -> Answer<Response> {
    let opened = opened(app, reach, document).await?;
    let patient = opened.person.uuid;
    let how = match is_shown(&opened.about.content_type) {
        true => how,
        false => Shown::Saved,
    };
    let response = sent(opened, (how, headers)).await?;
    note(app, rest, (document, patient)).await;
    Ok(response)
}

/// The ledger's line of a document that was opened: whose it is stands in it, whoever looked.
async fn note(app: &App, rest: &Rest<'_>, (document, patient): (Uuid, Uuid)) {
    let mut entry = rest.entry("Binary.read".to_owned(), format!("Binary/{document}"));
    entry.patient = Some(patient);
    app.reads.note(entry).await;
}

/// The document, or that it is gone.
async fn opened(app: &App, reach: &Reach, uuid: Uuid) -> Answer<Opened> {
    match emr::open(&app.emr, reach, uuid).await {
        Err(Failure::Refused(Refusal::NotFound)) => {
            match seen::gone(&app.emr, reach, ResourceType::Binary, uuid).await? {
                true => Err(Refusal::Gone.into()),
                false => Err(Refusal::NotFound.into()),
            }
        }
        answer => answer,
    }
}

fn too_large(app: &App, id: &RequestId) -> Response {
    let why = "As a FHIR resource a document of at most 5 MiB is given: ask for its own type, or */*, and take the bytes.";
    let refusal = Refusal::Unsupported(why.to_owned());
    let mut response = reply::fhir(app, &id.0, refusal.into());
    *response.status_mut() = StatusCode::NOT_ACCEPTABLE;
    response
}

/// The bytes, or the range of them that was asked for (RFC 9110, 14): never shown by the browser as part of this site.
pub async fn sent(opened: Opened, (how, headers): (Shown, &HeaderMap)) -> Answer<Response> {
    let etag = format!("\"{}\"", opened.tag);
    let modified = opened.about.last_updated.and_then(reply::http_date);
    let known = headers.get_all(IF_NONE_MATCH).iter();
    let known = known
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|one| one.trim().trim_start_matches("W/"))
        .any(|one| one == "*" || one == etag);
    let range = match known {
        true => Range::Whole,
        false => range::asked(headers, opened.length, (&etag, modified.as_ref())),
    };
    let length = opened.length;
    let mut response = match range {
        _ if known => StatusCode::NOT_MODIFIED.into_response(),
        Range::Whole => {
            let body = body(opened.bytes, (0, length)).await?;
            with_length(body.into_response(), length)
        }
        Range::Part(first, last) => {
            let part = last - first + 1;
            let body = body(opened.bytes, (first, part)).await?;
            let mut response = with_length(body.into_response(), part);
            *response.status_mut() = StatusCode::PARTIAL_CONTENT;
            put(
                &mut response,
                CONTENT_RANGE,
                &format!("bytes {first}-{last}/{length}"),
            );
            response
        }
        Range::Beyond => {
            let mut response = StatusCode::RANGE_NOT_SATISFIABLE.into_response();
            put(&mut response, CONTENT_RANGE, &format!("bytes */{length}"));
            response
        }
    };
    put(&mut response, ETAG, &etag);
    put(&mut response, CONTENT_TYPE, &opened.about.content_type);
    let disposition = name::disposition(&opened.about.name);
    let disposition = match how {
        Shown::Saved => disposition,
        Shown::Here => disposition.replacen("attachment", "inline", 1),
    };
    put(&mut response, CONTENT_DISPOSITION, &disposition);
    put(&mut response, ACCEPT_RANGES, "bytes");
    put(
        &mut response,
        CONTENT_SECURITY_POLICY,
        "sandbox; default-src 'none'",
    );
    put(&mut response, CACHE_CONTROL, "no-store");
    if let Some(date) = modified {
        response.headers_mut().insert(LAST_MODIFIED, date);
    }
    Ok(response)
}

fn put(response: &mut Response, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}

/// A stream does not know its length, and a client that is not told cannot show how far it is.
fn with_length(mut response: Response, length: u64) -> Response {
    response
        .headers_mut()
        .insert(CONTENT_LENGTH, HeaderValue::from(length));
    response
}
