//! Reading the ledger: by whose record, by who acted, by app, period, kind and outcome; a page at a time, so that neither
//! a million lines nor the last of many pages takes long.

use sqlx::FromRow;
use uuid::Uuid;

use crate::db::Db;
use crate::db::sql::Sql;
use crate::domain::refusal::Answer;

/// Lines without an app, and of apps that are gone, are lines too.
const SELECT: &str = "SELECT a.id, a.at, a.action, a.outcome, a.reason, a.actor, a.client_id, c.name AS client_name, \
    a.grant_id, a.resource, a.request_id, a.patient FROM anteroom_audit a \
    LEFT JOIN anteroom_client c ON c.client_id = a.client_id WHERE 1 = 1";

/// One patient's lines are read along the index that has them in the order of their ids.
const NEWEST_OF_PATIENT: &str = " ORDER BY a.id DESC";

/// All others along the one that has them by time.
const NEWEST: &str = " ORDER BY a.at DESC, a.id DESC";

const OLDEST: &str = " ORDER BY a.id";

const GRANT: &str = "SELECT grant_id AS name FROM anteroom_token WHERE token_hash = ?";

/// What sort of thing was done, as people look for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Somebody looked at records.
    Looked,
    /// Somebody logged in or out, or tried.
    Login,
    /// An app asked for access, got it, or lost it.
    App,
    /// Anything else: what changed something.
    Changed,
}

const LOOKED: &str = "a.action LIKE '%.read' OR a.action LIKE '%.vread' OR a.action LIKE '%.history' \
    OR a.action LIKE '%.search' OR a.action LIKE '%.everything' OR a.action LIKE '%.docref' \
    OR a.action LIKE '%.validate' OR a.action LIKE '%.expand' OR a.action LIKE '%.open' OR a.action LIKE '%.choose'";

const LOGIN: &str = "a.action IN ('login', 'logout', 'staff.login', 'staff.logout')";

const APP: &str = "a.action IN ('authorize', 'consent', 'launch', 'token') OR a.action LIKE 'token.%' \
    OR a.action LIKE 'grant.%' OR a.action LIKE 'client.%'";

impl Kind {
    /// Each with its word.
    pub const ALL: [(&'static str, Self); 4] = [
        ("looked", Self::Looked),
        ("changed", Self::Changed),
        ("login", Self::Login),
        ("app", Self::App),
    ];

    /// The kind of a word.
    pub fn of(word: &str) -> Option<Self> {
        let known = Self::ALL.iter().find(|(known, _)| *known == word);
        known.map(|(_, kind)| *kind)
    }

    fn on(self, sql: Sql) -> Sql {
        let sql = match self {
            Self::Looked => sql.push(" AND (").push(LOOKED),
            Self::Login => sql.push(" AND (").push(LOGIN),
            Self::App => sql.push(" AND (").push(APP),
            Self::Changed => sql
                .push(" AND NOT (")
                .push(LOOKED)
                .push(" OR ")
                .push(LOGIN)
                .push(" OR ")
                .push(APP),
        };
        sql.push(")")
    }
}

/// Which lines.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// About this patient's record.
    pub patient: Option<Uuid>,
    /// By whom: `Practitioner/<uuid>`, `Patient/<uuid>`, `system`.
    pub actor: Option<String>,
    /// Not by this one, unless through an app.
    pub others_than: Option<String>,
    /// Through which app.
    pub client_id: Option<String>,
    /// Under which grant.
    pub grant_id: Option<String>,
    /// Of which kind.
    pub kind: Option<Kind>,
    /// What, exactly.
    pub action: Option<String>,
    /// How it ended: one of [`crate::store::ledger::Outcome::word`].
    pub outcome: Option<String>,
    /// Not before, in milliseconds since 1970.
    pub from: Option<i64>,
    /// Before.
    pub until: Option<i64>,
}

/// A place in the ledger: time and id of a line.
pub type Mark = (i64, i64);

/// A line as it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Its number.
    pub id: i64,
    /// When, in milliseconds since 1970.
    pub at: i64,
    /// What.
    pub action: String,
    /// How it ended.
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
    /// The request.
    pub request_id: String,
    /// Whose record.
    pub patient: Option<Uuid>,
}

#[derive(FromRow)]
struct Row {
    id: i64,
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
    patient: Option<Vec<u8>>,
}

