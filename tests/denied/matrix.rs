//! The matrix of isolation: who asks, for which type, in which form, and whose record is named. Made of the tables the
//! server is made of, so that a new type, parameter, include or operation brings its own cells. Two questions decide a
//! cell. Does the answer hold anything of the victim's that the caller did not say? And can the caller tell a record of
//! the victim's from one that never was?

use std::collections::BTreeMap;

use anteroom::domain::ResourceType;
use anteroom::fhir::RESOURCES;
use anteroom::fhir::Served;
use anteroom::fhir::parameter::Meaning;
use axum::body::Body;
use axum::http::Request;
use axum::http::StatusCode;
use serde_json::Value;
use serde_json::json;

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

/// One request of a form.
struct Ask {
    method: &'static str,
    path: String,
    body: Option<(&'static str, String)>,
}

fn get(path: String) -> Ask {
    Ask {
        method: "GET",
        path,
        body: None,
    }
}

fn post(path: String, kind: &'static str, body: String) -> Ask {
    Ask {
        method: "POST",
        path,
        body: Some((kind, body)),
    }
}

const FHIR: &str = "application/fhir+json";
const FORM: &str = "application/x-www-form-urlencoded";

/// A form: its name, the route it is on, and what is asked for a record of a type.
struct Form {
    name: &'static str,
    route: &'static str,
    asks: fn(&Served, Named<'_>) -> Vec<Ask>,
}

/// A record that is named: its type, its id, its patient's id.
#[derive(Clone, Copy)]
struct Named<'a> {
    kind: &'a str,
    id: &'a str,
    patient: &'a str,
}

/// Every way a request can name a record. `every_route_of_a_token_has_a_form` holds that no route is forgotten.
const FORMS: &[Form] = &[
    Form {
        name: "direct",
        route: "/{type}/{id}",
        asks: |_, one| {
            let path = format!("/fhir/{}/{}", one.kind, one.id);
            let mut asks = vec![get(path.clone()), get(format!("{path}?_elements=id"))];
            asks.push(get(format!("{path}?_summary=true")));
            asks.push(Ask {
                method: "HEAD",
                ..get(path)
            });
            asks
        },
    },
    Form {
        name: "write",
        route: "/{type}/{id}",
        asks: |_, one| {
            let path = format!("/fhir/{}/{}", one.kind, one.id);
            let body = json!({"resourceType": one.kind, "id": one.id}).to_string();
            let patch = json!([{"op": "test", "path": "/id", "value": one.id}]).to_string();
            let of = |method, kind, body| Ask {
                method,
                path: path.clone(),
                body: Some((kind, body)),
            };
            vec![
                of("PUT", FHIR, body),
                of("PATCH", "application/json-patch+json", patch),
                Ask {
                    method: "DELETE",
                    ..get(path.clone())
                },
            ]
        },
    },
    Form {
        name: "history",
        route: "/{type}/{id}/_history",
        asks: |_, one| vec![get(format!("/fhir/{}/{}/_history", one.kind, one.id))],
    },
    Form {
        name: "version",
        route: "/{type}/{id}/_history/{version}",
        asks: |_, one| vec![get(format!("/fhir/{}/{}/_history/1", one.kind, one.id))],
    },
    Form {
        name: "search",
        route: "/{type}",
        asks: |served, one| {
            let name = served.kind.name();
            let mut queries = vec![format!("_id={}", one.id)];
            for parameter in served.parameters {
                for value in values(parameter.meaning, one) {
                    queries.push(format!("{}={value}", parameter.name));
                    queries.push(format!("{}:not={value}", parameter.name));
                    queries.push(format!("_id={}&{}={value}", one.id, parameter.name));
                }
                queries.push(format!("_id={}&{}:missing=false", one.id, parameter.name));
                queries.push(format!("_id={}&_sort={}", one.id, parameter.name));
            }
            for end in ["_total=accurate", "_summary=count", "_count=0"] {
                queries.push(format!("_id={}&{end}", one.id));
                queries.push(format!("patient=Patient/{}&{end}", one.patient));
            }
            let of = |query: String| get(format!("/fhir/{name}?{query}"));
            queries.into_iter().map(of).collect()
        },
    },
    Form {
        name: "posted search",
        route: "/{type}/_search",
        asks: |served, one| {
            let path = format!("/fhir/{}/_search", served.kind.name());
            let named = format!("patient=Patient/{}", one.patient);
            vec![
                post(path.clone(), FORM, format!("_id={}", one.id)),
                post(path.clone(), FORM, named.clone()),
                post(format!("{path}?{named}"), FORM, format!("_id={}", one.id)),
            ]
        },
    },
    Form {
        name: "chain",
        route: "/{type}",
        asks: |served, one| {
            let name = served.kind.name();
            let mut asks = Vec::new();
            for parameter in served.parameters {
                if !targets(parameter.meaning).contains(&ResourceType::Patient) {
                    continue;
                }
                for chain in ["_id", "name", "birthdate", "identifier"] {
                    let value = if chain == "_id" { one.patient } else { "a" };
                    asks.push(get(format!(
                        "/fhir/{name}?{}.{chain}={value}",
                        parameter.name
                    )));
                    let typed = format!("{}:Patient.{chain}={value}", parameter.name);
                    asks.push(get(format!("/fhir/{name}?{typed}")));
                }
                let named = format!("{}:identifier={}", parameter.name, one.patient);
                asks.push(get(format!("/fhir/{name}?{named}")));
            }
            asks
        },
    },
    Form {
        name: "reverse chain",
        route: "/{type}",
        asks: |served, one| {
            let mut asks = Vec::new();
            for parameter in served.parameters {
                for target in targets(parameter.meaning) {
                    let has = format!(
                        "_has:{}:{}:_id={}",
                        served.kind.name(),
                        parameter.name,
                        one.id
                    );
                    asks.push(get(format!("/fhir/{}?{has}", target.name())));
                }
            }
            asks
        },
    },
    Form {
        name: "include",
        route: "/{type}",
        asks: |served, one| {
            let name = served.kind.name();
            let mut asks = vec![get(format!("/fhir/{name}?_include=*&_include:iterate=*"))];
            asks.push(get(format!("/fhir/{name}?_id={}&_include=*", one.id)));
            for parameter in served.parameters {
                for target in targets(parameter.meaning) {
                    let include = format!("{name}:{}", parameter.name);
                    asks.push(get(format!("/fhir/{name}?_include={include}")));
                    asks.push(get(format!("/fhir/{name}?_include:iterate={include}")));
                    let target = target.name();
                    asks.push(get(format!("/fhir/{target}?_revinclude={include}")));
                    let of_them = format!("_id={}&_revinclude={include}", one.patient);
                    asks.push(get(format!("/fhir/{target}?{of_them}")));
                }
            }
            asks
        },
    },
    Form {
        name: "bundle",
        route: "/",
        asks: |_, one| {
            let url = format!("{}/{}", one.kind, one.id);
            let entry =
                |method: &str, url: &str| json!({"request": {"method": method, "url": url}});
            let entries = json!([
                entry("GET", &url),
                entry("GET", &format!("{}?_id={}", one.kind, one.id)),
                entry("GET", &format!("{}?patient={}", one.kind, one.patient)),
                entry("GET", &format!("{url}/_history")),
                entry("GET", &format!("Patient/{}/$everything", one.patient)),
                entry("DELETE", &url),
            ]);
            let reads = json!([entry("GET", &url)]);
            let of = |kind: &str, entries: Value| {
                let bundle = json!({"resourceType": "Bundle", "type": kind, "entry": entries});
                post("/fhir".to_owned(), FHIR, bundle.to_string())
            };
            vec![of("batch", entries), of("transaction", reads)]
        },
    },
    Form {
        name: "everything",
        route: "/{type}/{id}/{operation}",
        asks: |_, one| {
            let path = format!("/fhir/Patient/{}/$everything", one.patient);
            vec![get(path.clone()), get(format!("{path}?_type={}", one.kind))]
        },
    },
    Form {
        name: "operation",
        route: "/{type}/{operation}",
        asks: |_, one| {
            let patient = one.patient;
            vec![
                get(format!("/fhir/DocumentReference/$docref?patient={patient}")),
                get(format!("/fhir/Patient/$everything?patient={patient}")),
                get(format!("/fhir/{}/$export?patient={patient}", one.kind)),
            ]
        },
    },
    Form {
        name: "upload",
        route: "/Binary",
        asks: |_, one| {
            let context = format!("Patient/{}", one.patient);
            let binary = json!({"resourceType": "Binary", "contentType": "text/plain", "data": "aGk=",
                "securityContext": {"reference": context}});
            vec![post("/fhir/Binary".to_owned(), FHIR, binary.to_string())]
        },
    },
    Form {
        name: "binary",
        route: "/Binary/{id}",
        asks: |_, one| {
            let path = format!("/fhir/Binary/{}", one.id);
            vec![get(path.clone()), get(format!("{path}?_format=json"))]
        },
    },
];

/// Values of a parameter that name the victim or one of the victim's records.
fn values(meaning: Meaning, one: Named<'_>) -> Vec<String> {
    let (patient, id) = (one.patient, one.id);
    match meaning {
        Meaning::Ids => vec![id.to_owned(), format!("{id},{patient}")],
        Meaning::Patient | Meaning::Reference(..) | Meaning::References(_) => {
            let kinds = targets(meaning);
            let mut values = Vec::new();
            if kinds.contains(&ResourceType::Patient) {
                values.push(patient.to_owned());
                values.push(format!("Patient/{patient}"));
                values.push(format!("http://127.0.0.1:8080/fhir/Patient/{patient}"));
            }
            if kinds.iter().any(|kind| kind.name() == one.kind) {
                values.push(format!("{}/{id}", one.kind));
            }
            values
        }
        Meaning::Identifier | Meaning::Token(_) | Meaning::Tokens => {
            vec![id.to_owned(), format!("urn:ietf:rfc:3986|urn:uuid:{id}")]
        }
        Meaning::Date(_) | Meaning::Dates => vec!["ge1900".to_owned()],
        Meaning::Text(_) | Meaning::Texts => vec!["a".to_owned()],
        Meaning::Uri => vec![format!("urn:uuid:{id}")],
    }
}

fn targets(meaning: Meaning) -> &'static [ResourceType] {
    match meaning {
        Meaning::Patient => &[ResourceType::Patient],
        Meaning::Reference(_, kinds) | Meaning::References(kinds) => kinds,
        _ => &[],
    }
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
        assert!(named, "{route}: give it a form in tests/denied/matrix.rs");
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
