//! The pages of somebody new who registers: the first form, the wizard behind the link in the letter, and how it ends.

use super::frame::Frame;
use crate::http::words::filters;
use askama::Template;

/// A form of the wizard. Fields: those of the step, `csrf`.
#[derive(Debug, Template)]
#[template(path = "enrol.html")]
pub struct Enrol {
    /// Title, practice, sandbox.
    pub frame: Frame,
    /// Where the form posts to.
    pub action: String,
    /// The form token.
    pub csrf: String,
    /// The wizard's steps; none on the first form.
    pub steps: Vec<WizardStep>,
    /// What the page is about, in a sentence.
    pub lead: &'static str,
    /// What was confirmed by mail.
    pub fixed: Vec<Fact>,
    /// The fields.
    pub fields: Vec<FieldView>,
    /// What the button says.
    pub button: &'static str,
    /// Where the page before is; empty where there is none.
    pub back: String,
    /// The sentence for the form as a whole.
    pub error: Option<String>,
}

/// One step in the list over a form.
#[derive(Debug, Clone)]
pub struct WizardStep {
    /// What it is called.
    pub title: &'static str,
    /// Its address; empty where it cannot be opened yet.
    pub path: String,
    /// `done`, `now` or empty.
    pub state: &'static str,
}

/// A field as it is shown.
#[derive(Debug, Clone, Default)]
pub struct FieldView {
    /// Its name.
    pub name: &'static str,
    /// What it is called.
    pub label: &'static str,
    /// `text`, `email`, `tel`, `select` or `textarea`.
    pub kind: &'static str,
    /// What stands in it.
    pub value: String,
    /// HTML's word for what a browser may fill in.
    pub autocomplete: &'static str,
    /// What to type; may be empty.
    pub hint: &'static str,
    /// What has to be corrected; may be empty.
    pub error: String,
    /// What can be chosen: value, words.
    pub options: Vec<(String, String)>,
    /// Letters at most.
    pub most: usize,
    /// Whether it must be filled in.
    pub needed: bool,
}

impl FieldView {
    /// The ids of what describes it; empty where nothing does.
    fn described(&self) -> String {
        let hint = (!self.hint.is_empty()).then(|| format!("{}-hint", self.name));
        let error = (!self.error.is_empty()).then(|| format!("{}-error", self.name));
        let ids: Vec<String> = hint.into_iter().chain(error).collect();
        ids.join(" ")
    }
}

/// Everything once more, before it is sent in. Fields: `csrf`.
#[derive(Debug, Template)]
#[template(path = "enrol_check.html")]
pub struct EnrolCheck {
    /// Title, practice, sandbox.
    pub frame: Frame,
    /// Where the form posts to.
    pub action: String,
    /// The form token.
    pub csrf: String,
    /// The wizard's steps.
    pub steps: Vec<WizardStep>,
    /// What was confirmed by mail.
    pub fixed: Vec<Fact>,
    /// Each step with what was typed there.
    pub parts: Vec<Part>,
    /// Whether somebody of the practice looks at it before access is given.
    pub looked_at: bool,
    /// Where the page before is.
    pub back: String,
}

/// A step on the last page.
#[derive(Debug, Clone)]
pub struct Part {
    /// What it is called.
    pub title: &'static str,
    /// Where it is changed.
    pub path: String,
    /// Name and value.
    pub rows: Vec<Fact>,
}

/// What stands in a field, on a page without a form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// What the field is called.
    pub name: &'static str,
    /// What stands in it.
    pub value: String,
    /// Whether the value is one of our words, to be said in the reader's language; otherwise somebody typed it, or it
    /// is a name.
    pub ours: bool,
}

impl Fact {
    /// What somebody typed.
    pub fn typed(name: &'static str, value: String) -> Self {
        Self {
            name,
            value,
            ours: false,
        }
    }

    /// What somebody chose among words of ours.
    pub fn chosen(name: &'static str, words: &'static str) -> Self {
        Self {
            name,
            value: words.to_owned(),
            ours: true,
        }
    }
}

