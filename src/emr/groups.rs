//! Panels of patients: everybody who may use the portal, and the patients of each provider (`patient_data.providerID`).

use std::collections::HashMap;

use sqlx::FromRow;
use uuid::Uuid;

use crate::db::sql::Sql;
use crate::domain::access::Reach;
use crate::domain::query::Cursor;
use crate::domain::query::Field;
use crate::domain::query::Filter;
use crate::domain::query::Page;
use crate::domain::query::Query;
use crate::domain::query::Target;
use crate::domain::records::Record;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Refusal;
use crate::domain::staffing::Group;
use crate::emr::Emr;
use crate::emr::composed;
use crate::emr::composed::Kind;
use crate::emr::composed::Parts;
use crate::emr::staff;
use crate::emr::uuids;
use crate::emr::uuids::Table;

/// Members that are listed at most; a larger panel tells its size alone.
const MOST_MEMBERS: u32 = 500;

/// The row that stands for everybody with the portal comes first, then the providers who have patients.
const PANELS: &str = "SELECT u.id AS row_id, u.uuid, u.fname, u.mname, u.lname FROM users u \
    WHERE u.authorized = 1 AND TRIM(COALESCE(u.username, '')) <> '' \
    AND EXISTS (SELECT 1 FROM patient_data x WHERE x.providerID = u.id)";

/// Counted for the panels of one page. OpenEMR has no index on `providerID`: one walk over the charts for a page of
/// panels, about half a second for a million.
const SIZES: &str = "SELECT CAST(COALESCE(p.providerID, 0) AS SIGNED) AS row_id, COUNT(*) AS size FROM patient_data p \
    WHERE p.providerID IN ";
const SIZES_END: &str = " GROUP BY COALESCE(p.providerID, 0)";
const EVERYBODY: &str = "SELECT 0 AS row_id, COUNT(*) AS size FROM patient_data p \
    WHERE p.allow_patient_portal = 'YES'";

/// The members of small panels, all of them in one statement.
const MEMBERS: &str = "SELECT CAST(COALESCE(p.providerID, 0) AS SIGNED) AS row_id, p.uuid FROM patient_data p \
    WHERE p.providerID IN ";
const MEMBERS_END: &str = " ORDER BY p.pid";
const ALL_MEMBERS: &str = "SELECT 0 AS row_id, p.uuid FROM patient_data p \
    WHERE p.allow_patient_portal = 'YES' ORDER BY p.pid";

/// Which panels a patient is in.
const OF_MEMBER: &str = "SELECT CAST(COALESCE(p.providerID, 0) AS SIGNED) AS provider, \
    CASE WHEN p.allow_patient_portal = 'YES' THEN 1 ELSE 0 END AS portal FROM patient_data p WHERE p.uuid IN ";

#[derive(FromRow)]
struct Row {
    row_id: i64,
    uuid: Option<Vec<u8>>,
    fname: Option<String>,
    mname: Option<String>,
    lname: Option<String>,
}

#[derive(FromRow)]
struct Size {
    row_id: i64,
    size: i64,
}

#[derive(FromRow)]
struct Member {
    row_id: i64,
    uuid: Option<Vec<u8>>,
}

#[derive(FromRow)]
struct Membership {
    provider: i64,
    portal: i64,
}

/// A page of panels: everybody's first, then the providers' by row id.
///
/// # Errors
/// `Unsupported` for a filter a panel does not have; otherwise as [`crate::db::Db::all`].
pub(super) async fn find(emr: &Emr, reach: &Reach, query: &Query) -> Answer<Page<Record>> {
    let nothing = Page {
        records: Vec::new(),
        next: None,
    };
    // A panel belongs to no patient: a reach cut to one opens none.
    if query.count == 0 || reach.filters().is_some() || reach.patient().is_some() {
        return Ok(nothing);
    }
    let Some(wanted) = wanted(emr, query).await? else {
        return Ok(nothing);
    };
    let asked = |row: i64| wanted.as_ref().is_none_or(|rows| rows.contains(&row));
    let whole = asked(0) && query.after.is_none();
    let mut rows = providers(emr, query, wanted.as_deref()).await?;
    if rows
        .iter()
        .any(|row| uuids::known(row.uuid.as_deref()).is_none())
    {
        uuids::fill(emr, Table::Users).await?;
        rows = providers(emr, query, wanted.as_deref()).await?;
    }
    let room = usize::try_from(query.count).unwrap_or(usize::MAX) - usize::from(whole);
    let more = rows.len() > room;
    rows.truncate(room);
    let next = more.then(|| rows.last().map_or(0, |row| row.row_id));
    let panels = panels(emr, rows, whole).await?;
    let records = panels
        .into_iter()
        .map(|panel| Record::Group(Box::new(panel)));
    Ok(Page {
        records: records.collect(),
        next: next.map(|row| Cursor {
            key: row.to_string(),
            row,
        }),
    })
}

