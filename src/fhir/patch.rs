//! JSON Patch (RFC 6902) over the JSON of a record as the caller sees it. What an operation touches is looked at before
//! it runs: only what the caller may set. The result then goes the way of any other body.

use json_patch::Patch;
use json_patch::PatchOperation;
use serde_json::Map;
use serde_json::Value;

use crate::domain::ResourceType;
use crate::domain::refusal::Refusal;

/// Operations at most.
const MOST: usize = 100;

/// Letters of a path at most, and steps of it.
const LONGEST: usize = 500;
const DEEPEST: usize = 20;

/// Values in the result at most, as the gate takes them: copying a list into itself doubles it each time.
const MOST_VALUES: usize = 10_000;

/// A patch that was read.
#[derive(Clone, Debug, PartialEq)]
pub struct JsonPatch {
    operations: Vec<PatchOperation>,
}

/// Reads a patch.
///
/// # Errors
/// `Invalid` for what is not a JSON array; `TooLarge` over 100 operations; `Unprocessable` for an operation that is
/// none.
pub fn read(sent: &[u8]) -> Result<JsonPatch, Refusal> {
    let Ok(Value::Array(all)) = serde_json::from_slice(sent) else {
        let why = "a JSON Patch is a JSON array of operations";
        return Err(Refusal::invalid("$this", why));
    };
    if all.len() > MOST {
        return Err(Refusal::TooLarge("A patch has at most 100 operations."));
    }
    if all.is_empty() {
        return Err(refused(
            "$this".to_owned(),
            "a patch has at least one operation",
        ));
    }
    let mut operations = Vec::with_capacity(all.len());
    for (index, one) in all.into_iter().enumerate() {
        let place = format!("$this[{index}]");
        for name in ["path", "from"] {
            let path = one.get(name).and_then(Value::as_str).unwrap_or_default();
            if path.len() > LONGEST || path.matches('/').count() > DEEPEST {
                return Err(refused(place, "its path has over 500 letters or 20 steps"));
            }
        }
        let operation = serde_json::from_value(one).map_err(|_| {
            let why = "an operation has op (add, remove, replace, move, copy or test), path (a JSON Pointer) and, \
                by op, value or from";
            refused(place, why)
        })?;
        operations.push(operation);
    }
    Ok(JsonPatch { operations })
}

impl JsonPatch {
    /// Whether it looks at what is there, beside changing it: that is a read.
    pub fn looks(&self) -> bool {
        self.operations.iter().any(|operation| {
            matches!(
                operation,
                PatchOperation::Test(_) | PatchOperation::Copy(_) | PatchOperation::Move(_)
            )
        })
    }

    /// The record with the patch applied, as bytes for the gate.
    ///
    /// # Errors
    /// `Unprocessable` at the element an operation must not touch, at one that is not there, or where a test fails.
    pub fn applied(
        self,
        kind: ResourceType,
        record: Map<String, Value>,
        writable: &[&str],
    ) -> Result<Vec<u8>, Refusal> {
        for operation in &self.operations {
            guard(kind, operation, writable)?;
        }
        let mut document = Value::Object(record);
        for operation in self.operations {
            let place = element(kind, operation.path().as_str());
            let test = matches!(operation, PatchOperation::Test(_));
            let done = json_patch::patch(&mut document, &Patch(vec![operation]));
            if done.is_err() {
                let why = match test {
                    true => "the test failed",
                    false => "there is no such place in the resource",
                };
                return Err(refused(place, why));
            }
            if count(&document) > MOST_VALUES {
                let why = "the result has over 10,000 values";
                return Err(refused(place, why));
            }
        }
        prune(&mut document);
        Ok(document.to_string().into_bytes())
    }
}

/// Every place an operation writes to, or takes from, must be the caller's to set.
fn guard(kind: ResourceType, operation: &PatchOperation, writable: &[&str]) -> Result<(), Refusal> {
    let from = match operation {
        PatchOperation::Test(_) => return Ok(()),
        PatchOperation::Move(operation) => Some(operation.from.as_str()),
        PatchOperation::Copy(operation) => Some(operation.from.as_str()),
        _ => None,
    };
    for path in [Some(operation.path().as_str()), from]
        .into_iter()
        .flatten()
    {
        if !root(path).is_some_and(|name| writable.contains(&name)) {
            let why = match writable {
                [] => "nothing of it may be patched".to_owned(),
                some => format!("only {} may be patched", some.join(", ")),
            };
            return Err(refused(element(kind, path), &why));
        }
    }
    Ok(())
}

/// The root element a JSON Pointer is about. An element's name needs no escapes.
fn root(path: &str) -> Option<&str> {
    path.strip_prefix('/')?.split('/').next()
}

/// The root element a JSON Pointer is about, as FHIRPath; the resource itself for a pointer that names none.
fn element(kind: ResourceType, path: &str) -> String {
    let plain = |name: &&str| {
        !name.is_empty() && name.len() <= 40 && name.bytes().all(|byte| byte.is_ascii_alphabetic())
    };
    match root(path).filter(plain) {
        Some(name) => format!("{}.{name}", kind.name()),
        None => kind.name().to_owned(),
    }
}

