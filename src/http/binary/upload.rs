//! `POST /fhir/Binary`: a file as it is, or a Binary resource. It is filed in the chart at once.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::HeaderValue;
use axum::http::StatusCode;
use axum::http::header::CONTENT_DISPOSITION;
use axum::http::header::CONTENT_LENGTH;
use axum::http::header::LOCATION;
use axum::response::IntoResponse;
use axum::response::Response;
use futures_util::StreamExt;
use uuid::Uuid;

use crate::domain::ResourceType;
use crate::domain::access::Grant;
use crate::domain::access::User;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Refusal;
use crate::domain::scope::Interaction;
use crate::emr::spool::Spool;
use crate::fhir::binary as resource;
use crate::fhir::document_ask;
use crate::http::App;
use crate::http::binary::handed;
use crate::http::binary::handed::Handed;
use crate::http::binary::name;
use crate::http::fhir;
use crate::http::guard;
use crate::http::negotiate;
use crate::http::reply;
use crate::http::request_id::RequestId;
use crate::portal::document::LARGEST;
use crate::portal::document::Paper;
use crate::portal::document::Source;

/// The header that says whose a file is, where the token does not.
const CONTEXT: &str = "x-security-context";

/// `POST /fhir/Binary`.
pub async fn create(
    State(app): State<Arc<App>>,
    id: RequestId,
    headers: HeaderMap,
    body: Body,
) -> Response {
    match created(&app, &id, &headers, body).await {
        Ok(response) => response,
        Err(failure) => reply::fhir(&app, &id.0, failure),
    }
}

async fn created(app: &App, id: &RequestId, headers: &HeaderMap, body: Body) -> Answer<Response> {
    let grant = guard::grant(app, headers).await?;
    // Said before a byte is read.
    grant.reach(ResourceType::Binary, Interaction::Create)?;
    for name in ["if-none-exist", "idempotency-key"] {
        if headers.contains_key(name) {
            let why = "not for files that are posted to Binary: create a DocumentReference with the bytes in it";
            return Err(Refusal::invalid(name, why).into());
        }
    }
    let length = headers
        .get(CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok());
    if length
        .and_then(|length| length.parse::<u64>().ok())
        .is_some_and(|length| length > LARGEST)
    {
        return Err(Refusal::TooLarge("A file has at most 20 MiB.").into());
    }
    let rest = fhir::rest(app, id, &grant);
    let uuid = rest.new_id()?;
    let file_name = headers
        .get(CONTENT_DISPOSITION)
        .and_then(|value| str::from_utf8(value.as_bytes()).ok())
        .and_then(name::given)
        .unwrap_or_default();
    let file_name = document_ask::name(&file_name, "Content-Disposition")?;
    let (declared, context, bytes, spool) = match negotiate::media_type(headers).as_str() {
        "application/fhir+json" | "application/json" => {
            let bytes = negotiate::bytes(body).await?;
            let sent = resource::decode(&bytes, &app.base)?;
            (
                sent.content_type,
                sent.patient,
                Source::Inline(sent.bytes.into()),
                None,
            )
        }
        "" => {
            let wanted = "Say what kind of file it is.";
            return Err(Refusal::UnsupportedMediaType(wanted).into());
        }
        declared => {
            let mut spool = Spool::open(&app.emr).await?;
            let bytes = received(&mut spool, body).await?;
            (declared.to_owned(), None, bytes, Some(spool))
        }
    };
    let header = headers.get(CONTEXT).map(|value| {
        let text = value.to_str().unwrap_or_default();
        resource::context(text, &app.base)
    });
    let context = match (header.transpose()?, context) {
        (Some(named), Some(context)) if named != context => {
            let why = "this is another patient than X-Security-Context names";
            return Err(Refusal::invalid("Binary.securityContext", why)
                .understood()
                .into());
        }
        (named, context) => named.or(context),
    };
    let patient = patient(&grant, context)?;
    let paper = Paper {
        id: uuid,
        patient,
        name: file_name,
        declared,
        category: None,
        bytes,
    };
    // Apps send no form: a file that comes again is another one.
    let handed = Handed {
        paper,
        spool,
        ticket: String::new(),
    };
    let filed = handed::file(&rest, handed).await?;
    let location = app.base.of(ResourceType::Binary, filed);
    let mut response = StatusCode::CREATED.into_response();
    if let Ok(location) = HeaderValue::from_str(&location) {
        response.headers_mut().insert(LOCATION, location);
    }
    Ok(response)
}

async fn received(spool: &mut Spool, body: Body) -> Answer<Source> {
    let mut pieces = body.into_data_stream();
    while let Some(piece) = pieces.next().await {
        let piece = piece.map_err(|_| Refusal::invalid("body", "the body ended early"))?;
        spool.write(&piece).await?;
    }
    spool.received().await
}

/// The patient of the token; for staff the one the request names, or the one in context.
fn patient(grant: &Grant, named: Option<Uuid>) -> Result<Uuid, Refusal> {
    let own = match grant.user() {
        User::Patient(person) => Some(person.uuid),
        _ => grant.patient().map(|person| person.uuid),
    };
    match (own, named) {
        (Some(own), Some(named)) if own != named && matches!(grant.user(), User::Patient(_)) => {
            Err(Refusal::Forbidden(
                "A file is about the patient of the token.",
            ))
        }
        (_, Some(named)) => Ok(named),
        (Some(own), None) => Ok(own),
        (None, None) => Err(Refusal::invalid(
            "X-Security-Context",
            "say whose file it is, as Patient/[id]",
        )),
    }
}
