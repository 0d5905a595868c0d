//! A form written as lines, for staff who make one without HTML: a sign at the beginning of a line says what it is.

use super::Item;
use super::Kind;
use super::LONGEST;
use super::MOST;
use super::Part;
use super::Questions;

/// The signs, and how what follows is answered.
const SIGNS: [(&str, Kind); 5] = [
    ("-- ", Kind::Lines),
    ("-d ", Kind::Date),
    ("-y ", Kind::Check),
    ("[] ", Kind::Check),
    ("- ", Kind::Line),
];

/// Reads the lines: `# ` a heading, `- ` a short answer, `-- ` a long one, `-d ` a day, `-y ` yes or no, `-o ` a choice
/// with its options behind `|`, `[] ` a box to tick, anything else a paragraph. A ` *` at the end: it must be answered.
///
/// # Errors
/// A sentence for whoever wrote it.
pub fn read(text: &str) -> Result<Questions, &'static str> {
    let mut parts = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        if line.chars().count() > LONGEST {
            return Err("A line is too long.");
        }
        parts.push(part(line, parts.len())?);
    }
    let mut questions = Questions {
        parts,
        ..Questions::default()
    };
    if questions.parts.is_empty() {
        return Err("Write at least one line.");
    }
    if questions.parts.len() > MOST {
        return Err("A form has at most 300 lines.");
    }
    questions.named();
    Ok(questions)
}

fn part(line: &str, place: usize) -> Result<Part, &'static str> {
    if let Some(heading) = line.strip_prefix("# ") {
        return Ok(Part::Heading(heading.trim().to_owned()));
    }
    let (label, kind) = match line.strip_prefix("-o ") {
        Some(rest) => {
            let mut options = rest.split('|').map(str::trim);
            let label = options.next().unwrap_or_default();
            let options: Vec<String> = options.map(str::to_owned).collect();
            if options.len() < 2 || options.iter().any(String::is_empty) {
                return Err("A choice is written as: -o Question * | First | Second");
            }
            (label, Kind::Choice(options))
        }
        None => {
            let sign = SIGNS.iter().find(|(sign, _)| line.starts_with(sign));
            let Some((sign, kind)) = sign else {
                return Ok(Part::Words(line.to_owned()));
            };
            let kind = match *sign {
                "-y " => Kind::Choice(vec!["Yes".to_owned(), "No".to_owned()]),
                _ => kind.clone(),
            };
            (line.get(sign.len()..).unwrap_or_default(), kind)
        }
    };
    let (label, required) = match label.trim_end().strip_suffix(" *") {
        Some(label) => (label.trim(), true),
        None => (label.trim(), false),
    };
    if label.is_empty() {
        return Err("A question has words behind its sign.");
    }
    Ok(Part::Item(Item {
        id: (place + 1).to_string(),
        name: String::new(),
        label: label.to_owned(),
        kind,
        required,
    }))
}

/// The lines of a form, as [`read`] takes them.
pub fn written(questions: &Questions) -> String {
    let lines = questions.parts.iter().map(|part| match part {
        Part::Heading(text) => format!("# {text}"),
        Part::Words(text) => text.clone(),
        Part::Item(item) => {
            let star = if item.required { " *" } else { "" };
            match &item.kind {
                Kind::Line => format!("- {}{star}", item.label),
                Kind::Lines => format!("-- {}{star}", item.label),
                Kind::Date => format!("-d {}{star}", item.label),
                Kind::Check => format!("[] {}{star}", item.label),
                Kind::Choice(options) if options == &["Yes", "No"] => {
                    format!("-y {}{star}", item.label)
                }
                Kind::Choice(options) => {
                    format!("-o {}{star} | {}", item.label, options.join(" | "))
                }
            }
        }
    });
    lines.collect::<Vec<String>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# Consent\nPlease read this.\n- Name of your doctor *\n-- Allergies\n-d Last visit\n\
        -y Do you smoke? *\n-o Side * | Left | Right\n[] I agree *";

    #[test]
    fn f155_lines_become_a_form_and_come_back() {
        let found = read(TEXT).expect("a form");
        assert_eq!(written(&found), TEXT);
        let names: Vec<&str> = found.items().map(|item| item.name.as_str()).collect();
        let expected = [
            "text_input1",
            "text_area1",
            "text_input2",
            "ynradio1",
            "group_radio2",
            "check1",
        ];
        assert_eq!(names, expected);
        assert!(found.items().next().is_some_and(|item| item.required));
    }

    #[test]
    fn what_is_no_form_is_told() {
        for wrong in ["", " \n ", "-o Side | Left", "-o Side", "[]  *"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
        let plain = read("<script>alert(1)</script>").expect("words");
        assert!(matches!(plain.parts.first(), Some(Part::Words(_))));
    }
}
