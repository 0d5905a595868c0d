//! The one catalogue of words: templates and sentences are written in English, and `words/es/*.po` says each in Spanish
//! (the format of GNU gettext, one `msgid` and one `msgstr` an entry). Pages, letters and printed sheets share it.
//!
//! A sentence made of parts is one entry with holes: `Please wait {} and try again.` What fills a hole is said in the
//! other language too, where the catalogue has it.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::LazyLock;

use crate::domain::language::Language;

/// The catalogue's files.
const SPANISH: [&str; 6] = [
    include_str!("words/es/pages.po"),
    include_str!("words/es/accounts.po"),
    include_str!("words/es/onboarding.po"),
    include_str!("words/es/register.po"),
    include_str!("words/es/mail.po"),
    include_str!("words/es/own.po"),
];

/// A hole in a sentence.
const HOLE: &str = "{}";

static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(|| Catalogue::of(&SPANISH));

struct Catalogue {
    whole: HashMap<String, String>,
    /// Sentences with holes, cut at them; the longest first, so that the most particular one fits.
    holed: Vec<(Vec<String>, String)>,
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
            if english.contains(HOLE) {
                let parts = english.split(HOLE).map(str::to_owned).collect();
                holed.push((parts, other.clone()));
            }
            whole.insert(english, other);
        }
        holed.sort_by_key(|(parts, _): &(Vec<String>, String)| {
            std::cmp::Reverse(parts.iter().map(String::len).sum::<usize>())
        });
        Self { whole, holed }
    }

    fn find(&self, english: &str) -> Option<String> {
        if let Some(text) = self.whole.get(english) {
            return Some(text.clone());
        }
        self.holed.iter().find_map(|(parts, other)| {
            let fillings = fillings(parts, english)?;
            let mut text = String::new();
            let mut fillings = fillings.into_iter();
            for (index, part) in other.split(HOLE).enumerate() {
                if index > 0 {
                    let filling = fillings.next().unwrap_or_default();
                    text.push_str(self.find(filling).as_deref().unwrap_or(filling));
                }
                text.push_str(part);
            }
            Some(text)
        })
    }
}

/// What stands in the holes of a sentence; `None` where the sentence is another one.
fn fillings<'s>(parts: &[String], sentence: &'s str) -> Option<Vec<&'s str>> {
    let (first, rest) = parts.split_first()?;
    let (last, middle) = rest.split_last()?;
    // A sentence that is nothing but a hole would be every sentence.
    if parts.iter().all(|part| part.trim().is_empty()) {
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
    Some(found)
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
    fn both_sides_of_an_entry_have_the_same_holes_and_none_stands_twice() {
        let all = entries();
        let mut seen = std::collections::HashSet::new();
        for (english, other) in &all {
            assert_eq!(
                english.matches(HOLE).count(),
                other.matches(HOLE).count(),
                "{english}"
            );
            assert!(seen.insert(english), "twice: {english}");
        }
    }
}
