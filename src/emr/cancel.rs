//! Calling off a visit: the facts for the rules, and the rows OpenEMR's own screens would write.

use sqlx::FromRow;
use time::Duration;
use time::PrimitiveDateTime;

use crate::db::Tx;
use crate::db::sql::Sql;
use crate::domain::access::Reach;
use crate::domain::records::Record;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Failure;
use crate::domain::refusal::Fault;
use crate::domain::refusal::Refusal;
use crate::domain::visits::Appointment;
use crate::domain::visits::Cancellation;
use crate::emr;
use crate::emr::Emr;
use crate::emr::calendar::minutes;
use crate::emr::calendar::rows_of;
use crate::emr::calendar::start_of;
use crate::emr::writing::Written;
use crate::portal::CancelCase;
use crate::portal::Case;
use crate::portal::Change;
use crate::portal::Permit;

/// The row to change, held until the transaction ends; that row alone, found by its key, because a statement that
/// looks through the calendar would hold all of it.
const EVENT: &str = "SELECT CAST(e.pc_eid AS SIGNED) AS row_id, CAST(e.pc_multiple AS SIGNED) AS multiple, \
    e.pc_apptstatus AS mark, e.pc_hometext AS comment, e.pc_aid AS provider_key, \
    CONCAT(e.pc_eventDate, ' ', CASE WHEN e.pc_alldayevent = 0 THEN COALESCE(e.pc_startTime, '00:00:00') ELSE '00:00:00' END) AS sort_key \
    FROM openemr_postcalendar_events e WHERE e.pc_pid = ?";

/// A visit with several providers is several rows with one `pc_multiple` above 0 (OpenEMR facts 1.4), which no index
/// has: looked for without holding anything.
const SIBLINGS: &str = "SELECT CAST(pc_eid AS SIGNED) AS row_id FROM openemr_postcalendar_events \
    WHERE pc_pid = ? AND pc_multiple = ? AND pc_apptstatus = ? ORDER BY pc_eid";

/// Who is told: the provider, if a provider still.
const PROVIDER: &str = "SELECT username FROM users WHERE id = ? AND authorized = 1";

/// The mark is compared again, so that of two who change the visit at once only the first does.
const CANCEL: &str = "UPDATE openemr_postcalendar_events SET pc_apptstatus = ?, pc_hometext = ? \
    WHERE pc_pid = ? AND pc_apptstatus = ? AND pc_eid IN ";

/// The flow board: a new element and its number on the tracker, only where staff already put the visit there
/// (OpenEMR facts 1.9; portal bookings have no tracker row and that is tolerated).
const TRACKER: &str =
    "SELECT id, lastseq FROM patient_tracker WHERE eid = ? ORDER BY id DESC LIMIT 1";
const TRACK: &str = "INSERT INTO patient_tracker_element \
    (pt_tracker_id, start_datetime, room, status, seq, user) VALUES (?, ?, '', ?, ?, 'portal-user')";
const TRACKED: &str = "UPDATE patient_tracker SET lastseq = ? WHERE id = ?";

/// The note staff find in their inbox, as OpenEMR's portal writes it (OpenEMR facts 2.6).
const NOTE: &str = "INSERT INTO pnotes (date, body, pid, user, groupname, activity, authorized, title, \
    assigned_to, deleted, message_status) \
    VALUES (?, ?, ?, 'portal-user', 'Default', 1, 1, 'Patient Reminders', ?, 0, 'New')";

#[derive(FromRow)]
struct Event {
    row_id: i64,
    multiple: i64,
    mark: String,
    comment: Option<String>,
    provider_key: Option<String>,
    sort_key: String,
}

#[derive(FromRow)]
struct Sibling {
    row_id: i64,
}

#[derive(FromRow)]
struct Provider {
    username: Option<String>,
}

#[derive(FromRow)]
struct Tracker {
    id: i64,
    lastseq: Option<String>,
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
    let reason = one_line(reason);
    let now = emr.now();
    let wall = emr.zone.wall(now);
    let stamp = minutes(emr, now);
    let visit = minutes(emr, appointment.start);
    // Version 6.1 gives visits no uuid: then the row behind the name-based id.
    let named = match emr.layout.has("openemr_postcalendar_events", "uuid") {
        true => None,
        false => Some(rows_of(emr, appointment.person.pid, &[appointment.uuid]).await?),
    };
    let event = hold(tx, appointment, &named).await?;
    if start_of(&event.sort_key).map(|start| emr.zone.instant(start)) != Some(appointment.start) {
        return Err(changed_meanwhile());
    }
    let rows = siblings(tx, appointment, &event).await?;
    let comment = comment(event.comment.as_deref(), &reason);
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
        track(tx, row, mark, wall).await?;
    }
    let assigned = told(tx, event.provider_key.as_deref()).await?;
    let said = match reason.is_empty() {
        true => String::new(),
        false => format!(" Reason: {reason}."),
    };
    let body = format!(
        "{stamp} (portal-user to {assigned}) Portal patient {} cancelled the appointment dated {visit}.{said}",
        appointment.patient_name
    );
    let note = Sql::new(NOTE)
        .bind(wall)
        .bind(body)
        .bind(appointment.person.pid)
        .bind(assigned);
    tx.run(note).await?;
    Ok(Written::Record(appointment.uuid))
}

