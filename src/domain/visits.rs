//! Visits: the appointment, its status, the change a patient may ask for, and what took place.

use time::OffsetDateTime;
use uuid::Uuid;

use crate::domain::people::Code;
use crate::domain::people::Person;

/// FHIR's appointment status, as far as OpenEMR's calendar can say it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Status {
    /// Free time that could be asked for (`Appointment/$find`); no visit of the calendar.
    Proposed,
    /// Asked for, not yet agreed.
    Pending,
    /// Agreed.
    Booked,
    /// The patient is there.
    Arrived,
    /// In the room.
    CheckedIn,
    /// Done.
    Fulfilled,
    /// Called off.
    Cancelled,
    /// The patient did not come.
    NoShow,
    /// Waiting for a call back.
    Waitlist,
}

impl Status {
    /// FHIR's code and the status, both directions.
    pub const CODES: [(&'static str, Self); 9] = [
        ("proposed", Self::Proposed),
        ("pending", Self::Pending),
        ("booked", Self::Booked),
        ("arrived", Self::Arrived),
        ("checked-in", Self::CheckedIn),
        ("fulfilled", Self::Fulfilled),
        ("cancelled", Self::Cancelled),
        ("noshow", Self::NoShow),
        ("waitlist", Self::Waitlist),
    ];

    /// FHIR's code.
    pub fn code(self) -> &'static str {
        Self::CODES
            .iter()
            .find(|(_, status)| *status == self)
            .map_or("booked", |(code, _)| code)
    }
}

/// A patient's appointment (`openemr_postcalendar_events` with a patient).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Appointment {
    /// FHIR id, `openemr_postcalendar_events.uuid`.
    pub uuid: Uuid,
    /// Whose visit.
    pub person: Person,
    /// The patient's name for display.
    pub patient_name: String,
    /// FHIR status.
    pub status: Status,
    /// The calendar's own mark (`-`, `^`, `EMAIL` ...).
    pub mark: String,
    /// Category: constant id or number, and its name in the practice.
    pub category: Option<Code>,
    /// Start, with the practice's offset on that day.
    pub start: OffsetDateTime,
    /// End, with the practice's offset on that day.
    pub end: OffsetDateTime,
    /// The providers, as FHIR id and display.
    pub providers: Vec<(Uuid, String)>,
    /// What they do, in the practice's words, without repeats.
    pub specialties: Vec<String>,
    /// The place, as FHIR id of the Location and display.
    pub location: Option<(Uuid, String)>,
    /// The reason or comment given when asking; empty where none.
    pub comment: String,
    /// When the row was written (`pc_time`).
    pub created: Option<OffsetDateTime>,
    /// Whether it is one visit of a series.
    pub series: bool,
    /// Whether the practice proposed this time and waits for the patient's answer.
    pub offered: bool,
    /// FHIR id of the Slot, of free time and of what is held; a visit of the calendar takes its time and has none.
    pub slot: Option<Uuid>,
}

/// How the line begins that says why the practice called a visit off.
pub const BY_PRACTICE: &str = "Cancelled: ";

/// The same where the patient did.
pub const BY_PATIENT: &str = "Cancelled by patient: ";

/// Letters of a comment at most, as far as a reason is added: OpenEMR's column holds 64 KiB.
const ROOM: usize = 65_000;

/// The comment of a visit that was called off: the calendar keeps what it was for, and below it why, in one text. Where
/// there is no room for both, what it was for stays.
pub fn with_reason(comment: &str, by: &'static str, reason: &str) -> String {
    match (comment, reason) {
        (comment, "") => comment.to_owned(),
        (comment, reason) if comment.len() + reason.len() > ROOM => comment.to_owned(),
        ("", reason) => format!("{by}{reason}"),
        (comment, reason) => format!("{comment}\n{by}{reason}"),
    }
}

/// What a visit that was called off had been for, and why it was called off with how that line begins, where it says so.
pub fn told_apart(comment: &str) -> (&str, Option<(&'static str, &str)>) {
    let comment = comment.trim_end();
    let (above, last) = comment.rsplit_once('\n').unwrap_or(("", comment));
    let why = [BY_PRACTICE, BY_PATIENT].into_iter().find_map(|by| {
        let reason = last.strip_prefix(by)?;
        Some((by, reason.trim()))
    });
    match why {
        Some(why) => (above.trim(), Some(why)),
        None => (comment, None),
    }
}

/// What may be changed about an appointment by the person it belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cancellation {
    /// Which appointment.
    pub uuid: Uuid,
    /// The version the caller saw (`If-Match`), where given.
    pub seen: Option<u64>,
    /// The reason in the patient's words; empty where none.
    pub reason: String,
}

