//! `/reset`: a lost login, or a first one for a patient with a chart. One form for both, one answer for everybody.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::RawQuery;
use axum::extract::State;
use axum::http::Extensions;
use axum::http::HeaderMap;
use axum::http::StatusCode;
use axum::response::Response;

use crate::auth::Context;
use crate::auth::csrf;
use crate::auth::lost;
use crate::auth::lost::Asked;
use crate::auth::lost::Told;
use crate::domain::accounts::Post;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Refusal;
use crate::http::App;
use crate::http::client_address;
use crate::http::forms;
use crate::http::forms::Form;
use crate::http::negotiate;
use crate::http::oauth::context;
use crate::http::pages::link::Done;
use crate::http::pages::reset::Reset;
use crate::http::pages::reset::ResetAsked;
use crate::http::reply;
use crate::http::request_id::RequestId;
use crate::http::signin;
use crate::mail;

/// The fields of the form, in its order, with what is said where one is empty.
const FIELDS: [(&str, &str); 4] = [
    ("email", "Give the e-mail address the practice has for you."),
    ("birth_date", "Give the date as year, month and day."),
    ("family_name", "Give your last name."),
    ("zip", "Give your ZIP code, or 00000."),
];

/// What `?done=` says on the page after a link was used: its word, the heading, and the sentences.
const DONE: [(&str, &str, [&str; 2]); 2] = [
    (
        "reset",
        "Your new password is set",
        [
            "Log in with it from now on, here and in the practice's own portal.",
            "You were logged out everywhere, and apps have to be connected again.",
        ],
    ),
    (
        "activate",
        "Your login is ready",
        [
            "Log in with the username and password you chose, here and in the practice's own portal.",
            "The link of the letter does not work any more.",
        ],
    ),
];

/// `GET /reset`: the form, or what was done.
pub async fn page(
    State(app): State<Arc<App>>,
    id: RequestId,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let pairs = negotiate::pairs(query.as_deref());
    let done = pairs.iter().find(|(name, _)| name == "done");
    let known = done.and_then(|(_, word)| DONE.iter().find(|(known, ..)| known == word));
    if let Some((_, title, sentences)) = known {
        let page = Done {
            frame: reply::frame(&app, title),
            sentences: sentences.map(str::to_owned).to_vec(),
            next: ("/account".to_owned(), "Log in".to_owned()),
        };
        return reply::html(StatusCode::OK, page);
    }
    match offered(&app, &id).await {
        Ok(offered) => forms::open_page(&app, &id, &headers, |token| {
            let page = Reset {
                offered: offered.is_some(),
                ..view(&app, token, [const { String::new() }; 4])
            };
            reply::html(StatusCode::OK, page)
        }),
        Err(failure) => reply::page(&app, &id.0, failure),
    }
}

/// `POST /reset`: the answer tells nothing about anybody, in its words and in its time.
pub async fn ask(
    State(app): State<Arc<App>>,
    id: RequestId,
    extensions: Extensions,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let even = tokio::time::sleep(signin::EVEN);
    let answered: Answer<Response> = async {
        let (form, visitor) = forms::own_form(&app, &headers, body).await?;
        let Some(post) = offered(&app, &id).await? else {
            return Err(Refusal::Forbidden(OFF).into());
        };
        let typed = FIELDS.map(|(name, _)| form.text(name));
        let told = Told {
            email: typed[0].clone(),
            born: match lost::day(&typed[1]) {
                Some(born) if empty(&form).is_empty() => born,
                _ => return Ok(again(&app, visitor.token, typed, &form)),
            },
            family: typed[2].clone(),
            zip: typed[3].clone(),
            address: client_address::of(&app, &headers, &extensions),
        };
        let base = app.config.fhir_base();
        let asked = lost::ask(&context(&app, &base, &id.0), post, &told).await?;
        even.await;
        match asked {
            Asked::Pin(pin) => {
                let page = ResetAsked {
                    frame: reply::frame(&app, "Look for a letter"),
                    pin,
                    phone: app.config.help_phone.clone(),
                };
                Ok(reply::html(StatusCode::OK, page))
            }
            Asked::Wait(seconds) => Err(Refusal::TooMany(seconds).into()),
        }
    }
    .await;
    answered.unwrap_or_else(|failure| reply::page(&app, &id.0, failure))
}

const OFF: &str = "The practice resets passwords and opens logins by phone. Please call it.";

/// Whether letters can leave, where the practice offers this.
async fn offered(app: &App, id: &RequestId) -> Answer<Option<Post>> {
    let base = app.config.fhir_base();
    offers(&context(app, &base, &id.0)).await
}

/// The same for other pages.
///
/// # Errors
/// As [`lost::is_offered`].
pub async fn offers(context: &Context<'_>) -> Answer<Option<Post>> {
    let post = mail::post(context.emr, &context.config.notify).await?;
    Ok(lost::is_offered(context, post).await?.then_some(post))
}

/// The fields that are empty or no date, with what to say.
fn empty(form: &Form) -> Vec<(String, String)> {
    let wrong = FIELDS.iter().filter(|(name, _)| {
        let text = form.text(name);
        text.trim().is_empty() || (*name == "birth_date" && lost::day(&text).is_none())
    });
    wrong
        .map(|(name, why)| ((*name).to_owned(), (*why).to_owned()))
        .collect()
}

/// The form once more; nothing was looked up.
fn again(app: &App, token: &str, typed: [String; 4], form: &Form) -> Response {
    let page = Reset {
        field_errors: empty(form),
        error: Some("Nothing was sent yet. Correct the marked fields.".to_owned()),
        ..view(app, token, typed)
    };
    reply::html(StatusCode::UNPROCESSABLE_ENTITY, page)
}

fn view(app: &App, token: &str, typed: [String; 4]) -> Reset {
    Reset {
        frame: reply::frame(app, "Reset or open your login"),
        csrf: csrf::token(token),
        offered: true,
        phone: app.config.help_phone.clone(),
        typed,
        field_errors: Vec::new(),
        error: None,
    }
}
