//! The rows behind Tasks, a statement for each place they come from.

use std::collections::HashMap;

use sqlx::FromRow;
use time::Duration;
use time::OffsetDateTime;
use time::PrimitiveDateTime;

use super::Charts;
use super::Only;
use super::Placed;
use super::Source;
use super::named;
use super::place;
use super::same;
use crate::db::Row as DbRow;
use crate::db::sql::Sql;
use crate::domain::ResourceType;
use crate::domain::forms::State;
use crate::domain::people::Person;
use crate::domain::query::Query;
use crate::domain::refusal::Answer;
use crate::domain::tasks::Owner;
use crate::domain::tasks::Progress;
use crate::domain::tasks::Task;
use crate::domain::tasks::Work;
use crate::emr::Emr;
use crate::emr::chart::raw;
use crate::emr::chart::raw::Raw;
use crate::emr::forms;
use crate::emr::people::tidy;
use crate::emr::review;
use crate::emr::staff;
use crate::emr::uuids;
use crate::emr::uuids::Table;
use crate::store::reviews;
use crate::store::reviews::Review;
use crate::store::reviews::Wanted;

/// `checksum` holds encrypted card data of payments and is never read. OpenEMR always writes the date;
/// as text, because a zero date is none a driver could read.
const ACTIVITIES: &str = "SELECT a.id, CAST(a.date AS CHAR) AS at, a.activity, a.pending_action, a.action_taken, a.status, a.narrative, \
    a.table_args, CAST(a.action_taken_time AS CHAR) AS decided, p.pid, p.uuid, p.fname, p.mname, p.lname, u.uuid AS user_uuid, \
    CAST(u.authorized AS SIGNED) AS authorized, u.fname AS user_fname, u.mname AS user_mname, u.lname AS user_lname, \
    d.denial_reason AS form_state \
    FROM onsite_portal_activity a JOIN patient_data p ON p.pid = a.patient_id \
    LEFT JOIN users u ON u.id = a.action_user AND a.action_user > 0 AND u.username <> ''";
const LISTED: &str =
    " WHERE a.activity IN ('profile', 'document', 'payment', 'invoice') AND a.date IS NOT NULL";

/// The form a row is about, in the same chart: its number is text among texts of other kinds.
pub(super) const FORM_OF: &str = " LEFT JOIN onsite_documents d ON a.activity = 'document' \
    AND d.id = CAST(a.table_args AS SIGNED) AND d.pid = a.patient_id";

/// OpenEMR gives the number of a chart that was deleted to the next one: what somebody else asked for through this house
/// is not this patient's. Forms lie in the chart themselves.
pub(super) const OF_CHART: &str = " AND (a.activity <> 'profile' OR NOT EXISTS \
    (SELECT 1 FROM anteroom_review o WHERE o.activity = a.id AND o.patient <> p.uuid))";

/// What the desk has to decide; [`super::queue`] counts the same rows. OpenEMR leaves a row as it is where it opens a form
/// again, or locks it without the row: of such a form nothing can be decided. One that is gone can be refused.
pub(super) const WAITING: &str = " AND a.activity IN ('profile', 'document') \
    AND a.status IN ('waiting', 'editing', 'new') AND a.pending_action = 'review' \
    AND (d.id IS NULL OR HEX(d.denial_reason) = HEX('In Review'))";
const OF_PROFILES: &str = " AND a.activity = 'profile'";
const OF_FORMS: &str = " AND a.activity = 'document'";

/// Forms that were put before the patient; the workflow state is in `denial_reason` (OpenEMR facts 1.14), compared by its
/// letters as they are.
const FORMS: &str = "SELECT CAST(d.id AS SIGNED) AS id, CAST(d.create_date AS CHAR) AS at, d.doc_type, \
    d.denial_reason, p.pid, p.uuid, p.fname, p.mname, p.lname FROM onsite_documents d \
    JOIN patient_data p ON p.pid = d.pid \
    WHERE HEX(d.denial_reason) IN (HEX('New'), HEX('Open'), HEX('Editing'), HEX('In Review'), HEX('Locked')) \
    AND d.create_date IS NOT NULL";

