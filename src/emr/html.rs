//! OpenEMR's mail bodies are HTML from a rich-text editor; here they become text a person can read, and HTML that is safe
//! to show.

use std::borrow::Cow;
use std::collections::HashMap;
use std::collections::HashSet;
use std::sync::LazyLock;

use ammonia::Builder;
use ammonia::UrlRelative;
use html2text::config;

use crate::emr::people::tidy;

/// Wide enough that paragraphs stay on one line, as text is wrapped by whoever shows it.
const WIDE: usize = 10_000;

/// What a message of a person stays below, in bytes and in elements inside one another. Above it the mark-up is taken
/// out without being understood: laying it out takes the square of its depth, and copies the quote marks to each line.
const LARGEST: usize = 128 * 1024;
const DEEPEST: usize = 40;

/// What is kept of a body: text and its shape. No pictures, which may be fetched from elsewhere and tell who reads when; no
/// styles, classes or ids. All of it may stand in a FHIR narrative (R4 narrative, 2.4.0.1).
const KEPT: [&str; 31] = [
    "a",
    "abbr",
    "b",
    "blockquote",
    "br",
    "caption",
    "cite",
    "code",
    "dd",
    "div",
    "dl",
    "dt",
    "em",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "i",
    "li",
    "ol",
    "p",
    "pre",
    "small",
    "span",
    "strong",
    "sub",
    "sup",
    "ul",
];
const TABLES: [&str; 6] = ["table", "tbody", "td", "th", "thead", "tr"];

/// Elements without an end, which HTML writes without the slash XML wants.
const VOID: [(&str, &str); 2] = [("<br>", "<br />"), ("<hr>", "<hr />")];

static CLEANER: LazyLock<Builder<'static>> = LazyLock::new(|| {
    let mut cleaner = Builder::empty();
    cleaner
        .tags(KEPT.into_iter().chain(TABLES).collect())
        .tag_attributes(HashMap::from([("a", HashSet::from(["href"]))]))
        .clean_content_tags(
            HIDDEN
                .into_iter()
                .filter(|name| !KEPT.contains(name))
                .collect(),
        )
        .url_schemes(HashSet::from(["http", "https", "mailto", "tel"]))
        .url_relative(UrlRelative::Deny)
        .link_rel(None)
        .strip_comments(true)
        .attribute_filter(|_, _, value| Some(addressed(value)));
    cleaner
});

/// Elements that begin a line of their own, and those whose content is not for people.
const BLOCKS: [&str; 16] = [
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
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
];
const HIDDEN: [&str; 4] = ["script", "style", "title", "template"];

/// Elements that hold nothing, or that the next of their kind ends.
const SHALLOW: [&str; 10] = [
    "br", "hr", "img", "p", "li", "input", "meta", "link", "tr", "td",
];

/// What stands for a drawn line, which the renderer leaves out.
const RULE: &str = "<p>---</p>";

/// The body as plain text: entities resolved, paragraphs, line breaks and lists kept, addresses of links at the end,
/// scripts and styles gone. Text without any mark-up comes back as it is.
pub fn plain_text(html: &str) -> String {
    if !html.contains(['<', '&']) {
        return html.trim().to_owned();
    }
    if html.len() > LARGEST || too_deep(html) {
        return stripped(html);
    }
    let ruled = with_rules(html);
    let rendered = config::plain_no_decorate()
        .link_footnotes(true)
        .allow_width_overflow()
        .no_link_wrapping()
        .raw_mode(true)
        .string_from_read(ruled.as_bytes(), WIDE);
    // Reading from memory does not fail; if rendering ever does, the mark-up is better than nothing.
    let text = rendered.unwrap_or(ruled);
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    lines.join("\n").trim().to_owned()
}

/// The body as HTML that is safe to show and at the same time XHTML: only elements that shape text, and links to the web,
/// to mailboxes and phones. Empty where nothing is left of it. What no person wrote becomes text first.
pub fn sanitised(html: &str) -> String {
    let plain;
    let html = match html.len() > LARGEST || too_deep(html) {
        true => {
            // Its lines are all that is left of its shape.
            let text = stripped(html);
            let lines: Vec<String> = text.lines().map(ammonia::clean_text).collect();
            plain = lines.join("<br>");
            plain.as_str()
        }
        false => html,
    };
    // XML has no place for control characters, and no name for a blank that does not break.
    let control = |letter: char| {
        (letter.is_control() && !matches!(letter, '\t' | '\n'))
            || matches!(letter, '\u{fffe}' | '\u{ffff}')
    };
    let mut clean = CLEANER.clean(html).to_string();
    clean = clean.replace("&nbsp;", "&#160;").replace(control, "");
    for (html, xml) in VOID {
        clean = clean.replace(html, xml);
    }
    match plain_text(&clean).is_empty() {
        true => String::new(),
        false => clean.trim().to_owned(),
    }
}

