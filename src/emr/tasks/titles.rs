//! What a document or a form is called is told to who may open it: a name such as "HIV result" says as much as the document
//! (F163, F164).

use std::collections::HashSet;

use sqlx::FromRow;
use uuid::Uuid;

use super::Placed;
use crate::db::sql::Sql;
use crate::domain::access::Right;
use crate::domain::refusal::Answer;
use crate::domain::tasks::Work;
use crate::emr::Emr;
use crate::emr::forms;
use crate::emr::predicates;
use crate::store::uploads;
use crate::store::uploads::Wanted;

/// OpenEMR shows staff a document only where they have the right its category asks for.
const DOCUMENTS: &str = "SELECT CAST(l.document_id AS SIGNED) AS number FROM categories_to_documents l \
    JOIN categories c ON c.id = l.category_id WHERE l.document_id IN ";
const NOT_OPEN: &str = " AND COALESCE(c.aco_spec, '') NOT IN ";

/// Without a category that of documents.
const FORMS: &str = "SELECT CAST(d.id AS SIGNED) AS number FROM onsite_documents d \
    LEFT JOIN anteroom_form f ON f.document = d.id LEFT JOIN categories c ON c.id = f.category WHERE d.id IN ";
const NOT_OPEN_FORM: &str = " AND COALESCE(c.aco_spec, 'patients|docs') NOT IN ";

#[derive(FromRow)]
struct Number {
    number: i64,
}

/// Takes away what is called after a document or a form that whoever holds these rights may not open; `None` is all rights.
///
/// # Errors
/// As [`crate::db::Db::all`].
pub(super) async fn hide(emr: &Emr, held: Option<&[Right]>, placed: &mut [Placed]) -> Answer<()> {
    let Some(held) = held else {
        return Ok(());
    };
    let none = !held.contains(&Right::Documents);
    let closed = match none {
        true => HashSet::new(),
        false => closed(emr, held, placed).await?,
    };
    for one in placed {
        let task = &mut one.task;
        let word = match task.work {
            Work::Document => "A document.",
            Work::Form => "A form.",
            _ => continue,
        };
        if none || task.focus.is_some_and(|(_, id)| closed.contains(&id)) {
            word.clone_into(&mut task.description);
        }
    }
    Ok(())
}

/// Those documents and forms that are there and closed.
async fn closed(emr: &Emr, held: &[Right], placed: &[Placed]) -> Answer<HashSet<Uuid>> {
    let ids = |work: Work| {
        let of = placed.iter().filter(move |one| one.task.work == work);
        of.filter_map(|one| Some(one.task.focus?.1))
    };
    let papers: Vec<Uuid> = ids(Work::Document).collect();
    let papers = uploads::of(&emr.db, Wanted::Ids(&papers)).await?;
    let numbers = papers.iter().map(|one| one.document).collect();
    let documents = shut(emr, (DOCUMENTS, NOT_OPEN), (held, numbers)).await?;
    let numbers = ids(Work::Form).filter_map(forms::row_of).collect();
    let sheets = shut(emr, (FORMS, NOT_OPEN_FORM), (held, numbers)).await?;
    let papers = papers
        .iter()
        .filter(|one| documents.contains(&one.document));
    let papers = papers.map(uploads::Upload::id);
    Ok(papers.chain(sheets.into_iter().map(forms::id)).collect())
}

async fn shut(
    emr: &Emr,
    (rows, not_open): (&'static str, &'static str),
    (held, numbers): (&[Right], Vec<i64>),
) -> Answer<HashSet<i64>> {
    if numbers.is_empty() {
        return Ok(HashSet::new());
    }
    let sql = Sql::new(rows).list(numbers).push(not_open);
    let found: Vec<Number> = emr.db.all(predicates::rights(sql, held, &[])).await?;
    Ok(found.into_iter().map(|row| row.number).collect())
}
