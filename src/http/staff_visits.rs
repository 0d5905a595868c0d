//! `/staff/visits`: what patients asked for, one click each: confirmed, declined with a reason, or another time proposed.
//! What is done here goes the way an app's write goes; OpenEMR's own screens see it at once.

mod free;

use std::collections::BTreeSet;
use std::collections::HashMap;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::RawQuery;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::Value;
use serde_json::json;
use time::Date;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use uuid::Uuid;

use crate::auth::csrf;
use crate::auth::session::Visitor;
use crate::db::sql::date_text;
use crate::domain::access::Right;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Failure;
use crate::domain::refusal::Fault;
use crate::domain::refusal::Refusal;
use crate::domain::visits::Appointment;
use crate::domain::visits::Status;
use crate::emr::Emr;
use crate::emr::colleague::Colleague;
use crate::emr::patients;
use crate::http::App;
use crate::http::door;
use crate::http::door::Away;
use crate::http::fhir;
use crate::http::forms;
use crate::http::forms::Form;
use crate::http::negotiate;
use crate::http::oauth::see_other;
use crate::http::pages::plain::plain;
use crate::http::pages::staff_visits::Request;
use crate::http::pages::staff_visits::Row;
use crate::http::pages::staff_visits::StaffVisits;
use crate::http::reply;
use crate::http::request_id::RequestId;
use crate::http::visits;
use crate::http::visits::found;
use crate::http::visits::found::Found;
use crate::http::visits::said;
use crate::rest::Rest;
use crate::store::grants;
use crate::words;

/// Where it is.
const HERE: &str = "/staff/visits";

/// Requests that are shown at most; the soonest ones.
const SHOWN: usize = 50;

/// What was done, as the form and the address say it, and the sentence on the page that follows.
const DONE: [(&str, &str); 4] = [
    ("confirm", "The visit is booked, and the patient sees it."),
    (
        "decline",
        "The request was declined. The patient reads why.",
    ),
    (
        "propose",
        "The other time was proposed. The patient agrees to it, or cancels.",
    ),
    (
        LATE,
        "Somebody else was faster: the visit had changed, and nothing was done. This is how it is now.",
    ),
];

const LATE: &str = "too-late";

/// What was tried with a request, and why it could not be.
struct Tried {
    id: Uuid,
    decision: String,
    reason: String,
    picked: [String; 2],
    error: String,
}

/// `GET /staff/visits`
pub async fn page(
    State(app): State<Arc<App>>,
    id: RequestId,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let shown: Result<Response, Away> = async {
        let asks = (HERE, Right::Appointments);
        let (colleague, visitor) = door::desk(&app, &id, &headers, asks).await?;
        let told = negotiate::done(query.as_deref(), &DONE);
        let told = told.copied().unwrap_or_default();
        Ok(listed((&app, &id), (&colleague, visitor), (told, None)).await?)
    }
    .await;
    door::shown(&app, &id, shown)
}

/// `POST /staff/visits` with `id`, `seen` and `decision`; `reason` where it is declined, `slot` or `when` where another
/// time is proposed.
pub async fn post(
    State(app): State<Arc<App>>,
    id: RequestId,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let done: Result<Response, Away> = async {
        let (form, _) = forms::own_form(&app, &headers, body).await?;
        let asks = (HERE, Right::Appointments);
        let (colleague, visitor) = door::desk(&app, &id, &headers, asks).await?;
        let grant = grants::at_desk(colleague.staff.clone());
        let rest = fhir::rest(&app, &id, &grant);
        let refusal = match decide(&rest, &form).await {
            Ok(word) => return Ok(see_other(&format!("{HERE}?done={word}"))),
            Err(Failure::Refused(refusal)) => refusal,
            Err(broken) => return Err(broken.into()),
        };
        match refusal {
            Refusal::Stale | Refusal::Conflict(_) | Refusal::NotFound | Refusal::Gone => {
                Ok(see_other(&format!("{HERE}?done={LATE}")))
            }
            Refusal::Rules(_) | Refusal::Unprocessable { .. } | Refusal::Invalid { .. } => {
                let tried = Tried {
                    id: Uuid::try_parse(&form.text("id")).unwrap_or_default(),
                    decision: form.text("decision"),
                    reason: form.text("reason"),
                    picked: [form.text("slot"), form.text("when")],
                    error: reply::sentence(&refusal),
                };
                let who = (&colleague, visitor);
                let said = (Default::default(), Some(tried));
                let mut page = listed((&app, &id), who, said).await?;
                *page.status_mut() = reply::status(&refusal);
                Ok(page)
            }
            other => Err(other.into()),
        }
    }
    .await;
    door::shown(&app, &id, done)
}

