//! Browser sessions of patients (`anteroom_session`): who is logged in, since when, under which password.

use sqlx::FromRow;

use crate::db::Db;
use crate::db::Tx;
use crate::db::sql::Sql;
use crate::domain::refusal::Answer;

/// Seconds without a request after which a session ends (`spec/security.md` section 0).
pub const IDLE: i64 = 30 * 60;

/// Seconds after the login when it ends in any case.
pub const ABSOLUTE: i64 = 12 * 3600;

const OPEN: &str = "INSERT INTO anteroom_session \
    (session_hash, pid, credential, auth_time, last_seen) VALUES (?, ?, ?, ?, ?)";

const FIND: &str = "SELECT session_hash, pid, credential, auth_time FROM anteroom_session \
    WHERE session_hash = ? AND ended IS NULL AND last_seen > ? AND auth_time > ?";

const TOUCH: &str = "UPDATE anteroom_session SET last_seen = ? \
    WHERE session_hash = ? AND ended IS NULL AND last_seen < ?";

const END: &str = "UPDATE anteroom_session SET ended = ? WHERE session_hash = ? AND ended IS NULL";

const END_ALL: &str = "UPDATE anteroom_session SET ended = ? WHERE pid = ? AND ended IS NULL";

/// A session that lives.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct Session {
    /// Fingerprint of the cookie.
    pub session_hash: String,
    /// Whose it is.
    pub pid: i64,
    /// The password and login name it was made under, as a fingerprint.
    pub credential: String,
    /// When the password was given, in seconds since 1970.
    pub auth_time: i64,
}

/// Begins a session.
///
/// # Errors
/// As [`Tx::run`].
pub async fn open(tx: &mut Tx, session: &Session) -> Answer<()> {
    let sql = Sql::new(OPEN)
        .bind(&session.session_hash)
        .bind(session.pid)
        .bind(&session.credential)
        .bind(session.auth_time)
        .bind(session.auth_time);
    tx.run(sql).await.map(|_| ())
}

/// The session of a cookie, if it lives at `now`.
///
/// # Errors
/// As [`Db::all`].
pub async fn find(db: &Db, session_hash: &str, now: i64) -> Answer<Option<Session>> {
    let sql = Sql::new(FIND)
        .bind(session_hash)
        .bind(now - IDLE)
        .bind(now - ABSOLUTE);
    db.one(sql).await
}

/// Remembers that the session was used.
///
/// # Errors
/// As [`Db::run`].
pub async fn touch(db: &Db, session_hash: &str, now: i64) -> Answer<()> {
    let sql = Sql::new(TOUCH).bind(now).bind(session_hash).bind(now);
    db.run(sql).await.map(|_| ())
}

/// Ends one session: logout.
///
/// # Errors
/// As [`Tx::run`].
pub async fn end(tx: &mut Tx, session_hash: &str, now: i64) -> Answer<()> {
    let sql = Sql::new(END).bind(now).bind(session_hash);
    tx.run(sql).await.map(|_| ())
}

/// Ends every session of a patient: a new password.
///
/// # Errors
/// As [`Tx::run`].
pub async fn end_all(tx: &mut Tx, pid: i64, now: i64) -> Answer<()> {
    tx.run(Sql::new(END_ALL).bind(now).bind(pid))
        .await
        .map(|_| ())
}
