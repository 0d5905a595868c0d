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
use crate::emr::forms::directives::Known;
use crate::emr::forms::pieces;
use crate::emr::forms::pieces::Field;
use crate::emr::forms::pieces::Piece;
use crate::emr::forms::taken::Reading;
use crate::emr::forms::taken::Taken;

/// Parts of a form at most, as far as a page here shows them.
const MOST: usize = 3_000;

/// What a form has that has more of them, or an answer that is too long.
const TOO_MANY: &str = "more lines than a page has room for";
const TOO_LONG: &str = "an answer that is too long";

/// What a form has that shows another one.
const PAGE: &str = "a page within the page";

/// What a question is called that has no words of its own.
const ANSWER: &str = "Answer";

/// A template with its directives filled in; they stay as they are written where `known` is `None`.
pub(super) fn template(text: &str, known: Option<&Known>) -> Questions {
    let html = text.contains("{ParseAsHTML}") || is_html(text);
    let mut pieces = Vec::new();
    let mut reading = Reading::of(known);
    let (found, mut hidden) = pieces::of(text);
    for piece in found {
        match piece {
            Piece::Text(text) => {
                let mut lines = text.split('\n').peekable();
                while let Some(line) = lines.next() {
                    pieces.extend(reading.apart(line).into_iter().map(piece_of));
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
    if reading.page && !hidden.contains(&PAGE) {
        hidden.push(PAGE);
    }
    let (mut questions, _) = questions(pieces, hidden);
    questions.unknown = reading.unknown;
    questions.named();
    questions
}

fn piece_of(taken: Taken) -> Piece {
    match taken {
        Taken::Text(text) => Piece::Text(text),
        Taken::Input(kind, _) => Piece::Field(Field {
            name: String::new(),
            link: String::new(),
            kind,
            required: false,
            value: String::new(),
        }),
    }
}

/// A form as it stands in OpenEMR's row: the questions, and what is answered already.
pub(super) fn form(html: &str) -> (Questions, Answers) {
    let (pieces, hidden) = pieces::of(html);
    questions(pieces, hidden)
}

/// A form made here with what is known of a patient: the directives in its words and questions. Each part stays where it is.
pub(super) fn filled(mut questions: Questions, known: &Known) -> Questions {
    let mut reading = Reading::of(Some(known));
    for part in &mut questions.parts {
        let text = match part {
            Part::Heading(text) | Part::Words(text) => text,
            Part::Item(item) => &mut item.label,
        };
        *text = tidy(&reading.said(text));
        if let Part::Item(item) = part
            && item.label.is_empty()
        {
            ANSWER.clone_into(&mut item.label);
        }
    }
    if reading.page && !questions.hidden.contains(&PAGE) {
        questions.hidden.push(PAGE);
    }
    questions.unknown = reading.unknown;
    questions
}

/// Whether a text has elements that lay it out.
fn is_html(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    ["<p", "<div", "<br", "<table", "<h1", "<h2", "<h3", "<ul"]
        .iter()
        .any(|tag| text.contains(tag))
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
                (true, _) => ANSWER.to_owned(),
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
            Some(&vec![("PatientName", "Ana {TextInput} Kim".to_owned())]),
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
        assert_eq!(labels, ["Name: Ana {TextInput} Kim {Foo"]);
    }

    #[test]
    fn braces_without_an_end_are_signs() {
        for text in ["{", "a { b", "{{TextInput", "}{", "{TextInput", "é{é}"] {
            let found = of(text);
            assert_eq!(found.items().count(), 0, "{text}");
        }
        let long = format!("{{{}}} {{TextInput}}", "x".repeat(1_500));
        let found = of(&long);
        assert!(found.unknown.is_empty());
        assert_eq!(found.items().count(), 1);
    }

    #[test]
    fn f155_a_form_made_here_tells_what_nobody_knows_and_keeps_its_parts() {
        let known = vec![("DOB", "1980-01-02".to_owned())];
        let (made, _) = form(
            "<h3>{Other}</h3><p>{GRP}{DOB}</p><p>{/GRP}</p><p>{ChiefComplaint} <input name=a></p><p>{AcknowledgePdf:7:x}</p>",
        );
        let filled = filled(made.clone(), &known);
        assert_eq!(filled.parts.len(), made.parts.len());
        assert_eq!(filled.unknown, ["{Other}"]);
        assert_eq!(filled.hidden, [PAGE]);
        assert_eq!(filled.parts[0], Part::Heading("[other]".to_owned()));
        let words = Part::Words("Birth Date: 1980-01-02".to_owned());
        assert_eq!(filled.parts[1], words);
        assert_eq!(
            filled.items().next().map(|item| item.label.as_str()),
            Some(ANSWER)
        );
    }

    #[test]
    fn f155_a_template_is_told_as_it_is_written() {
        let text = "Today {CurrentDate:MM/DD/YYYY}, {PatientName}: {HIS:x}\n{GRP}{Medications}{Allergies}{/GRP} {TextInput}";
        let found = template(text, None);
        let words = "Today {CurrentDate:MM/DD/YYYY}, {PatientName}: {HIS:x}";
        assert_eq!(found.parts[0], Part::Words(words.to_owned()));
        let labels: Vec<&str> = found.items().map(|item| item.label.as_str()).collect();
        assert_eq!(labels, ["{GRP}{Medications}{Allergies}{/GRP}"]);
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
