//! What is in the providers' calendars on some days, series expanded (OpenEMR facts 2.7, 2).

use std::collections::HashMap;

use sqlx::FromRow;
use time::Date;
use time::Duration;

use crate::config::booking::CancelledTime;
use crate::config::booking::OpenEnd;
use crate::db::Tx;
use crate::db::sql::Sql;
use crate::db::sql::datetime_text;
use crate::domain::refusal::Answer;
use crate::domain::visits::Status;
use crate::emr::Emr;
use crate::emr::calendar::marks::status_of;
use crate::emr::calendar::series::weekend;
use crate::emr::calendar::start_of;
use crate::emr::openings::Cancelled;
use crate::emr::openings::Event;
use crate::emr::openings::Kind;
use crate::emr::openings::Rules;
use crate::emr::recurrence::Recurrence;
use crate::emr::slots::forward;
use crate::emr::wall;
use crate::store::holds;
use crate::store::holds::Hold;

/// Of any category, patient and status, as OpenEMR counts them; `pc_aid` is text. A series without an end is never
/// shown (`pc_endDate` NULL or the zero date).
const EVENTS: &str = "SELECT e.pc_aid AS provider_key, e.pc_pid AS patient_key, e.pc_catid AS category, e.pc_prefcatid AS reserved, \
    e.pc_apptstatus AS mark, e.pc_alldayevent AS all_day, e.pc_duration AS duration, \
    CONCAT(e.pc_eventDate, ' ', COALESCE(e.pc_startTime, '00:00:00')) AS start, CAST(e.pc_endTime AS CHAR) AS end_time, \
    e.pc_recurrtype AS recurrence, CASE WHEN e.pc_recurrtype > 0 THEN e.pc_recurrspec END AS spec, \
    CAST(e.pc_endDate AS CHAR) AS last_day FROM openemr_postcalendar_events e WHERE ";

const BY: &str = "e.pc_aid IN ";

/// OpenEMR's only index that knows whose an event is begins with its category: with all there are said, the calendar is not
/// walked from end to end, which matters most while everybody waits for the turn.
const KINDS: &str = "SELECT DISTINCT pc_catid AS category FROM openemr_postcalendar_events";
const OF: &str = "e.pc_catid IN ";
const AND_BY: &str = " AND e.pc_aid IN ";

/// Two statements, each along the days of the index; as one with OR all of a provider's years would be read. Where somebody
/// books, single events are read with a lock on their days: what OpenEMR is writing there at this moment is waited for, and
/// what it writes after waits. A series reaches over years and cannot be locked without locking the calendar.
const SINGLES: &str = " AND e.pc_recurrtype = 0 AND e.pc_eventDate >= ? AND e.pc_eventDate <= ?";
const SERIES: &str = " AND e.pc_recurrtype > 0 AND e.pc_eventDate <= ? AND e.pc_endDate >= ?";

/// In Office and Out Of Office: their numbers are fixed in OpenEMR (facts 1.5).
const IN: i64 = 2;
const OUT: i64 = 3;

/// Days before the first that are looked at too: an event may be this long.
const BEFORE: Duration = Duration::days(3);

#[derive(FromRow)]
struct Kinds {
    category: i64,
}

#[derive(FromRow)]
pub(in crate::emr) struct EventRow {
    provider_key: Option<String>,
    patient_key: Option<String>,
    category: i64,
    reserved: i64,
    mark: String,
    all_day: i64,
    duration: i64,
    start: String,
    end_time: Option<String>,
    recurrence: i64,
    spec: Option<String>,
    last_day: Option<String>,
}

/// What of a calendar does not stand in a patient's own way.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::emr) struct Own {
    /// The chart: what is held for it.
    pub(in crate::emr) pid: i64,
    /// When the visit begins that is given up for the new one, by the wall: `2026-11-24 09:15:00`.
    pub(in crate::emr) instead: Option<String>,
}

/// The events of each provider on these days, what is held and what the clocks skip among them.
///
/// # Errors
/// As [`crate::db::Db::all`].
pub(in crate::emr) async fn of(
    emr: &Emr,
    providers: &[i64],
    days: (Date, Date),
    own: &Own,
) -> Answer<HashMap<i64, Vec<Event>>> {
    let (from, last) = (days.0.saturating_sub(BEFORE), days.1);
    let kinds: Vec<Kinds> = emr.db.all(Sql::new(KINDS)).await?;
    let singles = about(&kinds, providers).push(SINGLES);
    let mut rows: Vec<EventRow> = emr.db.all(singles.bind(from).bind(last)).await?;
    let series = about(&kinds, providers).push(SERIES);
    rows.extend(emr.db.all::<EventRow>(series.bind(last).bind(from)).await?);
    let held = holds::of(&emr.db, providers, emr.now().unix_timestamp()).await?;
    Ok(events(emr, (rows, held), (from, last), own))
}

