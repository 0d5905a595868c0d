//! Visits as the chart documents them (`form_encounter`): what an app may be launched about.

use sqlx::FromRow;
use uuid::Uuid;

use crate::db::sql::Sql;
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
use crate::domain::visits::Encounter;
use crate::domain::visits::Progress;
use crate::emr::Emr;
use crate::emr::calendar::CATEGORY_SYSTEM;
use crate::emr::calendar::spoken;
use crate::emr::calendar::start_of;
use crate::emr::people::tidy;
use crate::emr::predicates;
use crate::emr::uuids;
use crate::emr::uuids::Table;

const TABLE: &str = "form_encounter";

/// A row without a date sorts last. Dates come as text, because a zero date with a year occurs, which is no date a
/// driver could read.
const SELECT: &str = "SELECT e.id AS row_id, e.uuid, CAST(e.date AS CHAR) AS date, CAST(COALESCE(e.date, '1000-01-01 00:00:00') AS CHAR) AS sort_key, \
    e.reason, e.class_code, e.pc_catid AS category, c.pc_constant_id AS constant, c.pc_catname AS category_name, \
    p.pid, p.uuid AS patient_uuid, p.fname AS patient_fname, p.lname AS patient_lname, \
    u.id AS provider_row, u.uuid AS provider_uuid, u.fname AS provider_fname, u.lname AS provider_lname, \
    f.id AS facility_row, f.uuid AS facility_uuid, f.name AS facility_name, m.uuid AS location";

/// Version 6.1 has neither where the patient went nor the end nor the time of the last change. That is a TIMESTAMP, told in the session's zone, which is
/// the practice's, and read as text because the engines have different types for it.
const NEWER: &str = ", e.discharge_disposition, CAST(e.date_end AS CHAR) AS date_end, CAST(e.last_update AS CHAR) AS last_update";
const OLDER: &str = ", NULL AS discharge_disposition, NULL AS date_end, NULL AS last_update";

/// A provider nobody can look up as a Practitioner is not referred to; should two writers have mapped a Location, the
/// first is it. Of visits the practice marked as sensitive nothing is told: OpenEMR asks for a right of its own
/// (`sensitivities`), which no scope stands for.
const FROM: &str = " FROM form_encounter e JOIN patient_data p ON p.pid = e.pid \
    LEFT JOIN openemr_postcalendar_categories c ON c.pc_catid = e.pc_catid \
    LEFT JOIN users u ON u.id = e.provider_id AND u.username <> '' AND (u.authorized = 1 OR u.portal_user = 1) \
    LEFT JOIN facility f ON f.id = e.facility_id \
    LEFT JOIN uuid_mapping m ON m.id = (SELECT MIN(x.id) FROM uuid_mapping x \
        WHERE x.target_uuid = f.uuid AND x.resource = 'Location') \
    WHERE COALESCE(e.sensitivity, '') IN ('', 'normal')";

/// OpenEMR shows staff a visit only where they have the right its category asks for. The one that categories ask for
/// of old is less than the right without which nobody sees visits at all.
const OPEN_TO_STAFF: &str = " AND COALESCE((SELECT k.aco_spec FROM openemr_postcalendar_categories k \
    WHERE k.pc_catid = e.pc_catid), '') IN ";
const OF_OLD: &str = "encounters|notes";

/// Asked before the rest, so that a search about one patient goes by the index.
const OF_ONE: &str = " AND e.pid = ? AND p.uuid = ?";

const KEY: &str = "COALESCE(e.date, '1000-01-01 00:00:00')";

const ORDER: &str = " ORDER BY COALESCE(e.date, '1000-01-01 00:00:00') DESC, e.id DESC";

const BELONGS: &str = "SELECT id AS row_id FROM form_encounter WHERE uuid = ? AND pid = ? \
    AND COALESCE(sensitivity, '') IN ('', 'normal')";

const CLASSES: &str = "http://terminology.hl7.org/CodeSystem/v3-ActCode";

/// HL7's classes of encounters with its words for them; `class_code` holds one (list `_ActEncounterCode`).
const CLASS_WORDS: [(&str, &str); 11] = [
    ("AMB", "ambulatory"),
    ("EMER", "emergency"),
    ("FLD", "field"),
    ("HH", "home health"),
    ("IMP", "inpatient encounter"),
    ("ACUTE", "inpatient acute"),
    ("NONAC", "inpatient non-acute"),
    ("OBSENC", "observation encounter"),
    ("PRENC", "pre-admission"),
    ("SS", "short stay"),
    ("VR", "virtual"),
];

