//! Visits that have become others than their patients know, whoever changed them: this server, or OpenEMR's own screens.

use sqlx::FromRow;

use crate::db::sql::Sql;
use crate::db::sql::datetime_text;
use crate::domain::refusal::Answer;
use crate::emr::Emr;
use crate::store::visits::Changed;
use crate::store::visits::Known;

/// Marks are compared by their bytes: a collation takes X for x. What was deleted has no row.
const CHANGED: &str = "SELECT v.event, v.pid, v.mark, v.wall, v.seconds, v.uid, v.offered, v.revision, e.pc_apptstatus AS new_mark, \
    CONCAT(e.pc_eventDate, ' ', COALESCE(e.pc_startTime, '00:00:00')) AS new_wall, e.pc_duration AS new_seconds \
    FROM anteroom_visit v LEFT JOIN openemr_postcalendar_events e ON e.pc_eid = v.event \
    WHERE v.wall >= ? AND (e.pc_eid IS NULL OR HEX(e.pc_apptstatus) <> HEX(v.mark) \
    OR HEX(CONCAT(e.pc_eventDate, ' ', COALESCE(e.pc_startTime, '00:00:00'))) <> HEX(v.wall)) \
    ORDER BY v.event LIMIT 100";

#[derive(FromRow)]
struct Row {
    event: i64,
    pid: i64,
    mark: String,
    wall: String,
    seconds: i64,
    uid: String,
    offered: i64,
    revision: i64,
    new_mark: Option<String>,
    new_wall: Option<String>,
    new_seconds: Option<i64>,
}

/// Visits to come that have become others than their patients know, at most a hundred.
///
/// # Errors
/// As [`crate::db::Db::all`].
pub async fn changed(emr: &Emr) -> Answer<Vec<Changed>> {
    let wall = datetime_text(emr.zone.wall(emr.now()));
    let rows: Vec<Row> = emr.db.all(Sql::new(CHANGED).bind(wall)).await?;
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
        },
        offered: row.offered != 0,
        revision: row.revision,
    });
    Ok(changed.collect())
}
