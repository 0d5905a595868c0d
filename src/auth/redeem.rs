//! A link out of a letter is opened and used: to reset a lost password, or to choose a first login (portal rules F045,
//! F046, F061 to F065, F093, F098). Opening changes nothing; using it takes what is asked beside it, a guess of which
//! counts before it is looked at.

use crate::auth::Context;
use crate::auth::accounts;
use crate::auth::links as tokens;
use crate::auth::lost;
use crate::auth::password;
use crate::auth::password::Verdict;
use crate::auth::policy;
use crate::crypto;
use crate::db::Tx;
use crate::domain::access::Holder;
use crate::domain::accounts::Post;
use crate::domain::accounts::Standing;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Failure;
use crate::domain::refusal::Refusal;
use crate::emr::account;
use crate::emr::credentialing;
use crate::emr::credentialing::By;
use crate::emr::credentialing::New;
use crate::emr::credentialing::Written;
use crate::emr::standing;
use crate::portal::account::LINK;
use crate::portal::rules;
use crate::store::ledger;
use crate::store::ledger::Entry;
use crate::store::ledger::Outcome;
use crate::store::links;
use crate::store::links::Condition;
use crate::store::links::Link;
use crate::store::links::Purpose;
use crate::store::sessions;

/// Every link that a new password makes useless. The one that undoes a change of address stays: whoever stole an account
/// must not be able to end it.
pub const ENDED: [Purpose; 3] = [Purpose::Reset, Purpose::Invite, Purpose::NewEmail];

/// Said of a username, PIN or birth date that does not fit; never which of them.
const WRONG: &str =
    "That does not match. Check what you typed; after 5 wrong tries the link stops working.";

/// Which page a link leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// `/reset/...`
    Reset,
    /// `/activate/...`
    Activate,
}

impl Way {
    /// What links of this page are for.
    pub const fn purpose(self) -> Purpose {
        match self {
            Self::Reset => Purpose::Reset,
            Self::Activate => Purpose::Invite,
        }
    }

    const fn action(self) -> &'static str {
        match self {
            Self::Reset => "reset.use",
            Self::Activate => "activate.use",
        }
    }
}

/// What a form asks about the username.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Name {
    /// To choose one: there is none yet, or the account was never used (F065, F098).
    Choose,
    /// To type the present one again (F061); another may be chosen beside it (F065).
    Confirm,
    /// Nothing: it stays.
    Keep,
}

/// What is asked beside the link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beside {
    /// A PIN.
    Pin,
    /// The birth date.
    BirthDate,
    /// Nothing.
    Nothing,
}

/// A link that works, and whose account it opens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened {
    link: Link,
    standing: Standing,
    /// What its form asks about the username.
    pub name: Name,
    /// What its form asks beside the link.
    pub beside: Beside,
}

/// Why a link does nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Over {
    /// It was never made.
    Unknown,
    /// It was used (`token-used`, F063).
    Used,
    /// Its time is over.
    Expired,
    /// A newer one was made, or the account, its address or its access changed.
    Ended,
    /// Too many wrong guesses.
    Burnt,
}

impl Over {
    /// As the ledger has it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Unknown => "token-unknown",
            Self::Used => "token-used",
            Self::Expired => "token-expired",
            Self::Ended => "token-ended",
            Self::Burnt => "token-burnt",
        }
    }
}

/// What was typed into the form.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Typed {
    /// The present username, or the first one.
    pub username: String,
    /// Another username; empty where the present one stays.
    pub new_username: String,
    /// The password.
    pub password: String,
    /// The password again.
    pub again: String,
    /// The PIN or birth date.
    pub beside: String,
}

