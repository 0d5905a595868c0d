//! What stands in a field of somebody who registers, in words: on their own page and on the desk's.

use crate::domain::coverage::Relationship;
use crate::domain::language::Language;
use crate::http::pages::enrol::Fact;
use crate::portal::registration::draft::Field;

/// The sexes that can be chosen: code and words.
pub(super) const SEXES: [(&str, &str); 4] = [
    ("female", "Female"),
    ("male", "Male"),
    ("other", "Other"),
    ("unknown", "I would rather not say"),
];

/// How somebody is related to the subscriber, as they say it.
pub(super) const fn related(one: Relationship) -> &'static str {
    match one {
        Relationship::Own => "I am the subscriber myself",
        Relationship::Spouse => "Spouse",
        Relationship::Child => "Child",
        Relationship::Parent => "Parent",
        Relationship::Common => "Partner without marriage",
        Relationship::Other => "Other",
    }
}

/// What stands in a field: the words of a code, where the field has codes, or `text`.
pub(in crate::http) fn fact(field: &Field, code: &str, text: &str) -> Fact {
    let words = match field.name {
        "sex" => {
            let found = SEXES.iter().find(|(known, _)| *known == code);
            found.map(|(_, words)| *words)
        }
        "relationship" => {
            let mut all = Relationship::ALL.into_iter();
            all.find(|one| one.code() == code).map(related)
        }
        "language" => Language::of(code).map(Language::own_name),
        _ => None,
    };
    match (field.name, words) {
        (_, None) => Fact::typed(field.label, text.to_owned()),
        // A language is called what it calls itself.
        ("language", Some(words)) => Fact::typed(field.label, words.to_owned()),
        (_, Some(words)) => Fact::chosen(field.label, words),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::portal::registration::draft::FIELDS;

    fn of(name: &str, code: &str) -> Fact {
        let field = FIELDS.iter().find(|field| field.name == name);
        fact(field.expect("a field"), code, code)
    }

    #[test]
    fn what_was_chosen_is_said_in_words_and_what_was_typed_as_it_is() {
        assert_eq!(of("sex", "female"), Fact::chosen("Sex", "Female"));
        assert_eq!(of("relationship", "spouse").value, "Spouse");
        assert!(of("relationship", "self").ours);
        assert_eq!(of("language", "es").value, "Español");
        for name in ["city", "contact_name", "provider", "insurer_name"] {
            assert!(!of(name, "Female").ours, "{name}");
        }
    }
}
