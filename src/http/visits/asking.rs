//! `/account/visits/ask`: the last question about a time that was chosen, and the request itself.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::RawQuery;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::json;
use uuid::Uuid;

use crate::auth::csrf;
use crate::domain::people::Person;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Failure;
use crate::domain::refusal::Refusal;
use crate::domain::visits::Status;
use crate::emr::slots::offers;
use crate::http::App;
use crate::http::door;
use crate::http::door::Away;
use crate::http::fhir;
use crate::http::forms;
use crate::http::forms::Form;
use crate::http::negotiate;
use crate::http::oauth::see_other;
use crate::http::pages::visits::VisitsAsk;
use crate::http::reply;
use crate::http::request_id::RequestId;
use crate::http::visits;
use crate::http::visits::HERE;
use crate::http::visits::choosing;
use crate::http::visits::choosing::Chosen;
use crate::http::visits::found;
use crate::rest::Rest;
use crate::rest::scheduling;
use crate::rest::scheduling::Wish;
use crate::store::grants;

/// Where it is.
const PATH: &str = "/account/visits/ask";

/// Letters of a reason at most.
const MOST: usize = 1000;

/// What is asked about: a Slot, and the visit that is given up for it.
#[derive(Clone, Copy)]
struct About {
    slot: Option<Uuid>,
    instead: Option<Uuid>,
}

impl About {
    fn of(text: impl Fn(&str) -> String) -> Self {
        let id = |name: &str| Uuid::try_parse(&text(name)).ok();
        Self {
            slot: id("slot"),
            instead: id("instead"),
        }
    }
}

/// `GET /account/visits/ask` with `slot` and `instead`; without, what is held.
pub async fn page(
    State(app): State<Arc<App>>,
    id: RequestId,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let shown: Result<Response, Away> = async {
        let (account, visitor) = door::own(&app, &id, &headers, PATH).await?;
        let pairs = negotiate::pairs(query.as_deref());
        let about = About::of(|name| {
            let pair = pairs.iter().find(|(known, _)| known == name);
            pair.map(|(_, value)| value.clone()).unwrap_or_default()
        });
        let who = (account.person, visitor.token);
        Ok(match view((&app, &id), who, about).await? {
            Some(page) => reply::html(StatusCode::OK, page),
            None => see_other("/account/visits/new"),
        })
    }
    .await;
    door::shown(&app, &id, shown)
}

/// `POST /account/visits/ask` with `slot`, `instead`, `reason` and, for a call about it, `call`.
pub async fn ask(
    State(app): State<Arc<App>>,
    id: RequestId,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let done: Result<Response, Away> = async {
        let (form, _) = forms::own_form(&app, &headers, body).await?;
        let (account, visitor) = door::own(&app, &id, &headers, PATH).await?;
        let about = About::of(|name| form.text(name));
        let who = (account.person, visitor.token);
        let Some(page) = view((&app, &id), who, about).await? else {
            return Ok(see_other("/account/visits/new"));
        };
        let page = VisitsAsk {
            reason: form.text("reason"),
            call: form.text("call") == "true",
            ..page
        };
        if page.reason.chars().count() > MOST {
            let page = VisitsAsk {
                reason_error: "Write at most 1000 letters.",
                ..page
            };
            return Ok(reply::html(StatusCode::UNPROCESSABLE_ENTITY, page));
        }
        let about = About {
            slot: Uuid::try_parse(&page.slot).ok(),
            ..about
        };
        let grant = grants::at_home(account.person);
        let rest = fhir::rest(&app, &id, &grant);
        match scheduling::asked(&rest, &wish(about, &form), None).await {
            Ok(settled) => {
                let word = word(&rest, (settled.id, about)).await?;
                Ok(see_other(&format!("{HERE}?done={word}")))
            }
            Err(Failure::Refused(
                refusal @ (Refusal::Rules(_)
                | Refusal::Conflict(_)
                | Refusal::Stale
                | Refusal::Unprocessable { .. }
                | Refusal::Invalid { .. }),
            )) => {
                // Of two clicks the second finds what the first one did.
                if let Some(visit) = own_at(&rest, about).await? {
                    let word = word(&rest, (visit, about)).await?;
                    return Ok(see_other(&format!("{HERE}?done={word}")));
                }
                let page = VisitsAsk {
                    error: reply::sentence(&refusal),
                    ..page
                };
                Ok(reply::html(reply::status(&refusal), page))
            }
            Err(other) => Err(other.into()),
        }
    }
    .await;
    door::shown(&app, &id, done)
}

