//! `/account/login` and `/account/email`: a patient's own login and address.

use super::frame::Frame;
use crate::http::words::filters;
use askama::Template;

/// The form to change the login. Fields: `current_password`, `username`, `new_password`, `new_password_again`, `csrf`.
#[derive(Debug, Template)]
#[template(path = "account_login.html")]
pub struct OwnLogin {
    /// Title, practice, sandbox.
    pub frame: Frame,
    /// The browser's form token.
    pub csrf: String,
    /// The username.
    pub username: String,
    /// The rules for a password, one sentence each.
    pub rules: Vec<String>,
    /// Whether a change was just made.
    pub done: bool,
    /// Field name and sentence, for each field that must be corrected.
    pub field_errors: Vec<(String, String)>,
    /// The sentence for the form as a whole.
    pub error: Option<String>,
}

/// The addresses, and the form to change them. Fields: `email`, `current_password`, `csrf`.
#[derive(Debug, Template)]
#[template(path = "account_email.html")]
pub struct OwnEmail {
    /// Title, practice, sandbox.
    pub frame: Frame,
    /// The browser's form token.
    pub csrf: String,
    /// The contact address; empty where there is none.
    pub email: String,
    /// The trusted address, where it is another one.
    pub trusted: Option<String>,
    /// Until when no reset links go out, where that is so.
    pub hold: Option<String>,
    /// Whether letters can leave; else the practice changes addresses.
    pub offered: bool,
    /// The practice's phone number; empty where none is set.
    pub phone: String,
    /// What was typed as the new address.
    pub typed: String,
    /// What was just done.
    pub notice: Option<String>,
    /// Field name and sentence, for each field that must be corrected.
    pub field_errors: Vec<(String, String)>,
    /// The sentence for the form as a whole.
    pub error: Option<String>,
}

/// The question behind the link of a letter about an address.
#[derive(Debug, Template)]
#[template(path = "email_link.html")]
pub struct EmailLink {
    /// Title, practice, sandbox.
    pub frame: Frame,
    /// Where the form posts to.
    pub action: String,
    /// The browser's form token.
    pub csrf: String,
    /// The address that is confirmed; `None` where a change is taken back.
    pub address: Option<String>,
}

fn error_of<'e>(errors: &'e [(String, String)], field: &str) -> &'e str {
    let found = errors.iter().find(|(name, _)| name == field);
    found.map_or("", |(_, sentence)| sentence.as_str())
}

impl OwnLogin {
    /// The form.
    pub fn sample() -> Self {
        OwnLogin {
            frame: Frame::sample("Your login"),
            csrf: "sample-form-token".to_owned(),
            username: "ana.moreno".to_owned(),
            rules: vec![
                "At least 12 characters. Three or four plain words are fine.".to_owned(),
                "At most 72 bytes; an accented letter counts as two.".to_owned(),
            ],
            done: false,
            field_errors: Vec::new(),
            error: None,
        }
    }

    /// After a change.
    pub fn sample_done() -> Self {
        OwnLogin {
            done: true,
            ..OwnLogin::sample()
        }
    }

    /// After a wrong password.
    pub fn sample_refused() -> Self {
        OwnLogin {
            field_errors: vec![(
                "current_password".to_owned(),
                "This is not the password you have now.".to_owned(),
            )],
            error: Some("Nothing was changed yet. Correct the marked fields.".to_owned()),
            ..OwnLogin::sample()
        }
    }

    fn error_of(&self, field: &str) -> &str {
        error_of(&self.field_errors, field)
    }
}

impl OwnEmail {
    /// The form.
    pub fn sample() -> Self {
        OwnEmail {
            frame: Frame::sample("Your e-mail address"),
            csrf: "sample-form-token".to_owned(),
            email: "ana@mail.example".to_owned(),
            trusted: Some("ana.moreno@work.example".to_owned()),
            hold: None,
            offered: true,
            phone: "(555) 555-0100".to_owned(),
            typed: String::new(),
            notice: None,
            field_errors: Vec::new(),
            error: None,
        }
    }

    /// After a letter went out.
    pub fn sample_asked() -> Self {
        OwnEmail {
            hold: Some("24 November 2026, 14:05".to_owned()),
            notice: Some(
                "A letter is on its way to the new address. Follow its link within 24 hours; until then nothing changes."
                    .to_owned(),
            ),
            ..OwnEmail::sample()
        }
    }

    /// After something wrong was typed.
    pub fn sample_refused() -> Self {
        OwnEmail {
            typed: "ana".to_owned(),
            trusted: None,
            field_errors: vec![(
                "email".to_owned(),
                "Give one e-mail address, such as ana@mail.example.".to_owned(),
            )],
            error: Some("Nothing was changed yet. Correct the marked fields.".to_owned()),
            ..OwnEmail::sample()
        }
    }

    /// Where no letter can leave, and there is no address.
    pub fn sample_off() -> Self {
        OwnEmail {
            email: String::new(),
            trusted: None,
            offered: false,
            ..OwnEmail::sample()
        }
    }

    fn error_of(&self, field: &str) -> &str {
        error_of(&self.field_errors, field)
    }
}

impl EmailLink {
    /// A new address.
    pub fn sample() -> Self {
        EmailLink {
            frame: Frame::sample("Confirm your new e-mail address"),
            action: "/account/email/sample".to_owned(),
            csrf: "sample-form-token".to_owned(),
            address: Some("ana@new.example".to_owned()),
        }
    }

    /// Taking a change back.
    pub fn sample_undo() -> Self {
        EmailLink {
            frame: Frame::sample("Keep your old e-mail address"),
            action: "/account/email/undo/sample".to_owned(),
            address: None,
            ..EmailLink::sample()
        }
    }
}
