//! A form's HTML with other answers in it: what its inputs hold is changed, and the picture of the signature; all else stays
//! as OpenEMR, or this house, wrote it. Scripts, and handlers that are none of OpenEMR's own, are left out.

use std::collections::HashMap;

use html5ever::Attribute;
use html5ever::LocalName;
use html5ever::Namespace;
use html5ever::QualName;
use html5ever::tendril::StrTendril;
use html5ever::tokenizer::Tag;
use html5ever::tokenizer::TagKind;
use html5ever::tokenizer::Token;

use crate::domain::forms::Answers;
use crate::domain::forms::Item;
use crate::domain::forms::Questions;
use crate::domain::forms::TICKED;
use crate::emr::forms::answered;
use crate::emr::forms::pieces;
use crate::emr::forms::pieces::Asks;
use crate::emr::forms::pieces::Shade;
use crate::emr::forms::pieces::attribute;
use crate::emr::forms::pieces::has;
use crate::emr::forms::written::escaped;

/// Elements whose text is written as it is.
const RAW: [&str; 3] = ["style", "iframe", "noscript"];

/// Attributes that may hold a script's address.
const ADDRESSES: [&str; 5] = ["href", "src", "action", "formaction", "xlink:href"];

/// The form as it is with these answers; `picture` is the signature, `None` where it stays as it is.
pub(super) fn html(
    before: &str,
    (questions, answers): (&Questions, &Answers),
    picture: Option<&str>,
) -> String {
    let mut writer = Writer {
        out: String::with_capacity(before.len() + 4096),
        items: questions.items().collect(),
        answers,
        picture,
        groups: HashMap::new(),
        next: 0,
        shade: Shade::default(),
        raw: None,
        script: false,
        area: false,
    };
    for token in pieces::tokens(before) {
        writer.token(token);
    }
    writer.out
}

struct Writer<'a> {
    out: String,
    /// What is asked, in the order of the inputs.
    items: Vec<&'a Item>,
    answers: &'a Answers,
    picture: Option<&'a str>,
    /// Which question the buttons of a name are.
    groups: HashMap<String, usize>,
    next: usize,
    shade: Shade,
    raw: Option<String>,
    script: bool,
    /// Whether what stands in a text area was replaced.
    area: bool,
}

impl<'a> Writer<'a> {
    fn token(&mut self, token: Token) {
        match token {
            Token::TagToken(tag) => self.tag(tag),
            Token::CharacterTokens(text) => self.text(&text),
            Token::CommentToken(text) if !self.script => {
                self.out.push_str("<!--");
                self.out.push_str(&text);
                self.out.push_str("-->");
            }
            Token::DoctypeToken(doctype) => {
                if let Some(name) = doctype.name {
                    self.out.push_str(&format!("<!DOCTYPE {name}>"));
                }
            }
            _ => {}
        }
    }

    fn text(&mut self, text: &str) {
        match (self.script || self.area, &self.raw) {
            (true, _) => {}
            (false, Some(_)) => self.out.push_str(text),
            (false, None) => {
                for letter in text.chars() {
                    match letter {
                        '&' => self.out.push_str("&amp;"),
                        '<' => self.out.push_str("&lt;"),
                        '>' => self.out.push_str("&gt;"),
                        other => self.out.push(other),
                    }
                }
            }
        }
    }

    fn tag(&mut self, mut tag: Tag) {
        let name = tag.name.to_string();
        let ends = tag.kind == TagKind::EndTag;
        let covered = self.shade.covers(&tag);
        if name == "script" {
            self.script = !ends && !tag.self_closing;
            return;
        }
        if self.script {
            return;
        }
        if ends {
            if self.raw.as_deref() == Some(name.as_str()) {
                self.raw = None;
            }
            if name == "textarea" {
                self.area = false;
            }
            self.out.push_str(&format!("</{name}>"));
            return;
        }
        tag.attrs
            .retain(|one| is_harmless(&one.name.local, &one.value));
        let mut content = None;
        if !covered {
            content = self.filled(&mut tag);
        }
        self.open(&tag, &name);
        if RAW.contains(&name.as_str()) && !tag.self_closing {
            self.raw = Some(name);
        }
        if let Some(content) = content {
            // The first line end of a text area is none of its text.
            if content.starts_with('\n') {
                self.out.push('\n');
            }
            self.text(&content);
            self.area = true;
        }
    }

