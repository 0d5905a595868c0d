//! A text taken apart at its directives: what each of them stands for, and between the values of a group what OpenEMR writes
//! there.

use crate::domain::forms::Kind;
use crate::emr::forms::directives;
use crate::emr::forms::directives::Known;
use crate::emr::forms::directives::Means;
use crate::emr::forms::known;

/// Bytes of a directive at most.
const WIDEST: usize = 1_000;

/// What begins and ends a group.
const GROUP: (&str, &str) = ("GRP", "/GRP");

/// What a template says of the separator. OpenEMR reads it, and writes its own all the same.
const ITEMSEP: (&str, &str) = ("ITEMSEP", "{/ITEMSEP}");

/// What OpenEMR writes between the values of a group.
const SEPARATOR: &str = "; ";

/// A piece of a text.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Taken {
    /// Words, with what directives stand for.
    Text(String),
    /// Something is asked; the directive as it is written.
    Input(Kind, String),
}

/// What is read, from the first text of a form to the last: a group may go over several.
#[derive(Debug, Default)]
pub(super) struct Reading {
    /// What directives stand for; they stay as they are written where it is `None`.
    known: Option<Known>,
    /// Groups within one another.
    depth: usize,
    /// Values of the group so far.
    values: usize,
    /// Directives nobody knows, as they are written, each once.
    pub(super) unknown: Vec<String>,
    /// Whether one puts in what no page here can show.
    pub(super) page: bool,
}

impl Reading {
    /// Nothing is read yet.
    pub(super) fn of(known: Option<&Known>) -> Self {
        Self {
            known: known.cloned(),
            ..Self::default()
        }
    }

    /// A text at its directives. It is read once, so that what a name holds is no directive.
    pub(super) fn apart(&mut self, text: &str) -> Vec<Taken> {
        let mut taken = Vec::new();
        let mut words = String::with_capacity(text.len());
        let mut rest = text;
        // A brace that opens and is not closed is a sign like others: the last one before that which closes counts.
        while let Some((within, behind)) = rest.split_once('}') {
            rest = behind;
            let opened = within.rsplit_once('{');
            let Some((before, word)) = opened.filter(|(_, word)| word.len() <= WIDEST) else {
                words.push_str(within);
                words.push('}');
                continue;
            };
            words.push_str(before);
            if word == ITEMSEP.0
                && let Some((_, behind)) = rest.split_once(ITEMSEP.1)
            {
                rest = behind;
                continue;
            }
            match self.means(word) {
                Means::Input(kind) => {
                    taken.push(Taken::Text(std::mem::take(&mut words)));
                    taken.push(Taken::Input(kind, word.to_owned()));
                }
                Means::Text(text) => words.push_str(&self.value(word, text)),
                Means::Blank(blank) => {
                    self.missed(word);
                    words.push_str(&self.value(word, blank));
                }
                Means::Nothing => words.push_str(&self.silent(word)),
                Means::Page => self.page = true,
                Means::Words => words.push_str(&written(word)),
            }
        }
        words.push_str(rest);
        taken.push(Taken::Text(words));
        taken
    }

    /// A text in which nothing can be asked: for what asks something a blank stands, too.
    pub(super) fn said(&mut self, text: &str) -> String {
        let mut said = String::with_capacity(text.len());
        for piece in self.apart(text) {
            match piece {
                Taken::Text(words) => said.push_str(&words),
                Taken::Input(_, word) => {
                    self.missed(&word);
                    said.push_str(&directives::blank_of(&word));
                }
            }
        }
        said
    }

    fn means(&self, word: &str) -> Means {
        match &self.known {
            Some(known) => directives::means(word, known),
            None => directives::means(word, &known::nobody()),
        }
    }

    /// Nobody knows this directive.
    fn missed(&mut self, word: &str) {
        let whole = written(word);
        if !self.unknown.contains(&whole) {
            self.unknown.push(whole);
        }
    }

    /// A value as it stands: within a group behind its title, and told apart from the one before. One that is empty is left
    /// out there.
    fn value(&mut self, word: &str, value: String) -> String {
        if self.known.is_none() {
            return written(word);
        }
        if self.depth == 0 || value.trim().is_empty() {
            return value;
        }
        let between = match self.values {
            0 => "",
            _ => SEPARATOR,
        };
        self.values += 1;
        match directives::title(word) {
            "" => format!("{between}{value}"),
            title => format!("{between}{title}: {value}"),
        }
    }

    /// Nothing is shown for it. Where directives stay as they are written, groups do.
    fn silent(&mut self, word: &str) -> String {
        if word == GROUP.0 {
            self.depth += 1;
            self.values = 0;
        } else if word == GROUP.1 {
            self.depth = self.depth.saturating_sub(1);
        } else {
            return String::new();
        }
        match self.known {
            Some(_) => String::new(),
            None => written(word),
        }
    }
}

