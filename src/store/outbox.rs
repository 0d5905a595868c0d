//! Letters on their way (`anteroom_outbox`): written in the transaction of what they tell about, so that what happened is
//! told and what did not happen is not (`spec/security.md`, I5). Nothing here is secret: the token of a link is made
//! again from the link's id when the letter is written.

pub mod sending;

use serde_json::Value;
use sqlx::FromRow;
use uuid::Uuid;

use crate::db::Db;
use crate::db::Tx;
use crate::db::sql::Sql;
use crate::domain::language::Language;
use crate::domain::mailbox;
use crate::domain::refusal::Answer;

const INSERT: &str = "INSERT INTO anteroom_outbox \
    (message_id, letter, pid, address, language, told, link, status, not_before, answer, created, finished) \
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";

/// `told` and `link` are for a letter that is put in anew.
const SELECT: &str = "SELECT o.id, o.letter, o.pid, o.address, o.language, o.told, o.link, o.status, o.tries, o.answer, \
    o.created, o.finished, o.not_before FROM anteroom_outbox o WHERE ";

/// Only a letter that nobody has in hand.
const WITHDRAW: &str = "UPDATE anteroom_outbox SET status = 'withdrawn', finished = ?, answer = '' \
    WHERE id = ? AND status = 'waiting'";

/// A letter is sent again once: the row says so, and the new row is the next to try.
const AGAIN: &str = "UPDATE anteroom_outbox SET status = 'again' WHERE id = ? AND status = 'dead'";

/// A link that ended cannot be sent again.
const LINK_WORKS: &str = "SELECT COUNT(*) AS total FROM anteroom_link \
    WHERE id = ? AND used IS NULL AND ended IS NULL AND expires > ? AND wrong < 5";

const DEAD: &str = "SELECT COUNT(*) AS total FROM anteroom_outbox WHERE status = 'dead'";

/// What is said of a letter whose address is none: it is never handed to a mail server.
const NO_MAILBOX: &str =
    "This is not one e-mail address, so nothing was sent. Correct it in the chart.";

/// How far a letter is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Status {
    /// It is to be sent, at once or later.
    Waiting,
    /// A worker has it in hand.
    Sending,
    /// The mail server took it.
    Sent,
    /// It was given up.
    Dead,
    /// It was given up, and another was put in its place.
    Again,
    /// It is not to be sent any more: staff said so, or its link had ended.
    Withdrawn,
}

impl Status {
    /// Each with its word.
    pub const ALL: [(&'static str, Self); 6] = [
        ("waiting", Self::Waiting),
        ("sending", Self::Sending),
        ("sent", Self::Sent),
        ("dead", Self::Dead),
        ("again", Self::Again),
        ("withdrawn", Self::Withdrawn),
    ];

    /// As stored.
    pub fn word(self) -> &'static str {
        let known = Self::ALL.iter().find(|(_, one)| *one == self);
        known.map_or("", |(word, _)| word)
    }

    /// The status of a word.
    pub fn of(word: &str) -> Option<Self> {
        let known = Self::ALL.iter().find(|(known, _)| *known == word);
        known.map(|(_, one)| *one)
    }
}

/// Which letter it is: the name of its template.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Letter {
    /// An invitation to choose a first login.
    Invite,
    /// A reset of a lost password; its PIN is on the requesting screen, not here.
    Reset,
    /// Staff changed credentials (F079).
    CredentialsChanged,
    /// Confirm the address you register with.
    VerifyEmail,
    /// Somebody tried to register with your address.
    AlreadyKnown,
    /// You registered and are let in: choose your login.
    Welcome,
    /// Your registration was refused.
    NotApproved,
    /// Confirm the new address of your account.
    ConfirmEmail,
    /// The address of your account is about to change: undo it here.
    EmailChanged,
    /// Staff locked, unlocked, enabled or disabled your access.
    AccessChanged,
    /// What became of a visit, with its entry for a calendar.
    Visit,
    /// A request was decided.
    Reviewed,
    /// There is a message, and no word of what it says.
    Message,
    /// There is a form to be signed, and no word of what it asks.
    Form,
    /// A test by whoever runs this server.
    Test,
}

