//! People who register themselves (`anteroom_registration`): what they typed, kept for the browser that typed it until
//! there is a chart or the time is over. Nothing here is a patient yet.

use serde_json::Value as Json;
use sqlx::FromRow;
use uuid::Uuid;

use crate::db::Db;
use crate::db::Tx;
use crate::db::sql::Sql;
use crate::domain::refusal::Answer;

const INSERT: &str = "INSERT INTO anteroom_registration \
    (id, address, fields, browser, status, pid, invite, invite_hash, factor, undelivered, created, submitted, expires) \
    VALUES (?, ?, ?, NULL, 'started', NULL, ?, ?, ?, NULL, ?, NULL, ?)";

const SELECT: &str = "SELECT id, address, fields, browser, status, pid, invite, invite_hash, factor, created, submitted, \
    expires FROM anteroom_registration WHERE ";

/// The state is compared again: what was sent in is not typed over.
const KEEP: &str =
    "UPDATE anteroom_registration SET fields = ?, browser = ? WHERE id = ? AND status = 'started'";

const SETTLE: &str = "UPDATE anteroom_registration SET status = ?, pid = ?, fields = ?, submitted = ?, expires = ? \
    WHERE id = ? AND status = ?";

/// A welcome that could not be delivered, of which nobody was told yet.
const UNDELIVERED: &str = "SELECT r.id, r.address, r.fields, r.browser, r.status, r.pid, r.invite, r.invite_hash, r.factor, \
    r.created, r.submitted, r.expires FROM anteroom_registration r JOIN anteroom_outbox o ON o.link = r.invite \
    WHERE r.undelivered IS NULL AND r.pid IS NOT NULL AND o.letter = 'welcome' AND o.status = 'dead'";

const TOLD: &str =
    "UPDATE anteroom_registration SET undelivered = ? WHERE id = ? AND undelivered IS NULL";

/// How far a registration is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Somebody typed a name and an address.
    Started,
    /// There is a chart.
    Submitted,
    /// The practice seems to know the person: staff look at it.
    Duplicate,
    /// Staff looked at it, and no chart was opened.
    Dismissed,
}

impl Status {
    const ALL: [(&'static str, Self); 4] = [
        ("started", Self::Started),
        ("submitted", Self::Submitted),
        ("duplicate", Self::Duplicate),
        ("dismissed", Self::Dismissed),
    ];

    fn word(self) -> &'static str {
        let known = Self::ALL.iter().find(|(_, one)| *one == self);
        known.map_or("", |(word, _)| word)
    }

    fn of(word: &str) -> Option<Self> {
        let known = Self::ALL.iter().find(|(known, _)| *known == word);
        known.map(|(_, one)| *one)
    }
}

/// Somebody who begins.
#[derive(Clone, Debug, PartialEq)]
pub struct NewRegistration {
    /// Its id, and that of the link in the letter.
    pub id: Uuid,
    /// Fingerprint of the mailbox.
    pub address: String,
    /// What was typed, as a JSON object of texts.
    pub fields: Json,
    /// The link of a later welcome: its id and the fingerprint of its token.
    pub invite: (Uuid, String),
    /// What that link asks beside it.
    pub factor: &'static str,
    /// When, in seconds since 1970.
    pub created: i64,
    /// Until when it is kept.
    pub expires: i64,
}

/// A registration as it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Registration {
    /// Its id.
    pub id: Uuid,
    /// Fingerprint of the mailbox.
    pub address: String,
    /// What was typed.
    pub fields: Json,
    /// Fingerprint of the browser that goes on.
    pub browser: Option<String>,
    /// How far it is.
    pub status: Status,
    /// The chart: the new one, or the one that was found where it is a duplicate.
    pub pid: Option<i64>,
    /// The link of a later welcome: its id and the fingerprint of its token.
    pub invite: (Uuid, String),
    /// What that link asks beside it.
    pub factor: String,
    /// When it began.
    pub created: i64,
    /// When it was sent in.
    pub submitted: Option<i64>,
    /// Until when it is kept.
    pub expires: i64,
}

/// What becomes of one.
#[derive(Clone, Debug, PartialEq)]
pub struct Settled {
    /// How far it was.
    pub from: Status,
    /// How far it is now.
    pub to: Status,
    /// The chart it is about.
    pub pid: Option<i64>,
    /// What is still kept of what was typed.
    pub fields: Json,
    /// When.
    pub at: i64,
    /// Until when it is kept.
    pub expires: i64,
}

