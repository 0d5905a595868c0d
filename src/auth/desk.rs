//! What staff do at the desk: every step is judged by the rights the database holds at that moment, and told in the
//! ledger with the name of who did it.

use uuid::Uuid;

use crate::auth::Context;
use crate::auth::authorize;
use crate::auth::authorize::Pending;
use crate::auth::session;
use crate::auth::session::Visitor;
use crate::auth::who::Audience;
use crate::auth::who::Who;
use crate::crypto;
use crate::domain::access::Holder;
use crate::domain::access::Right;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Refusal;
use crate::emr::colleague::Colleague;
use crate::emr::mail::colleagues;
use crate::emr::patients;
use crate::emr::patients::Found;
use crate::emr::patients::Visit;
use crate::store::authorizations;
use crate::store::grants;
use crate::store::ledger;
use crate::store::ledger::Outcome;
use crate::store::sessions;
use crate::store::sessions::Session;

/// Whoever is logged in as staff in this browser, with the rights of now.
///
/// # Errors
/// As [`crate::db::Db::all`].
pub async fn member(context: &Context<'_>, visitor: Visitor<'_>) -> Answer<Option<Colleague>> {
    let current = session::current(context, visitor, Audience::Staff).await?;
    Ok(current.and_then(colleague))
}

/// The same for what nobody asked for: it keeps no login alive.
///
/// # Errors
/// As [`crate::db::Db::all`].
pub async fn seen(context: &Context<'_>, visitor: Visitor<'_>) -> Answer<Option<Colleague>> {
    let seen = session::seen(context, visitor, Audience::Staff).await?;
    Ok(seen.and_then(colleague))
}

fn colleague((_, who): (Session, Who)) -> Option<Colleague> {
    match who {
        Who::Staff(colleague) => Some(colleague),
        Who::Patient(_) => None,
    }
}

/// How the ledger names a colleague.
pub fn actor(colleague: &Colleague) -> String {
    format!("Practitioner/{}", colleague.staff.uuid)
}

/// That a colleague has a right; a no is told in the ledger (F161, F164).
///
/// # Errors
/// `Forbidden`, in words that say what is missing; otherwise as [`crate::db::Db::run`].
pub async fn need(context: &Context<'_>, colleague: &Colleague, right: Right) -> Answer<()> {
    if colleague.active && colleague.staff.has(right) {
        return Ok(());
    }
    let mut entry = context.entry("staff.desk", Outcome::Refused);
    entry.actor = actor(colleague);
    let known = Right::ALL.iter().find(|(known, ..)| *known == right);
    if let Some((_, section, value)) = known {
        entry.reason = format!("needs {section}|{value}");
    }
    ledger::record_all(&context.emr.db, &[entry]).await?;
    Err(Refusal::Forbidden(missing(right)).into())
}

/// That a colleague takes part in the portal, so that patients write to them (F141); a no is told in the ledger (F164).
///
/// # Errors
/// `Forbidden`, in words that say what is missing; otherwise as [`crate::db::Db::run`].
pub async fn need_part(context: &Context<'_>, colleague: &Colleague) -> Answer<()> {
    if colleagues::takes_part(context.emr, colleague.staff.id).await? {
        return Ok(());
    }
    let mut entry = context.entry("staff.desk", Outcome::Refused);
    entry.actor = actor(colleague);
    "needs users.portal_user".clone_into(&mut entry.reason);
    ledger::record_all(&context.emr.db, &[entry]).await?;
    Err(Refusal::Forbidden(NO_PART).into())
}

const NO_PART: &str = "Patients cannot write to you: your account in OpenEMR does not take part in the patient portal. An \
    administrator switches that on at the desk, under Who takes messages, or in your user settings in OpenEMR.";

/// Whom to ask for a right, and for which.
const fn missing(right: Right) -> &'static str {
    match right {
        Right::Portal => {
            "Your account in OpenEMR does not open the patient portal's desk (Patient Portal). Somebody who administers \
             OpenEMR can give it to you there, under Admin, ACL."
        }
        Right::Demographics => {
            "Your account in OpenEMR does not open patients' charts (Patients: Demographics). Somebody who administers \
             OpenEMR can give it to you there, under Admin, ACL."
        }
        _ => {
            "Your account in OpenEMR does not open this. Somebody who administers OpenEMR can give it to you there, under \
             Admin, ACL."
        }
    }
}

