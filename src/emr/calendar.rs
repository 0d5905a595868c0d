//! Visits: the calendar's rows that belong to a patient (`openemr_postcalendar_events`), a series as its single visits.

pub mod marks;
pub(in crate::emr) mod rows;
pub(in crate::emr) mod series;

use std::collections::HashMap;

use sqlx::FromRow;
use time::Date;
use time::Duration;
use time::OffsetDateTime;
use time::PrimitiveDateTime;
use uuid::Uuid;

use crate::db::Tx;
use crate::db::sql::Sql;
use crate::db::sql::datetime_text;
use crate::domain::access::Reach;
use crate::domain::query::Cursor;
use crate::domain::query::DateRange;
use crate::domain::query::Field;
use crate::domain::query::Filter;
use crate::domain::query::Page;
use crate::domain::query::Query;
use crate::domain::records::Record;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Refusal;
use crate::emr::Emr;
use crate::emr::calendar::rows::BARE;
use crate::emr::calendar::rows::EventRow;
use crate::emr::calendar::rows::Fellows;
use crate::emr::calendar::rows::SELECT;
use crate::emr::calendar::rows::occurrence_of;
use crate::emr::calendar::series::Window;
use crate::emr::names::named;
use crate::emr::people::tidy;
use crate::emr::predicates;
use crate::emr::uuids;
use crate::emr::uuids::Table;
use crate::emr::wall;

const TABLE: &str = "openemr_postcalendar_events";

/// Where the practice's calendar categories live as codes.
pub const CATEGORY_SYSTEM: &str = "https://anteroom.dev/fhir/CodeSystem/openemr-calendar-category";

/// Version 6.1 gives visits no uuid; their ids are name-based.
const UUID: &str = ", e.uuid AS uuid";
const NO_UUID: &str = ", NULL AS uuid";
const IDS: &str = "SELECT CAST(e.pc_eid AS SIGNED) AS row_id FROM openemr_postcalendar_events e WHERE e.pc_pid = ?";

/// The chart must still be the one of the grant: merging removes it and another may get its number.
const OF_ONE: &str =
    " FROM openemr_postcalendar_events e JOIN patient_data p ON p.pid = ? AND p.uuid = ?";

/// Everybody's: cast for the index on `patient_data.pid`, then compared as the text it is, by its bytes.
const OF_ALL: &str = " FROM openemr_postcalendar_events e JOIN patient_data p \
    ON p.pid = CAST(e.pc_pid AS SIGNED) AND HEX(e.pc_pid) = HEX(CAST(p.pid AS CHAR))";

/// A provider nobody can look up as a Practitioner is not referred to. Should two writers have mapped a Location, the
/// first is it.
const JOINS: &str = " LEFT JOIN anteroom_visit v ON v.event = e.pc_eid AND v.pid = p.pid \
    LEFT JOIN openemr_postcalendar_categories c ON c.pc_catid = e.pc_catid \
    LEFT JOIN users u ON u.id = CAST(e.pc_aid AS SIGNED) AND u.username <> '' AND (u.authorized = 1 OR u.portal_user = 1) \
    LEFT JOIN facility f ON f.id = e.pc_facility \
    LEFT JOIN uuid_mapping m ON m.id = (SELECT MIN(x.id) FROM uuid_mapping x \
        WHERE x.target_uuid = f.uuid AND x.resource = 'Location')";

/// The chart's number stands first: written behind the status, SQLite walks an index that narrows nothing and takes
/// three times as long (`benches/run`, the row without an index).
const OF_PATIENT: &str = " WHERE e.pc_pid = ? AND e.pc_eventstatus = 1";
const OF_ANYBODY: &str = " WHERE e.pc_eventstatus = 1";

/// A visit with several providers is a row for each; the first of them is the visit.
const FIRST: &str = " AND (e.pc_multiple = 0 OR NOT EXISTS (SELECT 1 FROM openemr_postcalendar_events g \
    WHERE g.pc_eventDate = e.pc_eventDate AND g.pc_multiple = e.pc_multiple AND g.pc_pid = e.pc_pid \
    AND g.pc_recurrtype = e.pc_recurrtype AND g.pc_eventstatus = 1 AND g.pc_eid < e.pc_eid))";

/// The start as text, the same on both engines: what is sorted, paged and searched by. A day-long event starts at
/// midnight whatever its time says.
const START: &str = "CONCAT(e.pc_eventDate, ' ', CASE WHEN e.pc_alldayevent = 0 THEN COALESCE(e.pc_startTime, '00:00:00') ELSE '00:00:00' END)";
const ORDER: &str = " ORDER BY sort_key, e.pc_eid";

