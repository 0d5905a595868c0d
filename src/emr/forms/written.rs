//! A form as HTML, as OpenEMR keeps it in `onsite_documents.full_document`: the names of its inputs are OpenEMR's, so that its
//! own screens show and fill it. Everything in it is escaped; nothing of a template's mark-up is taken over.

use std::collections::HashMap;

use serde_json::Map;
use serde_json::Value;

use crate::domain::forms::Answers;
use crate::domain::forms::Item;
use crate::domain::forms::Kind;
use crate::domain::forms::Part;
use crate::domain::forms::Questions;
use crate::domain::forms::TICKED;
use crate::emr::forms::answered;

/// The name of the signature among the answers.
const SIGNATURE: &str = "patient_signature1";

/// What OpenEMR looks for to tell its present forms from those of old.
const VERSION: &str =
    "<input id=\"portal_version\" name=\"portal_version\" type=\"hidden\" value=\"New\" />";

/// A form without answers, as it is put before a patient.
pub(super) fn blank(questions: &Questions) -> String {
    let mut text = String::with_capacity(4096);
    for part in &questions.parts {
        match part {
            Part::Heading(words) => text.push_str(&format!("<h3>{}</h3>\n", escaped(words))),
            Part::Words(words) => text.push_str(&format!("<p>{}</p>\n", escaped(words))),
            Part::Item(item) => text.push_str(&format!("<p>{}</p>\n", input(item))),
        }
    }
    text.push_str(&format!(
        "<p><img class=\"signature m-1\" name=\"{SIGNATURE}\" id=\"patientSignature\" data-type=\"patient-signature\" \
        data-action=\"fetch_signature\" alt=\"\" src=\"\"></p>\n"
    ));
    text.push_str(VERSION);
    text
}

fn input(item: &Item) -> String {
    let label = escaped(&item.label);
    let required = if item.required { " required" } else { "" };
    let name = format!(
        "name=\"{}\" data-link-id=\"{}\"{required}",
        escaped(&item.name),
        escaped(&item.id)
    );
    match &item.kind {
        Kind::Line => {
            format!("{label} <input class=\"templateInput\" type=\"text\" {name} value=\"\">")
        }
        Kind::Date => {
            format!("{label} <input class=\"templateInput\" type=\"date\" {name} value=\"\">")
        }
        Kind::Lines => {
            format!(
                "{label} <textarea class=\"templateInput\" rows=\"3\" cols=\"60\" {name}></textarea>"
            )
        }
        Kind::Check => {
            format!("<input class=\"checkMark\" type=\"checkbox\" {name}> {label}")
        }
        Kind::Choice(options) => {
            let mut text = label;
            for option in options {
                let option = escaped(option);
                text.push_str(&format!(
                    " <label><input type=\"radio\" {name} value=\"{option}\">{option}</label>"
                ));
            }
            text
        }
    }
}

/// The answers as OpenEMR's `template_data` has them: JSON of its own names. What else is in it stays; `picture` is the
/// signature, `None` where it stays as it is and empty where there is none any more.
pub(super) fn data(
    before: &str,
    (questions, answers): (&Questions, &Answers),
    picture: Option<&str>,
) -> String {
    let mut map = match serde_json::from_str::<Value>(before) {
        Ok(Value::Object(map)) => map,
        _ => Map::new(),
    };
    for item in questions.items().filter(|item| !item.name.is_empty()) {
        let answer = answers.get(&item.id).map_or("", String::as_str);
        let held = map.get(&item.name).and_then(text);
        // What is written in another way and is the same stays as it is written.
        if held.is_some_and(|held| answered::read(item.kind.clone(), &held).1 == answer) {
            continue;
        }
        match answer {
            "" => map.remove(&item.name),
            answer => map.insert(item.name.clone(), Value::String(answer.to_owned())),
        };
    }
    match picture {
        None => {}
        Some("") => {
            map.remove(SIGNATURE);
        }
        Some(picture) => {
            map.insert(SIGNATURE.to_owned(), Value::String(picture.to_owned()));
        }
    }
    Value::Object(map).to_string()
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(true) => Some(TICKED.to_owned()),
        Value::Bool(false) => Some(String::new()),
        _ => None,
    }
}

/// Takes over what OpenEMR's portal saved: its names, its JSON. Where several inputs have one name it can not tell them
/// apart, and what stands in the form itself counts.
pub(super) fn saved(questions: &mut Questions, answers: &mut Answers, data: &str) {
    let Ok(Value::Object(map)) = serde_json::from_str::<Value>(data) else {
        return;
    };
    let mut names: HashMap<String, (usize, usize)> = HashMap::new();
    for item in questions.items() {
        let (inputs, answered) = names.entry(item.name.clone()).or_default();
        *inputs += 1;
        *answered += usize::from(answers.contains_key(&item.id));
    }
    for part in &mut questions.parts {
        let Part::Item(item) = part else { continue };
        let Some(value) = map.get(&item.name) else {
            continue;
        };
        let told_apart = |(inputs, answered): &(usize, usize)| *inputs > 1 && *answered > 0;
        if item.name.is_empty() || names.get(&item.name).is_some_and(told_apart) {
            continue;
        }
        let held = text(value).unwrap_or_default();
        let (kind, answer) = answered::read(item.kind.clone(), &held);
        item.kind = kind;
        match answer.is_empty() {
            true => answers.remove(&item.id),
            false => answers.insert(item.id.clone(), answer),
        };
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
    use crate::emr::forms::rewritten;

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
        let html = rewritten::html(&blank(&questions), (&questions, &answers), Some(""));
        assert!(!html.contains("<script>") && !html.contains("<img src=x"));
        let (back, held) = parse::form(&html);
        assert_eq!(back, questions);
        assert_eq!(held, answers);
        let mut other = Answers::new();
        let json = data("", (&questions, &answers), Some("x"));
        saved(&mut questions.clone(), &mut other, &json);
        assert_eq!(other, answers);
    }

    #[test]
    fn f153_what_else_openemr_keeps_with_the_answers_stays() {
        let (mut questions, mut answers) = parse::form(
            "<input name=text_input1><input type=checkbox name=check1><input type=date name=day>",
        );
        let before = r#"{"check1":"Yes","day":"11/29/2026","other":[1],"patient_signature1":"x","text_input1":"old"}"#;
        saved(&mut questions, &mut answers, before);
        let held: Vec<&str> = answers.values().map(String::as_str).collect();
        assert_eq!(held, [TICKED, "2026-11-29", "old"]);
        answers.insert("text_input1".to_owned(), "new".to_owned());
        let after = data(before, (&questions, &answers), None);
        assert_eq!(after, before.replace("old", "new"));
        let given_back = data(before, (&questions, &answers), Some(""));
        assert!(!given_back.contains("patient_signature1"));
    }
}
