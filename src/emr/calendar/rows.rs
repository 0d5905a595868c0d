//! A row of the calendar with a patient, and the visit it tells of.

use sqlx::FromRow;
use time::Date;
use time::Duration;
use time::OffsetDateTime;
use time::PrimitiveDateTime;
use uuid::Uuid;

use crate::db::sql::Sql;
use crate::db::sql::date_text;
use crate::domain::people::Code;
use crate::domain::people::Person;
use crate::domain::refusal::Answer;
use crate::domain::visits::Appointment;
use crate::domain::visits::Status;
use crate::emr::Emr;
use crate::emr::calendar::CATEGORY_SYSTEM;
use crate::emr::calendar::TABLE;
use crate::emr::calendar::has_uuid;
use crate::emr::calendar::marks::status_of;
use crate::emr::calendar::spoken;
use crate::emr::calendar::start_of;
use crate::emr::composed;
use crate::emr::composed::Kind;
use crate::emr::composed::Parts;
use crate::emr::names::named;
use crate::emr::people::tidy;
use crate::emr::uuids;
use crate::emr::uuids::Table;
use crate::emr::wall;

/// `pc_pid` and `pc_aid` are text: the first is compared as text, the second is cast for the index on `users.id`
/// and then checked as text in [`EventRow::has_provider`], because a cast makes 12 of '12abc', and because comparing a
/// cast with a column fails where the server's collation is not the table's. Times are read as text: OpenEMR's staff
/// screens write an end past midnight as 24:15:00. `pc_eventstatus` 1 is what the calendar shows.
pub(super) const SELECT: &str = "SELECT CAST(e.pc_eid AS SIGNED) AS row_id, e.pc_apptstatus AS mark, e.pc_catid AS category, e.pc_title AS title, c.pc_constant_id AS constant, c.pc_catname AS category_name, \
    CONCAT(e.pc_eventDate, ' ', CASE WHEN e.pc_alldayevent = 0 THEN COALESCE(e.pc_startTime, '00:00:00') ELSE '00:00:00' END) AS sort_key, \
    CAST(e.pc_endTime AS CHAR) AS end_time, e.pc_duration AS duration, CAST(e.pc_multiple AS SIGNED) AS multiple, \
    e.pc_hometext AS comment, e.pc_time AS created, e.pc_recurrtype AS recurrence, e.pc_alldayevent AS all_day, \
    CASE WHEN e.pc_recurrtype > 0 THEN e.pc_recurrspec END AS spec, CAST(e.pc_endDate AS CHAR) AS last_day, \
    e.pc_aid AS provider_key, u.id AS provider_row, u.uuid AS provider, u.fname AS provider_given, u.lname AS provider_family, u.specialty AS specialty, \
    f.id AS location_row, m.uuid AS location, f.name AS location_name, p.pid AS patient_pid, p.uuid AS patient, p.fname AS given, p.lname AS family, COALESCE(v.offered, 0) AS offered";

/// The rows of visits with several providers: one each, with one `pc_multiple` above 0 (OpenEMR facts 1.4), which no
/// index has; the day has one. Read in the order of the row, the first being the visit itself.
const FELLOWS: &str = "SELECT CAST(e.pc_multiple AS SIGNED) AS multiple, e.pc_pid AS patient_key, e.pc_recurrtype AS recurrence, \
    CAST(e.pc_eventDate AS CHAR) AS day, e.pc_aid AS provider_key, u.id AS provider_row, u.uuid AS provider, \
    u.fname AS provider_given, u.lname AS provider_family, u.specialty AS specialty \
    FROM openemr_postcalendar_events e \
    LEFT JOIN users u ON u.id = CAST(e.pc_aid AS SIGNED) AND u.username <> '' AND (u.authorized = 1 OR u.portal_user = 1) \
    WHERE e.pc_eventstatus = 1 AND e.pc_eventDate IN ";

/// A visit longer than this is a slip of the pen.
pub(in crate::emr) const LONGEST: Duration = Duration::days(31);

#[derive(Clone, FromRow)]
pub(super) struct EventRow {
    pub(super) row_id: i64,
    uuid: Option<Vec<u8>>,
    mark: String,
    category: i64,
    title: Option<String>,
    constant: Option<String>,
    category_name: Option<String>,
    pub(super) sort_key: String,
    end_time: Option<String>,
    duration: i64,
    multiple: i64,
    comment: Option<String>,
    created: Option<PrimitiveDateTime>,
    pub(super) recurrence: i64,
    all_day: i64,
    pub(super) spec: Option<String>,
    pub(super) last_day: Option<String>,
    provider_key: Option<String>,
    provider_row: Option<i64>,
    provider: Option<Vec<u8>>,
    provider_given: Option<String>,
    provider_family: Option<String>,
    specialty: Option<String>,
    location_row: Option<i64>,
    location: Option<Vec<u8>>,
    location_name: Option<String>,
    patient_pid: i64,
    patient: Option<Vec<u8>>,
    given: Option<String>,
    family: Option<String>,
    offered: i64,
}

