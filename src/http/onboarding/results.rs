//! What became of the patients of a job, with who they are.

use crate::domain::accounts::Standing;
use crate::domain::refusal::Answer;
use crate::emr::standing;
use crate::emr::standing::Which;
use crate::fhir::portal_job;
use crate::http::App;
use crate::store::jobs;
use crate::store::jobs::Job;
use crate::store::jobs::Status;

/// One patient of a job.
pub(super) struct Shown {
    /// What became of it.
    pub(super) told: portal_job::Result,
    /// Who; `None` for a chart that is not there any more.
    pub(super) standing: Option<Standing>,
}

/// A page of results after a place, all or those that came to one thing; and whether there are more.
pub(super) async fn page(
    app: &App,
    job: &Job,
    (outcome, after, most): (Option<&str>, i64, u32),
) -> Answer<(Vec<Shown>, bool)> {
    // Who waits, or waited when it was stopped, has no outcome yet.
    let stored = outcome.map(|outcome| match outcome {
        "waiting" | "stopped" => "",
        outcome => outcome,
    });
    let db = &app.emr.db;
    let mut lines = jobs::items(db, (job.id, stored), (after, most.saturating_add(1))).await?;
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    let more = lines.len() > most;
    lines.truncate(most);
    let pids: Vec<i64> = lines.iter().map(|line| line.pid).collect();
    let standings = match pids.is_empty() {
        true => Vec::new(),
        false => standing::find(&app.emr, &Which::Pids(&pids)).await?,
    };
    let shown = lines.into_iter().map(|line| {
        let standing = standings.iter().find(|one| one.person.pid == line.pid);
        let code = match (line.outcome.as_str(), job.status) {
            ("", Status::Stopped) => "stopped",
            ("", _) => "waiting",
            (outcome, _) => outcome,
        };
        Shown {
            told: portal_job::Result {
                number: line.number,
                patient: standing.map(|standing| standing.person.uuid),
                code: code.to_owned(),
                reasons: line.why(),
            },
            standing: standing.cloned(),
        }
    });
    Ok((shown.collect(), more))
}
