//! The examples HL7 published, of the types a portal serves: what is valid R4 is decoded, and encoded again the same.

use std::fs;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::path::PathBuf;
use std::str::FromStr;

use flate2::read::GzDecoder;
use serde_json::Value;
use tar::Archive;

/// The types of `domain::ResourceType`.
const TYPES: [&str; 22] = [
    "Patient",
    "Appointment",
    "Schedule",
    "Slot",
    "Communication",
    "DocumentReference",
    "Binary",
    "Practitioner",
    "PractitionerRole",
    "Organization",
    "Location",
    "Encounter",
    "RelatedPerson",
    "Coverage",
    "Task",
    "Questionnaire",
    "Provenance",
    "AuditEvent",
    "Group",
    "Endpoint",
    "ValueSet",
    "CodeSystem",
];

/// A name to say, and the JSON as it was published.
type Example = (String, Vec<u8>);

/// Beside the crate, whatever folder the test is run in.
fn beside(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn is_ours(file: &str) -> bool {
    let (kind, _) = file.split_once('-').unwrap_or_default();
    file.ends_with(".json") && TYPES.contains(&kind)
}

fn packed(package: &Path) -> Vec<Example> {
    let file = File::open(package).expect("the package can be read");
    let mut archive = Archive::new(GzDecoder::new(file));
    let mut found = Vec::new();
    for entry in archive.entries().expect("a tar archive") {
        let mut entry = entry.expect("a whole archive");
        let path = entry.path().expect("a path").into_owned();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let is_example = path
            .parent()
            .is_some_and(|parent| parent.ends_with("example"));
        if !is_example || !is_ours(&name) {
            continue;
        }
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).expect("a whole file");
        found.push((format!("{} {name}", package.display()), bytes));
    }
    found
}

fn unpacked(folder: &Path) -> Vec<Example> {
    let files = fs::read_dir(folder).expect("the folder can be read");
    files
        .map(|file| file.expect("a file").path())
        .filter(|path| is_ours(&path.file_name().unwrap_or_default().to_string_lossy()))
        .map(|path| {
            let bytes = fs::read(&path).expect("the file can be read");
            (path.display().to_string(), bytes)
        })
        .collect()
}

/// What is wrong with an example, if anything is.
fn problem(bytes: &[u8]) -> Option<String> {
    let resource = match fhir_decode::decode(bytes) {
        Ok(resource) => resource,
        Err(problem) => return Some(format!("{}: {}", problem.path, problem.why)),
    };
    let Ok(encoded) = fhir_encode::encode(&resource) else {
        return Some("it cannot be encoded".to_owned());
    };
    let sent: Value = serde_json::from_slice(bytes).expect("decode took it for JSON");
    let kept: Value = serde_json::from_slice(&encoded).expect("what was encoded is JSON");
    difference(&sent, &kept, "$this")
}

/// The first place where the two differ.
fn difference(sent: &Value, kept: &Value, path: &str) -> Option<String> {
    match (sent, kept) {
        (Value::Object(sent), Value::Object(kept)) => {
            let names = sent
                .keys()
                .chain(kept.keys().filter(|name| !sent.contains_key(*name)));
            names.into_iter().find_map(|name| {
                let none = &Value::Null;
                let (sent, kept) = (
                    sent.get(name).unwrap_or(none),
                    kept.get(name).unwrap_or(none),
                );
                difference(sent, kept, &format!("{path}.{name}"))
            })
        }
        (Value::Array(sent), Value::Array(kept)) if sent.len() == kept.len() => {
            let mut pairs = sent.iter().zip(kept).enumerate();
            pairs.find_map(|(at, (sent, kept))| difference(sent, kept, &format!("{path}[{at}]")))
        }
        (Value::String(sent), Value::String(kept)) if same_instant(sent, kept) => None,
        _ if sent == kept => None,
        _ => Some(format!("{path} was {sent} and is {kept}")),
    }
}

/// `known` are those that are wrong by R4's own rules, or beyond what is taken, with the reason beside.
fn round_trip(examples: &[Example], known: &[&str]) {
    let named = |name: &str| known.iter().any(|known| name.ends_with(known));
    let mut wrong = Vec::new();
    for (name, bytes) in examples {
        match (problem(bytes), named(name)) {
            (Some(problem), false) => wrong.push(format!("{name}: {problem}")),
            (None, true) => wrong.push(format!("{name}: it is taken now, so it is no exception")),
            _ => {}
        }
    }
    let count = wrong.len();
    assert!(
        wrong.is_empty(),
        "{count} of {}:\n{}",
        examples.len(),
        wrong.join("\n")
    );
}

/// An instant may come back with `Z` for `+00:00`, or without zeros at the end of its fraction.
fn same_instant(sent: &str, kept: &str) -> bool {
    let read = |text: &str| fhir_sdk::Instant::from_str(text).ok();
    sent.contains('T') && read(sent).is_some_and(|sent| read(kept) == Some(sent))
}

/// Decimals that end in zeros, are whole numbers, or have more than 15 digits: `f64` could not keep them as they are written, so
/// they are refused.
const DECIMALS: [&str; 12] = [
    "Coverage-7546D.json",
    "Encounter-f001.json",
    "Encounter-f002.json",
    "Encounter-f003.json",
    "Encounter-f202.json",
    "Location-1.json",
    "Location-hl7.json",
    "Patient-dicom.json",
    "Questionnaire-AUDIT-C.json",
    "Questionnaire-phq-9-example.json",
    "Questionnaire-prapare-example.json",
    "ValueSet-example-extensional.json",
];

/// More than the 10,000 values a body may have.
const LARGE: [&str; 2] = [
    "CodeSystem-dicom-dcim.json",
    "ValueSet-c80-doc-typecodes.json",
];

/// Wrong by R4's own rules: a code with two spaces together; an item without a linkId; base64 with line ends, which fhir-sdk
/// writes without.
const WRONG: [&str; 3] = [
    "CodeSystem-v2-0550.json",
    "Questionnaire-qs1.json",
    "Binary-example.json",
];

#[test]
fn the_examples_of_us_core_go_through_the_gate_and_back() {
    for package in ["us_core_610.tgz", "us_core_700.tgz"] {
        let path = beside("../../../shared/fhir").join(package);
        if !path.exists() {
            eprintln!("SKIPPED: {package} is not in the folder shared/fhir beside the project");
            continue;
        }
        let examples = packed(&path);
        assert!(
            examples.len() > 15,
            "{} examples in {package}",
            examples.len()
        );
        round_trip(&examples, &DECIMALS);
    }
}

#[test]
fn the_examples_of_r4_go_through_the_gate_and_back() {
    let folder = beside("../../conformance/node_modules/hl7.fhir.r4.examples");
    if !folder.exists() {
        eprintln!(
            "SKIPPED: the package hl7.fhir.r4.examples is not installed: npm ci in conformance"
        );
        return;
    }
    let examples = unpacked(&folder);
    assert!(examples.len() > 100, "{} examples", examples.len());
    let known: Vec<&str> = DECIMALS.into_iter().chain(LARGE).chain(WRONG).collect();
    round_trip(&examples, &known);
}
