//! The consent page: what the app may do, and the user's yes or no.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::RawQuery;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::StatusCode;
use axum::response::Response;

use crate::auth::authorize::Pending;
use crate::auth::consent as consents;
use crate::auth::csrf;
use crate::auth::who::Who;
use crate::domain::refusal::Answer;
use crate::domain::scope::Scope;
use crate::http::App;
use crate::http::forms;
use crate::http::forms::Visit;
use crate::http::oauth::context;
use crate::http::oauth::see_other;
use crate::http::pages::consent::Consent;
use crate::http::pages::login::AskingApp;
use crate::http::pages::scope_words;
use crate::http::reply;
use crate::http::request_id::RequestId;

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

/// The page.
pub fn page(
    app: &App,
    (visit, pending): (&Visit<'_>, &Pending),
    (asking, who): (AskingApp, &Who),
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
        app: asking,
        verified: pending.client.as_ref().is_some_and(|client| client.verified),
        patient: who.display().to_owned(),
        groups: scope_words::groups(&asked, &fixed),
        connection_lasts: "up to a year, or until it is not used for 100 days".to_owned(),
    };
    forms::with_policy(reply::html(StatusCode::OK, &page), pending)
}