#[derive(FromRow)]
struct Activity {
    id: i64,
    at: String,
    activity: Option<String>,
    pending_action: Option<String>,
    action_taken: Option<String>,
    status: Option<String>,
    narrative: Option<String>,
    table_args: Option<String>,
    decided: Option<String>,
    pid: i64,
    uuid: Option<Vec<u8>>,
    fname: Option<String>,
    mname: Option<String>,
    lname: Option<String>,
    user_uuid: Option<Vec<u8>>,
    authorized: Option<i64>,
    user_fname: Option<String>,
    user_mname: Option<String>,
    user_lname: Option<String>,
    form_state: Option<String>,
}

#[derive(FromRow)]
struct Form {
    id: i64,
    at: Option<String>,
    doc_type: Option<String>,
    denial_reason: Option<String>,
    pid: i64,
    uuid: Option<Vec<u8>>,
    fname: Option<String>,
    mname: Option<String>,
    lname: Option<String>,
}

/// Rows of OpenEMR's queue from a place on.
pub(super) async fn activities(
    emr: &Emr,
    (person, only): (Option<Person>, Only),
    query: &Query,
) -> Answer<Vec<Placed>> {
    let mut sql = Sql::new(ACTIVITIES)
        .push(FORM_OF)
        .push(LISTED)
        .push(OF_CHART);
    sql = match only {
        Only::All => sql,
        Only::Waiting(None) => sql.push(WAITING),
        Only::Waiting(Some(Work::Profile)) => sql.push(WAITING).push(OF_PROFILES),
        Only::Waiting(Some(Work::Form)) => sql.push(WAITING).push(OF_FORMS),
        // Of other kinds nothing in this queue is decided here.
        Only::Waiting(Some(_)) => return Ok(Vec::new()),
    };
    if let Some(person) = person {
        sql = sql.push(" AND a.patient_id = ?").bind(person.pid);
    }
    if let Some(rows) = named(query, Source::Activity) {
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        sql = sql.push(" AND a.id IN ").list(rows);
    }
    if let Some(after) = &query.after {
        // Within one second this source comes first, by rising number; so of the second of the cursor there is more
        // only behind a row of this source.
        sql = sql.push(" AND (a.date < ?").bind(&after.key);
        let within = after.row < place(Source::Form, 0);
        if within {
            sql = sql
                .push(" OR (a.date = ? AND a.id > ?)")
                .bind(&after.key)
                .bind(after.row);
        }
        sql = sql.push(")");
    }
    let sql = sql
        .push(match only {
            Only::All => " ORDER BY a.date DESC, a.id",
            Only::Waiting(_) => " ORDER BY a.date, a.id",
        })
        .limit(query.count.saturating_add(1));
    let rows: Vec<Activity> = filled(emr, sql, |row: &Activity| row.uuid.as_deref()).await?;
    let profiles = || rows.iter().filter(|row| row.work() == Work::Profile);
    let pids: Vec<i64> = profiles().map(|row| row.pid).collect();
    // Of a form that waits again nothing is said any more of what became of it before.
    let said = |row: &&Activity| row.work() != Work::Form || !row.queued().waits();
    let ids: Vec<i64> = rows.iter().filter(said).map(|row| row.id).collect();
    let charts = raw::of_many(&emr.db, &emr.layout, &pids).await?;
    let charts: Charts<Raw> = charts.into_iter().map(|raw| (raw.pid, raw)).collect();
    let mut behind: HashMap<i64, Vec<Review>> = HashMap::new();
    for found in reviews::find(&emr.db, Wanted::Activities(&ids)).await? {
        behind
            .entry(found.activity.unwrap_or_default())
            .or_default()
            .push(found);
    }
    // The desk's list is decided from a page of each, which reads its Task anew.
    let waiting: Vec<i64> = match only {
        Only::All => rows.iter().filter_map(Activity::waiting_form).collect(),
        Only::Waiting(_) => Vec::new(),
    };
    let stands = forms::stands(emr, &waiting).await?;
    let none = Vec::new();
    let placed = rows.into_iter().filter_map(|row| {
        let reviews = behind.get(&row.id).unwrap_or(&none);
        let chart = charts.get(&row.pid);
        let form = row.waiting_form();
        let mut placed = row.placed(emr, (chart, reviews))?;
        if let Some(stand) = form.and_then(|form| stands.get(&form)) {
            placed.task.stand.clone_from(stand);
        }
        Some(placed)
    });
    Ok(placed.filter(|one| same(person, one.task.person)).collect())
}

