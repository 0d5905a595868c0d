//! The rules about people who register themselves (portal rules A.4): when it is offered, what they must type, and when
//! the practice seems to know them already. The fields are in [`draft`]; what was confirmed by mail is not typed again
//! (`spec/security.md`, case 112).

pub mod draft;

use time::Date;

use crate::config::accounts::Required;
use crate::domain::accounts::Post;
use crate::domain::coverage::Relationship;
use crate::domain::language::Language;
use crate::domain::refusal::Reason;
use crate::portal::registration::draft::Draft;
use crate::portal::registration::draft::Step;
use crate::portal::rules;
use crate::portal::rules::Rule;

/// What is known when somebody registers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegistrationCase {
    /// Whether the portal is on.
    pub portal_on: bool,
    /// Whether the practice lets new patients register.
    pub offered: bool,
    /// Whether letters can leave.
    pub post: Post,
    /// What was typed.
    pub draft: Draft,
    /// The practice's day today.
    pub today: Date,
    /// What the practice asks of a chart.
    pub requires: Vec<Required>,
    /// The ids of the providers that may be chosen.
    pub providers: Vec<String>,
    /// The ids of the insurance companies that may be chosen.
    pub insurers: Vec<String>,
    /// Whether there is a chart of somebody like that.
    pub known: bool,
}

impl RegistrationCase {
    fn typed(&self, name: &str) -> &str {
        self.draft.get(name)
    }

    fn requires(&self, what: Required) -> bool {
        self.requires.contains(&what)
    }
}

/// When registering is offered (F048, F106).
pub const OFFER: &[Rule<RegistrationCase>] = &[
    Rule {
        id: "portal-disabled",
        about: "The patient portal is switched on.",
        holds: |case| case.portal_on,
        sentence: |_| "The practice's portal is switched off. Please call the practice.".to_owned(),
        expression: "portal_onsite_two_enable",
    },
    Rule {
        id: "register.off",
        about: "The practice lets new patients register (F106).",
        holds: |case| case.offered,
        sentence: |_| {
            "This practice registers new patients itself. Please call the practice.".to_owned()
        },
        expression: "register_self",
    },
    Rule {
        id: "mail-not-configured",
        about: "A transport and a sender's address are set up (F048, F049).",
        holds: |case| case.post == Post::Ready,
        sentence: |_| {
            "The practice cannot send letters at the moment. Please call the practice.".to_owned()
        },
        expression: "notify_transport",
    },
];

/// What is asked of what somebody types. The expression is the field's name.
pub const FORM: &[Rule<RegistrationCase>] = &[
    Rule {
        id: "register.language",
        about: "The language is one that letters are written in.",
        holds: |case| Language::of(case.typed("language")).is_some(),
        sentence: |_| "Choose one of the languages.".to_owned(),
        expression: "language",
    },
    Rule {
        id: "register.first-name",
        about: "There is a first name.",
        holds: |case| is_name(case.typed("first_name")),
        sentence: |_| "Type the first name.".to_owned(),
        expression: "first_name",
    },
    Rule {
        id: "register.last-name",
        about: "There is a last name.",
        holds: |case| is_name(case.typed("last_name")),
        sentence: |_| "Type the last name.".to_owned(),
        expression: "last_name",
    },
    Rule {
        id: "register.birth-date",
        about: "The birth date is a day that was, at most 130 years ago.",
        holds: |case| {
            day(case.typed("birth_date"))
                .is_some_and(|born| born <= case.today && case.today.year() - born.year() <= 130)
        },
        sentence: |_| {
            "Type the date of birth as year, month and day, such as 1984-02-29.".to_owned()
        },
        expression: "birth_date",
    },
    Rule {
        id: "register.email",
        about: "The e-mail address is one that a letter can go to.",
        holds: |case| is_address(case.typed("email")),
        sentence: |_| "Type a whole e-mail address, such as ana@mail.example.".to_owned(),
        expression: "email",
    },
    Rule {
        id: "register.sex",
        about: "The sex is one of four words; unknown is one.",
        holds: |case| ["female", "male", "other", "unknown"].contains(&case.typed("sex")),
        sentence: |_| "Choose one.".to_owned(),
        expression: "sex",
    },
    Rule {
        id: "register.zip",
        about: "A ZIP code is there where the practice asks for one; 00000 stands for none (F033, G02).",
        holds: |case| !case.requires(Required::Zip) || !case.typed("postal_code").is_empty(),
        sentence: |_| "Type the ZIP code of your home, or 00000 where there is none.".to_owned(),
        expression: "postal_code",
    },
    Rule {
        id: "register.home-phone",
        about: "A home phone is there where the practice asks for one (F005); otherwise any phone.",
        holds: |case| {
            let home = case.typed("phone_home");
            let any = !home.is_empty() || !case.typed("phone_cell").is_empty();
            any && (is_phone(home) || home.is_empty() && !case.requires(Required::HomePhone))
        },
        sentence: |_| {
            "Type a phone number at which the practice reaches you, with its area code; a mobile one will do."
                .to_owned()
        },
        expression: "phone_home",
    },
    Rule {
        id: "register.mobile-phone",
        about: "A mobile phone has the digits of a phone number.",
        holds: |case| case.typed("phone_cell").is_empty() || is_phone(case.typed("phone_cell")),
        sentence: |_| "Type the whole number, with its area code.".to_owned(),
        expression: "phone_cell",
    },
    Rule {
        id: "register.contact-phone",
        about: "The phone of an emergency contact has the digits of a phone number.",
        holds: |case| {
            case.typed("contact_phone").is_empty() || is_phone(case.typed("contact_phone"))
        },
        sentence: |_| "Type the whole number, with its area code.".to_owned(),
        expression: "contact_phone",
    },
    Rule {
        id: "register.insurer",
        about: "An insurance has a company, from the practice's list or by its name (F108).",
        holds: |case| {
            let listed = case.typed("insurer");
            let named = !case.typed("insurer_name").is_empty();
            let known = case.insurers.iter().any(|one| one == listed);
            !case.draft.insured() || known || (listed.is_empty() && named)
        },
        sentence: |_| "Choose the insurance company, or type its name.".to_owned(),
        expression: "insurer",
    },
    Rule {
        id: "register.policy-number",
        about: "An insurance has a policy number.",
        holds: |case| !case.draft.insured() || !case.typed("policy_number").is_empty(),
        sentence: |_| "Type the policy number from the insurance card.".to_owned(),
        expression: "policy_number",
    },
    Rule {
        id: "register.relationship",
        about: "The relationship to the subscriber is one of the list.",
        holds: |case| case.draft.relationship().is_some(),
        sentence: |_| "Choose one.".to_owned(),
        expression: "relationship",
    },
    Rule {
        id: "register.subscriber",
        about: "A subscriber who is somebody else has a name.",
        holds: |case| {
            let own = case.draft.relationship() == Some(Relationship::Own);
            let named =
                is_name(case.typed("subscriber_first")) && is_name(case.typed("subscriber_last"));
            !case.draft.insured() || own || named
        },
        sentence: |_| "Type the first and last name of the person who is insured.".to_owned(),
        expression: "subscriber_last",
    },
    Rule {
        id: "register.provider",
        about: "The provider is one of those who take part in the portal (F109).",
        holds: |case| {
            let chosen = case.typed("provider");
            let none = case.providers.is_empty() && chosen.is_empty();
            none || case.providers.iter().any(|one| one == chosen)
        },
        sentence: |_| "Choose a provider.".to_owned(),
        expression: "provider",
    },
];

