//! PHP's `serialize()` text, written, read, and broken.

use super::*;

/// A recurrence as the staff calendar writes it (facts 1.6), one of the portal with its null, one of each value.
const VALID: [&str; 5] = [
    "a:6:{s:17:\"event_repeat_freq\";s:1:\"1\";s:22:\"event_repeat_freq_type\";s:1:\"4\";\
     s:19:\"event_repeat_on_num\";s:1:\"1\";s:19:\"event_repeat_on_day\";s:1:\"0\";\
     s:20:\"event_repeat_on_freq\";s:1:\"0\";s:6:\"exdate\";s:17:\"20261224,20261225\";}",
    "a:5:{s:17:\"event_repeat_freq\";N;s:22:\"event_repeat_freq_type\";s:1:\"0\";\
     s:19:\"event_repeat_on_num\";s:1:\"1\";s:19:\"event_repeat_on_day\";s:1:\"0\";\
     s:20:\"event_repeat_on_freq\";s:1:\"0\";}",
    "a:7:{i:0;i:-5;i:1;d:0.5;i:2;b:1;i:3;b:0;i:4;N;s:1:\"k\";a:1:{s:1:\"x\";s:0:\"\";}i:-9;d:1.0E+25;}",
    "a:2:{s:5:\"fname\";s:6:\"María\";s:4:\"note\";s:8:\"a\";s:1:\"\";}",
    "a:0:{}",
];

fn text(value: &str) -> Value {
    Value::Text(value.to_owned())
}

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
    assert_eq!(read("a:0:{}"), Some(Vec::new()));
}

#[test]
fn what_is_written_is_read() {
    let entries = [
        ("fname", "María"),
        ("note", "\";}a:0:{}"),
        ("", ""),
        ("日本", "\u{0}"),
    ];
    let read = read(&array(&entries)).expect("an array");
    let expected: Vec<(String, Value)> = entries
        .iter()
        .map(|(key, value)| ((*key).to_owned(), text(value)))
        .collect();
    assert_eq!(read, expected);
}

#[test]
fn every_kind_of_value_is_read() {
    let entries = read(VALID[2]).expect("an array");
    let inner = Value::Array(vec![("x".to_owned(), text(""))]);
    let expected = [
        ("0", Value::Int(-5)),
        ("1", Value::Float(0.5)),
        ("2", Value::Bool(true)),
        ("3", Value::Bool(false)),
        ("4", Value::Null),
        ("k", inner),
        ("-9", Value::Float(1e25)),
    ];
    for ((key, value), (known, wanted)) in entries.iter().zip(&expected) {
        assert_eq!((key.as_str(), value), (*known, wanted));
    }
    assert_eq!(entries.len(), expected.len());
    assert_eq!(
        get(&entries, "2").and_then(Value::text),
        Some("1".to_owned())
    );
    assert_eq!(get(&entries, "4").and_then(Value::text), None);
    assert_eq!(get(&entries, "none"), None);
    let infinite = read("a:2:{i:0;d:-INF;i:1;d:NAN;}").expect("an array");
    assert_eq!(infinite[0].1, Value::Float(f64::NEG_INFINITY));
    assert!(matches!(infinite[1].1, Value::Float(number) if number.is_nan()));
}

#[test]
fn a_quote_inside_a_text_ends_nothing() {
    let entries = read(VALID[3]).expect("an array");
    assert_eq!(get(&entries, "note"), Some(&text("a\";s:1:\"")));
}

#[test]
fn blanks_after_the_array_are_overlooked_and_nothing_else_is() {
    assert!(read("a:0:{}\r\n ").is_some());
    for more in ["a:0:{}x", "a:0:{};", "a:0:{}a:0:{}", " a:0:{}"] {
        assert_eq!(read(more), None, "{more}");
    }
}

#[test]
fn objects_and_references_are_refused() {
    for evil in [
        "O:8:\"stdClass\":0:{}",
        "a:1:{i:0;O:8:\"stdClass\":0:{}}",
        "a:1:{i:0;O:+8:\"stdClass\":0:{}}",
        "a:1:{i:0;C:11:\"ArrayObject\":0:{}}",
        "a:2:{i:0;s:1:\"a\";i:1;R:2;}",
        "a:2:{i:0;s:1:\"a\";i:1;r:2;}",
        "a:1:{i:0;E:7:\"Foo:Bar\";}",
        "a:1:{i:0;S:1:\"\\41\";}",
        "a:1:{O:8:\"stdClass\":0:{}i:0;}",
    ] {
        assert_eq!(read(evil), None, "{evil}");
    }
}

