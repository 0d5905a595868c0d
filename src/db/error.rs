//! What the engines' errors mean here: try again, already there, away, or broken.

use std::fmt;

use sqlx::Error;

use crate::domain::refusal::Answer;
use crate::domain::refusal::Failure;
use crate::domain::refusal::Fault;
use crate::domain::refusal::Refusal;

/// A unique key was about to be broken. Carries the engine's own words, which name the key.
#[derive(Debug)]
pub struct Duplicate(String);

/// Two transactions were in each other's way; the whole transaction may be tried again.
#[derive(Debug)]
struct Collision(String);

impl fmt::Display for Duplicate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "already there: {}", self.0)
    }
}

impl std::error::Error for Duplicate {}

impl fmt::Display for Collision {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for Collision {}

/// Whether a failure is a broken unique key.
pub fn duplicate(failure: &Failure) -> bool {
    matches!(failure, Failure::Broken(fault) if fault.source.is::<Duplicate>())
}

/// Whether the same transaction may succeed if tried again.
pub(super) fn is_retryable(failure: &Failure) -> bool {
    matches!(failure, Failure::Broken(fault) if fault.source.is::<Collision>())
}

/// Words a driver's result.
pub(super) fn answer<T>(result: Result<T, Error>) -> Answer<T> {
    result.map_err(|error| match &error {
        Error::Database(inner) if inner.is_unique_violation() => {
            Fault::new("writing a row", Duplicate(inner.message().to_owned())).into()
        }
        Error::Database(inner) if collision(inner.code().as_deref(), inner.message()) => {
            Fault::new("writing a row", Collision(inner.message().to_owned())).into()
        }
        Error::Io(_) | Error::PoolTimedOut | Error::PoolClosed | Error::Tls(_) => away(&error),
        Error::Database(inner) if gone(inner.code().as_deref()) => away(&error),
        _ => Fault::new("asking the database", error).into(),
    })
}

/// The database is away: said to the caller, and once to the log.
fn away(error: &Error) -> Failure {
    tracing::error!(%error, "the database is not reachable");
    Refusal::Unavailable("The database is not reachable.").into()
}

/// MySQL 1213 deadlock (SQLSTATE 40001), 1205 lock wait; SQLite 5 busy, 6 locked and their extensions.
fn collision(code: Option<&str>, message: &str) -> bool {
    matches!(code, Some("40001" | "5" | "6" | "261" | "262" | "517"))
        || message.contains("Lock wait timeout")
        || message.contains("database is locked")
}

/// MySQL: server shutting down (08S01), too many connections (08004), access revoked while running is not one.
fn gone(code: Option<&str>) -> bool {
    matches!(code, Some("08S01" | "08004" | "08003" | "08006"))
}
