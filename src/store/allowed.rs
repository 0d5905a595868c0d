//! What a user's own page shows of the grants they gave: the app, how long each lasts, and when and how often it was
//! used. Two statements, however many apps there are.

use std::collections::HashMap;

use sqlx::FromRow;

use crate::db::Db;
use crate::db::sql::Sql;
use crate::domain::access::Holder;
use crate::domain::refusal::Answer;
use crate::store::codes;
use crate::store::sessions;

/// A consumed refresh token opens nothing any more, so it does not keep its grant alive.
const LIST: &str = "SELECT g.id, g.pid, g.scope, g.credential, g.session_hash, g.created, g.ends, \
    c.name, c.redirect_uris, c.client_uri, c.verified, s.auth_time AS login, s.last_seen, s.ended, \
    (SELECT MAX(t.expires) FROM anteroom_token t \
    WHERE t.grant_id = g.id AND t.revoked IS NULL AND t.consumed IS NULL) AS lasts \
    FROM anteroom_grant g JOIN anteroom_client c ON c.client_id = g.client_id \
    LEFT JOIN anteroom_session s ON s.session_hash = g.session_hash \
    WHERE c.disabled IS NULL AND g.revoked IS NULL AND g.ends > ?";

/// Lines about a resource are calls of the app; the others tell of the grant itself.
const USES: &str = "SELECT g.id, COUNT(*) AS calls, MAX(a.at) AS latest \
    FROM anteroom_grant g JOIN anteroom_audit a ON a.grant_id = g.id \
    WHERE a.resource <> '' AND g.revoked IS NULL AND g.ends > ?";

/// A grant that lives, with its app.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allowed {
    /// The grant's id.
    pub id: String,
    /// The patient in context.
    pub pid: Option<i64>,
    /// Everything granted.
    pub scope: String,
    /// The password it was given under, as a fingerprint.
    pub credential: String,
    /// Whether it lasts no longer than the login.
    pub with_login: bool,
    /// When it was given, in seconds since 1970.
    pub created: i64,
    /// When it ends in any case.
    pub ends: i64,
    /// When the last of its tokens ends where it is not used; `None` before the app has fetched any.
    pub lasts: Option<i64>,
    /// The app's name, as registered.
    pub name: String,
    /// The first of its redirect addresses.
    pub redirect_uri: String,
    /// Its home page.
    pub client_uri: Option<String>,
    /// Whether the practice vouches for it.
    pub verified: bool,
}

/// How often an app used a grant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Used {
    /// How many calls.
    pub calls: i64,
    /// When the last one was, in milliseconds since 1970.
    pub latest: i64,
}

#[derive(FromRow)]
struct Row {
    id: String,
    pid: Option<i64>,
    scope: String,
    credential: String,
    session_hash: Option<String>,
    created: i64,
    ends: i64,
    name: String,
    redirect_uris: String,
    client_uri: Option<String>,
    verified: i64,
    login: Option<i64>,
    last_seen: Option<i64>,
    ended: Option<i64>,
    lasts: Option<i64>,
}

#[derive(FromRow)]
struct UsedRow {
    id: String,
    calls: i64,
    latest: i64,
}

/// Every grant of a user under which an app can still get at something, the newest first.
///
/// # Errors
/// As [`Db::all`].
pub async fn list(db: &Db, holder: Holder, now: i64) -> Answer<Vec<Allowed>> {
    let Some(sql) = of(holder, Sql::new(LIST).bind(now)) else {
        return Ok(Vec::new());
    };
    let rows: Vec<Row> = db.all(sql.push(" ORDER BY g.created DESC, g.id")).await?;
    let lives = |row: &Row| tokens_live(row, now) && login_lives(row, holder, now);
    Ok(rows
        .into_iter()
        .filter(lives)
        .map(|row| Allowed {
            id: row.id,
            pid: row.pid,
            scope: row.scope,
            credential: row.credential,
            with_login: row.session_hash.is_some(),
            created: row.created,
            ends: row.ends,
            lasts: row.lasts,
            name: row.name,
            redirect_uri: row.redirect_uris.lines().next().unwrap_or("").to_owned(),
            client_uri: row.client_uri,
            verified: row.verified != 0,
        })
        .collect())
}

/// How often and when last each grant of a user was used; those that never were are absent.
///
/// # Errors
/// As [`Db::all`].
pub async fn uses(db: &Db, holder: Holder, now: i64) -> Answer<HashMap<String, Used>> {
    let Some(sql) = of(holder, Sql::new(USES).bind(now)) else {
        return Ok(HashMap::new());
    };
    let rows: Vec<UsedRow> = db.all(sql.push(" GROUP BY g.id")).await?;
    let used = |row: UsedRow| {
        let used = Used {
            calls: row.calls,
            latest: row.latest,
        };
        (row.id, used)
    };
    Ok(rows.into_iter().map(used).collect())
}

/// The statement for one holder's grants; services have no page.
fn of(holder: Holder, sql: Sql) -> Option<Sql> {
    match holder {
        Holder::Patient(pid) => Some(sql.push(" AND g.staff IS NULL AND g.pid = ?").bind(pid)),
        Holder::Staff(id) => Some(sql.push(" AND g.staff = ?").bind(id)),
        Holder::System => None,
    }
}

/// A token that can still be used, or a code that may still be exchanged for one.
fn tokens_live(row: &Row, now: i64) -> bool {
    row.lasts.is_some_and(|lasts| lasts > now) || row.created + codes::LIFE > now
}

fn login_lives(row: &Row, holder: Holder, now: i64) -> bool {
    let life = match holder {
        Holder::Staff(_) => sessions::STAFF,
        Holder::Patient(_) | Holder::System => sessions::PATIENT,
    };
    match (row.session_hash.is_some(), row.login, row.last_seen) {
        (false, ..) => true,
        (true, Some(login), Some(seen)) => {
            row.ended.is_none() && seen > now - life.idle && login > now - life.absolute
        }
        (true, ..) => false,
    }
}
