//! The audit ledger: who did what through which app, and how it ended. No names, no values, ids only.

use std::borrow::Cow;

use sqlx::FromRow;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::db::Db;
use crate::db::Tx;
use crate::db::sql::Sql;
use crate::domain::access::Grant;
use crate::domain::refusal::Answer;

const RECORD: &str = "INSERT INTO anteroom_audit \
    (at, action, outcome, reason, actor, client_id, grant_id, resource, request_id, patient) \
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";

/// One more line of the same statement.
const AND_ONE: &str = ", (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";

/// MariaDB compares these columns without case and blanks at the end, so the ids are compared once more in Rust.
const OF_REQUEST: &str = "SELECT a.at, a.action, a.outcome, a.reason, a.actor, a.client_id, a.grant_id, a.resource, \
    a.request_id, c.name AS client_name \
    FROM anteroom_audit a LEFT JOIN anteroom_client c ON c.client_id = a.client_id \
    WHERE a.request_id = ? ORDER BY a.id LIMIT 200";

/// How many lines go into one statement.
const LINES: usize = 64;

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was done.
    Success,
    /// The rules said no.
    Refused,
    /// Something broke.
    Failed,
}

impl Outcome {
    /// As stored.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Refused => "refused",
            Self::Failed => "failed",
        }
    }
}

/// One line of the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// When, in milliseconds since 1970.
    pub at: i64,
    /// What: `login`, `token.issue`, `Patient.read`, `Appointment.cancel` ...
    pub action: Cow<'static, str>,
    /// How it ended.
    pub outcome: Outcome,
    /// Rule ids, or an error code with our own words for it. From outside nothing but scopes, cleaned and cut.
    pub reason: String,
    /// Who: `Patient/<uuid>`, `Practitioner/<uuid>`, `system`, or a short fingerprint where nobody is known yet.
    pub actor: String,
    /// Through which app; empty where none.
    pub client_id: String,
    /// Under which grant; empty where none.
    pub grant_id: String,
    /// On what: `Type/id`, or `Type` for a search.
    pub resource: String,
    /// The request, as the caller was told it.
    pub request_id: String,
    /// Whose record it is about, as FHIR id, where it is about one: for the patient who asks who looked.
    pub patient: Option<Uuid>,
}

/// A line as it was written, with the name of its app.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// When, in milliseconds since 1970.
    pub at: i64,
    /// What.
    pub action: String,
    /// How it ended: one of [`Outcome::word`].
    pub outcome: String,
    /// Why.
    pub reason: String,
    /// Who.
    pub actor: String,
    /// Through which app; empty where none.
    pub client_id: String,
    /// The app's name, where it is registered.
    pub client_name: Option<String>,
    /// Under which grant; empty where none.
    pub grant_id: String,
    /// On what.
    pub resource: String,
}

#[derive(FromRow)]
struct LineRow {
    at: i64,
    action: String,
    outcome: String,
    reason: String,
    actor: String,
    client_id: String,
    client_name: Option<String>,
    grant_id: String,
    resource: String,
    request_id: String,
}

impl Entry {
    /// A line with what every line has.
    pub fn new(
        action: impl Into<Cow<'static, str>>,
        outcome: Outcome,
        now: OffsetDateTime,
    ) -> Self {
        let millis = now.unix_timestamp_nanos() / 1_000_000;
        Self {
            at: i64::try_from(millis).unwrap_or_default(),
            action: action.into(),
            outcome,
            reason: String::new(),
            patient: None,
            actor: String::new(),
            client_id: String::new(),
            grant_id: String::new(),
            resource: String::new(),
            request_id: String::new(),
        }
    }

    /// The same line, done under a grant.
    #[must_use]
    pub fn under(mut self, grant: &Grant) -> Self {
        self.actor = grant.user().reference();
        self.patient = grant.patient().map(|person| person.uuid);
        self.client_id = grant.client_id().to_owned();
        self.grant_id = grant.id().to_owned();
        self
    }
}

/// Writes a line in the transaction of the thing it tells about.
///
/// # Errors
/// As [`Tx::run`]; then the thing itself is rolled back too.
pub async fn record(tx: &mut Tx, entry: &Entry) -> Answer<()> {
    tx.run(bound(Sql::new(RECORD), entry)).await.map(|_| ())
}

/// Writes several lines in one transaction of their own: reads, which are not worth a transaction each.
///
/// # Errors
/// As [`Db::run`].
pub async fn record_all(db: &Db, entries: &[Entry]) -> Answer<()> {
    db.transaction(|tx| {
        let statements: Vec<Sql> = entries.chunks(LINES).map(statement).collect();
        Box::pin(async move {
            for statement in statements {
                tx.run(statement).await?;
            }
            Ok(())
        })
    })
    .await
}

/// What one request wrote, in its order.
///
/// # Errors
/// As [`Db::all`].
pub async fn of_request(db: &Db, request_id: &str) -> Answer<Vec<Line>> {
    // Lines that no request wrote, such as those of the command line, have no id.
    if request_id.is_empty() {
        return Ok(Vec::new());
    }
    let rows: Vec<LineRow> = db.all(Sql::new(OF_REQUEST).bind(request_id)).await?;
    let same = rows.into_iter().filter(|row| row.request_id == request_id);
    Ok(same
        .map(|row| Line {
            at: row.at,
            action: row.action,
            outcome: row.outcome,
            reason: row.reason,
            actor: row.actor,
            client_id: row.client_id,
            client_name: row.client_name,
            grant_id: row.grant_id,
            resource: row.resource,
        })
        .collect())
}

fn statement(entries: &[Entry]) -> Sql {
    let mut sql = Sql::new(RECORD);
    for (index, entry) in entries.iter().enumerate() {
        if index > 0 {
            sql = sql.push(AND_ONE);
        }
        sql = bound(sql, entry);
    }
    sql
}

fn bound(sql: Sql, entry: &Entry) -> Sql {
    sql.bind(entry.at)
        .bind(entry.action.as_ref())
        .bind(entry.outcome.word())
        .bind(cut(&entry.reason, 255))
        .bind(cut(&entry.actor, 64))
        .bind(cut(&entry.client_id, 64))
        .bind(&entry.grant_id)
        .bind(cut(&entry.resource, 120))
        .bind(&entry.request_id)
        .bind(entry.patient.or_else(|| about(entry)))
}

/// Whose record a line is about where nobody said so: what a patient does is about the own account, and what is done on
/// a patient is about that patient.
fn about(entry: &Entry) -> Option<Uuid> {
    let texts = [&entry.actor, &entry.resource];
    let mut ids = texts
        .into_iter()
        .filter_map(|text| text.strip_prefix("Patient/"));
    ids.find_map(|id| Uuid::try_parse(id).ok())
}

/// The first `limit` characters: a column must never refuse a line of the ledger.
fn cut(text: &str, limit: usize) -> String {
    text.chars().take(limit).collect()
}
