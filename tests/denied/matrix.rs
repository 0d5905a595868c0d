//! The matrix of isolation: who asks, for which type, in which form, and whose record is named. Made of the tables the
//! server is made of, so that a new type, parameter, include or operation brings its own cells. Two questions decide a
//! cell. Does the answer hold anything of the victim's that the caller did not say? And can the caller tell a record of
//! the victim's from one that never was?

use std::collections::BTreeMap;

use anteroom::domain::ResourceType;
use anteroom::fhir::RESOURCES;
use axum::body::Body;
use axum::http::Request;
use axum::http::StatusCode;
use serde_json::Value;

use super::forms::Ask;
use super::forms::FORMS;
use super::forms::Named;
use crate::attacks;
use crate::clinic::Answer;
use crate::clinic::Clinic;
use crate::fhir::reach;

/// An id nothing ever had.
const NOBODY: &str = "00000000-0000-4000-8000-00000000dead";

/// Records of each type of the victim's that are asked for.
const EACH: usize = 2;

/// Who asks, as what may be seen by them.
struct Caller {
    name: &'static str,
    token: String,
}

#[test]
fn every_route_of_a_token_has_a_form() {
    let guarded = super::ROUTES.iter();
    let guarded = guarded.filter(|(_, guard)| *guard == super::Guard::Token);
    // Not about records: the user's own claims, and what is no FHIR address at all.
    let others = [
        "/oauth2/userinfo",
        "/fhir/",
        "/_history",
        "/{type}/_history",
    ];
    for (route, _) in guarded.filter(|(route, _)| !others.contains(route)) {
        let named = FORMS.iter().any(|form| form.route == *route);
        assert!(named, "{route}: give it a form in tests/denied/forms.rs");
    }
}

async fn send(clinic: &Clinic, ask: &Ask, token: &str) -> Answer {
    let mut request = Request::builder()
        .method(ask.method)
        .uri(ask.path.replace('|', "%7C"))
        .header("authorization", format!("Bearer {token}"))
        .header("if-match", "W/\"0000000000000000\"");
    let body = match &ask.body {
        Some((kind, body)) => {
            request = request.header("content-type", *kind);
            Body::from(body.clone())
        }
        None => Body::empty(),
    };
    clinic.send(request.body(body).expect("a request")).await
}

/// What the victim has, by type, as the victim's own app sees it.
async fn owned(clinic: &Clinic, token: &str) -> BTreeMap<&'static str, Vec<String>> {
    let mut owned = BTreeMap::new();
    for served in RESOURCES {
        let name = served.kind.name();
        let of_one = served.kind.in_patient_compartment() && served.kind != ResourceType::Binary;
        if !of_one {
            continue;
        }
        let path = format!("/fhir/{name}?_count=200");
        let found = clinic.get(&path, token).await;
        assert_eq!(found.status, StatusCode::OK, "{path}: {}", found.text());
        let entries = found.json()["entry"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        let ids = entries
            .iter()
            .filter(|one| one["search"]["mode"] == "match");
        let ids = ids.filter_map(|one| one["resource"]["id"].as_str().map(str::to_owned));
        owned.insert(name, ids.collect());
    }
    owned
}

/// The answer without what it only repeats: links of the page and the request's number.
fn told(answer: &Answer, ask: &Ask) -> String {
    let Ok(mut json) = serde_json::from_slice::<Value>(&answer.bytes) else {
        return answer.text();
    };
    if let Some(bundle) = json.as_object_mut() {
        bundle.remove("link");
    }
    // A bundle repeats the addresses it was asked for; its entries' links go the same way.
    if let Some(entries) = json["entry"].as_array_mut() {
        for entry in entries {
            if let Some(resource) = entry["resource"].as_object_mut() {
                resource.remove("link");
            }
        }
    }
    let _ = ask;
    json.to_string()
}

