//! The pages a patient meets on the way into an app or onto a page of ours: login, new credentials.

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
use axum::response::Response;

use crate::auth::authorize;
use crate::auth::authorize::Back;
use crate::auth::authorize::Pending;
use crate::auth::authorize::Step;
use crate::auth::csrf;
use crate::auth::device;
use crate::auth::login as logins;
use crate::auth::login::Attempt;
use crate::auth::lost;
use crate::auth::new_credentials as credentials;
use crate::auth::new_credentials::Choice;
use crate::auth::new_credentials::Chosen;
use crate::auth::password;
use crate::auth::policy;
use crate::auth::session;
use crate::auth::who::Audience;
use crate::auth::who::Who;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Refusal;
use crate::emr::account::Account;
use crate::http::App;
use crate::http::client_address;
use crate::http::consent;
use crate::http::cookies;
use crate::http::enrol;
use crate::http::forms;
use crate::http::forms::Form;
use crate::http::forms::Visit;
use crate::http::oauth::context;
use crate::http::oauth::see_other;
use crate::http::pages::login::Login;
use crate::http::pages::new_credentials::NewCredentials;
use crate::http::reply;
use crate::http::request_id::RequestId;
use crate::http::staff_signin;
use crate::mail;

/// The one sentence for every wrong login, whatever was wrong.
pub(super) const WRONG: &str =
    "We could not log you in with that. Please check what you typed and try again.";

/// When a wrong login is answered: the kinds and costs of hashes in one practice differ, and an earlier answer would tell
/// which names there are.
pub(super) const EVEN: Duration = Duration::from_millis(500);

/// `GET /login`, `/login/new-credentials` and `/oauth2/consent` with `?request=...`: the page the request is at, or the
/// way to it.
pub async fn page(
    State(app): State<Arc<App>>,
    id: RequestId,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    // Somebody's own bookmark: no request waits, so it is their account they want.
    if uri.path() == "/login" && uri.query().is_none() {
        return see_other("/account");
    }
    let shown: Answer<Response> = async {
        let visit = forms::visit((&app, &id), uri.query(), &headers)?;
        let pending = forms::pending(&app, &visit).await?;
        let either = matches!(pending.step, Step::Login(_)) && uri.path() == "/login";
        if !either && uri.path() != forms::place(&pending.step) {
            return Ok(forms::elsewhere(&visit, &pending));
        }
        match &pending.step {
            Step::Login(_) => login_page(&app, (&visit, &pending), Typed::hinted(&pending)).await,
            Step::NewCredentials(account) => {
                let page = credentials_page(&app, &visit, account.login_name.clone(), Vec::new());
                Ok(forms::with_policy(page, &pending))
            }
            Step::Consent(who, _) => match forms::asking(&pending) {
                Some(asking) => consent::page(&app, (&visit, &pending), (asking, who)).await,
                None => Err(Refusal::Expired(authorize::ENDED).into()),
            },
            Step::Choose(_) | Step::Own(_) => Ok(forms::elsewhere(&visit, &pending)),
        }
    }
    .await;
    shown.unwrap_or_else(|failure| reply::page(&app, &id.0, failure))
}

/// `POST /login?request=...` and `POST /login/staff?request=...`
pub async fn login_post(
    State(app): State<Arc<App>>,
    id: RequestId,
    uri: Uri,
    (headers, extensions): (HeaderMap, Extensions),
    body: Body,
) -> Response {
    let done: Answer<Response> = async {
        let visit = forms::visit((&app, &id), uri.query(), &headers)?;
        let form = forms::form(&app, &visit, &headers, body).await?;
        let pending = forms::pending(&app, &visit).await?;
        if !matches!(pending.step, Step::Login(_)) {
            return Ok(forms::elsewhere(&visit, &pending));
        }
        if form.text("decision") == "deny" {
            return consent::denied(&app, &visit).await;
        }
        let address = client_address::of(&app, &headers, &extensions);
        match uri.path() == forms::place(&Step::Login(Audience::Staff)) {
            true => staff_signin::log_in(&app, (&visit, &pending), &form, address).await,
            false => log_in(&app, (&visit, &pending), &form, address).await,
        }
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
    let token = authorize::attach_login(
        &context,
        pending,
        (&Who::Patient(account.clone()), session::PASSWORD, None),
        visit.visitor,
    )
    .await?;
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
pub(super) fn span(seconds: u64) -> String {
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
        let visit = forms::visit((&app, &id), query.as_deref(), &headers)?;
        let form = forms::form(&app, &visit, &headers, body).await?;
        let pending = forms::pending(&app, &visit).await?;
        match &pending.step {
            Step::NewCredentials(_) if form.text("decision") == "other" => {
                consent::back(&app, &visit, Back::Login).await
            }
            Step::NewCredentials(account) => choose(&app, (&visit, &pending), account, &form).await,
            _ => Ok(forms::elsewhere(&visit, &pending)),
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
                .map(|(field, sentence)| (field.to_owned(), sentence))
                .collect();
            let page = credentials_page(app, visit, choice.username, errors);
            Ok(forms::with_policy(page, pending))
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
        rules: policy::rules(app.config.accounts.password_minimum),
        field_errors,
        error,
    };
    reply::html(StatusCode::OK, page)
}

/// What was typed before, and what to say about it.
#[derive(Default)]
struct Typed {
    username: String,
    email: String,
    error: Option<String>,
    wait: Option<String>,
}

impl Typed {
    /// The name the app expects, to be typed over (OpenID Connect Core, 3.1.2.1, `login_hint`).
    fn hinted(pending: &Pending) -> Self {
        let hint = pending.asked.login_hint.as_deref().unwrap_or_default();
        Self {
            username: hint.chars().filter(|c| !c.is_control()).take(100).collect(),
            ..Self::default()
        }
    }
}

async fn login_page(
    app: &App,
    (visit, pending): (&Visit<'_>, &Pending),
    typed: Typed,
) -> Answer<Response> {
    let base = app.config.fhir_base();
    let context = context(app, &base, visit.id);
    let asks_for_email = logins::asks_for_email(&context).await?;
    let failed = typed.error.is_some() || typed.wait.is_some();
    let reset = (failed || app.config.accounts.reset_always)
        && lost::is_offered(&context, mail::post(&app.emr, &app.config.notify).await?).await?;
    let page = Login {
        frame: reply::frame(app, "Log in"),
        action: format!("/login?request={}", visit.request),
        csrf: csrf::token(visit.visitor.token),
        app: forms::asking(pending),
        username: typed.username,
        email: asks_for_email.then_some(typed.email),
        reset,
        error: typed.error,
        wait: typed.wait,
        banner: app.config.accounts.banner.clone(),
        register: enrol::is_offered(&context, app).await?,
    };
    Ok(forms::with_policy(
        reply::html(StatusCode::OK, page),
        pending,
    ))
}
