//! `/openapi.json`: the endpoints of this server for programs that read OpenAPI 3.0. Of FHIR it tells the shape of the
//! addresses; what each type takes is in `/fhir/metadata`, which FHIR's own tools read.

use std::sync::Arc;

use axum::extract::State;
use axum::http::HeaderValue;
use axum::http::header::CACHE_CONTROL;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::response::Response;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use crate::fhir::RESOURCES;
use crate::http::App;

/// One endpoint.
struct Endpoint {
    method: &'static str,
    path: &'static str,
    summary: &'static str,
    /// Who may call it.
    guard: Guard,
    /// Parameters of the query.
    query: &'static [&'static str],
    /// What the body is.
    body: Body,
    /// What a success is called.
    success: (u16, &'static str),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Guard {
    Nobody,
    /// An access token.
    Bearer,
    /// An app's secret or key.
    App,
}

#[derive(Clone, Copy)]
enum Body {
    Nothing,
    /// A form of these fields; the first so many are required.
    Form(usize, &'static [&'static str]),
    /// Any JSON object of this media type.
    Json(&'static str),
    /// A JSON Patch.
    Patch,
}

const FHIR: &str = "application/fhir+json";
const JSON: &str = "application/json";

const fn get(path: &'static str, summary: &'static str) -> Endpoint {
    Endpoint {
        method: "get",
        path,
        summary,
        guard: Guard::Nobody,
        query: &[],
        body: Body::Nothing,
        success: (200, JSON),
    }
}

const fn post(path: &'static str, summary: &'static str, body: Body) -> Endpoint {
    Endpoint {
        method: "post",
        body,
        ..get(path, summary)
    }
}

const fn fhir(method: &'static str, path: &'static str, summary: &'static str) -> Endpoint {
    Endpoint {
        method,
        guard: Guard::Bearer,
        success: (200, FHIR),
        ..get(path, summary)
    }
}

const SEARCH: &[&str] = &[
    "patient", "_id", "_count", "_sort", "_summary", "_include", "date", "name",
];

