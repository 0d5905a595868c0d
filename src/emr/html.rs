//! OpenEMR's mail bodies are HTML from a rich-text editor; here they become text a person can read.

use html2text::config;

/// Wide enough that paragraphs stay on one line, as text is wrapped by whoever shows it.
const WIDE: usize = 10_000;

/// What stands for a drawn line, which the renderer leaves out.
const RULE: &str = "<p>---</p>";

/// The body as plain text: entities resolved, paragraphs, line breaks and lists kept, addresses of links at the end,
/// scripts and styles gone. Text without any mark-up comes back as it is.
pub fn plain_text(html: &str) -> String {
    if !html.contains(['<', '&']) {
        return html.trim().to_owned();
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
}
