//! The FHIR endpoints: read, search, and the one write of this server, a patient's cancelling of a visit.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::Path;
use axum::extract::RawQuery;
use axum::extract::State;
use axum::extract::rejection::PathRejection;
use axum::http::HeaderMap;
use axum::http::HeaderValue;
use axum::http::StatusCode;
use axum::http::header::CONTENT_DISPOSITION;
use axum::http::header::CONTENT_TYPE;
use axum::http::header::ETAG;
use axum::http::header::IF_NONE_MATCH;
use axum::http::header::LAST_MODIFIED;
use axum::response::IntoResponse;
use axum::response::Response;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::domain::ResourceType;
use crate::domain::access::Grant;
use crate::domain::query::Query;
use crate::domain::records::Content;
use crate::domain::records::Record;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Refusal;
use crate::domain::scope::Interaction;
use crate::emr;
use crate::fhir;
use crate::fhir::bundle;
use crate::fhir::page_link;
use crate::fhir::search;
use crate::http::App;
use crate::http::guard;
use crate::http::negotiate;
use crate::http::reply;
use crate::http::request_id::RequestId;
use crate::store::ledger::Entry;
use crate::store::ledger::Outcome;

/// What stands in the path, or that it is not even text.
pub type Named<T> = Result<Path<T>, PathRejection>;

/// How long a paging link works, in seconds.
const PAGE_LIFE: i64 = 3600;

/// `GET /fhir/metadata`: what this server does, for anybody.
pub async fn metadata(
    State(app): State<Arc<App>>,
    id: RequestId,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let pairs = negotiate::pairs(query.as_deref());
    match negotiate::json(&headers, &pairs) {
        Ok(()) => reply::fhir_body(StatusCode::OK, app.capability.to_vec()),
        Err(refusal) => reply::fhir(&app, &id.0, refusal.into()),
    }
}

/// `GET /fhir/{type}/{id}`.
pub async fn read(
    State(app): State<Arc<App>>,
    id: RequestId,
    path: Named<(String, String)>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let Path((kind, logical)) = path.unwrap_or_else(nowhere);
    let asked = (kind.as_str(), logical.as_str());
    match read_one(&app, &id, asked, (query.as_deref(), &headers)).await {
        Ok(response) => response,
        Err(failure) => reply::fhir(&app, &id.0, failure),
    }
}

async fn read_one(
    app: &App,
    id: &RequestId,
    (kind, logical): (&str, &str),
    (query, headers): (Option<&str>, &HeaderMap),
) -> Answer<Response> {
    let grant = guard::grant(app, headers).await?;
    let kind = known(kind)?;
    let reach = grant.reach(kind, Interaction::Read)?;
    let raw_bytes = kind == ResourceType::Binary && !negotiate::wants_fhir(headers, query);
    if !raw_bytes {
        negotiate::json(headers, &negotiate::pairs(query))?;
    }
    let uuid = logical.parse::<Uuid>().map_err(|_| Refusal::NotFound)?;
    let (response, action) = if kind == ResourceType::Binary {
        let content = emr::content(&app.emr, &reach, uuid).await?;
        let response = match raw_bytes {
            true => download(content),
            false => reply::fhir_body(StatusCode::OK, fhir::binary::encode(&content)?),
        };
        (response, "Binary.read".to_owned())
    } else {
        let record = emr::read(&app.emr, &reach, uuid).await?;
        (
            shown(app, &record, headers)?,
            format!("{}.read", kind.name()),
        )
    };
    note(app, id, &grant, (action, format!("{}/{uuid}", kind.name()))).await;
    Ok(response)
}

/// `GET /fhir/{type}`.
pub async fn search(
    State(app): State<Arc<App>>,
    id: RequestId,
    path: Named<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let Path(kind) = path.unwrap_or_else(nowhere);
    let pairs = negotiate::pairs(query.as_deref());
    match search_page(&app, &id, (&kind, pairs), &headers).await {
        Ok(response) => response,
        Err(failure) => reply::fhir(&app, &id.0, failure),
    }
}

/// `POST /fhir/{type}/_search`: the same, with parameters in the URL, the body, or both.
pub async fn search_post(
    State(app): State<Arc<App>>,
    id: RequestId,
    path: Named<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let Path(kind) = path.unwrap_or_else(nowhere);
    let done = async {
        // Who asks comes before what is asked: a stranger's body is not read.
        guard::grant(&app, &headers).await?;
        let form = negotiate::form(&headers, body).await?;
        let mut pairs = negotiate::pairs(query.as_deref());
        pairs.extend(form);
        search_page(&app, &id, (&kind, pairs), &headers).await
    };
    match done.await {
        Ok(response) => response,
        Err(failure) => reply::fhir(&app, &id.0, failure),
    }
}