/// The rows of a statement; where a chart lacks a uuid, all are given theirs and it is asked again, because a row that
/// is left out would make its page look like the last.
async fn filled<R: DbRow>(
    emr: &Emr,
    sql: Sql,
    uuid: impl Fn(&R) -> Option<&[u8]>,
) -> Answer<Vec<R>> {
    let rows: Vec<R> = emr.db.all(sql.clone()).await?;
    if rows.iter().all(|row| uuids::known(uuid(row)).is_some()) {
        return Ok(rows);
    }
    uuids::fill(emr, Table::Patients).await?;
    emr.db.all(sql).await
}

/// Forms for the patient from a place on.
pub(super) async fn forms(emr: &Emr, person: Option<Person>, query: &Query) -> Answer<Vec<Placed>> {
    let mut sql = Sql::new(FORMS);
    if let Some(person) = person {
        sql = sql.push(" AND d.pid = ?").bind(person.pid);
    }
    if let Some(rows) = named(query, Source::Form) {
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        sql = sql.push(" AND d.id IN ").list(rows);
    }
    if let Some(after) = &query.after {
        let first = place(Source::Form, 0);
        sql = sql.push(" AND (d.create_date < ?").bind(&after.key);
        if after.row < place(Source::Review, 0) {
            sql = sql
                .push(" OR (d.create_date = ? AND d.id > ?)")
                .bind(&after.key)
                .bind(after.row - first.min(after.row));
        }
        sql = sql.push(")");
    }
    let sql = sql
        .push(" ORDER BY d.create_date DESC, d.id")
        .limit(query.count.saturating_add(1));
    let rows: Vec<Form> = filled(emr, sql, |row: &Form| row.uuid.as_deref()).await?;
    let placed = rows.into_iter().filter_map(|row| row.placed(emr));
    Ok(placed.filter(|one| same(person, one.task.person)).collect())
}

pub(super) fn progress(status: &str) -> Progress {
    match status {
        "completed" => Progress::Completed,
        "rejected" => Progress::Rejected,
        "cancelled" => Progress::Cancelled,
        _ => Progress::Requested,
    }
}

impl Activity {
    fn work(&self) -> Work {
        match self.activity.as_deref() {
            Some("profile") => Work::Profile,
            // OpenEMR calls the forms of its portal documents; the bytes a patient uploads are not in this queue.
            Some("document") => Work::Form,
            _ => Work::Payment,
        }
    }

    fn progress(&self, reviews: &[Review]) -> Progress {
        if let Some(last) = reviews.iter().rfind(|one| one.status != "waiting") {
            return progress(&last.status);
        }
        match self.overtaken() {
            Some(State::Locked) => Progress::Completed,
            Some(_) => Progress::InProgress,
            None => self.queued(),
        }
    }

    /// What OpenEMR's queue says.
    fn queued(&self) -> Progress {
        let taken = self.action_taken.as_deref().unwrap_or_default();
        match self.status.as_deref().unwrap_or_default() {
            "closed" if taken == "reject" => Progress::Rejected,
            "closed" => Progress::Completed,
            "deleted" => Progress::Cancelled,
            "editing" | "waiting transaction" => Progress::InProgress,
            _ if self.pending_action.as_deref() == Some("completed") => Progress::Completed,
            _ => Progress::Requested,
        }
    }

    /// The row of the form it is about: OpenEMR writes its number.
    fn form(&self) -> Option<i64> {
        let args = self.table_args.as_deref().unwrap_or_default();
        args.trim().parse().ok().filter(|row| *row > 0)
    }

    /// The same where staff have to decide about it.
    fn waiting_form(&self) -> Option<i64> {
        let waits = self.work() == Work::Form && self.queued().waits();
        self.form().filter(|_| waits && self.overtaken().is_none())
    }

