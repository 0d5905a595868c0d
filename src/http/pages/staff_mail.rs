//! The delivery log: which letters went out, and what the mail server said.

use super::frame::Frame;
use crate::http::words::filters;
use askama::Template;

/// Letters, the newest first. Fields of each one's form: `letter`, `status`, `patient`, `csrf`, buttons
/// `decision=again|withdraw`. The search is a GET with `patient`.
#[derive(Debug, Template)]
#[template(path = "staff_mail.html")]
pub struct StaffMail {
    /// Title, practice, sandbox.
    pub frame: Frame,
    /// The form token.
    pub csrf: String,
    /// What has just been done, in a sentence; empty where nothing was.
    pub notice: &'static str,
    /// Why no letter leaves at all, in a sentence; empty where they do.
    pub stopped: &'static str,
    /// The states to choose from.
    pub tabs: Vec<Tab>,
    /// The word of the state that is chosen; empty where none is.
    pub status: &'static str,
    /// The FHIR id of the patient whose letters are shown; empty where it is not one.
    pub patient: String,
    /// Whether patients may be searched for here.
    pub may_search: bool,
    /// What was searched for.
    pub search: String,
    /// The patient whose letters are shown, where it is one: name, and the address without that.
    pub only: Option<(String, String)>,
    /// The patients that fit the search, where several do: name and address of their letters.
    pub several: Vec<(String, String)>,
    /// The letters.
    pub letters: Vec<LetterRow>,
    /// Where the newest are, on a later page.
    pub newest: Option<String>,
    /// Where older ones are.
    pub older: Option<String>,
}

/// A state to choose.
#[derive(Debug, Clone)]
pub struct Tab {
    /// In words.
    pub name: &'static str,
    /// Where it leads.
    pub address: String,
    /// Whether it is the one shown.
    pub open: bool,
    /// How many; 0 where it is not told.
    pub count: i64,
}

/// A letter of the log.
#[derive(Debug, Clone)]
pub struct LetterRow {
    /// Its number.
    pub id: i64,
    /// Which, in words.
    pub kind: &'static str,
    /// Whose account it is about; empty where nobody's.
    pub patient: String,
    /// Where that patient's letters are.
    pub patient_address: String,
    /// The masked address.
    pub to: String,
    /// Class and word of the state.
    pub state: (&'static str, &'static str),
    /// When it was written.
    pub written: String,
    /// When it is tried next, or was over; empty where neither.
    pub then: String,
    /// How often it was tried.
    pub tries: i64,
    /// What the mail server said.
    pub answer: String,
    /// Whether it can be sent again.
    pub again: bool,
    /// Whether it can be taken back.
    pub withdraw: bool,
}

impl LetterRow {
    fn sample(id: i64, state: (&'static str, &'static str), answer: &str) -> Self {
        Self {
            id,
            kind: "Password reset",
            patient: "Maria Moreno".to_owned(),
            patient_address: "/staff/mail?patient=0b7f1d3e-5f0c-4c1e-9d0b-4f5e9d5e3f0a".to_owned(),
            to: "m•••@mail.example".to_owned(),
            state,
            written: "2026-11-28 09:30".to_owned(),
            then: "2026-11-28 09:35".to_owned(),
            tries: 2,
            answer: answer.to_owned(),
            again: state.0 == "bad",
            withdraw: state.0 == "wait",
        }
    }
}

impl StaffMail {
    /// A letter in each state.
    pub fn sample() -> Self {
        let tab = |name, open, count| Tab {
            name,
            address: "/staff/mail?status=dead".to_owned(),
            open,
            count,
        };
        Self {
            frame: Frame::sample("Letters"),
            csrf: "sample-form-token".to_owned(),
            notice: "The letter is sent once more.",
            stopped: "",
            tabs: vec![tab("All", true, 0), tab("Not delivered", false, 1)],
            status: "",
            patient: String::new(),
            may_search: true,
            search: String::new(),
            only: None,
            several: Vec::new(),
            letters: vec![
                LetterRow::sample(4, ("wait", "Waits"), "451 4.7.1 (address) greylisted"),
                LetterRow::sample(3, ("good", "Sent"), "250 2.0.0 OK queued as 17"),
                LetterRow::sample(2, ("bad", "Not delivered"), "550 5.1.1 User unknown"),
                LetterRow::sample(1, ("off", "Taken back"), ""),
            ],
            newest: None,
            older: Some("/staff/mail?before=1".to_owned()),
        }
    }

    /// No letter, and none can leave.
    pub fn sample_empty() -> Self {
        Self {
            notice: "",
            stopped: "No letter leaves: no mail server is set up.",
            letters: Vec::new(),
            older: None,
            ..Self::sample()
        }
    }

    /// Several patients fit, on a later page.
    pub fn sample_of_a_search() -> Self {
        let address = "/staff/mail?patient=0b7f1d3e-5f0c-4c1e-9d0b-4f5e9d5e3f0a".to_owned();
        Self {
            search: "mor".to_owned(),
            several: vec![("Maria Moreno".to_owned(), address.clone())],
            only: Some(("Maria Moreno".to_owned(), "/staff/mail".to_owned())),
            newest: Some("/staff/mail".to_owned()),
            ..Self::sample()
        }
    }
}
