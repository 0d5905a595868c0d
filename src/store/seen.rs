//! Rows of OpenEMR that were there (`anteroom_seen`): what is asked for and not found may have been one of them. A row
//! here has four numbers, 60 to 80 bytes with its keys, for each visit, document and encounter ever seen, and stays: a
//! practice of a million visits keeps 80 MB.

use sqlx::FromRow;
use uuid::Uuid;

use crate::db::Db;
use crate::db::sql::Sql;
use crate::domain::refusal::Answer;

const HIGHEST: &str =
    "SELECT COALESCE(MAX(row_id), 0) AS row_id, 0 AS pid FROM anteroom_seen WHERE kind = ?";

const FROM: &str = "SELECT row_id, pid FROM anteroom_seen WHERE kind = ? AND row_id > ?";

const BY_UUID: &str = "SELECT row_id, pid FROM anteroom_seen WHERE uuid = ? AND kind = ?";

const BY_ROW: &str = "SELECT row_id, pid FROM anteroom_seen WHERE kind = ? AND row_id = ?";

/// Another replica may have been faster.
const REMEMBER: &str = "anteroom_seen (kind, row_id, pid, uuid) VALUES (?, ?, ?, ?)";
const AND_ONE: &str = ", (?, ?, ?, ?)";

/// A row that was there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromRow)]
pub struct Seen {
    /// Its number in its table.
    pub row_id: i64,
    /// In whose chart.
    pub pid: i64,
}

/// The highest row seen of a kind; 0 where there is none.
///
/// # Errors
/// As [`Db::all`].
pub async fn highest(db: &Db, kind: &'static str) -> Answer<i64> {
    let row: Option<Seen> = db.one(Sql::new(HIGHEST).bind(kind)).await?;
    Ok(row.map_or(0, |row| row.row_id))
}

/// The rows of a kind above a number.
///
/// # Errors
/// As [`Db::all`].
pub async fn above(db: &Db, kind: &'static str, row: i64) -> Answer<Vec<Seen>> {
    db.all(Sql::new(FROM).bind(kind).bind(row)).await
}

/// The row of a kind that had this FHIR id.
///
/// # Errors
/// As [`Db::all`].
pub async fn by_uuid(db: &Db, kind: &'static str, uuid: Uuid) -> Answer<Option<Seen>> {
    db.one(Sql::new(BY_UUID).bind(uuid).bind(kind)).await
}

/// The row of a kind by its number.
///
/// # Errors
/// As [`Db::all`].
pub async fn by_row(db: &Db, kind: &'static str, row: i64) -> Answer<Option<Seen>> {
    db.one(Sql::new(BY_ROW).bind(kind).bind(row)).await
}

/// Remembers rows, in one statement.
///
/// # Errors
/// As [`Db::run`].
pub async fn remember(db: &Db, kind: &'static str, rows: &[(Seen, Uuid)]) -> Answer<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let rows = rows.to_vec();
    db.transaction(|tx| {
        let mut sql = Sql::new(tx.insert_new()).push(REMEMBER);
        for (index, (seen, uuid)) in rows.iter().enumerate() {
            if index > 0 {
                sql = sql.push(AND_ONE);
            }
            sql = sql.bind(kind).bind(seen.row_id).bind(seen.pid).bind(*uuid);
        }
        Box::pin(async move { tx.run(sql).await.map(|_| ()) })
    })
    .await
}
