//! Registered apps (`anteroom_client`).

use sqlx::FromRow;

use crate::db::Db;
use crate::db::Tx;
use crate::db::sql::Sql;
use crate::domain::refusal::Answer;

/// `redirect_uris` holds one address a line.
const READ: &str =
    "SELECT client_id, name, kind, redirect_uris, scope, verified, disabled FROM anteroom_client";

const ADD: &str = "INSERT INTO anteroom_client \
    (client_id, name, kind, redirect_uris, scope, verified, created) VALUES (?, ?, ?, ?, ?, ?, ?)";

const DISABLE: &str =
    "UPDATE anteroom_client SET disabled = ? WHERE client_id = ? AND disabled IS NULL";

/// How an app proves who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It cannot keep a secret: PKCE is all it has.
    Public,
    /// It has a secret.
    Confidential,
    /// It signs with a key of its own.
    PrivateKey,
}

impl Kind {
    const WORDS: [(&'static str, Self); 3] = [
        ("public", Self::Public),
        ("confidential", Self::Confidential),
        ("private_key", Self::PrivateKey),
    ];

    /// As stored and as written on the command line.
    pub fn word(self) -> &'static str {
        let found = Self::WORDS.iter().find(|(_, kind)| *kind == self);
        found.map_or("", |(word, _)| word)
    }

    /// The kind of that word.
    pub fn of(word: &str) -> Option<Self> {
        let found = Self::WORDS.iter().find(|(known, _)| *known == word);
        found.map(|(_, kind)| *kind)
    }
}

/// A registered app.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// Its id, as it appears in requests.
    pub client_id: String,
    /// Its name, as the patient reads it.
    pub name: String,
    /// How it proves who it is.
    pub kind: Kind,
    /// Where answers may be sent, each exactly as registered.
    pub redirect_uris: Vec<String>,
    /// The scopes it may ask for, one string.
    pub scope: String,
    /// Whether the practice vouches for it.
    pub verified: bool,
    /// When it was switched off, in seconds since 1970.
    pub disabled: Option<i64>,
}

#[derive(FromRow)]
struct ClientRow {
    client_id: String,
    name: String,
    kind: String,
    redirect_uris: String,
    scope: String,
    verified: i64,
    disabled: Option<i64>,
}

/// The app of that id, switched off or not.
///
/// # Errors
/// As [`Db::all`].
pub async fn find(db: &Db, client_id: &str) -> Answer<Option<Client>> {
    // The column is ASCII, and MariaDB will not compare it with anything else.
    if !client_id.is_ascii() {
        return Ok(None);
    }
    let sql = Sql::new(READ).push(" WHERE client_id = ?").bind(client_id);
    let row: Option<ClientRow> = db.one(sql).await?;
    Ok(row.and_then(client))
}

/// Every app, by name.
///
/// # Errors
/// As [`Db::all`].
pub async fn all(db: &Db) -> Answer<Vec<Client>> {
    let rows: Vec<ClientRow> = db
        .all(Sql::new(READ).push(" ORDER BY name, client_id"))
        .await?;
    Ok(rows.into_iter().filter_map(client).collect())
}

/// Adds an app at `now`.
///
/// # Errors
/// As [`Tx::run`]; an id that is there already is [`crate::db::error::duplicate`].
pub async fn add(tx: &mut Tx, client: &Client, now: i64) -> Answer<()> {
    let sql = Sql::new(ADD)
        .bind(&client.client_id)
        .bind(&client.name)
        .bind(client.kind.word())
        .bind(client.redirect_uris.join("\n"))
        .bind(&client.scope)
        .bind(i64::from(client.verified))
        .bind(now);
    tx.run(sql).await.map(|_| ())
}

/// Switches an app off; whether there was one to switch off.
///
/// # Errors
/// As [`Tx::run`].
pub async fn disable(tx: &mut Tx, client_id: &str, now: i64) -> Answer<bool> {
    let sql = Sql::new(DISABLE).bind(now).bind(client_id);
    Ok(tx.run(sql).await? > 0)
}

/// A row of an unknown kind is no client: a newer Anteroom wrote it.
fn client(row: ClientRow) -> Option<Client> {
    Some(Client {
        kind: Kind::of(&row.kind)?,
        client_id: row.client_id,
        name: row.name,
        redirect_uris: row.redirect_uris.lines().map(str::to_owned).collect(),
        scope: row.scope,
        verified: row.verified != 0,
        disabled: row.disabled,
    })
}
