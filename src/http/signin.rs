//! The pages between the app's question and its answer: login, new credentials, consent.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::RawQuery;
use axum::extract::State;
use axum::http::Extensions;
use axum::http::HeaderMap;
use axum::http::StatusCode;
use axum::http::Uri;
use axum::http::header::CONTENT_SECURITY_POLICY;
use axum::http::header::ORIGIN;
use axum::response::Response;

use crate::auth::authorize;
use crate::auth::authorize::Pending;
use crate::auth::authorize::Step;
use crate::auth::client;
use crate::auth::consent as consents;
use crate::auth::csrf;
use crate::auth::device;
use crate::auth::login as logins;
use crate::auth::login::Attempt;
use crate::auth::new_credentials as credentials;
use crate::auth::new_credentials::Choice;
use crate::auth::new_credentials::Chosen;
use crate::auth::password;
use crate::auth::policy;
use crate::auth::session::Visitor;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Refusal;
use crate::domain::scope::Scope;
use crate::emr::account::Account;
use crate::http::App;
use crate::http::client_address;
use crate::http::cookies;
use crate::http::limits;
use crate::http::negotiate;
use crate::http::oauth::context;
use crate::http::oauth::see_other;
use crate::http::pages::consent::Consent;
use crate::http::pages::login::AskingApp;
use crate::http::pages::login::Login;
use crate::http::pages::new_credentials::NewCredentials;
use crate::http::pages::scope_words;
use crate::http::reply;
use crate::http::request_id::RequestId;

/// The one sentence for every wrong login, whatever was wrong.
const WRONG: &str = "We could not log you in with that. Please check what you typed and try again.";

/// When a wrong login is answered: the kinds and costs of hashes in one practice differ, and an earlier answer would tell
/// which names there are.
const EVEN: Duration = Duration::from_millis(500);

/// A browser that stands before a waiting request.
struct Visit<'h> {
    id: &'h str,
    request: String,
    visitor: Visitor<'h>,
    device: Option<&'h str>,
}

/// A form that was sent and belongs to this browser.
struct Form(Vec<(String, String)>);

impl Form {
    fn text(&self, name: &str) -> String {
        let pair = self.0.iter().find(|(known, _)| known == name);
        pair.map(|(_, value)| value.clone()).unwrap_or_default()
    }

    fn all(&self, name: &str) -> Vec<String> {
        let pairs = self.0.iter().filter(|(known, _)| known == name);
        pairs.map(|(_, value)| value.clone()).collect()
    }
}

/// `GET /login`, `/login/new-credentials` and `/oauth2/consent` with `?request=...`: the page the request is at, or the
/// way to it.
pub async fn page(
    State(app): State<Arc<App>>,
    id: RequestId,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let shown: Answer<Response> = async {
        let visit = visit((&app, &id), uri.query(), &headers)?;
        let pending = pending(&app, &visit).await?;
        if uri.path() != place(&pending.step) {
            return Ok(elsewhere(&visit, &pending));
        }
        match &pending.step {
            Step::Login => login_page(&app, (&visit, &pending), Typed::default()).await,
            Step::NewCredentials(account) => {
                let page = credentials_page(&app, &visit, account.login_name.clone(), Vec::new());
                Ok(with_policy(page, &pending))
            }
            Step::Consent(account) => Ok(consent_page(&app, (&visit, &pending), account)),
        }
    }
    .await;
    shown.unwrap_or_else(|failure| reply::page(&app, &id.0, failure))
}

/// `POST /login?request=...`
pub async fn login_post(
    State(app): State<Arc<App>>,
    id: RequestId,
    RawQuery(query): RawQuery,
    (headers, extensions): (HeaderMap, Extensions),
    body: Body,
) -> Response {
    let done: Answer<Response> = async {
        let visit = visit((&app, &id), query.as_deref(), &headers)?;
        let form = form(&app, &visit, &headers, body).await?;
        let pending = pending(&app, &visit).await?;
        if pending.step != Step::Login {
            return Ok(elsewhere(&visit, &pending));
        }
        if form.text("decision") == "deny" {
            return denied(&app, &visit).await;
        }
        let address = client_address::of(&app, &headers, &extensions);
        log_in(&app, (&visit, &pending), &form, address).await
    }
    .await;
    done.unwrap_or_else(|failure| reply::page(&app, &id.0, failure))
}

