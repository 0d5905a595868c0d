//! `/staff/launch` and `/staff/apps`: starting apps and deciding about them. Whoever opens or sends anything here is judged by the rights the database holds at that moment.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::RawQuery;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::HeaderName;
use axum::http::HeaderValue;
use axum::http::StatusCode;
use axum::http::header::CONTENT_SECURITY_POLICY;
use axum::response::Response;

use crate::auth::client;
use crate::auth::client::Deed;
use crate::auth::csrf;
use crate::auth::desk;
use crate::auth::session::Visitor;
use crate::db::sql::datetime_text;
use crate::domain::access::Right;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Failure;
use crate::domain::refusal::Refusal;
use crate::domain::scope::Scope;
use crate::domain::scope::Word;
use crate::emr::colleague::Colleague;
use crate::emr::patients::Found;
use crate::emr::patients::Visit;
use crate::http::App;
use crate::http::cookies;
use crate::http::door;
use crate::http::door::Away;
use crate::http::forms;
use crate::http::forms::Form;
use crate::http::limits;
use crate::http::negotiate;
use crate::http::oauth::context;
use crate::http::oauth::see_other;
use crate::http::pages::plain::plain;
use crate::http::pages::staff::Ready;
use crate::http::pages::staff::StaffLaunch;
use crate::http::pages::staff::Startable;
use crate::http::pages::staff::VisitRow;
use crate::http::reply;
use crate::http::request_id::RequestId;
use crate::http::staff_apps;
use crate::http::staff_signin::Searched;
use crate::http::staff_signin::row;
use crate::store::clients::Client;
use crate::store::clients::Vouched;

/// What the address says where somebody else had decided already.
const TOO_LATE: &str = "too-late";

/// What was decided, as the form and the address say it, and the sentence on the page that follows.
const DONE: [(&str, &str); 5] = [
    (
        "vouch",
        "The app was let in, and the practice vouches for it.",
    ),
    (
        "approve",
        "The app was let in. Its users are told that nobody here has checked it.",
    ),
    ("decline", "The app was declined."),
    (
        "disable",
        "The app was switched off. It sees nothing any more.",
    ),
    (
        TOO_LATE,
        "Somebody else was faster: nothing was left to decide about that app.",
    ),
];

/// `GET /staff/launch`
pub async fn launch_page(
    State(app): State<Arc<App>>,
    id: RequestId,
    headers: HeaderMap,
) -> Response {
    let shown: Result<Response, Away> = async {
        let asks = ("/staff/launch", Right::Demographics);
        let (_, visitor) = door::desk(&app, &id, &headers, asks).await?;
        let startable = startable(&app).await?;
        Ok(launch_form(
            &app,
            visitor,
            (&startable, ""),
            Searched::default(),
        ))
    }
    .await;
    door::shown(&app, &id, shown)
}

/// `POST /staff/launch` with `client_id` and `search`, then `patient`: each answer is the next page, and the last one's
/// button starts the app.
pub async fn launch_post(
    State(app): State<Arc<App>>,
    id: RequestId,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let done: Result<Response, Away> = async {
        let (form, visitor) = forms::own_form(&app, &headers, body).await?;
        let asks = ("/staff/launch", Right::Demographics);
        let (colleague, _) = door::desk(&app, &id, &headers, asks).await?;
        Ok(next(&app, &id, (&colleague, visitor), &form).await?)
    }
    .await;
    door::shown(&app, &id, done)
}

