//! What may be created once (`anteroom_condition`): the row's key is what keeps two of any number of creators, on any
//! number of replicas, from creating the same thing (`spec/security.md`, case 146).

use sqlx::FromRow;

use crate::db::Db;
use crate::db::Tx;
use crate::db::sql::Sql;
use crate::domain::refusal::Answer;

const ADD: &str = "anteroom_condition (name, resource, created) VALUES (?, ?, ?)";

/// What was created then is no match any more: of any number who see that, one takes the row over.
const TAKE_OVER: &str = "UPDATE anteroom_condition SET resource = ?, created = ? \
    WHERE name = ? AND resource = ? AND created = ?";

const SETTLE: &str = "UPDATE anteroom_condition SET resource = ? WHERE name = ?";

const FIND: &str = "SELECT resource, created FROM anteroom_condition WHERE name = ?";

/// What was created under a condition, and when.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct Made {
    /// `Type/id`.
    pub resource: String,
    /// In seconds since 1970.
    pub created: i64,
}

/// What was created under the condition of that fingerprint.
///
/// # Errors
/// As [`Db::all`].
pub async fn find(db: &Db, name: &str) -> Answer<Option<Made>> {
    db.one(Sql::new(FIND).bind(name)).await
}

/// Claims a condition for what is about to be created, in the place of `old` where there was one; false where somebody
/// else was first.
///
/// # Errors
/// As [`Tx::run`].
pub async fn claim(tx: &mut Tx, name: &str, made: &Made, old: Option<&Made>) -> Answer<bool> {
    let sql = match old {
        None => Sql::new(tx.insert_new())
            .push(ADD)
            .bind(name)
            .bind(&made.resource)
            .bind(made.created),
        Some(old) => Sql::new(TAKE_OVER)
            .bind(&made.resource)
            .bind(made.created)
            .bind(name)
            .bind(&old.resource)
            .bind(old.created),
    };
    Ok(tx.run(sql).await? > 0)
}

/// Tells what was created, where that is known only afterwards.
///
/// # Errors
/// As [`Tx::run`].
pub async fn settle(tx: &mut Tx, name: &str, resource: &str) -> Answer<()> {
    let sql = Sql::new(SETTLE).bind(resource).bind(name);
    tx.run(sql).await.map(|_| ())
}