#[derive(FromRow)]
struct FellowRow {
    multiple: i64,
    patient_key: Option<String>,
    recurrence: i64,
    day: Option<String>,
    provider_key: Option<String>,
    provider_row: Option<i64>,
    provider: Option<Vec<u8>>,
    provider_given: Option<String>,
    provider_family: Option<String>,
    specialty: Option<String>,
}

/// Whether a row waits for a filler.
type Bare = fn(&EventRow) -> bool;

/// Which table's filler a row waits for. An occurrence has an id of its own making.
pub(super) const BARE: [(Table, Bare); 4] = [
    (Table::Patients, |row| {
        uuids::known(row.patient.as_deref()).is_none()
    }),
    (Table::Events, |row| {
        row.recurrence == 0 && uuids::known(row.uuid.as_deref()).is_none()
    }),
    (Table::Users, |row| {
        row.has_provider() && uuids::known(row.provider.as_deref()).is_none()
    }),
    (Table::Facilities, |row| {
        row.location_row.is_some() && uuids::known(row.location.as_deref()).is_none()
    }),
];

/// A provider of a visit, and what for.
struct Fellow {
    uuid: Uuid,
    name: String,
    specialty: String,
}

/// The providers of the visits that have several.
pub(super) struct Fellows(Vec<(String, Fellow)>);

impl Fellows {
    /// Looks them up, where any of these rows is one of several.
    pub(super) async fn of(emr: &Emr, rows: &[&EventRow]) -> Answer<Self> {
        let several: Vec<&&EventRow> = rows.iter().filter(|row| row.multiple > 0).collect();
        if several.is_empty() {
            return Ok(Self(Vec::new()));
        }
        let sql = Sql::new(FELLOWS)
            .list(several.iter().map(|row| row.first_day()))
            .push(" AND e.pc_multiple IN ")
            .list(several.iter().map(|row| row.multiple))
            .push(" ORDER BY e.pc_eid");
        let rows: Vec<FellowRow> = emr.db.all(sql).await?;
        let fellows = rows.into_iter().filter_map(|row| {
            let key = group(
                row.multiple,
                &row.patient_key.unwrap_or_default(),
                row.recurrence,
                &row.day.unwrap_or_default(),
            );
            let known = is_row(row.provider_key.as_deref(), row.provider_row);
            let fellow = Fellow {
                uuid: uuids::known(row.provider.as_deref()).filter(|_| known)?,
                name: spoken(row.provider_given, row.provider_family),
                specialty: tidy(row.specialty),
            };
            Some((key, fellow))
        });
        Ok(Self(fellows.collect()))
    }

    fn of_row(&self, row: &EventRow) -> Vec<&Fellow> {
        if row.multiple == 0 {
            return Vec::new();
        }
        let wanted = group(
            row.multiple,
            &row.patient_pid.to_string(),
            row.recurrence,
            row.first_day(),
        );
        let mut found: Vec<&Fellow> = Vec::new();
        for (key, fellow) in &self.0 {
            if *key == wanted && found.iter().all(|known| known.uuid != fellow.uuid) {
                found.push(fellow);
            }
        }
        found
    }
}

fn group(multiple: i64, patient: &str, recurrence: i64, day: &str) -> String {
    format!("{multiple}|{patient}|{recurrence}|{day}")
}

/// Whether a row that was joined by a cast is the one the text names.
fn is_row(key: Option<&str>, row: Option<i64>) -> bool {
    row.is_some_and(|row| key.map(str::trim) == Some(row.to_string().as_str()))
}

impl EventRow {
    /// Whether the user that was joined is the one the text names.
    fn has_provider(&self) -> bool {
        is_row(self.provider_key.as_deref(), self.provider_row)
    }

    /// The day of the row: of a series the first.
    fn first_day(&self) -> &str {
        self.sort_key
            .split_once(' ')
            .map_or(&self.sort_key, |(day, _)| day)
    }

