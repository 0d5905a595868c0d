//! The sheet of a password that was made a moment ago: the page that shows it brings it back, and it must still be the one
//! in the table.

use crate::auth::Context;
use crate::auth::accounts::Hand;
use crate::auth::accounts::credential::Made;
use crate::auth::password;
use crate::auth::password::Verdict;
use crate::domain::accounts::Standing;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Refusal;
use crate::emr::account;
use crate::emr::account::Account;
use crate::emr::account::Status;
use crate::http::App;
use crate::http::portal_answers;
use crate::store::ledger;
use crate::store::ledger::Outcome;
use crate::store::throttle;

use super::may_ask;

/// Sheets an hour that a member of staff may ask for, and that may be asked for about one patient. Whoever asks says a
/// password, and learns whether it is the patient's.
const PER_ACTOR: i64 = 60;
const PER_PATIENT: i64 = 10;

const GONE: &str = "This password is not the patient's any more. Make another one to print it.";

/// The sheet as a PDF, with a line of the ledger about who asked for it. A password of the patient's own is on no sheet,
/// and is not looked at.
///
/// # Errors
/// `Conflict` where it is not the password that staff made, `TooMany` for too many tries; otherwise as
/// [`crate::db::Db::run`].
pub(super) async fn print(
    (app, context): (&App, &Context<'_>),
    hand: &Hand,
    standing: &Standing,
    secret: String,
) -> Answer<Vec<u8>> {
    let pid = standing.person.pid;
    let limits = [
        (format!("s:{}", hand.actor), PER_ACTOR),
        (format!("s:{pid}"), PER_PATIENT),
    ];
    may_ask(throttle::reserve_hourly(&app.emr.db, &limits, context.seconds()).await?)?;
    let secret: String = secret.chars().take(password::LONGEST).collect();
    let account = match account::by_pid(&app.emr, pid).await? {
        Some(account) => fitting(account, &secret).await?,
        None => None,
    };
    let outcome = match account {
        Some(_) => Outcome::Success,
        None => Outcome::Refused,
    };
    let entry = hand.entry(context, ("portal.sheet", outcome), standing);
    ledger::record_all(&app.emr.db, &[entry]).await?;
    let account = account.ok_or_else(|| Refusal::Conflict(GONE.to_owned()))?;
    let made = Made {
        standing: standing.clone(),
        username: account.login_name,
        password: secret,
        must_change: true,
    };
    portal_answers::sheet(app, &made).await
}

/// The account, where the password is the one that staff made for it.
async fn fitting(account: Account, secret: &str) -> Answer<Option<Account>> {
    if account.status != Status::MustChange {
        return Ok(None);
    }
    let verdict = password::verify(secret.to_owned(), account.hash.clone()).await?;
    Ok((verdict == Verdict::Fits).then_some(account))
}
