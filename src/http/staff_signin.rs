//! The pages a member of staff meets on the way into an app or onto the desk: login, and the patient an app is for.

use std::net::IpAddr;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::RawQuery;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::StatusCode;
use axum::response::Response;

use crate::auth::authorize;
use crate::auth::authorize::Back;
use crate::auth::authorize::Pending;
use crate::auth::authorize::Step;
use crate::auth::csrf;
use crate::auth::desk;
use crate::auth::session;
use crate::auth::staff_login as logins;
use crate::auth::staff_login::Attempt;
use crate::auth::who::Who;
use crate::db::sql::date_text;
use crate::domain::access::Right;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Failure;
use crate::domain::refusal::Refusal;
use crate::emr::colleague::Colleague;
use crate::emr::patients;
use crate::emr::patients::Found;
use crate::http::App;
use crate::http::consent;
use crate::http::cookies;
use crate::http::forms;
use crate::http::forms::Form;
use crate::http::forms::Visit;
use crate::http::oauth::context;
use crate::http::oauth::see_other;
use crate::http::pages::plain::plain;
use crate::http::pages::staff_login::ChoosePatient;
use crate::http::pages::staff_login::PatientRow;
use crate::http::pages::staff_login::StaffLogin;
use crate::http::reply;
use crate::http::request_id::RequestId;
use crate::http::signin;

/// `GET /login/staff?request=...`
pub async fn page(
    State(app): State<Arc<App>>,
    id: RequestId,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    // Somebody's own bookmark: no request waits, so it is the desk they want.
    if query.is_none() {
        return see_other("/staff");
    }
    let shown: Answer<Response> = async {
        let visit = forms::visit((&app, &id), query.as_deref(), &headers)?;
        let pending = forms::pending(&app, &visit).await?;
        match pending.step {
            Step::Login(_) => Ok(login_page(&app, (&visit, &pending), Typed::default())),
            _ => Ok(forms::elsewhere(&visit, &pending)),
        }
    }
    .await;
    shown.unwrap_or_else(|failure| reply::page(&app, &id.0, failure))
}

/// `POST /login/staff?request=...`, where the form is this browser's and the request waits for a login.
///
/// # Errors
/// As [`logins::login`].
pub async fn log_in(
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
        address,
        device: visit.device.map(str::to_owned),
    };
    let typed = |error, wait| Typed {
        username: attempt.username.clone(),
        error,
        wait,
    };
    let even = tokio::time::sleep(signin::EVEN);
    match logins::login(&context, &attempt).await? {
        logins::Login::In(colleague) => {
            let who = Who::Staff(colleague);
            let login = (&who, session::PASSWORD, None);
            let token = authorize::attach_login(&context, pending, login, visit.visitor).await?;
            let mut response = see_other(&format!("/oauth2/consent?request={}", visit.request));
            cookies::set(app, &mut response, cookies::STAFF, &token);
            if let Some(mark) = logins::mark(&context, &attempt.username, visit.device)? {
                cookies::set(app, &mut response, cookies::DEVICE, &mark);
            }
            Ok(response)
        }
        logins::Login::Refused => {
            even.await;
            let wrong = typed(Some(signin::WRONG.to_owned()), None);
            Ok(login_page(app, (visit, pending), wrong))
        }
        logins::Login::Wait(seconds) => {
            let span = signin::span(seconds);
            let wait = format!("There were too many tries. Please wait {span} and try again.");
            let mut response = login_page(app, (visit, pending), typed(None, Some(wait)));
            *response.status_mut() = StatusCode::TOO_MANY_REQUESTS;
            response.headers_mut().insert("retry-after", seconds.into());
            Ok(response)
        }
    }
}

/// What was typed before, and what to say about it.
#[derive(Default)]
struct Typed {
    username: String,
    error: Option<String>,
    wait: Option<String>,
}