async fn log_in(
    app: &App,
    (visit, pending): (&Visit<'_>, &Pending),
    form: &Form,
    address: IpAddr,
) -> Answer<Response> {
    let base = app.config.fhir_base();
    let context = context(app, &base, visit.id);
    let attempt = Attempt {
        username: form.text("username"),
        password: form.text("password"),
        email: form.text("email"),
        address,
        device: visit.device.map(str::to_owned),
    };
    let typed = |error, wait| Typed {
        username: attempt.username.clone(),
        email: attempt.email.clone(),
        error,
        wait,
    };
    let even = tokio::time::sleep(EVEN);
    match logins::login(&context, &attempt).await? {
        logins::Login::In(account) => welcome(app, (visit, pending), &account).await,
        logins::Login::MustChange(account) => {
            authorize::attach_must_change(&context, pending, &account).await?;
            Ok(see_other(&format!(
                "/login/new-credentials?request={}",
                visit.request
            )))
        }
        logins::Login::Refused => {
            even.await;
            login_page(app, (visit, pending), typed(Some(WRONG.to_owned()), None)).await
        }
        logins::Login::Wait(seconds) => {
            let wait = format!(
                "There were too many tries. Please wait {} and try again.",
                span(seconds)
            );
            let mut response = login_page(app, (visit, pending), typed(None, Some(wait))).await?;
            *response.status_mut() = StatusCode::TOO_MANY_REQUESTS;
            response.headers_mut().insert("retry-after", seconds.into());
            Ok(response)
        }
    }
}

/// Opens the session of somebody who has just shown who they are, and goes on to the consent.
async fn welcome(
    app: &App,
    (visit, pending): (&Visit<'_>, &Pending),
    account: &Account,
) -> Answer<Response> {
    let base = app.config.fhir_base();
    let context = context(app, &base, visit.id);
    let token = authorize::attach_login(&context, pending, account, visit.visitor).await?;
    let mut response = see_other(&format!("/oauth2/consent?request={}", visit.request));
    cookies::set(app, &mut response, cookies::SESSION, &token);
    let mark = visit.device.unwrap_or_default();
    if device::known(&context, mark, &account.login_name).is_none() {
        let fresh = device::mark(&context, &account.login_name)?;
        cookies::set(app, &mut response, cookies::DEVICE, &fresh);
    }
    Ok(response)
}

/// Seconds in words.
fn span(seconds: u64) -> String {
    match seconds {
        0 | 1 => "1 second".to_owned(),
        2..=119 => format!("{seconds} seconds"),
        _ => format!("{} minutes", seconds.div_ceil(60)),
    }
}

/// `POST /login/new-credentials?request=...`
pub async fn new_credentials_post(
    State(app): State<Arc<App>>,
    id: RequestId,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let done: Answer<Response> = async {
        let visit = visit((&app, &id), query.as_deref(), &headers)?;
        let form = form(&app, &visit, &headers, body).await?;
        let pending = pending(&app, &visit).await?;
        match &pending.step {
            Step::NewCredentials(account) => choose(&app, (&visit, &pending), account, &form).await,
            _ => Ok(elsewhere(&visit, &pending)),
        }
    }
    .await;
    done.unwrap_or_else(|failure| reply::page(&app, &id.0, failure))
}

async fn choose(
    app: &App,
    (visit, pending): (&Visit<'_>, &Pending),
    account: &Account,
    form: &Form,
) -> Answer<Response> {
    let base = app.config.fhir_base();
    let context = context(app, &base, visit.id);
    let choice = Choice {
        username: form.text("username"),
        password: form.text("new_password"),
        again: form.text("new_password_again"),
    };
    match credentials::choose(&context, account, &choice, password::COST).await? {
        Chosen::Done(account) => {
            app.tokens.clear();
            welcome(app, (visit, pending), &account).await
        }
        Chosen::Wrong(wrong) => {
            let errors = wrong
                .into_iter()
                .map(|(field, sentence)| (field.to_owned(), sentence.to_owned()))
                .collect();
            let page = credentials_page(app, visit, choice.username, errors);
            Ok(with_policy(page, pending))
        }
        Chosen::Changed => Err(Refusal::Expired(authorize::ENDED).into()),
    }
}

fn credentials_page(
    app: &App,
    visit: &Visit<'_>,
    username: String,
    field_errors: Vec<(String, String)>,
) -> Response {
    let error = match field_errors.is_empty() {
        true => None,
        false => Some("Nothing was changed yet. Correct the marked fields.".to_owned()),
    };
    let page = NewCredentials {
        frame: reply::frame(app, "Choose your login"),
        action: format!("/login/new-credentials?request={}", visit.request),
        csrf: csrf::token(visit.visitor.token),
        username,
        pin: None,
        rules: policy::RULES.map(str::to_owned).to_vec(),
        field_errors,
        error,
    };
    reply::html(StatusCode::OK, &page)
}

/// `POST /oauth2/consent?request=...`
pub async fn consent_post(
    State(app): State<Arc<App>>,
    id: RequestId,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let done: Answer<Response> = async {
        let visit = visit((&app, &id), query.as_deref(), &headers)?;
        let form = form(&app, &visit, &headers, body).await?;
        if form.text("decision") != "approve" {
            return denied(&app, &visit).await;
        }
        let base = app.config.fhir_base();
        let ticked = form.all("scope");
        let context = context(&app, &base, visit.id);
        let url = consents::approve(&context, &visit.request, visit.visitor, &ticked).await?;
        Ok(see_other(&url))
    }
    .await;
    done.unwrap_or_else(|failure| reply::page(&app, &id.0, failure))
}

async fn denied(app: &App, visit: &Visit<'_>) -> Answer<Response> {
    let base = app.config.fhir_base();
    let url = consents::deny(
        &context(app, &base, visit.id),
        &visit.request,
        visit.visitor,
    )
    .await?;
    Ok(see_other(&url))
}

fn consent_page(
    app: &App,
    (visit, pending): (&Visit<'_>, &Pending),
    account: &Account,
) -> Response {
    let scopes = Scope::list(&pending.asked.scope);
    let asked: Vec<&str> = scopes.iter().map(|scope| scope.spelling.as_str()).collect();
    let fixed: Vec<&str> = scopes
        .iter()
        .filter(|scope| consents::is_fixed(scope))
        .map(|scope| scope.spelling.as_str())
        .collect();
    let page = Consent {
        frame: reply::frame(app, "Allow access"),
        action: format!("/oauth2/consent?request={}", visit.request),
        csrf: csrf::token(visit.visitor.token),
        app: asking(pending),
        verified: pending.client.verified,
        patient: account.display.clone(),
        groups: scope_words::groups(&asked, &fixed),
        connection_lasts: "up to a year, or until it is not used for 100 days".to_owned(),
    };
    with_policy(reply::html(StatusCode::OK, &page), pending)
}

/// What was typed before, and what to say about it.
#[derive(Default)]
struct Typed {
    username: String,
    email: String,
    error: Option<String>,
    wait: Option<String>,
}

async fn login_page(
    app: &App,
    (visit, pending): (&Visit<'_>, &Pending),
    typed: Typed,
) -> Answer<Response> {
    let base = app.config.fhir_base();
    let asks_for_email = logins::asks_for_email(&context(app, &base, visit.id)).await?;
    let page = Login {
        frame: reply::frame(app, "Log in"),
        action: format!("/login?request={}", visit.request),
        csrf: csrf::token(visit.visitor.token),
        app: asking(pending),
        username: typed.username,
        email: asks_for_email.then_some(typed.email),
        error: typed.error,
        wait: typed.wait,
    };
    Ok(with_policy(reply::html(StatusCode::OK, &page), pending))
}

/// The app as the patient may judge it: its name cut, and the host it really answers to.
fn asking(pending: &Pending) -> AskingApp {
    let plain = pending
        .client
        .name
        .chars()
        .filter(|c| !c.is_control() && !is_bidi(*c));
    AskingApp {
        name: plain.take(60).collect(),
        host: client::host(&pending.asked.redirect_uri),
    }
}

/// The characters that turn the reading direction around, with which a name can pretend to be another.
fn is_bidi(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Lets the page's form end in a redirect to the app.
fn with_policy(mut response: Response, pending: &Pending) -> Response {
    if let Some(policy) = limits::policy_for(&client::origin(&pending.asked.redirect_uri)) {
        response
            .headers_mut()
            .insert(CONTENT_SECURITY_POLICY, policy);
    }
    response
}

/// The path of a step's page.
const fn place(step: &Step) -> &'static str {
    match step {
        Step::Login => "/login",
        Step::NewCredentials(_) => "/login/new-credentials",
        Step::Consent(_) => "/oauth2/consent",
    }
}

/// The page a request really is at.
fn elsewhere(visit: &Visit<'_>, pending: &Pending) -> Response {
    let page = place(&pending.step);
    see_other(&format!("{page}?request={}", visit.request))
}

/// Which request, in which browser.
fn visit<'h>(
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
        },
        device: cookies::find(app, headers, cookies::DEVICE),
    })
}

async fn pending(app: &App, visit: &Visit<'_>) -> Answer<Pending> {
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
async fn form(app: &App, visit: &Visit<'_>, headers: &HeaderMap, body: Body) -> Answer<Form> {
    let foreign = Refusal::Forbidden(
        "This form was not sent from this site. Please go back to the app and start again.",
    );
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let site = text("sec-fetch-site");
    // Our pages send no referrer, and then browsers say `Origin: null` of their own forms; only Sec-Fetch-Site can
    // vouch for one of those.
    let ours = match text(ORIGIN.as_str()) {
        None => true,
        Some("null") => site == Some("same-origin"),
        Some(origin) => origin == app.config.public_url,
    };
    if !ours || matches!(site, Some("cross-site" | "same-site")) {
        return Err(foreign.into());
    }
    let form = Form(negotiate::form(headers, body).await?);
    match csrf::fits(visit.visitor.token, &form.text("csrf")) {
        true => Ok(form),
        false => Err(foreign.into()),
    }
}
