//! Logging in with the account OpenEMR holds, under OpenEMR's own API rules (OpenEMR facts 2.2) and
//! `prevent_portal_apps`. Whatever is wrong, the answer is the same and one hash is verified.

use std::net::IpAddr;

use unicode_normalization::UnicodeNormalization;

use crate::auth::Context;
use crate::auth::device;
use crate::auth::password;
use crate::auth::password::Verdict;
use crate::crypto;
use crate::domain::refusal::Answer;
use crate::emr::account;
use crate::emr::account::Account;
use crate::emr::account::Status;
use crate::store::accounts;
use crate::store::accounts::Mark;
use crate::store::ledger;
use crate::store::ledger::Entry;
use crate::store::ledger::Outcome;
use crate::store::throttle;
use crate::store::throttle::Counters;
use crate::store::throttle::Failures;
use crate::store::throttle::Reserved;

/// A password longer than this is not worth hashing (`spec/security.md` section 0).
pub(super) const LONGEST: usize = 1024;

/// What was typed, and where it came from.
#[derive(Clone, PartialEq, Eq)]
pub struct Attempt {
    /// The login name.
    pub username: String,
    /// The password.
    pub password: String,
    /// The e-mail address, where the practice asks for it.
    pub email: String,
    /// The caller's address.
    pub address: IpAddr,
    /// What the browser keeps from an earlier login ([`device::mark`]).
    pub device: Option<String>,
}

/// How a login ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Login {
    /// The patient is in.
    In(Account),
    /// The password fitted, but was set by staff: a new one comes first.
    MustChange(Account),
    /// No; the page says one sentence whatever the reason.
    Refused,
    /// Too many attempts: seconds to wait.
    Wait(u64),
}

/// Why not, for the ledger alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Why {
    UnknownUser,
    WrongPassword,
    WrongEmail,
    PortalNotAllowed,
    AppsPrevented,
    Locked,
    NotYetLetIn,
    ResetPending,
    OddStatus,
    Throttled,
}

impl Why {
    const fn word(self) -> &'static str {
        match self {
            Self::UnknownUser => "unknown-user",
            Self::WrongPassword => "wrong-password",
            Self::WrongEmail => "wrong-email",
            Self::PortalNotAllowed => "portal-not-allowed",
            Self::AppsPrevented => "apps-prevented",
            Self::Locked => "locked",
            Self::NotYetLetIn => "not-yet-let-in",
            Self::ResetPending => "reset-pending",
            Self::OddStatus => "odd-status",
            Self::Throttled => "throttled",
        }
    }
}

/// Whether the practice has its patient portal switched on (`portal_onsite_two_enable`).
///
/// # Errors
/// As [`crate::db::Db::all`].
pub async fn portal_is_on(context: &Context<'_>) -> Answer<bool> {
    let practice = context.emr.practice().await?;
    Ok(practice.globals.on("portal_onsite_two_enable"))
}

/// Whether the login form has to ask for the e-mail address (`enforce_signin_email`).
///
/// # Errors
/// As [`crate::db::Db::all`].
pub async fn asks_for_email(context: &Context<'_>) -> Answer<bool> {
    let practice = context.emr.practice().await?;
    Ok(practice.globals.on("enforce_signin_email"))
}

/// Tries to log in. The attempt is counted before the password is looked at.
///
/// # Errors
/// `Unavailable` where too many passwords are being verified already; otherwise as [`crate::db::Db::run`].
pub async fn login(context: &Context<'_>, attempt: &Attempt) -> Answer<Login> {
    let counters = counters(context, attempt);
    let now = context.seconds();
    let reserved = throttle::reserve(&context.emr.db, &counters, now).await?;
    if let Reserved::Wait(seconds) = reserved {
        refuse(context, attempt, None, Why::Throttled).await?;
        return Ok(Login::Wait(seconds));
    }
    let found = account::by_login(context.emr, &attempt.username).await?;
    let cost = account::usual_cost(context.emr).await?;
    let password: String = attempt.password.chars().take(LONGEST).collect();
    let verdict = match &found {
        Some(account) => password::verify(password, account.hash.clone()).await?,
        None => password::verify_nobody(password, cost).await?,
    };
    let email = asks_for_email(context)
        .await?
        .then_some(attempt.email.as_str());
    let (account, why) = match found {
        None => (None, Some(Why::UnknownUser)),
        Some(account) => {
            let why = why_not(&account, verdict, email);
            (Some(account), why)
        }
    };
    match (account, why) {
        (Some(account), None) => {
            let failures = failures(&account, &counters);
            admit(context, &account, (counters, failures)).await?;
            Ok(match account.status {
                Status::MustChange => Login::MustChange(account),
                Status::Own | Status::Odd => Login::In(account),
            })
        }
        (account, why) => {
            let why = why.unwrap_or(Why::UnknownUser);
            refuse(context, attempt, account.as_ref(), why).await?;
            Ok(Login::Refused)
        }
    }
}

