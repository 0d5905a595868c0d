//! Work on many patients at once (`anteroom_job`, `anteroom_job_item`): one line a patient, done in one transaction that
//! begins with the line itself, so that whoever is cut off anywhere leaves it wholly done or not begun. A lease keeps
//! several replicas from being at the same job; nothing depends on it but the pace.

use sqlx::FromRow;
use uuid::Uuid;

use crate::db::Db;
use crate::db::Tx;
use crate::db::sql::Sql;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Refusal;

/// Lines of one statement.
const LINES: usize = 500;

/// What became of a line that broke too often.
pub const FAILED: &str = "failed";

/// A second one with the same ticket waits here until the first is done, and then adds nothing.
const ADD: &str = "anteroom_job (id, ticket, asked, enable, attested, staff, actor, client_id, grant_id, request_id, total, status, created) \
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'waiting', ?)";

/// The one there is: read as it is now, and not as it was when this transaction began.
const OF_TICKET: &str = "SELECT id, asked FROM anteroom_job WHERE ticket = ?";

const ADD_ITEMS: &str = "INSERT INTO anteroom_job_item (job, number, pid) VALUES ";

const SELECT: &str = "SELECT id, enable, attested, staff, actor, client_id, grant_id, request_id, total, status, created, finished \
    FROM anteroom_job ";

const NEWEST: &str = "WHERE NOT EXISTS (SELECT 1 FROM anteroom_circular c WHERE c.job = anteroom_job.id) \
    ORDER BY created DESC, id";

const OUTCOMES: &str =
    "SELECT outcome, COUNT(*) AS number FROM anteroom_job_item WHERE job = ? GROUP BY outcome";

const ITEMS: &str = "SELECT number, pid, outcome, reasons, tries FROM anteroom_job_item WHERE job = ? AND number > ?";

const WAITING: &str = "SELECT number, pid, outcome, reasons, tries FROM anteroom_job_item \
    WHERE job = ? AND outcome = '' AND not_before <= ? ORDER BY number";

/// Jobs nobody is at, the one that waits longest first.
const FREE: &str = "SELECT id FROM anteroom_job WHERE status = 'waiting' \
    AND (lease_until IS NULL OR lease_until <= ? OR lease_by = ?) ORDER BY created, id LIMIT 1";

const LEASE: &str = "UPDATE anteroom_job SET lease_by = ?, lease_until = ? WHERE id = ? AND status = 'waiting' \
    AND (lease_until IS NULL OR lease_until <= ? OR lease_by = ?)";

const REST: &str =
    "UPDATE anteroom_job SET lease_by = NULL, lease_until = ? WHERE id = ? AND lease_by = ?";

/// The line is taken by whoever changes it first; the others find it changed. A job that was stopped has none to take.
const CLAIM: &str = "UPDATE anteroom_job_item SET outcome = ?, reasons = ?, finished = ? \
    WHERE job = ? AND number = ? AND outcome = '' \
    AND EXISTS (SELECT 1 FROM anteroom_job j WHERE j.id = anteroom_job_item.job AND j.status = 'waiting')";

const SAY: &str =
    "UPDATE anteroom_job_item SET outcome = ?, reasons = ? WHERE job = ? AND number = ?";

const PUT_OFF: &str = "UPDATE anteroom_job_item SET tries = tries + 1, not_before = ? \
    WHERE job = ? AND number = ? AND outcome = ''";

const FINISH: &str = "UPDATE anteroom_job SET status = 'done', finished = ?, lease_by = NULL, lease_until = NULL \
    WHERE id = ? AND status = 'waiting' \
    AND NOT EXISTS (SELECT 1 FROM anteroom_job_item i WHERE i.job = anteroom_job.id AND i.outcome = '')";

const STOP: &str = "UPDATE anteroom_job SET status = 'stopped', finished = ?, lease_by = NULL, lease_until = NULL \
    WHERE id = ? AND status = 'waiting'";

const AGAIN: &str = "UPDATE anteroom_job_item SET outcome = '', reasons = NULL, tries = 0, not_before = 0, finished = NULL \
    WHERE job = ? AND outcome NOT IN ('', 'invited', 'reset-sent', 'skipped-recently', 'sent')";

