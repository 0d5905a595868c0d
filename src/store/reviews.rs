//! What patients asked for and staff have to look at (`anteroom_review`): put there once, decided once.

use sqlx::FromRow;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::db::Db;
use crate::db::Tx;
use crate::db::sql::Sql;
use crate::domain::people::Person;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Fault;

const INSERT: &str = "INSERT INTO anteroom_review \
    (id, kind, pid, patient, resource, asked, known, status, reason, client_id, created, activity) \
    VALUES (?, ?, ?, ?, ?, ?, ?, 'waiting', '', ?, ?, ?)";

/// The status is compared again, so that of two who decide at once only one does.
const DECIDE: &str = "UPDATE anteroom_review SET status = ?, reason = ?, refused = ?, decided = ?, decided_by = ? \
    WHERE status = 'waiting' AND ";

/// What was taken over since is known of what still waits.
const KNOW: &str = "UPDATE anteroom_review SET known = ? WHERE id = ? AND status = 'waiting'";

const SELECT: &str = "SELECT id, kind, pid, patient, resource, asked, known, status, reason, refused, client_id, created, \
    decided, decided_by, activity FROM anteroom_review WHERE ";

/// Decided, and nobody told the patient. What the patient took back needs no letter.
const UNTOLD: &str = "SELECT id, pid, patient, kind FROM anteroom_review \
    WHERE told IS NULL AND status IN ('completed', 'rejected') AND pid > ? ORDER BY pid, patient, id LIMIT 200";

/// Of any number of servers that look, one tells it.
const TOLD: &str = "UPDATE anteroom_review SET told = ? WHERE id = ? AND told IS NULL";

const WAITS: &str = "activity IS NULL AND status = 'waiting'";

const TAKEN: &str = "status IN ('completed', 'automatic')";

const ALONE: &str = "activity IS NULL AND status <> 'automatic'";

/// The status of what was taken over at once.
pub const AT_ONCE: &str = "automatic";

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewReview {
    /// Its id.
    pub id: Uuid,
    /// Code of the kind of work, such as `review-coverage`.
    pub kind: &'static str,
    /// Whose chart.
    pub person: Person,
    /// What it is about, as `Type/id`.
    pub resource: String,
    /// What is asked, as JSON.
    pub asked: String,
    /// What was known then, as JSON.
    pub known: String,
    /// Through which app.
    pub client_id: String,
    /// When, in milliseconds since 1970.
    pub created: i64,
    /// The row of `onsite_portal_activity` that stands for it, where there is one.
    pub activity: Option<i64>,
}

/// A review as it stands.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct Review {
    id: Vec<u8>,
    /// Code of the kind of work.
    pub kind: String,
    /// Whose chart: `patient_data.pid`.
    pub pid: i64,
    patient: Vec<u8>,
    /// What it is about, as `Type/id`.
    pub resource: String,
    /// What is asked, as JSON.
    pub asked: String,
    /// What was known then, as JSON.
    pub known: String,
    /// `waiting`, `completed`, `rejected`, `cancelled`, or [`AT_ONCE`].
    pub status: String,
    /// Why it was refused.
    pub reason: String,
    refused: Option<String>,
    /// Through which app it was asked.
    pub client_id: String,
    /// When it was asked, in milliseconds since 1970.
    pub created: i64,
    /// When it was decided, likewise.
    pub decided: Option<i64>,
    decided_by: Option<Vec<u8>>,
    /// The row of `onsite_portal_activity` that stands for it.
    pub activity: Option<i64>,
}

/// Which reviews a decision is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// The one of this id.
    One(Uuid),
    /// Those that a row of `onsite_portal_activity` stands for.
    Activity(i64),
}

/// How it was decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// `completed`, `rejected`, `cancelled` or [`AT_ONCE`].
    pub status: &'static str,
    /// Why; empty where nothing was said.
    pub reason: String,
    /// What of it was not taken over: the element, and why.
    pub refused: Vec<(String, String)>,
    /// FHIR id of the member of staff, where it was one.
    pub by: Option<Uuid>,
    /// When.
    pub at: OffsetDateTime,
}

impl Decision {
    /// That nobody had to agree. It is kept for who asked, and is no Task.
    pub fn at_once(at: OffsetDateTime) -> Self {
        Self {
            status: AT_ONCE,
            reason: String::new(),
            refused: Vec::new(),
            by: None,
            at,
        }
    }
}

/// A stretch of reviews, from the newest down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Before {
    /// In milliseconds since 1970; `None` from the newest on.
    pub moment: Option<i64>,
    /// How many at most.
    pub most: u32,
}

