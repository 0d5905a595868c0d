//! What waits, from four places: OpenEMR's own queue (`onsite_portal_activity`), reviews of this house that have no
//! row there, forms the patient is to fill in (`onsite_documents`), and requests for visits. What OpenEMR's dashboard decides shows here,
//! because its queue is where it is read.

mod decide;
mod elsewhere;
mod opens;
mod papers;
mod queue;
mod reviewed;
mod rows;
mod titles;
mod visits;

use std::collections::HashMap;

use uuid::Uuid;

use crate::domain::access::Reach;
use crate::domain::people::Person;
use crate::domain::query::Cursor;
use crate::domain::query::Page;
use crate::domain::query::Query;
use crate::domain::records::Record;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Refusal;
use crate::domain::tasks::Task;
use crate::domain::tasks::Work;
use crate::emr::Emr;
use crate::emr::composed;
use crate::emr::composed::Kind;

pub(super) use rows::written;

pub(super) use decide::apply;
pub(super) use decide::case;
pub(super) use decide::filed;
pub use elsewhere::settle;
pub use opens::Opens;
pub use opens::opens;
pub use queue::Counts;
pub use queue::counts;
pub use queue::queue;

/// Where a Task comes from: the third number of its composed id, and its place among Tasks of one second.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Source {
    Activity = 0,
    Form = 1,
    Review = 2,
    Visit = 3,
}

/// Which rows are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Only {
    /// All, the newest first.
    All,
    /// Those that wait for the desk, of one kind or of all, the oldest first.
    Waiting(Option<Work>),
}

/// A Task and its place in the order: the wall time it was asked for, the source, a number within it.
struct Placed {
    key: String,
    row: i64,
    task: Task,
}

/// The id of the Task of a form that was put before a patient.
pub(super) fn form_id(row: i64) -> Uuid {
    let parts = composed::Parts {
        row: row.unsigned_abs(),
        at: 0,
        extra: Source::Form as u16,
    };
    composed::id(Kind::Activity, parts)
}

/// Rows of a source have numbers below this.
const SPAN: i64 = 1 << 44;

fn place(source: Source, number: i64) -> i64 {
    (source as i64) * SPAN + number.clamp(0, SPAN - 1)
}

/// The rows of a source that ids name; `None` where no ids were asked for.
fn named(query: &Query, source: Source) -> Option<Vec<i64>> {
    let ids = query.ids.as_ref()?.iter();
    let of = |id: &Uuid| {
        let parts = composed::parts(Kind::Activity, *id)?;
        let here = i64::from(parts.extra) == source as i64 && parts.at == 0;
        here.then(|| i64::try_from(parts.row).ok()).flatten()
    };
    Some(ids.filter_map(of).collect())
}

/// A page of Tasks, the newest first.
///
/// # Errors
/// `Unsupported` for any filter; otherwise as [`crate::db::Db::all`].
pub(super) async fn find(emr: &Emr, reach: &Reach, query: &Query) -> Answer<Page<Record>> {
    if !query.filters.is_empty() {
        let why = "Task has no such search parameter.";
        return Err(Refusal::Unsupported(why.to_owned()).into());
    }
    if query.count == 0 || reach.filters().is_some() {
        return Ok(Page {
            records: Vec::new(),
            next: None,
        });
    }
    let person = reach.patient();
    let mut placed = rows::activities(emr, (person, Only::All), query).await?;
    placed.extend(rows::forms(emr, person, query).await?);
    placed.extend(reviewed::alone(emr, person, query).await?);
    placed.extend(visits::requests(emr, person, query).await?);
    if let Some(after) = &query.after {
        let beyond =
            |one: &Placed| one.key < after.key || (one.key == after.key && one.row > after.row);
        placed.retain(beyond);
    }
    placed.sort_by(|one, other| other.key.cmp(&one.key).then(one.row.cmp(&other.row)));
    let count = usize::try_from(query.count).unwrap_or(usize::MAX);
    let more = placed.len() > count;
    placed.truncate(count);
    let last = placed.last().filter(|_| more);
    let next = last.map(|last| Cursor {
        key: last.key.clone(),
        row: last.row,
    });
    titles::hide(emr, reach.held(), &mut placed).await?;
    let records = placed.into_iter();
    Ok(Page {
        records: records
            .map(|one| Record::Task(Box::new(one.task)))
            .collect(),
        next,
    })
}

/// The tasks of one kind of this house's own reviews that wait, the oldest first: what the desk lists.
///
/// # Errors
/// As [`crate::db::Db::all`].
pub async fn waiting(emr: &Emr, work: Work) -> Answer<Vec<Task>> {
    let mut placed = reviewed::waiting(emr, None, &[work.code().0]).await?;
    placed.sort_by(|one, other| one.key.cmp(&other.key).then(one.row.cmp(&other.row)));
    Ok(placed.into_iter().map(|one| one.task).collect())
}

/// Charts by number, for what is read about several at once.
type Charts<T> = HashMap<i64, T>;

/// The chart a row is about must still be the one of the grant.
fn same(person: Option<Person>, found: Person) -> bool {
    person.is_none_or(|person| person == found)
}

#[cfg(test)]
mod tests;