/// An address without the signs of mark-up: in an attribute HTML leaves them as they are, and XML does not.
fn addressed(address: &str) -> Cow<'_, str> {
    match address.contains(['<', '>']) {
        true => Cow::Owned(address.replace('<', "%3C").replace('>', "%3E")),
        false => Cow::Borrowed(address),
    }
}

/// The name of the element a tag is about, in lower case, and whether the tag ends it. `rest` begins behind the `<`.
fn tag(rest: &str) -> Option<(String, bool)> {
    let (rest, ends) = match rest.strip_prefix('/') {
        Some(rest) => (rest, true),
        None => (rest, false),
    };
    let name: String = rest
        .chars()
        .take_while(char::is_ascii_alphanumeric)
        .take(20)
        .collect();
    let begins = name.starts_with(|letter: char| letter.is_ascii_alphabetic());
    begins.then(|| (name.to_ascii_lowercase(), ends))
}

fn too_deep(html: &str) -> bool {
    let mut depth = 0_usize;
    html.match_indices('<').any(|(at, _)| {
        match tag(&html[at + 1..]) {
            Some((name, _)) if SHALLOW.contains(&name.as_str()) => {}
            Some((_, true)) => depth = depth.saturating_sub(1),
            Some((_, false)) => depth += 1,
            None => {}
        }
        depth > DEEPEST
    })
}

/// The text between the tags, in one pass. Blocks begin lines; the entities of OpenEMR's own escaping are resolved.
fn stripped(html: &str) -> String {
    let mut text = String::with_capacity(html.len() / 2);
    let mut hidden: Option<String> = None;
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        if hidden.is_none() {
            text.push_str(&rest[..at]);
        }
        rest = &rest[at + 1..];
        let Some((name, ends)) = tag(rest) else {
            if rest.starts_with(['!', '?']) {
                rest = rest.split_once('>').map_or("", |(_, behind)| behind);
            } else if hidden.is_none() {
                text.push('<');
            }
            continue;
        };
        match (&hidden, ends) {
            (Some(open), true) if *open == name => hidden = None,
            // In a script a sign is a sign.
            (Some(_), _) => continue,
            (None, false) if HIDDEN.contains(&name.as_str()) => hidden = Some(name.clone()),
            _ => {}
        }
        if hidden.is_none() && BLOCKS.contains(&name.as_str()) {
            text.push('\n');
        }
        rest = rest.split_once('>').map_or("", |(_, behind)| behind);
    }
    if hidden.is_none() {
        text.push_str(rest);
    }
    let text = tidy(Some(text.replace("&nbsp;", " ")));
    let lines: Vec<&str> = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    lines.join("\n")
}

