//! The rules about a visit: asked for by a patient, booked, moved or marked by staff (F121 to F136).

mod accept;

use time::Duration;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::domain::people::Person;
use crate::domain::refusal::Reason;
use crate::domain::refusal::Refusal;
use crate::domain::scope::Token;
use crate::domain::visits::Appointment;
use crate::domain::visits::Status;
use crate::portal::Change;
use crate::portal::Verdict;
use crate::portal::permitted;
use crate::portal::rules;
use crate::portal::rules::Rule;

pub use accept::ACCEPT;
pub use accept::AcceptCase;
pub use accept::Acceptance;

/// The rule that somebody else was first. Breaking it alone is a conflict: the request itself is right.
pub const TAKEN: &str = "book.taken";

/// The rule about how many requests may wait.
pub const OPEN: &str = "book.open";

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// The patient whose visit it is.
    Patient,
    /// The practice.
    Staff,
}

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VisitAsk {
    /// A new visit.
    Request(Box<Request>),
    /// Staff change one.
    Edit(Box<Edit>),
    /// A patient agrees to the time staff proposed.
    Accept(Acceptance),
}

/// What a request comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The time is held for a while.
    Hold,
    /// The visit is asked for.
    Ask,
}

/// A visit that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The FHIR id it is to have.
    pub id: Uuid,
    /// Who asks.
    pub by: By,
    /// Whose visit, as FHIR id.
    pub patient: Uuid,
    /// With whom; `None` where the slot says it.
    pub provider: Option<Uuid>,
    /// Where.
    pub location: Option<Uuid>,
    /// The category; the practice's usual one where none is named.
    pub category: Option<Token>,
    /// A Slot this server offered: it says with whom, when and for how long.
    pub slot: Option<Uuid>,
    /// When; `None` where the slot says it.
    pub start: Option<OffsetDateTime>,
    /// For how long, where that was said.
    pub length: Option<Duration>,
    /// What it is to be.
    pub status: Status,
    /// The reason in words; empty where none.
    pub reason: String,
    /// What it comes to.
    pub step: Step,
    /// When the patient's own visit begins that is given up for this one: it does not stand in its way.
    pub instead: Option<OffsetDateTime>,
}

/// What staff change about a visit; what is `None` stays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// The visit as it was when the change was made.
    pub before: Appointment,
    /// What it is to be.
    pub status: Option<Status>,
    /// The calendar's own mark for it, where staff say which.
    pub mark: Option<String>,
    /// Why it is cancelled; empty where not said.
    pub reason: String,
    /// When it is to begin and end.
    pub span: Option<(OffsetDateTime, OffsetDateTime)>,
    /// The comment.
    pub comment: Option<String>,
}

/// What is known when it is decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VisitCase {
    /// About a new visit.
    Request(Box<RequestCase>),
    /// About one that staff change.
    Edit(Box<EditCase>),
    /// About a time staff proposed.
    Accept(Box<AcceptCase>),
}

/// The provider a visit is asked for with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    /// `users.id`
    pub row: i64,
    /// Whether the practice has said when the provider is in the office.
    pub configured: bool,
}

/// The category a visit is asked for in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// `pc_catid`
    pub row: i64,
    /// Its name in the practice.
    pub name: String,
    /// How long such a visit is.
    pub length: Duration,
}

/// What is known about a new visit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestCase {
    /// What was asked.
    pub ask: Request,
    /// Whose visit, and the name for the note to staff.
    pub patient: (Person, String),
    /// When it is decided.
    pub now: OffsetDateTime,
    /// Whether the portal is on (`portal_onsite_two_enable`).
    pub portal_on: bool,
    /// Whether the practice offers appointments in the portal (`allow_portal_appointments`).
    pub appointments_on: bool,
    /// With whom; `None` for nobody who can be booked.
    pub host: Option<Host>,
    /// What for; `None` for no category that can be booked.
    pub service: Option<Service>,
    /// `facility.id`, 0 where none was named; `None` where there is no such place.
    pub facility: Option<i64>,
    /// When.
    pub start: OffsetDateTime,
    /// Whether the provider is free then for a visit of this category.
    pub free: bool,
    /// The next starts that are, as the practice's clock has them.
    pub next: Vec<String>,
    /// `users.id` of the member of staff who books.
    pub writer: Option<i64>,
    /// How many requests of the patient wait, and how many may.
    pub open: (u32, Option<u32>),
    /// Least time before the visit (`booking_notice_hours`).
    pub notice: Duration,
    /// Most time before it (`booking_ahead_days`).
    pub ahead: Duration,
    /// Whether the practice confirms this category at once (`booking_confirm`).
    pub confirmed: bool,
}

