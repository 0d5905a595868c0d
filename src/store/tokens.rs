//! Access and refresh tokens (`anteroom_token`), as fingerprints. Both of a pair name the same `parent`: the code or the
//! refresh token they came from. Rows are kept until the family ends, so that any old token is recognised.

use sqlx::FromRow;

use crate::db::Db;
use crate::db::Tx;
use crate::db::sql::Sql;
use crate::domain::refusal::Answer;
use crate::store::grants::Given;
use crate::store::grants::GivenRow;

/// Seconds an access token lives (`spec/security.md` section 0).
pub const ACCESS_LIFE: i64 = 600;

/// Seconds an access token of a backend service lives.
pub const SYSTEM_LIFE: i64 = 300;

/// Seconds a refresh token lives unused: 100 days.
pub const REFRESH_IDLE: i64 = 100 * 86_400;

/// Seconds within which a consumed refresh token may come again while its successors were never used.
pub const GRACE: i64 = 30;

const ADD: &str = "INSERT INTO anteroom_token \
    (token_hash, grant_id, kind, scope, parent, issued, expires) VALUES (?, ?, ?, ?, ?, ?, ?)";

const REFRESH: &str = "SELECT t.token_hash, t.expires, t.consumed, t.revoked, g.revoked AS grant_revoked, \
    g.id, g.client_id, g.pid, g.staff, g.encounter, g.intent, g.banner, g.scope, g.credential, g.acr, g.session_hash, \
    g.auth_time, g.ends \
    FROM anteroom_token t JOIN anteroom_grant g ON g.id = t.grant_id \
    WHERE t.token_hash = ? AND t.kind = 'refresh'";

/// Any token with its grant, whatever has become of them.
const LOOK: &str = "SELECT t.kind, t.scope AS token_scope, t.issued, t.expires, t.consumed, t.revoked, \
    g.revoked AS grant_revoked, g.id, g.client_id, g.pid, g.staff, g.encounter, g.intent, g.banner, g.scope, \
    g.credential, g.acr, g.session_hash, g.auth_time, g.ends \
    FROM anteroom_token t JOIN anteroom_grant g ON g.id = t.grant_id WHERE t.token_hash = ?";

const REVOKE_ONE: &str =
    "UPDATE anteroom_token SET revoked = ? WHERE token_hash = ? AND revoked IS NULL";

const CONSUME: &str = "UPDATE anteroom_token SET consumed = ?, first_used = COALESCE(first_used, ?) WHERE token_hash = ?";

const USED_CHILDREN: &str = "SELECT COUNT(*) AS used FROM anteroom_token \
    WHERE parent = ? AND (first_used IS NOT NULL OR consumed IS NOT NULL)";

const REVOKE_CHILDREN: &str =
    "UPDATE anteroom_token SET revoked = ? WHERE parent = ? AND revoked IS NULL";

/// What a token is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Opens the FHIR routes.
    Access,
    /// Opens the token endpoint.
    Refresh,
}

/// A token to be stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// Fingerprint of the token.
    pub token_hash: String,
    /// The grant it belongs to.
    pub grant_id: String,
    /// What it is for.
    pub kind: Kind,
    /// What it opens.
    pub scope: String,
    /// Fingerprint of the code or refresh token it came from.
    pub parent: String,
    /// When it was made.
    pub issued: i64,
    /// When it ends.
    pub expires: i64,
}

/// A refresh token with its grant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refresh {
    /// Fingerprint of the token.
    pub token_hash: String,
    /// When it ends.
    pub expires: i64,
    /// When it was exchanged.
    pub consumed: Option<i64>,
    /// When it was revoked.
    pub revoked: Option<i64>,
    /// Its grant.
    pub given: Given,
    /// When the grant was revoked.
    pub grant_revoked: Option<i64>,
}

#[derive(FromRow)]
struct RefreshRow {
    token_hash: String,
    expires: i64,
    consumed: Option<i64>,
    revoked: Option<i64>,
    grant_revoked: Option<i64>,
    #[sqlx(flatten)]
    given: GivenRow,
}

