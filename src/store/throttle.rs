//! Counters that slow down guessing (`spec/security.md` section 0, Login throttle). They are in the shared database,
//! and an attempt is counted before its password is looked at, so that parallel attempts cannot slip through.

use sqlx::FromRow;

use crate::db::Db;
use crate::db::Tx;
use crate::db::sql::Sql;
use crate::domain::refusal::Answer;

/// A quiet day forgets an account's failures, and ends the hard stop.
const DAY: i64 = 86_400;

/// Attempts a minute from one address.
const PER_ADDRESS: i64 = 20;

/// Attempts a minute on the whole site.
const PER_SITE: i64 = 300;

/// Registrations of apps an hour from one address.
const APPS_PER_ADDRESS: i64 = 20;

/// Registrations of apps an hour on the whole site.
const APPS_PER_SITE: i64 = 200;

/// Login names a minute that a member of staff may ask about.
const NAMES_PER_ACTOR: i64 = 60;

/// Questions for a lost login an hour from one address.
const LOST_PER_ADDRESS: i64 = 20;

/// The same on the whole site.
const LOST_PER_SITE: i64 = 300;

/// Letters an hour that somebody who is not logged in can have sent to one patient.
const LETTERS_PER_PATIENT: i64 = 3;

const MINUTE: i64 = 60;

const HOUR: i64 = 3600;

const OPEN: &str = "anteroom_throttle (name, attempts, since, not_before) VALUES (?, 0, ?, 0)";

/// One more attempt on an account: five are free, then 1, 2, 4 ... 900 seconds, and a day from the hundredth on.
/// MariaDB assigns from left to right with the new values, SQLite with the old ones: the order makes both agree.
const RESERVE: &str = "UPDATE anteroom_throttle SET \
    not_before = ? + CASE WHEN since < ? OR attempts < 4 THEN 0 WHEN attempts >= 99 THEN 86400 \
    WHEN attempts >= 14 THEN 900 ELSE 1 << (attempts - 4) END, \
    attempts = CASE WHEN since < ? THEN 1 ELSE attempts + 1 END, \
    since = ? WHERE name = ? AND not_before <= ?";

/// One more attempt within the minute, or hour, that began at `since`.
const COUNT: &str = "UPDATE anteroom_throttle SET \
    attempts = CASE WHEN since <= ? THEN 1 ELSE attempts + 1 END, \
    since = CASE WHEN since <= ? THEN ? ELSE since END \
    WHERE name = ? AND (since <= ? OR attempts < ?)";

const STATE: &str = "SELECT since, not_before FROM anteroom_throttle WHERE name = ?";

const FORGET: &str = "UPDATE anteroom_throttle SET attempts = 0, not_before = 0 WHERE name = ?";

/// A counter is for what went wrong: a clinic's waiting room shares an address.
const GIVE_BACK: &str =
    "UPDATE anteroom_throttle SET attempts = attempts - 1 WHERE attempts > 0 AND name IN ";

/// The counter everybody shares.
const SITE: &str = "site";

/// The counter of all registrations of apps.
const APPS: &str = "apps";

/// The counter of all questions for a lost login.
const LOST: &str = "lost";

const THERE: &str = "SELECT name FROM anteroom_throttle WHERE name IN ";

/// Whose counters an attempt touches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counters {
    /// Fingerprint of the canonical account name.
    pub account: String,
    /// Fingerprint of the caller's address.
    pub address: String,
}

/// Whether an attempt may go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reserved {
    /// It is counted; look at the password.
    GoOn,
    /// Not yet: seconds to wait.
    Wait(u64),
}

/// What becomes of an account's failures when a login succeeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failures {
    /// They were the patient's own.
    Forgotten,
    /// They may be somebody else's.
    Kept,
}

#[derive(FromRow)]
struct Name {
    name: String,
}

#[derive(FromRow)]
struct State {
    since: i64,
    not_before: i64,
}

/// Counts an attempt on the address, the site and the account, or says how long to wait.
///
/// # Errors
/// As [`Db::run`].
pub async fn reserve(db: &Db, counters: &Counters, now: i64) -> Answer<Reserved> {
    let names = [
        address(&counters.address),
        SITE.to_owned(),
        account(&counters.account),
    ];
    open(db, &names, now).await?;
    db.transaction(|tx| {
        let counters = counters.clone();
        Box::pin(async move { count(tx, &counters, now).await })
    })
    .await
}

/// Counts the registration of an app on the caller's address and on the site, or says how long to wait.
///
/// # Errors
/// As [`Db::run`].
pub async fn reserve_app(db: &Db, address: &str, now: i64) -> Answer<Reserved> {
    let own = (format!("r:{address}"), APPS_PER_ADDRESS);
    reserve_hourly(db, &[own, (APPS.to_owned(), APPS_PER_SITE)], now).await
}

