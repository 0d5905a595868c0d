//! From pieces to questions: OpenEMR's directives are understood, a line's words become the label of its input, and what
//! the practice knows of the patient is filled in. For a directive nobody knows a blank stands, and it is told.

use std::collections::BTreeSet;

use crate::domain::forms::Answers;
use crate::domain::forms::Item;
use crate::domain::forms::Kind;
use crate::domain::forms::LONGEST;
use crate::domain::forms::Part;
use crate::domain::forms::Questions;
use crate::emr::forms::answered;
use crate::emr::forms::directives;
use crate::emr::forms::directives::Known;
use crate::emr::forms::directives::Means;
use crate::emr::forms::pieces;
use crate::emr::forms::pieces::Field;
use crate::emr::forms::pieces::Piece;

/// Letters of a directive at most.
const WIDEST: usize = 120;

/// Parts of a form at most, as far as a page here shows them.
const MOST: usize = 3_000;

/// What a form has that has more of them, or an answer that is too long.
const TOO_MANY: &str = "more lines than a page has room for";
const TOO_LONG: &str = "an answer that is too long";

/// What a form has that shows another one.
const PAGE: &str = "a page within the page";

/// What stands between parts of a group in OpenEMR's own text.
const SEPARATOR: (&str, &str) = ("ITEMSEP", "{/ITEMSEP}");

/// A template with its directives.
pub(super) fn template(text: &str, known: &Known) -> Questions {
    let html = text.contains("{ParseAsHTML}") || is_html(text);
    let mut pieces = Vec::new();
    let mut unknown = Vec::new();
    let (found, mut hidden) = pieces::of(text);
    for piece in found {
        match piece {
            Piece::Text(text) => {
                let mut lines = text.split('\n').peekable();
                while let Some(line) = lines.next() {
                    let page = taken_apart(line, known, (&mut pieces, &mut unknown));
                    hidden.extend(page.filter(|page| !hidden.contains(page)));
                    match (lines.peek().is_some(), html) {
                        (true, true) => pieces.push(Piece::Text(" ".to_owned())),
                        (true, false) => pieces.push(Piece::Break),
                        (false, _) => {}
                    }
                }
            }
            other => pieces.push(other),
        }
    }
    let (mut questions, _) = questions(pieces, hidden);
    questions.unknown = unknown;
    questions.named();
    questions
}

/// A form as it stands in OpenEMR's row: the questions, and what is answered already.
pub(super) fn form(html: &str) -> (Questions, Answers) {
    let (pieces, hidden) = pieces::of(html);
    questions(pieces, hidden)
}

/// A form made here with what is known of a patient: the directives in its words and questions.
pub(super) fn filled(mut questions: Questions, known: &Known) -> Questions {
    for part in &mut questions.parts {
        let text = match part {
            Part::Heading(text) | Part::Words(text) => text,
            Part::Item(item) => &mut item.label,
        };
        *text = said(text, known);
    }
    questions
}

/// A text with what is known; it is read once, so that what a name holds is no directive.
fn said(text: &str, known: &Known) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once('{') {
        out.push_str(before);
        let found = known.iter().find_map(|(name, said)| {
            let after = behind.strip_prefix(name)?.strip_prefix('}')?;
            Some((said, after))
        });
        rest = match found {
            Some((said, after)) => {
                out.push_str(said);
                after
            }
            None => {
                out.push('{');
                behind
            }
        };
    }
    out.push_str(rest);
    out
}

/// Whether a text has elements that lay it out.
fn is_html(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    ["<p", "<div", "<br", "<table", "<h1", "<h2", "<h3", "<ul"]
        .iter()
        .any(|tag| text.contains(tag))
}

/// Takes a line apart at its directives; what of it no page here can show.
fn taken_apart(
    line: &str,
    known: &Known,
    (pieces, unknown): (&mut Vec<Piece>, &mut Vec<String>),
) -> Option<&'static str> {
    let mut hidden = None;
    let mut rest = line;
    while let Some(at) = rest.find('{') {
        let (before, behind) = rest.split_at(at);
        let closed = behind.find('}').filter(|end| *end <= WIDEST);
        let Some(end) = closed else {
            break;
        };
        let (whole, after) = behind.split_at(end + 1);
        // A brace that opens and is not closed is a sign like others.
        let (open, whole) = whole.split_at(whole.rfind('{').unwrap_or_default());
        let word = whole.trim_start_matches('{').trim_end_matches('}');
        pieces.push(Piece::Text(before.to_owned()));
        if open.contains(|letter: char| letter != '{') {
            pieces.push(Piece::Text(open.to_owned()));
        }
        rest = after;
        if word == SEPARATOR.0
            && let Some((_, behind)) = rest.split_once(SEPARATOR.1)
        {
            rest = behind;
            continue;
        }
        match directives::means(word, known) {
            Means::Input(kind) => pieces.push(Piece::Field(Field {
                name: String::new(),
                link: String::new(),
                kind,
                required: false,
                value: String::new(),
            })),
            Means::Text(text) => pieces.push(Piece::Text(text)),
            Means::Nothing => {}
            Means::Page => hidden = Some(PAGE),
            Means::Blank(blank) => {
                if !unknown.iter().any(|one| one == whole) {
                    unknown.push(whole.to_owned());
                }
                pieces.push(Piece::Text(blank));
            }
            Means::Words => pieces.push(Piece::Text(whole.to_owned())),
        }
    }
    pieces.push(Piece::Text(rest.to_owned()));
    hidden
}

