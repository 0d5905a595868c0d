//! An app started by staff for a patient (SMART App Launch 2.2, EHR launch): judged, stored as a token for one app, one
//! member of staff and one use, and turned into the address the browser opens.

use uuid::Uuid;

use crate::auth::Context;
use crate::auth::client;
use crate::auth::request;
use crate::crypto;
use crate::domain::access::Right;
use crate::domain::people::Person;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Failure;
use crate::domain::refusal::Refusal;
use crate::domain::scope::Scope;
use crate::domain::scope::Word;
use crate::emr::colleague::Colleague;
use crate::emr::patients;
use crate::emr::persons;
use crate::store::authorizations::Launched;
use crate::store::clients::Client;
use crate::store::launches;
use crate::store::ledger;
use crate::store::ledger::Outcome;

/// The column of the intent is no longer.
const LONGEST_INTENT: usize = 255;

/// What an app is to be started with, as it was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    /// The app.
    pub client_id: String,
    /// FHIR id of the patient.
    pub patient: String,
    /// FHIR id of the encounter; empty for none.
    pub encounter: String,
    /// What the app is to do (SMART's `intent`); empty for nothing in particular.
    pub intent: String,
    /// Whether the app has to show whose record it is.
    pub banner: bool,
}

/// Starts an app; the address the browser opens, with `iss` and `launch`.
///
/// # Errors
/// `Forbidden` where the access control does not let this member of staff see charts, or visits where one is named;
/// `Invalid` naming the parameter that is wrong; otherwise as [`crate::db::Db::run`].
pub async fn launch(context: &Context<'_>, colleague: &Colleague, wish: &Wish) -> Answer<String> {
    let judged = judge(context, colleague, wish).await;
    let (client, address, launched) = match judged {
        Ok(judged) => judged,
        Err(failure) => {
            refused(context, colleague, (wish, &failure)).await?;
            return Err(failure);
        }
    };
    let token = format!("lt_{}", context.entropy.token()?);
    let hash = crypto::fingerprint(&token);
    let mut entry = context.entry("launch", Outcome::Success);
    entry.actor = format!("Practitioner/{}", colleague.staff.uuid);
    entry.client_id.clone_from(&client.client_id);
    entry.resource = format!("Patient/{}", wish.patient.trim());
    let (staff, now) = (colleague.staff.id, context.seconds());
    context
        .emr
        .db
        .transaction(|tx| {
            let (hash, client_id) = (hash.clone(), client.client_id.clone());
            let (launched, entry) = (launched.clone(), entry.clone());
            Box::pin(async move {
                launches::add(tx, (&hash, &client_id), (staff, &launched), now).await?;
                ledger::record(tx, &entry).await
            })
        })
        .await?;
    Ok(request::answer_address(
        &address,
        &[("iss", context.fhir_base), ("launch", &token)],
    ))
}

/// The app, its launch address, and the context as the tables hold it.
async fn judge(
    context: &Context<'_>,
    colleague: &Colleague,
    wish: &Wish,
) -> Answer<(Client, String, Launched)> {
    if !colleague.active || !colleague.staff.has(Right::Demographics) {
        return Err(Refusal::Forbidden(
            "Your account in OpenEMR does not open patients' charts (Patients: Demographics). An administrator can change that.",
        )
        .into());
    }
    let found = client::in_use(&context.emr.db, &wish.client_id).await?;
    let client = found.ok_or_else(|| {
        Refusal::invalid(
            "client_id",
            "client_id: no app in use here has this id; expected one of the apps on the staff desk.",
        )
    })?;
    let address = client.launch_uri.clone().ok_or_else(|| {
        Refusal::invalid(
            "client_id",
            "client_id: this app is registered without a launch address, so it cannot be started from here; expected an \
             app with a launch_uri.",
        )
    })?;
    if !Scope::has(&Scope::list(&client.scope), &Word::Launch) {
        let why = "client_id: this app is not registered for the scope launch, without which it cannot be started from here.";
        return Err(Refusal::invalid("client_id", why).into());
    }
    let person = patient(context, &wish.patient).await?;
    let encounter = match wish.encounter.trim() {
        "" => None,
        id => Some(encounter(context, colleague, (person, id)).await?),
    };
    let intent = wish.intent.trim();
    if intent.chars().count() > LONGEST_INTENT || intent.chars().any(char::is_control) {
        let why = "intent: expected at most 255 characters without line breaks.";
        return Err(Refusal::invalid("intent", why).into());
    }
    let launched = Launched {
        by: Some(colleague.staff.id),
        patient: Some(person.pid),
        encounter: encounter.map(|id| id.to_string()),
        intent: (!intent.is_empty()).then(|| intent.to_owned()),
        banner: wish.banner,
    };
    Ok((client, address, launched))
}

async fn patient(context: &Context<'_>, id: &str) -> Answer<Person> {
    let wrong = || {
        Refusal::invalid(
            "patient",
            "patient: expected the FHIR id of a patient here.",
        )
    };
    let id = Uuid::try_parse(id.trim()).map_err(|_| wrong())?;
    let person = persons::by_uuid(context.emr, id).await?;
    person.ok_or_else(|| wrong().into())
}

/// A visit of somebody else is no visit: what is not this patient's is as if it were not there (case 32).
async fn encounter(
    context: &Context<'_>,
    colleague: &Colleague,
    (person, id): (Person, &str),
) -> Answer<Uuid> {
    if !colleague.staff.has(Right::Encounters) {
        return Err(Refusal::Forbidden(
            "Your account in OpenEMR does not open visits (Encounters: Notes, any encounters). Start the app without one.",
        )
        .into());
    }
    let wrong = || {
        Refusal::invalid(
            "encounter",
            "encounter: expected the FHIR id of a visit of this patient.",
        )
    };
    let id = Uuid::try_parse(id).map_err(|_| wrong())?;
    let visit = patients::visit_of(context.emr, person, id).await?;
    visit.map(|visit| visit.id).ok_or_else(|| wrong().into())
}

async fn refused(
    context: &Context<'_>,
    colleague: &Colleague,
    (wish, failure): (&Wish, &Failure),
) -> Answer<()> {
    let Failure::Refused(refusal) = failure else {
        return Ok(());
    };
    let mut entry = context.entry("launch", Outcome::Refused);
    entry.reason = match refusal {
        Refusal::Invalid { location, .. } => location.clone(),
        _ => "forbidden".to_owned(),
    };
    entry.actor = format!("Practitioner/{}", colleague.staff.uuid);
    entry.client_id = match wish.client_id.is_ascii() {
        true => wish.client_id.clone(),
        false => String::new(),
    };
    ledger::record_all(&context.emr.db, &[entry]).await
}

#[cfg(test)]
mod tests;
