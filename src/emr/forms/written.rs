//! A form as HTML, as OpenEMR keeps it in `onsite_documents.full_document`: the names of its inputs are OpenEMR's, so that its
//! own screens show and fill it. Everything in it is escaped; nothing of a template's mark-up is taken over.

use serde_json::Map;
use serde_json::Value;

use crate::domain::forms::Answers;
use crate::domain::forms::Item;
use crate::domain::forms::Kind;
use crate::domain::forms::Part;
use crate::domain::forms::Questions;
use crate::domain::forms::TICKED;

/// The name of the signature among the answers.
const SIGNATURE: &str = "patient_signature1";

/// What OpenEMR looks for to tell its present forms from those of old.
const VERSION: &str =
    "<input id=\"portal_version\" name=\"portal_version\" type=\"hidden\" value=\"New\" />";

/// The form with what is answered; `picture` is the signature, empty where there is none.
pub(super) fn html(questions: &Questions, answers: &Answers, picture: &str) -> String {
    let mut text = String::with_capacity(4096);
    for part in &questions.parts {
        match part {
            Part::Heading(words) => text.push_str(&format!("<h3>{}</h3>\n", escaped(words))),
            Part::Words(words) => text.push_str(&format!("<p>{}</p>\n", escaped(words))),
            Part::Item(item) => {
                let answer = answers.get(&item.id).map_or("", String::as_str);
                text.push_str(&format!("<p>{}</p>\n", input(item, answer)));
            }
        }
    }
    text.push_str(&format!(
        "<p><img class=\"signature m-1\" name=\"{SIGNATURE}\" id=\"patientSignature\" data-type=\"patient-signature\" \
        data-action=\"fetch_signature\" alt=\"\" src=\"{}\"></p>\n",
        escaped(picture)
    ));
    text.push_str(VERSION);
    text
}

fn input(item: &Item, answer: &str) -> String {
    let label = escaped(&item.label);
    let required = if item.required { " required" } else { "" };
    let name = format!(
        "name=\"{}\" data-link-id=\"{}\"{required}",
        escaped(&item.name),
        escaped(&item.id)
    );
    let value = escaped(answer);
    match &item.kind {
        Kind::Line => {
            format!(
                "{label} <input class=\"templateInput\" type=\"text\" {name} value=\"{value}\">"
            )
        }
        Kind::Date => {
            format!(
                "{label} <input class=\"templateInput\" type=\"date\" {name} value=\"{value}\">"
            )
        }
        Kind::Lines => {
            format!(
                "{label} <textarea class=\"templateInput\" rows=\"3\" cols=\"60\" {name}>{value}</textarea>"
            )
        }
        Kind::Check => {
            let ticked = if answer == TICKED { " checked" } else { "" };
            format!("<input class=\"checkMark\" type=\"checkbox\" {name}{ticked}> {label}")
        }
        Kind::Choice(options) => {
            let mut text = label;
            for option in options {
                let chosen = if option == answer { " checked" } else { "" };
                let option = escaped(option);
                text.push_str(&format!(
                    " <label><input type=\"radio\" {name} value=\"{option}\"{chosen}>{option}</label>"
                ));
            }
            text
        }
    }
}

/// The answers as OpenEMR's `template_data` has them: JSON of its own names.
pub(super) fn data(questions: &Questions, answers: &Answers, picture: &str) -> String {
    let mut map = Map::new();
    for item in questions.items() {
        if let Some(answer) = answers.get(&item.id) {
            map.insert(item.name.clone(), Value::String(answer.clone()));
        }
    }
    if !picture.is_empty() {
        map.insert(SIGNATURE.to_owned(), Value::String(picture.to_owned()));
    }
    Value::Object(map).to_string()
}

/// Takes over what OpenEMR's portal saved: its names, its JSON.
pub(super) fn saved(questions: &Questions, answers: &mut Answers, data: &str) {
    let Ok(Value::Object(map)) = serde_json::from_str::<Value>(data) else {
        return;
    };
    for item in questions.items() {
        match map.get(&item.name) {
            Some(Value::String(text)) if !text.is_empty() => {
                answers.insert(item.id.clone(), text.clone());
            }
            Some(Value::Bool(true)) => {
                answers.insert(item.id.clone(), TICKED.to_owned());
            }
            Some(_) => {
                answers.remove(&item.id);
            }
            None => {}
        }
    }
}

/// Text as HTML has it, within elements and within attributes.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#039;"),
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::forms::outline;
    use crate::emr::forms::parse;

    #[test]
    fn a_form_comes_back_with_its_answers_however_odd() {
        let text = "# A <b>\n- Name {TextInput} *\n-- Long\n-d Day\n-y Well?\n-o Side | L<eft | Right\n[] I \"agree\" *";
        let questions = outline::read(text).expect("a form");
        let mut answers = Answers::new();
        for (item, answer) in questions.items().zip([
            "\"><script>alert(1)</script>",
            "</textarea><img src=x>",
            "2026-11-29",
            "No",
            "L<eft",
            TICKED,
        ]) {
            answers.insert(item.id.clone(), answer.to_owned());
        }
        let html = html(&questions, &answers, "");
        assert!(!html.contains("<script>") && !html.contains("<img src=x"));
        let (back, held) = parse::form(&html);
        assert_eq!(back, questions);
        assert_eq!(held, answers);
        let mut other = Answers::new();
        saved(&questions, &mut other, &data(&questions, &answers, "x"));
        assert_eq!(other, answers);
    }
}
