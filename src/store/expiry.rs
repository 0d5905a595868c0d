//! What has ended and is of no use any more goes: requests, codes, sessions, tokens, links, counters, the grants of backend
//! services. The ledger, the log of letters, the grants of people and the apps stay.

use sqlx::FromRow;

use crate::db::Db;
use crate::db::sql::Sql;
use crate::domain::refusal::Answer;

/// How long ended rows are kept, in seconds: long enough to recognise a replay and to help somebody who calls.
const KEPT: i64 = 2 * 86_400;

/// How long what anybody can make without a login is kept beyond its ten minutes: nobody asks for it any more, and it
/// must not fill a disk.
const SOON: i64 = 3600;

/// How long a request that comes again is known as that.
const DAY: i64 = 86_400;

/// How many rows go at once. Looked for first and then taken by their keys, they are locked for a moment, and no statement
/// comes near its time limit, however much there is.
const SLICE: usize = 500;

/// Rows that are old: how long they are kept, how some of them are found, and how they are removed.
type Old = (i64, &'static str, &'static str);

/// How long a link that has ended is remembered, so that who follows it late reads that it has, and not that it never was.
const LINKS: i64 = 30 * 86_400;

/// How long it is remembered what a patient knows of a visit: longer than visits are ahead.
const VISITS: i64 = 1_000 * DAY;

const OLD: &[Old] = &[
    (
        SOON,
        "SELECT HEX(id) AS name FROM anteroom_hold WHERE expires < ? LIMIT 500",
        "DELETE FROM anteroom_hold WHERE HEX(id) IN ",
    ),
    (
        KEPT,
        "SELECT token_hash AS name FROM anteroom_tablet WHERE expires < ? LIMIT 500",
        "DELETE FROM anteroom_tablet WHERE token_hash IN ",
    ),
    (
        VISITS,
        "SELECT CAST(event AS CHAR) AS name FROM anteroom_visit WHERE created < ? LIMIT 500",
        "DELETE FROM anteroom_visit WHERE event IN ",
    ),
    (
        KEPT,
        "SELECT link_hash AS name FROM anteroom_email_change WHERE ends < ? LIMIT 500",
        "DELETE FROM anteroom_email_change WHERE link_hash IN ",
    ),
    (
        LINKS,
        "SELECT token_hash AS name FROM anteroom_link WHERE expires < ? LIMIT 500",
        "DELETE FROM anteroom_link WHERE token_hash IN ",
    ),
    (
        SOON,
        "SELECT id AS name FROM anteroom_authorization WHERE created < ? LIMIT 500",
        "DELETE FROM anteroom_authorization WHERE id IN ",
    ),
    (
        KEPT,
        "SELECT code_hash AS name FROM anteroom_code WHERE expires < ? LIMIT 500",
        "DELETE FROM anteroom_code WHERE code_hash IN ",
    ),
    // A session lives half a day at most, whatever its row says.
    (
        KEPT,
        "SELECT session_hash AS name FROM anteroom_session WHERE auth_time < ? LIMIT 500",
        "DELETE FROM anteroom_session WHERE session_hash IN ",
    ),
    // The longest stop is a day.
    (
        KEPT,
        "SELECT name FROM anteroom_throttle WHERE since < ? LIMIT 500",
        "DELETE FROM anteroom_throttle WHERE name IN ",
    ),
    (
        KEPT,
        "SELECT token_hash AS name FROM anteroom_token WHERE expires < ? AND kind = 'access' LIMIT 500",
        "DELETE FROM anteroom_token WHERE token_hash IN ",
    ),
    (
        KEPT,
        "SELECT token_hash AS name FROM anteroom_launch WHERE created < ? LIMIT 500",
        "DELETE FROM anteroom_launch WHERE token_hash IN ",
    ),
    (
        SOON,
        "SELECT name FROM anteroom_jti WHERE expires < ? LIMIT 500",
        "DELETE FROM anteroom_jti WHERE name IN ",
    ),
    (
        SOON,
        "SELECT state_hash AS name FROM anteroom_upstream WHERE created < ? LIMIT 500",
        "DELETE FROM anteroom_upstream WHERE state_hash IN ",
    ),
    (
        DAY,
        "SELECT name FROM anteroom_condition WHERE created < ? LIMIT 500",
        "DELETE FROM anteroom_condition WHERE name IN ",
    ),
    (
        DAY,
        "SELECT name FROM anteroom_idempotency WHERE created < ? LIMIT 500",
        "DELETE FROM anteroom_idempotency WHERE name IN ",
    ),
    // What somebody typed who never sent it in goes soon; where a chart came from is known as long as its row says.
    (
        SOON,
        "SELECT HEX(id) AS name FROM anteroom_registration WHERE expires < ? LIMIT 500",
        "DELETE FROM anteroom_registration WHERE HEX(id) IN ",
    ),
    // What was written to many lies in their mailboxes; the job's line is kept, and what it said is not.
    (
        LINKS,
        "SELECT HEX(c.job) AS name FROM anteroom_circular c JOIN anteroom_job j ON j.id = c.job \
         WHERE c.body <> '' AND j.status <> 'waiting' AND j.finished < ? LIMIT 500",
        "UPDATE anteroom_circular SET title = '', body = '' WHERE HEX(job) IN ",
    ),
    // A backend service has a new one every five minutes, and nobody to look at it; the ledger tells what it did.
    (
        KEPT,
        "SELECT id AS name FROM anteroom_grant WHERE ends < ? AND pid IS NULL AND staff IS NULL LIMIT 500",
        "DELETE FROM anteroom_grant WHERE id IN ",
    ),
];

