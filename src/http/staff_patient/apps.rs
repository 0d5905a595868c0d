//! `/staff/patients/{id}/apps`: the apps a patient allowed, as the desk sees them, and the end of one's access.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::Path;
use axum::extract::RawQuery;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::StatusCode;
use axum::response::Response;

use super::PATH;
use super::here;
use super::open;
use crate::auth::accounts::Hand;
use crate::auth::apps;
use crate::auth::apps::Change;
use crate::auth::csrf;
use crate::auth::desk;
use crate::auth::who::Who;
use crate::domain::access::Right;
use crate::domain::accounts::Standing;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Refusal;
use crate::emr::account;
use crate::http::App;
use crate::http::account::card;
use crate::http::door;
use crate::http::door::Away;
use crate::http::forms;
use crate::http::negotiate;
use crate::http::oauth::context;
use crate::http::oauth::see_other;
use crate::http::pages::plain::plain;
use crate::http::pages::scope_words::Reader;
use crate::http::pages::staff_patient::PatientApps;
use crate::http::reply;
use crate::http::request_id::RequestId;
use crate::store::ledger;
use crate::store::ledger::Outcome;

/// What was done, its word in the address, and the sentence on the page.
const DONE: [(&str, &str); 1] = [("end", "The app's access has ended.")];

/// `GET /staff/patients/{id}/apps`
pub async fn apps_page(
    State(app): State<Arc<App>>,
    id: RequestId,
    Path(patient): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let shown: Result<Response, Away> = async {
        let here = here(&patient);
        let asks = (here.as_str(), Right::Portal);
        let (colleague, visitor) = door::desk(&app, &id, &headers, asks).await?;
        let base = app.config.fhir_base();
        let context = context(&app, &base, &id.0);
        let standing = open(&context, &patient).await?;
        let all = match who(&app, &standing).await? {
            Some(who) => apps::list(&context, &who).await?,
            None => Vec::new(),
        };
        let hand = Hand::at_desk(&colleague);
        let entry = hand.entry(&context, ("portal.status", Outcome::Success), &standing);
        ledger::record_all(&app.emr.db, &[entry]).await?;
        let cards = all.iter().map(|(one, used)| {
            let action = format!("{PATH}/{patient}/apps");
            let told = (one, *used);
            (one.id.clone(), card(&app, Reader::Staff, told, action))
        });
        let page = PatientApps {
            frame: reply::frame(&app, "The patient's apps"),
            csrf: csrf::token(visitor.token),
            documents: colleague.staff.has(Right::Documents),
            id: patient.clone(),
            name: plain(&standing.display(), 80),
            notice: negotiate::done(query.as_deref(), &DONE).map_or("", |(_, sentence)| sentence),
            apps: cards.collect(),
        };
        Ok(reply::html(StatusCode::OK, page))
    }
    .await;
    door::shown(&app, &id, shown)
}

/// `POST /staff/patients/{id}/apps` with `decision=end` and `grant`.
pub async fn apps_post(
    State(app): State<Arc<App>>,
    id: RequestId,
    Path(patient): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let done: Result<Response, Away> = async {
        let (form, _) = forms::own_form(&app, &headers, body).await?;
        let here = here(&patient);
        let asks = (here.as_str(), Right::Portal);
        let (colleague, _) = door::desk(&app, &id, &headers, asks).await?;
        if form.text("decision") != "end" {
            let why = "Please use one of the buttons on the page.";
            return Err(Refusal::invalid("decision", why).into());
        }
        let base = app.config.fhir_base();
        let context = context(&app, &base, &id.0);
        let standing = open(&context, &patient).await?;
        let who = who(&app, &standing).await?.ok_or(Refusal::NotFound)?;
        let by = desk::actor(&colleague);
        apps::change(&context, (&who, &by), &form.text("grant"), &Change::End).await?;
        app.tokens.clear();
        Ok(see_other(&format!("{PATH}/{patient}/apps?done=end")))
    }
    .await;
    door::shown(&app, &id, done)
}

/// Whose apps they are; `None` where there is no account.
async fn who(app: &App, standing: &Standing) -> Answer<Option<Who>> {
    let account = account::by_pid(&app.emr, standing.person.pid).await?;
    Ok(account.map(Who::Patient))
}
