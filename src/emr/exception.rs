//! One visit of a series made a visit of its own: its day is excluded from the series and a row of its own stands for it,
//! as when staff edit the "current" one (OpenEMR facts 6.6). It keeps its FHIR id.

use sqlx::FromRow;
use time::Date;
use uuid::Uuid;

use crate::db::Tx;
use crate::db::sql::Sql;
use crate::db::sql::Value as Cell;
use crate::db::sql::date_text;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Failure;
use crate::domain::refusal::Refusal;
use crate::domain::visits::Appointment;
use crate::emr::Emr;
use crate::emr::calendar::rows::occurrence_of;
use crate::emr::calendar::series::weekend;
use crate::emr::php;
use crate::emr::php::Value;
use crate::emr::recurrence::Recurrence;
use crate::emr::uuids;
use crate::emr::wall;

const TABLE: &str = "openemr_postcalendar_events";

/// The series, held; that row alone, found by its key.
const SERIES: &str = "SELECT CAST(pc_eid AS SIGNED) AS row_id, CAST(pc_multiple AS SIGNED) AS multiple, pc_apptstatus AS mark, \
    pc_recurrtype AS recurrence, pc_recurrspec AS spec, CAST(pc_eventDate AS CHAR) AS first_day, \
    CAST(pc_endDate AS CHAR) AS last_day FROM openemr_postcalendar_events \
    WHERE pc_recurrtype > 0 AND pc_pid = ?";

/// Of a series with several providers there is a row for each.
const FELLOWS: &str = " AND pc_multiple = ? AND pc_eventDate = ? ORDER BY pc_eid";

const EXCLUDE: &str = "UPDATE openemr_postcalendar_events SET pc_recurrspec = ? WHERE pc_eid = ?";

/// What the series says stands for its visit too, its own day, recurrence and id excepted.
const COPY: &str = "INSERT INTO openemr_postcalendar_events (pc_catid, pc_multiple, pc_aid, pc_pid, pc_gid, pc_title, \
    pc_hometext, pc_informant, pc_startTime, pc_endTime, pc_duration, pc_alldayevent, pc_location, pc_eventstatus, \
    pc_sharing, pc_apptstatus, pc_prefcatid, pc_facility, pc_billing_location, pc_room, \
    pc_recurrtype, pc_recurrspec, pc_time, pc_eventDate, pc_endDate";
const COPIED: &str = " SELECT pc_catid, pc_multiple, pc_aid, pc_pid, pc_gid, pc_title, \
    pc_hometext, pc_informant, pc_startTime, pc_endTime, pc_duration, pc_alldayevent, pc_location, pc_eventstatus, \
    pc_sharing, pc_apptstatus, pc_prefcatid, pc_facility, pc_billing_location, pc_room, 0, ?, ?, ?, ?";

const NAMED: &str =
    "SELECT CAST(pc_eid AS SIGNED) AS row_id FROM openemr_postcalendar_events WHERE uuid = ?";

#[derive(FromRow)]
struct Series {
    row_id: i64,
    multiple: i64,
    mark: String,
    recurrence: i64,
    spec: Option<String>,
    first_day: Option<String>,
    last_day: Option<String>,
}

#[derive(FromRow)]
struct Row {
    #[expect(dead_code, reason = "that there is a row is the whole answer")]
    row_id: i64,
}

/// Takes a visit out of its series; the row that stands for it now, still with the mark of the series.
///
/// # Errors
/// `Conflict` where the series changed since the rules looked at it.
pub(super) async fn split(emr: &Emr, tx: &mut Tx, visit: &Appointment) -> Answer<i64> {
    let (row, day) = occurrence_of(visit.uuid).ok_or(Refusal::NotFound)?;
    let pid = visit.person.pid.to_string();
    let lock = tx.lock_clause();
    let sql = Sql::new(SERIES)
        .bind(&pid)
        .push(" AND pc_eid = ?")
        .bind(row);
    let series: Option<Series> = tx.one(sql.push(lock)).await?;
    let series = series.ok_or(Refusal::NotFound)?;
    if series.mark != visit.mark || !series.is_on(emr, day) {
        return Err(changed_meanwhile());
    }
    let all = match series.multiple {
        0 => vec![series],
        several => {
            let first = series.first_day.clone().unwrap_or_default();
            let sql = Sql::new(SERIES).bind(&pid).push(FELLOWS);
            tx.all(sql.bind(several).bind(first)).await?
        }
    };
    let has_uuid = emr.layout.has(TABLE, "uuid");
    let mut own = 0;
    for one in &all {
        let spec = without(one.spec.as_deref().unwrap_or_default(), day);
        let spec = spec.ok_or_else(changed_meanwhile)?;
        tx.run(Sql::new(EXCLUDE).bind(spec).bind(one.row_id))
            .await?;
        let uuid = match one.row_id == row {
            true => free(tx, visit.uuid, has_uuid).await?,
            false => uuids::fresh(),
        };
        let copy = tx.insert(copy(emr, one.row_id, (day, uuid))).await?;
        if has_uuid {
            uuids::register(tx, uuid, (TABLE, "pc_eid"), 0).await?;
        }
        if one.row_id == row {
            own = copy;
        }
    }
    Ok(own)
}

