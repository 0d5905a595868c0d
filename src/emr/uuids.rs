//! Missing uuids are given once, each with its `uuid_registry` row, the way OpenEMR's own filler does it
//! (OpenEMR facts 1.17). NULL, empty and sixteen zero bytes all mean missing.

use sqlx::FromRow;
use uuid::Uuid;

use crate::db::Tx;
use crate::db::sql::Sql;
use crate::domain::refusal::Answer;
use crate::emr::Emr;

/// The tables whose rows need a FHIR id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Table {
    /// `patient_data`
    Patients,
    /// `openemr_postcalendar_events`
    Events,
    /// `documents`
    Documents,
    /// `users`
    Users,
    /// `facility`, with a `uuid_mapping` row for its Location.
    Facilities,
    /// `form_encounter`
    Encounters,
    /// `insurance_data`
    Insurances,
    /// `insurance_companies`
    Insurers,
}

impl Table {
    const ALL: [Self; 8] = [
        Self::Patients,
        Self::Events,
        Self::Documents,
        Self::Users,
        Self::Facilities,
        Self::Encounters,
        Self::Insurances,
        Self::Insurers,
    ];

    /// Name of the table and of its id column, as `uuid_registry` records them.
    const fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Patients => ("patient_data", "id"),
            Self::Events => ("openemr_postcalendar_events", "pc_eid"),
            Self::Documents => ("documents", "id"),
            Self::Users => ("users", "id"),
            Self::Facilities => ("facility", "id"),
            Self::Encounters => ("form_encounter", "id"),
            Self::Insurances => ("insurance_data", "id"),
            Self::Insurers => ("insurance_companies", "id"),
        }
    }

    /// The rows without a uuid, a bounded number at a time. The uuid column is BINARY(16): '' is stored as zeros.
    const fn missing(self) -> &'static str {
        match self {
            Self::Patients => {
                "SELECT id AS row_id FROM patient_data \
                 WHERE uuid IS NULL OR HEX(uuid) IN ('', '00000000000000000000000000000000') LIMIT 500"
            }
            Self::Events => {
                "SELECT CAST(pc_eid AS SIGNED) AS row_id FROM openemr_postcalendar_events \
                 WHERE uuid IS NULL OR HEX(uuid) IN ('', '00000000000000000000000000000000') LIMIT 500"
            }
            Self::Documents => {
                "SELECT id AS row_id FROM documents \
                 WHERE uuid IS NULL OR HEX(uuid) IN ('', '00000000000000000000000000000000') LIMIT 500"
            }
            Self::Users => {
                "SELECT id AS row_id FROM users \
                 WHERE uuid IS NULL OR HEX(uuid) IN ('', '00000000000000000000000000000000') LIMIT 500"
            }
            Self::Facilities => {
                "SELECT id AS row_id FROM facility \
                 WHERE uuid IS NULL OR HEX(uuid) IN ('', '00000000000000000000000000000000') LIMIT 500"
            }
            Self::Encounters => {
                "SELECT id AS row_id FROM form_encounter \
                 WHERE uuid IS NULL OR HEX(uuid) IN ('', '00000000000000000000000000000000') LIMIT 500"
            }
            Self::Insurances => {
                "SELECT id AS row_id FROM insurance_data \
                 WHERE uuid IS NULL OR HEX(uuid) IN ('', '00000000000000000000000000000000') LIMIT 500"
            }
            Self::Insurers => {
                "SELECT CAST(id AS SIGNED) AS row_id FROM insurance_companies \
                 WHERE uuid IS NULL OR HEX(uuid) IN ('', '00000000000000000000000000000000') LIMIT 500"
            }
        }
    }

    /// How setting one uuid begins; the time column MariaDB would move by itself (ON UPDATE), with the words that
    /// keep it, because nothing about the row changed; and how it ends, unless somebody was faster.
    const fn set(self) -> (&'static str, (&'static str, &'static str), &'static str) {
        match self {
            Self::Patients => (
                "UPDATE patient_data SET uuid = ?",
                ("last_updated", ", last_updated = last_updated"),
                " WHERE id = ? AND (uuid IS NULL OR HEX(uuid) IN ('', '00000000000000000000000000000000'))",
            ),
            Self::Events => (
                "UPDATE openemr_postcalendar_events SET uuid = ?",
                ("uuid", ""),
                " WHERE pc_eid = ? AND (uuid IS NULL OR HEX(uuid) IN ('', '00000000000000000000000000000000'))",
            ),
            Self::Documents => (
                "UPDATE documents SET uuid = ?",
                ("revision", ", revision = revision"),
                " WHERE id = ? AND (uuid IS NULL OR HEX(uuid) IN ('', '00000000000000000000000000000000'))",
            ),
            Self::Users => (
                "UPDATE users SET uuid = ?",
                ("last_updated", ", last_updated = last_updated"),
                " WHERE id = ? AND (uuid IS NULL OR HEX(uuid) IN ('', '00000000000000000000000000000000'))",
            ),
            Self::Facilities => (
                "UPDATE facility SET uuid = ?",
                ("last_updated", ", last_updated = last_updated"),
                " WHERE id = ? AND (uuid IS NULL OR HEX(uuid) IN ('', '00000000000000000000000000000000'))",
            ),
            Self::Encounters => (
                "UPDATE form_encounter SET uuid = ?",
                ("last_update", ", last_update = last_update"),
                " WHERE id = ? AND (uuid IS NULL OR HEX(uuid) IN ('', '00000000000000000000000000000000'))",
            ),
            Self::Insurances => (
                "UPDATE insurance_data SET uuid = ?",
                ("uuid", ""),
                " WHERE id = ? AND (uuid IS NULL OR HEX(uuid) IN ('', '00000000000000000000000000000000'))",
            ),
            Self::Insurers => (
                "UPDATE insurance_companies SET uuid = ?",
                ("last_updated", ", last_updated = last_updated"),
                " WHERE id = ? AND (uuid IS NULL OR HEX(uuid) IN ('', '00000000000000000000000000000000'))",
            ),
        }
    }
}

