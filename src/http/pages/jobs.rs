//! A job on many patients: how far it is, and what became of each.

use super::frame::Frame;
use crate::http::words::filters;
use askama::Template;

/// The job. Field: `csrf`; buttons `do=stop` and `do=again`.
#[derive(Debug, Template)]
#[template(path = "staff_job.html")]
pub struct JobPage {
    /// Title, practice, sandbox.
    pub frame: Frame,
    /// The form token.
    pub csrf: String,
    /// Its address.
    pub here: String,
    /// Day and time it was started.
    pub started: String,
    /// How many patients.
    pub total: i64,
    /// How many of them are done.
    pub done: i64,
    /// Whether it runs.
    pub is_running: bool,
    /// Whether somebody stopped it.
    pub is_stopped: bool,
    /// How many would be tried again.
    pub again: i64,
    /// What became of how many.
    pub tabs: Vec<ResultTab>,
    /// The patients.
    pub rows: Vec<JobRow>,
    /// The next page.
    pub next: Option<String>,
}

/// A result with its number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResultTab {
    /// In words.
    pub words: &'static str,
    /// Where it is.
    pub address: String,
    /// How many patients.
    pub count: i64,
    /// Whether it is the one that is shown.
    pub current: bool,
}

/// A patient of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobRow {
    /// Name, fit to be shown.
    pub name: String,
    /// `1984-02-29`, or "unknown".
    pub born: String,
    /// The chart's number.
    pub number: String,
    /// The colour of the result.
    pub colour: &'static str,
    /// The result in words.
    pub words: &'static str,
    /// What has to be done first, in sentences.
    pub reasons: Vec<String>,
}

/// A job in few words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recent {
    /// Where it is.
    pub address: String,
    /// Day and time it was started.
    pub started: String,
    /// How many patients.
    pub total: i64,
    /// Colour and words of how far it is.
    pub words: (&'static str, &'static str),
}

impl JobPage {
    /// One that runs.
    pub fn sample() -> Self {
        let tab = |words, count, current| ResultTab {
            words,
            address: "/staff/jobs/7?result=invited".to_owned(),
            count,
            current,
        };
        let row = |name: &str, colour, words, reasons: &[&str]| JobRow {
            name: name.to_owned(),
            born: "1984-02-29".to_owned(),
            number: "7".to_owned(),
            colour,
            words,
            reasons: reasons.iter().map(|text| (*text).to_owned()).collect(),
        };
        JobPage {
            frame: Frame::sample("Invitations"),
            csrf: "sample-form-token".to_owned(),
            here: "/staff/jobs/7".to_owned(),
            started: "2026-11-28 09:30".to_owned(),
            total: 500,
            done: 120,
            is_running: true,
            is_stopped: false,
            again: 1,
            tabs: vec![tab("All", 500, true), tab("Invited", 119, false)],
            rows: vec![
                row("Ana Moreno", "good", "Invited", &[]),
                row(
                    "Li Wei",
                    "warn",
                    "No e-mail address",
                    &[
                        "Enter the patient's contact e-mail, or hand the credentials over in person with a reason.",
                    ],
                ),
            ],
            next: Some("/staff/jobs/7?after=50".to_owned()),
        }
    }

    /// One that was stopped.
    pub fn sample_stopped() -> Self {
        JobPage {
            is_running: false,
            is_stopped: true,
            again: 381,
            rows: Vec::new(),
            next: None,
            ..JobPage::sample()
        }
    }
}

impl Recent {
    /// One that runs.
    pub fn sample() -> Self {
        Recent {
            address: "/staff/jobs/7".to_owned(),
            started: "2026-11-28 09:30".to_owned(),
            total: 500,
            words: ("wait", "Running"),
        }
    }
}