/// The row as it is now, held; the mark must be the one the rules saw.
async fn hold(tx: &mut Tx, appointment: &Appointment, named: &Option<Vec<i64>>) -> Answer<Event> {
    let lock = tx.lock_clause();
    let sql = Sql::new(EVENT).bind(appointment.person.pid.to_string());
    let sql = match named {
        None => sql.push(" AND e.uuid = ?").bind(appointment.uuid),
        Some(rows) => sql.push(" AND e.pc_eid IN ").list(rows.iter().copied()),
    };
    let event: Option<Event> = tx.one(sql.push(lock)).await?;
    match event {
        Some(event) if event.mark == appointment.mark => Ok(event),
        Some(_) => Err(changed_meanwhile()),
        None => Err(Refusal::NotFound.into()),
    }
}

/// The row and, of a visit with several providers, the others that stand as it does.
async fn siblings(tx: &mut Tx, appointment: &Appointment, event: &Event) -> Answer<Vec<i64>> {
    let mut rows = vec![event.row_id];
    if event.multiple > 0 {
        let sql = Sql::new(SIBLINGS)
            .bind(appointment.person.pid.to_string())
            .bind(event.multiple)
            .bind(&appointment.mark);
        let others: Vec<Sibling> = tx.all(sql).await?;
        let others = others.into_iter().map(|other| other.row_id);
        rows.extend(others.filter(|row| *row != event.row_id));
    }
    Ok(rows)
}

/// Whose inbox the note goes to; `portal-user` is everybody who looks after the portal.
async fn told(tx: &mut Tx, key: Option<&str>) -> Answer<String> {
    let row = key.and_then(|key| key.trim().parse::<i64>().ok());
    let provider = match row {
        Some(row) => tx.one::<Provider>(Sql::new(PROVIDER).bind(row)).await?,
        None => None,
    };
    let name = provider
        .and_then(|provider| provider.username)
        .filter(|name| !name.is_empty());
    Ok(name.unwrap_or_else(|| "portal-user".to_owned()))
}

/// Each line of a staff note is an entry of its own (OpenEMR facts 1.12): a reason must not look like one.
fn one_line(reason: &str) -> String {
    let words: Vec<&str> = reason
        .split(|letter: char| letter.is_whitespace() || letter.is_control())
        .filter(|word| !word.is_empty())
        .collect();
    words.join(" ")
}

fn changed_meanwhile() -> Failure {
    let why = "The visit was changed by somebody else at the same moment. Please look at it again.";
    Refusal::Conflict(why.to_owned()).into()
}

/// The reason stands below what the visit was for, so that neither is lost. Where the column (64 KiB) has no room for
/// both it is in the note alone.
fn comment(before: Option<&str>, reason: &str) -> String {
    match (before.unwrap_or_default(), reason) {
        (before, "") => before.to_owned(),
        (before, reason) if before.len() + reason.len() > 65_000 => before.to_owned(),
        ("", reason) => format!("Cancelled by patient: {reason}"),
        (before, reason) => format!("{before}\nCancelled by patient: {reason}"),
    }
}

/// Adds the new mark to the flow board where the visit is on it.
async fn track(tx: &mut Tx, event: i64, mark: &'static str, wall: PrimitiveDateTime) -> Answer<()> {
    let tracker: Option<Tracker> = tx.one(Sql::new(TRACKER).bind(event)).await?;
    let Some(tracker) = tracker else {
        return Ok(());
    };
    let last = tracker.lastseq.unwrap_or_default();
    let next: u32 = match last.trim() {
        "" => 1,
        number => {
            number.parse::<u32>().map_err(|error| {
                Fault::new(
                    "reading patient_tracker.lastseq, which should be a number",
                    error,
                )
            })? + 1
        }
    };
    let element = Sql::new(TRACK)
        .bind(tracker.id)
        .bind(wall)
        .bind(mark)
        .bind(next.to_string());
    tx.run(element).await?;
    let sql = Sql::new(TRACKED).bind(next.to_string()).bind(tracker.id);
    tx.run(sql).await.map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neither_the_purpose_nor_the_reason_is_lost() {
        assert_eq!(comment(Some("Cough"), ""), "Cough");
        assert_eq!(comment(None, "Travel"), "Cancelled by patient: Travel");
        assert_eq!(
            comment(Some("Cough"), "Travel"),
            "Cough\nCancelled by patient: Travel"
        );
        let full = "x".repeat(65_000);
        assert_eq!(comment(Some(&full), "Travel"), full);
    }

    #[test]
    fn a_reason_cannot_look_like_another_entry_of_the_note() {
        let forged = " ill\r\n2026-01-01 10:00 (admin to admin) all\u{0} paid\u{2028}x ";
        assert_eq!(
            one_line(forged),
            "ill 2026-01-01 10:00 (admin to admin) all paid x"
        );
    }
}
