//! Secret keys of the house (`anteroom_key`): made by one replica, read by every one. Rows are only ever added; what a
//! key does at which time follows from when it and the others were made.

use sqlx::FromRow;

use crate::db::Db;
use crate::db::sql::Sql;
use crate::domain::refusal::Answer;
use crate::store::ledger;
use crate::store::ledger::Entry;

/// The row's name is its key, so of two replicas that make a key at once only one writes it.
const ADD: &str = "anteroom_key (kid, purpose, material, created) VALUES (?, ?, ?, ?)";

const NEWEST: &str = "SELECT material FROM anteroom_key WHERE purpose = ? AND retired IS NULL \
    ORDER BY created DESC, kid DESC LIMIT 1";

const SIGNING: &str = "SELECT kid AS name, purpose, material, created FROM anteroom_key \
    WHERE purpose IN ('sign', 'sign-now') AND retired IS NULL ORDER BY created, kid";

/// What a key is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Signing id tokens: RSA, PKCS#8 PEM.
    Sign,
    /// The same, made because the keys before it may be known to others: it signs at once and they are dropped.
    SignNow,
    /// Sealing paging links: 32 bytes in base64url.
    Page,
    /// Signing the seals of the ledger: 32 bytes in base64url.
    Seal,
}

impl Purpose {
    /// Purpose as stored, and the name of the first key of it.
    const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Sign => ("sign", "sign-1"),
            Self::SignNow => ("sign-now", "sign-now-1"),
            Self::Page => ("page", "page-1"),
            Self::Seal => ("seal", "seal-1"),
        }
    }
}

/// A signing key as it is stored.
#[derive(Clone, PartialEq, Eq)]
pub struct Stored {
    /// The row's name, which is not the `kid` that apps see.
    pub name: String,
    /// Whether the keys before it are dropped.
    pub alone: bool,
    /// PKCS#8 in PEM.
    pub material: String,
    /// When it was made, in seconds since 1970.
    pub created: i64,
}

#[derive(FromRow)]
struct Material {
    material: String,
}

#[derive(FromRow)]
struct SigningRow {
    name: String,
    purpose: String,
    material: String,
    created: i64,
}

/// The key in use, if there is one.
///
/// # Errors
/// As [`Db::all`].
pub async fn newest(db: &Db, purpose: Purpose) -> Answer<Option<String>> {
    let (word, _) = purpose.words();
    let row: Option<Material> = db.one(Sql::new(NEWEST).bind(word)).await?;
    Ok(row.map(|row| row.material))
}

/// Every signing key, the oldest first.
///
/// # Errors
/// As [`Db::all`].
pub async fn signing(db: &Db) -> Answer<Vec<Stored>> {
    let rows: Vec<SigningRow> = db.all(Sql::new(SIGNING)).await?;
    let stored = rows.into_iter().map(|row| Stored {
        alone: row.purpose == Purpose::SignNow.words().0,
        name: row.name,
        material: row.material,
        created: row.created,
    });
    Ok(stored.collect())
}

/// Stores the first key of a purpose unless somebody already did.
///
/// # Errors
/// As [`Db::run`].
pub async fn add_first(db: &Db, purpose: Purpose, material: &str, now: i64) -> Answer<()> {
    let (word, name) = purpose.words();
    db.transaction(|tx| {
        let sql = Sql::new(tx.insert_new())
            .push(ADD)
            .bind(name)
            .bind(word)
            .bind(material)
            .bind(now);
        Box::pin(async move { tx.run(sql).await.map(|_| ()) })
    })
    .await
}

/// Stores the signing key that follows the one made at `after`, with its line of the ledger, unless somebody already
/// did; whether it was this call.
///
/// # Errors
/// As [`Db::run`].
pub async fn add_next(
    db: &Db,
    purpose: Purpose,
    (material, created): (&str, i64),
    after: i64,
    entry: &Entry,
) -> Answer<bool> {
    let (word, _) = purpose.words();
    db.transaction(|tx| {
        let sql = Sql::new(tx.insert_new())
            .push(ADD)
            .bind(format!("{word}-after-{after}"))
            .bind(word)
            .bind(material)
            .bind(created);
        let entry = entry.clone();
        Box::pin(async move {
            let added = tx.run(sql).await? > 0;
            if added {
                ledger::record(tx, &entry).await?;
            }
            Ok(added)
        })
    })
    .await
}
