//! `anteroom client`: apps that may ask patients and staff for access, or read on their own.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::path::PathBuf;

use clap::Args;
use clap::Subcommand;
use serde_json::Value;
use serde_json::json;

use crate::auth::client;
use crate::auth::client::Added;
use crate::auth::client::Deed;
use crate::auth::client::NewClient;
use crate::command::Target;
use crate::command::serve;
use crate::config::Config;
use crate::crypto::SystemEntropy;
use crate::db::Db;
use crate::domain::refusal::Failure;
use crate::domain::refusal::Refusal;
use crate::store::clients::Client;
use crate::store::clients::Kind;
use crate::store::clients::Vouched;

/// The largest key set that is read: no app has more than a few keys.
const LARGEST: u64 = 64 * 1024;

/// What can be done with apps.
#[derive(Debug, Subcommand)]
pub enum ClientCommand {
    /// Register an app; it may be used at once.
    Add {
        /// Which practice.
        #[command(flatten)]
        target: Target,
        /// The app.
        #[command(flatten)]
        app: Box<NewApp>,
        /// Print JSON: the id, and the secret of a confidential app.
        #[arg(long)]
        json: bool,
    },
    /// List the apps and whether they are in use, wait, or are off.
    List {
        /// Which practice.
        #[command(flatten)]
        target: Target,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Let in an app that waits for the practice.
    Approve {
        /// Which practice.
        #[command(flatten)]
        target: Target,
        /// Which app.
        client_id: String,
        /// The practice vouches for it: patients see no warning.
        #[arg(long)]
        verified: bool,
    },
    /// Shut an app out, also one that waits; its tokens end at once.
    Disable {
        /// Which practice.
        #[command(flatten)]
        target: Target,
        /// Which app.
        client_id: String,
    },
}

/// An app to be registered.
#[derive(Debug, Args)]
pub struct NewApp {
    /// public: cannot keep a secret (browser, phone). confidential: has a secret (a server). asymmetric: a server that
    /// signs with its own key. backend: the same without a user.
    #[arg(long, default_value = "public", value_parser = ["public", "confidential", "asymmetric", "backend"])]
    kind: String,
    /// The name patients read.
    #[arg(long)]
    name: String,
    /// Where it takes answers; may be given more than once. https, http on 127.0.0.1 or [::1], or com.example.app:/path.
    #[arg(long = "redirect-uri", value_name = "URL")]
    redirect_uris: Vec<String>,
    /// The scopes it may ask for, in one text with blanks.
    #[arg(long)]
    scope: String,
    /// Where staff start it (SMART's launch URL).
    #[arg(long, value_name = "URL")]
    launch_uri: Option<String>,
    /// Where a browser may be sent after logging out; may be given more than once.
    #[arg(long = "logout-uri", value_name = "URL")]
    logout_uris: Vec<String>,
    /// File with its public keys as a JWK set; for asymmetric and backend apps.
    #[arg(long, value_name = "FILE", conflicts_with = "jwks_uri")]
    jwks: Option<PathBuf>,
    /// Where its public keys are; for asymmetric and backend apps.
    #[arg(long, value_name = "URL")]
    jwks_uri: Option<String>,
    /// Its home page.
    #[arg(long, value_name = "URL")]
    client_uri: Option<String>,
    /// Whom the practice can write to about it.
    #[arg(long)]
    contact: Option<String>,
    /// The practice vouches for it: patients see no warning.
    #[arg(long)]
    verified: bool,
    /// The id to give it; made up where none is given.
    #[arg(long, value_name = "ID")]
    client_id: Option<String>,
}

/// Does what was typed.
///
/// # Errors
/// One sentence that says what is wrong.
pub async fn run(
    command: ClientCommand,
    environment: &HashMap<String, String>,
) -> Result<(), String> {
    match command {
        ClientCommand::Add { target, app, json } => {
            let config = target.settings(environment)?;
            let wanted = wanted(*app)?;
            let db = open(&config).await?;
            let added = client::register(&deed(&db, &config), wanted, &SystemEntropy).await;
            db.close().await;
            told(&added.map_err(serve::said)?, json);
        }
        ClientCommand::List { target, json } => {
            let db = open(&target.settings(environment)?).await?;
            let all = client::list(&db).await;
            db.close().await;
            list(&all.map_err(serve::said)?, json);
        }
        ClientCommand::Approve {
            target,
            client_id,
            verified,
        } => {
            let config = target.settings(environment)?;
            let vouched = match verified {
                true => Vouched::Yes,
                false => Vouched::No,
            };
            let db = open(&config).await?;
            let done = client::approve_by(&deed(&db, &config), &client_id, vouched).await;
            db.close().await;
            done.map_err(|failure| missing(failure, &client_id, "that waits"))?;
            println!("{client_id} may be used now");
        }
        ClientCommand::Disable { target, client_id } => {
            let config = target.settings(environment)?;
            let db = open(&config).await?;
            let done = client::disable(&deed(&db, &config), &client_id).await;
            db.close().await;
            done.map_err(|failure| missing(failure, &client_id, "in use"))?;
            println!("{client_id} is shut out; its tokens have ended");
        }
    }
    Ok(())
}

fn wanted(app: NewApp) -> Result<NewClient, String> {
    let kind = Kind::of(&app.kind).ok_or_else(|| format!("{} is no kind of app", app.kind))?;
    Ok(NewClient {
        client_id: app.client_id,
        redirect_uris: app.redirect_uris,
        scope: app.scope,
        jwks: app.jwks.as_deref().map(read).transpose()?,
        jwks_uri: app.jwks_uri,
        launch_uri: app.launch_uri,
        logout_uris: app.logout_uris,
        client_uri: app.client_uri,
        contact: app.contact,
        verified: app.verified,
        ..NewClient::named(&app.name, kind)
    })
}

fn read(path: &Path) -> Result<String, String> {
    let shown = path.display();
    let found = fs::metadata(path).map_err(|error| format!("cannot read {shown}: {error}"))?;
    if found.len() > LARGEST {
        return Err(format!(
            "{shown} is over 64 KiB: give a file that holds a JWK set and nothing else"
        ));
    }
    fs::read_to_string(path).map_err(|error| format!("cannot read {shown}: {error}"))
}

fn deed<'a>(db: &'a Db, config: &Config) -> Deed<'a> {
    Deed {
        db,
        by: "command line",
        now: serve::system_clock()(),
        request_id: "",
        inside: client::inside(config),
    }
}

