//! `/account`: where a person who is logged in begins.

use super::frame::Frame;
use crate::http::words::filters;
use askama::Template;

/// The home of somebody who is logged in.
#[derive(Debug, Template)]
#[template(path = "account.html")]
pub struct Account {
    /// Title, practice, sandbox.
    pub frame: Frame,
    /// Who is logged in, by name.
    pub name: String,
    /// How many apps may use the record now.
    pub apps: usize,
    /// True for a member of staff.
    pub staff: bool,
    /// A patient's visits in short; `None` for staff.
    pub visits: Option<Visits>,
    /// Who else is logged in in this browser, by name: a patient beside a member of staff.
    pub other: Option<String>,
}

/// Visits in short.
#[derive(Debug, Clone, Default)]
pub struct Visits {
    /// How many are to come.
    pub coming: usize,
    /// When the next one is; empty where there is none.
    pub next: String,
    /// How many wait for the patient's answer.
    pub answers: usize,
}

impl Account {
    /// A patient with two apps.
    pub fn sample() -> Self {
        Account {
            frame: Frame::sample("Your account"),
            name: "Ana Moreno".to_owned(),
            apps: 2,
            staff: false,
            visits: Some(Visits {
                coming: 2,
                next: "Tuesday, 24 November 2026, 09:15".to_owned(),
                answers: 1,
            }),
            other: None,
        }
    }

    /// A member of staff without any.
    pub fn sample_of_staff() -> Self {
        Account {
            name: "Dr. Lena Park".to_owned(),
            apps: 0,
            staff: true,
            visits: None,
            other: Some("Ana Moreno".to_owned()),
            ..Account::sample()
        }
    }
}
