//! The first login of somebody who registered: chosen on the page behind the wizard, in the browser that sent it in. A
//! password that somebody else made is never there (F046, F110).

use super::Registering;
use super::entry;
use crate::auth::Context;
use crate::auth::new_credentials::Choice;
use crate::auth::password;
use crate::auth::policy;
use crate::db::Tx;
use crate::domain::accounts::Standing;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Refusal;
use crate::emr::credentialing;
use crate::emr::credentialing::By;
use crate::emr::credentialing::New;
use crate::emr::credentialing::Written;
use crate::emr::standing;
use crate::store::ledger;
use crate::store::links;
use crate::store::links::Purpose;

/// How choosing ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Chosen {
    /// Written.
    Done,
    /// What has to be corrected: name of the field and sentence, every one.
    Wrong(Vec<(&'static str, String)>),
    /// Somebody else chose, by the link of the letter.
    Changed,
}

/// Another account has the name.
const TAKEN: (&str, &str) = (
    "username",
    "Somebody else has this username. Choose another one.",
);

struct Choosing<'a> {
    context: &'a Context<'a>,
    registering: &'a Registering,
    standing: Standing,
    new: New,
}

/// Writes the first login of a chart that came from this registration, where there is none. `cost` is bcrypt's.
///
/// # Errors
/// `Expired` where the chart is gone or access was taken away; `Unavailable` where too many passwords are being hashed.
pub async fn choose(
    context: &Context<'_>,
    (registering, pid): (&Registering, i64),
    choice: &Choice,
    cost: u32,
) -> Answer<Chosen> {
    let practice = context.emr.practice().await?;
    let mut wrong = Vec::new();
    let name = policy::login_name(&choice.username);
    wrong.extend(
        name.into_iter()
            .map(|sentence| ("username", sentence.to_owned())),
    );
    let names = (choice.username.as_str(), practice.name.as_str());
    let shortest = context.config.accounts.password_minimum;
    let broken = policy::password(&choice.password, names, shortest);
    wrong.extend(
        broken
            .into_iter()
            .map(|sentence| ("new_password", sentence)),
    );
    if choice.password != choice.again {
        wrong.push((
            "new_password_again",
            "The two passwords are not the same.".to_owned(),
        ));
    }
    if !wrong.is_empty() {
        return Ok(Chosen::Wrong(wrong));
    }
    let standing = standing::by_pid(context.emr, pid).await?;
    let standing = standing
        .filter(|chart| chart.allowed)
        .ok_or(Refusal::Expired(
            "Your access is not open. Please call the practice.",
        ))?;
    let hash = password::hash(choice.password.clone(), cost, context.entropy).await?;
    let choosing = Choosing {
        context,
        registering,
        standing,
        new: New {
            login_name: choice.username.clone(),
            hash,
            by: By::Patient,
            before: Some(String::new()),
        },
    };
    let db = &context.emr.db;
    let written = db
        .transaction_about(&choosing, |choosing, tx| Box::pin(write(choosing, tx)))
        .await?;
    Ok(match written {
        Written::Done => Chosen::Done,
        Written::NameTaken => Chosen::Wrong(vec![(TAKEN.0, TAKEN.1.to_owned())]),
        Written::Changed => Chosen::Changed,
    })
}

async fn write(choosing: &Choosing<'_>, tx: &mut Tx) -> Answer<Written> {
    let (context, standing) = (choosing.context, &choosing.standing);
    let written = credentialing::write(context.emr, tx, standing, &choosing.new).await?;
    if written == Written::Done {
        let purposes = [Purpose::Invite, Purpose::Reset];
        links::end(tx, standing.person.pid, &purposes, context.seconds()).await?;
        let id = choosing.registering.registration.id;
        let mut entry = entry(context, "credentials.choose", id);
        entry.resource = format!("Patient/{}", standing.person.uuid);
        entry.patient = Some(standing.person.uuid);
        ledger::record(tx, &entry).await?;
    }
    Ok(written)
}
