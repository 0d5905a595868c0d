//! The desk's list of people who registered.

use super::enrol::Fact;
use super::frame::Frame;
use crate::http::words::filters;
use askama::Template;

/// Deciding about registrations. Fields: `id`, `reason`, `csrf`; buttons `decision=accept|reject|open|dismiss`.
#[derive(Debug, Template)]
#[template(path = "staff_registrations.html")]
pub struct StaffRegistrations {
    /// Title, practice, sandbox.
    pub frame: Frame,
    /// The form token.
    pub csrf: String,
    /// What has just been done, in a sentence; empty where nothing was.
    pub notice: &'static str,
    /// What was wrong.
    pub error: Option<String>,
    /// Those that wait.
    pub waiting: Vec<Registered>,
}

/// Somebody who registered.
#[derive(Debug, Clone)]
pub struct Registered {
    /// The id that is decided about.
    pub id: String,
    /// First, middle and last name.
    pub name: String,
    /// When it was sent in.
    pub sent: String,
    /// Whether it looks like a patient who is there, and no chart was opened.
    pub known: bool,
    /// Whether access waits for the decision.
    pub waits: bool,
    /// What was typed and chosen.
    pub rows: Vec<Fact>,
    /// Charts that have something in common with it.
    pub like: Vec<Like>,
}

/// A chart beside a registration.
#[derive(Debug, Clone)]
pub struct Like {
    /// The patient's name.
    pub name: String,
    /// The chart's number.
    pub number: i64,
    /// The birth date.
    pub born: String,
    /// E-mail on file.
    pub email: String,
    /// Phone on file.
    pub phone: String,
    /// Whether the names fit too.
    pub likely: bool,
}

impl StaffRegistrations {
    /// One of each kind.
    pub fn sample() -> Self {
        let one = |id: &str, known, waits| Registered {
            id: id.to_owned(),
            name: "Ana Kim".to_owned(),
            sent: "2026-11-28 10:00".to_owned(),
            known,
            waits,
            rows: vec![
                Fact::typed("Date of birth", "1984-02-29".to_owned()),
                Fact::chosen("Sex", "Female"),
            ],
            like: vec![Like {
                name: "Anabel Kim".to_owned(),
                number: 7,
                born: "1984-02-29".to_owned(),
                email: "anabel@mail.example".to_owned(),
                phone: "(555) 555-0100".to_owned(),
                likely: known,
            }],
        };
        StaffRegistrations {
            frame: Frame::sample("Registrations"),
            csrf: "sample-form-token".to_owned(),
            notice: "The person was let in. A letter with a link is on its way.",
            error: Some("Say why, for the person to read.".to_owned()),
            waiting: vec![
                one("a", true, true),
                one("b", false, true),
                one("c", false, false),
            ],
        }
    }

    /// Nothing waits.
    pub fn sample_empty() -> Self {
        StaffRegistrations {
            notice: "",
            error: None,
            waiting: Vec::new(),
            ..StaffRegistrations::sample()
        }
    }
}