async fn next(
    app: &App,
    id: &RequestId,
    (colleague, visitor): (&Colleague, Visitor<'_>),
    form: &Form,
) -> Answer<Response> {
    let base = app.config.fhir_base();
    let context = context(app, &base, &id.0);
    let startable = startable(app).await?;
    let client_id = form.text("client_id");
    let searched = |error: &str, text: String| Searched {
        error: Some(error.to_owned()),
        text,
        ..Searched::default()
    };
    let Some(chosen) = startable.iter().find(|one| one.client_id == client_id) else {
        let again = searched("Choose an app first.", form.text("search"));
        return Ok(launch_form(app, visitor, (&startable, ""), again));
    };
    let patient = form.text("patient");
    if patient.is_empty() {
        let search = form.text("search");
        let found = desk::search(&context, colleague, (&search, Right::Demographics)).await?;
        let searched = Searched::of(search, &found);
        return Ok(launch_form(
            app,
            visitor,
            (&startable, &client_id),
            searched,
        ));
    }
    let Some((found, visits)) = desk::open(&context, colleague, &patient).await? else {
        let again = searched(
            "There is no such patient. Please search again.",
            String::new(),
        );
        return Ok(launch_form(app, visitor, (&startable, &client_id), again));
    };
    Ok(ready_form(app, visitor, chosen, (&found, &visits)))
}

/// The apps in use that have a launch address and may ask for the scope `launch`, without which a launch is refused. An app
/// that registered itself has that scope only once the practice has let it in.
async fn startable(app: &App) -> Answer<Vec<Client>> {
    let all = client::list(&app.emr.db).await?;
    let fits = |client: &Client| {
        let launches = Scope::has(&Scope::list(&client.scope), &Word::Launch);
        client.disabled.is_none() && !client.waits && client.launch_uri.is_some() && launches
    };
    Ok(all.into_iter().filter(fits).collect())
}

fn launch_form(
    app: &App,
    visitor: Visitor<'_>,
    (startable, chosen): (&[Client], &str),
    searched: Searched,
) -> Response {
    let only = startable.len() == 1;
    let apps = startable.iter().map(|one| Startable {
        client_id: one.client_id.clone(),
        name: plain(&one.name, 60),
        host: client::host(one.launch_uri.as_deref().unwrap_or_default()),
        verified: one.verified,
        chosen: only || one.client_id == chosen,
    });
    let page = StaffLaunch {
        frame: reply::frame(app, "Start an app"),
        csrf: csrf::token(visitor.token),
        apps: apps.collect(),
        search: searched.text,
        found: searched.found,
        more: searched.more,
        error: searched.error,
        ready: None,
    };
    reply::html(StatusCode::OK, page)
}

/// The page whose button starts the app, which may lead the browser to the app's own address.
fn ready_form(
    app: &App,
    visitor: Visitor<'_>,
    chosen: &Client,
    (found, visits): (&Found, &[Visit]),
) -> Response {
    let address = chosen.launch_uri.as_deref().unwrap_or_default();
    let visits = visits.iter().map(|visit| VisitRow {
        id: visit.id.to_string(),
        when: visit.at.map_or("Without a date".to_owned(), |at| {
            datetime_text(at).chars().take(16).collect()
        }),
        reason: plain(&visit.reason, 120),
    });
    let ready = Ready {
        app: plain(&chosen.name, 60),
        client_id: chosen.client_id.clone(),
        host: client::host(address),
        patient: row(found),
        visits: visits.collect(),
    };
    let page = StaffLaunch {
        frame: reply::frame(app, "Start an app"),
        csrf: csrf::token(visitor.token),
        apps: vec![Startable {
            client_id: chosen.client_id.clone(),
            name: ready.app.clone(),
            host: ready.host.clone(),
            verified: chosen.verified,
            chosen: true,
        }],
        search: String::new(),
        found: None,
        more: false,
        error: None,
        ready: Some(ready),
    };
    let mut response = reply::html(StatusCode::OK, page);
    if let Some(policy) = limits::policy_for(&client::origin(address)) {
        response
            .headers_mut()
            .insert(CONTENT_SECURITY_POLICY, policy);
    }
    response
}

/// `GET /staff/apps`
pub async fn apps_page(
    State(app): State<Arc<App>>,
    id: RequestId,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let shown: Result<Response, Away> = async {
        let asks = ("/staff/apps", Right::Portal);
        let (_, visitor) = door::desk(&app, &id, &headers, asks).await?;
        let told = negotiate::done(query.as_deref(), &DONE);
        let notice = told.map_or("", |(_, sentence)| sentence);
        Ok(staff_apps::page(&app, visitor, notice).await?)
    }
    .await;
    door::shown(&app, &id, shown)
}

/// `POST /staff/apps` with `client_id` and `decision`: `vouch`, `approve`, `decline` or `disable`.
pub async fn apps_post(
    State(app): State<Arc<App>>,
    id: RequestId,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let done: Result<Response, Away> = async {
        let (form, _) = forms::own_form(&app, &headers, body).await?;
        let asks = ("/staff/apps", Right::Portal);
        let (colleague, _) = door::desk(&app, &id, &headers, asks).await?;
        let done = decide(&app, &id, &colleague, &form).await?;
        // A reload shows the page again and does not decide again.
        Ok(see_other(&format!("/staff/apps?done={done}")))
    }
    .await;
    door::shown(&app, &id, done)
}

/// Does what was decided; the sentence about it.
async fn decide(
    app: &App,
    id: &RequestId,
    colleague: &Colleague,
    form: &Form,
) -> Answer<&'static str> {
    let base = app.config.fhir_base();
    let context = context(app, &base, &id.0);
    let (client_id, by) = (form.text("client_id"), desk::actor(colleague));
    let decision = form.text("decision");
    let done = match decision.as_str() {
        "vouch" => client::approve(&context, &client_id, &by, Vouched::Yes).await,
        "approve" => client::approve(&context, &client_id, &by, Vouched::No).await,
        "decline" => client::decline(&context, &client_id, &by).await,
        "disable" => client::disable(&Deed::of(&context, &by), &client_id).await,
        _ => {
            let why = "decision: expected vouch, approve, decline or disable.";
            Err(Refusal::invalid("decision", why).into())
        }
    };
    // A token of that app may have been looked up a moment ago.
    app.tokens.clear();
    match done {
        Err(Failure::Refused(Refusal::NotFound)) => Ok(TOO_LATE),
        Err(other) => Err(other),
        Ok(()) => {
            let word = DONE.iter().find(|(word, _)| *word == decision);
            Ok(word.map_or("", |(word, _)| word))
        }
    }
}

/// `POST /staff/logout`
pub async fn log_out(
    State(app): State<Arc<App>>,
    id: RequestId,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let done: Answer<Response> = async {
        let (_, visitor) = forms::own_form(&app, &headers, body).await?;
        let base = app.config.fhir_base();
        desk::log_out(&context(&app, &base, &id.0), visitor).await?;
        app.tokens.clear();
        let mut response = see_other("/");
        cookies::clear(&app, &mut response, cookies::STAFF);
        // Not the cookies: a patient may be logged in in the same browser (F021).
        response.headers_mut().insert(
            HeaderName::from_static("clear-site-data"),
            HeaderValue::from_static("\"cache\", \"storage\""),
        );
        Ok(response)
    }
    .await;
    done.unwrap_or_else(|failure| reply::page(&app, &id.0, failure))
}

/// Who is logged in as staff in the browser that asks.
pub(super) async fn member<'h>(
    app: &App,
    id: &RequestId,
    headers: &'h HeaderMap,
) -> Answer<Option<(Colleague, Visitor<'h>)>> {
    let Some(visitor) = forms::own_visitor(app, headers) else {
        return Ok(None);
    };
    let base = app.config.fhir_base();
    let colleague = desk::member(&context(app, &base, &id.0), visitor).await?;
    Ok(colleague.map(|colleague| (colleague, visitor)))
}
