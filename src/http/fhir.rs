//! The FHIR endpoints that read: metadata, read, vread, history, search.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::OriginalUri;
use axum::extract::Path;
use axum::extract::RawQuery;
use axum::extract::State;
use axum::extract::rejection::PathRejection;
use axum::http::HeaderMap;
use axum::http::HeaderValue;
use axum::http::StatusCode;
use axum::http::header::ALLOW;
use axum::http::header::IF_MODIFIED_SINCE;
use axum::http::header::IF_NONE_MATCH;
use axum::response::Response;

use crate::domain::ResourceType;
use crate::domain::access::Grant;
use crate::domain::access::User;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Failure;
use crate::domain::refusal::Refusal;
use crate::domain::scope::Interaction;
use crate::emr::writing::Rules;
use crate::fhir;
use crate::fhir::subset;
use crate::fhir::subset::Subset;
use crate::http::App;
use crate::http::guard;
use crate::http::negotiate;
use crate::http::reply;
use crate::http::request_id::RequestId;
use crate::portal::form::Policy;
use crate::rest;
use crate::rest::Rest;
use crate::rest::history;
use crate::rest::read;

/// What stands in the path, or that it is not even text.
pub type Named<T> = Result<Path<T>, PathRejection>;

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
    grant.reach(kind, Interaction::Read)?;
    let pairs = negotiate::pairs(query);
    negotiate::json(headers, &pairs)?;
    let subset = Subset::asked(&pairs)?;
    let asked = (&subset, &has_already(headers));
    let answered = read::read(&rest(app, id, &grant), (kind, logical), asked).await?;
    Ok(reply::answered(app, answered).await)
}

/// `GET /fhir/{type}/{id}/_history/{version}`.
pub async fn vread(
    State(app): State<Arc<App>>,
    id: RequestId,
    path: Named<(String, String, String)>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let Path((kind, logical, version)) = path.unwrap_or_else(nowhere);
    let done = async {
        let grant = guard::grant(&app, &headers).await?;
        let kind = with_versions(&kind)?;
        grant.reach(kind, Interaction::Read)?;
        let pairs = negotiate::pairs(query.as_deref());
        negotiate::json(&headers, &pairs)?;
        let wanted = Subset::asked(&pairs)?;
        let rest = rest(&app, &id, &grant);
        let mut answered = read::vread(&rest, (kind, &logical), &version).await?;
        answered.body = subset::apply(answered.body, &wanted);
        Answer::Ok(answered)
    };
    match done.await {
        Ok(answered) => reply::answered(&app, answered).await,
        Err(failure) => reply::fhir(&app, &id.0, failure),
    }
}

/// `GET /fhir/{type}/{id}/_history`.
pub async fn history(
    State(app): State<Arc<App>>,
    id: RequestId,
    path: Named<(String, String)>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let Path((kind, logical)) = path.unwrap_or_else(nowhere);
    let done = async {
        let grant = guard::grant(&app, &headers).await?;
        let kind = with_versions(&kind)?;
        grant.reach(kind, Interaction::Read)?;
        let pairs = negotiate::pairs(query.as_deref());
        negotiate::json(&headers, &pairs)?;
        let rest = rest(&app, &id, &grant);
        history::instance(&rest, (kind, &logical), &pairs).await
    };
    match done.await {
        Ok(answered) => reply::answered(&app, answered).await,
        Err(failure) => reply::fhir(&app, &id.0, failure),
    }
}

/// `GET /fhir/_history` and `/fhir/{type}/_history`: what changed for anybody is nobody's to see here, and least of all
/// a patient's.
pub async fn histories(
    State(app): State<Arc<App>>,
    id: RequestId,
    uri: OriginalUri,
    headers: HeaderMap,
) -> Response {
    let failure = match guard::grant(&app, &headers).await {
        Ok(grant) if matches!(grant.user(), User::Patient(_)) => {
            Refusal::Forbidden("The history of one record is at its own address.").into()
        }
        Ok(_) => Refusal::NoMethod.into(),
        Err(failure) => failure,
    };
    failed(&app, &id, (&uri, failure))
}