/// A token of either kind with its grant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Looked {
    /// What it is for.
    pub kind: Kind,
    /// What it opens.
    pub scope: String,
    /// When it was made.
    pub issued: i64,
    /// When it ends.
    pub expires: i64,
    /// Its grant.
    pub given: Given,
    ended: bool,
}

impl Looked {
    /// Whether neither it nor its grant has ended, was exchanged or was revoked.
    pub fn lives(&self, now: i64) -> bool {
        !self.ended && self.expires > now && self.given.ends > now
    }
}

#[derive(FromRow)]
struct LookedRow {
    kind: String,
    token_scope: String,
    issued: i64,
    expires: i64,
    consumed: Option<i64>,
    revoked: Option<i64>,
    grant_revoked: Option<i64>,
    #[sqlx(flatten)]
    given: GivenRow,
}

#[derive(FromRow)]
struct Used {
    used: i64,
}

/// Stores a token.
///
/// # Errors
/// As [`Tx::run`].
pub async fn add(tx: &mut Tx, token: &Token) -> Answer<()> {
    let kind = match token.kind {
        Kind::Access => "access",
        Kind::Refresh => "refresh",
    };
    let sql = Sql::new(ADD)
        .bind(&token.token_hash)
        .bind(&token.grant_id)
        .bind(kind)
        .bind(&token.scope)
        .bind(&token.parent)
        .bind(token.issued)
        .bind(token.expires);
    tx.run(sql).await.map(|_| ())
}

/// A refresh token and its grant, locked until the transaction ends: of several at once, one goes first.
///
/// # Errors
/// As [`Tx::all`].
pub async fn refresh(tx: &mut Tx, token_hash: &str) -> Answer<Option<Refresh>> {
    let sql = Sql::new(REFRESH).bind(token_hash).push(tx.lock_clause());
    let row: Option<RefreshRow> = tx.one(sql).await?;
    Ok(row.map(|row| Refresh {
        token_hash: row.token_hash,
        expires: row.expires,
        consumed: row.consumed,
        revoked: row.revoked,
        given: row.given.into(),
        grant_revoked: row.grant_revoked,
    }))
}

/// The token of that fingerprint and its grant, without using it.
///
/// # Errors
/// As [`Db::all`].
pub async fn look(db: &Db, token_hash: &str) -> Answer<Option<Looked>> {
    let row: Option<LookedRow> = db.one(Sql::new(LOOK).bind(token_hash)).await?;
    Ok(row.map(|row| Looked {
        kind: match row.kind.as_str() {
            "access" => Kind::Access,
            _ => Kind::Refresh,
        },
        scope: row.token_scope,
        issued: row.issued,
        expires: row.expires,
        ended: row.consumed.or(row.revoked).or(row.grant_revoked).is_some(),
        given: row.given.into(),
    }))
}

/// Revokes one token; whether it was this call that did.
///
/// # Errors
/// As [`Tx::run`].
pub async fn revoke(tx: &mut Tx, token_hash: &str, now: i64) -> Answer<bool> {
    let sql = Sql::new(REVOKE_ONE).bind(now).bind(token_hash);
    Ok(tx.run(sql).await? > 0)
}

/// Marks a refresh token as exchanged.
///
/// # Errors
/// As [`Tx::run`].
pub async fn consume(tx: &mut Tx, token_hash: &str, now: i64) -> Answer<()> {
    let sql = Sql::new(CONSUME).bind(now).bind(now).bind(token_hash);
    tx.run(sql).await.map(|_| ())
}

/// Whether anything that came from this token was ever used.
///
/// # Errors
/// As [`Tx::all`].
pub async fn children_used(tx: &mut Tx, parent: &str) -> Answer<bool> {
    let row: Option<Used> = tx.one(Sql::new(USED_CHILDREN).bind(parent)).await?;
    Ok(row.is_some_and(|row| row.used > 0))
}

/// Revokes what came from this token.
///
/// # Errors
/// As [`Tx::run`].
pub async fn revoke_children(tx: &mut Tx, parent: &str, now: i64) -> Answer<()> {
    let sql = Sql::new(REVOKE_CHILDREN).bind(now).bind(parent);
    tx.run(sql).await.map(|_| ())
}
