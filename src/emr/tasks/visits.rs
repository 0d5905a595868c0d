//! Requests for visits as Tasks (F124): those patients made here, as long as the calendar has them. What becomes of one is
//! read off the visit itself, so that an answer in OpenEMR's own screens shows here too.

use sqlx::FromRow;

use super::Placed;
use super::Source;
use super::named;
use super::place;
use super::same;
use crate::db::sql::Sql;
use crate::db::sql::datetime_text;
use crate::domain::ResourceType;
use crate::domain::people::Person;
use crate::domain::query::Query;
use crate::domain::refusal::Answer;
use crate::domain::tasks::Owner;
use crate::domain::tasks::Progress;
use crate::domain::tasks::Task;
use crate::domain::tasks::Work;
use crate::domain::visits::Status;
use crate::domain::visits::told_apart;
use crate::emr::Emr;
use crate::emr::calendar::marks::status_of;
use crate::emr::calendar::rows::comment_of;
use crate::emr::calendar::spoken;
use crate::emr::composed;
use crate::emr::composed::Kind;
use crate::emr::composed::Parts;
use crate::emr::names;
use crate::emr::people::tidy;
use crate::emr::uuids;
use crate::store::reviews;

const TABLE: &str = "openemr_postcalendar_events";

/// The chart must still be the one of the row; compared by bytes, because a cast has the connection's collation.
const SELECT: &str = "SELECT v.event, v.pid, v.created, v.offered, v.withdrawn, p.uuid AS patient, p.fname, p.lname, e.pc_apptstatus AS mark, \
    e.pc_title AS title, e.pc_hometext AS comment, CONCAT(e.pc_eventDate, ' ', COALESCE(e.pc_startTime, '00:00:00')) AS wall";
const UUID: &str = ", e.uuid AS uuid";
const NO_UUID: &str = ", NULL AS uuid";
const FROM: &str = " FROM anteroom_visit v JOIN openemr_postcalendar_events e ON e.pc_eid = v.event \
    JOIN patient_data p ON p.pid = v.pid WHERE v.asked = 1 AND HEX(e.pc_pid) = HEX(CAST(v.pid AS CHAR))";

/// Requests looked through at most, the newest first.
const MOST: u32 = 2_000;

#[derive(FromRow)]
struct Row {
    event: i64,
    pid: i64,
    created: i64,
    offered: i64,
    withdrawn: i64,
    patient: Option<Vec<u8>>,
    fname: Option<String>,
    lname: Option<String>,
    mark: String,
    title: Option<String>,
    comment: Option<String>,
    wall: Option<String>,
    uuid: Option<Vec<u8>>,
}

/// The requests of one patient or of all.
///
/// # Errors
/// As [`crate::db::Db::all`].
pub(super) async fn requests(
    emr: &Emr,
    person: Option<Person>,
    query: &Query,
) -> Answer<Vec<Placed>> {
    let has_uuid = emr.layout.has(TABLE, "uuid");
    let mut sql = Sql::new(SELECT)
        .push(if has_uuid { UUID } else { NO_UUID })
        .push(FROM);
    if let Some(person) = person {
        sql = sql.push(" AND v.pid = ?").bind(person.pid);
    }
    if let Some(rows) = named(query, Source::Visit) {
        sql = sql.push(" AND v.event IN ").list(rows);
    }
    let sql = sql
        .push(" ORDER BY v.created DESC, v.event DESC")
        .limit(MOST);
    let rows: Vec<Row> = emr.db.all(sql).await?;
    let placed = rows
        .into_iter()
        .filter_map(|row| placed(emr, row, has_uuid));
    Ok(placed.filter(|one| same(person, one.task.person)).collect())
}

fn placed(emr: &Emr, row: Row, has_uuid: bool) -> Option<Placed> {
    let person = Person {
        pid: row.pid,
        uuid: uuids::known(row.patient.as_deref())?,
    };
    let visit = match has_uuid {
        true => uuids::known(row.uuid.as_deref())?,
        false => names::named(TABLE, row.event),
    };
    let comment = comment_of(row.comment);
    let status = status_of(&row.mark);
    let (words, reason) = match status {
        Status::Cancelled => told_apart(&comment),
        _ => (comment.as_str(), None),
    };
    let progress = match status {
        Status::Proposed | Status::Pending | Status::Waitlist => Progress::Requested,
        Status::Cancelled if row.withdrawn != 0 => Progress::Cancelled,
        Status::Cancelled => Progress::Rejected,
        _ => Progress::Completed,
    };
    let authored = emr.zone.at(reviews::moment(row.created)?);
    let parts = Parts {
        row: row.event.unsigned_abs(),
        at: 0,
        extra: Source::Visit as u16,
    };
    let when: String = row.wall.unwrap_or_default().chars().take(16).collect();
    Some(Placed {
        key: datetime_text(emr.zone.wall(authored)),
        row: place(Source::Visit, row.event),
        task: Task {
            uuid: composed::id(Kind::Activity, parts),
            person,
            patient_name: spoken(row.fname, row.lname),
            work: Work::Visit,
            progress,
            description: format!("{}, {when}", tidy(row.title)),
            focus: Some((ResourceType::Appointment, visit)),
            by_patient: true,
            owner: match progress == Progress::Requested && row.offered != 0 {
                true => Owner::Patient,
                false => Owner::Desk,
            },
            asked: Vec::new(),
            note: words.to_owned(),
            reason: reason.map_or_else(String::new, |(_, reason)| reason.to_owned()),
            refused: Vec::new(),
            stand: String::new(),
            authored: Some(authored),
            // The calendar does not tell when a visit changed.
            last_updated: None,
        },
    })
}
