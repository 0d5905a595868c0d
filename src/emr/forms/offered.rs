//! The templates as Questionnaires: all of them for staff, and for a patient those that were put before them.

use sqlx::FromRow;
use uuid::Uuid;

use crate::db::sql::Sql;
use crate::domain::access::Reach;
use crate::domain::people::Person;
use crate::domain::query::Cursor;
use crate::domain::query::Page;
use crate::domain::query::Query;
use crate::domain::records::Record;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Refusal;
use crate::emr::Emr;
use crate::emr::forms::templates;

/// What was put before a patient, as long as the form is there.
const PUT: &str = "SELECT DISTINCT f.template FROM anteroom_form f \
    JOIN onsite_documents d ON d.id = f.document AND d.pid = f.pid JOIN patient_data p ON p.pid = f.pid \
    WHERE f.pid = ? AND p.uuid = ? AND f.template <> ''";

#[derive(FromRow)]
struct Put {
    template: String,
}

/// A page of Questionnaires, by id.
///
/// # Errors
/// `Unsupported` for any filter; otherwise as [`crate::db::Db::all`].
pub(in crate::emr) async fn find(emr: &Emr, reach: &Reach, query: &Query) -> Answer<Page<Record>> {
    if !query.filters.is_empty() {
        let why = "Questionnaire has no such search parameter.";
        return Err(Refusal::Unsupported(why.to_owned()).into());
    }
    if query.count == 0 || reach.filters().is_some() {
        return Ok(Page {
            records: Vec::new(),
            next: None,
        });
    }
    let mut ids = match &query.ids {
        Some(ids) => ids.clone(),
        None => templates::ids(emr).await?,
    };
    if let Some(person) = reach.patient() {
        let theirs = put_before(emr, person).await?;
        ids.retain(|id| theirs.contains(id));
    }
    ids.sort_unstable();
    ids.dedup();
    if let Some(after) = &query.after {
        let last = Uuid::try_parse(&after.key).unwrap_or_default();
        ids.retain(|id| *id > last);
    }
    let count = usize::try_from(query.count).unwrap_or(usize::MAX);
    let more = ids.len() > count;
    ids.truncate(count);
    let next = ids.last().filter(|_| more).map(|last| Cursor {
        key: last.to_string(),
        row: 0,
    });
    let mut found = templates::several(emr, &ids).await?;
    found.sort_by_key(|one| one.uuid);
    let records = found.into_iter();
    Ok(Page {
        records: records
            .map(|one| Record::Questionnaire(Box::new(one)))
            .collect(),
        next,
    })
}

/// What was put before a patient here.
async fn put_before(emr: &Emr, person: Person) -> Answer<Vec<Uuid>> {
    let sql = Sql::new(PUT).bind(person.pid).bind(person.uuid);
    let rows: Vec<Put> = emr.db.all(sql).await?;
    let ids = rows.iter().map(|row| Uuid::try_parse(&row.template));
    Ok(ids.filter_map(Result::ok).collect())
}
