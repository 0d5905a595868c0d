//! The address of an account changes (portal rule F038; `spec/security.md` section 3 and case 111): the patient types the
//! password again and confirms the new address from its mailbox, the old one is told and can take it back, and until
//! then no reset link goes out. A change that staff or OpenEMR made is noticed and treated in the same way.

use serde_json::json;
use time::Duration;
use uuid::Uuid;

use crate::auth::Context;
use crate::auth::links as tokens;
use crate::auth::redeem::Over;
use crate::crypto;
use crate::db::Tx;
use crate::domain::access::Holder;
use crate::domain::accounts::Standing;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Failure;
use crate::domain::refusal::Refusal;
use crate::emr::addresses;
use crate::emr::standing;
use crate::store::accounts;
use crate::store::accounts::Mark;
use crate::store::email_changes;
use crate::store::email_changes::EmailChange;
use crate::store::grants;
use crate::store::ledger;
use crate::store::ledger::Entry;
use crate::store::ledger::Outcome;
use crate::store::links;
use crate::store::links::Condition;
use crate::store::links::Link;
use crate::store::links::NewLink;
use crate::store::links::Purpose;
use crate::store::outbox;
use crate::store::outbox::Letter;
use crate::store::outbox::NewLetter;
use crate::store::sessions;
use crate::store::throttle;
use crate::store::throttle::Reserved;

/// How long a new address can be confirmed.
const CONFIRM: Duration = Duration::hours(24);

/// Links that went to the address there was, or that lead away from it.
const STALE: [Purpose; 3] = [Purpose::Reset, Purpose::Invite, Purpose::NewEmail];

/// What is told while the last change can still be taken back.
const HELD: &str = "The address was changed a short while ago. The letter to the old address has a link that takes it back; \
    the practice can help, too.";

/// How asking for a change ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// A letter goes to the new address.
    Sent,
    /// What is wrong with the address.
    Wrong(&'static str),
    /// Too many letters: seconds to wait.
    Wait(u64),
}

