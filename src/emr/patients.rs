//! The list staff choose a patient from, and a patient's visits to launch an app with. Who may see it is decided before.

use sqlx::FromRow;
use time::Date;
use time::Month;
use time::PrimitiveDateTime;
use uuid::Uuid;

use crate::db::sql::Sql;
use crate::db::sql::date_text;
use crate::domain::people::Person;
use crate::domain::refusal::Answer;
use crate::emr::Emr;
use crate::emr::staff;
use crate::emr::uuids;
use crate::emr::uuids::Table;
use crate::emr::wall;

/// How many patients a page shows; one more is asked for, to tell that there are more.
pub const SHOWN: usize = 20;

/// More words than this narrow nothing down.
const WORDS: usize = 5;

/// How many visits a page offers.
const VISITS: u32 = 15;

/// OpenEMR has no index on names or birth dates, and its tables are not ours to change: a name costs one pass over the
/// table, a number or id one look-up.
const SELECT: &str = "SELECT pid, uuid, fname, mname, lname, CAST(DOB AS CHAR) AS dob, sex FROM patient_data WHERE 1 = 1";

const BY_NAME: &str =
    " AND (lname LIKE ? ESCAPE '!' OR lname LIKE ? ESCAPE '!' OR fname LIKE ? ESCAPE '!')";

const BY_DAY: &str = " AND DOB = ?";

const BY_NUMBER: &str = " AND pid = ?";

const BY_ID: &str = " AND uuid IN ";

const ORDER: &str = " ORDER BY lname, fname, pid";

const ENCOUNTERS: &str = "SELECT uuid, date, reason FROM form_encounter WHERE pid = ? AND uuid IS NOT NULL \
    ORDER BY date DESC, id DESC";

const ENCOUNTER: &str = "SELECT uuid, date, reason FROM form_encounter WHERE pid = ? AND uuid = ?";

/// A patient of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Number and FHIR id.
    pub person: Person,
    /// First and last name.
    pub name: String,
    /// The birth date, where there is one.
    pub born: Option<Date>,
    /// `patient_data.sex`; may be empty.
    pub sex: String,
}

/// A visit of a patient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Visit {
    /// FHIR id.
    pub id: Uuid,
    /// The practice's wall time, where there is one.
    pub at: Option<PrimitiveDateTime>,
    /// Why; may be empty.
    pub reason: String,
}

#[derive(FromRow)]
struct Row {
    pid: i64,
    uuid: Option<Vec<u8>>,
    fname: Option<String>,
    mname: Option<String>,
    lname: Option<String>,
    dob: Option<String>,
    sex: Option<String>,
}

#[derive(FromRow)]
struct VisitRow {
    uuid: Option<Vec<u8>>,
    date: Option<PrimitiveDateTime>,
    reason: Option<String>,
}

/// What a word of the search is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Term {
    Name(String),
    Day(Date),
    Number(i64),
    Id(Uuid),
}

/// The patients that fit every word: the beginning of a name, a birth date, a chart number or a FHIR id. At most one more
/// than [`SHOWN`]; none for a search that would list the practice.
///
/// # Errors
/// As [`crate::db::Db::all`].
pub async fn search(emr: &Emr, text: &str) -> Answer<Vec<Found>> {
    let terms = terms(text);
    if terms.is_empty() {
        return Ok(Vec::new());
    }
    let mut sql = Sql::new(SELECT);
    for term in terms {
        sql = match term {
            Term::Name(word) => {
                let start = format!("{}%", escaped(&word));
                sql.push(BY_NAME)
                    .bind(&start)
                    .bind(format!("% {start}"))
                    .bind(&start)
            }
            Term::Day(day) => sql.push(BY_DAY).bind(date_text(day)),
            Term::Number(pid) => sql.push(BY_NUMBER).bind(pid),
            Term::Id(id) => sql.push(BY_ID).list([id]),
        };
    }
    found(emr, sql.push(ORDER).limit(21)).await
}

/// One patient as the list shows them.
///
/// # Errors
/// As [`crate::db::Db::all`].
pub async fn by_id(emr: &Emr, id: Uuid) -> Answer<Option<Found>> {
    Ok(by_ids(emr, &[id]).await?.into_iter().next())
}

