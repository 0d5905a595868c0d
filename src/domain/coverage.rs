//! A patient's insurance (`insurance_data`).

use time::Date;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::domain::people::Person;

/// Which of a patient's insurances pays first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rank {
    /// `primary`
    Primary = 1,
    /// `secondary`
    Secondary = 2,
    /// `tertiary`
    Tertiary = 3,
}

impl Rank {
    /// All of them, in order.
    pub const ALL: [Self; 3] = [Self::Primary, Self::Secondary, Self::Tertiary];

    /// As OpenEMR writes it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Primary => "primary",
            Self::Secondary => "secondary",
            Self::Tertiary => "tertiary",
        }
    }
}

/// How the patient is related to the person who is insured: HL7's `subscriber-relationship`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Relationship {
    /// The patient is the subscriber.
    Own,
    /// `spouse`
    Spouse,
    /// `child`
    Child,
    /// `parent`
    Parent,
    /// `common`: common law spouse
    Common,
    /// `other`
    Other,
}

impl Relationship {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Own,
        Self::Spouse,
        Self::Child,
        Self::Parent,
        Self::Common,
        Self::Other,
    ];

    /// The code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Own => "self",
            Self::Spouse => "spouse",
            Self::Child => "child",
            Self::Parent => "parent",
            Self::Common => "common",
            Self::Other => "other",
        }
    }

    /// HL7's words for it.
    pub const fn display(self) -> &'static str {
        match self {
            Self::Own => "Self",
            Self::Spouse => "Spouse",
            Self::Child => "Child",
            Self::Parent => "Parent",
            Self::Common => "Common Law Spouse",
            Self::Other => "Other",
        }
    }
}

/// What an insurance says. Empty texts mean absent.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Policy {
    /// Which pays first.
    pub rank: Rank,
    /// Who pays: FHIR id of the insurer where it has one, and its name.
    pub payor: (Option<Uuid>, String),
    /// Name of the plan.
    pub plan: String,
    /// Number of the group.
    pub group: String,
    /// Number of the policy.
    pub number: String,
    /// How the patient is related to the subscriber.
    pub relationship: Relationship,
    /// First and last name of the subscriber where it is somebody else.
    pub subscriber: [String; 2],
    /// First day; old rows may have none.
    pub start: Option<Date>,
    /// Last day, where it ends.
    pub end: Option<Date>,
}

/// One insurance of a patient.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Coverage {
    /// FHIR id, `insurance_data.uuid`.
    pub uuid: Uuid,
    /// Whose insurance.
    pub person: Person,
    /// The patient's name for display.
    pub patient_name: String,
    /// What it says.
    pub policy: Policy,
    /// Whether it is in force or still to come: it has not ended, and no later one of its rank has begun.
    pub active: bool,
    /// Source of Payment Typology code of the insurer, where the practice gave it one.
    pub typology: Option<i64>,
    /// When the row last changed, where the layout records it.
    pub last_updated: Option<OffsetDateTime>,
}
