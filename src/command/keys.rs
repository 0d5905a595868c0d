//! `anteroom keys`: the keys id tokens are signed with.

use std::collections::HashMap;

use serde_json::Value;
use serde_json::json;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::auth::keys;
use crate::auth::keys::Key;
use crate::auth::keys::Ring;
use crate::auth::keys::Rotation;
use crate::auth::keys::State;
use crate::command::KeysCommand;
use crate::command::Target;
use crate::command::serve;
use crate::db::Db;

/// Does what was typed.
///
/// # Errors
/// One sentence that says what is wrong.
pub async fn run(
    command: KeysCommand,
    environment: &HashMap<String, String>,
) -> Result<(), String> {
    let now = serve::system_clock()();
    let seconds = now.unix_timestamp();
    match command {
        KeysCommand::Rotate { target, now: true } => {
            let ring = rotate((&target, environment), now, Rotation::AtOnce).await?;
            print(&ring, seconds);
            println!(
                "Running servers take the new key within half a minute; older id tokens no longer count."
            );
        }
        KeysCommand::Rotate { target, now: false } => {
            let ring = rotate((&target, environment), now, Rotation::ByHand).await?;
            print(&ring, seconds);
        }
        KeysCommand::List { target, json } => {
            let db = open(&target, environment).await?;
            let ring = keys::read(&db).await.map_err(serve::said);
            db.close().await;
            let ring = ring?;
            match json {
                true => {
                    let rows = ring.states(seconds).map(|(key, state)| row(key, state));
                    println!("{}", Value::from(rows.collect::<Vec<_>>()));
                }
                false => print(&ring, seconds),
            }
        }
    }
    Ok(())
}

async fn rotate(
    (target, environment): (&Target, &HashMap<String, String>),
    now: OffsetDateTime,
    why: Rotation,
) -> Result<Ring, String> {
    let db = open(target, environment).await?;
    let made = keys::rotate(&db, now, why).await;
    let ring = keys::read(&db).await;
    db.close().await;
    match made.map_err(serve::said)? {
        true => println!("Made a new signing key."),
        false => {
            println!("Somebody else made a new signing key at this very moment; none was added.")
        }
    }
    ring.map_err(serve::said)
}

async fn open(target: &Target, environment: &HashMap<String, String>) -> Result<Db, String> {
    let config = target.settings(environment)?;
    let opened = Db::open(&config.database_url, None).await;
    opened.map_err(|fault| fault.to_string())
}

fn print(ring: &Ring, now: i64) {
    let mut none = true;
    for (key, state) in ring.states(now) {
        none = false;
        let (word, until) = words(state);
        let until = match (word, until) {
            ("next", Some(from)) => format!(", signs from {}", written(from)),
            (_, Some(until)) => format!(", published until {}", written(until)),
            (_, None) => String::new(),
        };
        println!(
            "{}  made {}  {word}{until}",
            key.kid(),
            written(key.created())
        );
    }
    if none {
        println!("There is no signing key yet: the first anteroom serve makes one.");
    }
}

fn row(key: &Key, state: State) -> Value {
    let (word, until) = words(state);
    let mut row = json!({ "kid": key.kid(), "created": written(key.created()), "state": word });
    if let (Some(at), Some(row)) = (until, row.as_object_mut()) {
        let name = match state {
            State::Next(_) => "signs_from",
            _ => "published_until",
        };
        row.insert(name.to_owned(), Value::from(written(at)));
    }
    row
}

/// A state's word, and the time that goes with it.
fn words(state: State) -> (&'static str, Option<i64>) {
    match state {
        State::Next(from) => ("next", Some(from)),
        State::Signing => ("signing", None),
        State::Retiring(until) => ("retiring", Some(until)),
        State::Retired => ("retired", None),
        State::Dropped => ("dropped", None),
    }
}

/// A time for people and scripts, in UTC.
fn written(seconds: i64) -> String {
    let at = OffsetDateTime::from_unix_timestamp(seconds).ok();
    at.and_then(|at| at.format(&Rfc3339).ok())
        .unwrap_or_else(|| seconds.to_string())
}
