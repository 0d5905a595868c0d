//! The only room that knows there are two engines: SQLite and MariaDB or MySQL. One SQL text serves both;
//! values go in as [`Value`], rows come out as `#[derive(FromRow)]` structs.

pub mod connect;
pub mod dialect;
pub mod error;
pub mod sql;

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use sqlx::AssertSqlSafe;
use sqlx::FromRow;
use sqlx::MySql;
use sqlx::MySqlPool;
use sqlx::Sqlite;
use sqlx::SqlitePool;
use sqlx::Transaction;
use sqlx::mysql::MySqlRow;
use sqlx::sqlite::SqliteRow;
use tokio::time::timeout;

use crate::db::error::answer;
use crate::db::error::crowded;
use crate::db::error::is_retryable;
use crate::db::sql::Sql;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Refusal;

/// No statement may hold a request longer than this (`spec/security.md` section 0).
const STATEMENT_LIMIT: Duration = Duration::from_secs(5);

/// How often a transaction is tried when the engine says deadlock, lock wait or busy.
const TRIES: u32 = 8;

/// A row struct that decodes from both engines.
pub trait Row:
    for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, MySqlRow> + Send + Unpin
{
}

impl<T> Row for T where
    T: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, MySqlRow> + Send + Unpin
{
}

/// The practice's database, by engine. Cheap to clone.
#[derive(Clone, Debug)]
pub enum Db {
    /// The embedded one: one writer, several readers, write-ahead log.
    Sqlite {
        /// For everything that changes.
        writer: SqlitePool,
        /// For everything else.
        readers: SqlitePool,
    },
    /// OpenEMR's own server.
    MySql(MySqlPool),
}

/// A running transaction.
pub enum Tx {
    /// On the embedded database.
    Sqlite(Transaction<'static, Sqlite>),
    /// On the server.
    MySql(Transaction<'static, MySql>),
}

/// What the closure of [`Db::transaction`] returns.
pub type Work<'t, T> = Pin<Box<dyn Future<Output = Answer<T>> + Send + 't>>;

impl Db {
    /// All rows of a query.
    ///
    /// # Errors
    /// `Unavailable` where the database is away or too slow, a fault for anything else.
    pub async fn all<R: Row>(&self, sql: Sql) -> Answer<Vec<R>> {
        let (text, values) = (AssertSqlSafe(sql.text), sql.values);
        limited(async {
            match self {
                Self::Sqlite { readers, .. } => {
                    sqlx::query_as_with::<Sqlite, R, _>(text, sql::sqlite(values)?)
                        .fetch_all(readers)
                        .await
                }
                Self::MySql(pool) => {
                    sqlx::query_as_with::<MySql, R, _>(text, sql::mysql(values)?)
                        .fetch_all(pool)
                        .await
                }
            }
        })
        .await
    }

    /// The first row of a query, if there is one.
    ///
    /// # Errors
    /// As [`Db::all`].
    pub async fn one<R: Row>(&self, sql: Sql) -> Answer<Option<R>> {
        let (text, values) = (AssertSqlSafe(sql.text), sql.values);
        limited(async {
            match self {
                Self::Sqlite { readers, .. } => {
                    sqlx::query_as_with::<Sqlite, R, _>(text, sql::sqlite(values)?)
                        .fetch_optional(readers)
                        .await
                }
                Self::MySql(pool) => {
                    sqlx::query_as_with::<MySql, R, _>(text, sql::mysql(values)?)
                        .fetch_optional(pool)
                        .await
                }
            }
        })
        .await
    }

    /// One statement that changes something, in a transaction of its own; the number of rows it touched.
    ///
    /// # Errors
    /// As [`Db::all`]; a broken unique key is told by [`error::duplicate`].
    pub async fn run(&self, sql: Sql) -> Answer<u64> {
        self.transaction(|tx| {
            let sql = sql.clone();
            Box::pin(async move { tx.run(sql).await })
        })
        .await
    }

    /// Runs `work` in one transaction: committed if it answers, rolled back if it refuses or breaks.
    /// The whole of it is tried again, a bounded number of times, where the engine asks for that
    /// (deadlock, lock wait, busy), so `work` must do nothing outside the transaction.
    ///
    /// # Errors
    /// Whatever `work` returns, or what [`Db::all`] does; `Unavailable` where the last try met others too.
    pub async fn transaction<T, F>(&self, mut work: F) -> Answer<T>
    where
        F: for<'t> FnMut(&'t mut Tx) -> Work<'t, T> + Send,
        T: Send,
    {
        self.transaction_about(&(), |(), tx| work(tx)).await
    }

    /// The same for work that looks at something that outlives it: a closure alone cannot lend what it has caught.
    ///
    /// # Errors
    /// As [`Db::transaction`].
    pub async fn transaction_about<C, T, F>(&self, about: &C, mut work: F) -> Answer<T>
    where
        C: Sync + ?Sized,
        F: for<'t> FnMut(&'t C, &'t mut Tx) -> Work<'t, T> + Send,
        T: Send,
    {
        let mut tries = 0;
        loop {
            tries += 1;
            let mut tx = self.begin().await?;
            let outcome = match work(about, &mut tx).await {
                Ok(value) => tx.commit().await.map(|()| value),
                Err(failure) => {
                    tx.rollback().await;
                    Err(failure)
                }
            };
            match outcome {
                Err(failure) if tries < TRIES && is_retryable(&failure) => {
                    tokio::time::sleep(Duration::from_millis(u64::from(tries) * 15)).await;
                }
                Err(failure) if is_retryable(&failure) => return Err(crowded(&failure)),
                outcome => return outcome,
            }
        }
    }

    /// The engine's name, for people.
    pub fn engine(&self) -> &'static str {
        match self {
            Self::Sqlite { .. } => "SQLite",
            Self::MySql(_) => "MariaDB or MySQL",
        }
    }

