//! What waits for the desk: how many of each kind, and which, the oldest first.

use sqlx::FromRow;

use super::Only;
use super::reviewed;
use super::rows;
use super::titles;
use crate::db::sql::Sql;
use crate::domain::access::Reach;
use crate::domain::query::Query;
use crate::domain::refusal::Answer;
use crate::domain::tasks::Task;
use crate::domain::tasks::Work;
use crate::emr::Emr;

/// As the list: of charts that are there.
const ACTIVITIES: &str = "SELECT CASE WHEN a.activity = 'profile' THEN 'review-profile' ELSE 'review-form' END AS kind, \
    COUNT(*) AS total FROM onsite_portal_activity a JOIN patient_data p ON p.pid = a.patient_id";
const DATED: &str = " WHERE a.date IS NOT NULL";

const REVIEWS: &str = "SELECT r.kind, COUNT(*) AS total FROM anteroom_review r JOIN patient_data p \
    ON p.pid = r.pid AND p.uuid = r.patient WHERE r.activity IS NULL AND r.status = 'waiting'";

/// Rows of OpenEMR's queue that are listed at most, the oldest.
const MOST: u32 = 1_000;

/// How many requests wait for the desk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Changed profiles.
    pub profile: i64,
    /// Insurances.
    pub coverage: i64,
    /// Documents that patients sent.
    pub document: i64,
    /// Forms that patients filled in.
    pub form: i64,
}

impl Counts {
    /// How many of a kind.
    pub fn of(self, work: Work) -> i64 {
        match work {
            Work::Profile => self.profile,
            Work::Coverage => self.coverage,
            Work::Document => self.document,
            Work::Form => self.form,
            Work::Payment | Work::Registration | Work::Visit => 0,
        }
    }

    /// How many of all kinds.
    pub fn all(self) -> i64 {
        self.profile + self.coverage + self.document + self.form
    }
}

#[derive(FromRow)]
struct Row {
    kind: String,
    total: i64,
}

/// How many requests wait for the desk, within a reach.
///
/// # Errors
/// As [`crate::db::Db::all`].
pub async fn counts(emr: &Emr, reach: &Reach) -> Answer<Counts> {
    let person = reach.patient();
    let mut queue = Sql::new(ACTIVITIES)
        .push(rows::FORM_OF)
        .push(DATED)
        .push(rows::OF_CHART)
        .push(rows::WAITING);
    let mut alone = Sql::new(REVIEWS);
    if let Some(person) = person {
        queue = queue.push(" AND a.patient_id = ?").bind(person.pid);
        alone = alone.push(" AND r.pid = ?").bind(person.pid);
    }
    let mut found: Vec<Row> = emr.db.all(queue.push(" GROUP BY a.activity")).await?;
    found.extend(emr.db.all::<Row>(alone.push(" GROUP BY r.kind")).await?);
    let of = |work: Work| {
        let rows = found.iter().filter(|row| row.kind == work.code().0);
        rows.map(|row| row.total).sum()
    };
    Ok(Counts {
        profile: of(Work::Profile),
        coverage: of(Work::Coverage),
        document: of(Work::Document),
        form: of(Work::Form),
    })
}

/// What waits for the desk within a reach, of one kind or of all, the oldest first.
///
/// # Errors
/// As [`crate::db::Db::all`].
pub async fn queue(emr: &Emr, reach: &Reach, work: Option<Work>) -> Answer<Vec<Task>> {
    const KINDS: [Work; 4] = [Work::Profile, Work::Coverage, Work::Document, Work::Form];
    let which = (reach.patient(), Only::Waiting(work));
    let query = Query {
        count: MOST,
        ..Query::default()
    };
    let mut placed = rows::activities(emr, which, &query).await?;
    let kinds: Vec<&'static str> = KINDS
        .iter()
        .filter(|kind| work.is_none_or(|work| work == **kind))
        .map(|kind| kind.code().0)
        .collect();
    placed.extend(reviewed::waiting(emr, reach.patient(), &kinds).await?);
    placed.retain(|one| {
        KINDS.contains(&one.task.work) && work.is_none_or(|work| one.task.work == work)
    });
    titles::hide(emr, reach.held(), &mut placed).await?;
    placed.sort_by_key(|one| (one.task.authored, one.row));
    Ok(placed.into_iter().map(|one| one.task).collect())
}
