//! What is written where a visit may be booked: the row OpenEMR's own portal would write (OpenEMR facts 2.6), or a hold.

use crate::db::Tx;
use crate::db::sql::Sql;
use crate::db::sql::datetime_text;
use crate::db::sql::time_text;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Refusal;
use crate::domain::visits::Status;
use crate::emr::Emr;
use crate::emr::booking::Count;
use crate::emr::booking::PATIENT;
use crate::emr::booking::PatientRow;
use crate::emr::booking::TABLE;
use crate::emr::booking::days;
use crate::emr::booking::free;
use crate::emr::booking::many;
use crate::emr::booking::next;
use crate::emr::booking::open;
use crate::emr::booking::own;
use crate::emr::calendar::marks::mark_of;
use crate::emr::calendar::minutes;
use crate::emr::exception::no_end;
use crate::emr::exception::once;
use crate::emr::names::named;
use crate::emr::php;
use crate::emr::slots::load;
use crate::emr::telling;
use crate::emr::tracking;
use crate::emr::uuids;
use crate::emr::writing::Written;
use crate::portal::visit;
use crate::portal::visit::Booking;
use crate::portal::visit::By;
use crate::portal::visit::Step;
use crate::store::calendars;
use crate::store::holds;
use crate::store::holds::Hold;
use crate::store::visits;
use crate::store::visits::Known;
use crate::store::visits::Stand;

/// How often a hold may be renewed, in its own lengths.
const RENEWED: i32 = 4;

const HELD_ENOUGH: &str =
    "This time was held for you long enough. Please ask for it now, or choose another.";

/// Booleans and numbers OpenEMR's portal leaves empty are written as the 0 they become.
const INSERT: &str = "INSERT INTO openemr_postcalendar_events (pc_catid, pc_multiple, pc_aid, pc_pid, pc_title, pc_time, \
    pc_hometext, pc_informant, pc_eventDate, pc_endDate, pc_duration, pc_recurrtype, pc_recurrspec, pc_startTime, \
    pc_endTime, pc_alldayevent, pc_apptstatus, pc_prefcatid, pc_location, pc_eventstatus, pc_sharing, pc_facility";
const VALUES: &str = ") VALUES (?, 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?, ?, ?, 0, ?, 0, ?, 1, 1, ?";

/// Writes the visit and the note to staff, or the hold, in the transaction of the caller.
///
/// # Errors
/// `Conflict` with the next free starts where somebody else was first; `Rules` where the patient has asked too often by
/// now.
pub(in crate::emr) async fn apply(emr: &Emr, tx: &mut Tx, booking: &Booking) -> Answer<Written> {
    calendars::take_turn(tx).await?;
    let case = &booking.case;
    // Staff may book twice: they know why. What is held is promised, whoever holds it.
    if case.ask.by == By::Patient || case.ask.step == Step::Hold {
        still_free(emr, tx, booking).await?;
    }
    if case.ask.step == Step::Hold {
        let hold = hold(emr, booking);
        let (now, most) = (emr.now().unix_timestamp(), emr.booking.hold * RENEWED);
        if !holds::put(tx, &hold, (now, most.whole_seconds())).await? {
            return Err(Refusal::Conflict(HELD_ENOUGH.to_owned()).into());
        }
        return Ok(Written::Record(hold.id));
    }
    if case.ask.by == By::Patient {
        still_few(emr, tx, booking).await?;
    }
    holds::end(tx, case.patient.0.pid).await?;
    let sql = insert(emr, tx, booking).await?;
    let row = tx.insert(sql).await?;
    let has_uuid = emr.layout.has(TABLE, "uuid");
    if has_uuid {
        uuids::register(tx, case.ask.id, (TABLE, "pc_eid"), 0).await?;
    }
    let id = match has_uuid {
        true => case.ask.id,
        false => named(TABLE, row),
    };
    // Moved in one step it is the same entry of the patient's calendar.
    let old = match case.ask.instead {
        Some(start) => telling::given_up(emr, tx, (case.patient.0.pid, start)).await?,
        None => None,
    };
    let known = Known {
        event: row,
        pid: case.patient.0.pid,
        // What is settled at once is news: it is told as soon as it is seen.
        mark: match (case.ask.by, booking.status()) {
            (By::Patient, Status::Pending | Status::Waitlist) => mark(booking).to_owned(),
            _ => mark_of(Status::Pending).to_owned(),
        },
        wall: datetime_text(emr.zone.wall(case.start)),
        seconds: booking.length.whole_seconds(),
        uid: old
            .as_ref()
            .map_or_else(|| id.to_string(), |old| old.uid.clone()),
        stand: Stand::Waits,
        revision: old.map_or(0, |old| old.revision + 1),
    };
    let asked = case.ask.by == By::Patient;
    visits::begin(tx, &known, (asked, emr.now().unix_timestamp())).await?;
    match case.ask.by {
        By::Patient => told(emr, tx, booking).await?,
        By::Staff => {
            let wall = emr.zone.wall(case.start);
            tracking::follow(
                tx,
                (row, mark(booking), emr.zone.wall(emr.now())),
                (case.patient.0.pid, wall, case.writer),
            )
            .await?;
        }
    }
    Ok(Written::Record(id))
}

