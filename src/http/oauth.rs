//! The OAuth and OpenID endpoints that machines talk to, and the one a browser arrives at.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::RawQuery;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::HeaderValue;
use axum::http::StatusCode;
use axum::http::header::AUTHORIZATION;
use axum::http::header::CACHE_CONTROL;
use axum::http::header::LOCATION;
use axum::http::header::PRAGMA;
use axum::http::header::RETRY_AFTER;
use axum::http::header::WWW_AUTHENTICATE;
use axum::response::IntoResponse;
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

use crate::auth::Context;
use crate::auth::authorize;
use crate::auth::authorize::Begin;
use crate::auth::authorize::Step;
use crate::auth::discovery;
use crate::auth::introspect;
use crate::auth::introspect::Shown;
use crate::auth::oauth_error::OAuthError;
use crate::auth::revoke;
use crate::auth::session::Visitor;
use crate::auth::token;
use crate::auth::token::answer;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Failure;
use crate::fhir::brands;
use crate::fhir::capability;
use crate::http::App;
use crate::http::cookies;
use crate::http::forms;
use crate::http::guard;
use crate::http::negotiate;
use crate::http::reply;
use crate::http::request_id::RequestId;

/// What the auth room needs of a request.
pub fn context<'a>(app: &'a App, fhir_base: &'a str, request_id: &'a str) -> Context<'a> {
    Context {
        emr: &app.emr,
        config: &app.config,
        fetch: &app.fetch,
        key_sets: &app.key_sets,
        provider: &app.provider,
        issuer: &app.config.public_url,
        fhir_base,
        now: app.emr.now(),
        entropy: app.entropy.as_ref(),
        keys: &app.keys,
        request_id,
    }
}

/// `GET /fhir/.well-known/smart-configuration`: JSON whatever `Accept` says (SMART 2.2, conformance).
pub async fn smart_configuration(State(app): State<Arc<App>>, id: RequestId) -> Response {
    configuration(&app, &id)
}

/// `GET /.well-known/openid-configuration`: the same document, as OpenID Connect Discovery wants it.
pub async fn openid_configuration(State(app): State<Arc<App>>, id: RequestId) -> Response {
    configuration(&app, &id)
}

