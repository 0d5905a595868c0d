//! Opening the database and bringing Anteroom's own tables up to date.

use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use sqlx::AssertSqlSafe;
use sqlx::Connection;
use sqlx::Executor;
use sqlx::MySqlPool;
use sqlx::SqlSafeStr;
use sqlx::migrate::Migration;
use sqlx::migrate::MigrationType;
use sqlx::migrate::Migrator;
use sqlx::mysql::MySqlConnectOptions;
use sqlx::mysql::MySqlDatabaseError;
use sqlx::mysql::MySqlPoolOptions;
use sqlx::mysql::MySqlSslMode;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::sqlite::SqliteJournalMode;
use sqlx::sqlite::SqlitePoolOptions;
use sqlx::sqlite::SqliteSynchronous;
use tokio::time::timeout;

use crate::db::Db;
use crate::domain::refusal::Fault;

/// A step of the schema: its number, what it does, its text.
type Step = (i64, &'static str, &'static str);

/// Anteroom's own tables on MariaDB and MySQL.
const MYSQL: &[Step] = &[
    (
        2,
        "anteroom",
        include_str!("../../migrations/mysql/0002_anteroom.sql"),
    ),
    (
        3,
        "whole server",
        include_str!("../../migrations/mysql/0003_whole_server.sql"),
    ),
    (
        4,
        "whole surface",
        include_str!("../../migrations/mysql/0004_whole_surface.sql"),
    ),
    (
        5,
        "accounts",
        include_str!("../../migrations/mysql/0005_accounts.sql"),
    ),
    (
        6,
        "seals",
        include_str!("../../migrations/mysql/0006_seals.sql"),
    ),
    (
        7,
        "email changes",
        include_str!("../../migrations/mysql/0007_email_changes.sql"),
    ),
    (
        8,
        "jobs",
        include_str!("../../migrations/mysql/0008_jobs.sql"),
    ),
    (
        9,
        "registrations",
        include_str!("../../migrations/mysql/0009_registrations.sql"),
    ),
    (
        10,
        "visits",
        include_str!("../../migrations/mysql/0010_visits.sql"),
    ),
    (
        11,
        "messages",
        include_str!("../../migrations/mysql/0011_messages.sql"),
    ),
    (
        12,
        "documents",
        include_str!("../../migrations/mysql/0012_documents.sql"),
    ),
    (
        13,
        "forms",
        include_str!("../../migrations/mysql/0013_forms.sql"),
    ),
    (
        14,
        "reviews",
        include_str!("../../migrations/mysql/0014_reviews.sql"),
    ),
    (
        15,
        "reviews of what waited",
        include_str!("../../migrations/mysql/0015_reviews_whole.sql"),
    ),
    (
        18,
        "form letters",
        include_str!("../../migrations/mysql/0018_form_letters.sql"),
    ),
];

/// The OpenEMR-shaped tables of the sandbox, and Anteroom's own.
const SQLITE: &[Step] = &[
    (
        1,
        "openemr",
        include_str!("../../migrations/sqlite/0001_openemr.sql"),
    ),
    (
        2,
        "anteroom",
        include_str!("../../migrations/sqlite/0002_anteroom.sql"),
    ),
    (
        3,
        "whole server",
        include_str!("../../migrations/sqlite/0003_whole_server.sql"),
    ),
    (
        4,
        "whole surface",
        include_str!("../../migrations/sqlite/0004_whole_surface.sql"),
    ),
    (
        5,
        "accounts",
        include_str!("../../migrations/sqlite/0005_accounts.sql"),
    ),
    (
        6,
        "seals",
        include_str!("../../migrations/sqlite/0006_seals.sql"),
    ),
    (
        7,
        "email changes",
        include_str!("../../migrations/sqlite/0007_email_changes.sql"),
    ),
    (
        8,
        "jobs",
        include_str!("../../migrations/sqlite/0008_jobs.sql"),
    ),
    (
        9,
        "registrations",
        include_str!("../../migrations/sqlite/0009_registrations.sql"),
    ),
    (
        10,
        "visits",
        include_str!("../../migrations/sqlite/0010_visits.sql"),
    ),
    (
        11,
        "messages",
        include_str!("../../migrations/sqlite/0011_messages.sql"),
    ),
    (
        12,
        "documents",
        include_str!("../../migrations/sqlite/0012_documents.sql"),
    ),
    (
        13,
        "forms",
        include_str!("../../migrations/sqlite/0013_forms.sql"),
    ),
    (
        14,
        "reviews",
        include_str!("../../migrations/sqlite/0014_reviews.sql"),
    ),
    (
        15,
        "reviews of what waited",
        include_str!("../../migrations/sqlite/0015_reviews_whole.sql"),
    ),
    (
        18,
        "form letters",
        include_str!("../../migrations/sqlite/0018_form_letters.sql"),
    ),
    (
        20,
        "issues",
        include_str!("../../migrations/sqlite/0020_issues.sql"),
    ),
];

