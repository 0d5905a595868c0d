//! Where a clinic's rows are: a copy of one SQLite sandbox, or a MariaDB database of its own.

use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering;

use anteroom::auth::keys::Keys;
use anteroom::command::demo;
use anteroom::command::serve;
use anteroom::crypto::SystemEntropy;
use anteroom::db::Db;
use anteroom::db::sql::Sql;
use anteroom::demo as practice;
use anteroom::emr::zone::Zone;
use sqlx::FromRow;
use tokio::sync::Mutex;

/// The layouts of OpenEMR that are served, each with its schema in `tests/openemr`.
pub(crate) const LAYOUTS: [&str; 3] = ["6.1", "7.0.4", "8.2"];

/// A practice on disk and in a database.
pub(crate) struct Place {
    pub(crate) folder: PathBuf,
    pub(crate) documents: PathBuf,
    pub(crate) url: String,
    pub(crate) server: Option<(String, String)>,
}

/// The sandbox that every SQLite clinic is a copy of, made by the first that needs it.
static TEMPLATE: Mutex<Option<PathBuf>> = Mutex::const_new(None);

static COUNT: AtomicU32 = AtomicU32::new(0);

#[derive(FromRow)]
struct Text {
    text: Option<String>,
}

fn fresh_folder() -> PathBuf {
    let number = COUNT.fetch_add(1, Ordering::SeqCst);
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join(format!("clinic-{}-{number}", std::process::id()));
    fs::create_dir_all(&folder).expect("a temporary folder");
    folder
}

/// A copy of the sandbox.
pub(crate) async fn sqlite() -> Place {
    let folder = fresh_folder();
    let mut template = TEMPLATE.lock().await;
    let from = match &*template {
        Some(made) => made.clone(),
        None => {
            let made = Path::new(env!("CARGO_TARGET_TMPDIR"))
                .join(format!("sandbox-{}", std::process::id()));
            fs::create_dir_all(&made).expect("a temporary folder");
            let url = format!("sqlite://{}", demo::database(&made).display());
            demo::create(&made, &url)
                .await
                .expect("the sandbox is made");
            let db = Db::open(&url, None).await.expect("it opens");
            Keys::load(
                &db,
                serve::system_clock()().unix_timestamp(),
                &SystemEntropy,
            )
            .await
            .expect("keys");
            db.close().await;
            *template = Some(made.clone());
            made
        }
    };
    drop(template);
    copy(&from, &folder);
    Place {
        documents: demo::documents(&folder),
        url: format!("sqlite://{}", demo::database(&folder).display()),
        folder,
        server: None,
    }
}

/// A database of its own on the server that `./test` started, with one layout and the sandbox's people.
pub(crate) async fn mariadb(layout: &str) -> Option<Place> {
    let Some(server) = server() else {
        eprintln!("NOT RUN on MariaDB {layout}: ANTEROOM_TEST_MYSQL is not set; ./test sets it");
        return None;
    };
    Some(mariadb_at(server, layout).await)
}

/// The same on a server of this URL, or on a node of a cluster.
pub(crate) async fn mariadb_at(server: String, layout: &str) -> Place {
    let folder = fresh_folder();
    let number = COUNT.fetch_add(1, Ordering::SeqCst);
    let name = format!("clinic_{}_{number}", std::process::id());
    let root = Db::open(&server, None).await.expect("the server is there");
    root.script(&format!(
        "CREATE DATABASE {name} CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci"
    ))
    .await
    .expect("a database");
    root.close().await;
    let url = format!("{server}/{name}");
    let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/openemr/{layout}.sql"));
    let loader = Db::open(&url, None).await.expect("the database opens");
    loader
        .script(&fs::read_to_string(schema).expect("the schema"))
        .await
        .expect("the schema loads");
    // The script changed the session's mode: it goes with its connection.
    loader.close().await;
    let db = Db::open(&url, None).await.expect("the database opens");
    db.migrate().await.expect("our own tables");
    let documents = demo::documents(&folder);
    let zone = Zone::named("America/New_York").expect("a zone");
    practice::fill(
        &db,
        &documents,
        serve::system_clock()(),
        &zone,
        &SystemEntropy,
    )
    .await
    .expect("the people");
    db.close().await;
    Place {
        folder,
        documents,
        url,
        server: Some((server, name)),
    }
}

