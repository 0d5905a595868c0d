//! `anteroom demo`: the sandbox, from nothing to a running server. `anteroom seed`: the same practice in an empty
//! OpenEMR database.

use std::collections::HashMap;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::path::PathBuf;

use crate::auth::client;
use crate::auth::client::Deed;
use crate::command::serve;
use crate::config::Config;
use crate::crypto;
use crate::crypto::Entropy;
use crate::crypto::SystemEntropy;
use crate::db::Db;
use crate::demo as practice;
use crate::demo::apps;
use crate::demo::manifest;
use crate::demo::manifest::DemoClient;
use crate::demo::manifest::Place;
use crate::demo::manifest::Sandbox;
use crate::emr::Emr;
use crate::emr::zone::Zone;
use crate::http::pages::home::Login;

/// The zone of the invented practice.
const ZONE: &str = "America/New_York";

/// The embedded database of a sandbox folder.
pub fn database(folder: &Path) -> PathBuf {
    folder.join("practice.db")
}

/// The documents of a sandbox folder.
pub fn documents(folder: &Path) -> PathBuf {
    folder.join("documents")
}

/// Makes or reopens the sandbox in a folder and serves it.
///
/// # Errors
/// One sentence that names what is wrong and what to do.
pub async fn run(
    listen: SocketAddr,
    data: Option<PathBuf>,
    environment: &HashMap<String, String>,
) -> Result<(), String> {
    // The address is taken first: a sandbox that cannot be reached is not made.
    let listener = serve::bind(listen).await?;
    let listen = listener
        .local_addr()
        .map_err(|error| format!("cannot tell the address: {error}"))?;
    let folder = folder(data)?;
    let file = database(&folder);
    let url = format!("sqlite://{}", file.display());
    make(&folder.join("mail"))?;
    if !file.exists() {
        create(&folder, &url).await?;
    }
    make(&documents(&folder))?;
    let config = Config::sandbox(listen, url, documents(&folder))?.with_staff_idp(environment)?;
    let (sandbox, apps) = prepare(&config, &kept(&folder)).await?;
    write_manifest(&folder, &config, (&sandbox, &apps))?;
    let (app, ledger) = serve::open(config, logins(&sandbox)).await?;
    announce(&app.config, &folder, &sandbox);
    serve::serve(app, ledger, listener).await;
    Ok(())
}

/// Fills an empty OpenEMR database with the invented practice.
///
/// # Errors
/// One sentence that names what is wrong and what to do; a database with patients is never touched.
pub async fn seed(config: Config, folder: &Path) -> Result<(), String> {
    make(folder)?;
    make(&folder.join("mail"))?;
    fill(&config.database_url, &documents(folder), &config.zone).await?;
    let (sandbox, apps) = prepare(&config, &kept(folder)).await?;
    write_manifest(folder, &config, (&sandbox, &apps))?;
    println!(
        "The invented practice is in the database; {} tells the logins.",
        folder.join("demo.json").display()
    );
    println!(
        "Serve it with documents = \"{}\" in the settings.",
        documents(folder).display()
    );
    Ok(())
}

/// The folder of the sandbox: the one given, or a fresh one.
fn folder(data: Option<PathBuf>) -> Result<PathBuf, String> {
    let folder = match data {
        Some(folder) => folder,
        None => {
            let mut bytes = [0; 6];
            SystemEntropy
                .fill(&mut bytes)
                .map_err(|fault| fault.to_string())?;
            std::env::temp_dir().join(format!("anteroom-{}", crypto::base64url(&bytes)))
        }
    };
    make(&folder)?;
    fs::canonicalize(&folder).map_err(|error| format!("cannot open {}: {error}", folder.display()))
}

fn make(folder: &Path) -> Result<(), String> {
    fs::create_dir_all(folder).map_err(|error| {
        format!(
            "cannot make the folder {} ({error}): choose another with --data",
            folder.display()
        )
    })
}

/// Makes the database beside its final place and moves it there whole, so that a sandbox is never half made.
///
/// # Errors
/// One sentence that names what is wrong and what to do.
pub async fn create(folder: &Path, url: &str) -> Result<(), String> {
    let unfinished = folder.join("practice.db.unfinished");
    for ending in ["", "-wal", "-shm"] {
        let _ = fs::remove_file(folder.join(format!("practice.db.unfinished{ending}")));
    }
    let _ = fs::remove_dir_all(documents(folder));
    let db = Db::open(&format!("sqlite://{}", unfinished.display()), None)
        .await
        .map_err(|fault| fault.to_string())?;
    db.migrate().await.map_err(|fault| fault.to_string())?;
    db.close().await;
    fill(
        &format!("sqlite://{}", unfinished.display()),
        &documents(folder),
        ZONE,
    )
    .await?;
    fs::rename(&unfinished, database(folder))
        .map_err(|error| format!("cannot finish {url}: {error}"))
}

