//! Launch tokens (`anteroom_launch`): what staff start an app with, for one app, one member of staff, once.

use sqlx::FromRow;

use crate::db::Db;
use crate::db::Tx;
use crate::db::sql::Sql;
use crate::domain::refusal::Answer;
use crate::store::authorizations::Launched;

/// Seconds from the launch to the app's authorization request.
pub const LIFE: i64 = 300;

const ADD: &str = "INSERT INTO anteroom_launch \
    (token_hash, client_id, staff, patient, encounter, intent, banner, created) VALUES (?, ?, ?, ?, ?, ?, ?, ?)";

const FIND: &str = "SELECT staff, patient, encounter, intent, banner FROM anteroom_launch \
    WHERE token_hash = ? AND client_id = ? AND used IS NULL AND created > ?";

/// The one statement that spends a launch.
const CLAIM: &str = "UPDATE anteroom_launch SET used = ? \
    WHERE token_hash = ? AND client_id = ? AND used IS NULL AND created > ?";

#[derive(FromRow)]
struct LaunchRow {
    staff: i64,
    patient: Option<i64>,
    encounter: Option<String>,
    intent: Option<String>,
    banner: i64,
}

/// Stores a launch of an app by a member of staff (`users.id`).
///
/// # Errors
/// As [`Tx::run`].
pub async fn add(
    tx: &mut Tx,
    (token_hash, client_id): (&str, &str),
    (staff, launched): (i64, &Launched),
    now: i64,
) -> Answer<()> {
    let sql = Sql::new(ADD)
        .bind(token_hash)
        .bind(client_id)
        .bind(staff)
        .bind(launched.patient)
        .bind(launched.encounter.clone())
        .bind(launched.intent.clone())
        .bind(i64::from(launched.banner))
        .bind(now);
    tx.run(sql).await.map(|_| ())
}

/// What an app was launched with, if this launch is its own and waits at `now`. [`claim`] spends it.
///
/// # Errors
/// As [`Db::all`].
pub async fn find(
    db: &Db,
    token_hash: &str,
    client_id: &str,
    now: i64,
) -> Answer<Option<Launched>> {
    let sql = Sql::new(FIND)
        .bind(token_hash)
        .bind(client_id)
        .bind(now - LIFE);
    let row: Option<LaunchRow> = db.one(sql).await?;
    Ok(row.map(|row| Launched {
        by: Some(row.staff),
        patient: row.patient,
        encounter: row.encounter,
        intent: row.intent,
        banner: row.banner != 0,
    }))
}

/// Spends a launch; false where another request was first or it has ended.
///
/// # Errors
/// As [`Tx::run`].
pub async fn claim(tx: &mut Tx, token_hash: &str, client_id: &str, now: i64) -> Answer<bool> {
    let sql = Sql::new(CLAIM)
        .bind(now)
        .bind(token_hash)
        .bind(client_id)
        .bind(now - LIFE);
    Ok(tx.run(sql).await? > 0)
}
