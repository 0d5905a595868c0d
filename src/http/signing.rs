//! `DocumentReference/[id]/$sign`: a patient's app signs a form as the patient's own page does.

use axum::body::Body;
use axum::extract::OriginalUri;
use axum::http::HeaderMap;
use axum::http::Method;
use axum::response::Response;
use uuid::Uuid;

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
use crate::rest::forms;
use crate::rest::route;

/// The parameter that holds the QuestionnaireResponse.
const ANSWERS: &str = "answers";

/// Whether an address names the operation.
pub fn is_ours(path: route::Path<'_>) -> bool {
    path.last() == Some(&route::SIGN) && route::declared(path).is_some()
}

/// Answers it.
///
/// # Errors
/// `Unauthenticated` without a token, `Forbidden` without a scope to update documents; otherwise as [`forms::sign`].
pub async fn answer(
    (app, id): (&App, &RequestId),
    (path, (method, uri, headers)): (route::Path<'_>, (&Method, &OriginalUri, &HeaderMap)),
    body: Body,
) -> Answer<Response> {
    let grant = guard::grant(app, headers).await?;
    let (kind, logical, _) = route::declared(path).ok_or(Refusal::NotFound)?;
    if *method != Method::POST {
        return Err(Refusal::NoMethod.into());
    }
    // Whether this is open to the caller comes before what is sent.
    grant.reach(kind, Interaction::Update)?;
    negotiate::json(headers, &negotiate::pairs(uri.query()))?;
    let bytes = negotiate::bytes(body).await?;
    negotiate::fhir_body(headers)?;
    let logical: Uuid = logical
        .and_then(|logical| logical.parse().ok())
        .ok_or(Refusal::NotFound)?;
    let given = inputs::read_named(&bytes, ANSWERS)?;
    let rest = fhir::rest(app, id, &grant);
    let answered = forms::sign(&rest, logical, &given).await?;
    Ok(reply::answered(app, answered).await)
}