/// The patients that fit a search. Looking is told in the ledger; what was typed is not.
///
/// # Errors
/// As [`need`].
pub async fn search(
    context: &Context<'_>,
    colleague: &Colleague,
    (text, right): (&str, Right),
) -> Answer<Vec<Found>> {
    need(context, colleague, right).await?;
    let found = patients::search(context.emr, text).await?;
    let mut entry = context.entry("patient.search", Outcome::Success);
    entry.actor = actor(colleague);
    "Patient".clone_into(&mut entry.resource);
    ledger::record_all(&context.emr.db, &[entry]).await?;
    Ok(found)
}

/// A patient as the desk shows one before an app is started, with their visits where this member of staff may see them;
/// `None` where there is no such patient. Looking is told in the ledger.
///
/// # Errors
/// As [`need`].
pub async fn open(
    context: &Context<'_>,
    colleague: &Colleague,
    patient: &str,
) -> Answer<Option<(Found, Vec<Visit>)>> {
    need(context, colleague, Right::Demographics).await?;
    let found = match Uuid::try_parse(patient) {
        Ok(id) => patients::by_id(context.emr, id).await?,
        Err(_) => None,
    };
    let Some(found) = found else {
        return Ok(None);
    };
    let visits = match colleague.staff.has(Right::Encounters) {
        true => patients::visits(context.emr, found.person).await?,
        false => Vec::new(),
    };
    let mut entry = context.entry("patient.open", Outcome::Success);
    entry.actor = actor(colleague);
    entry.resource = format!("Patient/{}", found.person.uuid);
    ledger::record_all(&context.emr.db, &[entry]).await?;
    Ok(Some((found, visits)))
}

/// Sets the patient an app gets, which it asked staff to choose.
///
/// # Errors
/// `Invalid` where there is no such patient, `Expired` where the request has ended; otherwise as [`need`].
pub async fn choose(
    context: &Context<'_>,
    (pending, colleague): (&Pending, &Colleague),
    patient: &str,
) -> Answer<()> {
    need(context, colleague, Right::Demographics).await?;
    let found = match Uuid::try_parse(patient) {
        Ok(id) => patients::by_id(context.emr, id).await?,
        Err(_) => None,
    };
    let found = found.ok_or_else(|| {
        Refusal::invalid("patient", "There is no such patient. Please search again.")
    })?;
    let mut entry = context.entry("patient.choose", Outcome::Success);
    entry.actor = actor(colleague);
    entry.client_id = pending.asked.client_id.clone().unwrap_or_default();
    entry.resource = format!("Patient/{}", found.person.uuid);
    let now = context.seconds();
    let done = context
        .emr
        .db
        .transaction(|tx| {
            let (id, entry) = (pending.asked.id.clone(), entry.clone());
            Box::pin(async move {
                let done = authorizations::choose(tx, &id, found.person.pid, now).await?;
                if done {
                    ledger::record(tx, &entry).await?;
                }
                Ok(done)
            })
        })
        .await?;
    done.then_some(()).ok_or_else(authorize::ended)
}

/// Ends the session of a colleague in this browser. Ending one that has ended is no error.
///
/// # Errors
/// As [`crate::db::Db::run`].
pub async fn log_out(context: &Context<'_>, visitor: Visitor<'_>) -> Answer<()> {
    let Some(token) = visitor.staff else {
        return Ok(());
    };
    let mut entry = context.entry("staff.logout", Outcome::Success);
    let (hash, now) = (crypto::fingerprint(token), context.seconds());
    // What an app got for as long as the login lasts ends with it, its access token too.
    let mut ending = Vec::new();
    if let Some(colleague) = member(context, visitor).await? {
        entry.actor = actor(&colleague);
        let holder = Holder::Staff(colleague.staff.id);
        let given = grants::of_holder(&context.emr.db, holder, now).await?;
        let with_login = given
            .into_iter()
            .filter(|given| given.session_hash.as_ref() == Some(&hash));
        ending.extend(with_login.map(|given| given.id));
    }
    context
        .emr
        .db
        .transaction(|tx| {
            let (hash, ending, entry) = (hash.clone(), ending.clone(), entry.clone());
            Box::pin(async move {
                sessions::end(tx, &hash, now).await?;
                for grant in &ending {
                    grants::revoke_all(tx, grant, now).await?;
                }
                ledger::record(tx, &entry).await
            })
        })
        .await
}
