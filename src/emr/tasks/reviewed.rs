//! Reviews of this house that nothing in OpenEMR stands for, as Tasks: insurances, documents, and people who registered.

use std::collections::HashMap;

use sqlx::FromRow;
use time::Duration;
use uuid::Uuid;

use super::Placed;
use super::Source;
use super::papers;
use super::place;
use super::rows::progress;
use super::rows::written;
use super::same;
use crate::db::sql::Sql;
use crate::db::sql::datetime_text;
use crate::domain::ResourceType;
use crate::domain::people::Person;
use crate::domain::query::Query;
use crate::domain::refusal::Answer;
use crate::domain::tasks::Owner;
use crate::domain::tasks::Task;
use crate::domain::tasks::Work;
use crate::emr::Emr;
use crate::emr::insurance;
use crate::emr::persons;
use crate::emr::registering::opening;
use crate::emr::staff;
use crate::emr::uuids;
use crate::store::reviews;
use crate::store::reviews::Before;
use crate::store::reviews::Review;
use crate::store::reviews::Wanted;

/// Reviews are kept by the instant and listed by the practice's wall clock, which repeats an hour where it is put back: the
/// place of a page is looked for from so much later on,
const APART: Duration = Duration::hours(2);

/// and so many more are read as can have come in within that time.
const WITHIN: u32 = 1_000;

const STAFF: &str = "SELECT uuid, fname, mname, lname FROM users WHERE uuid IN ";

#[derive(FromRow)]
struct Colleague {
    uuid: Option<Vec<u8>>,
    fname: Option<String>,
    mname: Option<String>,
    lname: Option<String>,
}

/// Reviews that nothing in OpenEMR stands for and that wait, of these kinds, the oldest first.
pub(super) async fn waiting(
    emr: &Emr,
    person: Option<Person>,
    kinds: &[&'static str],
) -> Answer<Vec<Placed>> {
    let pid = person.map(|person| person.pid);
    let found = reviews::find(&emr.db, Wanted::Waiting(pid, kinds)).await?;
    all_reviewed(emr, person, found).await
}

/// Reviews that nothing in OpenEMR stands for from a place on: insurances, documents, and people who registered.
pub(super) async fn alone(emr: &Emr, person: Option<Person>, query: &Query) -> Answer<Vec<Placed>> {
    let pid = person.map(|person| person.pid);
    let moment = query.after.as_ref().and_then(|after| {
        let from = emr.zone.instant(written(&after.key)?) + APART;
        Some(reviews::millis(from))
    });
    let most = query.count.saturating_add(WITHIN);
    let found = match &query.ids {
        Some(ids) => reviews::find(&emr.db, Wanted::Ids(ids)).await?,
        None => reviews::find(&emr.db, Wanted::Alone(pid, Before { moment, most })).await?,
    };
    all_reviewed(emr, person, found).await
}

async fn all_reviewed(
    emr: &Emr,
    person: Option<Person>,
    found: Vec<Review>,
) -> Answer<Vec<Placed>> {
    let found: Vec<Review> = found
        .into_iter()
        .filter(|review| review.activity.is_none() && review.status != reviews::AT_ONCE)
        .filter(|review| same(person, review.person()))
        .collect();
    if found.is_empty() {
        return Ok(Vec::new());
    }
    let people: Vec<Person> = found.iter().map(Review::person).collect();
    let names = persons::names_of(emr, &people).await?;
    let papers = papers::names(emr, &found).await?;
    let deciders: Vec<Uuid> = found.iter().filter_map(Review::decided_by).collect();
    let mut staff: HashMap<Uuid, String> = HashMap::new();
    if !deciders.is_empty() {
        let rows: Vec<Colleague> = emr.db.all(Sql::new(STAFF).list(deciders)).await?;
        staff.extend(rows.into_iter().filter_map(|row| {
            let id = uuids::known(row.uuid.as_deref())?;
            Some((id, staff::display(row.fname, row.mname, row.lname)))
        }));
    }
    let placed = found
        .iter()
        // A chart that was merged away or deleted has no name any more; its number may be another's.
        .filter_map(|review| {
            reviewed(emr, review, (names.get(&review.person())?, &staff, &papers))
        });
    Ok(placed.collect())
}

fn reviewed(
    emr: &Emr,
    review: &Review,
    (name, staff, papers): (&String, &HashMap<Uuid, String>, &HashMap<Uuid, String>),
) -> Option<Placed> {
    let mut works = Work::ALL.into_iter();
    let work = works.find(|work| work.code().0 == review.kind)?;
    let authored = emr.zone.at(reviews::moment(review.created)?);
    let decided = review
        .decided
        .and_then(reviews::moment)
        .map(|at| emr.zone.at(at));
    let owner = match review.decided_by() {
        Some(id) => Owner::Staff(None, staff.get(&id).cloned().unwrap_or_default()),
        None => Owner::Desk,
    };
    let existing = insurance::of_existing(review);
    let (focus, description, asked) = match (work, existing) {
        (Work::Document, _) => (
            document(review).map(|id| (ResourceType::DocumentReference, id)),
            document(review)
                .and_then(|id| papers.get(&id).cloned())
                .unwrap_or_else(|| "A document.".to_owned()),
            Vec::new(),
        ),
        (Work::Registration, _) => (
            Some((ResourceType::Patient, review.person().uuid)),
            opening::description(review),
            opening::asked(review),
        ),
        (_, Some(id)) => (
            Some((ResourceType::Coverage, id)),
            "Changes to an insurance.".to_owned(),
            insurance::asked(review),
        ),
        (_, None) => (
            None,
            "A new insurance.".to_owned(),
            insurance::asked(review),
        ),
    };
    let number = i64::try_from(review.id().as_u128() >> 84).unwrap_or_default();
    Some(Placed {
        key: datetime_text(emr.zone.wall(authored)),
        row: place(Source::Review, number),
        task: Task {
            uuid: review.id(),
            person: review.person(),
            patient_name: name.clone(),
            work,
            progress: progress(&review.status),
            description,
            focus,
            by_patient: true,
            owner,
            asked,
            note: String::new(),
            reason: review.reason.clone(),
            refused: review.refused(),
            stand: String::new(),
            authored: Some(authored),
            last_updated: decided.or(Some(authored)),
        },
    })
}

/// The document a review is about.
pub(super) fn document(review: &Review) -> Option<Uuid> {
    review
        .resource
        .strip_prefix("DocumentReference/")?
        .parse()
        .ok()
}
