//! `/staff/jobs/{id}`: how far a job is, and what became of each patient.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::Path;
use axum::extract::RawQuery;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::HeaderName;
use axum::http::HeaderValue;
use axum::http::StatusCode;
use axum::response::Response;
use uuid::Uuid;

use crate::auth::circulars as messages;
use crate::auth::csrf;
use crate::auth::desk;
use crate::auth::onboarding as invitations;
use crate::auth::session::Visitor;
use crate::db::sql::datetime_text;
use crate::domain::access::Right;
use crate::domain::accounts::instant;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Refusal;
use crate::emr::colleague::Colleague;
use crate::http::App;
use crate::http::door;
use crate::http::door::Away;
use crate::http::fhir::Named;
use crate::http::forms;
use crate::http::negotiate;
use crate::http::oauth::context;
use crate::http::oauth::see_other;
use crate::http::onboarding::results;
use crate::http::onboarding::results::Shown;
use crate::http::pages::jobs::JobPage;
use crate::http::pages::jobs::JobRow;
use crate::http::pages::jobs::Recent;
use crate::http::pages::jobs::ResultTab;
use crate::http::pages::plain::plain;
use crate::http::reply;
use crate::http::request_id::RequestId;
use crate::store::circulars;
use crate::store::jobs;
use crate::store::jobs::By;
use crate::store::jobs::Job;
use crate::store::jobs::Status;

/// Patients on a page.
const PAGE: u32 = 50;

/// Jobs that are shown under the list of patients.
const RECENT: u32 = 5;

/// What a browser does while a job runs.
const AGAIN: (HeaderName, HeaderValue) = (
    HeaderName::from_static("refresh"),
    HeaderValue::from_static("3"),
);

/// Results in words, with their colours; the reasons of refusals have [`SHORT`].
const WORDS: [(&str, &str, &str); 8] = [
    ("sent", "good", "Sent"),
    ("invited", "good", "Invited"),
    ("reset-sent", "good", "Reset sent"),
    ("skipped-recently", "wait", "Had a letter a short while ago"),
    ("waiting", "off", "Not yet"),
    ("stopped", "off", "Not sent: stopped"),
    ("failed", "bad", "Broke: try again"),
    ("not-found", "bad", "The chart is gone"),
];

/// Refusals in few words.
const SHORT: [(&str, &str); 17] = [
    ("message.patient-off", "Does not use the portal"),
    ("message.mailbox", "Has no mailbox of their own"),
    ("recipient-not-portal-user", "The sender takes no messages"),
    ("portal-disabled", "The portal is switched off"),
    ("chart-status", "Died"),
    ("access-disabled", "Access is not enabled"),
    ("access-locked", "Locked by staff"),
    (
        "attestation-missing",
        "Nobody made sure who reads the mailbox",
    ),
    ("mail-not-configured", "No letter can be sent"),
    ("no-email", "No e-mail address"),
    ("email-hold", "New e-mail, not confirmed by staff"),
    ("email-not-allowed", "Has not agreed to e-mail"),
    ("no-birth-date", "No birth date"),
    ("no-home-phone", "No home phone"),
    ("no-zip", "No ZIP code"),
    ("no-trusted-email", "No trusted e-mail"),
    ("no-credentials", "No login yet"),
];

const THEIRS: &str =
    "A message to many goes out in the name of whoever sends it: only they look after it.";

/// `GET /staff/jobs/{id}`
pub async fn page(
    State(app): State<Arc<App>>,
    id: RequestId,
    (path, RawQuery(query)): (Named<String>, RawQuery),
    headers: HeaderMap,
) -> Response {
    let shown: Result<Response, Away> = async {
        let job = number(path);
        let here = job.map_or(super::HERE.to_owned(), |job| format!("/staff/jobs/{job}"));
        let right = right(&app, job).await?;
        let (colleague, visitor) = door::desk(&app, &id, &headers, (here.as_str(), right)).await?;
        let job = open_to(&app, &colleague, (job, right)).await?;
        let pairs = negotiate::pairs(query.as_deref());
        Ok(show(&app, &job, visitor, &pairs).await?)
    }
    .await;
    door::shown(&app, &id, shown)
}

/// `POST /staff/jobs/{id}` with `do`: `stop` or `again`.
pub async fn act(
    State(app): State<Arc<App>>,
    id: RequestId,
    path: Named<String>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let done: Result<Response, Away> = async {
        let (form, _) = forms::own_form(&app, &headers, body).await?;
        let job = number(path);
        let right = right(&app, job).await?;
        let (colleague, _) = door::desk(&app, &id, &headers, (super::HERE, right)).await?;
        let base = app.config.fhir_base();
        let context = context(&app, &base, &id.0);
        let job = open_to(&app, &colleague, (job, right)).await?.id;
        let by = By {
            staff: Some(colleague.staff.id),
            actor: desk::actor(&colleague),
            ..By::default()
        };
        match form.text("do").as_str() {
            "stop" => invitations::stop(&context, &by, job).await?,
            "again" => {
                messages::again(&context, job).await?;
                invitations::again(&context, &by, job).await?;
            }
            _ => {
                let why = "do: expected stop or again.";
                return Err(Refusal::invalid("do", why).into());
            }
        }
        Ok(see_other(&format!("/staff/jobs/{job}")))
    }
    .await;
    door::shown(&app, &id, done)
}

/// What a job is looked at with: a message to many is its senders' matter, everything else the portal's desk's.
async fn right(app: &App, job: Option<Uuid>) -> Answer<Right> {
    let circular = match job {
        Some(job) => circulars::find(&app.emr.db, job).await?,
        None => None,
    };
    Ok(match circular {
        Some(_) => Right::Notes,
        None => Right::Portal,
    })
}

