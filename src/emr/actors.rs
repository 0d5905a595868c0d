//! The people a ledger names by FHIR id, as somebody who reads it knows them.

use std::collections::HashMap;

use sqlx::FromRow;
use uuid::Uuid;

use crate::db::sql::Sql;
use crate::domain::refusal::Answer;
use crate::emr::Emr;
use crate::emr::people::tidy;
use crate::emr::staff;

/// Those who have left are named as well: they did what they did.
const STAFF: &str =
    "SELECT uuid, username, fname, mname, lname, specialty FROM users WHERE uuid IN ";

/// The group of OpenEMR's access control says what somebody is where the account does not.
const GROUPS: &str = "SELECT o.value AS username, MIN(g.name) AS name FROM gacl_aro o \
    JOIN gacl_groups_aro_map m ON m.aro_id = o.id JOIN gacl_aro_groups g ON g.id = m.group_id \
    WHERE o.section_value = 'users' AND o.value IN ";

const GROUPED: &str = " GROUP BY o.value";

const PATIENTS: &str = "SELECT uuid, fname, mname, lname FROM patient_data WHERE uuid IN ";

#[derive(FromRow)]
struct StaffRow {
    uuid: Vec<u8>,
    username: Option<String>,
    fname: Option<String>,
    mname: Option<String>,
    lname: Option<String>,
    specialty: Option<String>,
}

#[derive(FromRow)]
struct GroupRow {
    username: String,
    name: Option<String>,
}

#[derive(FromRow)]
struct PatientRow {
    uuid: Vec<u8>,
    fname: Option<String>,
    mname: Option<String>,
    lname: Option<String>,
}

/// A member of staff.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// First and last name.
    pub name: String,
    /// What they do here: the specialty, or the group; may be empty.
    pub role: String,
}

/// Members of staff by FHIR id; ids nobody has are absent.
///
/// # Errors
/// As [`crate::db::Db::all`].
pub async fn colleagues(emr: &Emr, ids: &[Uuid]) -> Answer<HashMap<Uuid, Named>> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let sql = Sql::new(STAFF).list(ids.iter().copied());
    let rows: Vec<StaffRow> = emr.db.all(sql).await?;
    let names = rows.iter().filter_map(|row| row.username.as_ref());
    let sql = Sql::new(GROUPS).list(names).push(GROUPED);
    let groups: Vec<GroupRow> = emr.db.all(sql).await?;
    let group = |username: Option<&String>| {
        let found = groups
            .iter()
            .find(|group| Some(&group.username) == username);
        found.and_then(|group| group.name.clone())
    };
    let named = rows.into_iter().filter_map(|row| {
        let mut role = tidy(row.specialty);
        if role.is_empty() {
            role = tidy(group(row.username.as_ref()));
        }
        Some((
            Uuid::from_slice(&row.uuid).ok()?,
            Named {
                name: staff::display(row.fname, row.mname, row.lname),
                role,
            },
        ))
    });
    Ok(named.collect())
}

/// Names of patients by FHIR id; for staff alone.
///
/// # Errors
/// As [`crate::db::Db::all`].
pub async fn patients(emr: &Emr, ids: &[Uuid]) -> Answer<HashMap<Uuid, String>> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let sql = Sql::new(PATIENTS).list(ids.iter().copied());
    let rows: Vec<PatientRow> = emr.db.all(sql).await?;
    let named = rows.into_iter().filter_map(|row| {
        let id = Uuid::from_slice(&row.uuid).ok()?;
        Some((id, staff::display(row.fname, row.mname, row.lname)))
    });
    Ok(named.collect())
}
