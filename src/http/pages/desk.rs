//! The desk: what waits, and the ways to everything else.

use super::frame::Frame;
use crate::http::words::filters;
use askama::Template;

/// The desk. Forms: search (`search`, to `/staff/patients`) and logout; both with `csrf`.
#[derive(Debug, Template)]
#[template(path = "staff.html")]
pub struct Desk {
    /// Title, practice, sandbox.
    pub frame: Frame,
    /// The form token.
    pub csrf: String,
    /// Who is logged in, by name.
    pub name: String,
    /// Whether they may open charts and start apps for patients.
    pub may_launch: bool,
    /// Whether they work at the portal's desk.
    pub may_manage: bool,
    /// Whether they administer the accounts of staff.
    pub may_administer: bool,
    /// What may wait, of what they may finish.
    pub lines: Vec<Line>,
    /// How many things wait in all.
    pub total: i64,
}

/// One queue.
#[derive(Debug, Clone)]
pub struct Line {
    /// Its name in events.
    pub key: &'static str,
    /// Where it is finished.
    pub path: &'static str,
    /// What it is called.
    pub title: &'static str,
    /// What is said where something waits.
    pub waits: &'static str,
    /// What is said where nothing does.
    pub none: &'static str,
    /// The digit that leads to it.
    pub access_key: usize,
    /// How many wait; `None` where they could not be counted.
    pub count: Option<i64>,
}

impl Desk {
    /// The desk of somebody with every right.
    pub fn sample() -> Self {
        let line = |key, title, access_key, count| Line {
            key,
            path: "/staff/visits",
            title,
            waits: "Patients ask for visits.",
            none: "Nobody new waits for you.",
            access_key,
            count,
        };
        Desk {
            frame: Frame::sample("Staff desk"),
            csrf: "sample-form-token".to_owned(),
            name: "Dr. Lena Park".to_owned(),
            may_launch: true,
            may_manage: true,
            may_administer: true,
            lines: vec![
                line("visits", "Appointments", 1, Some(3)),
                line("registrations", "Registrations", 2, Some(0)),
                line("messages", "Messages", 3, None),
            ],
            total: 3,
        }
    }

    /// Nothing waits.
    pub fn sample_done() -> Self {
        let mut desk = Desk::sample();
        desk.lines.iter_mut().for_each(|line| line.count = Some(0));
        Desk { total: 0, ..desk }
    }

    /// The desk of somebody without any right.
    pub fn sample_of_nobody() -> Self {
        Desk {
            may_launch: false,
            may_manage: false,
            may_administer: false,
            lines: Vec::new(),
            total: 0,
            ..Desk::sample()
        }
    }
}

impl Line {
    /// Whether something waits.
    pub fn has_some(&self) -> bool {
        self.count.is_some_and(|count| count > 0)
    }
}
