//! `/account/requests`: what a patient asked for and sent, how far it is, and what the practice says; taken back while it
//! waits. The desk's page of the same reads and decides through here as well.

pub mod said;

use std::collections::HashMap;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::Path;
use axum::extract::RawQuery;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::Value;
use serde_json::json;
use uuid::Uuid;

use crate::auth::csrf;
use crate::db::sql::date_text;
use crate::db::sql::datetime_text;
use crate::domain::ResourceType;
use crate::domain::query::Query;
use crate::domain::records::Record;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Failure;
use crate::domain::refusal::Refusal;
use crate::domain::scope::Interaction;
use crate::domain::tasks::Asked;
use crate::domain::tasks::Owner;
use crate::domain::tasks::Progress;
use crate::domain::tasks::Task;
use crate::domain::tasks::Work;
use crate::emr;
use crate::emr::Emr;
use crate::emr::patients;
use crate::http::App;
use crate::http::door;
use crate::http::door::Away;
use crate::http::fhir;
use crate::http::forms;
use crate::http::negotiate;
use crate::http::oauth::see_other;
use crate::http::pages::plain::plain;
use crate::http::pages::requests::Part;
use crate::http::pages::requests::Request;
use crate::http::pages::requests::Requests;
use crate::http::reply;
use crate::http::request_id::RequestId;
use crate::http::visits;
use crate::rest::Rest;
use crate::rest::answer;
use crate::rest::write;
use crate::rest::write::Booked;
use crate::rest::write::Payload;
use crate::rest::write::Target;
use crate::store::grants;

/// Where it is.
const HERE: &str = "/account/requests";

const KIND: ResourceType = ResourceType::Task;

/// Requests that are shown, the newest.
const SHOWN: u32 = 50;

/// Pages of Tasks that are looked through for them at most.
const PAGES: usize = 20;

/// What was done, as the address says it, and the sentence on the page that follows.
const DONE: [(&str, &str); 2] = [
    ("withdraw", "You took the request back."),
    (
        "changed",
        "The request had been decided or changed meanwhile, and nothing was done. This is how it is now.",
    ),
];

/// `GET /account/requests`
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
        let grant = grants::at_home(account.person);
        let rest = fhir::rest(&app, &id, &grant);
        let said = (notice, String::new());
        Ok(listed(&app, &rest, (visitor.token, said)).await?)
    }
    .await;
    door::shown(&app, &id, shown)
}

/// `POST /account/requests/{id}` with `seen` and `decision=withdraw`.
pub async fn act(
    State(app): State<Arc<App>>,
    id: RequestId,
    path: Option<Path<String>>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let asked = path.and_then(|Path(task)| Uuid::try_parse(&task).ok());
    let done: Result<Response, Away> = async {
        let (form, _) = forms::own_form(&app, &headers, body).await?;
        let (account, visitor) = door::own(&app, &id, &headers, HERE).await?;
        let task = asked.ok_or(Refusal::NotFound)?;
        if form.text("decision") != "withdraw" {
            let why = "Please use one of the buttons on the page.";
            return Err(Refusal::invalid("decision", why).into());
        }
        let grant = grants::at_home(account.person);
        let rest = fhir::rest(&app, &id, &grant);
        let patch = json!([{"op": "replace", "path": "/status", "value": "cancelled"}]);
        let refusal = match decided(&rest, (task, &form.text("seen")), &patch).await {
            Ok(()) => return Ok(see_other(&format!("{HERE}?done=withdraw"))),
            Err(Failure::Refused(refusal)) => refusal,
            Err(broken) => return Err(broken.into()),
        };
        match refusal {
            Refusal::Stale => Ok(see_other(&format!("{HERE}?done=changed"))),
            Refusal::Rules(reasons) if reasons.iter().any(|one| one.id == "review.decided") => {
                Ok(see_other(&format!("{HERE}?done=changed")))
            }
            Refusal::Rules(_) | Refusal::Conflict(_) => {
                let said = ("", reply::sentence(&refusal));
                let mut page = listed(&app, &rest, (visitor.token, said)).await?;
                *page.status_mut() = reply::status(&refusal);
                Ok(page)
            }
            other => Err(other.into()),
        }
    }
    .await;
    door::shown(&app, &id, done)
}

/// A Task within a caller's reach, and its version.
///
/// # Errors
/// `NotFound` where there is none.
pub async fn task(rest: &Rest<'_>, id: Uuid) -> Answer<(Task, u64)> {
    let reach = rest.grant.reach(KIND, Interaction::Read)?;
    let record = emr::read(rest.emr, &reach, id).await?;
    let version = record.version();
    match record {
        Record::Task(task) => Ok((*task, version)),
        _ => Err(Refusal::NotFound.into()),
    }
}

