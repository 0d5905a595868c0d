//! A patient's insurance (`insurance_data`).

use time::OffsetDateTime;
use uuid::Uuid;

use crate::domain::people::Person;

/// One insurance of a patient.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Coverage {
    /// FHIR id, `insurance_data.uuid`.
    pub uuid: Uuid,
    /// Whose insurance.
    pub person: Person,
    /// The patient's name for display.
    pub patient_name: String,
    /// When the row last changed, where the layout records it.
    pub last_updated: Option<OffsetDateTime>,
}