/// A directive as it is written.
fn written(word: &str) -> String {
    format!("{{{word}}}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known() -> Known {
        vec![
            ("PatientName", "Ana {DOB} Kim".to_owned()),
            ("DOB", "1980-01-02".to_owned()),
            ("CurrentDate", "2026-11-29".to_owned()),
            ("Medications", "Lisinopril 10 mg".to_owned()),
            ("Allergies", "Penicillin (rash)".to_owned()),
            ("ProblemList", String::new()),
            ("DEM:lname", "Kim".to_owned()),
        ]
    }

    #[test]
    fn f152_the_values_of_a_group_are_told_apart_by_their_titles() {
        for (text, read) in [
            (
                "{GRP}{Medications}{ProblemList}{Allergies}{/GRP}{DOB}",
                "Medications: Lisinopril 10 mg; Allergies: Penicillin (rash)1980-01-02",
            ),
            (
                "{GRP}{ITEMSEP} / {/ITEMSEP}{DEM:lname}{CurrentDate:DD/MM/YYYY}{HIS:tobacco_use}{/GRP}",
                "Kim; Date: 29/11/2026; [tobacco use]",
            ),
            (
                "{/GRP}{Medications}{Allergies}",
                "Lisinopril 10 mgPenicillin (rash)",
            ),
        ] {
            assert_eq!(Reading::of(Some(&known())).said(text), read);
        }
        // A group goes over lines, and the next one begins anew.
        let known = known();
        let mut reading = Reading::of(Some(&known));
        assert_eq!(reading.said("{GRP}{DOB}"), "Birth Date: 1980-01-02");
        assert_eq!(reading.said("{PatientName}"), "; Name: Ana {DOB} Kim");
        assert_eq!(reading.said("{/GRP}{GRP}{DOB}"), "Birth Date: 1980-01-02");
    }

    #[test]
    fn f155_forms_made_here_know_the_patient_and_tell_what_nobody_knows() {
        let known = known();
        let cases: [(&str, &str, &[&str]); 5] = [
            (
                "I, {PatientName}, born {DOB}",
                "I, Ana {DOB} Kim, born 1980-01-02",
                &[],
            ),
            (
                "{Other} {{DOB}} {HIS:a_b} {Other} {",
                "[other] {1980-01-02} [a b] [other] {",
                &["{Other}", "{HIS:a_b}"],
            ),
            (
                "{ not one } {circle one}}",
                "{ not one } {circle one}}",
                &[],
            ),
            (
                "{CurrentDate:MM/DD/YYYY}{TextInput}",
                "11/29/2026[text input]",
                &["{TextInput}"],
            ),
            ("{DOB", "{DOB", &[]),
        ];
        for (text, read, unknown) in cases {
            let mut reading = Reading::of(Some(&known));
            assert_eq!(reading.said(text), read);
            assert_eq!(reading.unknown, unknown, "{text}");
            assert!(!reading.page);
        }
        let mut reading = Reading::of(Some(&known));
        assert_eq!(reading.said("Here: {EncounterForm:HIS}"), "Here: ");
        assert!(reading.page);
    }

    #[test]
    fn f155_as_it_is_written_every_directive_stays() {
        let text = "{CurrentDate:MM/DD/YYYY} {HIS:x} {DEM:email} {GRP}{Medications}{/GRP} { no }";
        assert_eq!(Reading::of(None).said(text), text);
        assert_eq!(
            Reading::of(None).said("{ParseAsHTML}Read this."),
            "Read this."
        );
    }

    #[test]
    fn what_is_no_directive_hides_nothing_behind_it() {
        let known = known();
        let long = "x".repeat(WIDEST + 1);
        for (text, read) in [
            (
                format!("a {{ {long} {{DOB}}"),
                format!("a {{ {long} 1980-01-02"),
            ),
            (
                format!("{{{long}}} {{DOB}}"),
                format!("{{{long}}} 1980-01-02"),
            ),
            ("} {DOB} }".to_owned(), "} 1980-01-02 }".to_owned()),
        ] {
            let mut reading = Reading::of(Some(&known));
            assert_eq!(reading.said(&text), read);
            assert!(reading.unknown.is_empty());
        }
        // As long as a question with its options may be.
        let options = "A long answer_".repeat(60) + "Another";
        let taken = Reading::of(Some(&known)).apart(&format!("{{RadioGroup:{options}}} {{DOB}}"));
        assert!(
            matches!(&taken[1], Taken::Input(Kind::Choice(all), _) if all.len() == 61),
            "{taken:?}"
        );
        assert_eq!(taken[2], Taken::Text(" 1980-01-02".to_owned()));
    }
}
