//! The consent page: what the app may do, and the user's yes or no.

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
use crate::auth::consent as consents;
use crate::auth::csrf;
use crate::auth::who::Who;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Refusal;
use crate::domain::scope::Level;
use crate::domain::scope::Scope;
use crate::emr::patients;
use crate::emr::persons;
use crate::http::App;
use crate::http::account;
use crate::http::forms;
use crate::http::forms::Visit;
use crate::http::oauth::context;
use crate::http::oauth::see_other;
use crate::http::pages::consent::Consent;
use crate::http::pages::login::AskingApp;
use crate::http::pages::plain::plain;
use crate::http::pages::scope_words;
use crate::http::reply;
use crate::http::request_id::RequestId;
use crate::http::staff_signin;

/// How many of the scopes an app does not get are named.
const SHOWN: usize = 20;

/// `POST /oauth2/consent?request=...`
pub async fn consent_post(
    State(app): State<Arc<App>>,
    id: RequestId,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let done: Answer<Response> = async {
        let visit = forms::visit((&app, &id), query.as_deref(), &headers)?;
        let form = forms::form(&app, &visit, &headers, body).await?;
        match form.text("decision").as_str() {
            "approve" => {}
            "other" => return back(&app, &visit, Back::Login).await,
            "patients" => return back(&app, &visit, Back::Patients).await,
            _ => return denied(&app, &visit).await,
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

/// Tells the app that the user said no.
///
/// # Errors
/// As [`consents::deny`].
pub async fn denied(app: &App, visit: &Visit<'_>) -> Answer<Response> {
    let base = app.config.fhir_base();
    let url = consents::deny(
        &context(app, &base, visit.id),
        &visit.request,
        visit.visitor,
    )
    .await?;
    Ok(see_other(&url))
}

/// Goes back to the login, for somebody else to go on, or to the list of patients, for another one.
///
/// # Errors
/// As [`authorize::again`].
pub async fn back(app: &App, visit: &Visit<'_>, back: Back) -> Answer<Response> {
    let pending = forms::pending(app, visit).await?;
    let base = app.config.fhir_base();
    let request = authorize::again(&context(app, &base, visit.id), &pending, back).await?;
    let page = match back {
        Back::Login => "/login",
        Back::Patients => "/login/choose-patient",
    };
    Ok(see_other(&format!("{page}?request={request}")))
}

/// The page.
///
/// # Errors
/// As [`crate::db::Db::all`].
pub async fn page(
    app: &App,
    (visit, pending): (&Visit<'_>, &Pending),
    (asking, who): (AskingApp, &Who),
) -> Answer<Response> {
    let scopes = Scope::list(&pending.asked.scope);
    let asked: Vec<&str> = scopes.iter().map(|scope| scope.spelling.as_str()).collect();
    let fixed: Vec<&str> = scopes
        .iter()
        .filter(|scope| consents::is_fixed(scope))
        .map(|scope| scope.spelling.as_str())
        .collect();
    let staff = matches!(who, Who::Staff(_));
    let chosen = chosen(app, pending, who).await?;
    let users = scopes
        .iter()
        .any(|scope| scope.level() == Some(Level::User));
    let words = pending.asked.dropped.split(' ');
    let dropped: Vec<String> = words
        .map(|word| plain(word, 80))
        .filter(|word| !word.is_empty())
        .collect();
    let client = pending.client.as_ref();
    let page = Consent {
        frame: reply::frame(app, "Allow access"),
        action: format!("/oauth2/consent?request={}", visit.request),
        csrf: csrf::token(visit.visitor.token),
        app: asking,
        home: account::home_page(client.and_then(|client| client.client_uri.as_ref())),
        verified: client.is_some_and(|client| client.verified),
        staff: staff.then(|| who.display().to_owned()),
        beyond: staff && chosen.is_some() && users,
        launched: pending.asked.launch.by.is_some(),
        picked: staff && chosen.is_some() && pending.asked.launch.by.is_none(),
        record: chosen.unwrap_or_else(|| "Every patient you may see".to_owned()),
        groups: scope_words::groups(account::reader(who), &asked, &fixed),
        more: dropped.len().saturating_sub(SHOWN),
        dropped: dropped.into_iter().take(SHOWN).collect(),
    };
    let page = reply::html(StatusCode::OK, page);
    Ok(forms::with_policy(page, pending))
}

/// Whose record, by name: the patient's own, or the one staff have chosen.
async fn chosen(app: &App, pending: &Pending, who: &Who) -> Answer<Option<String>> {
    if let Who::Patient(account) = who {
        return Ok(Some(account.display.clone()));
    }
    let Some(pid) = pending.asked.launch.patient else {
        return Ok(None);
    };
    let found = match persons::by_pid(&app.emr, pid).await? {
        Some(person) => patients::by_id(&app.emr, person.uuid).await?,
        None => None,
    };
    // A chart that went away since it was chosen: no grant can be given for it.
    let found = found.ok_or(Refusal::Expired(authorize::ENDED))?;
    // Two patients may have one name: this is the last page before the app gets one of them.
    let row = staff_signin::row(&found);
    Ok(Some(format!("{}, born {}", row.name, row.born)))
}
