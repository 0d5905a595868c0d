//! What waits for somebody: a patient's change for staff to look at, a form for the patient.

use time::OffsetDateTime;
use uuid::Uuid;

use crate::domain::people::Person;

/// One thing that waits, or waited.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Task {
    /// FHIR id.
    pub uuid: Uuid,
    /// Whose chart it is about.
    pub person: Person,
    /// The patient's name for display.
    pub patient_name: String,
    /// When it last changed.
    pub last_updated: Option<OffsetDateTime>,
}
