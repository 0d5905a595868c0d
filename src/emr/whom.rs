//! To whom a message to many can go: living patients whose portal is on and who have a mailbox.

use std::collections::BTreeSet;

use sqlx::FromRow;

use crate::db::sql::Sql;
use crate::domain::refusal::Answer;
use crate::emr::Emr;

/// Exactly `YES` is on (OpenEMR facts 1.1). More than a job takes is cut off.
const ALL: &str = "SELECT p.pid FROM patient_data p JOIN patient_access_onsite a ON a.pid = p.pid \
    WHERE HEX(p.allow_patient_portal) = '594553' AND COALESCE(a.portal_username, '') <> '' \
    AND (p.deceased_date IS NULL OR CAST(p.deceased_date AS CHAR) LIKE '0000%') ORDER BY p.pid LIMIT 200000";

#[derive(FromRow)]
struct Row {
    pid: i64,
}

/// Everybody a message could go to, each once, by number.
///
/// # Errors
/// As [`crate::db::Db::all`].
pub async fn everybody(emr: &Emr) -> Answer<Vec<i64>> {
    let rows: Vec<Row> = emr.db.all(Sql::new(ALL)).await?;
    let mut pids: Vec<i64> = rows.into_iter().map(|row| row.pid).collect();
    pids.dedup();
    Ok(pids)
}

/// Those of some patients a message could go to.
///
/// # Errors
/// As [`everybody`].
pub async fn among(emr: &Emr, wanted: &[i64]) -> Answer<Vec<i64>> {
    let wanted: BTreeSet<i64> = wanted.iter().copied().collect();
    let mut pids = everybody(emr).await?;
    pids.retain(|pid| wanted.contains(pid));
    Ok(pids)
}
