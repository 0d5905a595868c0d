//! The apps somebody allowed, on their own page: seen, narrowed and ended by whoever allowed
//! them; the desk sees a patient's and may end one.

use std::collections::HashMap;

use crate::auth::Context;
use crate::auth::consent;
use crate::auth::who::Who;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Refusal;
use crate::domain::scope::Scope;
use crate::domain::scope::Word;
use crate::store::allowed;
use crate::store::allowed::Allowed;
use crate::store::allowed::Used;
use crate::store::grants;
use crate::store::ledger;
use crate::store::ledger::Outcome;

/// What is to become of an app's access.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// It ends.
    End,
    /// It keeps these scopes of those it has, beside the ones that cannot be taken out.
    Narrow(Vec<String>),
}

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Changed {
    /// It has ended, or nothing was left of it.
    Ended,
    /// It has less than before.
    Narrowed,
    /// Nothing was taken out.
    Same,
}

/// The apps a user allowed under their present password, the newest first, and how each was used.
///
/// # Errors
/// As [`crate::db::Db::all`].
pub async fn list(context: &Context<'_>, who: &Who) -> Answer<Vec<(Allowed, Used)>> {
    let (db, now) = (&context.emr.db, context.seconds());
    let mut all = allowed::list(db, who.holder(), now).await?;
    all.retain(|one| one.credential == who.credential());
    let uses: HashMap<String, Used> = match all.is_empty() {
        true => HashMap::new(),
        false => allowed::uses(db, who.holder(), now).await?,
    };
    let with_use = |one: Allowed| {
        let used = uses.get(&one.id).copied().unwrap_or_default();
        (one, used)
    };
    Ok(all.into_iter().map(with_use).collect())
}

/// Narrows or ends the access of one app, at once. `by` is who does it: the one who allowed it, or staff at the desk.
///
/// # Errors
/// `NotFound` where this user gave no such grant, or it has ended; otherwise as [`crate::db::Db::run`].
pub async fn change(
    context: &Context<'_>,
    (who, by): (&Who, &str),
    grant: &str,
    change: &Change,
) -> Answer<Changed> {
    let now = context.seconds();
    let holder = who.holder();
    let mut entry = context.entry("grant.revoke", Outcome::Success);
    by.clone_into(&mut entry.actor);
    if let Who::Patient(account) = who {
        entry.patient = Some(account.person.uuid);
    }
    entry.grant_id = grant.to_owned();
    entry.reason = match who {
        Who::Patient(_) if by == who.reference() => "by-patient",
        Who::Patient(_) | Who::Staff(_) => "by-staff",
    }
    .to_owned();
    let changed = context
        .emr
        .db
        .transaction(|tx| {
            let (grant, change, mut entry) = (grant.to_owned(), change.clone(), entry.clone());
            Box::pin(async move {
                let Some(given) = grants::own(tx, &grant, holder, now).await? else {
                    return Ok(None);
                };
                entry.client_id = given.client_id;
                let left = match &change {
                    Change::End => None,
                    Change::Narrow(kept) => left(&given.scope, kept),
                };
                let changed = match &left {
                    Some(scope) if *scope == given.scope => return Ok(Some(Changed::Same)),
                    Some(scope) => {
                        grants::narrow(tx, &grant, scope, now).await?;
                        entry.action = "grant.narrow".into();
                        Changed::Narrowed
                    }
                    None => {
                        grants::revoke_all(tx, &grant, now).await?;
                        Changed::Ended
                    }
                };
                ledger::record(tx, &entry).await?;
                Ok(Some(changed))
            })
        })
        .await?;
    changed.ok_or(Refusal::NotFound.into())
}

/// What stays of a grant's scopes; `None` where that is as good as nothing: no record, or, for an app that stayed
/// connected, no way to come back once the tokens it has have ended with the narrowing.
fn left(scope: &str, kept: &[String]) -> Option<String> {
    let before = Scope::list(scope);
    let mut scopes = before.clone();
    scopes.retain(|scope| consent::is_fixed(scope) || kept.contains(&scope.spelling));
    let open = |scope: &Scope| !consent::is_fixed(scope) && !stays(scope);
    let nothing = before.iter().any(open) && !scopes.iter().any(open);
    // What keeps an app connected is offline_access where it has it: then the grant is not tied to a login.
    let anchor = [Word::OfflineAccess, Word::OnlineAccess]
        .into_iter()
        .find(|word| Scope::has(&before, word));
    let cut_off = anchor.is_some_and(|anchor| !Scope::has(&scopes, &anchor));
    (!nothing && !cut_off).then(|| match scopes.len() == before.len() {
        true => scope.to_owned(),
        false => Scope::join(&scopes),
    })
}

/// Whether the scope is one that keeps an app connected.
fn stays(scope: &Scope) -> bool {
    matches!(scope.word, Word::OfflineAccess | Word::OnlineAccess)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_part_of_what_was_granted_stays() {
        let all =
            "openid launch/patient offline_access patient/Patient.read patient/Appointment.rs";
        let left = |kept: &[&str]| {
            let kept: Vec<String> = kept.iter().map(|word| (*word).to_owned()).collect();
            left(all, &kept)
        };
        assert_eq!(
            left(&["offline_access", "patient/Patient.read"]).as_deref(),
            Some("openid launch/patient offline_access patient/Patient.read")
        );
        assert_eq!(
            left(&[
                "offline_access",
                "patient/Patient.read",
                "patient/*.cruds",
                "system/*.rs",
                "patient/Patient.rs"
            ])
            .as_deref(),
            Some("openid launch/patient offline_access patient/Patient.read"),
            "nothing beyond the grant comes in"
        );
        assert_eq!(
            left(&[
                "patient/Appointment.rs",
                "offline_access",
                "patient/Patient.read"
            ])
            .as_deref(),
            Some(all)
        );
        assert_eq!(left(&["offline_access"]), None, "nothing is left to read");
        assert_eq!(
            left(&["patient/Patient.read"]),
            None,
            "an app that cannot come back has ended"
        );
    }
}
