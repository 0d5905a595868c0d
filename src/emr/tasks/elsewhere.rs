//! What was decided of requests of this house in OpenEMR itself, in the portal's dashboard or by filing a document: noted
//! here, so that a Task says what was taken over and the patient is told of it as of a decision made here.

use sqlx::FromRow;
use uuid::Uuid;

use super::papers;
use super::papers::Filed;
use crate::db::Tx;
use crate::db::sql::Sql;
use crate::domain::people::Person;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Failure;
use crate::domain::refusal::Refusal;
use crate::domain::tasks::Work;
use crate::emr::Emr;
use crate::emr::chart::raw;
use crate::emr::chart::raw::Raw;
use crate::emr::review;
use crate::emr::uuids;
use crate::store::reviews;
use crate::store::reviews::Decision;
use crate::store::reviews::Review;
use crate::store::reviews::Wanted;
use crate::store::reviews::Which;
use crate::store::uploads;
use crate::store::uploads::State;

/// Rows that were closed while the requests behind them still wait. The dashboard closes a row whatever became of its
/// fields, and a row that nobody needs any more is `deleted` (OpenEMR facts 1.15).
const DECIDED: &str = "SELECT DISTINCT a.id, a.action_taken, a.status, r.pid, r.patient, u.uuid AS user_uuid \
    FROM anteroom_review r JOIN onsite_portal_activity a ON a.id = r.activity \
    LEFT JOIN users u ON u.id = a.action_user AND a.action_user > 0 AND u.username <> '' \
    WHERE r.status = 'waiting' AND a.status IN ('closed', 'deleted') ORDER BY a.id LIMIT 100";

#[derive(FromRow)]
struct Row {
    id: i64,
    action_taken: Option<String>,
    status: Option<String>,
    pid: i64,
    patient: Vec<u8>,
    user_uuid: Option<Vec<u8>>,
}

/// Notes what was decided in OpenEMR since the last look; how many requests were. One that cannot be noted is left for
/// the next look, and keeps no other from being noted.
///
/// # Errors
/// As [`crate::db::Db::all`].
pub async fn settle(emr: &Emr) -> Answer<u64> {
    let rows: Vec<Row> = emr.db.all(Sql::new(DECIDED)).await?;
    let mut settled = 0;
    for row in rows {
        let work = (emr, &row);
        let noted = emr
            .db
            .transaction_about(&work, |(emr, row), tx| Box::pin(note(emr, tx, row)))
            .await;
        settled += counted(noted);
    }
    let kinds = [Work::Document.code().0];
    let waiting = reviews::find(&emr.db, Wanted::Waiting(None, &kinds)).await?;
    for filed in papers::filed(emr, &waiting).await? {
        let work = (emr, filed);
        let noted = emr
            .db
            .transaction_about(&work, |(emr, filed), tx| Box::pin(keep(emr, tx, *filed)))
            .await;
        settled += counted(noted);
    }
    Ok(settled)
}

fn counted(noted: Answer<u64>) -> u64 {
    noted.unwrap_or_else(|failure| {
        tracing::warn!(?failure, "what was decided in OpenEMR could not be noted");
        0
    })
}

/// A document that staff filed in OpenEMR is accepted: nobody has to decide about it any more.
async fn keep(emr: &Emr, tx: &mut Tx, filed: Filed) -> Answer<u64> {
    let decision = Decision {
        status: "completed",
        reason: String::new(),
        refused: Vec::new(),
        by: None,
        at: emr.now(),
    };
    if reviews::decide(tx, Which::One(filed.review), &decision).await? == 0 {
        return Ok(0);
    }
    if !papers::is_filed(tx, &filed).await? {
        let why = "It was deleted, or filed elsewhere, since it was looked at.";
        return Err(Refusal::Conflict(why.to_owned()).into());
    }
    let accepted = uploads::Decision {
        state: State::Accepted,
        reason: String::new(),
        by: None,
        at: reviews::millis(decision.at),
    };
    uploads::decide(tx, filed.document, &accepted)
        .await
        .map(|_| 1)
}

async fn note(emr: &Emr, tx: &mut Tx, row: &Row) -> Answer<u64> {
    // The chart is held first, as everybody does who decides: of two who hold both in another order neither would end.
    let person = Person {
        pid: row.pid,
        uuid: Uuid::from_slice(&row.patient).unwrap_or_default(),
    };
    let chart = match raw::held(tx, emr, person).await {
        Ok(held) => Some(held),
        Err(Failure::Refused(Refusal::NotFound)) => None,
        Err(failure) => return Err(failure),
    };
    let behind = reviews::held(tx, Wanted::Activities(&[row.id])).await?;
    let (status, refused) = match (row.status.as_deref(), &chart) {
        (Some("deleted"), _) => ("cancelled", Vec::new()),
        _ if row.action_taken.as_deref() == Some("reject") => ("rejected", Vec::new()),
        (_, Some(chart)) => outcome(emr, chart, &behind),
        (_, None) => ("completed", Vec::new()),
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

/// What of the request the chart says now: the dashboard lets staff choose field by field, and keeps no note of it. What
/// still says what was known was refused; what says something else again was corrected by staff.
fn outcome(emr: &Emr, chart: &Raw, behind: &[Review]) -> (&'static str, Vec<(String, String)>) {
    let parts = review::became(&emr.known().lists, chart, behind);
    let left = parts.iter().filter(|(_, left)| *left).count();
    if left == parts.len() && left > 0 {
        return ("rejected", Vec::new());
    }
    let left = parts.into_iter().filter(|(_, left)| *left);
    let refused = left.map(|(element, _)| (element, String::new()));
    ("completed", refused.collect())
}