/// The rows a query is about: `None` for none, `Some(None)` for all.
async fn wanted(emr: &Emr, query: &Query) -> Answer<Option<Option<Vec<i64>>>> {
    let mut wanted: Option<Vec<i64>> = query.ids.as_ref().map(|ids| {
        let parts = ids
            .iter()
            .filter_map(|id| composed::parts(Kind::Group, *id));
        parts
            .filter_map(|parts| i64::try_from(parts.row).ok())
            .collect()
    });
    for filter in &query.filters {
        let Filter::Reference(Field::Member, members) = filter else {
            let why = "Group has no such search parameter.";
            return Err(Refusal::Unsupported(why.to_owned()).into());
        };
        let theirs = of_members(emr, members).await?;
        wanted = Some(match wanted.take() {
            Some(rows) => rows
                .into_iter()
                .filter(|row| theirs.contains(row))
                .collect(),
            None => theirs,
        });
    }
    Ok(match wanted {
        Some(rows) if rows.is_empty() => None,
        wanted => Some(wanted),
    })
}

async fn of_members(emr: &Emr, members: &[Target]) -> Answer<Vec<i64>> {
    let sql = Sql::new(OF_MEMBER).list(members.iter().map(|member| member.id));
    let found: Vec<Membership> = emr.db.all(sql).await?;
    let mut rows = Vec::new();
    for one in found {
        rows.extend((one.portal == 1).then_some(0));
        rows.extend((one.provider > 0).then_some(one.provider));
    }
    Ok(rows)
}

async fn providers(emr: &Emr, query: &Query, wanted: Option<&[i64]>) -> Answer<Vec<Row>> {
    let mut sql = Sql::new(PANELS);
    if let Some(rows) = wanted {
        sql = sql.push(" AND u.id IN ").list(rows.iter().copied());
    }
    if let Some(cursor) = &query.after {
        sql = sql.push(" AND u.id > ?").bind(cursor.row);
    }
    let sql = sql
        .push(" ORDER BY u.id")
        .limit(query.count.saturating_add(1));
    emr.db.all(sql).await
}

/// The panels of these rows with their sizes, and the members of those that are small: four statements at most.
async fn panels(emr: &Emr, rows: Vec<Row>, whole: bool) -> Answer<Vec<Group>> {
    let ids: Vec<i64> = rows.iter().map(|row| row.row_id).collect();
    let mut sizes: HashMap<i64, u32> = HashMap::new();
    let mut asks = vec![Sql::new(SIZES).list(ids.clone()).push(SIZES_END)];
    if whole {
        asks.push(Sql::new(EVERYBODY));
    }
    for ask in asks {
        let found: Vec<Size> = emr.db.all(ask).await?;
        sizes.extend(
            found
                .into_iter()
                .map(|one| (one.row_id, u32::try_from(one.size).unwrap_or(u32::MAX))),
        );
    }
    let small = |row: &i64| sizes.get(row).is_some_and(|size| *size <= MOST_MEMBERS);
    let mut asks = Vec::new();
    let listed: Vec<i64> = ids.into_iter().filter(small).collect();
    if !listed.is_empty() {
        asks.push(Sql::new(MEMBERS).list(listed).push(MEMBERS_END));
    }
    if whole && small(&0) {
        asks.push(Sql::new(ALL_MEMBERS));
    }
    let mut members: HashMap<i64, Vec<Uuid>> = HashMap::new();
    for ask in asks {
        let found: Vec<Member> = emr.db.all(ask).await?;
        for member in found {
            let id = uuids::known(member.uuid.as_deref());
            members.entry(member.row_id).or_default().extend(id);
        }
    }
    let practice = emr.known();
    let mut panel = |row: i64, name: String, provider: Option<Uuid>| {
        Some(Group {
            uuid: composed::id(
                Kind::Group,
                Parts {
                    row: u64::try_from(row).ok()?,
                    at: 0,
                    extra: 0,
                },
            ),
            name,
            provider,
            quantity: sizes.get(&row).copied().unwrap_or_default(),
            members: members.remove(&row).unwrap_or_default(),
            organization: practice.organization,
        })
    };
    let mut panels = Vec::with_capacity(rows.len() + 1);
    if whole {
        panels.extend(panel(0, "Patients with the portal".to_owned(), None));
    }
    for row in rows {
        let name = staff::display(row.fname, row.mname, row.lname);
        let provider = uuids::known(row.uuid.as_deref());
        panels.extend(panel(row.row_id, format!("Patients of {name}"), provider));
    }
    Ok(panels)
}
