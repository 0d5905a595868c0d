//! The consent page: who asks, for whose record, and for what; one checkbox a scope.

use super::frame::Frame;
use super::login::AskingApp;
use super::scope_words::{self, Reader, ScopeGroup};
use crate::http::words::filters;
use askama::Template;

/// The consent page. Fields: `scope` (many), `csrf`; buttons `decision=approve` and `decision=deny`;
/// `other` for somebody else to log in, `patients` for another patient.
#[derive(Debug, Template)]
#[template(path = "consent.html")]
pub struct Consent {
    /// Title, practice, sandbox.
    pub frame: Frame,
    /// Where the form posts to.
    pub action: String,
    /// The session's form token.
    pub csrf: String,
    /// The app that asks.
    pub app: AskingApp,
    /// Its home page, where it has one on the web.
    pub home: Option<String>,
    /// True where the practice vouches for the app.
    pub verified: bool,
    /// The member of staff who is asked; `None` where it is the patient.
    pub staff: Option<String>,
    /// Whose record, by name; "Every patient you may see" where staff chose none.
    pub record: String,
    /// True where the app also asks beyond the one record: staff's own view.
    pub beyond: bool,
    /// True where staff started the app: then nobody else can go on, and for nobody else.
    pub launched: bool,
    /// True where staff chose the patient on the page before, and may choose another.
    pub picked: bool,
    /// The scopes in plain words, in the order they are shown; see [`scope_words::groups`].
    pub groups: Vec<ScopeGroup>,
    /// What the app asked for and does not get here, fit to be shown.
    pub dropped: Vec<String>,
    /// How many more of those there were.
    pub more: usize,
}

impl Consent {
    /// An app that asks a patient for reading, cancelling and staying connected.
    pub fn sample() -> Self {
        let asked = [
            "openid",
            "fhirUser",
            "launch/patient",
            "offline_access",
            "patient/Patient.rs",
            "patient/Appointment.rus",
            "patient/Communication.read",
            "patient/DocumentReference.rs?category=clinical-note",
            "patient/Binary.r",
        ];
        Consent {
            frame: Frame::sample("Allow access"),
            action: "/oauth2/consent".to_owned(),
            csrf: "sample-form-token".to_owned(),
            app: AskingApp::sample(),
            home: Some("https://diary.example/about".to_owned()),
            verified: false,
            staff: None,
            record: "Ana Moreno".to_owned(),
            beyond: false,
            launched: false,
            picked: false,
            groups: scope_words::groups(Reader::Patient, &asked, &["openid", "launch/patient"]),
            dropped: vec!["patient/Observation.rs".to_owned()],
            more: 0,
        }
    }

    /// An app that staff opened for one patient and that also asks for everybody they may see.
    pub fn sample_of_staff() -> Self {
        let asked = [
            "openid",
            "launch",
            "online_access",
            "patient/Appointment.rs",
            "user/Appointment.rs",
        ];
        Consent {
            home: None,
            verified: true,
            staff: Some("Dr. Lena Park".to_owned()),
            beyond: true,
            picked: true,
            groups: scope_words::groups(Reader::Staff, &asked, &["openid", "launch"]),
            dropped: Vec::new(),
            ..Consent::sample()
        }
    }
}