/// The job; a message to many only to whoever sends it: it goes out in their name, and what it says is theirs.
async fn open_to(
    app: &App,
    colleague: &Colleague,
    (job, right): (Option<Uuid>, Right),
) -> Answer<Job> {
    let job = job.ok_or(Refusal::NotFound)?;
    let job = jobs::find(&app.emr.db, job).await?;
    let job = job.ok_or(Refusal::NotFound)?;
    match right == Right::Portal || job.by.staff == Some(colleague.staff.id) {
        true => Ok(job),
        false => Err(Refusal::Forbidden(THEIRS).into()),
    }
}

fn number(path: Named<String>) -> Option<Uuid> {
    let Path(text) = path.ok()?;
    text.parse().ok()
}

async fn show(
    app: &App,
    job: &Job,
    visitor: Visitor<'_>,
    pairs: &[(String, String)],
) -> Answer<Response> {
    let text = |name: &str| pairs.iter().find(|(known, _)| known == name);
    let chosen = text("result").map_or("", |(_, value)| value.as_str());
    let after = text("after").and_then(|(_, value)| value.parse().ok());
    let outcomes = jobs::outcomes(&app.emr.db, job.id).await?;
    let unsaid = match job.status {
        Status::Stopped => "stopped",
        _ => "waiting",
    };
    let said = |outcome: &str| match outcome {
        "" => unsaid.to_owned(),
        outcome => outcome.to_owned(),
    };
    let here = format!("/staff/jobs/{}", job.id);
    let mut tabs = vec![ResultTab {
        words: "All",
        address: here.clone(),
        count: job.total,
        current: chosen.is_empty(),
    }];
    tabs.extend(outcomes.iter().map(|(outcome, count)| {
        let code = said(outcome);
        ResultTab {
            words: words(&code).1,
            address: format!("{here}?result={code}"),
            count: *count,
            current: chosen == code,
        }
    }));
    let left = outcomes.iter().find(|(outcome, _)| outcome.is_empty());
    let left = left.map_or(0, |(_, number)| *number);
    let sent = |outcome: &str| {
        matches!(
            outcome,
            "" | "sent" | "invited" | "reset-sent" | "skipped-recently"
        )
    };
    let failed: i64 = outcomes
        .iter()
        .filter(|(outcome, _)| !sent(outcome))
        .map(|(_, number)| number)
        .sum();
    let wanted = Some(chosen).filter(|code| !code.is_empty());
    let (rows, more) = results::page(app, job, (wanted, after.unwrap_or_default(), PAGE)).await?;
    let next = rows.last().filter(|_| more).map(|last| {
        let after = last.told.number;
        match chosen {
            "" => format!("{here}?after={after}"),
            code => format!("{here}?result={code}&after={after}"),
        }
    });
    let page = JobPage {
        frame: reply::frame(
            app,
            match circulars::find(&app.emr.db, job.id).await? {
                Some(_) => "Message to many",
                None => "Invitations",
            },
        ),
        csrf: csrf::token(visitor.token),
        here,
        started: datetime_text(app.emr.zone.wall(instant(job.created)))
            .chars()
            .take(16)
            .collect(),
        total: job.total,
        done: job.total - left,
        is_running: job.status == Status::Waiting,
        is_stopped: job.status == Status::Stopped,
        again: failed
            + if job.status == Status::Stopped {
                left
            } else {
                0
            },
        tabs,
        rows: rows.into_iter().map(row).collect(),
        next,
    };
    let mut response = reply::html(StatusCode::OK, page);
    if job.status == Status::Waiting {
        response.headers_mut().insert(AGAIN.0, AGAIN.1);
    }
    Ok(response)
}

fn row(shown: Shown) -> JobRow {
    let (colour, words) = words(&shown.told.code);
    JobRow {
        name: shown
            .standing
            .as_ref()
            .map_or("Unknown".to_owned(), |one| plain(&one.display(), 80)),
        born: shown
            .standing
            .as_ref()
            .and_then(|one| one.born)
            .map_or("unknown".to_owned(), crate::db::sql::date_text),
        number: shown
            .standing
            .map(|one| one.person.pid.to_string())
            .unwrap_or_default(),
        colour,
        words,
        reasons: shown
            .told
            .reasons
            .into_iter()
            .map(|(_, text)| text)
            .collect(),
    }
}

/// The colour and the words of a result.
fn words(code: &str) -> (&'static str, &'static str) {
    let known = WORDS.iter().find(|(known, ..)| *known == code);
    let short = || SHORT.iter().find(|(known, _)| *known == code);
    match known {
        Some((_, colour, words)) => (colour, words),
        None => ("warn", short().map_or("Refused", |(_, words)| words)),
    }
}

/// The newest jobs, for the page they are started on.
pub(super) async fn newest(app: &App) -> Answer<Vec<Recent>> {
    let newest = jobs::newest(&app.emr.db, RECENT).await?;
    let recent = newest.into_iter().map(|job| Recent {
        address: format!("/staff/jobs/{}", job.id),
        started: datetime_text(app.emr.zone.wall(instant(job.created)))
            .chars()
            .take(16)
            .collect(),
        total: job.total,
        words: match job.status {
            Status::Waiting => ("wait", "Running"),
            Status::Done => ("good", "Done"),
            Status::Stopped => ("off", "Stopped"),
        },
    });
    Ok(recent.collect())
}
