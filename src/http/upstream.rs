//! The way of staff to the practice's identity provider and back, and the door at which it tells that somebody has
//! logged out there.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::RawQuery;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::HeaderValue;
use axum::http::StatusCode;
use axum::http::header::CACHE_CONTROL;
use axum::response::IntoResponse;
use axum::response::Response;
use serde_json::json;

use crate::auth::authorize;
use crate::auth::authorize::Step;
use crate::auth::session::Visitor;
use crate::auth::upstream;
use crate::auth::who::Who;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Failure;
use crate::domain::refusal::Refusal;
use crate::http::App;
use crate::http::cookies;
use crate::http::forms;
use crate::http::forms::Visit;
use crate::http::negotiate;
use crate::http::oauth::context;
use crate::http::oauth::see_other;
use crate::http::reply;
use crate::http::request_id::RequestId;

/// `GET /login/staff/start?request=...`: to the identity provider.
pub async fn start(
    State(app): State<Arc<App>>,
    id: RequestId,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let done: Answer<Response> = async {
        there_is_one(&app)?;
        let visit = forms::visit((&app, &id), query.as_deref(), &headers)?;
        let pending = forms::pending(&app, &visit).await?;
        if !matches!(pending.step, Step::Login(_)) {
            return Ok(forms::elsewhere(&visit, &pending));
        }
        let base = app.config.fhir_base();
        let context = context(&app, &base, visit.id);
        let url = upstream::start(&context, &visit.request, visit.visitor).await?;
        Ok(see_other(&url))
    }
    .await;
    done.unwrap_or_else(|failure| page(&app, &id, failure))
}

/// `GET /login/staff/callback`: back from the identity provider.
pub async fn callback(
    State(app): State<Arc<App>>,
    id: RequestId,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let done: Answer<Response> = async {
        there_is_one(&app)?;
        let token = cookies::find(&app, &headers, cookies::VISITOR);
        let visitor = Visitor {
            token: token.ok_or(Refusal::Expired(authorize::ENDED))?,
            session: cookies::find(&app, &headers, cookies::SESSION),
            staff: cookies::find(&app, &headers, cookies::STAFF),
        };
        let base = app.config.fhir_base();
        let context = context(&app, &base, &id.0);
        let params = negotiate::pairs(query.as_deref());
        let arrival = upstream::callback(&context, &params, visitor).await?;
        let visit = Visit {
            id: &id.0,
            request: arrival.request,
            visitor,
            device: None,
        };
        let pending = forms::pending(&app, &visit).await?;
        // Somebody went on with it in another tab: the page there is not to change hands.
        if !matches!(pending.step, Step::Login(_)) {
            return Ok(forms::elsewhere(&visit, &pending));
        }
        let who = Who::Staff(arrival.colleague);
        let login = (&who, arrival.acr.as_str(), arrival.upstream);
        let session = authorize::attach_login(&context, &pending, login, visitor).await?;
        let place = match &pending.asked.client_id {
            // The page of the request finds out which one it is at.
            Some(_) => format!("/login?request={}", visit.request),
            None => authorize::own_path(&pending.asked, &who),
        };
        let mut response = see_other(&place);
        cookies::set(&app, &mut response, cookies::STAFF, &session);
        Ok(response)
    }
    .await;
    done.unwrap_or_else(|failure| page(&app, &id, failure))
}

/// `POST /login/staff/backchannel` (OpenID Connect Back-Channel Logout 1.0, 2.5 to 2.8).
pub async fn backchannel(
    State(app): State<Arc<App>>,
    id: RequestId,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let done: Answer<()> = async {
        there_is_one(&app)?;
        let pairs = negotiate::form(&headers, body).await?;
        let mut tokens = pairs.iter().filter(|(name, _)| name == "logout_token");
        let (Some((_, token)), None) = (tokens.next(), tokens.next()) else {
            let why = "send one logout_token in a form";
            return Err(Refusal::invalid("logout_token", why).into());
        };
        let base = app.config.fhir_base();
        upstream::log_out(&context(&app, &base, &id.0), token).await
    }
    .await;
    let mut response = match done {
        Ok(()) => {
            // A token that was looked up a moment ago may belong to what has just ended.
            app.tokens.clear();
            StatusCode::OK.into_response()
        }
        Err(failure) => refused(&id, failure),
    };
    let never = HeaderValue::from_static("no-store");
    response.headers_mut().insert(CACHE_CONTROL, never);
    response
}

/// Without an identity provider none of these pages is there.
fn there_is_one(app: &App) -> Result<(), Refusal> {
    let idp = app.config.staff_idp.as_ref();
    idp.map(|_| ()).ok_or(Refusal::NotFound)
}

/// A login that was not believed has a heading of its own.
fn page(app: &App, id: &RequestId, failure: Failure) -> Response {
    match failure {
        Failure::Refused(Refusal::Invalid { why, .. }) => {
            let words = ("You are not logged in", why);
            reply::problem(app, &id.0, StatusCode::BAD_REQUEST, words)
        }
        other => reply::page(app, &id.0, other),
    }
}

fn refused(id: &RequestId, failure: Failure) -> Response {
    let (status, error, why) = match failure {
        Failure::Refused(refusal) => (
            reply::status(&refusal),
            "invalid_request",
            reply::sentence(&refusal),
        ),
        Failure::Broken(fault) => {
            reply::log(&fault, &id.0);
            let status = StatusCode::INTERNAL_SERVER_ERROR;
            (status, "server_error", "nothing was changed".to_owned())
        }
    };
    let body = json!({ "error": error, "error_description": why });
    (status, Json(body)).into_response()
}
