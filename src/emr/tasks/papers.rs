//! Documents that patients sent are decided: they stay, under the category staff choose, or are no documents any more.

use std::collections::HashMap;

use serde_json::Value as Json;
use sqlx::FromRow;
use uuid::Uuid;

use super::reviewed::document;
use crate::db::Tx;
use crate::db::sql::Sql;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Failure;
use crate::domain::refusal::Refusal;
use crate::emr::Emr;
use crate::emr::filing;
use crate::emr::people::tidy;
use crate::portal::document::Filer;
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
/// What was deleted, or given to another chart, nobody accepted.
const ALL_LINKS: &str = "SELECT CAST(l.document_id AS SIGNED) AS document, CAST(l.category_id AS SIGNED) AS category, \
    CAST(d.foreign_id AS SIGNED) AS pid FROM categories_to_documents l JOIN documents d ON d.id = l.document_id \
    WHERE d.deleted = 0 AND l.document_id IN ";
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
struct Link {
    document: i64,
    category: i64,
    pid: Option<i64>,
}

#[derive(FromRow)]
struct Named {
    id: i64,
    name: Option<String>,
}

/// Does with a document what was decided. What staff filed in OpenEMR meanwhile is theirs: it is neither moved nor deleted.
///
/// # Errors
/// `Conflict` where it is in this chart no more, was filed in OpenEMR, or was decided at the same moment.
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
    let lock = tx.lock_clause();
    let here: Option<Number> = tx.one(chart(HELD).push(lock)).await?;
    match (decide, here) {
        (Decide::Accept, None) => return Err(gone()),
        (Decide::Accept, Some(_)) => {
            if let Some(category) = change.category {
                file(tx, upload.document, (change.home, category)).await?;
            }
        }
        (Decide::Reject | Decide::Withdraw, Some(_)) => {
            at_home(tx, upload.document, change.home).await?;
            tx.run(chart(DELETE)).await?;
        }
        // Where it was deleted or given to another chart in OpenEMR, there is nothing left to do.
        (Decide::Reject | Decide::Withdraw, None) => {}
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

async fn file(tx: &mut Tx, document: i64, (home, category): (Option<i64>, i64)) -> Answer<()> {
    at_home(tx, document, home).await?;
    if home == Some(category) {
        return Ok(());
    }
    let sql = Sql::new(MOVE).bind(category).bind(document);
    tx.run(sql).await.map(|_| ())
}

/// That a document still lies where it lay when it was sent, and nowhere else. The links are held until the transaction
/// ends.
async fn at_home(tx: &mut Tx, document: i64, home: Option<i64>) -> Answer<()> {
    let lock = tx.lock_clause();
    let links: Vec<Number> = tx.all(Sql::new(LINKS).bind(document).push(lock)).await?;
    match links.as_slice() {
        [one] if Some(one.id) == home => Ok(()),
        _ => {
            let why =
                "Staff filed this document in the chart meanwhile: it stays as they filed it.";
            Err(Refusal::Conflict(why.to_owned()).into())
        }
    }
}

/// Where a document lay when its patient sent it; of one that was sent before that was kept, where it would lie now.
///
/// # Errors
/// As [`crate::db::Db::all`].
pub(super) async fn home(emr: &Emr, review: &Review) -> Answer<Option<i64>> {
    match known_home(review) {
        Some(category) => Ok(Some(category)),
        None => portals_own(emr).await,
    }
}

fn known_home(review: &Review) -> Option<i64> {
    let known: Json = serde_json::from_str(&review.known).unwrap_or_default();
    known["category"].as_i64()
}

async fn portals_own(emr: &Emr) -> Answer<Option<i64>> {
    filing::category(emr, (Filer::Patient, None), None).await
}

/// A document that staff filed in OpenEMR.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Filed {
    /// The review that waits.
    pub(super) review: Uuid,
    /// The document's number.
    pub(super) document: i64,
    /// The chart it is in.
    pid: i64,
    /// Where it lay when it was sent.
    home: Option<i64>,
}

/// Of these reviews, those whose documents staff filed in OpenEMR.
///
/// # Errors
/// As [`crate::db::Db::all`].
pub(super) async fn filed(emr: &Emr, waiting: &[Review]) -> Answer<Vec<Filed>> {
    let ids: Vec<Uuid> = waiting.iter().filter_map(document).collect();
    let uploads = uploads::of(&emr.db, Wanted::Ids(&ids)).await?;
    if uploads.is_empty() {
        return Ok(Vec::new());
    }
    let numbers = uploads.iter().map(|one| one.document);
    let links: Vec<Link> = emr.db.all(Sql::new(ALL_LINKS).list(numbers)).await?;
    let own = portals_own(emr).await?;
    let mut filed = Vec::new();
    for review in waiting {
        let mine =
            |one: &&Upload| Some(one.id()) == document(review) && one.person() == review.person();
        let Some(upload) = uploads.iter().find(mine) else {
            continue;
        };
        let here = |one: &&Link| one.document == upload.document && one.pid == Some(upload.pid);
        let mut places = links.iter().filter(here);
        let home = known_home(review).or(own);
        if places.any(|one| Some(one.category) != home) {
            filed.push(Filed {
                review: review.id(),
                document: upload.document,
                pid: upload.pid,
                home,
            });
        }
    }
    Ok(filed)
}

/// Whether it is so yet: the document and where it lies are held until the transaction ends.
///
/// # Errors
/// As [`Tx::all`].
pub(super) async fn is_filed(tx: &mut Tx, filed: &Filed) -> Answer<bool> {
    let lock = tx.lock_clause();
    let here = Sql::new(HELD).bind(filed.document).bind(filed.pid);
    let here: Option<Number> = tx.one(here.push(lock)).await?;
    let links = Sql::new(LINKS).bind(filed.document).push(lock);
    let links: Vec<Number> = tx.all(links).await?;
    Ok(here.is_some() && links.iter().any(|one| Some(one.id) != filed.home))
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
