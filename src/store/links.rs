//! Links that work once (`anteroom_link`): to choose a first login, to reset a lost one, to confirm an address. Looking at
//! one changes nothing, however often a scanner does (`spec/security.md`, case 94); a guess at its second factor is
//! counted before it is looked at (case 96); using it is one statement (case 63 of the portal rules, F063).

use sqlx::FromRow;
use uuid::Uuid;

use crate::db::Db;
use crate::db::Tx;
use crate::db::sql::Sql;
use crate::domain::refusal::Answer;

/// Wrong guesses after which a link is burnt.
pub const GUESSES: i64 = 5;

const INSERT: &str = "INSERT INTO anteroom_link \
    (id, token_hash, purpose, pid, address, bound, factor, pin_hash, created, expires) \
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";

const FIND: &str = "SELECT id, purpose, pid, address, bound, factor, pin_hash, wrong, created, expires, used, ended \
    FROM anteroom_link WHERE token_hash = ?";

/// The guess is counted first: of a hundred at once, five are looked at.
const GUESS: &str = "UPDATE anteroom_link SET wrong = wrong + 1 \
    WHERE id = ? AND used IS NULL AND ended IS NULL AND expires > ? AND wrong < 5";

/// A right guess is no wrong one.
const USE: &str = "UPDATE anteroom_link SET used = ?, wrong = wrong - 1 \
    WHERE id = ? AND used IS NULL AND ended IS NULL AND expires > ?";

/// A guess that was right, but came to nothing for another reason, was no wrong one either.
const GIVE_BACK: &str = "UPDATE anteroom_link SET wrong = wrong - 1 WHERE id = ? AND wrong > 0";

const END: &str = "UPDATE anteroom_link SET ended = ? WHERE pid = ? AND used IS NULL AND ended IS NULL AND purpose IN ";

const END_ONE: &str =
    "UPDATE anteroom_link SET ended = ? WHERE id = ? AND used IS NULL AND ended IS NULL";

/// What a link is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// A lost password.
    Reset,
    /// A first login.
    Invite,
    /// The address of somebody who registers.
    Register,
    /// A new address of somebody who has an account.
    NewEmail,
    /// Taking a change of address back, from the old one.
    UndoEmail,
}

impl Purpose {
    /// Each with its word.
    pub const ALL: [(&'static str, Self); 5] = [
        ("reset", Self::Reset),
        ("invite", Self::Invite),
        ("register", Self::Register),
        ("new-email", Self::NewEmail),
        ("undo-email", Self::UndoEmail),
    ];

    /// As stored.
    pub fn word(self) -> &'static str {
        let known = Self::ALL.iter().find(|(_, one)| *one == self);
        known.map_or("", |(word, _)| word)
    }

    fn of(word: &str) -> Option<Self> {
        let known = Self::ALL.iter().find(|(known, _)| *known == word);
        known.map(|(_, one)| *one)
    }
}

/// The links of an account that end with its access. Taking a change of address back is not one of them.
pub const OF_ACCESS: [Purpose; 4] = [
    Purpose::Invite,
    Purpose::Reset,
    Purpose::Register,
    Purpose::NewEmail,
];

/// A link to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewLink {
    /// Its id.
    pub id: Uuid,
    /// Fingerprint of its token.
    pub token_hash: String,
    /// What it is for.
    pub purpose: Purpose,
    /// Whose account; `None` where there is no chart yet.
    pub pid: Option<i64>,
    /// Fingerprint of the address it goes to.
    pub address: String,
    /// Fingerprint of the credentials there are now; empty where none.
    pub bound: String,
    /// What is asked beside it: `none`, `birth-date` or `pin`.
    pub factor: String,
    /// Fingerprint of the PIN, salted with the id, where one is asked.
    pub pin_hash: Option<String>,
    /// When, in seconds since 1970.
    pub created: i64,
    /// Until when it works.
    pub expires: i64,
}

/// A link as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Its id.
    pub id: Uuid,
    /// What it is for.
    pub purpose: Purpose,
    /// Whose account.
    pub pid: Option<i64>,
    /// Fingerprint of the address it went to.
    pub address: String,
    /// Fingerprint of the credentials there were.
    pub bound: String,
    /// What is asked beside it.
    pub factor: String,
    /// Fingerprint of the PIN.
    pub pin_hash: Option<String>,
    /// When it was made.
    pub created: i64,
    /// How far it is.
    pub condition: Condition,
}

