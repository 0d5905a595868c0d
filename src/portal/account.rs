//! The rules about portal accounts: what must hold before somebody is let in, gets credentials, a letter, or a reset
//! (portal rules A.1 to A.3). `$portal-status` lists every one that does not hold; the desk shows the same words.

use crate::config::accounts::Factor;
use crate::config::accounts::Required;
use crate::domain::accounts::ByHand;
use crate::domain::accounts::Delivery;
use crate::domain::accounts::Post;
use crate::domain::accounts::Standing;
use crate::domain::refusal::Reason;
use crate::portal::rules;
use crate::portal::rules::Rule;

/// What is known when something is to be done with an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountCase {
    /// The patient.
    pub standing: Standing,
    /// Whether the portal is on (`portal_onsite_two_enable`).
    pub portal_on: bool,
    /// Whether letters can leave.
    pub post: Post,
    /// What the practice asks of a chart (`activation_requires`); the trusted address only where this version has one.
    pub requires: Vec<Required>,
    /// What the link of a letter asks for beside itself (F093).
    pub factor: Factor,
    /// Whether the address was changed, and the change can still be taken back (F038).
    pub held: bool,
    /// Whether whoever lets the patient in says that the mailbox is the patient's alone (F037).
    pub attested: bool,
    /// How credentials are to reach the patient.
    pub deliver: Delivery,
    /// Why they are made by hand, where they are.
    pub by_hand: Option<ByHand>,
}

impl AccountCase {
    /// A chart lacks something the practice asks for. What has to do with mail is waived where mail is not used, for a
    /// reason (F080, F087, F174).
    fn lacks(&self, what: Required, value: &str) -> bool {
        let mail = matches!(what, Required::Email | Required::TrustedEmail);
        let waived = mail && self.by_hand.is_some() && self.deliver != Delivery::Email;
        self.requires.contains(&what) && value.trim().is_empty() && !waived
    }
}

/// What staff do about a portal that is off.
const OFF: &str =
    "The practice's portal is switched off: switch it on in OpenEMR (portal_onsite_two_enable).";

const PORTAL_ON: Rule<AccountCase> = Rule {
    id: "portal-disabled",
    about: "The patient portal is switched on.",
    holds: |case| case.portal_on,
    sentence: |_| OFF.to_owned(),
    expression: "portal_onsite_two_enable",
};

const CHART: Rule<AccountCase> = Rule {
    id: "chart-status",
    about: "The patient is alive as far as the chart knows (G01).",
    holds: |case| !case.standing.deceased,
    sentence: |_| "The chart says that this patient died, so nobody is let in.".to_owned(),
    expression: "Patient.deceased",
};

const ENABLED: Rule<AccountCase> = Rule {
    id: "access-disabled",
    about: "Access is enabled for this patient (F002, F081, F095).",
    holds: |case| case.standing.allowed,
    sentence: |_| "Enable the patient's access first.".to_owned(),
    expression: "patient_data.allow_patient_portal",
};

const UNLOCKED: Rule<AccountCase> = Rule {
    id: "access-locked",
    about: "Staff have not locked the account.",
    holds: |case| case.standing.remembered.locked.is_none(),
    sentence: |_| "This account was locked by staff. Unlock it first.".to_owned(),
    expression: "anteroom_account.locked",
};

const EMAIL: Rule<AccountCase> = Rule {
    id: "no-email",
    about: "A contact e-mail is on file (F006, F034, F103).",
    holds: |case| !case.lacks(Required::Email, &case.standing.email),
    sentence: |_| {
        "Enter the patient's contact e-mail, or hand the credentials over in person with a reason."
            .to_owned()
    },
    expression: "Patient.telecom.where(system = 'email')",
};

/// Before somebody is let in (F001, F003, F010, F037).
pub const ENABLE: &[Rule<AccountCase>] = &[
    PORTAL_ON,
    CHART,
    Rule {
        id: "attestation-missing",
        about: "Whoever lets a patient in who has an e-mail address has made sure that nobody else reads that mailbox (F037, F094).",
        holds: |case| case.attested || case.standing.address().is_empty(),
        sentence: |case| {
            match case.standing.sharing {
            0 => "Make sure that only the patient reads this mailbox. Then tick the box that says so (an app sends attestation=true)."
                .to_owned(),
            others => format!(
                "{others} other patients have the same e-mail address. Make sure who reads this mailbox. Then tick the box that says so (an app sends attestation=true)."
            ),
        }
        },
        expression: "attestation",
    },
];

/// Before a patient is shut out, locked or unlocked (F001).
pub const SWITCH: &[Rule<AccountCase>] = &[PORTAL_ON];