    /// The sort key of the same clock on another day.
    pub(super) fn key_on(&self, day: Date) -> String {
        let clock = self.sort_key.split_once(' ').map_or("", |(_, clock)| clock);
        format!("{} {clock}", date_text(day))
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
    fn span(&self, emr: &Emr, key: &str) -> Option<(OffsetDateTime, OffsetDateTime)> {
        let wall = start_of(key)?;
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

    /// The visit, or of a series the one of that day; `None` for a row without a date, which is no visit anybody could
    /// keep.
    pub(super) fn appointment(
        &self,
        emr: &Emr,
        fellows: &Fellows,
        day: Option<Date>,
    ) -> Option<Appointment> {
        let person = Person {
            pid: self.patient_pid,
            uuid: uuids::known(self.patient.as_deref())?,
        };
        let uuid = match day {
            Some(day) => occurrence_id(self.row_id, day)?,
            None if has_uuid(emr) => uuids::known(self.uuid.as_deref())?,
            None => named(TABLE, self.row_id),
        };
        let (start, end) = match day {
            Some(day) => self.span(emr, &self.key_on(day))?,
            None => self.span(emr, &self.sort_key)?,
        };
        let code = self
            .constant
            .clone()
            .filter(|constant| !constant.is_empty());
        let code = code.unwrap_or_else(|| self.category.to_string());
        let name = self.category_name.clone().or(self.title.clone());
        let (providers, specialties) = self.providers(fellows);
        Some(Appointment {
            uuid,
            person,
            patient_name: spoken(self.given.clone(), self.family.clone()),
            status: status_of(&self.mark),
            mark: self.mark.clone(),
            category: name.map(|display| Code {
                system: CATEGORY_SYSTEM,
                code,
                display: tidy(Some(display)),
            }),
            start,
            end,
            providers,
            specialties,
            location: uuids::known(self.location.as_deref())
                .map(|uuid| (uuid, tidy(self.location_name.clone()))),
            comment: comment_of(self.comment.clone()),
            created: emr.zone.told(self.created),
            series: day.is_some(),
            offered: self.offered != 0 && status_of(&self.mark) == Status::Pending,
            slot: None,
        })
    }

    /// Everybody the visit is with, and their specialties.
    fn providers(&self, fellows: &Fellows) -> (Vec<(Uuid, String)>, Vec<String>) {
        let own = Fellow {
            uuid: Uuid::nil(),
            name: spoken(self.provider_given.clone(), self.provider_family.clone()),
            specialty: tidy(self.specialty.clone()),
        };
        let own = uuids::known(self.provider.as_deref())
            .filter(|_| self.has_provider())
            .map(|uuid| Fellow { uuid, ..own });
        let mut all: Vec<&Fellow> = own.iter().collect();
        for fellow in fellows.of_row(self) {
            if all.iter().all(|known| known.uuid != fellow.uuid) {
                all.push(fellow);
            }
        }
        let mut specialties: Vec<String> = Vec::new();
        for fellow in &all {
            if !fellow.specialty.is_empty() && !specialties.contains(&fellow.specialty) {
                specialties.push(fellow.specialty.clone());
            }
        }
        let named = all.iter().map(|one| (one.uuid, one.name.clone()));
        (named.collect(), specialties)
    }
}

/// The id of one visit of a series; `None` before 1970, when there was no OpenEMR.
pub(in crate::emr) fn occurrence_id(row: i64, day: Date) -> Option<Uuid> {
    let parts = Parts {
        row: u64::try_from(row).ok()?,
        at: u32::try_from((day - EPOCH).whole_days()).ok()?,
        extra: 0,
    };
    Some(composed::id(Kind::Occurrence, parts))
}

/// The row and the day of such an id.
pub(in crate::emr) fn occurrence_of(id: Uuid) -> Option<(i64, Date)> {
    let parts = composed::parts(Kind::Occurrence, id)?;
    let day = EPOCH.checked_add(Duration::days(i64::from(parts.at)))?;
    Some((i64::try_from(parts.row).ok()?, day))
}

const EPOCH: Date = time::macros::date!(1970 - 01 - 01);

/// Old rows begin with the words `:text:`, which were never meant for people.
pub(in crate::emr) fn comment_of(text: Option<String>) -> String {
    let text = tidy(text);
    text.strip_prefix(":text:")
        .unwrap_or(&text)
        .trim()
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_lose_the_old_marker() {
        assert_eq!(comment_of(Some(":text: hello ".to_owned())), "hello");
        assert_eq!(comment_of(None), "");
    }

    #[test]
    fn an_occurrence_is_a_row_and_a_day() {
        let day = time::macros::date!(2026 - 11 - 24);
        let id = occurrence_id(77, day).expect("an id");
        assert_eq!(occurrence_of(id), Some((77, day)));
        assert_eq!(occurrence_of(Uuid::from_u128(77)), None);
        assert_eq!(occurrence_id(-1, day), None);
    }
}
