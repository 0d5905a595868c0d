//! Visits: the calendar's rows that belong to a patient (`openemr_postcalendar_events`), read and called off.

use sqlx::FromRow;
use time::Duration;
use time::OffsetDateTime;
use time::PrimitiveDateTime;
use uuid::Uuid;

use crate::db::sql::Sql;
use crate::db::sql::datetime_text;
use crate::domain::access::Reach;
use crate::domain::people::Code;
use crate::domain::people::Person;
use crate::domain::query::Cursor;
use crate::domain::query::Field;
use crate::domain::query::Filter;
use crate::domain::query::Page;
use crate::domain::query::Query;
use crate::domain::records::Record;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Refusal;
use crate::domain::scope::Token;
use crate::domain::visits::Appointment;
use crate::domain::visits::Status;
use crate::emr::Emr;
use crate::emr::names::named;
use crate::emr::people::tidy;
use crate::emr::predicates;
use crate::emr::uuids;
use crate::emr::uuids::Table;
use crate::emr::wall;

const TABLE: &str = "openemr_postcalendar_events";

/// Where the practice's calendar categories live as codes.
pub const CATEGORY_SYSTEM: &str = "https://anteroom.dev/fhir/CodeSystem/openemr-calendar-category";

/// `pc_pid` and `pc_aid` are text: the first is compared as text, the second is cast for the index on `users.id`
/// and then checked as text in [`EventRow::has_provider`], because a cast makes 12 of '12abc', and because comparing a
/// cast with a column fails where the server's collation is not the table's. Times are read as text: OpenEMR's staff
/// screens write an end past midnight as 24:15:00. `pc_eventstatus` 1 is what the calendar shows.
const SELECT: &str = "SELECT CAST(e.pc_eid AS SIGNED) AS row_id, e.pc_apptstatus AS mark, e.pc_catid AS category, e.pc_title AS title, c.pc_constant_id AS constant, c.pc_catname AS category_name, \
    CONCAT(e.pc_eventDate, ' ', CASE WHEN e.pc_alldayevent = 0 THEN COALESCE(e.pc_startTime, '00:00:00') ELSE '00:00:00' END) AS sort_key, \
    CAST(e.pc_endTime AS CHAR) AS end_time, e.pc_duration AS duration, \
    e.pc_hometext AS comment, e.pc_time AS created, e.pc_recurrtype AS recurrence, e.pc_alldayevent AS all_day, \
    e.pc_aid AS provider_key, u.id AS provider_row, u.uuid AS provider, u.fname AS provider_given, u.lname AS provider_family, \
    f.id AS location_row, m.uuid AS location, f.name AS location_name, p.pid AS patient_pid, p.uuid AS patient, p.fname AS given, p.lname AS family";

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
const JOINS: &str = " LEFT JOIN openemr_postcalendar_categories c ON c.pc_catid = e.pc_catid \
    LEFT JOIN users u ON u.id = CAST(e.pc_aid AS SIGNED) AND u.username <> '' AND (u.authorized = 1 OR u.portal_user = 1) \
    LEFT JOIN facility f ON f.id = e.pc_facility \
    LEFT JOIN uuid_mapping m ON m.id = (SELECT MIN(x.id) FROM uuid_mapping x \
        WHERE x.target_uuid = f.uuid AND x.resource = 'Location')";

/// The chart's number stands first: written behind the status, SQLite walks an index that narrows nothing and takes
/// three times as long (`benches/run`, the row without an index).
const OF_PATIENT: &str = " WHERE e.pc_pid = ? AND e.pc_eventstatus = 1";
const OF_ANYBODY: &str = " WHERE e.pc_eventstatus = 1";

/// The start as text, the same on both engines: what is sorted, paged and searched by. A day-long event starts at
/// midnight whatever its time says.
const START: &str = "CONCAT(e.pc_eventDate, ' ', CASE WHEN e.pc_alldayevent = 0 THEN COALESCE(e.pc_startTime, '00:00:00') ELSE '00:00:00' END)";
const ORDER: &str = " ORDER BY sort_key, e.pc_eid";

const STATUS: &str = "http://hl7.org/fhir/appointmentstatus";

/// A visit longer than this is a slip of the pen.
const LONGEST: Duration = Duration::days(31);

