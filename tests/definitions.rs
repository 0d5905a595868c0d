//! `fhir-profiles/` is whole: every file is well-formed, embedded, named in the guide and served, and everything the
//! program says under our own URLs is defined there. Three files are made here: `ANTEROOM_WRITE=1 cargo test --test all
//! definitions::made` writes them anew.

mod made;
mod served;

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use anteroom::domain::visits::Status;
use anteroom::fhir::definitions;
use serde_json::Value;

use crate::tidy::rust_files;

/// Where our canonical URLs begin.
const CANONICAL: &str = "https://anteroom.dev/fhir/";

/// The folder below `fhir-profiles/` that holds examples.
const EXAMPLES: &str = "examples";

/// One file of `fhir-profiles/`.
struct File {
    /// Its path below the folder, without `.json`.
    name: String,
    text: String,
    json: Value,
}

impl File {
    fn word(&self, name: &str) -> &str {
        self.json[name].as_str().unwrap_or_default()
    }

    fn is_example(&self) -> bool {
        self.name.starts_with(EXAMPLES)
    }
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fhir-profiles")
}

fn read(name: &str) -> File {
    let path = folder().join(format!("{name}.json"));
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{name}: {error}"));
    let json = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
    File {
        name: name.to_owned(),
        text,
        json,
    }
}

/// Every resource of the package: definitions, then examples.
fn files() -> Vec<File> {
    let mut names = Vec::new();
    for below in ["", EXAMPLES] {
        let inside = fs::read_dir(folder().join(below)).expect("a folder");
        for entry in inside.flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            match name.strip_suffix(".json") {
                Some("package") => {}
                Some(stem) if below.is_empty() => names.push(stem.to_owned()),
                Some(stem) => names.push(format!("{below}/{stem}")),
                None => assert_eq!(name, EXAMPLES, "what is this doing in fhir-profiles?"),
            }
        }
    }
    names.sort();
    names.iter().map(|name| read(name)).collect()
}

fn package() -> Value {
    read("package").json
}

#[test]
fn every_file_is_named_after_what_it_holds() {
    for file in files() {
        let stem = file.name.rsplit('/').next().unwrap_or_default();
        let named = format!("{}-{}", file.word("resourceType"), file.word("id"));
        assert_eq!(stem, named);
        assert_eq!(file.name, file.name.trim(), "{stem}");
    }
}

#[test]
fn every_definition_has_its_url_and_the_packages_version() {
    let package = package();
    let mut urls = BTreeSet::new();
    for file in files().iter().filter(|file| !file.is_example()) {
        let url = format!(
            "{CANONICAL}{}/{}",
            file.word("resourceType"),
            file.word("id")
        );
        assert_eq!(file.word("url"), url, "{}", file.name);
        assert!(urls.insert(url), "{}: a second one", file.name);
        assert_eq!(file.json["version"], package["version"], "{}", file.name);
        assert_eq!(file.word("status"), "active", "{}", file.name);
        for said in ["name", "date", "publisher", "description"] {
            assert!(!file.word(said).is_empty(), "{}: no {said}", file.name);
        }
    }
}

#[test]
fn every_file_passes_the_gate_that_bodies_pass() {
    for file in files() {
        let problem = fhir_decode::decode(file.text.as_bytes()).err();
        assert_eq!(problem, None, "{}", file.name);
    }
}

#[test]
fn the_binary_holds_every_definition_and_no_example() {
    let files = files();
    let wanted: BTreeSet<&str> = files
        .iter()
        .filter(|file| !file.is_example())
        .map(|file| file.name.as_str())
        .collect();
    let mut held = BTreeSet::new();
    let kinds: BTreeSet<&str> = files.iter().map(|file| file.word("resourceType")).collect();
    for kind in kinds {
        for known in definitions::all(kind) {
            let name = format!("{kind}-{}", known.id);
            // Not assert_eq!: it would print both, byte by byte.
            assert!(
                known.bytes == read(&name).text.as_bytes(),
                "{name} changed since the build"
            );
            held.insert(name);
        }
    }
    let held: BTreeSet<&str> = held.iter().map(String::as_str).collect();
    assert_eq!(held, wanted, "src/fhir/definitions.rs, FILES");
}