/// What is known about a visit staff change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EditCase {
    /// What was asked.
    pub ask: Edit,
    /// The visit as it stands.
    pub appointment: Appointment,
    /// The mark that stands for the status now asked for.
    pub mark: String,
    /// What that mark means.
    pub meaning: Status,
    /// `users.id` of the member of staff.
    pub writer: Option<i64>,
}

/// What may be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VisitChange {
    /// A new visit.
    Book(Box<Booking>),
    /// A visit staff changed.
    Edit(Box<EditCase>),
    /// A time the patient agreed to.
    Accept(Box<AcceptCase>),
}

/// A visit that may be booked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Booking {
    /// As the rules saw it.
    pub case: RequestCase,
    /// With whom.
    pub host: Host,
    /// What for.
    pub service: Service,
    /// `facility.id`, or 0.
    pub facility: i64,
    /// For how long.
    pub length: Duration,
}

/// What holds for every new visit.
const EVERY: &[Rule<RequestCase>] = &[
    Rule {
        id: "book.category",
        about: "The category is one of patients' visits, in use, and not No Show.",
        holds: |case| case.service.is_some(),
        sentence: |_| "There is no such kind of visit at this practice.".to_owned(),
        expression: "Appointment.serviceType",
    },
    Rule {
        id: "book.provider",
        about: "The provider is in use and has a calendar.",
        holds: |case| case.host.is_some(),
        sentence: |_| "This provider cannot be booked. Please choose another.".to_owned(),
        expression: "Appointment.participant",
    },
    Rule {
        id: "book.location",
        about: "The place is one of the practice's.",
        holds: |case| case.facility.is_some(),
        sentence: |_| "The practice has no such place.".to_owned(),
        expression: "Appointment.participant",
    },
];

/// When a patient may ask for a visit: F121 to F126; row ids are the codes.
pub const REQUEST: &[Rule<RequestCase>] = &[
    Rule {
        id: "portal-disabled",
        about: "The patient portal is switched on.",
        holds: |case| case.portal_on,
        sentence: |_| "The practice's portal is switched off. Please call the practice.".to_owned(),
        expression: "portal_onsite_two_enable",
    },
    Rule {
        id: "book.off",
        about: "The practice offers appointments in the portal.",
        holds: |case| case.appointments_on,
        sentence: |_| {
            "The practice does not take requests for visits online. Please call the practice."
                .to_owned()
        },
        expression: "allow_portal_appointments",
    },
    EVERY[0],
    EVERY[1],
    EVERY[2],
    Rule {
        id: "book.status",
        about: "A patient asks (proposed or pending), or asks to be called about it (waitlist); the practice answers.",
        holds: |case| matches!(case.ask.status, Status::Pending | Status::Waitlist),
        sentence: |_| "A visit is asked for as pending; the practice confirms it.".to_owned(),
        expression: "Appointment.status",
    },
    Rule {
        id: "book.past",
        about: "The visit's time is still to come.",
        holds: |case| case.now < case.start,
        sentence: |_| "This time has passed. Please choose a later one.".to_owned(),
        expression: "Appointment.start",
    },
    Rule {
        id: "book.notice",
        about: "The visit is at least as many hours away as the practice asks for.",
        // A time that has passed breaks its own rule, not this one too.
        holds: |case| case.start <= case.now || case.start - case.now >= case.notice,
        sentence: |case| {
            format!(
                "Visits are asked for {} hours ahead at least. Please choose a later time, or call the practice.",
                case.notice.whole_hours()
            )
        },
        expression: "booking_notice_hours",
    },
    Rule {
        id: "book.ahead",
        about: "The visit is no more days ahead than the practice plans.",
        holds: |case| case.start - case.now <= case.ahead,
        sentence: |case| {
            format!(
                "Visits can be asked for {} days ahead at most. Please choose an earlier time.",
                case.ahead.whole_days()
            )
        },
        expression: "booking_ahead_days",
    },
    Rule {
        id: OPEN,
        about: "No more requests of the patient wait than the practice allows.",
        holds: |case| !case.waits() || case.open.1.is_none_or(|most| case.open.0 < most),
        sentence: |case| too_many(case.open.1.unwrap_or_default()),
        expression: "booking_open_requests",
    },
    Rule {
        id: "book.length",
        about: "The visit is as long as its category says, where its end is given.",
        holds: |case| match (case.ask.length, &case.service) {
            (Some(asked), Some(service)) => asked == service.length,
            _ => true,
        },
        sentence: |case| {
            let length = case
                .service
                .as_ref()
                .map_or(0, |service| service.length.whole_minutes());
            format!("Such a visit takes {length} minutes: leave the end away or make it that.")
        },
        expression: "Appointment.end",
    },
    Rule {
        id: "schedule-not-configured",
        about: "The practice has set up the provider's calendar: In Office, and Out Of Office where the day ends.",
        holds: |case| case.host.as_ref().is_none_or(|host| host.configured),
        sentence: |_| {
            "The practice has not set up this provider's calendar. Please call the practice."
                .to_owned()
        },
        expression: "Appointment.participant",
    },
    Rule {
        id: TAKEN,
        about: "The provider is free for the whole visit.",
        holds: |case| {
            // What breaks a rule above has no time to look at.
            let told = case.host.as_ref().is_none_or(|host| !host.configured);
            case.free || told || case.service.is_none() || case.start <= case.now
        },
        sentence: |case| taken(&case.next),
        expression: "Appointment.start",
    },
];