/// Series before single visits: a statement that brings none of the first has brought a page of the second.
const SERIES_FIRST: &str =
    " ORDER BY CASE WHEN e.pc_recurrtype > 0 THEN 0 ELSE 1 END, sort_key, e.pc_eid";

/// Series one search looks through at most.
const MOST_SERIES: u32 = 2_000;

#[derive(FromRow)]
struct RowId {
    row_id: i64,
}

/// Which rows a statement is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// Series, and single visits of one page.
    Both,
    /// Single visits of one page.
    Singles,
    /// Series.
    Series,
}

/// What is asked for by id: single visits, and days of series.
#[derive(Default)]
struct Ids {
    singles: Vec<Uuid>,
    days: HashMap<i64, Vec<Date>>,
}

impl Ids {
    fn of(ids: &[Uuid]) -> Self {
        let mut found = Self::default();
        for id in ids {
            if let Some((row, day)) = occurrence_of(*id) {
                found.days.entry(row).or_default().push(day);
            }
            // A visit taken out of its series keeps its id.
            found.singles.push(*id);
        }
        found
    }
}

/// One search: what is asked, and the days of series it can be about.
struct Search<'a> {
    emr: &'a Emr,
    reach: &'a Reach,
    query: &'a Query,
    ids: Option<Ids>,
    window: Window,
}

/// Visits in the order of their start: the patient's, or everybody's on certain days where the reach is that wide.
/// A series is told as its visits, from five years ago until two years ahead.
///
/// # Errors
/// `Unsupported` for a filter a visit does not have; `Invalid` at `patient` where everybody's visits on all days are
/// asked for; `TooLarge` where more than 2,000 series would have to be looked through; otherwise as
/// [`crate::db::Db::all`].
pub(super) async fn find(emr: &Emr, reach: &Reach, query: &Query) -> Answer<Page<Record>> {
    let search = Search {
        emr,
        reach,
        query,
        ids: query.ids.as_deref().map(Ids::of),
        window: Window::of(emr, query),
    };
    if query.count == 0 {
        search.statement(Part::Both).await?;
        return Ok(Page {
            records: Vec::new(),
            next: None,
        });
    }
    let mut rows = search.rows().await?;
    let mut filled = false;
    for (table, bare) in BARE {
        if rows.iter().any(bare) && (table != Table::Events || has_uuid(emr)) {
            uuids::fill(emr, table).await?;
            filled = true;
        }
    }
    if filled {
        rows = search.rows().await?;
    }
    search.page(&rows).await
}

