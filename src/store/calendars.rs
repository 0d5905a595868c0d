//! The turn of whoever books (`anteroom_calendar`). OpenEMR's calendar has no key that forbids two visits at one time
//! (OpenEMR facts 6.6), so bookings wait for each other at a row of ours. It is written and not only locked: a lock is
//! known to one server of a cluster, a write to all of them, and of two who wrote it at once the second is told.

use crate::db::Tx;
use crate::db::sql::Sql;
use crate::domain::refusal::Answer;

/// One row for the whole practice. Rows for each provider would let more book at once, but two who lock the same day of
/// the calendar and then write into it would end in a deadlock.
const ALL: i64 = 0;

const OPEN: &str = "anteroom_calendar (provider, turn) VALUES (?, 0)";

const TAKE: &str = "UPDATE anteroom_calendar SET turn = turn + 1 WHERE provider = ?";

/// Whoever books next waits until the transaction ends.
///
/// # Errors
/// As [`Tx::run`].
pub async fn take_turn(tx: &mut Tx) -> Answer<()> {
    if tx.run(Sql::new(TAKE).bind(ALL)).await? == 0 {
        let open = Sql::new(tx.insert_new()).push(OPEN).bind(ALL);
        tx.run(open).await?;
        tx.run(Sql::new(TAKE).bind(ALL)).await?;
    }
    Ok(())
}
