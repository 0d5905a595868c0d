//! What a change to a visit leaves beside it: the flow board's rows (OpenEMR facts 1.9) and the note to staff (2.6).

use sqlx::FromRow;
use time::PrimitiveDateTime;

use crate::db::Tx;
use crate::db::sql::Sql;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Fault;
use crate::emr::Emr;
use crate::emr::calendar::minutes;

/// Who is told: the provider, if a provider still.
const PROVIDER: &str = "SELECT username FROM users WHERE id = ? AND authorized = 1";

/// Who did it.
const COLLEAGUE: &str = "SELECT username FROM users WHERE id = ?";

const TRACKER: &str =
    "SELECT id, lastseq FROM patient_tracker WHERE eid = ? ORDER BY id DESC LIMIT 1";
const TRACK: &str = "INSERT INTO patient_tracker_element \
    (pt_tracker_id, start_datetime, room, status, seq, user) VALUES (?, ?, '', ?, ?, ?)";
const TRACKED: &str = "UPDATE patient_tracker SET lastseq = ? WHERE id = ?";
const FOLLOW: &str = "INSERT INTO patient_tracker (date, apptdate, appttime, eid, pid, original_user, encounter, lastseq) \
    VALUES (?, ?, ?, ?, ?, ?, 0, '1')";

/// The note staff find in their inbox, as OpenEMR's portal writes it (OpenEMR facts 2.6).
const NOTE: &str = "INSERT INTO pnotes (date, body, pid, user, groupname, activity, authorized, title, \
    assigned_to, deleted, message_status) \
    VALUES (?, ?, ?, 'portal-user', 'Default', 1, 1, ?, ?, 0, 'New')";

/// What a note about a visit is headed.
const ABOUT_VISITS: &str = "Patient Reminders";

#[derive(FromRow)]
struct Colleague {
    username: Option<String>,
}

#[derive(FromRow)]
struct Tracker {
    id: i64,
    lastseq: Option<String>,
}

/// Adds the new mark to the flow board where the visit is on it: a new element and its number on the tracker. Portal
/// bookings have no tracker row, and that is tolerated.
pub(super) async fn track(
    tx: &mut Tx,
    event: i64,
    mark: &str,
    (wall, user): (PrimitiveDateTime, &str),
) -> Answer<bool> {
    let tracker: Option<Tracker> = tx.one(Sql::new(TRACKER).bind(event)).await?;
    let Some(tracker) = tracker else {
        return Ok(false);
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
        .bind(next.to_string())
        .bind(user);
    tx.run(element).await?;
    let sql = Sql::new(TRACKED).bind(next.to_string()).bind(tracker.id);
    tx.run(sql).await?;
    Ok(true)
}

/// Puts a visit that staff book or mark on the flow board, as their own screens do.
pub(super) async fn follow(
    tx: &mut Tx,
    (event, mark, wall): (i64, &str, PrimitiveDateTime),
    (pid, start, writer): (i64, PrimitiveDateTime, Option<i64>),
) -> Answer<()> {
    let user = username(tx, writer).await?;
    if track(tx, event, mark, (wall, &user)).await? {
        return Ok(());
    }
    let sql = Sql::new(FOLLOW)
        .bind(wall)
        .bind(start.date())
        .bind(start.time())
        .bind(event)
        .bind(pid)
        .bind(&user);
    let tracker = tx.insert(sql).await?;
    let element = Sql::new(TRACK)
        .bind(tracker)
        .bind(wall)
        .bind(mark)
        .bind("1")
        .bind(&user);
    tx.run(element).await.map(|_| ())
}

async fn username(tx: &mut Tx, writer: Option<i64>) -> Answer<String> {
    let row: Option<Colleague> = match writer {
        Some(writer) => tx.one(Sql::new(COLLEAGUE).bind(writer)).await?,
        None => None,
    };
    let name = row.and_then(|row| row.username);
    // A backend service is nobody in OpenEMR.
    Ok(name
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| "portal-user".to_owned()))
}

/// Leaves a note about a patient in the inbox of a provider (`pc_aid`); `portal-user` is everybody who looks after the
/// portal.
pub(super) async fn note(emr: &Emr, tx: &mut Tx, about: (i64, Option<&str>, &str)) -> Answer<()> {
    headed(emr, tx, ABOUT_VISITS, about).await
}

/// The same under another heading: OpenEMR's list `note_type` or one that its portal uses.
pub(super) async fn headed(
    emr: &Emr,
    tx: &mut Tx,
    heading: &'static str,
    (pid, provider, text): (i64, Option<&str>, &str),
) -> Answer<()> {
    let row = provider.and_then(|key| key.trim().parse::<i64>().ok());
    let found: Option<Colleague> = match row {
        Some(row) => tx.one(Sql::new(PROVIDER).bind(row)).await?,
        None => None,
    };
    let assigned = found
        .and_then(|found| found.username)
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| "portal-user".to_owned());
    let now = emr.now();
    let stamp = minutes(emr, now);
    let body = format!("{stamp} (portal-user to {assigned}) {text}");
    let sql = Sql::new(NOTE)
        .bind(emr.zone.wall(now))
        .bind(body)
        .bind(pid)
        .bind(heading)
        .bind(assigned);
    tx.run(sql).await.map(|_| ())
}

/// Each line of a staff note is an entry of its own (OpenEMR facts 1.12): a reason must not look like one.
pub(super) fn one_line(reason: &str) -> String {
    let words: Vec<&str> = reason
        .split(|letter: char| letter.is_whitespace() || letter.is_control())
        .filter(|word| !word.is_empty())
        .collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_cannot_look_like_another_entry_of_the_note() {
        let forged = " ill\r\n2026-01-01 10:00 (admin to admin) all\u{0} paid\u{2028}x ";
        assert_eq!(
            one_line(forged),
            "ill 2026-01-01 10:00 (admin to admin) all paid x"
        );
    }
}
