//! To whom a message to many can go: living patients whose portal is on and who have a mailbox.

use std::collections::BTreeSet;

use sqlx::FromRow;

use crate::db::sql::Sql;
use crate::domain::refusal::Answer;
use crate::emr::Emr;

/// Exactly `YES` is on (OpenEMR facts 1.1). More than a job takes is cut off.
const ALL: &str = "SELECT p.pid FROM patient_data p JOIN patient_access_onsite a ON a.pid = p.pid \
    WHERE HEX(p.allow_patient_portal) = '594553' AND COALESCE(a.portal_username, '') <> '' \
    AND (p.deceased_date IS NULL OR CAST(p.deceased_date AS CHAR) LIKE '0000%') ORDER BY p.pid LIMIT 200000";

/// The charts of these numbers, and those that show one of them as their own (External ID), which need not be the same chart.
const CHARTS: &str = "SELECT p.pid, p.pubpid FROM patient_data p WHERE p.pid IN ";
const OR_SHOWN: &str = " OR p.pubpid IN ";

/// Numbers that are looked up at once.
const CHUNK: usize = 1000;

#[derive(FromRow)]
struct Row {
    pid: i64,
}

#[derive(FromRow)]
struct Chart {
    pid: i64,
    pubpid: Option<String>,
}

/// Numbers that cannot be taken at their word.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Doubtful {
    /// No chart has them.
    pub nobody: Vec<i64>,
    /// Another chart shows them as its own number.
    pub another: Vec<i64>,
}

/// Everybody a message could go to, each once, by number.
///
/// # Errors
/// As [`crate::db::Db::all`].
pub async fn everybody(emr: &Emr) -> Answer<Vec<i64>> {
    let rows: Vec<Row> = emr.db.all(Sql::new(ALL)).await?;
    let mut pids: Vec<i64> = rows.into_iter().map(|row| row.pid).collect();
    pids.dedup();
    Ok(pids)
}

/// Those of some patients a message could go to.
///
/// # Errors
/// As [`everybody`].
pub async fn among(emr: &Emr, wanted: &[i64]) -> Answer<Vec<i64>> {
    let wanted: BTreeSet<i64> = wanted.iter().copied().collect();
    let mut pids = everybody(emr).await?;
    pids.retain(|pid| wanted.contains(pid));
    Ok(pids)
}

/// Which of some patients' numbers may mean nobody, or somebody else.
///
/// # Errors
/// As [`everybody`].
pub async fn doubtful(emr: &Emr, numbers: &[i64]) -> Answer<Doubtful> {
    let mut doubtful = Doubtful::default();
    for some in numbers.chunks(CHUNK) {
        let shown = some.iter().map(i64::to_string);
        let sql = Sql::new(CHARTS)
            .list(some.iter().copied())
            .push(OR_SHOWN)
            .list(shown);
        let charts: Vec<Chart> = emr.db.all(sql).await?;
        let known: BTreeSet<i64> = charts.iter().map(|chart| chart.pid).collect();
        let others: BTreeSet<String> = charts
            .into_iter()
            .filter_map(|chart| {
                let own = chart.pid.to_string();
                let shown = chart.pubpid?.trim().to_owned();
                (shown != own).then_some(shown)
            })
            .collect();
        for number in some {
            if others.contains(&number.to_string()) {
                doubtful.another.push(*number);
            } else if !known.contains(number) {
                doubtful.nobody.push(*number);
            }
        }
    }
    Ok(doubtful)
}
