//! Booking a visit: the facts for the rules, and the row OpenEMR's own portal would write (OpenEMR facts 2.6).

use sqlx::FromRow;
use time::Date;
use time::Duration;
use time::OffsetDateTime;

use crate::db::Tx;
use crate::db::sql::Sql;
use crate::db::sql::time_text;
use crate::domain::access::Grant;
use crate::domain::access::Reach;
use crate::domain::access::User;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Refusal;
use crate::emr::Emr;
use crate::emr::calendar::marks::mark_of;
use crate::emr::calendar::minutes;
use crate::emr::calendar::spoken;
use crate::emr::exception::no_end;
use crate::emr::exception::once;
use crate::emr::names::named;
use crate::emr::openings::Event;
use crate::emr::openings::Openings;
use crate::emr::openings::Visit;
use crate::emr::persons;
use crate::emr::php;
use crate::emr::schedules::Provider;
use crate::emr::schedules::Which;
use crate::emr::schedules::categories::Category;
use crate::emr::schedules::categories::bookable;
use crate::emr::schedules::categories::usual;
use crate::emr::schedules::providers;
use crate::emr::slots;
use crate::emr::slots::load;
use crate::emr::tracking;
use crate::emr::uuids;
use crate::emr::writing::Written;
use crate::portal::Case;
use crate::portal::visit;
use crate::portal::visit::Booking;
use crate::portal::visit::By;
use crate::portal::visit::Host;
use crate::portal::visit::Request;
use crate::portal::visit::RequestCase;
use crate::portal::visit::Service;
use crate::portal::visit::VisitCase;

const TABLE: &str = "openemr_postcalendar_events";

const PATIENT: &str =
    "SELECT fname, lname, CAST(providerID AS SIGNED) AS provider FROM patient_data WHERE pid = ?";

const PLACE: &str = "SELECT f.id FROM facility f JOIN uuid_mapping m \
    ON m.target_uuid = f.uuid AND m.resource = 'Location' WHERE m.uuid = ? ORDER BY m.id";

/// Held until the transaction ends: whoever books the same provider waits here, and then sees what was booked. Nothing
/// in the calendar itself could be held, because no key forbids two visits at one time (OpenEMR facts 6.6).
const HOLD: &str = "SELECT id FROM users WHERE id = ?";

/// Booleans and numbers OpenEMR's portal leaves empty are written as the 0 they become.
const INSERT: &str = "INSERT INTO openemr_postcalendar_events (pc_catid, pc_multiple, pc_aid, pc_pid, pc_title, pc_time, \
    pc_hometext, pc_informant, pc_eventDate, pc_endDate, pc_duration, pc_recurrtype, pc_recurrspec, pc_startTime, \
    pc_endTime, pc_alldayevent, pc_apptstatus, pc_prefcatid, pc_location, pc_eventstatus, pc_sharing, pc_facility";
const VALUES: &str = ") VALUES (?, 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?, ?, ?, 0, ?, 0, ?, 1, 1, ?";

/// Days the next free starts are looked for on.
const LOOK: Duration = Duration::days(14);

/// How many of them are told.
const TOLD: usize = 5;

#[derive(FromRow)]
struct PatientRow {
    fname: Option<String>,
    lname: Option<String>,
    provider: Option<i64>,
}

#[derive(FromRow)]
struct Id {
    id: i64,
}

/// Gathers what the rules must know.
///
/// # Errors
/// `NotFound` where the patient is not there for this caller; `Invalid` where slot, start and provider disagree.
pub(super) async fn case(emr: &Emr, grant: &Grant, reach: &Reach, ask: Request) -> Answer<Case> {
    let person = persons::by_uuid(emr, ask.patient).await?;
    let person = person.filter(|person| reach.within(*person).is_some());
    let Some(person) = person else {
        let why = "there is no such patient";
        return Err(Refusal::invalid("Appointment.participant", why).into());
    };
    let row: Option<PatientRow> = emr.db.one(Sql::new(PATIENT).bind(person.pid)).await?;
    let name = row.map_or_else(String::new, |row| spoken(row.fname, row.lname));
    let (host, slot) = host(emr, &ask).await?;
    let start = start(&ask, slot.map(|slot| slot.start))?;
    let all = bookable(emr).await?;
    let category = match (&ask.category, slot.and_then(|slot| slot.category)) {
        (Some(token), _) => all.iter().find(|category| category.is_asked(token)),
        (None, Some(row)) => all.iter().find(|category| category.row == row),
        (None, None) => usual(&all),
    };
    let service = category.map(|category| service(emr, category));
    let facility = match ask.location {
        None => Some(0),
        Some(place) => {
            let found: Option<Id> = emr.db.one(Sql::new(PLACE).bind(place)).await?;
            found.map(|found| found.id)
        }
    };
    let days = days(emr, start);
    let (free, next) = match (&host, &service) {
        (Some(host), Some(service)) => {
            let events = slots::events_of(emr, std::slice::from_ref(host), days).await?;
            let events = events.get(&host.row).map(Vec::as_slice).unwrap_or_default();
            (
                free(emr, events, (start, service)),
                next(emr, events, (start, service)),
            )
        }
        _ => (false, Vec::new()),
    };
    let practice = emr.practice().await?;
    let case = RequestCase {
        patient: (person, name),
        now: emr.now(),
        portal_on: practice.globals.on("portal_onsite_two_enable"),
        appointments_on: practice.globals.on("allow_portal_appointments"),
        host: host.map(|host| Host {
            row: host.row,
            configured: host.configured,
        }),
        service,
        facility,
        start,
        free,
        next,
        writer: match grant.user() {
            User::Staff(staff) => Some(staff.id),
            User::Patient(_) | User::System => None,
        },
        ask,
    };
    Ok(Case::Visit(VisitCase::Request(Box::new(case))))
}

