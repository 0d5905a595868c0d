//! The doors around FHIR: methods, headers that claim something, other origins, addresses nobody should find, and what
//! an error says.

use std::sync::Arc;

use anteroom::http::limits;
use anteroom::http::request_id;
use axum::Router;
use axum::body::Body;
use axum::http::Request;
use axum::http::StatusCode;
use axum::middleware;
use axum::routing::get;
use tower::ServiceExt;

use super::FHIR;
use super::FORM;
use super::Two;
use super::call;
use super::found;
use crate::clinic::Answer;
use crate::clinic::Clinic;
use crate::clinic::EVERYTHING;

/// What browsers of other origins may call.
const OPEN: [&str; 6] = [
    "/fhir/metadata",
    "/fhir/Patient",
    "/oauth2/token",
    "/oauth2/jwks",
    "/.well-known/openid-configuration",
    "/fhir/.well-known/smart-configuration",
];

/// What they may not.
const CLOSED: [&str; 8] = [
    "/",
    "/login",
    "/account",
    "/staff",
    "/oauth2/authorize",
    "/oauth2/consent",
    "/oauth2/register",
    "/launch",
];

#[tokio::test]
async fn case_181_other_origins_never_come_with_cookies_and_see_no_page() {
    let clinic = Clinic::open().await;
    for origin in [
        "null",
        "https://evil",
        "https://app.example.evil",
        "https://app.example:444",
        "http://127.0.0.1:8080",
    ] {
        for (paths, any) in [(&OPEN[..], true), (&CLOSED[..], false)] {
            for path in paths {
                for method in ["GET", "OPTIONS", "POST"] {
                    let headers = [
                        ("origin", origin),
                        ("cookie", "a=b"),
                        ("access-control-request-method", "POST"),
                        ("access-control-request-headers", "authorization"),
                    ];
                    let answer = call(&clinic, (method, path), &headers, "").await;
                    let place = format!("{method} {path} from {origin}");
                    let echoed = answer.header("access-control-allow-origin");
                    assert_eq!(echoed, if any { "*" } else { "" }, "{place}");
                    let credentials = answer.header("access-control-allow-credentials");
                    assert_eq!(credentials, "", "{place}");
                }
            }
        }
    }
    clinic.close().await;
}

/// Nothing of the inside of the server.
fn discreet(answer: &Answer, place: &str) {
    let text = answer.text();
    for word in [
        "SELECT",
        "no such table",
        "no such column",
        "sqlx",
        "sqlite",
        "src/",
        ".rs:",
        "panicked",
        "/work",
        "stack",
        "axum",
        "openemr_postcalendar",
    ] {
        assert!(!text.contains(word), "{place} says {word}: {text}");
    }
    assert_eq!(answer.header("server"), "", "{place}");
    assert_eq!(answer.header("x-powered-by"), "", "{place}");
}