/// Counts one more who asks for a lost login on the caller's address and on the site, or says how long to wait.
///
/// # Errors
/// As [`Db::run`].
pub async fn reserve_lost(db: &Db, address: &str, now: i64) -> Answer<Reserved> {
    let own = (format!("w:{address}"), LOST_PER_ADDRESS);
    reserve_hourly(db, &[own, (LOST.to_owned(), LOST_PER_SITE)], now).await
}

/// Counts one more letter that a patient asked for without being logged in, or says how long to wait: as many links an
/// hour end the ones before them, and no more (`spec/security.md`, case 93).
///
/// # Errors
/// As [`Db::run`].
pub async fn reserve_letter(db: &Db, pid: i64, now: i64) -> Answer<Reserved> {
    reserve_hourly(db, &[(format!("l:{pid}"), LETTERS_PER_PATIENT)], now).await
}

/// Counts one more within the hour on each of these counters, or says how long to wait.
async fn reserve_hourly(db: &Db, counters: &[(String, i64)], now: i64) -> Answer<Reserved> {
    let names: Vec<String> = counters.iter().map(|(name, _)| name.clone()).collect();
    open(db, &names, now).await?;
    db.transaction(|tx| {
        let counters = counters.to_vec();
        Box::pin(async move {
            for (name, limit) in &counters {
                if let Some(wait) = within(tx, name, (*limit, HOUR), now).await? {
                    return Ok(Reserved::Wait(wait));
                }
            }
            Ok(Reserved::GoOn)
        })
    })
    .await
}

/// Counts one more look of a member of staff at whether a login name is free, or says how long to wait (F082).
///
/// # Errors
/// As [`Db::run`].
pub async fn reserve_name(db: &Db, actor: &str, now: i64) -> Answer<Reserved> {
    let name = format!("n:{actor}");
    open(db, std::slice::from_ref(&name), now).await?;
    db.transaction(|tx| {
        let name = name.clone();
        Box::pin(async move {
            let wait = within(tx, &name, (NAMES_PER_ACTOR, MINUTE), now).await?;
            Ok(wait.map_or(Reserved::GoOn, Reserved::Wait))
        })
    })
    .await
}

/// One more of a limited number in so many seconds; where there are that many already, the seconds to wait.
async fn within(
    tx: &mut Tx,
    name: &str,
    (limit, window): (i64, i64),
    now: i64,
) -> Answer<Option<u64>> {
    let count = Sql::new(COUNT)
        .bind(now - window)
        .bind(now - window)
        .bind(now)
        .bind(name)
        .bind(now - window)
        .bind(limit);
    if tx.run(count).await? > 0 {
        return Ok(None);
    }
    let since = state(tx, name).await?.map_or(now, |state| state.since);
    Ok(Some(seconds(since + window - now)))
}

async fn count(tx: &mut Tx, counters: &Counters, now: i64) -> Answer<Reserved> {
    let address = address(&counters.address);
    for (name, limit) in [(address.as_str(), PER_ADDRESS), (SITE, PER_SITE)] {
        if let Some(wait) = within(tx, name, (limit, MINUTE), now).await? {
            return Ok(Reserved::Wait(wait));
        }
    }
    let account = account(&counters.account);
    let reserve = Sql::new(RESERVE)
        .bind(now)
        .bind(now - DAY)
        .bind(now - DAY)
        .bind(now)
        .bind(&account)
        .bind(now);
    if tx.run(reserve).await? == 0 {
        let free = state(tx, &account)
            .await?
            .map_or(now, |state| state.not_before);
        return Ok(Reserved::Wait(seconds(free - now)));
    }
    Ok(Reserved::GoOn)
}

/// After a good login: it is not counted, and the account's failures before it are forgotten or kept.
///
/// # Errors
/// As [`Tx::run`].
pub async fn succeed(tx: &mut Tx, counters: &Counters, failures: Failures) -> Answer<()> {
    let account = account(&counters.account);
    let mut names = vec![address(&counters.address), SITE.to_owned()];
    match failures {
        Failures::Forgotten => {
            tx.run(Sql::new(FORGET).bind(account)).await?;
        }
        Failures::Kept => names.push(account),
    }
    let give_back = Sql::new(GIVE_BACK).list(&names);
    tx.run(give_back).await.map(|_| ())
}

fn account(fingerprint: &str) -> String {
    format!("a:{fingerprint}")
}

fn address(fingerprint: &str) -> String {
    format!("i:{fingerprint}")
}

/// Makes the counters that are missing, each in a transaction of its own: on MariaDB an insert that finds its row holds
/// a lock that the update after it would have to widen, and two attempts at once would stop each other.
async fn open(db: &Db, names: &[String], now: i64) -> Answer<()> {
    let there: Vec<Name> = db.all(Sql::new(THERE).list(names)).await?;
    let missing = names
        .iter()
        .filter(|name| there.iter().all(|known| known.name != **name));
    for name in missing {
        db.transaction(|tx| {
            let sql = Sql::new(tx.insert_new()).push(OPEN).bind(name).bind(now);
            Box::pin(async move { tx.run(sql).await.map(|_| ()) })
        })
        .await?;
    }
    Ok(())
}

