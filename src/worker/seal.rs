//! The loop that seals the ledger.

use std::time::Duration;

use time::OffsetDateTime;
use tokio::task::JoinHandle;

use crate::db::Db;
use crate::domain::refusal::Answer;
use crate::emr::Clock;
use crate::store::seals;

/// How long a line must have been there: longer than any transaction may take that got a smaller id and has not ended. It
/// is counted by watching, not by clocks.
const SETTLES: Duration = Duration::from_secs(60);

/// Starts the loop: every minute it seals the lines that were there a minute ago. Every replica runs it; of those that
/// seal at once one does. It runs until it is aborted.
pub fn start(clock: Clock, db: Db, key: Vec<u8>) -> JoinHandle<()> {
    tokio::spawn(async move {
        let mut there = None;
        loop {
            match pass(&db, &key, (there, clock())).await {
                Ok(newest) => there = Some(newest),
                Err(failure) => tracing::warn!(?failure, "the ledger could not be sealed"),
            }
            tokio::time::sleep(SETTLES).await;
        }
    })
}

/// Seals up to what was there at the last pass; what is there now.
async fn pass(db: &Db, key: &[u8], (there, now): (Option<i64>, OffsetDateTime)) -> Answer<i64> {
    let newest = seals::newest(db).await?;
    if let Some(there) = there {
        let sealed = seals::seal(db, key, (there, now)).await?;
        if sealed.seals > 0 {
            let head = seals::head(db).await?.text();
            tracing::info!(lines = sealed.lines, head, "sealed the ledger");
        }
    }
    Ok(newest)
}
