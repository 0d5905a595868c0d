//! A text as OpenEMR keeps it, HTML, and back. What this house wrote comes back letter by letter, with every blank and
//! line end; what an editor wrote is read as a browser would show it.

use crate::emr::html;
use crate::portal::message::Body;

/// Blanks and line ends are kept where the page keeps the style, and where it does not the lines still are lines.
const OPEN: &str = "<p style=\"white-space: pre-wrap\">";
const CLOSE: &str = "</p>";
const BREAK: &str = "<br />";

/// The last paragraph of a message that carries documents: what OpenEMR's own screens tell of them.
const ENCLOSED: &str = "<p class=\"attached\">";

/// The signs HTML reserves. A carriage return is written by number: a parser would make a line feed of it.
const SIGNS: [(char, &str); 6] = [
    ('&', "&amp;"),
    ('<', "&lt;"),
    ('>', "&gt;"),
    ('"', "&quot;"),
    ('\'', "&#039;"),
    ('\r', "&#13;"),
];

/// A text as HTML that is nothing but text: paragraphs at empty lines, line breaks elsewhere.
pub(in crate::emr) fn paragraphs(text: &str) -> String {
    let mut html = String::with_capacity(text.len() + 64);
    for paragraph in text.split("\n\n") {
        html.push_str(OPEN);
        escape(paragraph, &mut html);
        html.push_str(CLOSE);
    }
    html
}

fn escape(text: &str, html: &mut String) {
    for letter in text.chars() {
        match SIGNS.iter().find(|(sign, _)| *sign == letter) {
            Some((_, written)) => html.push_str(written),
            None if letter == '\n' => html.push_str(BREAK),
            None => html.push(letter),
        }
    }
}

/// A body as it is stored. HTML is written as it may be shown, because OpenEMR's screens show it as it is.
pub(in crate::emr) fn written(body: &Body, documents: &[String]) -> String {
    let mut html = match body {
        Body::Text(text) => paragraphs(text),
        Body::Html(sent) => html::sanitised(sent),
    };
    if !documents.is_empty() {
        html.push_str(ENCLOSED);
        html.push_str("Attached, in the patient's documents: ");
        escape(&documents.join(", "), &mut html);
        html.push_str(CLOSE);
    }
    html
}

/// A body without what it says about the documents the message carries: whoever reads it here is told of those they may
/// see.
pub(super) fn without_documents(html: &str) -> &str {
    match html.rsplit_once(ENCLOSED) {
        Some((body, last)) if last.trim_end().ends_with(CLOSE) => body,
        _ => html,
    }
}

/// The text of a body.
pub(super) fn text(html: &str) -> String {
    own(html).unwrap_or_else(|| html::plain_text(html))
}

/// The text this house made a body of; `None` for anybody else's.
fn own(html: &str) -> Option<String> {
    let mut text = String::with_capacity(html.len());
    let mut rest = html;
    while !rest.is_empty() {
        if !text.is_empty() || rest.len() < html.len() {
            text.push_str("\n\n");
        }
        let (paragraph, behind) = rest.strip_prefix(OPEN)?.split_once(CLOSE)?;
        let lines = paragraph.replace(BREAK, "\n");
        if lines.contains(['<', '>']) {
            return None;
        }
        unescape(&lines, &mut text);
        rest = behind;
    }
    (!html.is_empty()).then_some(text)
}

fn unescape(lines: &str, text: &mut String) {
    let mut rest = lines;
    while let Some(at) = rest.find('&') {
        text.push_str(&rest[..at]);
        rest = &rest[at..];
        let sign = SIGNS.iter().find(|(_, written)| rest.starts_with(written));
        let (letter, length) = sign.map_or(('&', 1), |(letter, written)| (*letter, written.len()));
        text.push(letter);
        rest = &rest[length..];
    }
    text.push_str(rest);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_168_173_every_text_comes_back_as_it_was_and_is_never_mark_up() {
        for written in [
            "one",
            "one\ntwo\n\nthree\n\n\nfour\n\n\n\nfive",
            "a  b\tc \n  d",
            "cr\r\nlf\rend",
            "<script>alert(1)</script> & &amp; &lt;b&gt; \"q\" 'a' &#039; &nbsp; &",
            "</p><p style=\"white-space: pre-wrap\">forged<br />",
            "\u{202e}txt.exe \u{200b} 👩‍👩‍👧‍👦 İı e\u{301} é عربى \u{feff}",
        ] {
            let html = paragraphs(written);
            assert_eq!(text(&html), written);
            let marks = html.replace(OPEN, "").replace(CLOSE, "").replace(BREAK, "");
            assert!(!marks.contains(['<', '>']), "{html}");
        }
    }

    #[test]
    fn f144_what_openemr_shows_of_documents_is_no_part_of_the_text() {
        let names = ["a <b>.pdf".to_owned(), "c.png".to_owned()];
        for body in [
            Body::Text("one\n\ntwo".to_owned()),
            Body::Html("<p>one</p><p>two<script>x</script></p>".to_owned()),
        ] {
            let html = written(&body, &names);
            assert!(html.contains("a &lt;b&gt;.pdf, c.png</p>"), "{html}");
            assert!(!html.contains("script"), "{html}");
            assert_eq!(text(without_documents(&html)), "one\n\ntwo");
        }
        let plain = written(&Body::Text("one".to_owned()), &[]);
        assert_eq!(without_documents(&plain), plain);
        assert_eq!(without_documents(""), "");
    }

    #[test]
    fn what_an_editor_wrote_is_read_as_it_is_shown() {
        assert_eq!(text("<p>a  b</p><p>c</p>"), "a b\n\nc");
        assert_eq!(text("plain"), "plain");
        assert_eq!(text(""), "");
        let mixed = format!("{OPEN}a{CLOSE}<p>b</p>");
        assert_eq!(text(&mixed), "a\n\nb");
        let nested = format!("{OPEN}a <b>b</b>{CLOSE}");
        assert_eq!(text(&nested), "a b");
    }
}
