//! What waits for somebody: a patient's change for staff to look at, a form for the patient.

use time::OffsetDateTime;
use uuid::Uuid;

use crate::domain::ResourceType;
use crate::domain::people::Person;

/// System of the kinds of work.
pub const TASK_CODES: &str = "https://anteroom.dev/fhir/CodeSystem/task-code";

/// What kind of work it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Work {
    /// Staff look through changed demographics.
    Profile,
    /// Staff look through a document a patient sent.
    Document,
    /// Staff look through an insurance a patient sent.
    Coverage,
    /// A form: filled in by the patient, looked through by staff.
    Form,
    /// Staff look through a payment.
    Payment,
    /// Staff look at somebody who registered.
    Registration,
    /// Staff answer a request for a visit.
    Visit,
}

impl Work {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Profile,
        Self::Document,
        Self::Coverage,
        Self::Form,
        Self::Payment,
        Self::Registration,
        Self::Visit,
    ];

    /// The code, and the words for it.
    pub const fn code(self) -> (&'static str, &'static str) {
        match self {
            Self::Profile => ("review-profile", "Review of a profile"),
            Self::Document => ("review-document", "Review of a document"),
            Self::Coverage => ("review-coverage", "Review of an insurance"),
            Self::Form => ("review-form", "Review of a form"),
            Self::Payment => ("payment", "Payment"),
            Self::Registration => ("registration-review", "Review of a registration"),
            Self::Visit => ("visit-request", "Request for a visit"),
        }
    }
}

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Progress {
    /// Nobody has begun.
    Requested,
    /// Somebody has.
    InProgress,
    /// Done; a change was taken over.
    Completed,
    /// Staff said no.
    Rejected,
    /// Who asked for it took it back.
    Cancelled,
}

impl Progress {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Requested,
        Self::InProgress,
        Self::Completed,
        Self::Rejected,
        Self::Cancelled,
    ];

    /// FHIR's code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::InProgress => "in-progress",
            Self::Completed => "completed",
            Self::Rejected => "rejected",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whether it still waits.
    pub const fn waits(self) -> bool {
        matches!(self, Self::Requested | Self::InProgress)
    }
}

/// Whose turn it is, or who decided.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Owner {
    /// Nobody in particular: whoever is at the portal's desk.
    Desk,
    /// The patient.
    Patient,
    /// A member of staff, with a FHIR id where they can be looked up.
    Staff(Option<Uuid>, String),
}

/// One thing somebody asked to have changed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Asked {
    /// The element, as FHIRPath.
    pub element: String,
    /// What it was; empty where nothing.
    pub before: String,
    /// What it is to be; empty where nothing.
    pub after: String,
}

/// One thing that waits, or waited.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Task {
    /// FHIR id.
    pub uuid: Uuid,
    /// Whose chart it is about.
    pub person: Person,
    /// The patient's name for display.
    pub patient_name: String,
    /// What kind of work.
    pub work: Work,
    /// How far it is.
    pub progress: Progress,
    /// What it is about, in words.
    pub description: String,
    /// The record it is about, where there is one to read.
    pub focus: Option<(ResourceType, Uuid)>,
    /// Whether the patient asked for it; otherwise the practice did.
    pub by_patient: bool,
    /// Whose turn it is, or who decided.
    pub owner: Owner,
    /// What is to change.
    pub asked: Vec<Asked>,
    /// The patient's words about it; empty where none.
    pub note: String,
    /// Why it was refused; empty where it was not, or nobody said.
    pub reason: String,
    /// What of a change that was taken over was not: the element, and why, which may be empty.
    pub refused: Vec<(String, String)>,
    /// Of a form that waits for staff what it says and who signed it, as one hash: what is decided is what was looked at.
    /// Empty for anything else.
    pub stand: String,
    /// When it was asked for.
    pub authored: Option<OffsetDateTime>,
    /// When it last changed.
    pub last_updated: Option<OffsetDateTime>,
}