/// The counters of an attempt. A browser the patient has used before has its own instead of the account's.
fn counters(context: &Context<'_>, attempt: &Attempt) -> Counters {
    let name = canonical(&attempt.username);
    let mark = attempt.device.as_deref().unwrap_or_default();
    let account = match device::known(context, mark, &attempt.username) {
        Some(device) => format!("device\n{device}\n{name}"),
        None => name,
    };
    Counters {
        account: crypto::fingerprint(&account),
        address: crypto::fingerprint(&network(attempt.address)),
    }
}

/// What a good login does to the failures before it. Several names share a counter ([`canonical`]), and whoever may
/// choose a login name must not be able to clear somebody else's: only the plainest of the names does that.
fn failures(account: &Account, counters: &Counters) -> Failures {
    let plain = canonical(&account.login_name);
    let own = plain == account.login_name.to_lowercase();
    match own || counters.account != crypto::fingerprint(&plain) {
        true => Failures::Forgotten,
        false => Failures::Kept,
    }
}

/// The address as it is counted: somebody with an IPv6 line has 2^64 addresses, which count as one.
pub fn network(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}")
        }
    }
}

/// The rules in OpenEMR's order; `email` is what was typed, where it has to fit.
fn why_not(account: &Account, verdict: Verdict, email: Option<&str>) -> Option<Why> {
    let fits = |typed: &str| !typed.is_empty() && typed == account.email;
    let rules = [
        (verdict == Verdict::Wrong, Why::WrongPassword),
        (account.reset_pending, Why::ResetPending),
        (account.status == Status::Odd, Why::OddStatus),
        (email.is_some_and(|typed| !fits(typed)), Why::WrongEmail),
        (!account.portal_allowed, Why::PortalNotAllowed),
        (account.apps_prevented, Why::AppsPrevented),
        (account.locked, Why::Locked),
        (account.pending, Why::NotYetLetIn),
    ];
    let broken = rules.into_iter().find(|(broken, _)| *broken);
    broken.map(|(_, why)| why)
}

/// One bucket for every spelling of a name: width, case, blanks, dots at the end, invisible marks, `+tag`.
pub(super) fn canonical(name: &str) -> String {
    let plain: String = name
        .nfkc()
        .filter(|c| !c.is_control() && !is_invisible(*c))
        .flat_map(char::to_lowercase)
        .collect();
    let plain = plain.trim_matches(|c: char| c.is_whitespace() || c == '.');
    match plain.split_once('@') {
        Some((local, domain)) => {
            let local = local.split('+').next().unwrap_or(local);
            format!("{local}@{domain}")
        }
        None => plain.to_owned(),
    }
}

fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}' | '\u{feff}')
}

async fn admit(
    context: &Context<'_>,
    account: &Account,
    (counters, failures): (Counters, Failures),
) -> Answer<()> {
    let mut entry = context.entry("login", Outcome::Success);
    entry.actor = format!("Patient/{}", account.person.uuid);
    let (pid, now) = (account.person.pid, context.seconds());
    let work = (entry, counters, failures);
    context
        .emr
        .db
        .transaction_about(&work, |(entry, counters, failures), tx| {
            Box::pin(async move {
                throttle::succeed(tx, counters, *failures).await?;
                accounts::remember(tx, pid, &Mark::FirstLogin(now)).await?;
                ledger::record(tx, entry).await
            })
        })
        .await
}

/// Tells the ledger and the counters of a login that went well, of patients and of staff.
pub(super) async fn succeeded(
    context: &Context<'_>,
    entry: Entry,
    (counters, failures): (Counters, Failures),
) -> Answer<()> {
    context
        .emr
        .db
        .transaction(|tx| {
            let (entry, counters) = (entry.clone(), counters.clone());
            Box::pin(async move {
                throttle::succeed(tx, &counters, failures).await?;
                ledger::record(tx, &entry).await
            })
        })
        .await
}

async fn refuse(
    context: &Context<'_>,
    attempt: &Attempt,
    account: Option<&Account>,
    why: Why,
) -> Answer<()> {
    let mut entry = context.entry("login", Outcome::Refused);
    entry.reason = why.word().to_owned();
    entry.actor = match account {
        Some(account) => format!("Patient/{}", account.person.uuid),
        None => {
            let print = crypto::fingerprint(&canonical(&attempt.username));
            print.chars().take(12).collect()
        }
    };
    record(context, entry).await
}

/// Writes one line of the ledger in a transaction of its own.
pub(super) async fn record(context: &Context<'_>, entry: Entry) -> Answer<()> {
    ledger::record_all(&context.emr.db, &[entry]).await
}

#[cfg(test)]
mod tests;
