//! What patients know of their visits (`anteroom_visit`): mark and start as they were seen last, and as what the visit was
//! told. The calendar is OpenEMR's, and changed by its screens too; where it has become another, whoever did it, the patient
//! is to be told.

use sqlx::FromRow;

use crate::db::Db;
use crate::db::Tx;
use crate::db::sql::Sql;
use crate::domain::refusal::Answer;

const ADD: &str = "anteroom_visit (event, pid, mark, wall, seconds, uid, told, revision, asked, created) \
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";

const DROP: &str = "DELETE FROM anteroom_visit WHERE event = ?";

const OFFER: &str = "UPDATE anteroom_visit SET offered = ? WHERE event = ?";

/// What is known already needs no letter.
const SEEN: &str = "UPDATE anteroom_visit SET mark = ?, told = ?, offered = 0, withdrawn = ?, revision = revision + 1 \
    WHERE event = ?";

/// Of any number of servers that see a change, one tells it.
const TOLD: &str = "UPDATE anteroom_visit SET mark = ?, wall = ?, seconds = ?, told = ?, offered = ?, \
    withdrawn = CASE WHEN ? = 'off' THEN withdrawn ELSE 0 END, revision = revision + 1 \
    WHERE event = ? AND revision = ?";

const FORGET: &str = "DELETE FROM anteroom_visit WHERE event = ? AND revision = ?";

/// By the start, which has an index; a change that is not told yet has another, and then the letter about it comes later.
const ENTRY: &str = "SELECT event, uid, revision FROM anteroom_visit WHERE wall = ? AND pid = ? \
    ORDER BY event DESC LIMIT 1";

/// As what a visit was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stand {
    /// Somebody has to answer.
    Waits,
    /// It takes place.
    Agreed,
    /// It does not.
    Off,
}

impl Stand {
    /// Each with its word.
    const ALL: [(&'static str, Self); 3] = [
        ("waits", Self::Waits),
        ("agreed", Self::Agreed),
        ("off", Self::Off),
    ];

    /// As stored.
    pub fn word(self) -> &'static str {
        let known = Self::ALL.iter().find(|(_, one)| *one == self);
        known.map_or("", |(word, _)| word)
    }

    /// Of a word.
    pub fn of(word: &str) -> Option<Self> {
        let known = Self::ALL.iter().find(|(known, _)| *known == word);
        known.map(|(_, one)| *one)
    }
}

/// A visit as the patient knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// `pc_eid`
    pub event: i64,
    /// Whose.
    pub pid: i64,
    /// `pc_apptstatus`, as it was seen.
    pub mark: String,
    /// When it begins, by the practice's clock: `2026-11-24 09:15:00`.
    pub wall: String,
    /// How long it is.
    pub seconds: i64,
    /// What calendars know it by: its FHIR id, or that of the visit it was moved from.
    pub uid: String,
    /// As what it was told.
    pub stand: Stand,
    /// How often it was told.
    pub revision: i64,
}

/// A visit that has become another than the patient knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed {
    /// As it was told last.
    pub known: Known,
    /// Whether the practice proposed this time.
    pub offered: bool,
    /// Mark, start and length as they are; `None` where the visit was deleted, or is another patient's.
    pub now: Option<(String, String, i64)>,
}

/// What patients' own calendars know of a visit.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct Entry {
    /// `pc_eid`
    pub event: i64,
    /// What calendars know it by.
    pub uid: String,
    /// How often it was told.
    pub revision: i64,
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
        .bind(known.stand.word())
        .bind(known.revision)
        .bind(i64::from(asked))
        .bind(now);
    tx.run(sql).await.map(|_| ())
}

/// Remembers a visit that was just made: what is remembered of an earlier one with its number is of no use.
///
/// # Errors
/// As [`Tx::run`].
pub async fn begin(tx: &mut Tx, known: &Known, asked: (bool, i64)) -> Answer<()> {
    tx.run(Sql::new(DROP).bind(known.event)).await?;
    remember(tx, known, asked).await
}

/// Notes that the practice proposes the time a visit has, or that it no longer does.
///
/// # Errors
/// As [`Tx::run`].
pub async fn offer(tx: &mut Tx, event: i64, offered: bool) -> Answer<()> {
    let sql = Sql::new(OFFER).bind(i64::from(offered)).bind(event);
    tx.run(sql).await.map(|_| ())
}

/// Notes what the patient did, or knows: the mark, as what the visit stands, and whether the patient called it off.
///
/// # Errors
/// As [`Tx::run`].
pub async fn seen(
    tx: &mut Tx,
    event: i64,
    (mark, stand, withdrawn): (&str, Stand, bool),
) -> Answer<()> {
    let sql = Sql::new(SEEN).bind(mark).bind(stand.word());
    let sql = sql.bind(i64::from(withdrawn)).bind(event);
    tx.run(sql).await.map(|_| ())
}

/// Notes that a change is told, as what, and whether a time was proposed; false where another server was faster.
///
/// # Errors
/// As [`Tx::run`].
pub async fn told(tx: &mut Tx, changed: &Changed, (stand, offered): (Stand, bool)) -> Answer<bool> {
    let sql = match &changed.now {
        Some((mark, wall, seconds)) => Sql::new(TOLD)
            .bind(mark)
            .bind(wall)
            .bind(*seconds)
            .bind(stand.word())
            .bind(i64::from(offered))
            .bind(stand.word()),
        None => Sql::new(FORGET),
    };
    let sql = sql.bind(changed.known.event).bind(changed.known.revision);
    Ok(tx.run(sql).await? > 0)
}

/// What a patient's calendar knows of the visit that begins then.
///
/// # Errors
/// As [`Db::one`].
pub async fn entry(db: &Db, (wall, pid): (&str, i64)) -> Answer<Option<Entry>> {
    db.one(Sql::new(ENTRY).bind(wall).bind(pid)).await
}

/// The same within a transaction.
///
/// # Errors
/// As [`Tx::one`].
pub async fn entry_within(tx: &mut Tx, (wall, pid): (&str, i64)) -> Answer<Option<Entry>> {
    tx.one(Sql::new(ENTRY).bind(wall).bind(pid)).await
}
