//! What this house remembers of portal accounts (`anteroom_account`), beside what OpenEMR's tables say.

use crate::db::Tx;
use crate::db::sql::Sql;
use crate::domain::refusal::Answer;

const OPEN: &str = "anteroom_account (pid) VALUES (?)";

const LOCK: &str =
    "UPDATE anteroom_account SET locked = ?, locked_reason = ? WHERE pid = ? AND locked IS NULL";

const UNLOCK: &str = "UPDATE anteroom_account SET locked = NULL, locked_reason = '' WHERE pid = ? AND locked IS NOT NULL";

/// What is to be remembered of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mark {
    /// An invitation went out, at a time; `None` where its link ended with the access, so that another may go at once.
    Invited(Option<i64>),
    /// The patient came in for the first time; a later one changes nothing.
    FirstLogin(i64),
    /// Staff locked it, at a time, for a reason.
    Locked(i64, String),
    /// Staff unlocked it.
    Unlocked,
    /// A changed address gets no reset links until a time; `None` lifts that.
    EmailHold(Option<i64>),
    /// Somebody registered and is not let in yet, since a time; `None` lets them in.
    Registered(Option<i64>),
    /// Somebody, as `Practitioner/<uuid>`, says that the mailbox is the patient's alone, at a time.
    Attested(i64, String),
}

const INVITE: &str =
    "UPDATE anteroom_account SET invited = ? WHERE pid = ? AND (invited IS NULL OR invited <= ?)";

/// Remembers that an invitation goes out, at `now`, where none did since a time; false where one did (F104). Of two who
/// want to send one at once, the second waits for the first and then does not.
///
/// # Errors
/// As [`Tx::run`].
pub async fn invite_once(tx: &mut Tx, pid: i64, (now, since): (i64, i64)) -> Answer<bool> {
    let open = Sql::new(tx.insert_new()).push(OPEN).bind(pid);
    tx.run(open).await?;
    let sql = Sql::new(INVITE).bind(now).bind(pid).bind(since);
    Ok(tx.run(sql).await? > 0)
}

/// Locks an account for a reason; false where it is locked already, and then the first reason stays.
///
/// # Errors
/// As [`Tx::run`].
pub async fn lock(tx: &mut Tx, pid: i64, now: i64, reason: &str) -> Answer<bool> {
    let open = Sql::new(tx.insert_new()).push(OPEN).bind(pid);
    tx.run(open).await?;
    let reason: String = reason.chars().take(255).collect();
    let sql = Sql::new(LOCK).bind(now).bind(reason).bind(pid);
    Ok(tx.run(sql).await? > 0)
}

/// Unlocks an account; false where it is not locked.
///
/// # Errors
/// As [`Tx::run`].
pub async fn unlock(tx: &mut Tx, pid: i64) -> Answer<bool> {
    Ok(tx.run(Sql::new(UNLOCK).bind(pid)).await? > 0)
}

/// Remembers something of an account.
///
/// # Errors
/// As [`Tx::run`].
pub async fn remember(tx: &mut Tx, pid: i64, mark: &Mark) -> Answer<()> {
    let open = Sql::new(tx.insert_new()).push(OPEN).bind(pid);
    tx.run(open).await?;
    let sql = match mark {
        Mark::Invited(at) => Sql::new("UPDATE anteroom_account SET invited = ?").bind(*at),
        Mark::FirstLogin(at) => {
            Sql::new("UPDATE anteroom_account SET first_login = COALESCE(first_login, ?)").bind(*at)
        }
        Mark::Locked(at, reason) => {
            let reason: String = reason.chars().take(255).collect();
            Sql::new("UPDATE anteroom_account SET locked = ?, locked_reason = ?")
                .bind(*at)
                .bind(reason)
        }
        Mark::Unlocked => Sql::new("UPDATE anteroom_account SET locked = NULL, locked_reason = ''"),
        Mark::EmailHold(until) => {
            Sql::new("UPDATE anteroom_account SET email_hold = ?").bind(*until)
        }
        Mark::Registered(since) => {
            Sql::new("UPDATE anteroom_account SET registered = ?").bind(*since)
        }
        Mark::Attested(at, by) => {
            Sql::new("UPDATE anteroom_account SET attested = ?, attested_by = ?")
                .bind(*at)
                .bind(by)
        }
    };
    tx.run(sql.push(" WHERE pid = ?").bind(pid))
        .await
        .map(|_| ())
}
