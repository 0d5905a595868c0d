//! How accounts come to be and are kept: the practice's choices of portal rules A.1 to A.4.

use time::Duration;

use super::whole;
use super::yes;

/// A switch that OpenEMR has too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Switch {
    /// On here, whatever OpenEMR says.
    On,
    /// Off here.
    Off,
    /// As OpenEMR's own setting says.
    OpenEmr,
}

impl Switch {
    /// Whether it is on, where OpenEMR says `own`.
    pub fn is_on(self, own: bool) -> bool {
        match self {
            Self::On => true,
            Self::Off => false,
            Self::OpenEmr => own,
        }
    }
}

/// What a chart must have before credentials are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Required {
    /// A home phone (F005).
    HomePhone,
    /// A ZIP code (F033).
    Zip,
    /// A contact e-mail (F006).
    Email,
    /// A trusted e-mail, where this version of OpenEMR has one (F007).
    TrustedEmail,
}

impl Required {
    /// Each with its word.
    pub const ALL: [(&'static str, Self); 4] = [
        ("home-phone", Self::HomePhone),
        ("zip", Self::Zip),
        ("email", Self::Email),
        ("trusted-email", Self::TrustedEmail),
    ];
}

/// How login names are proposed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strategy {
    /// As OpenEMR's `use_email_for_portal_username` says.
    OpenEmr,
    /// The trusted e-mail address.
    Email,
    /// The part of it before the `@`, and a number (F016).
    EmailNumber,
    /// First name, last name and number.
    Name,
}

/// What an invitation asks for beside its link (F093).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Factor {
    /// The birth date.
    BirthDate,
    /// A PIN that staff read out.
    Pin,
    /// Nothing.
    None,
}

/// What lets somebody in who registered (F120).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Approval {
    /// The confirmed address.
    Email,
    /// Staff, who look at the new chart. The address is confirmed all the same, but opens nothing.
    Staff,
    /// Both.
    Both,
}

/// How accounts come to be and are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accounts {
    /// What a chart must have.
    pub requires: Vec<Required>,
    /// Charts that staff open have access at once (F027).
    pub auto_enable: bool,
    /// How login names are proposed.
    pub strategy: Strategy,
    /// Fewest characters of a password.
    pub password_minimum: usize,
    /// Patients reset a lost password themselves (F043).
    pub self_reset: Switch,
    /// The login page always offers it (F066).
    pub reset_always: bool,
    /// What an invitation asks for.
    pub invite_factor: Factor,
    /// For how long somebody who was invited is passed over (F104).
    pub invite_again: Duration,
    /// A forced reset ends what apps may do (F069).
    pub force_reset_revokes: bool,
    /// New patients register themselves.
    pub self_register: Switch,
    /// What lets them in.
    pub approval: Approval,
    /// For how long a changed address gets no reset links, and the old one can undo it.
    pub email_hold: Duration,
    /// A sentence on the login page (F070).
    pub banner: String,
}

/// Reads the settings of accounts.
///
/// # Errors
/// One sentence that names the key.
pub(super) fn resolve<'t>(text: &impl Fn(&str) -> &'t str) -> Result<Accounts, String> {
    let hours = |key: &str| {
        let hours = whole(key, text(key), 0..=8_760)?;
        Ok::<Duration, String>(Duration::hours(i64::from(hours)))
    };
    Ok(Accounts {
        requires: requires(text("activation_requires"))?,
        auto_enable: yes("activation_auto_enable", text("activation_auto_enable"))?,
        strategy: chosen(
            ("username_strategy", text("username_strategy")),
            &[
                ("openemr", Strategy::OpenEmr),
                ("email", Strategy::Email),
                ("email-number", Strategy::EmailNumber),
                ("name", Strategy::Name),
            ],
        )?,
        password_minimum: usize::try_from(whole(
            "password_minimum",
            text("password_minimum"),
            8..=64,
        )?)
        .unwrap_or(12),
        self_reset: switch("reset_self_service", text("reset_self_service"))?,
        reset_always: chosen(
            ("reset_link", text("reset_link")),
            &[("after-failure", false), ("always", true)],
        )?,
        invite_factor: chosen(
            ("invite_factor", text("invite_factor")),
            &[
                ("birth-date", Factor::BirthDate),
                ("pin", Factor::Pin),
                ("none", Factor::None),
            ],
        )?,
        invite_again: hours("invite_again_hours")?,
        force_reset_revokes: yes(
            "force_reset_revoke_tokens",
            text("force_reset_revoke_tokens"),
        )?,
        self_register: switch("register_self", text("register_self"))?,
        approval: chosen(
            ("register_approval", text("register_approval")),
            &[
                ("email", Approval::Email),
                ("staff", Approval::Staff),
                ("both", Approval::Both),
            ],
        )?,
        email_hold: hours("email_change_hold_hours")?,
        banner: text("login_banner").chars().take(300).collect(),
    })
}

fn switch(key: &str, text: &str) -> Result<Switch, String> {
    chosen(
        (key, text),
        &[
            ("on", Switch::On),
            ("off", Switch::Off),
            ("openemr", Switch::OpenEmr),
        ],
    )
}

/// The choice of a word.
fn chosen<T: Copy>((key, text): (&str, &str), words: &[(&str, T)]) -> Result<T, String> {
    let found = words.iter().find(|(word, _)| *word == text);
    found.map(|(_, choice)| *choice).ok_or_else(|| {
        let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        format!("{key} = \"{text}\" is none of {}", known.join(", "))
    })
}

fn requires(text: &str) -> Result<Vec<Required>, String> {
    text.split([' ', ','])
        .filter(|word| !word.is_empty())
        .map(|word| chosen(("activation_requires", word), &Required::ALL))
        .collect()
}
