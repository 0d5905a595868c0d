//! File names in `Content-Disposition` (RFC 6266), out and in.

/// `attachment` with the name twice: as every client reads it, and as it is.
pub(super) fn disposition(name: &str) -> String {
    let plain: String = name
        .chars()
        .map(|letter| match letter {
            ' '..='~' if !"\"\\%".contains(letter) => letter,
            _ => '_',
        })
        .take(100)
        .collect();
    let mut exact = String::with_capacity(name.len());
    for byte in name.bytes() {
        // RFC 8187, 3.2.1: attr-char.
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => exact.push(char::from(byte)),
            _ if b"!#$&+-.^_`|~".contains(&byte) => exact.push(char::from(byte)),
            _ => exact.push_str(&format!("%{byte:02X}")),
        }
    }
    match name.is_empty() {
        true => "attachment".to_owned(),
        false => format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{exact}"),
    }
}

/// The name a client gives a file it sends; `None` where it gives none. `filename*` wins.
pub(super) fn given(disposition: &str) -> Option<String> {
    let (mut plain, mut exact) = (None, None);
    for part in parts(disposition) {
        let Some((name, value)) = part.split_once('=') else {
            continue;
        };
        match name.trim().to_ascii_lowercase().as_str() {
            "filename" => plain = Some(unquoted(value.trim())),
            "filename*" => exact = decoded(value.trim()),
            _ => {}
        }
    }
    exact.or(plain)
}

/// The parts between semicolons that stand in no quotes.
fn parts(text: &str) -> Vec<&str> {
    let (mut parts, mut from, mut quoted, mut escaped) = (Vec::new(), 0, false, false);
    for (at, letter) in text.char_indices() {
        match letter {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            ';' if !quoted => {
                parts.push(&text[from..at]);
                from = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[from..]);
    parts
}

fn unquoted(value: &str) -> String {
    let inner = value
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'));
    let Some(inner) = inner else {
        return value.to_owned();
    };
    let mut name = String::with_capacity(inner.len());
    let mut escaped = false;
    for letter in inner.chars() {
        match letter {
            '\\' if !escaped => escaped = true,
            letter => {
                escaped = false;
                name.push(letter);
            }
        }
    }
    name
}

/// `UTF-8''...` with percent signs; nothing for another charset or for what is no UTF-8.
fn decoded(value: &str) -> Option<String> {
    let (charset, rest) = value.split_once('\'')?;
    let (_, text) = rest.split_once('\'')?;
    if !charset.eq_ignore_ascii_case("utf-8") {
        return None;
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, behind)) = rest.split_first() {
        rest = behind;
        match first {
            b'%' => {
                let hex = str::from_utf8(rest.get(..2)?).ok()?;
                bytes.push(u8::from_str_radix(hex, 16).ok()?);
                rest = &rest[2..];
            }
            byte => bytes.push(*byte),
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_168_names_go_out_and_come_back_as_they_are() {
        for name in [
            "a.pdf",
            "Señora (1) \"x\".pdf",
            "漢字 👩‍👦.png",
            "a%20b;c=d.txt",
            "\u{202e}fdp.exe",
            "it's.txt",
            "back\\slash",
        ] {
            let header = disposition(name);
            assert!(
                header.is_ascii() && !header.contains(['\r', '\n']),
                "{header}"
            );
            assert_eq!(given(&header).as_deref(), Some(name), "{header}");
        }
    }

    #[test]
    fn names_are_read_in_both_ways() {
        assert_eq!(
            given("attachment; filename=a.txt").as_deref(),
            Some("a.txt")
        );
        assert_eq!(
            given(r#"attachment; filename="a;\"b\".txt""#).as_deref(),
            Some("a;\"b\".txt")
        );
        assert_eq!(given("attachment").as_deref(), None);
        assert_eq!(
            given("attachment; filename=a; filename*=iso-8859-1''b").as_deref(),
            Some("a")
        );
        assert_eq!(
            given("attachment; filename=a; filename*=UTF-8''%zz").as_deref(),
            Some("a")
        );
    }
}
