//! OpenEMR's mail bodies are HTML from a rich-text editor; here they become text a person can read.

use html2text::config;

use crate::emr::people::tidy;

/// Wide enough that paragraphs stay on one line, as text is wrapped by whoever shows it.
const WIDE: usize = 10_000;

/// What a message of a person stays below, in bytes and in elements inside one another. Above it the mark-up is taken
/// out without being understood: laying it out takes the square of its depth, and copies the quote marks to each line.
const LARGEST: usize = 128 * 1024;
const DEEPEST: usize = 40;

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
