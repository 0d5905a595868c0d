//! `/account/activity` and `/staff/audit`: the ledger for the patient it is about, and for the desk of the portal.

mod lines;

use std::sync::Arc;

use axum::extract::RawQuery;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::Method;
use axum::http::StatusCode;
use axum::http::Uri;
use axum::response::Response;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::auth::desk;
use crate::auth::who::Audience;
use crate::auth::who::Who;
use crate::domain::access::Right;
use crate::domain::refusal::Answer;
use crate::emr::colleague;
use crate::emr::colleague::Colleague;
use crate::emr::persons;
use crate::http::App;
use crate::http::activity::lines::Eyes;
use crate::http::activity::lines::Question;
use crate::http::door;
use crate::http::door::Away;
use crate::http::negotiate;
use crate::http::pages::activity::Activity;
use crate::http::pages::activity::Deed;
use crate::http::pages::activity::StaffAudit;
use crate::http::reply;
use crate::http::request_id::RequestId;
use crate::http::words::Reader;
use crate::store::activity;
use crate::store::activity::Filter;
use crate::store::activity::Kind;
use crate::store::activity::Line;
use crate::store::ledger::Entry;
use crate::store::ledger::Outcome;

/// The patient's page.
const OWN: &str = "/account/activity";

/// The desk's page.
const DESK: &str = "/staff/audit";

/// Lines on a page.
const PAGE: u32 = 50;

/// Lines read at once for a file; [`lines::MOST`] is a multiple of it.
const SLICE: u32 = 1000;

/// `GET /account/activity`
pub async fn own(
    State(app): State<Arc<App>>,
    id: RequestId,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let shown: Result<Response, Away> = async {
        let (account, _) = door::own(&app, &id, &headers, OWN).await?;
        let mut question = Question::of(&app, &negotiate::pairs(query.as_deref()));
        question.filter.patient = Some(account.person.uuid);
        let (lines, more) = page(&app, &question).await?;
        note(
            &app,
            &id,
            (Who::Patient(account.clone()).reference(), &question),
        )
        .await;
        let eyes = Eyes::Patient(account.person.uuid);
        Ok(own_page(&app, question, eyes, (&lines, more)).await?)
    }
    .await;
    door::shown(&app, &id, shown)
}

/// `GET /account/activity.csv`
pub async fn own_file(
    State(app): State<Arc<App>>,
    id: RequestId,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let shown: Result<Response, Away> = async {
        let (account, _) = door::own(&app, &id, &headers, OWN).await?;
        let mut question = Question::of(&app, &negotiate::pairs(uri.query()));
        question.filter.patient = Some(account.person.uuid);
        let eyes = Eyes::Patient(account.person.uuid);
        if question.error.is_some() {
            return Ok(own_page(&app, question, eyes, (&[], false)).await?);
        }
        let (lines, more) = all(&app, &question).await?;
        note(
            &app,
            &id,
            (Who::Patient(account.clone()).reference(), &question),
        )
        .await;
        let deeds = lines::deeds(&app, &lines, eyes).await?;
        let language = Reader::of((&Method::GET, &uri), &headers).language;
        Ok(lines::file(
            &app,
            (&lines, &deeds, more),
            (language, Audience::Patient),
        ))
    }
    .await;
    door::shown(&app, &id, shown)
}

/// `GET /staff/audit`
pub async fn desk(
    State(app): State<Arc<App>>,
    id: RequestId,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let shown: Result<Response, Away> = async {
        let asks = (DESK, Right::Portal);
        let (colleague, _) = door::desk(&app, &id, &headers, asks).await?;
        let question = asked_by_staff(&app, query.as_deref()).await?;
        let (lines, more) = page(&app, &question).await?;
        note(&app, &id, (desk::actor(&colleague), &question)).await;
        Ok(desk_page(&app, question, eyes(&colleague), (&lines, more)).await?)
    }
    .await;
    door::shown(&app, &id, shown)
}

/// `GET /staff/audit.csv`
pub async fn desk_file(
    State(app): State<Arc<App>>,
    id: RequestId,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let shown: Result<Response, Away> = async {
        let asks = (DESK, Right::Portal);
        let (colleague, _) = door::desk(&app, &id, &headers, asks).await?;
        let question = asked_by_staff(&app, uri.query()).await?;
        if question.error.is_some() {
            return Ok(desk_page(&app, question, eyes(&colleague), (&[], false)).await?);
        }
        let (lines, more) = all(&app, &question).await?;
        note(&app, &id, (desk::actor(&colleague), &question)).await;
        let deeds = lines::deeds(&app, &lines, eyes(&colleague)).await?;
        let language = Reader::of((&Method::GET, &uri), &headers).language;
        Ok(lines::file(
            &app,
            (&lines, &deeds, more),
            (language, Audience::Staff),
        ))
    }
    .await;
    door::shown(&app, &id, shown)
}