/// What is done from now on is whoever's who opened it again.
const REOPEN: &str = "UPDATE anteroom_job SET status = 'waiting', finished = NULL, staff = ?, actor = ?, client_id = ?, \
    grant_id = ?, request_id = ? WHERE id = ? AND status <> 'waiting'";

/// A job to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewJob {
    /// Its id.
    pub id: Uuid,
    /// Fingerprint of what made it: the same makes no second one.
    pub ticket: String,
    /// Fingerprint of what was asked for.
    pub asked: String,
    /// What is wanted.
    pub wish: Wish,
    /// Who wants it.
    pub by: By,
    /// The patients, each once.
    pub pids: Vec<i64>,
    /// When, in seconds since 1970.
    pub created: i64,
}

/// What is wanted for each patient, beside a letter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wish {
    /// Access is enabled where it is not (F105).
    pub enable: bool,
    /// Whoever asks says that each mailbox is the patient's alone (F037, F094).
    pub attested: bool,
}

/// Who wants a job done, as the ledger names them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct By {
    /// `users.id`, where it is a member of staff: whose rights are looked at again.
    pub staff: Option<i64>,
    /// `Practitioner/<uuid>`.
    pub actor: String,
    /// Through which app; empty at the desk.
    pub client_id: String,
    /// Under which grant; empty at the desk.
    pub grant_id: String,
    /// The request that made it.
    pub request_id: String,
}

/// How far a job is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// There is something left to do.
    Waiting,
    /// Everything is done.
    Done,
    /// Somebody stopped it: what was left is not done.
    Stopped,
}

/// A job as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// Its id.
    pub id: Uuid,
    /// What is wanted.
    pub wish: Wish,
    /// Who wants it.
    pub by: By,
    /// How many patients.
    pub total: i64,
    /// How far it is.
    pub status: Status,
    /// When it was made, in seconds since 1970.
    pub created: i64,
    /// When it ended.
    pub finished: Option<i64>,
}

/// One patient of a job.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct Item {
    /// The place in the job.
    pub number: i64,
    /// Which patient.
    pub pid: i64,
    /// What became of it: empty until it is done.
    pub outcome: String,
    /// Why it was refused: a JSON array of pairs, code and sentence.
    pub reasons: Option<String>,
    /// How often it broke.
    pub tries: i64,
}

/// What a line is marked with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// What became of it.
    pub outcome: String,
    /// Why it was refused: code and sentence.
    pub reasons: Vec<(String, String)>,
}

#[derive(FromRow)]
struct Row {
    id: Vec<u8>,
    enable: i64,
    attested: i64,
    staff: Option<i64>,
    actor: String,
    client_id: String,
    grant_id: String,
    request_id: String,
    total: i64,
    status: String,
    created: i64,
    finished: Option<i64>,
}

#[derive(FromRow)]
struct Id {
    id: Vec<u8>,
}

#[derive(FromRow)]
struct Known {
    id: Vec<u8>,
    asked: String,
}

#[derive(FromRow)]
struct Count {
    outcome: String,
    number: i64,
}

impl Item {
    /// Why it was refused: code and sentence.
    pub fn why(&self) -> Vec<(String, String)> {
        let reasons = self.reasons.as_deref().unwrap_or("[]");
        serde_json::from_str(reasons).unwrap_or_default()
    }
}

impl Mark {
    /// Something that was done.
    pub fn done(outcome: &str) -> Self {
        Self {
            outcome: outcome.to_owned(),
            reasons: Vec::new(),
        }
    }

    fn told(&self) -> Option<String> {
        let told = || serde_json::to_string(&self.reasons).unwrap_or_default();
        (!self.reasons.is_empty()).then(told)
    }
}

