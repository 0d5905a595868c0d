//! `/staff/patients/{id}/forms`: what forms a patient has, and what may be put before them.

use super::frame::Frame;
use super::own_forms::FormRow;
use crate::http::words::filters;
use askama::Template;

/// A patient's forms at the desk. Fields: `template`, `category`, `form`, `csrf`; buttons `decision=put|tablet`.
#[derive(Debug, Template)]
#[template(path = "staff_forms.html")]
pub struct StaffForms {
    /// Title, practice, sandbox.
    pub frame: Frame,
    /// The form token.
    pub csrf: String,
    /// Where it is sent.
    pub action: String,
    /// Where the patient's page is.
    pub back: String,
    /// The patient's name.
    pub name: String,
    /// What has just been done; empty where nothing was.
    pub notice: &'static str,
    /// What was wrong; empty where nothing was.
    pub errors: Vec<String>,
    /// What may be put before the patient: id and title.
    pub templates: Vec<(String, String)>,
    /// The categories of the chart.
    pub categories: Vec<String>,
    /// The patient's forms.
    pub forms: Vec<FormRow>,
    /// Where older ones are; empty where there are none.
    pub older: String,
    /// A tablet to be handed over: the form's title, the address, and the square code as a data URI.
    pub tablet: Option<(String, String, String)>,
    /// The tablets that were: title, when, and how far each is.
    pub tablets: Vec<(String, String, &'static str)>,
}

impl StaffForms {
    /// One form that waits.
    pub fn sample() -> Self {
        StaffForms {
            frame: Frame::sample("Forms"),
            csrf: "sample-form-token".to_owned(),
            action: "/staff/patients/a/forms".to_owned(),
            back: "/staff/patients/a".to_owned(),
            name: "Ana Kim".to_owned(),
            notice: "The form waits for the patient now.",
            errors: vec!["This form waits for the patient already.".to_owned()],
            templates: vec![("b".to_owned(), "Medical History".to_owned())],
            categories: vec!["Reviewed".to_owned()],
            forms: vec![FormRow::sample()],
            older: "/staff/patients/a/forms?behind=b".to_owned(),
            tablet: Some((
                "Medical History".to_owned(),
                "https://portal.example/sign/token".to_owned(),
                "data:image/svg+xml;base64,PHN2Zy8+".to_owned(),
            )),
            tablets: vec![(
                "Medical History".to_owned(),
                "2026-11-29 10:00".to_owned(),
                "Waits to be opened",
            )],
        }
    }

    /// Nothing there.
    pub fn sample_empty() -> Self {
        StaffForms {
            notice: "",
            errors: Vec::new(),
            templates: Vec::new(),
            forms: Vec::new(),
            older: String::new(),
            tablet: None,
            tablets: Vec::new(),
            ..StaffForms::sample()
        }
    }
}
