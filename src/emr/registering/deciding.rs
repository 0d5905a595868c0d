//! What becomes of a registration behind its chart: staff let in or refuse, a letter goes out with the link to choose a
//! login, and where it does not arrive the provider is told.

use serde_json::Value as Json;
use serde_json::json;
use sqlx::FromRow;
use uuid::Uuid;

use super::opening::waits;
use crate::crypto;
use crate::db::Tx;
use crate::db::sql::Sql;
use crate::domain::access::Holder;
use crate::domain::people::Person;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Refusal;
use crate::emr::Emr;
use crate::emr::credentialing;
use crate::emr::people::tidy;
use crate::emr::standing;
use crate::emr::tracking;
use crate::emr::uuids;
use crate::store::accounts;
use crate::store::accounts::Mark;
use crate::store::grants;
use crate::store::links;
use crate::store::links::NewLink;
use crate::store::links::Purpose;
use crate::store::outbox;
use crate::store::outbox::Letter;
use crate::store::outbox::NewLetter;
use crate::store::registrations;
use crate::store::registrations::Registration;
use crate::store::reviews::Review;
use crate::store::sessions;

/// How a note about a letter that did not arrive is headed (G14).
const FAILED: &str = "Failed Registration";

/// How long a welcome works, in seconds: as an invitation (`spec/security.md` section 0).
const WELCOME: i64 = 72 * 3600;

/// Exactly `YES` lets a patient in (OpenEMR facts 1.1).
const LET_IN: &str = "UPDATE patient_data SET allow_patient_portal = ? WHERE pid = ? AND uuid = ?";

const CHART: &str = "SELECT p.uuid, p.email, p.hipaa_allowemail, p.language, CAST(p.providerID AS CHAR) AS provider \
    FROM patient_data p WHERE p.pid = ?";

#[derive(FromRow)]
struct Chart {
    uuid: Option<Vec<u8>>,
    email: Option<String>,
    hipaa_allowemail: Option<String>,
    language: Option<String>,
    provider: Option<String>,
}

/// Staff let somebody in who registered, or take notice of it where the confirmed address did (F119).
///
/// # Errors
/// `Conflict` where the chart is gone.
pub(in crate::emr) async fn accept(emr: &Emr, tx: &mut Tx, review: &Review) -> Answer<()> {
    if !waits(review) {
        return Ok(());
    }
    let person = review.person();
    access(tx, person, "YES").await?;
    match registrations::of_chart(tx, person.pid).await? {
        Some(registration) => welcome(emr, tx, &registration, person).await,
        None => Ok(()),
    }
}

/// Staff refuse somebody who registered: the chart stays, access is off, and a letter says why.
///
/// # Errors
/// `Conflict` where the chart is gone.
pub(in crate::emr) async fn reject(
    emr: &Emr,
    tx: &mut Tx,
    (review, reason): (&Review, &str),
) -> Answer<()> {
    let person = review.person();
    let now = emr.now().unix_timestamp();
    access(tx, person, "NO").await?;
    links::end(tx, person.pid, &links::OF_ACCESS, now).await?;
    sessions::end_all(tx, Holder::Patient(person.pid), now).await?;
    grants::end_of_patient(tx, person.pid, now).await?;
    let told = json!({ "reason": reason });
    letter(emr, tx, person, (Letter::NotApproved, told, None)).await
}

async fn access(tx: &mut Tx, person: Person, word: &'static str) -> Answer<()> {
    // How many rows changed says nothing: MariaDB counts none where the word was there already.
    let chart: Option<Chart> = tx.one(Sql::new(CHART).bind(person.pid)).await?;
    let here = chart.and_then(|chart| uuids::known(chart.uuid.as_deref()));
    if here != Some(person.uuid) {
        let why = "The chart of this registration is gone, so there is nobody to let in.";
        return Err(Refusal::Conflict(why.to_owned()).into());
    }
    let sql = Sql::new(LET_IN)
        .bind(word)
        .bind(person.pid)
        .bind(person.uuid);
    tx.run(sql).await?;
    accounts::remember(tx, person.pid, &Mark::Registered(None)).await
}

/// The letter with the link to choose a login, unless there is one already (F110: a link once instead of a password).
pub(super) async fn welcome(
    emr: &Emr,
    tx: &mut Tx,
    registration: &Registration,
    person: Person,
) -> Answer<()> {
    let now = emr.now().unix_timestamp();
    let bound = credentialing::fingerprint_now(tx, person.pid).await?;
    if !bound.is_empty() {
        return Ok(());
    }
    let chart: Option<Chart> = tx.one(Sql::new(CHART).bind(person.pid)).await?;
    let address = tidy(chart.and_then(|chart| chart.email));
    links::end(tx, person.pid, &[Purpose::Invite, Purpose::Reset], now).await?;
    let (id, token_hash) = registration.invite.clone();
    let link = NewLink {
        id,
        token_hash,
        purpose: Purpose::Invite,
        pid: Some(person.pid),
        // As `auth::links::address_hash` makes it.
        address: crypto::fingerprint(&address.to_lowercase()),
        bound,
        factor: registration.factor.clone(),
        pin_hash: None,
        created: now,
        expires: now + WELCOME,
    };
    links::add(tx, &link).await?;
    let told = json!({ "factor": registration.factor, "hours": WELCOME / 3600 });
    letter(emr, tx, person, (Letter::Welcome, told, Some(id))).await?;
    accounts::remember(tx, person.pid, &Mark::Invited(Some(now))).await
}

/// A letter to whoever registered, where the chart still says that one may be sent.
async fn letter(
    emr: &Emr,
    tx: &mut Tx,
    person: Person,
    (letter, told, link): (Letter, Json, Option<Uuid>),
) -> Answer<()> {
    let chart: Option<Chart> = tx.one(Sql::new(CHART).bind(person.pid)).await?;
    let Some(chart) = chart.filter(|chart| chart.hipaa_allowemail.as_deref() == Some("YES")) else {
        return Ok(());
    };
    let address = tidy(chart.email);
    if address.is_empty() {
        return Ok(());
    }
    let new = NewLetter {
        letter,
        pid: Some(person.pid),
        address,
        language: standing::language(chart.language.as_deref().unwrap_or_default()),
        told,
        link,
        created: emr.now().unix_timestamp(),
    };
    outbox::put(tx, &new).await.map(|_| ())
}

/// Tells the provider of every welcome that was given up, once each (G14).
///
/// # Errors
/// As [`crate::db::Db::run`].
pub async fn undelivered(emr: &Emr) -> Answer<u64> {
    let mut told = 0;
    for registration in registrations::undelivered(&emr.db).await? {
        let work = (emr, &registration);
        told += emr
            .db
            .transaction_about(&work, |(emr, registration), tx| {
                Box::pin(failed(emr, tx, registration))
            })
            .await?;
    }
    Ok(told)
}

async fn failed(emr: &Emr, tx: &mut Tx, registration: &Registration) -> Answer<u64> {
    let now = emr.now().unix_timestamp();
    let (Some(pid), true) = (
        registration.pid,
        registrations::told(tx, registration.id, now).await?,
    ) else {
        return Ok(0);
    };
    let chart: Option<Chart> = tx.one(Sql::new(CHART).bind(pid)).await?;
    let Some(chart) = chart else {
        return Ok(0);
    };
    let text = "The letter with which this patient was to choose a login could not be delivered. Please check the e-mail \
        address, and invite the patient again or hand a login over in person.";
    tracking::headed(emr, tx, FAILED, (pid, chart.provider.as_deref(), text)).await?;
    Ok(1)
}
