//! The practice's rules. An Ask becomes a Case, a Case becomes a Verdict, and only a Verdict holds a Permit:
//! nothing is written without one.

pub mod account;
pub mod addressee;
pub mod chart;
pub mod document;
pub mod form;
pub mod insurance;
pub mod login;
pub mod message;
pub mod registration;
pub mod rules;
pub mod sharing;
pub mod visit;
pub mod work;

use time::Duration;
use time::OffsetDateTime;

use crate::domain::refusal::Reason;
use crate::domain::refusal::Refusal;
use crate::domain::visits::Appointment;
use crate::domain::visits::Cancellation;
use crate::portal::addressee::AddresseeAsk;
use crate::portal::addressee::AddresseeCase;
use crate::portal::chart::ChartAsk;
use crate::portal::chart::ChartCase;
use crate::portal::chart::ChartChange;
use crate::portal::document::DocumentAsk;
use crate::portal::document::DocumentCase;
use crate::portal::document::DocumentChange;
use crate::portal::form::FormAsk;
use crate::portal::form::FormCase;
use crate::portal::form::FormChange;
use crate::portal::insurance::InsuranceAsk;
use crate::portal::insurance::InsuranceCase;
use crate::portal::insurance::InsuranceChange;
use crate::portal::message::MessageAsk;
use crate::portal::message::MessageCase;
use crate::portal::message::MessageChange;
use crate::portal::sharing::ShareAsk;
use crate::portal::sharing::ShareCase;
use crate::portal::visit::VisitAsk;
use crate::portal::visit::VisitCase;
use crate::portal::visit::VisitChange;
use crate::portal::work::WorkAsk;
use crate::portal::work::WorkCase;
use crate::portal::work::WorkChange;

/// What a body asks for, in the domain's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ask {
    /// A patient calls off a visit.
    Cancel(Cancellation),
    /// About a visit: asked for, moved or marked.
    Visit(VisitAsk),
    /// About a chart: what a patient asks to have changed, and what staff change.
    Chart(ChartAsk),
    /// About a message between patient and staff.
    Message(MessageAsk),
    /// About a document that is filed.
    Document(DocumentAsk),
    /// About who sees a document.
    Share(ShareAsk),
    /// About who of the practice takes messages.
    Addressee(AddresseeAsk),
    /// About something that waits and is decided.
    Work(Box<WorkAsk>),
    /// About a patient's insurance.
    Insurance(Box<InsuranceAsk>),
    /// About a form that is put before a patient, filled in or signed.
    Form(Box<FormAsk>),
}

/// The facts a decision needs, fetched once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Case {
    /// The facts about calling off a visit.
    Cancel(CancelCase),
    /// About a visit: asked for, moved or marked.
    Visit(VisitCase),
    /// About a chart: what a patient asks to have changed, and what staff change.
    Chart(ChartCase),
    /// About a message between patient and staff.
    Message(MessageCase),
    /// About a document that is filed.
    Document(DocumentCase),
    /// About who sees a document.
    Share(ShareCase),
    /// About who of the practice takes messages.
    Addressee(AddresseeCase),
    /// About something that waits and is decided.
    Work(WorkCase),
    /// About a patient's insurance.
    Insurance(InsuranceCase),
    /// About a form that is put before a patient, filled in or signed.
    Form(Box<FormCase>),
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
    /// About a visit: asked for, moved or marked.
    Visit(VisitChange),
    /// About a chart: what a patient asks to have changed, and what staff change.
    Chart(ChartChange),
    /// About a message between patient and staff.
    Message(MessageChange),
    /// About a document that is filed.
    Document(DocumentChange),
    /// About who sees a document.
    Share(ShareCase),
    /// About who of the practice takes messages.
    Addressee(AddresseeCase),
    /// About something that waits and is decided.
    Work(WorkChange),
    /// About a patient's insurance.
    Insurance(Box<InsuranceChange>),
    /// About a form that is put before a patient, filled in or signed.
    Form(Box<FormChange>),
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
    /// `Rules` with every broken rule; `Conflict` where the one thing against it is that somebody else was first.
    pub fn permit(self) -> Result<Permit, Refusal> {
        match self {
            Self::Refused(reasons) => Err(match reasons.as_slice() {
                [only] if only.id == visit::TAKEN => Refusal::Conflict(only.text.clone()),
                _ => Refusal::Rules(reasons),
            }),
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
            permitted(change)
        }
        Case::Visit(case) => visit::decide(case),
        Case::Chart(case) => chart::decide(case),
        Case::Message(case) => message::decide(case),
        Case::Document(case) => document::decide(case),
        Case::Share(case) => sharing::decide(case),
        Case::Addressee(case) => addressee::decide(case),
        Case::Work(case) => work::decide(case),
        Case::Insurance(case) => insurance::decide(case),
        Case::Form(case) => form::decide(*case),
    }
}

/// Leave for a change that no rule speaks against: for the modules of the rules alone.
fn permitted(change: Change) -> Verdict {
    Verdict::Permitted(Box::new(Permit { change }))
}
