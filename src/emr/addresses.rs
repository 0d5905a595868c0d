//! The e-mail addresses of a chart: written where the patient confirmed a new one or took a change back, and watched, since
//! OpenEMR tells nobody when staff change one (`spec/security.md`, case 111).

use sqlx::FromRow;

use crate::db::Tx;
use crate::db::sql::Sql;
use crate::domain::refusal::Answer;
use crate::emr::Emr;

/// Compared as bytes: the collations of the two tables differ.
const OTHER: &str = "SELECT a.pid FROM patient_access_onsite a JOIN patient_data p ON p.pid = a.pid \
    LEFT JOIN anteroom_address m ON m.pid = a.pid \
    WHERE a.pid > ? AND (m.pid IS NULL OR HEX(m.address) <> HEX(TRIM(COALESCE(p.email, '')))) ORDER BY a.pid LIMIT 200";

const HELD: &str = "SELECT email FROM patient_data WHERE pid = ?";

const SET: &str = "UPDATE patient_data SET email = ?, `date` = ?";

#[derive(FromRow)]
struct Pid {
    pid: i64,
}

#[derive(FromRow)]
struct Held {
    email: Option<String>,
}

/// Accounts whose contact address is another one than they are known under here, or that are not known yet: the next of
/// them after a number. Blanks that only Rust trims are told, too, so an account may be here whose address is the same.
///
/// # Errors
/// As [`crate::db::Db::all`].
pub async fn unnoticed(emr: &Emr, after: i64) -> Answer<Vec<i64>> {
    let rows: Vec<Pid> = emr.db.all(Sql::new(OTHER).bind(after)).await?;
    Ok(rows.into_iter().map(|row| row.pid).collect())
}

/// Writes the contact address, and the trusted one where it goes along; false where the chart no longer says `before`,
/// given some.
///
/// # Errors
/// As [`Tx::run`].
pub async fn write(
    emr: &Emr,
    tx: &mut Tx,
    pid: i64,
    (before, after): (Option<&str>, &str),
    trusted: i64,
) -> Answer<bool> {
    let lock = tx.lock_clause();
    let held: Option<Held> = tx.one(Sql::new(HELD).bind(pid).push(lock)).await?;
    let held = held.and_then(|held| held.email).unwrap_or_default();
    if before.is_some_and(|before| held.trim() != before) {
        return Ok(false);
    }
    let now = emr.zone.wall(emr.now());
    let mut sql = Sql::new(SET).bind(after).bind(now);
    if trusted != 0 && emr.layout.has("patient_data", "email_direct") {
        sql = sql.push(", email_direct = ?").bind(after);
    }
    if emr.layout.has("patient_data", "last_updated") {
        sql = sql.push(", last_updated = ?").bind(now);
    }
    Ok(tx.run(sql.push(" WHERE pid = ?").bind(pid)).await? > 0)
}
