//! The house rules that a line scan can hold: who may import whom, how long a file may be, which room knows which
//! outside thing, and where a few dangerous words may stand.

use std::fs;
use std::path::Path;
use std::path::PathBuf;

/// `src` is a sentence, and imports run only to the left.
const SENTENCE: [&str; 18] = [
    "domain", "words", "sheet", "crypto", "config", "fetch", "portal", "db", "store", "emr",
    "fhir", "rest", "auth", "mail", "worker", "http", "demo", "command",
];

/// One outside thing, one room: a crate's name, and the paths below `src` that may say it.
const OUTSIDE: [(&str, &[&str]); 30] = [
    ("clamav_client", &["emr/scanning.rs"]),
    ("html5ever", &["emr/forms/"]),
    ("png", &["emr/forms/picture.rs"]),
    ("zip", &["http/documents/zipped.rs"]),
    ("ammonia", &["emr/html.rs"]),
    ("icalendar", &["mail/calendar.rs"]),
    ("krilla", &["sheet"]),
    ("qrcodegen", &["sheet.rs"]),
    ("rustybuzz", &["sheet/"]),
    ("aws_lc_rs", &["crypto.rs", "emr/cipher"]),
    ("toml", &["config/"]),
    ("reqwest", &["fetch.rs"]),
    ("sqlx", &["db/", "store/", "emr/", "demo/"]),
    ("jiff", &["emr/zone.rs"]),
    ("fhir_sdk", &["fhir/"]),
    ("fhir_encode", &["fhir/"]),
    ("fhir_decode", &["fhir/"]),
    ("json_patch", &["fhir/"]),
    ("oauth2", &["auth/"]),
    ("openidconnect", &["auth/"]),
    ("jsonwebtoken", &["auth/"]),
    ("bcrypt", &["auth/", "demo/"]),
    ("argon2", &["auth/", "demo/"]),
    ("sha_crypt", &["auth/", "demo/"]),
    ("lettre", &["mail/"]),
    ("minijinja", &["mail/"]),
    ("axum", &["http/", "command/serve.rs"]),
    ("tower_http", &["http/"]),
    ("askama", &["http/"]),
    ("clap", &["command/", "main.rs"]),
];

/// Words that only certain files may use, and why.
const WORDS: [(&str, &[&str], &str); 5] = [
    (
        "Grant::stored(",
        &["store/grants.rs", "domain/access.rs"],
        "only the grant store makes a Grant",
    ),
    ("StatusCode::", &["http/"], "status codes live in http"),
    (
        "raw_sql",
        &["db/connect.rs"],
        "scripts run through Db::script",
    ),
    (
        "AssertSqlSafe",
        &["db/"],
        "SQL text is made of constants, asserted in db alone",
    ),
    (
        "Json<Patient",
        &[],
        "bodies travel as bytes (architecture.md, leaf crates)",
    ),
];

/// What no file may hold. Written in halves so that this list does not find itself.
const BANNED: [(&str, &str); 7] = [
    (concat!("to", "do!("), "finish it"),
    (concat!("unimpl", "emented!("), "finish it"),
    (concat!("FIX", "ME"), "finish it"),
    (concat!("#[al", "low("), "use #[expect(..., reason)]"),
    (concat!("#[ig", "nore"), "a test runs or is not there"),
    (concat!("r4b::VER", "SION"), "we are 4.0.1"),
    (concat!("crate::", "{"), "one module a line"),
];

const LONGEST_FILE: usize = 500;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Every Rust file below a folder, as path relative to it and text.
pub(crate) fn rust_files(folder: &str) -> Vec<(String, String)> {
    let base = root().join(folder);
    let mut found = Vec::new();
    let mut open = vec![base.clone()];
    while let Some(next) = open.pop() {
        for entry in fs::read_dir(&next).expect("a readable folder").flatten() {
            let path = entry.path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|kind| kind == "rs") {
                let text = fs::read_to_string(&path).expect("a readable file");
                let name = path.strip_prefix(&base).expect("below the base");
                found.push((name.to_string_lossy().into_owned(), text));
            }
        }
    }
    found.sort();
    assert!(!found.is_empty(), "{folder} holds no Rust file");
    found
}

fn module_of(file: &str) -> &str {
    let first = file.split('/').next().unwrap_or(file);
    first.trim_end_matches(".rs")
}

/// Whether a file holds nothing but tests: those may look around the house.
fn is_test(file: &str) -> bool {
    file.ends_with("tests.rs") || file.ends_with("fixture.rs")
}

/// Code without comments: a module's name in prose is no import.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines()
        .enumerate()
        .map(|(number, line)| (number + 1, line.split("//").next().unwrap_or_default()))
}

fn check(problems: &[String]) {
    assert!(problems.is_empty(), "\n{}", problems.join("\n"));
}