/// When staff may book a visit. They may double-book: they know why.
pub const BOOK: &[Rule<RequestCase>] = &[
    EVERY[0],
    EVERY[1],
    EVERY[2],
    Rule {
        id: "book.new",
        about: "A new visit is booked, pending or on the waiting list.",
        holds: |case| {
            matches!(
                case.ask.status,
                Status::Booked | Status::Pending | Status::Waitlist
            )
        },
        sentence: |_| "A new visit is booked, pending or waitlist.".to_owned(),
        expression: "Appointment.status",
    },
];

/// When staff may change a visit.
pub const EDIT: &[Rule<EditCase>] = &[
    Rule {
        id: "visit.mark",
        about: "The calendar's mark means the status that is asked for.",
        holds: |case| case.ask.status.is_none_or(|status| status == case.meaning),
        sentence: |case| {
            format!(
                "The mark {} means {}, which is not the status asked for.",
                case.mark,
                case.meaning.code()
            )
        },
        expression: "Appointment.extension",
    },
    Rule {
        id: "visit.span",
        about: "The visit ends after it begins, within a day.",
        holds: |case| {
            case.ask
                .span
                .is_none_or(|(start, end)| start < end && end - start <= Duration::DAY)
        },
        sentence: |_| "A visit ends after it begins, and within a day.".to_owned(),
        expression: "Appointment.end",
    },
];

/// The sentence for a time that is taken, with what is free next.
pub fn taken(next: &[String]) -> String {
    match next {
        [] => "This time is taken, and nothing is free in the two weeks after it.".to_owned(),
        next => format!("This time is taken. Next free: {}.", next.join(", ")),
    }
}

/// The sentence for a patient who has asked often enough.
fn too_many(most: u32) -> String {
    format!(
        "You have {most} requests that wait for the practice. Please wait for an answer, or take one back."
    )
}

/// The no to a request that was one too many when it was to be written.
pub fn one_too_many(most: u32) -> Refusal {
    Refusal::Rules(vec![Reason {
        id: OPEN,
        text: too_many(most),
        expression: "booking_open_requests",
    }])
}

/// Applies the practice's rules.
pub(super) fn decide(case: VisitCase) -> Verdict {
    match case {
        VisitCase::Request(case) => {
            let table = match case.ask.by {
                By::Patient => REQUEST,
                By::Staff => BOOK,
            };
            let reasons = rules::broken(table, &case);
            if !reasons.is_empty() {
                return Verdict::Refused(reasons);
            }
            match booking(*case) {
                Some(booking) => permitted(Change::Visit(VisitChange::Book(Box::new(booking)))),
                None => Verdict::Refused(Vec::new()),
            }
        }
        VisitCase::Edit(case) => {
            let reasons = rules::broken(EDIT, &case);
            match reasons.is_empty() {
                true => permitted(Change::Visit(VisitChange::Edit(case))),
                false => Verdict::Refused(reasons),
            }
        }
        VisitCase::Accept(case) => {
            let reasons = rules::broken(ACCEPT, &case);
            match reasons.is_empty() {
                true => permitted(Change::Visit(VisitChange::Accept(case))),
                false => Verdict::Refused(reasons),
            }
        }
    }
}

impl RequestCase {
    /// What the visit is when it is written.
    fn status(&self) -> Status {
        let asked = (self.ask.by, self.ask.status);
        match asked == (By::Patient, Status::Pending) && self.confirmed {
            true => Status::Booked,
            false => self.ask.status,
        }
    }

    /// Whether it is one more that waits for the practice: not what is booked at once, nor what stands for another.
    pub fn waits(&self) -> bool {
        self.status() != Status::Booked && self.ask.instead.is_none()
    }
}

impl Booking {
    /// What the visit is when it is written.
    pub fn status(&self) -> Status {
        self.case.status()
    }
}

/// What the rules left; `None` for what they would have refused.
fn booking(case: RequestCase) -> Option<Booking> {
    let service = case.service.clone()?;
    Some(Booking {
        host: case.host.clone()?,
        facility: case.facility?,
        length: case.ask.length.unwrap_or(service.length),
        service,
        case,
    })
}

#[cfg(test)]
mod tests;
