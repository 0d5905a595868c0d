//! Visits that have become others than their patients know, whoever changed them: this server, or OpenEMR's own screens.

use sqlx::FromRow;
use time::Duration;
use time::OffsetDateTime;

use crate::db::Tx;
use crate::db::sql::Sql;
use crate::db::sql::datetime_text;
use crate::domain::refusal::Answer;
use crate::domain::visits::Status;
use crate::emr::Emr;
use crate::emr::calendar::marks::status_of;
use crate::emr::calendar::start_of;
use crate::store::visits;
use crate::store::visits::Changed;
use crate::store::visits::Entry;
use crate::store::visits::Known;
use crate::store::visits::Stand;

/// Marks, starts and numbers of charts are compared by their bytes: a collation takes X for x, and of two tables with
/// different ones takes nothing at all. What was deleted has no row; what is another patient's now is gone for this one.
const CHANGED: &str = "SELECT v.event, v.pid, v.mark, v.wall, v.seconds, v.uid, v.told, v.offered, v.revision, \
    CASE WHEN HEX(e.pc_pid) = HEX(CAST(v.pid AS CHAR)) THEN e.pc_apptstatus END AS new_mark, \
    CONCAT(e.pc_eventDate, ' ', COALESCE(e.pc_startTime, '00:00:00')) AS new_wall, e.pc_duration AS new_seconds \
    FROM anteroom_visit v LEFT JOIN openemr_postcalendar_events e ON e.pc_eid = v.event \
    WHERE v.wall >= ? AND (v.wall >= ? OR e.pc_eventDate >= ?) \
    AND (e.pc_eid IS NULL OR HEX(e.pc_apptstatus) <> HEX(v.mark) OR HEX(e.pc_pid) <> HEX(CAST(v.pid AS CHAR)) \
    OR HEX(CONCAT(e.pc_eventDate, ' ', COALESCE(e.pc_startTime, '00:00:00'))) <> HEX(v.wall)) \
    ORDER BY v.event LIMIT 100";

const MARK: &str = "SELECT pc_apptstatus AS mark FROM openemr_postcalendar_events WHERE pc_eid = ?";

/// A visit whose time has passed may still be moved to another day for so long.
const LATE: Duration = Duration::days(60);

#[derive(FromRow)]
struct Row {
    event: i64,
    pid: i64,
    mark: String,
    wall: String,
    seconds: i64,
    uid: String,
    told: String,
    offered: i64,
    revision: i64,
    new_mark: Option<String>,
    new_wall: Option<String>,
    new_seconds: Option<i64>,
}

#[derive(FromRow)]
struct Marked {
    mark: String,
}

/// Visits to come that have become others than their patients know, at most a hundred.
///
/// # Errors
/// As [`crate::db::Db::all`].
pub async fn changed(emr: &Emr) -> Answer<Vec<Changed>> {
    let now = emr.zone.wall(emr.now());
    let sql = Sql::new(CHANGED)
        .bind(datetime_text(now - LATE))
        .bind(datetime_text(now))
        .bind(now.date());
    let rows: Vec<Row> = emr.db.all(sql).await?;
    let changed = rows.into_iter().map(|row| Changed {
        now: match (row.new_mark, row.new_wall) {
            (Some(mark), Some(wall)) => Some((mark, wall, row.new_seconds.unwrap_or_default())),
            _ => None,
        },
        known: Known {
            event: row.event,
            pid: row.pid,
            mark: row.mark,
            wall: row.wall,
            seconds: row.seconds,
            uid: row.uid,
            stand: Stand::of(&row.told).unwrap_or(Stand::Agreed),
            revision: row.revision,
        },
        offered: row.offered != 0,
    });
    Ok(changed.collect())
}

/// What the patient's calendar knows of a visit that is given up for another in this transaction; of the old one itself
/// nothing more is to be told.
///
/// # Errors
/// As [`Tx::run`].
pub(super) async fn given_up(
    emr: &Emr,
    tx: &mut Tx,
    (pid, start): (i64, OffsetDateTime),
) -> Answer<Option<Entry>> {
    let wall = datetime_text(emr.zone.wall(start));
    let Some(entry) = visits::entry_within(tx, (&wall, pid)).await? else {
        return Ok(None);
    };
    let marked: Option<Marked> = tx.one(Sql::new(MARK).bind(entry.event)).await?;
    let mark = marked.map_or_else(String::new, |marked| marked.mark);
    visits::seen(tx, entry.event, (&mark, Stand::Off, true)).await?;
    Ok(Some(entry))
}

/// As what a mark is told to a patient; `None` for one that changes nothing for them, such as OpenEMR's insurance issue.
pub fn stand(mark: &str) -> Option<Stand> {
    match (status_of(mark), mark) {
        (_, "#") => None,
        (Status::Proposed | Status::Pending | Status::Waitlist, _) => Some(Stand::Waits),
        (Status::Booked | Status::Arrived | Status::CheckedIn, _) => Some(Stand::Agreed),
        (Status::Cancelled, _) => Some(Stand::Off),
        (Status::Fulfilled | Status::NoShow, _) => None,
    }
}

/// Whether a mark says that the visit is agreed, and no more: that the patient is there they know.
pub fn is_booked(mark: &str) -> bool {
    status_of(mark) == Status::Booked
}

/// The instant of a wall time as the calendar has it; `None` for a day no calendar has.
pub fn instant(emr: &Emr, wall: &str) -> Option<OffsetDateTime> {
    start_of(wall).map(|wall| emr.zone.instant(wall))
}