/// How using a link ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Redeemed {
    /// The account has this login name and the new password.
    Done(String),
    /// What has to be corrected: name of the field and sentence; of the whole form where the name is empty.
    Wrong(Vec<(&'static str, String)>),
    /// The link does nothing any more.
    Over(Over),
}

/// The link of a token, where it works. Looking changes nothing (`spec/security.md`, case 94).
///
/// # Errors
/// As [`crate::db::Db::all`].
pub async fn open(context: &Context<'_>, way: Way, token: &str) -> Answer<Result<Opened, Over>> {
    let hash = crypto::fingerprint(token);
    let found = links::find(&context.emr.db, &hash, context.seconds()).await?;
    let Some((link, pid)) = found
        .filter(|link| link.purpose == way.purpose())
        .and_then(|link| link.pid.map(|pid| (link, pid)))
    else {
        return Ok(Err(Over::Unknown));
    };
    match link.condition {
        Condition::Good => {}
        Condition::Used => return Ok(Err(Over::Used)),
        Condition::Expired => return Ok(Err(Over::Expired)),
        Condition::Ended => return Ok(Err(Over::Ended)),
        Condition::Burnt => return Ok(Err(Over::Burnt)),
    }
    let Some(standing) = standing::by_pid(context.emr, pid).await? else {
        return Ok(Err(Over::Ended));
    };
    // The letter went to an address that is the patient's still, and the account is as it was then (cases 99, 111, 114).
    let here = tokens::address_hash(standing.address()) == link.address;
    let same = credentialing::fingerprint(context.emr, pid).await? == link.bound;
    let case = accounts::case(context, standing, Post::Ready).await?;
    let standing = &case.standing;
    if !here
        || !same
        || standing.remembered.registered.is_some()
        || !rules::broken(LINK, &case).is_empty()
    {
        return Ok(Err(Over::Ended));
    }
    Ok(Ok(Opened {
        name: match (way, standing.is_set_up()) {
            (_, false) => Name::Choose,
            (Way::Reset, true) => Name::Confirm,
            (Way::Activate, true) => Name::Keep,
        },
        beside: match link.factor.as_str() {
            "none" => Beside::Nothing,
            "birth-date" => Beside::BirthDate,
            _ => Beside::Pin,
        },
        standing: case.standing,
        link,
    }))
}

/// Uses a link. `cost` is bcrypt's, [`password::COST`] in a practice.
///
/// # Errors
/// `Unavailable` where too many passwords are being hashed already; otherwise as [`crate::db::Db::run`].
pub async fn redeem(
    context: &Context<'_>,
    (way, token): (Way, &str),
    typed: &Typed,
    cost: u32,
) -> Answer<Redeemed> {
    let opened = match open(context, way, token).await? {
        Ok(opened) => opened,
        Err(over) => {
            let mut entry = context.entry(way.action(), Outcome::Refused);
            over.word().clone_into(&mut entry.reason);
            ledger::record_all(&context.emr.db, &[entry]).await?;
            return Ok(Redeemed::Over(over));
        }
    };
    let login_name = opened.login_name(typed);
    // What can be said without looking at anything secret is said before a guess is counted.
    let wrong = problems(context, &opened, typed, &login_name).await?;
    if !wrong.is_empty() {
        return Ok(Redeemed::Wrong(wrong));
    }
    let db = &context.emr.db;
    if !links::guess(db, opened.link.id, context.seconds()).await? {
        no(context, way, &opened, Over::Burnt.word()).await?;
        return Ok(Redeemed::Over(Over::Burnt));
    }
    if let Some(why) = opened.mismatch(typed) {
        no(context, way, &opened, why).await?;
        let again = links::find(db, &crypto::fingerprint(token), context.seconds()).await?;
        return Ok(match again.map(|link| link.condition) {
            Some(Condition::Burnt) => Redeemed::Over(Over::Burnt),
            _ => Redeemed::Wrong(vec![("", WRONG.to_owned())]),
        });
    }
    let used = used(context, (way, &opened), (typed, &login_name), cost).await;
    // The second factor was right: what came of it besides, a database that is away too, was no wrong guess.
    if matches!(used, Err(_) | Ok(Redeemed::Wrong(_))) {
        links::give_back(db, opened.link.id).await?;
    }
    used
}

/// Uses a link whose second factor was right.
async fn used(
    context: &Context<'_>,
    (way, opened): (Way, &Opened),
    (typed, login_name): (&Typed, &str),
    cost: u32,
) -> Answer<Redeemed> {
    let wrong = taken(context, opened, typed, login_name).await?;
    if !wrong.is_empty() {
        return Ok(Redeemed::Wrong(wrong));
    }
    let hash = password::hash(typed.password.clone(), cost, context.entropy).await?;
    let use_of = UseOf {
        context,
        opened,
        entry: line(context, (way, Outcome::Success), opened),
        new: New {
            login_name: login_name.to_owned(),
            hash,
            by: By::Patient,
            before: Some(opened.link.bound.clone()),
        },
    };
    let db = &context.emr.db;
    let done = db.transaction_about(&use_of, |use_of, tx| Box::pin(spend(use_of, tx)));
    match done.await {
        Ok(Spent::Done) => Ok(Redeemed::Done(login_name.to_owned())),
        Ok(Spent::Gone) => Ok(Redeemed::Over(Over::Used)),
        Ok(Spent::Changed) => Ok(Redeemed::Over(Over::Ended)),
        Err(Failure::Refused(Refusal::Conflict(_))) => {
            Ok(Redeemed::Wrong(vec![name_taken(opened.name)]))
        }
        Err(failure) => Err(failure),
    }
}

impl Opened {
    /// The login name the account is to have.
    fn login_name(&self, typed: &Typed) -> String {
        let held = self.held().to_owned();
        match (self.name, typed.new_username.as_str()) {
            (Name::Choose, _) => typed.username.clone(),
            (Name::Confirm, "") | (Name::Keep, _) => held,
            (Name::Confirm, new) => new.to_owned(),
        }
    }

    fn held(&self) -> &str {
        let held = self.standing.credentials.as_ref();
        held.map_or("", |held| held.login_name.as_str())
    }

    /// What does not fit, for the ledger alone.
    fn mismatch(&self, typed: &Typed) -> Option<&'static str> {
        let plain = |name: &str| name.trim().to_lowercase();
        let named = self.name != Name::Confirm || plain(&typed.username) == plain(self.held());
        let fits = match self.beside {
            Beside::Nothing => true,
            Beside::BirthDate => {
                self.standing.born.is_some() && lost::day(&typed.beside) == self.standing.born
            }
            // Letter by letter, in a time that tells nothing (case 97).
            Beside::Pin => self.link.pin_hash.as_ref().is_some_and(|held| {
                let given = tokens::pin_hash(self.link.id, &typed.beside);
                crypto::same(given.as_bytes(), held.as_bytes())
            }),
        };
        match (named, fits) {
            (_, false) => Some(match self.beside {
                Beside::BirthDate => "wrong-birth-date",
                _ => "wrong-pin",
            }),
            (false, true) => Some("wrong-username"),
            (true, true) => None,
        }
    }
}

