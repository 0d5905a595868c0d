//! A patient agrees to a time that staff proposed.

use time::OffsetDateTime;
use uuid::Uuid;

use crate::domain::visits::Appointment;
use crate::portal::rules::Rule;

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acceptance {
    /// Which visit.
    pub uuid: Uuid,
    /// The version the caller saw (`If-Match`), where given.
    pub seen: Option<u64>,
}

/// What is known when it is decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AcceptCase {
    /// The visit as it stands.
    pub appointment: Appointment,
    /// When it is decided.
    pub now: OffsetDateTime,
    /// Whether the portal is on (`portal_onsite_two_enable`).
    pub portal_on: bool,
    /// Whether the practice offers appointments in the portal (`allow_portal_appointments`).
    pub appointments_on: bool,
}

/// When a patient may agree to a visit; row ids are the codes.
pub const ACCEPT: &[Rule<AcceptCase>] = &[
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
    Rule {
        id: "accept.offered",
        about: "The practice has proposed this time, and nobody has answered.",
        holds: |case| case.appointment.offered,
        sentence: |_| "This visit waits for the practice, or is settled already.".to_owned(),
        expression: "Appointment.status",
    },
    Rule {
        id: "accept.past",
        about: "The visit's time is still to come.",
        holds: |case| case.now < case.appointment.start,
        sentence: |_| "This time has passed. Please ask for another.".to_owned(),
        expression: "Appointment.start",
    },
];
