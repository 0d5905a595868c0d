//! Mail addresses: what is one mailbox, and how much of it somebody else may read (`spec/security.md`, cases 102 and 103).

use crate::domain::refusal::Refusal;

/// Longest address, and longest part before the `@` (RFC 5321, 4.5.3.1).
const LONGEST: usize = 254;
const LONGEST_LOCAL: usize = 64;

/// What may stand in an unquoted local part (RFC 5322, 3.2.3) beside letters and digits.
const MARKS: &str = "!#$%&'*+-/=?^_`{|}~";

/// The one mailbox a text names, without blanks around it. No quoted names, address literals, display names, lists or
/// source routes: what real patients have needs none of them, and each is a way to smuggle something.
///
/// # Errors
/// `Invalid`, in a sentence for the person who typed it.
pub fn one(text: &str) -> Result<String, Refusal> {
    let address = text.trim();
    let parts = address.split_once('@');
    let fits = parts.is_some_and(|(local, domain)| is_local(local) && is_domain(domain));
    if fits && address.len() <= LONGEST {
        return Ok(address.to_owned());
    }
    let why = match (address.is_empty(), address.is_ascii()) {
        (true, _) => "Enter an e-mail address.",
        (false, false) => {
            "Enter an e-mail address of plain letters, digits and marks; accented letters do not travel everywhere."
        }
        (false, true) => "Enter one e-mail address, such as ana@example.com.",
    };
    Err(Refusal::invalid("email", why))
}

/// An address as others may see it: the first letter and the domain.
pub fn masked(address: &str) -> String {
    match address.rsplit_once('@') {
        Some((local, domain)) => {
            let first: String = local.chars().take(1).collect();
            format!("{first}•••@{domain}")
        }
        None => "•••".to_owned(),
    }
}

/// A text fit for one line of a letter or a log: control characters and line separators are blanks, and it is cut.
pub fn line(text: &str, longest: usize) -> String {
    let breaks = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}');
    let plain: String = text
        .chars()
        .map(|c| if breaks(c) { ' ' } else { c })
        .collect();
    let words: Vec<&str> = plain.split_whitespace().collect();
    words.join(" ").chars().take(longest).collect()
}

fn is_local(local: &str) -> bool {
    let atom = |part: &str| {
        !part.is_empty()
            && part
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || MARKS.contains(c))
    };
    // A hyphen first would be an option to a program that is handed the address.
    local.len() <= LONGEST_LOCAL && !local.starts_with('-') && local.split('.').all(atom)
}

fn is_domain(domain: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let last = domain.rsplit('.').next().unwrap_or_default();
    let numbers = last.chars().all(|c| c.is_ascii_digit());
    domain.contains('.') && domain.split('.').all(label) && !numbers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_103_an_address_is_one_mailbox_or_refused() {
        for good in [
            "ana@example.com",
            "a.b+portal@mail.example.co.uk",
            "o'neil@x.example",
            "a@xn--bcher-kva.example",
        ] {
            assert_eq!(one(&format!(" {good} ")).as_deref(), Ok(good));
        }
        let long = format!("{}@example.com", "a".repeat(300));
        let long_domain = format!("a@{}.example", "b.".repeat(130));
        for bad in [
            "",
            "a",
            "@example.com",
            "a@",
            "\"a b\"@x.example",
            "a@[127.0.0.1]",
            "a@127.0.0.1",
            "a@x.example,b@evil.example",
            "a@x.example b@evil.example",
            "a@x.example;b@evil.example",
            "<a@x.example>",
            "Ana <a@x.example>",
            "-oQ/tmp@x.example",
            "a@x.example\r\nBcc: b@evil.example",
            "a@x.example%0d%0aBcc:b@evil.example",
            "a\n@x.example",
            "a\0@x.example",
            "a@x.example\u{2028}b",
            "a@@x.example",
            "@relay.example:a@x.example",
            "a..b@x.example",
            ".a@x.example",
            "a@x",
            "a@-x.example",
            "a@bücher.example",
            &long,
            &long_domain,
        ] {
            assert!(one(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn others_see_a_letter_and_the_domain() {
        assert_eq!(masked("ana@example.com"), "a•••@example.com");
        assert_eq!(masked("nonsense"), "•••");
        assert_eq!(line("a\r\nBcc:\u{2028}b\0", 9), "a Bcc: b");
    }
}
