//! Insurance companies (`insurance_companies`): who pays, as Organizations beside the practice's own.

use sqlx::FromRow;
use time::PrimitiveDateTime;
use uuid::Uuid;

use crate::db::sql::Sql;
use crate::domain::people::Address;
use crate::domain::people::Facility;
use crate::domain::query::Cursor;
use crate::domain::refusal::Answer;
use crate::emr::Emr;
use crate::emr::people::tidy;
use crate::emr::uuids;
use crate::emr::uuids::Table;

const COLUMNS: &str =
    "SELECT CAST(c.id AS SIGNED) AS id, c.uuid, c.name, CAST(c.inactive AS SIGNED) AS inactive";

const FROM: &str =
    " FROM insurance_companies c WHERE c.id > 0 AND TRIM(COALESCE(c.name, '')) <> ''";

/// Which table a page of Organizations goes on in.
pub(super) const PLACE: &str = "insurer";

#[derive(FromRow)]
struct Row {
    id: i64,
    uuid: Option<Vec<u8>>,
    name: Option<String>,
    inactive: i64,
    last_updated: Option<PrimitiveDateTime>,
}

/// An insurer as a policy names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Insurer {
    /// `insurance_companies.id`, which `insurance_data.provider` holds as text.
    pub(super) row: i64,
    /// FHIR id of the Organization.
    pub(super) uuid: Uuid,
    /// Its name.
    pub(super) name: String,
}

/// How a body says who pays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Said<'a> {
    /// By the Organization's FHIR id.
    Id(Uuid),
    /// By its name, whatever its case.
    Name(&'a str),
}

/// Insurers behind `after`, at most `count`, by row; those of `ids` where some are asked for. And where to go on.
///
/// # Errors
/// As [`crate::db::Db::all`].
pub(super) async fn organizations(
    emr: &Emr,
    ids: Option<&[Uuid]>,
    after: i64,
    count: u32,
) -> Answer<(Vec<Facility>, Option<Cursor>)> {
    let sql = statement(emr).push(" AND c.id > ?").bind(after);
    let sql = match ids {
        Some(ids) => sql.push(" AND c.uuid IN ").list(ids.iter().copied()),
        None => sql,
    };
    let sql = sql.push(" ORDER BY c.id").limit(count.saturating_add(1));
    let mut rows = rows(emr, sql).await?;
    let most = usize::try_from(count).unwrap_or(usize::MAX);
    let more = rows.len() > most;
    rows.truncate(most);
    let row = rows.last().map_or(after, |row| row.id);
    let next = more.then(|| Cursor {
        key: PLACE.to_owned(),
        row,
    });
    let found = rows.into_iter().filter_map(|row| row.organization(emr));
    Ok((found.collect(), next))
}

/// The insurer in use that a policy says; `None` where the practice has none such.
///
/// # Errors
/// As [`crate::db::Db::all`].
pub(super) async fn said(emr: &Emr, said: Said<'_>) -> Answer<Option<Insurer>> {
    let sql = statement(emr).push(" AND c.inactive = 0");
    let sql = match said {
        Said::Id(id) => sql.push(" AND c.uuid = ?").bind(id),
        Said::Name(name) => sql.push(" AND TRIM(c.name) = ?").bind(name.trim()),
    };
    let rows = rows(emr, sql.push(" ORDER BY c.id").limit(1)).await?;
    Ok(rows.into_iter().find_map(|row| {
        Some(Insurer {
            row: row.id,
            uuid: uuids::known(row.uuid.as_deref())?,
            name: tidy(row.name),
        })
    }))
}

fn statement(emr: &Emr) -> Sql {
    Sql::new(COLUMNS)
        .push(
            match emr.layout.has("insurance_companies", "last_updated") {
                true => ", c.last_updated",
                false => ", NULL AS last_updated",
            },
        )
        .push(FROM)
}

async fn rows(emr: &Emr, sql: Sql) -> Answer<Vec<Row>> {
    if !emr.layout.has("insurance_companies", "uuid") {
        return Ok(Vec::new());
    }
    let rows: Vec<Row> = emr.db.all(sql.clone()).await?;
    if rows
        .iter()
        .all(|row| uuids::known(row.uuid.as_deref()).is_some())
    {
        return Ok(rows);
    }
    uuids::fill(emr, Table::Insurers).await?;
    emr.db.all(sql).await
}

impl Row {
    fn organization(self, emr: &Emr) -> Option<Facility> {
        Some(Facility {
            organization: uuids::known(self.uuid.as_deref())?,
            location: Uuid::nil(),
            insurer: true,
            active: self.inactive == 0,
            name: tidy(self.name),
            npi: String::new(),
            clia: String::new(),
            telecom: Vec::new(),
            address: Address::default(),
            last_updated: emr.zone.told(self.last_updated),
        })
    }
}
