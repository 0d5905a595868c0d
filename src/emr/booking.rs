//! Asking for a visit: the facts for the rules. What is written is in [`entry`].

pub(super) mod entry;

use sqlx::FromRow;
use time::Date;
use time::Duration;
use time::OffsetDateTime;

use crate::db::sql::Sql;
use crate::db::sql::datetime_text;
use crate::domain::access::Grant;
use crate::domain::access::Reach;
use crate::domain::access::User;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Refusal;
use crate::emr::Emr;
use crate::emr::calendar::minutes;
use crate::emr::calendar::spoken;
use crate::emr::openings::Event;
use crate::emr::openings::Openings;
use crate::emr::openings::Visit;
use crate::emr::persons;
use crate::emr::schedules::Provider;
use crate::emr::schedules::Which;
use crate::emr::schedules::categories::Category;
use crate::emr::schedules::categories::bookable;
use crate::emr::schedules::categories::usual;
use crate::emr::schedules::providers;
use crate::emr::slots;
use crate::emr::slots::load;
use crate::emr::slots::load::Own;
use crate::portal::Case;
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

/// Requests that wait, from today on: what may be too many.
const OPEN: &str = "SELECT COUNT(*) AS total FROM openemr_postcalendar_events \
    WHERE pc_pid = ? AND pc_eventstatus = 1 AND pc_apptstatus IN ('^', 'CALL') AND pc_recurrtype = 0 AND pc_eventDate >= ?";

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

#[derive(FromRow)]
struct Count {
    total: i64,
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
            let own = own(emr, person.pid, &ask);
            let events = load::of(emr, &[host.row], days, &own).await?;
            let events = events.get(&host.row).map(Vec::as_slice).unwrap_or_default();
            (
                free(emr, events, (start, service)),
                next(emr, events, (start, service)),
            )
        }
        _ => (false, Vec::new()),
    };
    let practice = emr.practice().await?;
    let (sql, most) = (open(emr, person.pid), emr.booking.open);
    let waiting: Option<Count> = match most {
        Some(_) => emr.db.one(sql).await?,
        None => None,
    };
    let confirmed = category.is_some_and(|category| emr.booking.confirms(&category.code.code));
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
        open: (many(waiting), most),
        notice: emr.booking.notice,
        ahead: emr.booking.ahead,
        confirmed,
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
    // Of an hour that comes twice OpenEMR's calendar knows the first: the second would be read back as an hour before.
    if emr.zone.instant(wall) != start {
        return false;
    }
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

/// What does not stand in the way of the patient who asks.
fn own(emr: &Emr, pid: i64, ask: &Request) -> Own {
    let instead = ask.instead.map(|start| datetime_text(emr.zone.wall(start)));
    Own { pid, instead }
}

/// The statement that counts what waits.
fn open(emr: &Emr, pid: i64) -> Sql {
    let today = emr.zone.wall(emr.now()).date();
    Sql::new(OPEN).bind(pid.to_string()).bind(today)
}

fn many(count: Option<Count>) -> u32 {
    count.map_or(0, |count| u32::try_from(count.total).unwrap_or(u32::MAX))
}
