//! Messages that have come into patients' mailboxes, whoever wrote them: this server, or OpenEMR's own screens.

use sqlx::FromRow;
use time::Duration;

use crate::db::sql::Sql;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Failure;
use crate::emr::Emr;
use crate::emr::mail::mailbox::Mailbox;
use crate::emr::mail::moment;
use crate::emr::mail::owner;
use crate::emr::mail::unread_in;
use crate::emr::persons;

const NEWEST: &str = "SELECT COALESCE(MAX(id), 0) AS number FROM onsite_mail";

/// The copies of whoever received something, of nobody who works here: names are compared by their bytes. Five hundred rows a
/// look: what comes behind them is looked at when the first of them are settled, so behind a broken one it may wait as long as that.
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

/// For so long it is looked anew whose mailbox a message lies in that could not be found out. Then it is passed over, at once
/// where its date cannot be read either: the rows after it that are looked at with it are told meanwhile, and all from then on.
const HOPELESS: Duration = Duration::minutes(10);

#[derive(FromRow)]
struct Number {
    number: i64,
}

#[derive(FromRow)]
struct Row {
    row_id: i64,
    owner: Option<String>,
    date: Option<String>,
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

/// What has come since a row, of at most five hundred rows.
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
        let (holder, waits) = known(row.row_id, holder(emr, &row).await)?;
        found.messages.extend(holder.map(|pid| (pid, row.row_id)));
        let written = moment(row.date.as_deref());
        let age = written.map(|date| (now - emr.zone.instant(date)).abs());
        settles &= age.is_none_or(|age| age >= waits);
        if settles {
            found.settled = row.row_id;
        }
    }
    Ok(found)
}

/// Whose a message is, as far as that could be found out, and how long its row is looked at. A row that is broken is passed over,
/// and no row where the database is away: what it has to tell of would be lost.
fn known(row: i64, holder: Answer<Option<i64>>) -> Answer<(Option<i64>, Duration)> {
    match holder {
        Ok(holder) => Ok((holder, LATE)),
        Err(Failure::Broken(fault)) => {
            tracing::warn!(row, %fault, "it could not be read whose message a row is");
            Ok((None, HOPELESS))
        }
        Err(away) => Err(away),
    }
}

/// The patient who got the message of a row; `None` where no patient did.
async fn holder(emr: &Emr, row: &Row) -> Answer<Option<i64>> {
    match &row.owner {
        Some(owner) if row.arrived == 1 => owner::holder(emr, owner).await,
        _ => Ok(None),
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::refusal::Fault;
    use crate::domain::refusal::Refusal;
    use crate::emr::fixture::Fixture;

    /// Ana's chart has a name that is no text any more.
    const PEOPLE: &str = "INSERT INTO patient_data (id, pid, uuid, fname, lname) VALUES \
        (12, 7, X'00000000000000000000000000000007', CAST(X'FF' AS TEXT), 'Diaz'), \
        (13, 8, X'00000000000000000000000000000008', 'Bo', 'Lund'); \
        INSERT INTO patient_access_onsite (pid, portal_username) VALUES (7, 'ana-login'), (8, 'bo-login');";

    async fn looked(first: &str) -> Arrivals {
        let rows = format!(
            "{PEOPLE} INSERT INTO onsite_mail (id, date, owner, title, body, sender_id, recipient_id, deleted, message_status) VALUES \
            (1, '2026-11-21 {first}', 'ana-login', 'A', 'x', 'drlee', 'ana-login', 0, 'New'), \
            (2, '2026-11-00 10:00:00', 'bo-login', 'B', 'x', 'drlee', 'bo-login', 0, 'New'), \
            (3, '2026-11-21 14:56:00', 'bo-login', 'C', 'x', 'drlee', 'bo-login', 0, 'New');"
        );
        let fixture = Fixture::with(&rows).await;
        since(&fixture.emr, 0).await.expect("looked")
    }

    #[test]
    fn f139_a_broken_row_is_passed_over_and_none_where_the_database_is_away() {
        assert_eq!(known(1, Ok(Some(7))).expect("known"), (Some(7), LATE));
        let broken = Fault::new("asking the database", "it is no text");
        let broken = known(1, Err(broken.into()));
        assert_eq!(broken.expect("passed over"), (None, HOPELESS));
        let away = Refusal::Unavailable("The database is not reachable.");
        let told = known(1, Err(away.clone().into()));
        assert!(matches!(told, Err(Failure::Refused(refusal)) if refusal == away));
    }

    #[tokio::test]
    async fn f139_a_row_that_cannot_be_read_keeps_no_other_from_being_told() {
        let others = vec![(8, 2), (8, 3)];
        let soon = looked("14:55:00").await;
        assert_eq!((soon.messages, soon.settled), (others.clone(), 0));
        let later = looked("14:49:00").await;
        assert_eq!((later.messages, later.settled), (others, 3));
    }
}
