//! What has vanished: staff delete visits and encounters for good and mark documents as deleted, and OpenEMR keeps no
//! trace of that. So rows are noted while they are there, and one that is asked for later and is not answers 410 to
//! whose it was.
//!
//! Looking costs one range of the primary key for each of three tables and each minute; the first time the whole of
//! them, five thousand rows a statement, behind the server's back: about twenty seconds for a million rows.

mod portal;

use std::collections::HashSet;

use sqlx::FromRow;
use uuid::Uuid;

use crate::db::sql::Sql;
use crate::domain::ResourceType;
use crate::domain::access::Reach;
use crate::domain::access::Reader;
use crate::domain::refusal::Answer;
use crate::emr::Emr;
use crate::emr::composed;
use crate::emr::composed::Kind;
use crate::emr::documents;
use crate::emr::names::named;
use crate::emr::uuids;
use crate::store::seen;
use crate::store::seen::Seen;

/// How many rows a statement takes.
const CHUNK: usize = 5000;

/// How far below the highest row is looked again: a row may get its number before another and be written after it, or
/// get its FHIR id only when somebody asks for it.
const BEHIND: i64 = 5000;

/// A table whose rows are noted.
struct Watched {
    kind: &'static str,
    table: &'static str,
    /// The rows above a number, in order. Numbers of patients are text in the calendar, and not always numbers.
    rows: &'static str,
    /// The same where the layout has no uuid and ids are made of numbers.
    bare: &'static str,
    /// How many there are of one row that is still there.
    there: &'static str,
}

const VISITS: Watched = Watched {
    kind: "Appointment",
    table: "openemr_postcalendar_events",
    rows: "SELECT CAST(pc_eid AS SIGNED) AS row_id, CAST(pc_pid AS CHAR) AS pid, uuid \
        FROM openemr_postcalendar_events WHERE pc_eid > ? AND pc_pid <> '' ORDER BY pc_eid LIMIT 5000",
    bare: "SELECT CAST(pc_eid AS SIGNED) AS row_id, CAST(pc_pid AS CHAR) AS pid, NULL AS uuid \
        FROM openemr_postcalendar_events WHERE pc_eid > ? AND pc_pid <> '' ORDER BY pc_eid LIMIT 5000",
    there: "SELECT COUNT(*) AS number FROM openemr_postcalendar_events WHERE pc_eid = ?",
};

const DOCUMENTS: Watched = Watched {
    kind: "DocumentReference",
    table: "documents",
    rows: "SELECT CAST(id AS SIGNED) AS row_id, CAST(foreign_id AS CHAR) AS pid, uuid \
        FROM documents WHERE id > ? AND foreign_id > 0 ORDER BY id LIMIT 5000",
    bare: "SELECT CAST(id AS SIGNED) AS row_id, CAST(foreign_id AS CHAR) AS pid, NULL AS uuid \
        FROM documents WHERE id > ? AND foreign_id > 0 ORDER BY id LIMIT 5000",
    there: "SELECT COUNT(*) AS number FROM documents WHERE id = ? AND deleted = 0",
};

/// What was marked as sensitive was never told to anybody.
const ENCOUNTERS: Watched = Watched {
    kind: "Encounter",
    table: "form_encounter",
    rows: "SELECT CAST(id AS SIGNED) AS row_id, CAST(pid AS CHAR) AS pid, uuid \
        FROM form_encounter WHERE id > ? AND pid > 0 AND COALESCE(sensitivity, '') IN ('', 'normal') \
        ORDER BY id LIMIT 5000",
    bare: "SELECT CAST(id AS SIGNED) AS row_id, CAST(pid AS CHAR) AS pid, NULL AS uuid \
        FROM form_encounter WHERE id > ? AND pid > 0 AND COALESCE(sensitivity, '') IN ('', 'normal') \
        ORDER BY id LIMIT 5000",
    there: "SELECT COUNT(*) AS number FROM form_encounter WHERE id = ?",
};