    /// Where the row waits and the form does not: the state OpenEMR has put it in since. One this house does not know is
    /// the patient's, or OpenEMR's: nothing is decided of it here.
    fn overtaken(&self) -> Option<State> {
        let state = self.form_state.as_deref()?;
        match State::of(state) {
            _ if !self.queued().waits() => None,
            Some(State::InReview) => None,
            known => Some(known.unwrap_or(State::Open)),
        }
    }

    fn placed(self, emr: &Emr, (chart, reviews): (Option<&Raw>, &[Review])) -> Option<Placed> {
        let person = Person {
            pid: self.pid,
            uuid: uuids::known(self.uuid.as_deref())?,
        };
        let (work, progress) = (self.work(), self.progress(reviews));
        // What OpenEMR opened again is filled in and signed before it is decided.
        let theirs = self.overtaken().is_some() && progress.waits();
        let profile = work == Work::Profile;
        let practice = emr.known();
        let args = self.table_args.as_deref().unwrap_or_default();
        let form = self.form();
        let focus = match work {
            Work::Profile => Some((ResourceType::Patient, person.uuid)),
            Work::Form => form.map(|row| (ResourceType::DocumentReference, forms::id(row))),
            _ => None,
        };
        let asked = match chart.filter(|_| profile) {
            Some(chart) if progress.waits() => {
                review::wish(&practice.lists, chart, args, reviews).asked()
            }
            Some(chart) => review::told(&practice.lists, chart, args, reviews),
            None => Vec::new(),
        };
        let authored: Option<OffsetDateTime> = emr.zone.told(written(&self.at));
        let decided = self.decided.filter(|_| !progress.waits());
        let decided = emr.zone.told(decided.as_deref().and_then(written));
        let name = staff::display(self.user_fname, self.user_mname, self.user_lname);
        let provider =
            uuids::known(self.user_uuid.as_deref()).filter(|_| self.authorized == Some(1));
        Some(Placed {
            key: self.at,
            row: place(Source::Activity, self.id),
            task: Task {
                uuid: review::task_id(self.id),
                person,
                patient_name: staff::display(self.fname, self.mname, self.lname),
                work,
                progress,
                description: tidy(self.narrative),
                focus,
                by_patient: self.activity.as_deref() != Some("invoice") && !theirs,
                owner: match name.is_empty() {
                    true if theirs => Owner::Patient,
                    true => Owner::Desk,
                    false => Owner::Staff(provider, name),
                },
                asked,
                note: match profile {
                    true => review::note(args),
                    false => String::new(),
                },
                reason: reviews
                    .last()
                    .map_or_else(String::new, |last| last.reason.clone()),
                refused: reviews.last().map(Review::refused).unwrap_or_default(),
                stand: String::new(),
                authored,
                last_updated: decided.or(authored),
            },
        })
    }
}

impl Form {
    fn placed(self, emr: &Emr) -> Option<Placed> {
        let person = Person {
            pid: self.pid,
            uuid: uuids::known(self.uuid.as_deref())?,
        };
        let key = self.at?.get(..19)?.to_owned();
        let authored = written(&key).and_then(|at| emr.zone.told(Some(at)));
        let progress = match self.denial_reason.as_deref() {
            Some("New") => Progress::Requested,
            Some("Open" | "Editing") => Progress::InProgress,
            _ => Progress::Completed,
        };
        Some(Placed {
            key,
            row: place(Source::Form, self.id),
            task: Task {
                uuid: super::form_id(self.id),
                person,
                patient_name: staff::display(self.fname, self.mname, self.lname),
                work: Work::Form,
                progress,
                description: tidy(self.doc_type),
                focus: Some((ResourceType::DocumentReference, forms::id(self.id))),
                by_patient: false,
                owner: Owner::Patient,
                asked: Vec::new(),
                note: String::new(),
                reason: String::new(),
                refused: Vec::new(),
                stand: String::new(),
                authored,
                last_updated: authored,
            },
        })
    }
}

/// A wall time as a column's text has it.
pub(in crate::emr) fn written(text: &str) -> Option<PrimitiveDateTime> {
    let day = crate::emr::wall::day(text)?;
    let seconds = crate::emr::wall::clock(text.get(11..)?)?;
    let midnight = day.midnight();
    midnight.checked_add(Duration::seconds(seconds))
}
