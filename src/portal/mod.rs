//! The practice's rules. An Ask becomes a Case, a Case becomes a Verdict, and only a Verdict holds a Permit:
//! nothing is written without one.

pub mod rules;

use time::Duration;
use time::OffsetDateTime;

use crate::domain::refusal::Reason;
use crate::domain::refusal::Refusal;
use crate::domain::visits::Appointment;
use crate::domain::visits::Cancellation;

/// What a body asks for, in the domain's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ask {
    /// A patient calls off a visit.
    Cancel(Cancellation),
}

/// The facts a decision needs, fetched once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Case {
    /// The facts about calling off a visit.
    Cancel(CancelCase),
}

/// What is known when a visit is to be called off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CancelCase {
    /// What was asked.
    pub ask: Cancellation,
    /// The visit as it stands.
    pub appointment: Appointment,
    /// When the question is decided.
    pub now: OffsetDateTime,
    /// Whether the portal is on (`portal_onsite_two_enable`).
    pub portal_on: bool,
    /// Whether the practice offers appointments in the portal (`allow_portal_appointments`).
    pub appointments_on: bool,
    /// The least notice the practice wants (`cancel_notice_hours`).
    pub notice: Duration,
}

/// What the rules say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// No, and every rule that says so.
    Refused(Vec<Reason>),
    /// Yes: here is the permit.
    Permitted(Box<Permit>),
}

/// Leave to write one thing. Only [`decide`] makes one, and `emr` takes nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permit {
    change: Change,
}

/// What a permit allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Call off this visit, as it was when the rules looked at it.
    Cancel {
        /// The visit the rules looked at.
        appointment: Appointment,
        /// The calendar mark to write: `x`, or `%` within a day of the visit (OpenEMR facts 1.7).
        mark: &'static str,
        /// The patient's words; empty where none.
        reason: String,
    },
}

impl Permit {
    /// What may be written.
    pub fn change(&self) -> &Change {
        &self.change
    }
}

impl Verdict {
    /// The permit, or the refusal with its reasons.
    ///
    /// # Errors
    /// `Rules` with every broken rule.
    pub fn permit(self) -> Result<Permit, Refusal> {
        match self {
            Self::Refused(reasons) => Err(Refusal::Rules(reasons)),
            Self::Permitted(permit) => Ok(*permit),
        }
    }
}

/// Applies the practice's rules to a case.
pub fn decide(case: Case) -> Verdict {
    match case {
        Case::Cancel(case) => {
            let reasons = rules::broken(rules::CANCEL, &case);
            if !reasons.is_empty() {
                return Verdict::Refused(reasons);
            }
            let late = case.appointment.start - case.now < Duration::DAY;
            let change = Change::Cancel {
                appointment: case.appointment,
                mark: if late { "%" } else { "x" },
                reason: case.ask.reason,
            };
            Verdict::Permitted(Box::new(Permit { change }))
        }
    }
}