#[derive(FromRow)]
struct Name {
    name: String,
}

impl Filter {
    /// MariaDB compares text without case and blanks at the end; a line is whose it is, letter by letter.
    fn fits(&self, line: &Line) -> bool {
        let same =
            |wanted: &Option<String>, is: &String| wanted.as_ref().is_none_or(|one| one == is);
        same(&self.actor, &line.actor)
            && same(&self.client_id, &line.client_id)
            && same(&self.grant_id, &line.grant_id)
    }

    fn on(&self, mut sql: Sql) -> Sql {
        if let Some(patient) = self.patient {
            sql = sql.push(" AND a.patient = ?").bind(patient);
        }
        let texts = [
            (" AND a.actor = ?", &self.actor),
            (" AND a.client_id = ?", &self.client_id),
            (" AND a.grant_id = ?", &self.grant_id),
            (" AND a.action = ?", &self.action),
            (" AND a.outcome = ?", &self.outcome),
        ];
        for (clause, value) in texts {
            if let Some(value) = value {
                sql = sql.push(clause).bind(value);
            }
        }
        if let Some(own) = &self.others_than {
            sql = sql
                .push(" AND (a.actor <> ? OR a.client_id <> '')")
                .bind(own);
        }
        if let Some(from) = self.from {
            sql = sql.push(" AND a.at >= ?").bind(from);
        }
        if let Some(until) = self.until {
            sql = sql.push(" AND a.at < ?").bind(until);
        }
        match self.kind {
            Some(kind) => kind.on(sql),
            None => sql,
        }
    }
}

impl Line {
    /// Where it stands.
    pub fn mark(&self) -> Mark {
        (self.at, self.id)
    }
}

/// A page of lines, the newest first, and whether there are older ones; `before` is where the page before it ended.
///
/// # Errors
/// As [`Db::all`].
pub async fn newest(
    db: &Db,
    filter: &Filter,
    before: Option<Mark>,
    lines: u32,
) -> Answer<(Vec<Line>, bool)> {
    let mut sql = filter.on(Sql::new(SELECT));
    sql = match (filter.patient, before) {
        (Some(_), Some((_, id))) => sql.push(" AND a.id < ?").bind(id),
        (None, Some((at, id))) => sql
            .push(" AND a.at <= ? AND (a.at < ? OR a.id < ?)")
            .bind(at)
            .bind(at)
            .bind(id),
        (_, None) => sql,
    };
    let order = match filter.patient {
        Some(_) => NEWEST_OF_PATIENT,
        None => NEWEST,
    };
    let rows: Vec<Row> = db
        .all(sql.push(order).limit(lines.saturating_add(1)))
        .await?;
    let count = usize::try_from(lines).unwrap_or(usize::MAX);
    let more = rows.len() > count;
    let page = rows.into_iter().take(count).map(Row::line);
    Ok((page.filter(|line| filter.fits(line)).collect(), more))
}

/// The lines after an id in the order they were written, and the last id that was looked at; `None` at the end.
///
/// # Errors
/// As [`Db::all`].
pub async fn after(
    db: &Db,
    filter: &Filter,
    id: i64,
    lines: u32,
) -> Answer<(Vec<Line>, Option<i64>)> {
    let sql = filter.on(Sql::new(SELECT)).push(" AND a.id > ?").bind(id);
    let rows: Vec<Row> = db.all(sql.push(OLDEST).limit(lines)).await?;
    let last = rows.last().map(|row| row.id);
    let page = rows.into_iter().map(Row::line);
    Ok((page.filter(|line| filter.fits(line)).collect(), last))
}

/// The grant of a token, by its fingerprint, while the token is known.
///
/// # Errors
/// As [`Db::all`].
pub async fn grant_of(db: &Db, token_hash: &str) -> Answer<Option<String>> {
    let row: Option<Name> = db.one(Sql::new(GRANT).bind(token_hash)).await?;
    Ok(row.map(|row| row.name))
}

impl Row {
    fn line(self) -> Line {
        Line {
            id: self.id,
            at: self.at,
            action: self.action,
            outcome: self.outcome,
            reason: self.reason,
            actor: self.actor,
            client_id: self.client_id,
            client_name: self.client_name,
            grant_id: self.grant_id,
            resource: self.resource,
            request_id: self.request_id,
            patient: self.patient.and_then(|id| Uuid::from_slice(&id).ok()),
        }
    }
}
