//! What this house knows of a form beside OpenEMR's row (`anteroom_form`), and its signatures (`anteroom_signature`), which
//! are written once and never changed but for being void.

use time::Duration;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::db::Tx;
use crate::db::sql::Sql;
use crate::domain::forms::How;
use crate::domain::people::Person;
use crate::domain::refusal::Answer;
use crate::store::reviews::millis;

const NEW: &str = "anteroom_form (document, pid, template, category, put_by, reason, filed, created) \
    VALUES (?, ?, ?, ?, ?, '', NULL, ?)";

const ANEW: &str = "UPDATE anteroom_form SET pid = ?, template = ?, category = ?, put_by = ?, reason = '', filed = NULL, \
    created = ? WHERE document = ?";

/// As OpenEMR gave the number of a form that was deleted to another one, and nobody noticed yet.
const BEFORE: &str = " AND created < ?";

/// How much later than what is known of it a form may seem made: in the night the clocks go back an hour comes twice.
pub const TWICE: Duration = Duration::HOUR;

const FILED: &str = "UPDATE anteroom_form SET filed = ?, reason = '' WHERE document = ?";

const GIVEN_BACK: &str = "UPDATE anteroom_form SET reason = ? WHERE document = ?";

const SIGN: &str = "INSERT INTO anteroom_signature \
    (id, document, pid, patient, name, how, picture, hash, signed, client_id, witness, voided) \
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, NULL)";

const VOID: &str = "UPDATE anteroom_signature SET voided = ? WHERE document = ? AND voided IS NULL";

/// A form's row of this house.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewForm {
    /// `onsite_documents.id`
    pub document: i64,
    /// `patient_data.pid`
    pub pid: i64,
    /// The Questionnaire it was made of; empty where OpenEMR made it.
    pub template: String,
    /// The category of the chart it goes to; 0 where none was chosen.
    pub category: i64,
    /// Who put it there: `users.id`.
    pub put_by: i64,
    /// When.
    pub at: OffsetDateTime,
}

/// A signature to be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewSignature<'a> {
    /// Its id.
    pub id: Uuid,
    /// `onsite_documents.id`
    pub document: i64,
    /// Who signed.
    pub person: Person,
    /// The name.
    pub name: &'a str,
    /// How.
    pub how: How,
    /// The picture.
    pub picture: &'a str,
    /// SHA3-512 of what was signed.
    pub hash: &'a str,
    /// When.
    pub at: OffsetDateTime,
    /// Through which app; empty for the pages.
    pub client_id: &'a str,
    /// Who handed over the tablet.
    pub witness: Option<Uuid>,
}

/// Keeps what is known of a form that was put there just now; whether its number was another's before. OpenEMR may give the
/// number of a form that was deleted to the next one: of that nothing stays, and what was signed of it is void.
///
/// # Errors
/// As [`Tx::run`].
pub async fn begin(tx: &mut Tx, form: &NewForm) -> Answer<bool> {
    if insert(tx, form).await? {
        return Ok(false);
    }
    tx.run(anew(form)).await?;
    let void = Sql::new(VOID).bind(millis(form.at)).bind(form.document);
    tx.run(void).await?;
    Ok(true)
}

/// Keeps what is known of a form that OpenEMR made, then. Where something is known already it stays, unless it is of another
/// form that had the number before.
///
/// # Errors
/// As [`Tx::run`].
pub async fn found(tx: &mut Tx, form: &NewForm, made: Option<OffsetDateTime>) -> Answer<()> {
    if insert(tx, form).await? {
        return Ok(());
    }
    let Some(made) = made else {
        return Ok(());
    };
    let sql = anew(form).push(BEFORE).bind(millis(made - TWICE));
    tx.run(sql).await.map(|_| ())
}

fn anew(form: &NewForm) -> Sql {
    Sql::new(ANEW)
        .bind(form.pid)
        .bind(&form.template)
        .bind(form.category)
        .bind(form.put_by)
        .bind(millis(form.at))
        .bind(form.document)
}

/// Keeps what is known of a form; where something is known already it stays. Whether nothing was.
async fn insert(tx: &mut Tx, form: &NewForm) -> Answer<bool> {
    let begin = tx.insert_new();
    let sql = Sql::new(begin)
        .push(NEW)
        .bind(form.document)
        .bind(form.pid)
        .bind(&form.template)
        .bind(form.category)
        .bind(form.put_by)
        .bind(millis(form.at));
    Ok(tx.run(sql).await? == 1)
}

/// It is a document of the chart now: `documents.id`.
///
/// # Errors
/// As [`Tx::run`].
pub async fn filed(tx: &mut Tx, document: i64, chart: i64) -> Answer<()> {
    let sql = Sql::new(FILED).bind(chart).bind(document);
    tx.run(sql).await.map(|_| ())
}

/// Staff gave it back, and why: its signature is void.
///
/// # Errors
/// As [`Tx::run`].
pub async fn given_back(
    tx: &mut Tx,
    document: i64,
    (reason, at): (&str, OffsetDateTime),
) -> Answer<()> {
    let sql = Sql::new(GIVEN_BACK).bind(reason).bind(document);
    tx.run(sql).await?;
    let sql = Sql::new(VOID).bind(millis(at)).bind(document);
    tx.run(sql).await.map(|_| ())
}

/// Keeps a signature. One that was given before, and that OpenEMR took back by opening the form again, is void.
///
/// # Errors
/// As [`Tx::run`].
pub async fn sign(tx: &mut Tx, signature: &NewSignature<'_>) -> Answer<()> {
    let before = Sql::new(VOID)
        .bind(millis(signature.at))
        .bind(signature.document);
    tx.run(before).await?;
    let sql = Sql::new(SIGN)
        .bind(signature.id)
        .bind(signature.document)
        .bind(signature.person.pid)
        .bind(signature.person.uuid)
        .bind(signature.name)
        .bind(signature.how.word())
        .bind(signature.picture)
        .bind(signature.hash)
        .bind(millis(signature.at))
        .bind(signature.client_id)
        .bind(signature.witness);
    tx.run(sql).await.map(|_| ())
}
