//! Which chart a number or a FHIR id means: the step before there is a Reach, or from a wide one to a narrow one.

use std::collections::HashMap;

use sqlx::FromRow;
use uuid::Uuid;

use crate::db::Tx;
use crate::db::sql::Sql;
use crate::domain::people::Person;
use crate::domain::refusal::Answer;
use crate::emr::Emr;
use crate::emr::staff;
use crate::emr::uuids;
use crate::emr::uuids::Table;

const BY_PID: &str = "SELECT pid, uuid FROM patient_data WHERE pid = ?";

const NAMES: &str = "SELECT pid, uuid, fname, mname, lname FROM patient_data WHERE pid IN ";

const SAME: &str = "SELECT pid, uuid FROM patient_data WHERE pid = ? AND uuid = ?";

const ENDS: &str = "SELECT MIN(pid) AS first, MAX(pid) AS last FROM patient_data";

const FROM_PID: &str = "SELECT pid, uuid FROM patient_data WHERE pid >= ? ORDER BY pid LIMIT 1";

const BY_UUID: &str = "SELECT pid, uuid FROM patient_data WHERE uuid = ?";

#[derive(FromRow)]
struct NameRow {
    pid: i64,
    uuid: Option<Vec<u8>>,
    fname: Option<String>,
    mname: Option<String>,
    lname: Option<String>,
}

#[derive(FromRow)]
struct Ends {
    first: Option<i64>,
    last: Option<i64>,
}

#[derive(FromRow)]
struct Row {
    pid: i64,
    uuid: Option<Vec<u8>>,
}

/// The chart with this number; given its FHIR id first, where it has none.
///
/// # Errors
/// As [`crate::db::Db::all`].
pub async fn by_pid(emr: &Emr, pid: i64) -> Answer<Option<Person>> {
    let ask = || Sql::new(BY_PID).bind(pid);
    let row: Option<Row> = emr.db.one(ask()).await?;
    match row {
        None => Ok(None),
        Some(row) if uuids::known(row.uuid.as_deref()).is_some() => Ok(row.person()),
        Some(_) => {
            uuids::fill(emr, Table::Patients).await?;
            let row: Option<Row> = emr.db.one(ask()).await?;
            Ok(row.and_then(Row::person))
        }
    }
}

/// The chart with this FHIR id.
///
/// # Errors
/// As [`crate::db::Db::all`].
pub async fn by_uuid(emr: &Emr, uuid: Uuid) -> Answer<Option<Person>> {
    let row: Option<Row> = emr.db.one(Sql::new(BY_UUID).bind(uuid)).await?;
    Ok(row.and_then(Row::person))
}

/// Some charts, from all over the practice: as many as asked for, or all where there are fewer.
///
/// # Errors
/// As [`crate::db::Db::all`].
pub async fn sample(emr: &Emr, count: u32) -> Answer<Vec<Person>> {
    let ends: Option<Ends> = emr.db.one(Sql::new(ENDS)).await?;
    let (Some(first), Some(last)) = ends.map_or((None, None), |ends| (ends.first, ends.last))
    else {
        return Ok(Vec::new());
    };
    let stride = ((last - first) / i64::from(count.max(1))).max(1);
    let mut people: Vec<Person> = Vec::new();
    let mut from = first;
    // One look-up by the index for each: a walk over all charts would take as long as there are charts.
    while from <= last && people.len() < usize::try_from(count).unwrap_or(usize::MAX) {
        let row: Option<Row> = emr.db.one(Sql::new(FROM_PID).bind(from)).await?;
        let Some(row) = row else { break };
        from = (from + stride).max(row.pid + 1);
        people.extend(row.person());
    }
    Ok(people)
}

/// The names of these charts, for staff who gave a grant or are asked for one; charts that are gone are absent.
///
/// # Errors
/// As [`crate::db::Db::all`].
pub async fn names(emr: &Emr, pids: &[i64]) -> Answer<HashMap<i64, String>> {
    if pids.is_empty() {
        return Ok(HashMap::new());
    }
    let sql = Sql::new(NAMES).list(pids.iter().copied());
    let rows: Vec<NameRow> = emr.db.all(sql).await?;
    let name = |row: NameRow| (row.pid, staff::display(row.fname, row.mname, row.lname));
    Ok(rows.into_iter().map(name).collect())
}

/// The names of these people; who has no chart any more is absent, whoever has its number by now.
///
/// # Errors
/// As [`crate::db::Db::all`].
pub(super) async fn names_of(emr: &Emr, people: &[Person]) -> Answer<HashMap<Person, String>> {
    if people.is_empty() {
        return Ok(HashMap::new());
    }
    let sql = Sql::new(NAMES).list(people.iter().map(|person| person.pid));
    let rows: Vec<NameRow> = emr.db.all(sql).await?;
    let named = rows.into_iter().filter_map(|row| {
        let person = Person {
            pid: row.pid,
            uuid: uuids::known(row.uuid.as_deref())?,
        };
        Some((person, staff::display(row.fname, row.mname, row.lname)))
    });
    Ok(named.collect())
}

/// Holds a chart until the transaction ends; whether it is there. OpenEMR gives the number of a deleted one to the next: the id
/// says whose it is.
///
/// # Errors
/// As [`Tx::one`].
pub(super) async fn hold(tx: &mut Tx, person: Person) -> Answer<bool> {
    let lock = tx.lock_clause();
    let sql = Sql::new(SAME).bind(person.pid).bind(person.uuid);
    let row: Option<Row> = tx.one(sql.push(lock)).await?;
    Ok(row.is_some())
}

/// The name of one chart, within a transaction: whoever holds a connection must not wait for another.
///
/// # Errors
/// As [`Tx::one`].
pub(super) async fn name_within(tx: &mut Tx, pid: i64) -> Answer<String> {
    let row: Option<NameRow> = tx.one(Sql::new(NAMES).list([pid])).await?;
    let name = |row: NameRow| staff::display(row.fname, row.mname, row.lname);
    Ok(row.map_or_else(String::new, name))
}

impl Row {
    fn person(self) -> Option<Person> {
        Some(Person {
            pid: self.pid,
            uuid: uuids::known(self.uuid.as_deref())?,
        })
    }
}