impl Search<'_> {
    /// The series and the single visits a page can be made of: one statement where a chart has no series.
    async fn rows(&self) -> Answer<Vec<EventRow>> {
        let asked = |part: Part| match &self.ids {
            None => true,
            Some(ids) if part == Part::Series => !ids.days.is_empty(),
            Some(ids) => !ids.singles.is_empty(),
        };
        if self.ids.is_none() && self.reach.patient().is_some() {
            let rows = self.run(Part::Both).await?;
            let page = usize::try_from(self.query.count).unwrap_or(usize::MAX);
            let is_series = rows.first().is_some_and(|row| row.recurrence > 0);
            // A short answer is a whole one.
            if !is_series || rows.len() <= page {
                return Ok(rows);
            }
        }
        let mut rows = Vec::new();
        for part in [Part::Series, Part::Singles] {
            if asked(part) {
                rows.extend(self.run(part).await?);
            }
        }
        Ok(rows)
    }

    async fn run(&self, part: Part) -> Answer<Vec<EventRow>> {
        let rows: Vec<EventRow> = self.emr.db.all(self.statement(part).await?).await?;
        if part == Part::Series && rows.len() > usize::try_from(MOST_SERIES).unwrap_or(usize::MAX) {
            let why = "More than 2,000 series of visits fit: ask for fewer days or one patient.";
            return Err(Refusal::TooLarge(why).into());
        }
        Ok(rows)
    }

    /// Merges single visits and those of series into one page.
    async fn page(&self, rows: &[EventRow]) -> Answer<Page<Record>> {
        let limit = usize::try_from(self.query.count).unwrap_or(usize::MAX);
        let mut found: Vec<(String, &EventRow, Option<Date>)> = Vec::new();
        for row in rows {
            match row.recurrence > 0 {
                false => found.push((row.sort_key.clone(), row, None)),
                true => {
                    let days = self.days(row).into_iter();
                    let days = days.map(|day| (row.key_on(day), row, Some(day)));
                    let asked = days.filter(|(key, ..)| self.is_asked(key, row.row_id));
                    found.extend(asked.take(limit.saturating_add(1)));
                }
            }
        }
        found.sort_by(|one, other| (&one.0, one.1.row_id).cmp(&(&other.0, other.1.row_id)));
        let more = found.len() > limit;
        found.truncate(limit);
        let next = found.last().filter(|_| more).map(|(key, row, _)| Cursor {
            key: key.clone(),
            row: row.row_id,
        });
        let shown: Vec<&EventRow> = found.iter().map(|(_, row, _)| *row).collect();
        let fellows = Fellows::of(self.emr, &shown).await?;
        let records = found
            .iter()
            .filter_map(|(_, row, day)| row.appointment(self.emr, &fellows, *day))
            .map(|appointment| Record::Appointment(Box::new(appointment)))
            .collect();
        Ok(Page { records, next })
    }

    /// The days of a series the search can be about.
    fn days(&self, row: &EventRow) -> Vec<Date> {
        let days = series::days(self.emr, row, self.window);
        match &self.ids {
            None => days,
            Some(ids) => {
                let wanted = ids.days.get(&row.row_id);
                let wanted = wanted.map(Vec::as_slice).unwrap_or_default();
                days.into_iter()
                    .filter(|day| wanted.contains(day))
                    .collect()
            }
        }
    }

    /// Whether a visit of a series is after the cursor and within the dates, which SQL cannot tell of it.
    fn is_asked(&self, key: &str, row: i64) -> bool {
        let after = &self.query.after;
        let is_after = after
            .as_ref()
            .is_none_or(|after| (key, row) > (after.key.as_str(), after.row));
        let Some(start) = start_of(key).map(|start| self.emr.zone.instant(start)) else {
            return false;
        };
        is_after
            && self.query.filters.iter().all(|filter| match filter {
                Filter::Date(Field::Date, ranges) => series::fits(ranges, start),
                _ => true,
            })
    }

    /// The statement of one part.
    async fn statement(&self, part: Part) -> Answer<Sql> {
        let (emr, query) = (self.emr, self.query);
        let sql = Sql::new(SELECT).push(if has_uuid(emr) { UUID } else { NO_UUID });
        let mut sql = match self.reach.patient() {
            Some(person) => sql
                .push(OF_ONE)
                .bind(person.pid)
                .bind(person.uuid)
                .push(JOINS)
                .push(OF_PATIENT)
                .bind(person.pid.to_string()),
            None => {
                let all = sql.push(OF_ALL).push(JOINS).push(OF_ANYBODY);
                everybodys(emr, all, (query, part))?
            }
        };
        sql = sql.push(match part {
            Part::Both => "",
            Part::Singles => " AND e.pc_recurrtype = 0",
            Part::Series => " AND e.pc_recurrtype > 0",
        });
        if part == Part::Series {
            sql = sql
                .push(" AND e.pc_eventDate <= ?")
                .bind(self.window.until)
                .push(" AND e.pc_endDate >= ?")
                .bind(self.window.from);
        }
        if let Some(ids) = &self.ids {
            sql = self.by_id(sql, part, ids).await?;
        }
        sql = predicates::granted(sql.push(FIRST), self.reach, |sql, filter| {
            filtered(emr, sql, filter)
        })?;
        let is_date = |filter: &&Filter| matches!(filter, Filter::Date(Field::Date, _));
        for filter in query.filters.iter().filter(|filter| !is_date(filter)) {
            sql = filtered(emr, sql, filter)?;
        }
        if part != Part::Series {
            // What is below is about the start of a row, which of a series is the first of many.
            sql = sql.push(" AND (e.pc_recurrtype > 0 OR (1 = 1");
            for filter in query.filters.iter().filter(is_date) {
                sql = filtered(emr, sql, filter)?;
            }
            if let Some(cursor) = &query.after {
                sql = above(sql, cursor);
            }
            sql = sql.push("))");
        }
        Ok(match part {
            Part::Both => sql.push(SERIES_FIRST).limit(query.count.saturating_add(1)),
            Part::Singles => sql.push(ORDER).limit(query.count.saturating_add(1)),
            Part::Series => sql.push(ORDER).limit(MOST_SERIES + 1),
        })
    }

    async fn by_id(&self, sql: Sql, part: Part, ids: &Ids) -> Answer<Sql> {
        if part == Part::Series {
            return Ok(sql.push(" AND e.pc_eid IN ").list(ids.days.keys().copied()));
        }
        Ok(match (has_uuid(self.emr), self.reach.patient()) {
            (true, _) => sql
                .push(" AND e.uuid IN ")
                .list(ids.singles.iter().copied()),
            (false, Some(person)) => sql
                .push(" AND e.pc_eid IN ")
                .list(rows_of(self.emr, person.pid, &ids.singles).await?),
            // Name-based ids are turned back within one chart only.
            (false, None) => {
                let refusal = self.reach.person().err();
                return Err(refusal.unwrap_or(Refusal::NotFound).into());
            }
        })
    }
}

