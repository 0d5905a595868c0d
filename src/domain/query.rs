//! What a search asks for, in the domain's words, and the page it gets.

use time::OffsetDateTime;
use uuid::Uuid;

use crate::domain::ResourceType;
use crate::domain::scope::Token;

/// FHIR's prefixes of ordered parameters (R4 search, 3.1.1.4.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prefix {
    /// Inside the range.
    Eq,
    /// Not inside the range.
    Ne,
    /// After it begins or beyond its end.
    Gt,
    /// Before its begin.
    Lt,
    /// Inside or after.
    Ge,
    /// Inside or before.
    Le,
    /// Starts after it.
    Sa,
    /// Ends before it.
    Eb,
}

/// One date value: a prefix and the range its precision means, end excluded, in instants.
/// A value without offset is in the practice's zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DateRange {
    /// How to compare.
    pub prefix: Prefix,
    /// First instant of the range.
    pub start: OffsetDateTime,
    /// First instant after the range.
    pub end: OffsetDateTime,
}

/// Which field of a record a filter looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Field {
    /// Start of a visit, date of a document, sending of a message.
    Date,
    /// `meta.lastUpdated`.
    LastUpdated,
    /// The FHIR status.
    Status,
    /// The category.
    Category,
    /// The document type.
    Type,
    /// Any part of a person's names.
    Name,
    /// A person's family name.
    Family,
    /// A person's given names.
    Given,
    /// The day a person was born.
    BirthDate,
    /// A person's administrative gender.
    Gender,
    /// A number or name a person is known by; the system of a token is a name of [`crate::domain::people`] or a URI.
    Identifier,
    /// A person's e-mail address.
    Email,
    /// A person's phone number.
    Phone,
    /// The calendar a slot is in.
    Schedule,
    /// What a Provenance or a Task is about.
    Target,
    /// The provider or place of something.
    Actor,
    /// The member of a Group.
    Member,
    /// How far a patient's portal account is.
    PortalStatus,
    /// The kind of work of a Task, or of access in an AuditEvent.
    Code,
    /// Whether a message was read.
    Read,
    /// Whether a message is completed.
    Done,
}

/// A reference as a search has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Target {
    /// The type, where it was said.
    pub kind: Option<ResourceType>,
    /// The id.
    pub id: Uuid,
}

/// One search parameter as given: its values are alternatives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Filter {
    /// A date parameter.
    Date(Field, Vec<DateRange>),
    /// A token parameter.
    Token(Field, Vec<Token>),
    /// A string parameter: how the text begins, whatever its case.
    Text(Field, Vec<String>),
    /// A reference parameter.
    Reference(Field, Vec<Target>),
}

/// Where the next page begins: after this record in the order of the search.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// The sort key of the last record served, as the statement compares it.
    pub key: String,
    /// Its row id, which breaks ties.
    pub row: i64,
}

/// A search: all filters must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    /// Only these ids; `None` is any. An id that is no uuid matches nothing and is left out by the parser.
    pub ids: Option<Vec<Uuid>>,
    /// Only this patient's: what a caller who may see several names. Under one patient's reach it adds nothing.
    pub patient: Option<Uuid>,
    /// The other parameters.
    pub filters: Vec<Filter>,
    /// At most this many records.
    pub count: u32,
    /// Where to go on.
    pub after: Option<Cursor>,
}

impl Query {
    /// The query that asks for one record.
    pub fn one(id: Uuid) -> Self {
        Self {
            ids: Some(vec![id]),
            count: 1,
            ..Self::default()
        }
    }
}

/// One page of records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// The records in order.
    pub records: Vec<T>,
    /// Where the next page begins; `None` on the last.
    pub next: Option<Cursor>,
}