/// Who else looked at a patient's record, the newest few; an app of the patient is somebody else.
///
/// # Errors
/// As [`activity::newest`].
pub async fn by_others(app: &App, patient: Uuid, most: u32) -> Answer<Vec<Deed>> {
    let filter = Filter {
        patient: Some(patient),
        others_than: Some(format!("Patient/{patient}")),
        kind: Some(Kind::Looked),
        ..Filter::default()
    };
    let (lines, _) = activity::newest(&app.emr.db, &filter, None, most).await?;
    lines::deeds(app, &lines, Eyes::Patient(patient)).await
}

/// The patient's page; for a file that cannot be made, too.
async fn own_page(
    app: &App,
    question: Question,
    eyes: Eyes,
    (lines, more): (&[Line], bool),
) -> Answer<Response> {
    let page = Activity {
        frame: reply::frame(app, "Who looked at your record"),
        deeds: lines::deeds(app, lines, eyes).await?,
        older: question.older(OWN, lines, more),
        file: question.address("/account/activity.csv"),
        error: question.error,
        asked: question.asked,
    };
    Ok(reply::html(status(page.error.as_ref()), page))
}

/// The same for the desk.
async fn desk_page(
    app: &App,
    question: Question,
    eyes: Eyes,
    (lines, more): (&[Line], bool),
) -> Answer<Response> {
    let page = StaffAudit {
        frame: reply::frame(app, "Who did what"),
        deeds: lines::deeds(app, lines, eyes).await?,
        older: question.older(DESK, lines, more),
        file: question.address("/staff/audit.csv"),
        error: question.error,
        asked: question.asked,
    };
    Ok(reply::html(status(page.error.as_ref()), page))
}

fn status(error: Option<&String>) -> StatusCode {
    match error {
        Some(_) => StatusCode::UNPROCESSABLE_ENTITY,
        None => StatusCode::OK,
    }
}

/// Whoever may not open charts reads ids instead of names.
fn eyes(colleague: &Colleague) -> Eyes {
    match colleague.staff.has(Right::Demographics) {
        true => Eyes::Staff,
        false => Eyes::StaffWithoutCharts,
    }
}

async fn asked_by_staff(app: &App, query: Option<&str>) -> Answer<Question> {
    let mut question = Question::of(app, &negotiate::pairs(query));
    let person = question.asked.person.clone();
    if !person.is_empty() {
        let found = match person.contains('/') || person == "system" {
            true => Some(person),
            false => colleague::by_username(&app.emr, &person)
                .await?
                .map(|one| desk::actor(&one)),
        };
        if found.is_none() {
            question.wrong("OpenEMR has no user of that name.");
        }
        question.filter.actor = found;
    }
    let patient = question.asked.patient.clone();
    if !patient.is_empty() {
        let found = match (Uuid::try_parse(&patient), patient.parse()) {
            (Ok(id), _) => Some(id),
            (_, Ok(pid)) => persons::by_pid(&app.emr, pid).await?.map(|one| one.uuid),
            _ => None,
        };
        if found.is_none() {
            question.wrong("There is no chart of that number or id.");
        }
        question.filter.patient = found;
    }
    let action = question.asked.action.clone();
    question.filter.action = Some(action).filter(|text| !text.is_empty());
    Ok(question)
}

async fn page(app: &App, question: &Question) -> Answer<(Vec<Line>, bool)> {
    match question.error {
        Some(_) => Ok((Vec::new(), false)),
        None => activity::newest(&app.emr.db, &question.filter, question.before, PAGE).await,
    }
}

/// Everything that was asked for, as far as a file goes, and whether there is more.
async fn all(app: &App, question: &Question) -> Answer<(Vec<Line>, bool)> {
    let mut lines: Vec<Line> = Vec::new();
    let mut before = None;
    let mut more = question.error.is_none();
    while more && lines.len() < lines::MOST {
        let (slice, older) = activity::newest(&app.emr.db, &question.filter, before, SLICE).await?;
        before = slice.last().map(Line::mark);
        more = older && before.is_some();
        lines.extend(slice);
    }
    Ok((lines, more))
}

/// Looking at the ledger is in the ledger.
async fn note(app: &App, id: &RequestId, (actor, question): (String, &Question)) {
    let now: OffsetDateTime = app.emr.now();
    let mut entry = Entry::new("audit.search", Outcome::Success, now);
    entry.actor = actor;
    "AuditEvent".clone_into(&mut entry.resource);
    entry.patient = question.filter.patient;
    id.0.clone_into(&mut entry.request_id);
    app.reads.note(entry).await;
}
