//! The desk's requests of patients: what waits, and one of them with what it would change.

use super::frame::Frame;
use super::own_forms::PartView;
use super::own_forms::SignedView;
use crate::http::words::filters;
use crate::portal::work::CLOSED;
use askama::Template;

/// What waits for a decision, the oldest first.
#[derive(Debug, Template)]
#[template(path = "staff_reviews.html")]
pub struct StaffReviews {
    /// Title, practice, sandbox.
    pub frame: Frame,
    /// What has just been done, in a sentence; empty where nothing was.
    pub notice: &'static str,
    /// Whether nothing was done, because somebody else was faster.
    pub late: bool,
    /// The kinds: name, address, how many wait, whether it is shown.
    pub tabs: Vec<Tab>,
    /// What waits.
    pub waiting: Vec<Row>,
    /// How many more wait than are shown.
    pub more: usize,
}

/// One kind over the list.
#[derive(Debug, Clone)]
pub struct Tab {
    /// Its name.
    pub label: &'static str,
    /// Where it is listed.
    pub address: String,
    /// How many wait.
    pub count: i64,
    /// Whether it is the one that is shown.
    pub here: bool,
}

/// A request of the list.
#[derive(Debug, Clone)]
pub struct Row {
    /// Where it is decided.
    pub address: String,
    /// The patient's name.
    pub patient: String,
    /// The birth date; may be empty.
    pub born: String,
    /// Its kind.
    pub kind: &'static str,
    /// What it would change, or is about.
    pub what: Vec<String>,
    /// When it was sent.
    pub sent: String,
}

/// One request. Fields: `seen`, `part` (one for each that is taken over), `category`, `filed` (the category it lies under),
/// `reason`, `kind`, `csrf`; buttons `decision=accept|reject`.
#[derive(Debug, Template)]
#[template(path = "staff_review.html")]
pub struct StaffReview {
    /// Title, practice, sandbox.
    pub frame: Frame,
    /// The form token.
    pub csrf: String,
    /// What has just been done, in a sentence; empty where nothing was.
    pub notice: &'static str,
    /// Whether nothing was done, because somebody else was faster.
    pub late: bool,
    /// What was wrong; empty where nothing was.
    pub error: String,
    /// Where it is.
    pub address: String,
    /// The list it was opened from.
    pub list: String,
    /// The kind that is being worked through; empty for all.
    pub kind: String,
    /// The version that is shown.
    pub seen: String,
    /// Its kind, in a word.
    pub label: &'static str,
    /// The patient's name.
    pub patient: String,
    /// The birth date; may be empty.
    pub born: String,
    /// The patient's page.
    pub chart: String,
    /// When it was sent.
    pub sent: String,
    /// The patient's words; may be empty.
    pub note: String,
    /// What it is about, in words, where it is no change.
    pub about: String,
    /// What it would change.
    pub parts: Vec<Piece>,
    /// The document it is about.
    pub paper: Option<Paper>,
    /// The form it is about.
    pub form: Option<Filled>,
    /// Why the document or the form is not shown, and where it is decided that is not decided here; empty where it is.
    pub missing: &'static str,
    /// Colour and words of how far it is.
    pub pill: (&'static str, &'static str),
    /// Whether it waits and is decided here.
    pub open: bool,
    /// Who decided; empty where nobody did, or it is not known.
    pub by: String,
    /// Why it was refused; may be empty.
    pub why: String,
    /// The reason that was typed.
    pub typed: String,
    /// How many others wait.
    pub others: i64,
}

/// One thing that would change.
#[derive(Debug, Clone)]
pub struct Piece {
    /// The element, as the form says it.
    pub element: String,
    /// In words.
    pub label: String,
    /// Whether its values are words of ours.
    pub coded: bool,
    /// What stands now; may be empty.
    pub before: String,
    /// What is asked for; may be empty.
    pub after: String,
    /// Whether it is to be taken over.
    pub taken: bool,
    /// Why it was not; may be empty.
    pub why: String,
}

/// A form that was filled in and signed.
#[derive(Debug, Clone)]
pub struct Filled {
    /// Its questions, with what is answered.
    pub parts: Vec<PartView>,
    /// Its signature.
    pub signed: Option<SignedView>,
    /// Where it has none, the one OpenEMR's own portal took.
    pub elsewhere: Option<SignedView>,
    /// Where it is as a PDF.
    pub content: String,
}

/// A document that waits.
#[derive(Debug, Clone)]
pub struct Paper {
    /// Its name.
    pub name: String,
    /// Its type and size, in words.
    pub facts: String,
    /// Where its bytes are.
    pub content: String,
    /// Whether it can be shown on the page.
    pub picture: bool,
    /// The category it lies under.
    pub filed: String,
    /// The categories it can be filed under, and whether it is chosen.
    pub categories: Vec<(String, bool)>,
}

