//! The practice's buildings: each facility is an Organization by its own uuid and a Location by its mapped one.

use sqlx::FromRow;
use time::PrimitiveDateTime;
use uuid::Uuid;

use crate::db::Db;
use crate::db::sql::Sql;
use crate::domain::ResourceType;
use crate::domain::access::Reach;
use crate::domain::people::Address;
use crate::domain::people::Facility;
use crate::domain::people::Means;
use crate::domain::query::Page;
use crate::domain::query::Query;
use crate::domain::records::Record;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Refusal;
use crate::emr::Emr;
use crate::emr::insurers;
use crate::emr::people::lines;
use crate::emr::people::tidy;
use crate::emr::staff;
use crate::emr::uuids;

/// `primary_business_entity` is 1 by default, so several facilities may claim it: the oldest wins.
const PRIMARY: &str = "SELECT f.name, f.uuid FROM facility f WHERE TRIM(COALESCE(f.name, '')) <> '' \
    ORDER BY CASE WHEN f.primary_business_entity = 1 THEN 0 ELSE 1 END, f.id LIMIT 1";

/// The Location's id is not `facility.uuid` but mapped to it; should two writers have mapped it, the first is it.
/// `domain_identifier` is the CLIA number.
const COLUMNS: &str = "SELECT f.id, f.uuid, f.name, f.facility_npi, f.domain_identifier, f.phone, f.fax, f.email, \
    f.website, f.street, f.city, f.state, f.postal_code, f.country_code, \
    (SELECT m.uuid FROM uuid_mapping m WHERE m.resource = 'Location' AND m.target_uuid = f.uuid \
     ORDER BY m.id LIMIT 1) AS location";

const MAPPED: &str = " AND f.uuid IN (SELECT m.target_uuid FROM uuid_mapping m WHERE m.resource = 'Location' \
    AND m.uuid IN ";

/// Facilities in the public list at most.
const MOST_PUBLISHED: u32 = 1000;

/// The same facility's address.
const LETTERHEAD: &str = "SELECT f.street, f.city, f.state, f.postal_code, f.phone FROM facility f \
    WHERE TRIM(COALESCE(f.name, '')) <> '' \
    ORDER BY CASE WHEN f.primary_business_entity = 1 THEN 0 ELSE 1 END, f.id LIMIT 1";

#[derive(FromRow)]
struct Letterhead {
    street: Option<String>,
    city: Option<String>,
    state: Option<String>,
    postal_code: Option<String>,
    phone: Option<String>,
}

#[derive(FromRow)]
struct Primary {
    name: Option<String>,
    uuid: Option<Vec<u8>>,
}

#[derive(FromRow)]
struct Row {
    id: i64,
    uuid: Option<Vec<u8>>,
    location: Option<Vec<u8>>,
    name: Option<String>,
    facility_npi: Option<String>,
    domain_identifier: Option<String>,
    phone: Option<String>,
    fax: Option<String>,
    email: Option<String>,
    website: Option<String>,
    street: Option<String>,
    city: Option<String>,
    state: Option<String>,
    postal_code: Option<String>,
    country_code: Option<String>,
    inactive: Option<i64>,
    last_updated: Option<PrimitiveDateTime>,
}

/// Name and FHIR id of the practice itself: the primary business entity, else the oldest facility with a name.
/// Empty where there is none.
///
/// # Errors
/// As [`Db::one`].
pub(super) async fn primary(db: &Db) -> Answer<(String, Option<Uuid>)> {
    let row: Option<Primary> = db.one(Sql::new(PRIMARY)).await?;
    Ok(row.map_or((String::new(), None), |row| {
        (tidy(row.name), uuids::known(row.uuid.as_deref()))
    }))
}

/// Where the practice itself is and how it is called, for the head of a letter: one line each, none that is empty.
///
/// # Errors
/// As [`Db::one`].
pub async fn letterhead(db: &Db) -> Answer<Vec<String>> {
    let row: Option<Letterhead> = db.one(Sql::new(LETTERHEAD)).await?;
    let Some(row) = row else {
        return Ok(Vec::new());
    };
    let place = [tidy(row.state), tidy(row.postal_code)].join(" ");
    let town = match (tidy(row.city), place.trim()) {
        (city, "") => city,
        (city, place) if city.is_empty() => place.to_owned(),
        (city, place) => format!("{city}, {place}"),
    };
    let lines = [tidy(row.street), town, tidy(row.phone)];
    Ok(lines.into_iter().filter(|line| !line.is_empty()).collect())
}