/// Every endpoint that a program may call. Pages for people are not in it.
const ENDPOINTS: &[Endpoint] = &[
    get("/livez", "Whether the process runs."),
    get("/readyz", "Whether it can serve: the database answers."),
    get("/openapi.json", "This description."),
    get(
        "/brands",
        "The user-access brand bundle (SMART App Launch 2.2).",
    ),
    get(
        "/smart-style.json",
        "Colours for apps (SMART App Launch 2.2).",
    ),
    get(
        "/.well-known/openid-configuration",
        "OpenID Connect discovery.",
    ),
    get(
        "/fhir/.well-known/smart-configuration",
        "SMART App Launch discovery.",
    ),
    get("/oauth2/jwks", "The keys id tokens are signed with."),
    Endpoint {
        query: &[
            "response_type",
            "client_id",
            "redirect_uri",
            "scope",
            "state",
            "aud",
            "code_challenge",
            "code_challenge_method",
            "launch",
            "nonce",
            "prompt",
            "max_age",
            "login_hint",
        ],
        success: (303, "text/html"),
        ..get("/oauth2/authorize", "Begins a launch; leads to the login.")
    },
    Endpoint {
        guard: Guard::App,
        ..post(
            "/oauth2/token",
            "Code, refresh token or client credentials for an access token.",
            Body::Form(
                1,
                &[
                    "grant_type",
                    "code",
                    "redirect_uri",
                    "code_verifier",
                    "client_id",
                    "client_secret",
                    "refresh_token",
                    "scope",
                    "client_assertion_type",
                    "client_assertion",
                ],
            ),
        )
    },
    Endpoint {
        guard: Guard::App,
        ..post(
            "/oauth2/introspect",
            "What a token is good for (RFC 7662).",
            Body::Form(1, &["token", "token_type_hint"]),
        )
    },
    Endpoint {
        guard: Guard::App,
        ..post(
            "/oauth2/revoke",
            "Ends a token (RFC 7009).",
            Body::Form(1, &["token", "token_type_hint", "client_id"]),
        )
    },
    Endpoint {
        success: (201, JSON),
        ..post(
            "/oauth2/register",
            "Registers an app (RFC 7591).",
            Body::Json(JSON),
        )
    },
    Endpoint {
        guard: Guard::Bearer,
        ..get("/oauth2/userinfo", "Who is logged in (OpenID Connect).")
    },
    Endpoint {
        success: (200, FHIR),
        ..get(
            "/fhir/metadata",
            "The CapabilityStatement: what each type takes.",
        )
    },
    Endpoint {
        success: (200, FHIR),
        ..get(
            "/fhir/StructureDefinition",
            "Profiles and extensions of this server.",
        )
    },
    Endpoint {
        query: SEARCH,
        ..fhir("get", "/fhir/{type}", "Search.")
    },
    Endpoint {
        body: Body::Form(0, SEARCH),
        ..fhir(
            "post",
            "/fhir/{type}/_search",
            "Search, with the parameters in the body.",
        )
    },
    Endpoint {
        body: Body::Json(FHIR),
        success: (201, FHIR),
        ..fhir("post", "/fhir/{type}", "Create.")
    },
    Endpoint {
        query: &["_summary", "_elements"],
        ..fhir("get", "/fhir/{type}/{id}", "Read.")
    },
    Endpoint {
        body: Body::Json(FHIR),
        ..fhir("put", "/fhir/{type}/{id}", "Update; needs If-Match.")
    },
    Endpoint {
        body: Body::Patch,
        ..fhir("patch", "/fhir/{type}/{id}", "JSON Patch.")
    },
    Endpoint {
        query: &["_count", "_since"],
        ..fhir(
            "get",
            "/fhir/{type}/{id}/_history",
            "The versions of a record.",
        )
    },
    fhir(
        "get",
        "/fhir/{type}/{id}/_history/{version}",
        "One version of a record.",
    ),
    Endpoint {
        body: Body::Json(FHIR),
        ..fhir("post", "/fhir", "A batch or transaction Bundle.")
    },
    Endpoint {
        query: &["start", "end", "_since", "_type", "_count"],
        ..fhir(
            "get",
            "/fhir/Patient/{id}/$everything",
            "Everything in a patient's record.",
        )
    },
    fhir(
        "get",
        "/fhir/Patient/{id}/$portal-status",
        "How far a portal account is, and what is missing.",
    ),
    Endpoint {
        query: &["value"],
        ..fhir(
            "get",
            "/fhir/Patient/{id}/$portal-username-available",
            "Whether a username is valid and free.",
        )
    },
    Endpoint {
        body: Body::Json(FHIR),
        ..fhir(
            "post",
            "/fhir/Patient/{id}/{operation}",
            "An operation of the portal's desk: $portal-enable, -disable, -lock, -unlock, -credential, -reset.",
        )
    },
    Endpoint {
        query: &["patient", "start", "end", "type", "on-demand"],
        ..fhir(
            "get",
            "/fhir/DocumentReference/$docref",
            "Documents of a patient (US Core).",
        )
    },
    Endpoint {
        query: &["url", "filter", "count", "offset"],
        ..fhir("get", "/fhir/ValueSet/$expand", "The codes of a list.")
    },
    Endpoint {
        body: Body::Json(FHIR),
        ..fhir(
            "post",
            "/fhir/{type}/$validate",
            "Whether a resource would be taken.",
        )
    },
];

/// `GET /openapi.json`.
pub async fn description(State(app): State<Arc<App>>) -> Response {
    let text = document(&app.config.public_url).to_string();
    let mut response = text.into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(JSON));
    headers.insert(
        CACHE_CONTROL,
        HeaderValue::from_static("public, max-age=300"),
    );
    response
}

/// The OpenAPI document of a server at this address.
pub fn document(public_url: &str) -> Value {
    let mut paths: Map<String, Value> = Map::new();
    for endpoint in ENDPOINTS {
        let item = paths
            .entry(endpoint.path.to_owned())
            .or_insert_with(|| json!({}));
        item[endpoint.method] = operation(endpoint);
    }
    json!({
        "openapi": "3.0.3",
        "info": {
            "title": "Anteroom",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "A SMART on FHIR gateway. What each FHIR type takes is in /fhir/metadata; how an app gets a token \
                is in /fhir/.well-known/smart-configuration.",
        },
        "servers": [{"url": public_url.trim_end_matches('/')}],
        "paths": paths,
        "components": {"securitySchemes": {
            "bearer": {"type": "http", "scheme": "bearer", "description": "An access token of /oauth2/token."},
            "app": {"type": "http", "scheme": "basic", "description": "client_id and client_secret; or a client_assertion in the form."},
        }},
    })
}

