//! Opening a practice and serving it until somebody says stop.

use std::net::SocketAddr;
use std::sync::Arc;

use time::OffsetDateTime;
use tokio::net::TcpListener;
use tokio::signal::unix::SignalKind;
use tokio::signal::unix::signal;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::auth::email_change;
use crate::auth::keys::Keys;
use crate::config::Config;
use crate::crypto::Entropy;
use crate::crypto::SystemEntropy;
use crate::db::Db;
use crate::db::connect::Offset;
use crate::domain::refusal::Failure;
use crate::domain::refusal::Fault;
use crate::emr;
use crate::emr::Clock;
use crate::emr::Emr;
use crate::emr::zone::Zone;
use crate::http;
use crate::http::App;
use crate::http::connections;
use crate::http::connections::Patience;
use crate::http::oauth;
use crate::http::pages::home::Login;
use crate::http::reply;
use crate::worker;
use crate::worker::telling::Of;

/// How often addresses that OpenEMR changed are looked for.
const BETWEEN_NOTICES: std::time::Duration = std::time::Duration::from_secs(10);

/// How long the database's connections may take to close.
const CLOSING: std::time::Duration = std::time::Duration::from_secs(5);

/// The machine's clock.
pub fn system_clock() -> Clock {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the clock everything else is handed"
    )]
    Arc::new(OffsetDateTime::now_utc)
}

/// `anteroom serve`
pub async fn run(config: Config) -> Result<(), String> {
    let listen = config.listen;
    let public = config.public_url.clone();
    let local = ["http://127.0.0.1", "http://localhost", "http://[::1]"];
    if !config.is_https() && !local.iter().any(|start| public.starts_with(start)) {
        tracing::warn!(
            public_url = public,
            "not https: passwords and tokens would travel readable"
        );
    }
    let (app, ledger) = open(config, Vec::new()).await?;
    println!("Anteroom serves {} at {public}", app.emr.known().name);
    serve(app, ledger, bind(listen).await?).await;
    Ok(())
}

/// `anteroom migrate`
pub async fn migrate(config: Config) -> Result<(), String> {
    let db = Db::open(&config.database_url, None)
        .await
        .map_err(|fault| fault.to_string())?;
    let steps = db.migrate().await.map_err(|fault| fault.to_string())?;
    println!("Anteroom's own tables are up to date ({steps} steps). No OpenEMR table was touched.");
    db.close().await;
    Ok(())
}

/// Opens the practice: database, layout, zone, keys, and the loop behind the server.
///
/// # Errors
/// One sentence that names what is wrong and what to do.
pub async fn open(
    config: Config,
    logins: Vec<Login>,
) -> Result<(Arc<App>, JoinHandle<()>), String> {
    let emr = open_emr(&config, system_clock()).await?;
    let entropy: Box<dyn Entropy> = Box::new(SystemEntropy);
    let now = emr.now().unix_timestamp();
    let keys =
        Keys::load(&emr.db, now, entropy.as_ref())
            .await
            .map_err(|failure| match failure {
                Failure::Broken(fault) if fault.to_string().contains("anteroom_key") => {
                    "Anteroom's own tables are not there yet: run anteroom migrate".to_owned()
                }
                other => said(other),
            })?;
    let (reads, ledger) = worker::start(emr.db.clone());
    let app = App::new((config, emr), keys, entropy, reads, logins).map_err(said)?;
    Ok((Arc::new(app), ledger))
}

/// Opens the practice and gives every row without one its FHIR id.
///
/// # Errors
/// As [`open`].
pub async fn open_emr(config: &Config, clock: Clock) -> Result<Emr, String> {
    let db = open_db(config, clock.clone()).await?;
    let emr = Emr::open(db, config.documents.clone(), &config.zone, clock).await;
    let mut emr = emr.map_err(said)?;
    emr.booking = config.booking.clone();
    emr.papers = config.papers.clone();
    Ok(emr)
}

/// Opens the practice to look at it: nothing is written.
///
/// # Errors
/// As [`open`].
pub async fn look_at_emr(config: &Config, clock: Clock) -> Result<Emr, String> {
    let db = open_db(config, clock.clone()).await?;
    let emr = Emr::look(db, config.documents.clone(), &config.zone, clock).await;
    let mut emr = emr.map_err(said)?;
    emr.papers = config.papers.clone();
    Ok(emr)
}

