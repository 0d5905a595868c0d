//! The onboarding page: every patient with the state of the account, and the page before many are invited at once.

use super::frame::Frame;
use super::jobs::Recent;
use crate::http::words::filters;
use askama::Template;

/// The list. Fields: `search`, `status` (GET); `patient`, `attested`, `csrf`, buttons `do` (POST).
#[derive(Debug, Template)]
#[template(path = "onboarding.html")]
pub struct Onboarding {
    /// Title, practice, sandbox.
    pub frame: Frame,
    /// The form token.
    pub csrf: String,
    /// The address of this very page, where its form goes.
    pub action: String,
    /// What was just done; empty where nothing was.
    pub notice: String,
    /// What was wrong; empty where nothing was.
    pub error: String,
    /// Whether the practice's portal is on.
    pub portal_on: bool,
    /// Why no letter can leave at all.
    pub post: Option<&'static str>,
    /// Why many cannot be invited at once.
    pub one_by_one: Option<String>,
    /// The states with their numbers.
    pub tabs: Vec<Tab>,
    /// The state that is shown, as the address says it.
    pub status: String,
    /// What was searched for.
    pub search: String,
    /// How many fit, where that is known.
    pub total: Option<usize>,
    /// The page before this one.
    pub before: Option<String>,
    /// The page after this one.
    pub after: Option<String>,
    /// The same list as a table for a spreadsheet.
    pub csv: String,
    /// The newest jobs.
    pub jobs: Vec<Recent>,
    /// The patients.
    pub rows: Vec<Row>,
}

/// A state with its number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tab {
    /// In words.
    pub title: &'static str,
    /// Where it is.
    pub address: String,
    /// How many patients.
    pub count: usize,
    /// Whether it is the one that is shown.
    pub current: bool,
}

/// A patient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// FHIR id.
    pub id: String,
    /// Name, fit to be shown.
    pub name: String,
    /// `1984-02-29`, or "unknown".
    pub born: String,
    /// The chart's number.
    pub number: String,
    /// The colour of the state.
    pub colour: &'static str,
    /// The state in words.
    pub words: &'static str,
    /// What is missing.
    pub missing: Vec<&'static str>,
    /// The address letters go to, so that whoever knows it recognises it; empty where there is none.
    pub email: String,
    /// How many other charts have the same one.
    pub sharing: i64,
    /// The last letter, in a sentence.
    pub letter: Option<String>,
    /// Whether access can be enabled.
    pub can_enable: bool,
    /// Whether somebody has to make sure who reads the mailbox.
    pub attests: bool,
    /// What the button says that sends a letter; `None` where none can go.
    pub sends: Option<&'static str>,
    /// Whether a letter can go once access is enabled.
    pub sends_then: bool,
}

/// Before many are invited. Fields: `patient` or `everybody`, `ticket`, `enable`, `attestation`, `csrf`; button
/// `do=start`.
#[derive(Debug, Template)]
#[template(path = "onboarding_confirm.html")]
pub struct Confirm {
    /// Title, practice, sandbox.
    pub frame: Frame,
    /// The form token.
    pub csrf: String,
    /// Where the form goes.
    pub action: String,
    /// The list.
    pub back: String,
    /// What was wrong; empty where nothing was.
    pub error: &'static str,
    /// The fields that say whom it is about.
    pub hidden: Vec<(&'static str, String)>,
    /// The number of this form.
    pub ticket: String,
    /// How many were chosen.
    pub total: usize,
    /// How many get a letter as things are.
    pub can: usize,
    /// How many more do where access is enabled.
    pub more: usize,
    /// How many of them have a mailbox that others have too.
    pub shared: usize,
    /// Who cannot get one: why, and how many.
    pub cannot: Vec<(String, usize)>,
    /// For how many hours somebody who had a letter gets none.
    pub hours: i64,
    /// Whether enabling was ticked before.
    pub enable: bool,
}

/// A PIN that goes with a letter: it is read out to the patient.
#[derive(Debug, Template)]
#[template(path = "onboarding_pin.html")]
pub struct PinToRead {
    /// Title, practice, sandbox.
    pub frame: Frame,
    /// Whose.
    pub name: String,
    /// Where the letter goes.
    pub email: String,
    /// The PIN.
    pub pin: String,
    /// The list.
    pub back: String,
}

impl Onboarding {
    /// A page in the middle, with a patient of each kind.
    pub fn sample() -> Self {
        let tab = |title, word: &str, count, current| Tab {
            title,
            address: format!("/staff/onboarding?status={word}"),
            count,
            current,
        };
        Onboarding {
            frame: Frame::sample("Onboarding"),
            csrf: "sample-form-token".to_owned(),
            action: "/staff/onboarding?after=90".to_owned(),
            notice: "An invitation is on its way to Ana Moreno (a•••@mail.example).".to_owned(),
            error: String::new(),
            portal_on: true,
            post: None,
            one_by_one: None,
            tabs: vec![
                tab("All", "", 240, true),
                tab("Not enabled", "not-authorised", 120, false),
                tab("Enabled, never used", "never-used", 60, false),
                tab("Active", "active", 60, false),
            ],
            status: String::new(),
            search: String::new(),
            total: Some(240),
            before: Some("/staff/onboarding?before=90".to_owned()),
            after: Some("/staff/onboarding?after=41".to_owned()),
            csv: "/staff/onboarding.csv".to_owned(),
            jobs: vec![Recent::sample()],
            rows: vec![
                Row::sample(),
                Row::sample_enabled(),
                Row::sample_without_email(),
            ],
        }
    }

