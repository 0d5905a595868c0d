//! Guardians and emergency contacts of patients: columns of `patient_data`, not rows of their own. The id is the
//! patient's with some bits turned over, so that it leads back to the chart and tells nothing more than it.

use sqlx::FromRow;
use time::PrimitiveDateTime;
use uuid::Uuid;

use crate::db::sql::Sql;
use crate::domain::access::Reach;
use crate::domain::people::Address;
use crate::domain::people::Means;
use crate::domain::people::Person;
use crate::domain::people::Telecom;
use crate::domain::query::Cursor;
use crate::domain::query::Page;
use crate::domain::query::Query;
use crate::domain::records::Record;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Refusal;
use crate::domain::staffing::RelatedPerson;
use crate::domain::staffing::Tie;
use crate::emr::Emr;
use crate::emr::people;
use crate::emr::people::lines;
use crate::emr::people::tidy;
use crate::emr::staff;
use crate::emr::uuids;
use crate::emr::uuids::Table;

/// `contact_relationship` holds the name of the emergency contact (OpenEMR facts 1.1).
const COLUMNS: &str = "SELECT p.pid, p.uuid, p.fname, p.mname, p.lname, p.guardiansname, p.guardianrelationship, \
    p.guardiansex, p.guardianaddress, p.guardiancity, p.guardianstate, p.guardianpostalcode, p.guardiancountry, \
    p.guardianphone, p.guardianworkphone, p.guardianemail, p.contact_relationship, p.phone_contact";

/// Only charts that have either.
const FROM: &str = " FROM patient_data p WHERE (TRIM(COALESCE(p.guardiansname, '')) <> '' \
    OR TRIM(p.contact_relationship) <> '' OR TRIM(p.phone_contact) <> '')";

/// The chart must still be the one of the grant.
const OF_ONE: &str = " AND p.pid = ? AND p.uuid = ?";

/// What is turned over in a patient's id, by tie. Part of the ids: never change one. Version and variant stay.
const TIES: [(Tie, u128); 2] = [
    (Tie::Guardian, 0x6775_6172_6469_0000_0000_0000_0000_0001),
    (
        Tie::EmergencyContact,
        0x636f_6e74_6163_0000_0000_0000_0000_0002,
    ),
];

#[derive(FromRow)]
struct Row {
    pid: i64,
    uuid: Option<Vec<u8>>,
    fname: Option<String>,
    mname: Option<String>,
    lname: Option<String>,
    guardiansname: Option<String>,
    guardianrelationship: Option<String>,
    guardiansex: Option<String>,
    guardianaddress: Option<String>,
    guardiancity: Option<String>,
    guardianstate: Option<String>,
    guardianpostalcode: Option<String>,
    guardiancountry: Option<String>,
    guardianphone: Option<String>,
    guardianworkphone: Option<String>,
    guardianemail: Option<String>,
    contact_relationship: Option<String>,
    phone_contact: Option<String>,
    last_updated: Option<PrimitiveDateTime>,
}

/// A page of them by chart, the guardian first.
///
/// # Errors
/// `Unsupported` for any filter; otherwise as [`crate::db::Db::all`].
pub(super) async fn find(emr: &Emr, reach: &Reach, query: &Query) -> Answer<Page<Record>> {
    if !query.filters.is_empty() {
        let why = "RelatedPerson has no such search parameter.";
        return Err(Refusal::Unsupported(why.to_owned()).into());
    }
    if query.count == 0 || reach.filters().is_some() {
        return Ok(Page {
            records: Vec::new(),
            next: None,
        });
    }
    let sql = statement(emr, reach, query);
    let mut rows: Vec<Row> = emr.db.all(sql.clone()).await?;
    if rows
        .iter()
        .any(|row| uuids::known(row.uuid.as_deref()).is_none())
    {
        uuids::fill(emr, Table::Patients).await?;
        rows = emr.db.all(sql).await?;
    }
    // SQL and this house do not agree on what is blank: a full answer may hold fewer relatives than charts.
    let asked = usize::try_from(query.count.saturating_add(2)).unwrap_or(usize::MAX);
    let behind = rows
        .last()
        .filter(|_| rows.len() >= asked)
        .map(|row| Cursor {
            key: BEHIND.to_owned(),
            row: row.pid,
        });
    let wanted = |one: &RelatedPerson| query.ids.as_ref().is_none_or(|ids| ids.contains(&one.uuid));
    let beyond = |one: &RelatedPerson| match &query.after {
        Some(after) => (one.person.pid, place(one.tie)) > (after.row, after.key.as_str()),
        None => true,
    };
    let mut found: Vec<RelatedPerson> = rows
        .into_iter()
        .flat_map(|row| row.relatives(emr))
        .filter(|one| wanted(one) && beyond(one))
        .collect();
    let count = usize::try_from(query.count).unwrap_or(usize::MAX);
    let more = found.len() > count;
    found.truncate(count);
    let last = found.last().filter(|_| more);
    let next = match last {
        Some(last) => Some(Cursor {
            key: place(last.tie).to_owned(),
            row: last.person.pid,
        }),
        None => behind,
    };
    let records = found.into_iter();
    Ok(Page {
        records: records
            .map(|one| Record::RelatedPerson(Box::new(one)))
            .collect(),
        next,
    })
}

