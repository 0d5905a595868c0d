//! Requests that may come again (`anteroom_idempotency`): the fingerprint of who asks and `Idempotency-Key`, that of the
//! request, and where what it did is found. No body is kept.

use sqlx::FromRow;

use crate::db::Db;
use crate::db::Tx;
use crate::db::sql::Sql;
use crate::domain::refusal::Answer;

/// The row's key makes it once; a second one waits here until the first is done.
const ADD: &str = "anteroom_idempotency (name, request, answer, created) VALUES (?, ?, NULL, ?)";

const SETTLE: &str = "UPDATE anteroom_idempotency SET answer = ? WHERE name = ?";

const FIND: &str = "SELECT request, answer FROM anteroom_idempotency WHERE name = ?";

/// A request that was made before.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct Earlier {
    /// Fingerprint of the request.
    pub request: String,
    /// What it did, one line a resource.
    pub answer: Option<String>,
}

/// The request that was made under a key before.
///
/// # Errors
/// As [`Db::all`].
pub async fn find(db: &Db, name: &str) -> Answer<Option<Earlier>> {
    db.one(Sql::new(FIND).bind(name)).await
}

/// Claims a key for a request, at `now` in seconds since 1970; false where one was made under it before.
///
/// # Errors
/// As [`Tx::run`].
pub async fn claim(tx: &mut Tx, name: &str, request: &str, now: i64) -> Answer<bool> {
    let sql = Sql::new(tx.insert_new())
        .push(ADD)
        .bind(name)
        .bind(request)
        .bind(now);
    Ok(tx.run(sql).await? > 0)
}

/// Remembers what the request did.
///
/// # Errors
/// As [`Tx::run`].
pub async fn settle(tx: &mut Tx, name: &str, answer: &str) -> Answer<()> {
    let sql = Sql::new(SETTLE).bind(answer).bind(name);
    tx.run(sql).await.map(|_| ())
}