/// A page of Organizations (every facility) or Locations, by row id. A search lists the Locations patients are
/// seen at; one that names ids finds any facility, because visits may refer to it.
///
/// # Errors
/// `Unsupported` for any filter; otherwise as [`Db::all`].
pub(super) async fn find(emr: &Emr, reach: &Reach, query: &Query) -> Answer<Page<Record>> {
    if !query.filters.is_empty() {
        let why = format!("{} is searched by _id only.", reach.kind().name());
        return Err(Refusal::Unsupported(why).into());
    }
    if query.count == 0 || reach.filters().is_some() {
        return Ok(Page {
            records: Vec::new(),
            next: None,
        });
    }
    if let Some(after) = &query.after
        && after.key == insurers::PLACE
    {
        return with_insurers(emr, query, Vec::new()).await;
    }
    let mut rows: Vec<Row> = emr.db.all(statement(emr, reach.kind(), query)).await?;
    if rows.iter().any(|row| row.ids().is_none()) {
        uuids::fill(emr, uuids::Table::Facilities).await?;
        rows = emr.db.all(statement(emr, reach.kind(), query)).await?;
    }
    let next = staff::cut(&mut rows, query.count, |row| row.id);
    let records: Vec<Record> = rows
        .into_iter()
        .filter_map(|row| {
            let facility = Box::new(row.facility(emr)?);
            Some(match reach.kind() {
                ResourceType::Location => Record::Location(facility),
                _ => Record::Organization(facility),
            })
        })
        // An id mapped a second time is not the Location's id.
        .filter(|record| {
            query
                .ids
                .as_ref()
                .is_none_or(|ids| ids.contains(&record.id()))
        })
        .collect();
    if next.is_none() && reach.kind() == ResourceType::Organization {
        return with_insurers(emr, query, records).await;
    }
    Ok(Page { records, next })
}

/// The insurers come behind the practice's own houses.
async fn with_insurers(emr: &Emr, query: &Query, mut records: Vec<Record>) -> Answer<Page<Record>> {
    let after = query
        .after
        .as_ref()
        .filter(|after| after.key == insurers::PLACE);
    let after = after.map_or(0, |after| after.row);
    let taken = u32::try_from(records.len()).unwrap_or(u32::MAX);
    let room = query.count.saturating_sub(taken);
    let (found, next) = insurers::organizations(emr, query.ids.as_deref(), after, room).await?;
    let found = found.into_iter();
    records.extend(found.map(|insurer| Record::Organization(Box::new(insurer))));
    Ok(Page { records, next })
}

/// Everything in use that has a name, the oldest first: what the practice tells anybody about itself.
///
/// # Errors
/// As [`Db::all`].
pub async fn directory(emr: &Emr) -> Answer<Vec<Facility>> {
    let query = Query {
        count: MOST_PUBLISHED,
        ..Query::default()
    };
    let sql = statement(emr, ResourceType::Organization, &query);
    let mut rows: Vec<Row> = emr.db.all(sql.clone()).await?;
    if rows.iter().any(|row| row.ids().is_none()) {
        uuids::fill(emr, uuids::Table::Facilities).await?;
        rows = emr.db.all(sql).await?;
    }
    let facilities = rows.into_iter().filter_map(|row| row.facility(emr));
    Ok(facilities
        .filter(|facility| facility.active && !facility.name.is_empty())
        .collect())
}

fn statement(emr: &Emr, kind: ResourceType, query: &Query) -> Sql {
    let sql = Sql::new(COLUMNS)
        .push(match emr.layout.has("facility", "inactive") {
            true => ", f.inactive",
            false => ", 0 AS inactive",
        })
        .push(match emr.layout.has("facility", "last_updated") {
            true => ", f.last_updated",
            false => ", NULL AS last_updated",
        })
        .push(" FROM facility f WHERE 1 = 1");
    let sql = match (kind, &query.ids) {
        (ResourceType::Location, Some(ids)) => sql.push(MAPPED).list(ids.iter().copied()).push(")"),
        (ResourceType::Location, None) => sql.push(" AND f.service_location = 1"),
        (_, Some(ids)) => sql.push(" AND f.uuid IN ").list(ids.iter().copied()),
        (_, None) => sql,
    };
    let sql = match &query.after {
        Some(cursor) => sql.push(" AND f.id > ?").bind(cursor.row),
        None => sql,
    };
    sql.push(" ORDER BY f.id")
        .limit(query.count.saturating_add(1))
}

/// A CLIA number as US Core's us-core-18 wants it: two digits, D, seven digits. Empty for anything else.
fn clia(value: Option<String>) -> String {
    let value = tidy(value).to_ascii_uppercase();
    let right = value.len() == 10
        && value.bytes().enumerate().all(|(place, byte)| match place {
            2 => byte == b'D',
            _ => byte.is_ascii_digit(),
        });
    match right {
        true => value,
        false => String::new(),
    }
}

impl Row {
    /// Both FHIR ids, if neither is missing.
    fn ids(&self) -> Option<(Uuid, Uuid)> {
        let organization = uuids::known(self.uuid.as_deref())?;
        Some((organization, uuids::known(self.location.as_deref())?))
    }