/// Makes a job in one transaction; the id of the one that was made with the same ticket before, where there is one.
///
/// # Errors
/// `Unprocessable` where that one was asked for otherwise; as [`Tx::run`].
pub async fn add(tx: &mut Tx, job: &NewJob) -> Answer<Uuid> {
    let total = i64::try_from(job.pids.len()).unwrap_or(i64::MAX);
    let sql = Sql::new(tx.insert_new())
        .push(ADD)
        .bind(job.id)
        .bind(&job.ticket)
        .bind(&job.asked)
        .bind(i64::from(job.wish.enable))
        .bind(i64::from(job.wish.attested))
        .bind(job.by.staff)
        .bind(&job.by.actor)
        .bind(&job.by.client_id)
        .bind(&job.by.grant_id)
        .bind(&job.by.request_id)
        .bind(total)
        .bind(job.created);
    if tx.run(sql).await? == 0 {
        let lock = tx.lock_clause();
        let known: Option<Known> = tx
            .one(Sql::new(OF_TICKET).push(lock).bind(&job.ticket))
            .await?;
        if known.as_ref().is_some_and(|known| known.asked != job.asked) {
            let why = "this key was sent with another request";
            return Err(Refusal::invalid("Idempotency-Key", why).understood().into());
        }
        let known = known.and_then(|row| Uuid::from_slice(&row.id).ok());
        return Ok(known.unwrap_or(job.id));
    }
    let mut number = 0_i64;
    for some in job.pids.chunks(LINES) {
        let mut sql = Sql::new(ADD_ITEMS);
        for (index, pid) in some.iter().enumerate() {
            number += 1;
            sql = sql.push(if index == 0 {
                "(?, ?, ?)"
            } else {
                ", (?, ?, ?)"
            });
            sql = sql.bind(job.id).bind(number).bind(*pid);
        }
        tx.run(sql).await?;
    }
    Ok(job.id)
}

/// A job by its id.
///
/// # Errors
/// As [`Db::all`].
pub async fn find(db: &Db, id: Uuid) -> Answer<Option<Job>> {
    let row: Option<Row> = db
        .one(Sql::new(SELECT).push("WHERE id = ?").bind(id))
        .await?;
    Ok(row.and_then(job))
}

/// The newest jobs, but for messages to many: those are their senders' own.
///
/// # Errors
/// As [`Db::all`].
pub async fn newest(db: &Db, most: u32) -> Answer<Vec<Job>> {
    let sql = Sql::new(SELECT).push(NEWEST).limit(most);
    let rows: Vec<Row> = db.all(sql).await?;
    Ok(rows.into_iter().filter_map(job).collect())
}

/// How many lines have come to what; those that wait have an empty outcome.
///
/// # Errors
/// As [`Db::all`].
pub async fn outcomes(db: &Db, id: Uuid) -> Answer<Vec<(String, i64)>> {
    let rows: Vec<Count> = db.all(Sql::new(OUTCOMES).bind(id)).await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.outcome, row.number))
        .collect())
}

/// Lines of a job after a place, all or those that came to one thing.
///
/// # Errors
/// As [`Db::all`].
pub async fn items(
    db: &Db,
    (id, outcome): (Uuid, Option<&str>),
    (after, most): (i64, u32),
) -> Answer<Vec<Item>> {
    let sql = Sql::new(ITEMS).bind(id).bind(after);
    let sql = match outcome {
        Some(outcome) => sql.push(" AND outcome = ?").bind(outcome),
        None => sql,
    };
    db.all(sql.push(" ORDER BY number").limit(most)).await
}

/// The next lines that can be done now.
///
/// # Errors
/// As [`Db::all`].
pub async fn waiting(db: &Db, id: Uuid, (now, most): (i64, u32)) -> Answer<Vec<Item>> {
    db.all(Sql::new(WAITING).bind(id).bind(now).limit(most))
        .await
}

/// Takes the job that waits longest, for a while; `None` where there is none that nobody else is at.
///
/// # Errors
/// As [`Db::run`].
pub async fn lease(db: &Db, worker: &str, (now, until): (i64, i64)) -> Answer<Option<Job>> {
    let free: Option<Id> = db.one(Sql::new(FREE).bind(now).bind(worker)).await?;
    let Some(id) = free.and_then(|row| Uuid::from_slice(&row.id).ok()) else {
        return Ok(None);
    };
    match renew(db, (id, worker), (now, until)).await? {
        true => find(db, id).await,
        false => Ok(None),
    }
}

