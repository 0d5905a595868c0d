//! The form that makes a patient choose an own username and password before going on.

use super::frame::Frame;
use crate::http::words::filters;
use askama::Template;

/// The new-credentials page. Fields: `username`, `new_password`, `new_password_again`, `pin` where asked, `csrf`.
#[derive(Debug, Template)]
#[template(path = "new_credentials.html")]
pub struct NewCredentials {
    /// Title, practice, sandbox.
    pub frame: Frame,
    /// Where the form posts to.
    pub action: String,
    /// The session's form token.
    pub csrf: String,
    /// The username so far, or what was typed before.
    pub username: String,
    /// What was typed as PIN before; `None` where no PIN is asked.
    pub pin: Option<String>,
    /// The rules for a password, one sentence each.
    pub rules: Vec<String>,
    /// Field name and sentence, for each field that must be corrected.
    pub field_errors: Vec<(String, String)>,
    /// The sentence for the form as a whole.
    pub error: Option<String>,
}

impl NewCredentials {
    /// The form as first shown.
    pub fn sample() -> Self {
        NewCredentials {
            frame: Frame::sample("Choose your login"),
            action: "/login/new-credentials".to_owned(),
            csrf: "sample-form-token".to_owned(),
            username: "ben.okafor".to_owned(),
            pin: None,
            rules: vec![
                "At least 12 characters. Three or four plain words are fine.".to_owned(),
                "Not your username, and not a password that many people use.".to_owned(),
                "Not the password you have now.".to_owned(),
            ],
            field_errors: Vec::new(),
            error: None,
        }
    }

    /// The form with a PIN, after a wrong try.
    pub fn sample_refused() -> Self {
        NewCredentials {
            pin: Some(String::new()),
            field_errors: vec![
                (
                    "new_password".to_owned(),
                    "This is too short. Use 12 characters or more.".to_owned(),
                ),
                (
                    "new_password_again".to_owned(),
                    "The two passwords are not the same.".to_owned(),
                ),
                (
                    "pin".to_owned(),
                    "Type the 6 characters of your PIN.".to_owned(),
                ),
            ],
            error: Some("Nothing was changed yet. Correct the marked fields.".to_owned()),
            ..NewCredentials::sample()
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
