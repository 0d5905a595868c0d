//! What the people of the practice do there: one PractitionerRole for each row of `users` that is a Practitioner.

use sqlx::FromRow;
use time::PrimitiveDateTime;

use crate::db::sql::Sql;
use crate::domain::access::Reach;
use crate::domain::people::Means;
use crate::domain::query::Page;
use crate::domain::query::Query;
use crate::domain::records::Record;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Refusal;
use crate::domain::staffing::PractitionerRole;
use crate::emr::Emr;
use crate::emr::composed;
use crate::emr::composed::Kind;
use crate::emr::composed::Parts;
use crate::emr::endpoints;
use crate::emr::people::tidy;
use crate::emr::staff;
use crate::emr::uuids;
use crate::emr::uuids::Table;

/// The same people as in `staff`. `facility_id` is 0 for who works nowhere in particular; `taxonomy` is NUCC's code,
/// by default that of family medicine.
const SELECT: &str = "SELECT u.id, u.uuid, u.active, u.authorized, u.fname, u.mname, u.lname, u.specialty, u.taxonomy, \
    u.phonew1, u.phonew2, u.fax, u.email, f.id AS facility_row, f.uuid AS facility, f.name AS facility_name, \
    m.uuid AS location";

/// Should two writers have mapped a Location, the first is it.
const FROM: &str = " FROM users u LEFT JOIN facility f ON f.id = u.facility_id \
    LEFT JOIN uuid_mapping m ON m.id = (SELECT MIN(x.id) FROM uuid_mapping x \
        WHERE x.target_uuid = f.uuid AND x.resource = 'Location') \
    WHERE TRIM(COALESCE(u.username, '')) <> '' \
    AND u.username NOT IN ('portal-user', 'oe-system', 'phimail-service') \
    AND (u.authorized = 1 OR u.portal_user = 1)";

#[derive(FromRow)]
struct Row {
    id: i64,
    uuid: Option<Vec<u8>>,
    active: Option<i64>,
    authorized: Option<i64>,
    fname: Option<String>,
    mname: Option<String>,
    lname: Option<String>,
    specialty: Option<String>,
    taxonomy: Option<String>,
    phonew1: Option<String>,
    phonew2: Option<String>,
    fax: Option<String>,
    email: Option<String>,
    facility_row: Option<i64>,
    facility: Option<Vec<u8>>,
    facility_name: Option<String>,
    location: Option<Vec<u8>>,
    last_updated: Option<PrimitiveDateTime>,
}

/// A page of roles by row id. A search lists those of accounts in use; one that names ids finds any.
///
/// # Errors
/// `Unsupported` for any filter; otherwise as [`crate::db::Db::all`].
pub(super) async fn find(emr: &Emr, reach: &Reach, query: &Query) -> Answer<Page<Record>> {
    if !query.filters.is_empty() {
        let why = "PractitionerRole has no such search parameter.";
        return Err(Refusal::Unsupported(why.to_owned()).into());
    }
    if query.count == 0 || reach.filters().is_some() {
        return Ok(Page {
            records: Vec::new(),
            next: None,
        });
    }
    let mut rows: Vec<Row> = emr.db.all(statement(emr, query)).await?;
    let bare_user = |row: &Row| uuids::known(row.uuid.as_deref()).is_none();
    let bare_place =
        |row: &Row| row.facility_row.is_some() && uuids::known(row.location.as_deref()).is_none();
    let (users, places) = (rows.iter().any(bare_user), rows.iter().any(bare_place));
    if users {
        uuids::fill(emr, Table::Users).await?;
    }
    if places {
        uuids::fill(emr, Table::Facilities).await?;
    }
    if users || places {
        rows = emr.db.all(statement(emr, query)).await?;
    }
    let next = staff::cut(&mut rows, query.count, |row| row.id);
    let records = rows
        .into_iter()
        .filter_map(|row| Some(Record::PractitionerRole(Box::new(row.role(emr)?))))
        .collect();
    Ok(Page { records, next })
}

fn statement(emr: &Emr, query: &Query) -> Sql {
    let sql = Sql::new(SELECT)
        .push(match emr.layout.has("users", "last_updated") {
            true => ", u.last_updated",
            false => ", NULL AS last_updated",
        })
        .push(FROM);
    let rows = query.ids.as_ref().map(|ids| {
        let parts = ids
            .iter()
            .filter_map(|id| composed::parts(Kind::PractitionerRole, *id));
        parts.filter_map(|parts| i64::try_from(parts.row).ok())
    });
    let sql = match rows {
        Some(rows) => sql.push(" AND u.id IN ").list(rows),
        None => sql.push(" AND u.active = 1"),
    };
    let sql = match &query.after {
        Some(cursor) => sql.push(" AND u.id > ?").bind(cursor.row),
        None => sql,
    };
    sql.push(" ORDER BY u.id")
        .limit(query.count.saturating_add(1))
}

impl Row {
    /// `None` for a row that has no uuid even after filling, which another writer may cause.
    fn role(self, emr: &Emr) -> Option<PractitionerRole> {
        let name = staff::display(self.fname, self.mname, self.lname);
        let facility = tidy(self.facility_name);
        let practice = emr.known();
        let own = uuids::known(self.facility.as_deref()).map(|id| (id, facility.clone()));
        Some(PractitionerRole {
            uuid: composed::id(
                Kind::PractitionerRole,
                Parts {
                    row: u64::try_from(self.id).ok()?,
                    at: 0,
                    extra: 0,
                },
            ),
            active: self.active == Some(1),
            practitioner: (uuids::known(self.uuid.as_deref())?, name),
            organization: own.or_else(|| Some((practice.organization?, practice.name.clone()))),
            location: uuids::known(self.location.as_deref()).map(|id| (id, facility)),
            provider: self.authorized == Some(1),
            taxonomy: tidy(self.taxonomy),
            specialty: tidy(self.specialty),
            telecom: staff::telecom([
                (Means::Phone, self.phonew1),
                (Means::Phone, self.phonew2),
                (Means::Fax, self.fax),
                (Means::Email, self.email),
            ]),
            endpoint: endpoints::id(),
            last_updated: emr.zone.told(self.last_updated),
        })
    }
}
