//! Staff change a visit: its mark, its time, its comment, with the rows OpenEMR's own screens would write.

use time::Duration;

use crate::db::Tx;
use crate::db::sql::Sql;
use crate::db::sql::datetime_text;
use crate::db::sql::time_text;
use crate::domain::access::Grant;
use crate::domain::access::User;
use crate::domain::refusal::Answer;
use crate::domain::visits::Appointment;
use crate::domain::visits::BY_PRACTICE;
use crate::domain::visits::Status;
use crate::domain::visits::with_reason;
use crate::emr::Emr;
use crate::emr::calendar::marks::mark_of;
use crate::emr::calendar::marks::status_of;
use crate::emr::calendar::rows::LONGEST;
use crate::emr::calendar::rows::comment_of;
use crate::emr::cancel::Event;
use crate::emr::cancel::changed_meanwhile;
use crate::emr::cancel::hold;
use crate::emr::cancel::siblings;
use crate::emr::telling;
use crate::emr::tracking;
use crate::emr::writing::Written;
use crate::portal::Case;
use crate::portal::visit::Edit;
use crate::portal::visit::EditCase;
use crate::portal::visit::VisitCase;
use crate::store::visits;
use crate::store::visits::Known;
use crate::store::visits::Stand;

/// The mark is compared again, so that of two who change the visit at once only the first does.
const MARK: &str = "UPDATE openemr_postcalendar_events SET pc_apptstatus = ?, pc_hometext = ? \
    WHERE pc_pid = ? AND pc_apptstatus = ? AND pc_eid IN ";

const MOVE: &str = "UPDATE openemr_postcalendar_events SET pc_eventDate = ?, pc_startTime = ?, pc_endTime = ?, \
    pc_duration = ? WHERE pc_pid = ? AND pc_eid IN ";

/// Gathers what the rules must know. The visit is the one the change was made of, and no later state: what others
/// changed since is found when it is written.
pub(super) fn case(grant: &Grant, ask: Edit) -> Case {
    let appointment = ask.before.clone();
    let mark = match (&ask.mark, ask.status) {
        (Some(mark), _) => mark.clone(),
        (None, Some(status)) if status != appointment.status => mark_of(status).to_owned(),
        (None, _) => appointment.mark.clone(),
    };
    let case = EditCase {
        meaning: status_of(&mark),
        mark,
        appointment,
        writer: match grant.user() {
            User::Staff(staff) => Some(staff.id),
            User::Patient(_) | User::System => None,
        },
        ask,
    };
    Case::Visit(VisitCase::Edit(Box::new(case)))
}

/// Writes what staff changed, in the transaction of the caller.
///
/// # Errors
/// `Conflict` where the visit changed since the rules looked at it.
pub(super) async fn apply(emr: &Emr, tx: &mut Tx, case: &EditCase) -> Answer<Written> {
    let (ask, visit) = (&case.ask, &case.appointment);
    let event = hold(emr, tx, visit).await?;
    // What is to be replaced must be what was seen.
    let words = ask.comment.is_some() && comment_of(event.comment.clone()) != visit.comment;
    if words || ask.span.is_some() && !ends_as(emr, visit, Duration::seconds(event.duration)) {
        return Err(changed_meanwhile());
    }
    let rows = siblings(tx, visit, &event).await?;
    remember(emr, tx, (visit, &event)).await?;
    let comment = comment(case, event.comment.as_deref());
    let pid = visit.person.pid.to_string();
    let sql = Sql::new(MARK)
        .bind(&case.mark)
        .bind(comment)
        .bind(&pid)
        .bind(&visit.mark)
        .list(rows.iter().copied());
    let changed = tx.run(sql).await?;
    if let Some((start, end)) = ask.span {
        let (wall, until) = (emr.zone.wall(start), emr.zone.wall(end));
        let sql = Sql::new(MOVE)
            .bind(wall.date())
            .bind(time_text(wall.time()))
            .bind(time_text(until.time()))
            .bind((end - start).whole_seconds())
            .bind(&pid)
            .list(rows.iter().copied());
        tx.run(sql).await?;
    } else if changed == 0 && case.mark != visit.mark {
        return Err(changed_meanwhile());
    }
    // A request that staff move is an offer: the patient agrees, or calls it off.
    let moved = ask.span.is_some_and(|(start, _)| start != visit.start);
    if moved || case.mark != visit.mark {
        let offered = moved && case.meaning == Status::Pending;
        visits::offer(tx, event.row_id, offered).await?;
    }
    if case.mark != visit.mark {
        let start = ask.span.map_or(visit.start, |(start, _)| start);
        let wall = emr.zone.wall(emr.now());
        for row in rows {
            let about = (visit.person.pid, emr.zone.wall(start), case.writer);
            tracking::follow(tx, (row, &case.mark, wall), about).await?;
        }
    }
    Ok(Written::Record(event.uuid(emr, visit)))
}

/// Remembers the visit as the patient knows it, so that what becomes of it is told.
async fn remember(emr: &Emr, tx: &mut Tx, (visit, event): (&Appointment, &Event)) -> Answer<()> {
    let known = Known {
        event: event.row_id,
        pid: visit.person.pid,
        mark: visit.mark.clone(),
        wall: datetime_text(emr.zone.wall(visit.start)),
        seconds: (visit.end - visit.start).whole_seconds(),
        uid: visit.uuid.to_string(),
        stand: telling::stand(&visit.mark).unwrap_or(Stand::Agreed),
        revision: 0,
    };
    visits::remember(tx, &known, (false, emr.now().unix_timestamp())).await
}

/// Whether a visit of this length ends when it did. By the wall clock too, on a day whose clocks change; a length that
/// does not count is not what the end was taken from.
fn ends_as(emr: &Emr, visit: &Appointment, length: Duration) -> bool {
    let wall = emr.zone.wall(visit.start).checked_add(length);
    length <= Duration::ZERO
        || length > LONGEST
        || visit.start.checked_add(length) == Some(visit.end)
        || wall.map(|wall| emr.zone.instant(wall)) == Some(visit.end)
}

/// The comment staff gave, or the one that was; why a visit was cancelled stands below it.
fn comment(case: &EditCase, before: Option<&str>) -> String {
    let kept = case.ask.comment.clone();
    let kept = kept.unwrap_or_else(|| before.unwrap_or_default().to_owned());
    with_reason(&kept, BY_PRACTICE, &tracking::one_line(&case.ask.reason))
}