/// After how long without use a connection to the server is asked whether it is still alive.
const IDLE: Duration = Duration::from_secs(1);

/// What a session of [`Db::migrate`] has instead: to change a table of millions of rows takes as long as it takes.
const PATIENT: &str = "SET SESSION innodb_lock_wait_timeout = 50 /*M! , max_statement_time = 0, idle_transaction_timeout = 0 */ \
    /*!50708 , max_execution_time = 0 */";

/// How long a connection that comes back may take to be ready for the next caller. sqlx 0.9 loses count where somebody goes
/// away while a statement is being prepared, and would then wait without end for packets that do not come, a place of the
/// pool gone with each. What a server was still at is rolled back when the connection closes.
const READY: Duration = Duration::from_secs(1);

/// Tells the practice's present offset, such as `-05:00`, to each new connection: OpenEMR's
/// `ON UPDATE CURRENT_TIMESTAMP` columns hold the practice's wall time (OpenEMR facts 6.1).
pub type Offset = Arc<dyn Fn() -> String + Send + Sync>;

/// What a session on OpenEMR's database must look like: strict, but zero dates allowed because OpenEMR writes
/// them, and whole lists from GROUP_CONCAT (MySQL cuts at 1024 bytes). The server itself ends what takes longer than a
/// request may wait, so that no connection is left busy behind: waits for locks (two seconds, in which a transaction
/// can be tried again) and statements. Where this machine is gone in the middle of a transaction, MariaDB gives its
/// locks free after half a minute: before the seal of the ledger counts on every line being there. Only MariaDB reads
/// the `M!` comment; of the other, MariaDB skips the version.
const SESSION: &str = "SET SESSION sql_mode = 'STRICT_TRANS_TABLES', group_concat_max_len = 1048576, \
    innodb_lock_wait_timeout = 2 /*M! , max_statement_time = 4.5, idle_transaction_timeout = 30 */ /*!50708 , max_execution_time = 4500 */";

/// A row where the server is a node of a Galera cluster.
const CLUSTER: &str = "SHOW VARIABLES WHERE Variable_name = 'wsrep_on' AND Value = 'ON'";

impl Db {
    /// Opens the database a URL names: `mysql://user:password@host:port/name`, or `sqlite://path`.
    ///
    /// # Errors
    /// A fault whose text names what is wrong with the URL, the server, the account or the database.
    pub async fn open(url: &str, offset: Option<Offset>) -> Result<Self, Fault> {
        if let Some(path) = url.strip_prefix("sqlite://") {
            return Self::open_sqlite(Path::new(path)).await;
        }
        let options = MySqlConnectOptions::from_str(url)
            .map_err(|error| Fault::new("reading the database URL", error))?
            .timezone(None)
            .pipes_as_concat(false)
            .no_engine_substitution(false)
            .charset("utf8mb4");
        // A socket or a loopback server needs no TLS; `?ssl-mode=` in the URL says otherwise.
        let options = match url.contains("ssl-mode") {
            true => options,
            false => options.ssl_mode(MySqlSslMode::Preferred),
        };
        let pool = MySqlPoolOptions::new()
            .max_connections(16)
            .acquire_timeout(Duration::from_secs(5))
            // A connection that was just used is alive; only one that lay idle is asked, which saves a round trip.
            .test_before_acquire(false)
            .before_acquire(|connection, known| {
                Box::pin(async move {
                    if known.idle_for > IDLE {
                        connection.ping().await?;
                    }
                    Ok(true)
                })
            })
            .after_release(|connection, _| {
                Box::pin(async move {
                    match timeout(READY, connection.flush()).await {
                        Ok(ready) => ready.map(|()| true),
                        Err(_) => Ok(false),
                    }
                })
            })
            // A connection keeps the offset it was born with; half an hour after a clock change all have the new one.
            .max_lifetime(Duration::from_secs(1800))
            .after_connect(move |connection, _| {
                let offset = offset.clone();
                Box::pin(async move {
                    connection.execute(SESSION).await?;
                    // On a cluster a node may not have yet what another one committed: reads wait for it.
                    if connection.fetch_optional(CLUSTER).await?.is_some() {
                        connection
                            .execute("SET SESSION wsrep_sync_wait = 1")
                            .await?;
                    }
                    if let Some(offset) = offset {
                        let zone: String = offset()
                            .chars()
                            .filter(|c| "+-:0123456789".contains(*c))
                            .collect();
                        connection
                            .execute(AssertSqlSafe(format!("SET SESSION time_zone = '{zone}'")))
                            .await?;
                    }
                    Ok(())
                })
            })
            .connect_with(options)
            .await
            .map_err(|error| Fault::new("connecting to the database", advice(&error)))?;
        Ok(Self::MySql(pool))
    }