async fn state(tx: &mut Tx, name: &str) -> Answer<Option<State>> {
    tx.one(Sql::new(STATE).bind(name)).await
}

/// At least one second: zero would invite the caller to try at once.
fn seconds(wait: i64) -> u64 {
    u64::try_from(wait).unwrap_or(1).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn db(name: &str) -> Db {
        let path = std::env::temp_dir().join(format!(
            "anteroom-throttle-{name}-{}.db",
            std::process::id()
        ));
        let _ = std::fs::remove_file(&path);
        let db = Db::open(&format!("sqlite://{}", path.display()), None)
            .await
            .unwrap();
        db.migrate().await.unwrap();
        db
    }

    async fn attempt(db: &Db, account: &str, address: &str, now: i64) -> Reserved {
        let counters = Counters {
            account: account.to_owned(),
            address: address.to_owned(),
        };
        reserve(db, &counters, now).await.unwrap()
    }

    #[tokio::test]
    async fn five_are_free_and_the_wait_doubles() {
        let db = db("doubling").await;
        let mut now = 1_000_000;
        for _ in 0..5 {
            assert_eq!(attempt(&db, "a", "x", now).await, Reserved::GoOn);
        }
        for (round, wait) in [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900]
            .into_iter()
            .enumerate()
        {
            let address = round.to_string();
            assert_eq!(
                attempt(&db, "a", &address, now).await,
                Reserved::Wait(wait),
                "round {round}"
            );
            now += i64::try_from(wait).unwrap();
            assert_eq!(
                attempt(&db, "a", &address, now).await,
                Reserved::GoOn,
                "round {round}"
            );
        }
        assert_eq!(
            attempt(&db, "b", "y", now).await,
            Reserved::GoOn,
            "another account is free"
        );
        now += DAY + 1;
        assert_eq!(
            attempt(&db, "a", "x", now).await,
            Reserved::GoOn,
            "a quiet day forgets"
        );
        assert_eq!(attempt(&db, "a", "x", now).await, Reserved::GoOn);
    }

    #[tokio::test]
    async fn a_good_login_forgets_the_failures() {
        let db = db("forget").await;
        for _ in 0..5 {
            attempt(&db, "a", "x", 5000).await;
        }
        assert_eq!(attempt(&db, "a", "x", 5000).await, Reserved::Wait(1));
        db.transaction(|tx| {
            Box::pin(async move {
                let counters = Counters {
                    account: "a".into(),
                    address: "x".into(),
                };
                succeed(tx, &counters, Failures::Forgotten).await
            })
        })
        .await
        .unwrap();
        assert_eq!(attempt(&db, "a", "x", 5000).await, Reserved::GoOn);
    }

    #[tokio::test]
    async fn an_address_has_twenty_a_minute_and_parallel_tries_share_them() {
        let db = db("address").await;
        let tries = (0..40).map(|n| {
            let db = db.clone();
            tokio::spawn(async move { attempt(&db, &n.to_string(), "x", 90_000).await })
        });
        let tries: Vec<_> = tries.collect();
        let mut passed = 0;
        for one in tries {
            passed += usize::from(one.await.unwrap() == Reserved::GoOn);
        }
        assert_eq!(passed, 20);
        assert_eq!(attempt(&db, "z", "x", 90_059).await, Reserved::Wait(1));
        assert_eq!(attempt(&db, "z", "x", 90_060).await, Reserved::GoOn);
    }

    #[tokio::test]
    async fn case_72_an_address_registers_twenty_apps_an_hour_and_a_site_two_hundred() {
        let db = db("apps").await;
        for _ in 0..20 {
            assert_eq!(reserve_app(&db, "x", 9000).await.unwrap(), Reserved::GoOn);
        }
        let wait = reserve_app(&db, "x", 9000).await.unwrap();
        assert_eq!(wait, Reserved::Wait(3600));
        for number in 0..180 {
            let address = (number / 20).to_string();
            let found = reserve_app(&db, &address, 9001).await.unwrap();
            assert_eq!(found, Reserved::GoOn, "{number}");
        }
        let wait = reserve_app(&db, "fresh", 9002).await.unwrap();
        assert_eq!(wait, Reserved::Wait(3598), "the whole site");
        let later = reserve_app(&db, "x", 12_600).await.unwrap();
        assert_eq!(later, Reserved::GoOn);
        assert_eq!(
            attempt(&db, "a", "x", 9002).await,
            Reserved::GoOn,
            "logins are counted apart"
        );
    }
}
