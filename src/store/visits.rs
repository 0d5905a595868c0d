//! What patients know of their visits (`anteroom_visit`): mark and start as they were told last. The calendar is OpenEMR's,
//! and changed by its screens too; where it has become another, whoever did it, the patient is to be told.

use sqlx::FromRow;

use crate::db::Db;
use crate::db::Tx;
use crate::db::sql::Sql;
use crate::domain::refusal::Answer;

const ADD: &str = "anteroom_visit (event, pid, mark, wall, seconds, uid, asked, created) VALUES (?, ?, ?, ?, ?, ?, ?, ?)";

const OFFER: &str = "UPDATE anteroom_visit SET offered = ? WHERE event = ?";

/// What the patient did needs no letter.
const SEEN: &str =
    "UPDATE anteroom_visit SET mark = ?, offered = 0, revision = revision + 1 WHERE event = ?";

/// Of any number of servers that see a change, one tells it.
const TOLD: &str = "UPDATE anteroom_visit SET mark = ?, wall = ?, seconds = ?, revision = revision + 1 \
    WHERE event = ? AND revision = ?";

const FORGET: &str = "DELETE FROM anteroom_visit WHERE event = ? AND revision = ?";

/// By the start, which has an index; a change that is not told yet has another, and then the letter about it comes later.
const REVISION: &str = "SELECT revision FROM anteroom_visit WHERE wall = ? AND uid = ?";

#[derive(FromRow)]
struct Revision {
    revision: i64,
}

/// A visit as the patient knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// `pc_eid`
    pub event: i64,
    /// Whose.
    pub pid: i64,
    /// `pc_apptstatus`
    pub mark: String,
    /// When it begins, by the practice's clock: `2026-11-24 09:15:00`.
    pub wall: String,
    /// How long it is.
    pub seconds: i64,
    /// What calendars know it by: its FHIR id.
    pub uid: String,
}

/// A visit that has become another than the patient knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed {
    /// As it was told last.
    pub known: Known,
    /// Whether the practice proposed this time.
    pub offered: bool,
    /// How often it was told.
    pub revision: i64,
    /// Mark, start and length as they are; `None` where the visit was deleted.
    pub now: Option<(String, String, i64)>,
}

/// Remembers a visit, unless it is remembered, and whether the patient asked for it here.
///
/// # Errors
/// As [`Tx::run`].
pub async fn remember(tx: &mut Tx, known: &Known, (asked, now): (bool, i64)) -> Answer<()> {
    let sql = Sql::new(tx.insert_new())
        .push(ADD)
        .bind(known.event)
        .bind(known.pid)
        .bind(&known.mark)
        .bind(&known.wall)
        .bind(known.seconds)
        .bind(&known.uid)
        .bind(i64::from(asked))
        .bind(now);
    tx.run(sql).await.map(|_| ())
}

/// Notes that the practice proposes the time a visit has, or that it no longer does.
///
/// # Errors
/// As [`Tx::run`].
pub async fn offer(tx: &mut Tx, event: i64, offered: bool) -> Answer<()> {
    let sql = Sql::new(OFFER).bind(i64::from(offered)).bind(event);
    tx.run(sql).await.map(|_| ())
}

/// Notes what the patient did.
///
/// # Errors
/// As [`Tx::run`].
pub async fn seen(tx: &mut Tx, event: i64, mark: &str) -> Answer<()> {
    let sql = Sql::new(SEEN).bind(mark).bind(event);
    tx.run(sql).await.map(|_| ())
}

/// Notes that a change is told; false where another server was faster.
///
/// # Errors
/// As [`Tx::run`].
pub async fn told(tx: &mut Tx, changed: &Changed) -> Answer<bool> {
    let sql = match &changed.now {
        Some((mark, wall, seconds)) => Sql::new(TOLD).bind(mark).bind(wall).bind(*seconds),
        None => Sql::new(FORGET),
    };
    let sql = sql.bind(changed.known.event).bind(changed.revision);
    Ok(tx.run(sql).await? > 0)
}

/// How often the patient was told of a visit that begins then: what its entry in a calendar is counted by.
///
/// # Errors
/// As [`Db::one`].
pub async fn revision(db: &Db, (wall, uid): (&str, &str)) -> Answer<u32> {
    let found: Option<Revision> = db.one(Sql::new(REVISION).bind(wall).bind(uid)).await?;
    let counted = found.map_or(0, |found| found.revision);
    Ok(u32::try_from(counted).unwrap_or_default())
}
