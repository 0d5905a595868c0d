//! Portal accounts in words: how far one is, and what a chart says about it (portal rules A.1 to A.4).

use time::Date;
use time::OffsetDateTime;

use crate::domain::language::Language;
use crate::domain::people::Person;

/// How far an account is. The codes are those of `$portal-status` (F002).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// The practice has its portal switched off.
    PortalOff,
    /// Nobody has let this patient in (`allow_patient_portal` is not `YES`), and there are no credentials.
    NotAuthorised,
    /// Somebody registered, and has not confirmed the address or is not yet approved.
    PendingVerification,
    /// Let in; no credentials yet.
    AuthorisedNoCredentials,
    /// There are credentials that the patient has not yet made their own.
    CredentialsIssued,
    /// The patient has an own password and may log in.
    Active,
    /// There are credentials, but access is switched off or locked.
    Disabled,
}

impl State {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::PortalOff,
        Self::NotAuthorised,
        Self::PendingVerification,
        Self::AuthorisedNoCredentials,
        Self::CredentialsIssued,
        Self::Active,
        Self::Disabled,
    ];

    /// The code, and the words for it.
    pub const fn code(self) -> (&'static str, &'static str) {
        match self {
            Self::PortalOff => ("portal-off", "The portal is switched off"),
            Self::NotAuthorised => ("not-authorised", "Access is not enabled"),
            Self::PendingVerification => ("pending-verification", "Registered, not yet let in"),
            Self::AuthorisedNoCredentials => ("authorised-no-credentials", "Enabled, no login yet"),
            Self::CredentialsIssued => ("credentials-issued", "Login made, never used"),
            Self::Active => ("active", "Active"),
            Self::Disabled => ("disabled", "Access is switched off"),
        }
    }
}

/// Credentials, as the desk may know of them: never the hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// The lasting account name (`portal_username`), key of the patient's mailbox.
    pub account_id: String,
    /// What the patient types (`portal_login_username`); empty where none was chosen yet.
    pub login_name: String,
    /// Whether the patient has to choose an own password.
    pub must_change: bool,
    /// Whether a reset of OpenEMR's own portal is under way (`portal_onetime`).
    pub reset_pending: bool,
}

/// What this house remembers of an account (`anteroom_account`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Remembered {
    /// When an invitation last went out, in seconds since 1970.
    pub invited: Option<i64>,
    /// When the patient first came in here.
    pub first_login: Option<i64>,
    /// When staff locked it, with the reason they gave.
    pub locked: Option<(i64, String)>,
    /// Until when a changed address gets no reset links.
    pub email_hold: Option<i64>,
    /// When somebody registered and is not let in yet.
    pub registered: Option<i64>,
    /// Who was told that the mailbox is the patient's alone, and when (F037): `Practitioner/<uuid>`.
    pub attested: Option<(i64, String)>,
}

impl Remembered {
    /// Until when a changed address gets no links, where that is still to come (F038).
    pub fn held_until(&self, now: i64) -> Option<i64> {
        self.email_hold.filter(|until| *until > now)
    }
}

/// What a chart and the tables beside it say about a patient's access, fetched once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Whose.
    pub person: Person,
    /// `patient_data.id`, the number in names of accounts.
    pub row: i64,
    /// First name.
    pub first: String,
    /// Last name.
    pub last: String,
    /// The birth date.
    pub born: Option<Date>,
    /// `phone_home`
    pub home_phone: String,
    /// `postal_code`
    pub zip: String,
    /// Contact e-mail (`email`).
    pub email: String,
    /// Trusted e-mail (`email_direct`).
    pub trusted_email: String,
    /// Whether mail may be sent (`hipaa_allowemail` = `YES`).
    pub allow_email: bool,
    /// Whether the patient is let in (`allow_patient_portal` = `YES`).
    pub allowed: bool,
    /// Whether no app may be used (`prevent_portal_apps`).
    pub apps_prevented: bool,
    /// Whether the patient died.
    pub deceased: bool,
    /// The language the patient reads.
    pub language: Language,
    /// `users.id` of the patient's own provider; 0 where none.
    pub provider: i64,
    /// The credentials, where there are some.
    pub credentials: Option<Credentials>,
    /// What this house remembers.
    pub remembered: Remembered,
    /// How many other charts have the same contact e-mail.
    pub sharing: i64,
}

impl Standing {
    /// First and last name.
    pub fn display(&self) -> String {
        format!("{} {}", self.first, self.last).trim().to_owned()
    }

    /// Where letters go: the contact address, else the trusted one; empty where neither is there.
    pub fn address(&self) -> &str {
        match self.email.trim() {
            "" => self.trusted_email.trim(),
            email => email,
        }
    }

    /// The trusted address, else the contact one (F079).
    pub fn trusted_address(&self) -> &str {
        match self.trusted_email.trim() {
            "" => self.email.trim(),
            email => email,
        }
    }

    /// Whether the patient has a login of their own, also where everybody has to change the password (F068): then a letter
    /// resets it, and else it invites (F096).
    pub fn is_set_up(&self) -> bool {
        let used = self.remembered.first_login.is_some();
        let own = |held: &Credentials| (!held.must_change || used) && !held.login_name.is_empty();
        self.credentials.as_ref().is_some_and(own)
    }

    /// How far the account is.
    pub fn state(&self, portal_on: bool) -> State {
        let locked = self.remembered.locked.is_some();
        match (&self.credentials, self.allowed && !locked) {
            _ if !portal_on => State::PortalOff,
            _ if self.remembered.registered.is_some() => State::PendingVerification,
            (None, true) => State::AuthorisedNoCredentials,
            (None, false) => State::NotAuthorised,
            (Some(_), false) => State::Disabled,
            (Some(held), true) if held.must_change || held.login_name.is_empty() => {
                State::CredentialsIssued
            }
            (Some(_), true) => State::Active,
        }
    }
}

/// How credentials reach a patient (`deliver` of `$portal-credential`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// A single-use link by mail; no password at all.
    Email,
    /// A sheet of paper with a one-time password.
    Print,
    /// Told in person or by phone.
    InPerson,
}

impl Delivery {
    /// Each with its code.
    pub const ALL: [(&'static str, Self); 3] = [
        ("email", Self::Email),
        ("print", Self::Print),
        ("in-person", Self::InPerson),
    ];
}

/// Why credentials are made by hand (F087).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ByHand {
    /// There is no e-mail address.
    NoEmail,
    /// Mail does not arrive.
    MailNotArriving,
    /// The patient is in trouble with the way by mail.
    PatientInTrouble,
}

impl ByHand {
    /// Each with its code.
    pub const ALL: [(&'static str, Self); 3] = [
        ("no-email", Self::NoEmail),
        ("mail-not-arriving", Self::MailNotArriving),
        ("patient-in-trouble", Self::PatientInTrouble),
    ];
}

/// Whether letters can leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Post {
    /// Yes.
    Ready,
    /// No transport is set up (`notify_transport`).
    NoTransport,
    /// There is no sender's address (`notify_sender`).
    NoSender,
}

/// Whole seconds since 1970 as an instant.
pub fn instant(seconds: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}