/// The same of one provider within a transaction, as it is at this moment, whoever writes: no later than this, and
/// not before what was written when it began.
///
/// # Errors
/// As [`Tx::all`].
pub(in crate::emr) async fn within(
    emr: &Emr,
    tx: &mut Tx,
    (provider, days): (i64, (Date, Date)),
    own: &Own,
) -> Answer<Vec<Event>> {
    let (from, last) = (days.0.saturating_sub(BEFORE), days.1);
    let provider = [provider];
    let singles = Sql::new(EVENTS)
        .push(BY)
        .list([provider[0].to_string()])
        .push(SINGLES)
        .bind(from)
        .bind(days.0);
    let mut rows: Vec<EventRow> = tx.all(singles.push(tx.lock_clause())).await?;
    let kinds: Vec<Kinds> = tx.all(Sql::new(KINDS)).await?;
    // Beyond the day of the visit lies only what is told where it is taken.
    let later = about(&kinds, &provider)
        .push(SINGLES)
        .bind(days.0.saturating_add(Duration::DAY));
    rows.extend(tx.all::<EventRow>(later.bind(last)).await?);
    let series = about(&kinds, &provider).push(SERIES).bind(last).bind(from);
    rows.extend(tx.all::<EventRow>(series).await?);
    let held = holds::within(tx, &provider, emr.now().unix_timestamp()).await?;
    let mut found = events(emr, (rows, held), (from, last), own);
    Ok(found.remove(&provider[0]).unwrap_or_default())
}

fn about(kinds: &[Kinds], providers: &[i64]) -> Sql {
    Sql::new(EVENTS)
        .push(OF)
        .list(kinds.iter().map(|kind| kind.category))
        .push(AND_BY)
        .list(providers.iter().map(i64::to_string))
}

fn events(
    emr: &Emr,
    (rows, held): (Vec<EventRow>, Vec<Hold>),
    (from, last): (Date, Date),
    own: &Own,
) -> HashMap<i64, Vec<Event>> {
    let practice = emr.known();
    let weekend = weekend(practice.globals.text("weekend_days"));
    let mut found: HashMap<i64, Vec<Event>> = HashMap::new();
    for row in rows {
        let key = row.provider_key.as_deref().map(str::trim);
        let Some(provider) = key.and_then(|key| key.parse::<i64>().ok()) else {
            continue;
        };
        let Some(event) = row.event() else { continue };
        let days = match row.recurrence > 0 {
            false => vec![event.date],
            true => {
                let spec = row.spec.as_deref().unwrap_or_default();
                let end = row.last_day.as_deref().and_then(wall::day);
                Recurrence::of(row.recurrence, spec, event.date, end, &weekend)
                    .map_or_else(Vec::new, |series| series.occurrences(from, last))
            }
        };
        let given_up = |event: &Event| {
            let whose = row.patient_key.as_deref().map(str::trim);
            whose == Some(own.pid.to_string().as_str())
                && own.instead.is_some()
                && own.instead == wall_of(event)
        };
        let days = days.into_iter().map(|date| Event { date, ..event });
        let days = days.filter(|event| !given_up(event));
        found.entry(provider).or_default().extend(days);
    }
    for hold in held.iter().filter(|hold| hold.pid != own.pid) {
        found.entry(hold.provider).or_default().extend(taken(hold));
    }
    forward::put(&emr.zone, (from, last), &mut found);
    found
}

fn wall_of(event: &Event) -> Option<String> {
    let at = event.date.midnight();
    let at = at.checked_add(Duration::seconds(event.start))?;
    Some(datetime_text(at))
}

fn taken(hold: &Hold) -> Option<Event> {
    let wall = start_of(&hold.wall)?;
    Some(Event {
        date: wall.date(),
        start: (wall - wall.date().midnight()).whole_seconds(),
        seconds: hold.seconds,
        all_day: false,
        kind: Kind::Other { cancelled: false },
    })
}

/// The settings free time depends on.
pub(in crate::emr) fn rules(emr: &Emr) -> Rules {
    let practice = emr.known();
    let number = |name: &str| practice.globals.text(name).trim().parse::<i64>();
    Rules {
        step_minutes: number("calendar_interval").unwrap_or_default(),
        schedule_end: match emr.booking.open_end {
            OpenEnd::Schedule => number("schedule_end").unwrap_or(17),
            OpenEnd::Midnight => 24,
        },
        cancelled: match emr.booking.cancelled {
            CancelledTime::Blocks => Cancelled::Blocks,
            CancelledTime::Frees => Cancelled::Frees,
        },
    }
}

impl EventRow {
    /// The event on its first day; `None` for a row without one.
    fn event(&self) -> Option<Event> {
        let (day, clock) = self.start.split_once(' ')?;
        let start = wall::clock(clock)?;
        let end = self.end_time.as_deref().and_then(wall::clock);
        let seconds = match self.duration {
            told @ 1.. => told,
            // Nobody counted how long, but somebody wrote when it ends.
            _ => end.map_or(0, |end| (end - start).max(0)),
        };
        let kind = match self.category {
            IN => Kind::In {
                reserved_for: Some(self.reserved).filter(|reserved| *reserved > 0),
            },
            OUT => Kind::Out,
            _ => Kind::Other {
                cancelled: status_of(&self.mark) == Status::Cancelled,
            },
        };
        Some(Event {
            date: wall::day(day)?,
            start,
            seconds,
            all_day: self.all_day != 0,
            kind,
        })
    }
}
