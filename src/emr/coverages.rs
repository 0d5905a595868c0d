//! A patient's insurances: rows of `insurance_data`. OpenEMR ends one by writing the next of its rank, and newer
//! versions by a last day too (`date_end`).

use sqlx::FromRow;
use time::Date;
use uuid::Uuid;

use crate::db::sql::Sql;
use crate::domain::access::Reach;
use crate::domain::coverage::Coverage;
use crate::domain::coverage::Policy;
use crate::domain::coverage::Rank;
use crate::domain::coverage::Relationship;
use crate::domain::people::Person;
use crate::domain::query::Page;
use crate::domain::query::Query;
use crate::domain::records::Record;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Refusal;
use crate::emr::Emr;
use crate::emr::people::tidy;
use crate::emr::staff;
use crate::emr::uuids;
use crate::emr::uuids::Table;
use crate::emr::wall;

/// Dates come as text, because zero dates occur. The day the next insurance of the same rank begins is looked up by
/// the index (pid, type, date). `provider` is the insurer's number as text; without one the row says that there is no
/// insurance of that rank any more.
const COLUMNS: &str = "SELECT CAST(d.id AS SIGNED) AS id, d.uuid, d.type AS rank_word, d.provider, d.plan_name, \
    d.policy_number, d.group_number, d.subscriber_fname, d.subscriber_lname, d.subscriber_relationship, \
    CAST(d.date AS CHAR) AS begun, p.pid, p.uuid AS patient_uuid, p.fname, p.mname, p.lname, c.id AS insurer_id, \
    c.uuid AS insurer_uuid, c.name AS insurer_name, \
    (SELECT MIN(CAST(n.date AS CHAR)) FROM insurance_data n WHERE n.pid = d.pid AND n.type = d.type \
     AND CAST(n.date AS CHAR) > COALESCE(CAST(d.date AS CHAR), '')) AS followed";

const FROM: &str = " FROM insurance_data d JOIN patient_data p ON p.pid = d.pid \
    LEFT JOIN insurance_companies c ON CAST(c.id AS CHAR) = TRIM(d.provider) \
    WHERE TRIM(COALESCE(d.provider, '')) NOT IN ('', '0') AND d.type IN ('primary', 'secondary', 'tertiary')";

/// The chart must still be the one of the grant.
const OF_ONE: &str = " AND d.pid = ? AND p.uuid = ?";

/// What staff write for the subscriber, in small letters (list `sub_relation`, and older words).
const RELATIONSHIPS: [(&str, Relationship); 8] = [
    ("self", Relationship::Own),
    ("", Relationship::Own),
    ("spouse", Relationship::Spouse),
    ("child", Relationship::Child),
    ("parent", Relationship::Parent),
    ("common", Relationship::Common),
    ("life partner", Relationship::Common),
    ("other", Relationship::Other),
];

#[derive(FromRow)]
struct Row {
    id: i64,
    uuid: Option<Vec<u8>>,
    rank_word: Option<String>,
    provider: Option<String>,
    plan_name: Option<String>,
    policy_number: Option<String>,
    group_number: Option<String>,
    subscriber_fname: Option<String>,
    subscriber_lname: Option<String>,
    subscriber_relationship: Option<String>,
    begun: Option<String>,
    ended: Option<String>,
    followed: Option<String>,
    pid: i64,
    patient_uuid: Option<Vec<u8>>,
    fname: Option<String>,
    mname: Option<String>,
    lname: Option<String>,
    insurer_id: Option<i64>,
    insurer_uuid: Option<Vec<u8>>,
    insurer_name: Option<String>,
    typology: Option<i64>,
}

