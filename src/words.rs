//! The one catalogue of words: templates and sentences are written in English, and `words/es/*.po` says each in Spanish
//! (the format of GNU gettext, one `msgid` and one `msgstr` an entry). Pages, letters and printed sheets share it.
//!
//! A sentence made of parts is one entry with holes: `Please wait {} and try again.` What fills a hole is said in the
//! other language too, where the catalogue has it; `{name}` is a hole for what stays as it is, such as a name. An entry
//! that begins with a hole and has no more than one word, such as `{} patients`, takes figures only: with anything else
//! it would be every sentence that ends with the word; `{name}, born {}` says itself what it takes. Sentences that follow each other are found one by one.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::LazyLock;

use time::Date;

use crate::domain::language::Language;

/// The catalogue's files.
const SPANISH: &[&str] = &[
    include_str!("words/es/pages.po"),
    include_str!("words/es/accounts.po"),
    include_str!("words/es/onboarding.po"),
    include_str!("words/es/register.po"),
    include_str!("words/es/mail.po"),
    include_str!("words/es/activity.po"),
    include_str!("words/es/own.po"),
    include_str!("words/es/documents.po"),
    include_str!("words/es/reviews.po"),
    include_str!("words/es/visits.po"),
    include_str!("words/es/desk.po"),
    include_str!("words/es/forms.po"),
    include_str!("words/es/messages.po"),
];

/// A hole in a sentence; what fills it may be in the catalogue too.
const HOLE: &str = "{}";

/// A hole for what stays as it is.
const KEPT: &str = "{name}";

/// Nothing that is longer is a sentence of ours.
const LONGEST: usize = 4000;

static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(|| Catalogue::of(SPANISH));

struct Catalogue {
    /// By the English, its holes written alike.
    whole: HashMap<String, String>,
    /// The most particular ones first: those that begin with words, the longest before the others.
    holed: Vec<Holed>,
}

/// A sentence with holes, cut at them.
struct Holed {
    parts: Vec<String>,
    /// For each hole whether what fills it stays as it is.
    kept: Vec<bool>,
    /// Whether its holes take figures only.
    figures: bool,
    other: String,
}

/// The sentence in a language; as it stands where the catalogue does not have it, such as a name.
pub fn said(language: Language, english: &str) -> Cow<'_, str> {
    match language {
        Language::English => Cow::Borrowed(english),
        Language::Spanish => match CATALOGUE.find(english) {
            Some(text) => Cow::Owned(text),
            None => Cow::Borrowed(english),
        },
    }
}

/// A sentence with holes in a language, filled with what stays as it is: no name is ever taken for a word.
pub fn filled(language: Language, english: &str, fillings: &[&str]) -> String {
    let text = match language {
        Language::English => None,
        Language::Spanish => CATALOGUE.whole.get(english).map(String::as_str),
    };
    fill(text.unwrap_or(english), fillings)
}

/// A day as pages and letters say it in English, which the catalogue has: `Tuesday, 24 November 2026`.
pub fn day(date: Date) -> String {
    format!(
        "{}, {} {} {}",
        date.weekday(),
        date.day(),
        date.month(),
        date.year()
    )
}

/// Whether the catalogue has a sentence, word for word or with its holes filled.
pub fn knows(english: &str) -> bool {
    CATALOGUE.find(english).is_some()
}

/// Every entry: English and Spanish.
pub fn entries() -> Vec<(String, String)> {
    SPANISH.iter().flat_map(|file| pairs(file)).collect()
}

impl Catalogue {
    fn of(files: &[&str]) -> Self {
        let mut whole = HashMap::new();
        let mut holed = Vec::new();
        for (english, other) in files.iter().flat_map(|file| pairs(file)) {
            let other = other.replace(KEPT, HOLE);
            let alike = english.replace(KEPT, HOLE);
            if alike.contains(HOLE) {
                holed.push(Holed::of(&english, &alike, &other));
            }
            whole.insert(alike, other);
        }
        holed.sort_by_key(|one: &Holed| {
            let length = one.parts.iter().map(String::len).sum::<usize>();
            let begins = one.parts.first().is_some_and(String::is_empty);
            (begins, std::cmp::Reverse(length))
        });
        Self { whole, holed }
    }

