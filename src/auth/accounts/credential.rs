//! Credentials made and reset by staff (F014 to F020, F071 to F087). A password is in the answer of the request that
//! made it, and nowhere else: only its hash is stored, and asking again does not show it.

use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;

use serde_json::json;

use super::Hand;
use super::Invited;
use super::Once;
use super::With;
use super::access;
use super::case;
use super::invite;
use super::judge;
use super::names;
use crate::auth::Context;
use crate::auth::password;
use crate::auth::policy;
use crate::config::accounts::Strategy;
use crate::db::Tx;
use crate::domain::accounts::ByHand;
use crate::domain::accounts::Delivery;
use crate::domain::accounts::Post;
use crate::domain::accounts::Standing;
use crate::domain::credentials::Change;
use crate::domain::credentials::CredentialAsk;
use crate::domain::credentials::Name;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Refusal;
use crate::emr::credentialing;
use crate::emr::credentialing::By;
use crate::emr::credentialing::New;
use crate::emr::credentialing::Written;
use crate::emr::standing;
use crate::portal::account;
use crate::portal::account::AccountCase;
use crate::portal::login;
use crate::portal::login::LoginCase;
use crate::portal::rules::Rule;
use crate::store::ledger;
use crate::store::ledger::Outcome;
use crate::store::outbox;
use crate::store::outbox::Letter;
use crate::store::outbox::NewLetter;

/// Proposed names that turn out to be taken in the very moment they are written, before somebody has to choose.
const RACES: usize = 5;

const MAKE: &str = "portal.credential";

const RESET: &str = "portal.reset";

/// Credentials that were made, to be shown this once.
#[derive(Clone, PartialEq, Eq)]
pub struct Made {
    /// How the patient stands now.
    pub standing: Standing,
    /// What the patient types.
    pub username: String,
    /// The password in clear.
    pub password: String,
    /// Whether the patient has to choose another one.
    pub must_change: bool,
}

/// What came of it.
#[derive(Clone, PartialEq, Eq)]
pub enum Done {
    /// Credentials to be handed over.
    Made(Box<Made>),
    /// A link is on its way by mail.
    Invited(Invited),
    /// The same request was answered before, and what it showed is not shown again.
    Repeated,
}

/// What is being made, and under which rules.
struct Work<'w> {
    context: &'w Context<'w>,
    hand: &'w Hand,
    standing: &'w Standing,
    action: &'static str,
    ask: &'w CredentialAsk,
    with: With<'w>,
    post: Post,
}

