//! Which member of staff an account at the practice's identity provider is (`anteroom_staff_link`): one account, one user,
//! decided once and kept until an operator takes it back.

use sqlx::FromRow;

use crate::db::Db;
use crate::db::Tx;
use crate::db::sql::Sql;
use crate::domain::refusal::Answer;

const FIND: &str = "SELECT staff FROM anteroom_staff_link WHERE subject_hash = ?";

const OF_STAFF: &str = "SELECT staff FROM anteroom_staff_link WHERE staff = ?";

const ALL: &str = "SELECT staff FROM anteroom_staff_link ORDER BY staff";

/// Both columns are keys: of two accounts that come at once for one user, one is written.
const ADD: &str = "anteroom_staff_link (subject_hash, staff, created) VALUES (?, ?, ?)";

const REMOVE: &str = "DELETE FROM anteroom_staff_link WHERE staff = ?";

#[derive(FromRow)]
struct LinkRow {
    staff: i64,
}

/// The user (`users.id`) of an account, by the fingerprint of issuer and subject.
///
/// # Errors
/// As [`Db::all`].
pub async fn find(db: &Db, subject_hash: &str) -> Answer<Option<i64>> {
    let row: Option<LinkRow> = db.one(Sql::new(FIND).bind(subject_hash)).await?;
    Ok(row.map(|row| row.staff))
}

/// Whether some account is this user's.
///
/// # Errors
/// As [`Db::all`].
pub async fn is_linked(db: &Db, staff: i64) -> Answer<bool> {
    let row: Option<LinkRow> = db.one(Sql::new(OF_STAFF).bind(staff)).await?;
    Ok(row.is_some())
}

/// Every user with an account.
///
/// # Errors
/// As [`Db::all`].
pub async fn all(db: &Db) -> Answer<Vec<i64>> {
    let rows: Vec<LinkRow> = db.all(Sql::new(ALL)).await?;
    Ok(rows.into_iter().map(|row| row.staff).collect())
}

/// Links an account with a user; false where either has a link already.
///
/// # Errors
/// As [`Tx::run`].
pub async fn add(tx: &mut Tx, subject_hash: &str, staff: i64, now: i64) -> Answer<bool> {
    let sql = Sql::new(tx.insert_new())
        .push(ADD)
        .bind(subject_hash)
        .bind(staff)
        .bind(now);
    Ok(tx.run(sql).await? > 0)
}

/// Takes a user's link back; whether there was one.
///
/// # Errors
/// As [`Tx::run`].
pub async fn remove(tx: &mut Tx, staff: i64) -> Answer<bool> {
    Ok(tx.run(Sql::new(REMOVE).bind(staff)).await? > 0)
}