/// The body with a paragraph of dashes before each `<hr>`. Where that hits something else, such as a comment, it does
/// not matter: the outcome is text and never mark-up again.
fn with_rules(html: &str) -> String {
    let lower = html.to_ascii_lowercase();
    let mut ruled = String::with_capacity(html.len());
    let mut from = 0;
    for (at, _) in lower.match_indices("<hr") {
        let tag = lower[at + 3..].starts_with([' ', '/', '>', '\n', '\r', '\t']);
        ruled.push_str(&html[from..at]);
        ruled.push_str(if tag { RULE } else { "" });
        from = at;
    }
    ruled.push_str(&html[from..]);
    ruled
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rich_text_becomes_readable_text() {
        for (html, text) in [
            ("Just text", "Just text"),
            ("<p>Hello Ana,</p><p>see you.</p>", "Hello Ana,\n\nsee you."),
            ("one<br>two<br/>three", "one\ntwo\nthree"),
            ("<ul><li>a</li><li>b</li></ul>", "* a\n* b"),
            ("<ol><li>a</li><li>b</li></ol>", "1. a\n2. b"),
            (
                "5 &lt; 6 &amp; 7 &gt; 6 &eacute;&#8217;",
                "5 < 6 & 7 > 6 é’",
            ),
            ("<b>bold</b> and <i>not</i>", "bold and not"),
            ("<script>alert(1)</script><p>x</p>", "x"),
            ("a<HR />b", "a\n\n---\n\nb"),
            ("a <hrx>b</hrx>", "a b"),
            ("", ""),
        ] {
            assert_eq!(plain_text(html), text, "{html}");
        }
    }

    #[test]
    fn f139_what_may_stand_in_a_body_is_kept_and_nothing_else() {
        for (html, safe) in [
            (
                "<p>a <b>b</b><br>c</p><hr>",
                "<p>a <b>b</b><br />c</p><hr />",
            ),
            (
                "<p onclick=\"x()\" style=\"color:red\" class=\"c\" id=\"i\">a</p>",
                "<p>a</p>",
            ),
            (
                "<a href=\"https://example.org/?a=1&b=<i>\" target=\"_top\">x</a>",
                "<a href=\"https://example.org/?a=1&amp;b=%3Ci%3E\">x</a>",
            ),
            ("<a href=\"javascript:alert(1)\">x</a>", "<a>x</a>"),
            ("<a href=\" java\nscript:alert(1)\">x</a>", "<a>x</a>"),
            ("<a href=\"/oauth2/logout\">x</a>", "<a>x</a>"),
            ("<img src=x onerror=alert(1)>a", "a"),
            ("<svg><script>alert(1)</script></svg>a", "a"),
            ("<style>p{}</style><script>x</script>a", "a"),
            ("a\u{0}b\u{8}&nbsp;c", "ab&#160;c"),
            ("<p> </p>", ""),
            ("<form action=x><input name=y></form>a", "a"),
            ("<!-- a --><p>b", "<p>b</p>"),
            ("1 < 2 &amp; 3", "1 &lt; 2 &amp; 3"),
            ("", ""),
        ] {
            assert_eq!(sanitised(html), safe, "{html}");
        }
        let deep = sanitised(&"<div>x".repeat(500));
        let text = deep.replace("<br />", "");
        assert!(!text.contains('<') && text.contains('x'), "{deep}");
    }

    #[test]
    fn the_lines_of_a_long_body_stay_lines() {
        let safe = sanitised(&"one\ntwo\n".repeat(LARGEST / 8 + 1));
        assert!(safe.starts_with("one<br />two<br />one"), "{}", &safe[..80]);
        assert!(!safe.contains('\n'));
    }

    #[test]
    fn the_address_of_a_link_is_kept() {
        let text = plain_text("<p>See <a href=\"https://example.org/x\">this</a>.</p>");
        assert!(
            text.contains("this") && text.contains("https://example.org/x"),
            "{text}"
        );
    }

    #[test]
    fn a_long_paragraph_stays_on_one_line() {
        let words = "word ".repeat(500);
        let text = plain_text(&format!("<p>{words}</p>"));
        assert_eq!(text.lines().count(), 1);
    }

    #[test]
    fn hostile_bodies_stay_small() {
        let rules = plain_text(&"<hr>".repeat(5000));
        assert!(rules.len() < 50_000, "{}", rules.len());
        let deep = plain_text(&"<blockquote>".repeat(300));
        assert!(deep.len() < 200_000, "{}", deep.len());
        let table = plain_text(&format!(
            "<table>{}</table>",
            "<tr><td>x</td></tr>".repeat(200)
        ));
        assert!(table.len() < 100_000, "{}", table.len());
    }

    #[test]
    fn bodies_no_person_wrote_take_no_longer_than_their_length() {
        let quotes = plain_text(&"<blockquote>x".repeat(20_000));
        assert_eq!(quotes.len(), 2 * 20_000 - 1);
        let lists = plain_text(&"<ul><li>x".repeat(20_000));
        assert_eq!(lists.len(), 2 * 20_000 - 1);
        assert_eq!(plain_text(&"<div>".repeat(50_000)), "");
        let long = plain_text(&"<p>one &amp; two</p>".repeat(100_000));
        assert_eq!(long.len(), 10 * 100_000 - 1);
        assert!(long.starts_with("one & two\none"));
        let picture = format!(
            "<p>a</p><img src=\"data:image/png;base64,{}\"><p>b",
            "A".repeat(200_000)
        );
        assert_eq!(plain_text(&picture), "a\nb");
    }

    #[test]
    fn what_is_only_stripped_loses_scripts_and_keeps_signs() {
        for (html, text) in [
            ("<script>a<b</script><STYLE>p{}</style>x", "x"),
            ("1 < 2 <3 <!-- no --> &lt;b&gt;", "1 < 2 <3  <b>"),
            ("<p>é<br/>漢字</p", "é\n漢字"),
            ("<script>never closed", ""),
            ("<", "<"),
        ] {
            assert_eq!(stripped(html), text, "{html}");
        }
    }
}
