//! Logging in with the account OpenEMR holds for a member of staff, where the practice has no identity provider. Whatever
//! is wrong, the answer is the same and one hash is verified; OpenEMR's own tables are read and never written.

use std::net::IpAddr;

use crate::auth::Context;
use crate::auth::device;
use crate::auth::login::LONGEST;
use crate::auth::login::canonical;
use crate::auth::login::network;
use crate::auth::login::record;
use crate::auth::login::succeeded;
use crate::auth::password;
use crate::auth::password::Verdict;
use crate::crypto;
use crate::domain::refusal::Answer;
use crate::emr::account;
use crate::emr::colleague;
use crate::emr::colleague::Bar;
use crate::emr::colleague::Colleague;
use crate::store::ledger::Outcome;
use crate::store::throttle;
use crate::store::throttle::Counters;
use crate::store::throttle::Failures;
use crate::store::throttle::Reserved;

/// Keeps the counters of staff apart from those of patients with the same name: no name has a line break.
const APART: &str = "staff\n";

/// What was typed, and where it came from.
#[derive(Clone, PartialEq, Eq)]
pub struct Attempt {
    /// The login name.
    pub username: String,
    /// The password.
    pub password: String,
    /// The caller's address.
    pub address: IpAddr,
    /// What the browser keeps from an earlier login ([`mark`]).
    pub device: Option<String>,
}

/// How a login ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Login {
    /// The colleague is in.
    In(Colleague),
    /// No; the page says one sentence whatever the reason.
    Refused,
    /// Too many attempts: seconds to wait.
    Wait(u64),
}

/// Whether staff log in with a password here, or at the practice's identity provider alone.
pub fn takes_passwords(context: &Context<'_>) -> bool {
    context.config.staff_idp.is_none()
}

/// What a browser that a member of staff has logged in with keeps, where it does not have it yet.
///
/// # Errors
/// A fault where there is no randomness.
pub fn mark(
    context: &Context<'_>,
    username: &str,
    present: Option<&str>,
) -> Answer<Option<String>> {
    let name = format!("{APART}{username}");
    match device::known(context, present.unwrap_or_default(), &name) {
        Some(_) => Ok(None),
        None => Ok(Some(device::mark(context, &name)?)),
    }
}

/// Tries to log in. The attempt is counted before the password is looked at.
///
/// # Errors
/// `Unavailable` where too many passwords are being verified already; otherwise as [`crate::db::Db::run`].
pub async fn login(context: &Context<'_>, attempt: &Attempt) -> Answer<Login> {
    if !takes_passwords(context) {
        refuse(context, attempt, None, "identity-provider").await?;
        return Ok(Login::Refused);
    }
    let counters = counters(context, attempt);
    let reserved = throttle::reserve(&context.emr.db, &counters, context.seconds()).await?;
    if let Reserved::Wait(seconds) = reserved {
        refuse(context, attempt, None, "throttled").await?;
        return Ok(Login::Wait(seconds));
    }
    let found = colleague::by_username(context.emr, &attempt.username).await?;
    let cost = account::usual_cost(context.emr).await?;
    let password: String = attempt.password.chars().take(LONGEST).collect();
    let hash = found.as_ref().map(|colleague| colleague.hash.clone());
    let verdict = match hash.filter(|hash| !hash.is_empty()) {
        Some(hash) => password::verify(password, hash).await?,
        None => password::verify_nobody(password, cost).await?,
    };
    let Some(colleague) = found else {
        refuse(context, attempt, None, "unknown-user").await?;
        return Ok(Login::Refused);
    };
    if let Some(why) = why_not(context, &colleague, verdict).await? {
        refuse(context, attempt, Some(&colleague), why).await?;
        return Ok(Login::Refused);
    }
    admit(context, &colleague, counters).await?;
    Ok(Login::In(colleague))
}

/// The reason for the ledger alone.
async fn why_not(
    context: &Context<'_>,
    colleague: &Colleague,
    verdict: Verdict,
) -> Answer<Option<&'static str>> {
    let bar = colleague::bar(context.emr, colleague).await?;
    Ok(match (verdict, bar) {
        (Verdict::Wrong, _) => Some("wrong-password"),
        (Verdict::Fits, _) if !colleague.active => Some("inactive"),
        (Verdict::Fits, Some(Bar::Locked)) => Some("locked-in-openemr"),
        (Verdict::Fits, Some(Bar::SecondFactor)) => Some("second-factor"),
        (Verdict::Fits, Some(Bar::Directory)) => Some("password-in-directory"),
        (Verdict::Fits, None) => None,
    })
}

/// A browser somebody has logged in with before has a counter of its own instead of the account's.
fn counters(context: &Context<'_>, attempt: &Attempt) -> Counters {
    let name = canonical(&attempt.username);
    let present = attempt.device.as_deref().unwrap_or_default();
    let marked = format!("{APART}{}", attempt.username);
    let account = match device::known(context, present, &marked) {
        Some(device) => format!("{APART}device\n{device}\n{name}"),
        None => format!("{APART}{name}"),
    };
    Counters {
        account: crypto::fingerprint(&account),
        address: crypto::fingerprint(&network(attempt.address)),
    }
}

async fn admit(context: &Context<'_>, colleague: &Colleague, counters: Counters) -> Answer<()> {
    let mut entry = context.entry("staff.login", Outcome::Success);
    entry.actor = format!("Practitioner/{}", colleague.staff.uuid);
    // Several names may share a counter: only the plainest of them clears what may be another's failures.
    let failures = match canonical(&colleague.username) == colleague.username.to_lowercase() {
        true => Failures::Forgotten,
        false => Failures::Kept,
    };
    succeeded(context, entry, (counters, failures)).await
}

async fn refuse(
    context: &Context<'_>,
    attempt: &Attempt,
    colleague: Option<&Colleague>,
    why: &'static str,
) -> Answer<()> {
    let mut entry = context.entry("staff.login", Outcome::Refused);
    why.clone_into(&mut entry.reason);
    entry.actor = match colleague {
        Some(colleague) => format!("Practitioner/{}", colleague.staff.uuid),
        None => {
            let print = crypto::fingerprint(&format!("{APART}{}", canonical(&attempt.username)));
            print.chars().take(12).collect()
        }
    };
    record(context, entry).await
}

#[cfg(test)]
mod tests;