fn operation(endpoint: &Endpoint) -> Value {
    let mut parameters: Vec<Value> = endpoint
        .path
        .split('{')
        .skip(1)
        .filter_map(|rest| rest.split('}').next())
        .map(in_path)
        .collect();
    parameters.extend(endpoint.query.iter().map(|name| {
        json!({"name": name, "in": "query", "required": false, "schema": {"type": "string"}})
    }));
    let (status, media_type) = endpoint.success;
    let problem = match endpoint.success.1 {
        FHIR => FHIR,
        _ => JSON,
    };
    let said = |words: &str, kind: &str| {
        let schema = json!({"type": "object"});
        json!({"description": words, "content": {kind: {"schema": schema}}})
    };
    let mut responses = Map::new();
    responses.insert(status.to_string(), said("Done.", media_type));
    responses.insert(
        "default".to_owned(),
        said("Refused: the body says why and what to do.", problem),
    );
    let mut operation = json!({
        "summary": endpoint.summary,
        "operationId": id_of(endpoint),
        "responses": responses,
    });
    if !parameters.is_empty() {
        operation["parameters"] = Value::Array(parameters);
    }
    if let Some(body) = body(endpoint.body) {
        operation["requestBody"] = body;
    }
    match endpoint.guard {
        Guard::Nobody => {}
        Guard::Bearer => operation["security"] = json!([{"bearer": []}]),
        Guard::App => operation["security"] = json!([{"app": []}, {}]),
    }
    operation
}

fn in_path(name: &str) -> Value {
    let schema = match name {
        "type" => {
            let names: Vec<&str> = RESOURCES.iter().map(|served| served.kind.name()).collect();
            json!({"type": "string", "enum": names})
        }
        _ => json!({"type": "string", "pattern": "^[A-Za-z0-9.-]{1,64}$"}),
    };
    json!({"name": name, "in": "path", "required": true, "schema": schema})
}

fn body(body: Body) -> Option<Value> {
    let (kind, schema) = match body {
        Body::Nothing => return None,
        Body::Form(required, fields) => {
            let text = |name: &&str| ((*name).to_owned(), json!({"type": "string"}));
            let properties: Map<String, Value> = fields.iter().map(text).collect();
            let mut schema = json!({"type": "object", "properties": properties});
            let required = fields.get(..required).unwrap_or_default();
            if !required.is_empty() {
                schema["required"] = json!(required);
            }
            ("application/x-www-form-urlencoded", schema)
        }
        Body::Json(kind) => (kind, json!({"type": "object"})),
        Body::Patch => {
            let operation = json!({"type": "object", "required": ["op", "path"], "properties": {
                "op": {"type": "string", "enum": ["add", "remove", "replace", "move", "copy", "test"]},
                "path": {"type": "string"}, "from": {"type": "string"}, "value": {}}});
            let patch = json!({"type": "array", "items": operation});
            ("application/json-patch+json", patch)
        }
    };
    Some(json!({"required": true, "content": {kind: {"schema": schema}}}))
}

/// A name programs can use: method and path without signs.
fn id_of(endpoint: &Endpoint) -> String {
    let words = endpoint
        .path
        .split(|letter: char| !letter.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty());
    let words: Vec<&str> = std::iter::once(endpoint.method).chain(words).collect();
    words.join("_")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_operation_has_its_own_name_and_every_path_its_parameters() {
        let document = document("https://x.example/");
        assert_eq!(document["servers"][0]["url"], "https://x.example");
        let paths = document["paths"].as_object().expect("paths");
        let mut names = HashSet::new();
        for (path, item) in paths {
            for (method, operation) in item.as_object().expect("methods") {
                let name = operation["operationId"].as_str().expect("a name");
                assert!(names.insert(name.to_owned()), "{method} {path}");
                let wanted = path.matches('{').count();
                let given = operation["parameters"]
                    .as_array()
                    .cloned()
                    .unwrap_or_default();
                let in_path = given.iter().filter(|one| one["in"] == "path").count();
                assert_eq!(in_path, wanted, "{method} {path}");
            }
        }
        assert_eq!(names.len(), ENDPOINTS.len());
    }
}
