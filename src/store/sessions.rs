//! Browser sessions (`anteroom_session`): who is logged in, since when, under which password.

use sqlx::FromRow;

use crate::db::Db;
use crate::db::Tx;
use crate::db::sql::Sql;
use crate::domain::access::Holder;
use crate::domain::refusal::Answer;

/// How long a session lives, in seconds (`spec/security.md` section 0).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Life {
    /// Without a request.
    pub idle: i64,
    /// After the login, in any case.
    pub absolute: i64,
}

/// A patient's session.
pub const PATIENT: Life = Life {
    idle: 30 * 60,
    absolute: 12 * 3600,
};

/// A session of staff.
pub const STAFF: Life = Life {
    idle: 15 * 60,
    absolute: 8 * 3600,
};

const OPEN: &str = "INSERT INTO anteroom_session \
    (session_hash, pid, staff, credential, acr, upstream, auth_time, last_seen) VALUES (?, ?, ?, ?, ?, ?, ?, ?)";

const FIND: &str = "SELECT session_hash, pid, staff, credential, acr, upstream, auth_time, last_seen \
    FROM anteroom_session WHERE session_hash = ? AND ended IS NULL";

const TOUCH: &str = "UPDATE anteroom_session SET last_seen = ? \
    WHERE session_hash = ? AND ended IS NULL AND last_seen < ?";

const END: &str = "UPDATE anteroom_session SET ended = ? WHERE session_hash = ? AND ended IS NULL";

const END_PATIENT: &str = "UPDATE anteroom_session SET ended = ? WHERE ended IS NULL AND pid = ?";

const END_STAFF: &str = "UPDATE anteroom_session SET ended = ? WHERE ended IS NULL AND staff = ?";

const END_UPSTREAM: &str =
    "UPDATE anteroom_session SET ended = ? WHERE ended IS NULL AND upstream = ?";

/// A session that lives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Fingerprint of the cookie.
    pub session_hash: String,
    /// Whose it is.
    pub holder: Holder,
    /// The password and login name it was made under, as a fingerprint.
    pub credential: String,
    /// How the login was made (OpenID Connect's `acr`).
    pub acr: String,
    /// The session at the identity provider, as a fingerprint of issuer and `sid`, where one made it.
    pub upstream: Option<String>,
    /// When the password was given, in seconds since 1970.
    pub auth_time: i64,
}

#[derive(FromRow)]
struct SessionRow {
    session_hash: String,
    pid: Option<i64>,
    staff: Option<i64>,
    credential: String,
    acr: String,
    upstream: Option<String>,
    auth_time: i64,
    last_seen: i64,
}

/// A holder as two columns: `pid` and `staff`.
pub fn columns(holder: Holder) -> (Option<i64>, Option<i64>) {
    match holder {
        Holder::Patient(pid) => (Some(pid), None),
        Holder::Staff(id) => (None, Some(id)),
        Holder::System => (None, None),
    }
}

/// Begins a session.
///
/// # Errors
/// As [`Tx::run`].
pub async fn open(tx: &mut Tx, session: &Session) -> Answer<()> {
    let (pid, staff) = columns(session.holder);
    let sql = Sql::new(OPEN)
        .bind(&session.session_hash)
        .bind(pid)
        .bind(staff)
        .bind(&session.credential)
        .bind(&session.acr)
        .bind(session.upstream.clone())
        .bind(session.auth_time)
        .bind(session.auth_time);
    tx.run(sql).await.map(|_| ())
}

/// The session of a cookie, if it lives at `now`.
///
/// # Errors
/// As [`Db::all`].
pub async fn find(db: &Db, session_hash: &str, now: i64) -> Answer<Option<Session>> {
    let row: Option<SessionRow> = db.one(Sql::new(FIND).bind(session_hash)).await?;
    Ok(row.and_then(|row| {
        let (holder, life) = match (row.staff, row.pid) {
            (Some(id), _) => (Holder::Staff(id), STAFF),
            (None, Some(pid)) => (Holder::Patient(pid), PATIENT),
            (None, None) => return None,
        };
        let lives = row.last_seen > now - life.idle && row.auth_time > now - life.absolute;
        lives.then_some(Session {
            session_hash: row.session_hash,
            holder,
            credential: row.credential,
            acr: row.acr,
            upstream: row.upstream,
            auth_time: row.auth_time,
        })
    }))
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

/// Ends every session of somebody: a new password, a lock-out.
///
/// # Errors
/// As [`Tx::run`].
pub async fn end_all(tx: &mut Tx, holder: Holder, now: i64) -> Answer<()> {
    let sql = match holder {
        Holder::Patient(pid) => Sql::new(END_PATIENT).bind(now).bind(pid),
        Holder::Staff(id) => Sql::new(END_STAFF).bind(now).bind(id),
        Holder::System => return Ok(()),
    };
    tx.run(sql).await.map(|_| ())
}

/// Ends the sessions that one session at the identity provider made; how many there were.
///
/// # Errors
/// As [`Tx::run`].
pub async fn end_upstream(tx: &mut Tx, upstream: &str, now: i64) -> Answer<u64> {
    tx.run(Sql::new(END_UPSTREAM).bind(now).bind(upstream))
        .await
}