fn refused(place: String, why: &str) -> Refusal {
    Refusal::invalid(place, why).understood()
}

fn count(value: &Value) -> usize {
    match value {
        Value::Array(all) => 1 + all.iter().map(count).sum::<usize>(),
        Value::Object(members) => 1 + members.values().map(count).sum::<usize>(),
        _ => 1,
    }
}

/// FHIR's JSON has no empty lists and objects: what was taken to pieces is gone.
fn prune(value: &mut Value) {
    match value {
        Value::Array(all) => {
            all.iter_mut().for_each(prune);
            all.retain(|one| !is_empty(one));
        }
        Value::Object(members) => {
            members.values_mut().for_each(prune);
            members.retain(|_, one| !is_empty(one));
        }
        _ => {}
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Array(all) => all.is_empty(),
        Value::Object(members) => members.is_empty(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const WRITABLE: [&str; 2] = ["status", "telecom"];

    fn run(operations: Value) -> Result<Value, Refusal> {
        let Value::Object(record) = json!({
            "resourceType": "Patient", "id": "1", "status": "a", "birthDate": "1980-01-01",
            "telecom": [{"value": "1"}, {"value": "2"}]
        }) else {
            panic!("no object")
        };
        let patch = read(operations.to_string().as_bytes())?;
        let bytes = patch.applied(ResourceType::Patient, record, &WRITABLE)?;
        Ok(serde_json::from_slice(&bytes).expect("JSON"))
    }

    #[test]
    fn what_may_be_set_is_changed_and_emptied_lists_go() {
        let done = run(json!([
            {"op": "test", "path": "/status", "value": "a"},
            {"op": "replace", "path": "/status", "value": "b"},
            {"op": "add", "path": "/telecom/-", "value": {"value": "3"}},
            {"op": "move", "from": "/telecom/0", "path": "/telecom/-"}
        ]));
        let done = done.expect("applies");
        assert_eq!(done["status"], "b");
        assert_eq!(
            done["telecom"],
            json!([{"value": "2"}, {"value": "3"}, {"value": "1"}])
        );
        let done = run(json!([
            {"op": "remove", "path": "/telecom/0"}, {"op": "remove", "path": "/telecom/0"}
        ]));
        assert_eq!(done.expect("applies").get("telecom"), None);
    }

    #[test]
    fn case_144_no_operation_leaves_what_the_caller_may_set() {
        for (operation, place) in [
            (
                json!({"op": "replace", "path": "/birthDate", "value": "x"}),
                "Patient.birthDate",
            ),
            (
                json!({"op": "copy", "from": "/birthDate", "path": "/status"}),
                "Patient.birthDate",
            ),
            (
                json!({"op": "move", "from": "/status", "path": "/id"}),
                "Patient.id",
            ),
            (
                json!({"op": "add", "path": "/link", "value": []}),
                "Patient.link",
            ),
            (
                json!({"op": "add", "path": "/meta/tag", "value": []}),
                "Patient.meta",
            ),
            (json!({"op": "replace", "path": "", "value": {}}), "Patient"),
            (
                json!({"op": "add", "path": "/__proto__/x", "value": 1}),
                "Patient",
            ),
            (
                json!({"op": "add", "path": "/status~1", "value": 1}),
                "Patient",
            ),
            (
                json!({"op": "remove", "path": "/telecom/7"}),
                "Patient.telecom",
            ),
            (
                json!({"op": "test", "path": "/status", "value": "z"}),
                "Patient.status",
            ),
            (
                json!({"op": "test", "path": "/none", "value": null}),
                "Patient.none",
            ),
            (json!({"op": "spell", "path": "/status"}), "$this[0]"),
            (json!({"op": "add", "path": "/status"}), "$this[0]"),
            (
                json!({"op": "add", "path": "status", "value": 1}),
                "$this[0]",
            ),
            (
                json!({"op": "add", "path": format!("/status{}", "/a".repeat(30)), "value": 1}),
                "$this[0]",
            ),
        ] {
            match run(json!([operation.clone()])) {
                Err(Refusal::Unprocessable { location, .. }) => {
                    assert_eq!(location, place, "{operation}");
                }
                other => panic!("{operation}: {other:?}"),
            }
        }
    }

    #[test]
    fn case_144_a_list_copied_into_itself_does_not_grow_without_end() {
        let double = json!({"op": "copy", "from": "/telecom", "path": "/telecom/-"});
        let refusal = run(Value::Array(vec![double; 60])).expect_err("too many");
        assert!(
            matches!(refusal, Refusal::Unprocessable { .. }),
            "{refusal:?}"
        );
        let test = json!({"op": "test", "path": "/status", "value": "a"});
        let refusal = run(Value::Array(vec![test; 101])).expect_err("too many");
        assert!(matches!(refusal, Refusal::TooLarge(_)));
    }

    #[test]
    fn what_is_no_patch_is_a_bad_request() {
        for sent in ["{}", "{not json", "\"x\""] {
            assert!(matches!(
                read(sent.as_bytes()),
                Err(Refusal::Invalid { .. })
            ));
        }
        let empty = read(b"[]").expect_err("nothing is asked");
        assert!(matches!(empty, Refusal::Unprocessable { .. }));
    }
}
