//! The statements that will fill the sandbox, gathered before anything is written.

use time::Date;
use time::Duration;
use time::OffsetDateTime;
use time::PrimitiveDateTime;
use time::Time;
use uuid::Uuid;

use crate::db::sql::Sql;
use crate::db::sql::Value;
use crate::emr::layout::Layout;
use crate::emr::zone::Zone;

/// The ids of the sandbox are derived from names, so that every sandbox has the same and a link can be kept.
const NAMESPACE: Uuid = Uuid::from_u128(0x5a0c_4c1e_7d0b_4f5e_9d5e_3f0a_6b8e_2c41);

/// One row to insert.
pub(super) struct Row {
    table: &'static str,
    cells: Vec<(&'static str, Value)>,
    newer: Vec<(&'static str, Value)>,
}

/// The practice's wall clock, and the statements so far.
pub(super) struct Book<'a> {
    /// What the database looks like.
    pub(super) layout: &'a Layout,
    /// The practice's wall time.
    pub(super) now: PrimitiveDateTime,
    /// The present instant in epoch seconds.
    pub(super) epoch: i64,
    statements: Vec<Sql>,
}

/// The FHIR id of the row with this number in this table.
pub(super) fn id_of(table: &str, number: i64) -> Uuid {
    Uuid::new_v5(&NAMESPACE, format!("{table}/{number}").as_bytes())
}

impl Row {
    /// A row of a table.
    pub(super) fn of(table: &'static str) -> Self {
        Self {
            table,
            cells: Vec::new(),
            newer: Vec::new(),
        }
    }

    /// A column every layout has.
    #[must_use]
    pub(super) fn set(mut self, column: &'static str, value: impl Into<Value>) -> Self {
        self.cells.push((column, value.into()));
        self
    }

    /// Text columns every layout has.
    #[must_use]
    pub(super) fn texts<const N: usize>(mut self, cells: [(&'static str, &str); N]) -> Self {
        self.cells.extend(
            cells
                .into_iter()
                .map(|(column, text)| (column, text.into())),
        );
        self
    }

    /// Whole-number columns every layout has.
    #[must_use]
    pub(super) fn numbers<const N: usize>(mut self, cells: [(&'static str, i64); N]) -> Self {
        self.cells.extend(
            cells
                .into_iter()
                .map(|(column, number)| (column, number.into())),
        );
        self
    }

    /// A column that older or newer layouts lack.
    #[must_use]
    pub(super) fn newer(mut self, column: &'static str, value: impl Into<Value>) -> Self {
        self.newer.push((column, value.into()));
        self
    }

    /// The statement, without the columns the layout lacks.
    fn insert(self, layout: &Layout) -> Sql {
        let table = self.table;
        let newer = self.newer.into_iter();
        let known = newer.filter(|(column, _)| layout.has(table, column));
        let (columns, values): (Vec<_>, Vec<_>) = self.cells.into_iter().chain(known).unzip();
        let mut sql = Sql::new("INSERT INTO `").push(table).push("` (`");
        for (place, column) in columns.into_iter().enumerate() {
            let between = if place == 0 { "" } else { "`, `" };
            sql = sql.push(between).push(column);
        }
        sql.push("`) VALUES ").list(values)
    }
}

impl<'a> Book<'a> {
    /// An empty book for a practice in a zone.
    pub(super) fn new(layout: &'a Layout, now: OffsetDateTime, zone: &Zone) -> Self {
        Self {
            layout,
            now: zone.wall(now),
            epoch: now.unix_timestamp(),
            statements: Vec::new(),
        }
    }

    /// Any statement.
    pub(super) fn run(&mut self, sql: Sql) {
        self.statements.push(sql);
    }

    /// A row; one of a table this layout does not have is left out.
    pub(super) fn add(&mut self, row: Row) {
        if self.layout.has_table(row.table) {
            let sql = row.insert(self.layout);
            self.statements.push(sql);
        }
    }

    /// A row with a FHIR id and the registry row that goes with it (facts 1.17). `key` is the name of the table's
    /// id column and the row's number in it. Where the layout has no such column, the row goes without.
    pub(super) fn add_known(&mut self, row: Row, key: (&'static str, i64)) {
        let (column, number) = key;
        let table = row.table;
        if !self.layout.has(table, "uuid") {
            return self.add(row);
        }
        let uuid = id_of(table, number);
        self.add(row.set("uuid", uuid));
        self.register(uuid, (table, column), [0, 0]);
    }

    /// A registry row: a uuid was given out. The flags are `document_drive` and `mapped`.
    pub(super) fn register(
        &mut self,
        uuid: Uuid,
        names: (&'static str, &'static str),
        flags: [i64; 2],
    ) {
        let (table, column) = names;
        let [drive, mapped] = flags;
        self.add(
            Row::of("uuid_registry")
                .set("uuid", uuid)
                .texts([("table_name", table), ("table_id", column)])
                .numbers([("document_drive", drive), ("mapped", mapped)])
                .set("created", self.now),
        );
    }

    /// The practice's date today.
    pub(super) fn today(&self) -> Date {
        self.now.date()
    }

    /// A wall time some days from today; negative days are past.
    pub(super) fn at(&self, days: i64, time: Time) -> PrimitiveDateTime {
        PrimitiveDateTime::new(self.today() + Duration::days(days), time)
    }

    /// The statements, in order.
    pub(super) fn into_statements(self) -> Vec<Sql> {
        self.statements
    }
}
