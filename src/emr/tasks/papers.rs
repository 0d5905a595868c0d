//! Documents that patients sent are decided: they stay, under the category staff choose, or are no documents any more.

use std::collections::HashMap;

use sqlx::FromRow;
use uuid::Uuid;

use super::rows::document;
use crate::db::Tx;
use crate::db::sql::Sql;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Failure;
use crate::domain::refusal::Refusal;
use crate::emr::Emr;
use crate::emr::people::tidy;
use crate::portal::work::Decide;
use crate::portal::work::WorkChange;
use crate::store::reviews::Decision;
use crate::store::reviews::Review;
use crate::store::reviews::millis;
use crate::store::uploads;
use crate::store::uploads::State;
use crate::store::uploads::Upload;
use crate::store::uploads::Wanted;

/// `foreign_id` is the chart; whatever a Task says, a document of another chart is not touched.
const HELD: &str = "SELECT CAST(id AS SIGNED) AS id FROM documents WHERE id = ? AND foreign_id = ? AND deleted = 0";

/// A document has one category as a rule; where it has several, staff filed it already. OpenEMR replaces the link.
const LINKS: &str =
    "SELECT CAST(category_id AS SIGNED) AS id FROM categories_to_documents WHERE document_id = ?";
const MOVE: &str = "UPDATE categories_to_documents SET category_id = ? WHERE document_id = ?";

/// As OpenEMR's own delete: the row and the file stay.
const DELETE: &str =
    "UPDATE documents SET deleted = 1 WHERE id = ? AND foreign_id = ? AND deleted = 0";

const NAMES: &str = "SELECT CAST(id AS SIGNED) AS id, name FROM documents WHERE id IN ";

#[derive(FromRow)]
struct Number {
    id: i64,
}

#[derive(FromRow)]
struct Named {
    id: i64,
    name: Option<String>,
}

/// Does with a document what was decided.
///
/// # Errors
/// `Conflict` where it is in this chart no more, or was decided at the same moment.
pub(super) async fn apply(
    tx: &mut Tx,
    (review, change): (&Review, &WorkChange),
    decision: &Decision,
) -> Answer<()> {
    let ids = [document(review).ok_or(Refusal::NotFound)?];
    let found = uploads::held(tx, Wanted::Ids(&ids)).await?;
    let mine = |one: &&Upload| one.person() == review.person();
    let upload = found.iter().find(mine).ok_or_else(gone)?;
    let chart = |text| Sql::new(text).bind(upload.document).bind(upload.pid);
    let decide = change.ask.decide;
    if decide == Decide::Accept {
        let lock = tx.lock_clause();
        let here: Option<Number> = tx.one(chart(HELD).push(lock)).await?;
        here.ok_or_else(gone)?;
        if let Some(category) = change.category {
            file(tx, (upload.document, category)).await?;
        }
    } else {
        // Where it was deleted or given to another chart in OpenEMR, there is nothing left to do.
        tx.run(chart(DELETE)).await?;
    }
    let decided = uploads::Decision {
        state: match decide {
            Decide::Accept => State::Accepted,
            Decide::Reject | Decide::Withdraw => State::Rejected,
        },
        reason: decision.reason.clone(),
        by: decision.by,
        at: millis(decision.at),
    };
    match uploads::decide(tx, upload.document, &decided).await? {
        1 => Ok(()),
        _ => Err(gone()),
    }
}

async fn file(tx: &mut Tx, (document, category): (i64, i64)) -> Answer<()> {
    let links: Vec<Number> = tx.all(Sql::new(LINKS).bind(document)).await?;
    match links.as_slice() {
        [one] if one.id != category => {
            let sql = Sql::new(MOVE).bind(category).bind(document);
            tx.run(sql).await.map(|_| ())
        }
        _ => Ok(()),
    }
}

fn gone() -> Failure {
    let why =
        "The document is not in this chart any more, or was decided already: read the Task again.";
    Refusal::Conflict(why.to_owned()).into()
}

/// The names of the documents that reviews are about, by FHIR id.
pub(super) async fn names(emr: &Emr, reviews: &[Review]) -> Answer<HashMap<Uuid, String>> {
    let ids: Vec<Uuid> = reviews.iter().filter_map(document).collect();
    let found = uploads::of(&emr.db, Wanted::Ids(&ids)).await?;
    if found.is_empty() {
        return Ok(HashMap::new());
    }
    let numbers = found.iter().map(|one| one.document);
    let rows: Vec<Named> = emr.db.all(Sql::new(NAMES).list(numbers)).await?;
    let names: HashMap<i64, String> = rows
        .into_iter()
        .map(|row| (row.id, tidy(row.name)))
        .collect();
    let named = found
        .iter()
        .filter_map(|one| Some((one.id(), names.get(&one.document)?.clone())));
    Ok(named.collect())
}
