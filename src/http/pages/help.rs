//! `/help`: trouble with access, for patients.

use super::frame::Frame;
use crate::http::words::filters;
use askama::Template;

/// The help page.
#[derive(Debug, Template)]
#[template(path = "help.html")]
pub struct Help {
    /// Title, practice, sandbox.
    pub frame: Frame,
    /// The practice's phone number, where it is known.
    pub phone: Option<String>,
    /// The practice's e-mail address, where it is known.
    pub email: Option<String>,
}

impl Help {
    /// A practice with phone and e-mail.
    pub fn sample() -> Self {
        Help {
            frame: Frame::sample("Help"),
            phone: Some("(555) 010-4477".to_owned()),
            email: Some("desk@linden.example".to_owned()),
        }
    }
}