async fn open(config: &Config) -> Result<Db, String> {
    let opened = Db::open(&config.database_url, None).await;
    opened.map_err(|fault| fault.to_string())
}

fn missing(failure: Failure, client_id: &str, state: &str) -> String {
    match failure {
        Failure::Refused(Refusal::NotFound) => {
            format!("there is no app {client_id} {state}: anteroom client list shows them")
        }
        other => serve::said(other),
    }
}

fn told(added: &Added, json: bool) {
    let client = &added.client;
    if json {
        let answer = json!({ "client_id": client.client_id, "client_secret": added.secret });
        println!("{answer}");
        return;
    }
    println!("Registered {} as {}", client.name, client.client_id);
    if let Some(secret) = &added.secret {
        println!("Its secret, shown now and never again: {secret}");
    }
}

fn list(all: &[Client], json: bool) {
    if json {
        let rows: Vec<Value> = all.iter().map(row).collect();
        println!("{}", Value::from(rows));
        return;
    }
    if all.is_empty() {
        println!("No app is registered. Register one with anteroom client add.");
    }
    for client in all {
        let verified = match client.verified {
            true => ", verified",
            false => "",
        };
        let (state, kind) = (status(client), client.kind.word());
        println!("{}  {}", client.client_id, client.name);
        println!("    {state}, {kind}{verified}");
        if !client.redirect_uris.is_empty() {
            println!("    redirects: {}", client.redirect_uris.join(" "));
        }
        println!("    scopes:    {}", client.scope);
    }
}

fn status(client: &Client) -> &'static str {
    match (client.disabled, client.waits) {
        (Some(_), _) => "off",
        (None, true) => "waits",
        (None, false) => "in use",
    }
}

fn row(client: &Client) -> Value {
    json!({
        "client_id": client.client_id,
        "name": client.name,
        "kind": client.kind.word(),
        "status": status(client),
        "verified": client.verified,
        "redirect_uris": client.redirect_uris,
        "scope": client.scope,
        "launch_uri": client.launch_uri,
        "jwks_uri": client.jwks_uri,
        "client_uri": client.client_uri,
        "contact": client.contact,
        "registered_by": client.registered_by,
        "disabled": client.disabled.is_some(),
    })
}
