//! A patient chooses an own login name and password where staff made the first ones (OpenEMR facts 2.3, "after successful
//! change").

use crate::auth::Context;
use crate::auth::password;
use crate::auth::password::Verdict;
use crate::auth::policy;
use crate::auth::redeem::ENDED;
use crate::db::Tx;
use crate::domain::access::Holder;
use crate::domain::accounts::Standing;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Fault;
use crate::emr::account;
use crate::emr::account::Account;
use crate::emr::credentialing;
use crate::emr::credentialing::By;
use crate::emr::credentialing::New;
use crate::emr::credentialing::Written;
use crate::emr::standing;
use crate::store::ledger;
use crate::store::ledger::Entry;
use crate::store::ledger::Outcome;
use crate::store::links;
use crate::store::sessions;

/// What was typed into the form.
#[derive(Clone, PartialEq, Eq)]
pub struct Choice {
    /// The login name.
    pub username: String,
    /// The password.
    pub password: String,
    /// The password again.
    pub again: String,
}

/// How choosing ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Chosen {
    /// Written; the account as it is now.
    Done(Account),
    /// What has to be corrected: name of the field and sentence, every one.
    Wrong(Vec<(&'static str, String)>),
    /// The account changed meanwhile: log in again.
    Changed,
}

/// Writes new credentials for an account, or says what is wrong with them. Every older session, and every token that
/// was made under the old password, ends. `cost` is bcrypt's, [`password::COST`] in a practice.
///
/// # Errors
/// `Unavailable` where too many passwords are being hashed already; otherwise as [`crate::db::Db::run`].
pub async fn choose(
    context: &Context<'_>,
    account: &Account,
    choice: &Choice,
    cost: u32,
) -> Answer<Chosen> {
    let wrong = problems(context, account, choice).await?;
    if !wrong.is_empty() {
        return Ok(Chosen::Wrong(wrong));
    }
    let hash = password::hash(choice.password.clone(), cost, context.entropy).await?;
    let Some(standing) = standing::by_pid(context.emr, account.person.pid).await? else {
        return Ok(Chosen::Changed);
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
    let written = context
        .emr
        .db
        .transaction_about(&work, |work, tx| Box::pin(write(*work, tx)))
        .await?;
    match written {
        Written::Done => {
            let after = account::by_pid(context.emr, account.person.pid).await?;
            let gone = || Fault::new("reading new credentials", "the account is not there");
            Ok(Chosen::Done(after.ok_or_else(gone)?))
        }
        Written::NameTaken => Ok(Chosen::Wrong(vec![(
            "username",
            "Somebody else has this username. Choose another one.".to_owned(),
        )])),
        Written::Changed => Ok(Chosen::Changed),
    }
}

/// Writes credentials of the patient's own: every session ends, and every link that a new password makes useless.
pub(super) async fn write(
    (context, standing, new, entry): (&Context<'_>, &Standing, &New, &Entry),
    tx: &mut Tx,
) -> Answer<Written> {
    let written = credentialing::write(context.emr, tx, standing, new).await?;
    if written == Written::Done {
        let pid = standing.person.pid;
        let now = context.seconds();
        links::end(tx, pid, &ENDED, now).await?;
        sessions::end_all(tx, Holder::Patient(pid), now).await?;
        ledger::record(tx, entry).await?;
    }
    Ok(written)
}

/// Every broken rule, with its field.
async fn problems(
    context: &Context<'_>,
    account: &Account,
    choice: &Choice,
) -> Answer<Vec<(&'static str, String)>> {
    let practice = context.emr.practice().await?;
    let mut wrong = Vec::new();
    let name = policy::login_name(&choice.username);
    let name = name.into_iter();
    wrong.extend(name.map(|sentence| ("username", sentence.to_owned())));
    let names = (choice.username.as_str(), practice.name.as_str());
    let minimum = context.config.accounts.password_minimum;
    let broken = policy::password(&choice.password, names, minimum);
    wrong.extend(
        broken
            .into_iter()
            .map(|sentence| ("new_password", sentence)),
    );
    if choice.password != choice.again {
        let why = "The two passwords are not the same.";
        wrong.push(("new_password_again", why.to_owned()));
    }
    if wrong.is_empty() {
        let old = password::verify(choice.password.clone(), account.hash.clone()).await?;
        if old == Verdict::Fits {
            let why = "Do not use the password you have now.";
            wrong.push(("new_password", why.to_owned()));
        }
    }
    Ok(wrong)
}