/// Writes the practice into an empty database and its documents beside it.
async fn fill(url: &str, documents: &Path, zone: &str) -> Result<(), String> {
    let db = Db::open(url, None)
        .await
        .map_err(|fault| fault.to_string())?;
    let zone =
        Zone::named(zone).ok_or_else(|| format!("zone = \"{zone}\" is no IANA time zone"))?;
    let now = serve::system_clock()();
    practice::fill(&db, documents, now, &zone, &SystemEntropy)
        .await
        .map_err(serve::said)?;
    db.close().await;
    Ok(())
}

/// Gives every row its FHIR id and registers the sandbox's apps.
async fn prepare(
    config: &Config,
    kept: &[DemoClient],
) -> Result<(Sandbox, Vec<DemoClient>), String> {
    let emr = serve::open_emr(config, serve::system_clock()).await?;
    let apps = reopen_apps(&emr, config, kept).await?;
    let sandbox = Sandbox::reopen(&emr.db).await.map_err(serve::said)?;
    emr.db.close().await;
    Ok((sandbox, apps))
}

/// Registers the sandbox's apps and tells them with their secrets and private keys; where they are registered already,
/// these are new.
///
/// # Errors
/// One sentence that names what is wrong.
pub async fn register_apps(emr: &Emr, config: &Config) -> Result<Vec<DemoClient>, String> {
    reopen_apps(emr, config, &[]).await
}

/// Registers the sandbox's apps where they are not there yet, and tells them with their secrets and private keys: those
/// of `kept` that still fit, new ones for the rest.
async fn reopen_apps(
    emr: &Emr,
    config: &Config,
    kept: &[DemoClient],
) -> Result<Vec<DemoClient>, String> {
    let deed = Deed {
        db: &emr.db,
        by: "sandbox",
        now: emr.now(),
        request_id: "",
        inside: client::inside(config),
    };
    let own = format!("{}/app", config.public_url);
    let apps = apps::register(&deed, &own, kept, &SystemEntropy).await;
    apps.map_err(serve::said)
}

/// The apps of a folder's `demo.json`; none where there is no such file yet.
fn kept(folder: &Path) -> Vec<DemoClient> {
    let text = fs::read_to_string(folder.join("demo.json"));
    text.map(|text| manifest::clients(&text))
        .unwrap_or_default()
}

/// `demo.json`, written whole or not at all.
fn write_manifest(
    folder: &Path,
    config: &Config,
    (sandbox, apps): (&Sandbox, &[DemoClient]),
) -> Result<(), String> {
    let fhir_base = config.fhir_base();
    let mail = folder.join("mail").display().to_string();
    // A server's URL holds a password; who has the settings file has it already.
    let database = match config.database_url.starts_with("sqlite://") {
        true => config.database_url.clone(),
        false => String::new(),
    };
    let place = Place {
        public_url: &config.public_url,
        fhir_base: &fhir_base,
        mail_dir: &mail,
        database: &database,
    };
    let text = manifest::demo_json(sandbox, place, apps).map_err(|fault| fault.to_string())?;
    let unfinished = folder.join("demo.json.unfinished");
    fs::write(&unfinished, text)
        .and_then(|()| fs::rename(&unfinished, folder.join("demo.json")))
        .map_err(|error| format!("cannot write demo.json in {}: {error}", folder.display()))
}

fn logins(sandbox: &Sandbox) -> Vec<Login> {
    let one = |patient: &manifest::PatientLogin| Login {
        username: patient.username.clone(),
        password: patient.password.clone(),
        name: patient.name.clone(),
        shows: patient.notes.clone(),
    };
    let colleague = |one: &manifest::StaffLogin| Login {
        username: one.username.clone(),
        password: one.password.clone(),
        name: one.name.clone(),
        shows: match one.roles.is_empty() {
            true => "staff, for the staff desk".to_owned(),
            false => format!("staff, for the staff desk: {}", one.roles.join(", ")),
        },
    };
    let patients = sandbox.patients.iter().map(one);
    let staff = sandbox.staff.iter().map(colleague);
    patients.chain(staff).collect()
}

/// What somebody who just started the sandbox wants to know.
fn announce(config: &Config, folder: &Path, sandbox: &Sandbox) {
    let url = &config.public_url;
    println!("Anteroom's sandbox is ready. Everybody in it is invented.\n");
    println!("  start here    {url}/");
    println!("  sample app    {url}/app");
    println!("  FHIR base     {}", config.fhir_base());
    println!("  developers    {url}/developers");
    println!("  its folder    {}\n", folder.display());
    let all = logins(sandbox);
    let width = |of: fn(&Login) -> &str| {
        let lengths = all.iter().map(|one| of(one).chars().count());
        lengths.max().unwrap_or(0)
    };
    let (name, user, word) = (
        width(|p| &p.name),
        width(|p| &p.username),
        width(|p| &p.password),
    );
    println!(
        "  {:name$}  {:user$}  {:word$}  what it shows",
        "who", "username", "password"
    );
    for one in &all {
        println!(
            "  {:name$}  {:user$}  {:word$}  {}",
            one.name, one.username, one.password, one.shows
        );
    }
    println!(
        "\nCtrl-C ends it; anteroom demo --data {} opens it again.",
        folder.display()
    );
}