/// What is asked for, as `$book` takes it. A call instead of a time is the status `waitlist`, which only a resource says.
fn wish(about: About, form: &Form) -> Wish {
    let calls = form.text("call") == "true" && about.instead.is_none();
    let slot = about.slot.unwrap_or_default();
    let resource = json!({
        "resourceType": "Appointment",
        "status": "waitlist",
        "slot": [{"reference": format!("Slot/{slot}")}],
    });
    Wish {
        resource: Some(resource).filter(|_| calls),
        id: Some(slot).filter(|_| !calls),
        instead: about.instead,
        patient: None,
        comment: Some(form.text("reason")).filter(|text| !text.trim().is_empty()),
    }
}

/// The patient's own visit at the time that was asked for, where there is one that is not called off.
async fn own_at(rest: &Rest<'_>, about: About) -> Answer<Option<Uuid>> {
    let offer = match about.slot {
        Some(slot) => offers::named_by(rest.emr, slot).await?,
        None => None,
    };
    let Some(offer) = offer else {
        return Ok(None);
    };
    let coming = found::coming(rest).await?;
    let same = coming.into_iter().map(|one| one.visit).find(|visit| {
        let live = [Status::Pending, Status::Waitlist, Status::Booked].contains(&visit.status);
        let with = visit
            .providers
            .iter()
            .any(|(id, _)| *id == offer.practitioner.0);
        live && with && visit.start == offer.slot.start
    });
    Ok(same.map(|visit| visit.uuid))
}

/// What came of it, as the next page's address says it.
async fn word(rest: &Rest<'_>, (id, about): (Uuid, About)) -> Answer<&'static str> {
    let found = found::one(rest, id).await?;
    Ok(match (found.visit.status, about.instead) {
        (Status::Booked, _) => "booked",
        (Status::Waitlist, _) => "call",
        (_, Some(_)) => "moved",
        (_, None) => "asked",
    })
}

/// The page about a time; `None` where there is none to ask about.
async fn view(
    (app, id): (&App, &RequestId),
    (person, token): (Person, &str),
    about: About,
) -> Answer<Option<VisitsAsk>> {
    let grant = grants::at_home(person);
    let rest = fhir::rest(app, id, &grant);
    let hold = scheduling::held(&rest, person).await?;
    let held = hold.as_ref().and_then(|hold| {
        let slot = offers::slot_of(rest.emr, hold)?;
        Some((slot, hold.expires))
    });
    let Some(slot) = about.slot.or(held.map(|(slot, _)| slot)) else {
        return Ok(None);
    };
    let Some(offer) = offers::named_by(rest.emr, slot).await? else {
        return Ok(None);
    };
    let instead = match about.instead {
        Some(visit) => Some(choosing::moved(&rest, visit).await?),
        None => None,
    };
    let kind = offer.slot.service.as_ref();
    let until = held.filter(|(known, _)| *known == slot);
    Ok(Some(VisitsAsk {
        frame: reply::frame(
            app,
            match instead {
                Some(_) => "Move your visit",
                None => "Ask for this visit",
            },
        ),
        csrf: csrf::token(token),
        slot: slot.to_string(),
        what: visits::told_of(rest.emr, &offer),
        until: until.map_or_else(String::new, |(_, ends)| visits::until(rest.emr, ends)),
        confirmed: kind.is_some_and(|kind| rest.emr.booking.confirms(&kind.code)),
        instead,
        zone: rest.emr.zone.name().to_owned(),
        again: Chosen::like(&offer, about.instead).address(),
        reason: String::new(),
        call: false,
        reason_error: "",
        error: String::new(),
    }))
}