/// Before a chart is opened (F113, G06).
pub const OPEN: &[Rule<RegistrationCase>] = &[Rule {
    id: "register.known",
    about: "No chart has the same birth date, the same last name and the same first three letters of the first name (G06); staff open one all the same where they are two people, such as twins.",
    holds: |case| !case.known,
    sentence: |_| {
        "The practice has to look at this registration first. Please call the practice.".to_owned()
    },
    expression: "Patient.name",
}];

/// What is wrong with the fields of a step, each with its field as the expression; too long ones too.
pub fn wrong(case: &RegistrationCase, step: Step) -> Vec<Reason> {
    let here = |reason: &Reason| step.fields().any(|field| field.name == reason.expression);
    let mut wrong: Vec<Reason> = rules::broken(FORM, case);
    wrong.retain(here);
    for field in step.fields() {
        let long = case.typed(field.name).chars().count() > field.most;
        let told = wrong.iter().any(|one| one.expression == field.name);
        if long && !told {
            wrong.push(Reason {
                id: "register.length",
                text: format!("Use at most {} letters here.", field.most),
                expression: field.name,
            });
        }
    }
    wrong
}

/// The first step with something wrong.
pub fn unfinished(case: &RegistrationCase) -> Option<Step> {
    let steps = [Step::Person, Step::Profile, Step::Insurance, Step::Provider];
    steps
        .into_iter()
        .find(|step| !wrong(case, *step).is_empty())
}

/// A day written as `YYYY-MM-DD`, or as Americans write it.
pub fn day(text: &str) -> Option<Date> {
    let american: Vec<&str> = text.split('/').collect();
    let parts: Vec<&str> = match american.as_slice() {
        [month, day, year] => vec![year, month, day],
        _ => text.split('-').collect(),
    };
    let [year, month, day] = parts.as_slice() else {
        return None;
    };
    if year.len() != 4 {
        return None;
    }
    let month = time::Month::try_from(month.parse::<u8>().ok()?).ok()?;
    Date::from_calendar_date(year.parse().ok()?, month, day.parse().ok()?).ok()
}

fn is_name(name: &str) -> bool {
    name.chars().any(char::is_alphabetic)
}

fn is_phone(text: &str) -> bool {
    let digits = text.chars().filter(char::is_ascii_digit).count();
    let plain = text
        .chars()
        .all(|letter| letter.is_ascii_digit() || " +-().x/".contains(letter));
    (7..=15).contains(&digits) && plain
}

/// As far as can be told without sending a letter: one `@`, a host with a dot, no blanks and no marks that a mail server
/// or a list of addresses would read.
fn is_address(text: &str) -> bool {
    let Some((local, host)) = text.split_once('@') else {
        return false;
    };
    let atom = |atom: &str| {
        !atom.is_empty()
            && atom
                .chars()
                .all(|one| one.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(one))
    };
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label
                .chars()
                .all(|one| one.is_ascii_alphanumeric() || one == '-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    local.len() <= 64
        && !local.starts_with('-')
        && local.split('.').all(atom)
        && host.contains('.')
        && host.split('.').all(label)
        && text.len() <= 254
}

#[cfg(test)]
mod tests;
