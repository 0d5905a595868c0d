//! Which patients are owed a letter that says there is a message (`anteroom_mail_notice`), and up to where mailboxes were
//! looked through (`anteroom_mail_place`). What a message says is nowhere here.

use sqlx::FromRow;

use crate::db::Db;
use crate::db::Tx;
use crate::db::sql::Sql;
use crate::domain::refusal::Answer;

/// The one row.
const ONE: i64 = 1;

const PLACE: &str = "SELECT mail AS number FROM anteroom_mail_place WHERE id = ?";
const BEGIN: &str = "anteroom_mail_place (id, mail) VALUES (?, ?)";

/// Of any number of servers that look at the same rows, one goes on.
const ADVANCE: &str = "UPDATE anteroom_mail_place SET mail = ? WHERE id = ? AND mail = ?";

const ADD: &str = "anteroom_mail_notice (pid, mail, owed, told) VALUES (?, 0, 0, 0)";
const OWE: &str = "UPDATE anteroom_mail_notice SET mail = ?, owed = 1 WHERE pid = ? AND mail < ?";

const DUE: &str = "SELECT pid, mail, told FROM anteroom_mail_notice WHERE owed = 1 AND told <= ? AND pid > ? ORDER BY pid";

/// A message that came meanwhile is owed a letter still.
const SETTLE: &str = "UPDATE anteroom_mail_notice SET owed = 0, told = ? WHERE pid = ? AND owed = 1 AND mail = ? AND told = ?";

/// How many of them are told in one go.
pub const AT_ONCE: u32 = 100;

/// Somebody who is owed a letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromRow)]
pub struct Due {
    /// Whose mailbox: `patient_data.pid`.
    pub pid: i64,
    /// The newest row they are owed it for.
    pub mail: i64,
    /// When the last letter went, in seconds since 1970; 0 for never.
    pub told: i64,
}

#[derive(FromRow)]
struct Number {
    number: i64,
}

/// Up to which row mailboxes were looked through; `None` where they never were.
///
/// # Errors
/// As [`Db::one`].
pub async fn place(db: &Db) -> Answer<Option<i64>> {
    let row: Option<Number> = db.one(Sql::new(PLACE).bind(ONE)).await?;
    Ok(row.map(|row| row.number))
}

/// Begins behind a row: of what was there before nobody is told.
///
/// # Errors
/// As [`Tx::run`].
pub async fn begin(tx: &mut Tx, mail: i64) -> Answer<()> {
    let sql = Sql::new(tx.insert_new()).push(BEGIN);
    tx.run(sql.bind(ONE).bind(mail)).await.map(|_| ())
}

/// Goes on from one row to another; false where another server did.
///
/// # Errors
/// As [`Tx::run`].
pub async fn advance(tx: &mut Tx, (from, to): (i64, i64)) -> Answer<bool> {
    let sql = Sql::new(ADVANCE).bind(to).bind(ONE).bind(from);
    Ok(from == to || tx.run(sql).await? > 0)
}

/// Notes that a patient is owed a letter for this row, unless it is known.
///
/// # Errors
/// As [`Tx::run`].
pub async fn owe(tx: &mut Tx, (pid, mail): (i64, i64)) -> Answer<()> {
    let add = Sql::new(tx.insert_new()).push(ADD);
    tx.run(add.bind(pid)).await?;
    let owe = Sql::new(OWE).bind(mail).bind(pid).bind(mail);
    tx.run(owe).await.map(|_| ())
}

/// Who is owed a letter and was told of none since a moment, behind a number; at most a hundred.
///
/// # Errors
/// As [`Db::all`].
pub async fn due(db: &Db, (since, behind): (i64, i64)) -> Answer<Vec<Due>> {
    let sql = Sql::new(DUE).bind(since).bind(behind);
    db.all(sql.limit(AT_ONCE)).await
}

/// Notes that nothing is owed any more, and when the last letter went; false where that has changed meanwhile.
///
/// # Errors
/// As [`Tx::run`].
pub async fn settle(tx: &mut Tx, due: &Due, told: i64) -> Answer<bool> {
    let sql = Sql::new(SETTLE)
        .bind(told)
        .bind(due.pid)
        .bind(due.mail)
        .bind(due.told);
    Ok(tx.run(sql).await? > 0)
}
