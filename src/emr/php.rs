//! PHP's `serialize()` text, written and read: how OpenEMR stores recurrences (facts 1.6) and profile edits waiting
//! for review (facts 2.10).

use std::collections::HashSet;

/// Arrays in arrays at most. OpenEMR's own have one level, a custom module's perhaps two.
const DEEPEST: usize = 8;

/// Values of one text at most, arrays included.
const MOST_VALUES: usize = 10_000;

/// A value PHP serialised. Objects and references are none: nothing OpenEMR stores has them, and reading them is how
/// `unserialize` became a hole.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `N;`
    Null,
    /// `b:1;`
    Bool(bool),
    /// `i:7;`
    Int(i64),
    /// `d:0.5;`
    Float(f64),
    /// `s:3:"abc";`
    Text(String),
    /// `a:1:{…}`
    Array(Vec<(String, Value)>),
}

impl Value {
    /// The text PHP would make of a value where it expects one; `None` for null and for arrays, which have none.
    pub fn text(&self) -> Option<String> {
        match self {
            Self::Text(text) => Some(text.clone()),
            Self::Int(number) => Some(number.to_string()),
            Self::Float(number) => Some(number.to_string()),
            Self::Bool(true) => Some("1".to_owned()),
            Self::Bool(false) => Some(String::new()),
            Self::Null | Self::Array(_) => None,
        }
    }
}

/// Reads a serialised array: its entries in their order, numbers among the keys as text. Lengths are bytes, as PHP
/// counts them, so that text whose encoding was changed after it was written (latin1 to UTF-8) is `None`, as is
/// everything else PHP itself refuses, an array that says a key twice, more than 8 levels and more than 10,000 values.
/// Blanks and line ends after the array are overlooked: the column is a TEXT that people edit, and PHP does not mind.
pub fn read(text: &str) -> Option<Vec<(String, Value)>> {
    let mut reader = Reader {
        rest: text,
        left: MOST_VALUES,
    };
    let value = reader.value(0)?;
    match value {
        Value::Array(entries) if reader.rest.trim_ascii().is_empty() => Some(entries),
        _ => None,
    }
}

/// The value of a key, where it was said.
pub fn get<'a>(entries: &'a [(String, Value)], key: &str) -> Option<&'a Value> {
    let found = entries.iter().find(|(known, _)| known == key);
    found.map(|(_, value)| value)
}

/// What was not read yet. Every step takes a part off the front, so that the whole takes one pass.
struct Reader<'a> {
    rest: &'a str,
    left: usize,
}

impl<'a> Reader<'a> {
    fn value(&mut self, depth: usize) -> Option<Value> {
        self.left = self.left.checked_sub(1)?;
        if self.takes("N;") {
            return Some(Value::Null);
        }
        if self.takes("b:") {
            return match self.until(';')? {
                "0" => Some(Value::Bool(false)),
                "1" => Some(Value::Bool(true)),
                _ => None,
            };
        }
        if self.takes("i:") {
            return self.until(';')?.parse().ok().map(Value::Int);
        }
        if self.takes("d:") {
            return float(self.until(';')?).map(Value::Float);
        }
        if self.takes("s:") {
            return self.quoted().map(|text| Value::Text(text.to_owned()));
        }
        self.takes("a:").then_some(())?;
        self.entries(depth + 1).map(Value::Array)
    }

    /// `N:{` and N times a key and a value, and `}`.
    fn entries(&mut self, depth: usize) -> Option<Vec<(String, Value)>> {
        if depth > DEEPEST {
            return None;
        }
        let count = length(self.until(':')?)?;
        self.takes("{").then_some(())?;
        // Never room for what a text merely claims to hold.
        let mut entries = Vec::new();
        for _ in 0..count {
            let key = self.key()?;
            entries.push((key, self.value(depth)?));
        }
        self.takes("}").then_some(())?;
        let mut keys = HashSet::new();
        let once = entries.iter().all(|(key, _)| keys.insert(key.as_str()));
        once.then_some(entries)
    }

    fn key(&mut self) -> Option<String> {
        if self.takes("i:") {
            let number: i64 = self.until(';')?.parse().ok()?;
            return Some(number.to_string());
        }
        self.takes("s:").then_some(())?;
        self.quoted().map(str::to_owned)
    }

    /// `5:"hello";` after the `s:`. Nothing within the quotes is escaped: it is counted.
    fn quoted(&mut self) -> Option<&'a str> {
        let bytes = length(self.until(':')?)?;
        self.takes("\"").then_some(())?;
        // No split where a character would be cut in two.
        let (text, rest) = self.rest.split_at_checked(bytes)?;
        self.rest = rest;
        self.takes("\";").then_some(text)
    }

    /// What stands before a sign that ends a number: never further than a number is long, so that a text full of
    /// broken numbers is not searched through again and again.
    fn until(&mut self, end: char) -> Option<&'a str> {
        const LONGEST_NUMBER: usize = 32;
        let mut bytes = self.rest.bytes().take(LONGEST_NUMBER);
        let at = bytes.position(|byte| char::from(byte) == end)?;
        let (text, rest) = self.rest.split_at_checked(at)?;
        self.rest = rest.get(1..)?;
        Some(text)
    }

    fn takes(&mut self, sign: &str) -> bool {
        let rest = self.rest.strip_prefix(sign);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }
}

/// A length or count: digits alone.
fn length(text: &str) -> Option<usize> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

/// A float as PHP writes it: `0.5`, `1.0E+25`, `INF`, `-INF`, `NAN`.
fn float(text: &str) -> Option<f64> {
    match text {
        "INF" => Some(f64::INFINITY),
        "-INF" => Some(f64::NEG_INFINITY),
        "NAN" => Some(f64::NAN),
        // Rust knows further words for these, PHP does not.
        _ if text.contains(['n', 'N', 'f', 'F', 'y', 'Y']) => None,
        _ => text.parse().ok(),
    }
}

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
mod tests;
