//! `/staff/reviews`: what patients change and send, decided in place: taken over whole or in part, or refused with a reason.
//! What is done here goes the way an app's write goes.

mod deciding;
mod paper;

pub use paper::content;

use std::sync::Arc;

use axum::body::Body;
use axum::extract::Path;
use axum::extract::RawQuery;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::StatusCode;
use axum::response::Response;
use uuid::Uuid;

use crate::auth::csrf;
use crate::auth::session::Visitor;
use crate::db::sql::date_text;
use crate::domain::ResourceType;
use crate::domain::access::Right;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Failure;
use crate::domain::refusal::Reason;
use crate::domain::refusal::Refusal;
use crate::domain::scope::Interaction;
use crate::domain::tasks::Asked;
use crate::domain::tasks::Owner;
use crate::domain::tasks::Progress;
use crate::domain::tasks::Task;
use crate::domain::tasks::Work;
use crate::emr::colleague::Colleague;
use crate::emr::patients;
use crate::emr::tasks;
use crate::emr::tasks::Counts;
use crate::emr::tasks::Opens;
use crate::http::App;
use crate::http::door;
use crate::http::door::Away;
use crate::http::fhir;
use crate::http::forms;
use crate::http::negotiate;
use crate::http::oauth::see_other;
use crate::http::pages::plain::plain;
use crate::http::pages::staff_reviews::Piece;
use crate::http::pages::staff_reviews::Row;
use crate::http::pages::staff_reviews::StaffReview;
use crate::http::pages::staff_reviews::StaffReviews;
use crate::http::pages::staff_reviews::Tab;
use crate::http::reply;
use crate::http::request_id::RequestId;
use crate::http::requests;
use crate::http::requests::said;
use crate::rest::Rest;
use crate::store::grants;

/// Where it is.
const HERE: &str = "/staff/reviews";

/// Requests that are listed at most; the oldest ones.
const SHOWN: usize = 100;

/// Documents and forms that are opened at most to find the next one that is decided here.
const TRIED: usize = 50;

/// What was done, as the address says it, and the sentence on the page that follows.
const DONE: [(&str, &str); 4] = [
    ("accept", "Done. The patient reads that it was taken over."),
    (
        "part",
        "Done. The patient reads what was taken over, and why the rest was not.",
    ),
    ("reject", "The request was refused. The patient reads why."),
    (
        LATE,
        "Somebody was faster: the request had changed, and nothing was done. This is how it is now.",
    ),
];

const LATE: &str = "too-late";

/// What was tried with a request, and why it could not be.
struct Tried {
    parts: Vec<String>,
    category: String,
    reason: String,
    error: String,
}

/// `GET /staff/reviews`, of one kind with `?kind=`
pub async fn page(
    State(app): State<Arc<App>>,
    id: RequestId,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let shown: Result<Response, Away> = async {
        let asks = (HERE, Right::Portal);
        let (colleague, _) = door::desk(&app, &id, &headers, asks).await?;
        let grant = grants::at_desk(colleague.staff.clone());
        let rest = fhir::rest(&app, &id, &grant);
        Ok(listed(&app, &rest, query.as_deref()).await?)
    }
    .await;
    door::shown(&app, &id, shown)
}

/// `GET /staff/reviews/{id}`
pub async fn one(
    State(app): State<Arc<App>>,
    id: RequestId,
    path: Option<Path<String>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let shown: Result<Response, Away> = async {
        let task = named(path);
        let back = task.map_or_else(|| HERE.to_owned(), |task| format!("{HERE}/{task}"));
        let asks = (back.as_str(), Right::Portal);
        let (colleague, visitor) = door::desk(&app, &id, &headers, asks).await?;
        let task = task.ok_or(Refusal::NotFound)?;
        let kind = kind_in(query.as_deref());
        let told = negotiate::done(query.as_deref(), &DONE).copied();
        let about = (&colleague, visitor);
        let said = (told.unwrap_or_default(), None);
        Ok(opened((&app, &id), about, (task, kind), said).await?)
    }
    .await;
    door::shown(&app, &id, shown)
}

