//! The forms of a request that names a record: what the matrix of isolation is made of.

use anteroom::domain::ResourceType;
use anteroom::fhir::Served;
use anteroom::fhir::parameter::Meaning;
use serde_json::Value;
use serde_json::json;

/// One request of a form.
pub(super) struct Ask {
    pub(super) method: &'static str,
    pub(super) path: String,
    pub(super) body: Option<(&'static str, String)>,
}

pub(super) fn get(path: String) -> Ask {
    Ask {
        method: "GET",
        path,
        body: None,
    }
}

pub(super) fn post(path: String, kind: &'static str, body: String) -> Ask {
    Ask {
        method: "POST",
        path,
        body: Some((kind, body)),
    }
}

pub(super) const FHIR: &str = "application/fhir+json";
pub(super) const FORM: &str = "application/x-www-form-urlencoded";

/// A form: its name, the route it is on, and what is asked for a record of a type.
pub(super) struct Form {
    pub(super) name: &'static str,
    pub(super) route: &'static str,
    pub(super) asks: fn(&Served, Named<'_>) -> Vec<Ask>,
}

/// A record that is named: its type, its id, its patient's id.
#[derive(Clone, Copy)]
pub(super) struct Named<'a> {
    pub(super) kind: &'a str,
    pub(super) id: &'a str,
    pub(super) patient: &'a str,
}

/// Every way a request can name a record. `every_route_of_a_token_has_a_form` holds that no route is forgotten.
pub(super) const FORMS: &[Form] = &[
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
            let of = |name: &str| format!("/fhir/Patient/{}/$portal-{name}", one.patient);
            let mut asks = vec![get(path.clone()), get(format!("{path}?_type={}", one.kind))];
            asks.push(get(of("status")));
            asks.push(get(of("username-available?value=somebody")));
            for name in ["enable", "disable", "lock", "unlock", "credential", "reset"] {
                let empty = json!({"resourceType": "Parameters"}).to_string();
                asks.push(post(of(name), FHIR, empty));
            }
            asks
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
        name: "invite",
        route: "/{type}/{id}/{operation}",
        asks: |_, one| {
            let path = format!("/fhir/Patient/{}/$portal-invite", one.patient);
            let named = json!({"resourceType": "Parameters", "parameter": [
                {"name": "patient", "valueReference": {"reference": format!("Patient/{}", one.patient)}}]});
            let many = "/fhir/Patient/$portal-invite".to_owned();
            vec![
                get(path.clone()),
                post(path, FHIR, String::new()),
                post(many, FHIR, named.to_string()),
            ]
        },
    },
    Form {
        name: "job",
        route: "/$portal-job/{id}",
        asks: |_, one| {
            let path = format!("/fhir/$portal-job/{}", one.id);
            vec![
                get(path.clone()),
                Ask {
                    method: "DELETE",
                    ..get(path)
                },
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
pub(super) fn values(meaning: Meaning, one: Named<'_>) -> Vec<String> {
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

pub(super) fn targets(meaning: Meaning) -> &'static [ResourceType] {
    match meaning {
        Meaning::Patient => &[ResourceType::Patient],
        Meaning::Reference(_, kinds) | Meaning::References(kinds) => kinds,
        _ => &[],
    }
}
