//! Who looked at a record and who did what: the patient's page, and the desk's.

use super::frame::Frame;
use crate::http::words::filters;
use askama::Template;

/// A choice of a list: value and words.
pub type Choice = (&'static str, &'static str);

/// The kinds a patient chooses from.
pub const KINDS: [Choice; 5] = [
    ("", "Everything"),
    ("looked", "Looks at the record"),
    ("changed", "Changes"),
    ("login", "Logins and logouts"),
    ("app", "Access of apps"),
];

/// How it ended.
pub const OUTCOMES: [Choice; 4] = [
    ("", "Done or refused"),
    ("success", "Done"),
    ("refused", "Refused"),
    ("failed", "Something broke"),
];

/// What was asked for, as the form shows it again.
#[derive(Debug, Default, Clone)]
pub struct Asked {
    /// First day, `2026-11-21`, or empty.
    pub from: String,
    /// Last day, or empty.
    pub until: String,
    /// One of [`KINDS`].
    pub kind: String,
    /// One of [`OUTCOMES`].
    pub outcome: String,
    /// Staff only: user name in OpenEMR, or a reference.
    pub person: String,
    /// Staff only: chart number or FHIR id.
    pub patient: String,
    /// Staff only: the ledger's word for what was done.
    pub action: String,
}

/// A line.
#[derive(Debug, Clone)]
pub struct Deed {
    /// Day and time at the practice.
    pub when: String,
    /// Who, as the reader knows them.
    pub who: String,
    /// What they do here; may be empty.
    pub role: String,
    /// Through which app; may be empty.
    pub app: String,
    /// What, in words.
    pub what: String,
    /// The ledger's own word for it.
    pub action: String,
    /// How it ended: one of [`OUTCOMES`].
    pub outcome: &'static str,
    /// Whose record; for staff alone.
    pub patient: String,
    /// Why it was refused, in the ledger's words; for staff alone.
    pub reason: String,
    /// The number of the request.
    pub request: String,
}

/// The patient's page.
#[derive(Debug, Template)]
#[template(path = "activity.html")]
pub struct Activity {
    /// Title, practice, sandbox.
    pub frame: Frame,
    /// What was asked for.
    pub asked: Asked,
    /// What was wrong with it.
    pub error: Option<String>,
    /// The lines, the newest first.
    pub deeds: Vec<Deed>,
    /// Where older ones are.
    pub older: Option<String>,
    /// The same as a file.
    pub file: String,
}

/// The desk's page.
#[derive(Debug, Template)]
#[template(path = "staff_audit.html")]
pub struct StaffAudit {
    /// Title, practice, sandbox.
    pub frame: Frame,
    /// What was asked for.
    pub asked: Asked,
    /// What was wrong with it.
    pub error: Option<String>,
    /// The lines, the newest first.
    pub deeds: Vec<Deed>,
    /// Where older ones are.
    pub older: Option<String>,
    /// The same as a file.
    pub file: String,
}

impl Deed {
    pub(super) fn sample(who: &str, what: &str, outcome: &'static str) -> Self {
        Self {
            when: "2026-11-21 14:05".to_owned(),
            who: who.to_owned(),
            role: "Family Medicine".to_owned(),
            app: "Health Diary".to_owned(),
            what: what.to_owned(),
            action: "Appointment.search".to_owned(),
            outcome,
            patient: "Ana Moreno".to_owned(),
            reason: "wrong-password".to_owned(),
            request: "k3J9-abcDEF_0123".to_owned(),
        }
    }
}

impl Activity {
    /// Two lines, one refused, and more of them.
    pub fn sample() -> Self {
        Self {
            frame: Frame::sample("Who looked at your record"),
            asked: Asked::default(),
            error: None,
            deeds: vec![
                Deed::sample("Donna Lee", "Opened the chart", "Done"),
                Deed::sample("You", "Tried to log in", "Refused"),
            ],
            older: Some("/account/activity?before=1.2".to_owned()),
            file: "/account/activity.csv".to_owned(),
        }
    }

    /// Nothing was found, and a day was mistyped.
    pub fn sample_empty() -> Self {
        Self {
            deeds: Vec::new(),
            older: None,
            error: Some("Write a day as 2026-11-21.".to_owned()),
            ..Self::sample()
        }
    }
}

impl StaffAudit {
    /// Two lines.
    pub fn sample() -> Self {
        let Activity {
            asked,
            error,
            deeds,
            older,
            file,
            ..
        } = Activity::sample();
        Self {
            frame: Frame::sample("Who did what"),
            asked,
            error,
            deeds,
            older,
            file,
        }
    }

    /// Nothing was found.
    pub fn sample_empty() -> Self {
        Self {
            deeds: Vec::new(),
            older: None,
            error: Some("OpenEMR has no user of that name.".to_owned()),
            ..Self::sample()
        }
    }
}
