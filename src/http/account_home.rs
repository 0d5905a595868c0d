//! `/account`: what a patient finds first, and for staff the way to their apps.

use std::sync::Arc;

use axum::extract::RawQuery;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::StatusCode;
use axum::response::Response;

use crate::auth::apps;
use crate::auth::who::Who;
use crate::domain::people::Person;
use crate::domain::refusal::Answer;
use crate::domain::scope::Interaction;
use crate::domain::visits::Status;
use crate::http::App;
use crate::http::account::logged_in;
use crate::http::activity;
use crate::http::documents::listing;
use crate::http::door;
use crate::http::door::Away;
use crate::http::fhir;
use crate::http::messages::shown;
use crate::http::oauth::context;
use crate::http::pages::account::Account;
use crate::http::pages::account::Own;
use crate::http::pages::account::Visit;
use crate::http::pages::account::Visits;
use crate::http::reply;
use crate::http::request_id::RequestId;
use crate::http::visits;
use crate::http::visits::found;
use crate::http::visits::found::Found;
use crate::http::visits::said;
use crate::rest::forms as papers;
use crate::store::grants;

/// Visits that are shown; the others are on their own page.
const VISITS: usize = 3;

/// Documents that are shown.
const DOCUMENTS: usize = 3;

/// Looks of others that are shown.
const LOOKS: u32 = 3;

/// `GET /account`
pub async fn page(
    State(app): State<Arc<App>>,
    id: RequestId,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let shown: Result<Response, Away> = async {
        let asks = ("/account", query.as_deref());
        let (who, other, _) = logged_in(&app, &id, &headers, asks).await?;
        let base = app.config.fhir_base();
        let all = apps::list(&context(&app, &base, &id.0), &who).await?;
        let own = match &who {
            Who::Patient(account) => Some(own(&app, &id, account.person).await?),
            Who::Staff(_) => None,
        };
        let page = Account {
            frame: reply::frame(&app, "Your account"),
            name: who.display().to_owned(),
            apps: all.len(),
            own,
            other,
        };
        Ok(reply::html(StatusCode::OK, page))
    }
    .await;
    door::shown(&app, &id, shown)
}

/// What there is for a patient. While the portal is off, only the account itself.
async fn own(app: &App, id: &RequestId, person: Person) -> Answer<Own> {
    if visits::shut(&app.emr).await? {
        return Ok(Own::default());
    }
    let grant = grants::at_home(person);
    let rest = fhir::rest(app, id, &grant);
    let reach = grant.reach(papers::KIND, Interaction::Search)?;
    let forms = papers::open(&rest, &reach).await?;
    let (documents, _) = listing::found(app, &rest, (person, None)).await?;
    Ok(Own {
        visits: Some(coming(app, id, person).await?),
        unread: Some(shown::own(app, &rest).unread().await?),
        forms: Some(forms.len()),
        documents: Some(documents.iter().take(DOCUMENTS).map(listing::row).collect()),
        looks: Some(activity::by_others(app, person.uuid, LOOKS).await?),
    })
}

/// A patient's visits in short.
async fn coming(app: &App, id: &RequestId, person: Person) -> Answer<Visits> {
    let grant = grants::at_home(person);
    let rest = fhir::rest(app, id, &grant);
    let now = app.emr.now();
    let all = found::coming(&rest).await?;
    found::noted(app, &rest, None).await;
    let live = |one: &&Found| {
        let stands = matches!(
            one.visit.status,
            Status::Pending | Status::Booked | Status::Waitlist
        );
        stands && now < one.visit.start
    };
    let coming: Vec<&Found> = all.iter().filter(live).collect();
    let zone = &app.emr.zone;
    let next = coming.iter().take(VISITS).map(|one| Visit {
        id: one.visit.uuid.to_string(),
        day: said::day_of(zone, one.visit.start),
        clock: said::clock(zone, one.visit.start),
        with: said::providers(&one.visit),
        state: said::to_patient(&one.visit, false),
    });
    Ok(Visits {
        next: next.collect(),
        coming: coming.len(),
        answers: coming.iter().filter(|one| one.visit.offered).count(),
    })
}
