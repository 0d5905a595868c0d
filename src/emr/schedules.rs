//! The calendars patients can be booked into: one for each provider in use who has one (`users.calendar`).

pub(in crate::emr) mod categories;

use sqlx::FromRow;
use time::Duration;
use time::PrimitiveDateTime;
use time::Time;
use uuid::Uuid;

use crate::db::sql::Sql;
use crate::domain::access::Reach;
use crate::domain::query::Page;
use crate::domain::query::Query;
use crate::domain::records::Record;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Refusal;
use crate::domain::visits::Schedule;
use crate::emr::Emr;
use crate::emr::calendar::spoken;
use crate::emr::composed;
use crate::emr::composed::Kind;
use crate::emr::composed::Parts;
use crate::emr::people::tidy;
use crate::emr::schedules::categories::bookable;
use crate::emr::staff;
use crate::emr::uuids;
use crate::emr::uuids::Table;

/// A calendar is set up where there is an In Office event (category 2) still to come. `pc_aid` is text and cast,
/// because comparing text with a cast fails where the server's collation is not the table's.
const SELECT: &str = "SELECT u.id, u.uuid, u.fname, u.lname, u.specialty, f.id AS facility_row, f.name AS facility_name, f.uuid AS organization, \
    m.uuid AS location, (SELECT COUNT(*) FROM openemr_postcalendar_events e WHERE e.pc_catid = 2 \
        AND CAST(e.pc_aid AS SIGNED) = u.id AND (e.pc_eventDate >= ? OR e.pc_recurrtype > 0 AND e.pc_endDate >= ?)) AS configured";

/// `authorized` is a provider; `username` is empty for address-book entries. Should two writers have mapped a
/// Location, the first is it.
const FROM: &str = " FROM users u LEFT JOIN facility f ON f.id = u.facility_id \
    LEFT JOIN uuid_mapping m ON m.id = (SELECT MIN(x.id) FROM uuid_mapping x \
        WHERE x.target_uuid = f.uuid AND x.resource = 'Location') \
    WHERE u.authorized = 1 AND u.active = 1 AND u.calendar = 1 AND TRIM(COALESCE(u.username, '')) <> ''";

#[derive(FromRow)]
struct Row {
    id: i64,
    uuid: Option<Vec<u8>>,
    fname: Option<String>,
    lname: Option<String>,
    specialty: Option<String>,
    facility_row: Option<i64>,
    facility_name: Option<String>,
    organization: Option<Vec<u8>>,
    location: Option<Vec<u8>>,
    configured: i64,
    last_updated: Option<PrimitiveDateTime>,
}

/// Somebody patients can be booked with.
#[derive(Clone, Debug)]
pub(in crate::emr) struct Provider {
    /// `users.id`
    pub(in crate::emr) row: i64,
    pub(in crate::emr) uuid: Uuid,
    pub(in crate::emr) name: String,
    pub(in crate::emr) specialty: String,
    pub(in crate::emr) location: Option<(Uuid, String)>,
    /// FHIR id of the facility's Organization.
    pub(in crate::emr) organization: Option<Uuid>,
    /// Whether there is an In Office event still to come.
    pub(in crate::emr) configured: bool,
    last_updated: Option<PrimitiveDateTime>,
}