#[tokio::test]
async fn case_121_to_139_nobody_reaches_what_is_another_patients_in_any_form() {
    let clinic = Clinic::open().await;
    let mut active = clinic.patients("active");
    let (maria, sean) = (active.next().expect("one"), active.next().expect("two"));
    let everything = "launch/patient openid fhirUser patient/*.cruds";
    let theirs = attacks::token(&clinic, sean, everything).await;
    let owned = owned(&clinic, &theirs).await;
    let clerk = Some("nhaddad");
    let callers = [
        Caller {
            name: "patient/*.cruds",
            token: attacks::token(&clinic, maria, everything).await,
        },
        Caller {
            name: "user/*.cruds of a patient",
            token: attacks::token(&clinic, maria, "launch/patient user/*.cruds").await,
        },
        Caller {
            name: "patient/Patient.rs",
            token: attacks::token(&clinic, maria, "launch/patient patient/Patient.rs").await,
        },
        Caller {
            name: "staff with a patient in context",
            token: reach::token(&clinic, clerk, Some(&maria.id), "launch patient/*.cruds").await,
        },
    ];
    // Ids that only the victim's own app was told, and the victim's name: none of them may come back.
    let mut secrets: Vec<String> = owned.values().flatten().cloned().collect();
    secrets.push(sean.id.clone());
    let mut cells = 0_u32;
    let mut leaks = Vec::new();
    for caller in &callers {
        clinic.wait(time::Duration::seconds(30));
        for served in RESOURCES {
            let name = served.kind.name();
            let kept = owned.get(match served.kind {
                ResourceType::Binary => "DocumentReference",
                kind => kind.name(),
            });
            let Some(ids) = kept else { continue };
            for form in FORMS {
                // The search of Binary is that of its documents.
                let of_bytes = ["binary", "upload"].contains(&form.name);
                if of_bytes != (served.kind == ResourceType::Binary) {
                    continue;
                }
                for id in ids.iter().take(EACH) {
                    let of = |id, patient| Named {
                        kind: name,
                        id,
                        patient,
                    };
                    let hidden = (form.asks)(served, of(id, &sean.id));
                    let never = (form.asks)(served, of(NOBODY, NOBODY));
                    for (ask, invented) in hidden.iter().zip(&never) {
                        cells += 1;
                        let answer = send(&clinic, ask, &caller.token).await;
                        let words = told(&answer, ask);
                        let place = format!("{}: {} {}", caller.name, ask.method, ask.path);
                        assert!(answer.status.as_u16() < 500, "{place}: {words}");
                        for secret in &secrets {
                            if words.contains(secret.as_str()) {
                                leaks.push(format!("{place}: {} tells {secret}", answer.status));
                            }
                        }
                        let other = send(&clinic, invented, &caller.token).await;
                        if shape(&answer, ask) != shape(&other, invented) {
                            leaks.push(format!(
                                "{place}: {} {words}\n    but for a record that never was: {} {}",
                                answer.status,
                                other.status,
                                told(&other, invented)
                            ));
                        }
                    }
                }
            }
        }
    }
    assert!(
        leaks.is_empty(),
        "{} of {cells}:\n{}",
        leaks.len(),
        leaks.join("\n")
    );
    assert!(
        cells > 4_000,
        "only {cells} cells: the tables have lost rows"
    );
    println!("{cells} cells, 0 leaks");
    clinic.close().await;
}

/// What a caller can tell answers apart by: the status, and the words without the numbers of this request.
fn shape(answer: &Answer, ask: &Ask) -> (StatusCode, String) {
    // The ledger grows with each of these very requests: its newest lines are others each time, and in the end too many
    // to be looked through. What they hold is still searched for the victim's.
    if ask.path.contains("AuditEvent") {
        let full = answer.status == StatusCode::BAD_REQUEST
            && answer.text().contains("More than 5,000 records");
        let status = if full { StatusCode::OK } else { answer.status };
        return (status, String::new());
    }
    let words = told(answer, ask);
    // Times and ids of the answer itself differ from request to request.
    let mut shaped = String::with_capacity(words.len());
    let mut run = String::new();
    for letter in words.chars().chain(['\n']) {
        if letter.is_ascii_alphanumeric() || "-.:+_".contains(letter) {
            run.push(letter);
            continue;
        }
        let number = run.len() >= 16 && run.chars().any(|one| one.is_ascii_digit());
        shaped.push_str(if number { "#" } else { &run });
        run.clear();
        shaped.push(letter);
    }
    (answer.status, shaped)
}