/// The versions of `If-None-Match` and the date of `If-Modified-Since`.
fn has_already(headers: &HeaderMap) -> read::Known {
    let versions = headers
        .get_all(IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|one| one.trim().trim_start_matches("W/").trim_matches('"'))
        .map(str::to_owned);
    let since = headers
        .get(IF_MODIFIED_SINCE)
        .and_then(|value| value.to_str().ok());
    read::Known {
        versions: versions.collect(),
        since: since.and_then(reply::date_of),
    }
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
    (kind, pairs): (&str, Vec<(String, String)>),
    headers: &HeaderMap,
) -> Answer<Response> {
    let grant = guard::grant(app, headers).await?;
    let kind = known(kind)?;
    // Whether the type is open to this caller comes before how it is to be written.
    grant.reach(kind, Interaction::Search)?;
    negotiate::json(headers, &pairs)?;
    let asked = rest(app, id, &grant);
    let handling = negotiate::handling(headers);
    let answered = rest::search::search(&asked, kind, &pairs, handling).await?;
    for note in answered.notes {
        app.reads.note(note).await;
    }
    Ok(reply::fhir_body(StatusCode::OK, answered.body))
}

/// What the interactions need of a request.
pub fn rest<'a>(app: &'a App, id: &'a RequestId, grant: &'a Grant) -> Rest<'a> {
    Rest {
        emr: &app.emr,
        base: &app.base,
        grant,
        page_key: &app.keys.page,
        entropy: app.entropy.as_ref(),
        rules: Rules {
            cancel_notice: app.config.cancel_notice,
            auto_enable: app.config.accounts.auto_enable,
            forms: match app.config.automatic_forms {
                true => Policy::Automatic,
                false => Policy::Review,
            },
            reviews: app.config.reviews,
        },
        request_id: &id.0,
    }
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
    uri: OriginalUri,
    headers: HeaderMap,
) -> Response {
    let failure = match guard::grant(&app, &headers).await {
        Ok(_) => Refusal::NoMethod.into(),
        Err(failure) => failure,
    };
    failed(&app, &id, (&uri, failure))
}

/// A no or a breakage; one about the method says which ones there are (RFC 9110, 15.5.6).
pub fn failed(app: &App, id: &RequestId, (uri, failure): (&OriginalUri, Failure)) -> Response {
    let none = matches!(failure, Failure::Refused(Refusal::NoMethod));
    let mut response = reply::fhir(app, &id.0, failure);
    if none && let Ok(allow) = HeaderValue::from_str(&allowed(uri.path()).join(", ")) {
        response.headers_mut().insert(ALLOW, allow);
    }
    response
}

/// The methods of an address below `/fhir`.
fn allowed(path: &str) -> Vec<&'static str> {
    let mut parts = path.trim_start_matches("/fhir").split('/').skip(1);
    let (kind, second) = (parts.next().unwrap_or_default(), parts.next());
    match (ResourceType::of(kind), second) {
        (_, Some("_search")) => vec!["POST"],
        (_, Some("_history")) => Vec::new(),
        (Some(kind), second) if parts.next().is_none() => methods(kind, second.is_some()),
        _ if kind == "_history" => Vec::new(),
        _ => vec!["GET", "HEAD"],
    }
}

/// The methods of a type's own address, or of a record's.
pub fn methods(kind: ResourceType, is_record: bool) -> Vec<&'static str> {
    let mut methods = vec!["GET", "HEAD"];
    let writable = |lists: fhir::Writable| !lists.patient.is_empty() || !lists.staff.is_empty();
    if let Some(served) = fhir::served(kind) {
        match is_record {
            true if writable(served.update) => methods.extend(["PUT", "PATCH"]),
            false if writable(served.create) => methods.push("POST"),
            _ => {}
        }
    }
    methods
}

/// A path that is not text names nothing: no type and no id are empty.
pub fn nowhere<T: Default>(_: PathRejection) -> Path<T> {
    Path(T::default())
}

/// A method that an open route does not have.
pub async fn only_get(State(app): State<Arc<App>>, id: RequestId, uri: OriginalUri) -> Response {
    failed(&app, &id, (&uri, Refusal::NoMethod.into()))
}

/// The type of that name; an unknown one is like an unknown path.
pub fn known(kind: &str) -> Result<ResourceType, Refusal> {
    ResourceType::of(kind).ok_or(Refusal::NotFound)
}

/// The same where its records have versions. Bytes have none of their own: those of their DocumentReference count.
fn with_versions(kind: &str) -> Result<ResourceType, Refusal> {
    match known(kind)? {
        ResourceType::Binary => Err(Refusal::NotFound),
        kind => Ok(kind),
    }
}
