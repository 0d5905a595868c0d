//! A patient chooses an own login name and password, the only thing this house ever writes into
//! `patient_access_onsite` (OpenEMR facts 2.3, "after successful change").

use crate::auth::Context;
use crate::auth::password;
use crate::auth::password::Verdict;
use crate::auth::policy;
use crate::domain::access::Holder;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Fault;
use crate::emr::account;
use crate::emr::account::Account;
use crate::emr::account::Written;
use crate::store::ledger;
use crate::store::ledger::Outcome;
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
    Wrong(Vec<(&'static str, &'static str)>),
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
    let now = context.seconds();
    let mut entry = context.entry("credentials.change", Outcome::Success);
    entry.actor = format!("Patient/{}", account.person.uuid);
    let written = context
        .emr
        .db
        .transaction(|tx| {
            let (account, entry) = (account.clone(), entry.clone());
            let (username, hash) = (choice.username.clone(), hash.clone());
            Box::pin(async move {
                let written = account::set_credentials(tx, &account, &username, &hash).await?;
                if written == Written::Done {
                    let holder = Holder::Patient(account.person.pid);
                    sessions::end_all(tx, holder, now).await?;
                    ledger::record(tx, &entry).await?;
                }
                Ok(written)
            })
        })
        .await?;
    match written {
        Written::Done => {
            let after = account::by_pid(context.emr, account.person.pid).await?;
            let gone = || Fault::new("reading new credentials", "the account is not there");
            Ok(Chosen::Done(after.ok_or_else(gone)?))
        }
        Written::NameTaken => Ok(Chosen::Wrong(vec![(
            "username",
            "Somebody else has this username. Choose another one.",
        )])),
        Written::Changed => Ok(Chosen::Changed),
    }
}

/// Every broken rule, with its field.
async fn problems(
    context: &Context<'_>,
    account: &Account,
    choice: &Choice,
) -> Answer<Vec<(&'static str, &'static str)>> {
    let practice = context.emr.practice().await?;
    let mut wrong = Vec::new();
    let name = policy::login_name(&choice.username);
    wrong.extend(name.into_iter().map(|sentence| ("username", sentence)));
    let broken = policy::password(&choice.password, &choice.username, &practice.name);
    wrong.extend(
        broken
            .into_iter()
            .map(|sentence| ("new_password", sentence)),
    );
    if choice.password != choice.again {
        wrong.push(("new_password_again", "The two passwords are not the same."));
    }
    if wrong.is_empty() {
        let old = password::verify(choice.password.clone(), account.hash.clone()).await?;
        if old == Verdict::Fits {
            wrong.push(("new_password", "Do not use the password you have now."));
        }
    }
    Ok(wrong)
}