    /// Gives an input its answer; what a text area is to hold, where that is another text.
    fn filled(&mut self, tag: &mut Tag) -> Option<String> {
        if &*tag.name == "img" {
            if let Some(picture) = self.picture
                && is_patients(tag)
            {
                set(tag, "src", picture);
            }
            return None;
        }
        let asks = pieces::asks(tag)?;
        let item = self.item(tag, asks)?;
        let answer = self.answers.get(&item.id).map_or("", String::as_str);
        match asks {
            Asks::Area => return Some(answer.to_owned()),
            Asks::Radio => {
                tag.attrs.retain(|one| &*one.name.local != "checked");
                if !answer.is_empty() && attribute(tag, "value") == answer {
                    set(tag, "checked", "");
                }
            }
            Asks::Check => {
                tag.attrs.retain(|one| &*one.name.local != "checked");
                let told = match answer == TICKED {
                    true => {
                        set(tag, "checked", "");
                        "Yes"
                    }
                    false => "No",
                };
                if has(tag, "data-value") {
                    set(tag, "data-value", told);
                }
            }
            Asks::Line | Asks::Date => {
                let held = pieces::held(tag, asks);
                // A day that is written in another way and is the same stays as it is written.
                if answered::read(item.kind.clone(), &held).1 != answer {
                    set(tag, "value", answer);
                    if has(tag, "data-textvalue") {
                        set(tag, "data-textvalue", answer);
                    }
                }
            }
        }
        None
    }

    /// The question of an input: they are counted as they are read.
    fn item(&mut self, tag: &Tag, asks: Asks) -> Option<&'a Item> {
        let name = attribute(tag, "name");
        let known = (asks == Asks::Radio && !name.is_empty())
            .then(|| self.groups.get(&name).copied())
            .flatten();
        let place = known.unwrap_or(self.next);
        if known.is_none() {
            self.next += 1;
            if asks == Asks::Radio {
                self.groups.insert(name, place);
            }
        }
        self.items.get(place).copied()
    }

    fn open(&mut self, tag: &Tag, name: &str) {
        self.out.push('<');
        self.out.push_str(name);
        for one in &tag.attrs {
            self.out.push_str(&format!(
                " {}=\"{}\"",
                &*one.name.local,
                escaped(&one.value)
            ));
        }
        self.out
            .push_str(if tag.self_closing { " />" } else { ">" });
    }
}

/// Whether an image is the place of the patient's signature.
fn is_patients(tag: &Tag) -> bool {
    attribute(tag, "data-type") == "patient-signature"
        || attribute(tag, "id") == "patientSignature"
        || attribute(tag, "name") == "patient_signature1"
}

/// Whether an attribute may stay: of handlers those by which OpenEMR's own page keeps what is typed.
fn is_harmless(name: &str, value: &str) -> bool {
    let plain: String = value
        .chars()
        .filter(|letter| !letter.is_whitespace() && !letter.is_control())
        .collect();
    if name.starts_with("on") {
        let call = plain.trim_end_matches(';').strip_suffix("(this)");
        return call.is_some_and(|call| {
            call.to_ascii_lowercase().contains("template")
                && call.chars().all(|letter| letter.is_ascii_alphabetic())
        });
    }
    !(ADDRESSES.contains(&name) && plain.to_ascii_lowercase().starts_with("javascript:"))
}