/// That the time can still be had, now that nobody else books.
async fn still_free(emr: &Emr, tx: &mut Tx, booking: &Booking) -> Answer<()> {
    let case = &booking.case;
    let (own, span) = (
        own(emr, case.patient.0.pid, &case.ask),
        days(emr, case.start),
    );
    let events = load::within(emr, tx, (booking.host.row, span), &own).await?;
    let wanted = (case.start, &booking.service);
    match free(emr, &events, wanted) {
        true => Ok(()),
        false => Err(Refusal::Conflict(visit::taken(&next(emr, &events, wanted))).into()),
    }
}

/// That no more requests wait than may: of many sent at once each was alone when the rules looked.
async fn still_few(emr: &Emr, tx: &mut Tx, booking: &Booking) -> Answer<()> {
    let case = &booking.case;
    let Some(most) = case.open.1 else {
        return Ok(());
    };
    if !case.waits() {
        return Ok(());
    }
    // Nothing is locked: whoever asks has the turn, and nothing was read before it.
    let waiting: Option<Count> = tx.one(open(emr, case.patient.0.pid)).await?;
    match many(waiting) < most {
        true => Ok(()),
        false => Err(visit::one_too_many(most).into()),
    }
}

fn hold(emr: &Emr, booking: &Booking) -> Hold {
    Hold {
        id: booking.case.ask.id,
        pid: booking.case.patient.0.pid,
        provider: booking.host.row,
        category: booking.service.row,
        wall: datetime_text(emr.zone.wall(booking.case.start)),
        seconds: booking.length.whole_seconds(),
        expires: (emr.now() + emr.booking.hold).unix_timestamp(),
    }
}

fn mark(booking: &Booking) -> &'static str {
    mark_of(booking.status())
}

async fn insert(emr: &Emr, tx: &mut Tx, booking: &Booking) -> Answer<Sql> {
    let case = &booking.case;
    let (person, _) = &case.patient;
    // The portal notes the patient's own provider as the one who wrote the row.
    let informant = match (case.ask.by, case.writer) {
        (By::Staff, Some(writer)) => writer.to_string(),
        _ => {
            let row: Option<PatientRow> = tx.one(Sql::new(PATIENT).bind(person.pid)).await?;
            let own = row.and_then(|row| row.provider).filter(|own| *own > 0);
            own.map_or_else(|| "undefined".to_owned(), |own| own.to_string())
        }
    };
    let start = emr.zone.wall(case.start);
    let end = emr.zone.wall(case.start + booking.length);
    let has_uuid = emr.layout.has(TABLE, "uuid");
    let sql = Sql::new(INSERT)
        .push(if has_uuid { ", uuid" } else { "" })
        .push(VALUES)
        .bind(booking.service.row)
        .bind(booking.host.row.to_string())
        .bind(person.pid.to_string())
        .bind(&booking.service.name)
        .bind(emr.zone.wall(emr.now()))
        .bind(&case.ask.reason)
        .bind(informant)
        .bind(start.date())
        .bind(no_end(emr))
        .bind(booking.length.whole_seconds())
        .bind(once(case.ask.by == By::Staff))
        .bind(time_text(start.time()))
        .bind(time_text(end.time()))
        .bind(mark(booking))
        .bind(location())
        .bind(booking.facility);
    Ok(match has_uuid {
        true => sql.push(", ?)").bind(case.ask.id),
        false => sql.push(")"),
    })
}

/// Six empty places OpenEMR writes beside every event and never reads.
fn location() -> String {
    php::array(&[
        ("event_location", ""),
        ("event_street1", ""),
        ("event_street2", ""),
        ("event_city", ""),
        ("event_state", ""),
        ("event_postal", ""),
    ])
}

/// The note staff find in their inbox, as OpenEMR's portal writes it (OpenEMR facts 2.6).
async fn told(emr: &Emr, tx: &mut Tx, booking: &Booking) -> Answer<()> {
    let (person, name) = &booking.case.patient;
    let when = minutes(emr, booking.case.start);
    let reason = tracking::one_line(&booking.case.ask.reason);
    let said = match reason.is_empty() {
        true => String::new(),
        false => format!(" Reason {reason}."),
    };
    let text = match (booking.status(), booking.case.ask.instead) {
        (Status::Booked, _) => format!(
            "A New Appointment was booked by portal patient {name}, dated {when}.{said} No answer is needed."
        ),
        (_, Some(old)) => format!(
            "An Updated Appointment request was received from portal patient {name} regarding appointment dated {when}, \
             instead of {}.{said} Use Portal Dashboard to confirm with patient.",
            minutes(emr, old)
        ),
        (Status::Waitlist, None) => format!(
            "A New Appointment request was received from portal patient {name}, who asks to be called about {when}.{said} \
             Use Portal Dashboard to confirm with patient."
        ),
        _ => format!(
            "A New Appointment request was received from portal patient {name} regarding appointment dated {when}.{said} \
             Use Portal Dashboard to confirm with patient."
        ),
    };
    let key = booking.host.row.to_string();
    tracking::note(emr, tx, (person.pid, Some(&key), &text)).await
}
