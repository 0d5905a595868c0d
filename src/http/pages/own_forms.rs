//! `/account/forms`: forms the practice put before a patient, and one of them to be filled in and signed. The same page is on the
//! practice's tablet.

use super::frame::Frame;
use crate::http::words::filters;
use askama::Template;

/// A patient's forms.
#[derive(Debug, Template)]
#[template(path = "own_forms.html")]
pub struct OwnForms {
    /// Title, practice, sandbox.
    pub frame: Frame,
    /// What has just been done; empty where nothing was.
    pub notice: &'static str,
    /// Those that wait for the patient.
    pub open: Vec<FormRow>,
    /// Those that are signed.
    pub done: Vec<FormRow>,
    /// Where older ones of them are; empty where there are none.
    pub older: String,
}

/// One form of a list.
#[derive(Debug, Clone)]
pub struct FormRow {
    /// Its id.
    pub id: String,
    /// What it is called.
    pub title: String,
    /// The day it was put there.
    pub day: String,
    /// The colour and words of how far it is.
    pub pill: (&'static str, &'static str),
    /// When it was signed, and with what name; empty where it is not.
    pub signed: String,
    /// Why staff gave it back; empty where they did not.
    pub reason: String,
    /// The category of the chart; empty where none.
    pub category: String,
    /// Whether it may be signed on a tablet.
    pub open: bool,
}

/// One form. Fields: `a0`, `a1` ..., `name`, `drawing`, `agreed`, `seen`, `csrf`; buttons `decision=save|sign`.
#[derive(Debug, Template)]
#[template(path = "own_form.html")]
pub struct OwnForm {
    /// Title, practice, sandbox.
    pub frame: Frame,
    /// The form token.
    pub csrf: String,
    /// Where it is sent.
    pub action: String,
    /// What the form is called.
    pub title: String,
    /// What has just been done; empty where nothing was.
    pub notice: &'static str,
    /// What was wrong, each in a sentence.
    pub errors: Vec<String>,
    /// Why staff gave it back; empty where they did not.
    pub reason: String,
    /// The parts.
    pub parts: Vec<PartView>,
    /// Whether it is open to be filled in.
    pub open: bool,
    /// Whether all of it can be shown.
    pub whole: bool,
    /// What the form holds as it is shown: that, and no other state, is signed.
    pub seen: String,
    /// Whether it is on the practice's tablet.
    pub tablet: bool,
    /// The name that was typed.
    pub name: String,
    /// What was drawn.
    pub drawing: String,
    /// Whether it was ticked that this signs.
    pub agreed: bool,
    /// The signature: name, picture, when; `None` where it is not signed.
    pub signed: Option<SignedView>,
    /// Where the PDF is; empty where there is none to be had here.
    pub file: String,
}

/// The signature of a form.
#[derive(Debug, Clone)]
pub struct SignedView {
    /// The name.
    pub name: String,
    /// The picture, as a data URI.
    pub picture: String,
    /// When.
    pub at: String,
    /// What became of the form since; empty where it is as it was signed.
    pub note: &'static str,
}

/// A part of a form.
#[derive(Debug, Clone, Default)]
pub struct PartView {
    /// `heading`, `words`, `line`, `lines`, `date`, `check` or `choice`.
    pub kind: &'static str,
    /// The words, or the question.
    pub text: String,
    /// The name of its field.
    pub name: String,
    /// What is answered.
    pub answer: String,
    /// Whether it has to be.
    pub required: bool,
    /// What may be chosen, and whether it is.
    pub options: Vec<(String, bool)>,
}

/// What was done on a tablet.
#[derive(Debug, Template)]
#[template(path = "tablet.html")]
pub struct Tablet {
    /// Title, practice, sandbox.
    pub frame: Frame,
    /// The form token; empty where nothing is to be begun.
    pub csrf: String,
    /// Where the button leads; empty where there is none.
    pub action: String,
    /// What there is to say.
    pub text: &'static str,
}