    fn find(&self, english: &str) -> Option<String> {
        if english.len() > LONGEST {
            return None;
        }
        let known = self.whole.get(english).cloned();
        let known = known.or_else(|| self.one_by_one(english));
        known.or_else(|| self.by_holes(english))
    }

    /// Sentence by sentence, where the catalogue has every one of them.
    fn one_by_one(&self, english: &str) -> Option<String> {
        english.match_indices(". ").find_map(|(at, _)| {
            let (first, rest) = english.split_at(at + 1);
            let known = self.whole.get(first).cloned();
            let first = known.or_else(|| self.by_holes(first))?;
            Some(format!("{first} {}", self.find(rest.trim_start())?))
        })
    }

    fn by_holes(&self, english: &str) -> Option<String> {
        self.holed.iter().find_map(|one| {
            let fillings = one.fillings(english)?;
            let said: Vec<Cow<'_, str>> = fillings
                .into_iter()
                .zip(&one.kept)
                .map(|(filling, kept)| match kept {
                    true => Cow::Borrowed(filling),
                    false => self
                        .find(filling)
                        .map_or(Cow::Borrowed(filling), Cow::Owned),
                })
                .collect();
            let said: Vec<&str> = said.iter().map(AsRef::as_ref).collect();
            Some(fill(&one.other, &said))
        })
    }
}

impl Holed {
    /// `alike` is the English with all its holes written as [`HOLE`].
    fn of(english: &str, alike: &str, other: &str) -> Self {
        let parts: Vec<String> = alike.split(HOLE).map(str::to_owned).collect();
        let words = parts.iter().flat_map(|part| part.split_whitespace());
        let words = words.filter(|word| word.contains(char::is_alphabetic));
        let few = words.count() <= 1;
        let begins = parts.first().is_some_and(String::is_empty);
        let holes = english.match_indices('{');
        let kept: Vec<bool> = holes
            .map(|(at, _)| english[at..].starts_with(KEPT))
            .collect();
        Self {
            figures: few && begins && !kept.contains(&true),
            kept,
            parts,
            other: other.to_owned(),
        }
    }

    /// What stands in the holes of a sentence; `None` where the sentence is another one.
    fn fillings<'s>(&self, sentence: &'s str) -> Option<Vec<&'s str>> {
        let (first, rest) = self.parts.split_first()?;
        let (last, middle) = rest.split_last()?;
        // A sentence that is nothing but a hole would be every sentence.
        if self.parts.iter().all(|part| part.trim().is_empty()) {
            return None;
        }
        let mut left = sentence.strip_prefix(first.as_str())?;
        let mut found = Vec::with_capacity(rest.len());
        for part in middle {
            let (filling, after) = left.split_once(part.as_str())?;
            found.push(filling);
            left = after;
        }
        found.push(left.strip_suffix(last.as_str())?);
        let letters = found
            .iter()
            .any(|filling| filling.contains(char::is_alphabetic));
        (!(self.figures && letters)).then_some(found)
    }
}

/// The text with its holes filled, in their order.
fn fill(text: &str, fillings: &[&str]) -> String {
    let mut fillings = fillings.iter();
    let mut filled = String::new();
    for (index, part) in text.split(HOLE).enumerate() {
        if index > 0 {
            filled.push_str(fillings.next().unwrap_or(&HOLE));
        }
        filled.push_str(part);
    }
    filled
}

/// The entries of a file in gettext's format: what it says of contexts and plurals is not used here.
fn pairs(file: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut entry = [String::new(), String::new()];
    let mut inside = 0;
    for line in file.lines().map(str::trim).chain([""]) {
        let text = match line.split_once(' ') {
            Some(("msgid", text)) => {
                inside = 1;
                text
            }
            Some(("msgstr", text)) => {
                inside = 2;
                text
            }
            _ if line.starts_with('"') => line,
            _ => {
                let [english, other] = std::mem::take(&mut entry);
                if !english.is_empty() && !other.is_empty() {
                    found.push((english, other));
                }
                inside = 0;
                continue;
            }
        };
        if inside > 0 {
            entry[inside - 1].push_str(&unquoted(text));
        }
    }
    found
}

