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
use crate::domain::forms::TICKED;

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

/// Elements and inputs that no page here can show, with what they are in words.
const UNSHOWN: [(&[&str], &str); 4] = [
    (&["select", "datalist"], "a list to choose from"),
    (
        &[
            "picture", "canvas", "image", "path", "use", "rect", "circle", "ellipse", "line",
            "polyline", "polygon", "video", "audio", "math",
        ],
        PICTURE,
    ),
    (
        &["iframe", "object", "embed", "applet", "frame"],
        "a page within the page",
    ),
    (&["del", "s", "strike"], "words that are struck out"),
];

const PICTURE: &str = "a picture or a recording";

/// How an element asks for something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asks {
    /// A line of text.
    Line,
    /// A day.
    Date,
    /// A tick.
    Check,
    /// One of several.
    Radio,
    /// Any text.
    Area,
}

/// How the start of an element asks; `None` for one that asks nothing.
pub(super) fn asks(tag: &Tag) -> Option<Asks> {
    match &*tag.name {
        "textarea" => Some(Asks::Area),
        "input" => match attribute(tag, "type").to_ascii_lowercase().as_str() {
            "hidden" | "button" | "submit" | "reset" | "image" | "file" | "password" | "range"
            | "color" => None,
            "checkbox" => Some(Asks::Check),
            "radio" => Some(Asks::Radio),
            "date" => Some(Asks::Date),
            _ => {
                let class = attribute(tag, "class");
                match class.split(' ').any(|word| word == "datepicker") {
                    true => Some(Asks::Date),
                    false => Some(Asks::Line),
                }
            }
        },
        _ => None,
    }
}

/// What an input holds. OpenEMR 6.1 keeps it beside `value`, where its own screens look for it.
pub(super) fn held(tag: &Tag, asks: Asks) -> String {
    match asks {
        Asks::Check => match has(tag, "checked") || attribute(tag, "data-value") == "Yes" {
            true => TICKED.to_owned(),
            false => String::new(),
        },
        _ => match attribute(tag, "value") {
            empty if empty.is_empty() => attribute(tag, "data-textvalue"),
            value => value,
        },
    }
}

/// Whether an image is the place of a signature, and no picture to be looked at.
pub(super) fn is_signature(tag: &Tag) -> bool {
    let class = attribute(tag, "class");
    class.split(' ').any(|word| word.starts_with("signature"))
        || attribute(tag, "data-type").ends_with("-signature")
}

/// What of an element no page here can show.
fn unshown(tag: &Tag) -> Option<&'static str> {
    match &*tag.name {
        "img" => (!is_signature(tag)).then_some(PICTURE),
        // What OpenEMR tells its present forms from those of old by.
        "input" if attribute(tag, "name") == "portal_version" => None,
        "input" => match attribute(tag, "type").to_ascii_lowercase().as_str() {
            "hidden" => Some("fields that are not seen"),
            "image" | "file" | "password" | "range" | "color" => Some("another kind of field"),
            _ => None,
        },
        name => {
            let known = UNSHOWN.iter().find(|(names, _)| names.contains(&name));
            known.map(|(_, words)| *words)
        }
    }
}

/// Elements whose content is not for people: which one is open.
#[derive(Default)]
pub(super) struct Shade(Option<String>);

impl Shade {
    /// Takes a tag; whether it, or what it is in, is not for people.
    pub(super) fn covers(&mut self, tag: &Tag) -> bool {
        let ends = tag.kind == TagKind::EndTag;
        let name = &*tag.name;
        match &self.0 {
            Some(open) if open == name && ends => {
                self.0 = None;
                true
            }
            Some(_) => true,
            None if HIDDEN.contains(&name) && !ends && !tag.self_closing => {
                self.0 = Some(name.to_owned());
                true
            }
            None => HIDDEN.contains(&name),
        }
    }

    /// Whether text here is not for people.
    pub(super) fn is_down(&self) -> bool {
        self.0.is_some()
    }
}

/// The tokens of a text, in their order.
#[derive(Default)]
struct Sink(RefCell<Vec<Token>>);

impl TokenSink for Sink {
    type Handle = ();

    fn process_token(&self, token: Token, _line: u64) -> TokenSinkResult<()> {
        // Without this a sign of a script would be a tag.
        let next = match &token {
            Token::TagToken(tag) if tag.kind == TagKind::StartTag => match &*tag.name {
                "script" => TokenSinkResult::RawData(RawKind::ScriptData),
                "style" | "iframe" | "noscript" => TokenSinkResult::RawData(RawKind::Rawtext),
                "textarea" | "title" => TokenSinkResult::RawData(RawKind::Rcdata),
                _ => TokenSinkResult::Continue,
            },
            _ => TokenSinkResult::Continue,
        };
        self.0.borrow_mut().push(token);
        next
    }
}

/// A text as the tokens a browser reads it as.
pub(super) fn tokens(text: &str) -> Vec<Token> {
    let input = BufferQueue::default();
    input.push_back(StrTendril::from(text));
    let tokenizer = Tokenizer::new(Sink::default(), Default::default());
    let _ = tokenizer.feed(&input);
    tokenizer.end();
    tokenizer.sink.0.take()
}