#[test]
fn wrong_lengths_counts_and_numbers_are_refused() {
    for broken in [
        "",
        "a",
        "a:",
        "a:0",
        "a:0:{",
        "a:1:{}",
        "a:0:{i:0;N;}",
        "a:-1:{}",
        "a:+0:{}",
        "a::{}",
        "a:18446744073709551616:{}",
        "a:9223372036854775807:{i:0;N;}",
        "s:1:\"a\";",
        "a:1:{i:0;s:2:\"a\";}",
        "a:1:{i:0;s:0:\"a\";}",
        // One byte where UTF-8 has two: a row that was latin1 when its length was counted, and a cut within a letter.
        "a:1:{i:0;s:5:\"María\";}",
        "a:1:{i:0;s:1:\"é\";}",
        "a:1:{i:0;s:18446744073709551615:\"a\";}",
        "a:1:{i:0;i:9223372036854775808;}",
        "a:1:{i:0;i:;}",
        "a:1:{i:0;i:1.5;}",
        "a:1:{i:0;b:2;}",
        "a:1:{i:0;d:infinity;}",
        "a:1:{i:0;d:;}",
        "a:1:{N;N;}",
        "a:1:{d:0.5;N;}",
        "a:1:{a:0:{}N;}",
    ] {
        assert_eq!(read(broken), None, "{broken}");
    }
}

#[test]
fn a_key_is_said_once() {
    assert_eq!(read("a:2:{s:1:\"a\";N;s:1:\"a\";N;}"), None);
    // To PHP these are one key.
    assert_eq!(read("a:2:{s:1:\"5\";N;i:5;N;}"), None);
}

#[test]
fn depth_and_size_have_limits() {
    let nested = |levels: usize| {
        let open = "a:1:{i:0;".repeat(levels - 1);
        format!("{open}a:0:{{}}{}", "}".repeat(levels - 1))
    };
    assert!(read(&nested(8)).is_some());
    assert_eq!(read(&nested(9)), None);
    assert_eq!(read(&nested(100_000)), None);
    let flat = |count: usize| {
        let entries: String = (0..count).map(|key| format!("i:{key};N;")).collect();
        format!("a:{count}:{{{entries}}}")
    };
    assert!(read(&flat(9_999)).is_some());
    assert_eq!(read(&flat(10_000)), None);
}

/// Changes valid texts at random: whatever comes, reading ends, and what is taken for valid reads the same again.
#[test]
fn no_text_makes_it_panic() {
    let mut state: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut dice = |sides: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % sides.max(1) as u64).expect("less than the sides")
    };
    let signs = [
        "a:",
        "s:",
        "i:",
        "d:",
        "b:",
        "N;",
        "O:",
        "{",
        "}",
        ";",
        ":",
        "\"",
        "0",
        "9",
        "-",
        "é",
        "999999999999",
    ];
    let mut accepted = 0;
    for round in 0..20_000 {
        let mut letters: Vec<char> = VALID[dice(VALID.len())].chars().collect();
        for _ in 0..=dice(3) {
            let at = dice(letters.len());
            let sign: Vec<char> = signs[dice(signs.len())].chars().collect();
            match dice(4) {
                0 if !letters.is_empty() => drop(letters.remove(at)),
                1 => drop(letters.splice(at..at, sign)),
                2 if !letters.is_empty() => letters[at] = sign[0],
                _ => letters.truncate(at + dice(20)),
            }
        }
        let text: String = letters.into_iter().collect();
        if read(&text).is_some() {
            accepted += 1;
            let padded = format!("{text}\n");
            assert_eq!(
                format!("{:?}", read(&padded)),
                format!("{:?}", read(&text)),
                "round {round}"
            );
        }
    }
    assert!(
        accepted > 100,
        "only {accepted} of the texts were still valid: the changes are too wild"
    );
}