/// How many requests wait for an answer of the practice.
///
/// # Errors
/// As [`found::waiting`].
pub async fn count(rest: &Rest<'_>) -> Answer<usize> {
    let waiting = found::waiting(rest).await?;
    Ok(waiting.iter().filter(|one| !one.visit.offered).count())
}

/// Does what was decided; the word for it.
async fn decide(rest: &Rest<'_>, form: &Form) -> Answer<&'static str> {
    let id = Uuid::try_parse(&form.text("id")).map_err(|_| Refusal::NotFound)?;
    let (word, patch) = match form.text("decision").as_str() {
        "confirm" => ("confirm", visits::confirmed()),
        "decline" => {
            let reason = form.text("reason");
            if reason.trim().is_empty() {
                let why = "Say why, for the patient to read.";
                return Err(Refusal::invalid("reason", why).into());
            }
            ("decline", visits::cancelled(&reason))
        }
        "propose" => {
            let visit = found::one(rest, id).await?.visit;
            let span = free::picked(rest, &visit, form).await?;
            if span.0 == visit.start {
                let why = "This is the time that was asked for: confirm it, or choose another.";
                return Err(Refusal::invalid("when", why).into());
            }
            ("propose", moved(visit.status, span)?)
        }
        _ => {
            let why = "Please use one of the buttons on the page.";
            return Err(Refusal::invalid("decision", why).into());
        }
    };
    // A click on what waited when the page was made is none on what became of it since.
    visits::changed(rest, (id, form), &patch).await?;
    Ok(word)
}

fn moved(status: Status, (start, end): (OffsetDateTime, OffsetDateTime)) -> Answer<Value> {
    let text = |at: OffsetDateTime| {
        at.format(&Rfc3339)
            .map_err(|error| Fault::new("writing a time", error))
    };
    let mut patch = vec![
        json!({"op": "replace", "path": "/start", "value": text(start)?}),
        json!({"op": "replace", "path": "/end", "value": text(end)?}),
    ];
    // Whoever is offered a time waits for a call no longer: the answer is theirs.
    if status == Status::Waitlist {
        patch.push(json!({"op": "replace", "path": "/status", "value": "pending"}));
    }
    Ok(Value::Array(patch))
}

async fn listed(
    (app, id): (&App, &RequestId),
    (colleague, visitor): (&Colleague, Visitor<'_>),
    (told, tried): ((&'static str, &'static str), Option<Tried>),
) -> Answer<Response> {
    let grant = grants::at_desk(colleague.staff.clone());
    let rest = fhir::rest(app, id, &grant);
    let emr = &app.emr;
    let waiting = found::waiting(&rest).await?;
    let shown = waiting.get(..SHOWN).unwrap_or(&waiting);
    let day = found::today(emr);
    let mut dates: BTreeSet<Date> = shown
        .iter()
        .map(|one| emr.zone.wall(one.visit.start).date())
        .collect();
    dates.insert(day);
    let mut days: HashMap<Date, Vec<Found>> = HashMap::new();
    for date in dates {
        days.insert(date, found::of_day(&rest, date).await?);
    }
    found::noted(app, &rest, None).await;
    let born = births(emr, shown).await?;
    let mut requests = Vec::new();
    let mut openings = free::Openings::default();
    for one in shown {
        let date = emr.zone.wall(one.visit.start).date();
        let others = days.get(&date).map(Vec::as_slice).unwrap_or_default();
        let born = born.get(&one.visit.person.uuid).copied();
        let mut request = request(app, one, (born, others));
        request.free = openings.of(&rest, &one.visit).await?;
        if let Some(tried) = tried.as_ref().filter(|tried| tried.id == one.visit.uuid) {
            request.error.clone_from(&tried.error);
            request.open.clone_from(&tried.decision);
            request.typed.clone_from(&tried.reason);
            request.picked.clone_from(&tried.picked);
        }
        requests.push(request);
    }
    let today = days.remove(&day).unwrap_or_default();
    let page = StaffVisits {
        frame: reply::frame(app, "Appointments"),
        csrf: csrf::token(visitor.token),
        notice: told.1,
        late: told.0 == LATE,
        error: tried.map_or_else(String::new, |tried| tried.error),
        waiting: requests,
        more: waiting.len().saturating_sub(SHOWN),
        day: words::day(day),
        today: today.iter().map(|one| row(app, &one.visit)).collect(),
        zone: emr.zone.name().to_owned(),
    };
    Ok(reply::html(StatusCode::OK, page))
}

/// When the patients of some requests were born, as far as that is on file.
async fn births(emr: &Emr, requests: &[Found]) -> Answer<HashMap<Uuid, Date>> {
    let ids = requests.iter().map(|one| one.visit.person.uuid);
    let ids: Vec<Uuid> = ids.collect::<BTreeSet<Uuid>>().into_iter().collect();
    let found = patients::by_ids(emr, &ids).await?;
    let born = found.into_iter();
    Ok(born
        .filter_map(|patient| Some((patient.person.uuid, patient.born?)))
        .collect())
}

fn request(app: &App, found: &Found, (born, others): (Option<Date>, &[Found])) -> Request {
    let visit = &found.visit;
    Request {
        id: visit.uuid.to_string(),
        seen: format!("{:016x}", found.version),
        patient: plain(&visit.patient_name, 80),
        born: born.map_or_else(String::new, date_text),
        what: visits::told(&app.emr, visit),
        reason: said::words(visit).0,
        pill: said::to_staff(visit),
        beside: beside(visit, others),
        ..Request::default()
    }
}

/// What else is in the provider's calendar at the time of a request: OpenEMR's own screens may have put it there.
fn beside(visit: &Appointment, others: &[Found]) -> &'static str {
    let overlaps = others.iter().map(|one| &one.visit).filter(|other| {
        let with = |id: &Uuid| other.providers.iter().any(|(known, _)| known == id);
        other.uuid != visit.uuid
            && other.start < visit.end
            && visit.start < other.end
            && visit.providers.iter().any(|(id, _)| with(id))
    });
    let mut found = "";
    for other in overlaps {
        match other.status {
            Status::Cancelled | Status::NoShow | Status::Proposed => {}
            Status::Pending | Status::Waitlist if found.is_empty() => {
                found = "Another request at this time";
            }
            Status::Pending | Status::Waitlist => {}
            _ => return "Another visit at this time",
        }
    }
    found
}

fn row(app: &App, visit: &Appointment) -> Row {
    let (reason, why) = said::words(visit);
    Row {
        time: said::span(&app.emr.zone, (visit.start, visit.end)),
        patient: plain(&visit.patient_name, 80),
        provider: said::providers(visit),
        kind: said::kind(visit),
        reason: match why {
            Some((_, why)) if !reason.is_empty() => format!("{reason} · {why}"),
            Some((_, why)) => why,
            None => reason,
        },
        pill: said::to_staff(visit),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::people::Person;
    use time::macros::datetime;

    fn at(number: u128, (from, to): (OffsetDateTime, OffsetDateTime), status: Status) -> Found {
        let visit = Appointment {
            uuid: Uuid::from_u128(number),
            person: Person {
                pid: 1,
                uuid: Uuid::nil(),
            },
            patient_name: String::new(),
            status,
            mark: String::new(),
            category: None,
            start: from,
            end: to,
            providers: vec![(Uuid::nil(), "Donna Lee".to_owned())],
            specialties: Vec::new(),
            location: None,
            comment: String::new(),
            created: None,
            series: false,
            offered: false,
            slot: None,
        };
        Found { visit, version: 0 }
    }

    #[test]
    fn f129_what_else_is_at_the_time_of_a_request_is_told() {
        let nine = datetime!(2026-11-24 14:00 UTC);
        let quarter = datetime!(2026-11-24 14:15 UTC);
        let half = datetime!(2026-11-24 14:30 UTC);
        let asked = at(1, (nine, quarter), Status::Pending);
        let told = |others: &[Found]| beside(&asked.visit, others);
        let after = at(2, (quarter, half), Status::Booked);
        let gone = at(3, (nine, half), Status::Cancelled);
        assert_eq!(told(&[asked.clone(), after.clone(), gone.clone()]), "");
        let same = at(4, (nine, half), Status::Pending);
        assert_eq!(
            told(std::slice::from_ref(&same)),
            "Another request at this time"
        );
        let booked = at(5, (nine, half), Status::Booked);
        assert_eq!(told(&[same, booked]), "Another visit at this time");
        let mut elsewhere = at(6, (nine, half), Status::Booked);
        elsewhere.visit.providers = vec![(Uuid::from_u128(9), "Abena Mensah".to_owned())];
        assert_eq!(told(&[elsewhere]), "");
    }
}
