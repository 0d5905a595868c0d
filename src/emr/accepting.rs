//! A patient agrees to the time staff proposed: the facts for the rules, and the mark that says it is booked.

use crate::db::Tx;
use crate::db::sql::Sql;
use crate::domain::access::Reach;
use crate::domain::records::Record;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Refusal;
use crate::domain::visits::Status;
use crate::emr;
use crate::emr::Emr;
use crate::emr::calendar::marks::mark_of;
use crate::emr::calendar::minutes;
use crate::emr::cancel::changed_meanwhile;
use crate::emr::cancel::hold;
use crate::emr::cancel::siblings;
use crate::emr::tracking;
use crate::emr::writing::Written;
use crate::portal::Case;
use crate::portal::visit::AcceptCase;
use crate::portal::visit::Acceptance;
use crate::portal::visit::VisitCase;
use crate::store::visits;
use crate::store::visits::Stand;

/// The mark is compared again, so that of two who change the visit at once only the first does.
const MARK: &str = "UPDATE openemr_postcalendar_events SET pc_apptstatus = ? \
    WHERE pc_pid = ? AND pc_apptstatus = ? AND pc_eid IN ";

/// Gathers what the rules must know.
///
/// # Errors
/// `NotFound` where the visit is not there for this caller, `Stale` where `If-Match` named another version.
pub(super) async fn case(emr: &Emr, reach: &Reach, ask: Acceptance) -> Answer<Case> {
    let record = emr::read(emr, reach, ask.uuid).await?;
    let version = record.version();
    let Record::Appointment(appointment) = record else {
        return Err(Refusal::NotFound.into());
    };
    if ask.seen.is_some_and(|seen| seen != version) {
        return Err(Refusal::Stale.into());
    }
    let practice = emr.practice().await?;
    let case = AcceptCase {
        appointment: *appointment,
        now: emr.now(),
        portal_on: practice.globals.on("portal_onsite_two_enable"),
        appointments_on: practice.globals.on("allow_portal_appointments"),
    };
    Ok(Case::Visit(VisitCase::Accept(Box::new(case))))
}

/// Writes the mark, the flow board's row and the note to staff, in the transaction of the caller.
///
/// # Errors
/// `Conflict` where the visit changed since the rules looked at it.
pub(super) async fn apply(emr: &Emr, tx: &mut Tx, case: &AcceptCase) -> Answer<Written> {
    let visit = &case.appointment;
    let event = hold(emr, tx, visit).await?;
    let rows = siblings(tx, visit, &event).await?;
    let mark = mark_of(Status::Booked);
    let sql = Sql::new(MARK)
        .bind(mark)
        .bind(visit.person.pid.to_string())
        .bind(&visit.mark)
        .list(rows.iter().copied());
    if tx.run(sql).await? == 0 {
        return Err(changed_meanwhile());
    }
    let wall = emr.zone.wall(emr.now());
    for row in rows {
        visits::seen(tx, row, (mark, Stand::Agreed, false)).await?;
        tracking::track(tx, row, mark, (wall, "portal-user")).await?;
    }
    let text = format!(
        "Portal patient {} agreed to the appointment dated {} that was proposed.",
        visit.patient_name,
        minutes(emr, visit.start)
    );
    tracking::note(emr, tx, (visit.person.pid, event.provider(), &text)).await?;
    Ok(Written::Record(event.uuid(emr, visit)))
}
