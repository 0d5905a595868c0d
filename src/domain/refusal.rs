//! The two ways of not succeeding: the expected no, and breakage.

use std::error::Error;
use std::fmt;

/// What nearly every function of the house returns.
pub type Answer<T> = Result<T, Failure>;

/// Either a no that belongs to the business, or something that broke.
#[derive(Debug)]
pub enum Failure {
    /// The expected no: worded for its reader.
    Refused(Refusal),
    /// The unexpected: a person outside learns only a request id.
    Broken(Fault),
}

/// An expected no. Status codes and bodies are given to it in `http::reply` alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// No, bad, ended or foreign credentials.
    Unauthenticated,
    /// The grant does not open this: said without looking whether the thing exists.
    Forbidden(&'static str),
    /// It is not there, or not there for this caller.
    NotFound,
    /// It was there and is no more.
    Gone,
    /// The request itself is wrong: where (a parameter or a FHIRPath) and why.
    Invalid {
        /// Parameter name, header name or FHIRPath of the element.
        location: String,
        /// One sentence for a developer.
        why: String,
    },
    /// The request was understood, but its body asks for what cannot be: where (a FHIRPath) and why.
    Unprocessable {
        /// FHIRPath of the element.
        location: String,
        /// One sentence for a developer.
        why: String,
    },
    /// The practice's rules say no; every broken rule, not only the first.
    Rules(Vec<Reason>),
    /// Somebody else was first.
    Conflict(String),
    /// `If-Match` named another version.
    Stale,
    /// `If-None-Exist` finds several.
    Several,
    /// The address does not have this method.
    NoMethod,
    /// `If-Match` is required and absent (RFC 6585, 3).
    PreconditionRequired,
    /// A correct request for something this server does not do.
    Unsupported(String),
    /// The media type of the body is not one this route takes.
    UnsupportedMediaType(&'static str),
    /// The client accepts no format this server has.
    NotAcceptable,
    /// Body, URL or list over the limit named.
    TooLarge(&'static str),
    /// Too many attempts: seconds to wait.
    TooMany(u64),
    /// A link or page that has ended.
    Expired(&'static str),
    /// The database or a file store is away; try again.
    Unavailable(&'static str),
}

/// One broken rule of the practice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// The stable dotted id of the rule, such as `cancel.notice`; a code of
    /// `https://anteroom.dev/fhir/CodeSystem/reason`.
    pub id: &'static str,
    /// The sentence the patient reads: what is wrong and what to do.
    pub text: String,
    /// FHIRPath of the element or name of the setting that would have to change.
    pub expression: &'static str,
}

/// Breakage: one sentence for the log, and the error below it.
#[derive(Debug)]
pub struct Fault {
    /// What the house was trying to do, without personal data.
    pub doing: &'static str,
    /// The error underneath.
    pub source: Box<dyn Error + Send + Sync>,
}

impl Fault {
    /// A fault met while `doing` something.
    pub fn new(doing: &'static str, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self {
            doing,
            source: source.into(),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.doing, self.source)
    }
}

impl Error for Fault {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(self.source.as_ref())
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Self::Broken(fault)
    }
}

impl Refusal {
    /// Whether it says that there is nothing to show, where several kinds of records are gathered: anything else is told.
    pub fn is_absence(&self) -> bool {
        matches!(
            self,
            Self::Forbidden(_) | Self::NotFound | Self::Unsupported(_)
        )
    }

    /// The request is wrong at `location`.
    pub fn invalid(location: impl Into<String>, why: impl Into<String>) -> Self {
        Self::Invalid {
            location: location.into(),
            why: why.into(),
        }
    }

    /// The same for a body that was understood: what is `Invalid` in it cannot be processed.
    #[must_use]
    pub fn understood(self) -> Self {
        match self {
            Self::Invalid { location, why } => Self::Unprocessable { location, why },
            other => other,
        }
    }
}

impl Failure {
    /// As [`Refusal::understood`].
    #[must_use]
    pub fn understood(self) -> Self {
        match self {
            Self::Refused(refusal) => Self::Refused(refusal.understood()),
            broken => broken,
        }
    }
}
