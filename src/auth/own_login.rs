//! A patient who is logged in changes the own username or password (portal rules F041, F042; `spec/security.md`, cases 106
//! and 107): the present password is typed again, and every session and app ends, because both are bound to it.

use crate::auth::Context;
use crate::auth::login;
use crate::auth::login::Attempt;
use crate::auth::login::Login;
use crate::auth::new_credentials;
use crate::auth::password;
use crate::auth::policy;
use crate::auth::session;
use crate::auth::who::Who;
use crate::crypto;
use crate::domain::access::Holder;
use crate::domain::refusal::Answer;
use crate::emr::account;
use crate::emr::account::Account;
use crate::emr::credentialing::By;
use crate::emr::credentialing::New;
use crate::emr::credentialing::Written;
use crate::emr::standing;
use crate::store::ledger::Outcome;
use crate::store::sessions;
use crate::store::sessions::Session;

/// What was typed into the form.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Choice {
    /// The login name.
    pub username: String,
    /// The new password; empty where the present one stays.
    pub password: String,
    /// The new password again.
    pub again: String,
}

/// Whether somebody who is logged in is still who they were.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Again {
    /// The password fits.
    Yes,
    /// It does not; the account may be locked or shut out by now.
    No,
    /// Too many attempts: seconds to wait.
    Wait(u64),
}

/// How a change ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Changed {
    /// The cookie of the new session, and the login name.
    Done(String, String),
    /// What has to be corrected: name of the field and sentence.
    Wrong(Vec<(&'static str, String)>),
    /// Too many attempts: seconds to wait.
    Wait(u64),
    /// The account changed meanwhile: log in again.
    Moved,
}

/// Asks for the password once more, under the rules, counters and ledger of the login itself (case 91).
///
/// # Errors
/// As [`login::login`].
pub async fn again(
    context: &Context<'_>,
    account: &Account,
    (password, attempt): (String, Attempt),
) -> Answer<Again> {
    let attempt = Attempt {
        username: account.login_name.clone(),
        email: account.email.clone(),
        password,
        ..attempt
    };
    Ok(match login::login(context, &attempt).await? {
        Login::In(found) if found.person == account.person => Again::Yes,
        Login::Wait(seconds) => Again::Wait(seconds),
        Login::In(_) | Login::MustChange(_) | Login::Refused => Again::No,
    })
}

/// Changes the login. `cost` is bcrypt's, [`password::COST`] in a practice.
///
/// # Errors
/// `Unavailable` where too many passwords are being hashed already; otherwise as [`crate::db::Db::run`].
pub async fn change(
    context: &Context<'_>,
    account: &Account,
    (current, attempt): (String, Attempt),
    choice: &Choice,
    cost: u32,
) -> Answer<Changed> {
    let wrong = problems(context, account, &current, choice).await?;
    if !wrong.is_empty() {
        return Ok(Changed::Wrong(wrong));
    }
    match again(context, account, (current, attempt)).await? {
        Again::Yes => {}
        Again::Wait(seconds) => return Ok(Changed::Wait(seconds)),
        Again::No => {
            let why = "This is not the password you have now.";
            return Ok(Changed::Wrong(vec![("current_password", why.to_owned())]));
        }
    }
    let hash = match choice.password.as_str() {
        "" => account.hash.clone(),
        new => password::hash(new.to_owned(), cost, context.entropy).await?,
    };
    let Some(standing) = standing::by_pid(context.emr, account.person.pid).await? else {
        return Ok(Changed::Moved);
    };
    let mut entry = context.entry("credentials.change", Outcome::Success);
    entry.actor = format!("Patient/{}", account.person.uuid);
    entry.patient = Some(account.person.uuid);
    let new = New {
        login_name: choice.username.clone(),
        hash,
        by: By::Patient,
        before: Some(account.credential()),
    };
    let work = (context, &standing, &new, &entry);
    let db = &context.emr.db;
    let written = db
        .transaction_about(&work, |work, tx| {
            Box::pin(new_credentials::write(*work, tx))
        })
        .await?;
    match written {
        Written::Done => {}
        Written::NameTaken => {
            let why = "Somebody else has this username. Choose another one.";
            return Ok(Changed::Wrong(vec![("username", why.to_owned())]));
        }
        Written::Changed => return Ok(Changed::Moved),
    }
    let Some(after) = account::by_pid(context.emr, account.person.pid).await? else {
        return Ok(Changed::Moved);
    };
    let token = open(context, &after).await?;
    Ok(Changed::Done(token, after.login_name))
}

/// A session under the new password: its id is another one (`spec/security.md` section 0).
async fn open(context: &Context<'_>, account: &Account) -> Answer<String> {
    let token = context.entropy.token()?;
    let session = Session {
        session_hash: crypto::fingerprint(&token),
        holder: Holder::Patient(account.person.pid),
        credential: Who::Patient(account.clone()).credential(),
        acr: session::PASSWORD.to_owned(),
        upstream: None,
        auth_time: context.seconds(),
    };
    let db = &context.emr.db;
    db.transaction_about(&session, |session, tx| {
        Box::pin(async move { sessions::open(tx, session).await })
    })
    .await?;
    Ok(token)
}

async fn problems(
    context: &Context<'_>,
    account: &Account,
    current: &str,
    choice: &Choice,
) -> Answer<Vec<(&'static str, String)>> {
    let practice = context.emr.practice().await?;
    let minimum = context.config.accounts.password_minimum;
    let mut wrong = Vec::new();
    if current.is_empty() {
        let why = "Type the password you have now.";
        wrong.push(("current_password", why.to_owned()));
    }
    if choice.username != account.login_name {
        let broken = policy::login_name(&choice.username).into_iter();
        wrong.extend(broken.map(|sentence| ("username", sentence.to_owned())));
    }
    if choice.password.is_empty() && choice.username == account.login_name {
        let why = "Choose another username, another password, or both.";
        wrong.push(("new_password", why.to_owned()));
    }
    if !choice.password.is_empty() {
        let names = (choice.username.as_str(), practice.name.as_str());
        let broken = policy::password(&choice.password, names, minimum).into_iter();
        wrong.extend(broken.map(|sentence| ("new_password", sentence)));
        if choice.password == current {
            let why = "Do not use the password you have now.";
            wrong.push(("new_password", why.to_owned()));
        }
    }
    if choice.password != choice.again {
        let why = "The two passwords are not the same.";
        wrong.push(("new_password_again", why.to_owned()));
    }
    Ok(wrong)
}