/// One address of the plainest kind: nothing quoted, no comment, no second one, no letters beyond ASCII (case 103).
pub fn is_address(text: &str) -> bool {
    let local = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+/=?^_`{|}~-.".contains(c);
    let label = |part: &str| {
        !part.is_empty()
            && part.len() <= 63
            && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
            && !part.starts_with('-')
            && !part.ends_with('-')
    };
    let Some((name, host)) = text.split_once('@') else {
        return false;
    };
    text.len() <= 254
        && (1..=64).contains(&name.len())
        && name.chars().all(local)
        && !name.starts_with(['.', '-'])
        && !name.ends_with('.')
        && !name.contains("..")
        && host.contains('.')
        && host.split('.').all(label)
}

/// The patient, who has just typed the password again, wants another address: it gets a letter with a link.
///
/// # Errors
/// As [`crate::db::Db::run`].
pub async fn ask(context: &Context<'_>, standing: &Standing, address: &str) -> Answer<Asked> {
    let address = address.trim();
    if !is_address(address) {
        return Ok(Asked::Wrong(
            "Give one e-mail address, such as ana@mail.example.",
        ));
    }
    if address == standing.email {
        return Ok(Asked::Wrong("The practice has this address already."));
    }
    let pid = standing.person.pid;
    let now = context.seconds();
    // A second change would make the first one's new address the old one, which can take back what the owner can.
    if standing.remembered.held_until(now).is_some() {
        return Ok(Asked::Wrong(HELD));
    }
    if let Reserved::Wait(wait) = throttle::reserve_letter(&context.emr.db, pid, now).await? {
        return Ok(Asked::Wait(wait));
    }
    let about = (context, standing, address);
    let db = &context.emr.db;
    db.transaction_about(&about, |(context, standing, address), tx| {
        Box::pin(async move {
            let pid = standing.person.pid;
            links::end(tx, pid, &[Purpose::NewEmail], now).await?;
            let letter = Letter::ConfirmEmail;
            let change = (standing.email.as_str(), *address);
            let to = (letter, *address, now + CONFIRM.whole_seconds());
            send(context, tx, (standing, change), to).await?;
            let entry = line(context, ("email.ask", Outcome::Success), standing);
            ledger::record(tx, &by_patient(entry, standing)).await
        })
    })
    .await?;
    Ok(Asked::Sent)
}

/// Sends a letter with a link that confirms a change or takes it back, and keeps the change beside the link.
async fn send(
    context: &Context<'_>,
    tx: &mut Tx,
    (standing, (before, after)): (&Standing, (&str, &str)),
    (letter, to, ends): (Letter, &str, i64),
) -> Answer<()> {
    let pid = standing.person.pid;
    let now = context.seconds();
    let mut bytes = [0; 16];
    context.entropy.fill(&mut bytes)?;
    let id: Uuid = uuid::Builder::from_random_bytes(bytes).into_uuid();
    let token_hash = crypto::fingerprint(&tokens::token(context.keys, id));
    let hours = (ends - now) / 3600;
    let along = standing.trusted_email == before && !before.is_empty();
    let change = EmailChange {
        link_hash: token_hash.clone(),
        pid,
        before: before.to_owned(),
        after: after.to_owned(),
        trusted: i64::from(along || standing.trusted_email == after),
        ends,
    };
    let link = NewLink {
        id,
        token_hash,
        purpose: match letter {
            Letter::ConfirmEmail => Purpose::NewEmail,
            _ => Purpose::UndoEmail,
        },
        pid: Some(pid),
        address: tokens::address_hash(to),
        bound: String::new(),
        factor: "none".to_owned(),
        pin_hash: None,
        created: now,
        expires: ends,
    };
    links::add(tx, &link).await?;
    email_changes::put(tx, &change).await?;
    let letter = NewLetter {
        letter,
        pid: Some(pid),
        address: to.to_owned(),
        language: standing.language,
        told: json!({ "factor": "none", "hours": hours }),
        link: Some(id),
        created: now,
    };
    outbox::put(tx, &letter).await.map(|_| ())
}

/// What follows from every change of the address of an account: links to the old one end, the old one is told and can
/// take it back, and for as long no reset link goes out.
async fn protect(
    context: &Context<'_>,
    tx: &mut Tx,
    standing: &Standing,
    (before, after): (&str, &str),
) -> Answer<()> {
    let pid = standing.person.pid;
    let now = context.seconds();
    links::end(tx, pid, &STALE, now).await?;
    let hold = context.config.accounts.email_hold.whole_seconds();
    // Where there was no contact address, letters went to the trusted one.
    let told = match before {
        "" => standing.trusted_email.trim(),
        before => before,
    };
    // Nobody has to be told, or can take it back, where there was none at all; and the same mailbox may be spelled anew.
    if hold == 0 || told.is_empty() || told.eq_ignore_ascii_case(after) {
        return Ok(());
    }
    let to = (Letter::EmailChanged, told, now + hold);
    send(context, tx, (standing, (before, after)), to).await?;
    accounts::remember(tx, pid, &Mark::EmailHold(Some(now + hold))).await
}

/// A change as the page of its link shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened {
    link: Link,
    standing: Standing,
    /// The change.
    pub change: EmailChange,
}

/// The change behind a link; looking changes nothing.
///
/// # Errors
/// As [`crate::db::Db::all`].
pub async fn open(
    context: &Context<'_>,
    purpose: Purpose,
    token: &str,
) -> Answer<Result<Opened, Over>> {
    let db = &context.emr.db;
    let hash = crypto::fingerprint(token);
    let link = links::find(db, &hash, context.seconds()).await?;
    let Some(link) = link.filter(|link| link.purpose == purpose) else {
        return Ok(Err(Over::Unknown));
    };
    match link.condition {
        Condition::Good => {}
        Condition::Used => return Ok(Err(Over::Used)),
        Condition::Expired => return Ok(Err(Over::Expired)),
        Condition::Ended => return Ok(Err(Over::Ended)),
        Condition::Burnt => return Ok(Err(Over::Burnt)),
    }
    let change = email_changes::of_link(db, &hash).await?;
    let Some(change) = change.filter(|change| Some(change.pid) == link.pid) else {
        return Ok(Err(Over::Ended));
    };
    let standing = standing::by_pid(context.emr, change.pid).await?;
    let asked = purpose == Purpose::NewEmail;
    let Some(standing) = standing.filter(|one| !asked || one.email == change.before) else {
        return Ok(Err(Over::Ended));
    };
    Ok(Ok(Opened {
        link,
        standing,
        change,
    }))
}

/// Confirms a new address: the chart has it from now on. Or takes a change back: the chart has the old one again, and
/// whoever is logged in, with whatever app, is so no more.
///
/// # Errors
/// As [`crate::db::Db::run`].
pub async fn redeem(
    context: &Context<'_>,
    purpose: Purpose,
    token: &str,
) -> Answer<Result<(), Over>> {
    let opened = match open(context, purpose, token).await? {
        Ok(opened) => opened,
        Err(over) => return Ok(Err(over)),
    };
    let db = &context.emr.db;
    if !links::guess(db, opened.link.id, context.seconds()).await? {
        return Ok(Err(Over::Burnt));
    }
    let known = email_changes::known(db, opened.change.pid).await?;
    if known.is_none() {
        email_changes::first(db, opened.change.pid, &opened.standing.email).await?;
    }
    let about = (context, &opened, known.as_deref());
    let done = db.transaction_about(&about, |(context, opened, known), tx| {
        Box::pin(async move {
            if !links::spend(tx, opened.link.id, context.seconds()).await? {
                return Ok(Err(Over::Used));
            }
            let known = known.unwrap_or(&opened.standing.email);
            match opened.link.purpose {
                Purpose::UndoEmail => undo(context, tx, opened, known).await?,
                _ => confirm(context, tx, opened, known).await?,
            }
            Ok(Ok(()))
        })
    });
    match done.await {
        Err(Failure::Refused(Refusal::Stale)) => Ok(Err(Over::Ended)),
        Err(failure) => {
            links::give_back(db, opened.link.id).await?;
            Err(failure)
        }
        done => done,
    }
}

async fn confirm(context: &Context<'_>, tx: &mut Tx, opened: &Opened, known: &str) -> Answer<()> {
    let Opened {
        standing, change, ..
    } = opened;
    let (before, after) = (change.before.as_str(), change.after.as_str());
    let values = (Some(before), after);
    if !addresses::write(context.emr, tx, change.pid, values, change.trusted).await? {
        return Err(Refusal::Stale.into());
    }
    email_changes::renew(tx, change.pid, (known, after)).await?;
    protect(context, tx, standing, (before, after)).await?;
    let entry = line(context, ("email.change", Outcome::Success), standing);
    ledger::record(tx, &by_patient(entry, standing)).await
}

async fn undo(context: &Context<'_>, tx: &mut Tx, opened: &Opened, known: &str) -> Answer<()> {
    let Opened {
        standing, change, ..
    } = opened;
    let pid = change.pid;
    let now = context.seconds();
    let values = (None, change.before.as_str());
    if !addresses::write(context.emr, tx, pid, values, change.trusted).await? {
        return Err(Refusal::Stale.into());
    }
    email_changes::renew(tx, pid, (known, &change.before)).await?;
    links::end(tx, pid, &STALE, now).await?;
    links::end(tx, pid, &[Purpose::UndoEmail], now).await?;
    accounts::remember(tx, pid, &Mark::EmailHold(None)).await?;
    sessions::end_all(tx, Holder::Patient(pid), now).await?;
    grants::end_of_patient(tx, pid, now).await?;
    let entry = line(context, ("email.undo", Outcome::Success), standing);
    ledger::record(tx, &entry).await
}

/// Looks whether the address of an account was changed elsewhere, by staff or in OpenEMR, since it was last looked at; if
/// so the old address is told, and every session of the patient ends (case 111). True where that has just been so.
///
/// # Errors
/// As [`crate::db::Db::run`].
pub async fn look(context: &Context<'_>, standing: &Standing) -> Answer<bool> {
    let db = &context.emr.db;
    let pid = standing.person.pid;
    if standing.credentials.is_none() {
        return Ok(false);
    }
    let Some(known) = email_changes::known(db, pid).await? else {
        email_changes::first(db, pid, &standing.email).await?;
        return Ok(false);
    };
    if known == standing.email {
        return Ok(false);
    }
    let about = (context, standing, known.as_str());
    db.transaction_about(&about, |(context, standing, known), tx| {
        Box::pin(async move {
            let change = (*known, standing.email.as_str());
            let pid = standing.person.pid;
            if !email_changes::renew(tx, pid, change).await? {
                return Ok(false);
            }
            protect(context, tx, standing, change).await?;
            sessions::end_all(tx, Holder::Patient(pid), context.seconds()).await?;
            let mut entry = line(context, ("email.change", Outcome::Success), standing);
            // Who it was is in the line of the write, or in OpenEMR's own log: the row does not tell.
            "by-staff-or-openemr".clone_into(&mut entry.reason);
            "system".clone_into(&mut entry.actor);
            ledger::record(tx, &entry).await?;
            Ok(true)
        })
    })
    .await
}

/// Looks at every account whose address is another one than it is known under; how many were changed elsewhere.
///
/// # Errors
/// As [`look`].
pub async fn watch(context: &Context<'_>) -> Answer<usize> {
    let (mut changed, mut after) = (0, 0);
    loop {
        let page = addresses::unnoticed(context.emr, after).await?;
        let Some(last) = page.last() else {
            return Ok(changed);
        };
        after = *last;
        for pid in page {
            // One that breaks keeps nobody else's from being noticed.
            match noticed(context, pid).await {
                Ok(noticed) => changed += usize::from(noticed),
                Err(failure) => tracing::warn!(?failure, "a changed address was not looked at"),
            }
        }
    }
}

async fn noticed(context: &Context<'_>, pid: i64) -> Answer<bool> {
    match standing::by_pid(context.emr, pid).await? {
        Some(standing) => look(context, &standing).await,
        None => Ok(false),
    }
}

/// Staff have made sure whose the new address is: reset links may go out again, and the old address can take nothing back.
///
/// # Errors
/// As [`crate::db::Db::run`].
pub async fn lift(context: &Context<'_>, standing: &Standing, actor: &str) -> Answer<()> {
    let mut entry = line(context, ("email.lift", Outcome::Success), standing);
    actor.clone_into(&mut entry.actor);
    let about = (context, standing, &entry);
    let db = &context.emr.db;
    db.transaction_about(&about, |(context, standing, entry), tx| {
        Box::pin(async move {
            let pid = standing.person.pid;
            accounts::remember(tx, pid, &Mark::EmailHold(None)).await?;
            links::end(tx, pid, &[Purpose::UndoEmail], context.seconds()).await?;
            ledger::record(tx, entry).await
        })
    })
    .await
}

fn line(
    context: &Context<'_>,
    (action, outcome): (&'static str, Outcome),
    standing: &Standing,
) -> Entry {
    let mut entry = context.entry(action, outcome);
    entry.resource = format!("Patient/{}", standing.person.uuid);
    entry.patient = Some(standing.person.uuid);
    entry
}

fn by_patient(mut entry: Entry, standing: &Standing) -> Entry {
    entry.actor = format!("Patient/{}", standing.person.uuid);
    entry
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_103_one_plain_address_or_none() {
        for good in [
            "ana@mail.example",
            "a.b+tag@sub.mail.example",
            "o'connor@x.org",
        ] {
            assert!(is_address(good), "{good}");
        }
        let long = format!("{}@mail.example", "a".repeat(320));
        for bad in [
            "",
            "ana",
            "\"a b\"@x.org",
            "a@[127.0.0.1]",
            "a@x.org,b@evil.org",
            "<a@x.org>",
            "-oQ/tmp@x.org",
            "a@x",
            "a@x..org",
            "a@b@c.org",
            "a@x.org\r\nBcc: b@evil.org",
            "ana@müller.example",
            ".a@x.org",
            &long,
        ] {
            assert!(!is_address(bad), "{bad}");
        }
    }
}
