//! `anteroom accounts`: what is about every patient's account at once.

use std::collections::HashMap;

use clap::Subcommand;

use crate::auth::accounts::everybody;
use crate::auth::accounts::everybody::Apps;
use crate::command::Target;
use crate::command::serve;
use crate::store::ledger::Entry;
use crate::store::ledger::Outcome;

/// What can be done with all accounts.
#[derive(Debug, Subcommand)]
pub enum AccountsCommand {
    /// Make every patient choose another password at the next login. What they have works until then; whether apps go on
    /// until then is the setting force_reset_revoke_tokens.
    ForceReset {
        /// Which practice.
        #[command(flatten)]
        target: Target,
        /// Yes, every patient.
        #[arg(long)]
        confirm: bool,
    },
}

/// Does what was typed.
///
/// # Errors
/// One sentence that says what is wrong.
pub async fn run(
    command: AccountsCommand,
    environment: &HashMap<String, String>,
) -> Result<(), String> {
    let AccountsCommand::ForceReset { target, confirm } = command;
    if !confirm {
        return Err(
            "every patient would have to choose another password: say --confirm to do that"
                .to_owned(),
        );
    }
    let config = target.settings(environment)?;
    let emr = serve::open_emr(&config, serve::system_clock()).await?;
    let apps = match config.accounts.force_reset_revokes {
        true => Apps::End,
        false => Apps::Stay,
    };
    let now = emr.now();
    let mut entry = Entry::new("portal.reset-all", Outcome::Success, now);
    "command line".clone_into(&mut entry.actor);
    "Patient".clone_into(&mut entry.resource);
    let done = everybody::must_change(&emr.db, (&entry, now.unix_timestamp()), apps).await;
    emr.db.close().await;
    let accounts = done.map_err(serve::said)?;
    println!("{accounts} patients have to choose another password at their next login.");
    Ok(())
}