fn login_page(app: &App, (visit, pending): (&Visit<'_>, &Pending), typed: Typed) -> Response {
    let base = app.config.fhir_base();
    let passwords = logins::takes_passwords(&context(app, &base, visit.id));
    let page = StaffLogin {
        frame: reply::frame(app, "Staff login"),
        action: format!("/login/staff?request={}", visit.request),
        csrf: csrf::token(visit.visitor.token),
        app: forms::asking(pending),
        provider: (!passwords).then(|| format!("/login/staff/start?request={}", visit.request)),
        patients: match pending.client {
            Some(_) if pending.asked.launch.by.is_some() => String::new(),
            Some(_) => format!("/login?request={}", visit.request),
            // The desk is for staff alone; a patient goes to a page of their own.
            None if pending.asked.redirect_uri.starts_with("/staff") => "/account".to_owned(),
            None => format!("/login?request={}", visit.request),
        },
        username: typed.username,
        error: typed.error,
        wait: typed.wait,
    };
    forms::with_policy(reply::html(StatusCode::OK, page), pending)
}

/// `GET /login/choose-patient?request=...`
pub async fn choose_page(
    State(app): State<Arc<App>>,
    id: RequestId,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let shown: Answer<Response> = async {
        let visit = forms::visit((&app, &id), query.as_deref(), &headers)?;
        let pending = forms::pending(&app, &visit).await?;
        let Step::Choose(colleague) = &pending.step else {
            return Ok(forms::elsewhere(&visit, &pending));
        };
        let base = app.config.fhir_base();
        let context = context(&app, &base, visit.id);
        // Who may not choose must still get away from here: back to the app, or on as the patient they are, too.
        match desk::need(&context, colleague, Right::Demographics).await {
            Ok(()) => Ok(choose_form(&app, (&visit, &pending), Searched::default())),
            Err(Failure::Refused(Refusal::Forbidden(why))) => {
                let searched = Searched {
                    error: Some(why.to_owned()),
                    barred: true,
                    ..Searched::default()
                };
                let mut page = choose_form(&app, (&visit, &pending), searched);
                *page.status_mut() = StatusCode::FORBIDDEN;
                Ok(page)
            }
            Err(other) => Err(other),
        }
    }
    .await;
    shown.unwrap_or_else(|failure| reply::page(&app, &id.0, failure))
}

/// `POST /login/choose-patient?request=...` with `search`, `patient` or `decision=deny`. What is searched for is a
/// person's name: it is never in an address.
pub async fn choose_post(
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
        let Step::Choose(colleague) = &pending.step else {
            return Ok(forms::elsewhere(&visit, &pending));
        };
        match form.text("decision").as_str() {
            "deny" => consent::denied(&app, &visit).await,
            "other" => consent::back(&app, &visit, Back::Login).await,
            _ => choose(&app, (&visit, &pending), colleague, &form).await,
        }
    }
    .await;
    done.unwrap_or_else(|failure| reply::page(&app, &id.0, failure))
}

async fn choose(
    app: &App,
    (visit, pending): (&Visit<'_>, &Pending),
    colleague: &Colleague,
    form: &Form,
) -> Answer<Response> {
    let base = app.config.fhir_base();
    let context = context(app, &base, visit.id);
    let patient = form.text("patient");
    if patient.is_empty() {
        let search = form.text("search");
        let found = desk::search(&context, colleague, (&search, Right::Demographics)).await?;
        let searched = Searched::of(search, &found);
        return Ok(choose_form(app, (visit, pending), searched));
    }
    match desk::choose(&context, (pending, colleague), &patient).await {
        Ok(()) => Ok(see_other(&format!(
            "/oauth2/consent?request={}",
            visit.request
        ))),
        Err(Failure::Refused(Refusal::Invalid { why, .. })) => {
            let searched = Searched {
                error: Some(why),
                ..Searched::default()
            };
            let mut page = choose_form(app, (visit, pending), searched);
            *page.status_mut() = StatusCode::BAD_REQUEST;
            Ok(page)
        }
        Err(other) => Err(other),
    }
}

/// A search and what came of it.
#[derive(Default)]
pub(super) struct Searched {
    /// What was typed.
    pub(super) text: String,
    /// Those shown; `None` before a search.
    pub(super) found: Option<Vec<PatientRow>>,
    /// Whether there are more.
    pub(super) more: bool,
    /// What was wrong.
    pub(super) error: Option<String>,
    /// Whether nobody may be searched for.
    pub(super) barred: bool,
}

impl Searched {
    /// A search as the pages show it.
    pub(super) fn of(text: String, found: &[Found]) -> Self {
        Self {
            text: text.chars().take(200).collect(),
            found: Some(found.iter().take(patients::SHOWN).map(row).collect()),
            more: found.len() > patients::SHOWN,
            error: None,
            barred: false,
        }
    }
}

/// A patient as the pages show one.
pub(super) fn row(found: &Found) -> PatientRow {
    PatientRow {
        id: found.person.uuid.to_string(),
        name: plain(&found.name, 80),
        born: found.born.map_or("unknown".to_owned(), date_text),
        sex: plain(&found.sex, 20),
        number: found.person.pid.to_string(),
    }
}

fn choose_form(
    app: &App,
    (visit, pending): (&Visit<'_>, &Pending),
    searched: Searched,
) -> Response {
    let page = ChoosePatient {
        frame: reply::frame(app, "Choose a patient"),
        action: format!("/login/choose-patient?request={}", visit.request),
        csrf: csrf::token(visit.visitor.token),
        app: forms::asking(pending),
        search: searched.text,
        found: searched.found,
        more: searched.more,
        error: searched.error,
        barred: searched.barred,
        launched: pending.asked.launch.by.is_some(),
    };
    forms::with_policy(reply::html(StatusCode::OK, page), pending)
}
