//! `/account/email`: a patient's addresses, the change of one, and the pages behind the links of the letters about it.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::Path;
use axum::extract::State;
use axum::http::Extensions;
use axum::http::HeaderMap;
use axum::http::StatusCode;
use axum::http::Uri;
use axum::response::Response;

use crate::auth::Context;
use crate::auth::csrf;
use crate::auth::email_change;
use crate::auth::email_change::Asked;
use crate::auth::own_login;
use crate::auth::own_login::Again;
use crate::domain::accounts::Post;
use crate::domain::accounts::Standing;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Refusal;
use crate::emr::account::Account;
use crate::emr::standing;
use crate::http::App;
use crate::http::account;
use crate::http::account_login::attempt;
use crate::http::activate;
use crate::http::client_address;
use crate::http::cookies;
use crate::http::door;
use crate::http::door::Away;
use crate::http::forms;
use crate::http::oauth::context;
use crate::http::oauth::see_other;
use crate::http::pages::link::Done;
use crate::http::pages::own::EmailLink;
use crate::http::pages::own::OwnEmail;
use crate::http::reply;
use crate::http::request_id::RequestId;
use crate::mail;
use crate::store::links::Purpose;

const PATH: &str = "/account/email";

const SENT: &str = "A letter is on its way to the new address. Follow its link within 24 hours; until then nothing changes.";

/// `GET /account/email`
pub async fn page(
    State(app): State<Arc<App>>,
    id: RequestId,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let shown: Result<Response, Away> = async {
        let (account, visitor) = door::own(&app, &id, &headers, PATH).await?;
        let base = app.config.fhir_base();
        let context = context(&app, &base, &id.0);
        let standing = standing_of(&context, &account).await?;
        let page = view(&app, &context, (&standing, visitor.token)).await?;
        let sent = uri.query().is_some_and(|query| query.contains("done=sent"));
        let page = OwnEmail {
            notice: sent.then(|| SENT.to_owned()),
            ..page
        };
        Ok(reply::html(StatusCode::OK, page))
    }
    .await;
    door::shown(&app, &id, shown)
}

/// `POST /account/email`
pub async fn ask(
    State(app): State<Arc<App>>,
    id: RequestId,
    extensions: Extensions,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let done: Result<Response, Away> = async {
        let (form, visitor) = forms::own_form(&app, &headers, body).await?;
        let (account, _) = door::own(&app, &id, &headers, PATH).await?;
        let base = app.config.fhir_base();
        let context = context(&app, &base, &id.0);
        let standing = standing_of(&context, &account).await?;
        let page = view(&app, &context, (&standing, visitor.token)).await?;
        if !page.offered {
            return Err(Refusal::Forbidden("The practice changes addresses by phone.").into());
        }
        let address = client_address::of(&app, &headers, &extensions);
        let password = form.text("current_password");
        let attempt = (password, attempt(&app, address, &headers));
        let typed = form.text("email");
        // The address is looked at before the password is, so that a slip costs no attempt; nothing is sent before.
        let wrong = match email_change::is_address(typed.trim()) {
            false => (
                "email",
                "Give one e-mail address, such as ana@mail.example.",
            ),
            true => match own_login::again(&context, &account, attempt).await? {
                Again::Wait(seconds) => return Err(Refusal::TooMany(seconds).into()),
                Again::No => ("current_password", "This is not the password you have now."),
                Again::Yes => match email_change::ask(&context, &standing, &typed).await? {
                    Asked::Sent => return Ok(see_other("/account/email?done=sent")),
                    Asked::Wait(seconds) => return Err(Refusal::TooMany(seconds).into()),
                    Asked::Wrong(why) => ("email", why),
                },
            },
        };
        let page = OwnEmail {
            typed,
            field_errors: vec![(wrong.0.to_owned(), wrong.1.to_owned())],
            error: Some("Nothing was changed yet. Correct the marked fields.".to_owned()),
            ..page
        };
        Ok(reply::html(StatusCode::OK, page))
    }
    .await;
    door::shown(&app, &id, done)
}