/// The provider, and what the slot says.
async fn host(emr: &Emr, ask: &Request) -> Answer<(Option<Provider>, Option<slots::Named>)> {
    let slot = match ask.slot {
        None => None,
        Some(id) => {
            let why = "no Slot of this server has this id";
            let named = slots::named(emr, id);
            Some(named.ok_or_else(|| Refusal::invalid("Appointment.slot", why))?)
        }
    };
    let rows = slot.map(|slot| [slot.provider]);
    let found = match (&rows, ask.provider) {
        (Some(rows), _) => providers(emr, Which::Rows(rows)).await?,
        (None, Some(uuid)) => providers(emr, Which::Uuid(uuid)).await?,
        (None, None) => Vec::new(),
    };
    let host = found.into_iter().next();
    if let (Some(asked), Some(host)) = (ask.provider, &host)
        && asked != host.uuid
    {
        let why = "this is not the provider of the slot";
        return Err(Refusal::invalid("Appointment.participant", why).into());
    }
    Ok((host, slot))
}

fn start(ask: &Request, slot: Option<OffsetDateTime>) -> Result<OffsetDateTime, Refusal> {
    match (ask.start, slot) {
        (Some(start), Some(slot)) if start != slot => {
            let why = "this is not when the slot begins";
            Err(Refusal::invalid("Appointment.start", why))
        }
        (Some(start), _) | (None, Some(start)) => Ok(start),
        (None, None) => Err(Refusal::invalid(
            "Appointment.start",
            "give a start or a slot",
        )),
    }
}

/// A category without a length takes one step of the calendar, as in `openings`.
fn service(emr: &Emr, category: &Category) -> Service {
    let seconds = match category.seconds {
        ..=0 => match load::rules(emr).step_minutes {
            step @ 1..=1440 => step * 60,
            _ => 900,
        },
        seconds => seconds,
    };
    Service {
        row: category.row,
        name: category.code.display.clone(),
        length: Duration::seconds(seconds),
    }
}

fn days(emr: &Emr, start: OffsetDateTime) -> (Date, Date) {
    let first = emr.zone.wall(start).date();
    (first, first.saturating_add(LOOK))
}

/// Whether the visit fits then.
fn free(emr: &Emr, events: &[Event], (start, service): (OffsetDateTime, &Service)) -> bool {
    let wall = emr.zone.wall(start);
    let rules = load::rules(emr);
    let openings = Openings::of(events, &[wall.date()], &rules, &visit(service));
    openings.fits(wall.date(), (wall - wall.date().midnight()).whole_seconds())
}

/// The next starts that are free, by the practice's clock.
fn next(emr: &Emr, events: &[Event], (start, service): (OffsetDateTime, &Service)) -> Vec<String> {
    let (first, last) = days(emr, start);
    let from = start.max(emr.now());
    let days: Vec<Date> = std::iter::successors(Some(first), |day| day.next_day())
        .take_while(|day| *day <= last)
        .collect();
    let openings = Openings::of(events, &days, &load::rules(emr), &visit(service));
    let starts = openings.starts().into_iter().filter_map(|(day, second)| {
        let wall = day.midnight().checked_add(Duration::seconds(second))?;
        Some(emr.zone.instant(wall))
    });
    starts
        .filter(|at| *at > from)
        .take(TOLD)
        .map(|at| minutes(emr, at))
        .collect()
}

fn visit(service: &Service) -> Visit {
    Visit {
        category: service.row,
        seconds: service.length.whole_seconds(),
    }
}

/// Whoever books this provider next waits until the transaction ends.
///
/// # Errors
/// `NotFound` where the provider is gone.
pub(super) async fn hold(tx: &mut Tx, host: i64) -> Answer<()> {
    let lock = tx.lock_clause();
    let held: Option<Id> = tx.one(Sql::new(HOLD).bind(host).push(lock)).await?;
    match held.is_some_and(|held| held.id == host) {
        true => Ok(()),
        false => Err(Refusal::NotFound.into()),
    }
}

/// Writes the visit and the note to staff, in the transaction of the caller.
///
/// # Errors
/// `Conflict` with the next free starts where somebody else was first.
pub(super) async fn apply(emr: &Emr, tx: &mut Tx, booking: &Booking) -> Answer<Written> {
    let case = &booking.case;
    hold(tx, booking.host.row).await?;
    let host = booking.host.row;
    // Staff may book twice: they know why.
    if case.ask.by == By::Patient {
        let span = days(emr, case.start);
        let rows = tx.all(load::statement(&[host], span)).await?;
        let events = load::events(emr, rows, span);
        let events = events.get(&host).map(Vec::as_slice).unwrap_or_default();
        let wanted = (case.start, &booking.service);
        if !free(emr, events, wanted) {
            let next = next(emr, events, wanted);
            return Err(Refusal::Conflict(visit::taken(&next)).into());
        }
    }
    let sql = insert(emr, tx, booking).await?;
    let row = tx.insert(sql).await?;
    let has_uuid = emr.layout.has(TABLE, "uuid");
    if has_uuid {
        uuids::register(tx, case.ask.id, (TABLE, "pc_eid"), 0).await?;
    }
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
    Ok(Written::Record(match has_uuid {
        true => case.ask.id,
        false => named(TABLE, row),
    }))
}

fn mark(booking: &Booking) -> &'static str {
    mark_of(booking.case.ask.status)
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
    let text = format!(
        "A New Appointment request was received from portal patient {name} regarding appointment dated {when}.{said} \
         Use Portal Dashboard to confirm with patient."
    );
    let key = booking.host.row.to_string();
    tracking::note(emr, tx, (person.pid, Some(&key), &text)).await
}
