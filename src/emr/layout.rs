//! Which OpenEMR this is, judged by the columns it has and not by its version number.

use std::collections::HashMap;
use std::collections::HashSet;

use sqlx::FromRow;

use crate::db::Db;
use crate::db::sql::Sql;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Fault;

/// The columns nothing works without, one sample for each table this house reads or writes.
const NEEDED: [(&str, &str); 23] = [
    ("patient_data", "uuid"),
    ("patient_data", "allow_patient_portal"),
    ("patient_access_onsite", "portal_login_username"),
    ("patient_access_onsite", "portal_pwd_status"),
    ("patient_access_onsite", "portal_onetime"),
    ("openemr_postcalendar_events", "pc_apptstatus"),
    ("openemr_postcalendar_categories", "pc_constant_id"),
    ("onsite_mail", "reply_mail_chain"),
    ("documents", "drive_uuid"),
    ("documents", "encrypted"),
    ("documents", "deleted"),
    ("categories", "aco_spec"),
    ("categories_to_documents", "category_id"),
    ("users", "uuid"),
    ("users", "portal_user"),
    ("facility", "uuid"),
    ("uuid_registry", "table_vertical"),
    ("uuid_mapping", "target_uuid"),
    ("globals", "gl_value"),
    ("list_options", "option_id"),
    ("pnotes", "assigned_to"),
    ("patient_tracker", "lastseq"),
    ("keys", "value"),
];

const VERSION: &str = "SELECT CAST(v_major AS SIGNED) AS v_major, CAST(v_minor AS SIGNED) AS v_minor, \
    CAST(v_patch AS SIGNED) AS v_patch FROM version LIMIT 1";

/// The columns of the practice's database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    columns: HashMap<String, HashSet<String>>,
    /// What the `version` table says, for people to read.
    pub version: String,
    /// Whether an event without an end has NULL there (8.1 and later) or the zero date.
    pub end_date_is_null: bool,
}

#[derive(FromRow)]
struct Column {
    table_name: String,
    column_name: String,
    is_nullable: String,
}

#[derive(FromRow)]
struct Version {
    v_major: i64,
    v_minor: i64,
    v_patch: i64,
}

impl Layout {
    /// Reads the columns and refuses a database that is not OpenEMR 6.1 or later.
    ///
    /// # Errors
    /// A fault that names the first missing table or column and what to do.
    pub async fn probe(db: &Db) -> Answer<Self> {
        let rows: Vec<Column> = db.all(Sql::new(db.columns_query())).await?;
        let end_date_is_null = rows.iter().any(|row| {
            row.table_name == "openemr_postcalendar_events"
                && row.column_name == "pc_endDate"
                && row.is_nullable == "YES"
        });
        let mut columns: HashMap<String, HashSet<String>> = HashMap::new();
        for row in rows {
            columns
                .entry(row.table_name)
                .or_default()
                .insert(row.column_name);
        }
        let mut layout = Self {
            columns,
            version: String::new(),
            end_date_is_null,
        };
        if let Some(problem) = layout.missing() {
            return Err(Fault::new("reading the OpenEMR layout", problem).into());
        }
        let version: Option<Version> = db.one(Sql::new(VERSION)).await?;
        layout.version = version.map_or_else(
            || "unknown".to_owned(),
            |v| format!("{}.{}.{}", v.v_major, v.v_minor, v.v_patch),
        );
        Ok(layout)
    }

    /// Whether a table has a column.
    pub fn has(&self, table: &str, column: &str) -> bool {
        self.columns
            .get(table)
            .is_some_and(|columns| columns.contains(column))
    }

    /// Whether this is that version of OpenEMR or a later one; one that does not say its version is taken for the newest.
    pub fn since(&self, major: u32, minor: u32, patch: u32) -> bool {
        let mut numbers = self.version.split('.').map(|part| part.parse().ok());
        let mut next = || numbers.next().flatten();
        match (next(), next(), next()) {
            (Some(a), Some(b), Some(c)) => (a, b, c) >= (major, minor, patch),
            _ => true,
        }
    }

    /// Whether a table is there at all.
    pub fn has_table(&self, table: &str) -> bool {
        self.columns.contains_key(table)
    }

    /// The first thing that is missing, as a sentence.
    fn missing(&self) -> Option<String> {
        let (table, column) = NEEDED
            .iter()
            .find(|(table, column)| !self.has(table, column))?;
        Some(match self.has_table(table) {
            false => format!(
                "there is no table {table}: this is not an OpenEMR database, or the account may not see it (GRANT SELECT)"
            ),
            true => format!(
                "table {table} has no column {column}: OpenEMR 6.1 or later is needed; upgrade it with its own sql_upgrade.php"
            ),
        })
    }
}