/// OpenEMR's marks (`list_options` list `apptstat`) and what they mean, in both directions: the first mark of a
/// status is the one written. `-` is how staff book by default, so it is a booked visit (OpenEMR facts 1.7).
pub const MARKS: [(&str, Status); 17] = [
    ("-", Status::Booked),
    ("*", Status::Booked),
    ("AVM", Status::Booked),
    ("SMS", Status::Booked),
    ("EMAIL", Status::Booked),
    ("^", Status::Pending),
    ("#", Status::Pending),
    ("CALL", Status::Waitlist),
    ("@", Status::Arrived),
    ("~", Status::Arrived),
    ("<", Status::CheckedIn),
    ("+", Status::CheckedIn),
    (">", Status::Fulfilled),
    ("$", Status::Fulfilled),
    ("x", Status::Cancelled),
    ("%", Status::Cancelled),
    ("?", Status::NoShow),
];

/// The patient left without being seen: there is no FHIR word for it but cancelled. It is never written.
const LEFT: &str = "!";

#[derive(FromRow)]
struct RowId {
    row_id: i64,
}

#[derive(FromRow)]
struct EventRow {
    row_id: i64,
    uuid: Option<Vec<u8>>,
    mark: String,
    category: i64,
    title: Option<String>,
    constant: Option<String>,
    category_name: Option<String>,
    sort_key: String,
    end_time: Option<String>,
    duration: i64,
    comment: Option<String>,
    created: Option<PrimitiveDateTime>,
    recurrence: i64,
    all_day: i64,
    provider_key: Option<String>,
    provider_row: Option<i64>,
    provider: Option<Vec<u8>>,
    provider_given: Option<String>,
    provider_family: Option<String>,
    location_row: Option<i64>,
    location: Option<Vec<u8>>,
    location_name: Option<String>,
    patient_pid: i64,
    patient: Option<Vec<u8>>,
    given: Option<String>,
    family: Option<String>,
}

/// What a calendar mark means. A mark the practice made up itself is a booked visit.
pub fn status_of(mark: &str) -> Status {
    if mark == LEFT {
        return Status::Cancelled;
    }
    MARKS
        .iter()
        .find(|(known, _)| *known == mark)
        .map_or(Status::Booked, |(_, status)| *status)
}

/// Visits in the order of their start: the patient's, or everybody's on certain days where the reach is that wide.
///
/// # Errors
/// `Unsupported` for a filter a visit does not have; `Invalid` at `patient` where everybody's visits on all days are
/// asked for; otherwise as [`crate::db::Db::all`].
pub(super) async fn find(emr: &Emr, reach: &Reach, query: &Query) -> Answer<Page<Record>> {
    let sql = statement(emr, reach, query).await?;
    if query.count == 0 {
        return Ok(Page {
            records: Vec::new(),
            next: None,
        });
    }
    let mut rows: Vec<EventRow> = emr.db.all(sql.clone()).await?;
    let mut filled = false;
    for (table, bare) in BARE {
        if rows.iter().any(bare) && (table != Table::Events || has_uuid(emr)) {
            uuids::fill(emr, table).await?;
            filled = true;
        }
    }
    if filled {
        rows = emr.db.all(sql).await?;
    }
    let limit = usize::try_from(query.count).unwrap_or(usize::MAX);
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows.last().filter(|_| more).map(|row| Cursor {
        key: row.sort_key.clone(),
        row: row.row_id,
    });
    let records = rows
        .into_iter()
        .filter_map(|row| row.appointment(emr))
        .map(|appointment| Record::Appointment(Box::new(appointment)))
        .collect();
    Ok(Page { records, next })
}

/// The one statement of a search.
async fn statement(emr: &Emr, reach: &Reach, query: &Query) -> Answer<Sql> {
    let sql = Sql::new(SELECT).push(if has_uuid(emr) { UUID } else { NO_UUID });
    let mut sql = match reach.patient() {
        Some(person) => sql
            .push(OF_ONE)
            .bind(person.pid)
            .bind(person.uuid)
            .push(JOINS)
            .push(OF_PATIENT)
            .bind(person.pid.to_string()),
        None => {
            let all = sql.push(OF_ALL).push(JOINS).push(OF_ANYBODY);
            everybodys(emr, all, query)?
        }
    };
    if let Some(ids) = &query.ids {
        sql = match (has_uuid(emr), reach.patient()) {
            (true, _) => sql.push(" AND e.uuid IN ").list(ids.iter().copied()),
            (false, Some(person)) => sql
                .push(" AND e.pc_eid IN ")
                .list(rows_of(emr, person.pid, ids).await?),
            // Name-based ids are turned back within one chart only.
            (false, None) => return Err(reach.person().err().unwrap_or(Refusal::NotFound).into()),
        };
    }
    sql = predicates::granted(sql, reach, |sql, filter| filtered(emr, sql, filter))?;
    for filter in &query.filters {
        sql = filtered(emr, sql, filter)?;
    }
    if let Some(cursor) = &query.after {
        sql = above(sql, cursor);
    }
    Ok(sql.push(ORDER).limit(query.count + 1))
}