fn configuration(app: &App, id: &RequestId) -> Response {
    let brand = brands::identifier(&app.config.website);
    match discovery::document(&app.config, &capability::scopes(), brand) {
        Ok(document) => public_json(&document),
        Err(fault) => {
            reply::log(&fault, &id.0);
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// `GET /oauth2/jwks`
pub async fn jwks(State(app): State<Arc<App>>) -> Response {
    public_json(&app.keys.jwks(app.emr.now().unix_timestamp()))
}

/// JSON that everybody may keep for a few minutes.
fn public_json(body: &impl Serialize) -> Response {
    ([(CACHE_CONTROL, "public, max-age=300")], Json(body)).into_response()
}

/// `GET /oauth2/authorize`
pub async fn authorize(
    State(app): State<Arc<App>>,
    id: RequestId,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    begin(&app, &id, negotiate::pairs(query.as_deref()), &headers).await
}

/// `HEAD /oauth2/authorize`: a prefetcher's look, which must not begin a request or spend a launch.
pub async fn no_head() -> Response {
    (StatusCode::METHOD_NOT_ALLOWED, [("allow", "GET, POST")]).into_response()
}

/// `POST /oauth2/authorize`: the same, in a form (SMART 2.2: servers support both).
pub async fn authorize_post(
    State(app): State<Arc<App>>,
    id: RequestId,
    headers: HeaderMap,
    body: Body,
) -> Response {
    match negotiate::form(&headers, body).await {
        Ok(pairs) => begin(&app, &id, pairs, &headers).await,
        Err(failure) => reply::page(&app, &id.0, failure),
    }
}

async fn begin(
    app: &App,
    id: &RequestId,
    pairs: Vec<(String, String)>,
    headers: &HeaderMap,
) -> Response {
    let known = cookies::find(app, headers, cookies::VISITOR).map(str::to_owned);
    let fresh = match &known {
        Some(_) => None,
        None => match app.entropy.token() {
            Ok(token) => Some(token),
            Err(fault) => return reply::page(app, &id.0, fault.into()),
        },
    };
    let Some(token) = known.as_deref().or(fresh.as_deref()) else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let visitor = Visitor {
        token,
        session: cookies::find(app, headers, cookies::SESSION),
        staff: cookies::find(app, headers, cookies::STAFF),
    };
    let base = app.config.fhir_base();
    let begun = authorize::begin(&context(app, &base, &id.0), &pairs, visitor).await;
    let mut response = match begun {
        Ok(Begin::Page(problem)) => reply::cannot_connect(app, &id.0, problem),
        Ok(Begin::Redirect(url)) => see_other(&url),
        Ok(Begin::Login(request, audience)) => {
            let page = forms::place(&Step::Login(audience)).to_owned();
            see_other(&format!("{page}?request={request}"))
        }
        Ok(Begin::Go(request)) => see_other(&format!("/oauth2/consent?request={request}")),
        Err(failure) => reply::page(app, &id.0, failure),
    };
    if let Some(fresh) = &fresh {
        cookies::set(app, &mut response, cookies::VISITOR, fresh);
    }
    response
}

/// 303, so that a POST is never sent on (RFC 9700, 4.12).
pub fn see_other(url: &str) -> Response {
    match HeaderValue::from_str(url) {
        Ok(url) => (StatusCode::SEE_OTHER, [(LOCATION, url)]).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// `POST /oauth2/token`
pub async fn token(
    State(app): State<Arc<App>>,
    id: RequestId,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let base = app.config.fhir_base();
    let context = context(&app, &base, &id.0);
    let asked = match form(&headers, body).await {
        Ok(pairs) => token::exchange(&context, &pairs, basic(&headers)).await,
        Err(error) => Err(error),
    };
    match asked {
        Ok(answer) => oauth_json(StatusCode::OK, &answer),
        Err(error) => {
            // A replayed code or refresh token has just ended a grant.
            app.tokens.clear();
            oauth_error(&app, &id, error)
        }
    }
}

/// `POST /oauth2/introspect` (RFC 7662)
pub async fn introspect(
    State(app): State<Arc<App>>,
    id: RequestId,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let base = app.config.fhir_base();
    let context = context(&app, &base, &id.0);
    let asked = match form(&headers, body).await {
        Ok(pairs) => introspect::introspect(&context, &pairs, shown(&headers)).await,
        Err(error) => Err(error),
    };
    match asked {
        Ok(answer) => oauth_json(StatusCode::OK, &answer),
        Err(error) => oauth_error(&app, &id, error),
    }
}

/// `POST /oauth2/revoke` (RFC 7009): an empty answer, whatever the token was.
pub async fn revoke(
    State(app): State<Arc<App>>,
    id: RequestId,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let base = app.config.fhir_base();
    let context = context(&app, &base, &id.0);
    let asked = match form(&headers, body).await {
        Ok(pairs) => revoke::revoke(&context, &pairs, basic(&headers)).await,
        Err(error) => Err(error),
    };
    app.tokens.clear();
    match asked {
        Ok(()) => oauth_json(StatusCode::OK, &serde_json::json!({})),
        Err(error) => oauth_error(&app, &id, error),
    }
}

/// The form that every one of these endpoints takes.
async fn form(headers: &HeaderMap, body: Body) -> Result<Vec<(String, String)>, OAuthError> {
    match negotiate::form(headers, body).await {
        Ok(pairs) => Ok(pairs),
        Err(Failure::Refused(_)) => Err(OAuthError::request(
            "send application/x-www-form-urlencoded of at most 2 MiB and 1,000 fields",
        )),
        Err(broken) => Err(broken.into()),
    }
}

/// Any other method on the endpoints that take forms alone.
pub async fn only_post(State(app): State<Arc<App>>, id: RequestId) -> Response {
    let error = OAuthError::request("this endpoint takes POST");
    let mut response = oauth_error(&app, &id, error);
    *response.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
    response
        .headers_mut()
        .insert("allow", HeaderValue::from_static("POST"));
    response
}

/// `GET` and `POST /oauth2/userinfo` (OpenID Connect Core, 5.3).
pub async fn userinfo(State(app): State<Arc<App>>, id: RequestId, headers: HeaderMap) -> Response {
    let base = app.config.fhir_base();
    let asked: Answer<Response> = async {
        let grant = guard::grant(&app, &headers).await?;
        let claims = answer::userinfo(&context(&app, &base, &id.0), &grant)?;
        Ok(oauth_json(StatusCode::OK, &claims))
    }
    .await;
    match asked {
        Ok(response) => response,
        Err(failure) => machine_error(&app, &id.0, failure),
    }
}

/// An error in JSON for a machine that does not speak FHIR, with RFC 6750's challenge where a token was the trouble.
pub fn machine_error(app: &App, request_id: &str, failure: Failure) -> Response {
    let (status, word, description) = match &failure {
        Failure::Refused(refusal) => match reply::status(refusal) {
            StatusCode::UNAUTHORIZED => (
                StatusCode::UNAUTHORIZED,
                "invalid_token",
                "send one access token that has not ended, as Authorization: Bearer",
            ),
            StatusCode::FORBIDDEN => (
                StatusCode::FORBIDDEN,
                "insufficient_scope",
                "the access token's scope does not cover this",
            ),
            StatusCode::SERVICE_UNAVAILABLE => (
                StatusCode::SERVICE_UNAVAILABLE,
                "temporarily_unavailable",
                "try again in a moment",
            ),
            other => (
                other,
                "invalid_request",
                "the request is not one this address takes",
            ),
        },
        Failure::Broken(fault) => {
            reply::log(fault, request_id);
            (
                StatusCode::INTERNAL_SERVER_ERROR,
                "server_error",
                "something broke",
            )
        }
    };
    let body = serde_json::json!({
        "error": word, "error_description": description, "request_id": request_id,
    });
    let mut response = oauth_json(status, &body);
    if matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
        challenge(
            app,
            &mut response,
            &format!("Bearer realm=\"{{}}\", error=\"{word}\""),
        );
    }
    if status == StatusCode::SERVICE_UNAVAILABLE {
        response
            .headers_mut()
            .insert(RETRY_AFTER, HeaderValue::from(5));
    }
    response
}

/// An RFC 6749 error with its status, and with the challenge that every 401 has (RFC 9110, 15.5.2).
fn oauth_error(app: &App, id: &RequestId, error: OAuthError) -> Response {
    if let Some(Failure::Broken(fault)) = &error.broken {
        reply::log(fault, &id.0);
    }
    let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::BAD_REQUEST);
    let mut response = oauth_json(status, &error.body(&id.0));
    if status == StatusCode::UNAUTHORIZED {
        let wanted = match error.error.as_ref() {
            "invalid_token" => "Bearer realm=\"{}\", error=\"invalid_token\"",
            _ => "Basic realm=\"{}\"",
        };
        challenge(app, &mut response, wanted);
    }
    if status == StatusCode::SERVICE_UNAVAILABLE {
        response
            .headers_mut()
            .insert(RETRY_AFTER, HeaderValue::from(2));
    }
    response
}

/// Says how to prove oneself; `{}` stands for the realm.
fn challenge(app: &App, response: &mut Response, wanted: &str) {
    let text = wanted.replace("{}", &app.config.public_url);
    if let Ok(value) = HeaderValue::from_str(&text) {
        response.headers_mut().insert(WWW_AUTHENTICATE, value);
    }
}

/// JSON that no cache may keep (RFC 6749, 5.1).
fn oauth_json(status: StatusCode, body: &impl Serialize) -> Response {
    let mut response = (status, Json(body)).into_response();
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(PRAGMA, HeaderValue::from_static("no-cache"));
    response
}

/// What an app or the holder of a token shows.
fn shown(headers: &HeaderMap) -> Shown<'_> {
    let value = headers
        .get(AUTHORIZATION)
        .and_then(|value| value.to_str().ok());
    let (scheme, _) = value
        .and_then(|text| text.split_once(' '))
        .unwrap_or_default();
    match scheme.eq_ignore_ascii_case("bearer") {
        // What is no token is an empty one, which nobody has.
        true => Shown::Bearer(guard::bearer(headers).unwrap_or_default()),
        false => Shown::Basic(basic(headers)),
    }
}

/// `Authorization: Basic`, taken apart. Another scheme, two headers, or what cannot be taken apart is an empty id, which
/// no client has.
fn basic(headers: &HeaderMap) -> Option<(String, String)> {
    let mut all = headers.get_all(AUTHORIZATION).iter();
    let (value, second) = (all.next()?, all.next());
    let text = value.to_str().unwrap_or_default();
    let (scheme, encoded) = text.split_once(' ').unwrap_or_default();
    let alone = second.is_none() && scheme.eq_ignore_ascii_case("basic");
    let decoded = STANDARD.decode(encoded.trim()).ok().filter(|_| alone);
    let pair = decoded
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .unwrap_or_default();
    let (id, secret) = pair.split_once(':').unwrap_or_default();
    Some((id.to_owned(), secret.to_owned()))
}
