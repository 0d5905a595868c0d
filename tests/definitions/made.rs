//! The definitions that are made from the program's tables: reasons, the guide's list, what the server can do.

use std::fs;

use anteroom::config::Config;
use anteroom::fhir::capability;
use anteroom::fhir::definitions;
use anteroom::portal::rules;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;
use time::macros::datetime;

use super::CANONICAL;
use super::File;
use super::files;
use super::folder;
use super::package;
use super::read;
use crate::tidy::rust_files;

/// The day of all definitions; a change of what they say moves it.
const DATE: &str = "2026-11-22";

const REASON: &str = "CodeSystem-reason";

const STATEMENT: &str = "CapabilityStatement-anteroom";

/// Members that come first, in this order; the others follow by name.
const FIRST: [&str; 17] = [
    "resourceType",
    "id",
    "url",
    "version",
    "name",
    "type",
    "title",
    "status",
    "experimental",
    "date",
    "publisher",
    "description",
    "code",
    "display",
    "definition",
    "reference",
    "mode",
];

/// Holds a file to what the program's tables make it, or writes it where that was asked for.
#[expect(
    clippy::disallowed_methods,
    reason = "whether to write is asked of whoever runs the test"
)]
fn hold(name: &str, made: &Value) {
    let path = folder().join(format!("{name}.json"));
    if std::env::var("ANTEROOM_WRITE").is_ok_and(|value| value == "1") {
        let mut text = String::new();
        write(made, 0, &mut text);
        text.push('\n');
        fs::write(&path, text).expect("a file that can be written");
    }
    let found = fs::read_to_string(&path).unwrap_or_default();
    let found: Value = serde_json::from_str(&found).unwrap_or_default();
    for (member, value) in made.as_object().expect("a resource") {
        assert_eq!(
            found.get(member),
            Some(value),
            "fhir-profiles/{name}.json, {member}: run ANTEROOM_WRITE=1 cargo test --test all definitions::made"
        );
    }
    assert_eq!(&found, made, "{name} has more than is made");
}

/// JSON as the other files have it: two blanks a level, what names a thing first.
fn write(value: &Value, depth: usize, text: &mut String) {
    let indent = |depth: usize| format!("\n{}", "  ".repeat(depth));
    match value {
        Value::Object(members) if !members.is_empty() => {
            let mut members: Vec<(&String, &Value)> = members.iter().collect();
            let place = |name: &str| FIRST.iter().position(|first| *first == name);
            members.sort_by_key(|(name, _)| (place(name).unwrap_or(FIRST.len()), name.as_str()));
            for (index, (name, value)) in members.into_iter().enumerate() {
                text.push(if index == 0 { '{' } else { ',' });
                text.push_str(&indent(depth + 1));
                text.push_str(&format!("{}: ", Value::from(name.as_str())));
                write(value, depth + 1, text);
            }
            text.push_str(&indent(depth));
            text.push('}');
        }
        Value::Array(items) if !items.is_empty() => {
            for (index, item) in items.iter().enumerate() {
                text.push(if index == 0 { '[' } else { ',' });
                text.push_str(&indent(depth + 1));
                write(item, depth + 1, text);
            }
            text.push_str(&indent(depth));
            text.push(']');
        }
        value => text.push_str(&value.to_string()),
    }
}

/// What every definition begins with.
fn head((kind, id): (&str, &str), (name, title): (&str, &str), description: &str) -> Value {
    json!({
        "resourceType": kind,
        "id": id,
        "url": format!("{CANONICAL}{kind}/{id}"),
        "version": package()["version"],
        "name": name,
        "title": title,
        "status": "active",
        "experimental": false,
        "date": DATE,
        "publisher": "Anteroom",
        "description": description,
    })
}

fn with(mut head: Value, more: Value) -> Value {
    let (Some(members), Value::Object(more)) = (head.as_object_mut(), more) else {
        panic!("two objects");
    };
    members.extend(more);
    head
}

/// Every rule of every table: id, what must hold, and what would have to change.
fn rules() -> Vec<(&'static str, &'static str, &'static str)> {
    rules::all()
}

#[test]
fn no_table_of_rules_is_forgotten() {
    let is_table = |line: &&str| line.starts_with("pub const ") && line.contains(": &[Rule<");
    let files = rust_files("src/portal");
    let written = files.iter().flat_map(|(_, text)| text.lines());
    let written = written.filter(is_table).count();
    let listed = rules::tables().len();
    assert_eq!(
        written, listed,
        "give the new table a line in portal::rules::tables()"
    );
}