fn set(tag: &mut Tag, name: &str, value: &str) {
    let value = StrTendril::from(value);
    match tag.attrs.iter_mut().find(|one| &*one.name.local == name) {
        Some(held) => held.value = value,
        None => tag.attrs.push(named(name, value)),
    }
}

fn named(name: &str, value: StrTendril) -> Attribute {
    Attribute {
        name: QualName::new(None, Namespace::from(""), LocalName::from(name)),
        value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::emr::forms::parse;

    const OPENEMRS: &str = "<!DOCTYPE html><p style=\"color: red\">I, <b>Ana</b> &amp; you&nbsp;</p><table><tr><td>Cell</td></tr></table>\
        <style>p > b { color: red }</style><!-- kept -->\
        <input class=\"templateInput\" type=\"text\" data-textvalue=\"\" onblur=\"templateText(this);\">\
        <input type=\"checkbox\" id=\"check1\" data-value=\"\" onclick=\"templateCheckMark(this);\">\
        <label><input type=\"radio\" name=\"ynradio1\" value=\"Yes\">Yes</label>\
        <label><input type=\"radio\" name=\"ynradio1\" value=\"No\" checked=\"checked\">No</label>\
        <textarea name=\"text_area1\">old</textarea><input name=\"same\"><input name=\"same\">\
        <input class=\"datepicker\" type=\"text\" name=\"day\" value=\"11/29/2026\">\
        <img data-type=\"patient-signature\" src=\"\"><img data-type=\"admin-signature\" src=\"data:x\">";

    #[test]
    fn f153_nothing_but_what_inputs_hold_is_changed() {
        let (questions, before) = parse::form(OPENEMRS);
        assert!(questions.is_whole(), "{:?}", questions.hidden);
        let ids: Vec<&str> = questions.items().map(|item| item.id.as_str()).collect();
        let mut once = ids.clone();
        once.sort_unstable();
        once.dedup();
        assert_eq!((ids.len(), once.len()), (7, 7), "{ids:?}");
        assert_eq!(before.get("day").map(String::as_str), Some("2026-11-29"));
        // With the answers it has it is the same form, and so it is a second time.
        let same = html(OPENEMRS, (&questions, &before), None);
        assert_eq!(parse::form(&same), (questions.clone(), before.clone()));
        assert_eq!(html(&same, (&questions, &before), None), same);
        for kept in [
            "<p style=\"color: red\">I, <b>Ana</b> &amp; you\u{a0}</p>",
            "<td>Cell</td>",
            "<style>p > b { color: red }</style><!-- kept -->",
            "onblur=\"templateText(this);\"",
            "value=\"11/29/2026\"",
            "src=\"data:x\"",
        ] {
            assert!(same.contains(kept), "{kept} in {same}");
        }
        let mut answers = before;
        for (id, answer) in ids.iter().zip([
            "\"><script>alert(1)</script>",
            TICKED,
            "Yes",
            "</textarea><b>",
            "one",
            "two",
            "2026-12-01",
        ]) {
            answers.insert((*id).to_owned(), answer.to_owned());
        }
        let other = html(OPENEMRS, (&questions, &answers), Some("data:y"));
        assert!(!other.contains("<script") && !other.contains("</textarea><b>"));
        assert!(other.contains("data-value=\"Yes\"") && other.contains("src=\"data:y\""));
        assert!(other.contains("src=\"data:x\""), "{other}");
        assert_eq!(parse::form(&other).1, answers);
    }

    #[test]
    fn scripts_and_strange_handlers_are_left_out() {
        let text = "<p onclick=alert(1)>a</p><script>x</script><a href=\"java\nscript:x\">b</a>\
            <input onblur=\"templateText(this);alert(1)\"><noscript><b></noscript>";
        let (questions, answers) = parse::form(text);
        let found = html(text, (&questions, &answers), None);
        assert_eq!(found, "<p>a</p><a>b</a><input><noscript><b></noscript>");
    }
}
