//! What a job sends to each of its patients, where it is a message (`anteroom_circular`).

use sqlx::FromRow;
use uuid::Uuid;

use crate::db::Db;
use crate::db::Tx;
use crate::db::sql::Sql;
use crate::domain::refusal::Answer;

const ADD: &str = "INSERT INTO anteroom_circular (job, title, body) VALUES (?, ?, ?)";
const FIND: &str = "SELECT title, body FROM anteroom_circular WHERE job = ?";

/// A message to many.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct Circular {
    /// Its subject; may be empty.
    pub title: String,
    /// Its text.
    pub body: String,
}

/// Keeps what a job sends.
///
/// # Errors
/// As [`Tx::run`].
pub async fn add(tx: &mut Tx, job: Uuid, circular: &Circular) -> Answer<()> {
    let sql = Sql::new(ADD).bind(job).bind(&circular.title);
    tx.run(sql.bind(&circular.body)).await.map(|_| ())
}

/// What a job sends; `None` where it is no message.
///
/// # Errors
/// As [`Db::one`].
pub async fn find(db: &Db, job: Uuid) -> Answer<Option<Circular>> {
    db.one(Sql::new(FIND).bind(job)).await
}
