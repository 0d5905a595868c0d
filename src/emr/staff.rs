//! The people patients see and may write to: `users`, without the address book and the service accounts.

use sqlx::FromRow;
use time::PrimitiveDateTime;
use uuid::Uuid;

use crate::db::sql::Sql;
use crate::domain::access::Reach;
use crate::domain::access::Reader;
use crate::domain::access::Right;
use crate::domain::people::Address;
use crate::domain::people::Means;
use crate::domain::people::Name;
use crate::domain::people::Practitioner;
use crate::domain::people::Telecom;
use crate::domain::query::Cursor;
use crate::domain::query::Page;
use crate::domain::query::Query;
use crate::domain::records::Record;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Refusal;
use crate::domain::scope::Interaction;
use crate::emr::Emr;
use crate::emr::people::given;
use crate::emr::people::lines;
use crate::emr::people::tidy;
use crate::emr::uuids;

const COLUMNS: &str = "SELECT u.id, u.uuid, u.active, u.title, u.fname, u.mname, u.lname, u.suffix, u.npi, \
    u.specialty, u.portal_user, u.phonew1, u.phonew2, u.fax, u.email, u.street, u.streetb, u.city, u.state, u.zip";

/// `username` is empty for address-book entries. The three names are OpenEMR's own accounts, which nobody logs in
/// with (OpenEMR facts 1.16).
const FROM: &str = " FROM users u WHERE TRIM(COALESCE(u.username, '')) <> '' \
    AND u.username NOT IN ('portal-user', 'oe-system', 'phimail-service') ";

/// `authorized` is a provider, `portal_user` may be written to by patients. Anybody else who works there is shown to
/// nobody but themselves, and to whoever says which of them take messages.
const SHOWN: &str = "AND (u.authorized = 1 OR u.portal_user = 1)";
const SHOWN_OR_OWN: &str = "AND (u.authorized = 1 OR u.portal_user = 1 OR u.uuid = ?)";

#[derive(FromRow)]
struct Row {
    id: i64,
    uuid: Option<Vec<u8>>,
    active: Option<i64>,
    title: Option<String>,
    fname: Option<String>,
    mname: Option<String>,
    lname: Option<String>,
    suffix: Option<String>,
    npi: Option<String>,
    specialty: Option<String>,
    portal_user: Option<i64>,
    phonew1: Option<String>,
    phonew2: Option<String>,
    fax: Option<String>,
    email: Option<String>,
    street: Option<String>,
    streetb: Option<String>,
    city: Option<String>,
    state: Option<String>,
    zip: Option<String>,
    country_code: Option<String>,
    last_updated: Option<PrimitiveDateTime>,
}

/// A page of practitioners by row id. A search lists the accounts in use; one that names ids also finds those who
/// have left, because old visits and documents refer to them.
///
/// # Errors
/// `Unsupported` for any filter; otherwise as [`crate::db::Db::all`].
pub(super) async fn find(emr: &Emr, reach: &Reach, query: &Query) -> Answer<Page<Record>> {
    if !query.filters.is_empty() {
        return Err(
            Refusal::Unsupported("Practitioner is searched by _id only.".to_owned()).into(),
        );
    }
    if query.count == 0 || reach.filters().is_some() {
        return Ok(Page {
            records: Vec::new(),
            next: None,
        });
    }
    let mut rows: Vec<Row> = emr.db.all(statement(emr, reach, query)).await?;
    if rows
        .iter()
        .any(|row| uuids::known(row.uuid.as_deref()).is_none())
    {
        uuids::fill(emr, uuids::Table::Users).await?;
        rows = emr.db.all(statement(emr, reach, query)).await?;
    }
    let next = cut(&mut rows, query.count, |row| row.id);
    let records = rows
        .into_iter()
        .filter_map(|row| Some(Record::Practitioner(Box::new(row.practitioner(emr)?))))
        .collect();
    Ok(Page { records, next })
}

