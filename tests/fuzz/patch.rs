//! JSON Patches a client sends: `anteroom::fhir::patch`, over a visit.

use anteroom::domain::ResourceType;
use anteroom::domain::refusal::Refusal;
use anteroom::fhir::patch;
use serde_json::Value;
use serde_json::json;

use super::CANARY;
use super::Target;
use super::run;

const WORDS: [&str; 18] = [
    CANARY,
    "{\"op\":\"add\",\"path\":\"/status\",\"value\":\"cancelled\"}",
    "{\"op\":\"remove\",\"path\":\"/comment\"}",
    "{\"op\":\"copy\",\"from\":\"/comment\",\"path\":\"/comment\"}",
    "{\"op\":\"move\",\"from\":\"/participant/0\",\"path\":\"/participant/-\"}",
    "{\"op\":\"test\",\"path\":\"/id\",\"value\":\"7\"}",
    "\"path\":\"/participant\"",
    "\"path\":\"\"",
    "\"path\":\"/\"",
    "\"/participant/0/actor\"",
    "\"/__proto__\"",
    "~0",
    "~1",
    "/-",
    "null",
    "[]",
    "{}",
    ",",
];

/// Nothing but what may be written differs afterwards, and no complaint repeats what was sent.
fn look(input: &[u8]) -> String {
    let before = json!({"resourceType": "Appointment", "id": "7", "status": "booked", "comment": "a",
        "start": "2026-11-21T10:00:00Z", "participant": [{"actor": {"reference": "Patient/7"}, "status": "accepted"}]});
    let record = before.as_object().cloned().expect("an object");
    let done = patch::read(input).and_then(|patch| {
        let looks = patch.looks();
        let writable = ["status", "comment", "cancelationReason"];
        let bytes = patch.applied(ResourceType::Appointment, record, &writable)?;
        Ok((bytes, looks))
    });
    match done {
        Ok((bytes, looks)) => {
            let after: Value = serde_json::from_slice(&bytes).expect("JSON");
            for name in ["resourceType", "id", "start", "participant"] {
                assert_eq!(after[name], before[name], "{name}");
            }
            format!("done {looks} {}", after["status"])
        }
        Err(refusal) => {
            assert!(!format!("{refusal:?}").contains(CANARY), "{refusal:?}");
            match refusal {
                Refusal::Unprocessable { why, .. } | Refusal::Invalid { why, .. } => why,
                other => format!("{other:?}"),
            }
        }
    }
}

#[test]
fn case_144_patches_touch_what_may_be_touched_whatever_is_sent() {
    run(&Target {
        name: "patch",
        words: &WORDS,
        iterations: 2_000,
        look,
    });
}
