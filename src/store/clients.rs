//! Registered apps (`anteroom_client`).

use sqlx::FromRow;

use crate::db::Db;
use crate::db::Tx;
use crate::db::sql::Sql;
use crate::domain::refusal::Answer;

/// The lists of addresses hold one a line.
const READ: &str = "SELECT client_id, name, kind, redirect_uris, scope, secret_hash, jwks, jwks_uri, launch_uri, \
    logout_uris, client_uri, contact, verified, waits, registered_by, created, disabled FROM anteroom_client";

const ADD: &str = "INSERT INTO anteroom_client \
    (client_id, name, kind, redirect_uris, scope, secret_hash, jwks, jwks_uri, launch_uri, logout_uris, client_uri, \
    contact, verified, waits, registered_by, created) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";

const DISABLE: &str =
    "UPDATE anteroom_client SET disabled = ? WHERE client_id = ? AND disabled IS NULL";

const APPROVE: &str = "UPDATE anteroom_client SET waits = 0, verified = ?, approved_by = ? \
    WHERE client_id = ? AND waits = 1 AND disabled IS NULL";

const WAITING: &str =
    "SELECT COUNT(*) AS total FROM anteroom_client WHERE waits = 1 AND disabled IS NULL";

const RENEW: &str = "UPDATE anteroom_client SET secret_hash = ?, jwks = ? WHERE client_id = ?";

/// How an app proves who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It cannot keep a secret: PKCE is all it has.
    Public,
    /// It has a secret.
    Confidential,
    /// It signs with a key of its own.
    Asymmetric,
    /// No user: it signs with a key of its own and asks for what the practice gave it.
    Backend,
}

impl Kind {
    /// Each kind as stored and as written on the command line.
    pub const WORDS: [(&'static str, Self); 4] = [
        ("public", Self::Public),
        ("confidential", Self::Confidential),
        ("asymmetric", Self::Asymmetric),
        ("backend", Self::Backend),
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

    /// Whether it signs assertions with a key of its own (`private_key_jwt`).
    pub fn signs(self) -> bool {
        matches!(self, Self::Asymmetric | Self::Backend)
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
    /// Fingerprint of its secret, where it has one.
    pub secret_hash: Option<String>,
    /// Its public keys as a JWK set, where they were given with the registration.
    pub jwks: Option<String>,
    /// Where its public keys are, where they were not.
    pub jwks_uri: Option<String>,
    /// Where staff start it (SMART's launch URL).
    pub launch_uri: Option<String>,
    /// Where a browser may be sent after logging out.
    pub logout_uris: Vec<String>,
    /// Its home page.
    pub client_uri: Option<String>,
    /// Whom the practice can write to about it.
    pub contact: Option<String>,
    /// Whether the practice vouches for it.
    pub verified: bool,
    /// Whether it waits for the practice's approval and may do nothing yet.
    pub waits: bool,
    /// Who registered it: `command line`, `registration`, `developers page`, `sandbox`.
    pub registered_by: String,
    /// When, in seconds since 1970.
    pub created: i64,
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
    secret_hash: Option<String>,
    jwks: Option<String>,
    jwks_uri: Option<String>,
    launch_uri: Option<String>,
    logout_uris: Option<String>,
    client_uri: Option<String>,
    contact: Option<String>,
    verified: i64,
    waits: i64,
    registered_by: String,
    created: i64,
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
    // MariaDB passes over blanks at the end.
    Ok(row
        .filter(|row| row.client_id == client_id)
        .and_then(client))
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

#[derive(FromRow)]
struct Count {
    total: i64,
}

/// How many apps wait for the practice.
///
/// # Errors
/// As [`Tx::run`].
pub async fn waiting(tx: &mut Tx) -> Answer<i64> {
    let row: Option<Count> = tx.one(Sql::new(WAITING)).await?;
    Ok(row.map_or(0, |row| row.total))
}

/// Gives an app another secret, by its fingerprint, and another key set.
///
/// # Errors
/// As [`Tx::run`].
pub async fn renew(
    tx: &mut Tx,
    client_id: &str,
    (secret_hash, jwks): (Option<String>, Option<String>),
) -> Answer<()> {
    let sql = Sql::new(RENEW).bind(secret_hash).bind(jwks).bind(client_id);
    tx.run(sql).await.map(|_| ())
}

/// Adds an app.
///
/// # Errors
/// As [`Tx::run`]; an id that is there already is [`crate::db::error::duplicate`].
pub async fn add(tx: &mut Tx, client: &Client) -> Answer<()> {
    let sql = Sql::new(ADD)
        .bind(&client.client_id)
        .bind(&client.name)
        .bind(client.kind.word())
        .bind(client.redirect_uris.join("\n"))
        .bind(&client.scope)
        .bind(client.secret_hash.clone())
        .bind(client.jwks.clone())
        .bind(client.jwks_uri.clone())
        .bind(client.launch_uri.clone())
        .bind(client.logout_uris.join("\n"))
        .bind(client.client_uri.clone())
        .bind(client.contact.clone())
        .bind(i64::from(client.verified))
        .bind(i64::from(client.waits))
        .bind(&client.registered_by)
        .bind(client.created);
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

/// Lets a waiting app in, vouching for it or not; `by` is who decided. Whether there was one that waited.
///
/// # Errors
/// As [`Tx::run`].
pub async fn approve(tx: &mut Tx, client_id: &str, by: &str, vouched: Vouched) -> Answer<bool> {
    let sql = Sql::new(APPROVE)
        .bind(i64::from(vouched == Vouched::Yes))
        .bind(by)
        .bind(client_id);
    Ok(tx.run(sql).await? > 0)
}

/// Whether the practice vouches for an app it lets in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Vouched {
    /// It does; patients see no warning.
    Yes,
    /// It lets it in as it is.
    No,
}

/// A row of an unknown kind is no client: a newer Anteroom wrote it.
fn client(row: ClientRow) -> Option<Client> {
    let lines = |text: String| text.lines().map(str::to_owned).collect();
    Some(Client {
        kind: Kind::of(&row.kind)?,
        client_id: row.client_id,
        name: row.name,
        redirect_uris: lines(row.redirect_uris),
        scope: row.scope,
        secret_hash: row.secret_hash,
        jwks: row.jwks,
        jwks_uri: row.jwks_uri,
        launch_uri: row.launch_uri,
        logout_uris: lines(row.logout_uris.unwrap_or_default()),
        client_uri: row.client_uri,
        contact: row.contact,
        verified: row.verified != 0,
        waits: row.waits != 0,
        registered_by: row.registered_by,
        created: row.created,
        disabled: row.disabled,
    })
}