#[tokio::test]
async fn case_182_errors_say_what_to_do_and_nothing_of_the_inside() {
    let clinic = Clinic::open().await;
    let two = Two::of(&clinic, "openid launch/patient patient/*.cruds").await;
    let bearer = format!("Bearer {}", two.mine);
    let own = [("authorization", bearer.as_str())];
    let json = [("authorization", bearer.as_str()), ("content-type", FHIR)];
    let odd = [
        ("authorization", bearer.as_str()),
        ("content-type", "text/x"),
    ];
    let form = [("authorization", bearer.as_str()), ("content-type", FORM)];
    let patch = [
        ("authorization", bearer.as_str()),
        ("content-type", "application/json-patch+json"),
    ];
    let visit = found(&clinic, "/fhir/Appointment", &two.mine).await;
    let visit = format!("/fhir/Appointment/{}", visit[0]);
    let big = vec![b'x'; 2 * 1024 * 1024 + 1];
    for (method, path, headers, body, status) in [
        ("GET", "/fhir/Nothing", &own[..], Vec::new(), 404),
        ("DELETE", "/fhir/Patient/1", &own[..], Vec::new(), 405),
        (
            "PATCH",
            visit.as_str(),
            &patch[..],
            vec![0xff, 0xfe, b'{'],
            400,
        ),
        ("PATCH", visit.as_str(), &odd[..], b"{}".to_vec(), 415),
        ("PUT", visit.as_str(), &json[..], b"{}".to_vec(), 428),
        (
            "POST",
            "/fhir/Communication",
            &json[..],
            b"{\"resourceType\":".to_vec(),
            400,
        ),
        ("POST", "/fhir/Patient/_search", &form[..], big, 413),
        ("GET", "/fhir/Patient", &[][..], Vec::new(), 401),
        (
            "GET",
            "/fhir/Patient?_format=xml",
            &own[..],
            Vec::new(),
            406,
        ),
    ] {
        let answer = call(&clinic, (method, path), headers, body).await;
        let place = format!("{method} {path}");
        assert_eq!(answer.status.as_u16(), status, "{place}: {}", answer.text());
        assert_eq!(answer.json()["resourceType"], "OperationOutcome", "{place}");
        assert!(!answer.header("x-request-id").is_empty(), "{place}");
        discreet(&answer, &place);
    }
    let page = call(&clinic, ("GET", "/no/such/page"), &[], "").await;
    assert_eq!(page.status, StatusCode::NOT_FOUND);
    assert!(page.header("content-type").starts_with("text/html"));
    discreet(&page, "a page");
    // A table that is gone is a breakage, told by a number alone.
    let gone = "ALTER TABLE openemr_postcalendar_events RENAME TO away";
    clinic.app.emr.db.script(gone).await.expect("renamed");
    for path in [visit.as_str(), "/fhir/Appointment"] {
        let broken = clinic.get(path, &two.mine).await;
        assert_eq!(broken.status, StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(broken.issue(), "exception");
        let number = broken.header("x-request-id").to_owned();
        assert!(broken.text().contains(&number), "{}", broken.text());
        discreet(&broken, path);
    }
    let other = format!("/fhir/Patient/{}", two.maria.id);
    assert_eq!(clinic.get(&other, &two.mine).await.status, StatusCode::OK);
    clinic.close().await;
}

#[tokio::test]
async fn case_182_one_panic_is_one_answer_and_stops_nobody_else() {
    let clinic = Clinic::open().await;
    let app = clinic.app.clone();
    let broken = async || -> &'static str { panic!("secret-of-the-inside") };
    let router: Router = Router::new()
        .route("/fhir/broken", get(broken))
        .route("/broken", get(broken))
        .route("/fine", get(async || "fine"))
        .layer(middleware::from_fn_with_state(app.clone(), limits::layer))
        .layer(middleware::from_fn_with_state(
            Arc::clone(&app),
            request_id::layer,
        ));
    for (path, status) in [("/fhir/broken", 500), ("/broken", 500), ("/fine", 200)] {
        let request = Request::get(path).body(Body::empty()).expect("a request");
        let answer = router.clone().oneshot(request).await.expect("an answer");
        assert_eq!(answer.status().as_u16(), status, "{path}");
        let bytes = axum::body::to_bytes(answer.into_body(), 1 << 20).await;
        let text = String::from_utf8(bytes.expect("a body").to_vec()).expect("text");
        assert!(!text.contains("secret-of-the-inside"), "{text}");
    }
    drop((router, app));
    clinic.close().await;
}

#[tokio::test]
async fn case_184_methods_that_are_not_ours_do_nothing_and_none_is_overridden() {
    let clinic = Clinic::open().await;
    let two = Two::of(&clinic, "openid launch/patient patient/*.cruds").await;
    let bearer = format!("Bearer {}", two.mine);
    let own = format!("/fhir/Patient/{}", two.maria.id);
    let before = clinic.get(&own, &two.mine).await.json();
    for method in ["TRACE", "PROPFIND", "MKCOL", "LOCK", "DELETE", "FOO"] {
        for path in [
            own.as_str(),
            "/fhir/Patient",
            "/fhir/metadata",
            "/",
            "/account",
        ] {
            let headers = [("authorization", bearer.as_str()), ("x-canary", "echo-me")];
            let answer = call(&clinic, (method, path), &headers, "").await;
            let status = answer.status.as_u16();
            assert!([405, 501].contains(&status), "{method} {path}: {status}");
            assert!(!answer.text().contains("echo-me"), "{method} {path}");
        }
    }
    for name in [
        "x-http-method-override",
        "x-http-method",
        "x-method-override",
    ] {
        let headers = [("authorization", bearer.as_str()), (name, "DELETE")];
        let answer = call(&clinic, ("GET", &own), &headers, "").await;
        assert_eq!(answer.status, StatusCode::OK, "{name} is not looked at");
        let posted = call(&clinic, ("POST", &own), &headers, "").await;
        let status = posted.status.as_u16();
        assert!([404, 405].contains(&status), "{name}: {status}");
    }
    let form = [("authorization", bearer.as_str()), ("content-type", FORM)];
    let path = format!("{own}?_method=DELETE");
    let posted = call(&clinic, ("POST", &path), &form, "_method=PUT").await;
    let status = posted.status.as_u16();
    assert!([404, 405].contains(&status), "{status}");
    assert_eq!(clinic.get(&own, &two.mine).await.json(), before);
    clinic.close().await;
}

#[tokio::test]
async fn case_187_headers_that_say_who_or_where_somebody_is_are_not_believed() {
    let clinic = Clinic::open().await;
    let two = Two::of(&clinic, EVERYTHING).await;
    let bearer = format!("Bearer {}", two.mine);
    let own = format!("/fhir/Patient/{}", two.maria.id);
    let plain = clinic.get(&own, &two.mine).await;
    let list = clinic.get("/fhir/Appointment?_count=1", &two.mine).await;
    let names = [
        "x-user-id",
        "x-patient",
        "x-patient-id",
        "x-remote-user",
        "remote-user",
        "x-forwarded-user",
        "x-forwarded-proto",
        "x-forwarded-host",
        "x-forwarded-prefix",
        "forwarded",
        "x-real-ip",
        "x-original-url",
        "x-rewrite-url",
        "x-client-verify",
    ];
    for name in names {
        for value in [
            two.sean.id.as_str(),
            "admin",
            "http",
            "evil.example",
            "/fhir/metadata",
        ] {
            let claims = [(name, value)];
            let stranger = call(&clinic, ("GET", &own), &claims, "").await;
            assert_eq!(stranger.status, StatusCode::UNAUTHORIZED, "{name}: {value}");
            let headers = [("authorization", bearer.as_str()), (name, value)];
            let answer = call(&clinic, ("GET", &own), &headers, "").await;
            assert_eq!(answer.bytes, plain.bytes, "{name}: {value}");
            let path = "/fhir/Appointment?_count=1";
            let answer = call(&clinic, ("GET", path), &headers, "").await;
            let (links, known) = (answer.json(), list.json());
            assert_eq!(links["link"][0], known["link"][0], "{name}: {value}");
            assert!(!answer.text().contains("evil.example"), "{name}");
        }
    }
    clinic.close().await;
}

#[tokio::test]
async fn case_188_nothing_of_the_operators_is_on_this_port() {
    let clinic = Clinic::open().await;
    for path in [
        "/metrics",
        "/admin",
        "/debug",
        "/debug/pprof/",
        "/debug/vars",
        "/actuator/env",
        "/server-status",
        "/.git/config",
        "/.git/HEAD",
        "/.env",
        "/anteroom.toml",
        "/practice.db",
        "/demo.json",
        "/phpinfo.php",
        "/assets/",
        "/assets/app.js.map",
        "/assets/../Cargo.toml",
        "/assets/%2e%2e/Cargo.toml",
        "/assets/..%2f..%2fetc/passwd",
        "/swagger-ui",
        "/graphql",
    ] {
        let answer = call(&clinic, ("GET", path), &[], "").await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
        discreet(&answer, path);
    }
    for path in ["/openapi.json", "/readyz", "/livez", "/fhir/metadata"] {
        let answer = call(&clinic, ("GET", path), &[], "").await;
        assert_eq!(answer.status, StatusCode::OK, "{path}");
        let text = answer.text();
        let secrets = clinic
            .apps
            .iter()
            .filter_map(|app| app.client_secret.clone());
        let url = clinic.app.config.database_url.clone();
        for secret in secrets.chain([url]) {
            assert!(!text.contains(&secret), "{path}");
        }
        assert!(!text.contains("sourceMappingURL"), "{path}");
    }
    clinic.close().await;
}
