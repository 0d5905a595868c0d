//! `/account`: where a person who is logged in begins.

use super::frame::Frame;
use crate::http::words::filters;
use askama::Template;

/// The home of somebody who is logged in.
#[derive(Debug, Template)]
#[template(path = "account.html")]
pub struct Account {
    /// Title, practice, sandbox.
    pub frame: Frame,
    /// Who is logged in, by name.
    pub name: String,
    /// How many apps may use the record now.
    pub apps: usize,
    /// True for a member of staff.
    pub staff: bool,
    /// Who else is logged in in this browser, by name: a patient beside a member of staff.
    pub other: Option<String>,
}

impl Account {
    /// A patient with two apps.
    pub fn sample() -> Self {
        Account {
            frame: Frame::sample("Your account"),
            name: "Ana Moreno".to_owned(),
            apps: 2,
            staff: false,
            other: None,
        }
    }

    /// A member of staff without any.
    pub fn sample_of_staff() -> Self {
        Account {
            name: "Dr. Lena Park".to_owned(),
            apps: 0,
            staff: true,
            other: Some("Ana Moreno".to_owned()),
            ..Account::sample()
        }
    }
}
