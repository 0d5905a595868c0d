//! PHP's serialised text, as found in OpenEMR's columns: `anteroom::emr::php`.

use anteroom::emr::php;
use anteroom::emr::php::Value;

use super::CANARY;
use super::Target;
use super::run;

const WORDS: [&str; 20] = [
    CANARY,
    "a:1:{",
    "i:0;",
    "s:1:\"a\";",
    "N;",
    "b:1;",
    "d:0.5;",
    "d:INF;",
    "i:-5;",
    "O:8:\"stdClass\":0:{}",
    "R:1;",
    "r:1;",
    "C:1:",
    "}",
    "s:0:\"\";",
    "s:2:\"é\";",
    "a:0:{}",
    "E:7:\"Foo:Bar\";",
    "i:0;a:1:{",
    "exdate",
];

/// What is read has no more depth and values than is told, holds no object, and reads the same when written again.
fn look(input: &[u8]) -> String {
    let text = String::from_utf8_lossy(input);
    let Some(entries) = php::read(&text) else {
        return "refused".to_owned();
    };
    assert!(text.starts_with("a:"));
    let mut values = 0;
    let mut written = String::new();
    write_entries(&entries, &mut written, (1, &mut values));
    assert!(values < 10_000);
    let again = php::read(&written).expect("what was read can be read again");
    assert_eq!(format!("{again:?}"), format!("{entries:?}"));
    let kinds: Vec<String> = entries
        .iter()
        .map(|(_, value)| format!("{:.5}", format!("{value:?}")))
        .collect();
    kinds.join(" ")
}

fn write_entries(
    entries: &[(String, Value)],
    text: &mut String,
    (depth, values): (usize, &mut usize),
) {
    assert!(depth <= 8);
    text.push_str(&format!("a:{}:{{", entries.len()));
    for (key, value) in entries {
        *values += 1;
        text.push_str(&format!("s:{}:\"{key}\";", key.len()));
        match value {
            Value::Null => text.push_str("N;"),
            Value::Bool(yes) => text.push_str(&format!("b:{};", u8::from(*yes))),
            Value::Int(number) => text.push_str(&format!("i:{number};")),
            Value::Float(number) if number.is_nan() => text.push_str("d:NAN;"),
            Value::Float(number) if number.is_infinite() => {
                text.push_str(if *number > 0.0 { "d:INF;" } else { "d:-INF;" });
            }
            Value::Float(number) => text.push_str(&format!("d:{number:e};")),
            Value::Text(inner) => text.push_str(&format!("s:{}:\"{inner}\";", inner.len())),
            Value::Array(inner) => write_entries(inner, text, (depth + 1, values)),
        }
    }
    text.push('}');
}

#[test]
fn serialised_text_is_read_or_refused_whatever_the_column_holds() {
    run(&Target {
        name: "php",
        words: &WORDS,
        iterations: 10_000,
        look,
    });
}
