//! `/account`: where a person who is logged in begins.

use super::activity::Deed;
use super::documents::Row;
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
    /// What there is for a patient; `None` for a member of staff.
    pub own: Option<Own>,
    /// Who else is logged in in this browser, by name: a patient beside a member of staff.
    pub other: Option<String>,
}

/// What there is for a patient.
#[derive(Debug, Clone, Default)]
pub struct Own {
    /// The visits; `None` while the practice's portal is off.
    pub visits: Option<Visits>,
    /// How many messages are unread; `None` while the practice's portal is off.
    pub unread: Option<i64>,
    /// How many forms wait to be filled in and signed; `None` while the practice's portal is off.
    pub forms: Option<usize>,
    /// The newest documents of the record; `None` while the practice's portal is off.
    pub documents: Option<Vec<Row>>,
    /// Who else looked at the record, the newest first; `None` while the practice's portal is off.
    pub looks: Option<Vec<Deed>>,
}

/// Visits in short.
#[derive(Debug, Clone, Default)]
pub struct Visits {
    /// The next few.
    pub next: Vec<Visit>,
    /// How many are to come in all.
    pub coming: usize,
    /// How many wait for the patient's answer.
    pub answers: usize,
}

/// A visit in a line.
#[derive(Debug, Clone)]
pub struct Visit {
    /// FHIR id.
    pub id: String,
    /// Which day.
    pub day: String,
    /// At which time.
    pub clock: String,
    /// With whom; may be empty.
    pub with: String,
    /// The pill's class and words.
    pub state: (&'static str, &'static str),
}

impl Account {
    /// A patient with two apps.
    pub fn sample() -> Self {
        Account {
            frame: Frame::sample("Your account"),
            name: "Ana Moreno".to_owned(),
            apps: 2,
            own: Some(Own {
                visits: Some(Visits {
                    next: vec![Visit {
                        id: "0b8f7a52-0000-4000-8000-000000000001".to_owned(),
                        day: "Tuesday, 24 November 2026".to_owned(),
                        clock: "09:15".to_owned(),
                        with: "Dr. Lena Park".to_owned(),
                        state: ("warn", "The practice proposes this time"),
                    }],
                    coming: 2,
                    answers: 1,
                }),
                unread: Some(2),
                forms: Some(1),
                documents: Some(vec![Row::sample()]),
                looks: Some(vec![Deed::sample("Donna Lee", "Opened the chart", "Done")]),
            }),
            other: None,
        }
    }

    /// A patient for whom there is nothing yet.
    pub fn sample_new() -> Self {
        Account {
            apps: 0,
            own: Some(Own {
                visits: Some(Visits::default()),
                unread: Some(0),
                forms: Some(0),
                documents: Some(Vec::new()),
                looks: Some(Vec::new()),
            }),
            ..Account::sample()
        }
    }

    /// The practice's portal is off: only the account itself is left.
    pub fn sample_off() -> Self {
        Account {
            own: Some(Own::default()),
            ..Account::sample()
        }
    }

    /// A member of staff without any.
    pub fn sample_of_staff() -> Self {
        Account {
            name: "Dr. Lena Park".to_owned(),
            apps: 0,
            own: None,
            other: Some("Ana Moreno".to_owned()),
            ..Account::sample()
        }
    }
}