impl Letter {
    /// Each with its name.
    pub const ALL: [(&'static str, Self); 15] = [
        ("invite", Self::Invite),
        ("reset", Self::Reset),
        ("credentials-changed", Self::CredentialsChanged),
        ("verify-email", Self::VerifyEmail),
        ("already-known", Self::AlreadyKnown),
        ("welcome", Self::Welcome),
        ("not-approved", Self::NotApproved),
        ("confirm-email", Self::ConfirmEmail),
        ("email-changed", Self::EmailChanged),
        ("access-changed", Self::AccessChanged),
        ("visit", Self::Visit),
        ("reviewed", Self::Reviewed),
        ("message", Self::Message),
        ("form", Self::Form),
        ("test", Self::Test),
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        let known = Self::ALL.iter().find(|(_, one)| *one == self);
        known.map_or("", |(name, _)| name)
    }

    /// The letter of a name.
    pub fn of(name: &str) -> Option<Self> {
        let known = Self::ALL.iter().find(|(known, _)| *known == name);
        known.map(|(_, one)| *one)
    }
}

/// A letter to be sent.
#[derive(Clone, Debug, PartialEq)]
pub struct NewLetter {
    /// Which.
    pub letter: Letter,
    /// Whose account it is about; `None` where there is no chart yet.
    pub pid: Option<i64>,
    /// Where it goes.
    pub address: String,
    /// In which language.
    pub language: Language,
    /// What its template is told beside the practice's name, as a JSON object: nothing secret, nothing of the record.
    pub told: Value,
    /// The link it carries.
    pub link: Option<Uuid>,
    /// When it was written, in seconds since 1970.
    pub created: i64,
}

/// A letter of the delivery log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logged {
    /// Its number.
    pub id: i64,
    /// Which; `None` for one of a newer version.
    pub letter: Option<Letter>,
    /// Whose account it is about.
    pub pid: Option<i64>,
    /// Where it goes.
    pub address: String,
    /// How far it is.
    pub status: Status,
    /// How often it was tried.
    pub tries: i64,
    /// What the mail server said last, without addresses.
    pub answer: String,
    /// When it was written, in seconds since 1970.
    pub created: i64,
    /// When it was over.
    pub finished: Option<i64>,
    /// When it is tried next, where it waits.
    pub not_before: i64,
}

/// Which letters of the log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Of one patient.
    pub pid: Option<i64>,
    /// As far as this.
    pub status: Option<Status>,
    /// Older than the letter with this number.
    pub before: Option<i64>,
}

#[derive(Clone, FromRow)]
struct Row {
    id: i64,
    letter: String,
    pid: Option<i64>,
    address: String,
    language: String,
    told: String,
    link: Option<Vec<u8>>,
    status: String,
    tries: i64,
    answer: String,
    created: i64,
    finished: Option<i64>,
    not_before: i64,
}

#[derive(FromRow)]
struct Count {
    total: i64,
}

/// Puts a letter into the outbox; its number. One whose address is not exactly one mailbox is kept for the log and goes
/// nowhere (`spec/security.md`, case 103).
///
/// # Errors
/// As [`Tx::run`].
pub async fn put(tx: &mut Tx, letter: &NewLetter) -> Answer<i64> {
    #[expect(
        clippy::disallowed_methods,
        reason = "a Message-ID has to be different from others, not unguessable"
    )]
    let message_id = Uuid::new_v4().to_string();
    let (address, status, answer) = match mailbox::one(&letter.address) {
        Ok(address) => (address, Status::Waiting, ""),
        Err(_) => (
            mailbox::line(&letter.address, 320),
            Status::Dead,
            NO_MAILBOX,
        ),
    };
    let sql = Sql::new(INSERT)
        .bind(message_id)
        .bind(letter.letter.name())
        .bind(letter.pid)
        .bind(address)
        .bind(letter.language.tag())
        .bind(letter.told.to_string())
        .bind(letter.link)
        .bind(status.word())
        .bind(letter.created)
        .bind(answer)
        .bind(letter.created)
        .bind(Some(letter.created).filter(|_| status == Status::Dead));
    tx.insert(sql).await
}

