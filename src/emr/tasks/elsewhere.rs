//! What was decided of requests of this house in OpenEMR's own dashboard: noted here, so that a Task says what was taken
//! over and the patient is told of it as of a decision made here.

use sqlx::FromRow;

use crate::db::Tx;
use crate::db::sql::Sql;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Failure;
use crate::domain::refusal::Refusal;
use crate::emr::Emr;
use crate::emr::chart::raw;
use crate::emr::review;
use crate::emr::uuids;
use crate::store::reviews;
use crate::store::reviews::Decision;
use crate::store::reviews::Review;
use crate::store::reviews::Wanted;
use crate::store::reviews::Which;

/// Rows that were closed while the requests behind them still wait. The dashboard closes a row whatever became of its
/// fields, and a row that nobody needs any more is `deleted` (OpenEMR facts 1.15).
const DECIDED: &str = "SELECT DISTINCT a.id, a.action_taken, a.status, u.uuid AS user_uuid \
    FROM anteroom_review r JOIN onsite_portal_activity a ON a.id = r.activity \
    LEFT JOIN users u ON u.id = a.action_user AND a.action_user > 0 AND u.username <> '' \
    WHERE r.status = 'waiting' AND a.status IN ('closed', 'deleted') ORDER BY a.id LIMIT 100";

#[derive(FromRow)]
struct Row {
    id: i64,
    action_taken: Option<String>,
    status: Option<String>,
    user_uuid: Option<Vec<u8>>,
}

/// Notes what was decided in OpenEMR's dashboard since the last look; how many requests were.
///
/// # Errors
/// As [`crate::db::Db::all`].
pub async fn settle(emr: &Emr) -> Answer<u64> {
    let rows: Vec<Row> = emr.db.all(Sql::new(DECIDED)).await?;
    let mut settled = 0;
    for row in rows {
        let work = (emr, &row);
        settled += emr
            .db
            .transaction_about(&work, |(emr, row), tx| Box::pin(note(emr, tx, row)))
            .await?;
    }
    Ok(settled)
}

async fn note(emr: &Emr, tx: &mut Tx, row: &Row) -> Answer<u64> {
    let behind = reviews::held(tx, Wanted::Activities(&[row.id])).await?;
    let (status, refused) = match row.status.as_deref() {
        Some("deleted") => ("cancelled", Vec::new()),
        _ if row.action_taken.as_deref() == Some("reject") => ("rejected", Vec::new()),
        _ => outcome(emr, tx, &behind).await?,
    };
    let decision = Decision {
        status,
        reason: String::new(),
        refused,
        by: uuids::known(row.user_uuid.as_deref()),
        at: emr.now(),
    };
    reviews::decide(tx, Which::Activity(row.id), &decision).await
}

/// What of the request the chart says now: the dashboard lets staff choose field by field, and keeps no note of it.
async fn outcome(
    emr: &Emr,
    tx: &mut Tx,
    behind: &[Review],
) -> Answer<(&'static str, Vec<(String, String)>)> {
    let Some(first) = behind.first() else {
        return Ok(("completed", Vec::new()));
    };
    let held = match raw::held(tx, emr, first.person()).await {
        Ok(held) => held,
        Err(Failure::Refused(Refusal::NotFound)) => return Ok(("completed", Vec::new())),
        Err(failure) => return Err(failure),
    };
    let parts = review::became(&emr.known().lists, &held, behind);
    let taken = parts.iter().filter(|(_, taken)| *taken).count();
    if taken == 0 && !parts.is_empty() {
        return Ok(("rejected", Vec::new()));
    }
    let left = parts.into_iter().filter(|(_, taken)| !taken);
    let refused = left.map(|(element, _)| (element, String::new()));
    Ok(("completed", refused.collect()))
}