    /// A search that found nobody, in a practice that cannot send letters.
    pub fn sample_empty() -> Self {
        Onboarding {
            notice: String::new(),
            error: "Nobody is chosen. Tick the patients first.".to_owned(),
            portal_on: false,
            post: Some("No letter can be sent: set the sender's address (notify_sender)."),
            one_by_one: Some("Invite one patient at a time.".to_owned()),
            search: "zz".to_owned(),
            total: None,
            before: None,
            after: None,
            jobs: Vec::new(),
            rows: Vec::new(),
            ..Onboarding::sample()
        }
    }
}

impl Row {
    fn sample() -> Self {
        Row {
            id: "8c1f1d3e-5f0c-4c1e-9d0b-4f5e9d5e3f0a".to_owned(),
            name: "Ana Moreno".to_owned(),
            born: "1984-02-29".to_owned(),
            number: "7".to_owned(),
            colour: "bad",
            words: "Access is not enabled",
            missing: Vec::new(),
            email: "a•••@mail.example".to_owned(),
            sharing: 2,
            letter: None,
            can_enable: true,
            attests: true,
            sends: None,
            sends_then: true,
        }
    }

    fn sample_enabled() -> Self {
        Row {
            id: "9c1f1d3e-5f0c-4c1e-9d0b-4f5e9d5e3f0a".to_owned(),
            name: "Sean Burke".to_owned(),
            colour: "wait",
            words: "Enabled, no login yet",
            sharing: 0,
            letter: Some("Invitation sent 2026-11-20".to_owned()),
            can_enable: false,
            sends: Some("Invite"),
            sends_then: false,
            ..Row::sample()
        }
    }

    fn sample_without_email() -> Self {
        Row {
            id: "ac1f1d3e-5f0c-4c1e-9d0b-4f5e9d5e3f0a".to_owned(),
            name: "Li Wei".to_owned(),
            missing: vec!["No e-mail address", "No ZIP code"],
            email: String::new(),
            sharing: 0,
            attests: false,
            sends_then: false,
            ..Row::sample()
        }
    }
}

impl Confirm {
    /// Some can, some cannot.
    pub fn sample() -> Self {
        Confirm {
            frame: Frame::sample("Invite many"),
            csrf: "sample-form-token".to_owned(),
            action: "/staff/onboarding".to_owned(),
            back: "/staff/onboarding".to_owned(),
            error: "",
            hidden: vec![("everybody", "true".to_owned())],
            ticket: "sample-ticket".to_owned(),
            total: 120,
            can: 80,
            more: 30,
            shared: 4,
            cannot: vec![(
                "The patient has not agreed to e-mail: set Allow Email to YES.".to_owned(),
                10,
            )],
            hours: 24,
            enable: false,
        }
    }

    /// Nobody can.
    pub fn sample_of_nobody() -> Self {
        Confirm {
            error: "Say that you made sure who reads these mailboxes, or do not enable access.",
            can: 0,
            more: 0,
            shared: 0,
            enable: true,
            ..Confirm::sample()
        }
    }
}

impl PinToRead {
    /// A PIN.
    pub fn sample() -> Self {
        PinToRead {
            frame: Frame::sample("Read this PIN out"),
            name: "Ana Moreno".to_owned(),
            email: "a•••@mail.example".to_owned(),
            pin: "K7M2QX".to_owned(),
            back: "/staff/onboarding".to_owned(),
        }
    }
}
