//! The login form of staff, and the list they choose a patient from while an app waits.

use super::frame::Frame;
use super::login::AskingApp;
use crate::http::words::filters;
use askama::Template;

/// The login page. Fields: `username`, `password`, `csrf`; with an identity provider there is a link instead.
#[derive(Debug, Template)]
#[template(path = "staff_login.html")]
pub struct StaffLogin {
    /// Title, practice, sandbox.
    pub frame: Frame,
    /// Where the form posts to.
    pub action: String,
    /// The session's form token.
    pub csrf: String,
    /// The app that asks; `None` before a page of our own.
    pub app: Option<AskingApp>,
    /// Where the login at the practice's identity provider begins, where there is one.
    pub provider: Option<String>,
    /// The login form of patients, for the same request; empty where staff started the app.
    pub patients: String,
    /// What was typed as username before, or empty.
    pub username: String,
    /// The one sentence for every wrong login.
    pub error: Option<String>,
    /// The sentence shown when there were too many tries; says how long to wait.
    pub wait: Option<String>,
}

/// The list of patients. Fields: `search`, `csrf`; buttons `patient=<FHIR id>`, `decision=deny` and
/// `decision=other`, for a patient to log in instead.
#[derive(Debug, Template)]
#[template(path = "choose_patient.html")]
pub struct ChoosePatient {
    /// Title, practice, sandbox.
    pub frame: Frame,
    /// Where the forms post to.
    pub action: String,
    /// The session's form token.
    pub csrf: String,
    /// The app that asks.
    pub app: Option<AskingApp>,
    /// What was searched for before, or empty.
    pub search: String,
    /// What was found; `None` before a search.
    pub found: Option<Vec<PatientRow>>,
    /// True where there are more than are shown.
    pub more: bool,
    /// What was wrong with the choice.
    pub error: Option<String>,
    /// True where this member of staff may not see patients: then there is no search, only the ways out.
    pub barred: bool,
    /// True where staff started the app: then nobody else can go on.
    pub launched: bool,
}

/// A patient as staff tell one from another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PatientRow {
    /// FHIR id.
    pub id: String,
    /// Name, fit to be shown.
    pub name: String,
    /// `1984-02-29`, or "unknown".
    pub born: String,
    /// As the chart has it; may be empty.
    pub sex: String,
    /// The chart's number.
    pub number: String,
}

impl PatientRow {
    /// An invented patient.
    pub fn sample() -> Self {
        PatientRow {
            id: "8c1f1d3e-5f0c-4c1e-9d0b-4f5e9d5e3f0a".to_owned(),
            name: "Ana Moreno".to_owned(),
            born: "1984-02-29".to_owned(),
            sex: "Female".to_owned(),
            number: "1".to_owned(),
        }
    }
}

impl StaffLogin {
    /// The empty form.
    pub fn sample() -> Self {
        StaffLogin {
            frame: Frame::sample("Staff login"),
            action: "/login/staff?request=r".to_owned(),
            csrf: "sample-form-token".to_owned(),
            app: Some(AskingApp::sample()),
            provider: None,
            patients: "/login?request=r".to_owned(),
            username: String::new(),
            error: None,
            wait: None,
        }
    }

    /// The form after a wrong login, before a page of our own.
    pub fn sample_refused() -> Self {
        StaffLogin {
            app: None,
            username: "lpark".to_owned(),
            error: Some("These details do not match. Check them and try again.".to_owned()),
            ..StaffLogin::sample()
        }
    }

    /// With an identity provider.
    pub fn sample_elsewhere() -> Self {
        StaffLogin {
            provider: Some("/login/staff/start?request=r".to_owned()),
            ..StaffLogin::sample()
        }
    }

    /// The id of the form's error, for each field to name; empty where there is none.
    fn error_id(&self) -> &'static str {
        if self.error.is_some() {
            "login-error"
        } else {
            ""
        }
    }
}

impl ChoosePatient {
    /// A search that found one and many more.
    pub fn sample() -> Self {
        ChoosePatient {
            frame: Frame::sample("Choose a patient"),
            action: "/login/choose-patient?request=r".to_owned(),
            csrf: "sample-form-token".to_owned(),
            app: Some(AskingApp::sample()),
            search: "mor".to_owned(),
            found: Some(vec![PatientRow::sample()]),
            more: true,
            error: None,
            barred: false,
            launched: false,
        }
    }

    /// A search that found nobody.
    pub fn sample_empty() -> Self {
        ChoosePatient {
            found: Some(Vec::new()),
            more: false,
            error: Some("There is no such patient. Please search again.".to_owned()),
            ..ChoosePatient::sample()
        }
    }
}
