//! How requests are said on pages: of what kind, which element, how far.

use crate::domain::tasks::Asked;
use crate::domain::tasks::Owner;
use crate::domain::tasks::Progress;
use crate::domain::tasks::Task;
use crate::domain::tasks::Work;
use crate::portal::chart::Part;

/// The elements of an insurance, and what else is not a part of the front page, in words.
const OTHERS: [(&str, &str); 12] = [
    ("Coverage.order", "Rank"),
    ("Coverage.payor", "Insurer"),
    (
        "Coverage.class.where(type.coding.code='plan').value",
        "Plan",
    ),
    (
        "Coverage.class.where(type.coding.code='group').value",
        "Group number",
    ),
    ("Coverage.subscriberId", "Policy number"),
    ("Coverage.relationship", "Relationship to the insured"),
    (
        "Coverage.subscriber (first name)",
        "First name of the insured",
    ),
    (
        "Coverage.subscriber (last name)",
        "Last name of the insured",
    ),
    ("Coverage.period.start", "First day"),
    ("Coverage.period.end", "Last day"),
    ("Patient.extension('us-core-race')", "Race"),
    ("Patient.extension('us-core-ethnicity')", "Ethnicity"),
];

/// Codes that people do not read, by element.
const CODES: [(&str, &str, &str); 18] = [
    ("Patient.gender", "female", "Female"),
    ("Patient.gender", "male", "Male"),
    ("Patient.gender", "other", "Other"),
    ("Patient.gender", "unknown", "Unknown"),
    ("Patient.maritalStatus", "M", "Married"),
    ("Patient.maritalStatus", "S", "Never married"),
    ("Patient.maritalStatus", "D", "Divorced"),
    ("Patient.maritalStatus", "W", "Widowed"),
    ("Patient.maritalStatus", "L", "Separated"),
    ("Patient.maritalStatus", "T", "Domestic partner"),
    ("Coverage.order", "primary", "Primary"),
    ("Coverage.order", "secondary", "Secondary"),
    ("Coverage.order", "tertiary", "Tertiary"),
    ("Coverage.relationship", "self", "Self"),
    ("Coverage.relationship", "spouse", "Spouse"),
    ("Coverage.relationship", "child", "Child"),
    ("Coverage.relationship", "parent", "Parent"),
    ("Coverage.relationship", "other", "Other"),
];

/// The kind of a request in a word, and the word of it in addresses; `None` for what is not looked at on these pages.
pub fn kind(work: Work) -> Option<(&'static str, &'static str)> {
    KINDS
        .into_iter()
        .find(|(known, ..)| *known == work)
        .map(|(_, word, label)| (word, label))
}

/// What is looked at, with its word in addresses and its name.
pub const KINDS: [(Work, &str, &str); 4] = [
    (Work::Profile, "profile", "Profile"),
    (Work::Coverage, "coverage", "Insurance"),
    (Work::Document, "document", "Document"),
    (Work::Form, "form", "Form"),
];

/// An element in words; one that has none as it is.
pub fn element(path: &str) -> String {
    let part = Part::ALL.into_iter().find(|part| part.element() == path);
    let other = OTHERS.into_iter().find(|(known, _)| *known == path);
    match (part, other) {
        (Some(part), _) => label(part).to_owned(),
        (None, Some((_, label))) => label.to_owned(),
        (None, None) => path.to_owned(),
    }
}

/// A value of an element in words.
pub fn value(path: &str, value: &str) -> String {
    let mut known = CODES.into_iter();
    let found = known.find(|(element, code, _)| *element == path && *code == value);
    found.map_or_else(|| value.to_owned(), |(_, _, words)| words.to_owned())
}

/// Whether the values of an element are said in words of ours.
pub fn coded(path: &str) -> bool {
    CODES.iter().any(|(element, ..)| *element == path)
}

/// What is asked for in one line: the names of what is to change.
pub fn brief(asked: &[Asked]) -> Vec<String> {
    asked.iter().map(|one| element(&one.element)).collect()
}

/// Colour and words of how far a request is.
pub fn pill(task: &Task) -> (&'static str, &'static str) {
    match task.progress {
        Progress::Requested => ("wait", "Waits for the practice"),
        Progress::InProgress => ("wait", "The practice is looking at it"),
        Progress::Completed if !task.refused.is_empty() => ("warn", "Taken over in part"),
        Progress::Completed => ("good", "Taken over"),
        Progress::Rejected => ("bad", "Not taken over"),
        Progress::Cancelled if matches!(task.owner, Owner::Staff(..)) => {
            ("off", "Closed by the practice")
        }
        Progress::Cancelled => ("off", "Taken back"),
    }
}

/// The same for what is no change: a document, a visit.
pub fn pill_of_answer(task: &Task) -> (&'static str, &'static str) {
    match task.progress {
        Progress::Completed => ("good", "Accepted"),
        Progress::Rejected => ("bad", "Not accepted"),
        _ => pill(task),
    }
}

const fn label(part: Part) -> &'static str {
    match part {
        Part::Prefix => "Title",
        Part::First => "First name",
        Part::Middle => "Middle names",
        Part::Family => "Last name",
        Part::Suffix => "Suffix",
        Part::Preferred => "Preferred name",
        Part::BirthDate => "Date of birth",
        Part::Gender => "Gender",
        Part::Street => "Street",
        Part::City => "City",
        Part::County => "County",
        Part::State => "State",
        Part::PostalCode => "ZIP code",
        Part::Country => "Country",
        Part::HomePhone => "Phone at home",
        Part::WorkPhone => "Phone at work",
        Part::MobilePhone => "Mobile phone",
        Part::Email => "E-mail",
        Part::Language => "Language",
        Part::Marital => "Marital status",
        Part::ContactName => "Emergency contact",
        Part::ContactPhone => "Phone of the emergency contact",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words;

    #[test]
    fn every_name_and_value_is_said_in_spanish_too() {
        let parts = Part::ALL.into_iter().map(label);
        let others = OTHERS.into_iter().map(|(_, label)| label);
        let codes = CODES.into_iter().map(|(.., words)| words);
        let kinds = KINDS.into_iter().map(|(.., label)| label);
        let pills = [
            "Waits for the practice",
            "The practice is looking at it",
            "Taken over in part",
            "Taken over",
            "Not taken over",
            "Taken back",
            "Closed by the practice",
            "Accepted",
            "Not accepted",
        ];
        let all = parts.chain(others).chain(codes).chain(kinds).chain(pills);
        let missing: Vec<&str> = all.filter(|text| !words::knows(text)).collect();
        assert!(missing.is_empty(), "{missing:?}");
    }

    #[test]
    fn elements_and_codes_are_said_in_words() {
        assert_eq!(element("Patient.address.city"), "City");
        assert_eq!(element("Coverage.subscriberId"), "Policy number");
        assert_eq!(element("Patient.photo"), "Patient.photo");
        assert_eq!(value("Patient.gender", "female"), "Female");
        assert_eq!(value("Patient.address.city", "female"), "female");
    }
}
