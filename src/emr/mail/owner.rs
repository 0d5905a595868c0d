//! Whose mailbox a message lies in: asked by those who reach the whole practice and name a message by its id alone.

use sqlx::FromRow;
use uuid::Uuid;

use crate::db::sql::Sql;
use crate::domain::refusal::Answer;
use crate::emr::Emr;
use crate::emr::mail::id_of;
use crate::emr::mail::mailbox::Mailbox;
use crate::emr::mail::mailbox::numbers_behind;
use crate::emr::persons;

/// The ids of messages are name-based and cannot be turned back, so rows are gone through, the newest first, five
/// thousand a statement. That costs the walk of the whole table where the id is old or made up: about a second for a
/// million messages. Only who reaches the whole practice and names no patient pays it.
const CHUNK: &str =
    "SELECT id AS row_id, owner FROM onsite_mail WHERE id < ? ORDER BY id DESC LIMIT 5000";

/// Who may own a mailbox of this name: by the account, or by the chart's name and number (OpenEMR facts 2.8).
const BY_ACCOUNT: &str =
    "SELECT CAST(pid AS SIGNED) AS pid FROM patient_access_onsite WHERE portal_username = ?";
const BY_CHART: &str = "SELECT pid FROM patient_data WHERE id IN ";

#[derive(FromRow)]
struct Message {
    row_id: i64,
    owner: Option<String>,
}

#[derive(FromRow)]
struct Chart {
    pid: Option<i64>,
}

/// The charts in whose mailboxes messages of these ids lie, each once.
pub(in crate::emr) async fn pids(emr: &Emr, ids: &[Uuid]) -> Answer<Vec<i64>> {
    let mut found = Vec::new();
    for name in names(emr, ids).await? {
        if let Some(pid) = holder(emr, &name).await?
            && !found.contains(&pid)
        {
            found.push(pid);
        }
    }
    Ok(found)
}

/// The names of the mailboxes these messages lie in.
async fn names(emr: &Emr, ids: &[Uuid]) -> Answer<Vec<String>> {
    let mut names = Vec::new();
    let mut left = ids.len();
    let mut below = i64::MAX;
    while left > 0 {
        let rows: Vec<Message> = emr.db.all(Sql::new(CHUNK).bind(below)).await?;
        let Some(last) = rows.last() else { break };
        below = last.row_id;
        for row in rows {
            if ids.contains(&id_of(row.row_id)) {
                left -= 1;
                names.extend(row.owner.filter(|name| !names.contains(name)));
            }
        }
    }
    Ok(names)
}

/// The patient whose mailbox alone has this name.
pub(in crate::emr) async fn holder(emr: &Emr, name: &str) -> Answer<Option<i64>> {
    let held = held(emr, name).await?;
    Ok(held.map(|(pid, _)| pid))
}

/// Every name of the mailbox that has this one: the same one always comes first. A mailbox that is no patient's has one.
pub(super) async fn names_beside(emr: &Emr, name: &str) -> Answer<Vec<String>> {
    let held = held(emr, name).await?;
    Ok(match held {
        Some((_, mailbox)) => mailbox.names().cloned().collect(),
        None => vec![name.to_owned()],
    })
}

/// The patient's number and mailbox.
async fn held(emr: &Emr, name: &str) -> Answer<Option<(i64, Mailbox)>> {
    let mut charts: Vec<Chart> = emr.db.all(Sql::new(BY_ACCOUNT).bind(name)).await?;
    let numbers = numbers_behind(&[name.to_owned()], 0);
    charts.extend(
        emr.db
            .all::<Chart>(Sql::new(BY_CHART).list(numbers))
            .await?,
    );
    for pid in charts.into_iter().filter_map(|chart| chart.pid) {
        let Some(person) = persons::by_pid(emr, pid).await? else {
            continue;
        };
        let mailbox = Mailbox::of(&emr.db, person).await?;
        if let Some(mailbox) = mailbox.filter(|mailbox| mailbox.has(Some(name))) {
            return Ok(Some((pid, mailbox)));
        }
    }
    Ok(None)
}
