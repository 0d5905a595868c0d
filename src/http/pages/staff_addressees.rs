//! Who of the practice takes messages from patients.

use super::frame::Frame;
use crate::http::words::filters;
use askama::Template;

/// Everybody who works there, each with the switch. Buttons `decision=on|off`; fields `colleague`, `csrf`.
#[derive(Debug, Template)]
#[template(path = "staff_addressees.html")]
pub struct Addressees {
    /// Title, practice, sandbox.
    pub frame: Frame,
    /// The form token.
    pub csrf: String,
    /// What has just been done, in a sentence; empty where nothing was.
    pub notice: &'static str,
    /// Why something was not done; empty where nothing was.
    pub error: String,
    /// Whether nobody takes messages.
    pub nobody: bool,
    /// Everybody who works there.
    pub colleagues: Vec<Addressee>,
}

/// A member of staff.
#[derive(Clone, Debug)]
pub struct Addressee {
    /// FHIR id.
    pub id: String,
    /// The name.
    pub name: String,
    /// The login name.
    pub login: String,
    /// Whether patients may write to them.
    pub takes: bool,
    /// Whether they may read messages.
    pub reads: bool,
}

impl Addressees {
    /// One who takes messages, one who does not, one who could not read them.
    pub fn sample() -> Self {
        let one = |name: &str, takes, reads| Addressee {
            id: "a".to_owned(),
            name: name.to_owned(),
            login: "dlee".to_owned(),
            takes,
            reads,
        };
        Addressees {
            frame: Frame::sample("Who takes messages"),
            csrf: "sample-form-token".to_owned(),
            notice: "Patients can write to them now.",
            error: String::new(),
            nobody: false,
            colleagues: vec![
                one("Donna Lee", true, true),
                one("Ravi Patel", false, true),
                one("Jo Park", true, false),
            ],
        }
    }

    /// Nobody takes messages, and something was refused.
    pub fn sample_refused() -> Self {
        let mut page = Addressees::sample();
        page.colleagues.iter_mut().for_each(|one| one.takes = false);
        Addressees {
            notice: "",
            error: "Please use one of the buttons on the page.".to_owned(),
            nobody: true,
            ..page
        }
    }
}
