//! Browser sessions: found by their cookies, ended by logout, by time, by a changed password, and by staff taking the
//! access away. Patients and staff have a cookie each, so that both can be logged in in one browser (F021).

use crate::auth::Context;
use crate::auth::who::Audience;
use crate::auth::who::Who;
use crate::crypto;
use crate::domain::access::Holder;
use crate::domain::refusal::Answer;
use crate::emr::account;
use crate::emr::account::Status;
use crate::emr::colleague;
use crate::store::ledger;
use crate::store::ledger::Outcome;
use crate::store::sessions;
use crate::store::sessions::Session;

/// How a login with OpenEMR's own password is called (OpenID Connect's `acr`).
pub const PASSWORD: &str = "urn:anteroom:acr:password";

/// The browser that asks: its cookies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Visitor<'v> {
    /// The visitor cookie, which everybody has.
    pub token: &'v str,
    /// The session cookie of a patient who logged in.
    pub session: Option<&'v str>,
    /// The session cookie of a member of staff who logged in.
    pub staff: Option<&'v str>,
}

impl<'v> Visitor<'v> {
    /// The session cookie of one audience.
    pub fn session_of(&self, audience: Audience) -> Option<&'v str> {
        match audience {
            Audience::Patient => self.session,
            Audience::Staff => self.staff,
        }
    }
}

/// The session of a browser for one audience and whose it is, where both still hold; using it keeps it alive.
///
/// # Errors
/// As [`crate::db::Db::all`].
pub async fn current(
    context: &Context<'_>,
    visitor: Visitor<'_>,
    audience: Audience,
) -> Answer<Option<(Session, Who)>> {
    let found = seen(context, visitor, audience).await?;
    if let Some((session, _)) = &found {
        let (db, now) = (&context.emr.db, context.seconds());
        sessions::touch(db, &session.session_hash, now).await?;
    }
    Ok(found)
}

/// The same for what nobody asked for, such as a page that loads itself: the session ends as if this had not been.
///
/// # Errors
/// As [`crate::db::Db::all`].
pub async fn seen(
    context: &Context<'_>,
    visitor: Visitor<'_>,
    audience: Audience,
) -> Answer<Option<(Session, Who)>> {
    let Some(token) = visitor.session_of(audience) else {
        return Ok(None);
    };
    let hash = crypto::fingerprint(token);
    let now = context.seconds();
    let Some(session) = sessions::find(&context.emr.db, &hash, now).await? else {
        return Ok(None);
    };
    let holds = who(context, session.holder)
        .await?
        .filter(|who| who.credential() == session.credential);
    let fits = |who: &Who| {
        matches!(
            (who, audience),
            (Who::Patient(_), Audience::Patient) | (Who::Staff(_), Audience::Staff)
        )
    };
    Ok(holds.filter(fits).map(|who| (session, who)))
}

/// Somebody who may be logged in now, by the tables' number.
///
/// # Errors
/// As [`crate::db::Db::all`].
pub async fn who(context: &Context<'_>, holder: Holder) -> Answer<Option<Who>> {
    match holder {
        Holder::Patient(pid) => {
            let account = account::by_pid(context.emr, pid).await?;
            let account =
                account.filter(|account| account.status == Status::Own && account.may_use_apps());
            Ok(account.map(Who::Patient))
        }
        Holder::Staff(id) => {
            let colleague = colleague::by_id(context.emr, id).await?;
            Ok(colleague.filter(|one| one.active).map(Who::Staff))
        }
        Holder::System => Ok(None),
    }
}

/// The same for what was allowed before everybody had to change the password (F069): where the practice does not end it,
/// it lasts until the password is another one. Who got a password from staff has another one already.
///
/// # Errors
/// As [`crate::db::Db::all`].
pub async fn who_may_stay(context: &Context<'_>, holder: Holder) -> Answer<Option<Who>> {
    match holder {
        Holder::Patient(pid) if !context.config.accounts.force_reset_revokes => {
            let account = account::by_pid(context.emr, pid).await?;
            let account =
                account.filter(|account| account.status != Status::Odd && account.may_use_apps());
            Ok(account.map(Who::Patient))
        }
        holder => who(context, holder).await,
    }
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
