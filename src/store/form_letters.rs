//! Which forms wait for a letter that says they are there (`anteroom_form_letter`); what a form is about is nowhere here.

use sqlx::FromRow;

use crate::db::Db;
use crate::db::Tx;
use crate::db::sql::Sql;
use crate::domain::refusal::Answer;

const OWE: &str = "anteroom_form_letter (document, pid, put) VALUES (?, ?, ?)";

const OWED: &str =
    "SELECT document, pid FROM anteroom_form_letter ORDER BY pid, document LIMIT 200";

/// Of any number of servers that look at the same row, one takes it.
const SETTLE: &str = "DELETE FROM anteroom_form_letter WHERE document = ?";

/// A form that nobody was told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromRow)]
pub struct Owed {
    /// `onsite_documents.id`
    pub document: i64,
    /// Whose it is: `patient_data.pid`.
    pub pid: i64,
}

/// A form was put before a patient, who is to be told; `at` is in seconds since 1970. What was owed of another form of this
/// number, which is gone, is not.
///
/// # Errors
/// As [`Tx::run`].
pub async fn owe(tx: &mut Tx, owed: Owed, at: i64) -> Answer<()> {
    let begin = tx.insert_new();
    let put = || {
        let sql = Sql::new(begin).push(OWE);
        sql.bind(owed.document).bind(owed.pid).bind(at)
    };
    if tx.run(put()).await? == 0 && settle(tx, owed.document).await? {
        tx.run(put()).await?;
    }
    Ok(())
}

/// Those that wait, each patient's together.
///
/// # Errors
/// As [`Db::all`].
pub async fn owed(db: &Db) -> Answer<Vec<Owed>> {
    db.all(Sql::new(OWED)).await
}

/// Takes one; whether nobody else has.
///
/// # Errors
/// As [`Tx::run`].
pub async fn settle(tx: &mut Tx, document: i64) -> Answer<bool> {
    let sql = Sql::new(SETTLE).bind(document);
    Ok(tx.run(sql).await? == 1)
}