/// The letters of the log, the newest first.
///
/// # Errors
/// As [`Db::all`].
pub async fn log(db: &Db, filter: &Filter, rows: u32) -> Answer<Vec<Logged>> {
    let mut sql = Sql::new(SELECT).push("1 = 1");
    if let Some(pid) = filter.pid {
        sql = sql.push(" AND o.pid = ?").bind(pid);
    }
    if let Some(status) = filter.status {
        sql = sql.push(" AND o.status = ?").bind(status.word());
    }
    if let Some(before) = filter.before {
        sql = sql.push(" AND o.id < ?").bind(before);
    }
    let rows: Vec<Row> = db.all(sql.push(" ORDER BY o.id DESC").limit(rows)).await?;
    Ok(rows.into_iter().filter_map(logged).collect())
}

/// The last letter about a patient's account (`$portal-status`, F088).
///
/// # Errors
/// As [`Db::all`].
pub async fn last_of(db: &Db, pid: i64) -> Answer<Option<Logged>> {
    let filter = Filter {
        pid: Some(pid),
        ..Filter::default()
    };
    Ok(log(db, &filter, 1).await?.into_iter().next())
}

/// How many letters were given up and nobody did anything about it.
///
/// # Errors
/// As [`Db::all`].
pub async fn dead(db: &Db) -> Answer<i64> {
    let count: Option<Count> = db.one(Sql::new(DEAD)).await?;
    Ok(count.map_or(0, |count| count.total))
}

/// Takes a waiting letter back; the patient it was about, `None` where there was nothing left to take back.
///
/// # Errors
/// As [`Tx::run`].
pub async fn withdraw(tx: &mut Tx, id: i64, now: i64) -> Answer<Option<Logged>> {
    if tx.run(Sql::new(WITHDRAW).bind(now).bind(id)).await? == 0 {
        return Ok(None);
    }
    Ok(row(tx, id).await?.and_then(logged))
}

/// Puts a letter that was given up into the outbox anew, once; `None` where it was not given up, or somebody else did so,
/// or its link has ended.
///
/// # Errors
/// As [`Tx::run`].
pub async fn again(tx: &mut Tx, id: i64, now: i64) -> Answer<Option<Logged>> {
    let Some(old) = row(tx, id).await? else {
        return Ok(None);
    };
    let (Some(letter), Ok(told)) = (Letter::of(&old.letter), serde_json::from_str(&old.told))
    else {
        return Ok(None);
    };
    let link = old.link.as_deref().and_then(|id| Uuid::from_slice(id).ok());
    if let Some(link) = link {
        let count: Option<Count> = tx.one(Sql::new(LINK_WORKS).bind(link).bind(now)).await?;
        if count.is_none_or(|count| count.total == 0) {
            return Ok(None);
        }
    }
    if tx.run(Sql::new(AGAIN).bind(id)).await? == 0 {
        return Ok(None);
    }
    let letter = NewLetter {
        letter,
        pid: old.pid,
        address: old.address.clone(),
        language: Language::of(&old.language).unwrap_or_default(),
        told,
        link,
        created: now,
    };
    put(tx, &letter).await?;
    Ok(logged(old))
}

async fn row(tx: &mut Tx, id: i64) -> Answer<Option<Row>> {
    tx.one(Sql::new(SELECT).push("o.id = ?").bind(id)).await
}

fn logged(row: Row) -> Option<Logged> {
    Some(Logged {
        id: row.id,
        letter: Letter::of(&row.letter),
        pid: row.pid,
        address: row.address,
        status: Status::of(&row.status)?,
        tries: row.tries,
        answer: row.answer,
        created: row.created,
        finished: row.finished,
        not_before: row.not_before,
    })
}
