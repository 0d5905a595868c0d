//! Logins under way at the practice's identity provider (`anteroom_upstream`), and the grants that last as long as a
//! session there.

use sqlx::FromRow;

use crate::db::Db;
use crate::db::sql::Sql;
use crate::domain::refusal::Answer;

/// Seconds somebody has to log in there.
pub const LIFE: i64 = 600;

const ADD: &str = "INSERT INTO anteroom_upstream \
    (state_hash, visitor_hash, request, nonce, verifier, fresh, created) VALUES (?, ?, ?, ?, ?, ?, ?)";

const FIND: &str = "SELECT request, nonce, verifier, fresh, created FROM anteroom_upstream \
    WHERE state_hash = ? AND visitor_hash = ? AND used IS NULL AND created > ?";

/// The one statement that spends a state.
const CLAIM: &str = "UPDATE anteroom_upstream SET used = ? \
    WHERE state_hash = ? AND visitor_hash = ? AND used IS NULL AND created > ?";

/// What `online_access` gave under the sessions of one session there.
const GRANTS: &str = "SELECT g.id FROM anteroom_grant g \
    JOIN anteroom_session s ON s.session_hash = g.session_hash \
    WHERE s.upstream = ? AND g.revoked IS NULL";

/// A login that was begun there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Begun {
    /// The id of the waiting request.
    pub request: String,
    /// OpenID Connect's nonce.
    pub nonce: String,
    /// PKCE's verifier.
    pub verifier: String,
    /// Whether only a login made from then on counts.
    pub fresh: bool,
    /// When it was begun, in seconds since 1970.
    pub created: i64,
}

#[derive(FromRow)]
struct BegunRow {
    request: String,
    nonce: String,
    verifier: String,
    fresh: i64,
    created: i64,
}

#[derive(FromRow)]
struct GrantRow {
    id: String,
}

/// Stores a login under the fingerprints of its state and of the browser it was begun in.
///
/// # Errors
/// As [`Db::run`].
pub async fn add(db: &Db, (state_hash, visitor_hash): (&str, &str), begun: &Begun) -> Answer<()> {
    let sql = Sql::new(ADD)
        .bind(state_hash)
        .bind(visitor_hash)
        .bind(&begun.request)
        .bind(&begun.nonce)
        .bind(&begun.verifier)
        .bind(i64::from(begun.fresh))
        .bind(begun.created);
    db.run(sql).await.map(|_| ())
}

/// The login that waits at `now` for this state in this browser. [`claim`] spends it.
///
/// # Errors
/// As [`Db::all`].
pub async fn find(
    db: &Db,
    (state_hash, visitor_hash): (&str, &str),
    now: i64,
) -> Answer<Option<Begun>> {
    let sql = Sql::new(FIND)
        .bind(state_hash)
        .bind(visitor_hash)
        .bind(now - LIFE);
    let row: Option<BegunRow> = db.one(sql).await?;
    Ok(row.map(|row| Begun {
        request: row.request,
        nonce: row.nonce,
        verifier: row.verifier,
        fresh: row.fresh != 0,
        created: row.created,
    }))
}

/// Spends a state; false where it was spent before, has ended or is another browser's.
///
/// # Errors
/// As [`Db::run`].
pub async fn claim(db: &Db, (state_hash, visitor_hash): (&str, &str), now: i64) -> Answer<bool> {
    let sql = Sql::new(CLAIM)
        .bind(now)
        .bind(state_hash)
        .bind(visitor_hash)
        .bind(now - LIFE);
    Ok(db.run(sql).await? > 0)
}

/// The grants that last as long as this session there.
///
/// # Errors
/// As [`Db::all`].
pub async fn grants(db: &Db, upstream: &str) -> Answer<Vec<String>> {
    let rows: Vec<GrantRow> = db.all(Sql::new(GRANTS).bind(upstream)).await?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}
