//! The chart's front page: rows of `patient_data` and what hangs on them, a page in one statement.

mod codes;
mod search;
mod text;

use std::collections::HashMap;

use sqlx::FromRow;
use time::Date;
use time::PrimitiveDateTime;
use uuid::Uuid;

use crate::db::sql::Sql;
use crate::domain::access::Reach;
use crate::domain::people::Address;
use crate::domain::people::Means;
use crate::domain::people::Name;
use crate::domain::people::Patient;
use crate::domain::people::Person;
use crate::domain::people::Telecom;
use crate::domain::query::Page;
use crate::domain::query::Query;
use crate::domain::records::Record;
use crate::domain::refusal::Answer;
use crate::emr::Emr;
use crate::emr::Practice;
use crate::emr::onboarding;
use crate::emr::staff;
use crate::emr::uuids;
use crate::emr::wall;

pub(super) use codes::gender;
pub(super) use codes::language;
pub(super) use codes::marital;
pub(super) use text::given;
pub(super) use text::lines;
pub(super) use text::tidy;
pub(super) use text::unhex;

/// Columns every version has. `ss` and `drivers_license` are never read. `contact_relationship` holds the name of
/// the emergency contact (OpenEMR facts 1.1).
const COLUMNS: &str = "SELECT p.pid, p.uuid, p.pubpid, p.title, p.fname, p.mname, p.lname, CAST(p.DOB AS CHAR) AS dob, p.sex, p.gender_identity, p.race, \
    p.ethnicity, p.language, p.status, p.street, p.city, p.state, p.postal_code, p.county, p.country_code, \
    p.phone_home, p.phone_biz, p.phone_cell, p.email, p.email_direct, p.deceased_date, p.contact_relationship, \
    p.phone_contact, o.portal_username, u.id AS provider_id, u.uuid AS provider_uuid, u.fname AS provider_fname, \
    u.mname AS provider_mname, u.lname AS provider_lname";

/// The newest of the optional columns: a layout that has it has all the others (OpenEMR facts 0.1).
const NEWEST: (&str, &str) = ("patient_data", "tribal_affiliations");

/// Table, column, what is selected where the layout has it, and what where it has not.
const OPTIONAL: [(&str, &str, &str, &str); 10] = [
    ("patient_data", "suffix", ", p.suffix", ", NULL AS suffix"),
    (
        "patient_data",
        "preferred_name",
        ", p.preferred_name",
        ", NULL AS preferred_name",
    ),
    (
        "patient_data",
        "street_line_2",
        ", p.street_line_2",
        ", NULL AS street_line_2",
    ),
    (
        "patient_data",
        "birth_fname",
        ", p.birth_fname",
        ", NULL AS birth_fname",
    ),
    (
        "patient_data",
        "birth_mname",
        ", p.birth_mname",
        ", NULL AS birth_mname",
    ),
    (
        "patient_data",
        "birth_lname",
        ", p.birth_lname",
        ", NULL AS birth_lname",
    ),
    (
        "patient_data",
        "last_updated",
        ", p.last_updated",
        ", NULL AS last_updated",
    ),
    (
        "patient_data",
        "tribal_affiliations",
        ", p.tribal_affiliations",
        ", NULL AS tribal_affiliations",
    ),
    (
        "patient_history",
        "previous_name_enddate",
        ", EXISTS (SELECT 1 FROM patient_history h WHERE h.pid = p.pid \
            AND h.history_type_key = 'name_history') AS has_old_names",
        ", 0 AS has_old_names",
    ),
    (
        "contact_address",
        "period_end",
        ", EXISTS (SELECT 1 FROM contact c WHERE c.foreign_table_name = 'patient_data' \
            AND c.foreign_id = p.pid) AS has_more_addresses",
        ", 0 AS has_more_addresses",
    ),
];

