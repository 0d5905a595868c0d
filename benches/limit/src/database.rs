//! The two statements, on either engine, through pools set up as the product sets up its own.

use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use anyhow::Context;
use sqlx::Executor;
use sqlx::MySql;
use sqlx::MySqlPool;
use sqlx::Sqlite;
use sqlx::SqlitePool;
use sqlx::mysql::MySqlConnectOptions;
use sqlx::mysql::MySqlPoolOptions;
use sqlx::mysql::MySqlSslMode;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::sqlite::SqliteJournalMode;
use sqlx::sqlite::SqlitePoolOptions;
use sqlx::sqlite::SqliteSynchronous;
use uuid::Uuid;

use crate::appointment::EventRow;
use crate::patient::PatientRow;

/// Thirty columns of one row by its key.
const PATIENT: &str = "SELECT uuid, pubpid, title, fname, mname, lname, DOB AS dob, sex, race, ethnicity, language, \
    status, street, city, state, postal_code, county, country_code, phone_home, phone_biz, phone_cell, email, \
    email_direct, deceased_date, contact_relationship, phone_contact, suffix, preferred_name, last_updated, \
    providerID AS provider FROM patient_data WHERE uuid = ?";

/// The columns and joins of the product's search; `pc_pid` and `pc_aid` are text. 51 rows tell whether there is a next page.
const EVENTS: &str = "SELECT CAST(e.pc_eid AS SIGNED) AS row_id, e.uuid AS uuid, e.pc_apptstatus AS mark, \
    e.pc_catid AS category, e.pc_title AS title, c.pc_constant_id AS constant, c.pc_catname AS category_name, \
    e.pc_eventDate AS day, e.pc_startTime AS start_time, e.pc_endTime AS end_time, e.pc_duration AS duration, \
    e.pc_hometext AS comment, e.pc_time AS created, e.pc_recurrtype AS recurrence, e.pc_alldayevent AS all_day, \
    u.uuid AS provider, u.fname AS provider_given, u.lname AS provider_family, \
    m.uuid AS location, f.name AS location_name, p.uuid AS patient, p.fname AS given, p.lname AS family \
    FROM openemr_postcalendar_events e \
    JOIN patient_data p ON p.pid = ? \
    LEFT JOIN openemr_postcalendar_categories c ON c.pc_catid = e.pc_catid \
    LEFT JOIN users u ON u.id = CAST(e.pc_aid AS SIGNED) AND CAST(u.id AS CHAR) = e.pc_aid \
    LEFT JOIN facility f ON f.id = e.pc_facility \
    LEFT JOIN uuid_mapping m ON m.target_uuid = f.uuid AND m.resource = 'Location' \
    WHERE e.pc_pid = ? AND e.pc_eventstatus = 1 \
    ORDER BY e.pc_eventDate, e.pc_startTime, e.pc_eid LIMIT 51";

const SESSION: &str =
    "SET SESSION sql_mode = 'STRICT_TRANS_TABLES', group_concat_max_len = 1048576";

/// The practice's database.
pub(crate) enum Database {
    Sqlite(SqlitePool),
    MySql(MySqlPool),
}

impl Database {
    /// Opens what the URL names.
    pub(crate) async fn open(url: &str) -> anyhow::Result<Self> {
        match url.strip_prefix("sqlite://") {
            Some(path) => Self::open_sqlite(Path::new(path)).await,
            None => Self::open_mysql(url).await,
        }
    }

    /// One patient.
    pub(crate) async fn patient(&self, uuid: Uuid) -> sqlx::Result<Option<PatientRow>> {
        let key = uuid.as_bytes().as_slice();
        match self {
            Self::Sqlite(pool) => {
                let query = sqlx::query_as::<Sqlite, PatientRow>(PATIENT).bind(key);
                query.fetch_optional(pool).await
            }
            Self::MySql(pool) => {
                let query = sqlx::query_as::<MySql, PatientRow>(PATIENT).bind(key);
                query.fetch_optional(pool).await
            }
        }
    }

    /// A patient's visits by their start.
    pub(crate) async fn events(&self, pid: i64) -> sqlx::Result<Vec<EventRow>> {
        let text = pid.to_string();
        match self {
            Self::Sqlite(pool) => {
                let query = sqlx::query_as::<Sqlite, EventRow>(EVENTS);
                query.bind(pid).bind(text).fetch_all(pool).await
            }
            Self::MySql(pool) => {
                let query = sqlx::query_as::<MySql, EventRow>(EVENTS);
                query.bind(pid).bind(text).fetch_all(pool).await
            }
        }
    }

    async fn open_sqlite(path: &Path) -> anyhow::Result<Self> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Normal)
            .busy_timeout(Duration::from_secs(5))
            .foreign_keys(false)
            .pragma("cache_size", "-8192")
            .pragma("mmap_size", "67108864")
            .pragma("temp_store", "memory")
            .read_only(true);
        let pool = SqlitePoolOptions::new()
            .test_before_acquire(false)
            .max_connections(4)
            .connect_with(options)
            .await
            .context("opening the SQLite file")?;
        Ok(Self::Sqlite(pool))
    }

    async fn open_mysql(url: &str) -> anyhow::Result<Self> {
        let options = MySqlConnectOptions::from_str(url)?
            .timezone(None)
            .pipes_as_concat(false)
            .no_engine_substitution(false)
            .charset("utf8mb4")
            .ssl_mode(MySqlSslMode::Preferred);
        let pool = MySqlPoolOptions::new()
            .max_connections(16)
            .acquire_timeout(Duration::from_secs(5))
            .max_lifetime(Duration::from_secs(1800))
            .test_before_acquire(false)
            .after_connect(|connection, _| {
                Box::pin(async move { connection.execute(SESSION).await.map(|_| ()) })
            })
            .connect_with(options)
            .await
            .context("connecting to the database")?;
        Ok(Self::MySql(pool))
    }
}
