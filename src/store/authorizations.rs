//! Authorization requests on their way from the first page to the app's answer (`anteroom_authorization`). What the app
//! asked is here and nowhere else: the forms carry only the id.

use sqlx::FromRow;

use crate::db::Db;
use crate::db::Tx;
use crate::db::sql::Sql;
use crate::domain::refusal::Answer;

/// Seconds a patient has for login and consent.
pub const LIFE: i64 = 600;

const ADD: &str = "INSERT INTO anteroom_authorization \
    (id, visitor_hash, client_id, redirect_uri, scope, state, nonce, challenge, created) \
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)";

const FIND: &str = "SELECT id, visitor_hash, client_id, redirect_uri, scope, state, nonce, challenge, \
    pid, must_change, credential, session_hash, auth_time FROM anteroom_authorization \
    WHERE id = ? AND visitor_hash = ? AND created > ? AND finished IS NULL";

const ATTACH: &str = "UPDATE anteroom_authorization \
    SET pid = ?, must_change = ?, credential = ?, session_hash = ?, auth_time = ? \
    WHERE id = ? AND finished IS NULL AND created > ?";

const FINISH: &str = "UPDATE anteroom_authorization SET finished = ? \
    WHERE id = ? AND finished IS NULL AND created > ?";

/// What an app asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Unguessable id, carried by the forms.
    pub id: String,
    /// Fingerprint of the visitor's cookie: only that browser may go on.
    pub visitor_hash: String,
    /// The app.
    pub client_id: String,
    /// Where the answer goes, exactly as asked.
    pub redirect_uri: String,
    /// What may be granted, after filtering.
    pub scope: String,
    /// The app's state, byte for byte.
    pub state: String,
    /// OpenID Connect's nonce.
    pub nonce: Option<String>,
    /// PKCE's S256 challenge.
    pub challenge: String,
}

/// Who stands before the pages of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Nobody has logged in.
    Login,
    /// The password fitted but was set by staff.
    MustChange(Attached),
    /// A patient with a session, who may consent.
    Consent(Attached, String),
}

/// The patient a request was tied to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attached {
    /// Whose record.
    pub pid: i64,
    /// The password it was done under, as a fingerprint.
    pub credential: String,
    /// When the password was given.
    pub auth_time: i64,
}

#[derive(FromRow)]
struct AskedRow {
    id: String,
    visitor_hash: String,
    client_id: String,
    redirect_uri: String,
    scope: String,
    state: String,
    nonce: Option<String>,
    challenge: String,
    pid: Option<i64>,
    must_change: i64,
    credential: Option<String>,
    session_hash: Option<String>,
    auth_time: Option<i64>,
}

/// Stores a request.
///
/// # Errors
/// As [`Tx::run`].
pub async fn add(tx: &mut Tx, asked: &Asked, now: i64) -> Answer<()> {
    let sql = Sql::new(ADD)
        .bind(&asked.id)
        .bind(&asked.visitor_hash)
        .bind(&asked.client_id)
        .bind(&asked.redirect_uri)
        .bind(&asked.scope)
        .bind(&asked.state)
        .bind(asked.nonce.clone())
        .bind(&asked.challenge)
        .bind(now);
    tx.run(sql).await.map(|_| ())
}

/// The request of that id if this visitor began it and it still waits.
///
/// # Errors
/// As [`Db::all`].
pub async fn find(
    db: &Db,
    id: &str,
    visitor_hash: &str,
    now: i64,
) -> Answer<Option<(Asked, Stage)>> {
    // The column is ASCII, and MariaDB will not compare it with anything else.
    if !id.is_ascii() {
        return Ok(None);
    }
    let sql = Sql::new(FIND).bind(id).bind(visitor_hash).bind(now - LIFE);
    let row: Option<AskedRow> = db.one(sql).await?;
    Ok(row.map(|row| {
        let stage = stage(&row);
        (asked(row), stage)
    }))
}

/// Ties a request to the patient who logged in; whether it still waited.
///
/// # Errors
/// As [`Tx::run`].
pub async fn attach(tx: &mut Tx, id: &str, stage: &Stage, now: i64) -> Answer<bool> {
    let (attached, must_change, session) = match stage {
        Stage::Login => (None, 0, None),
        Stage::MustChange(attached) => (Some(attached), 1, None),
        Stage::Consent(attached, session) => (Some(attached), 0, Some(session.clone())),
    };
    let sql = Sql::new(ATTACH)
        .bind(attached.map(|attached| attached.pid))
        .bind(i64::from(must_change))
        .bind(attached.map(|attached| attached.credential.clone()))
        .bind(session)
        .bind(attached.map(|attached| attached.auth_time))
        .bind(id)
        .bind(now - LIFE);
    Ok(tx.run(sql).await? > 0)
}

/// Ends a request, once; whether it was this call that ended it.
///
/// # Errors
/// As [`Tx::run`].
pub async fn finish(tx: &mut Tx, id: &str, now: i64) -> Answer<bool> {
    let sql = Sql::new(FINISH).bind(now).bind(id).bind(now - LIFE);
    Ok(tx.run(sql).await? > 0)
}

fn stage(row: &AskedRow) -> Stage {
    let attached = match (row.pid, &row.credential, row.auth_time) {
        (Some(pid), Some(credential), Some(auth_time)) => Attached {
            pid,
            credential: credential.clone(),
            auth_time,
        },
        _ => return Stage::Login,
    };
    match &row.session_hash {
        _ if row.must_change != 0 => Stage::MustChange(attached),
        Some(session) => Stage::Consent(attached, session.clone()),
        None => Stage::Login,
    }
}

fn asked(row: AskedRow) -> Asked {
    Asked {
        id: row.id,
        visitor_hash: row.visitor_hash,
        client_id: row.client_id,
        redirect_uri: row.redirect_uri,
        scope: row.scope,
        state: row.state,
        nonce: row.nonce,
        challenge: row.challenge,
    }
}
