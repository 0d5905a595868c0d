//! What is in the providers' calendars on some days, in one statement, series expanded (OpenEMR facts 2.7, 2).

use std::collections::HashMap;

use sqlx::FromRow;
use time::Date;
use time::Duration;

use crate::db::sql::Sql;
use crate::domain::visits::Status;
use crate::emr::Emr;
use crate::emr::calendar::marks::status_of;
use crate::emr::calendar::series::weekend;
use crate::emr::openings::Cancelled;
use crate::emr::openings::Event;
use crate::emr::openings::Kind;
use crate::emr::openings::Rules;
use crate::emr::recurrence::Recurrence;
use crate::emr::wall;

/// Of any category, patient and status, as OpenEMR counts them; `pc_aid` is text. A series without an end is never
/// shown (`pc_endDate` NULL or the zero date).
const EVENTS: &str = "SELECT e.pc_aid AS provider_key, e.pc_catid AS category, e.pc_prefcatid AS reserved, \
    e.pc_apptstatus AS mark, e.pc_alldayevent AS all_day, e.pc_duration AS duration, \
    CONCAT(e.pc_eventDate, ' ', COALESCE(e.pc_startTime, '00:00:00')) AS start, CAST(e.pc_endTime AS CHAR) AS end_time, \
    e.pc_recurrtype AS recurrence, CASE WHEN e.pc_recurrtype > 0 THEN e.pc_recurrspec END AS spec, \
    CAST(e.pc_endDate AS CHAR) AS last_day FROM openemr_postcalendar_events e WHERE e.pc_aid IN ";

const WITHIN: &str = " AND (e.pc_recurrtype = 0 AND e.pc_eventDate >= ? AND e.pc_eventDate <= ? \
    OR e.pc_recurrtype > 0 AND e.pc_eventDate <= ? AND e.pc_endDate >= ?)";

/// In Office and Out Of Office: their numbers are fixed in OpenEMR (facts 1.5).
const IN: i64 = 2;
const OUT: i64 = 3;

/// Days before the first that are looked at too: an event may be this long.
const BEFORE: Duration = Duration::days(3);

#[derive(FromRow)]
pub(in crate::emr) struct EventRow {
    provider_key: Option<String>,
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

/// The statement for these providers, first and last day.
pub(in crate::emr) fn statement(providers: &[i64], (first, last): (Date, Date)) -> Sql {
    let from = first.saturating_sub(BEFORE);
    Sql::new(EVENTS)
        .list(providers.iter().map(i64::to_string))
        .push(WITHIN)
        .bind(from)
        .bind(last)
        .bind(last)
        .bind(from)
}

/// The events of each provider on these days.
pub(in crate::emr) fn events(
    emr: &Emr,
    rows: Vec<EventRow>,
    (first, last): (Date, Date),
) -> HashMap<i64, Vec<Event>> {
    let practice = emr.known();
    let weekend = weekend(practice.globals.text("weekend_days"));
    let from = first.saturating_sub(BEFORE);
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
        let days = days.into_iter().map(|date| Event { date, ..event });
        found.entry(provider).or_default().extend(days);
    }
    found
}

/// The settings free time depends on.
pub(in crate::emr) fn rules(emr: &Emr) -> Rules {
    let practice = emr.known();
    let number = |name: &str| practice.globals.text(name).trim().parse::<i64>();
    Rules {
        step_minutes: number("calendar_interval").unwrap_or_default(),
        schedule_end: number("schedule_end").unwrap_or(17),
        // As OpenEMR's own search has it: staff free the time by deleting what was cancelled.
        cancelled: Cancelled::Blocks,
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
