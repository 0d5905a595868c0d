//! From a reach over the whole practice to the part of it that is one patient's: what the modules of each type are
//! given wherever a patient is named, or the owner of what is named can be found.

use std::borrow::Cow;

use sqlx::FromRow;
use uuid::Uuid;

use crate::db::sql::Sql;
use crate::domain::ResourceType;
use crate::domain::access::Reach;
use crate::domain::query::Query;
use crate::domain::refusal::Answer;
use crate::emr::Emr;
use crate::emr::calendar::rows::occurrence_of;
use crate::emr::forms;
use crate::emr::mail;
use crate::emr::names::named;
use crate::emr::persons;

const DOCUMENTS: &str =
    "SELECT DISTINCT 0 AS row_id, CAST(foreign_id AS SIGNED) AS pid FROM documents WHERE uuid IN ";

/// `pc_pid` is text. A cast makes 12 of '12abc', and then nothing is found in the chart of 12, which compares it as text.
const EVENTS: &str = "SELECT DISTINCT 0 AS row_id, CAST(pc_pid AS SIGNED) AS pid \
    FROM openemr_postcalendar_events WHERE uuid IN ";

/// A visit of a series is named by its row.
const SERIES: &str = "SELECT DISTINCT 0 AS row_id, CAST(pc_pid AS SIGNED) AS pid \
    FROM openemr_postcalendar_events WHERE pc_eid IN ";

/// Version 6.1 gives neither a uuid: their ids are name-based and cannot be turned back, so rows are gone through, the
/// newest first, five thousand a statement. An old or made-up id costs the walk of the whole table, about a second for
/// a million rows; only who reaches the whole practice and names no patient pays it.
const DOCUMENTS_WALKED: &str = "SELECT CAST(id AS SIGNED) AS row_id, CAST(foreign_id AS SIGNED) AS pid \
    FROM documents WHERE id < ? ORDER BY id DESC LIMIT 5000";
const EVENTS_WALKED: &str = "SELECT CAST(pc_eid AS SIGNED) AS row_id, CAST(pc_pid AS SIGNED) AS pid \
    FROM openemr_postcalendar_events WHERE pc_eid < ? ORDER BY pc_eid DESC LIMIT 5000";

#[derive(FromRow)]
struct Owned {
    row_id: i64,
    pid: Option<i64>,
}

/// The part of a reach that a query is about; `None` where the query can find nothing within it.
pub(super) async fn narrowed<'r>(
    emr: &Emr,
    reach: &'r Reach,
    query: &Query,
) -> Answer<Option<Cow<'r, Reach>>> {
    if let Some(only) = reach.only()
        && query.ids.as_deref() != Some(&[only])
    {
        return Ok(None);
    }
    let asked = query.patient;
    if let Some(person) = reach.patient() {
        let own = asked.is_none_or(|asked| asked == person.uuid);
        return Ok(own.then_some(Cow::Borrowed(reach)));
    }
    if !reach.kind().in_patient_compartment() {
        return Ok(Some(Cow::Borrowed(reach)));
    }
    if let Some(asked) = asked {
        let person = persons::by_uuid(emr, asked).await?;
        return Ok(person
            .and_then(|person| reach.within(person))
            .map(Cow::Owned));
    }
    let owners = match &query.ids {
        Some(ids) => owners(emr, reach.kind(), ids).await?,
        None => None,
    };
    match owners.as_deref() {
        // Nothing to look up, or several owners: the module decides whether it looks across patients.
        None | Some([_, _, ..]) => Ok(Some(Cow::Borrowed(reach))),
        Some([]) => Ok(None),
        Some([pid]) => {
            let person = persons::by_pid(emr, *pid).await?;
            Ok(person
                .and_then(|person| reach.within(person))
                .map(Cow::Owned))
        }
    }
}

/// The charts that records of these ids are in; `None` where the statement of the type finds out by itself.
async fn owners(emr: &Emr, kind: ResourceType, ids: &[Uuid]) -> Answer<Option<Vec<i64>>> {
    let has_uuid = |table| emr.layout.has(table, "uuid");
    Ok(Some(match kind {
        ResourceType::DocumentReference | ResourceType::Binary => {
            let (forms, others): (Vec<Uuid>, Vec<Uuid>) =
                ids.iter().partition(|id| forms::row_of(**id).is_some());
            let mut pids = match has_uuid("documents") {
                true => looked_up(emr, DOCUMENTS, &others).await?,
                false => walked(emr, ("documents", DOCUMENTS_WALKED), &others).await?,
            };
            for pid in forms::owners(emr, &forms).await? {
                if !pids.contains(&pid) {
                    pids.push(pid);
                }
            }
            pids
        }
        ResourceType::Appointment => of_visits(emr, ids).await?,
        ResourceType::Communication => mail::owner::pids(emr, ids).await?,
        _ => return Ok(None),
    }))
}

async fn of_visits(emr: &Emr, ids: &[Uuid]) -> Answer<Vec<i64>> {
    let rows: Vec<i64> = ids
        .iter()
        .filter_map(|id| occurrence_of(*id))
        .map(|(row, _)| row)
        .collect();
    let mut pids = Vec::new();
    if !rows.is_empty() {
        let rows: Vec<Owned> = emr.db.all(Sql::new(SERIES).list(rows)).await?;
        pids.extend(rows.into_iter().filter_map(|row| row.pid));
    }
    // A visit taken out of its series keeps its id.
    pids.extend(
        match emr.layout.has("openemr_postcalendar_events", "uuid") {
            true => looked_up(emr, EVENTS, ids).await?,
            false => {
                let named = |id: &&Uuid| occurrence_of(**id).is_none();
                let singles: Vec<Uuid> = ids.iter().filter(named).copied().collect();
                walked(
                    emr,
                    ("openemr_postcalendar_events", EVENTS_WALKED),
                    &singles,
                )
                .await?
            }
        },
    );
    pids.sort_unstable();
    pids.dedup();
    Ok(pids)
}

async fn looked_up(emr: &Emr, sql: &'static str, ids: &[Uuid]) -> Answer<Vec<i64>> {
    let rows: Vec<Owned> = emr.db.all(Sql::new(sql).list(ids.iter().copied())).await?;
    Ok(rows.into_iter().filter_map(|row| row.pid).collect())
}

async fn walked(emr: &Emr, (table, sql): (&str, &'static str), ids: &[Uuid]) -> Answer<Vec<i64>> {
    let mut pids = Vec::new();
    let mut left = ids.len();
    let mut below = i64::MAX;
    while left > 0 {
        let rows: Vec<Owned> = emr.db.all(Sql::new(sql).bind(below)).await?;
        let Some(last) = rows.last() else { break };
        below = last.row_id;
        for row in rows {
            if ids.contains(&named(table, row.row_id)) {
                left -= 1;
                pids.extend(row.pid.filter(|pid| !pids.contains(pid)));
            }
        }
    }
    Ok(pids)
}

#[cfg(test)]
mod tests;
