//! Secret keys of the house (`anteroom_key`): made once, read by every replica.

use sqlx::FromRow;

use crate::db::Db;
use crate::db::sql::Sql;
use crate::domain::refusal::Answer;

/// The row's name is its key, so of two replicas that start at once only one writes it.
const ADD: &str = "anteroom_key (kid, purpose, material, created) VALUES (?, ?, ?, ?)";

const NEWEST: &str = "SELECT material FROM anteroom_key WHERE purpose = ? AND retired IS NULL \
    ORDER BY created DESC, kid DESC LIMIT 1";

/// What a key is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Signing id tokens: RSA, PKCS#8 PEM.
    Sign,
    /// Sealing paging links: 32 bytes in base64url.
    Page,
}

impl Purpose {
    /// Purpose as stored, and the name of the first key of it.
    const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Sign => ("sign", "sign-1"),
            Self::Page => ("page", "page-1"),
        }
    }
}

#[derive(FromRow)]
struct Material {
    material: String,
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