/// Before credentials are made (F002, F004 to F007, F033).
pub const CREDENTIAL: &[Rule<AccountCase>] = &[
    PORTAL_ON,
    CHART,
    ENABLED,
    UNLOCKED,
    Rule {
        id: "no-home-phone",
        about: "A home phone is on file, where the practice asks for it (F005).",
        holds: |case| !case.lacks(Required::HomePhone, &case.standing.home_phone),
        sentence: |_| "Enter the patient's home phone.".to_owned(),
        expression: "Patient.telecom.where(system = 'phone' and use = 'home')",
    },
    Rule {
        id: "no-zip",
        about: "A ZIP code is on file, where the practice asks for it; 00000 stands for none (F033, G02).",
        holds: |case| !case.lacks(Required::Zip, &case.standing.zip),
        sentence: |_| {
            "Enter the ZIP code of the patient's home, or 00000 where there is none.".to_owned()
        },
        expression: "Patient.address.where(use = 'home').postalCode",
    },
    EMAIL,
    Rule {
        id: "no-trusted-email",
        about: "A trusted e-mail is on file, where this version of OpenEMR has one and the practice asks for it; it may be the contact e-mail (F007, F008).",
        holds: |case| !case.lacks(Required::TrustedEmail, &case.standing.trusted_email),
        sentence: |_| {
            "Enter the patient's trusted e-mail; it may be the same as the contact e-mail."
                .to_owned()
        },
        expression: "patient_data.email_direct",
    },
];

/// Before a letter goes to a patient (F009, F012, F013, F095, F103).
pub const LETTER: &[Rule<AccountCase>] = &[
    PORTAL_ON,
    CHART,
    ENABLED,
    UNLOCKED,
    Rule {
        id: "mail-not-configured",
        about: "A transport and a sender's address are set up (F012, F013, F048, F049).",
        holds: |case| case.post == Post::Ready,
        sentence: |case| match case.post {
            Post::NoSender => {
                "No letter can be sent: set the sender's address (notify_sender).".to_owned()
            }
            _ => "No letter can be sent: set up the mail server (notify_transport).".to_owned(),
        },
        expression: "notify_transport",
    },
    Rule {
        id: "no-email",
        about: "An e-mail address is on file (F103).",
        holds: |case| !case.standing.address().is_empty(),
        sentence: |_| {
            "Enter the patient's contact e-mail, or hand the credentials over in person with a reason."
                .to_owned()
        },
        expression: "Patient.telecom.where(system = 'email')",
    },
    Rule {
        id: "email-not-allowed",
        about: "The patient agreed to mail (F009).",
        holds: |case| case.standing.allow_email,
        sentence: |_| "The patient has not agreed to e-mail: set Allow Email to YES.".to_owned(),
        expression: "patient_data.hipaa_allowemail",
    },
    Rule {
        id: "email-hold",
        about: "A changed address gets no link while the change can be taken back (F038).",
        holds: |case| !case.held,
        sentence: |_| {
            "The e-mail address was changed a short while ago. Make sure that it is the patient's, and release it on the patient's page at the desk."
                .to_owned()
        },
        expression: "anteroom_account.email_hold",
    },
    Rule {
        id: "no-birth-date",
        about: "The birth date is on file, where the link of a letter asks for it (F093, F098).",
        holds: |case| case.factor != Factor::BirthDate || case.standing.born.is_some(),
        sentence: |_| {
            "The chart has no birth date, which the letter's link asks for: enter it first."
                .to_owned()
        },
        expression: "Patient.birthDate",
    },
];

/// Before a link that was sent does anything (`spec/security.md`, cases 91 and 114): what was true when the letter went out
/// may be so no more.
pub const LINK: &[Rule<AccountCase>] = &[PORTAL_ON, CHART, ENABLED, UNLOCKED];

/// Before credentials are reset (F071, F072).
pub const RESET: &[Rule<AccountCase>] = &[
    PORTAL_ON,
    Rule {
        id: "no-credentials",
        about: "There are credentials (F072).",
        holds: |case| case.standing.credentials.is_some(),
        sentence: |_| {
            "There is no login to reset yet: make credentials first (an app calls $portal-credential)."
                .to_owned()
        },
        expression: "patient_access_onsite",
    },
    ENABLED,
    UNLOCKED,
];

/// That the portal is off, for what is about nobody in particular.
pub fn portal_is_off() -> Vec<Reason> {
    vec![Reason {
        id: PORTAL_ON.id,
        text: OFF.to_owned(),
        expression: PORTAL_ON.expression,
    }]
}

/// Everything that is missing on the way to an active account with letters, each once, in the order of the steps: what
/// `$portal-status` tells (F004).
pub fn unmet(case: &AccountCase) -> Vec<Reason> {
    let mut all: Vec<Reason> = Vec::new();
    // Nobody asks for an attestation before somebody is let in.
    let enable = rules::broken(ENABLE, case);
    let enable = enable
        .into_iter()
        .filter(|reason| reason.id != "attestation-missing");
    let rest = [rules::broken(CREDENTIAL, case), rules::broken(LETTER, case)];
    for reason in enable.chain(rest.into_iter().flatten()) {
        if all.iter().all(|known| known.id != reason.id) {
            all.push(reason);
        }
    }
    all
}

#[cfg(test)]
mod tests;
