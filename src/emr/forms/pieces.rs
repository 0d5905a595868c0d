//! A template or a filled-in form taken apart: text, breaks and inputs in the order they are read. What is for browsers
//! alone, such as scripts and styles, is left out, so nothing of a template's mark-up ever reaches a page.

use std::cell::RefCell;

use html5ever::tendril::StrTendril;
use html5ever::tokenizer::BufferQueue;
use html5ever::tokenizer::Tag;
use html5ever::tokenizer::TagKind;
use html5ever::tokenizer::Token;
use html5ever::tokenizer::TokenSink;
use html5ever::tokenizer::TokenSinkResult;
use html5ever::tokenizer::Tokenizer;
use html5ever::tokenizer::states::RawKind;

use crate::domain::forms::Kind;

/// Elements that begin and end a line.
const BLOCKS: [&str; 19] = [
    "p",
    "div",
    "br",
    "hr",
    "li",
    "ul",
    "ol",
    "tr",
    "table",
    "blockquote",
    "pre",
    "section",
    "form",
    "fieldset",
    "h5",
    "h6",
    "dt",
    "dd",
    "title",
];
/// Elements that are a heading.
const HEADINGS: [&str; 4] = ["h1", "h2", "h3", "h4"];
/// Elements whose content is not for people.
const HIDDEN: [&str; 6] = ["script", "style", "head", "iframe", "object", "noscript"];

/// An input of a form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Field {
    /// Its name; empty for a directive, which gets one later.
    pub(super) name: String,
    /// The `linkId` it was made from; empty where none.
    pub(super) link: String,
    /// How it is answered.
    pub(super) kind: Kind,
    /// Whether it has to be.
    pub(super) required: bool,
    /// What it holds.
    pub(super) value: String,
}

/// A piece of a form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// Words.
    Text(String),
    /// A new line.
    Break,
    /// The line is a heading.
    Heading,
    /// An input.
    Field(Field),
}

/// What the tokenizer has come to.
#[derive(Default)]
struct Seen {
    pieces: Vec<Piece>,
    hidden: Option<String>,
    area: Option<Field>,
    /// The option of a radio button, and the words that follow it as far as they are read.
    option: Option<(String, String)>,
}

#[derive(Default)]
struct Sink(RefCell<Seen>);

impl TokenSink for Sink {
    type Handle = ();

    fn process_token(&self, token: Token, _line: u64) -> TokenSinkResult<()> {
        let mut seen = self.0.borrow_mut();
        match token {
            Token::CharacterTokens(text) => seen.text(&text),
            Token::TagToken(tag) => {
                let name = tag.name.to_string();
                seen.tag(&tag, &name);
                // Without this a sign of a script would be a tag.
                if tag.kind == TagKind::StartTag {
                    match name.as_str() {
                        "script" => return TokenSinkResult::RawData(RawKind::ScriptData),
                        "style" | "iframe" | "noscript" => {
                            return TokenSinkResult::RawData(RawKind::Rawtext);
                        }
                        "textarea" | "title" => {
                            return TokenSinkResult::RawData(RawKind::Rcdata);
                        }
                        _ => {}
                    }
                }
            }
            _ => {}
        }
        TokenSinkResult::Continue
    }
}

impl Seen {
    fn text(&mut self, text: &str) {
        if self.hidden.is_some() {
            return;
        }
        if let Some(area) = &mut self.area {
            area.value.push_str(text);
            return;
        }
        match (&mut self.option, self.pieces.last_mut()) {
            (Some((_, words)), _) => words.push_str(text),
            // A text comes in parts, such as a sign that was written out.
            (None, Some(Piece::Text(before))) => before.push_str(text),
            (None, _) => self.pieces.push(Piece::Text(text.to_owned())),
        }
    }

    /// The words behind a button are its option said once more, or words of their own.
    fn settle(&mut self) {
        if let Some((option, words)) = self.option.take()
            && words.trim() != option
        {
            self.text(&words);
        }
    }

    fn tag(&mut self, tag: &Tag, name: &str) {
        let ends = tag.kind == TagKind::EndTag;
        self.settle();
        match &self.hidden {
            Some(open) if open == name && ends => self.hidden = None,
            Some(_) => return,
            None if HIDDEN.contains(&name) && !ends && !tag.self_closing => {
                self.hidden = Some(name.to_owned());
                return;
            }
            None => {}
        }
        match name {
            _ if BLOCKS.contains(&name) => self.pieces.push(Piece::Break),
            _ if HEADINGS.contains(&name) => {
                self.pieces.push(Piece::Break);
                if !ends {
                    self.pieces.push(Piece::Heading);
                }
            }
            "td" | "th" => self.text(" "),
            "input" if !ends => self.input(tag),
            "textarea" if !ends => {
                self.area = Some(field(tag, Kind::Lines, String::new()));
            }
            "textarea" => {
                self.pieces.extend(self.area.take().map(Piece::Field));
            }
            _ => {}
        }
    }