/// Which reviews are looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted<'a> {
    /// Those of these ids.
    Ids(&'a [Uuid]),
    /// Those that these rows of `onsite_portal_activity` stand for.
    Activities(&'a [i64]),
    /// Those nothing else stands for, asked for before a moment, the newest first and so many of them: of one chart, or of
    /// all.
    Alone(Option<i64>, Before),
    /// Those of them that wait, of these kinds.
    Waiting(Option<i64>, &'a [&'static str]),
    /// Those about these records, as `Type/id`, that were taken over.
    Taken(&'a [String]),
}

/// A decision the patient was not told of.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct Untold {
    id: Vec<u8>,
    pid: i64,
    patient: Vec<u8>,
    /// Code of the kind of work.
    pub kind: String,
}

impl Untold {
    /// The id of the review.
    pub fn id(&self) -> Uuid {
        Uuid::from_slice(&self.id).unwrap_or_default()
    }

    /// Whose chart.
    pub fn person(&self) -> Person {
        Person {
            pid: self.pid,
            uuid: Uuid::from_slice(&self.patient).unwrap_or_default(),
        }
    }
}

impl Review {
    /// Its id.
    pub fn id(&self) -> Uuid {
        Uuid::from_slice(&self.id).unwrap_or_default()
    }

    /// Whose chart.
    pub fn person(&self) -> Person {
        Person {
            pid: self.pid,
            uuid: Uuid::from_slice(&self.patient).unwrap_or_default(),
        }
    }

    /// What of it was not taken over: the element, and why.
    pub fn refused(&self) -> Vec<(String, String)> {
        let pairs = self.refused.as_deref().map(serde_json::from_str);
        pairs.and_then(Result::ok).unwrap_or_default()
    }

    /// Who decided, where it was a member of staff.
    pub fn decided_by(&self) -> Option<Uuid> {
        Uuid::from_slice(self.decided_by.as_deref()?).ok()
    }
}

/// Milliseconds since 1970, as the table has them.
pub fn millis(at: OffsetDateTime) -> i64 {
    i64::try_from(at.unix_timestamp_nanos() / 1_000_000).unwrap_or_default()
}

/// The moment of such a number.
pub fn moment(millis: i64) -> Option<OffsetDateTime> {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(millis) * 1_000_000).ok()
}

/// Puts one in the queue.
///
/// # Errors
/// As [`Tx::run`].
pub async fn insert(tx: &mut Tx, review: &NewReview) -> Answer<()> {
    let sql = Sql::new(INSERT)
        .bind(review.id)
        .bind(review.kind)
        .bind(review.person.pid)
        .bind(review.person.uuid)
        .bind(&review.resource)
        .bind(&review.asked)
        .bind(&review.known)
        .bind(&review.client_id)
        .bind(review.created)
        .bind(review.activity);
    tx.run(sql).await.map(|_| ())
}

/// Decides what still waits; how many did. Of two who decide at once, one is told 0.
///
/// # Errors
/// As [`Tx::run`].
pub async fn decide(tx: &mut Tx, which: Which, decision: &Decision) -> Answer<u64> {
    let refused = match decision.refused.as_slice() {
        [] => None,
        pairs => Some(json(pairs)?),
    };
    let sql = Sql::new(DECIDE)
        .bind(decision.status)
        .bind(&decision.reason)
        .bind(refused)
        .bind(millis(decision.at))
        .bind(decision.by);
    let sql = match which {
        Which::One(id) => sql.push("id = ?").bind(id),
        Which::Activity(row) => sql.push("activity = ?").bind(row),
    };
    tx.run(sql).await
}

/// Says what is known of one that still waits.
///
/// # Errors
/// As [`Tx::run`].
pub async fn know(tx: &mut Tx, id: Uuid, known: &str) -> Answer<()> {
    let sql = Sql::new(KNOW).bind(known).bind(id);
    tx.run(sql).await.map(|_| ())
}

/// Decisions that patients behind a number were not told of, at most 200, those of one chart beside each other.
///
/// # Errors
/// As [`Db::all`].
pub async fn untold(db: &Db, behind: i64) -> Answer<Vec<Untold>> {
    db.all(Sql::new(UNTOLD).bind(behind)).await
}

/// Notes that a decision is told; 0 where it was already.
///
/// # Errors
/// As [`Tx::run`].
pub async fn told(tx: &mut Tx, id: Uuid, at: i64) -> Answer<u64> {
    tx.run(Sql::new(TOLD).bind(at).bind(id)).await
}

/// The reviews that are wanted, the oldest first and at most 5,001, where nothing else is said.
///
/// # Errors
/// As [`Db::all`].
pub async fn find(db: &Db, wanted: Wanted<'_>) -> Answer<Vec<Review>> {
    match wanted {
        Wanted::Ids([]) | Wanted::Activities([]) | Wanted::Taken([]) | Wanted::Waiting(_, []) => {
            Ok(Vec::new())
        }
        wanted => db.all(statement(wanted)).await,
    }
}