/// What most charts have not: rows of other tables, asked for only where the first statement saw that there are any.
/// They come packed into one column, each row as hexadecimal, because names hold commas. Control character 31, in
/// hexadecimal 1F, stands between the fields; what two tables hold is joined as hexadecimal, because their collations
/// may differ (OpenEMR facts 6.4).
const EXTRAS: [(&str, &str, &str, &str); 2] = [
    (
        "patient_history",
        "previous_name_enddate",
        "SELECT (SELECT GROUP_CONCAT(HEX(CONCAT_WS('\u{1f}', COALESCE(h.previous_name_prefix, ''), \
            COALESCE(h.previous_name_first, ''), COALESCE(h.previous_name_middle, ''), \
            COALESCE(h.previous_name_last, ''), COALESCE(h.previous_name_suffix, ''), \
            COALESCE(h.previous_name_enddate, ''))) ORDER BY h.id) FROM patient_history h \
            WHERE h.pid = p.pid AND h.history_type_key = 'name_history') AS old_names",
        "SELECT NULL AS old_names",
    ),
    (
        "contact_address",
        "period_end",
        ", (SELECT GROUP_CONCAT(CONCAT(HEX(CONCAT_WS('\u{1f}', COALESCE(a.line1, ''), COALESCE(a.line2, ''), \
            COALESCE(a.city, ''), COALESCE(a.state, ''), COALESCE(a.zip, ''), COALESCE(a.plus_four, ''), \
            COALESCE(a.country, ''), COALESCE(a.district, ''))), '1F', \
            HEX(CONCAT_WS('\u{1f}', COALESCE(ca.`use`, ''), COALESCE(ca.status, ''), \
            COALESCE(ca.period_end, '')))) ORDER BY ca.id) FROM contact c \
            JOIN contact_address ca ON ca.contact_id = c.id JOIN addresses a ON a.id = ca.address_id \
            WHERE c.foreign_table_name = 'patient_data' AND c.foreign_id = p.pid) AS more_addresses",
        ", NULL AS more_addresses",
    ),
];

const EXTRAS_FROM: &str = ", p.pid FROM patient_data p WHERE p.pid IN ";

/// A provider nobody can look up as a Practitioner is not referred to.
const FROM: &str = " FROM patient_data p LEFT JOIN patient_access_onsite o ON o.pid = p.pid \
    LEFT JOIN anteroom_account m ON m.pid = p.pid \
    LEFT JOIN users u ON u.id = p.providerID AND u.authorized = 1 AND u.username <> '' WHERE 1 = 1";

/// The chart must still be the one of the grant: merging removes it and another may get its number.
const OF_ONE: &str = " AND p.pid = ? AND p.uuid = ?";

#[derive(FromRow)]
struct Row {
    pid: i64,
    uuid: Option<Vec<u8>>,
    pubpid: Option<String>,
    title: Option<String>,
    fname: Option<String>,
    mname: Option<String>,
    lname: Option<String>,
    dob: Option<String>,
    sex: Option<String>,
    gender_identity: Option<String>,
    race: Option<String>,
    ethnicity: Option<String>,
    language: Option<String>,
    status: Option<String>,
    street: Option<String>,
    city: Option<String>,
    state: Option<String>,
    postal_code: Option<String>,
    county: Option<String>,
    country_code: Option<String>,
    phone_home: Option<String>,
    phone_biz: Option<String>,
    phone_cell: Option<String>,
    email: Option<String>,
    email_direct: Option<String>,
    deceased_date: Option<PrimitiveDateTime>,
    contact_relationship: Option<String>,
    phone_contact: Option<String>,
    portal_username: Option<String>,
    portal_state: i64,
    provider_id: Option<i64>,
    provider_uuid: Option<Vec<u8>>,
    provider_fname: Option<String>,
    provider_mname: Option<String>,
    provider_lname: Option<String>,
    suffix: Option<String>,
    preferred_name: Option<String>,
    street_line_2: Option<String>,
    birth_fname: Option<String>,
    birth_mname: Option<String>,
    birth_lname: Option<String>,
    last_updated: Option<PrimitiveDateTime>,
    tribal_affiliations: Option<String>,
    has_old_names: i64,
    has_more_addresses: i64,
}

#[derive(Default, FromRow)]
struct Extras {
    pid: i64,
    old_names: Option<String>,
    more_addresses: Option<String>,
}