/// Everybody's visits are asked for by the day, which has an index, or by id.
fn everybodys(emr: &Emr, sql: Sql, (query, part): (&Query, Part)) -> Result<Sql, Refusal> {
    let mut sql = sql;
    let mut bounded = query.ids.is_some();
    for ranges in dates(query) {
        if part != Part::Series {
            sql = predicates::window(sql, "e.pc_eventDate", ranges, &emr.zone);
        }
        bounded = true;
    }
    let why = "This token reaches more than one patient: say which, as patient=[id], or which days, as date=.";
    bounded
        .then_some(sql)
        .ok_or_else(|| Refusal::invalid("patient", why))
}

/// The date parameters of a query.
fn dates(query: &Query) -> impl Iterator<Item = &[DateRange]> {
    query.filters.iter().filter_map(|filter| match filter {
        Filter::Date(Field::Date, ranges) => Some(ranges.as_slice()),
        _ => None,
    })
}

fn filtered(emr: &Emr, sql: Sql, filter: &Filter) -> Result<Sql, Refusal> {
    Ok(match filter {
        Filter::Date(Field::Date, ranges) => predicates::dates(sql, START, ranges, &emr.zone),
        Filter::Date(Field::LastUpdated, ranges) => {
            predicates::dates(sql, "e.pc_time", ranges, &emr.zone)
        }
        Filter::Token(Field::Status, tokens) => marks::statuses(sql, tokens),
        _ => {
            let why = "Appointment has no such search parameter.";
            return Err(Refusal::Unsupported(why.to_owned()));
        }
    })
}

/// The rows behind a cursor in the order of [`ORDER`].
fn above(sql: Sql, cursor: &Cursor) -> Sql {
    sql.push(" AND (")
        .push(START)
        .push(" > ? OR (")
        .bind(&cursor.key)
        .push(START)
        .push(" = ? AND e.pc_eid > ?))")
        .bind(&cursor.key)
        .bind(cursor.row)
}

fn has_uuid(emr: &Emr) -> bool {
    emr.layout.has(TABLE, "uuid")
}

/// The patient's rows that have one of these name-based ids.
pub(super) async fn rows_of(emr: &Emr, pid: i64, ids: &[Uuid]) -> Answer<Vec<i64>> {
    let rows: Vec<RowId> = emr.db.all(Sql::new(IDS).bind(pid.to_string())).await?;
    let rows = rows.into_iter().map(|row| row.row_id);
    Ok(rows
        .filter(|row| ids.contains(&named(TABLE, *row)))
        .collect())
}

/// The same within a transaction: whoever holds a connection must not wait for another.
pub(super) async fn rows_within(tx: &mut Tx, pid: i64, id: Uuid) -> Answer<Vec<i64>> {
    let rows: Vec<RowId> = tx.all(Sql::new(IDS).bind(pid.to_string())).await?;
    let rows = rows.into_iter().map(|row| row.row_id);
    Ok(rows.filter(|row| id == named(TABLE, *row)).collect())
}

/// The first moment by the wall clock, from the text of [`START`]; `None` where the day is none.
pub(super) fn start_of(key: &str) -> Option<PrimitiveDateTime> {
    let (day, clock) = key.split_once(' ')?;
    wall::day(day)?
        .midnight()
        .checked_add(Duration::seconds(wall::clock(clock)?))
}

/// Given and family name in one line.
pub(super) fn spoken(given: Option<String>, family: Option<String>) -> String {
    [tidy(given), tidy(family)].join(" ").trim().to_owned()
}

/// The wall time of an instant as OpenEMR's screens write it, minutes and no more.
pub(super) fn minutes(emr: &Emr, at: OffsetDateTime) -> String {
    let mut text = datetime_text(emr.zone.wall(at));
    text.truncate(16);
    text
}

#[cfg(test)]
mod tests;
