//! Search parameters as data: what their values are, what the EMR narrows by itself, and what a record has under each.

use time::OffsetDateTime;
use uuid::Uuid;

use crate::domain::ResourceType;
use crate::domain::query::Field;
use crate::domain::records::Record;

/// A search parameter.
#[derive(Clone, Copy, Debug)]
pub struct Parameter {
    /// Its name in the URL.
    pub name: &'static str,
    /// What its values are, and whether the EMR looks for them itself.
    pub meaning: Meaning,
    /// The SearchParameter resource that defines it.
    pub definition: &'static str,
    /// What a record has under it: for modifiers, sorting, includes and parameters the EMR does not look for itself.
    pub values: Values,
}

/// What a record has under a parameter; nothing where the element is missing.
pub type Values = fn(&Record) -> Vec<Indexed>;

/// What the values of a search parameter are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// Ids of the resource.
    Ids,
    /// A reference to the patient: under a token of one patient only to that one.
    Patient,
    /// A date that becomes a filter of the EMR.
    Date(Field),
    /// A code that becomes a filter of the EMR.
    Token(Field),
    /// Text that becomes a filter of the EMR.
    Text(Field),
    /// A number or name of an identifier system, which becomes a filter of the EMR.
    Identifier,
    /// A reference to one of these types that becomes a filter of the EMR.
    Reference(Field, &'static [ResourceType]),
    /// A date that is compared here.
    Dates,
    /// A code that is compared here.
    Tokens,
    /// Text that is compared here.
    Texts,
    /// A reference to one of these types that is compared here. To a patient, it is for the one of the token only.
    References(&'static [ResourceType]),
    /// A URI that is compared here.
    Uri,
}

/// One value a record has under a parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Indexed {
    /// A moment or a period, as the first instant and the first after it; an open end is `None`.
    Date(Option<OffsetDateTime>, Option<OffsetDateTime>),
    /// A code: system (empty for none), code, and words.
    Token(String, String, String),
    /// Text.
    Text(String),
    /// A reference to a resource of this server.
    Reference(ResourceType, Uuid),
    /// A URI.
    Uri(String),
}

impl Indexed {
    /// A moment, or nothing.
    pub fn moment(at: Option<OffsetDateTime>) -> Vec<Self> {
        at.map(|at| Self::Date(Some(at), Some(at)))
            .into_iter()
            .collect()
    }

    /// A code of a system.
    pub fn token(system: &str, code: &str) -> Self {
        Self::Token(system.to_owned(), code.to_owned(), String::new())
    }

    /// Text, or nothing where it is empty.
    pub fn text(text: &str) -> Vec<Self> {
        match text.trim() {
            "" => Vec::new(),
            text => vec![Self::Text(text.to_owned())],
        }
    }

    /// A reference, or nothing.
    pub fn reference(kind: ResourceType, id: Option<Uuid>) -> Vec<Self> {
        id.map(|id| Self::Reference(kind, id)).into_iter().collect()
    }
}

/// The search parameter of every type that can be searched.
pub const ID: Parameter = Parameter {
    name: "_id",
    meaning: Meaning::Ids,
    definition: "http://hl7.org/fhir/SearchParameter/Resource-id",
    values: |record| vec![Indexed::token("", &record.id().to_string())],
};

/// The search parameter of the types whose tables say when a row changed and whose statements look for it.
pub const LAST_UPDATED: Parameter = Parameter {
    name: "_lastUpdated",
    meaning: Meaning::Date(Field::LastUpdated),
    definition: "http://hl7.org/fhir/SearchParameter/Resource-lastUpdated",
    values: |record| Indexed::moment(record.last_updated()),
};

/// The same for types whose records are compared here.
pub const UPDATED: Parameter = Parameter {
    meaning: Meaning::Dates,
    ..LAST_UPDATED
};

/// The patient in whose compartment a record lies.
pub const fn patient(definition: &'static str) -> Parameter {
    Parameter {
        name: "patient",
        meaning: Meaning::Patient,
        definition,
        values: |record| {
            Indexed::reference(
                ResourceType::Patient,
                record.person().map(|person| person.uuid),
            )
        },
    }
}