/// One line of a form.
#[derive(Default)]
struct Line {
    heading: bool,
    pieces: Vec<Piece>,
}

/// What the lines have come to.
#[derive(Default)]
struct Made {
    parts: Vec<Part>,
    answers: Answers,
    /// The ids that are given: each comes once.
    ids: BTreeSet<String>,
    hidden: Vec<&'static str>,
}

fn questions(pieces: Vec<Piece>, hidden: Vec<&'static str>) -> (Questions, Answers) {
    let mut lines = vec![Line::default()];
    for piece in pieces {
        match piece {
            Piece::Break => lines.push(Line::default()),
            Piece::Heading => {
                if let Some(line) = lines.last_mut() {
                    line.heading = true;
                }
            }
            other => {
                if let Some(line) = lines.last_mut() {
                    line.pieces.push(other);
                }
            }
        }
    }
    let mut made = Made {
        hidden,
        ..Made::default()
    };
    for line in lines {
        made.line(line);
        if made.parts.len() > MOST {
            made.hidden.push(TOO_MANY);
            break;
        }
    }
    let questions = Questions {
        parts: made.parts,
        unknown: Vec::new(),
        hidden: made.hidden,
    };
    (questions, made.answers)
}

impl Made {
    /// The parts of a line. The words before an input are its label, those behind it that of a box to tick.
    fn line(&mut self, line: Line) {
        let mut texts = vec![String::new()];
        let mut fields = Vec::new();
        for piece in line.pieces {
            match piece {
                Piece::Text(text) => {
                    if let Some(last) = texts.last_mut() {
                        last.push_str(&text);
                    }
                }
                Piece::Field(field) => {
                    fields.push(field);
                    texts.push(String::new());
                }
                Piece::Break | Piece::Heading => {}
            }
        }
        let mut texts: Vec<String> = texts.iter().map(|text| tidy(text)).collect();
        if fields.is_empty() {
            let text = texts.swap_remove(0);
            match (text.is_empty(), line.heading) {
                (true, _) => {}
                (false, true) => self.parts.push(Part::Heading(text)),
                (false, false) => self.parts.push(Part::Words(text)),
            }
            return;
        }
        let last = texts.len() - 1;
        for (place, field) in fields.into_iter().enumerate() {
            let behind = field.kind == Kind::Check && !texts[place + 1].is_empty();
            if behind && !texts[place].is_empty() {
                self.parts
                    .push(Part::Words(std::mem::take(&mut texts[place])));
            }
            let label = match behind {
                true => std::mem::take(&mut texts[place + 1]),
                false => std::mem::take(&mut texts[place]),
            };
            let label = label.trim_end_matches(':').trim_end().to_owned();
            let label = match (label.is_empty(), self.parts.last()) {
                // A question on a line of its own stands above its input.
                (true, Some(Part::Words(_))) => match self.parts.pop() {
                    Some(Part::Words(words)) => words.trim_end_matches(':').to_owned(),
                    _ => label,
                },
                (true, _) => "Answer".to_owned(),
                (false, _) => label,
            };
            self.item(label, field);
        }
        let text = std::mem::take(&mut texts[last]);
        if !text.is_empty() {
            self.parts.push(Part::Words(text));
        }
    }

    fn item(&mut self, label: String, field: Field) {
        let named = match (field.link.as_str(), field.name.as_str()) {
            ("", "") => (self.parts.len() + 1).to_string(),
            ("", name) => name.to_owned(),
            (link, _) => link.to_owned(),
        };
        // Inputs of one name, and those without, are told apart by where they stand.
        let mut id = named.clone();
        let mut more = 2;
        while !self.ids.insert(id.clone()) {
            id = format!("{named}-{more}");
            more += 1;
        }
        let (kind, answer) = answered::read(field.kind, &field.value);
        if answer.chars().count() > LONGEST && !self.hidden.contains(&TOO_LONG) {
            self.hidden.push(TOO_LONG);
        }
        if !answer.is_empty() {
            self.answers.insert(id.clone(), answer);
        }
        self.parts.push(Part::Item(Item {
            id,
            name: field.name,
            label,
            kind,
            required: field.required,
        }));
    }
}

