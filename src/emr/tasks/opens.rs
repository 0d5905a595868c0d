//! Whether whoever decides may open the document or the form a Task is about: what one may not see one decides nothing
//! about (F163, F164).

use sqlx::FromRow;
use uuid::Uuid;

use crate::db::sql::Sql;
use crate::domain::access::Grant;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Failure;
use crate::domain::refusal::Refusal;
use crate::domain::scope::Interaction;
use crate::domain::tasks::Task;
use crate::domain::tasks::Work;
use crate::emr;
use crate::emr::Emr;
use crate::emr::forms;
use crate::store::uploads;
use crate::store::uploads::Wanted;

const DOCUMENT: &str = "SELECT CAST(id AS SIGNED) AS id FROM documents WHERE id = ? AND foreign_id = ? AND deleted = 0";

/// In one of the states that forms are read in.
const FORM: &str = "SELECT CAST(id AS SIGNED) AS id FROM onsite_documents WHERE id = ? AND pid = ? \
    AND HEX(denial_reason) IN (HEX('New'), HEX('Open'), HEX('Editing'), HEX('In Review'), HEX('Locked'))";

#[derive(FromRow)]
struct Number {
    #[expect(dead_code, reason = "that there is a row is all that is asked")]
    id: i64,
}

/// Whether somebody may open what a Task is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opens {
    /// They may, or it is about no document.
    Yes,
    /// They may not.
    No,
    /// It is in this chart no more: there is nothing to open.
    Gone,
}

/// Whether a grant opens what a Task is about.
///
/// # Errors
/// As [`emr::read`].
pub async fn opens(emr: &Emr, grant: &Grant, task: &Task) -> Answer<Opens> {
    if !matches!(task.work, Work::Document | Work::Form) {
        return Ok(Opens::Yes);
    }
    let Some((kind, id)) = task.focus else {
        return Ok(Opens::Gone);
    };
    let Ok(reach) = grant.reach(kind, Interaction::Read) else {
        return Ok(Opens::No);
    };
    match emr::read(emr, &reach, id).await {
        Ok(record) if record.person() == Some(task.person) => Ok(Opens::Yes),
        Ok(_) => Ok(Opens::Gone),
        Err(Failure::Refused(Refusal::NotFound)) => Ok(match is_there(emr, task, id).await? {
            true => Opens::No,
            false => Opens::Gone,
        }),
        Err(failure) => Err(failure),
    }
}

async fn is_there(emr: &Emr, task: &Task, id: Uuid) -> Answer<bool> {
    let (text, row) = match forms::row_of(id) {
        Some(row) => (FORM, Some(row)),
        None => {
            let found = uploads::of(&emr.db, Wanted::Ids(&[id])).await?;
            let mine = found.iter().find(|one| one.person() == task.person);
            (DOCUMENT, mine.map(|one| one.document))
        }
    };
    let Some(row) = row else { return Ok(false) };
    let sql = Sql::new(text).bind(row).bind(task.person.pid);
    let found: Option<Number> = emr.db.one(sql).await?;
    Ok(found.is_some())
}