#[test]
fn imports_run_only_to_the_left() {
    let place = |module: &str| SENTENCE.iter().position(|known| *known == module);
    let mut problems = Vec::new();
    for (file, text) in rust_files("src") {
        let Some(here) = place(module_of(&file)) else {
            assert!(
                ["lib.rs", "main.rs"].contains(&file.as_str()),
                "src/{file} is in no room of the sentence: give it one in tests/tidy.rs and architecture"
            );
            continue;
        };
        if is_test(&file) {
            continue;
        }
        let body = text.split("#[cfg(test)]").next().unwrap_or_default();
        for (number, line) in code(body) {
            for part in line.split("crate::").skip(1) {
                let module: String = part
                    .chars()
                    .take_while(|c| c.is_alphanumeric() || *c == '_')
                    .collect();
                match place(&module) {
                    Some(there) if there > here => problems.push(format!(
                        "src/{file}:{number}: {} may not import {module}, which stands to its right",
                        module_of(&file)
                    )),
                    Some(_) => {}
                    None => problems.push(format!(
                        "src/{file}:{number}: {module} is in no room of the sentence"
                    )),
                }
            }
        }
    }
    check(&problems);
}

#[test]
fn files_stay_small() {
    let mut problems = Vec::new();
    for folder in ["src", "crates", "tests", "benches"] {
        for (file, text) in rust_files(folder) {
            let lines = text.lines().count();
            if lines > LONGEST_FILE {
                problems.push(format!(
                    "{folder}/{file} has {lines} lines, the limit is {LONGEST_FILE}: split it by meaning"
                ));
            }
        }
    }
    check(&problems);
}

#[test]
fn every_outside_thing_has_its_room() {
    let mut problems = Vec::new();
    for (file, text) in rust_files("src") {
        if is_test(&file) {
            continue;
        }
        let body = text.split("#[cfg(test)]").next().unwrap_or_default();
        for (number, line) in code(body) {
            for (name, rooms) in OUTSIDE {
                let said = line.contains(&format!("{name}::"));
                if said && !rooms.iter().any(|room| file.starts_with(room)) {
                    problems.push(format!(
                        "src/{file}:{number}: {name} is known in {} alone",
                        rooms.join(", ")
                    ));
                }
            }
        }
    }
    check(&problems);
}

#[test]
fn dangerous_words_stand_where_they_may() {
    let mut problems = Vec::new();
    for (file, text) in rust_files("src") {
        if is_test(&file) {
            continue;
        }
        let body = text.split("#[cfg(test)]").next().unwrap_or_default();
        for (number, line) in code(body) {
            for (word, rooms, why) in WORDS {
                if line.contains(word) && !rooms.iter().any(|room| file.starts_with(room)) {
                    problems.push(format!("src/{file}:{number}: {word} {why}"));
                }
            }
        }
    }
    check(&problems);
}

#[test]
fn nothing_is_unfinished_or_excused() {
    let mut problems = Vec::new();
    for folder in ["src", "crates", "tests", "benches"] {
        for (file, text) in rust_files(folder) {
            for (number, line) in text.lines().enumerate() {
                for (word, what) in BANNED {
                    if line.contains(word) {
                        problems.push(format!("{folder}/{file}:{}: {word}: {what}", number + 1));
                    }
                }
            }
        }
    }
    check(&problems);
}

#[test]
fn serde_touches_fhir_sdk_in_the_leaf_crates_alone() {
    let mut problems = Vec::new();
    for (file, text) in rust_files("src") {
        for (number, line) in code(&text) {
            let calls = [
                "to_vec(",
                "to_value(",
                "to_string(&resource",
                "from_slice::<Resource",
                "from_value::<Resource",
            ];
            let serde =
                line.contains("serde_json::") && calls.iter().any(|call| line.contains(call));
            if serde && file.starts_with("fhir/") && text.contains("fhir_sdk") {
                problems.push(format!(
                    "src/{file}:{number}: encode through fhir_encode, decode through fhir_decode"
                ));
            }
        }
    }
    check(&problems);
}

#[test]
fn every_module_says_what_it_is() {
    let mut problems = Vec::new();
    for folder in ["src", "crates", "tests", "benches"] {
        for (file, text) in rust_files(folder) {
            if !text.starts_with("//! ") {
                problems.push(format!(
                    "{folder}/{file} does not begin with a sentence about itself"
                ));
            }
        }
    }
    check(&problems);
}

#[test]
fn the_map_is_in_reading_order() {
    let map = fs::read_to_string(root().join("src/lib.rs")).expect("the map");
    let modules: Vec<&str> = map
        .lines()
        .filter_map(|line| line.strip_prefix("pub mod "))
        .map(|line| line.trim_end_matches(';'))
        .collect();
    assert_eq!(modules, SENTENCE);
    assert!(
        Path::new(&root().join("LICENSE")).exists(),
        "the licence text is missing"
    );
}