impl Place {
    /// Leaves nothing behind.
    pub(crate) async fn remove(self) {
        fs::remove_dir_all(&self.folder).expect("our own folder");
        if let Some((server, name)) = self.server {
            let root = Db::open(&server, None).await.expect("the server is there");
            root.script(&format!("DROP DATABASE {name}"))
                .await
                .expect("our own database");
            root.close().await;
        }
    }
}

/// The first column, named `text`, of the first row.
pub(crate) async fn look(db: &Db, sql: &'static str) -> String {
    look_at(db, Sql::new(sql)).await
}

/// The same of a statement with values.
pub(crate) async fn look_at(db: &Db, sql: Sql) -> String {
    let row: Option<Text> = db.one(sql).await.expect("a statement that runs");
    row.and_then(|row| row.text).unwrap_or_default()
}

/// What the mail server that `./test` started tells about itself; `None`, said aloud, where there is none.
#[expect(
    clippy::disallowed_methods,
    reason = "the tests' other look at the environment"
)]
pub(crate) fn mail_server() -> Option<serde_json::Value> {
    let Ok(folder) = std::env::var("ANTEROOM_TEST_SMTP") else {
        eprintln!("NOT RUN with a mail server: ANTEROOM_TEST_SMTP is not set; ./test sets it");
        return None;
    };
    let told = fs::read_to_string(Path::new(&folder).join("server.json"));
    Some(serde_json::from_str(&told.expect("a mail server")).expect("JSON"))
}

/// Where the `clamd` that `./test` started listens, with one signature of our own; `None`, said aloud, where there is none.
#[expect(
    clippy::disallowed_methods,
    reason = "the tests' other look at the environment"
)]
pub(crate) fn clamd() -> Option<PathBuf> {
    let told = std::env::var("ANTEROOM_TEST_CLAMD").ok();
    if told.is_none() {
        eprintln!("NOT RUN with clamd: ANTEROOM_TEST_CLAMD is not set; ./test sets it");
    }
    told.map(PathBuf::from)
}

/// The nodes of the Galera cluster that `./test cluster` started; `None`, said aloud, where there is none.
#[expect(
    clippy::disallowed_methods,
    reason = "the tests' other look at the environment"
)]
pub(crate) fn cluster() -> Option<Vec<String>> {
    let Ok(urls) = std::env::var("ANTEROOM_TEST_GALERA") else {
        eprintln!("NOT RUN on a cluster: ANTEROOM_TEST_GALERA is not set; ./test cluster sets it");
        return None;
    };
    Some(urls.split_whitespace().map(str::to_owned).collect())
}

/// The Python that `./test` made, with what `conformance/requirements.txt` names; `None`, said aloud, where it is not told.
#[expect(
    clippy::disallowed_methods,
    reason = "the tests' other look at the environment"
)]
pub(crate) fn python() -> Option<String> {
    let told = std::env::var("ANTEROOM_TEST_PYTHON").ok();
    if told.is_none() {
        eprintln!("NOT RUN beside Python: ANTEROOM_TEST_PYTHON is not set; ./test sets it");
    }
    told
}

/// The server that `./test` started, if it did.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place of the tests that reads the environment"
)]
pub(crate) fn server() -> Option<String> {
    let url = std::env::var("ANTEROOM_TEST_MYSQL").ok()?;
    Some(url.trim_end_matches('/').to_owned())
}

fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).expect("a folder").flatten() {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            fs::create_dir_all(&target).expect("a folder");
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), &target).expect("a copy");
        }
    }
}
