//! Changes of the address of an account: under which address it is known here (`anteroom_address`), and what the links of
//! their letters confirm or take back (`anteroom_email_change`).

use sqlx::FromRow;

use crate::db::Db;
use crate::db::Tx;
use crate::db::sql::Sql;
use crate::domain::refusal::Answer;

const KNOWN: &str = "SELECT address FROM anteroom_address WHERE pid = ?";

const FIRST: &str = "anteroom_address (pid, address) VALUES (?, ?)";

/// Of two who notice a change at once, one tells of it.
const RENEW: &str = "UPDATE anteroom_address SET address = ? WHERE pid = ? AND address = ?";

const PUT: &str = "INSERT INTO anteroom_email_change \
    (link_hash, pid, address_before, address_after, trusted, ends) VALUES (?, ?, ?, ?, ?, ?)";

const OF_LINK: &str = "SELECT link_hash, pid, address_before, address_after, trusted, ends \
    FROM anteroom_email_change WHERE link_hash = ?";

/// A change that a link confirms or takes back.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct EmailChange {
    /// Fingerprint of the link's token.
    pub link_hash: String,
    /// Whose.
    pub pid: i64,
    /// The address before it.
    #[sqlx(rename = "address_before")]
    pub before: String,
    /// The address after it.
    #[sqlx(rename = "address_after")]
    pub after: String,
    /// 1 where the trusted address was the same, and goes along.
    pub trusted: i64,
    /// When its link ends.
    pub ends: i64,
}

#[derive(FromRow)]
struct Address {
    address: String,
}

/// Under which address an account is known.
///
/// # Errors
/// As [`Db::one`].
pub async fn known(db: &Db, pid: i64) -> Answer<Option<String>> {
    let row: Option<Address> = db.one(Sql::new(KNOWN).bind(pid)).await?;
    Ok(row.map(|row| row.address))
}

/// Remembers the address of an account that is not known yet.
///
/// # Errors
/// As [`Db::run`].
pub async fn first(db: &Db, pid: i64, address: &str) -> Answer<()> {
    db.transaction(|tx| {
        let sql = Sql::new(tx.insert_new())
            .push(FIRST)
            .bind(pid)
            .bind(address);
        Box::pin(async move { tx.run(sql).await.map(|_| ()) })
    })
    .await
}

/// Remembers another address; false where it is not known under `before` any more.
///
/// # Errors
/// As [`Tx::run`].
pub async fn renew(tx: &mut Tx, pid: i64, (before, after): (&str, &str)) -> Answer<bool> {
    let sql = Sql::new(RENEW).bind(after).bind(pid).bind(before);
    Ok(tx.run(sql).await? > 0)
}

/// Keeps a change beside its link.
///
/// # Errors
/// As [`Tx::run`].
pub async fn put(tx: &mut Tx, change: &EmailChange) -> Answer<()> {
    let sql = Sql::new(PUT)
        .bind(&change.link_hash)
        .bind(change.pid)
        .bind(&change.before)
        .bind(&change.after)
        .bind(change.trusted)
        .bind(change.ends);
    tx.run(sql).await.map(|_| ())
}

/// The change of a link.
///
/// # Errors
/// As [`Db::one`].
pub async fn of_link(db: &Db, link_hash: &str) -> Answer<Option<EmailChange>> {
    db.one(Sql::new(OF_LINK).bind(link_hash)).await
}