/// Which providers.
pub(in crate::emr) enum Which<'a> {
    /// All, as far as a page goes.
    Page(&'a Query),
    /// Those of these rows.
    Rows(&'a [i64]),
    /// The one of this FHIR id.
    Uuid(Uuid),
}

/// A page of calendars, by the provider's row.
///
/// # Errors
/// `Unsupported` for any filter; otherwise as [`crate::db::Db::all`].
pub(super) async fn find(emr: &Emr, reach: &Reach, query: &Query) -> Answer<Page<Record>> {
    if !query.filters.is_empty() {
        let why = "Schedule has no such search parameter.";
        return Err(Refusal::Unsupported(why.to_owned()).into());
    }
    if query.count == 0 || reach.filters().is_some() {
        return Ok(Page {
            records: Vec::new(),
            next: None,
        });
    }
    let mut found = providers(emr, Which::Page(query)).await?;
    let next = staff::cut(&mut found, query.count, |provider| provider.row);
    let services = bookable(emr).await?;
    let services: Vec<_> = services
        .iter()
        .map(|category| category.code.clone())
        .collect();
    let now = emr.now();
    let midnight = |days| {
        let day = emr.zone.wall(now).date().saturating_add(days);
        emr.zone.instant(day.with_time(Time::MIDNIGHT))
    };
    let horizon = (midnight(Duration::ZERO), midnight(emr.booking.ahead));
    let records = found
        .into_iter()
        .map(|provider| {
            Record::Schedule(Box::new(Schedule {
                uuid: schedule_id(provider.row),
                practitioner: (provider.uuid, provider.name),
                location: provider.location,
                specialty: provider.specialty,
                services: services.clone(),
                horizon,
                configured: provider.configured,
                last_updated: emr.zone.told(provider.last_updated),
            }))
        })
        .collect();
    Ok(Page { records, next })
}

/// Providers with a calendar, by row.
///
/// # Errors
/// As [`crate::db::Db::all`].
pub(in crate::emr) async fn providers(emr: &Emr, which: Which<'_>) -> Answer<Vec<Provider>> {
    let mut rows: Vec<Row> = emr.db.all(statement(emr, &which)).await?;
    let mut filled = false;
    if rows
        .iter()
        .any(|row| uuids::known(row.uuid.as_deref()).is_none())
    {
        uuids::fill(emr, Table::Users).await?;
        filled = true;
    }
    let homeless =
        |row: &Row| row.facility_row.is_some() && uuids::known(row.location.as_deref()).is_none();
    if rows.iter().any(homeless) {
        uuids::fill(emr, Table::Facilities).await?;
        filled = true;
    }
    if filled {
        rows = emr.db.all(statement(emr, &which)).await?;
    }
    let known = rows.into_iter().filter_map(|row| {
        Some(Provider {
            row: row.id,
            uuid: uuids::known(row.uuid.as_deref())?,
            name: spoken(row.fname, row.lname),
            specialty: tidy(row.specialty),
            location: uuids::known(row.location.as_deref())
                .map(|uuid| (uuid, tidy(row.facility_name))),
            organization: uuids::known(row.organization.as_deref()),
            configured: row.configured > 0,
            last_updated: row.last_updated,
        })
    });
    Ok(known.collect())
}

fn statement(emr: &Emr, which: &Which<'_>) -> Sql {
    let today = emr.zone.wall(emr.now()).date();
    let sql = Sql::new(SELECT)
        .bind(today)
        .bind(today)
        .push(match emr.layout.has("users", "last_updated") {
            true => ", u.last_updated",
            false => ", NULL AS last_updated",
        })
        .push(FROM);
    let (sql, query) = match which {
        Which::Rows(rows) => (sql.push(" AND u.id IN ").list(rows.iter().copied()), None),
        Which::Uuid(uuid) => (sql.push(" AND u.uuid = ?").bind(*uuid), None),
        Which::Page(query) => {
            let sql = match &query.ids {
                Some(ids) => {
                    let rows = ids.iter().filter_map(|id| provider_of(*id));
                    sql.push(" AND u.id IN ").list(rows)
                }
                None => sql,
            };
            (sql, Some(query))
        }
    };
    let sql = match query.and_then(|query| query.after.as_ref()) {
        Some(cursor) => sql.push(" AND u.id > ?").bind(cursor.row),
        None => sql,
    };
    let sql = sql.push(" ORDER BY u.id");
    match query {
        Some(query) => sql.limit(query.count.saturating_add(1)),
        None => sql,
    }
}

/// The FHIR id of a provider's calendar.
pub(in crate::emr) fn schedule_id(row: i64) -> Uuid {
    let parts = Parts {
        row: row.unsigned_abs(),
        at: 0,
        extra: 0,
    };
    composed::id(Kind::Schedule, parts)
}

/// The `users.id` behind such an id.
pub(in crate::emr) fn provider_of(id: Uuid) -> Option<i64> {
    let parts = composed::parts(Kind::Schedule, id)?;
    i64::try_from(parts.row).ok()
}

#[cfg(test)]
mod tests;
