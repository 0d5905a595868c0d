//! A patient's documents at the desk.

use super::documents::Row;
use super::frame::Frame;
use crate::http::words::filters;
use askama::Template;

/// Documents of one patient. Forms: `seen` and `decision=share|unshare` for one; `ticket`, `category` and
/// `file` for a new one.
#[derive(Debug, Template)]
#[template(path = "staff_documents.html")]
pub struct StaffDocuments {
    /// Title, practice, sandbox.
    pub frame: Frame,
    /// The form token.
    pub csrf: String,
    /// What makes this form another than the next.
    pub ticket: String,
    /// Bytes of a file at most.
    pub most: u64,
    /// FHIR id of the patient.
    pub patient: String,
    /// First and last name.
    pub name: String,
    /// The address of this page.
    pub here: String,
    /// What has just been done, in a sentence; empty where nothing was.
    pub notice: &'static str,
    /// Whether nothing was done, because somebody else was faster.
    pub late: bool,
    /// What was wrong with a file; empty where nothing was.
    pub error: String,
    /// The categories this member of staff may file to: row, and name with the one above.
    pub categories: Vec<(String, String)>,
    /// The one that was chosen.
    pub category: String,
    /// The documents, the newest first.
    pub documents: Vec<Row>,
    /// The address of the older ones; empty where these are all.
    pub older: String,
    /// Whether these are older ones.
    pub later: bool,
}

impl StaffDocuments {
    /// Shared, taken back and waiting.
    pub fn sample() -> Self {
        StaffDocuments {
            frame: Frame::sample("Documents"),
            csrf: "sample-form-token".to_owned(),
            ticket: "t".to_owned(),
            most: 20_971_520,
            patient: "00000000-0000-0000-0000-000000000007".to_owned(),
            name: "Ana Moreno".to_owned(),
            here: "/staff/patients/00000000-0000-0000-0000-000000000007/documents".to_owned(),
            notice: "The patient sees the document now.",
            late: false,
            error: "This file is empty. Please choose another one.".to_owned(),
            categories: vec![
                ("2".to_owned(), "Lab Report".to_owned()),
                ("9".to_owned(), "Advance Directive / Living Will".to_owned()),
            ],
            category: "2".to_owned(),
            documents: vec![
                Row::sample(),
                Row {
                    id: "00000000-0000-0000-0000-000000000002".to_owned(),
                    name: "Report.pdf".to_owned(),
                    sender: "Donna Lee".to_owned(),
                    shared: false,
                    ..Row::sample()
                },
                Row {
                    id: "00000000-0000-0000-0000-000000000003".to_owned(),
                    name: "Card.png".to_owned(),
                    category: "Patient".to_owned(),
                    sender: "The patient".to_owned(),
                    pill: ("wait", "Nobody has looked yet"),
                    shows: true,
                    ..Row::sample()
                },
            ],
            older: "/staff/patients/7/documents?after=x".to_owned(),
            later: false,
        }
    }

    /// No document; somebody else was faster.
    pub fn sample_empty() -> Self {
        StaffDocuments {
            notice: "Somebody else was faster: the document had changed, and nothing was done. This is how it is now.",
            late: true,
            error: String::new(),
            documents: Vec::new(),
            older: String::new(),
            later: true,
            ..StaffDocuments::sample()
        }
    }
}