/// How far a link is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// It works.
    Good,
    /// It was used.
    Used,
    /// Its time is over.
    Expired,
    /// A newer one, or a change, ended it.
    Ended,
    /// There were too many wrong guesses.
    Burnt,
}

#[derive(FromRow)]
struct Row {
    id: Vec<u8>,
    purpose: String,
    pid: Option<i64>,
    address: String,
    bound: String,
    factor: String,
    pin_hash: Option<String>,
    wrong: i64,
    created: i64,
    expires: i64,
    used: Option<i64>,
    ended: Option<i64>,
}

/// Makes a link.
///
/// # Errors
/// As [`Tx::run`].
pub async fn add(tx: &mut Tx, link: &NewLink) -> Answer<()> {
    let sql = Sql::new(INSERT)
        .bind(link.id)
        .bind(&link.token_hash)
        .bind(link.purpose.word())
        .bind(link.pid)
        .bind(&link.address)
        .bind(&link.bound)
        .bind(&link.factor)
        .bind(link.pin_hash.clone())
        .bind(link.created)
        .bind(link.expires);
    tx.run(sql).await.map(|_| ())
}

/// The link of a token, by its fingerprint; looking changes nothing.
///
/// # Errors
/// As [`Db::all`].
pub async fn find(db: &Db, token_hash: &str, now: i64) -> Answer<Option<Link>> {
    let row: Option<Row> = db.one(Sql::new(FIND).bind(token_hash)).await?;
    Ok(row.and_then(|row| link(row, now)))
}

/// Counts a guess at a link's second factor; false where there is none left, or the link has ended. Every use of a link
/// begins with this, one without a second factor too.
///
/// # Errors
/// As [`Db::run`].
pub async fn guess(db: &Db, id: Uuid, now: i64) -> Answer<bool> {
    let sql = Sql::new(GUESS).bind(id).bind(now);
    Ok(db.run(sql).await? > 0)
}

/// Takes back a guess that was right where nothing came of it, because of a name that is another's or the like.
///
/// # Errors
/// As [`Db::run`].
pub async fn give_back(db: &Db, id: Uuid) -> Answer<()> {
    db.run(Sql::new(GIVE_BACK).bind(id)).await.map(|_| ())
}

/// Uses a link after a right guess, in the transaction of what it is used for; false where somebody else did.
///
/// # Errors
/// As [`Tx::run`].
pub async fn spend(tx: &mut Tx, id: Uuid, now: i64) -> Answer<bool> {
    let sql = Sql::new(USE).bind(now).bind(id).bind(now);
    Ok(tx.run(sql).await? > 0)
}

/// Ends the links of an account: a newer one was made, or its password or address changed.
///
/// # Errors
/// As [`Tx::run`].
pub async fn end(tx: &mut Tx, pid: i64, purposes: &[Purpose], now: i64) -> Answer<u64> {
    let words = purposes.iter().map(|purpose| purpose.word());
    tx.run(Sql::new(END).bind(now).bind(pid).list(words)).await
}

/// Ends one link.
///
/// # Errors
/// As [`Tx::run`].
pub async fn end_one(tx: &mut Tx, id: Uuid, now: i64) -> Answer<()> {
    tx.run(Sql::new(END_ONE).bind(now).bind(id))
        .await
        .map(|_| ())
}

fn link(row: Row, now: i64) -> Option<Link> {
    let condition = match (row.used, row.ended) {
        (Some(_), _) => Condition::Used,
        (None, Some(_)) => Condition::Ended,
        (None, None) if row.wrong >= GUESSES => Condition::Burnt,
        (None, None) if row.expires <= now => Condition::Expired,
        (None, None) => Condition::Good,
    };
    Some(Link {
        id: Uuid::from_slice(&row.id).ok()?,
        purpose: Purpose::of(&row.purpose)?,
        pid: row.pid,
        address: row.address,
        bound: row.bound,
        factor: row.factor,
        pin_hash: row.pin_hash,
        created: row.created,
        condition,
    })
}
