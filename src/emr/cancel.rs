//! Calling off a visit: the facts for the rules, and the rows OpenEMR's own screens would write.

use sqlx::FromRow;
use time::Duration;
use uuid::Uuid;

use crate::db::Tx;
use crate::db::sql::Sql;
use crate::domain::access::Reach;
use crate::domain::records::Record;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Failure;
use crate::domain::refusal::Refusal;
use crate::domain::visits::Appointment;
use crate::domain::visits::BY_PATIENT;
use crate::domain::visits::Cancellation;
use crate::domain::visits::with_reason;
use crate::emr;
use crate::emr::Emr;
use crate::emr::calendar::minutes;
use crate::emr::calendar::rows_within;
use crate::emr::calendar::start_of;
use crate::emr::exception;
use crate::emr::names::named;
use crate::emr::tracking;
use crate::emr::uuids;
use crate::emr::writing::Written;
use crate::portal::CancelCase;
use crate::portal::Case;
use crate::portal::Change;
use crate::portal::Permit;
use crate::store::visits;
use crate::store::visits::Stand;

const TABLE: &str = "openemr_postcalendar_events";

/// The row to change, held until the transaction ends; that row alone, found by its key, because a statement that
/// looks through the calendar would hold all of it.
const EVENT: &str = "SELECT CAST(e.pc_eid AS SIGNED) AS row_id, CAST(e.pc_multiple AS SIGNED) AS multiple, \
    e.pc_apptstatus AS mark, e.pc_hometext AS comment, e.pc_duration AS duration, e.pc_aid AS provider_key, \
    CONCAT(e.pc_eventDate, ' ', CASE WHEN e.pc_alldayevent = 0 THEN COALESCE(e.pc_startTime, '00:00:00') ELSE '00:00:00' END) AS sort_key";
const UUID: &str = ", e.uuid AS uuid";
const NO_UUID: &str = ", NULL AS uuid";
const FROM: &str = " FROM openemr_postcalendar_events e WHERE e.pc_pid = ?";

/// A visit with several providers is several rows with one `pc_multiple` above 0 (OpenEMR facts 1.4), which no index
/// has: looked for without holding anything.
const SIBLINGS: &str = "SELECT CAST(pc_eid AS SIGNED) AS row_id FROM openemr_postcalendar_events \
    WHERE pc_pid = ? AND pc_multiple = ? AND pc_apptstatus = ? AND pc_recurrtype = 0 AND pc_eventDate = ? ORDER BY pc_eid";

/// The mark is compared again, so that of two who change the visit at once only the first does.
const CANCEL: &str = "UPDATE openemr_postcalendar_events SET pc_apptstatus = ?, pc_hometext = ? \
    WHERE pc_pid = ? AND pc_apptstatus = ? AND pc_eid IN ";

/// A row of the calendar that is about to change.
#[derive(FromRow)]
pub(super) struct Event {
    pub(super) row_id: i64,
    multiple: i64,
    mark: String,
    pub(super) comment: Option<String>,
    pub(super) duration: i64,
    provider_key: Option<String>,
    sort_key: String,
    uuid: Option<Vec<u8>>,
}

#[derive(FromRow)]
struct Sibling {
    row_id: i64,
}

/// Gathers what the rules must know. The reach must open updates of visits; the visit must be within it.
///
/// # Errors
/// `NotFound` where the visit is not there for this caller, `Stale` where `If-Match` named another version.
pub async fn case(emr: &Emr, reach: &Reach, ask: Cancellation, notice: Duration) -> Answer<Case> {
    let record = emr::read(emr, reach, ask.uuid).await?;
    let version = record.version();
    let Record::Appointment(appointment) = record else {
        return Err(Refusal::NotFound.into());
    };
    if ask.seen.is_some_and(|seen| seen != version) {
        return Err(Refusal::Stale.into());
    }
    let practice = emr.practice().await?;
    let case = CancelCase {
        ask,
        appointment: *appointment,
        now: emr.now(),
        portal_on: practice.globals.on("portal_onsite_two_enable"),
        appointments_on: practice.globals.on("allow_portal_appointments"),
        notice,
    };
    Ok(Case::Cancel(case))
}

