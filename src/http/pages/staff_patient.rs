//! The account of one patient at the desk, and the search that leads to it.

use super::apps::AppCard;
use super::frame::Frame;
use super::staff_login::PatientRow;
use crate::http::words::filters;
use askama::Template;

/// Looking for a patient. Field `search`; each that is found is a link.
#[derive(Debug, Template)]
#[template(path = "staff_patients.html")]
pub struct StaffPatients {
    /// Title, practice, sandbox.
    pub frame: Frame,
    /// The form token.
    pub csrf: String,
    /// What was searched for before, or empty.
    pub search: String,
    /// What was found; `None` before a search.
    pub found: Option<Vec<PatientRow>>,
    /// True where there are more than are shown.
    pub more: bool,
}

/// One account. Buttons `decision=enable|disable|lock|unlock|invite|lift|make|check|preview|commit|sheet`; fields
/// `attestation`, `reason`, `why`, `username`, `password`, `rename`, `spare`, `csrf`.
#[derive(Debug, Template)]
#[template(path = "staff_patient.html")]
pub struct StaffPatient {
    /// Title, practice, sandbox.
    pub frame: Frame,
    /// The form token.
    pub csrf: String,
    /// True where whoever looks may open documents.
    pub documents: bool,
    /// FHIR id.
    pub id: String,
    /// Where the forms post to.
    pub action: String,
    /// First and last name.
    pub name: String,
    /// The pill's class and words.
    pub state: (&'static str, &'static str),
    /// What is known: name and value.
    pub facts: Vec<(&'static str, String)>,
    /// What is missing: sentence, and the field or setting to fix.
    pub unmet: Vec<(String, &'static str)>,
    /// True where the patient is let in.
    pub allowed: bool,
    /// True where staff locked it.
    pub locked: bool,
    /// How many others have the same address.
    pub sharing: i64,
    /// True where an address is on file, so that somebody has to attest whose it is.
    pub has_address: bool,
    /// True where there are credentials.
    pub has_login: bool,
    /// True where a letter with a link may go.
    pub can_invite: bool,
    /// True where no letter with a link goes to a new address yet.
    pub held: bool,
    /// True where whoever makes a password says whether it has to be changed.
    pub may_spare: bool,
    /// What has just been done, in a sentence; empty where nothing was.
    pub notice: String,
    /// What was wrong, each in a sentence.
    pub errors: Vec<String>,
    /// What was typed before.
    pub typed: Typed,
    /// Whether the username that was typed is free: a sentence, and true where it is.
    pub checked: Option<(String, bool)>,
    /// Credentials to be shown this once.
    pub shown: Option<Shown>,
}

/// The apps of one patient. Fields `grant`, `csrf`; button `decision=end`.
#[derive(Debug, Template)]
#[template(path = "staff_patient_apps.html")]
pub struct PatientApps {
    /// Title, practice, sandbox.
    pub frame: Frame,
    /// The form token.
    pub csrf: String,
    /// True where whoever looks may open documents.
    pub documents: bool,
    /// FHIR id of the patient.
    pub id: String,
    /// First and last name.
    pub name: String,
    /// What has just been done; empty where nothing was.
    pub notice: &'static str,
    /// The number of each grant, and the app.
    pub apps: Vec<(String, AppCard)>,
}

impl PatientApps {
    /// One app.
    pub fn sample() -> Self {
        let apps = super::apps::Apps::sample().apps.into_iter();
        PatientApps {
            frame: Frame::sample("The patient's apps"),
            csrf: "sample-form-token".to_owned(),
            documents: true,
            id: "0b8f7a52-0000-4000-8000-000000000001".to_owned(),
            name: "Ana Moreno".to_owned(),
            notice: "",
            apps: apps.map(|app| ("g".to_owned(), app)).collect(),
        }
    }

    /// None.
    pub fn sample_empty() -> Self {
        PatientApps {
            notice: "The app's access has ended.",
            apps: Vec::new(),
            ..PatientApps::sample()
        }
    }
}

/// What was typed before something was wrong; never a password.
#[derive(Debug, Clone, Default)]
pub struct Typed {
    /// True where somebody made sure who reads the mailbox.
    pub attested: bool,
    /// True where the account was to be locked.
    pub locking: bool,
    /// Why it was.
    pub reason: String,
    /// The code of why the login is made by hand.
    pub why: String,
    /// The username.
    pub username: String,
    /// True where it replaces the one there is.
    pub rename: bool,
    /// True where the patient need not choose another password.
    pub spare: bool,
}

/// Credentials on the screen.
#[derive(Debug, Clone)]
pub struct Shown {
    /// What the patient types.
    pub username: String,
    /// The password in clear.
    pub password: String,
    /// The account's lasting name.
    pub account: String,
    /// Where the portal is.
    pub portal: String,
    /// True where the patient has to choose another password.
    pub must_change: bool,
    /// True where they are stored; a preview is not.
    pub stored: bool,
}

impl StaffPatients {
    /// A search that found one.
    pub fn sample() -> Self {
        StaffPatients {
            frame: Frame::sample("Patients"),
            csrf: "sample-form-token".to_owned(),
            search: "mor".to_owned(),
            found: Some(vec![PatientRow::sample()]),
            more: false,
        }
    }
}

impl StaffPatient {
    /// Somebody who is let in and has no login.
    pub fn sample() -> Self {
        StaffPatient {
            frame: Frame::sample("Portal account"),
            csrf: "sample-form-token".to_owned(),
            documents: true,
            id: "0b7f1d3e-5f0c-4c1e-9d0b-4f5e9d5e3f0a".to_owned(),
            action: "/staff/patients/0b7f1d3e-5f0c-4c1e-9d0b-4f5e9d5e3f0a".to_owned(),
            name: "Ana Moreno".to_owned(),
            state: ("wait", "Enabled, no login yet"),
            facts: vec![("E-mail", "ana.moreno@mail.example".to_owned())],
            unmet: vec![(
                "The patient has not agreed to e-mail: set Allow Email to YES.".to_owned(),
                "patient_data.hipaa_allowemail",
            )],
            allowed: true,
            locked: false,
            sharing: 1,
            has_address: true,
            has_login: false,
            can_invite: false,
            held: true,
            may_spare: true,
            notice: "Access was enabled.".to_owned(),
            errors: Vec::new(),
            typed: Typed {
                why: "no-email".to_owned(),
                username: "ana.moreno".to_owned(),
                ..Typed::default()
            },
            checked: Some(("This username is free.".to_owned(), true)),
            shown: None,
        }
    }

    /// Somebody who is not let in.
    pub fn sample_off() -> Self {
        StaffPatient {
            documents: false,
            state: ("off", "Access is not enabled"),
            allowed: false,
            held: false,
            notice: String::new(),
            errors: vec!["Enable the patient's access first.".to_owned()],
            typed: Typed::default(),
            checked: None,
            ..StaffPatient::sample()
        }
    }

    /// A password that is shown this once.
    pub fn sample_shown() -> Self {
        StaffPatient {
            state: ("wait", "Login made, never used"),
            has_login: true,
            can_invite: true,
            typed: Typed::default(),
            checked: None,
            shown: Some(Shown {
                username: "ana.moreno".to_owned(),
                password: "kT7#mQ2x@bRw".to_owned(),
                account: "AnaMoreno9".to_owned(),
                portal: "https://portal.example/account".to_owned(),
                must_change: true,
                stored: true,
            }),
            ..StaffPatient::sample()
        }
    }

    /// A locked account.
    pub fn sample_locked() -> Self {
        StaffPatient {
            state: ("bad", "Access is switched off"),
            locked: true,
            has_login: true,
            notice: String::new(),
            typed: Typed::default(),
            checked: None,
            ..StaffPatient::sample()
        }
    }
}