    fn facility(self, emr: &Emr) -> Option<Facility> {
        let (organization, location) = self.ids()?;
        Some(Facility {
            organization,
            location,
            insurer: false,
            active: self.inactive != Some(1),
            name: tidy(self.name),
            npi: staff::npi(self.facility_npi),
            clia: clia(self.domain_identifier),
            telecom: staff::telecom([
                (Means::Phone, self.phone),
                (Means::Fax, self.fax),
                (Means::Email, self.email),
                (Means::Url, self.website),
            ]),
            address: Address {
                lines: lines([self.street, None]),
                city: tidy(self.city),
                state: tidy(self.state),
                postal_code: tidy(self.postal_code),
                country: tidy(self.country_code),
                ..Address::default()
            },
            last_updated: emr.zone.told(self.last_updated),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::scope::Interaction;
    use crate::emr::fixture::Fixture;
    use crate::emr::fixture::reach;

    const FACILITIES: &str = "
INSERT INTO facility (id, name, primary_business_entity, service_location, inactive, facility_npi, domain_identifier,
    phone, website, street, city)
  VALUES (3, ' ', 1, 1, 0, '', '', '', '', '', ''),
    (4, 'Back Office', 0, 0, 0, '', 'none', '', '', '', ''),
    (5, 'Hill &amp; Vale Clinic', 1, 1, 0, '1234567893', '12d3456789', '555-0100', 'https://example.org', '3 Hill Rd',
      'Troy'),
    (6, 'Old Site', 1, 1, 1, '', '', '', '', '', '');
";

    async fn page(practice: &Fixture, kind: ResourceType, query: &Query) -> Page<Record> {
        let reach = reach(7, "patient/*.rs", kind, Interaction::Search);
        find(&practice.emr, &reach, query).await.expect("a page")
    }

    fn facilities(page: &Page<Record>) -> Vec<&Facility> {
        page.records
            .iter()
            .map(|record| match record {
                Record::Organization(facility) | Record::Location(facility) => facility.as_ref(),
                other => panic!("no facility but {other:?}"),
            })
            .collect()
    }

    fn at_most(count: u32) -> Query {
        Query {
            count,
            ..Query::default()
        }
    }

    #[tokio::test]
    async fn the_practice_is_the_oldest_named_primary_entity() {
        let practice = Fixture::with(FACILITIES).await;
        let known = practice.emr.known();
        assert_eq!(known.name, "Hill & Vale Clinic");
        let organizations = page(&practice, ResourceType::Organization, &at_most(9)).await;
        let all = facilities(&organizations);
        assert_eq!(known.organization, Some(all[2].organization));
        let without = Fixture::with("").await;
        assert_eq!(
            primary(&without.emr.db).await.expect("none"),
            (String::new(), None)
        );
    }

    #[tokio::test]
    async fn organizations_and_locations_have_ids_of_their_own() {
        let practice = Fixture::with(FACILITIES).await;
        let organizations = page(&practice, ResourceType::Organization, &at_most(9)).await;
        let all = facilities(&organizations);
        assert_eq!(all.len(), 4);
        assert!(all.iter().all(|f| f.organization != f.location));
        assert!(!all[3].active);
        let clinic = all[2];
        assert_eq!(
            (clinic.npi.as_str(), clinic.clia.as_str()),
            ("1234567893", "12D3456789")
        );
        assert_eq!(clinic.telecom.len(), 2);
        assert_eq!(clinic.address.lines, ["3 Hill Rd"]);
        assert_eq!(all[1].clia, "");

        let locations = page(&practice, ResourceType::Location, &at_most(9)).await;
        let names: Vec<_> = facilities(&locations)
            .iter()
            .map(|f| f.name.clone())
            .collect();
        assert_eq!(names, ["", "Hill & Vale Clinic", "Old Site"]);
        let by_location = Query::one(all[1].location);
        let found = page(&practice, ResourceType::Location, &by_location).await;
        assert_eq!(facilities(&found), [all[1]]);
        let by_organization = Query::one(all[1].organization);
        let none = page(&practice, ResourceType::Location, &by_organization).await;
        assert!(none.records.is_empty());
    }

    #[tokio::test]
    async fn pages_follow_one_another_and_new_facilities_get_their_ids() {
        let practice = Fixture::with(FACILITIES).await;
        let lost = Sql::new("UPDATE facility SET uuid = NULL WHERE id = 4");
        practice.emr.db.run(lost).await.expect("lost");
        let mut seen = Vec::new();
        let mut query = at_most(3);
        loop {
            let page = page(&practice, ResourceType::Organization, &query).await;
            seen.extend(facilities(&page).iter().map(|f| f.organization));
            query.after = page.next;
            if query.after.is_none() {
                break;
            }
        }
        assert_eq!(seen.len(), 4);
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), 4);
    }
}
