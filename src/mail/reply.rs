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

/// Whether a permanent no is about this house and not about the letter: a login that is missing or refused, a sender that
/// is not allowed, a quota, the server's own trouble. What is put right there lets the letter go (RFC 4954, 6; RFC 3463, 3:
/// subjects 3 to 5 and 7).
pub(super) fn is_about_us(error: &Error) -> bool {
    let code = error.status().map(|code| code.to_string());
    code.is_some_and(|code| blames_us(&code, &refused(error)))
}

fn blames_us(code: &str, told: &str) -> bool {
    let of_the_house = [
        "500", "501", "502", "503", "504", "521", "530", "534", "535", "538",
    ];
    let mut words = told.split([' ', ':']);
    let subject = words.find_map(|word| word.strip_prefix("5.").filter(|rest| rest.contains('.')));
    match subject.and_then(|rest| rest.split_once('.')) {
        // A message that is refused, for what it looks like.
        Some(("7", "1")) => false,
        Some((subject, _)) => ["3", "4", "5", "7"].contains(&subject),
        None => of_the_house.contains(&code),
    }
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

    #[test]
    fn f9_a_no_to_this_house_is_no_no_to_the_letter() {
        for (code, told, ours) in [
            ("530", "530 Authentication required", true),
            ("535", "535 5.7.8 Bad credentials", true),
            ("550", "550 5.7.60 Client may not send as this sender", true),
            ("550", "550 5.4.5 Daily user sending limit exceeded", true),
            ("554", "554 5.3.0 Configuration error", true),
            ("550", "550 5.1.1 No such user", false),
            ("554", "554 5.7.1 Message rejected as spam", false),
            ("552", "552 5.2.2 Mailbox full", false),
            ("550", "550 No such user here", false),
            ("553", "553 Mailbox name not allowed", false),
        ] {
            assert_eq!(blames_us(code, told), ours, "{told}");
        }
    }
}