#[test]
fn the_package_is_one_that_fhir_tools_take() {
    let package = package();
    assert_eq!(package["name"], "dev.anteroom.fhir");
    assert_eq!(package["fhirVersions"], serde_json::json!(["4.0.1"]));
    assert_eq!(package["dependencies"]["hl7.fhir.r4.core"], "4.0.1");
    assert_eq!(package["dependencies"]["hl7.fhir.us.core"], "7.0.0");
    assert_eq!(package["canonical"], CANONICAL.trim_end_matches('/'));
}

/// The canonical URLs of ours in a text, as `Type/id`.
fn ours(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for rest in text.split(CANONICAL).skip(1) {
        let name: String = rest
            .chars()
            .take_while(|letter| letter.is_ascii_alphanumeric() || "-./_{}".contains(*letter))
            .collect();
        found.insert(name.trim_end_matches(['.', '/']).to_owned());
    }
    found.remove("");
    found
}

fn undefined(place: &str, text: &str) -> Vec<String> {
    let defined = |name: &String| {
        let (kind, id) = name.split_once('/').unwrap_or((name, ""));
        definitions::all(kind).any(|known| known.id == id)
    };
    let missing = ours(text).into_iter().filter(|name| !defined(name));
    missing
        .map(|name| format!("{place}: {CANONICAL}{name} has no file in fhir-profiles"))
        .collect()
}

#[test]
fn everything_the_program_says_under_our_urls_is_defined() {
    let mut problems = Vec::new();
    for (file, text) in rust_files("src") {
        // Not the tests: they may ask for what is not there.
        if file.ends_with("tests.rs") {
            continue;
        }
        let text = text.split("#[cfg(test)]").next().unwrap_or_default();
        problems.extend(undefined(&format!("src/{file}"), text));
    }
    for file in files() {
        problems.extend(undefined(&file.name, &file.text));
    }
    assert!(problems.is_empty(), "\n{}", problems.join("\n"));
}

#[test]
fn an_url_without_a_definition_is_found() {
    let text = "const X: &str = \"https://anteroom.dev/fhir/StructureDefinition/not-there\"; \
        // https://anteroom.dev/fhir/CodeSystem/reason.";
    assert_eq!(
        undefined("x", text),
        ["x: https://anteroom.dev/fhir/StructureDefinition/not-there has no file in fhir-profiles"]
    );
}

#[test]
fn every_profile_has_an_example_and_every_example_a_profile() {
    let files = files();
    let (examples, definitions): (Vec<&File>, Vec<&File>) =
        files.iter().partition(|file| file.is_example());
    let claimed = |example: &File| {
        let profile = example.json["meta"]["profile"][0].as_str();
        profile.unwrap_or_default().to_owned()
    };
    for profile in &definitions {
        if profile.word("kind") != "resource" || profile.word("derivation") != "constraint" {
            continue;
        }
        let mut examples = examples.iter();
        assert!(
            examples.any(|example| claimed(example) == profile.word("url")
                && example.word("resourceType") == profile.word("type")),
            "{} has no example",
            profile.name
        );
    }
    for example in &examples {
        // Binary is used as FHIR has it.
        if example.word("resourceType") == "Binary" {
            continue;
        }
        let claimed = claimed(example);
        assert!(
            definitions::find("StructureDefinition", &claimed).is_some(),
            "{}: {claimed:?}",
            example.name
        );
    }
}

#[test]
fn the_statuses_of_a_visit_are_those_of_the_calendar() {
    let set = read("ValueSet-appointment-status").json;
    let codes: Vec<&str> = set["compose"]["include"][0]["concept"]
        .as_array()
        .expect("codes")
        .iter()
        .filter_map(|concept| concept["code"].as_str())
        .collect();
    assert_eq!(codes, Status::CODES.map(|(code, _)| code));
}
