//! The command line: what can be typed, and which function does it.

pub mod accounts;
pub mod audit;
pub mod clients;
pub mod demo;
pub mod doctor;
pub mod explain;
pub mod isolation;
pub mod keys;
pub mod letters;
pub mod serve;
pub mod staff;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;
use clap::Parser;
use clap::Subcommand;

use crate::command::accounts::AccountsCommand;
use crate::command::audit::AuditCommand;
use crate::command::clients::ClientCommand;
use crate::config;
use crate::config::Config;
use crate::http::openapi;
use crate::portal::rules;

/// A SMART on FHIR front room for the EMR a practice already runs.
#[derive(Debug, Parser)]
#[command(name = "anteroom", version, about, disable_help_subcommand = true)]
pub struct Cli {
    /// How log lines look; RUST_LOG says which are shown.
    #[arg(long, global = true, value_name = "FORMAT", default_value = "text", value_parser = ["text", "json"])]
    pub log: String,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What can be done.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Start the sandbox: an invented practice in an embedded database, ready to click through.
    Demo {
        /// Where to listen.
        #[arg(long, default_value = "127.0.0.1:8080")]
        listen: SocketAddr,
        /// Folder of the sandbox; made where it is not there, reopened where it is. Default: a fresh temporary folder.
        #[arg(long, value_name = "DIR")]
        data: Option<PathBuf>,
    },
    /// Serve a practice's own OpenEMR database.
    Serve {
        /// Which practice.
        #[command(flatten)]
        target: Target,
    },
    /// Create or upgrade Anteroom's own tables (anteroom_...) in the practice's database, and nothing else.
    Migrate {
        /// Which practice.
        #[command(flatten)]
        target: Target,
    },
    /// The doctor: look at database, grants, OpenEMR, documents, URLs and clocks; exit 1 if something blocks.
    Check {
        /// Which practice.
        #[command(flatten)]
        target: Target,
        /// Prove instead that no patient reaches another's records, on this practice's own data. Nothing is written, and
        /// nothing of a record is printed.
        #[arg(long)]
        isolation: bool,
        /// Send a test letter to this address instead, at once, and say what the mail server answered.
        #[arg(long, value_name = "ADDRESS", conflicts_with = "isolation")]
        mail: Option<String>,
        /// How many patients to try with --isolation, taken from all over the practice.
        #[arg(long, value_name = "N", default_value_t = 20, requires = "isolation")]
        patients: u32,
    },
    /// Fill an EMPTY OpenEMR database with the sandbox's invented practice, to try Anteroom on a fresh OpenEMR.
    Seed {
        /// Which practice.
        #[command(flatten)]
        target: Target,
        /// Folder for the documents and for demo.json, which tells the logins.
        #[arg(long, value_name = "DIR")]
        into: PathBuf,
    },
    /// Apps: register, list, let in, shut out.
    Client {
        /// What to do.
        #[command(subcommand)]
        command: ClientCommand,
    },
    /// Patients' accounts, all of them at once.
    Accounts {
        /// What to do.
        #[command(subcommand)]
        command: AccountsCommand,
    },
    /// The keys id tokens are signed with.
    Keys {
        /// What to do.
        #[command(subcommand)]
        command: KeysCommand,
    },
    /// The ledger: hold it against its seals, seal it, hand parts of it out.
    Audit {
        /// What to do.
        #[command(subcommand)]
        command: AuditCommand,
    },
    /// Members of staff, and their accounts at the practice's identity provider.
    Staff {
        /// What to do.
        #[command(subcommand)]
        command: StaffCommand,
    },
    /// Settings.
    Config {
        /// What to do.
        #[command(subcommand)]
        command: ConfigCommand,
    },
    /// Print the description of the endpoints for programs that read OpenAPI 3.0, as served at /openapi.json.
    Openapi {
        /// Which practice.
        #[command(flatten)]
        target: Target,
    },
    /// What happened in one request: when, who, through which app, how it ended, why, and what to do about it.
    Explain {
        /// The number of the request: on the page, in the header X-Request-Id, or request_id in a JSON answer.
        #[arg(allow_hyphen_values = true)]
        id: String,
        /// Which practice.
        #[command(flatten)]
        target: Target,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Write the wording of letters into a folder, for the practice's own to begin with (setting letters).
    Letters {
        /// The folder; files that are there already stay as they are.
        #[arg(long, value_name = "DIR")]
        into: PathBuf,
    },
    /// The practice's portal rules, as a table to read.
    Rules,
}

/// What can be done with signing keys.
#[derive(Debug, Subcommand)]
pub enum KeysCommand {
    /// Make a new signing key. It is published at once and signs a quarter of an hour later, without a restart.
    Rotate {
        /// Which practice.
        #[command(flatten)]
        target: Target,
        /// For the day a key has leaked: the new one signs at once, and whatever an older one has signed no longer counts.
        #[arg(long)]
        now: bool,
    },
    /// List the signing keys: kid, when it was made, and whether it is next, signing, retiring, retired or dropped.
    List {
        /// Which practice.
        #[command(flatten)]
        target: Target,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
}

/// What can be done with members of staff.
#[derive(Debug, Subcommand)]
pub enum StaffCommand {
    /// List the users of OpenEMR: user name, name, whether active and a portal user, rights, and whether linked.
    List {
        /// Which practice.
        #[command(flatten)]
        target: Target,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Forget which account of the identity provider is this user's; the next login of one links anew. Ends the user's
    /// sessions and the access of apps they let in.
    Unlink {
        /// Which practice.
        #[command(flatten)]
        target: Target,
        /// The user name in OpenEMR.
        username: String,
    },
}

/// What can be done with settings.
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Print a settings file with every setting, its default and what it is for.
    Example,
}

/// Which practice a command is about.
#[derive(Debug, Args)]
pub struct Target {
    /// The settings file; without it the environment (ANTEROOM_...) and the defaults serve.
    #[arg(long, value_name = "FILE", conflicts_with = "data")]
    pub config: Option<PathBuf>,
    /// A sandbox folder instead of a settings file.
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
}

impl Target {
    /// The settings of that practice.
    ///
    /// # Errors
    /// One sentence that says what is wrong and what to do.
    pub fn settings(&self, environment: &HashMap<String, String>) -> Result<Config, String> {
        if let Some(folder) = &self.data {
            let listen = SocketAddr::from(([127, 0, 0, 1], 8080));
            let database = demo::database(folder);
            if !database.exists() {
                return Err(format!(
                    "{} holds no sandbox: start one there with anteroom demo --data",
                    folder.display()
                ));
            }
            let url = format!("sqlite://{}", database.display());
            return Config::sandbox(listen, url, demo::documents(folder));
        }
        let config = Config::load(self.config.as_deref(), environment)?;
        match config.database_url.as_str() {
            "" => Err("no database: set database_url in the settings file or ANTEROOM_DATABASE_URL, such as mysql://anteroom:password@127.0.0.1:3306/openemr".to_owned()),
            url if url.starts_with("mysql://") || url.starts_with("mariadb://") || url.starts_with("sqlite://") => Ok(config),
            _ => Err("database_url must begin with mysql://, such as mysql://anteroom:password@127.0.0.1:3306/openemr".to_owned()),
        }
    }
}

/// Does what was typed; the error is one sentence for stderr.
///
/// # Errors
/// Whatever kept the command from being done.
pub async fn run(cli: Cli, environment: &HashMap<String, String>) -> Result<(), String> {
    match cli.command {
        Command::Demo { listen, data } => demo::run(listen, data, environment).await,
        Command::Serve { target } => serve::run(target.settings(environment)?).await,
        Command::Migrate { target } => serve::migrate(target.settings(environment)?).await,
        Command::Check {
            target,
            isolation: true,
            patients,
            ..
        } => isolation::run(target.settings(environment)?, patients).await,
        Command::Check {
            target,
            mail: Some(address),
            ..
        } => letters::test(target.settings(environment)?, &address).await,
        Command::Check { target, .. } => doctor::run(target.settings(environment)?).await,
        Command::Seed { target, into } => demo::seed(target.settings(environment)?, &into).await,
        Command::Client { command } => clients::run(command, environment).await,
        Command::Accounts { command } => accounts::run(command, environment).await,
        Command::Keys { command } => keys::run(command, environment).await,
        Command::Audit { command } => audit::run(command, environment).await,
        Command::Staff { command } => staff::run(command, environment).await,
        Command::Config {
            command: ConfigCommand::Example,
        } => {
            print!("{}", config::example());
            Ok(())
        }
        Command::Explain { id, target, json } => {
            explain::run(&id, (&target, json), environment).await
        }
        Command::Openapi { target } => {
            let settings = target.settings(environment)?;
            println!("{:#}", openapi::document(&settings.public_url));
            Ok(())
        }
        Command::Letters { into } => letters::print(&into),
        Command::Rules => {
            print!("{}", rules::markdown());
            Ok(())
        }
    }
}
