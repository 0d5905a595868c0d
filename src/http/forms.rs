//! What every page with a form shares: the browser that stands before a waiting request, the form that belongs to it,
//! and the way to the page a request is at.

use axum::body::Body;
use axum::http::HeaderMap;
use axum::http::header::CONTENT_SECURITY_POLICY;
use axum::http::header::ORIGIN;
use axum::response::Response;

use crate::auth::authorize;
use crate::auth::authorize::Begin;
use crate::auth::authorize::Pending;
use crate::auth::authorize::Step;
use crate::auth::client;
use crate::auth::csrf;
use crate::auth::session::Visitor;
use crate::auth::who::Audience;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Refusal;
use crate::http::App;
use crate::http::cookies;
use crate::http::limits;
use crate::http::negotiate;
use crate::http::oauth::context;
use crate::http::oauth::see_other;
use crate::http::pages::login::AskingApp;
use crate::http::pages::plain::plain;
use crate::http::reply;
use crate::http::request_id::RequestId;

/// A browser that stands before a waiting request.
pub struct Visit<'h> {
    /// The id of the HTTP request.
    pub id: &'h str,
    /// The id of the waiting request.
    pub request: String,
    /// The browser's cookies.
    pub visitor: Visitor<'h>,
    /// The mark of a known browser.
    pub device: Option<&'h str>,
}

/// A form that was sent and belongs to this browser.
pub struct Form(Vec<(String, String)>);

impl Form {
    /// The fields of a form that was judged elsewhere.
    pub fn of(fields: Vec<(String, String)>) -> Self {
        Self(fields)
    }

    /// The value of a field; empty where it is absent.
    pub fn text(&self, name: &str) -> String {
        let pair = self.0.iter().find(|(known, _)| known == name);
        pair.map(|(_, value)| value.clone()).unwrap_or_default()
    }

    /// Every value of a field.
    pub fn all(&self, name: &str) -> Vec<String> {
        let pairs = self.0.iter().filter(|(known, _)| known == name);
        pairs.map(|(_, value)| value.clone()).collect()
    }
}

/// Which request, in which browser.
pub fn visit<'h>(
    (app, id): (&App, &'h RequestId),
    query: Option<&str>,
    headers: &'h HeaderMap,
) -> Result<Visit<'h>, Refusal> {
    let ended = Refusal::Expired(authorize::ENDED);
    let pairs = negotiate::pairs(query);
    let request = pairs.into_iter().find(|(name, _)| name == "request");
    let token = cookies::find(app, headers, cookies::VISITOR);
    let (Some((_, request)), Some(token)) = (request, token) else {
        return Err(ended);
    };
    Ok(Visit {
        id: &id.0,
        request,
        visitor: Visitor {
            token,
            session: cookies::find(app, headers, cookies::SESSION),
            staff: cookies::find(app, headers, cookies::STAFF),
        },
        device: cookies::find(app, headers, cookies::DEVICE),
    })
}

/// The request a browser stands before.
///
/// # Errors
/// As [`authorize::pending`].
pub async fn pending(app: &App, visit: &Visit<'_>) -> Answer<Pending> {
    let base = app.config.fhir_base();
    authorize::pending(
        &context(app, &base, visit.id),
        &visit.request,
        visit.visitor,
    )
    .await
}

/// A form of ours, sent from a page of ours in the same browser: its token and, where the browser tells, its origin
/// (`spec/security.md`, cases 23 and 24).
pub async fn form(app: &App, visit: &Visit<'_>, headers: &HeaderMap, body: Body) -> Answer<Form> {
    checked(app, visit.visitor.token, headers, body).await
}

/// The same for a page of our own, which no request waits before: the form, and the browser that sent it.
///
/// # Errors
/// `Forbidden` where the form came from elsewhere or the browser has no visitor cookie.
pub async fn own_form<'h>(
    app: &App,
    headers: &'h HeaderMap,
    body: Body,
) -> Answer<(Form, Visitor<'h>)> {
    let visitor = own_visitor(app, headers).ok_or(FOREIGN)?;
    let form = checked(app, visitor.token, headers, body).await?;
    Ok((form, visitor))
}

/// The browser that asks for a page of our own; `None` where it has no visitor cookie, and then no session either.
pub fn own_visitor<'h>(app: &App, headers: &'h HeaderMap) -> Option<Visitor<'h>> {
    Some(Visitor {
        token: cookies::find(app, headers, cookies::VISITOR)?,
        session: cookies::find(app, headers, cookies::SESSION),
        staff: cookies::find(app, headers, cookies::STAFF),
    })
}

/// The same for what a page of ours asks for by itself: whoever answers it must keep no session alive.
pub fn own_watcher<'h>(app: &App, headers: &'h HeaderMap) -> Option<Visitor<'h>> {
    Some(Visitor {
        token: cookies::find_behind(app, headers, cookies::VISITOR)?,
        session: cookies::find_behind(app, headers, cookies::SESSION),
        staff: cookies::find_behind(app, headers, cookies::STAFF),
    })
}

