//! The patient's browser session: found by its cookie, ended by logout, by time, and by a changed password.

use crate::auth::Context;
use crate::crypto;
use crate::domain::refusal::Answer;
use crate::emr::account;
use crate::emr::account::Account;
use crate::emr::account::Status;
use crate::store::ledger;
use crate::store::ledger::Outcome;
use crate::store::sessions;
use crate::store::sessions::Session;

/// The browser that asks: two cookies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Visitor<'v> {
    /// The visitor cookie, which everybody has.
    pub token: &'v str,
    /// The session cookie, which those have who logged in.
    pub session: Option<&'v str>,
}

/// The session of a cookie and its account, where both still hold; using it keeps it alive.
///
/// # Errors
/// As [`crate::db::Db::all`].
pub async fn current(
    context: &Context<'_>,
    visitor: Visitor<'_>,
) -> Answer<Option<(Session, Account)>> {
    let Some(token) = visitor.session else {
        return Ok(None);
    };
    let hash = crypto::fingerprint(token);
    let now = context.seconds();
    let Some(session) = sessions::find(&context.emr.db, &hash, now).await? else {
        return Ok(None);
    };
    let account = account::by_pid(context.emr, session.pid).await?;
    let holds = account.filter(|account| {
        account.credential() == session.credential
            && account.status == Status::Own
            && account.may_use_apps()
    });
    let Some(account) = holds else {
        return Ok(None);
    };
    sessions::touch(&context.emr.db, &hash, now).await?;
    Ok(Some((session, account)))
}

/// Ends the session of a cookie: logout. Ending one that has ended is no error.
///
/// # Errors
/// As [`crate::db::Db::run`].
pub async fn end(context: &Context<'_>, token: &str) -> Answer<()> {
    let hash = crypto::fingerprint(token);
    let now = context.seconds();
    let entry = context.entry("logout", Outcome::Success);
    context
        .emr
        .db
        .transaction(|tx| {
            let (hash, entry) = (hash.clone(), entry.clone());
            Box::pin(async move {
                sessions::end(tx, &hash, now).await?;
                ledger::record(tx, &entry).await
            })
        })
        .await
}
