//! What has ended and is of no use any more goes: requests, codes, sessions, tokens, counters. The ledger, the grants
//! and the apps stay.

use crate::db::Db;
use crate::db::sql::Sql;
use crate::domain::refusal::Answer;

/// How long ended rows are kept, in seconds: long enough to recognise a replay and to help somebody who calls.
const KEPT: i64 = 2 * 86_400;

/// Each statement takes the time before which a row is old.
const OLD: [&str; 8] = [
    "DELETE FROM anteroom_authorization WHERE created < ?",
    "DELETE FROM anteroom_code WHERE expires < ?",
    // A session lives half a day at most, whatever its row says.
    "DELETE FROM anteroom_session WHERE auth_time < ?",
    // The longest stop is a day.
    "DELETE FROM anteroom_throttle WHERE since < ?",
    "DELETE FROM anteroom_token WHERE kind = 'access' AND expires < ?",
    "DELETE FROM anteroom_launch WHERE created < ?",
    "DELETE FROM anteroom_jti WHERE expires < ?",
    "DELETE FROM anteroom_upstream WHERE created < ?",
];

/// A refresh token is kept, used or not, until its grant ends: a copy that comes back must be known for what it is.
const FAMILIES: &str = "DELETE FROM anteroom_token WHERE grant_id IN \
    (SELECT id FROM anteroom_grant WHERE ends < ? OR revoked < ?)";

/// Removes what is old at `now`, in seconds since 1970; how many rows went.
///
/// # Errors
/// As [`Db::run`].
pub async fn sweep(db: &Db, now: i64) -> Answer<u64> {
    let before = now - KEPT;
    let mut gone = 0;
    for statement in OLD {
        gone += db.run(Sql::new(statement).bind(before)).await?;
    }
    gone += db.run(Sql::new(FAMILIES).bind(before).bind(before)).await?;
    Ok(gone)
}

#[cfg(test)]
mod tests {
    use super::*;
    use sqlx::FromRow;

    #[derive(FromRow)]
    struct Count {
        number: i64,
    }

    async fn count(db: &Db, sql: &'static str) -> i64 {
        let row: Option<Count> = db.one(Sql::new(sql)).await.expect("counts");
        row.expect("a row").number
    }

    #[tokio::test]
    async fn what_is_old_goes_and_what_may_be_replayed_stays() {
        let name = format!("anteroom-expiry-{}.db", std::process::id());
        let path = std::env::temp_dir().join(name);
        let db = Db::open(&format!("sqlite://{}", path.display()), None)
            .await
            .expect("opens");
        db.migrate().await.expect("migrates");
        db.script(
            "INSERT INTO anteroom_grant (id, client_id, pid, scope, credential, auth_time, created, ends) \
             VALUES ('lives', 'c', 1, '', '', 0, 0, 9000000), ('ended', 'c', 1, '', '', 0, 0, 100); \
             INSERT INTO anteroom_token (token_hash, grant_id, kind, scope, issued, expires) VALUES \
             ('a', 'lives', 'access', '', 0, 100), ('b', 'lives', 'refresh', '', 0, 100), \
             ('c', 'ended', 'refresh', '', 0, 100), ('d', 'lives', 'access', '', 0, 9000000); \
             INSERT INTO anteroom_throttle (name, attempts, since, not_before) VALUES ('x', 1, 100, 0);",
        )
        .await
        .expect("inserts");
        let gone = sweep(&db, 1_000_000).await.expect("sweeps");
        assert_eq!(gone, 3);
        let left = "SELECT COUNT(*) AS number FROM anteroom_token WHERE token_hash IN ('b', 'd')";
        assert_eq!(count(&db, left).await, 2);
        assert_eq!(
            count(&db, "SELECT COUNT(*) AS number FROM anteroom_throttle").await,
            0
        );
        db.close().await;
        std::fs::remove_file(path).expect("our own file");
    }
}
