//! `/account/visits`: a patient's visits without an app. What is done here goes the way every write goes: the pages send
//! what an app would send, and the practice's rules answer.

pub mod asking;
pub mod choosing;
pub mod found;
pub mod said;

use std::sync::Arc;

use axum::body::Body;
use axum::extract::Path;
use axum::extract::RawQuery;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::HeaderValue;
use axum::http::Method;
use axum::http::StatusCode;
use axum::http::Uri;
use axum::http::header::CACHE_CONTROL;
use axum::http::header::CONTENT_DISPOSITION;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::response::Response;
use serde_json::Value;
use serde_json::json;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::auth::csrf;
use crate::db::sql::datetime_text;
use crate::domain::ResourceType;
use crate::domain::language::Language;
use crate::domain::people::Person;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Failure;
use crate::domain::refusal::Refusal;
use crate::domain::visits::Appointment;
use crate::domain::visits::Status;
use crate::emr::Emr;
use crate::emr::slots::offers;
use crate::emr::slots::offers::Offer;
use crate::http::App;
use crate::http::door;
use crate::http::door::Away;
use crate::http::fhir;
use crate::http::forms;
use crate::http::forms::Form;
use crate::http::negotiate;
use crate::http::oauth::see_other;
use crate::http::pages::plain::plain;
use crate::http::pages::visits::Held;
use crate::http::pages::visits::Told;
use crate::http::pages::visits::VisitCard;
use crate::http::pages::visits::Visits;
use crate::http::reply;
use crate::http::request_id::RequestId;
use crate::http::visits::choosing::Chosen;
use crate::http::visits::found::Found;
use crate::http::words::Reader;
use crate::mail;
use crate::mail::calendar;
use crate::mail::calendar::Entry;
use crate::mail::calendar::Stands;
use crate::portal;
use crate::portal::visit::By;
use crate::rest::Rest;
use crate::rest::answer;
use crate::rest::scheduling;
use crate::rest::write::Booked;
use crate::rest::write::Payload;
use crate::rest::write::Request;
use crate::rest::write::Target;
use crate::store::grants;
use crate::store::visits;
use crate::words;

/// Where it is.
pub const HERE: &str = "/account/visits";

const KIND: ResourceType = ResourceType::Appointment;

/// How many past visits are shown.
const PAST: usize = 10;

/// What was done, as the address says it, and the sentence on the page that follows.
const DONE: [(&str, &str); 7] = [
    (
        "asked",
        "The practice has your request. You find the answer here.",
    ),
    ("booked", "Your visit is booked."),
    (
        "call",
        "The practice has your request and will call you about it.",
    ),
    (
        "moved",
        "The earlier visit was given up, and the practice has your request for the new time.",
    ),
    ("agree", "You agreed to the time, and the visit is booked."),
    ("cancel", "The visit is cancelled, and the practice knows."),
    (
        "changed",
        "The visit had changed meanwhile, and nothing was done. This is how it is now.",
    ),
];

/// What was tried with a visit, and why it could not be.
struct Tried {
    id: Uuid,
    reason: String,
    error: String,
}

/// `GET /account/visits`
pub async fn page(
    State(app): State<Arc<App>>,
    id: RequestId,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let shown: Result<Response, Away> = async {
        let (account, visitor) = door::own(&app, &id, &headers, HERE).await?;
        let told = negotiate::done(query.as_deref(), &DONE);
        let notice = told.map_or("", |(_, sentence)| sentence);
        let about = (account.person, visitor.token);
        Ok(listed(&app, &id, about, (notice, None)).await?)
    }
    .await;
    door::shown(&app, &id, shown)
}

/// `GET /account/visits/{id}.ics`: the visit as a file for a calendar; without the ending, its place on the page.
pub async fn one(
    State(app): State<Arc<App>>,
    id: RequestId,
    path: Option<Path<String>>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let asked = path.map_or_else(String::new, |Path(asked)| asked);
    let (name, file) = match asked.strip_suffix(".ics") {
        Some(name) => (name, true),
        None => (asked.as_str(), false),
    };
    let visit = Uuid::try_parse(name).ok();
    let shown: Result<Response, Away> = async {
        let back = match visit {
            Some(visit) if file => format!("{HERE}/{visit}.ics"),
            _ => HERE.to_owned(),
        };
        let (account, _) = door::own(&app, &id, &headers, &back).await?;
        let visit = visit.ok_or(Refusal::NotFound)?;
        if shut(&app.emr).await? {
            return Err(Refusal::Rules(portal::account::portal_is_off()).into());
        }
        let grant = grants::at_home(account.person);
        let rest = fhir::rest(&app, &id, &grant);
        let found = found::one(&rest, visit).await?;
        found::noted(&app, &rest, Some(visit)).await;
        match file {
            true => {
                let reader = Reader::of((&Method::GET, &uri), &headers);
                Ok(filed(&app, &found.visit, reader.language).await?)
            }
            false => Ok(see_other(&format!("{HERE}#visit-{visit}"))),
        }
    }
    .await;
    door::shown(&app, &id, shown)
}