/// `POST /staff/reviews/{id}` with `seen`, `decision=accept|reject`, a `part` for each that is taken over, `category` and
/// the one it lies under as `filed`, `reason` and the `kind` that is being worked through.
pub async fn post(
    State(app): State<Arc<App>>,
    id: RequestId,
    path: Option<Path<String>>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let done: Result<Response, Away> = async {
        let (form, _) = forms::own_form(&app, &headers, body).await?;
        let asks = (HERE, Right::Portal);
        let (colleague, visitor) = door::desk(&app, &id, &headers, asks).await?;
        let task = named(path).ok_or(Refusal::NotFound)?;
        let grant = grants::at_desk(colleague.staff.clone());
        let rest = fhir::rest(&app, &id, &grant);
        let kind = kind_of(&form.text("kind"));
        let refusal = match deciding::decide(&rest, task, &form).await {
            Ok(word) => return Ok(see_other(&next(&rest, (task, kind), word).await?)),
            Err(Failure::Refused(refusal)) => refusal,
            Err(broken) => return Err(broken.into()),
        };
        match refusal {
            Refusal::Stale => {
                let word = kind.map_or("", |(_, word)| word);
                let to = format!("{HERE}/{task}?kind={word}&done={LATE}");
                Ok(see_other(&to))
            }
            Refusal::Rules(_)
            | Refusal::Unprocessable { .. }
            | Refusal::Invalid { .. }
            | Refusal::Conflict(_)
            | Refusal::Unavailable(_) => {
                let tried = Tried {
                    parts: form.all("part"),
                    category: form.text("category"),
                    reason: form.text("reason"),
                    error: sentence(&refusal),
                };
                let about = (&colleague, visitor);
                let said = (Default::default(), Some(tried));
                let mut page = opened((&app, &id), about, (task, kind), said).await?;
                *page.status_mut() = reply::status(&refusal);
                Ok(page)
            }
            other => Err(other.into()),
        }
    }
    .await;
    door::shown(&app, &id, done)
}

/// How many requests wait for the desk, of each kind.
///
/// # Errors
/// As [`tasks::counts`]; `Forbidden` where the desk is not for this member of staff.
pub async fn counts(rest: &Rest<'_>) -> Answer<Counts> {
    let reach = rest.grant.reach(ResourceType::Task, Interaction::Search)?;
    tasks::counts(rest.emr, &reach).await
}

/// The sentence of a refusal; the rules' own words are for apps.
fn sentence(refusal: &Refusal) -> String {
    let silent = |reasons: &[Reason]| reasons.iter().any(|reason| reason.id == "review.reason");
    match refusal {
        Refusal::Rules(reasons) if silent(reasons) => {
            "Say why, for the patient to read.".to_owned()
        }
        other => reply::sentence(other),
    }
}

fn named(path: Option<Path<String>>) -> Option<Uuid> {
    path.and_then(|Path(task)| Uuid::try_parse(&task).ok())
}