    /// Opens, and creates where absent, the embedded database in a file.
    ///
    /// # Errors
    /// A fault naming what the file system or SQLite says.
    async fn open_sqlite(path: &Path) -> Result<Self, Fault> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Normal)
            .busy_timeout(Duration::from_secs(5))
            // OpenEMR declares no foreign keys and writes rows in any order.
            .foreign_keys(false)
            .pragma("cache_size", "-8192")
            .pragma("mmap_size", "67108864")
            .pragma("temp_store", "memory");
        let fault = |error| Fault::new("opening the embedded database", error);
        // A file does not go away between two statements, so no connection is asked whether it is alive.
        let writer = SqlitePoolOptions::new()
            .test_before_acquire(false)
            .max_connections(1)
            .connect_with(options.clone())
            .await
            .map_err(fault)?;
        let readers = SqlitePoolOptions::new()
            .test_before_acquire(false)
            .max_connections(4)
            .connect_with(options.read_only(true))
            .await
            .map_err(fault)?;
        Ok(Self::Sqlite { writer, readers })
    }

    /// Creates or upgrades the `anteroom_` tables; on SQLite also the sandbox's OpenEMR-shaped ones.
    /// Returns how many steps there are in all.
    ///
    /// # Errors
    /// A fault naming the step that failed.
    pub async fn migrate(&self) -> Result<usize, Fault> {
        let fault = |error| Fault::new("creating Anteroom's tables", error);
        match self {
            Self::Sqlite { writer, .. } => {
                migrator(SQLITE).run(writer).await.map_err(fault)?;
                Ok(SQLITE.len())
            }
            Self::MySql(pool) => {
                let told = |error| Fault::new("creating Anteroom's tables", error);
                let mut connection = pool.acquire().await.map_err(told)?;
                // Nobody else is to have its patience.
                connection.close_on_drop();
                connection.execute(PATIENT).await.map_err(told)?;
                migrator(MYSQL).run(&mut *connection).await.map_err(fault)?;
                Ok(MYSQL.len())
            }
        }
    }

    /// Runs a script of several statements as it stands: the sandbox's seed lists and the test schemas.
    ///
    /// # Errors
    /// A fault with the engine's words.
    pub async fn script(&self, text: &str) -> Result<(), Fault> {
        let text = AssertSqlSafe(text.to_owned());
        let fault = |error| Fault::new("running a script", error);
        match self {
            Self::Sqlite { writer, .. } => {
                sqlx::raw_sql(text).execute(writer).await.map_err(fault)?;
            }
            Self::MySql(pool) => {
                let pool: &MySqlPool = pool;
                sqlx::raw_sql(text).execute(pool).await.map_err(fault)?;
            }
        }
        Ok(())
    }
}

/// The steps as sqlx runs them. Their ledger is `anteroom_migrations`, named like all our tables.
fn migrator(steps: &[Step]) -> Migrator {
    let steps = steps.iter().map(|(version, about, text)| {
        let kind = MigrationType::Simple;
        Migration::new(*version, (*about).into(), kind, text.into_sql_str(), false)
    });
    let mut migrator = Migrator::with_migrations(steps.collect());
    migrator.dangerous_set_table_name("anteroom_migrations");
    migrator
}

/// What the server said, and what to do about it.
fn advice(error: &sqlx::Error) -> String {
    let code = match error {
        sqlx::Error::Database(inner) => inner
            .try_downcast_ref::<MySqlDatabaseError>()
            .map_or(0, MySqlDatabaseError::number),
        _ => 0,
    };
    match code {
        1045 => format!("{error}: check user and password in database_url"),
        1044 => {
            format!("{error}: GRANT the account access to this database (the README has the list)")
        }
        1049 => format!(
            "{error}: check the database name at the end of database_url; OpenEMR's own is in sites/default/sqlconf.php"
        ),
        _ => {
            format!("{error}: is the server running, and are host and port in database_url right?")
        }
    }
}
