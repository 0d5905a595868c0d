//! The consent page: what an app asks for, one checkbox a scope.

use super::frame::Frame;
use super::login::AskingApp;
use super::scope_words::{self, ScopeGroup};
use askama::Template;

/// The consent page. Fields: `scope` (many), `csrf`; buttons `decision=approve` and `decision=deny`.
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
    /// True where the practice vouches for the app.
    pub verified: bool,
    /// The name of the patient whose record it is.
    pub patient: String,
    /// The scopes in plain words, in the order they are shown; see [`scope_words::groups`].
    pub groups: Vec<ScopeGroup>,
    /// How long an app may stay connected, in words: "90 days".
    pub connection_lasts: String,
}

impl Consent {
    /// An app that asks for reading, cancelling and staying connected.
    pub fn sample() -> Self {
        let asked = [
            "openid",
            "fhirUser",
            "launch/patient",
            "offline_access",
            "patient/Patient.rs",
            "patient/Appointment.rus",
            "patient/Communication.rs",
            "patient/DocumentReference.rs",
            "patient/Binary.r",
        ];
        Consent {
            frame: Frame::sample("Allow access"),
            action: "/oauth2/consent".to_owned(),
            csrf: "sample-form-token".to_owned(),
            app: AskingApp::sample(),
            verified: false,
            patient: "Ana Moreno".to_owned(),
            groups: scope_words::groups(&asked, &["openid", "launch/patient"]),
            connection_lasts: "90 days".to_owned(),
        }
    }
}
