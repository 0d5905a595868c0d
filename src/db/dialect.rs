//! The few places where the two engines have different words for the same thing.

use crate::db::Db;
use crate::db::Tx;

impl Db {
    /// The query that lists a database's columns as `(table_name, column_name, is_nullable)`, for the version probe
    /// and the doctor. `is_nullable` is `YES` or `NO`.
    pub fn columns_query(&self) -> &'static str {
        match self {
            Self::Sqlite { .. } => {
                "SELECT m.name AS table_name, c.name AS column_name, \
                 CASE WHEN c.\"notnull\" = 0 THEN 'YES' ELSE 'NO' END AS is_nullable \
                 FROM sqlite_master m JOIN pragma_table_info(m.name) c WHERE m.type = 'table'"
            }
            Self::MySql(_) => {
                "SELECT CAST(table_name AS CHAR) AS table_name, CAST(column_name AS CHAR) AS column_name, \
                 CAST(is_nullable AS CHAR) AS is_nullable \
                 FROM information_schema.columns WHERE table_schema = DATABASE()"
            }
        }
    }

    /// The query that lists tables that are not on a transactional engine, as `(table_name, engine)`.
    pub fn engines_query(&self) -> &'static str {
        match self {
            Self::Sqlite { .. } => "SELECT '' AS table_name, '' AS engine WHERE 1 = 0",
            Self::MySql(_) => {
                "SELECT CAST(table_name AS CHAR) AS table_name, CAST(engine AS CHAR) AS engine \
                 FROM information_schema.tables \
                 WHERE table_schema = DATABASE() AND table_type = 'BASE TABLE' AND engine <> 'InnoDB'"
            }
        }
    }

    /// The query for the database's own clock, as `seconds` since 1970.
    pub fn clock_query(&self) -> &'static str {
        match self {
            Self::Sqlite { .. } => "SELECT CAST(strftime('%s', 'now') AS SIGNED) AS seconds",
            Self::MySql(_) => "SELECT UNIX_TIMESTAMP() AS seconds",
        }
    }
}

impl Tx {
    /// What a `SELECT` ends with when the row must not change before this transaction ends.
    /// SQLite has one writer, who already holds the lock.
    pub fn lock_clause(&self) -> &'static str {
        match self {
            Self::Sqlite(_) => "",
            Self::MySql(_) => " FOR UPDATE",
        }
    }

    /// How an `INSERT` begins that does nothing where the key is already there.
    pub fn insert_new(&self) -> &'static str {
        match self {
            Self::Sqlite(_) => "INSERT OR IGNORE INTO ",
            Self::MySql(_) => "INSERT IGNORE INTO ",
        }
    }
}