/// `POST /account/visits/{id}` with `seen`, `decision=cancel|agree` and, where it is cancelled, `reason`.
pub async fn act(
    State(app): State<Arc<App>>,
    id: RequestId,
    path: Option<Path<String>>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let visit = path.and_then(|Path(visit)| Uuid::try_parse(&visit).ok());
    let done: Result<Response, Away> = async {
        let (form, _) = forms::own_form(&app, &headers, body).await?;
        let (account, visitor) = door::own(&app, &id, &headers, HERE).await?;
        let visit = visit.ok_or(Refusal::NotFound)?;
        let grant = grants::at_home(account.person);
        let rest = fhir::rest(&app, &id, &grant);
        let (word, patch) = match form.text("decision").as_str() {
            "cancel" => ("cancel", cancelled(&form.text("reason"))),
            "agree" => ("agree", confirmed()),
            _ => {
                let why = "Please use one of the buttons on the page.";
                return Err(Refusal::invalid("decision", why).into());
            }
        };
        let refusal = match changed(&rest, (visit, &form), &patch).await {
            Ok(()) => return Ok(see_other(&format!("{HERE}?done={word}"))),
            Err(Failure::Refused(refusal)) => refusal,
            Err(broken) => return Err(broken.into()),
        };
        match refusal {
            Refusal::Stale | Refusal::Conflict(_) => Ok(see_other(&format!("{HERE}?done=changed"))),
            Refusal::Rules(_) | Refusal::Unprocessable { .. } | Refusal::Invalid { .. } => {
                let tried = Tried {
                    id: visit,
                    reason: form.text("reason"),
                    error: reply::sentence(&refusal),
                };
                let about = (account.person, visitor.token);
                let mut page = listed(&app, &id, about, ("", Some(tried))).await?;
                *page.status_mut() = reply::status(&refusal);
                Ok(page)
            }
            other => Err(other.into()),
        }
    }
    .await;
    door::shown(&app, &id, done)
}

/// Sends a patch of a visit as an app would, with the version the page showed.
///
/// # Errors
/// As [`answer::write`].
pub async fn changed(rest: &Rest<'_>, (id, form): (Uuid, &Form), patch: &Value) -> Answer<()> {
    let seen = form.text("seen");
    let seen = match seen.is_empty() {
        true => None,
        // What is no version is none there is.
        false => Some(u64::from_str_radix(&seen, 16).map_err(|_| Refusal::Stale)?),
    };
    let request = Request {
        kind: KIND,
        target: Target::Known(id),
        payload: Payload::Patch(patch.to_string().into_bytes()),
        if_match: seen,
        if_none_exist: None,
        booked: Booked::default(),
    };
    let wanted = (None, answer::Wanted::Minimal);
    answer::write(rest, request, wanted).await.map(|_| ())
}

/// The patch that cancels, with the reason where there is one.
pub fn cancelled(reason: &str) -> Value {
    let mut patch = vec![json!({"op": "replace", "path": "/status", "value": "cancelled"})];
    if !reason.trim().is_empty() {
        patch.push(json!({"op": "add", "path": "/cancelationReason", "value": {"text": reason}}));
    }
    Value::Array(patch)
}

/// The patch that says yes.
pub fn confirmed() -> Value {
    json!([{"op": "replace", "path": "/status", "value": "booked"}])
}

async fn listed(
    app: &App,
    id: &RequestId,
    (person, token): (Person, &str),
    (notice, tried): (&'static str, Option<Tried>),
) -> Answer<Response> {
    let grant = grants::at_home(person);
    let rest = fhir::rest(app, id, &grant);
    let closed = closed(&app.emr).await?;
    // While the portal is off nothing of the record is shown here, as to apps (F001).
    let (coming, past) = match shut(&app.emr).await? {
        true => (Vec::new(), Vec::new()),
        false => {
            found::noted(app, &rest, None).await;
            found::own(&rest).await?
        }
    };
    let held = match closed {
        "" => held(&rest, person).await?,
        _ => None,
    };
    let card = |found: &Found| card(&app.emr, found, (closed, tried.as_ref()));
    let page = Visits {
        frame: reply::frame(app, "Your appointments"),
        csrf: csrf::token(token),
        notice,
        closed,
        phone: app.config.help_phone.clone(),
        held,
        coming: coming.iter().map(card).collect(),
        past: past.iter().take(PAST).map(card).collect(),
        more: past.len() > PAST,
        zone: app.emr.zone.name().to_owned(),
    };
    Ok(reply::html(StatusCode::OK, page))
}

/// Whether the practice has switched its portal off.
///
/// # Errors
/// As [`Emr::practice`].
pub async fn shut(emr: &Emr) -> Answer<bool> {
    Ok(!emr.practice().await?.globals.on("portal_onsite_two_enable"))
}

/// Why nothing can be asked for or changed on the pages: the rules' own sentence; empty where it can.
///
/// # Errors
/// As [`Emr::practice`].
pub async fn closed(emr: &Emr) -> Answer<&'static str> {
    let practice = emr.practice().await?;
    let on = |name| practice.globals.on(name);
    Ok(
        match (
            on("portal_onsite_two_enable"),
            on("allow_portal_appointments"),
        ) {
            (false, _) => "The practice's portal is switched off. Please call the practice.",
            (true, false) => {
                "The practice does not take requests for visits online. Please call the practice."
            }
            (true, true) => "",
        },
    )
}