const DISCHARGES: &str = "http://terminology.hl7.org/CodeSystem/discharge-disposition";

/// HL7's codes of where a patient goes, which OpenEMR's list `discharge-disposition` has as option ids, with HL7's words.
const DISCHARGE_WORDS: [(&str, &str); 11] = [
    ("home", "Home"),
    ("alt-home", "Alternative home"),
    ("other-hcf", "Other healthcare facility"),
    ("hosp", "Hospice"),
    ("long", "Long-term care"),
    ("aadvice", "Left against advice"),
    ("exp", "Expired"),
    ("psy", "Psychiatric hospital"),
    ("rehab", "Rehabilitation"),
    ("snf", "Skilled nursing facility"),
    ("oth", "Other"),
];

#[derive(FromRow)]
struct Id {
    #[expect(dead_code, reason = "that there is a row is the whole answer")]
    row_id: i64,
}

#[derive(FromRow)]
struct Row {
    row_id: i64,
    uuid: Option<Vec<u8>>,
    date: Option<String>,
    sort_key: String,
    reason: Option<String>,
    class_code: Option<String>,
    category: i64,
    constant: Option<String>,
    category_name: Option<String>,
    pid: i64,
    patient_uuid: Option<Vec<u8>>,
    patient_fname: Option<String>,
    patient_lname: Option<String>,
    provider_row: Option<i64>,
    provider_uuid: Option<Vec<u8>>,
    provider_fname: Option<String>,
    provider_lname: Option<String>,
    facility_row: Option<i64>,
    facility_uuid: Option<Vec<u8>>,
    facility_name: Option<String>,
    location: Option<Vec<u8>>,
    discharge_disposition: Option<String>,
    date_end: Option<String>,
    last_update: Option<String>,
}

/// Whether this is a visit of this patient that can be shown: what a launch with an encounter asks.
///
/// # Errors
/// As [`crate::db::Db::one`].
pub async fn belongs(emr: &Emr, uuid: Uuid, pid: i64) -> Answer<bool> {
    if !emr.layout.has(TABLE, "uuid") {
        return Ok(false);
    }
    let sql = Sql::new(BELONGS).bind(uuid).bind(pid);
    Ok(emr.db.one::<Id>(sql).await?.is_some())
}

/// A page of visits, the newest first: of one patient, or of the practice where the reach is that wide. An account
/// that may not see the table has none.
///
/// # Errors
/// `Unsupported` for a filter a visit does not have; otherwise as [`crate::db::Db::all`].
pub(super) async fn find(emr: &Emr, reach: &Reach, query: &Query) -> Answer<Page<Record>> {
    let sql = statement(emr, reach, query)?;
    if query.count == 0 || !emr.layout.has(TABLE, "uuid") {
        return Ok(Page {
            records: Vec::new(),
            next: None,
        });
    }
    let mut rows: Vec<Row> = emr.db.all(sql.clone()).await?;
    let mut filled = false;
    for (table, bare) in BARE {
        if rows.iter().any(bare) {
            uuids::fill(emr, table).await?;
            filled = true;
        }
    }
    if filled {
        rows = emr.db.all(sql).await?;
    }
    let count = usize::try_from(query.count).unwrap_or(usize::MAX);
    let more = rows.len() > count;
    rows.truncate(count);
    let next = rows.last().filter(|_| more).map(|row| Cursor {
        key: row.sort_key.clone(),
        row: row.row_id,
    });
    let records = rows
        .into_iter()
        .filter_map(|row| Some(Record::Encounter(Box::new(row.encounter(emr)?))));
    Ok(Page {
        records: records.collect(),
        next,
    })
}

fn statement(emr: &Emr, reach: &Reach, query: &Query) -> Result<Sql, Refusal> {
    let newer = emr.layout.has(TABLE, "date_end") && emr.layout.has(TABLE, "last_update");
    let mut sql = Sql::new(SELECT)
        .push(if newer { NEWER } else { OLDER })
        .push(FROM);
    if let Some(person) = reach.patient() {
        sql = sql.push(OF_ONE).bind(person.pid).bind(person.uuid);
    }
    sql = open(sql, reach);
    sql = predicates::granted(sql, reach, |sql, filter| filtered(emr, sql, filter))?;
    if let Some(ids) = &query.ids {
        sql = sql.push(" AND e.uuid IN ").list(ids.iter().copied());
    }
    for filter in &query.filters {
        sql = filtered(emr, sql, filter)?;
    }
    let sql = predicates::below(sql, KEY, "e.id", query.after.as_ref());
    Ok(sql.push(ORDER).limit(query.count.saturating_add(1)))
}

