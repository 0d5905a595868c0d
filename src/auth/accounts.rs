//! What staff do with a patient's account: the one place behind the operations of `$portal-...` and the desk's pages, so
//! that both do the same (F040). Each step is judged by the rules of `portal::account`, done in one transaction, and
//! told in the ledger there.

pub mod access;
pub mod credential;
pub mod everybody;
mod names;
mod once;
pub mod status;

#[cfg(test)]
mod fixture;

pub use once::Alongside;
pub use once::Once;
pub use once::With;

use serde_json::json;
use time::Duration;
use uuid::Uuid;

use crate::auth::Context;
use crate::auth::links as tokens;
use crate::config::accounts::Factor;
use crate::crypto;
use crate::db::Tx;
use crate::domain::access::Grant;
use crate::domain::accounts::ByHand;
use crate::domain::accounts::Delivery;
use crate::domain::accounts::Post;
use crate::domain::accounts::Standing;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Fault;
use crate::domain::refusal::Reason;
use crate::domain::refusal::Refusal;
use crate::emr::colleague::Colleague;
use crate::emr::credentialing;
use crate::emr::standing;
use crate::portal::account::AccountCase;
use crate::portal::rules;
use crate::portal::rules::Rule;
use crate::store::accounts;
use crate::store::accounts::Mark;
use crate::store::ledger;
use crate::store::ledger::Entry;
use crate::store::ledger::Outcome;
use crate::store::links;
use crate::store::links::NewLink;
use crate::store::links::Purpose;
use crate::store::outbox;
use crate::store::outbox::Letter;
use crate::store::outbox::NewLetter;

/// How long an invitation works (`spec/security.md` section 0).
pub const INVITED: Duration = Duration::hours(72);

/// Who does something with an account, as the ledger names them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hand {
    /// `Practitioner/<uuid>`, `system`, or who runs this server.
    pub actor: String,
    /// Through which app; empty at the desk.
    pub client_id: String,
    /// Under which grant; empty at the desk.
    pub grant_id: String,
}

impl Hand {
    /// Whoever asks through an app.
    pub fn through(grant: &Grant) -> Self {
        Self {
            actor: grant.user().reference(),
            client_id: grant.client_id().to_owned(),
            grant_id: grant.id().to_owned(),
        }
    }

    /// A member of staff at the desk.
    pub fn at_desk(colleague: &Colleague) -> Self {
        Self {
            actor: format!("Practitioner/{}", colleague.staff.uuid),
            ..Self::default()
        }
    }

    /// A line of the ledger about a patient's account.
    pub fn entry(
        &self,
        context: &Context<'_>,
        (action, outcome): (&'static str, Outcome),
        standing: &Standing,
    ) -> Entry {
        let mut entry = context.entry(action, outcome);
        entry.actor.clone_from(&self.actor);
        entry.client_id.clone_from(&self.client_id);
        entry.grant_id.clone_from(&self.grant_id);
        entry.resource = format!("Patient/{}", standing.person.uuid);
        entry.patient = Some(standing.person.uuid);
        entry
    }
}

/// An invitation that is on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invited {
    /// Its link.
    pub link: Uuid,
    /// Which letter went out: a reset where there is a login of the patient's own already (F096).
    pub letter: Letter,
    /// The PIN that staff read out to the patient, where the practice wants one; nowhere else, and not kept.
    pub pin: Option<String>,
}

/// What is to be judged about a patient: as things stand, without attestation, by mail.
///
/// # Errors
/// As [`crate::db::Db::all`].
pub async fn case(context: &Context<'_>, standing: Standing, post: Post) -> Answer<AccountCase> {
    let practice = context.emr.practice().await?;
    Ok(AccountCase {
        held: standing.remembered.held_until(context.seconds()).is_some(),
        standing,
        portal_on: practice.globals.on("portal_onsite_two_enable"),
        post,
        requires: standing::requires(context.emr, &context.config.accounts.requires),
        factor: context.config.accounts.invite_factor,
        attested: false,
        deliver: Delivery::Email,
        by_hand: None,
    })
}