#[derive(FromRow)]
struct Row {
    row_id: i64,
    pid: Option<String>,
    uuid: Option<Vec<u8>>,
}

#[derive(FromRow)]
struct Count {
    number: i64,
}

/// Notes the rows that are there and were not noted yet; how many.
///
/// # Errors
/// As [`crate::db::Db::run`].
pub async fn look(emr: &Emr) -> Answer<usize> {
    let mut noted = 0;
    for watched in [&VISITS, &DOCUMENTS, &ENCOUNTERS] {
        noted += look_at(emr, watched).await?;
    }
    portal::note(emr).await?;
    Ok(noted)
}

async fn look_at(emr: &Emr, watched: &Watched) -> Answer<usize> {
    let has_uuid = emr.layout.has(watched.table, "uuid");
    let sql = if has_uuid { watched.rows } else { watched.bare };
    let mut above = (seen::highest(&emr.db, watched.kind).await? - BEHIND).max(0);
    let known = seen::above(&emr.db, watched.kind, above).await?;
    let known: HashSet<i64> = known.into_iter().map(|row| row.row_id).collect();
    let mut noted = 0;
    loop {
        let rows: Vec<Row> = emr.db.all(Sql::new(sql).bind(above)).await?;
        let Some(last) = rows.last() else {
            return Ok(noted);
        };
        above = last.row_id;
        let whole = rows.len() < CHUNK;
        let new = rows.into_iter().filter(|row| !known.contains(&row.row_id));
        // A row that has no FHIR id yet was never told to anybody.
        let new: Vec<(Seen, Uuid)> = new
            .filter_map(|row| {
                let uuid = match has_uuid {
                    true => uuids::known(row.uuid.as_deref())?,
                    false => named(watched.table, row.row_id),
                };
                let pid = row.pid.as_deref()?.trim().parse::<i64>().ok()?;
                let row_id = row.row_id;
                Some((Seen { row_id, pid }, uuid))
            })
            .collect();
        noted += new.len();
        seen::remember(&emr.db, watched.kind, &new).await?;
        if whole {
            return Ok(noted);
        }
    }
}

/// Whether something that was not found was there once, within what this caller reaches. Somebody else's vanished
/// record is as absent as one that never was, and so is one a scope cut to a part of the type may not have covered.
///
/// # Errors
/// As [`crate::db::Db::all`].
pub async fn gone(emr: &Emr, reach: &Reach, kind: ResourceType, id: Uuid) -> Answer<bool> {
    let watched = match kind {
        ResourceType::Appointment => &VISITS,
        ResourceType::DocumentReference | ResourceType::Binary => &DOCUMENTS,
        ResourceType::Encounter => &ENCOUNTERS,
        _ => return Ok(false),
    };
    let occurrence =
        composed::parts(Kind::Occurrence, id).filter(|_| kind == ResourceType::Appointment);
    let row = match occurrence.and_then(|parts| i64::try_from(parts.row).ok()) {
        Some(row) => seen::by_row(&emr.db, watched.kind, row).await?,
        None => seen::by_uuid(&emr.db, watched.kind, id).await?,
    };
    let Some(row) = row else {
        return Ok(false);
    };
    let within = reach.patient().is_none_or(|person| person.pid == row.pid);
    if !within || reach.filters().is_some() || reach.only().is_some() {
        return Ok(false);
    }
    let sql = Sql::new(watched.there).bind(row.row_id);
    let there: Option<Count> = emr.db.one(sql).await?;
    if there.is_some_and(|count| count.number > 0) {
        return Ok(false);
    }
    // What a patient never saw was, for that patient, never there.
    let kept = watched.kind == DOCUMENTS.kind && reach.reader() == Reader::Patient;
    match kept {
        true => documents::was_shown(emr, row.row_id).await,
        false => Ok(true),
    }
}

#[cfg(test)]
mod tests;