/// A refresh token is kept, used or not, until its grant ends: a copy that comes back must be known for what it is.
const FAMILIES: Old = (
    KEPT,
    "SELECT token_hash AS name FROM anteroom_token WHERE grant_id IN \
    (SELECT id FROM anteroom_grant WHERE ends < ? OR revoked < ?) LIMIT 500",
    "DELETE FROM anteroom_token WHERE token_hash IN ",
);

#[derive(FromRow)]
struct Name {
    name: String,
}

/// Removes what is old at `now`, in seconds since 1970; how many rows went. Where one sort cannot be removed, the others
/// still are.
///
/// # Errors
/// As [`Db::run`]: the first failure.
pub async fn sweep(db: &Db, now: i64) -> Answer<u64> {
    let mut gone = Ok(0);
    for old in [FAMILIES].iter().chain(OLD) {
        gone = match (gone, remove(db, old, now).await) {
            (Ok(before), Ok(more)) => Ok(before + more),
            (Err(first), _) => Err(first),
            (Ok(_), Err(failure)) => Err(failure),
        };
    }
    gone
}

async fn remove(db: &Db, (kept, find, delete): &Old, now: i64) -> Answer<u64> {
    let mut gone = 0;
    loop {
        let mut sql = Sql::new(find);
        for _ in find.matches('?') {
            sql = sql.bind(now - kept);
        }
        let rows: Vec<Name> = db.all(sql).await?;
        let names: Vec<String> = rows.into_iter().map(|row| row.name).collect();
        if names.is_empty() {
            return Ok(gone);
        }
        gone += db.run(Sql::new(delete).list(&names)).await?;
        if names.len() < SLICE {
            return Ok(gone);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    #[derive(FromRow)]
    struct Count {
        number: i64,
    }

    async fn count(db: &Db, sql: &'static str) -> i64 {
        let row: Option<Count> = db.one(Sql::new(sql)).await.expect("counts");
        row.expect("a row").number
    }

    /// A database of its own, and where it is.
    async fn opened(name: &str) -> (Db, PathBuf) {
        let name = format!("anteroom-expiry-{name}-{}.db", std::process::id());
        let path = std::env::temp_dir().join(name);
        let url = format!("sqlite://{}", path.display());
        let db = Db::open(&url, None).await.expect("opens");
        db.migrate().await.expect("migrates");
        (db, path)
    }

    async fn closed((db, path): (Db, PathBuf)) {
        db.close().await;
        std::fs::remove_file(path).expect("our own file");
    }

    #[tokio::test]
    async fn what_is_old_goes_and_what_may_be_replayed_stays() {
        let (db, path) = opened("all").await;
        db.script(
            "INSERT INTO anteroom_grant (id, client_id, pid, scope, credential, auth_time, created, ends) \
             VALUES ('lives', 'c', 1, '', '', 0, 0, 9000000), ('ended', 'c', 1, '', '', 0, 0, 100); \
             INSERT INTO anteroom_token (token_hash, grant_id, kind, scope, issued, expires) VALUES \
             ('a', 'lives', 'access', '', 0, 100), ('b', 'lives', 'refresh', '', 0, 100), \
             ('c', 'ended', 'refresh', '', 0, 100), ('d', 'lives', 'access', '', 0, 9000000); \
             INSERT INTO anteroom_throttle (name, attempts, since, not_before) VALUES ('x', 1, 100, 0); \
             INSERT INTO anteroom_condition (name, resource, created) VALUES ('a', '', 913599), ('b', '', 913600); \
             INSERT INTO anteroom_idempotency (name, request, answer, created) \
             VALUES ('a', '', NULL, 913599), ('b', '', NULL, 913600);",
        )
        .await
        .expect("inserts");
        let gone = sweep(&db, 1_000_000).await.expect("sweeps");
        assert_eq!(gone, 5);
        let left = "SELECT COUNT(*) AS number FROM anteroom_token WHERE token_hash IN ('b', 'd')";
        assert_eq!(count(&db, left).await, 2);
        assert_eq!(
            count(&db, "SELECT COUNT(*) AS number FROM anteroom_throttle").await,
            0
        );
        closed((db, path)).await;
    }

    #[tokio::test]
    async fn a_link_goes_a_month_after_it_ended_and_the_log_of_letters_stays() {
        let (db, path) = opened("links").await;
        db.script(
            "INSERT INTO anteroom_link (id, token_hash, purpose, address, bound, factor, created, expires) \
             VALUES (x'01', 'old', 'reset', '', '', 'none', 0, 100), (x'02', 'new', 'reset', '', '', 'none', 0, 200); \
             INSERT INTO anteroom_outbox (message_id, letter, address, language, told, status, not_before, created) \
             VALUES ('m', 'reset', 'a@x.example', 'en', 'null', 'sent', 0, 0);",
        )
        .await
        .expect("inserts");
        assert_eq!(sweep(&db, LINKS + 101).await.expect("sweeps"), 1);
        let left = "SELECT COUNT(*) AS number FROM anteroom_link WHERE token_hash = 'new'";
        assert_eq!(count(&db, left).await, 1);
        let letters = "SELECT COUNT(*) AS number FROM anteroom_outbox";
        assert_eq!(count(&db, letters).await, 1);
        closed((db, path)).await;
    }

    #[tokio::test]
    async fn f139_what_was_written_to_many_is_forgotten_a_month_after_its_job_ended() {
        let (db, path) = opened("many").await;
        db.script(
            "INSERT INTO anteroom_job (id, ticket, asked, enable, attested, actor, client_id, grant_id, request_id, total, \
             status, created, finished) VALUES \
             (x'01', 'a', '', 0, 0, '', '', '', '', 1, 'done', 0, 100), \
             (x'02', 'b', '', 0, 0, '', '', '', '', 1, 'done', 0, 200), \
             (x'03', 'c', '', 0, 0, '', '', '', '', 1, 'waiting', 0, NULL); \
             INSERT INTO anteroom_circular (job, title, body) VALUES (x'01', 't', 'b'), (x'02', 't', 'b'), (x'03', 't', 'b');",
        )
        .await
        .expect("inserts");
        assert_eq!(sweep(&db, LINKS + 101).await.expect("sweeps"), 1);
        let kept = "SELECT COUNT(*) AS number FROM anteroom_circular WHERE body = 'b'";
        assert_eq!(count(&db, kept).await, 2);
        assert_eq!(sweep(&db, LINKS + 101).await.expect("sweeps"), 0);
        let jobs = "SELECT COUNT(*) AS number FROM anteroom_circular";
        assert_eq!(
            count(&db, jobs).await,
            3,
            "the job is known for what it was"
        );
        closed((db, path)).await;
    }

    #[tokio::test]
    async fn a_flood_of_requests_goes_within_hours_and_a_services_grants_go_with_its_tokens() {
        let (db, path) = opened("flood").await;
        db.script(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1700) \
             INSERT INTO anteroom_authorization (id, visitor_hash, redirect_uri, scope, state, challenge, created) \
             SELECT 'r' || i, 'v', '', '', '', '', i FROM n; \
             INSERT INTO anteroom_grant (id, client_id, pid, staff, scope, credential, auth_time, created, ends) \
             VALUES ('service', 'c', NULL, NULL, '', '', 0, 0, 100), ('patient', 'c', 1, NULL, '', '', 0, 0, 100), \
             ('staff', 'c', NULL, 1, '', '', 0, 0, 100);",
        )
        .await
        .expect("inserts");
        assert_eq!(sweep(&db, SOON + 1601).await.expect("sweeps"), 1600);
        assert_eq!(sweep(&db, KEPT + 101).await.expect("sweeps"), 101);
        let left = "SELECT COUNT(*) AS number FROM anteroom_grant WHERE id <> 'service'";
        assert_eq!(count(&db, left).await, 2);
        let all = "SELECT COUNT(*) AS number FROM anteroom_grant";
        assert_eq!(count(&db, all).await, 2);
        closed((db, path)).await;
    }
}
