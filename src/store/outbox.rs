//! Letters on their way (`anteroom_outbox`): written in the transaction of what they tell about, so that what happened is
//! told and what did not happen is not (`spec/security.md`, I5). Nothing here is secret: the token of a link is made
//! again from the link's id when the letter is written.

use serde_json::Value;
use sqlx::FromRow;
use uuid::Uuid;

use crate::db::Db;
use crate::db::Tx;
use crate::db::sql::Sql;
use crate::domain::language::Language;
use crate::domain::refusal::Answer;

const INSERT: &str = "INSERT INTO anteroom_outbox \
    (message_id, letter, pid, address, language, told, link, status, not_before, created) \
    VALUES (?, ?, ?, ?, ?, ?, ?, 'waiting', ?, ?)";

const LAST: &str = "SELECT letter, status, answer, created, finished FROM anteroom_outbox \
    WHERE pid = ? ORDER BY id DESC LIMIT 1";

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
    /// A test by whoever runs this server.
    Test,
}

impl Letter {
    /// Each with its name.
    pub const ALL: [(&'static str, Self); 11] = [
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

/// A letter as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logged {
    /// Which.
    pub letter: Letter,
    /// How far it is, in a word.
    pub status: String,
    /// What the mail server said last; may be empty.
    pub answer: String,
    /// When it was written.
    pub created: i64,
    /// When it was done with.
    pub finished: Option<i64>,
}

#[derive(FromRow)]
struct Row {
    letter: String,
    status: String,
    answer: String,
    created: i64,
    finished: Option<i64>,
}

/// The last letter about a patient's account (F088).
///
/// # Errors
/// As [`Db::all`].
pub async fn last_of(db: &Db, pid: i64) -> Answer<Option<Logged>> {
    let row: Option<Row> = db.one(Sql::new(LAST).bind(pid)).await?;
    Ok(row.and_then(|row| {
        Some(Logged {
            letter: Letter::of(&row.letter)?,
            status: row.status,
            answer: row.answer,
            created: row.created,
            finished: row.finished,
        })
    }))
}

/// Puts a letter into the outbox; its number.
///
/// # Errors
/// As [`Tx::run`].
pub async fn put(tx: &mut Tx, letter: &NewLetter) -> Answer<i64> {
    #[expect(
        clippy::disallowed_methods,
        reason = "a Message-ID has to be different from others, not unguessable"
    )]
    let message_id = Uuid::new_v4().to_string();
    let sql = Sql::new(INSERT)
        .bind(message_id)
        .bind(letter.letter.name())
        .bind(letter.pid)
        .bind(&letter.address)
        .bind(letter.language.tag())
        .bind(letter.told.to_string())
        .bind(letter.link)
        .bind(letter.created)
        .bind(letter.created);
    tx.insert(sql).await
}
