//! What staff say about a document: that its patient sees it, or does not.

use crate::db::Tx;
use crate::domain::access::Grant;
use crate::domain::access::Reach;
use crate::domain::access::User;
use crate::domain::query::Query;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Refusal;
use crate::emr::Emr;
use crate::emr::documents;
use crate::emr::narrow;
use crate::emr::writing::Written;
use crate::portal::Case;
use crate::portal::sharing::ShareAsk;
use crate::portal::sharing::ShareCase;
use crate::store::reviews::millis;
use crate::store::shares;
use crate::store::shares::Share;

/// What the rule must know.
///
/// # Errors
/// `NotFound` for a document there is none of for this caller.
pub(super) async fn case(emr: &Emr, grant: &Grant, reach: &Reach, ask: ShareAsk) -> Answer<Case> {
    let query = Query::one(ask.document);
    let reach = narrow::narrowed(emr, reach, &query).await?;
    let reach = reach.ok_or(Refusal::NotFound)?;
    let row = documents::row_of(emr, &reach, ask.document).await?;
    Ok(Case::Share(ShareCase {
        ask,
        row,
        pid: reach.person()?.pid,
        by: match grant.user() {
            User::Staff(staff) => Some(staff.uuid),
            User::Patient(_) | User::System => None,
        },
    }))
}

/// Writes it down.
///
/// # Errors
/// As [`Tx::run`].
pub(super) async fn apply(emr: &Emr, tx: &mut Tx, case: &ShareCase) -> Answer<Written> {
    let share = Share {
        document: case.row,
        pid: case.pid,
        shared: case.ask.shared,
        by: case.by,
        at: millis(emr.now()),
    };
    shares::set(tx, share).await?;
    Ok(Written::Record(case.ask.document))
}