impl FormRow {
    /// One that waits.
    pub fn sample() -> Self {
        FormRow {
            id: "a".to_owned(),
            title: "Medical History".to_owned(),
            day: "2026-11-29".to_owned(),
            pill: ("warn", "To be signed"),
            signed: String::new(),
            reason: String::new(),
            category: "Advance Directive".to_owned(),
            open: true,
        }
    }
}

impl OwnForms {
    /// One of each.
    pub fn sample() -> Self {
        OwnForms {
            frame: Frame::sample("Your forms"),
            notice: "The form is signed, and the practice has it.",
            open: vec![FormRow {
                reason: "Please sign with your full name.".to_owned(),
                ..FormRow::sample()
            }],
            done: vec![FormRow {
                pill: ("good", "Done"),
                signed: "2026-11-29 10:00".to_owned(),
                open: false,
                ..FormRow::sample()
            }],
            older: "/account/forms?behind=a".to_owned(),
        }
    }

    /// None.
    pub fn sample_empty() -> Self {
        OwnForms {
            notice: "",
            open: Vec::new(),
            done: Vec::new(),
            older: String::new(),
            ..OwnForms::sample()
        }
    }
}

impl OwnForm {
    /// One of every kind of question.
    pub fn sample() -> Self {
        let part = |kind, text: &str| PartView {
            kind,
            text: text.to_owned(),
            name: format!("a-{kind}"),
            ..PartView::default()
        };
        OwnForm {
            frame: Frame::sample("Form"),
            csrf: "sample-form-token".to_owned(),
            action: "/account/forms/a".to_owned(),
            title: "Medical History".to_owned(),
            notice: "",
            errors: vec!["Please tick that this is your signature.".to_owned()],
            reason: "Please sign with your full name.".to_owned(),
            parts: vec![
                part("heading", "Health"),
                part("words", "Please read this."),
                PartView {
                    required: true,
                    ..part("line", "Doctor")
                },
                part("lines", "Allergies"),
                part("date", "Day"),
                part("check", "Agreed"),
                PartView {
                    options: vec![("Yes".to_owned(), true), ("No".to_owned(), false)],
                    ..part("choice", "Smoking")
                },
            ],
            open: true,
            whole: true,
            seen: "sample-hash".to_owned(),
            tablet: false,
            name: "Ana Kim".to_owned(),
            drawing: "M10,20L11,21L12,22L13,23".to_owned(),
            agreed: true,
            signed: None,
            file: String::new(),
        }
    }

    /// One that is signed.
    pub fn sample_signed() -> Self {
        OwnForm {
            errors: Vec::new(),
            reason: String::new(),
            open: false,
            whole: false,
            signed: Some(SignedView {
                name: "Ana Kim".to_owned(),
                picture: "data:image/svg+xml;base64,PHN2Zy8+".to_owned(),
                at: "2026-11-29 10:00".to_owned(),
                note: "The form was changed after it was signed.",
            }),
            file: "/account/forms/a.pdf".to_owned(),
            ..OwnForm::sample()
        }
    }

    /// On a tablet.
    pub fn sample_tablet() -> Self {
        OwnForm {
            action: "/sign".to_owned(),
            tablet: true,
            errors: Vec::new(),
            reason: String::new(),
            ..OwnForm::sample()
        }
    }
}

impl Tablet {
    /// Before it begins.
    pub fn sample() -> Self {
        Tablet {
            frame: Frame::sample("Sign a form"),
            csrf: "sample-form-token".to_owned(),
            action: "/sign/token".to_owned(),
            text: "The practice asks you to read and sign one form on this device.",
        }
    }

    /// When it is over.
    pub fn sample_over() -> Self {
        Tablet {
            csrf: String::new(),
            action: String::new(),
            text: "Thank you. The form is signed: please give the device back.",
            ..Tablet::sample()
        }
    }
}
