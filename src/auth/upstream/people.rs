//! Which member of staff an account at the identity provider is. The account is issuer and subject and nothing else; an
//! e-mail address or user name says it once, at the first login, and is never asked again
//! (`spec/security.md`, cases 78 and 79).

use serde_json::Value;

use crate::auth::Context;
use crate::auth::upstream;
use crate::auth::upstream::Doubt;
use crate::auth::upstream::Trouble;
use crate::auth::upstream::proof::Proof;
use crate::config::StaffIdp;
use crate::domain::access::Holder;
use crate::domain::refusal::Answer;
use crate::emr::Emr;
use crate::emr::colleague;
use crate::emr::colleague::Colleague;
use crate::store::grants;
use crate::store::ledger;
use crate::store::ledger::Entry;
use crate::store::ledger::Outcome;
use crate::store::sessions;
use crate::store::staff_links;

/// Who somebody is that proved an account; the first time the account is linked.
pub(super) async fn of_proof(
    context: &Context<'_>,
    idp: &StaffIdp,
    proof: &Proof,
) -> Result<Colleague, Trouble> {
    let account = upstream::subject_hash(idp, &proof.subject);
    if let Some(id) = staff_links::find(&context.emr.db, &account).await? {
        return linked(context, id).await;
    }
    let colleague = named(context, idp, proof).await?;
    if staff_links::is_linked(&context.emr.db, colleague.staff.id).await? {
        return Err(taken(&colleague).into());
    }
    if link(context, &account, &colleague).await? {
        return Ok(colleague);
    }
    // Another login was first: of the same account, or of another one for the same user.
    match staff_links::find(&context.emr.db, &account).await? {
        Some(id) => linked(context, id).await,
        None => Err(taken(&colleague).into()),
    }
}

/// The user an account was linked with, who may have been switched off since.
async fn linked(context: &Context<'_>, id: i64) -> Result<Colleague, Trouble> {
    let found = colleague::by_id(context.emr, id).await?;
    let Some(colleague) = found.filter(|one| one.active) else {
        return Err(Doubt::new("inactive", INACTIVE).into());
    };
    let mut entry = context.entry("login", Outcome::Success);
    entry.actor = format!("Practitioner/{}", colleague.staff.uuid);
    ledger::record_all(&context.emr.db, &[entry]).await?;
    Ok(colleague)
}

const INACTIVE: &str = "Your account in this practice's OpenEMR is switched off. Please ask the practice's administrator.";

const UNKNOWN: &str = "You are logged in there, but no active user of this practice's OpenEMR";

/// Who the ID token names.
async fn named(context: &Context<'_>, idp: &StaffIdp, proof: &Proof) -> Result<Colleague, Trouble> {
    let value = proof.claims.get(&idp.claim).and_then(Value::as_str);
    let Some(value) = value.map(str::trim).filter(|value| !value.is_empty()) else {
        let sentence = format!(
            "The login page of this practice does not tell who you are: its ID token has no {}. Who looks after it: see staff_idp_claim.",
            idp.claim
        );
        return Err(Doubt::new("no-claim", sentence).into());
    };
    if idp.claim != "email" {
        let found = colleague::by_username(context.emr, value).await?;
        return match found {
            Some(colleague) if colleague.active => Ok(colleague),
            Some(_) => Err(Doubt::new("inactive", INACTIVE).into()),
            None => Err(Doubt::new("unknown", format!("{UNKNOWN} has that user name.")).into()),
        };
    }
    // The boolean and nothing that looks like it.
    if proof.claims.get("email_verified") != Some(&Value::Bool(true)) {
        return Err(Doubt::new(
            "unverified",
            "The login page of this practice has not verified your e-mail address, so it does not tell who you are. Have it verified there and log in again.",
        )
        .into());
    }
    let mut found = colleague::by_email(context.emr, value).await?;
    found.retain(|one| one.active);
    match (found.pop(), found.is_empty()) {
        (Some(colleague), true) => Ok(colleague),
        (Some(_), false) => Err(Doubt::new(
            "ambiguous",
            "More than one user of this practice's OpenEMR has your e-mail address. Please ask the practice's administrator.",
        )
        .into()),
        (None, _) => Err(Doubt::new("unknown", format!("{UNKNOWN} has your e-mail address.")).into()),
    }
}

fn taken(colleague: &Colleague) -> Doubt {
    Doubt::new(
        "taken",
        format!(
            "This user already logs in with another account of the login page. If this account is to take its place, an administrator runs: anteroom staff unlink {}",
            colleague.username
        ),
    )
}

async fn link(context: &Context<'_>, account: &str, colleague: &Colleague) -> Answer<bool> {
    let (now, staff) = (context.seconds(), colleague.staff.id);
    let mut entry = context.entry("login", Outcome::Success);
    entry.actor = format!("Practitioner/{}", colleague.staff.uuid);
    let mut linking = context.entry("staff.link", Outcome::Success);
    linking.actor = entry.actor.clone();
    context
        .emr
        .db
        .transaction(|tx| {
            let (account, entries) = (account.to_owned(), [linking.clone(), entry.clone()]);
            Box::pin(async move {
                if !staff_links::add(tx, &account, staff, now).await? {
                    return Ok(false);
                }
                for entry in &entries {
                    ledger::record(tx, entry).await?;
                }
                Ok(true)
            })
        })
        .await
}

/// Every member of staff with an account in OpenEMR, and whether an account of the identity provider is theirs.
///
/// # Errors
/// As [`crate::db::Db::all`].
pub async fn all(emr: &Emr) -> Answer<Vec<(Colleague, bool)>> {
    let linked = staff_links::all(&emr.db).await?;
    let all = colleague::all(emr).await?;
    let with = |one: Colleague| {
        let linked = linked.contains(&one.staff.id);
        (one, linked)
    };
    Ok(all.into_iter().map(with).collect())
}

/// Takes the link of a user back, and ends what was opened by it; whether there was one. Done on the command line.
///
/// # Errors
/// As [`crate::db::Db::run`].
pub async fn unlink(emr: &Emr, colleague: &Colleague) -> Answer<bool> {
    let now = emr.now();
    let (staff, seconds) = (colleague.staff.id, now.unix_timestamp());
    let mut entry = Entry::new("staff.unlink", Outcome::Success, now);
    entry.actor = "system".to_owned();
    entry.resource = format!("Practitioner/{}", colleague.staff.uuid);
    let given = grants::of_holder(&emr.db, Holder::Staff(staff), seconds).await?;
    let ids: Vec<String> = given.into_iter().map(|given| given.id).collect();
    emr.db
        .transaction(|tx| {
            let (entry, ids) = (entry.clone(), ids.clone());
            Box::pin(async move {
                if !staff_links::remove(tx, staff).await? {
                    return Ok(false);
                }
                sessions::end_all(tx, Holder::Staff(staff), seconds).await?;
                for id in &ids {
                    grants::revoke_all(tx, id, seconds).await?;
                }
                ledger::record(tx, &entry).await?;
                Ok(true)
            })
        })
        .await
}
