//! The portal rules row by row: which tests prove each. `conformance/portal-rules.md` is made of this
//! (`ANTEROOM_WRITE=1 cargo test --test all rows`), and a row that issue 5 asks for and no test carries fails here.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::path::PathBuf;

use crate::tidy::rust_files;

/// Id and behaviour of every row of the mission.
const ROWS: &str = include_str!("rows/portal-rules.tsv");

/// Rows that must be proven by now: sections A.1 to A.4 and A.8.
fn is_due(row: &str) -> bool {
    let number: u32 = row[1..].parse().expect("a number");
    (1..=120).contains(&number) || (161..=164).contains(&number)
}

/// The ids in a name or title: `f043_self_service`, `F106, F107: a new patient registers`.
fn ids(name: &str) -> Vec<String> {
    let words: Vec<&str> = name.split(|c: char| !c.is_ascii_alphanumeric()).collect();
    let number = |word: &str| {
        let digits = word.strip_prefix(['f', 'F'])?;
        (digits.len() == 3).then(|| digits.parse::<u32>().ok())?
    };
    let mut found = Vec::new();
    for (index, word) in words.iter().enumerate() {
        let Some(end) = number(word) else { continue };
        // `f108_to_f112` is every row from one to the other.
        let begin = match index
            .checked_sub(2)
            .map(|first| (words[first], words[index - 1]))
        {
            Some((first, "to")) => number(first).map_or(end, |first| first + 1),
            _ => end,
        };
        found.extend((begin..=end).map(|number| format!("F{number:03}")));
    }
    found
}

/// Every test with an id in its name, by row.
fn proofs() -> BTreeMap<String, Vec<String>> {
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for folder in ["src", "tests"] {
        for (file, text) in rust_files(folder) {
            let mut is_test = false;
            for line in text.lines().map(str::trim) {
                if line.starts_with("#[test]") || line.starts_with("#[tokio::test") {
                    is_test = true;
                }
                let Some(rest) = line
                    .strip_prefix("async fn ")
                    .or_else(|| line.strip_prefix("fn "))
                else {
                    continue;
                };
                let name = rest.split('(').next().unwrap_or_default();
                if std::mem::take(&mut is_test) {
                    for id in ids(name) {
                        let place = format!("`{folder}/{file}` {name}");
                        found.entry(id).or_default().push(place);
                    }
                }
            }
        }
    }
    for path in suites(&root().join("conformance")) {
        let text = fs::read_to_string(&path).expect("a readable suite");
        let file = path.strip_prefix(root()).expect("below the root");
        for line in text.lines().map(str::trim) {
            let title = line
                .strip_prefix("test(\"")
                .or_else(|| line.strip_prefix("await t.test(\""))
                .or_else(|| line.strip_prefix("test(`"));
            let Some(title) = title.and_then(|rest| rest.split(['"', '`']).next()) else {
                continue;
            };
            for id in ids(title) {
                let place = format!("`{}` {title}", file.display());
                found.entry(id).or_default().push(place);
            }
        }
    }
    found
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The suites of strangers, without what npm put beside them.
fn suites(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(next) = open.pop() {
        for entry in fs::read_dir(next).expect("a readable folder").flatten() {
            let path = entry.path();
            let name = entry.file_name();
            if path.is_dir() {
                if name != "node_modules" && name != ".venv" && name != "target" {
                    open.push(path);
                }
            } else if path.extension().is_some_and(|kind| kind == "js") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// The list as people read it.
fn page() -> String {
    let proofs = proofs();
    let mut text = String::from(
        "# Portal rules: which tests prove each row\n\nMade by `ANTEROOM_WRITE=1 cargo test --test all rows`; \
         `./test` runs every test that is named here.\n\n| row | behaviour | proven by |\n| --- | --- | --- |\n",
    );
    for row in ROWS.lines() {
        let (id, behaviour) = row.split_once('\t').expect("two columns");
        let tests = match (proofs.get(id), is_due(id)) {
            (Some(tests), _) => tests.join("<br>"),
            (None, true) => "**nothing**".to_owned(),
            (None, false) => "not yet due".to_owned(),
        };
        text.push_str(&format!("| {id} | {behaviour} | {tests} |\n"));
    }
    text
}

#[test]
fn every_row_that_is_due_has_a_test() {
    let proofs = proofs();
    let missing: Vec<&str> = ROWS
        .lines()
        .filter_map(|row| row.split('\t').next())
        .filter(|id| is_due(id) && !proofs.contains_key(*id))
        .collect();
    assert!(missing.is_empty(), "no test carries {missing:?}");
}

#[test]
fn no_test_names_a_row_that_is_not_there() {
    for id in proofs().keys() {
        let row = format!("{id}\t");
        assert!(ROWS.lines().any(|known| known.starts_with(&row)), "{id}");
    }
}

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "whether to write is asked of whoever runs the test"
)]
fn the_list_is_as_it_was_made() {
    let path = root().join("conformance/portal-rules.md");
    let page = page();
    if std::env::var("ANTEROOM_WRITE").is_ok_and(|value| value == "1") {
        fs::write(&path, &page).expect("written");
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == page,
        "make it anew: ANTEROOM_WRITE=1 cargo test --test all rows"
    );
}
