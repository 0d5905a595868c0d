//! Who stands before a page: a patient with a portal account, or a member of staff.

use uuid::Uuid;

use crate::domain::access::Holder;
use crate::emr::account::Account;
use crate::emr::colleague::Colleague;

/// Which of the two a page, a login form or a session is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// Patients.
    Patient,
    /// Members of staff.
    Staff,
}

/// Somebody who has logged in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Who {
    /// A patient.
    Patient(Account),
    /// A member of staff.
    Staff(Colleague),
}

impl Who {
    /// As the tables hold it.
    pub fn holder(&self) -> Holder {
        match self {
            Self::Patient(account) => Holder::Patient(account.person.pid),
            Self::Staff(colleague) => Holder::Staff(colleague.staff.id),
        }
    }

    /// The password and login name as a fingerprint.
    pub fn credential(&self) -> String {
        match self {
            Self::Patient(account) => account.credential(),
            Self::Staff(colleague) => colleague.credential(),
        }
    }

    /// The name for display.
    pub fn display(&self) -> &str {
        match self {
            Self::Patient(account) => &account.display,
            Self::Staff(colleague) => &colleague.display,
        }
    }

    /// The FHIR id.
    pub fn uuid(&self) -> Uuid {
        match self {
            Self::Patient(account) => account.person.uuid,
            Self::Staff(colleague) => colleague.staff.uuid,
        }
    }

    /// The FHIR resource, relative: `Patient/<uuid>` or `Practitioner/<uuid>`.
    pub fn reference(&self) -> String {
        match self {
            Self::Patient(account) => format!("Patient/{}", account.person.uuid),
            Self::Staff(colleague) => format!("Practitioner/{}", colleague.staff.uuid),
        }
    }
}