/// A page with a form that anybody may open: a browser without a visitor cookie gets one, for the form to be bound to.
pub fn open_page(
    app: &App,
    id: &RequestId,
    headers: &HeaderMap,
    shown: impl FnOnce(&str) -> Response,
) -> Response {
    if let Some(known) = cookies::find(app, headers, cookies::VISITOR) {
        return shown(known);
    }
    match app.entropy.token() {
        Ok(fresh) => {
            let mut response = shown(&fresh);
            cookies::set(app, &mut response, cookies::VISITOR, &fresh);
            response
        }
        Err(fault) => reply::page(app, &id.0, fault.into()),
    }
}

/// Sends a browser that has to log in first on its way; after the login it comes back to `path`. A browser without a
/// visitor cookie gets one.
pub async fn log_in_first(app: &App, id: &RequestId, path: &str, headers: &HeaderMap) -> Response {
    let begun: Answer<Response> = async {
        let base = app.config.fhir_base();
        let fresh = app.entropy.token()?;
        let known = own_visitor(app, headers);
        let visitor = known.unwrap_or(Visitor {
            token: &fresh,
            session: None,
            staff: None,
        });
        let begun = authorize::visit(&context(app, &base, &id.0), path, visitor).await?;
        let mut response = match begun {
            Begin::Login(request, audience) => {
                let page = place(&Step::Login(audience)).to_owned();
                see_other(&format!("{page}?request={request}"))
            }
            Begin::Go(_) | Begin::Redirect(_) | Begin::Page(_) => see_other(path),
        };
        if known.is_none() {
            cookies::set(app, &mut response, cookies::VISITOR, &fresh);
        }
        Ok(response)
    }
    .await;
    begun.unwrap_or_else(|failure| reply::page(app, &id.0, failure))
}

/// The no to a form that is not from here.
pub const FOREIGN: Refusal = Refusal::Forbidden(
    "This form was not sent from this site. Please go back to the page it was on, load it again and try once more.",
);

/// Whether a form was sent from a page of ours, as far as the browser tells.
///
/// # Errors
/// `Forbidden` where it came from elsewhere.
pub fn ours(app: &App, headers: &HeaderMap) -> Result<(), Refusal> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let site = text("sec-fetch-site");
    // Our pages send no referrer, and then browsers say `Origin: null` of their own forms; only Sec-Fetch-Site can
    // vouch for one of those.
    let ours = match text(ORIGIN.as_str()) {
        None => true,
        Some("null") => site == Some("same-origin"),
        Some(origin) => origin == app.config.public_url,
    };
    match !ours || matches!(site, Some("cross-site" | "same-site")) {
        true => Err(FOREIGN),
        false => Ok(()),
    }
}

async fn checked(app: &App, token: &str, headers: &HeaderMap, body: Body) -> Answer<Form> {
    ours(app, headers)?;
    let form = Form(negotiate::form(headers, body).await?);
    match csrf::fits(token, &form.text("csrf")) {
        true => Ok(form),
        false => Err(FOREIGN.into()),
    }
}

/// The app as the user may judge it: its name cut and cleaned, and where it really lives.
pub fn asking(pending: &Pending) -> Option<AskingApp> {
    let client = pending.client.as_ref()?;
    Some(AskingApp {
        name: name(&client.name),
        host: lives_at(&pending.asked.redirect_uri),
    })
}

/// The name of an app, fit to be shown.
pub fn name(registered: &str) -> String {
    Some(plain(registered, 60))
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| "An app without a name".to_owned())
}

/// Where an app lives, for a person to judge: the host of its redirect address, or the scheme of an app on a device.
pub fn lives_at(redirect_uri: &str) -> String {
    let host = client::host(redirect_uri);
    let scheme = redirect_uri
        .split_once(':')
        .map_or("", |(scheme, _)| scheme);
    match scheme {
        "https" | "http" => plain(&host, 120),
        scheme => format!("{}: (an app on this device)", plain(scheme, 120)),
    }
}

/// Lets the page's form end in a redirect to the app.
pub fn with_policy(mut response: Response, pending: &Pending) -> Response {
    if pending.client.is_none() {
        return response;
    }
    if let Some(policy) = limits::policy_for(&client::origin(&pending.asked.redirect_uri)) {
        response
            .headers_mut()
            .insert(CONTENT_SECURITY_POLICY, policy);
    }
    response
}

/// The path of a step's page; the two login forms lead to each other.
pub fn place(step: &Step) -> &str {
    match step {
        Step::Login(Audience::Patient) => "/login",
        Step::Login(Audience::Staff) => "/login/staff",
        Step::NewCredentials(_) => "/login/new-credentials",
        Step::Choose(_) => "/login/choose-patient",
        Step::Consent(..) => "/oauth2/consent",
        Step::Own(path) => path,
    }
}

/// The page a request really is at.
pub fn elsewhere(visit: &Visit<'_>, pending: &Pending) -> Response {
    let page = place(&pending.step);
    match pending.step {
        Step::Own(_) => see_other(page),
        _ => see_other(&format!("{page}?request={}", visit.request)),
    }
}
