//! Registered apps: adding one, letting a waiting one in, shutting one out; and what may be asked of one.

pub mod address;
pub mod check;
#[cfg(test)]
mod tests;

use time::OffsetDateTime;

use crate::auth::Context;
use crate::config::Config;
use crate::crypto;
use crate::crypto::Entropy;
use crate::db::Db;
use crate::db::error::duplicate;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Fault;
use crate::domain::refusal::Refusal;
use crate::domain::scope::Level;
use crate::domain::scope::Scope;
use crate::fetch::Inside;
use crate::store::clients;
use crate::store::clients::Client;
use crate::store::clients::Kind;
use crate::store::clients::Vouched;
use crate::store::ledger;
use crate::store::ledger::Entry;
use crate::store::ledger::Outcome;

pub use crate::auth::client::address::host;
pub use crate::auth::client::address::may_redirect;
pub use crate::auth::client::address::origin;

/// How many apps may wait for the practice at once; beyond that somebody is playing.
const WAITING: i64 = 1000;

/// What is asked for when an app is added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewClient {
    /// A chosen id; `None` makes one.
    pub client_id: Option<String>,
    /// The name patients will read.
    pub name: String,
    /// How it proves who it is.
    pub kind: Kind,
    /// Where answers may be sent.
    pub redirect_uris: Vec<String>,
    /// The scopes it may ask for.
    pub scope: String,
    /// Its public keys as a JWK set.
    pub jwks: Option<String>,
    /// Where its public keys are.
    pub jwks_uri: Option<String>,
    /// Where staff start it.
    pub launch_uri: Option<String>,
    /// Where a browser may be sent after logging out.
    pub logout_uris: Vec<String>,
    /// Its home page.
    pub client_uri: Option<String>,
    /// Whom the practice can write to about it.
    pub contact: Option<String>,
    /// Whether the practice vouches for it.
    pub verified: bool,
    /// Whether it waits for the practice's approval.
    pub waits: bool,
}

impl NewClient {
    /// An app with a name and a kind and nothing else yet.
    pub fn named(name: &str, kind: Kind) -> Self {
        Self {
            client_id: None,
            name: name.to_owned(),
            kind,
            redirect_uris: Vec::new(),
            scope: String::new(),
            jwks: None,
            jwks_uri: None,
            launch_uri: None,
            logout_uris: Vec::new(),
            client_uri: None,
            contact: None,
            verified: false,
            waits: false,
        }
    }
}

/// Who does something to an app, where and when.
#[derive(Clone, Copy)]
pub struct Deed<'a> {
    /// The practice's database.
    pub db: &'a Db,
    /// Who: `command line`, `registration`, `developers page`, `sandbox` or a reference such as `Practitioner/<uuid>`.
    pub by: &'a str,
    /// When.
    pub now: OffsetDateTime,
    /// In which request; empty outside one.
    pub request_id: &'a str,
    /// Whether addresses on this machine may be named.
    pub inside: Inside,
}

impl<'a> Deed<'a> {
    /// What a request does on somebody's behalf.
    pub fn of(context: &Context<'a>, by: &'a str) -> Self {
        Self {
            db: &context.emr.db,
            by,
            now: context.now,
            request_id: context.request_id,
            inside: inside(context.config),
        }
    }

    fn entry(&self, action: &'static str, client_id: &str) -> Entry {
        let mut entry = Entry::new(action, Outcome::Success, self.now);
        self.by.clone_into(&mut entry.actor);
        self.request_id.clone_into(&mut entry.request_id);
        client_id.clone_into(&mut entry.client_id);
        entry
    }
}

/// Whether addresses on this machine may be named: in a sandbox they may.
pub fn inside(config: &Config) -> Inside {
    match config.sandbox {
        true => Inside::Open,
        false => Inside::Closed,
    }
}

/// An app that was just added.
#[derive(Clone, PartialEq, Eq)]
pub struct Added {
    /// The app.
    pub client: Client,
    /// The secret of a confidential one: told now and never again, for only its fingerprint is kept.
    pub secret: Option<String>,
}

/// Adds an app.
///
/// # Errors
/// `Invalid` naming everything that is wrong, `Conflict` where the id is taken, `Unavailable` where too many apps wait;
/// otherwise as [`Db::run`].
pub async fn register(deed: &Deed<'_>, new: NewClient, entropy: &dyn Entropy) -> Answer<Added> {
    let wrong = check::check(&new, deed.inside);
    if let Some((first, _)) = wrong.first() {
        let all: Vec<String> = wrong
            .iter()
            .map(|(field, sentence)| format!("{field}: {sentence}"))
            .collect();
        return Err(Refusal::invalid(*first, all.join(" ")).into());
    }
    let client_id = match new.client_id {
        Some(client_id) => client_id,
        None => new_id(entropy)?,
    };
    let secret = match new.kind {
        Kind::Confidential => Some(new_secret(entropy)?),
        _ => None,
    };
    let client = Client {
        client_id,
        name: new.name.trim().to_owned(),
        kind: new.kind,
        redirect_uris: new.redirect_uris,
        scope: Scope::join(&Scope::list(&new.scope)),
        secret_hash: secret.as_deref().map(crypto::fingerprint),
        jwks: new.jwks,
        jwks_uri: new.jwks_uri,
        launch_uri: new.launch_uri,
        logout_uris: new.logout_uris,
        client_uri: new.client_uri,
        contact: new.contact.map(|contact| contact.trim().to_owned()),
        verified: new.verified,
        waits: new.waits,
        registered_by: deed.by.to_owned(),
        created: deed.now.unix_timestamp(),
        disabled: None,
    };
    add(deed, &client).await?;
    Ok(Added { client, secret })
}