/// What is wrong with the form whatever the account is.
async fn problems(
    context: &Context<'_>,
    opened: &Opened,
    typed: &Typed,
    login_name: &str,
) -> Answer<Vec<(&'static str, String)>> {
    let practice = context.emr.practice().await?;
    let minimum = context.config.accounts.password_minimum;
    let mut wrong = Vec::new();
    let field = match opened.name {
        Name::Choose => "username",
        Name::Confirm | Name::Keep => "new_username",
    };
    if opened.name == Name::Choose || !typed.new_username.is_empty() {
        let broken = policy::login_name(login_name).into_iter();
        wrong.extend(broken.map(|sentence| (field, sentence.to_owned())));
    }
    if opened.name == Name::Confirm && typed.username.trim().is_empty() {
        wrong.push(("username", "Type your username.".to_owned()));
    }
    match opened.beside {
        Beside::Pin if typed.beside.is_empty() => {
            wrong.push(("pin", "Type the 6 characters of your PIN.".to_owned()));
        }
        Beside::BirthDate if lost::day(&typed.beside).is_none() => {
            let why = "Give the date as year, month and day.";
            wrong.push(("birth_date", why.to_owned()));
        }
        _ => {}
    }
    // Compared with what was typed: that a password holds the name on file would tell the name.
    let typed_name = match opened.name {
        Name::Confirm => typed.username.as_str(),
        Name::Choose | Name::Keep => login_name,
    };
    let broken = policy::password(&typed.password, (typed_name, &practice.name), minimum);
    wrong.extend(
        broken
            .into_iter()
            .map(|sentence| ("new_password", sentence)),
    );
    if typed.password != typed.again {
        let why = "The two passwords are not the same.";
        wrong.push(("new_password_again", why.to_owned()));
    }
    Ok(wrong)
}

