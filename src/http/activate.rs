//! `/reset/{token}` and `/activate/{token}`: the pages behind the links of letters. A GET changes nothing, however often a
//! mail scanner sends one; what the form asks for is compared where it is posted.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::Path;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::StatusCode;
use axum::http::Uri;
use axum::response::Response;

use crate::auth::csrf;
use crate::auth::device;
use crate::auth::password;
use crate::auth::policy;
use crate::auth::redeem as links;
use crate::auth::redeem::Beside;
use crate::auth::redeem::Name;
use crate::auth::redeem::Opened;
use crate::auth::redeem::Over;
use crate::auth::redeem::Redeemed;
use crate::auth::redeem::Typed;
use crate::auth::redeem::Way;
use crate::domain::refusal::Answer;
use crate::http::App;
use crate::http::cookies;
use crate::http::forms;
use crate::http::forms::Form;
use crate::http::oauth::context;
use crate::http::oauth::see_other;
use crate::http::pages::link::BesideAsked;
use crate::http::pages::link::LinkForm;
use crate::http::pages::link::LinkOver;
use crate::http::pages::link::NameAsked;
use crate::http::reply;
use crate::http::request_id::RequestId;
use crate::http::reset;

/// `GET /reset/{token}`, `GET /activate/{token}`
pub async fn page(
    State(app): State<Arc<App>>,
    id: RequestId,
    uri: Uri,
    Path(token): Path<String>,
    headers: HeaderMap,
) -> Response {
    let shown: Answer<Response> = async {
        let base = app.config.fhir_base();
        let context = context(&app, &base, &id.0);
        let way = way(&uri);
        match links::open(&context, way, &token).await? {
            Ok(opened) => Ok(forms::open_page(&app, &id, &headers, |visitor| {
                let page = view(&app, (way, &token), &opened, visitor);
                reply::html(StatusCode::OK, page)
            })),
            Err(over) => ended(&app, &id, over).await,
        }
    }
    .await;
    shown.unwrap_or_else(|failure| reply::page(&app, &id.0, failure))
}

/// `POST /reset/{token}`, `POST /activate/{token}`
pub async fn redeem(
    State(app): State<Arc<App>>,
    id: RequestId,
    uri: Uri,
    (Path(token), headers): (Path<String>, HeaderMap),
    body: Body,
) -> Response {
    let done: Answer<Response> = async {
        let (form, visitor) = forms::own_form(&app, &headers, body).await?;
        let base = app.config.fhir_base();
        let context = context(&app, &base, &id.0);
        let way = way(&uri);
        let typed = typed(&form);
        let redeemed = links::redeem(&context, (way, &token), &typed, password::COST).await?;
        match redeemed {
            Redeemed::Done(login_name) => {
                app.tokens.clear();
                let word = match way {
                    Way::Reset => "reset",
                    Way::Activate => "activate",
                };
                let mut response = see_other(&format!("/reset?done={word}"));
                // Whoever used the link is the patient: a stranger who guesses elsewhere does not keep this browser out
                // (`spec/security.md`, case 92).
                let mark = device::mark(&context, &login_name)?;
                cookies::set(&app, &mut response, cookies::DEVICE, &mark);
                cookies::clear(&app, &mut response, cookies::SESSION);
                Ok(response)
            }
            Redeemed::Wrong(wrong) => match links::open(&context, way, &token).await? {
                Ok(opened) => {
                    let page = view(&app, (way, &token), &opened, visitor.token);
                    Ok(corrected(page, typed, wrong))
                }
                Err(over) => ended(&app, &id, over).await,
            },
            Redeemed::Over(over) => ended(&app, &id, over).await,
        }
    }
    .await;
    done.unwrap_or_else(|failure| reply::page(&app, &id.0, failure))
}

fn way(uri: &Uri) -> Way {
    match uri.path().starts_with("/activate/") {
        true => Way::Activate,
        false => Way::Reset,
    }
}

fn typed(form: &Form) -> Typed {
    Typed {
        username: form.text("username"),
        new_username: form.text("new_username"),
        password: form.text("new_password"),
        again: form.text("new_password_again"),
        beside: match form.text("birth_date") {
            date if date.is_empty() => form.text("pin"),
            date => date,
        },
    }
}

fn view(app: &App, (way, token): (Way, &str), opened: &Opened, visitor: &str) -> LinkForm {
    let (path, title) = match (way, opened.name) {
        (Way::Reset, _) => ("/reset", "Choose a new password"),
        (Way::Activate, Name::Keep) => ("/activate", "Choose a new password"),
        (Way::Activate, _) => ("/activate", "Choose your login"),
    };
    LinkForm {
        frame: reply::frame(app, title),
        action: format!("{path}/{token}"),
        csrf: csrf::token(visitor),
        name: match opened.name {
            Name::Choose => NameAsked::Choose,
            Name::Confirm => NameAsked::Confirm,
            Name::Keep => NameAsked::Keep,
        },
        beside: match opened.beside {
            Beside::Pin => BesideAsked::Pin,
            Beside::BirthDate => BesideAsked::BirthDate,
            Beside::Nothing => BesideAsked::Nothing,
        },
        typed: Default::default(),
        rules: policy::rules(app.config.accounts.password_minimum),
        field_errors: Vec::new(),
        error: None,
    }
}

/// The form once more, with what was typed and what is wrong with it.
fn corrected(page: LinkForm, typed: Typed, wrong: Vec<(&'static str, String)>) -> Response {
    let whole = wrong.iter().find(|(field, _)| field.is_empty());
    let error = match whole {
        Some((_, sentence)) => sentence.clone(),
        None => "Nothing was changed yet. Correct the marked fields.".to_owned(),
    };
    let born = match page.beside {
        BesideAsked::BirthDate => typed.beside,
        BesideAsked::Pin | BesideAsked::Nothing => String::new(),
    };
    let page = LinkForm {
        typed: [typed.username, typed.new_username, born],
        field_errors: wrong
            .into_iter()
            .map(|(field, sentence)| (field.to_owned(), sentence))
            .collect(),
        error: Some(error),
        ..page
    };
    reply::html(StatusCode::OK, page)
}

/// The page of a link that does nothing: why, and how to get another one.
///
/// # Errors
/// As [`reset::offers`].
pub async fn ended(app: &App, id: &RequestId, over: Over) -> Answer<Response> {
    let base = app.config.fhir_base();
    let offered = reset::offers(&context(app, &base, &id.0)).await?.is_some();
    let (status, sentence) = match over {
        Over::Unknown => (
            StatusCode::NOT_FOUND,
            "This is no link of ours. Copy the whole link from the letter, to its last character.",
        ),
        Over::Used => (
            StatusCode::GONE,
            "This link was used already, and works once only. If it was not you, call the practice.",
        ),
        Over::Expired => (
            StatusCode::GONE,
            "This link is too old. Links work for a limited time only.",
        ),
        Over::Ended => (
            StatusCode::GONE,
            "This link was replaced by a newer one, or something about your account changed since it was sent.",
        ),
        Over::Burnt => (
            StatusCode::GONE,
            "There were too many wrong tries with this link.",
        ),
    };
    let page = LinkOver {
        frame: reply::frame(app, "This link no longer works"),
        sentence: sentence.to_owned(),
        offered,
        phone: app.config.help_phone.clone(),
    };
    Ok(reply::html(status, page))
}
