//! What the engines' errors mean here: try again, already there, away, or broken.

use std::fmt;

use sqlx::Error;
use sqlx::error::DatabaseError;
use sqlx::mysql::MySqlDatabaseError;

use crate::domain::refusal::Answer;
use crate::domain::refusal::Failure;
use crate::domain::refusal::Fault;
use crate::domain::refusal::Refusal;

/// A unique key was about to be broken. Carries the key's name and not the engine's words, which hold the value.
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

/// The key's name: MariaDB ends with `for key 'name'`, SQLite with `failed: table.column`.
fn key(message: &str) -> String {
    let quoted = message.rsplit('\'').nth(1);
    let named = quoted.or_else(|| message.rsplit(": ").next());
    named.unwrap_or_default().to_owned()
}

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
            Fault::new("writing a row", Duplicate(key(inner.message()))).into()
        }
        Error::Database(inner) if collision(inner.as_ref()) => {
            Fault::new("writing a row", Collision(inner.message().to_owned())).into()
        }
        Error::Io(_) | Error::PoolTimedOut | Error::PoolClosed | Error::Tls(_) => away(&error),
        Error::Database(inner) if gone(inner.as_ref()) => away(&error),
        _ => Fault::new("asking the database", error).into(),
    })
}

/// The database is away: said to the caller, and once to the log.
fn away(error: &Error) -> Failure {
    tracing::error!(%error, "the database is not reachable");
    Refusal::Unavailable("The database is not reachable.").into()
}

/// What is told after the last try of a transaction that others were in the way of.
pub(super) fn crowded(failure: &Failure) -> Failure {
    if let Failure::Broken(fault) = failure {
        tracing::warn!(%fault, "a transaction was given up");
    }
    Refusal::Unavailable("The database is busy.").into()
}

/// MySQL 1213 deadlock, 1205 lock wait; MariaDB 1020, a row that is newer than what the transaction has seen; SQLite 5 busy,
/// 6 locked and their extensions. A server speaks the language its operator chose, so it is judged by numbers and not by
/// words.
fn collision(error: &dyn DatabaseError) -> bool {
    match error.try_downcast_ref::<MySqlDatabaseError>() {
        Some(error) => matches!(error.number(), 1020 | 1205 | 1213),
        None => matches!(
            error.code().as_deref(),
            Some("5" | "6" | "261" | "262" | "517")
        ),
    }
}

/// MySQL: shutting down or starting (SQLSTATE 08), the connection or statement ended by somebody or by the time limit
/// (SQLSTATE 70100 and 3024), no connection left for this account (1203, 1226), a standby that takes no writes (1290,
/// 1836). Rights taken away while running are none of these.
fn gone(error: &dyn DatabaseError) -> bool {
    let Some(error) = error.try_downcast_ref::<MySqlDatabaseError>() else {
        return false;
    };
    let state = error.code().unwrap_or_default();
    state.starts_with("08")
        || state == "70100"
        || matches!(error.number(), 1203 | 1226 | 1290 | 1836 | 3024)
}