/// What is wrong with the form for this account: told to whoever had the link and what is asked beside it.
async fn taken(
    context: &Context<'_>,
    opened: &Opened,
    typed: &Typed,
    login_name: &str,
) -> Answer<Vec<(&'static str, String)>> {
    let pid = opened.standing.person.pid;
    let mut wrong = Vec::new();
    if opened.name != Name::Keep
        && login_name != opened.held()
        && !credentialing::is_free(context.emr, login_name, pid).await?
    {
        wrong.push(name_taken(opened.name));
    }
    let before = account::by_pid(context.emr, pid).await?;
    if wrong.is_empty()
        && let Some(before) = before
        && password::verify(typed.password.clone(), before.hash).await? == Verdict::Fits
    {
        let why = "Do not use the password you have now.";
        wrong.push(("new_password", why.to_owned()));
    }
    Ok(wrong)
}

fn name_taken(name: Name) -> (&'static str, String) {
    let field = match name {
        Name::Choose => "username",
        Name::Confirm | Name::Keep => "new_username",
    };
    let why = "Somebody else has this username. Choose another one.";
    (field, why.to_owned())
}

/// A link in use.
struct UseOf<'a> {
    context: &'a Context<'a>,
    opened: &'a Opened,
    entry: Entry,
    new: New,
}

enum Spent {
    Done,
    Gone,
    Changed,
}

async fn spend(use_of: &UseOf<'_>, tx: &mut Tx) -> Answer<Spent> {
    let UseOf {
        context,
        opened,
        entry,
        new,
    } = use_of;
    let now = context.seconds();
    let pid = opened.standing.person.pid;
    // Of two who use it at once only the first does.
    if !links::spend(tx, opened.link.id, now).await? {
        return Ok(Spent::Gone);
    }
    match credentialing::write(context.emr, tx, &opened.standing, new).await? {
        Written::Done => {}
        // Taken back with everything else of this transaction: the link is as good as before.
        Written::NameTaken => return Err(Refusal::Conflict(String::new()).into()),
        Written::Changed => return Ok(Spent::Changed),
    }
    links::end(tx, pid, &ENDED, now).await?;
    sessions::end_all(tx, Holder::Patient(pid), now).await?;
    ledger::record(tx, entry).await?;
    Ok(Spent::Done)
}

async fn no(context: &Context<'_>, way: Way, opened: &Opened, why: &str) -> Answer<()> {
    let mut entry = line(context, (way, Outcome::Refused), opened);
    why.clone_into(&mut entry.reason);
    ledger::record_all(&context.emr.db, &[entry]).await
}

fn line(context: &Context<'_>, (way, outcome): (Way, Outcome), opened: &Opened) -> Entry {
    let id = opened.standing.person.uuid;
    let mut entry = context.entry(way.action(), outcome);
    entry.resource = format!("Patient/{id}");
    entry.patient = Some(id);
    if outcome == Outcome::Success {
        entry.actor = format!("Patient/{id}");
    }
    entry
}