/// Names of a member of staff in one line, from the columns of `users`.
pub(super) fn display(
    first: Option<String>,
    middle: Option<String>,
    last: Option<String>,
) -> String {
    let name = Name {
        given: given(tidy(first), tidy(middle)),
        family: tidy(last),
        ..Name::default()
    };
    name.display()
}

/// A national provider identifier: ten digits whose check digit is right with the prefix 80840 (US Core's
/// us-core-16 and us-core-17). Anything else a practice typed is no identifier and becomes empty.
pub(super) fn npi(value: Option<String>) -> String {
    let value = tidy(value);
    let ten = value.len() == 10 && value.bytes().all(|byte| byte.is_ascii_digit());
    // 24 is what the digits 80840 add to the Luhn sum.
    let sum = value
        .bytes()
        .rev()
        .enumerate()
        .fold(24_u32, |sum, (place, byte)| {
            let digit = u32::from(byte.saturating_sub(b'0'));
            sum + match place % 2 {
                0 => digit,
                _ => digit * 2 / 10 + digit * 2 % 10,
            }
        });
    match ten && sum % 10 == 0 {
        true => value,
        false => String::new(),
    }
}

/// Cuts a page that was asked for with one row more than it may have; where the next one begins.
pub(super) fn cut<R>(rows: &mut Vec<R>, count: u32, id: impl Fn(&R) -> i64) -> Option<Cursor> {
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    if rows.len() <= count {
        return None;
    }
    rows.truncate(count);
    let row = id(rows.last()?);
    Some(Cursor {
        key: row.to_string(),
        row,
    })
}

/// Contact points that have a value.
pub(super) fn telecom(points: impl IntoIterator<Item = (Means, Option<String>)>) -> Vec<Telecom> {
    points
        .into_iter()
        .map(|(system, value)| Telecom {
            system,
            value: tidy(value),
            used: "work",
        })
        .filter(|point| !point.value.is_empty())
        .collect()
}