fn reasons() -> Value {
    let mut concepts: Vec<Value> = Vec::new();
    for (id, about, expression) in rules() {
        // A rule of several tables is one reason.
        if concepts.iter().any(|known| known["code"] == id) {
            continue;
        }
        concepts.push(json!({
            "code": id,
            "display": id,
            "definition": about,
            "property": [{"code": "expression", "valueString": expression}],
        }));
    }
    let words = "Why the practice's rules refused a request: the rule that does not hold, in \
        OperationOutcome.issue.details. A definition says what has to hold.";
    with(
        head(
            ("CodeSystem", "reason"),
            ("Reason", "Reasons of a refusal"),
            words,
        ),
        json!({
            "caseSensitive": true,
            "valueSet": format!("{CANONICAL}ValueSet/reason"),
            "content": "complete",
            "count": concepts.len(),
            "property": [{
                "code": "expression",
                "description": "The element, as FHIRPath, or the setting of the EMR that would have to change.",
                "type": "string",
            }],
            "concept": concepts,
        }),
    )
}

#[test]
fn the_reasons_are_the_rules_of_the_tables() {
    hold(REASON, &reasons());
}

/// What the guide says of one file.
fn listed(file: &File) -> Value {
    let reference = format!("{}/{}", file.word("resourceType"), file.word("id"));
    let mut row = Map::new();
    row.insert("reference".to_owned(), json!({"reference": reference}));
    match file.is_example() {
        true => match file.json["meta"]["profile"][0].as_str() {
            Some(profile) => {
                row.insert("exampleCanonical".to_owned(), json!(profile));
            }
            None => {
                row.insert("exampleBoolean".to_owned(), json!(true));
            }
        },
        false => {
            // A SearchParameter has no title.
            let title = match file.word("title") {
                "" => file.word("name"),
                title => title,
            };
            row.insert("name".to_owned(), json!(title));
            row.insert("description".to_owned(), json!(file.word("description")));
            row.insert("exampleBoolean".to_owned(), json!(false));
        }
    }
    Value::Object(row)
}

#[test]
fn the_guide_lists_every_file() {
    let package = package();
    let id = package["name"].as_str().expect("a name");
    let mut files = files();
    files.retain(|file| file.word("resourceType") != "ImplementationGuide");
    // Those that are made too are listed as they will be, not as an earlier run left them.
    for file in &mut files {
        match file.name.as_str() {
            REASON => file.json = reasons(),
            STATEMENT => file.json = statement(),
            _ => {}
        }
    }
    let rows: Vec<Value> = files.iter().map(listed).collect();
    let words = package["description"].as_str().expect("a description");
    let made = with(
        head(("ImplementationGuide", id), ("Anteroom", "Anteroom"), words),
        json!({
            "packageId": id,
            "license": package["license"],
            "fhirVersion": ["4.0.1"],
            "dependsOn": [{
                "id": "uscore",
                "uri": "http://hl7.org/fhir/us/core/ImplementationGuide/hl7.fhir.us.core",
                "packageId": "hl7.fhir.us.core",
                "version": package["dependencies"]["hl7.fhir.us.core"],
            }],
            "definition": {"resource": rows},
        }),
    );
    hold(&format!("ImplementationGuide-{id}"), &made);
}

fn statement() -> Value {
    let listen = "127.0.0.1:8080".parse().expect("an address");
    let config = Config::sandbox(listen, "sqlite::memory:".to_owned(), "".into());
    let config = config.expect("settings");
    let bytes = capability::statement(&config, "A practice", datetime!(2026-11-22 0:00 UTC));
    let bytes = bytes.expect("a statement");
    let mut said: Value = serde_json::from_slice(&bytes).expect("JSON");
    let members = said.as_object_mut().expect("a resource");
    // What one server says of itself: who runs it, what it runs on and where (R4, cpb-14 to cpb-16).
    for own in ["implementation", "software", "meta", "text", "contact"] {
        members.remove(own);
    }
    for rest in said["rest"].as_array_mut().expect("REST") {
        let security = rest["security"].as_object_mut().expect("security");
        security.remove("extension");
    }
    let words = "What every server of Anteroom does. A server's own statement, at [base]/metadata, says where it is too.";
    let names = ("AnteroomServer", "What a server does");
    let made = with(
        with(
            said,
            head(("CapabilityStatement", "anteroom"), names, words),
        ),
        json!({"kind": "requirements"}),
    );
    let text = made.to_string();
    assert!(
        !text.contains("127.0.0.1") && !text.contains("A practice"),
        "{text}"
    );
    made
}

#[test]
fn the_capability_statement_is_what_every_server_says() {
    hold(STATEMENT, &statement());
}

#[test]
fn every_reason_in_use_is_a_code() {
    let codes = read("CodeSystem-reason").json;
    for (id, _, _) in rules() {
        let concepts = codes["concept"].as_array().expect("codes");
        assert!(concepts.iter().any(|known| known["code"] == id), "{id}");
    }
    assert!(definitions::find("CodeSystem", anteroom::fhir::outcome::REASONS).is_some());
}
