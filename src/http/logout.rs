//! Logout: an app sends the browser here (OpenID Connect RP-Initiated Logout 1.0), or its user wants out.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::RawQuery;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::HeaderName;
use axum::http::HeaderValue;
use axum::http::StatusCode;
use axum::response::Response;
use form_urlencoded::Serializer;

use crate::auth::csrf;
use crate::auth::logout;
use crate::auth::logout::Left;
use crate::auth::logout::Logout;
use crate::auth::session::Visitor;
use crate::auth::who::Audience;
use crate::domain::refusal::Answer;
use crate::http::App;
use crate::http::cookies;
use crate::http::forms;
use crate::http::forms::Visit;
use crate::http::negotiate;
use crate::http::oauth::context;
use crate::http::oauth::see_other;
use crate::http::pages::logout::LogOut;
use crate::http::pages::logout::LoggedOut;
use crate::http::reply;
use crate::http::request_id::RequestId;

/// What the browser forgets of this site. Not its cookies: ours are taken away by name, so that a device that was known
/// stays known and a login on the other side, of staff or of a patient, stays where it was not the one to end.
const CLEAR: &str = "\"cache\", \"storage\"";

/// The longest query that a form is turned into.
const LONGEST_QUERY: usize = 7 * 1024;

/// `GET /oauth2/logout`, and `GET /account/logout`, which asks.
pub async fn page(
    State(app): State<Arc<App>>,
    id: RequestId,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let params = negotiate::pairs(query.as_deref());
    let done = asked(&app, &id, &params, &headers).await;
    done.unwrap_or_else(|failure| reply::page(&app, &id.0, failure))
}

/// `POST /oauth2/logout`: the same in a form. Sent from another site it comes without the session's cookie, which the
/// browser gives to a `GET` from there alone.
pub async fn from_app(
    State(app): State<Arc<App>>,
    id: RequestId,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let done: Answer<Response> = async {
        let params = negotiate::form(&headers, body).await?;
        if !has_session(&app, &headers) {
            let query = Serializer::new(String::new())
                .extend_pairs(&params)
                .finish();
            if query.len() <= LONGEST_QUERY {
                return Ok(see_other(&format!("/oauth2/logout?{query}")));
            }
        }
        asked(&app, &id, &params, &headers).await
    }
    .await;
    done.unwrap_or_else(|failure| reply::page(&app, &id.0, failure))
}

/// `POST /account/logout`: the user's own word for it, on a form of ours.
pub async fn confirm(
    State(app): State<Arc<App>>,
    id: RequestId,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let done: Answer<Response> = async {
        if !has_session(&app, &headers) {
            return Ok(logged_out(&app, &headers, Vec::new()));
        }
        let visitor = visitor(&app, &headers);
        let visit = Visit {
            id: &id.0,
            request: String::new(),
            visitor,
            device: None,
        };
        forms::form(&app, &visit, &headers, body).await?;
        let base = app.config.fhir_base();
        let left = logout::confirmed(&context(&app, &base, &id.0), visitor).await?;
        app.tokens.clear();
        Ok(logged_out(&app, &headers, left))
    }
    .await;
    done.unwrap_or_else(|failure| reply::page(&app, &id.0, failure))
}

async fn asked(
    app: &App,
    id: &RequestId,
    params: &[(String, String)],
    headers: &HeaderMap,
) -> Answer<Response> {
    let base = app.config.fhir_base();
    let visitor = visitor(app, headers);
    Ok(
        match logout::begin(&context(app, &base, &id.0), params, visitor).await? {
            Logout::Back(url, ended) => {
                app.tokens.clear();
                let mut response = see_other(&url);
                if let Some(audience) = ended {
                    forget(app, &mut response, &[cookie_of(audience)]);
                }
                response
            }
            Logout::Ask(names) => question(app, visitor.token, names)?,
            Logout::Nobody => logged_out(app, headers, Vec::new()),
        },
    )
}

/// The browser's cookies; it may have none.
fn visitor<'h>(app: &App, headers: &'h HeaderMap) -> Visitor<'h> {
    Visitor {
        token: cookies::find(app, headers, cookies::VISITOR).unwrap_or_default(),
        session: cookies::find(app, headers, cookies::SESSION),
        staff: cookies::find(app, headers, cookies::STAFF),
    }
}

fn has_session(app: &App, headers: &HeaderMap) -> bool {
    let mut names = [cookies::SESSION, cookies::STAFF].into_iter();
    names.any(|name| cookies::find(app, headers, name).is_some())
}

fn cookie_of(audience: Audience) -> &'static str {
    match audience {
        Audience::Patient => cookies::SESSION,
        Audience::Staff => cookies::STAFF,
    }
}

/// The page that asks, with the cookie its form is bound to.
fn question(app: &App, known: &str, names: Vec<String>) -> Answer<Response> {
    let fresh = match known.is_empty() {
        true => Some(app.entropy.token()?),
        false => None,
    };
    let page = LogOut {
        frame: reply::frame(app, "Log out"),
        action: "/account/logout".to_owned(),
        csrf: csrf::token(fresh.as_deref().unwrap_or(known)),
        names,
    };
    let mut response = reply::html(StatusCode::OK, page);
    if let Some(fresh) = &fresh {
        cookies::set(app, &mut response, cookies::VISITOR, fresh);
    }
    Ok(response)
}

/// The page after it. Where there was a session the visitor's cookie goes too: whoever comes next at this browser begins
/// anew. A request that brought none came perhaps from another site, and takes nothing away.
fn logged_out(app: &App, headers: &HeaderMap, left: Vec<Left>) -> Response {
    let patient = left.iter().any(|left| left.audience == Audience::Patient);
    let page = LoggedOut {
        frame: reply::frame(app, "You are logged out"),
        connected: left.into_iter().flat_map(|left| left.connected).collect(),
        patient,
    };
    let mut response = reply::html(StatusCode::OK, page);
    if has_session(app, headers) {
        let ours = [cookies::SESSION, cookies::STAFF, cookies::VISITOR];
        forget(app, &mut response, &ours);
    }
    response
}

fn forget(app: &App, response: &mut Response, names: &[&str]) {
    for name in names {
        cookies::clear(app, response, name);
    }
    let clear = HeaderName::from_static("clear-site-data");
    let what = HeaderValue::from_static(CLEAR);
    response.headers_mut().insert(clear, what);
}