/// The practice's database with sessions in the practice's own zone.
async fn open_db(config: &Config, clock: Clock) -> Result<Db, String> {
    let url = &config.database_url;
    let told = |fault: Fault| fault.to_string();
    let probe = Db::open(url, None).await.map_err(told)?;
    let zone = emr::settle_zone(&probe, &config.zone).await.map_err(said)?;
    match probe {
        Db::Sqlite { .. } => Ok(probe),
        Db::MySql(_) => {
            probe.close().await;
            let offset = offset(zone, clock);
            Db::open(url, Some(offset)).await.map_err(told)
        }
    }
}

/// The zone's offset now, as `SET time_zone` takes it.
fn offset(zone: Zone, clock: Clock) -> Offset {
    Arc::new(move || {
        let (hours, minutes, _) = zone.offset(clock()).as_hms();
        let sign = if hours < 0 || minutes < 0 { '-' } else { '+' };
        format!(
            "{sign}{:02}:{:02}",
            hours.unsigned_abs(),
            minutes.unsigned_abs()
        )
    })
}

/// Takes the address.
///
/// # Errors
/// One sentence naming it.
pub async fn bind(listen: SocketAddr) -> Result<TcpListener, String> {
    TcpListener::bind(listen).await.map_err(|error| {
        format!("cannot listen on {listen} ({error}): is another server running there? Choose another with --listen or the setting listen")
    })
}

/// Serves until the process is told to stop, then lets running requests end and writes what the ledger still owes.
pub async fn serve(app: Arc<App>, ledger: JoinHandle<()>, listener: TcpListener) {
    let db = app.emr.db.clone();
    let sweeping = worker::sweep(system_clock(), db.clone());
    let age = app.config.key_rotation;
    let keeping = worker::keep_keys(system_clock(), db.clone(), app.keys.clone(), age);
    let watching = worker::watch(app.clone());
    let outbox = worker::outbox::start(app.clone(), app.entropy.as_ref());
    let sealing = worker::seal::start(system_clock(), db.clone(), app.keys.seal.clone());
    let working = worker::jobs::start(app.clone());
    let telling = Of::ALL.map(|of| worker::telling::start(app.clone(), of));
    let noticing = tokio::spawn(notice(app.clone()));
    connections::serve(
        (listener, Patience::default()),
        http::router(app.clone()),
        async {
            told_to_stop().await;
            app.stopping.send_replace(true);
        },
    )
    .await;
    // It holds a sender of ledger lines, and their loop ends when the last is gone.
    drop(app);
    match outbox {
        Ok(outbox) => outbox.stop().await,
        Err(failure) => tracing::error!(?failure, "letters were not sent"),
    }
    sweeping.abort();
    keeping.abort();
    watching.abort();
    sealing.abort();
    match working {
        Ok(working) => {
            working.abort();
            let _ = working.await;
        }
        Err(failure) => tracing::error!(?failure, "jobs were not worked on"),
    }
    for one in telling {
        one.abort();
        let _ = one.await;
    }
    noticing.abort();
    let _ = noticing.await;
    // It holds the state, and with it a sender of ledger lines, until it has ended.
    let _ = watching.await;
    // The router, and with it the last sender, is gone: the loop writes what is left and ends.
    if ledger.await.is_err() {
        tracing::error!("the ledger of reads ended badly");
    }
    // A connection that never comes back keeps nobody from leaving.
    if timeout(CLOSING, db.close()).await.is_err() {
        tracing::warn!("the database's connections were not closed in time");
    }
}

/// Notices addresses of accounts that were changed in OpenEMR (F038; `spec/security.md`, case 111).
async fn notice(app: Arc<App>) {
    loop {
        let base = app.config.fhir_base();
        let context = oauth::context(&app, &base, "");
        if let Err(failure) = email_change::watch(&context).await {
            tracing::warn!(?failure, "changed addresses could not be looked for");
        }
        tokio::time::sleep(BETWEEN_NOTICES).await;
    }
}

/// Ctrl-C, or the service manager's TERM.
async fn told_to_stop() {
    let interrupt = tokio::signal::ctrl_c();
    let Ok(mut terminate) = signal(SignalKind::terminate()) else {
        let _ = interrupt.await;
        return;
    };
    tokio::select! {
        _ = interrupt => {}
        _ = terminate.recv() => {}
    }
}

/// A failure as one sentence.
pub fn said(failure: Failure) -> String {
    match failure {
        Failure::Broken(fault) => fault.to_string(),
        Failure::Refused(refusal) => {
            let sentence = reply::sentence(&refusal);
            sentence.trim_end_matches('.').to_owned()
        }
    }
}