    /// Lets the connections go, writing out what the embedded engine holds back.
    pub async fn close(&self) {
        match self {
            Self::Sqlite { writer, readers } => {
                readers.close().await;
                writer.close().await;
            }
            Self::MySql(pool) => pool.close().await,
        }
    }

    async fn begin(&self) -> Answer<Tx> {
        // sqlx's future is 18 KB: in a box it is not copied with every future around it.
        limited(Box::pin(async {
            match self {
                // Taking the write lock at once: a read lock that wants to become one fails instead of waiting.
                Self::Sqlite { writer, .. } => {
                    writer.begin_with("BEGIN IMMEDIATE").await.map(Tx::Sqlite)
                }
                Self::MySql(pool) => pool.begin().await.map(Tx::MySql),
            }
        }))
        .await
    }
}

impl Tx {
    /// All rows of a query.
    ///
    /// # Errors
    /// As [`Db::all`].
    pub async fn all<R: Row>(&mut self, sql: Sql) -> Answer<Vec<R>> {
        let (text, values) = (AssertSqlSafe(sql.text), sql.values);
        limited(async {
            match self {
                Self::Sqlite(tx) => {
                    sqlx::query_as_with::<Sqlite, R, _>(text, sql::sqlite(values)?)
                        .fetch_all(&mut **tx)
                        .await
                }
                Self::MySql(tx) => {
                    sqlx::query_as_with::<MySql, R, _>(text, sql::mysql(values)?)
                        .fetch_all(&mut **tx)
                        .await
                }
            }
        })
        .await
    }

    /// The first row of a query, if there is one.
    ///
    /// # Errors
    /// As [`Db::all`].
    pub async fn one<R: Row>(&mut self, sql: Sql) -> Answer<Option<R>> {
        Ok(self.all(sql).await?.into_iter().next())
    }

    /// One statement; the number of rows it touched.
    ///
    /// # Errors
    /// As [`Db::run`].
    pub async fn run(&mut self, sql: Sql) -> Answer<u64> {
        self.execute(sql).await.map(|(rows, _)| rows)
    }

    /// One `INSERT` into a table that counts its own ids; the new id.
    ///
    /// # Errors
    /// As [`Db::run`].
    pub async fn insert(&mut self, sql: Sql) -> Answer<i64> {
        self.execute(sql).await.map(|(_, id)| id)
    }

    async fn execute(&mut self, sql: Sql) -> Answer<(u64, i64)> {
        let (text, values) = (AssertSqlSafe(sql.text), sql.values);
        limited(async {
            match self {
                Self::Sqlite(tx) => sqlx::query_with::<Sqlite, _>(text, sql::sqlite(values)?)
                    .execute(&mut **tx)
                    .await
                    .map(|done| (done.rows_affected(), done.last_insert_rowid())),
                Self::MySql(tx) => sqlx::query_with::<MySql, _>(text, sql::mysql(values)?)
                    .execute(&mut **tx)
                    .await
                    .map(|done| {
                        let id = i64::try_from(done.last_insert_id()).unwrap_or_default();
                        (done.rows_affected(), id)
                    }),
            }
        })
        .await
    }

    async fn commit(self) -> Answer<()> {
        limited(async {
            match self {
                Self::Sqlite(tx) => tx.commit().await,
                Self::MySql(tx) => tx.commit().await,
            }
        })
        .await
    }

    /// A rollback that fails, or has to wait for a server that does not answer, leaves a connection the pool throws
    /// away; the first failure is the one to tell.
    async fn rollback(self) {
        let done = timeout(STATEMENT_LIMIT, async {
            match self {
                Self::Sqlite(tx) => tx.rollback().await,
                Self::MySql(tx) => tx.rollback().await,
            }
        });
        let _ = done.await;
    }
}

/// Runs one round trip under the statement limit and words its error.
async fn limited<T>(work: impl Future<Output = Result<T, sqlx::Error>>) -> Answer<T> {
    match timeout(STATEMENT_LIMIT, work).await {
        Ok(done) => answer(done),
        Err(_) => Err(Refusal::Unavailable("The database did not answer in time.").into()),
    }
}
