//! `anteroom staff`: who works here, and which of them has an account at the practice's identity provider.

use std::collections::HashMap;

use serde_json::Value;
use serde_json::json;

use crate::auth::upstream;
use crate::command::StaffCommand;
use crate::command::serve;
use crate::domain::access::Right;
use crate::emr::Emr;
use crate::emr::colleague;
use crate::emr::colleague::Colleague;

/// Does one of the commands.
///
/// # Errors
/// One sentence that says what is wrong and what to do.
pub async fn run(
    command: StaffCommand,
    environment: &HashMap<String, String>,
) -> Result<(), String> {
    match command {
        StaffCommand::List { target, json } => {
            let emr =
                serve::open_emr(&target.settings(environment)?, serve::system_clock()).await?;
            let all = upstream::all(&emr).await.map_err(serve::said);
            emr.db.close().await;
            list(&all?, json);
        }
        StaffCommand::Unlink { target, username } => {
            let emr =
                serve::open_emr(&target.settings(environment)?, serve::system_clock()).await?;
            let done = unlink(&emr, &username).await;
            emr.db.close().await;
            done?;
            println!(
                "{username} has no account at the identity provider any more; the next login there links one"
            );
        }
    }
    Ok(())
}

async fn unlink(emr: &Emr, username: &str) -> Result<(), String> {
    let found = colleague::by_username(emr, username)
        .await
        .map_err(serve::said)?;
    let Some(colleague) = found else {
        return Err(format!(
            "OpenEMR has no user {username}: anteroom staff list shows them"
        ));
    };
    match upstream::unlink(emr, &colleague).await {
        Ok(true) => Ok(()),
        Ok(false) => Err(format!(
            "no account at the identity provider is linked with {username}"
        )),
        Err(failure) => Err(serve::said(failure)),
    }
}

fn list(all: &[(Colleague, bool)], json: bool) {
    if json {
        let rows: Vec<Value> = all.iter().map(row).collect();
        println!("{}", Value::from(rows));
        return;
    }
    if all.is_empty() {
        println!("OpenEMR has no user with a user name.");
    }
    for (one, linked) in all {
        let active = match one.active {
            true => "active",
            false => "switched off",
        };
        let mut marks = vec![active];
        if one.portal_user {
            marks.push("patients may write to them");
        }
        if *linked {
            marks.push("linked with the identity provider");
        }
        let rights = match one.staff.rights.is_empty() {
            true => "none".to_owned(),
            false => rights(one).join(" "),
        };
        println!("{}  {}", one.username, one.display);
        println!("    {}", marks.join(", "));
        println!("    rights: {rights}");
    }
}

/// The rights by OpenEMR's names: section and value.
fn rights(one: &Colleague) -> Vec<String> {
    Right::ALL
        .iter()
        .filter(|(right, ..)| one.staff.rights.contains(right))
        .map(|(_, section, value)| format!("{section}/{value}"))
        .collect()
}

fn row((one, linked): &(Colleague, bool)) -> Value {
    json!({
        "username": one.username,
        "name": one.display,
        "id": one.staff.uuid.to_string(),
        "active": one.active,
        "portal_user": one.portal_user,
        "rights": rights(one),
        "linked": linked,
    })
}
