//! Forms made in this house (`anteroom_questionnaire`), to be put before patients.

use sqlx::FromRow;
use uuid::Uuid;

use crate::crypto;
use crate::db::Db;
use crate::db::Tx;
use crate::db::sql::Sql;
use crate::domain::refusal::Answer;

const SELECT: &str = "SELECT id, title, category, body, CAST(active AS SIGNED) AS active, changed FROM anteroom_questionnaire";

const TITLES: &str = "SELECT id, title, category, '' AS body, CAST(active AS SIGNED) AS active, changed FROM anteroom_questionnaire \
    ORDER BY title, id";

const IDS: &str = "SELECT id FROM anteroom_questionnaire";

const INSERT: &str = "INSERT INTO anteroom_questionnaire \
    (id, title, category, body, active, made_by, created, changed) VALUES (?, ?, ?, ?, ?, ?, ?, ?)";

const UPDATE: &str = "UPDATE anteroom_questionnaire SET title = ?, category = ?, body = ?, active = ?, made_by = ?, changed = ? \
    WHERE id = ?";

/// What it asks stays as it is: `changed` says when that was.
const OFFER: &str = "UPDATE anteroom_questionnaire SET active = ? WHERE id = ?";

/// A form as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct Questionnaire {
    id: Vec<u8>,
    /// What it is called.
    pub title: String,
    /// The category of the chart that is proposed for it.
    pub category: String,
    /// The form as HTML.
    pub body: String,
    /// 1 where it is offered, 0 where it is retired.
    pub active: i64,
    /// When what it says last changed, in milliseconds since 1970.
    pub changed: i64,
}

#[derive(FromRow)]
struct Key {
    id: Vec<u8>,
}

impl Questionnaire {
    /// Its id.
    pub fn id(&self) -> Uuid {
        Uuid::from_slice(&self.id).unwrap_or_default()
    }

    /// Whether this title, category and body are what it says already.
    pub fn says(&self, (title, category, body): (&str, &str, &str)) -> bool {
        self.title == title && self.category == category && self.body == body
    }

    /// What it says, as one hash: whoever changes it changes this state and no other.
    pub fn seen(&self) -> String {
        let parts = [
            self.title.as_str(),
            self.category.as_str(),
            self.body.as_str(),
            if self.active == 0 { "" } else { "active" },
        ];
        let all = serde_json::Value::from(parts.to_vec());
        crypto::sha3_512_hex(all.to_string().as_bytes())
    }
}

/// A state a form is to be kept in.
#[derive(Clone, Copy, Debug)]
pub struct Kept<'a> {
    /// What it is called.
    pub title: &'a str,
    /// The category of the chart that is proposed for it.
    pub category: &'a str,
    /// The form as HTML.
    pub body: &'a str,
    /// 1 where it is offered, 0 where it is retired.
    pub active: i64,
    /// Who made it so, as FHIR id.
    pub made_by: Uuid,
    /// When, in milliseconds since 1970.
    pub at: i64,
}

/// All of them without what they ask, at most 500.
///
/// # Errors
/// As [`Db::all`].
pub async fn titles(db: &Db) -> Answer<Vec<Questionnaire>> {
    db.all(Sql::new(TITLES).limit(500)).await
}

/// The ids of all of them.
///
/// # Errors
/// As [`Db::all`].
pub async fn ids(db: &Db) -> Answer<Vec<Uuid>> {
    let rows: Vec<Key> = db.all(Sql::new(IDS)).await?;
    Ok(rows
        .iter()
        .map(|row| Uuid::from_slice(&row.id).unwrap_or_default())
        .collect())
}

/// Those of these ids.
///
/// # Errors
/// As [`Db::all`].
pub async fn several(db: &Db, ids: &[Uuid]) -> Answer<Vec<Questionnaire>> {
    db.all(
        Sql::new(SELECT)
            .push(" WHERE id IN ")
            .list(ids.iter().copied()),
    )
    .await
}

/// One of them.
///
/// # Errors
/// As [`Db::one`].
pub async fn one(db: &Db, id: Uuid) -> Answer<Option<Questionnaire>> {
    db.one(Sql::new(SELECT).push(" WHERE id = ?").bind(id))
        .await
}

/// One of them, which nobody else changes until the transaction ends.
///
/// # Errors
/// As [`Tx::one`].
pub async fn hold(tx: &mut Tx, id: Uuid) -> Answer<Option<Questionnaire>> {
    let lock = tx.lock_clause();
    tx.one(Sql::new(SELECT).push(" WHERE id = ?").push(lock).bind(id))
        .await
}

/// Keeps a new one.
///
/// # Errors
/// As [`Tx::run`].
pub async fn insert(tx: &mut Tx, id: Uuid, kept: &Kept<'_>) -> Answer<()> {
    let insert = Sql::new(INSERT)
        .bind(id)
        .bind(kept.title)
        .bind(kept.category)
        .bind(kept.body)
        .bind(kept.active)
        .bind(kept.made_by)
        .bind(kept.at)
        .bind(kept.at);
    tx.run(insert).await.map(|_| ())
}

/// Keeps the new state of an old one, which is held.
///
/// # Errors
/// As [`Tx::run`].
pub async fn update(tx: &mut Tx, id: Uuid, kept: &Kept<'_>) -> Answer<()> {
    let update = Sql::new(UPDATE)
        .bind(kept.title)
        .bind(kept.category)
        .bind(kept.body)
        .bind(kept.active)
        .bind(kept.made_by)
        .bind(kept.at)
        .bind(id);
    tx.run(update).await.map(|_| ())
}

/// Offers it (1), or retires it (0); whether there is one.
///
/// # Errors
/// As [`Tx::run`].
pub async fn offer(tx: &mut Tx, id: Uuid, offered: i64) -> Answer<bool> {
    let sql = Sql::new(OFFER).bind(offered).bind(id);
    Ok(tx.run(sql).await? > 0)
}
