//! `/reset`: somebody without a login says who they are, and is shown a PIN.

use super::frame::Frame;
use crate::http::words::filters;
use askama::Template;

/// The question. Fields: `email`, `birth_date`, `family_name`, `zip`, `csrf`.
#[derive(Debug, Template)]
#[template(path = "reset.html")]
pub struct Reset {
    /// Title, practice, sandbox.
    pub frame: Frame,
    /// The browser's form token.
    pub csrf: String,
    /// Whether the practice offers it; else the page says whom to call.
    pub offered: bool,
    /// The practice's phone number; empty where none is set.
    pub phone: String,
    /// What was typed before: e-mail, birth date, last name, ZIP.
    pub typed: [String; 4],
    /// Field name and sentence, for each field that must be corrected.
    pub field_errors: Vec<(String, String)>,
    /// The sentence for the form as a whole.
    pub error: Option<String>,
}

/// The answer, the same for everybody.
#[derive(Debug, Template)]
#[template(path = "reset_asked.html")]
pub struct ResetAsked {
    /// Title, practice, sandbox.
    pub frame: Frame,
    /// The PIN.
    pub pin: String,
    /// The practice's phone number; empty where none is set.
    pub phone: String,
}

impl Reset {
    /// The empty form.
    pub fn sample() -> Self {
        Reset {
            frame: Frame::sample("Reset or open your login"),
            csrf: "sample-form-token".to_owned(),
            offered: true,
            phone: "(555) 555-0100".to_owned(),
            typed: [const { String::new() }; 4],
            field_errors: Vec::new(),
            error: None,
        }
    }

    /// The form after something was left out.
    pub fn sample_refused() -> Self {
        Reset {
            typed: ["ana@mail.example", "", "Moreno", "01930"].map(str::to_owned),
            field_errors: vec![(
                "birth_date".to_owned(),
                "Give the date as year, month and day.".to_owned(),
            )],
            error: Some("Nothing was sent yet. Correct the marked fields.".to_owned()),
            ..Reset::sample()
        }
    }

    /// Where the practice does not offer it.
    pub fn sample_off() -> Self {
        Reset {
            offered: false,
            ..Reset::sample()
        }
    }

    /// The sentence for one field, or empty.
    fn error_of(&self, field: &str) -> &str {
        self.field_errors
            .iter()
            .find(|(name, _)| name == field)
            .map_or("", |(_, sentence)| sentence.as_str())
    }
}

impl ResetAsked {
    /// A PIN.
    pub fn sample() -> Self {
        ResetAsked {
            frame: Frame::sample("Look for a letter"),
            pin: "K7QXTM".to_owned(),
            phone: "(555) 555-0100".to_owned(),
        }
    }
}
