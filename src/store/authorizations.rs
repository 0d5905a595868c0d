//! Authorization requests on their way from the first page to the app's answer (`anteroom_authorization`), and visits to
//! our own pages that need a login first. What was asked is here and nowhere else: the forms carry only the id.

use sqlx::FromRow;

use crate::db::Db;
use crate::db::Tx;
use crate::db::sql::Sql;
use crate::domain::access::Holder;
use crate::domain::refusal::Answer;
use crate::store::sessions;

/// Seconds somebody has for login and consent.
pub const LIFE: i64 = 600;

const ADD: &str = "INSERT INTO anteroom_authorization \
    (id, visitor_hash, client_id, redirect_uri, scope, dropped, state, nonce, challenge, login_hint, anew, \
    launched_by, patient, encounter, intent, banner, created) \
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";

const FIND: &str = "SELECT id, visitor_hash, client_id, redirect_uri, scope, dropped, state, nonce, challenge, \
    login_hint, anew, launched_by, patient, encounter, intent, banner, \
    pid, staff, must_change, credential, session_hash, auth_time FROM anteroom_authorization \
    WHERE id = ? AND visitor_hash = ? AND created > ? AND finished IS NULL";

const ATTACH: &str = "UPDATE anteroom_authorization \
    SET pid = ?, staff = ?, must_change = ?, credential = ?, session_hash = ?, auth_time = ? \
    WHERE id = ? AND finished IS NULL AND created > ? AND session_hash IS NULL";

const CHOOSE: &str = "UPDATE anteroom_authorization SET patient = ? \
    WHERE id = ? AND finished IS NULL AND created > ? AND launched_by IS NULL";

const FINISH: &str = "UPDATE anteroom_authorization SET finished = ? \
    WHERE id = ? AND finished IS NULL AND created > ?";

/// What was asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// Unguessable id, carried by the forms.
    pub id: String,
    /// Fingerprint of the visitor's cookie: only that browser may go on.
    pub visitor_hash: String,
    /// The app; `None` for a page of our own.
    pub client_id: Option<String>,
    /// Where the answer goes, exactly as asked; for a page of our own its path.
    pub redirect_uri: String,
    /// What may be granted, after filtering.
    pub scope: String,
    /// What was asked and is not offered or not registered: told on the page.
    pub dropped: String,
    /// The app's state, byte for byte.
    pub state: String,
    /// OpenID Connect's nonce.
    pub nonce: Option<String>,
    /// PKCE's S256 challenge.
    pub challenge: String,
    /// Whom the app expects (OpenID Connect Core, 3.1.2.1).
    pub login_hint: Option<String>,
    /// Whether the app wants a login that is newer, or made in another way, than the session it may find.
    pub anew: bool,
    /// What the app was launched with, or what staff have chosen since.
    pub launch: Launched,
}

/// The context of a launch as the tables hold it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Launched {
    /// The member of staff who launched the app: `users.id`. Only they may go on.
    pub by: Option<i64>,
    /// The patient in context: `patient_data.pid`.
    pub patient: Option<i64>,
    /// FHIR id of the encounter in context.
    pub encounter: Option<String>,
    /// What the app is to do (SMART's `intent`).
    pub intent: Option<String>,
    /// Whether the app has to show whose record it is (SMART's `need_patient_banner`).
    pub banner: bool,
}

impl Default for Launched {
    fn default() -> Self {
        Self {
            by: None,
            patient: None,
            encounter: None,
            intent: None,
            banner: true,
        }
    }
}

/// Who stands before the pages of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Nobody has logged in.
    Login,
    /// The password fitted but was set by staff.
    MustChange(Attached),
    /// Somebody with a session.
    In(Attached, String),
}

/// The user a request was tied to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attached {
    /// Who.
    pub holder: Holder,
    /// The password it was done under, as a fingerprint.
    pub credential: String,
    /// When the password was given.
    pub auth_time: i64,
}

#[derive(FromRow)]
struct AskedRow {
    id: String,
    visitor_hash: String,
    client_id: Option<String>,
    redirect_uri: String,
    scope: String,
    dropped: Option<String>,
    state: String,
    nonce: Option<String>,
    challenge: String,
    login_hint: Option<String>,
    anew: i64,
    launched_by: Option<i64>,
    patient: Option<i64>,
    encounter: Option<String>,
    intent: Option<String>,
    banner: i64,
    pid: Option<i64>,
    staff: Option<i64>,
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
        .bind(asked.client_id.clone())
        .bind(&asked.redirect_uri)
        .bind(&asked.scope)
        .bind(&asked.dropped)
        .bind(&asked.state)
        .bind(asked.nonce.clone())
        .bind(&asked.challenge)
        .bind(asked.login_hint.clone())
        .bind(i64::from(asked.anew))
        .bind(asked.launch.by)
        .bind(asked.launch.patient)
        .bind(asked.launch.encounter.clone())
        .bind(asked.launch.intent.clone())
        .bind(i64::from(asked.launch.banner))
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

/// Ties a request to the one who logged in; whether it still waited.
///
/// # Errors
/// As [`Tx::run`].
pub async fn attach(tx: &mut Tx, id: &str, stage: &Stage, now: i64) -> Answer<bool> {
    let (attached, must_change, session) = match stage {
        Stage::Login => (None, 0, None),
        Stage::MustChange(attached) => (Some(attached), 1, None),
        Stage::In(attached, session) => (Some(attached), 0, Some(session.clone())),
    };
    let (pid, staff) = attached.map_or((None, None), |attached| sessions::columns(attached.holder));
    let sql = Sql::new(ATTACH)
        .bind(pid)
        .bind(staff)
        .bind(i64::from(must_change))
        .bind(attached.map(|attached| attached.credential.clone()))
        .bind(session)
        .bind(attached.map(|attached| attached.auth_time))
        .bind(id)
        .bind(now - LIFE);
    Ok(tx.run(sql).await? > 0)
}

/// Sets the patient staff chose for a request that was not launched with one; whether it still waited.
///
/// # Errors
/// As [`Tx::run`].
pub async fn choose(tx: &mut Tx, id: &str, pid: i64, now: i64) -> Answer<bool> {
    let sql = Sql::new(CHOOSE).bind(pid).bind(id).bind(now - LIFE);
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
    let holder = match (row.staff, row.pid) {
        (Some(id), _) => Holder::Staff(id),
        (None, Some(pid)) => Holder::Patient(pid),
        (None, None) => return Stage::Login,
    };
    let (Some(credential), Some(auth_time)) = (&row.credential, row.auth_time) else {
        return Stage::Login;
    };
    let attached = Attached {
        holder,
        credential: credential.clone(),
        auth_time,
    };
    match &row.session_hash {
        _ if row.must_change != 0 => Stage::MustChange(attached),
        Some(session) => Stage::In(attached, session.clone()),
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
        dropped: row.dropped.unwrap_or_default(),
        state: row.state,
        nonce: row.nonce,
        challenge: row.challenge,
        login_hint: row.login_hint,
        anew: row.anew != 0,
        launch: Launched {
            by: row.launched_by,
            patient: row.patient,
            encounter: row.encounter,
            intent: row.intent,
            banner: row.banner != 0,
        },
    }
}