/// What is held for a patient and not asked for yet.
async fn held(rest: &Rest<'_>, person: Person) -> Answer<Option<Held>> {
    let Some(hold) = scheduling::held(rest, person).await? else {
        return Ok(None);
    };
    let Some(slot) = offers::slot_of(rest.emr, &hold) else {
        return Ok(None);
    };
    let offer = offers::named_by(rest.emr, slot).await?;
    Ok(offer.map(|offer| Held {
        what: told_of(rest.emr, &offer),
        until: until(rest.emr, hold.expires),
        address: format!("{HERE}/ask?slot={slot}"),
    }))
}

/// When a hold ends, by the practice's clock.
pub fn until(emr: &Emr, seconds: i64) -> String {
    let at = OffsetDateTime::from_unix_timestamp(seconds).unwrap_or_else(|_| emr.now());
    said::clock(&emr.zone, at)
}

/// A visit in words.
pub fn told(emr: &Emr, visit: &Appointment) -> Told {
    Told {
        day: said::day_of(&emr.zone, visit.start),
        time: said::span(&emr.zone, (visit.start, visit.end)),
        provider: said::providers(visit),
        place: said::place(visit),
        kind: said::kind(visit),
    }
}

/// Free time in words.
pub fn told_of(emr: &Emr, offer: &Offer) -> Told {
    let place = offer.location.as_ref();
    let kind = offer.slot.service.as_ref();
    Told {
        day: said::day_of(&emr.zone, offer.slot.start),
        time: said::span(&emr.zone, (offer.slot.start, offer.slot.end)),
        provider: plain(&offer.practitioner.1, 80),
        place: place.map_or_else(String::new, |(_, name)| plain(name, 120)),
        kind: kind.map_or_else(String::new, |kind| plain(&kind.display, 80)),
    }
}

fn card(emr: &Emr, found: &Found, (closed, tried): (&str, Option<&Tried>)) -> VisitCard {
    let visit = &found.visit;
    let now = emr.now();
    let tried = tried.filter(|tried| tried.id == visit.uuid);
    let (reason, why) = said::words(visit);
    let live = matches!(
        visit.status,
        Status::Pending | Status::Booked | Status::Waitlist
    );
    let comes = now < visit.start;
    let open = closed.is_empty() && live && (comes || visit.status == Status::Waitlist);
    let moves = open && comes && visit.status != Status::Waitlist;
    VisitCard {
        id: visit.uuid.to_string(),
        seen: format!("{:016x}", found.version),
        what: told(emr, visit),
        reason,
        why: why.map(|(by, text)| match by {
            By::Patient => ("You said", text),
            By::Staff => ("The practice says", text),
        }),
        pill: said::to_patient(visit, visit.end <= now),
        agrees: open && comes && visit.offered,
        cancels: open,
        moves: match moves {
            true => Chosen::instead_of(visit).address(),
            false => String::new(),
        },
        files: comes && matches!(visit.status, Status::Pending | Status::Booked),
        error: tried.map_or_else(String::new, |tried| tried.error.clone()),
        typed: tried.map_or_else(String::new, |tried| tried.reason.clone()),
    }
}

/// The visit as a file for the patient's own calendar.
async fn filed(app: &App, visit: &Appointment, language: Language) -> Answer<Response> {
    let emr = &app.emr;
    let practice = &emr.known().name;
    let wall = datetime_text(emr.zone.wall(visit.start));
    // Moved in one step it is the same entry as before.
    let known = visits::entry(&emr.db, (&wall, visit.person.pid)).await?;
    let (uid, revision) = match known {
        Some(known) => (known.uid, u32::try_from(known.revision).unwrap_or_default()),
        None => (visit.uuid.to_string(), 0),
    };
    let organizer = mail::sender(emr, &app.config.notify).await?;
    let entry = Entry {
        title: words::filled(language, "Visit at {}", &[practice]),
        place: visit
            .location
            .as_ref()
            .map_or_else(|| practice.clone(), |(_, name)| name.clone()),
        start: visit.start,
        end: visit.end,
        stands: match visit.status {
            Status::Cancelled | Status::NoShow => Stands::Cancelled,
            Status::Pending | Status::Waitlist | Status::Proposed => Stands::Tentative,
            _ => Stands::Confirmed,
        },
        organizer: organizer.unwrap_or_default(),
        revision,
        made: emr.now(),
        uid,
    };
    let mut response = calendar::file(&entry).into_response();
    let headers = response.headers_mut();
    for (name, value) in [
        (CONTENT_TYPE, "text/calendar; charset=utf-8"),
        (CONTENT_DISPOSITION, "attachment; filename=\"visit.ics\""),
        (CACHE_CONTROL, "no-store"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    Ok(response)
}
