//! `/register`: somebody new registers. Nobody is logged in here, and nothing on these pages tells whether the practice
//! knows somebody. Each address behind the link is judged by the link's token and the browser's cookie.

pub(super) mod said;
mod view;

use std::sync::Arc;

use axum::body::Body;
use axum::extract::Path;
use axum::extract::State;
use axum::http::Extensions;
use axum::http::HeaderMap;
use axum::http::StatusCode;
use axum::response::Response;

use crate::auth::Context;
use crate::auth::new_credentials::Choice;
use crate::auth::password;
use crate::auth::registering;
use crate::auth::registering::After;
use crate::auth::registering::Registering;
use crate::auth::registering::beginning;
use crate::auth::registering::beginning::Begun;
use crate::auth::registering::choosing;
use crate::auth::registering::choosing::Chosen;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Reason;
use crate::http::App;
use crate::http::cookies;
use crate::http::forms;
use crate::http::forms::Form;
use crate::http::oauth::context;
use crate::http::oauth::see_other;
use crate::http::register;
use crate::http::reply;
use crate::http::request_id::RequestId;
use crate::http::signin::EVEN;
use crate::mail;
use crate::portal::registration::draft::Draft;
use crate::portal::registration::draft::FIELDS;
use crate::portal::registration::draft::Step;
use crate::store::registrations::Status;

/// `GET /register`: the first form, or whom to call. A browser without a visitor cookie gets one.
pub async fn page(State(app): State<Arc<App>>, id: RequestId, headers: HeaderMap) -> Response {
    let shown: Answer<Response> = async {
        let base = app.config.fhir_base();
        let context = context(&app, &base, &id.0);
        let post = mail::post(&app.emr, &app.config.notify).await?;
        let missing = registering::missing(&context, post).await?;
        if !missing.is_empty() {
            return Ok(view::not_offered(&app, &missing));
        }
        let (token, fresh) = visitor(&app, &headers)?;
        let page = view::first(&app, &token, &Draft::default(), &[]);
        Ok(with_cookie(&app, page, fresh.then_some(&token)))
    }
    .await;
    shown.unwrap_or_else(|failure| reply::page(&app, &id.0, failure))
}

/// `POST /register`: the same answer whatever the practice knows, at the same time.
pub async fn post(
    State(app): State<Arc<App>>,
    id: RequestId,
    extensions: Extensions,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let caller = register::fingerprint(&app, &headers, &extensions);
    let done: Answer<Response> = async {
        let (form, visitor) = forms::own_form(&app, &headers, body).await?;
        let base = app.config.fhir_base();
        let context = context(&app, &base, &id.0);
        let post = mail::post(&app.emr, &app.config.notify).await?;
        let missing = registering::missing(&context, post).await?;
        if !missing.is_empty() {
            return Ok(view::not_offered(&app, &missing));
        }
        let typed = typed(&form);
        let even = tokio::time::sleep(EVEN);
        match beginning::begin(&context, (post, &caller), &typed).await? {
            Begun::Sent => {
                even.await;
                Ok(see_other("/register/sent"))
            }
            Begun::Wrong(wrong) => Ok(view::first(&app, visitor.token, &typed, &wrong)),
        }
    }
    .await;
    done.unwrap_or_else(|failure| reply::page(&app, &id.0, failure))
}

/// `GET /register/sent`
pub async fn sent(State(app): State<Arc<App>>) -> Response {
    view::sent(&app)
}

/// `GET /register/{token}`: the wizard's first page. Looking changes nothing.
pub async fn link(
    State(app): State<Arc<App>>,
    id: RequestId,
    Path(token): Path<String>,
    headers: HeaderMap,
) -> Response {
    show(&app, &id, (&token, Step::Profile.words().0), &headers).await
}