fn statement(emr: &Emr, reach: &Reach, query: &Query) -> Sql {
    let sql = Sql::new(COLUMNS)
        .push(match emr.layout.has("users", "country_code") {
            true => ", u.country_code",
            false => ", NULL AS country_code",
        })
        .push(match emr.layout.has("users", "last_updated") {
            true => ", u.last_updated",
            false => ", NULL AS last_updated",
        })
        .push(FROM);
    let administers = reach.interaction() == Interaction::Update
        && reach.reader() == Reader::Practice
        && reach.held().is_none_or(|held| held.contains(&Right::Users));
    let sql = match reach.own() {
        _ if administers => sql,
        Some(own) => sql.push(SHOWN_OR_OWN).bind(own),
        None => sql.push(SHOWN),
    };
    let sql = match &query.ids {
        Some(ids) => sql.push(" AND u.uuid IN ").list(ids.iter().copied()),
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
    fn practitioner(self, emr: &Emr) -> Option<Practitioner> {
        let uuid: Uuid = uuids::known(self.uuid.as_deref())?;
        let address = Address {
            lines: lines([self.street, self.streetb]),
            city: tidy(self.city),
            state: tidy(self.state),
            postal_code: tidy(self.zip),
            country: tidy(self.country_code),
            ..Address::default()
        };
        Some(Practitioner {
            uuid,
            active: self.active == Some(1),
            name: Name {
                prefix: tidy(self.title),
                given: given(tidy(self.fname), tidy(self.mname)),
                family: tidy(self.lname),
                suffix: tidy(self.suffix),
            },
            npi: npi(self.npi),
            // The private and mobile numbers staff have in their own row are nobody's business.
            telecom: telecom([
                (Means::Phone, self.phonew1),
                (Means::Phone, self.phonew2),
                (Means::Fax, self.fax),
                (Means::Email, self.email),
            ]),
            address: Some(address).filter(|address| *address != Address::default()),
            specialty: tidy(self.specialty),
            addressee: self.active == Some(1) && self.portal_user == Some(1),
            last_updated: emr.zone.told(self.last_updated),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ResourceType;
    use crate::emr::fixture::Fixture;
    use crate::emr::fixture::reach;

    const USERS: &str = "
INSERT INTO users (id, username, authorized, active, portal_user, fname, lname, title, npi, phonew1, phonecell, street)
  VALUES (1, 'admin', 1, 1, 0, 'Ada', 'Min', 'Dr.', '1234567893', '555-0100', '555-0666', '2 Main St'),
    (2, 'oldoc', 1, 0, 0, 'Olga', 'Past', '', '', '', '', ''),
    (3, 'desk', 0, 1, 1, 'Dee', 'Desk', '', '1234567890', '', '', ''),
    (4, 'clerk', 0, 1, 0, 'No', 'Body', '', '', '', '', ''),
    (5, '', 1, 1, 1, 'Address', 'Book', '', '', '', '', ''),
    (6, 'portal-user', 1, 1, 1, 'Portal', 'User', '', '', '', '', '');
";

    async fn page(practice: &Fixture, query: &Query) -> Page<Record> {
        let reach = reach(
            7,
            "patient/*.rs",
            ResourceType::Practitioner,
            Interaction::Search,
        );
        find(&practice.emr, &reach, query).await.expect("a page")
    }

    fn families(page: &Page<Record>) -> Vec<&str> {
        page.records
            .iter()
            .map(|record| match record {
                Record::Practitioner(practitioner) => practitioner.name.family.as_str(),
                other => panic!("no practitioner but {other:?}"),
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
    async fn a_search_lists_providers_and_portal_staff_in_use() {
        let practice = Fixture::with(USERS).await;
        let first = page(&practice, &at_most(1)).await;
        assert_eq!(families(&first), ["Min"]);
        let query = Query {
            after: first.next.clone(),
            ..at_most(1)
        };
        let second = page(&practice, &query).await;
        assert_eq!(families(&second), ["Desk"]);
        assert_eq!(second.next, None);
    }

    #[tokio::test]
    async fn a_provider_who_left_is_still_found_by_id() {
        let practice = Fixture::with(USERS).await;
        let left = Uuid::from_u128(0x4000_8000_0000_0000_00a2);
        let clerk = Uuid::from_u128(0x4000_8000_0000_0000_00a4);
        for (uuid, id) in [(left, 2_i64), (clerk, 4)] {
            let sql = Sql::new("UPDATE users SET uuid = ? WHERE id = ?");
            let sql = sql.bind(uuid).bind(id);
            practice.emr.db.run(sql).await.expect("a uuid");
        }
        let found = page(&practice, &Query::one(left)).await;
        let Some(Record::Practitioner(practitioner)) = found.records.first() else {
            panic!("not found");
        };
        assert!(!practitioner.active);
        assert!(page(&practice, &Query::one(clerk)).await.records.is_empty());
    }

    #[tokio::test]
    async fn a_row_is_shown_without_private_numbers_or_false_identifiers() {
        let practice = Fixture::with(USERS).await;
        let lost = Sql::new("UPDATE users SET uuid = NULL");
        practice.emr.db.run(lost).await.expect("lost");
        let page = page(&practice, &at_most(5)).await;
        let [Record::Practitioner(doctor), Record::Practitioner(desk)] = page.records.as_slice()
        else {
            panic!("two expected");
        };
        assert!(!doctor.uuid.is_nil());
        assert_eq!(doctor.npi, "1234567893");
        assert_eq!(doctor.name.prefix, "Dr.");
        let numbers: Vec<_> = doctor.telecom.iter().map(|t| t.value.as_str()).collect();
        assert_eq!(numbers, ["555-0100"]);
        assert!(doctor.address.is_some());
        assert_eq!(desk.npi, "");
        assert!(desk.address.is_none());
    }

    #[test]
    fn an_npi_needs_ten_digits_and_the_right_last_one() {
        let of = |text: &str| npi(Some(text.to_owned()));
        assert_eq!(of(" 1234567893 "), "1234567893");
        for wrong in ["1234567890", "123456789", "12345678933", "12345A7893", ""] {
            assert_eq!(of(wrong), "");
        }
    }
}