/// Blanks once, none at the ends, no control characters; nothing is cut.
fn tidy(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let plain = words.join(" ");
    let letters = plain.chars().filter(|letter| !letter.is_control());
    letters.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Questions {
        template(
            text,
            &vec![("PatientName", "Ana {TextInput} Kim".to_owned())],
        )
    }

    #[test]
    fn f155_openemrs_directives_become_questions() {
        let found = of(
            "I, {PatientName}, agree.\n{CheckMark} Medicare# {TextInput} {CheckMark} Medicaid\n\
            Are you well? {ynRadioGroup}\nWhy:\n{TextBox:03x080}\nSeen on {DatePicker} {PatientSignature}\n\
            {RadioGroup:Left_Right} {Medications} { not one }",
        );
        let labels: Vec<(&str, &str)> = found
            .items()
            .map(|item| (item.name.as_str(), item.label.as_str()))
            .collect();
        assert_eq!(
            labels,
            [
                ("check1", "Medicare#"),
                ("text_input1", "Answer"),
                ("check2", "Medicaid"),
                ("ynradio1", "Are you well?"),
                ("text_area1", "Why"),
                ("text_input2", "Seen on"),
                ("group_radio2", "Answer"),
            ]
        );
        assert_eq!(found.unknown, ["{Medications}"]);
        // A blank says what is to be there, and no brace of a directive is shown.
        let last = found.parts.last();
        assert!(
            matches!(last, Some(Part::Words(words)) if words == "[medications] { not one }"),
            "{last:?}"
        );
        // What a name holds is no directive.
        assert!(
            matches!(&found.parts[0], Part::Words(words) if words.contains("Ana {TextInput} Kim"))
        );
    }

    #[test]
    fn lines_count_where_it_is_no_html() {
        let plain = of("One\nTwo");
        assert_eq!(plain.parts.len(), 2);
        let html = of("{ParseAsHTML}One\nTwo");
        assert_eq!(html.parts.len(), 1);
        let html = of("<h2>Title</h2><p>One\nTwo</p><script>{TextInput}</script>");
        assert_eq!(
            html.parts,
            [
                Part::Heading("Title".to_owned()),
                Part::Words("One Two".to_owned())
            ]
        );
    }

    #[test]
    fn f152_a_form_within_a_form_is_not_shown_and_separators_are_no_words() {
        let found = of("Read this.\n{EncounterForm:HIS}");
        assert_eq!(found.hidden, [PAGE]);
        let found =
            of("{GRP}{PatientName}{ITEMSEP} / {/ITEMSEP}{ChiefComplaint}{/GRP} {Foo {TextInput}");
        assert!(found.is_whole() && found.unknown.is_empty(), "{found:?}");
        let labels: Vec<&str> = found.items().map(|item| item.label.as_str()).collect();
        assert_eq!(labels, ["Ana {TextInput} Kim {Foo"]);
    }

    #[test]
    fn braces_without_an_end_are_signs() {
        for text in ["{", "a { b", "{{TextInput", "}{", "{TextInput", "é{é}"] {
            let found = of(text);
            assert_eq!(found.items().count(), 0, "{text}");
        }
        let long = format!("{{{}}}", "x".repeat(500));
        assert!(of(&long).unknown.is_empty());
    }

    #[test]
    fn f155_forms_made_here_know_the_patient_too() {
        let known = vec![
            ("PatientName", "Ana {DOB} Kim".to_owned()),
            ("DOB", "1980-01-02".to_owned()),
        ];
        for (text, read) in [
            (
                "I, {PatientName}, born {DOB}",
                "I, Ana {DOB} Kim, born 1980-01-02",
            ),
            ("{Other} {{DOB}} {", "{Other} {1980-01-02} {"),
            ("{DOB", "{DOB"),
        ] {
            assert_eq!(said(text, &known), read);
        }
    }

    #[test]
    fn nothing_is_cut_and_what_is_too_much_is_told() {
        let long = "word ".repeat(3_000);
        let found = of(&long);
        assert!(matches!(&found.parts[0], Part::Words(words) if words.len() == long.len() - 1));
        assert!(found.is_whole());
        let lines = "line\n".repeat(301);
        assert_eq!(of(&lines).parts.len(), 301);
        assert!(!of(&"line\n".repeat(3_001)).is_whole());
        let (read, _) = form(&format!("<input value=\"{}\">", "x".repeat(LONGEST + 1)));
        assert_eq!(read.hidden, [TOO_LONG]);
    }

    #[test]
    fn f153_inputs_of_one_name_are_questions_of_their_own() {
        let (read, held) =
            form("<input name=a value=1><input name=a value=2><input value=3><input value=4>");
        let ids: BTreeSet<&str> = read.items().map(|item| item.id.as_str()).collect();
        assert_eq!((ids.len(), held.len()), (4, 4), "{ids:?}");
    }
}
