//! PHP's `serialize()` of an array of strings: how OpenEMR stores recurrences (facts 1.6) and profile edits
//! waiting for review (facts 2.10).

/// Serialises an associative array of strings, in the order given. Lengths are bytes, not characters.
pub fn array(entries: &[(&str, &str)]) -> String {
    let mut text = format!("a:{}:{{", entries.len());
    for (key, value) in entries {
        push_string(&mut text, key);
        push_string(&mut text, value);
    }
    text.push('}');
    text
}

/// PHP does not escape anything inside the quotes: it counts.
fn push_string(text: &mut String, value: &str) {
    text.push_str(&format!("s:{}:\"{value}\";", value.len()));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_bytes() {
        assert_eq!(
            array(&[("fname", "María"), ("note", "a\"b")]),
            "a:2:{s:5:\"fname\";s:6:\"María\";s:4:\"note\";s:3:\"a\"b\";}"
        );
    }

    #[test]
    fn an_empty_array_has_no_entries() {
        assert_eq!(array(&[]), "a:0:{}");
    }
}