/// A new id: letters and digits only, so that it is one word in a shell and never looks like an option.
fn new_id(entropy: &dyn Entropy) -> Result<String, Fault> {
    let token = entropy.token()?;
    Ok(token
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .take(22)
        .collect())
}

/// A new secret for a confidential app: 256 random bits.
///
/// # Errors
/// As [`Entropy::token`].
pub fn new_secret(entropy: &dyn Entropy) -> Result<String, Fault> {
    Ok(format!("cs_{}", entropy.token()?))
}

/// Gives an app another secret, by its fingerprint, and another key set; the ones before stop working at once.
///
/// # Errors
/// As [`Db::run`].
pub async fn renew(
    deed: &Deed<'_>,
    client: &Client,
    credentials: (Option<String>, Option<String>),
) -> Answer<()> {
    let entry = deed.entry("client.renew", &client.client_id);
    let transaction = deed.db.transaction(|tx| {
        let (entry, credentials) = (entry.clone(), credentials.clone());
        Box::pin(async move {
            clients::renew(tx, &entry.client_id, credentials).await?;
            ledger::record(tx, &entry).await
        })
    });
    transaction.await
}

async fn add(deed: &Deed<'_>, client: &Client) -> Answer<()> {
    let entry = deed.entry("client.add", &client.client_id);
    let added = deed
        .db
        .transaction(|tx| {
            let (client, entry) = (client.clone(), entry.clone());
            Box::pin(async move {
                if client.waits && clients::waiting(tx).await? >= WAITING {
                    let full = "Too many apps wait for the practice already. Please try again in a few days.";
                    return Err(Refusal::Unavailable(full).into());
                }
                clients::add(tx, &client).await?;
                ledger::record(tx, &entry).await
            })
        })
        .await;
    match added {
        Err(failure) if duplicate(&failure) => {
            let taken = format!("There is an app with the id {} already.", client.client_id);
            Err(Refusal::Conflict(taken).into())
        }
        other => other,
    }
}

/// Every app, by name.
///
/// # Errors
/// As [`Db::all`].
pub async fn list(db: &Db) -> Answer<Vec<Client>> {
    clients::all(db).await
}

/// The apps that wait for the practice, the one that waits longest first.
///
/// # Errors
/// As [`Db::all`].
pub async fn waiting(db: &Db) -> Answer<Vec<Client>> {
    let mut all = clients::all(db).await?;
    all.retain(|client| client.waits && client.disabled.is_none());
    all.sort_by_key(|client| client.created);
    Ok(all)
}

/// Lets a waiting app in on behalf of `by`, vouching for it or not.
///
/// # Errors
/// As [`approve_by`].
pub async fn approve(
    context: &Context<'_>,
    client_id: &str,
    by: &str,
    vouched: Vouched,
) -> Answer<()> {
    approve_by(&Deed::of(context, by), client_id, vouched).await
}

/// Turns a waiting app away on behalf of `by`: it is shut out, and its id stays taken.
///
/// # Errors
/// `NotFound` where no such app waits; otherwise as [`Db::run`].
pub async fn decline(context: &Context<'_>, client_id: &str, by: &str) -> Answer<()> {
    let known = clients::find(&context.emr.db, client_id).await?;
    match known.is_some_and(|client| client.waits) {
        true => disable(&Deed::of(context, by), client_id).await,
        false => Err(Refusal::NotFound.into()),
    }
}

/// Lets a waiting app in, vouching for it or not.
///
/// # Errors
/// `NotFound` where no such app waits; otherwise as [`Db::run`].
pub async fn approve_by(deed: &Deed<'_>, client_id: &str, vouched: Vouched) -> Answer<()> {
    let mut entry = deed.entry("client.approve", client_id);
    if vouched == Vouched::Yes {
        entry.reason = "verified".to_owned();
    }
    let transaction = deed.db.transaction(|tx| {
        let (entry, by) = (entry.clone(), deed.by.to_owned());
        Box::pin(async move {
            let changed = clients::approve(tx, &entry.client_id, &by, vouched).await?;
            match changed {
                true => ledger::record(tx, &entry).await,
                false => Err(Refusal::NotFound.into()),
            }
        })
    });
    transaction.await
}

/// Shuts an app out, waiting or not: its tokens stop opening anything at once.
///
/// # Errors
/// `NotFound` where there is no such app; otherwise as [`Db::run`].
pub async fn disable(deed: &Deed<'_>, client_id: &str) -> Answer<()> {
    let now = deed.now.unix_timestamp();
    let entry = deed.entry("client.disable", client_id);
    let transaction = deed.db.transaction(|tx| {
        let entry = entry.clone();
        Box::pin(async move {
            let changed = clients::disable(tx, &entry.client_id, now).await?;
            match changed {
                true => ledger::record(tx, &entry).await,
                false => Err(Refusal::NotFound.into()),
            }
        })
    });
    transaction.await
}

/// The app of that id, where it is in use.
///
/// # Errors
/// As [`Db::all`].
pub async fn in_use(db: &Db, client_id: &str) -> Answer<Option<Client>> {
    let client = clients::find(db, client_id).await?;
    Ok(client.filter(|client| client.disabled.is_none() && !client.waits))
}

/// Those of the asked scopes that are offered to users and registered for this app, as asked and in order.
pub fn allowed(client: &Client, asked: &str) -> Vec<Scope> {
    let registered = Scope::list(&client.scope);
    let mut scopes = Scope::list(asked);
    scopes.retain(|scope| {
        // A backend service has no user to ask, and nobody else may have what it has.
        let offered = scope.level() != Some(Level::System);
        offered && registered.iter().any(|known| known.covers(scope))
    });
    scopes
}