impl StaffReviews {
    /// One of each kind.
    pub fn sample() -> Self {
        let row = |id: &str, kind, what: &[&str]| Row {
            address: format!("/staff/reviews/{id}"),
            patient: "Ana Moreno".to_owned(),
            born: "1984-02-29".to_owned(),
            kind,
            what: what.iter().map(|one| (*one).to_owned()).collect(),
            sent: "2026-11-28 10:00".to_owned(),
        };
        let tab = |label, count, here| Tab {
            label,
            address: "/staff/reviews".to_owned(),
            count,
            here,
        };
        StaffReviews {
            frame: Frame::sample("Requests of patients"),
            notice: "Done. The patient reads that it was taken over.",
            late: false,
            tabs: vec![tab("All", 3, true), tab("Profile", 1, false)],
            waiting: vec![
                row("a", "Profile", &["City", "ZIP code"]),
                row("b", "Insurance", &["Policy number"]),
                row("c", "Document", &["report.pdf"]),
            ],
            more: 2,
        }
    }

    /// Nothing waits.
    pub fn sample_empty() -> Self {
        StaffReviews {
            notice: "",
            waiting: Vec::new(),
            more: 0,
            ..StaffReviews::sample()
        }
    }
}

impl StaffReview {
    /// A changed profile.
    pub fn sample() -> Self {
        let piece = |element: &str, label: &str, taken| Piece {
            element: element.to_owned(),
            label: label.to_owned(),
            coded: false,
            before: "Troy".to_owned(),
            after: "Albany".to_owned(),
            taken,
            why: String::new(),
        };
        StaffReview {
            frame: Frame::sample("Request of a patient"),
            csrf: "sample-form-token".to_owned(),
            notice: "The request was refused. The patient reads why.",
            late: false,
            error: "Say why, for the patient to read.".to_owned(),
            address: "/staff/reviews/a".to_owned(),
            list: "/staff/reviews?kind=profile".to_owned(),
            kind: "profile".to_owned(),
            seen: "00000000000000aa".to_owned(),
            label: "Profile",
            patient: "Ana Moreno".to_owned(),
            born: "1984-02-29".to_owned(),
            chart: "/staff/patients/x".to_owned(),
            sent: "2026-11-28 10:00".to_owned(),
            note: "We moved".to_owned(),
            about: String::new(),
            parts: vec![
                piece("Patient.address.city", "City", true),
                piece("Patient.birthDate", "Date of birth", false),
            ],
            paper: None,
            form: None,
            missing: "",
            pill: ("wait", "Waits for the practice"),
            open: true,
            by: String::new(),
            why: String::new(),
            typed: "Please bring proof".to_owned(),
            others: 2,
        }
    }

    /// A document with its picture.
    pub fn sample_document() -> Self {
        StaffReview {
            label: "Document",
            about: "report.png".to_owned(),
            parts: Vec::new(),
            paper: Some(Paper {
                name: "report.png".to_owned(),
                facts: "PNG, 12 KB".to_owned(),
                content: "/staff/reviews/a/content".to_owned(),
                picture: true,
                filed: "Patient".to_owned(),
                categories: vec![
                    ("Patient".to_owned(), true),
                    ("Lab Report".to_owned(), false),
                ],
            }),
            ..StaffReview::sample()
        }
    }

    /// A form with its answers.
    pub fn sample_form() -> Self {
        let part = |kind, text: &str, answer: &str| PartView {
            kind,
            text: text.to_owned(),
            answer: answer.to_owned(),
            ..PartView::default()
        };
        StaffReview {
            label: "Form",
            about: "Medical History".to_owned(),
            parts: Vec::new(),
            form: Some(Filled {
                parts: vec![
                    part("heading", "Health", ""),
                    part("line", "Allergies", "None"),
                    part("check", "Consent", "on"),
                ],
                signed: Some(SignedView {
                    name: "Ana Moreno".to_owned(),
                    picture: "data:image/svg+xml;base64,PHN2Zy8+".to_owned(),
                    at: "2026-11-28 10:00".to_owned(),
                    note: "The form was changed after it was signed.",
                }),
                elsewhere: None,
                content: "/staff/reviews/a/content".to_owned(),
            }),
            ..StaffReview::sample()
        }
    }

    /// A document whoever looks may not open.
    pub fn sample_closed() -> Self {
        StaffReview {
            label: "Document",
            about: "report.png".to_owned(),
            parts: Vec::new(),
            missing: CLOSED,
            open: false,
            ..StaffReview::sample()
        }
    }

    /// One that was decided.
    pub fn sample_decided() -> Self {
        let mut page = StaffReview {
            notice: "Somebody was faster: the request had changed, and nothing was done. This is how it is now.",
            late: true,
            error: String::new(),
            pill: ("warn", "Taken over in part"),
            open: false,
            by: "Nora Haddad".to_owned(),
            others: 0,
            ..StaffReview::sample()
        };
        for piece in &mut page.parts {
            if !piece.taken {
                piece.why = "Please bring proof".to_owned();
            }
        }
        page
    }
}
