//! `/account/requests`: what a patient asked for and sent, and what became of it.

use super::frame::Frame;
use crate::http::words::filters;
use askama::Template;

/// A patient's requests, the newest first. Fields: `seen`, `csrf`; button `decision=withdraw`.
#[derive(Debug, Template)]
#[template(path = "requests.html")]
pub struct Requests {
    /// Title, practice, sandbox.
    pub frame: Frame,
    /// The form token.
    pub csrf: String,
    /// What has just been done, in a sentence; empty where nothing was.
    pub notice: &'static str,
    /// Why what was tried was not done; empty where nothing was.
    pub error: String,
    /// Whether the portal is switched off.
    pub closed: bool,
    /// The practice's phone number; may be empty.
    pub phone: String,
    /// What was asked for.
    pub all: Vec<Request>,
}

/// One request.
#[derive(Debug, Clone)]
pub struct Request {
    /// Its FHIR id.
    pub id: String,
    /// The version that is shown.
    pub seen: String,
    /// Its kind.
    pub label: &'static str,
    /// What it is about, where it is no change; may be empty.
    pub about: String,
    /// When it was sent.
    pub sent: String,
    /// Colour and words of how far it is.
    pub pill: (&'static str, &'static str),
    /// What it changes.
    pub parts: Vec<Part>,
    /// Why it was refused; may be empty.
    pub why: String,
    /// Whether it can be taken back here.
    pub withdraws: bool,
    /// Whether it is about a visit, which has a page of its own.
    pub visit: bool,
}

/// One thing a request changes.
#[derive(Debug, Clone)]
pub struct Part {
    /// What, in words.
    pub label: String,
    /// Whether its values are words of ours.
    pub coded: bool,
    /// What it was; may be empty.
    pub before: String,
    /// What was asked for; may be empty.
    pub after: String,
    /// Whether it was not taken over.
    pub left: bool,
    /// Why not; may be empty.
    pub why: String,
}

impl Requests {
    /// One of each kind.
    pub fn sample() -> Self {
        let part = |left: bool| Part {
            label: "City".to_owned(),
            coded: false,
            before: "Troy".to_owned(),
            after: "Albany".to_owned(),
            left,
            why: match left {
                true => "Please bring a bill".to_owned(),
                false => String::new(),
            },
        };
        let one = |id: &str, label, pill| Request {
            id: id.to_owned(),
            seen: "00000000000000aa".to_owned(),
            label,
            about: String::new(),
            sent: "2026-11-28 10:00".to_owned(),
            pill,
            parts: vec![part(false)],
            why: String::new(),
            withdraws: false,
            visit: false,
        };
        let mut waits = one("a", "Profile", ("wait", "Waits for the practice"));
        waits.withdraws = true;
        let mut partly = one("b", "Insurance", ("warn", "Taken over in part"));
        partly.parts.push(part(true));
        let mut refused = one("c", "Document", ("bad", "Not accepted"));
        refused.parts.clear();
        refused.about = "report.png".to_owned();
        refused.why = "Not readable".to_owned();
        let mut visit = one("d", "Visit", ("wait", "Waits for the practice"));
        visit.parts.clear();
        visit.about = "Office Visit, 2026-12-01 09:15".to_owned();
        visit.visit = true;
        Requests {
            frame: Frame::sample("Your requests"),
            csrf: "sample-form-token".to_owned(),
            notice: "You took the request back.",
            error: "This was decided already.".to_owned(),
            closed: false,
            phone: "(555) 555-0100".to_owned(),
            all: vec![waits, partly, refused, visit],
        }
    }

    /// Nothing was asked for.
    pub fn sample_empty() -> Self {
        Requests {
            notice: "",
            error: String::new(),
            all: Vec::new(),
            ..Requests::sample()
        }
    }

    /// The portal is off.
    pub fn sample_closed() -> Self {
        Requests {
            closed: true,
            ..Requests::sample_empty()
        }
    }
}