    fn input(&mut self, tag: &Tag) {
        let value = attribute(tag, "value");
        match attribute(tag, "type").to_ascii_lowercase().as_str() {
            "hidden" | "button" | "submit" | "image" | "file" | "password" => {}
            "checkbox" => {
                let ticked = match has(tag, "checked") {
                    true => "on".to_owned(),
                    false => String::new(),
                };
                self.pieces
                    .push(Piece::Field(field(tag, Kind::Check, ticked)));
            }
            "radio" => self.radio(tag, value),
            "date" => self
                .pieces
                .push(Piece::Field(field(tag, Kind::Date, value))),
            _ => {
                let class = attribute(tag, "class");
                let kind = match class.split(' ').any(|word| word == "datepicker") {
                    true => Kind::Date,
                    false => Kind::Line,
                };
                self.pieces.push(Piece::Field(field(tag, kind, value)));
            }
        }
    }

    /// Buttons of one name are one question.
    fn radio(&mut self, tag: &Tag, value: String) {
        let name = attribute(tag, "name");
        let chosen = has(tag, "checked");
        self.option = Some((value.clone(), String::new()));
        let held = self.pieces.iter_mut().rev().find_map(|piece| match piece {
            Piece::Field(field) if field.name == name => Some(field),
            _ => None,
        });
        match held {
            Some(field) => {
                if chosen {
                    field.value.clone_from(&value);
                }
                if let Kind::Choice(options) = &mut field.kind {
                    options.push(value);
                }
            }
            None => {
                let answer = match chosen {
                    true => value.clone(),
                    false => String::new(),
                };
                let kind = Kind::Choice(vec![value]);
                self.pieces.push(Piece::Field(field(tag, kind, answer)));
            }
        }
    }
}

fn field(tag: &Tag, kind: Kind, value: String) -> Field {
    Field {
        name: attribute(tag, "name"),
        link: attribute(tag, "data-link-id"),
        kind,
        required: has(tag, "required"),
        value,
    }
}

fn attribute(tag: &Tag, name: &str) -> String {
    let found = tag.attrs.iter().find(|one| &*one.name.local == name);
    found.map_or_else(String::new, |one| one.value.to_string())
}

fn has(tag: &Tag, name: &str) -> bool {
    tag.attrs.iter().any(|one| &*one.name.local == name)
}

/// The pieces of a text. Where it is no HTML, each of its lines is one.
pub(super) fn of(text: &str) -> Vec<Piece> {
    let input = BufferQueue::default();
    input.push_back(StrTendril::from(text));
    let tokenizer = Tokenizer::new(Sink::default(), Default::default());
    let _ = tokenizer.feed(&input);
    tokenizer.end();
    let mut seen = tokenizer.sink.0.take();
    seen.settle();
    seen.pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> String {
        of(text)
            .into_iter()
            .filter_map(|piece| match piece {
                Piece::Text(text) => Some(text),
                _ => None,
            })
            .collect()
    }

    #[test]
    fn what_is_for_browsers_is_left_out() {
        for (html, text) in [
            ("<script>alert(1)</script>Hello", "Hello"),
            ("<style>p{}</style><b onclick=x()>Hi</b>", "Hi"),
            ("<scr<script>ipt>x</script>y", "ipt>xy"),
            ("<img src=x onerror=alert(1)>a", "a"),
            ("<svg><script>1</script></svg>b", "b"),
            ("a &lt;script&gt; b", "a <script> b"),
            ("<iframe src=javascript:x>q</iframe>z", "z"),
        ] {
            assert_eq!(words(html), text, "{html}");
        }
    }

    #[test]
    fn inputs_are_found_with_what_they_hold() {
        let html = r#"<p>Name <input type="text" name="text_input1" data-link-id="1" value="A &amp; B" required></p>
            <p>Smoke <label><input type="radio" name="ynradio1" value="Yes">Yes</label><label><input
            type="radio" name="ynradio1" value="No" checked>No</label></p>
            <textarea name="text_area1">a <b> c</textarea><input type="checkbox" name="check1" checked>"#;
        let fields: Vec<Field> = of(html)
            .into_iter()
            .filter_map(|piece| match piece {
                Piece::Field(field) => Some(field),
                _ => None,
            })
            .collect();
        assert_eq!(fields.len(), 4, "{fields:?}");
        assert_eq!(fields[0].value, "A & B");
        assert!(fields[0].required);
        assert_eq!(fields[1].value, "No");
        assert_eq!(
            fields[1].kind,
            Kind::Choice(vec!["Yes".to_owned(), "No".to_owned()])
        );
        assert_eq!(fields[2].value, "a <b> c");
        assert_eq!(fields[3].value, "on");
        assert!(!words(html).contains("Yes"));
    }
}