async fn search_page(
    app: &App,
    id: &RequestId,
    (kind, mut pairs): (&str, Vec<(String, String)>),
    headers: &HeaderMap,
) -> Answer<Response> {
    let grant = guard::grant(app, headers).await?;
    let kind = known(kind)?;
    let reach = grant.reach(kind, Interaction::Search)?;
    negotiate::json(headers, &pairs)?;
    let now = app.emr.now();
    let after = match continued(&pairs) {
        Some(link) => {
            let state = page_link::open(link, grant.id(), (kind, now), &app.keys.page)?;
            pairs = state.pairs;
            Some(state.cursor)
        }
        None => None,
    };
    let base = app.config.fhir_base();
    let context = search::SearchContext {
        patient: reach.patient(),
        zone: &app.emr.zone,
        fhir_base: &base,
    };
    let asked = search::parse(kind, &pairs, negotiate::handling(headers), &context)?;
    let query = Query {
        after,
        ..asked.query.clone()
    };
    let page = emr::find(&app.emr, &reach, &query).await?;
    let next = page.next.map(|cursor| {
        let state = page_link::PageState {
            grant_id: grant.id().to_owned(),
            kind,
            pairs: asked.pairs.clone(),
            cursor,
            expires: now.unix_timestamp() + PAGE_LIFE,
        };
        let link = page_link::seal(&state, &app.keys.page);
        format!("{base}/{}?_page={link}", kind.name())
    });
    // Where one page holds everything, everything has been counted.
    let whole = next.is_none() && query.after.is_none() && query.count > 0;
    let links = bundle::Links {
        base: &base,
        kind,
        pairs: &asked.pairs,
        total: whole.then(|| u32::try_from(page.records.len()).unwrap_or(u32::MAX)),
        next,
    };
    let bytes = bundle::searchset(&page.records, &links, &asked.ignored)?;
    note(
        app,
        id,
        &grant,
        (format!("{}.search", kind.name()), kind.name().to_owned()),
    )
    .await;
    Ok(reply::fhir_body(StatusCode::OK, bytes))
}

/// The sealed state of a paging link. It stands alone: it carries the search it continues.
fn continued(pairs: &[(String, String)]) -> Option<&str> {
    let page = pairs.iter().find(|(name, _)| name == "_page");
    page.map(|(_, link)| link.as_str())
}

/// A record with its version and date; 304 where the caller has this version already.
pub fn shown(app: &App, record: &Record, headers: &HeaderMap) -> Answer<Response> {
    let etag = format!("W/\"{:016x}\"", record.version());
    let known = headers
        .get(IF_NONE_MATCH)
        .and_then(|value| value.to_str().ok());
    let unchanged =
        known.is_some_and(|known| known == "*" || known.split(',').any(|one| one.trim() == etag));
    let mut response = match unchanged {
        true => StatusCode::NOT_MODIFIED.into_response(),
        false => {
            let bytes = fhir::encode(record, &app.base)?;
            reply::fhir_body(StatusCode::OK, bytes)
        }
    };
    let headers = response.headers_mut();
    if let Ok(etag) = HeaderValue::from_str(&etag) {
        headers.insert(ETAG, etag);
    }
    if let Some(date) = record.last_updated().and_then(http_date) {
        headers.insert(LAST_MODIFIED, date);
    }
    Ok(response)
}

/// `Sat, 21 Nov 2026 20:00:00 GMT` (RFC 9110, 5.6.7).
fn http_date(at: OffsetDateTime) -> Option<HeaderValue> {
    let format = time::macros::format_description!(
        "[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT"
    );
    let text = at.to_offset(time::UtcOffset::UTC).format(format).ok()?;
    HeaderValue::from_str(&text).ok()
}

/// The document's own bytes: never shown by the browser as part of this site, always saved.
fn download(content: Content) -> Response {
    let name: String = content
        .name
        .chars()
        .map(|c| match c {
            ' '..='~' if !"\"\\%".contains(c) => c,
            _ => '_',
        })
        .take(100)
        .collect();
    let kind = HeaderValue::from_str(&content.content_type)
        .unwrap_or(HeaderValue::from_static("application/octet-stream"));
    let mut response = reply::fhir_body(StatusCode::OK, content.bytes);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, kind);
    if let Ok(value) = HeaderValue::from_str(&format!("attachment; filename=\"{name}\"")) {
        headers.insert(CONTENT_DISPOSITION, value);
    }
    headers.insert(
        "content-security-policy",
        HeaderValue::from_static("sandbox; default-src 'none'"),
    );
    response
}

/// Everything else under `/fhir`: an unknown type, a method this server does not have.
pub async fn other(State(app): State<Arc<App>>, id: RequestId, headers: HeaderMap) -> Response {
    let failure = match guard::grant(&app, &headers).await {
        Ok(_) => Refusal::NotFound.into(),
        Err(failure) => failure,
    };
    reply::fhir(&app, &id.0, failure)
}

/// A method the path does not have: 405, with the same care about who asks.
pub async fn not_allowed(
    State(app): State<Arc<App>>,
    id: RequestId,
    headers: HeaderMap,
) -> Response {
    match guard::grant(&app, &headers).await {
        Ok(_) => no_method(&app, &id),
        Err(failure) => reply::fhir(&app, &id.0, failure),
    }
}

fn no_method(app: &App, id: &RequestId) -> Response {
    let why = "This server does not do that here; /fhir/metadata says what it does.";
    let refusal = Refusal::Unsupported(why.to_owned());
    let mut response = reply::fhir(app, &id.0, refusal.into());
    *response.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
    response
}

/// A path that is not text names nothing: no type and no id are empty.
pub fn nowhere<T: Default>(_: PathRejection) -> Path<T> {
    Path(T::default())
}

/// A method that an open route does not have.
pub async fn only_get(State(app): State<Arc<App>>, id: RequestId) -> Response {
    no_method(&app, &id)
}

/// The type of that name; an unknown one is like an unknown path.
pub fn known(kind: &str) -> Result<ResourceType, Refusal> {
    ResourceType::of(kind).ok_or(Refusal::NotFound)
}

/// Leaves the ledger line of a read.
async fn note(app: &App, id: &RequestId, grant: &Grant, (action, resource): (String, String)) {
    let mut entry = Entry::new(action, Outcome::Success, app.emr.now()).under(grant);
    entry.resource = resource;
    entry.request_id.clone_from(&id.0);
    app.reads.note(entry).await;
}
