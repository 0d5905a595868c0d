//! Everybody has to change their password at the next login (F068, F069): what they have works until then.

use crate::db::Db;
use crate::domain::refusal::Answer;
use crate::emr::letting_in;
use crate::store::grants;
use crate::store::ledger;
use crate::store::ledger::Entry;

/// What becomes of what patients allowed apps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Apps {
    /// It ends at once.
    End,
    /// It lasts until the password is another one.
    Stay,
}

/// Does it; how many accounts it is about. `entry` is the line for the ledger.
///
/// # Errors
/// As [`Db::run`].
pub async fn must_change(db: &Db, (entry, now): (&Entry, i64), apps: Apps) -> Answer<u64> {
    db.transaction_about(entry, |entry, tx| {
        Box::pin(async move {
            let accounts = letting_in::all_must_change(tx).await?;
            if apps == Apps::End {
                grants::end_of_patients(tx, now).await?;
            }
            let mut entry = entry.clone();
            entry.reason = format!("{accounts} accounts");
            ledger::record(tx, &entry).await?;
            Ok(accounts)
        })
    })
    .await
}
