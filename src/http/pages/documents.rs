//! The patient's page of documents: what there is, what waits, sending one, and the whole record to take away.

use super::frame::Frame;
use crate::http::words::filters;
use askama::Template;

/// Documents of a patient. The form sends `csrf`, `ticket` and then `file`.
#[derive(Debug, Template)]
#[template(path = "documents.html")]
pub struct Documents {
    /// Title, practice, sandbox.
    pub frame: Frame,
    /// The form token.
    pub csrf: String,
    /// What makes this form another than the next.
    pub ticket: String,
    /// Bytes of a file at most.
    pub most: u64,
    /// What has just been done, in a sentence; empty where nothing was.
    pub notice: &'static str,
    /// What was wrong with a file; empty where nothing was.
    pub errors: Vec<String>,
    /// Why nothing can be sent; empty where it can.
    pub closed: &'static str,
    /// The practice's phone; may be empty.
    pub phone: String,
    /// The documents, the newest first.
    pub documents: Vec<Row>,
    /// The address of the older ones; empty where these are all.
    pub older: String,
    /// Whether these are older ones.
    pub later: bool,
}

/// A document.
#[derive(Debug, Clone, Default)]
pub struct Row {
    /// Its FHIR id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The practice's category.
    pub category: String,
    /// The day it was filed.
    pub day: String,
    /// How large it is; empty where nobody knows.
    pub size: String,
    /// Who sent it; empty where that is the practice.
    pub sender: String,
    /// Colour and words of how far staff are; empty words where there is nothing to say.
    pub pill: (&'static str, &'static str),
    /// Why it was refused; may be empty.
    pub reason: String,
    /// Whether it can be saved.
    pub saves: bool,
    /// Whether a browser shows it by itself.
    pub shows: bool,
    /// Whether its patient sees it.
    pub shared: bool,
    /// The version that is shown.
    pub seen: String,
}

impl Row {
    /// A letter of the practice.
    pub fn sample() -> Self {
        Row {
            id: "00000000-0000-0000-0000-000000000001".to_owned(),
            name: "Blood.pdf".to_owned(),
            category: "Lab Report".to_owned(),
            day: "2026-11-20".to_owned(),
            size: "120 KB".to_owned(),
            sender: String::new(),
            pill: ("", ""),
            reason: String::new(),
            saves: true,
            shows: false,
            shared: true,
            seen: "00000000000000aa".to_owned(),
        }
    }
}

impl Documents {
    /// Documents of every kind, and a file that was refused.
    pub fn sample() -> Self {
        Documents {
            frame: Frame::sample("Your documents"),
            csrf: "sample-form-token".to_owned(),
            ticket: "t".to_owned(),
            most: 20_971_520,
            notice: "The practice has your document. It is marked until somebody has looked at it.",
            errors: vec!["This file is empty. Please choose another one.".to_owned()],
            closed: "",
            phone: String::new(),
            documents: vec![
                Row::sample(),
                Row {
                    id: "00000000-0000-0000-0000-000000000002".to_owned(),
                    name: "Card.png".to_owned(),
                    category: "Patient".to_owned(),
                    sender: "You".to_owned(),
                    pill: ("wait", "Nobody has looked yet"),
                    shows: true,
                    ..Row::sample()
                },
                Row {
                    id: "00000000-0000-0000-0000-000000000003".to_owned(),
                    name: "Scan.pdf".to_owned(),
                    sender: "You".to_owned(),
                    pill: ("bad", "Refused"),
                    reason: "Not readable".to_owned(),
                    saves: false,
                    ..Row::sample()
                },
            ],
            older: "/account/documents?after=x".to_owned(),
            later: false,
        }
    }

    /// No document, and a practice that takes none.
    pub fn sample_empty() -> Self {
        Documents {
            notice: "",
            errors: Vec::new(),
            closed: "The practice takes no documents online. Please bring it to your visit.",
            phone: "+1 555 0100".to_owned(),
            documents: Vec::new(),
            older: String::new(),
            later: true,
            ..Documents::sample()
        }
    }
}
