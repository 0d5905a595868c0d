//! `anteroom client`: apps that may ask patients for access.

use std::collections::HashMap;

use serde_json::Value;
use serde_json::json;

use crate::auth::client;
use crate::auth::client::NewClient;
use crate::command::ClientCommand;
use crate::command::serve;
use crate::config::Config;
use crate::crypto::SystemEntropy;
use crate::db::Db;
use crate::domain::refusal::Failure;
use crate::domain::refusal::Refusal;
use crate::store::clients::Client;
use crate::store::clients::Kind;

/// Does what was typed.
///
/// # Errors
/// One sentence that says what is wrong.
pub async fn run(
    command: ClientCommand,
    environment: &HashMap<String, String>,
) -> Result<(), String> {
    let now = serve::system_clock()().unix_timestamp();
    match command {
        ClientCommand::Add {
            target,
            kind: _,
            name,
            redirect_uris,
            scope,
            client_id,
            json,
        } => {
            let db = open(&target.settings(environment)?).await?;
            let wanted = NewClient {
                client_id,
                name,
                kind: Kind::Public,
                redirect_uris,
                scope,
                verified: false,
            };
            let client = client::register(&db, wanted, now, &SystemEntropy)
                .await
                .map_err(serve::said)?;
            db.close().await;
            match json {
                true => println!(
                    "{}",
                    json!({ "client_id": client.client_id, "client_secret": Value::Null })
                ),
                false => println!("Registered {} as {}", client.name, client.client_id),
            }
        }
        ClientCommand::List { target, json } => {
            let db = open(&target.settings(environment)?).await?;
            let all = client::list(&db).await.map_err(serve::said)?;
            db.close().await;
            list(&all, json);
        }
        ClientCommand::Disable { target, client_id } => {
            let db = open(&target.settings(environment)?).await?;
            let done = client::disable(&db, &client_id, now).await;
            db.close().await;
            done.map_err(|failure| match failure {
                Failure::Refused(Refusal::NotFound) => {
                    format!("there is no app {client_id} in use: anteroom client list shows them")
                }
                other => serve::said(other),
            })?;
            println!("{client_id} is shut out; its tokens have ended");
        }
    }
    Ok(())
}

async fn open(config: &Config) -> Result<Db, String> {
    let opened = Db::open(&config.database_url, None).await;
    opened.map_err(|fault| fault.to_string())
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
        let state = match client.disabled {
            Some(_) => " (disabled)",
            None => "",
        };
        println!("{}  {}{state}", client.client_id, client.name);
        println!("    redirects: {}", client.redirect_uris.join(" "));
        println!("    scopes:    {}", client.scope);
    }
}

fn row(client: &Client) -> Value {
    json!({
        "client_id": client.client_id,
        "name": client.name,
        "redirect_uris": client.redirect_uris,
        "scope": client.scope,
        "disabled": client.disabled.is_some(),
    })
}
