//! What a mail server said, fit to be kept and shown to staff: one line, without addresses, tokens and links, cut.

use lettre::transport::smtp::Error;
use lettre::transport::smtp::response::Response;

use crate::domain::mailbox;

/// How much of it is kept: what the column takes.
const LONGEST: usize = 255;

/// A reply that took something.
pub(super) fn taken(response: &Response) -> String {
    let text: Vec<&str> = response.message().collect();
    cleaned(&format!("{} {}", response.code(), text.join(" ")))
}

/// A reply that refused, or why there was none.
pub(super) fn refused(error: &Error) -> String {
    let mut chain = Vec::new();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        let text = error.to_string();
        if !chain
            .last()
            .is_some_and(|last: &String| last.contains(&text))
        {
            chain.push(text);
        }
        cause = error.source();
    }
    let said = chain.join(": ");
    let text = match error.status() {
        Some(code) => format!("{code} {said}"),
        None if error.is_tls() => format!("The encrypted connection failed: {said}"),
        None if error.is_client() => said,
        None if said.is_empty() => error.to_string(),
        None => format!("The connection failed: {said}"),
    };
    cleaned(&text)
}

/// One line, without what names somebody or opens something.
pub(super) fn cleaned(text: &str) -> String {
    let line = mailbox::line(text, 2_000);
    let words = line.split(' ').map(|word| match word {
        word if word.contains("://") || word.contains("al_") => "(link)",
        word if word.contains('@') => "(address)",
        word => word,
    });
    let words: Vec<&str> = words.collect();
    words.join(" ").chars().take(LONGEST).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_server_said_is_one_line_without_addresses_and_links() {
        assert_eq!(
            cleaned(
                "550 5.1.1\r\n<ana@x.example> unknown: see https://x.example/?m=ana\u{1b}[31m now"
            ),
            "550 5.1.1 (address) unknown: see (link) [31m now"
        );
        assert_eq!(cleaned(&"é".repeat(400)).chars().count(), LONGEST);
    }
}