/// Writes what a permit allows and its notice to staff, in the transaction of the caller.
///
/// # Errors
/// `Conflict` where the visit changed since the rules looked at it.
pub async fn apply(emr: &Emr, tx: &mut Tx, permit: &Permit) -> Answer<Written> {
    let Change::Cancel {
        appointment,
        mark,
        reason,
    } = permit.change()
    else {
        return Err(Refusal::NotFound.into());
    };
    let mark: &'static str = mark;
    let reason = tracking::one_line(reason);
    let now = emr.now();
    let wall = emr.zone.wall(now);
    let visit = minutes(emr, appointment.start);
    let event = hold(emr, tx, appointment).await?;
    let rows = siblings(tx, appointment, &event).await?;
    let before = event.comment.as_deref().unwrap_or_default();
    let comment = with_reason(before, BY_PATIENT, &reason);
    let changed = Sql::new(CANCEL)
        .bind(mark)
        .bind(&comment)
        .bind(appointment.person.pid.to_string())
        .bind(&appointment.mark)
        .list(rows.iter().copied());
    if tx.run(changed).await? == 0 {
        return Err(changed_meanwhile());
    }
    for row in rows {
        visits::seen(tx, row, (mark, Stand::Off, true)).await?;
        tracking::track(tx, row, mark, (wall, "portal-user")).await?;
    }
    let said = match reason.is_empty() {
        true => String::new(),
        false => format!(" Reason: {reason}."),
    };
    let text = format!(
        "Portal patient {} cancelled the appointment dated {visit}.{said}",
        appointment.patient_name
    );
    let about = (appointment.person.pid, event.provider(), text.as_str());
    tracking::note(emr, tx, about).await?;
    Ok(Written::Record(event.uuid(emr, appointment)))
}

/// The row as it is now, held; mark and start must be those the rules saw. One visit of a series gets a row of its own
/// first.
pub(super) async fn hold(emr: &Emr, tx: &mut Tx, appointment: &Appointment) -> Answer<Event> {
    let lock = tx.lock_clause();
    let has_uuid = emr.layout.has(TABLE, "uuid");
    let sql = Sql::new(EVENT)
        .push(if has_uuid { UUID } else { NO_UUID })
        .push(FROM)
        .bind(appointment.person.pid.to_string());
    let sql = match (appointment.series, has_uuid) {
        (true, _) => {
            let row = exception::split(emr, tx, appointment).await?;
            sql.push(" AND e.pc_eid = ?").bind(row)
        }
        (false, true) => sql.push(" AND e.uuid = ?").bind(appointment.uuid),
        // Version 6.1 gives visits no uuid: then the row behind the name-based id.
        (false, false) => {
            let rows = rows_within(tx, appointment.person.pid, appointment.uuid).await?;
            sql.push(" AND e.pc_eid IN ").list(rows)
        }
    };
    let event: Option<Event> = tx.one(sql.push(lock)).await?;
    let event = event.ok_or(Refusal::NotFound)?;
    let start = start_of(&event.sort_key).map(|start| emr.zone.instant(start));
    match event.mark == appointment.mark && start == Some(appointment.start) {
        true => Ok(event),
        false => Err(changed_meanwhile()),
    }
}

impl Event {
    /// `pc_aid`
    pub(super) fn provider(&self) -> Option<&str> {
        self.provider_key.as_deref()
    }

    /// The FHIR id of the row: of a visit that was of a series, the one it had there, where the layout can keep it.
    pub(super) fn uuid(&self, emr: &Emr, appointment: &Appointment) -> Uuid {
        match emr.layout.has(TABLE, "uuid") {
            true => uuids::known(self.uuid.as_deref()).unwrap_or(appointment.uuid),
            false => named(TABLE, self.row_id),
        }
    }
}

/// The row and, of a visit with several providers, the others that stand as it does.
pub(super) async fn siblings(
    tx: &mut Tx,
    appointment: &Appointment,
    event: &Event,
) -> Answer<Vec<i64>> {
    let mut rows = vec![event.row_id];
    if event.multiple > 0 {
        let sql = Sql::new(SIBLINGS)
            .bind(appointment.person.pid.to_string())
            .bind(event.multiple)
            .bind(&appointment.mark)
            .bind(event.sort_key.split(' ').next().unwrap_or_default());
        let others: Vec<Sibling> = tx.all(sql).await?;
        let others = others.into_iter().map(|other| other.row_id);
        rows.extend(others.filter(|row| *row != event.row_id));
    }
    Ok(rows)
}

pub(super) fn changed_meanwhile() -> Failure {
    let why = "The visit was changed by somebody else at the same moment. Please look at it again.";
    Refusal::Conflict(why.to_owned()).into()
}