/// A kind and its word; `None` for all.
type Kind = Option<(Work, &'static str)>;

fn kind_of(word: &str) -> Kind {
    let mut kinds = said::KINDS.into_iter();
    let found = kinds.find(|(_, known, _)| *known == word);
    found.map(|(work, word, _)| (work, word))
}

fn kind_in(query: Option<&str>) -> Kind {
    let mut pairs = negotiate::pairs(query).into_iter();
    let asked = pairs.find(|(name, _)| name == "kind");
    asked.and_then(|(_, word)| kind_of(&word))
}

/// The list of a kind.
fn list_of(kind: Kind) -> String {
    match kind {
        Some((_, word)) => format!("{HERE}?kind={word}"),
        None => HERE.to_owned(),
    }
}

/// Where it goes on after a decision: at the next request that is decided here, or at the list.
async fn next(rest: &Rest<'_>, (seen, kind): (Uuid, Kind), word: &str) -> Answer<String> {
    let reach = rest.grant.reach(ResourceType::Task, Interaction::Search)?;
    let waiting = tasks::queue(rest.emr, &reach, kind.map(|(work, _)| work)).await?;
    let of = kind.map_or("", |(_, word)| word);
    let mut tried = 0;
    for task in waiting.iter().filter(|task| task.uuid != seen) {
        let opened = matches!(task.work, Work::Document | Work::Form);
        tried += usize::from(opened);
        if opened && tried > TRIED {
            continue;
        }
        if tasks::opens(rest.emr, rest.grant, task).await? == Opens::Yes {
            return Ok(format!("{HERE}/{}?kind={of}&done={word}", task.uuid));
        }
    }
    Ok(format!("{HERE}?kind={of}&done={word}"))
}

async fn listed(app: &App, rest: &Rest<'_>, query: Option<&str>) -> Answer<Response> {
    let told = negotiate::done(query, &DONE).copied().unwrap_or_default();
    let kind = kind_in(query);
    let reach = rest.grant.reach(ResourceType::Task, Interaction::Search)?;
    let counts = tasks::counts(&app.emr, &reach).await?;
    let waiting = tasks::queue(&app.emr, &reach, kind.map(|(work, _)| work)).await?;
    let shown = waiting.get(..SHOWN).unwrap_or(&waiting);
    let ids: Vec<Uuid> = shown.iter().map(|task| task.person.uuid).collect();
    let born = requests::births(&app.emr, &ids).await?;
    app.reads
        .note(rest.entry("Task.search".to_owned(), "Task".to_owned()))
        .await;
    let mut tabs = vec![Tab {
        label: "All",
        address: HERE.to_owned(),
        count: counts.all(),
        here: kind.is_none(),
    }];
    tabs.extend(said::KINDS.into_iter().map(|(work, word, label)| Tab {
        label,
        address: format!("{HERE}?kind={word}"),
        count: counts.of(work),
        here: kind.is_some_and(|(known, _)| known == work),
    }));
    let row = |task: &Task| Row {
        address: match kind {
            Some((_, word)) => format!("{HERE}/{}?kind={word}", task.uuid),
            None => format!("{HERE}/{}", task.uuid),
        },
        patient: plain(&task.patient_name, 80),
        born: born.get(&task.person.uuid).cloned().unwrap_or_default(),
        kind: said::kind(task.work).map_or("", |(_, label)| label),
        what: what(task),
        sent: requests::sent(&app.emr, task),
    };
    let page = StaffReviews {
        frame: reply::frame(app, "Requests of patients"),
        notice: told.1,
        late: told.0 == LATE,
        tabs,
        waiting: shown.iter().map(row).collect(),
        more: waiting.len().saturating_sub(SHOWN),
    };
    Ok(reply::html(StatusCode::OK, page))
}

fn what(task: &Task) -> Vec<String> {
    match task.asked.is_empty() {
        true => vec![plain(&task.description, 120)],
        false => said::brief(&task.asked),
    }
}

async fn opened(
    (app, id): (&App, &RequestId),
    (colleague, visitor): (&Colleague, Visitor<'_>),
    (task, kind): (Uuid, Kind),
    (told, tried): ((&'static str, &'static str), Option<Tried>),
) -> Answer<Response> {
    let grant = grants::at_desk(colleague.staff.clone());
    let rest = fhir::rest(app, id, &grant);
    let (task, version) = requests::task(&rest, task).await?;
    let (_, label) = said::kind(task.work).ok_or(Refusal::NotFound)?;
    let mut entry = rest.entry("Task.read".to_owned(), format!("Task/{}", task.uuid));
    entry.patient = Some(task.person.uuid);
    app.reads.note(entry).await;
    let reach = grant.reach(ResourceType::Task, Interaction::Search)?;
    let counts = tasks::counts(&app.emr, &reach).await?;
    let waits = task.progress.waits();
    let others = match kind {
        Some((work, _)) => counts.of(work),
        None => counts.all(),
    };
    let found = patients::by_ids(&app.emr, &[task.person.uuid]).await?;
    let born = found.first().and_then(|patient| patient.born);
    let tried = tried.as_ref();
    let picked = tried.map(|tried| tried.category.as_str());
    let looked = paper::looked(app, &rest, (&task, picked)).await?;
    let page = StaffReview {
        frame: reply::frame(app, "Request of a patient"),
        csrf: csrf::token(visitor.token),
        notice: told.1,
        late: told.0 == LATE,
        error: tried.map_or_else(String::new, |tried| tried.error.clone()),
        address: format!("{HERE}/{}", task.uuid),
        list: list_of(kind),
        kind: kind.map_or("", |(_, word)| word).to_owned(),
        seen: format!("{version:016x}"),
        label,
        patient: plain(&task.patient_name, 80),
        born: born.map_or_else(String::new, date_text),
        chart: format!("/staff/patients/{}", task.person.uuid),
        sent: requests::sent(&app.emr, &task),
        note: task.note.clone(),
        about: match task.asked.is_empty() {
            true => plain(&task.description, 200),
            false => String::new(),
        },
        parts: pieces(&task, tried),
        paper: looked.paper,
        form: looked.form,
        missing: looked.missing,
        pill: match task.work {
            Work::Form => said::pill_of_answer(&task),
            _ => said::pill(&task),
        },
        open: waits && !looked.closed,
        by: match &task.owner {
            Owner::Staff(_, name) if !waits => plain(name, 80),
            _ => String::new(),
        },
        why: task.reason.clone(),
        typed: tried.map_or_else(String::new, |tried| tried.reason.clone()),
        others: others - i64::from(waits),
    };
    Ok(reply::html(StatusCode::OK, page))
}

fn pieces(task: &Task, tried: Option<&Tried>) -> Vec<Piece> {
    let piece = |one: &Asked| {
        let mut refused = task.refused.iter();
        let refused = refused.find(|(element, _)| *element == one.element);
        let decided = match task.progress {
            Progress::Rejected => false,
            _ => refused.is_none(),
        };
        Piece {
            label: said::element(&one.element),
            coded: said::coded(&one.element),
            before: said::value(&one.element, &one.before),
            after: said::value(&one.element, &one.after),
            taken: match tried {
                Some(tried) => tried.parts.contains(&one.element),
                None => decided,
            },
            why: refused.map_or_else(String::new, |(_, why)| why.clone()),
            element: one.element.clone(),
        }
    };
    task.asked.iter().map(piece).collect()
}