/// A page without a form: what was done, or what to do instead.
#[derive(Debug, Template)]
#[template(path = "enrol_told.html")]
pub struct EnrolTold {
    /// Title, practice, sandbox.
    pub frame: Frame,
    /// What to know, one sentence a paragraph.
    pub sentences: Vec<String>,
    /// The practice's phone; empty where none was set.
    pub phone: String,
    /// Where to go from here: address, words.
    pub links: Vec<(String, &'static str)>,
}

/// The first login of somebody who registered. Fields: `username`, `new_password`, `new_password_again`, `csrf`.
#[derive(Debug, Template)]
#[template(path = "enrol_login.html")]
pub struct EnrolLogin {
    /// Title, practice, sandbox.
    pub frame: Frame,
    /// Where the form posts to.
    pub action: String,
    /// The form token.
    pub csrf: String,
    /// The three fields.
    pub fields: Vec<FieldView>,
    /// The rules for a password, one sentence each.
    pub rules: Vec<String>,
    /// The sentence for the form as a whole.
    pub error: Option<String>,
}

impl Enrol {
    /// The first form.
    pub fn sample() -> Self {
        Enrol {
            frame: Frame::sample("Register as a new patient"),
            action: "/register".to_owned(),
            csrf: "sample-form-token".to_owned(),
            steps: Vec::new(),
            lead: "A letter with a link goes to your e-mail address. The link opens the rest of the form.",
            fixed: Vec::new(),
            fields: vec![
                FieldView {
                    name: "language",
                    label: "Language",
                    kind: "select",
                    value: "en".to_owned(),
                    options: vec![("en".to_owned(), "English".to_owned())],
                    needed: true,
                    ..FieldView::default()
                },
                FieldView {
                    name: "first_name",
                    label: "First name",
                    kind: "text",
                    autocomplete: "given-name",
                    needed: true,
                    most: 63,
                    ..FieldView::default()
                },
            ],
            button: "Send me the link",
            back: String::new(),
            error: None,
        }
    }

    /// A page of the wizard with something to correct.
    pub fn sample_of_a_step() -> Self {
        let step = |title, state: &'static str| WizardStep {
            title,
            path: match state {
                "" => String::new(),
                _ => "/register/al_x/profile".to_owned(),
            },
            state,
        };
        Enrol {
            frame: Frame::sample("Your provider"),
            action: "/register/al_x/provider".to_owned(),
            steps: vec![
                step("About you", "done"),
                step("Your provider", "now"),
                step("Check and send", ""),
            ],
            fixed: vec![Fact::typed("Name", "Ana Kim".to_owned())],
            fields: vec![
                FieldView {
                    name: "provider",
                    label: "Provider",
                    kind: "select",
                    error: "Choose a provider.".to_owned(),
                    options: vec![("p".to_owned(), "Donna Lee".to_owned())],
                    needed: true,
                    ..FieldView::default()
                },
                FieldView {
                    name: "wish",
                    label: "Your wish for a first appointment",
                    kind: "textarea",
                    hint: "Days and times that suit you, and what it is about. It is a wish, not an appointment.",
                    most: 500,
                    ..FieldView::default()
                },
            ],
            button: "Go on",
            back: "/register/al_x/profile".to_owned(),
            error: Some("Correct the marked fields.".to_owned()),
            ..Enrol::sample()
        }
    }
}

impl EnrolCheck {
    /// Everything typed.
    pub fn sample() -> Self {
        EnrolCheck {
            frame: Frame::sample("Check and send"),
            action: "/register/al_x/check".to_owned(),
            csrf: "sample-form-token".to_owned(),
            steps: Enrol::sample_of_a_step().steps,
            fixed: vec![Fact::typed("Name", "Ana Kim".to_owned())],
            parts: vec![Part {
                title: "About you",
                path: "/register/al_x/profile".to_owned(),
                rows: vec![
                    Fact::chosen("Sex", "Female"),
                    Fact::typed("City", "Albany".to_owned()),
                ],
            }],
            looked_at: true,
            back: "/register/al_x/provider".to_owned(),
        }
    }
}

impl EnrolTold {
    /// The letter is on its way.
    pub fn sample() -> Self {
        EnrolTold {
            frame: Frame::sample("Look into your mailbox"),
            sentences: vec![
                "If this address can be used, a letter with a link is on its way. The link works for one hour."
                    .to_owned(),
            ],
            phone: "(555) 555-0100".to_owned(),
            links: vec![("/register".to_owned(), "Start again")],
        }
    }
}

impl EnrolLogin {
    /// The form with something to correct.
    pub fn sample() -> Self {
        EnrolLogin {
            frame: Frame::sample("Choose your login"),
            action: "/register/al_x/done".to_owned(),
            csrf: "sample-form-token".to_owned(),
            fields: vec![FieldView {
                name: "username",
                label: "Username",
                kind: "text",
                autocomplete: "username",
                error: "Use 3 to 80 characters.".to_owned(),
                needed: true,
                most: 80,
                ..FieldView::default()
            }],
            rules: vec!["At least 12 characters.".to_owned()],
            error: Some("Nothing was saved yet. Correct the marked fields.".to_owned()),
        }
    }
}
