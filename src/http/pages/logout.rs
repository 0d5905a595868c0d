//! The page that asks whether to log out, and the one that says it is done.

use super::frame::Frame;
use crate::http::words::filters;
use askama::Template;

/// The question.
#[derive(Debug, Template)]
#[template(path = "logout.html")]
pub struct LogOut {
    /// Title, practice, sandbox.
    pub frame: Frame,
    /// Where the form posts to.
    pub action: String,
    /// The browser's form token.
    pub csrf: String,
    /// Who is logged in here: a patient, a member of staff, or both.
    pub names: Vec<String>,
}

/// What is shown afterwards.
#[derive(Debug, Template)]
#[template(path = "logged_out.html")]
pub struct LoggedOut {
    /// Title, practice, sandbox.
    pub frame: Frame,
    /// Names of the apps that stay connected.
    pub connected: Vec<String>,
    /// Whether it was a patient, who is told of a record; staff are told of their work.
    pub patient: bool,
}

impl LogOut {
    /// A patient who is asked.
    pub fn sample() -> Self {
        LogOut {
            frame: Frame::sample("Log out"),
            action: "/account/logout".to_owned(),
            csrf: "sample".to_owned(),
            names: vec!["Maria Alvarez".to_owned()],
        }
    }
}

impl LoggedOut {
    /// A patient with an app that stays connected.
    pub fn sample() -> Self {
        LoggedOut {
            frame: Frame::sample("You are logged out"),
            connected: vec!["Health Diary".to_owned()],
            patient: true,
        }
    }

    /// Somebody without any.
    pub fn sample_without_apps() -> Self {
        LoggedOut {
            connected: Vec::new(),
            ..Self::sample()
        }
    }
}
