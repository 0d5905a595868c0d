//! The change ledger (`anteroom_change`): the state a record had before each write of this house.

use sqlx::FromRow;
use uuid::Uuid;

use crate::db::Db;
use crate::db::Tx;
use crate::db::sql::Sql;
use crate::domain::ResourceType;
use crate::domain::refusal::Answer;

const ADD: &str = "INSERT INTO anteroom_change \
    (kind, target, pid, version, updated, body, method, replaced, replaced_by, client_id) \
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";

const OF: &str = "SELECT id, version, updated, body, method, replaced FROM anteroom_change \
    WHERE target = ? AND kind = ? AND id < ? ORDER BY id DESC";

/// As small as it is, this is read only where a history has more than one page.
const FROM: &str =
    "SELECT DISTINCT version FROM anteroom_change WHERE target = ? AND kind = ? AND id >= ?";

/// A state can come back, and then its version does too.
const VERSION: &str = "SELECT id, version, updated, body, method, replaced FROM anteroom_change \
    WHERE target = ? AND kind = ? AND version = ? ORDER BY id DESC LIMIT 1";

/// A state that is about to be replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replaced {
    /// The type.
    pub kind: ResourceType,
    /// The FHIR id.
    pub target: Uuid,
    /// Whose record, as `patient_data.pid`, where it is one patient's.
    pub pid: Option<i64>,
    /// `meta.versionId`
    pub version: String,
    /// `meta.lastUpdated`, in milliseconds since 1970.
    pub updated: Option<i64>,
    /// The FHIR JSON as it was served.
    pub body: String,
    /// What replaces it: `PUT` or `PATCH`.
    pub method: &'static str,
    /// When, in milliseconds since 1970.
    pub replaced: i64,
    /// By whom: `Patient/<uuid>`, `Practitioner/<uuid>`, `system`.
    pub replaced_by: String,
    /// Through which app.
    pub client_id: String,
}

/// A state that was replaced.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct Version {
    /// Number of the row, which counts up.
    pub id: i64,
    /// `meta.versionId`
    pub version: String,
    /// `meta.lastUpdated`, in milliseconds since 1970.
    pub updated: Option<i64>,
    /// The FHIR JSON as it was served.
    pub body: String,
    /// What replaced it.
    pub method: String,
    /// When, in milliseconds since 1970.
    pub replaced: i64,
}

/// Keeps a state, in the transaction of what replaces it.
///
/// # Errors
/// As [`Tx::run`].
pub async fn add(tx: &mut Tx, old: &Replaced) -> Answer<()> {
    let sql = Sql::new(ADD)
        .bind(old.kind.name())
        .bind(old.target)
        .bind(old.pid)
        .bind(&old.version)
        .bind(old.updated)
        .bind(&old.body)
        .bind(old.method)
        .bind(old.replaced)
        .bind(&old.replaced_by)
        .bind(&old.client_id);
    tx.run(sql).await.map(|_| ())
}

/// The states a record had, the newest first, at most `count` of those before the row `before`.
///
/// # Errors
/// As [`Db::all`].
pub async fn of(
    db: &Db,
    (kind, target): (ResourceType, Uuid),
    (before, count): (i64, u32),
) -> Answer<Vec<Version>> {
    let sql = Sql::new(OF).bind(target).bind(kind.name()).bind(before);
    db.all(sql.limit(count)).await
}

/// One state a record had.
///
/// # Errors
/// As [`Db::all`].
pub async fn version(
    db: &Db,
    (kind, target): (ResourceType, Uuid),
    version: &str,
) -> Answer<Option<Version>> {
    let sql = Sql::new(VERSION).bind(target).bind(kind.name());
    db.one(sql.bind(version)).await
}

/// The versions of a record that were replaced in this row or a later one.
///
/// # Errors
/// A fault of the database.
pub async fn versions_from(
    db: &Db,
    (kind, target): (ResourceType, Uuid),
    from: i64,
) -> Answer<Vec<String>> {
    let sql = Sql::new(FROM).bind(target).bind(kind.name()).bind(from);
    let rows: Vec<Named> = db.all(sql).await?;
    Ok(rows.into_iter().map(|row| row.version).collect())
}

#[derive(FromRow)]
struct Named {
    version: String,
}