/// A page of charts by their number: the one of the reach, or those of the practice where the reach is that wide.
///
/// # Errors
/// `Unsupported` for a filter a patient does not have; otherwise as [`crate::db::Db::all`].
pub(super) async fn find(emr: &Emr, reach: &Reach, query: &Query) -> Answer<Page<Record>> {
    let sql = statement(emr, reach, query)?;
    if query.count == 0 || reach.filters().is_some() {
        return Ok(Page {
            records: Vec::new(),
            next: None,
        });
    }
    let mut rows: Vec<Row> = emr.db.all(sql.clone()).await?;
    let mut filled = false;
    for (table, bare) in BARE {
        if rows.iter().any(bare) {
            uuids::fill(emr, table).await?;
            filled = true;
        }
    }
    if filled {
        rows = emr.db.all(sql).await?;
    }
    let next = staff::cut(&mut rows, query.count, |row| row.pid);
    let mut extras = extras(emr, &rows).await?;
    let records = rows.into_iter().filter_map(|row| {
        let extras = extras.remove(&row.pid).unwrap_or_default();
        Some(Record::Patient(Box::new(row.patient(emr, extras)?)))
    });
    Ok(Page {
        records: records.collect(),
        next,
    })
}

/// Whether a row waits for a filler.
type Bare = fn(&Row) -> bool;

/// Which table's filler a row waits for.
const BARE: [(uuids::Table, Bare); 2] = [
    (uuids::Table::Patients, |row| {
        uuids::known(row.uuid.as_deref()).is_none()
    }),
    (uuids::Table::Users, |row| {
        row.provider_id.is_some() && uuids::known(row.provider_uuid.as_deref()).is_none()
    }),
];

/// What these charts have in other tables, by chart. Asking for it costs more than the charts themselves, and most
/// have nothing there.
async fn extras(emr: &Emr, rows: &[Row]) -> Answer<HashMap<i64, Extras>> {
    let more = |row: &&Row| row.has_old_names != 0 || row.has_more_addresses != 0;
    let pids: Vec<i64> = rows.iter().filter(more).map(|row| row.pid).collect();
    if pids.is_empty() {
        return Ok(HashMap::new());
    }
    let sql = pieces(emr, Sql::new(""), &EXTRAS)
        .push(EXTRAS_FROM)
        .list(pids);
    let found: Vec<Extras> = emr.db.all(sql).await?;
    Ok(found.into_iter().map(|found| (found.pid, found)).collect())
}

fn statement(emr: &Emr, reach: &Reach, query: &Query) -> Answer<Sql> {
    let mut sql = pieces(emr, Sql::new(COLUMNS), &OPTIONAL)
        .push(", ")
        .push(onboarding::STATE)
        .push(" AS portal_state")
        .push(FROM);
    if let Some(person) = reach.patient() {
        sql = sql.push(OF_ONE).bind(person.pid).bind(person.uuid);
    }
    if let Some(ids) = &query.ids {
        sql = sql.push(" AND p.uuid IN ").list(ids.iter().copied());
    }
    for filter in &query.filters {
        sql = search::filtered(emr, sql, filter)?;
    }
    if let Some(cursor) = &query.after {
        sql = sql.push(" AND p.pid > ?").bind(cursor.row);
    }
    Ok(sql
        .push(" ORDER BY p.pid")
        .limit(query.count.saturating_add(1)))
}

/// Adds what the layout has of each, or what stands for it.
fn pieces(emr: &Emr, sql: Sql, optional: &[(&str, &str, &'static str, &'static str)]) -> Sql {
    let newest = emr.layout.has(NEWEST.0, NEWEST.1);
    optional
        .iter()
        .fold(sql, |sql, (table, column, present, missing)| {
            match newest || emr.layout.has(table, column) {
                true => sql.push(present),
                false => sql.push(missing),
            }
        })
}