const REGISTER: &str = "INSERT INTO uuid_registry \
    (uuid, table_name, table_id, table_vertical, couchdb, document_drive, mapped) \
    VALUES (?, ?, ?, '', '', 0, ?)";

/// Facilities whose Location has no id yet: the Location's id is not `facility.uuid` (OpenEMR facts 1.16).
const UNMAPPED: &str = "SELECT f.id AS row_id, f.uuid AS uuid FROM facility f WHERE NOT EXISTS \
    (SELECT 1 FROM uuid_mapping m WHERE m.resource = 'Location' AND m.target_uuid = f.uuid)";

/// Version 6.1 has no `resource_path`; where it is, it is empty for Locations.
const MAP: &str = "INSERT INTO uuid_mapping (uuid, resource, `table`, target_uuid) \
    VALUES (?, 'Location', 'facility', ?)";

#[derive(FromRow)]
struct Missing {
    row_id: i64,
}

#[derive(FromRow)]
struct Unmapped {
    uuid: Option<Vec<u8>>,
}

/// The uuid in a column, `None` where it is missing in any of the three ways.
pub fn known(bytes: Option<&[u8]>) -> Option<Uuid> {
    let uuid = Uuid::from_slice(bytes?).ok()?;
    (!uuid.is_nil()).then_some(uuid)
}

/// Fills every table; done once at start.
///
/// # Errors
/// As [`crate::db::Db::run`].
pub async fn fill_all(emr: &Emr) -> Answer<()> {
    for table in Table::ALL {
        fill(emr, table).await?;
    }
    Ok(())
}

/// Gives a uuid to every row of a table that has none, in transactions of at most 500 rows. Where the layout has no
/// such column (visits and documents of 6.1) ids are name-based and there is nothing to do.
///
/// # Errors
/// As [`crate::db::Db::run`].
pub async fn fill(emr: &Emr, table: Table) -> Answer<()> {
    let (name, _) = table.names();
    if !emr.layout.has(name, "uuid") {
        return Ok(());
    }
    let (begin, (moved, kept), end) = table.set();
    let kept = if emr.layout.has(name, moved) {
        kept
    } else {
        ""
    };
    let set = Sql::new(begin).push(kept).push(end);
    loop {
        let rows: Vec<Missing> = emr.db.all(Sql::new(table.missing())).await?;
        if rows.is_empty() {
            break;
        }
        let ids: Vec<i64> = rows.iter().map(|row| row.row_id).collect();
        let given = emr
            .db
            .transaction(|tx| {
                let (ids, set) = (ids.clone(), set.clone());
                Box::pin(async move { give(tx, (table, &set), &ids).await })
            })
            .await?;
        if given == 0 {
            // Another replica was faster with all of them.
            break;
        }
    }
    if table == Table::Facilities {
        map_locations(emr).await?;
    }
    Ok(())
}

/// Gives each row a uuid and registers it, unless another writer already has; how many it gave.
async fn give(tx: &mut Tx, (table, set): (Table, &Sql), ids: &[i64]) -> Answer<u64> {
    let mut given = 0;
    for id in ids {
        let uuid = fresh();
        if tx.run(set.clone().bind(uuid).bind(*id)).await? == 1 {
            register(tx, uuid, table.names(), 0).await?;
            given += 1;
        }
    }
    Ok(given)
}

/// Gives every facility without one a Location id.
async fn map_locations(emr: &Emr) -> Answer<()> {
    let rows: Vec<Unmapped> = emr.db.all(Sql::new(UNMAPPED)).await?;
    let targets: Vec<Uuid> = rows
        .iter()
        .filter_map(|row| known(row.uuid.as_deref()))
        .collect();
    if targets.is_empty() {
        return Ok(());
    }
    emr.db
        .transaction(|tx| {
            let targets = targets.clone();
            Box::pin(async move {
                for target in targets {
                    let uuid = fresh();
                    tx.run(Sql::new(MAP).bind(uuid).bind(target)).await?;
                    register(tx, uuid, ("facility", "id"), 1).await?;
                }
                Ok(())
            })
        })
        .await
}

/// Writes the registry row OpenEMR keeps for every uuid ever given out.
pub(super) async fn register(
    tx: &mut Tx,
    uuid: Uuid,
    names: (&'static str, &'static str),
    mapped: i64,
) -> Answer<()> {
    let (table, column) = names;
    let sql = Sql::new(REGISTER)
        .bind(uuid)
        .bind(table)
        .bind(column)
        .bind(mapped);
    tx.run(sql).await.map(|_| ())
}

/// A new FHIR id: version 4, which OpenEMR's syntax check accepts and which tells nothing about when.
#[expect(
    clippy::disallowed_methods,
    reason = "a uuid is a name, not a secret: it need not be reproducible, only unique"
)]
pub(super) fn fresh() -> Uuid {
    Uuid::new_v4()
}