/// A page of insurances by row.
///
/// # Errors
/// `Unsupported` for any filter; otherwise as [`crate::db::Db::all`].
pub(super) async fn find(emr: &Emr, reach: &Reach, query: &Query) -> Answer<Page<Record>> {
    if !query.filters.is_empty() {
        let why = "Coverage has no such search parameter.";
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
    let next = staff::cut(&mut rows, query.count, |row| row.id);
    let today = emr.zone.wall(emr.now()).date();
    let records = rows
        .into_iter()
        .filter_map(|row| row.coverage(today))
        .map(|one| Record::Coverage(Box::new(one)));
    Ok(Page {
        records: records.collect(),
        next,
    })
}

/// Whether a row waits for a filler.
type Bare = fn(&Row) -> bool;

/// Which table's filler a row waits for.
const BARE: [(Table, Bare); 3] = [
    (Table::Insurances, |row| {
        uuids::known(row.uuid.as_deref()).is_none()
    }),
    (Table::Patients, |row| {
        uuids::known(row.patient_uuid.as_deref()).is_none()
    }),
    (Table::Insurers, |row| {
        row.insurer_id.is_some() && uuids::known(row.insurer_uuid.as_deref()).is_none()
    }),
];

fn statement(emr: &Emr, reach: &Reach, query: &Query) -> Sql {
    let mut sql = Sql::new(COLUMNS)
        .push(match emr.layout.has("insurance_data", "date_end") {
            true => ", CAST(d.date_end AS CHAR) AS ended",
            false => ", NULL AS ended",
        })
        .push(match emr.layout.has("insurance_companies", "cqm_sop") {
            true => ", CAST(c.cqm_sop AS SIGNED) AS typology",
            false => ", NULL AS typology",
        })
        .push(FROM);
    if let Some(person) = reach.patient() {
        sql = sql.push(OF_ONE).bind(person.pid).bind(person.uuid);
    }
    if let Some(ids) = &query.ids {
        sql = sql.push(" AND d.uuid IN ").list(ids.iter().copied());
    }
    if let Some(cursor) = &query.after {
        sql = sql.push(" AND d.id > ?").bind(cursor.row);
    }
    sql.push(" ORDER BY d.id")
        .limit(query.count.saturating_add(1))
}

/// How the subscriber is related, from what staff wrote.
pub(super) fn relationship(written: &str) -> Relationship {
    let written = written.trim().to_lowercase();
    let known = RELATIONSHIPS.iter().find(|(word, _)| *word == written);
    known.map_or(Relationship::Other, |(_, relationship)| *relationship)
}

/// What is written for it.
pub(super) const fn written(relationship: Relationship) -> &'static str {
    relationship.code()
}

impl Row {
    fn coverage(self, today: Date) -> Option<Coverage> {
        let uuid = uuids::known(self.uuid.as_deref())?;
        let rank = tidy(self.rank_word).to_lowercase();
        let rank = Rank::ALL.into_iter().find(|known| known.word() == rank)?;
        let day = |text: Option<String>| text.as_deref().and_then(wall::day);
        let followed = day(self.followed).and_then(Date::previous_day);
        let end = day(self.ended).into_iter().chain(followed).min();
        let insurer: Option<Uuid> = uuids::known(self.insurer_uuid.as_deref());
        let name = match self.insurer_id {
            Some(_) => tidy(self.insurer_name),
            None => tidy(self.provider),
        };
        Some(Coverage {
            uuid,
            person: Person {
                pid: self.pid,
                uuid: uuids::known(self.patient_uuid.as_deref())?,
            },
            patient_name: staff::display(self.fname, self.mname, self.lname),
            active: end.is_none_or(|end| end >= today),
            typology: self.typology.filter(|code| *code > 0),
            policy: Policy {
                rank,
                payor: (insurer.filter(|_| !name.is_empty()), name),
                plan: tidy(self.plan_name),
                group: tidy(self.group_number),
                number: tidy(self.policy_number),
                relationship: relationship(&self.subscriber_relationship.unwrap_or_default()),
                subscriber: [tidy(self.subscriber_fname), tidy(self.subscriber_lname)],
                start: day(self.begun),
                end,
            },
            // The table has no time that moves.
            last_updated: None,
        })
    }
}

#[cfg(test)]
mod tests;
