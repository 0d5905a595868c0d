//! What patients allowed apps (`anteroom_grant`), and the look-up of every request: token, grant, app, patient and
//! account in one statement, so that taking access away works at once. The only maker of a [`Grant`].

use sqlx::FromRow;
use uuid::Uuid;

use crate::crypto;
use crate::db::Db;
use crate::db::Tx;
use crate::db::sql::Sql;
use crate::domain::access::Grant;
use crate::domain::people::Person;
use crate::domain::refusal::Answer;
use crate::domain::scope::Scope;

/// Seconds a grant with a refresh token lives: a year (`spec/security.md` section 0).
pub const LIFE: i64 = 365 * 86_400;

const ADD: &str = "INSERT INTO anteroom_grant \
    (id, client_id, pid, scope, credential, auth_time, created, ends) VALUES (?, ?, ?, ?, ?, ?, ?, ?)";

const FIND: &str = "SELECT id, client_id, pid, scope, credential, auth_time, ends FROM anteroom_grant \
    WHERE id = ? AND revoked IS NULL AND ends > ?";

/// `allow_patient_portal` must be `YES` exactly and the password unchanged, which is judged in Rust because OpenEMR's
/// columns compare without case. `prevent_portal_apps` is a check box of varying spelling (OpenEMR facts 6.3) that
/// OpenEMR 6.1 does not have: then the name in the inner query means `absent.prevent_portal_apps`, which is NULL.
const BY_ACCESS_TOKEN: &str = "SELECT t.first_used, t.scope, g.id, g.client_id, g.credential, p.pid, p.uuid, \
    p.allow_patient_portal, a.portal_pwd, a.portal_login_username \
    FROM (SELECT NULL AS prevent_portal_apps) absent \
    JOIN anteroom_token t ON t.token_hash = ? \
    JOIN anteroom_grant g ON g.id = t.grant_id \
    JOIN anteroom_client c ON c.client_id = g.client_id \
    JOIN patient_data p ON p.pid = g.pid \
    JOIN patient_access_onsite a ON a.pid = g.pid \
    WHERE t.kind = 'access' AND t.revoked IS NULL AND t.expires > ? \
    AND g.revoked IS NULL AND g.ends > ? AND c.disabled IS NULL \
    AND UPPER(TRIM(COALESCE((SELECT prevent_portal_apps FROM patient_data q WHERE q.pid = g.pid), ''))) NOT IN ('YES', 'ON', '1')";

const FIRST_USE: &str = "UPDATE anteroom_token SET first_used = ? \
    WHERE token_hash = ? AND first_used IS NULL AND revoked IS NULL";

const REVOKE: &str = "UPDATE anteroom_grant SET revoked = ? WHERE id = ? AND revoked IS NULL";

const REVOKE_TOKENS: &str =
    "UPDATE anteroom_token SET revoked = ? WHERE grant_id = ? AND revoked IS NULL";

/// A grant as it is stored, for the token endpoint.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct Given {
    /// Its id.
    pub id: String,
    /// The app.
    pub client_id: String,
    /// Whose record.
    pub pid: i64,
    /// Everything granted.
    pub scope: String,
    /// The password it was given under, as a fingerprint.
    pub credential: String,
    /// When the password was given, in seconds since 1970.
    pub auth_time: i64,
    /// When it ends in any case.
    pub ends: i64,
}

#[derive(FromRow)]
struct Bearer {
    first_used: Option<i64>,
    scope: String,
    id: String,
    client_id: String,
    credential: String,
    pid: i64,
    uuid: Option<Vec<u8>>,
    allow_patient_portal: Option<String>,
    portal_pwd: Option<String>,
    portal_login_username: Option<String>,
}

/// Stores a grant at `now`.
///
/// # Errors
/// As [`Tx::run`].
pub async fn add(tx: &mut Tx, given: &Given, now: i64) -> Answer<()> {
    let sql = Sql::new(ADD)
        .bind(&given.id)
        .bind(&given.client_id)
        .bind(given.pid)
        .bind(&given.scope)
        .bind(&given.credential)
        .bind(given.auth_time)
        .bind(now)
        .bind(given.ends);
    tx.run(sql).await.map(|_| ())
}

/// The grant of that id, if it lives.
///
/// # Errors
/// As [`Db::all`].
pub async fn find(db: &Db, id: &str, now: i64) -> Answer<Option<Given>> {
    db.one(Sql::new(FIND).bind(id).bind(now)).await
}

/// What the access token of that fingerprint opens at `now`; `None` for anything that is wrong with it, its grant,
/// its app or its patient. The first use is remembered, which ends the grace of the refresh token before it.
///
/// # Errors
/// As [`Db::all`].
pub async fn by_access_token(db: &Db, token_hash: &str, now: i64) -> Answer<Option<Grant>> {
    let sql = Sql::new(BY_ACCESS_TOKEN)
        .bind(token_hash)
        .bind(now)
        .bind(now);
    let Some(bearer) = db.one::<Bearer>(sql).await? else {
        return Ok(None);
    };
    let first = bearer.first_used.is_none();
    let Some(grant) = grant(bearer) else {
        return Ok(None);
    };
    if first {
        let mark = Sql::new(FIRST_USE).bind(now).bind(token_hash);
        if db.run(mark).await? == 0 && revoked_meanwhile(db, token_hash).await? {
            return Ok(None);
        }
    }
    Ok(Some(grant))
}

/// Ends a grant and everything issued under it; whether it was this call that ended it.
///
/// # Errors
/// As [`Tx::run`].
pub async fn revoke_all(tx: &mut Tx, id: &str, now: i64) -> Answer<bool> {
    let ended = tx.run(Sql::new(REVOKE).bind(now).bind(id)).await? > 0;
    tx.run(Sql::new(REVOKE_TOKENS).bind(now).bind(id)).await?;
    Ok(ended)
}

fn grant(bearer: Bearer) -> Option<Grant> {
    let uuid = Uuid::from_slice(bearer.uuid.as_deref()?).ok()?;
    let credential = crypto::credential(&bearer.portal_pwd?, &bearer.portal_login_username?);
    let person = Person {
        pid: bearer.pid,
        uuid,
    };
    let open = !uuid.is_nil()
        && bearer.allow_patient_portal.as_deref() == Some("YES")
        && crypto::same(credential.as_bytes(), bearer.credential.as_bytes());
    open.then(|| {
        Grant::stored(
            bearer.id,
            bearer.client_id,
            person,
            Scope::list(&bearer.scope),
        )
    })
}

/// Another request may have marked the first use a moment ago, or a refresh may have revoked the unused pair.
async fn revoked_meanwhile(db: &Db, token_hash: &str) -> Answer<bool> {
    #[derive(FromRow)]
    struct State {
        revoked: Option<i64>,
    }
    const STATE: &str = "SELECT revoked FROM anteroom_token WHERE token_hash = ?";
    let row: Option<State> = db.one(Sql::new(STATE).bind(token_hash)).await?;
    Ok(row.is_none_or(|row| row.revoked.is_some()))
}