/// The FHIR id of a patient's relative.
fn id(patient: Uuid, tie: Tie) -> Uuid {
    let bits = TIES.iter().find(|(known, _)| *known == tie);
    Uuid::from_u128(patient.as_u128() ^ bits.map_or(0, |(_, bits)| *bits))
}

/// A place behind all relatives of one patient.
const BEHIND: &str = "9";

/// The order of one patient's relatives.
const fn place(tie: Tie) -> &'static str {
    match tie {
        Tie::Guardian => "1",
        Tie::EmergencyContact => "2",
    }
}

/// Every row has at least one relative, so one row more than asked for is enough to know whether there are more; the
/// last page's chart is looked at once more for its second.
fn statement(emr: &Emr, reach: &Reach, query: &Query) -> Sql {
    let mut sql = Sql::new(COLUMNS)
        .push(match emr.layout.has("patient_data", "last_updated") {
            true => ", p.last_updated",
            false => ", p.date AS last_updated",
        })
        .push(FROM);
    if let Some(person) = reach.patient() {
        sql = sql.push(OF_ONE).bind(person.pid).bind(person.uuid);
    }
    if let Some(ids) = &query.ids {
        let patients = ids.iter().flat_map(|asked| {
            let back = |(_, bits): &(Tie, u128)| Uuid::from_u128(asked.as_u128() ^ bits);
            TIES.iter().map(back)
        });
        sql = sql.push(" AND p.uuid IN ").list(patients);
    }
    if let Some(after) = &query.after {
        sql = sql.push(" AND p.pid >= ?").bind(after.row);
    }
    sql.push(" ORDER BY p.pid")
        .limit(query.count.saturating_add(2))
}

impl Row {
    fn relatives(self, emr: &Emr) -> Vec<RelatedPerson> {
        let Some(uuid) = uuids::known(self.uuid.as_deref()) else {
            return Vec::new();
        };
        let person = Person {
            pid: self.pid,
            uuid,
        };
        let bare = RelatedPerson {
            uuid: id(uuid, Tie::Guardian),
            person,
            patient_name: staff::display(self.fname, self.mname, self.lname),
            tie: Tie::Guardian,
            name: tidy(self.guardiansname),
            relationship: tidy(self.guardianrelationship),
            gender: Some(tidy(self.guardiansex))
                .filter(|sex| !sex.is_empty())
                .map(|sex| people::gender(&sex)),
            telecom: points([
                (Means::Phone, "home", self.guardianphone),
                (Means::Phone, "work", self.guardianworkphone),
                (Means::Email, "", self.guardianemail),
            ]),
            address: Address {
                lines: lines([self.guardianaddress, None]),
                city: tidy(self.guardiancity),
                state: tidy(self.guardianstate),
                postal_code: tidy(self.guardianpostalcode),
                country: tidy(self.guardiancountry),
                ..Address::default()
            },
            last_updated: emr.zone.told(self.last_updated),
        };
        let contact = RelatedPerson {
            uuid: id(uuid, Tie::EmergencyContact),
            tie: Tie::EmergencyContact,
            name: tidy(self.contact_relationship),
            relationship: String::new(),
            gender: None,
            telecom: points([(Means::Phone, "", self.phone_contact)]),
            address: Address::default(),
            ..bare.clone()
        };
        let mut relatives = Vec::with_capacity(2);
        if !bare.name.is_empty() {
            relatives.push(bare);
        }
        if !contact.name.is_empty() || !contact.telecom.is_empty() {
            relatives.push(contact);
        }
        relatives
    }
}

fn points<const N: usize>(known: [(Means, &'static str, Option<String>); N]) -> Vec<Telecom> {
    let points = known.into_iter().map(|(system, used, value)| Telecom {
        system,
        value: tidy(value),
        used,
    });
    points.filter(|point| !point.value.is_empty()).collect()
}

#[cfg(test)]
mod tests;
