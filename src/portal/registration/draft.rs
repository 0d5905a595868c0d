//! What somebody types who registers: the wizard's steps and fields as a table, and a draft that holds no other field.

use std::collections::BTreeMap;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use crate::domain::coverage::Relationship;

/// A page of the wizard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// Who it is; asked before the address is confirmed, and fixed then.
    Person,
    /// Address, phones, emergency contact.
    Profile,
    /// The insurance, where there is one.
    Insurance,
    /// The provider, and what else to say.
    Provider,
    /// Everything once more, before it is sent in.
    Check,
}

impl Step {
    /// Those behind the link, in order.
    pub const ALL: [Self; 4] = [Self::Profile, Self::Insurance, Self::Provider, Self::Check];

    /// Its word in the address, and its heading.
    pub const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Person => ("person", "Who you are"),
            Self::Profile => ("profile", "About you"),
            Self::Insurance => ("insurance", "Your insurance"),
            Self::Provider => ("provider", "Your provider"),
            Self::Check => ("check", "Check and send"),
        }
    }

    /// The step of a word.
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|step| step.words().0 == word)
    }

    /// The step behind it.
    pub fn next(self) -> Self {
        match self {
            Self::Person => Self::Profile,
            Self::Profile => Self::Insurance,
            Self::Insurance => Self::Provider,
            Self::Provider | Self::Check => Self::Check,
        }
    }

    /// Its fields.
    pub fn fields(self) -> impl Iterator<Item = &'static Field> {
        FIELDS.iter().filter(move |field| field.step == self)
    }
}

/// A field of the wizard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name in the form.
    pub name: &'static str,
    /// The step it belongs to.
    pub step: Step,
    /// What it is called.
    pub label: &'static str,
    /// Letters at most.
    pub most: usize,
}

const fn field(name: &'static str, step: Step, label: &'static str, most: usize) -> Field {
    Field {
        name,
        step,
        label,
        most,
    }
}

/// Every field there is. The lengths are OpenEMR's, or shorter; 63 letters are what 255 bytes hold in any script.
pub const FIELDS: &[Field] = &[
    field("language", Step::Person, "Language", 2),
    field("first_name", Step::Person, "First name", 63),
    field("middle_name", Step::Person, "Middle name", 63),
    field("last_name", Step::Person, "Last name", 63),
    field("birth_date", Step::Person, "Date of birth", 10),
    field("email", Step::Person, "E-mail", 254),
    field("sex", Step::Profile, "Sex", 8),
    field("street", Step::Profile, "Street", 120),
    field("street_line_2", Step::Profile, "Apartment, unit", 60),
    field("city", Step::Profile, "City", 80),
    field("state", Step::Profile, "State", 60),
    field("postal_code", Step::Profile, "ZIP code", 12),
    field("phone_home", Step::Profile, "Home phone", 30),
    field("phone_cell", Step::Profile, "Mobile phone", 30),
    field("contact_name", Step::Profile, "Emergency contact", 120),
    field(
        "contact_phone",
        Step::Profile,
        "Phone of the emergency contact",
        30,
    ),
    field("insurer", Step::Insurance, "Insurance company", 36),
    field(
        "insurer_name",
        Step::Insurance,
        "Company, if it is not in the list",
        120,
    ),
    field("plan", Step::Insurance, "Plan", 120),
    field("policy_number", Step::Insurance, "Policy number", 60),
    field("group_number", Step::Insurance, "Group number", 60),
    field(
        "relationship",
        Step::Insurance,
        "You are the subscriber's",
        8,
    ),
    field(
        "subscriber_first",
        Step::Insurance,
        "Subscriber's first name",
        63,
    ),
    field(
        "subscriber_last",
        Step::Insurance,
        "Subscriber's last name",
        63,
    ),
    field("provider", Step::Provider, "Provider", 36),
    field(
        "wish",
        Step::Provider,
        "Your wish for a first appointment",
        500,
    ),
];

/// Letters of a field that are looked at: more than any may have, so that too many are told.
const LONGEST: usize = 600;

/// What was typed, by field; empty where nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Draft(BTreeMap<&'static str, String>);

impl Draft {
    /// What was typed into fields there are; anything else is dropped.
    pub fn of<'t>(typed: impl IntoIterator<Item = (&'t str, &'t str)>) -> Self {
        let mut draft = Self::default();
        for (name, text) in typed {
            if let Some(field) = FIELDS.iter().find(|field| field.name == name) {
                let text: String = text.chars().take(LONGEST).collect();
                draft.0.insert(field.name, clean(&text));
            }
        }
        draft
    }

    /// What stands in a field.
    pub fn get(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    /// The same with the fields of one step as another draft has them: other steps are not that form's to change.
    #[must_use]
    pub fn with(&self, step: Step, other: &Self) -> Self {
        let mut draft = self.clone();
        for field in step.fields() {
            draft.0.insert(field.name, other.get(field.name).to_owned());
        }
        draft
    }

    /// The part that was confirmed by mail.
    #[must_use]
    pub fn person(&self) -> Self {
        Self::default().with(Step::Person, self)
    }

    /// Every field with what stands in it.
    pub fn pairs(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.0.iter().map(|(name, text)| (*name, text.as_str()))
    }

    /// Who it is.
    pub fn identity(&self) -> Identity<'_> {
        Identity {
            first: self.get("first_name"),
            last: self.get("last_name"),
            born: self.get("birth_date"),
        }
    }

    /// How the patient is related to the subscriber; the patient, where nothing was said.
    pub fn relationship(&self) -> Option<Relationship> {
        let word = self.get("relationship");
        let mut all = Relationship::ALL.into_iter();
        all.find(|known| known.code() == word)
            .or(word.is_empty().then_some(Relationship::Own))
    }

    /// Whether something was said about an insurance.
    pub fn insured(&self) -> bool {
        let texts = ["insurer", "insurer_name", "plan", "policy_number"];
        let more = ["group_number", "subscriber_first", "subscriber_last"];
        let mut all = texts.iter().chain(&more);
        all.any(|name| !self.get(name).is_empty())
    }
}

/// One line without control characters and marks that turn the direction of what stands beside them.
fn clean(text: &str) -> String {
    let unseen = |letter: &char| matches!(letter, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
    let words: String = text
        .chars()
        .filter(|letter| !unseen(letter))
        .map(|letter| match letter.is_control() {
            true => ' ',
            false => letter,
        })
        .collect();
    words.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Who somebody is, as far as a duplicate is told by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity<'t> {
    /// First name.
    pub first: &'t str,
    /// Last name.
    pub last: &'t str,
    /// Birth date as `YYYY-MM-DD`.
    pub born: &'t str,
}

impl Identity<'_> {
    /// Whether two are likely one: the first three letters of the first name, the last name, and the birth date (G06).
    /// Case, accents, blanks and hyphens do not matter. It takes twins with like names for one, which is why staff can
    /// open a chart all the same.
    pub fn is_like(&self, other: &Identity<'_>) -> bool {
        let three = |name: &str| folded(name).chars().take(3).collect::<String>();
        !self.born.is_empty()
            && self.born == other.born
            && folded(self.last) == folded(other.last)
            && three(self.first) == three(other.first)
    }
}

/// A name as it is compared.
fn folded(name: &str) -> String {
    let letters = name
        .nfkd()
        .filter(|letter| !is_combining_mark(*letter) && letter.is_alphanumeric());
    letters.flat_map(char::to_lowercase).collect()
}