/// How far a visit is that has its own page in the chart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Progress {
    /// It begins later.
    Planned,
    /// It began today and nobody has written when it ended.
    InProgress,
    /// It is over.
    Finished,
}

/// A visit as the chart documents it (`form_encounter`).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Encounter {
    /// FHIR id, `form_encounter.uuid`.
    pub uuid: Uuid,
    /// Whose visit.
    pub person: Person,
    /// The patient's name for display.
    pub patient_name: String,
    /// How far it is.
    pub progress: Progress,
    /// Where it took place, in HL7's classes (`AMB`).
    pub class: Code,
    /// The calendar's category.
    pub category: Option<Code>,
    /// When it began, with the practice's offset on that day.
    pub start: Option<OffsetDateTime>,
    /// When it ended, where that was written down.
    pub end: Option<OffsetDateTime>,
    /// Why the patient came, in the practice's words; empty where unknown.
    pub reason: String,
    /// The provider, as FHIR id and display.
    pub provider: Option<(Uuid, String)>,
    /// The facility as a body, as FHIR id of the Organization and display.
    pub organization: Option<(Uuid, String)>,
    /// The facility as a place, as FHIR id of the Location.
    pub location: Option<Uuid>,
    /// Where the patient went from there, where that was written down: without a code in the practice's own words.
    pub discharge: Option<Code>,
    /// When the row last changed, where the layout records it.
    pub last_updated: Option<OffsetDateTime>,
}

/// A provider's calendar.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Schedule {
    /// FHIR id, made of the provider's row.
    pub uuid: Uuid,
    /// Whose calendar, as FHIR id of the Practitioner and display.
    pub practitioner: (Uuid, String),
    /// Where the provider works, as FHIR id of the Location and display.
    pub location: Option<(Uuid, String)>,
    /// What the provider does, in the practice's words; empty where unknown.
    pub specialty: String,
    /// The categories a visit can be booked in.
    pub services: Vec<Code>,
    /// From when until when time can be asked for.
    pub horizon: (OffsetDateTime, OffsetDateTime),
    /// Whether the practice has said when the provider is in the office.
    pub configured: bool,
    /// When the provider's row last changed, where the layout records it.
    pub last_updated: Option<OffsetDateTime>,
}

/// Whether a visit can begin then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Availability {
    /// It can.
    Free,
    /// The provider is in and has something else to do; what, is nobody's business.
    Busy,
}

impl Availability {
    /// FHIR's code and the state, both directions.
    pub const CODES: [(&'static str, Self); 2] =
        [("free", Self::Free), ("busy-unavailable", Self::Busy)];
}

/// A stretch of time in a provider's calendar: computed, never stored.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Slot {
    /// FHIR id, made of provider, category, start and length.
    pub uuid: Uuid,
    /// FHIR id of the Schedule, and whose it is for display.
    pub schedule: (Uuid, String),
    /// Whether it can be had.
    pub state: Availability,
    /// The category it is long enough for, where one was asked for.
    pub service: Option<Code>,
    /// What the provider does, in the practice's words; empty where unknown.
    pub specialty: String,
    /// When it begins, with the practice's offset on that day.
    pub start: OffsetDateTime,
    /// When it ends.
    pub end: OffsetDateTime,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neither_the_purpose_nor_the_reason_is_lost() {
        let by_patient = |comment, reason| with_reason(comment, BY_PATIENT, reason);
        assert_eq!(by_patient("Cough", ""), "Cough");
        assert_eq!(by_patient("", "Travel"), "Cancelled by patient: Travel");
        assert_eq!(
            by_patient("Cough", "Travel"),
            "Cough\nCancelled by patient: Travel"
        );
        let full = "x".repeat(65_000);
        assert_eq!(by_patient(&full, "Travel"), full);
    }

    #[test]
    fn f124_what_it_was_for_and_why_it_was_refused_stand_apart() {
        assert_eq!(told_apart("Cough"), ("Cough", None));
        assert_eq!(
            told_apart("Cough\nCancelled: The doctor is ill"),
            ("Cough", Some((BY_PRACTICE, "The doctor is ill")))
        );
        assert_eq!(
            told_apart("Cancelled by patient: Travel"),
            ("", Some((BY_PATIENT, "Travel")))
        );
        let told = "My flight was Cancelled: need earlier";
        assert_eq!(told_apart(told), (told, None));
    }
}