/// What the tokens have come to.
#[derive(Default)]
struct Seen {
    pieces: Vec<Piece>,
    shade: Shade,
    area: Option<Field>,
    /// The option of a radio button, and the words that follow it as far as they are read.
    option: Option<(String, String)>,
    unshown: Vec<&'static str>,
}

impl Seen {
    fn text(&mut self, text: &str) {
        if self.shade.is_down() {
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

    fn tag(&mut self, tag: &Tag) {
        let ends = tag.kind == TagKind::EndTag;
        self.settle();
        let within = self.shade.is_down();
        if let (false, false, Some(words)) = (within, ends, unshown(tag))
            && !self.unshown.contains(&words)
        {
            self.unshown.push(words);
        }
        if self.shade.covers(tag) {
            return;
        }
        match &*tag.name {
            name if BLOCKS.contains(&name) => self.pieces.push(Piece::Break),
            name if HEADINGS.contains(&name) => {
                self.pieces.push(Piece::Break);
                if !ends {
                    self.pieces.push(Piece::Heading);
                }
            }
            "td" | "th" => self.text(" "),
            "textarea" if ends => self.pieces.extend(self.area.take().map(Piece::Field)),
            _ if ends => {}
            _ => {
                if let Some(asks) = asks(tag) {
                    self.input(tag, asks);
                }
            }
        }
    }

    fn input(&mut self, tag: &Tag, asks: Asks) {
        let value = held(tag, asks);
        let kind = match asks {
            Asks::Area => {
                self.area = Some(field(tag, Kind::Lines, String::new()));
                return;
            }
            Asks::Radio => return self.radio(tag, value),
            Asks::Check => Kind::Check,
            Asks::Date => Kind::Date,
            Asks::Line => Kind::Line,
        };
        self.pieces.push(Piece::Field(field(tag, kind, value)));
    }

    /// Buttons of one name are one question.
    fn radio(&mut self, tag: &Tag, value: String) {
        let name = attribute(tag, "name");
        let chosen = has(tag, "checked");
        self.option = Some((value.clone(), String::new()));
        let held = self.pieces.iter_mut().find_map(|piece| match piece {
            Piece::Field(field) if !name.is_empty() && field.name == name => {
                match &mut field.kind {
                    Kind::Choice(options) => Some((options, &mut field.value)),
                    _ => None,
                }
            }
            _ => None,
        });
        match held {
            Some((options, answer)) => {
                if chosen {
                    answer.clone_from(&value);
                }
                options.push(value);
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

/// The text of an attribute; empty where there is none.
pub(super) fn attribute(tag: &Tag, name: &str) -> String {
    let found = tag.attrs.iter().find(|one| &*one.name.local == name);
    found.map_or_else(String::new, |one| one.value.to_string())
}

/// Whether there is an attribute.
pub(super) fn has(tag: &Tag, name: &str) -> bool {
    tag.attrs.iter().any(|one| &*one.name.local == name)
}

/// The pieces of a text, and what of it no page here can show. Where it is no HTML, each of its lines is one.
pub(super) fn of(text: &str) -> (Vec<Piece>, Vec<&'static str>) {
    let mut seen = Seen::default();
    for token in tokens(text) {
        match token {
            Token::CharacterTokens(text) => seen.text(&text),
            Token::TagToken(tag) => seen.tag(&tag),
            _ => {}
        }
    }
    seen.settle();
    (seen.pieces, seen.unshown)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> String {
        of(text)
            .0
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
            .0
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

    #[test]
    fn what_no_page_here_shows_is_told() {
        for (html, told) in [
            ("<select><option>A</select>", "a list to choose from"),
            ("<p>a<img src=x>", PICTURE),
            ("<svg><path d=M0></svg>", PICTURE),
            ("<iframe src=x></iframe>", "a page within the page"),
            ("<input type=hidden name=lform>", "fields that are not seen"),
            ("<input type=file>", "another kind of field"),
            ("<s>not</s>", "words that are struck out"),
        ] {
            assert_eq!(of(html).1, [told], "{html}");
        }
        for whole in [
            "<table><tr><td>a</td></tr></table><input type=hidden name=portal_version value=New>",
            "<img class=\"signature m-1\" src=\"\"><img data-type=admin-signature><svg onload=x>",
            "<script><select></script><o:p>a</o:p>",
        ] {
            assert!(of(whole).1.is_empty(), "{whole}");
        }
    }

    #[test]
    fn buttons_without_a_name_are_questions_of_their_own() {
        let html = "<input type=radio value=A><input type=radio value=B><input name=a><input type=radio name=a value=C>";
        let fields = of(html)
            .0
            .into_iter()
            .filter(|piece| matches!(piece, Piece::Field(_)));
        assert_eq!(fields.count(), 4);
        let old = "<input type=text data-textvalue=Ana><input type=checkbox data-value=Yes>";
        let held: Vec<String> = of(old)
            .0
            .into_iter()
            .filter_map(|piece| match piece {
                Piece::Field(field) => Some(field.value),
                _ => None,
            })
            .collect();
        assert_eq!(held, ["Ana", TICKED]);
    }
}
