//! Names and codes from outside, made fit to be shown: nothing invisible, nothing that turns the text around, not too
//! long. Escaping is the templates' part.

/// The text without control characters and everything that cannot be seen, at most `most` characters, one blank for
/// several.
pub fn plain(text: &str, most: usize) -> String {
    let seen: String = text
        .chars()
        .map(|c| if c.is_whitespace() { ' ' } else { c })
        .filter(|c| !c.is_control() && !is_unseen(*c))
        .collect();
    let words: Vec<&str> = seen.split(' ').filter(|word| !word.is_empty()).collect();
    let line = words.join(" ");
    match line.chars().count() > most {
        true => {
            let cut: String = line.chars().take(most.saturating_sub(1)).collect();
            format!("{}…", cut.trim_end())
        }
        false => line,
    }
}

/// Turns the reading direction around, has no width, or is a tag: with these a name can pretend to be another
/// (`spec/security.md`, case 26).
fn is_unseen(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{180e}' | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
        | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_26_nothing_unseen_survives() {
        assert_eq!(plain("Good\u{202e}ppa lave\u{202c}", 60), "Goodppa lave");
        assert_eq!(plain("a\u{200b}\u{2066}b\u{feff}\tc\r\nd", 60), "ab c d");
        assert_eq!(plain("Zürich Käse 日本 ❤", 60), "Zürich Käse 日本 ❤");
        assert_eq!(plain(" \u{200b} ", 60), "");
    }

    #[test]
    fn case_26_four_kilobytes_become_a_line() {
        let cut = plain(&"ä".repeat(4096), 60);
        assert_eq!(cut.chars().count(), 60);
        assert!(cut.ends_with('…'));
        assert_eq!(plain("abcd", 4), "abcd");
    }
}
