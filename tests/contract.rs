//! The same statements on both engines: what the sandbox says on SQLite it says on MariaDB in every layout.

use std::collections::BTreeSet;

use anteroom::domain::ResourceType;
use axum::http::StatusCode;
use serde_json::Value;

use crate::clinic::Clinic;
use crate::clinic::EVERYTHING;
use crate::clinic::engine;
use crate::clinic::engine::LAYOUTS;
use crate::fhir::reach::token;

/// Elements whose value the moment of filling, a layout or a filler decides, and not the engine.
const OWN: [&str; 9] = [
    "id",
    "fullUrl",
    "url",
    "reference",
    "versionId",
    "lastUpdated",
    "created",
    "value",
    "hash",
];

/// Removes what may differ: ids a filler drew, versions, and what an older layout has no column for.
fn bare(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.retain(|name, _| !OWN.contains(&name.as_str()));
            members.values_mut().for_each(bare);
        }
        Value::Array(items) => items.iter_mut().for_each(bare),
        _ => {}
    }
}

async fn everything(clinic: &Clinic, kind: &str) -> Vec<Value> {
    let mut all = Vec::new();
    for patient in clinic.patients("active") {
        let token = clinic.token(patient, EVERYTHING).await;
        let found = clinic
            .get(&format!("/fhir/{kind}?_count=200"), &token)
            .await;
        let mut found = found.json()["entry"].clone();
        bare(&mut found);
        all.push(found);
    }
    all
}

#[tokio::test]
async fn both_engines_tell_the_same() {
    let sqlite = Clinic::open().await;
    for layout in LAYOUTS {
        let Some(mariadb) = Clinic::on_mariadb(layout).await else {
            continue;
        };
        for kind in [
            "Appointment",
            "Communication",
            "DocumentReference",
            "Practitioner",
            "Organization",
            "Location",
            "Patient",
        ] {
            let (here, there) = (
                everything(&sqlite, kind).await,
                everything(&mariadb, kind).await,
            );
            // 6.1 and 7.0.4 lack columns that 8.2 has: only as many records, and the newest layout word for word.
            let count = |all: &[Value]| {
                all.iter()
                    .map(|one| one.as_array().map_or(0, Vec::len))
                    .collect::<Vec<_>>()
            };
            assert_eq!(count(&here), count(&there), "{layout} {kind}");
            if layout == "8.2" {
                let lines = |all: &[Value]| serde_json::to_string_pretty(all).expect("JSON");
                let (here, there) = (lines(&here), lines(&there));
                for (one, other) in here.lines().zip(there.lines()) {
                    assert_eq!(one, other, "{layout} {kind}");
                }
            }
            sqlite.wait(time::Duration::seconds(30));
            mariadb.wait(time::Duration::seconds(30));
        }
        mariadb.close().await;
    }
    sqlite.close().await;
}

#[tokio::test]
async fn the_run_says_which_engines_it_saw() {
    println!("contract: SQLite ran");
    match engine::server() {
        Some(_) => println!("contract: MariaDB ran with {}", LAYOUTS.join(", ")),
        None => println!(
            "contract: MariaDB DID NOT RUN (ANTEROOM_TEST_MYSQL is not set; ./test sets it)"
        ),
    }
}

/// A statement whose column an engine types otherwise fails only when rows come back: so every type is searched, by a
/// patient, by the desk and by the practice's own service, in every layout.
#[tokio::test]
async fn every_type_is_searched_in_every_layout() {
    for layout in LAYOUTS {
        let Some(clinic) = Clinic::on_mariadb(layout).await else {
            continue;
        };
        let patient = clinic.token(clinic.patient("active"), EVERYTHING).await;
        let desk = token(&clinic, Some("nhaddad"), None, "user/*.rs").await;
        let service = token(&clinic, None, None, "system/*.rs").await;
        let mut seen = BTreeSet::new();
        for kind in ResourceType::ALL {
            if kind == ResourceType::Binary {
                continue;
            }
            for (who, token) in [
                ("patient", &patient),
                ("desk", &desk),
                ("service", &service),
            ] {
                // The calendar of a whole practice is asked for by days.
                let days = match kind {
                    ResourceType::Appointment if who != "patient" => "&date=ge2020-01-01",
                    _ => "",
                };
                let path = format!("/fhir/{}?_count=50{days}", kind.name());
                let mut answer = clinic.get(&path, token).await;
                // What hangs on patients is searched for one of them at a time.
                if who != "patient" && answer.status == StatusCode::BAD_REQUEST {
                    let id = &clinic.patient("active").id;
                    answer = clinic.get(&format!("{path}&patient={id}"), token).await;
                }
                let text = answer.text();
                let mine = who != "patient" || answer.status != StatusCode::FORBIDDEN;
                assert!(
                    !mine || answer.status == StatusCode::OK,
                    "{layout} {who} {path}: {text}"
                );
                if answer.json()["entry"].is_array() {
                    seen.insert(kind.name());
                }
            }
            clinic.wait(time::Duration::seconds(25));
        }
        println!("contract: {layout} found {seen:?}");
        for kind in [
            "Schedule",
            "Slot",
            "Coverage",
            "Task",
            "Provenance",
            "Group",
        ] {
            assert!(seen.contains(kind), "{layout} found no {kind}");
        }
        clinic.close().await;
    }
}
