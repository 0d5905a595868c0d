//! The pages of the staff desk for apps: starting an app for a patient, deciding about apps.

use super::frame::Frame;
use super::scope_words::{self, Reader, ScopeGroup};
use super::staff_login::PatientRow;
use crate::http::words::filters;
use askama::Template;

/// Starting an app. Fields: `client_id`, `search`, `csrf`, buttons `patient=<FHIR id>`; then `encounter`.
#[derive(Debug, Template)]
#[template(path = "staff_launch.html")]
pub struct StaffLaunch {
    /// Title, practice, sandbox.
    pub frame: Frame,
    /// The form token.
    pub csrf: String,
    /// The apps that can be started.
    pub apps: Vec<Startable>,
    /// What was searched for before, or empty.
    pub search: String,
    /// What was found; `None` before a search.
    pub found: Option<Vec<PatientRow>>,
    /// True where there are more than are shown.
    pub more: bool,
    /// What was wrong.
    pub error: Option<String>,
    /// App and patient, once both are chosen.
    pub ready: Option<Ready>,
}

/// An app that can be started.
#[derive(Debug, Clone)]
pub struct Startable {
    /// OAuth client id.
    pub client_id: String,
    /// The app's name, fit to be shown.
    pub name: String,
    /// The host of its launch address.
    pub host: String,
    /// True where the practice vouches for it.
    pub verified: bool,
    /// True where it is the one chosen.
    pub chosen: bool,
}

/// An app and a patient, before the button that starts it.
#[derive(Debug, Clone)]
pub struct Ready {
    /// The app's name, fit to be shown.
    pub app: String,
    /// OAuth client id.
    pub client_id: String,
    /// The host of its launch address.
    pub host: String,
    /// The patient.
    pub patient: PatientRow,
    /// The patient's visits, the newest first; none where the reader may not see them.
    pub visits: Vec<VisitRow>,
}

/// A visit to start an app about.
#[derive(Debug, Clone)]
pub struct VisitRow {
    /// FHIR id.
    pub id: String,
    /// Day and time.
    pub when: String,
    /// Why; may be empty.
    pub reason: String,
}

/// Deciding about apps. Fields: `client_id`, `csrf`; buttons `decision=vouch|approve|decline|disable`.
#[derive(Debug, Template)]
#[template(path = "staff_apps.html")]
pub struct StaffApps {
    /// Title, practice, sandbox.
    pub frame: Frame,
    /// The form token.
    pub csrf: String,
    /// What has just been done, in a sentence; empty where nothing was.
    pub notice: &'static str,
    /// The apps that wait, the one that waits longest first.
    pub waiting: Vec<RegisteredApp>,
    /// The apps in use, by name.
    pub in_use: Vec<RegisteredApp>,
}

/// An app as staff judge it.
#[derive(Debug, Clone)]
pub struct RegisteredApp {
    /// OAuth client id.
    pub client_id: String,
    /// The app's name, fit to be shown.
    pub name: String,
    /// What is known about it: name and value.
    pub facts: Vec<(&'static str, String)>,
    /// What it may ask for, in plain words.
    pub groups: Vec<ScopeGroup>,
    /// True where no person is asked when it works: a backend service.
    pub alone: bool,
}

impl StaffLaunch {
    /// A search that found one.
    pub fn sample() -> Self {
        StaffLaunch {
            frame: Frame::sample("Start an app"),
            csrf: "sample-form-token".to_owned(),
            apps: vec![Startable {
                client_id: "growth".to_owned(),
                name: "Growth Chart".to_owned(),
                host: "growth.example".to_owned(),
                verified: false,
                chosen: true,
            }],
            search: "mor".to_owned(),
            found: Some(vec![PatientRow::sample()]),
            more: false,
            error: None,
            ready: None,
        }
    }

    /// App and patient chosen.
    pub fn sample_ready() -> Self {
        StaffLaunch {
            ready: Some(Ready {
                app: "Growth Chart".to_owned(),
                client_id: "growth".to_owned(),
                host: "growth.example".to_owned(),
                patient: PatientRow::sample(),
                visits: vec![VisitRow {
                    id: "0b7f1d3e-5f0c-4c1e-9d0b-4f5e9d5e3f0a".to_owned(),
                    when: "2026-11-20 09:30".to_owned(),
                    reason: "Check-up".to_owned(),
                }],
            }),
            ..StaffLaunch::sample()
        }
    }

    /// No app can be started.
    pub fn sample_empty() -> Self {
        StaffLaunch {
            apps: Vec::new(),
            found: None,
            error: Some("Choose an app.".to_owned()),
            ..StaffLaunch::sample()
        }
    }
}

impl StaffApps {
    /// One app of each kind.
    pub fn sample() -> Self {
        let app = |name: &str, asked: &[&str]| RegisteredApp {
            client_id: name.to_lowercase().replace(' ', "-"),
            name: name.to_owned(),
            facts: vec![
                (
                    "Kind",
                    "Without a secret, such as an app on a phone".to_owned(),
                ),
                (
                    "Sends people back to",
                    "https://growth.example/callback".to_owned(),
                ),
            ],
            groups: scope_words::groups(Reader::Staff, asked, &[]),
            alone: false,
        };
        StaffApps {
            frame: Frame::sample("Apps"),
            csrf: "sample-form-token".to_owned(),
            notice: "The app was let in.",
            waiting: vec![app("Growth Chart", &["launch", "user/Patient.rs"])],
            in_use: vec![app("Health Diary", &["launch/patient", "patient/*.rs"])],
        }
    }

    /// Nothing to decide.
    pub fn sample_empty() -> Self {
        StaffApps {
            notice: "",
            waiting: Vec::new(),
            in_use: Vec::new(),
            ..StaffApps::sample()
        }
    }
}