impl Row {
    /// `None` for a row that has no uuid even after filling, which another writer may cause.
    fn patient(self, emr: &Emr, extras: Extras) -> Option<Patient> {
        let person = Person {
            pid: self.pid,
            uuid: uuids::known(self.uuid.as_deref())?,
        };
        let practice: &Practice = &emr.known();
        let lists = &practice.lists;
        let further = extras.more_addresses.map_or_else(Vec::new, |packed| {
            text::addresses(&packed, emr.zone.wall(emr.now()).date())
        });
        let sex = tidy(self.sex);
        let name = Name {
            prefix: tidy(self.title),
            given: given(tidy(self.fname), tidy(self.mname)),
            family: tidy(self.lname),
            suffix: tidy(self.suffix),
        };
        let birth_name = Name {
            given: given(tidy(self.birth_fname), tidy(self.birth_mname)),
            family: tidy(self.birth_lname),
            ..Name::default()
        };
        let home = Address {
            lines: lines([self.street, self.street_line_2]),
            city: tidy(self.city),
            district: tidy(self.county),
            state: tidy(self.state),
            postal_code: tidy(self.postal_code),
            country: tidy(self.country_code),
            old: None,
        };
        Some(Patient {
            person,
            chart_number: tidy(self.pubpid),
            portal_status: onboarding::state(practice, self.portal_state),
            account: Some(tidy(self.portal_username)).filter(|account| !account.is_empty()),
            old_names: old_names(birth_name, &name, extras.old_names.as_deref()),
            name,
            preferred_name: tidy(self.preferred_name),
            birth_date: self.dob.as_deref().and_then(wall::day),
            gender: codes::gender(&sex),
            birth_sex: codes::birth_sex(&sex),
            gender_identity: codes::gender_identity(lists, &tidy(self.gender_identity)),
            race: codes::race(lists, "race", &tidy(self.race)),
            ethnicity: codes::race(lists, "ethnicity", &tidy(self.ethnicity)),
            tribes: codes::tribes(lists, &tidy(self.tribal_affiliations)),
            marital: codes::marital(lists, &tidy(self.status)),
            language: codes::language(lists, &tidy(self.language)),
            telecom: telecom(
                [self.phone_home, self.phone_biz, self.phone_cell],
                [self.email, self.email_direct],
            ),
            addresses: addresses(home, further),
            deceased: emr.zone.told(self.deceased_date),
            contact: contact(tidy(self.contact_relationship), tidy(self.phone_contact)),
            provider: uuids::known(self.provider_uuid.as_deref()).map(|uuid: Uuid| {
                let (first, middle) = (self.provider_fname, self.provider_mname);
                (uuid, staff::display(first, middle, self.provider_lname))
            }),
            organization: practice.organization,
            last_updated: emr.zone.told(self.last_updated),
        })
    }
}

/// The birth name, unless it is the present one or recorded among the previous ones, and those.
fn old_names(birth: Name, present: &Name, packed: Option<&str>) -> Vec<(Name, Option<Date>)> {
    let mut names = packed.map_or_else(Vec::new, text::names);
    let same = |name: &Name| name.given == birth.given && name.family == birth.family;
    let told = !birth.given.is_empty() || !birth.family.is_empty();
    if told && !same(present) && !names.iter().any(|(name, _)| same(name)) {
        names.insert(0, (birth, None));
    }
    names
}

/// Phones are home, work, mobile; the second e-mail is shown only where it is another one.
fn telecom(phones: [Option<String>; 3], emails: [Option<String>; 2]) -> Vec<Telecom> {
    let [email, second] = emails.map(tidy);
    let second = Some(second).filter(|second| !second.eq_ignore_ascii_case(&email));
    let phones = phones
        .into_iter()
        .zip(["home", "work", "mobile"])
        .map(|(value, used)| (Means::Phone, tidy(value), used));
    let emails = [Some(email), second]
        .into_iter()
        .flatten()
        .map(|value| (Means::Email, value, ""));
    phones
        .chain(emails)
        .filter(|(_, value, _)| !value.is_empty())
        .map(|(system, value, used)| Telecom {
            system,
            value,
            used,
        })
        .collect()
}

/// The chart's address first, then those of the address book that are not the same one again.
fn addresses(home: Address, further: Vec<Address>) -> Vec<Address> {
    let repeats = |address: &Address| {
        address.old.is_none() && address.lines == home.lines && address.city == home.city
    };
    let mut addresses: Vec<Address> = further.into_iter().filter(|a| !repeats(a)).collect();
    let parts = [&home.city, &home.district, &home.state, &home.postal_code];
    if !home.lines.is_empty() || parts.iter().any(|part| !part.is_empty()) {
        addresses.insert(0, home);
    }
    addresses
}

fn contact(name: String, phone: String) -> Option<(String, String)> {
    (!name.is_empty() || !phone.is_empty()).then_some((name, phone))
}

#[cfg(test)]
mod tests;
