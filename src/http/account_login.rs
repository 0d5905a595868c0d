//! `/account/login`: a patient who is logged in changes the own username or password.

use std::net::IpAddr;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::RawQuery;
use axum::extract::State;
use axum::http::Extensions;
use axum::http::HeaderMap;
use axum::http::StatusCode;
use axum::response::Response;

use crate::auth::csrf;
use crate::auth::device;
use crate::auth::login::Attempt;
use crate::auth::own_login;
use crate::auth::own_login::Changed;
use crate::auth::own_login::Choice;
use crate::auth::password;
use crate::auth::policy;
use crate::domain::refusal::Refusal;
use crate::http::App;
use crate::http::client_address;
use crate::http::cookies;
use crate::http::door;
use crate::http::door::Away;
use crate::http::forms;
use crate::http::negotiate;
use crate::http::oauth::context;
use crate::http::oauth::see_other;
use crate::http::pages::own::OwnLogin;
use crate::http::reply;
use crate::http::request_id::RequestId;

const PATH: &str = "/account/login";

/// An attempt at the password from this browser; whose it is, and the password, come from elsewhere.
pub fn attempt(app: &App, address: IpAddr, headers: &HeaderMap) -> Attempt {
    Attempt {
        username: String::new(),
        password: String::new(),
        email: String::new(),
        address,
        device: cookies::find(app, headers, cookies::DEVICE).map(str::to_owned),
    }
}

/// `GET /account/login`
pub async fn page(
    State(app): State<Arc<App>>,
    id: RequestId,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let shown: Result<Response, Away> = async {
        let (account, visitor) = door::own(&app, &id, &headers, PATH).await?;
        let pairs = negotiate::pairs(query.as_deref());
        let page = OwnLogin {
            done: pairs.iter().any(|(name, _)| name == "done"),
            ..view(&app, visitor.token, account.login_name)
        };
        Ok(reply::html(StatusCode::OK, page))
    }
    .await;
    door::shown(&app, &id, shown)
}

/// `POST /account/login`
pub async fn change(
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
        let choice = Choice {
            username: form.text("username"),
            password: form.text("new_password"),
            again: form.text("new_password_again"),
        };
        let address = client_address::of(&app, &headers, &extensions);
        let attempt = attempt(&app, address, &headers);
        let current = (form.text("current_password"), attempt);
        let cost = password::COST;
        match own_login::change(&context, &account, current, &choice, cost).await? {
            Changed::Done(token, login_name) => {
                app.tokens.clear();
                let mut response = see_other("/account/login?done=1");
                cookies::set(&app, &mut response, cookies::SESSION, &token);
                let mark = device::mark(&context, &login_name)?;
                cookies::set(&app, &mut response, cookies::DEVICE, &mark);
                Ok(response)
            }
            Changed::Wrong(wrong) => {
                let own = |(field, sentence): (&str, String)| (field.to_owned(), sentence);
                let page = OwnLogin {
                    field_errors: wrong.into_iter().map(own).collect(),
                    error: Some("Nothing was changed yet. Correct the marked fields.".to_owned()),
                    ..view(&app, visitor.token, choice.username)
                };
                Ok(reply::html(StatusCode::OK, page))
            }
            Changed::Wait(seconds) => Err(Refusal::TooMany(seconds).into()),
            Changed::Moved => Ok(see_other("/account")),
        }
    }
    .await;
    door::shown(&app, &id, done)
}

fn view(app: &App, token: &str, username: String) -> OwnLogin {
    OwnLogin {
        frame: reply::frame(app, "Your login"),
        csrf: csrf::token(token),
        username,
        rules: policy::rules(app.config.accounts.password_minimum),
        done: false,
        field_errors: Vec::new(),
        error: None,
    }
}