/// Adds `AND ...`: the visit `e` is one this member of staff may see; nothing for anybody else.
pub(super) fn open(sql: Sql, reach: &Reach) -> Sql {
    match reach.held() {
        Some(held) => predicates::rights(sql.push(OPEN_TO_STAFF), held, &[OF_OLD]),
        None => sql,
    }
}

fn filtered(emr: &Emr, sql: Sql, filter: &Filter) -> Result<Sql, Refusal> {
    match filter {
        Filter::Date(Field::Date, ranges) => {
            Ok(predicates::dates(sql, "e.date", ranges, &emr.zone))
        }
        _ => Err(Refusal::Unsupported(
            "Encounter has no such search parameter.".to_owned(),
        )),
    }
}

/// Whether a row waits for a filler.
type Bare = fn(&Row) -> bool;

/// Which table's filler a row waits for.
const BARE: [(Table, Bare); 4] = [
    (Table::Encounters, |row| {
        uuids::known(row.uuid.as_deref()).is_none()
    }),
    (Table::Patients, |row| {
        uuids::known(row.patient_uuid.as_deref()).is_none()
    }),
    (Table::Users, |row| {
        row.provider_row.is_some() && uuids::known(row.provider_uuid.as_deref()).is_none()
    }),
    (Table::Facilities, |row| {
        row.facility_row.is_some() && uuids::known(row.location.as_deref()).is_none()
    }),
];

impl Row {
    /// `None` for a row that has no uuid even after filling, which another writer may cause.
    fn encounter(self, emr: &Emr) -> Option<Encounter> {
        let told = |text: Option<&str>| emr.zone.told(text.and_then(start_of));
        let start = told(self.date.as_deref());
        let end =
            told(self.date_end.as_deref()).filter(|end| start.is_none_or(|start| *end >= start));
        let now = emr.zone.at(emr.now());
        let progress = match (start, end) {
            (Some(start), _) if start > now => Progress::Planned,
            (_, Some(end)) if end <= now => Progress::Finished,
            (Some(start), _) if start.date() == now.date() => Progress::InProgress,
            _ => Progress::Finished,
        };
        let code = self
            .constant
            .filter(|constant| !constant.is_empty())
            .unwrap_or_else(|| self.category.to_string());
        Some(Encounter {
            uuid: uuids::known(self.uuid.as_deref())?,
            person: Person {
                pid: self.pid,
                uuid: uuids::known(self.patient_uuid.as_deref())?,
            },
            patient_name: spoken(self.patient_fname, self.patient_lname),
            progress,
            class: class_of(self.class_code.as_deref()),
            category: self.category_name.map(|name| Code {
                system: CATEGORY_SYSTEM,
                code,
                display: tidy(Some(name)),
            }),
            start,
            end,
            reason: tidy(self.reason),
            provider: uuids::known(self.provider_uuid.as_deref())
                .map(|uuid| (uuid, spoken(self.provider_fname, self.provider_lname))),
            organization: uuids::known(self.facility_uuid.as_deref())
                .map(|uuid| (uuid, tidy(self.facility_name))),
            location: uuids::known(self.location.as_deref()),
            discharge: discharge(&tidy(self.discharge_disposition)),
            last_updated: told(self.last_update.as_deref()),
        })
    }
}

/// The class a row names; ambulatory, OpenEMR's default, for anything HL7 has no class for.
fn class_of(code: Option<&str>) -> Code {
    let code = code.unwrap_or_default().trim();
    let (code, display) = CLASS_WORDS
        .iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(code))
        .unwrap_or(&CLASS_WORDS[0]);
    Code {
        system: CLASSES,
        code: (*code).to_owned(),
        display: (*display).to_owned(),
    }
}

/// Where the patient went: HL7's code, or the practice's own words.
fn discharge(written: &str) -> Option<Code> {
    let known = DISCHARGE_WORDS
        .iter()
        .find(|(code, _)| code.eq_ignore_ascii_case(written));
    let (system, code, display) = match known {
        Some((code, display)) => (DISCHARGES, *code, *display),
        None => ("", "", written),
    };
    (!written.is_empty()).then(|| Code {
        system,
        code: code.to_owned(),
        display: display.to_owned(),
    })
}

#[cfg(test)]
mod tests;
