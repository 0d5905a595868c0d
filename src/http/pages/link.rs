//! `/reset/...` and `/activate/...`: what a link out of a letter opens.

use super::frame::Frame;
use crate::http::words::filters;
use askama::Template;

/// The form behind a link. Fields: `username`, `new_username`, `new_password`, `new_password_again`, `pin` or
/// `birth_date`, `csrf`.
#[derive(Debug, Template)]
#[template(path = "link.html")]
pub struct LinkForm {
    /// Title, practice, sandbox.
    pub frame: Frame,
    /// Where the form posts to.
    pub action: String,
    /// The browser's form token.
    pub csrf: String,
    /// What is asked about the username.
    pub name: NameAsked,
    /// What is asked beside the link.
    pub beside: BesideAsked,
    /// What was typed before: username, another username, birth date; never a PIN or a password.
    pub typed: [String; 3],
    /// The rules for a password, one sentence each.
    pub rules: Vec<String>,
    /// Field name and sentence, for each field that must be corrected.
    pub field_errors: Vec<(String, String)>,
    /// The sentence for the form as a whole.
    pub error: Option<String>,
}

/// What is asked about the username.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameAsked {
    /// To choose one.
    Choose,
    /// To type the present one.
    Confirm,
    /// Nothing.
    Keep,
}

/// What is asked beside the link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BesideAsked {
    /// The PIN.
    Pin,
    /// The birth date.
    BirthDate,
    /// Nothing.
    Nothing,
}

/// A link that does nothing any more.
#[derive(Debug, Template)]
#[template(path = "link_over.html")]
pub struct LinkOver {
    /// Title, practice, sandbox.
    pub frame: Frame,
    /// Why.
    pub sentence: String,
    /// Whether a new letter can be asked for here.
    pub offered: bool,
    /// The practice's phone number; empty where none is set.
    pub phone: String,
}

/// Something was done.
#[derive(Debug, Template)]
#[template(path = "done.html")]
pub struct Done {
    /// Title, practice, sandbox.
    pub frame: Frame,
    /// What was done, and what follows from it.
    pub sentences: Vec<String>,
    /// The way on: address and words.
    pub next: (String, String),
}

impl LinkForm {
    /// A reset.
    pub fn sample() -> Self {
        LinkForm {
            frame: Frame::sample("Choose a new password"),
            action: "/reset/sample".to_owned(),
            csrf: "sample-form-token".to_owned(),
            name: NameAsked::Confirm,
            beside: BesideAsked::Pin,
            typed: Default::default(),
            rules: vec![
                "At least 12 characters. Three or four plain words are fine.".to_owned(),
                "Not your username, not the practice's name, and not a password that many people use.".to_owned(),
            ],
            field_errors: Vec::new(),
            error: None,
        }
    }

    /// A reset after a wrong PIN.
    pub fn sample_refused() -> Self {
        LinkForm {
            typed: ["ana.moreno".to_owned(), "ana.m".to_owned(), String::new()],
            field_errors: vec![(
                "new_username".to_owned(),
                "Somebody else has this username. Choose another one.".to_owned(),
            )],
            error: Some("Nothing was changed yet. Correct the marked fields.".to_owned()),
            ..LinkForm::sample()
        }
    }

    /// A first login.
    pub fn sample_first() -> Self {
        LinkForm {
            frame: Frame::sample("Choose your login"),
            action: "/activate/sample".to_owned(),
            name: NameAsked::Choose,
            beside: BesideAsked::BirthDate,
            ..LinkForm::sample()
        }
    }

    /// A new password for an account that was invited again.
    pub fn sample_bare() -> Self {
        LinkForm {
            action: "/activate/sample".to_owned(),
            name: NameAsked::Keep,
            beside: BesideAsked::Nothing,
            ..LinkForm::sample()
        }
    }

    /// Whether this is somebody's first login.
    fn first(&self) -> bool {
        self.name == NameAsked::Choose
    }

    /// The sentence for one field, or empty.
    fn error_of(&self, field: &str) -> &str {
        self.field_errors
            .iter()
            .find(|(name, _)| name == field)
            .map_or("", |(_, sentence)| sentence.as_str())
    }
}

impl LinkOver {
    /// A link whose hour is over.
    pub fn sample() -> Self {
        LinkOver {
            frame: Frame::sample("This link no longer works"),
            sentence: "This link is too old. Links work for a limited time only.".to_owned(),
            offered: true,
            phone: "(555) 555-0100".to_owned(),
        }
    }

    /// The same where the practice offers no letters here.
    pub fn sample_off() -> Self {
        LinkOver {
            offered: false,
            ..LinkOver::sample()
        }
    }
}

impl Done {
    /// A password that was set.
    pub fn sample() -> Self {
        Done {
            frame: Frame::sample("Your new password is set"),
            sentences: vec![
                "Log in with it from now on, here and in the practice's own portal.".to_owned(),
                "You were logged out everywhere, and apps have to be connected again.".to_owned(),
            ],
            next: ("/account".to_owned(), "Log in".to_owned()),
        }
    }
}