/// Some patients, in no order; whoever is not there is left away.
///
/// # Errors
/// As [`crate::db::Db::all`].
pub async fn by_ids(emr: &Emr, ids: &[Uuid]) -> Answer<Vec<Found>> {
    found(emr, Sql::new(SELECT).push(BY_ID).list(ids.iter().copied())).await
}

/// A patient's visits, the newest first.
///
/// # Errors
/// As [`crate::db::Db::all`].
pub async fn visits(emr: &Emr, person: Person) -> Answer<Vec<Visit>> {
    if !emr.layout.has("form_encounter", "uuid") {
        return Ok(Vec::new());
    }
    let sql = Sql::new(ENCOUNTERS).bind(person.pid).limit(VISITS);
    let rows: Vec<VisitRow> = emr.db.all(sql).await?;
    Ok(rows.into_iter().filter_map(visit).collect())
}

/// The visit with this FHIR id, if it is this patient's.
///
/// # Errors
/// As [`crate::db::Db::all`].
pub async fn visit_of(emr: &Emr, person: Person, id: Uuid) -> Answer<Option<Visit>> {
    if !emr.layout.has("form_encounter", "uuid") {
        return Ok(None);
    }
    let sql = Sql::new(ENCOUNTER).bind(person.pid).bind(id);
    let row: Option<VisitRow> = emr.db.one(sql).await?;
    Ok(row.and_then(visit))
}

async fn found(emr: &Emr, sql: Sql) -> Answer<Vec<Found>> {
    let mut rows: Vec<Row> = emr.db.all(sql.clone()).await?;
    let nameless = |row: &Row| uuids::known(row.uuid.as_deref()).is_none();
    if rows.iter().any(nameless) {
        uuids::fill(emr, Table::Patients).await?;
        rows = emr.db.all(sql).await?;
    }
    Ok(rows
        .into_iter()
        .filter_map(|row| {
            Some(Found {
                person: Person {
                    pid: row.pid,
                    uuid: uuids::known(row.uuid.as_deref())?,
                },
                name: staff::display(row.fname, row.mname, row.lname),
                born: row.dob.as_deref().and_then(wall::day),
                sex: row.sex.unwrap_or_default(),
            })
        })
        .collect())
}

fn visit(row: VisitRow) -> Option<Visit> {
    Some(Visit {
        id: uuids::known(row.uuid.as_deref())?,
        at: row.date,
        reason: row.reason.unwrap_or_default(),
    })
}

/// The words of a search; none where they are too short to narrow anything down.
pub(super) fn terms(text: &str) -> Vec<Term> {
    let words = text.split(|c: char| c.is_whitespace() || c == ',');
    let words = words.filter(|word| !word.is_empty()).take(WORDS);
    let terms: Vec<Term> = words.map(term).collect();
    let narrows = terms.iter().any(|term| match term {
        Term::Name(word) => word.chars().count() >= 2,
        Term::Day(_) | Term::Number(_) | Term::Id(_) => true,
    });
    match narrows {
        true => terms,
        false => Vec::new(),
    }
}

fn term(word: &str) -> Term {
    if let Ok(id) = Uuid::try_parse(word) {
        return Term::Id(id);
    }
    if let Some(day) = day(word) {
        return Term::Day(day);
    }
    match word.parse::<i64>() {
        Ok(number) if word.bytes().all(|byte| byte.is_ascii_digit()) => Term::Number(number),
        _ => Term::Name(word.chars().take(60).collect()),
    }
}

/// `1984-02-29` or, as OpenEMR's screens have it, `02/29/1984`.
fn day(word: &str) -> Option<Date> {
    let number = |text: &str| text.parse::<u16>().ok();
    let (year, month, day) = match word.split('/').collect::<Vec<_>>().as_slice() {
        [month, day, year] => (*year, *month, *day),
        _ => return wall::day(word).filter(|_| word.len() == 10),
    };
    let month = Month::try_from(u8::try_from(number(month)?).ok()?).ok()?;
    let day = u8::try_from(number(day)?).ok()?;
    let date = Date::from_calendar_date(i32::from(number(year)?), month, day).ok()?;
    wall::YEARS.contains(&date.year()).then_some(date)
}

/// The word as it stands, where a pattern would read more into it.
pub(super) fn escaped(word: &str) -> String {
    let mut text = String::with_capacity(word.len());
    for c in word.chars() {
        if matches!(c, '%' | '_' | '!') {
            text.push('!');
        }
        text.push(c);
    }
    text
}

#[cfg(test)]
mod tests;
