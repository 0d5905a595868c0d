//! The search for a patient, at `/staff/patients`.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::RawQuery;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::StatusCode;
use axum::response::Response;

use crate::auth::csrf;
use crate::auth::desk;
use crate::auth::session::Visitor;
use crate::domain::access::Right;
use crate::domain::refusal::Answer;
use crate::emr::colleague::Colleague;
use crate::http::App;
use crate::http::door;
use crate::http::door::Away;
use crate::http::forms;
use crate::http::negotiate;
use crate::http::oauth::context;
use crate::http::pages::staff_patient::StaffPatients;
use crate::http::reply;
use crate::http::request_id::RequestId;
use crate::http::staff_signin::Searched;

use super::PATH;

/// `GET /staff/patients`, with `search` where a link says it; the page's own form keeps names out of addresses.
pub async fn search_page(
    State(app): State<Arc<App>>,
    id: RequestId,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let pairs = negotiate::pairs(query.as_deref());
    let search = pairs.into_iter().find(|(name, _)| name == "search");
    let shown: Result<Response, Away> = async {
        let asks = (PATH, Right::Portal);
        let (colleague, visitor) = door::desk(&app, &id, &headers, asks).await?;
        let search = search.map(|(_, text)| text);
        Ok(searched(&app, &id, (&colleague, visitor), search).await?)
    }
    .await;
    door::shown(&app, &id, shown)
}

/// `POST /staff/patients` with `search`.
pub async fn search_post(
    State(app): State<Arc<App>>,
    id: RequestId,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let done: Result<Response, Away> = async {
        let (form, visitor) = forms::own_form(&app, &headers, body).await?;
        let asks = (PATH, Right::Portal);
        let (colleague, _) = door::desk(&app, &id, &headers, asks).await?;
        let search = Some(form.text("search"));
        Ok(searched(&app, &id, (&colleague, visitor), search).await?)
    }
    .await;
    door::shown(&app, &id, done)
}

async fn searched(
    app: &App,
    id: &RequestId,
    (colleague, visitor): (&Colleague, Visitor<'_>),
    search: Option<String>,
) -> Answer<Response> {
    let base = app.config.fhir_base();
    let context = context(app, &base, &id.0);
    let found = match search {
        Some(text) => {
            let found = desk::search(&context, colleague, (&text, Right::Portal)).await?;
            Searched::of(text, &found)
        }
        None => Searched::default(),
    };
    let page = StaffPatients {
        frame: reply::frame(app, "Patients"),
        csrf: csrf::token(visitor.token),
        search: found.text,
        found: found.found,
        more: found.more,
    };
    Ok(reply::html(StatusCode::OK, page))
}