/// The text between the quotes, with gettext's escapes undone.
fn unquoted(text: &str) -> String {
    let text = text.trim().trim_start_matches('"');
    let text = text.strip_suffix('"').unwrap_or(text);
    text.replace("\\\"", "\"")
        .replace("\\n", "\n")
        .replace("\\\\", "\\")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_is_found_whole_or_by_its_holes() {
        let file = "# a comment\nmsgid \"Log in\"\nmsgstr \"Iniciar sesión\"\n\nmsgid \"\"\n\"Please wait {} \"\n\
            \"and try again.\"\nmsgstr \"Espere {} e inténtelo de nuevo.\"\n\nmsgid \"{} seconds\"\nmsgstr \"{} segundos\"";
        let catalogue = Catalogue::of(&[file]);
        assert_eq!(catalogue.find("Log in").as_deref(), Some("Iniciar sesión"));
        assert_eq!(
            catalogue
                .find("Please wait 9 seconds and try again.")
                .as_deref(),
            Some("Espere 9 segundos e inténtelo de nuevo.")
        );
        assert_eq!(catalogue.find("Please wait"), None);
        assert_eq!(catalogue.find("María"), None);
    }

    #[test]
    fn a_name_is_never_said_in_another_language() {
        let file = "msgid \"Help\"\nmsgstr \"Ayuda\"\n\nmsgid \"Let {name} in\"\nmsgstr \"Dejar entrar a {name}\"\n\n\
            msgid \"Open {}\"\nmsgstr \"Abrir {}\"";
        let catalogue = Catalogue::of(&[file]);
        let found = |text| catalogue.find(text);
        assert_eq!(found("Let Help in").as_deref(), Some("Dejar entrar a Help"));
        assert_eq!(found("Open Help").as_deref(), Some("Abrir Ayuda"));
        assert_eq!(
            filled(Language::English, "Open {}, {}", &["{}", "Help"]),
            "Open {}, Help"
        );
    }

    #[test]
    fn an_entry_that_is_too_general_takes_figures_only() {
        let file = "msgid \"{} patients\"\nmsgstr \"{} pacientes\"\n\nmsgid \"{} May {}\"\nmsgstr \"{} de mayo de {}\"";
        let catalogue = Catalogue::of(&[file]);
        let found = |text| catalogue.find(text);
        assert_eq!(found("1,200 patients").as_deref(), Some("1,200 pacientes"));
        assert_eq!(
            found("3 May 2026, 14:05").as_deref(),
            Some("3 de mayo de 2026, 14:05")
        );
        for other in ["We lost all patients", "James May Brown", "You May go"] {
            assert_eq!(found(other), None, "{other}");
        }
    }

    #[test]
    fn sentences_that_follow_each_other_are_found_one_by_one() {
        let file = "msgid \"One is wrong.\"\nmsgstr \"Uno está mal.\"\n\nmsgid \"Ask {name} first.\"\n\
            msgstr \"Pregunte primero a {name}.\"";
        let catalogue = Catalogue::of(&[file]);
        assert_eq!(
            catalogue
                .find("One is wrong. Ask Dr. Park first.")
                .as_deref(),
            Some("Uno está mal. Pregunte primero a Dr. Park.")
        );
        assert_eq!(
            catalogue.find("One is wrong. Nobody says this."),
            None,
            "no sentence in two languages"
        );
    }

    #[test]
    fn each_entry_is_found_by_itself_and_by_no_more_general_one() {
        for (english, other) in entries() {
            let count = english.matches('{').count();
            let sevens = vec!["7"; count];
            let alike = english.replace(KEPT, HOLE);
            assert_eq!(
                said(Language::Spanish, &fill(&alike, &sevens)),
                fill(&other.replace(KEPT, HOLE), &sevens),
                "{english}"
            );
        }
    }

    #[test]
    fn said_twice_is_said_once() {
        // Macros say what their callers may have said already.
        for (english, other) in entries() {
            if !english.contains('{') {
                assert_eq!(said(Language::Spanish, &other), other, "{english}");
            }
        }
    }

    #[test]
    fn both_sides_of_an_entry_have_the_same_holes_and_none_stands_twice() {
        let all = entries();
        let mut seen = std::collections::HashSet::new();
        for (english, other) in &all {
            for hole in [HOLE, KEPT, "{"] {
                let count = |text: &String| text.matches(hole).count();
                assert_eq!(count(english), count(other), "{english}");
            }
            let alike = english.replace(KEPT, HOLE);
            assert!(seen.insert(alike), "twice: {english}");
        }
    }
}