/// `GET /register/{token}/{step}`
pub async fn step(
    State(app): State<Arc<App>>,
    id: RequestId,
    Path((token, word)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    show(&app, &id, (&token, &word), &headers).await
}

async fn show(
    app: &App,
    id: &RequestId,
    (token, word): (&str, &str),
    headers: &HeaderMap,
) -> Response {
    let shown: Answer<Response> = async {
        let base = app.config.fhir_base();
        let context = context(app, &base, &id.0);
        let browser = cookies::find(app, headers, cookies::VISITOR);
        let Some(found) = registering::find(&context, token, browser).await? else {
            return Ok(view::ended(app));
        };
        let (visitor, fresh) = visitor(app, headers)?;
        let at = (token, visitor.as_str());
        let page = match (found.registration.status, word) {
            (Status::Started, "done") => see_other(&path(token, Step::Check)),
            (Status::Started, word) => match Step::of(word) {
                None => view::ended(app),
                // In another browser, or before anything was typed, it begins with the first page.
                Some(step) if !found.mine && step != Step::Profile => {
                    see_other(&path(token, Step::Profile))
                }
                Some(step) => wizard(&context, app, (&found, step), at, &[]).await?,
            },
            (_, "done") => done(&context, app, (&found, at), (String::new(), Vec::new())).await?,
            _ => see_other(&format!("/register/{token}/done")),
        };
        Ok(with_cookie(app, page, fresh.then_some(&visitor)))
    }
    .await;
    shown.unwrap_or_else(|failure| reply::page(app, &id.0, failure))
}

/// `POST /register/{token}/{step}`: keeps what was typed and goes on; sends in; chooses the login.
pub async fn step_post(
    State(app): State<Arc<App>>,
    id: RequestId,
    Path((token, word)): Path<(String, String)>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let done: Answer<Response> = async {
        let (form, visitor) = forms::own_form(&app, &headers, body).await?;
        let base = app.config.fhir_base();
        let context = context(&app, &base, &id.0);
        let Some(found) = registering::find(&context, &token, Some(visitor.token)).await? else {
            return Ok(view::ended(&app));
        };
        let at = (token.as_str(), visitor.token);
        match (found.registration.status, word.as_str()) {
            (Status::Started, "done") => Ok(see_other(&path(&token, Step::Check))),
            (Status::Started, word) => match Step::of(word) {
                None => Ok(view::ended(&app)),
                Some(step) if !found.mine && step != Step::Profile => {
                    Ok(see_other(&path(&token, Step::Profile)))
                }
                Some(step) => go_on(&context, &app, (&found, step), (&form, at)).await,
            },
            (_, "done") => choose(&context, &app, (&found, at), &form).await,
            // Sent in a second time: what it came to is on the last page.
            _ => Ok(see_other(&format!("/register/{token}/done"))),
        }
    }
    .await;
    done.unwrap_or_else(|failure| reply::page(&app, &id.0, failure))
}

async fn go_on(
    context: &Context<'_>,
    app: &App,
    (found, step): (&Registering, Step),
    (form, (token, visitor)): (&Form, (&str, &str)),
) -> Answer<Response> {
    let post = mail::post(&app.emr, &app.config.notify).await?;
    if step == Step::Check {
        return Ok(match registering::submit(context, found, post).await? {
            None => see_other(&format!("/register/{token}/done")),
            Some(Step::Person) => see_other("/register"),
            Some(step) => see_other(&path(token, step)),
        });
    }
    let typed = (step, &typed(form));
    let (draft, wrong) = registering::keep(context, (found, visitor), typed, post).await?;
    if wrong.is_empty() {
        return Ok(see_other(&path(token, step.next())));
    }
    let found = Registering {
        draft,
        ..found.clone()
    };
    wizard(context, app, (&found, step), (token, visitor), &wrong).await
}

async fn wizard(
    context: &Context<'_>,
    app: &App,
    (found, step): (&Registering, Step),
    (token, visitor): (&str, &str),
    wrong: &[Reason],
) -> Answer<Response> {
    let choices = view::Choices::read(context.emr, &app.config.accounts).await?;
    let at = view::At {
        token,
        visitor,
        step,
    };
    Ok(match step {
        Step::Check => view::check(app, &at, (&found.draft, &choices)),
        _ => view::step(app, &at, (&found.draft, &choices), wrong),
    })
}

async fn done(
    context: &Context<'_>,
    app: &App,
    (found, (token, visitor)): (&Registering, (&str, &str)),
    (username, errors): (String, Vec<(String, String)>),
) -> Answer<Response> {
    Ok(
        match registering::after(context, &found.registration).await? {
            After::Choose(_) => view::login(app, (token, visitor), username, errors),
            other => view::told(app, other),
        },
    )
}

async fn choose(
    context: &Context<'_>,
    app: &App,
    (found, at): (&Registering, (&str, &str)),
    form: &Form,
) -> Answer<Response> {
    let After::Choose(pid) = registering::after(context, &found.registration).await? else {
        return Ok(see_other(&format!("/register/{}/done", at.0)));
    };
    let choice = Choice {
        username: form.text("username"),
        password: form.text("new_password"),
        again: form.text("new_password_again"),
    };
    match choosing::choose(context, (found, pid), &choice, password::COST).await? {
        Chosen::Done | Chosen::Changed => {
            app.tokens.clear();
            Ok(see_other(&format!("/register/{}/done", at.0)))
        }
        Chosen::Wrong(wrong) => {
            let errors = wrong
                .into_iter()
                .map(|(field, sentence)| (field.to_owned(), sentence.to_owned()))
                .collect();
            done(context, app, (found, at), (choice.username, errors)).await
        }
    }
}

fn path(token: &str, step: Step) -> String {
    format!("/register/{token}/{}", step.words().0)
}

/// What a form has in fields there are.
fn typed(form: &Form) -> Draft {
    let texts: Vec<(&str, String)> = FIELDS
        .iter()
        .map(|field| (field.name, form.text(field.name)))
        .collect();
    Draft::of(texts.iter().map(|(name, text)| (*name, text.as_str())))
}

/// The browser's token, and whether it is a new one.
fn visitor(app: &App, headers: &HeaderMap) -> Answer<(String, bool)> {
    match cookies::find(app, headers, cookies::VISITOR) {
        Some(known) => Ok((known.to_owned(), false)),
        None => Ok((app.entropy.token()?, true)),
    }
}

fn with_cookie(app: &App, mut response: Response, fresh: Option<&String>) -> Response {
    if let Some(fresh) = fresh {
        cookies::set(app, &mut response, cookies::VISITOR, fresh);
    }
    response
}

/// Whether registering is offered, for the link on the login page (F107).
///
/// # Errors
/// As [`crate::db::Db::all`].
pub async fn is_offered(context: &Context<'_>, app: &App) -> Answer<bool> {
    let post = mail::post(&app.emr, &app.config.notify).await?;
    Ok(registering::missing(context, post).await?.is_empty())
}

/// The status of a form with something to correct: as every other form of ours.
const AGAIN: StatusCode = StatusCode::OK;