/// Keeps a job for longer; false where somebody else took it, or it has ended.
///
/// # Errors
/// As [`Db::run`].
pub async fn renew(db: &Db, (id, worker): (Uuid, &str), (now, until): (i64, i64)) -> Answer<bool> {
    let sql = Sql::new(LEASE)
        .bind(worker)
        .bind(until)
        .bind(id)
        .bind(now)
        .bind(worker);
    Ok(db.run(sql).await? > 0)
}

/// Lets a job go and leaves it alone until a time, so that others get their turn.
///
/// # Errors
/// As [`Db::run`].
pub async fn rest(db: &Db, (id, worker): (Uuid, &str), until: i64) -> Answer<()> {
    db.run(Sql::new(REST).bind(until).bind(id).bind(worker))
        .await
        .map(|_| ())
}

/// Takes a line in the transaction of what is done for it; false where it is done, or the job was stopped.
///
/// # Errors
/// As [`Tx::run`].
pub async fn claim(tx: &mut Tx, (id, number): (Uuid, i64), mark: &Mark, now: i64) -> Answer<bool> {
    let sql = Sql::new(CLAIM)
        .bind(&mark.outcome)
        .bind(mark.told())
        .bind(now)
        .bind(id)
        .bind(number);
    Ok(tx.run(sql).await? > 0)
}

/// Says otherwise what became of a line that this transaction took.
///
/// # Errors
/// As [`Tx::run`].
pub async fn say(tx: &mut Tx, (id, number): (Uuid, i64), mark: &Mark) -> Answer<()> {
    let sql = Sql::new(SAY)
        .bind(&mark.outcome)
        .bind(mark.told())
        .bind(id)
        .bind(number);
    tx.run(sql).await.map(|_| ())
}

/// Puts off a line that broke.
///
/// # Errors
/// As [`Db::run`].
pub async fn put_off(db: &Db, (id, number): (Uuid, i64), until: i64) -> Answer<()> {
    db.run(Sql::new(PUT_OFF).bind(until).bind(id).bind(number))
        .await
        .map(|_| ())
}

/// Ends a job that has no line left; false where it has.
///
/// # Errors
/// As [`Tx::run`].
pub async fn finish(tx: &mut Tx, id: Uuid, now: i64) -> Answer<bool> {
    Ok(tx.run(Sql::new(FINISH).bind(now).bind(id)).await? > 0)
}

/// Stops a job: what is left is not done. False where it has ended.
///
/// # Errors
/// As [`Tx::run`].
pub async fn stop(tx: &mut Tx, id: Uuid, now: i64) -> Answer<bool> {
    Ok(tx.run(Sql::new(STOP).bind(now).bind(id)).await? > 0)
}

/// Opens a job again, as somebody's, for the lines that were refused, broke or were left; how many of the first two.
///
/// # Errors
/// As [`Tx::run`].
pub async fn again(tx: &mut Tx, id: Uuid, by: &By) -> Answer<u64> {
    let lines = tx.run(Sql::new(AGAIN).bind(id)).await?;
    let reopen = Sql::new(REOPEN)
        .bind(by.staff)
        .bind(&by.actor)
        .bind(&by.client_id)
        .bind(&by.grant_id)
        .bind(&by.request_id)
        .bind(id);
    tx.run(reopen).await?;
    Ok(lines)
}

fn job(row: Row) -> Option<Job> {
    Some(Job {
        id: Uuid::from_slice(&row.id).ok()?,
        wish: Wish {
            enable: row.enable != 0,
            attested: row.attested != 0,
        },
        by: By {
            staff: row.staff,
            actor: row.actor,
            client_id: row.client_id,
            grant_id: row.grant_id,
            request_id: row.request_id,
        },
        total: row.total,
        status: match row.status.as_str() {
            "done" => Status::Done,
            "stopped" => Status::Stopped,
            _ => Status::Waiting,
        },
        created: row.created,
        finished: row.finished,
    })
}
