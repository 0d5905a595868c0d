//! Documents as messages and the ledger have them: by their rows, and by name.

use uuid::Uuid;

use crate::domain::access::Reach;
use crate::domain::access::Right;
use crate::domain::query::Query;
use crate::domain::records::Attached;
use crate::domain::refusal::Answer;
use crate::emr::Emr;
use crate::emr::documents::ORDER;
use crate::emr::documents::chart;
use crate::emr::documents::has_uuid;
use crate::emr::documents::rows;
use crate::emr::documents::rows_of;
use crate::emr::documents::statement;

/// Documents of the chart by their rows, each with its name: those that messages carry, of which whoever reads one is told
/// what they may see. The reach may be one for messages; into which chart it goes and what its user holds counts.
pub(in crate::emr) async fn carried(
    emr: &Emr,
    reach: &Reach,
    wanted: Vec<i64>,
) -> Answer<Vec<(i64, Attached)>> {
    if reach
        .held()
        .is_some_and(|held| !held.contains(&Right::Documents))
    {
        return Ok(Vec::new());
    }
    let sql = chart(emr, reach)?.push(" AND d.id IN ").list(wanted);
    let person = reach.person()?;
    let found = rows(emr, sql.push(ORDER)).await?.into_iter();
    let named = found.filter_map(|row| {
        let number = row.row_id;
        let document = row.document(emr, person, None)?;
        let attached = Attached {
            document: document.uuid,
            name: document.name,
        };
        Some((number, attached))
    });
    Ok(named.collect())
}

/// Which of these documents the chart has for whoever has this reach, as far as documents go: the reach may be one for the
/// ledger's lines.
pub(in crate::emr) async fn shown(emr: &Emr, reach: &Reach, ids: &[Uuid]) -> Answer<Vec<Uuid>> {
    let sql = match has_uuid(emr) {
        true => chart(emr, reach)?
            .push(" AND d.uuid IN ")
            .list(ids.iter().copied()),
        false => chart(emr, reach)?
            .push(" AND d.id IN ")
            .list(rows_of(emr, reach, ids).await?),
    };
    let person = reach.person()?;
    let found = rows(emr, sql.push(ORDER)).await?.into_iter();
    let shown = found.filter_map(|row| row.document(emr, person, None));
    Ok(shown.map(|document| document.uuid).collect())
}

/// The row and the name of a document within a reach for documents.
pub(in crate::emr) async fn named_row(
    emr: &Emr,
    reach: &Reach,
    id: Uuid,
) -> Answer<Option<(i64, String)>> {
    let sql = statement(emr, reach, &Query::one(id)).await?;
    let row = rows(emr, sql).await?.into_iter().next();
    Ok(row.map(|row| (row.row_id, row.name())))
}
