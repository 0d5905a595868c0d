//! `/account/apps`: every app somebody allowed, and the way to narrow or end it.

use super::frame::Frame;
use super::scope_words::{self, Reader, ScopeGroup};
use crate::http::words::filters;
use askama::Template;

/// The list of apps. Fields of each form: `scope` (many), `csrf`; buttons `decision=narrow` and `decision=end`.
#[derive(Debug, Template)]
#[template(path = "apps.html")]
pub struct Apps {
    /// Title, practice, sandbox.
    pub frame: Frame,
    /// The form token.
    pub csrf: String,
    /// Whose apps, by name.
    pub name: String,
    /// True for a member of staff.
    pub staff: bool,
    /// Who else is logged in in this browser, by name: a patient beside a member of staff.
    pub other: Option<String>,
    /// What has just been done, in a sentence; empty where nothing was.
    pub notice: &'static str,
    /// The apps, the newest first.
    pub apps: Vec<AppCard>,
}

/// One connection of an app.
#[derive(Debug, Clone)]
pub struct AppCard {
    /// Where its form posts to.
    pub action: String,
    /// The app's name, fit to be shown.
    pub name: String,
    /// The host of its redirect address.
    pub host: String,
    /// Its home page, where it has one on the web.
    pub home: Option<String>,
    /// True where the practice vouches for the app.
    pub verified: bool,
    /// For staff: the patient it was opened for; empty where there is none.
    pub patient: String,
    /// When it was allowed.
    pub allowed: String,
    /// When it ends, as a sentence.
    pub ends: String,
    /// When it was last used, and how often, as a sentence.
    pub used: String,
    /// Its scopes in plain words.
    pub groups: Vec<ScopeGroup>,
    /// Whether there is anything to take out.
    pub narrowable: bool,
}

impl Apps {
    /// A patient with two apps, just after ending a third.
    pub fn sample() -> Self {
        let card = |grant: &str, name: &str, asked: &[&str]| AppCard {
            action: format!("/account/apps/{grant}"),
            name: name.to_owned(),
            host: "diary.example".to_owned(),
            home: None,
            verified: grant == "one",
            patient: String::new(),
            allowed: "21 November 2026, 14:05".to_owned(),
            ends: "On 21 November 2027 at the latest, or after 100 days without use".to_owned(),
            used: "22 November 2026, 09:10; 12 times in all".to_owned(),
            groups: scope_words::groups(Reader::Patient, asked, &["openid", "launch/patient"]),
            narrowable: true,
        };
        let asked = [
            "openid",
            "launch/patient",
            "offline_access",
            "patient/Appointment.rus",
            "patient/Communication.rs",
        ];
        Apps {
            frame: Frame::sample("Your apps"),
            csrf: "sample-form-token".to_owned(),
            name: "Ana Moreno".to_owned(),
            staff: false,
            other: None,
            notice: "The app's access has ended.",
            apps: vec![
                card("one", "Health Diary", &asked),
                card("two", "Pill Box", &["launch/patient", "patient/Patient.rs"]),
            ],
        }
    }

    /// Somebody without any app.
    pub fn sample_empty() -> Self {
        Apps {
            notice: "",
            apps: Vec::new(),
            ..Apps::sample()
        }
    }
}
