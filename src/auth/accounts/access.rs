//! Letting a patient in, shutting one out, and the lock (F025, F026, F037; `spec/security.md` section 3, Account lock). What
//! is so already is no error, and nobody is told of it twice.

use serde_json::json;

use super::Hand;
use super::case;
use super::judge;
use crate::auth::Context;
use crate::db::Tx;
use crate::domain::access::Holder;
use crate::domain::accounts::Post;
use crate::domain::accounts::Standing;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Refusal;
use crate::emr::letting_in;
use crate::emr::letting_in::Access;
use crate::portal::account;
use crate::portal::rules::Rule;
use crate::store::accounts;
use crate::store::accounts::Mark;
use crate::store::grants;
use crate::store::ledger;
use crate::store::ledger::Outcome;
use crate::store::links;
use crate::store::outbox;
use crate::store::outbox::Letter;
use crate::store::outbox::NewLetter;
use crate::store::sessions;

/// What is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Access on.
    Enable(Attestation),
    /// Access off.
    Disable,
    /// Locked, for a reason.
    Lock(String),
    /// Unlocked.
    Unlock,
}

/// Whether whoever lets a patient in says that nobody else reads the mailbox (F037).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attestation {
    /// Yes.
    Given,
    /// Nothing was said.
    Missing,
}

impl Step {
    const fn action(&self) -> &'static str {
        match self {
            Self::Enable(_) => "portal.enable",
            Self::Disable => "portal.disable",
            Self::Lock(_) => "portal.lock",
            Self::Unlock => "portal.unlock",
        }
    }

    /// How the letter calls it.
    const fn word(&self) -> &'static str {
        match self {
            Self::Enable(_) => "enabled",
            Self::Disable => "disabled",
            Self::Lock(_) => "locked",
            Self::Unlock => "unlocked",
        }
    }

    /// What has to hold before. Shutting out asks for nothing but a portal that is on.
    const fn rules(&self) -> &'static [Rule<account::AccountCase>] {
        match self {
            Self::Enable(_) => account::ENABLE,
            Self::Disable | Self::Lock(_) | Self::Unlock => account::SWITCH,
        }
    }
}

/// Does it; whether anything changed.
///
/// # Errors
/// `Rules` where something has to be done first, `Invalid` for a lock without a reason; otherwise as
/// [`crate::db::Db::run`].
pub async fn take(
    context: &Context<'_>,
    hand: &Hand,
    (standing, post): (&Standing, Post),
    step: &Step,
) -> Answer<bool> {
    if matches!(step, Step::Lock(reason) if reason.trim().is_empty()) {
        let why = "Say why the account is locked.";
        return Err(Refusal::invalid("reason", why).into());
    }
    let mut facts = case(context, standing.clone(), post).await?;
    facts.attested = *step == Step::Enable(Attestation::Given);
    judge(context, (hand, step.action()), &[step.rules()], &facts).await?;
    let mut entry = hand.entry(context, (step.action(), Outcome::Success), standing);
    entry.reason = match step {
        Step::Enable(Attestation::Given) => "attested".to_owned(),
        Step::Enable(Attestation::Missing) | Step::Disable | Step::Unlock => String::new(),
        // What staff wrote stays with the account; the ledger holds no text about people.
        Step::Lock(_) => "with a reason".to_owned(),
    };
    let work = (context, hand, standing, step, post, entry);
    context
        .emr
        .db
        .transaction_about(&work, |work, tx| {
            let (context, hand, standing, step, post, entry) = work;
            Box::pin(async move {
                let changed = written(context, tx, (hand, standing), step).await?;
                ledger::record(tx, entry).await?;
                if changed {
                    tell(context, tx, (standing, *post), step).await?;
                }
                Ok(changed)
            })
        })
        .await
}

async fn written(
    context: &Context<'_>,
    tx: &mut Tx,
    (hand, standing): (&Hand, &Standing),
    step: &Step,
) -> Answer<bool> {
    let (pid, now) = (standing.person.pid, context.seconds());
    match step {
        Step::Enable(attestation) => {
            if *attestation == Attestation::Given {
                let attested = Mark::Attested(now, hand.actor.clone());
                accounts::remember(tx, pid, &attested).await?;
            }
            // Whoever registered is let in by this, too (F031).
            if standing.remembered.registered.is_some() {
                accounts::remember(tx, pid, &Mark::Registered(None)).await?;
            }
            letting_in::switch(tx, pid, Access::On).await
        }
        Step::Disable => {
            let changed = letting_in::switch(tx, pid, Access::Off).await?;
            end(tx, pid, now).await?;
            accounts::remember(tx, pid, &Mark::Invited(None)).await?;
            Ok(changed)
        }
        Step::Lock(reason) => {
            let changed = accounts::lock(tx, pid, now, reason.trim()).await?;
            end(tx, pid, now).await?;
            accounts::remember(tx, pid, &Mark::Invited(None)).await?;
            Ok(changed)
        }
        Step::Unlock => accounts::unlock(tx, pid).await,
    }
}

/// Ends all that a patient can come in with: sessions, what apps were allowed, and links.
pub(super) async fn end(tx: &mut Tx, pid: i64, now: i64) -> Answer<()> {
    sessions::end_all(tx, Holder::Patient(pid), now).await?;
    grants::end_of_patient(tx, pid, now).await?;
    links::end(tx, pid, &links::OF_ACCESS, now)
        .await
        .map(|_| ())
}

/// Tells the patient by letter, where there is something to lose and a letter may go.
async fn tell(
    context: &Context<'_>,
    tx: &mut Tx,
    (standing, post): (&Standing, Post),
    step: &Step,
) -> Answer<()> {
    let address = standing.address();
    let may = post == Post::Ready && standing.allow_email && !standing.deceased;
    if !may || address.is_empty() || standing.credentials.is_none() {
        return Ok(());
    }
    let letter = NewLetter {
        letter: Letter::AccessChanged,
        pid: Some(standing.person.pid),
        address: address.to_owned(),
        language: standing.language,
        told: json!({ "change": step.word() }),
        link: None,
        created: context.seconds(),
    };
    outbox::put(tx, &letter).await.map(|_| ())
}
