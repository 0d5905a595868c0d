//! Authorization codes (`anteroom_code`): a minute, one use, five wrong verifiers.

use sqlx::FromRow;

use crate::db::Db;
use crate::db::Tx;
use crate::db::sql::Sql;
use crate::domain::refusal::Answer;

/// Seconds a code lives (`spec/security.md` section 0).
pub const LIFE: i64 = 60;

/// Wrong verifiers that burn a code.
const WRONG: i64 = 5;

const ADD: &str = "INSERT INTO anteroom_code \
    (code_hash, grant_id, client_id, redirect_uri, challenge, nonce, expires) VALUES (?, ?, ?, ?, ?, ?, ?)";

const FIND: &str = "SELECT code_hash, grant_id, client_id, redirect_uri, challenge, nonce, expires, wrong, used \
    FROM anteroom_code WHERE code_hash = ?";

/// The one statement that spends a code: of any number at once, one changes the row.
const CLAIM: &str = "UPDATE anteroom_code SET used = ? \
    WHERE code_hash = ? AND used IS NULL AND expires > ? AND wrong < ?";

const MISS: &str =
    "UPDATE anteroom_code SET wrong = wrong + 1 WHERE code_hash = ? AND used IS NULL";

/// A code as stored.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct Code {
    /// Fingerprint of the code.
    pub code_hash: String,
    /// The grant it opens.
    pub grant_id: String,
    /// The app it was given to.
    pub client_id: String,
    /// The redirect address it was sent to.
    pub redirect_uri: String,
    /// PKCE's challenge.
    pub challenge: String,
    /// The nonce for the id token.
    pub nonce: Option<String>,
    /// When it ends, in seconds since 1970.
    pub expires: i64,
    /// Wrong verifiers so far.
    pub wrong: i64,
    /// When it was spent.
    pub used: Option<i64>,
}

impl Code {
    /// Whether it may still be spent.
    pub fn lives(&self, now: i64) -> bool {
        self.used.is_none() && self.expires > now && self.wrong < WRONG
    }
}

/// Stores a fresh code.
///
/// # Errors
/// As [`Tx::run`].
pub async fn add(tx: &mut Tx, code: &Code) -> Answer<()> {
    let sql = Sql::new(ADD)
        .bind(&code.code_hash)
        .bind(&code.grant_id)
        .bind(&code.client_id)
        .bind(&code.redirect_uri)
        .bind(&code.challenge)
        .bind(code.nonce.clone())
        .bind(code.expires);
    tx.run(sql).await.map(|_| ())
}

/// The code of that fingerprint, spent or not.
///
/// # Errors
/// As [`Db::all`].
pub async fn find(db: &Db, code_hash: &str) -> Answer<Option<Code>> {
    db.one(Sql::new(FIND).bind(code_hash)).await
}

/// Spends a code; false where another was first or it has ended.
///
/// # Errors
/// As [`Tx::run`].
pub async fn claim(tx: &mut Tx, code_hash: &str, now: i64) -> Answer<bool> {
    let sql = Sql::new(CLAIM)
        .bind(now)
        .bind(code_hash)
        .bind(now)
        .bind(WRONG);
    Ok(tx.run(sql).await? > 0)
}

/// Counts a wrong verifier.
///
/// # Errors
/// As [`Db::run`].
pub async fn miss(db: &Db, code_hash: &str) -> Answer<()> {
    db.run(Sql::new(MISS).bind(code_hash)).await.map(|_| ())
}