/// Makes credentials, or sends the link to choose some.
///
/// # Errors
/// `Rules` where something is missing first or what was typed does not do; `Invalid` where the parts of the ask do not
/// fit each other; otherwise as [`crate::db::Db::run`].
pub async fn make(
    context: &Context<'_>,
    hand: &Hand,
    (standing, post): (&Standing, Post),
    (ask, with): (&CredentialAsk, With<'_>),
) -> Answer<Done> {
    let mut facts = case(context, standing.clone(), post).await?;
    facts.deliver = ask.deliver;
    facts.by_hand = ask.by_hand;
    match ask.deliver {
        Delivery::Email => {
            let rules: &[&[Rule<AccountCase>]] = &[account::CREDENTIAL, account::LETTER];
            judge(context, (hand, MAKE), rules, &facts).await?;
            mail(context, hand, standing, with).await
        }
        Delivery::Print | Delivery::InPerson => {
            judge(context, (hand, MAKE), &[account::CREDENTIAL], &facts).await?;
            let work = Work {
                context,
                hand,
                standing,
                action: MAKE,
                ask,
                with,
                post,
            };
            work.done().await
        }
    }
}

/// A login name and a password as a reset would give them; nothing is stored, and the next look gives another one (F073,
/// F074, F078).
///
/// # Errors
/// `Rules` where something is missing first; otherwise as [`crate::db::Db::all`].
pub async fn preview(
    context: &Context<'_>,
    hand: &Hand,
    (standing, post): (&Standing, Post),
) -> Answer<Made> {
    let facts = case(context, standing.clone(), post).await?;
    judge(context, (hand, RESET), &[account::RESET], &facts).await?;
    let minimum = context.config.accounts.password_minimum;
    Ok(Made {
        username: kept(standing).unwrap_or_default().to_owned(),
        password: names::password(context.entropy, minimum)?,
        must_change: by(context, Change::Asked).await? == By::Staff,
        standing: standing.clone(),
    })
}

/// Resets credentials: the password that was given, or a fresh one (F075, F076). The trusted address is told, where the
/// practice wants that and mail may go (F079).
///
/// # Errors
/// As [`make`].
pub async fn reset(
    context: &Context<'_>,
    hand: &Hand,
    (standing, post): (&Standing, Post),
    (ask, with): (&CredentialAsk, With<'_>),
) -> Answer<Done> {
    let facts = case(context, standing.clone(), post).await?;
    judge(context, (hand, RESET), &[account::RESET], &facts).await?;
    let work = Work {
        context,
        hand,
        standing,
        action: RESET,
        ask,
        with,
        post,
    };
    work.done().await
}

/// What is wrong with a login name for a patient; nothing where it is valid and free (F082).
///
/// # Errors
/// As [`crate::db::Db::all`].
pub async fn judge_name(
    context: &Context<'_>,
    standing: &Standing,
    name: &str,
) -> Answer<LoginCase> {
    let free = credentialing::is_free(context.emr, name, standing.person.pid).await?;
    let broken = policy::login_name(name);
    Ok(LoginCase {
        taken: !free,
        username: broken.into_iter().map(str::to_owned).collect(),
        password: Vec::new(),
    })
}

/// The login name a patient has.
fn kept(standing: &Standing) -> Option<&str> {
    let name = standing.credentials.as_ref()?.login_name.as_str();
    (!name.is_empty()).then_some(name)
}

/// Whose password it is, as `portal_force_credential_reset` says (OpenEMR facts 2.3).
async fn by(context: &Context<'_>, change: Change) -> Answer<By> {
    let practice = context.emr.practice().await?;
    Ok(
        match (
            practice.globals.text("portal_force_credential_reset"),
            change,
        ) {
            ("1", _) | ("2", Change::Spared) => By::StaffForGood,
            _ => By::Staff,
        },
    )
}

async fn mail(
    context: &Context<'_>,
    hand: &Hand,
    standing: &Standing,
    with: With<'_>,
) -> Answer<Done> {
    if let Some(once) = with.once
        && once.was_before(context).await?
    {
        return Ok(Done::Repeated);
    }
    let work = (context, hand, standing, with);
    context
        .emr
        .db
        .transaction_about(&work, |(context, hand, standing, with), tx| {
            Box::pin(async move {
                if !Once::begins(with.once, context, tx).await? {
                    return Ok(Done::Repeated);
                }
                let invited = invite(context, tx, standing, hand).await?;
                with.writes(tx, standing).await?;
                Ok(Done::Invited(invited))
            })
        })
        .await
}

impl Work<'_> {
    async fn done(&self) -> Answer<Done> {
        if let Some(once) = self.with.once
            && once.was_before(self.context).await?
        {
            return Ok(Done::Repeated);
        }
        let config = &self.context.config.accounts;
        let secret = match &self.ask.password {
            Some(typed) => typed.clone(),
            None => names::password(self.context.entropy, config.password_minimum)?,
        };
        let by = by(self.context, self.ask.change).await?;
        let names = self.names().await?;
        let mut hash = None;
        for name in &names {
            let mut facts = self.judged(name, &secret).await?;
            let proposed = names.len() > 1;
            if facts.taken && proposed {
                continue;
            }
            self.refuse(&facts).await?;
            let hash = match &hash {
                Some(hash) => String::clone(hash),
                None => {
                    let made = password::hash(secret.clone(), password::COST, self.context.entropy);
                    hash.insert(made.await?).clone()
                }
            };
            let new = New {
                login_name: name.clone(),
                hash,
                by,
                before: None,
            };
            match self.write(&new).await? {
                None => return Ok(Done::Repeated),
                Some(Written::Done) => return self.made(name, secret, by).await,
                Some(Written::NameTaken) if proposed => {}
                Some(Written::NameTaken) => {
                    facts.taken = true;
                    self.refuse(&facts).await?;
                }
                Some(Written::Changed) => {
                    let why = "The credentials were changed by somebody else meanwhile.";
                    return Err(Refusal::Conflict(why.to_owned()).into());
                }
            }
        }
        let taken = LoginCase {
            taken: true,
            ..LoginCase::default()
        };
        self.refuse(&taken).await?;
        Ok(Done::Repeated)
    }

    /// The names to try: the one there is, the one that was typed, or those the practice's way of naming proposes.
    async fn names(&self) -> Answer<Vec<String>> {
        let keeps = self.ask.name == Name::Kept;
        if let (Some(name), true) = (kept(self.standing), keeps) {
            return Ok(vec![name.to_owned()]);
        }
        if let Some(typed) = &self.ask.username {
            return Ok(vec![typed.clone()]);
        }
        let practice = self.context.emr.practice().await?;
        let strategy = match self.context.config.accounts.strategy {
            Strategy::OpenEmr if practice.globals.on("use_email_for_portal_username") => {
                Strategy::Email
            }
            Strategy::OpenEmr => Strategy::Name,
            other => other,
        };
        let mut free = Vec::new();
        for name in names::proposals(strategy, self.standing) {
            let pid = self.standing.person.pid;
            if credentialing::is_free(self.context.emr, &name, pid).await? {
                free.push(name);
            }
            if free.len() == RACES {
                break;
            }
        }
        Ok(free)
    }

    /// What the rules say of a name and a password.
    async fn judged(&self, name: &str, secret: &str) -> Answer<LoginCase> {
        let mut facts = judge_name(self.context, self.standing, name).await?;
        // A name that stays was good when it was chosen.
        if kept(self.standing) == Some(name) {
            facts.username.clear();
        }
        if self.ask.password.is_some() {
            let practice = self.context.emr.practice().await?;
            let minimum = self.context.config.accounts.password_minimum;
            facts.password = policy::password(secret, (name, &practice.name), minimum);
        }
        Ok(facts)
    }

    /// Refuses where a rule is broken, and tells the ledger.
    async fn refuse(&self, facts: &LoginCase) -> Answer<()> {
        let broken = login::broken(facts);
        if broken.is_empty() {
            return Ok(());
        }
        let mut entry =
            self.hand
                .entry(self.context, (self.action, Outcome::Refused), self.standing);
        let ids: Vec<&str> = broken.iter().map(|reason| reason.id).collect();
        entry.reason = ids.join(" ");
        ledger::record_all(&self.context.emr.db, &[entry]).await?;
        Err(Refusal::Rules(broken).into())
    }

    /// Writes them, and ends what the old ones opened; `None` where the same request did so before.
    async fn write(&self, new: &New) -> Answer<Option<Written>> {
        let taken = AtomicBool::new(false);
        let work = (self, new, &taken);
        let db = &self.context.emr.db;
        let done = db.transaction_about(&work, |(work, new, taken), tx| {
            Box::pin(async move {
                if !Once::begins(work.with.once, work.context, tx).await? {
                    return Ok(None);
                }
                let written =
                    credentialing::write(work.context.emr, tx, work.standing, new).await?;
                match written {
                    Written::Done => work.follow(tx).await?,
                    // Undone with the claim of the key: the next name, or the next try, is the same request still.
                    Written::NameTaken => {
                        taken.store(true, Ordering::Relaxed);
                        return Err(Refusal::Conflict(String::new()).into());
                    }
                    Written::Changed => {}
                }
                Ok(Some(written))
            })
        });
        match done.await {
            Err(_) if taken.load(Ordering::Relaxed) => Ok(Some(Written::NameTaken)),
            done => done,
        }
    }

    /// What goes with new credentials, in their transaction.
    async fn follow(&self, tx: &mut Tx) -> Answer<()> {
        let now = self.context.seconds();
        access::end(tx, self.standing.person.pid, now).await?;
        self.with.writes(tx, self.standing).await?;
        let mut entry =
            self.hand
                .entry(self.context, (self.action, Outcome::Success), self.standing);
        entry.reason = self.told();
        ledger::record(tx, &entry).await?;
        let to = self.standing.trusted_address();
        let wanted = self.action == RESET && self.context.config.notify.on_reset;
        if !wanted || self.post != Post::Ready || !self.standing.allow_email || to.is_empty() {
            return Ok(());
        }
        let letter = NewLetter {
            letter: Letter::CredentialsChanged,
            pid: Some(self.standing.person.pid),
            address: to.to_owned(),
            language: self.standing.language,
            told: json!({}),
            link: None,
            created: now,
        };
        outbox::put(tx, &letter).await.map(|_| ())
    }

    /// How they were made and why, for the ledger (F086, F087).
    fn told(&self) -> String {
        let way = Delivery::ALL
            .iter()
            .find(|(_, one)| *one == self.ask.deliver);
        let why = ByHand::ALL
            .iter()
            .find(|(_, one)| Some(*one) == self.ask.by_hand);
        let mut told = way.map_or(String::new(), |(code, _)| format!("deliver={code}"));
        if let Some((code, _)) = why {
            told.push_str(&format!(" reason={code}"));
        }
        if self.ask.password.is_some() {
            told.push_str(" manual");
        }
        told
    }

    async fn made(&self, name: &str, secret: String, by: By) -> Answer<Done> {
        let after = standing::by_pid(self.context.emr, self.standing.person.pid).await?;
        Ok(Done::Made(Box::new(Made {
            standing: after.unwrap_or_else(|| self.standing.clone()),
            username: name.to_owned(),
            password: secret,
            must_change: by == By::Staff,
        })))
    }
}