#[derive(FromRow)]
struct Row {
    id: Vec<u8>,
    address: String,
    fields: String,
    browser: Option<String>,
    status: String,
    pid: Option<i64>,
    invite: Vec<u8>,
    invite_hash: String,
    factor: String,
    created: i64,
    submitted: Option<i64>,
    expires: i64,
}

/// Begins one.
///
/// # Errors
/// As [`Tx::run`].
pub async fn add(tx: &mut Tx, new: &NewRegistration) -> Answer<()> {
    let sql = Sql::new(INSERT)
        .bind(new.id)
        .bind(&new.address)
        .bind(new.fields.to_string())
        .bind(new.invite.0)
        .bind(&new.invite.1)
        .bind(new.factor)
        .bind(new.created)
        .bind(new.expires);
    tx.run(sql).await.map(|_| ())
}

/// One by its id; looking changes nothing.
///
/// # Errors
/// As [`Db::all`].
pub async fn find(db: &Db, id: Uuid) -> Answer<Option<Registration>> {
    let row: Option<Row> = db.one(Sql::new(SELECT).push("id = ?").bind(id)).await?;
    Ok(row.and_then(registration))
}

/// The one a chart came from, within a transaction.
///
/// # Errors
/// As [`Tx::one`].
pub async fn of_chart(tx: &mut Tx, pid: i64) -> Answer<Option<Registration>> {
    let sql = Sql::new(SELECT)
        .push("pid = ? AND status = 'submitted'")
        .bind(pid);
    let row: Option<Row> = tx.one(sql).await?;
    Ok(row.and_then(registration))
}

/// Those of persons the practice seems to know, the oldest first, at most a hundred.
///
/// # Errors
/// As [`Db::all`].
pub async fn duplicates(db: &Db, now: i64) -> Answer<Vec<Registration>> {
    let sql = Sql::new(SELECT)
        .push("status = 'duplicate' AND expires > ?")
        .bind(now)
        .push(" ORDER BY created")
        .limit(100);
    let rows: Vec<Row> = db.all(sql).await?;
    Ok(rows.into_iter().filter_map(registration).collect())
}

/// Keeps what was typed, for a browser; false where it was sent in already.
///
/// # Errors
/// As [`Db::run`].
pub async fn keep(db: &Db, id: Uuid, browser: &str, fields: &Json) -> Answer<bool> {
    let sql = Sql::new(KEEP)
        .bind(fields.to_string())
        .bind(browser)
        .bind(id);
    Ok(db.run(sql).await? > 0)
}

/// Moves one on, once; false where somebody else did.
///
/// # Errors
/// As [`Tx::run`].
pub async fn settle(tx: &mut Tx, id: Uuid, settled: &Settled) -> Answer<bool> {
    let sql = Sql::new(SETTLE)
        .bind(settled.to.word())
        .bind(settled.pid)
        .bind(settled.fields.to_string())
        .bind(settled.at)
        .bind(settled.expires)
        .bind(id)
        .bind(settled.from.word());
    Ok(tx.run(sql).await? > 0)
}

/// Those whose welcome could not be delivered and of which staff were not told (G14).
///
/// # Errors
/// As [`Db::all`].
pub async fn undelivered(db: &Db) -> Answer<Vec<Registration>> {
    let rows: Vec<Row> = db.all(Sql::new(UNDELIVERED).limit(100)).await?;
    Ok(rows.into_iter().filter_map(registration).collect())
}

/// Notes that staff are told, once; false where somebody else did.
///
/// # Errors
/// As [`Tx::run`].
pub async fn told(tx: &mut Tx, id: Uuid, now: i64) -> Answer<bool> {
    Ok(tx.run(Sql::new(TOLD).bind(now).bind(id)).await? > 0)
}

fn registration(row: Row) -> Option<Registration> {
    Some(Registration {
        id: Uuid::from_slice(&row.id).ok()?,
        address: row.address,
        fields: serde_json::from_str(&row.fields).unwrap_or_default(),
        browser: row.browser,
        status: Status::of(&row.status)?,
        pid: row.pid,
        invite: (Uuid::from_slice(&row.invite).ok()?, row.invite_hash),
        factor: row.factor,
        created: row.created,
        submitted: row.submitted,
        expires: row.expires,
    })
}
