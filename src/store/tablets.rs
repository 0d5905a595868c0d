//! Tablets that are handed over for one form (`anteroom_tablet`): a link that is opened once, and the device that opened it, both
//! known by their fingerprints alone.

use sqlx::FromRow;
use uuid::Uuid;

use crate::db::Db;
use crate::db::Tx;
use crate::db::sql::Sql;
use crate::domain::people::Person;
use crate::domain::refusal::Answer;

/// How long a link waits to be opened, and how long whoever opened it may take, in seconds.
pub const LASTS: i64 = 600;

const INSERT: &str = "INSERT INTO anteroom_tablet \
    (id, token_hash, device, document, pid, patient, made_by, created, expires, opened, ended) \
    VALUES (?, ?, NULL, ?, ?, ?, ?, ?, ?, NULL, NULL)";

/// With how often the form was signed on this very device.
const SELECT: &str = "SELECT t.id, t.document, t.pid, t.patient, t.made_by, t.created, t.expires, t.opened, t.ended, \
    (SELECT COUNT(*) FROM anteroom_signature s WHERE s.document = t.document AND s.witness = t.made_by \
        AND s.signed >= t.opened * 1000 AND s.signed <= t.ended * 1000 + 999) AS signatures FROM anteroom_tablet t";

/// One statement, so that of two devices one opens it.
const OPEN: &str = "UPDATE anteroom_tablet SET device = ?, opened = ?, expires = ? \
    WHERE token_hash = ? AND opened IS NULL AND ended IS NULL AND expires > ?";

/// Another link for the same form ends the one before, and so does its signature.
const END: &str = "UPDATE anteroom_tablet SET ended = ? WHERE document = ? AND ended IS NULL";

/// A tablet as it stands.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct Tablet {
    id: Vec<u8>,
    /// `onsite_documents.id`
    pub document: i64,
    pid: i64,
    patient: Vec<u8>,
    made_by: Vec<u8>,
    /// When it was made, in seconds since 1970.
    pub created: i64,
    /// Until when it works.
    pub expires: i64,
    /// When it was opened.
    pub opened: Option<i64>,
    /// When it was over.
    pub ended: Option<i64>,
    /// How often the form was signed on it.
    pub signatures: i64,
}

/// A link to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewTablet {
    /// Its id.
    pub id: Uuid,
    /// Fingerprint of its token.
    pub token_hash: String,
    /// `onsite_documents.id`
    pub document: i64,
    /// Whose form.
    pub person: Person,
    /// Who hands it over, as FHIR id.
    pub made_by: Uuid,
}

impl Tablet {
    /// Its id.
    pub fn id(&self) -> Uuid {
        Uuid::from_slice(&self.id).unwrap_or_default()
    }

    /// Whose form.
    pub fn person(&self) -> Person {
        Person {
            pid: self.pid,
            uuid: Uuid::from_slice(&self.patient).unwrap_or_default(),
        }
    }

    /// Who handed it over.
    pub fn made_by(&self) -> Uuid {
        Uuid::from_slice(&self.made_by).unwrap_or_default()
    }

    /// Whether it may still be used.
    pub fn works(&self, now: i64) -> bool {
        self.ended.is_none() && self.expires > now
    }
}

/// Makes a link; earlier ones for the same form end.
///
/// # Errors
/// As [`Tx::run`].
pub async fn insert(tx: &mut Tx, new: &NewTablet, now: i64) -> Answer<()> {
    end_all(tx, new.document, now).await?;
    let sql = Sql::new(INSERT)
        .bind(new.id)
        .bind(&new.token_hash)
        .bind(new.document)
        .bind(new.person.pid)
        .bind(new.person.uuid)
        .bind(new.made_by)
        .bind(now)
        .bind(now + LASTS);
    tx.run(sql).await.map(|_| ())
}

/// The tablet of a link.
///
/// # Errors
/// As [`Db::one`].
pub async fn by_token(db: &Db, token_hash: &str) -> Answer<Option<Tablet>> {
    let sql = Sql::new(SELECT).push(" WHERE t.token_hash = ?");
    db.one(sql.bind(token_hash)).await
}

/// The tablet of a device.
///
/// # Errors
/// As [`Db::one`].
pub async fn by_device(db: &Db, device: &str) -> Answer<Option<Tablet>> {
    let sql = Sql::new(SELECT).push(" WHERE t.device = ?");
    db.one(sql.bind(device)).await
}

/// Opens a link for a device; whether it was the first.
///
/// # Errors
/// As [`Tx::run`].
pub async fn open(tx: &mut Tx, (token_hash, device): (&str, &str), now: i64) -> Answer<bool> {
    let sql = Sql::new(OPEN)
        .bind(device)
        .bind(now)
        .bind(now + LASTS)
        .bind(token_hash)
        .bind(now);
    Ok(tx.run(sql).await? == 1)
}

/// All tablets with a form are over.
///
/// # Errors
/// As [`Tx::run`].
pub async fn end_all(tx: &mut Tx, document: i64, now: i64) -> Answer<()> {
    let sql = Sql::new(END).bind(now).bind(document);
    tx.run(sql).await.map(|_| ())
}

/// The last tablets of a patient, the newest first.
///
/// # Errors
/// As [`Db::all`].
pub async fn of(db: &Db, person: Person) -> Answer<Vec<Tablet>> {
    let sql = Sql::new(SELECT)
        .push(" WHERE t.pid = ? AND t.patient = ? ORDER BY t.created DESC, t.id LIMIT 10")
        .bind(person.pid)
        .bind(person.uuid);
    db.all(sql).await
}
