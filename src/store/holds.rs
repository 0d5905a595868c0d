//! Time that is held for a patient who is about to ask for it (`anteroom_hold`): nobody else is offered it until the hold
//! ends. OpenEMR knows nothing of it; what its own screens put there first is found when the visit is booked.

use sqlx::FromRow;
use uuid::Uuid;

use crate::db::Db;
use crate::db::Tx;
use crate::db::sql::Sql;
use crate::domain::refusal::Answer;

const SELECT: &str = "SELECT id, pid, provider, category, wall, seconds, expires FROM anteroom_hold WHERE expires > ?";

const ADD: &str = "INSERT INTO anteroom_hold (id, pid, provider, category, wall, seconds, created, expires) \
    VALUES (?, ?, ?, ?, ?, ?, ?, ?)";

/// Also where it has ended: it is swept an hour later.
const SINCE: &str =
    "SELECT created FROM anteroom_hold WHERE pid = ? AND provider = ? AND wall = ? LIMIT 1";

const END: &str = "DELETE FROM anteroom_hold WHERE pid = ?";

/// Time that is held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    /// The FHIR id of the Appointment it may become.
    pub id: Uuid,
    /// For whom.
    pub pid: i64,
    /// `users.id`
    pub provider: i64,
    /// `pc_catid`
    pub category: i64,
    /// When it begins, by the practice's clock: `2026-11-24 09:15:00`.
    pub wall: String,
    /// How long it is.
    pub seconds: i64,
    /// When the hold ends, in seconds since 1970.
    pub expires: i64,
}

#[derive(FromRow)]
struct Row {
    id: Vec<u8>,
    pid: i64,
    provider: i64,
    category: i64,
    wall: String,
    seconds: i64,
    expires: i64,
}

#[derive(FromRow)]
struct Since {
    created: i64,
}

/// Holds a time; what was held for the patient before is let go, so that nobody holds a whole day. The same time is held
/// for `most` seconds in all; false where it was.
///
/// # Errors
/// As [`Tx::run`].
pub async fn put(tx: &mut Tx, hold: &Hold, (now, most): (i64, i64)) -> Answer<bool> {
    let sql = Sql::new(SINCE).bind(hold.pid).bind(hold.provider);
    let known: Option<Since> = tx.one(sql.bind(&hold.wall)).await?;
    let created = known.map_or(now, |known| known.created);
    let expires = hold.expires.min(created + most);
    if expires <= now {
        return Ok(false);
    }
    end(tx, hold.pid).await?;
    let sql = Sql::new(ADD)
        .bind(hold.id)
        .bind(hold.pid)
        .bind(hold.provider)
        .bind(hold.category)
        .bind(&hold.wall)
        .bind(hold.seconds)
        .bind(created)
        .bind(expires);
    tx.run(sql).await.map(|_| true)
}

/// Lets go what is held for a patient.
///
/// # Errors
/// As [`Tx::run`].
pub async fn end(tx: &mut Tx, pid: i64) -> Answer<()> {
    tx.run(Sql::new(END).bind(pid)).await.map(|_| ())
}

/// What is held of some providers' time.
///
/// # Errors
/// As [`Db::all`].
pub async fn of(db: &Db, providers: &[i64], now: i64) -> Answer<Vec<Hold>> {
    let rows: Vec<Row> = db.all(listed(providers, now)).await?;
    Ok(rows.into_iter().filter_map(hold).collect())
}

/// The same within a transaction, as it is at this moment.
///
/// # Errors
/// As [`Tx::all`].
pub async fn within(tx: &mut Tx, providers: &[i64], now: i64) -> Answer<Vec<Hold>> {
    let sql = listed(providers, now).push(tx.lock_clause());
    let rows: Vec<Row> = tx.all(sql).await?;
    Ok(rows.into_iter().filter_map(hold).collect())
}

/// What is held for a patient.
///
/// # Errors
/// As [`Db::all`].
pub async fn of_patient(db: &Db, pid: i64, now: i64) -> Answer<Option<Hold>> {
    let sql = Sql::new(SELECT).bind(now).push(" AND pid = ?").bind(pid);
    let row: Option<Row> = db.one(sql).await?;
    Ok(row.and_then(hold))
}

fn listed(providers: &[i64], now: i64) -> Sql {
    let sql = Sql::new(SELECT).bind(now).push(" AND provider IN ");
    sql.list(providers.iter().copied())
}

fn hold(row: Row) -> Option<Hold> {
    Some(Hold {
        id: Uuid::from_slice(&row.id).ok()?,
        pid: row.pid,
        provider: row.provider,
        category: row.category,
        wall: row.wall,
        seconds: row.seconds,
        expires: row.expires,
    })
}