/// The id, unless a row of an earlier change has it, which staff undid by hand.
async fn free(tx: &mut Tx, uuid: Uuid, has_uuid: bool) -> Answer<Uuid> {
    if !has_uuid {
        return Ok(uuid);
    }
    let known: Option<Row> = tx.one(Sql::new(NAMED).bind(uuid)).await?;
    Ok(known.map_or(uuid, |_| uuids::fresh()))
}

fn copy(emr: &Emr, row: i64, (day, uuid): (Date, Uuid)) -> Sql {
    let has_uuid = emr.layout.has(TABLE, "uuid");
    let sql = Sql::new(COPY)
        .push(if has_uuid { ", uuid)" } else { ")" })
        .push(COPIED)
        .bind(once(true))
        .bind(emr.zone.wall(emr.now()))
        .bind(day)
        .bind(no_end(emr));
    let sql = match has_uuid {
        true => sql.push(", ?").bind(uuid),
        false => sql,
    };
    sql.push(" FROM openemr_postcalendar_events WHERE pc_eid = ?")
        .bind(row)
}

/// The recurrence of what does not come again; OpenEMR's portal leaves the excluded days away (facts 2.6).
pub(super) fn once(staff: bool) -> String {
    let entries = [
        ("event_repeat_freq", "0"),
        ("event_repeat_freq_type", "0"),
        ("event_repeat_on_num", "1"),
        ("event_repeat_on_day", "0"),
        ("event_repeat_on_freq", "0"),
        ("exdate", ""),
    ];
    php::array(match staff {
        true => &entries,
        false => &entries[..5],
    })
}

/// No end, as this layout writes it (facts 0.1).
pub(super) fn no_end(emr: &Emr) -> Cell {
    match emr.layout.end_date_is_null {
        true => Cell::Null,
        false => "0000-00-00".into(),
    }
}

impl Series {
    fn is_on(&self, emr: &Emr, day: Date) -> bool {
        let practice = emr.known();
        let weekend = weekend(practice.globals.text("weekend_days"));
        let spec = self.spec.as_deref().unwrap_or_default();
        let last = self.last_day.as_deref().and_then(wall::day);
        let first = self.first_day.as_deref().and_then(wall::day);
        first
            .and_then(|first| Recurrence::of(self.recurrence, spec, first, last, &weekend))
            .is_some_and(|series| series.is_on(day))
    }
}

/// The spec with one more excluded day, everything else as it was; `None` for one that cannot be read, or that holds
/// what OpenEMR never writes.
fn without(spec: &str, day: Date) -> Option<String> {
    let mut entries: Vec<(String, String)> = Vec::new();
    for (key, value) in php::read(spec)? {
        // A portal row may have a null: PHP takes it for the empty text.
        let text = match value {
            Value::Null => String::new(),
            other => other.text()?,
        };
        entries.push((key, text));
    }
    let mark = date_text(day).replace('-', "");
    match entries.iter_mut().find(|(key, _)| key == "exdate") {
        Some((_, known)) if known.trim().is_empty() => *known = mark,
        Some((_, known)) => *known = format!("{known},{mark}"),
        None => entries.push(("exdate".to_owned(), mark)),
    }
    let entries: Vec<(&str, &str)> = entries
        .iter()
        .map(|(key, value)| (key.as_str(), value.as_str()))
        .collect();
    Some(php::array(&entries))
}

fn changed_meanwhile() -> Failure {
    let why = "The visit was changed by somebody else at the same moment. Please look at it again.";
    Refusal::Conflict(why.to_owned()).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::date;

    #[test]
    fn one_more_day_is_excluded_and_nothing_else_changes() {
        let day = date!(2026 - 12 - 01);
        let spec = php::array(&[
            ("event_repeat_freq", "1"),
            ("exdate", "20261124"),
            ("rt2_pf_flag", "1"),
        ]);
        let expected = php::array(&[
            ("event_repeat_freq", "1"),
            ("exdate", "20261124,20261201"),
            ("rt2_pf_flag", "1"),
        ]);
        assert_eq!(without(&spec, day), Some(expected));
        let bare = without("a:1:{s:17:\"event_repeat_freq\";N;}", day).expect("a spec");
        assert!(bare.contains("s:6:\"exdate\";s:8:\"20261201\""), "{bare}");
        assert_eq!(without("broken", day), None);
    }
}
