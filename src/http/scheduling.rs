//! `Appointment/$hold` and `$book`: the operations of scheduling that write. `$find` only looks, and goes the way of other
//! operations.

use axum::body::Body;
use axum::extract::OriginalUri;
use axum::http::HeaderMap;
use axum::http::Method;
use axum::http::header::EXPIRES;
use axum::response::Response;
use uuid::Uuid;

use crate::domain::ResourceType;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Refusal;
use crate::domain::scope::Interaction;
use crate::fhir::inputs;
use crate::http::App;
use crate::http::fhir;
use crate::http::guard;
use crate::http::negotiate;
use crate::http::reply;
use crate::http::request_id::RequestId;
use crate::http::write;
use crate::rest::repeat::Repeat;
use crate::rest::route;
use crate::rest::scheduling;

const HOLD: &str = "$hold";

/// The parameter that holds the Appointment; it may also come bare.
const RESOURCE: &str = "appt-resource";

/// Whether an address names one of these operations.
pub fn is_ours(path: route::Path<'_>) -> bool {
    let named = path.last().is_some_and(|name| route::BOOKS.contains(name));
    named && route::declared(path).is_some()
}

/// Answers an operation.
///
/// # Errors
/// `Unauthenticated` without a token, `Forbidden` without a scope to create Appointments; otherwise as the operation.
pub async fn answer(
    (app, id): (&App, &RequestId),
    (path, (method, uri, headers)): (route::Path<'_>, (&Method, &OriginalUri, &HeaderMap)),
    body: Body,
) -> Answer<Response> {
    let grant = guard::grant(app, headers).await?;
    let (_, logical, name) = route::declared(path).ok_or(Refusal::NotFound)?;
    if *method != Method::POST {
        return Err(Refusal::NoMethod.into());
    }
    // Whether this is open to the caller comes before what is sent.
    grant.reach(ResourceType::Appointment, Interaction::Create)?;
    let pairs = negotiate::pairs(uri.query());
    negotiate::json(headers, &pairs)?;
    let bytes = negotiate::bytes(body).await?;
    if !bytes.is_empty() {
        negotiate::fhir_body(headers)?;
    }
    let mut given = inputs::read_named(&bytes, RESOURCE)?;
    given.pairs.extend(pairs);
    let logical = match logical {
        Some(logical) => Some(logical.parse::<Uuid>().map_err(|_| Refusal::NotFound)?),
        None => None,
    };
    let rest = fhir::rest(app, id, &grant);
    let repeat = match write::one(headers, "idempotency-key")? {
        Some(key) => {
            let address = uri.path_and_query().map_or("", |all| all.as_str());
            Some(Repeat::of(
                &rest,
                key,
                &[b"POST", address.as_bytes(), &bytes],
            )?)
        }
        None => None,
    };
    let given = (&given, logical);
    match name {
        HOLD => {
            let (answered, until) = scheduling::hold(&rest, given, repeat.as_ref()).await?;
            let mut response = reply::answered(app, answered).await;
            if let Some(date) = reply::http_date(until) {
                response.headers_mut().insert(EXPIRES, date);
            }
            Ok(response)
        }
        _ => {
            let answered = scheduling::book(&rest, given, repeat.as_ref()).await?;
            Ok(reply::answered(app, answered).await)
        }
    }
}
