//! Messages that have come into patients' mailboxes, whoever wrote them: this server, or OpenEMR's own screens.

use sqlx::FromRow;
use time::Duration;
use time::PrimitiveDateTime;

use crate::db::sql::Sql;
use crate::domain::refusal::Answer;
use crate::emr::Emr;
use crate::emr::mail::mailbox::Mailbox;
use crate::emr::mail::owner;
use crate::emr::mail::unread_in;
use crate::emr::persons;

const NEWEST: &str = "SELECT COALESCE(MAX(id), 0) AS number FROM onsite_mail";

/// The copies of whoever received something, of nobody who works here: names are compared by their bytes.
const SINCE: &str = concat!(
    "SELECT m.id AS row_id, m.owner, ",
    told_date!(),
    ", CASE WHEN m.message_status = 'New' \
    AND COALESCE(m.deleted, 0) <> 1 AND HEX(m.owner) = HEX(m.recipient_id) AND HEX(m.owner) <> COALESCE(HEX(m.sender_id), '') \
    AND NOT EXISTS (SELECT 1 FROM users u WHERE HEX(u.username) = HEX(m.owner)) THEN 1 ELSE 0 END AS arrived \
    FROM onsite_mail m WHERE m.id > ? ORDER BY m.id LIMIT 500"
);

/// Rows get their numbers before they can be seen: for so long one with a lower number may still turn up. Nothing waits longer
/// between the two than a statement may take.
const LATE: Duration = Duration::seconds(60);

#[derive(FromRow)]
struct Number {
    number: i64,
}

#[derive(FromRow)]
struct Row {
    row_id: i64,
    owner: Option<String>,
    date: Option<PrimitiveDateTime>,
    arrived: i64,
}

/// What has come since a row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Arrivals {
    /// Patient and row of each message.
    pub messages: Vec<(i64, i64)>,
    /// The last row behind which nothing can turn up any more.
    pub settled: i64,
}

/// The newest row there is.
///
/// # Errors
/// As [`crate::db::Db::one`].
pub async fn newest(emr: &Emr) -> Answer<i64> {
    let row: Option<Number> = emr.db.one(Sql::new(NEWEST)).await?;
    Ok(row.map_or(0, |row| row.number))
}

/// What has come since a row, at most of five hundred.
///
/// # Errors
/// As [`crate::db::Db::all`].
pub async fn since(emr: &Emr, after: i64) -> Answer<Arrivals> {
    let rows: Vec<Row> = emr.db.all(Sql::new(SINCE).bind(after)).await?;
    let now = emr.now();
    let mut found = Arrivals {
        messages: Vec::new(),
        settled: after,
    };
    let mut settles = true;
    for row in rows {
        let age = row.date.map(|date| (now - emr.zone.instant(date)).abs());
        settles &= age.is_none_or(|age| age >= LATE);
        if settles {
            found.settled = row.row_id;
        }
        if row.arrived == 1
            && let Some(owner) = &row.owner
            && let Some(pid) = owner::holder(emr, owner).await?
        {
            found.messages.push((pid, row.row_id));
        }
    }
    Ok(found)
}

/// How many messages of a patient are unread.
///
/// # Errors
/// As [`crate::db::Db::one`].
pub async fn unread(emr: &Emr, pid: i64) -> Answer<i64> {
    let Some(person) = persons::by_pid(emr, pid).await? else {
        return Ok(0);
    };
    match Mailbox::of(&emr.db, person).await? {
        Some(mailbox) => unread_in(emr, &mailbox).await,
        None => Ok(0),
    }
}