/// `GET /account/email/{token}`, `GET /account/email/undo/{token}`: the question; a GET changes nothing.
pub async fn link(
    State(app): State<Arc<App>>,
    id: RequestId,
    uri: Uri,
    Path(token): Path<String>,
    headers: HeaderMap,
) -> Response {
    let shown: Answer<Response> = async {
        let base = app.config.fhir_base();
        let context = context(&app, &base, &id.0);
        let (purpose, path, title) = purpose(&uri);
        match email_change::open(&context, purpose, &token).await? {
            Ok(opened) => Ok(forms::open_page(&app, &id, &headers, |visitor| {
                let page = EmailLink {
                    frame: reply::frame(&app, title),
                    action: format!("{path}/{token}"),
                    csrf: csrf::token(visitor),
                    address: Some(opened.change.after.clone())
                        .filter(|_| purpose == Purpose::NewEmail),
                };
                reply::html(StatusCode::OK, page)
            })),
            Err(over) => activate::ended(&app, &id, over).await,
        }
    }
    .await;
    shown.unwrap_or_else(|failure| reply::page(&app, &id.0, failure))
}

/// `POST /account/email/{token}`, `POST /account/email/undo/{token}`
pub async fn redeem(
    State(app): State<Arc<App>>,
    id: RequestId,
    uri: Uri,
    (Path(token), headers): (Path<String>, HeaderMap),
    body: Body,
) -> Response {
    let done: Answer<Response> = async {
        forms::own_form(&app, &headers, body).await?;
        let base = app.config.fhir_base();
        let context = context(&app, &base, &id.0);
        let (purpose, ..) = purpose(&uri);
        if let Err(over) = email_change::redeem(&context, purpose, &token).await? {
            return activate::ended(&app, &id, over).await;
        }
        let page = match purpose {
            Purpose::UndoEmail => {
                app.tokens.clear();
                Done {
                    frame: reply::frame(&app, "Your old e-mail address stays"),
                    sentences: vec![
                        "Everybody was logged out of your account, and every app was disconnected.".to_owned(),
                        "Choose a new password now, so that nobody else comes in, and call the practice.".to_owned(),
                    ],
                    next: ("/reset".to_owned(), "Choose a new password".to_owned()),
                }
            }
            _ => Done {
                frame: reply::frame(&app, "Your new e-mail address is confirmed"),
                sentences: vec![
                    "The practice writes to it from now on.".to_owned(),
                    "Your old address was told. To keep your record safe, no reset links are sent for some days.".to_owned(),
                ],
                next: ("/account".to_owned(), "Go to your account".to_owned()),
            },
        };
        let mut response = reply::html(StatusCode::OK, page);
        if purpose == Purpose::UndoEmail {
            cookies::clear(&app, &mut response, cookies::SESSION);
        }
        Ok(response)
    }
    .await;
    done.unwrap_or_else(|failure| reply::page(&app, &id.0, failure))
}

fn purpose(uri: &Uri) -> (Purpose, &'static str, &'static str) {
    match uri.path().starts_with("/account/email/undo/") {
        true => (
            Purpose::UndoEmail,
            "/account/email/undo",
            "Keep your old e-mail address",
        ),
        false => (Purpose::NewEmail, PATH, "Confirm your new e-mail address"),
    }
}

async fn standing_of(context: &Context<'_>, account: &Account) -> Answer<Standing> {
    let found = standing::by_pid(context.emr, account.person.pid).await?;
    found.ok_or_else(|| Refusal::NotFound.into())
}

async fn view(
    app: &App,
    context: &Context<'_>,
    (standing, token): (&Standing, &str),
) -> Answer<OwnEmail> {
    let post = mail::post(&app.emr, &app.config.notify).await?;
    let hold = standing.remembered.held_until(context.seconds());
    let trusted = Some(standing.trusted_email.clone());
    Ok(OwnEmail {
        frame: reply::frame(app, "Your e-mail address"),
        csrf: csrf::token(token),
        email: standing.email.clone(),
        trusted: trusted.filter(|one| !one.is_empty() && *one != standing.email),
        hold: hold.map(|until| account::told(app, until)),
        offered: post == Post::Ready,
        phone: app.config.help_phone.clone(),
        typed: String::new(),
        notice: None,
        field_errors: Vec::new(),
        error: None,
    })
}
