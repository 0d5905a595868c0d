//! A text as OpenEMR keeps it, HTML, and back. What this house wrote comes back letter by letter, with every blank and
//! line end; what an editor wrote is read as a browser would show it.

use crate::emr::html;

/// Blanks and line ends are kept where the page keeps the style, and where it does not the lines still are lines.
const OPEN: &str = "<p style=\"white-space: pre-wrap\">";
const CLOSE: &str = "</p>";
const BREAK: &str = "<br />";

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
        for letter in paragraph.chars() {
            match SIGNS.iter().find(|(sign, _)| *sign == letter) {
                Some((_, written)) => html.push_str(written),
                None if letter == '\n' => html.push_str(BREAK),
                None => html.push(letter),
            }
        }
        html.push_str(CLOSE);
    }
    html
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