/// Everybody's visits are asked for by the day, which has an index, or by id.
fn everybodys(emr: &Emr, sql: Sql, query: &Query) -> Result<Sql, Refusal> {
    let mut sql = sql;
    let mut bounded = query.ids.is_some();
    for filter in &query.filters {
        if let Filter::Date(Field::Date, ranges) = filter {
            sql = predicates::window(sql, "e.pc_eventDate", ranges, &emr.zone);
            bounded = true;
        }
    }
    let why = "This token reaches more than one patient: say which, as patient=[id], or which days, as date=.";
    bounded
        .then_some(sql)
        .ok_or_else(|| Refusal::invalid("patient", why))
}

fn filtered(emr: &Emr, sql: Sql, filter: &Filter) -> Result<Sql, Refusal> {
    Ok(match filter {
        Filter::Date(Field::Date, ranges) => predicates::dates(sql, START, ranges, &emr.zone),
        Filter::Date(Field::LastUpdated, ranges) => {
            predicates::dates(sql, "e.pc_time", ranges, &emr.zone)
        }
        Filter::Token(Field::Status, tokens) => statuses(sql, tokens),
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

/// One status parameter: its values are alternatives. Booked is also every mark this house has never heard of,
/// so it is said by what it is not. Marks are compared by their bytes, as [`status_of`] does: a collation takes X for x.
fn statuses(sql: Sql, tokens: &[Token]) -> Sql {
    let wanted: Vec<Status> = tokens
        .iter()
        .flat_map(|token| {
            let asked = |(code, _): &&(&str, Status)| predicates::asks_for(token, STATUS, code);
            Status::CODES.iter().filter(asked)
        })
        .map(|(_, status)| *status)
        .collect();
    let all = || MARKS.iter().copied().chain([(LEFT, Status::Cancelled)]);
    if wanted.contains(&Status::Booked) {
        let others: Vec<String> = all()
            .filter(|(_, status)| !wanted.contains(status))
            .map(|(mark, _)| predicates::hex(mark))
            .collect();
        return match others.is_empty() {
            // Every status was asked for, and NOT IN of nothing is no condition SQL has.
            true => sql,
            false => sql.push(" AND HEX(e.pc_apptstatus) NOT IN ").list(others),
        };
    }
    let marks = all()
        .filter(|(_, status)| wanted.contains(status))
        .map(|(mark, _)| predicates::hex(mark));
    sql.push(" AND HEX(e.pc_apptstatus) IN ").list(marks)
}

/// Whether a row waits for a filler.
type Bare = fn(&EventRow) -> bool;

/// Which table's filler a row waits for.
const BARE: [(Table, Bare); 4] = [
    (Table::Patients, |row| {
        uuids::known(row.patient.as_deref()).is_none()
    }),
    (Table::Events, |row| {
        uuids::known(row.uuid.as_deref()).is_none()
    }),
    (Table::Users, |row| {
        row.has_provider() && uuids::known(row.provider.as_deref()).is_none()
    }),
    (Table::Facilities, |row| {
        row.location_row.is_some() && uuids::known(row.location.as_deref()).is_none()
    }),
];

impl EventRow {
    /// Whether the user that was joined is the one the text names.
    fn has_provider(&self) -> bool {
        let key = self.provider_key.as_deref().map(str::trim);
        self.provider_row
            .is_some_and(|row| key == Some(row.to_string().as_str()))
    }

    /// The end by the wall clock for a day-long event, else so many seconds after the start. `pc_duration` counts;
    /// `pc_endTime` serves where there is none, and may be past midnight.
    fn length(&self) -> Duration {
        let told = Duration::seconds(self.duration);
        if Duration::ZERO < told && told <= LONGEST {
            return told;
        }
        let start = self.sort_key.split_once(' ');
        let start = start.and_then(|(_, clock)| wall::clock(clock));
        let end = self.end_time.as_deref().and_then(wall::clock);
        match (start, end) {
            (Some(start), Some(end)) if end > start => Duration::seconds(end - start),
            // 00:00:00 is how an end nobody gave looks.
            (Some(start), Some(end)) if 0 < end && end < start => {
                Some(Duration::seconds(end - start + 86_400))
                    .filter(|length| *length <= Duration::hours(12))
                    .unwrap_or(Duration::ZERO)
            }
            _ => Duration::ZERO,
        }
    }

    /// First and last instant; `None` where there is no start FHIR could tell.
    fn span(&self, emr: &Emr) -> Option<(OffsetDateTime, OffsetDateTime)> {
        let wall = start_of(&self.sort_key)?;
        let start = emr.zone.told(Some(wall))?;
        let length = self.length();
        let end = match self.all_day {
            0 => emr.zone.at(start.checked_add(length)?),
            // Midnight to midnight, which is not always 24 hours.
            _ => emr
                .zone
                .instant(wall.checked_add(Duration::days(length.whole_days().max(1)))?),
        };
        Some((start, end))
    }

    /// The visit; `None` for a row without a date, which is no visit anybody could keep.
    fn appointment(self, emr: &Emr) -> Option<Appointment> {
        let person = Person {
            pid: self.patient_pid,
            uuid: uuids::known(self.patient.as_deref())?,
        };
        let uuid = match has_uuid(emr) {
            true => uuids::known(self.uuid.as_deref())?,
            false => named(TABLE, self.row_id),
        };
        let (start, end) = self.span(emr)?;
        let provider = uuids::known(self.provider.as_deref()).filter(|_| self.has_provider());
        let code = self
            .constant
            .filter(|constant| !constant.is_empty())
            .unwrap_or_else(|| self.category.to_string());
        let name = self.category_name.or(self.title);
        Some(Appointment {
            uuid,
            person,
            patient_name: spoken(self.given, self.family),
            status: status_of(&self.mark),
            mark: self.mark,
            category: name.map(|display| Code {
                system: CATEGORY_SYSTEM,
                code,
                display: tidy(Some(display)),
            }),
            start,
            end,
            provider: provider
                .map(|uuid| (uuid, spoken(self.provider_given, self.provider_family))),
            location: uuids::known(self.location.as_deref())
                .map(|uuid| (uuid, tidy(self.location_name))),
            comment: comment_of(self.comment),
            created: emr.zone.told(self.created),
            series: self.recurrence > 0,
        })
    }
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

/// Old rows begin with the words `:text:`, which were never meant for people.
fn comment_of(text: Option<String>) -> String {
    let text = tidy(text);
    text.strip_prefix(":text:")
        .unwrap_or(&text)
        .trim()
        .to_owned()
}

/// The wall time of an instant as OpenEMR's screens write it, minutes and no more.
pub(super) fn minutes(emr: &Emr, at: OffsetDateTime) -> String {
    let mut text = datetime_text(emr.zone.wall(at));
    text.truncate(16);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f130_to_f134_marks_mean_what_openemr_facts_1_7_says() {
        for (mark, status) in MARKS {
            assert_eq!(status_of(mark), status, "{mark}");
        }
        assert_eq!(status_of("!"), Status::Cancelled);
        assert_eq!(status_of("our own"), Status::Booked);
    }

    #[test]
    fn booked_includes_marks_nobody_here_knows() {
        let sql = statuses(Sql::new(""), &[Token::of("booked"), Token::of("noshow")]);
        assert!(
            sql.text()
                .starts_with(" AND HEX(e.pc_apptstatus) NOT IN (?")
        );
        let all = statuses(Sql::new(""), &[Token::of(&format!("{STATUS}|"))]);
        assert_eq!(all.text(), "", "every status");
        let none = statuses(Sql::new(""), &[Token::of("proposed")]);
        assert_eq!(none.text(), " AND HEX(e.pc_apptstatus) IN (NULL)");
    }

    #[test]
    fn comments_lose_the_old_marker() {
        assert_eq!(comment_of(Some(":text: hello ".to_owned())), "hello");
        assert_eq!(comment_of(None), "");
    }
}
