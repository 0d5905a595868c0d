//! Resources a client sends: `fhir_decode::decode`, the gate of every body.

use fhir_decode::decode;

use super::CANARY;
use super::Target;
use super::run;

const WORDS: [&str; 24] = [
    CANARY,
    "\"resourceType\":\"Patient\"",
    "\"resourceType\":\"Appointment\",\"status\":\"booked\"",
    "\"contained\":[{",
    "\"extension\":[{\"url\":\"u\",\"valueString\":\"v\"}]",
    "\"modifierExtension\":[{\"url\":\"u\",\"valueInteger\":1}]",
    "\"_birthDate\":{\"id\":\"a\"}",
    "\"reference\":\"Patient/1\"",
    "\"valueDecimal\":1.0",
    "\"valueInstant\":\"2026-11-21T10:00:00Z\"",
    "\"id\":\"00000000-0000-4000-8000-000000000007\"",
    "\"meta\":{\"versionId\":\"1\",\"tag\":[{\"code\":\"x\"}]}",
    "\"data\":\"aGVsbG8=\"",
    "\"fhir_comments\":[\"x\"]",
    "null",
    "true",
    "{}",
    "[]",
    "\"\"",
    " ",
    "\\u0000",
    "\\ud800",
    "2026-02-30T24:00:00+14:00",
    "urn:uuid:00000000-0000-4000-8000-000000000007",
];

/// What is taken is written as it was read; what is refused is refused in words of ours.
fn look(input: &[u8]) -> String {
    match decode(input) {
        Ok(resource) => {
            let written = fhir_encode::encode(&resource).expect("what was decoded can be encoded");
            let again = decode(&written).expect("what was encoded can be decoded");
            assert_eq!(fhir_encode::encode(&again).expect("again"), written);
            let kind = String::from_utf8_lossy(&written);
            format!("a {}", kind.chars().take(40).collect::<String>())
        }
        Err(problem) => {
            assert!(!problem.path.is_empty() && !problem.why.is_empty());
            assert!(
                !problem.why.contains(CANARY),
                "it repeats what was sent: {}",
                problem.why
            );
            problem.why
        }
    }
}

#[test]
fn resources_are_decoded_or_refused_whatever_is_sent() {
    run(&Target {
        name: "resource",
        words: &WORDS,
        iterations: 1_000,
        look,
    });
}