/// Sends a patch of a Task as an app would, with the version the page showed.
///
/// # Errors
/// As [`answer::write`].
pub async fn decided(rest: &Rest<'_>, (id, seen): (Uuid, &str), patch: &Value) -> Answer<()> {
    // What is no version is none there is.
    let seen = u64::from_str_radix(seen, 16).map_err(|_| Refusal::Stale)?;
    let request = write::Request {
        kind: KIND,
        target: Target::Known(id),
        payload: Payload::Patch(patch.to_string().into_bytes()),
        if_match: Some(seen),
        if_none_exist: None,
        booked: Booked::default(),
    };
    let wanted = (None, answer::Wanted::Minimal);
    answer::write(rest, request, wanted).await.map(|_| ())
}

/// When a request was sent, by the practice's clock.
pub fn sent(emr: &Emr, task: &Task) -> String {
    let wall = task.authored.map(|at| datetime_text(emr.zone.wall(at)));
    wall.unwrap_or_default().chars().take(16).collect()
}

/// When patients were born, as far as that is on file.
///
/// # Errors
/// As [`patients::by_ids`].
pub async fn births(emr: &Emr, ids: &[Uuid]) -> Answer<HashMap<Uuid, String>> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let found = patients::by_ids(emr, ids).await?.into_iter();
    Ok(found
        .filter_map(|patient| Some((patient.person.uuid, date_text(patient.born?))))
        .collect())
}

/// How many of a patient's requests wait for the practice.
///
/// # Errors
/// As [`emr::find`].
pub async fn waiting(rest: &Rest<'_>) -> Answer<usize> {
    let all = own(rest, usize::MAX).await?;
    Ok(all.iter().filter(|(task, _)| task.progress.waits()).count())
}

/// What a patient asked for, the newest first. Forms and payments are Tasks too, and may lie between them.
async fn own(rest: &Rest<'_>, most: usize) -> Answer<Vec<(Task, u64)>> {
    let reach = rest.grant.reach(KIND, Interaction::Search)?;
    let mut query = Query {
        count: SHOWN,
        ..Query::default()
    };
    let mut all = Vec::new();
    for _ in 0..PAGES {
        let found = emr::find(rest.emr, &reach, &query).await?;
        let tasks = found.records.into_iter().filter_map(|record| {
            let version = record.version();
            match record {
                Record::Task(task) => Some((*task, version)),
                _ => None,
            }
        });
        all.extend(tasks.filter(|(task, _)| task.by_patient && is_request(task)));
        query.after = found.next;
        if query.after.is_none() || all.len() >= most {
            break;
        }
    }
    all.truncate(most);
    Ok(all)
}

fn is_request(task: &Task) -> bool {
    matches!(
        task.work,
        Work::Profile | Work::Coverage | Work::Document | Work::Visit
    )
}

async fn listed(
    app: &App,
    rest: &Rest<'_>,
    (token, (notice, error)): (&str, (&'static str, String)),
) -> Answer<Response> {
    let shut = visits::shut(&app.emr).await?;
    // While the portal is off nothing of the record is shown here, as to apps (F001).
    let all = match shut {
        true => Vec::new(),
        false => {
            app.reads
                .note(rest.entry("Task.search".to_owned(), KIND.name().to_owned()))
                .await;
            own(rest, usize::try_from(SHOWN).unwrap_or(usize::MAX)).await?
        }
    };
    let page = Requests {
        frame: reply::frame(app, "Your requests"),
        csrf: csrf::token(token),
        notice,
        error,
        closed: shut,
        phone: app.config.help_phone.clone(),
        all: all
            .iter()
            .map(|(task, version)| card(&app.emr, task, *version))
            .collect(),
    };
    Ok(reply::html(StatusCode::OK, page))
}

fn card(emr: &Emr, task: &Task, version: u64) -> Request {
    let refused = task.progress == Progress::Rejected;
    let part = |one: &Asked| {
        let mut parts = task.refused.iter();
        let left = parts.find(|(element, _)| *element == one.element);
        Part {
            label: said::element(&one.element),
            coded: said::coded(&one.element),
            before: said::value(&one.element, &one.before),
            after: said::value(&one.element, &one.after),
            left: left.is_some(),
            why: left.map_or_else(String::new, |(_, why)| why.clone()),
        }
    };
    Request {
        id: task.uuid.to_string(),
        seen: format!("{version:016x}"),
        label: match task.work {
            Work::Visit => "Visit",
            work => said::kind(work).map_or("", |(_, label)| label),
        },
        about: match task.work {
            Work::Document | Work::Visit => plain(&task.description, 160),
            _ => String::new(),
        },
        sent: sent(emr, task),
        pill: match task.work {
            Work::Visit | Work::Document => said::pill_of_answer(task),
            _ => said::pill(task),
        },
        parts: task.asked.iter().map(part).collect(),
        why: match refused || !task.reason.is_empty() {
            true => task.reason.clone(),
            false => String::new(),
        },
        withdraws: task.progress.waits() && task.owner == Owner::Desk && task.work != Work::Visit,
        visit: task.work == Work::Visit,
    }
}
