//! Visits as the pages look for them: a patient's own, those of a day, and those that wait for an answer at the desk.

use time::Date;
use time::Duration;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::domain::ResourceType;
use crate::domain::query::DateRange;
use crate::domain::query::Field;
use crate::domain::query::Filter;
use crate::domain::query::Prefix;
use crate::domain::query::Query;
use crate::domain::records::Record;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Refusal;
use crate::domain::scope::Interaction;
use crate::domain::scope::Token;
use crate::domain::visits::Appointment;
use crate::domain::visits::Status;
use crate::emr;
use crate::emr::Emr;
use crate::http::App;
use crate::rest::Rest;

const KIND: ResourceType = ResourceType::Appointment;

/// Visits of one look at most; nobody reads more of them on a page.
pub const MOST: usize = 2_000;

/// Visits of one statement.
const PAGE: u32 = 200;

/// How far back a request to be called is looked for: it has no time that could have passed.
const CALLS: Duration = Duration::days(60);

/// A visit, and the version of it that a page shows.
#[derive(Clone, Debug)]
pub struct Found {
    /// The visit.
    pub visit: Appointment,
    /// What `If-Match` would say.
    pub version: u64,
}

impl Found {
    fn of(record: Record) -> Option<Self> {
        let version = record.version();
        match record {
            Record::Appointment(visit) => Some(Self {
                visit: *visit,
                version,
            }),
            _ => None,
        }
    }
}

/// A patient's visits: those that are not over, the soonest first, and the others, the latest first.
///
/// # Errors
/// As [`emr::find`].
pub async fn own(rest: &Rest<'_>) -> Answer<(Vec<Found>, Vec<Found>)> {
    let now = rest.emr.now();
    let morning = morning(rest.emr, today(rest.emr));
    let before = all(rest, vec![dated(Prefix::Lt, (morning, morning))]).await?;
    let later = coming(rest).await?;
    let all = before.into_iter().chain(later);
    let (coming, past): (Vec<Found>, Vec<Found>) =
        all.partition(|one| now < one.visit.end || calls(now, &one.visit));
    Ok((coming, past.into_iter().rev().collect()))
}

/// A patient's visits from today on, the soonest first.
///
/// # Errors
/// As [`emr::find`].
pub async fn coming(rest: &Rest<'_>) -> Answer<Vec<Found>> {
    let morning = morning(rest.emr, today(rest.emr));
    all(rest, vec![dated(Prefix::Ge, (morning, morning))]).await
}

/// What waits for an answer, of the whole practice, the soonest first.
///
/// # Errors
/// As [`emr::find`].
pub async fn waiting(rest: &Rest<'_>) -> Answer<Vec<Found>> {
    let from = morning(rest.emr, today(rest.emr));
    let until = from + rest.emr.booking.ahead + Duration::DAY;
    let within = |span, waits: &[Status]| {
        let waits = waits.iter().map(|status| Token::of(status.code()));
        let waits = Filter::Token(Field::Status, waits.collect());
        vec![dated(Prefix::Eq, span), waits]
    };
    let mut found = all(rest, within((from - CALLS, from), &[Status::Waitlist])).await?;
    let waits = [Status::Pending, Status::Waitlist];
    found.extend(all(rest, within((from, until), &waits)).await?);
    Ok(found)
}

/// Whether somebody still waits for a call about it.
fn calls(now: OffsetDateTime, visit: &Appointment) -> bool {
    visit.status == Status::Waitlist && now - visit.end < CALLS
}

/// The visits of a day, of the whole practice.
///
/// # Errors
/// As [`emr::find`].
pub async fn of_day(rest: &Rest<'_>, day: Date) -> Answer<Vec<Found>> {
    let next = day.next_day().unwrap_or(day);
    let span = (morning(rest.emr, day), morning(rest.emr, next));
    all(rest, vec![dated(Prefix::Eq, span)]).await
}

/// One visit.
///
/// # Errors
/// `NotFound` where there is none within this caller's reach.
pub async fn one(rest: &Rest<'_>, id: Uuid) -> Answer<Found> {
    let reach = rest.grant.reach(KIND, Interaction::Read)?;
    let record = emr::read(rest.emr, &reach, id).await?;
    Found::of(record).ok_or_else(|| Refusal::NotFound.into())
}

/// Leaves the ledger's line of a look at visits: at one, or through them.
pub async fn noted(app: &App, rest: &Rest<'_>, one: Option<Uuid>) {
    let (action, resource) = match one {
        Some(id) => ("Appointment.read", format!("{}/{id}", KIND.name())),
        None => ("Appointment.search", KIND.name().to_owned()),
    };
    app.reads
        .note(rest.entry(action.to_owned(), resource))
        .await;
}

/// The practice's day.
pub fn today(emr: &Emr) -> Date {
    emr.zone.wall(emr.now()).date()
}

/// When a day begins.
pub fn morning(emr: &Emr, day: Date) -> OffsetDateTime {
    emr.zone.instant(day.midnight())
}

fn dated(prefix: Prefix, (start, end): (OffsetDateTime, OffsetDateTime)) -> Filter {
    Filter::Date(Field::Date, vec![DateRange { prefix, start, end }])
}

async fn all(rest: &Rest<'_>, filters: Vec<Filter>) -> Answer<Vec<Found>> {
    let reach = rest.grant.reach(KIND, Interaction::Search)?;
    let mut query = Query {
        filters,
        count: PAGE,
        ..Query::default()
    };
    let mut found = Vec::new();
    loop {
        let page = emr::find(rest.emr, &reach, &query).await?;
        found.extend(page.records.into_iter().filter_map(Found::of));
        match page.next.filter(|_| found.len() < MOST) {
            Some(next) => query.after = Some(next),
            None => return Ok(found),
        }
    }
}
