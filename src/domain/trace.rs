//! Where records come from and who looked at them: Provenance and AuditEvent.

use time::OffsetDateTime;
use uuid::Uuid;

use crate::domain::people::Person;

/// Who is behind a record.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Provenance {
    /// FHIR id, made of the target's.
    pub uuid: Uuid,
    /// Whose record.
    pub person: Option<Person>,
    /// When the target was recorded.
    pub recorded: Option<OffsetDateTime>,
}

/// A line of the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AuditEvent {
    /// FHIR id, made of the line's number.
    pub uuid: Uuid,
    /// When it was written.
    pub recorded: OffsetDateTime,
}