/// That every rule holds; a no is told in the ledger with the ids of the rules.
///
/// # Errors
/// `Rules` with every broken one; otherwise as [`crate::db::Db::run`].
pub async fn judge(
    context: &Context<'_>,
    (hand, action): (&Hand, &'static str),
    lists: &[&[Rule<AccountCase>]],
    case: &AccountCase,
) -> Answer<()> {
    let mut broken: Vec<Reason> = Vec::new();
    for reason in lists.iter().flat_map(|list| rules::broken(list, case)) {
        if broken.iter().all(|known| known.id != reason.id) {
            broken.push(reason);
        }
    }
    if broken.is_empty() {
        return Ok(());
    }
    let mut entry = hand.entry(context, (action, Outcome::Refused), &case.standing);
    let ids: Vec<&str> = broken.iter().map(|reason| reason.id).collect();
    entry.reason = ids.join(" ");
    ledger::record_all(&context.emr.db, &[entry]).await?;
    Err(Refusal::Rules(broken).into())
}

/// Invites one patient in the transaction of whoever does: earlier links of the account end, a new one is made, its letter
/// is queued, that it went out is remembered, and the ledger is told. The rules of `portal::account::LETTER` are the
/// caller's to judge ([`judge`]).
///
/// # Errors
/// As [`Tx::run`]; a fault where there is no randomness.
pub async fn invite(
    context: &Context<'_>,
    tx: &mut Tx,
    standing: &Standing,
    hand: &Hand,
) -> Answer<Invited> {
    let now = context.seconds();
    let pid = standing.person.pid;
    let id = new_id(context)?;
    let (factor, pin) = match context.config.accounts.invite_factor {
        Factor::BirthDate => ("birth-date", None),
        Factor::Pin => ("pin", Some(tokens::pin(context.entropy)?)),
        Factor::None => ("none", None),
    };
    let (purpose, letter) = match standing.is_set_up() {
        true => (Purpose::Reset, Letter::Reset),
        false => (Purpose::Invite, Letter::Invite),
    };
    links::end(tx, pid, &[Purpose::Invite, Purpose::Reset], now).await?;
    let link = NewLink {
        id,
        token_hash: crypto::fingerprint(&tokens::token(context.keys, id)),
        purpose,
        pid: Some(pid),
        address: tokens::address_hash(standing.address()),
        bound: credentialing::fingerprint_now(tx, pid).await?,
        factor: factor.to_owned(),
        pin_hash: pin.as_ref().map(|pin| tokens::pin_hash(id, pin)),
        created: now,
        expires: now + INVITED.whole_seconds(),
    };
    links::add(tx, &link).await?;
    let written = NewLetter {
        letter,
        pid: Some(pid),
        address: standing.address().to_owned(),
        language: standing.language,
        told: json!({ "factor": factor, "hours": INVITED.whole_hours() }),
        link: Some(id),
        created: now,
    };
    outbox::put(tx, &written).await?;
    accounts::remember(tx, pid, &Mark::Invited(Some(now))).await?;
    let entry = hand.entry(context, ("portal.invite", Outcome::Success), standing);
    ledger::record(tx, &entry).await?;
    Ok(Invited {
        link: id,
        letter,
        pin,
    })
}

/// Why credentials are made by hand, by its code.
pub fn by_hand(code: &str) -> Option<ByHand> {
    let known = ByHand::ALL.iter().find(|(known, _)| *known == code);
    known.map(|(_, reason)| *reason)
}

/// How credentials reach the patient, by its code.
pub fn delivery(code: &str) -> Option<Delivery> {
    let known = Delivery::ALL.iter().find(|(known, _)| *known == code);
    known.map(|(_, way)| *way)
}

/// A new random id (RFC 9562, version 4).
fn new_id(context: &Context<'_>) -> Result<Uuid, Fault> {
    let mut bytes = [0; 16];
    context.entropy.fill(&mut bytes)?;
    Ok(uuid::Builder::from_random_bytes(bytes).into_uuid())
}