/// The same within a transaction, the rows held until it ends.
///
/// # Errors
/// As [`Tx::all`].
pub async fn held(tx: &mut Tx, wanted: Wanted<'_>) -> Answer<Vec<Review>> {
    let lock = tx.lock_clause();
    tx.all(statement(wanted).push(lock)).await
}

fn json(pairs: &[(String, String)]) -> Result<String, Fault> {
    serde_json::to_string(pairs).map_err(|error| Fault::new("writing a decision", error))
}

fn statement(wanted: Wanted<'_>) -> Sql {
    let sql = Sql::new(SELECT);
    let of_chart = |sql: Sql, pid: Option<i64>| match pid {
        Some(pid) => sql.push(" AND pid = ?").bind(pid),
        None => sql,
    };
    let sql = match wanted {
        Wanted::Ids(ids) => sql.push("id IN ").list(ids.iter().copied()),
        Wanted::Activities(rows) => sql.push("activity IN ").list(rows.iter().copied()),
        Wanted::Alone(pid, before) => {
            let sql = of_chart(sql.push(ALONE), pid);
            let sql = match before.moment {
                Some(moment) => sql.push(" AND created < ?").bind(moment),
                None => sql,
            };
            return sql.push(" ORDER BY created DESC, id").limit(before.most);
        }
        Wanted::Waiting(pid, kinds) => of_chart(sql.push(WAITS), pid)
            .push(" AND kind IN ")
            .list(kinds.iter().map(|kind| (*kind).to_owned())),
        Wanted::Taken(resources) => sql
            .push(TAKEN)
            .push(" AND resource IN ")
            .list(resources.iter().cloned()),
    };
    sql.push(" ORDER BY created, id").limit(5001)
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    fn review(id: u128, activity: Option<i64>) -> NewReview {
        NewReview {
            id: Uuid::from_u128(id),
            kind: "review-coverage",
            person: Person {
                pid: 7,
                uuid: Uuid::from_u128(70),
            },
            resource: "Coverage/x".to_owned(),
            asked: "{}".to_owned(),
            known: "{}".to_owned(),
            client_id: "app".to_owned(),
            created: millis(datetime!(2026-11-21 10:00 UTC)),
            activity,
        }
    }

    fn decision(status: &'static str) -> Decision {
        Decision {
            status,
            reason: "No proof".to_owned(),
            refused: vec![("Patient.birthDate".to_owned(), "Bring \"proof\"".to_owned())],
            by: Some(Uuid::from_u128(9)),
            at: datetime!(2026-11-22 10:00 UTC),
        }
    }

    #[tokio::test]
    async fn a_review_is_decided_once() {
        let name = format!("anteroom-reviews-{}.db", std::process::id());
        let file = std::env::temp_dir().join(name);
        let url = format!("sqlite://{}", file.display());
        let db = Db::open(&url, None).await.expect("opens");
        db.migrate().await.expect("migrates");
        let decided: (u64, u64) = db
            .transaction(|tx| {
                Box::pin(async move {
                    insert(tx, &review(1, None)).await?;
                    insert(tx, &review(2, Some(5))).await?;
                    let one = Which::One(Uuid::from_u128(1));
                    let first = decide(tx, one, &decision("rejected")).await?;
                    Ok((first, decide(tx, one, &decision("completed")).await?))
                })
            })
            .await
            .expect("decides");
        assert_eq!(decided, (1, 0));
        let ids = [Uuid::from_u128(1)];
        let found = find(&db, Wanted::Ids(&ids)).await.expect("finds");
        assert_eq!(found[0].status, "rejected");
        assert_eq!(found[0].decided_by(), Some(Uuid::from_u128(9)));
        assert_eq!(found[0].refused(), decision("rejected").refused);
        let all = Before {
            moment: None,
            most: 10,
        };
        let alone = find(&db, Wanted::Alone(Some(7), all)).await.expect("finds");
        assert_eq!(alone.len(), 1);
        let first = Before {
            moment: Some(alone[0].created),
            ..all
        };
        let none = find(&db, Wanted::Alone(Some(7), first)).await;
        assert!(none.expect("finds").is_empty(), "none is before the first");
        let others = find(&db, Wanted::Alone(Some(8), all)).await.expect("finds");
        assert!(others.is_empty());
        let behind = find(&db, Wanted::Activities(&[5])).await.expect("finds");
        assert_eq!(behind[0].status, "waiting");
        assert_eq!(
            moment(behind[0].created),
            Some(datetime!(2026-11-21 10:00 UTC))
        );
        db.close().await;
        let _ = std::fs::remove_file(file);
    }
}
