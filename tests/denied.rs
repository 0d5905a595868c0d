//! Every route and every resource against everybody who may not: no token, a bad one, an expired one, another kind of
//! token, too small a scope, somebody else's record. A route without an expectation here fails the first test.

mod forms;
mod isolation;
mod matrix;

use anteroom::domain::ResourceType;
use anteroom::domain::scope::Interaction;
use anteroom::fhir;
use anteroom::fhir::RESOURCES;
use axum::body::Body;
use axum::http::Request;
use axum::http::StatusCode;
use time::Duration;

use crate::clinic::Clinic;
use crate::clinic::EVERYTHING;

/// What guards a route.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Guard {
    /// Nothing: it tells everybody the same.
    Open,
    /// A waiting request and the browser it began in.
    Browser,
    /// The app's code or refresh token, or the app's own secret or key.
    App,
    /// A patient's or a member of staff's session: without one a GET leads to the login form.
    Session,
    /// A link out of a letter: any other token opens nothing.
    Link,
    /// A limit on how often anybody may ask.
    Counter,
    /// An access token.
    Token,
    /// The practice's identity provider: without one the route is not there.
    Provider,
}

/// Every route of `http/mod.rs`, in its order there, and its guard.
const ROUTES: &[(&str, Guard)] = &[
    ("/", Guard::Open),
    ("/metadata", Guard::Open),
    ("/.well-known/smart-configuration", Guard::Open),
    ("/$portal-job/{id}", Guard::Token),
    ("/_history", Guard::Token),
    ("/Binary", Guard::Token),
    ("/Binary/{id}", Guard::Token),
    ("/{type}", Guard::Token),
    ("/{type}/_history", Guard::Token),
    ("/{type}/_search", Guard::Token),
    ("/{type}/{id}", Guard::Token),
    ("/{type}/{id}/_history", Guard::Token),
    ("/{type}/{id}/_history/{version}", Guard::Token),
    ("/{type}/{id}/{operation}", Guard::Token),
    ("/{kind}", Guard::Open),
    ("/{kind}/_search", Guard::Open),
    ("/{kind}/{{id}}", Guard::Open),
    ("/fhir/", Guard::Token),
    ("/.well-known/openid-configuration", Guard::Open),
    ("/oauth2/jwks", Guard::Open),
    ("/oauth2/token", Guard::App),
    ("/oauth2/introspect", Guard::App),
    ("/oauth2/revoke", Guard::App),
    ("/oauth2/userinfo", Guard::Token),
    ("/smart-style.json", Guard::Open),
    ("/brands", Guard::Open),
    ("/openapi.json", Guard::Open),
    ("/oauth2/authorize", Guard::App),
    ("/login", Guard::Browser),
    ("/login/new-credentials", Guard::Browser),
    ("/oauth2/consent", Guard::Browser),
    ("/oauth2/logout", Guard::Open),
    ("/account/logout", Guard::Open),
    ("/account", Guard::Session),
    ("/account/apps", Guard::Session),
    ("/account/apps/{grant}", Guard::Session),
    ("/account/activity", Guard::Session),
    ("/account/activity.csv", Guard::Session),
    ("/staff/audit", Guard::Session),
    ("/staff/audit.csv", Guard::Session),
    ("/account/login", Guard::Session),
    ("/account/email", Guard::Session),
    ("/account/email/{token}", Guard::Link),
    ("/account/email/undo/{token}", Guard::Link),
    ("/account/requests", Guard::Session),
    ("/account/requests/{id}", Guard::Session),
    ("/account/visits", Guard::Session),
    ("/account/visits/new", Guard::Session),
    ("/account/visits/hold", Guard::Session),
    ("/account/visits/ask", Guard::Session),
    ("/account/visits/{id}", Guard::Session),
    ("/account/forms", Guard::Session),
    ("/account/forms/{id}", Guard::Session),
    ("/account/documents", Guard::Session),
    ("/account/documents/{id}", Guard::Session),
    ("/account/records.zip", Guard::Session),
    ("/account/records.pdf", Guard::Session),
    ("/account/records.json", Guard::Session),
    ("/account/messages", Guard::Session),
    ("/account/messages/new", Guard::Session),
    ("/account/messages/{id}", Guard::Session),
    ("/reset", Guard::Open),
    ("/reset/{token}", Guard::Link),
    ("/activate/{token}", Guard::Link),
    ("/login/staff", Guard::Browser),
    ("/login/choose-patient", Guard::Browser),
    ("/staff", Guard::Session),
    ("/staff/events", Guard::Session),
    ("/staff/launch", Guard::Session),
    ("/staff/apps", Guard::Session),
    ("/staff/patients", Guard::Session),
    ("/staff/patients/{id}", Guard::Session),
    ("/staff/patients/{id}/apps", Guard::Session),
    ("/staff/patients/{id}/forms", Guard::Session),
    ("/staff/templates", Guard::Session),
    ("/staff/templates/{id}", Guard::Session),
    ("/staff/patients/{id}/documents", Guard::Session),
    ("/staff/patients/{id}/documents/{document}", Guard::Session),
    ("/staff/mail", Guard::Session),
    ("/staff/addressees", Guard::Session),
    ("/staff/messages", Guard::Session),
    ("/staff/messages/new", Guard::Session),
    ("/staff/messages/many", Guard::Session),
    ("/staff/messages/{id}", Guard::Session),
    ("/staff/registrations", Guard::Session),
    ("/staff/reviews", Guard::Session),
    ("/staff/reviews/{id}", Guard::Session),
    ("/staff/reviews/{id}/content", Guard::Session),
    ("/staff/visits", Guard::Session),
    ("/staff/onboarding", Guard::Session),
    ("/staff/onboarding.csv", Guard::Session),
    ("/staff/jobs/{id}", Guard::Session),
    ("/staff/logout", Guard::Session),
    ("/register", Guard::Open),
    ("/register/sent", Guard::Open),
    ("/register/{token}", Guard::Link),
    ("/register/{token}/{step}", Guard::Link),
    ("/sign", Guard::Browser),
    ("/sign/{token}", Guard::Link),
    ("/launch", Guard::Session),
    ("/login/staff/start", Guard::Provider),
    ("/login/staff/callback", Guard::Provider),
    ("/", Guard::Open),
    ("/help", Guard::Open),
    ("/developers", Guard::Open),
    ("/developers/register", Guard::Open),
    ("/app", Guard::Open),
    ("/assets/{*path}", Guard::Open),
    ("/livez", Guard::Open),
    ("/readyz", Guard::Open),
    ("/oauth2/register", Guard::Counter),
    ("/login/staff/backchannel", Guard::Provider),
];

#[test]
fn every_route_has_an_expectation() {
    let page = include_str!("../src/http/mod.rs");
    let routes: Vec<&str> = page
        .split(".route(")
        .skip(1)
        .filter_map(|rest| rest.split('"').nth(1))
        .collect();
    let expected: Vec<&str> = ROUTES.iter().map(|(route, _)| *route).collect();
    assert_eq!(
        routes, expected,
        "give the new route its guard in tests/denied.rs"
    );
}

#[tokio::test]
async fn open_routes_need_nothing_and_tell_nobody_about_anybody() {
    let clinic = Clinic::open().await;
    for (route, _) in ROUTES.iter().filter(|(_, guard)| *guard == Guard::Open) {
        let path = match *route {
            "/metadata" | "/.well-known/smart-configuration" => format!("/fhir{route}"),
            "/assets/{*path}" => "/assets/anteroom.css".to_owned(),
            // The definitions, each kind by the same three routes.
            route if route.starts_with("/{kind}") => format!("/fhir{route}")
                .replace("{kind}", "StructureDefinition")
                .replace("{{id}}", "emr-status"),
            route => route.to_owned(),
        };
        let request = match path.ends_with("_search") {
            true => {
                Request::post(&path).header("content-type", "application/x-www-form-urlencoded")
            }
            false => Request::get(&path),
        };
        let request = request.body(Body::empty()).expect("a request");
        let answer = clinic.send(request).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}");
        for patient in &clinic.people.patients {
            assert!(!answer.text().contains(&patient.id), "{path}");
        }
    }
    clinic.close().await;
}

#[tokio::test]
async fn browser_routes_need_the_browser_that_began() {
    let clinic = Clinic::open().await;
    for (route, _) in ROUTES.iter().filter(|(_, guard)| *guard == Guard::Browser) {
        for path in [
            (*route).to_owned(),
            format!("{route}?request=made-up"),
            format!("{route}?request="),
        ] {
            let mut stranger = clinic.browser();
            let answer = stranger.get(&path).await;
            // A bookmarked login form belongs to no request; it leads to a page that begins a visit of its own.
            match path.as_str() {
                "/login" => assert_eq!(answer.header("location"), "/account"),
                "/login/staff" => assert_eq!(answer.header("location"), "/staff"),
                _ => assert_eq!(answer.status, StatusCode::BAD_REQUEST, "GET {path}"),
            }
            let posted = stranger
                .post(&path, &[("decision", "approve".to_owned())])
                .await;
            assert_eq!(posted.status, StatusCode::BAD_REQUEST, "POST {path}");
        }
    }
    clinic.close().await;
}

#[tokio::test]
async fn link_routes_open_nothing_for_a_made_up_token() {
    let clinic = Clinic::open().await;
    for (route, _) in ROUTES.iter().filter(|(_, guard)| *guard == Guard::Link) {
        let mut browser = clinic.browser();
        for token in [
            "al_made-up",
            "x",
            "%00",
            "al_%F0%9F%98%80",
            "..%2f..%2faccount",
        ] {
            let path = route.replace("{token}", token);
            let answer = browser.get(&path).await;
            assert!(answer.status.is_client_error(), "{path}: {}", answer.status);
            assert!(!answer.text().contains("<form"), "{path}");
            let posted = browser.post(&path, &[("pin", "AAAAAA".to_owned())]).await;
            assert!(posted.status.is_client_error(), "{path}: {}", posted.status);
        }
    }
    clinic.close().await;
}

#[tokio::test]
async fn provider_routes_are_not_there_without_a_provider() {
    let clinic = Clinic::open().await;
    for (route, _) in ROUTES.iter().filter(|(_, guard)| *guard == Guard::Provider) {
        let request = match route.ends_with("backchannel") {
            true => Request::post(*route),
            false => Request::get(*route),
        };
        let request = request.body(Body::empty()).expect("a request");
        let answer = clinic.send(request).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{route}");
    }
    clinic.close().await;
}

/// Every FHIR request of the slice, for one resource type.
fn requests(kind: ResourceType, id: &str) -> Vec<(&'static str, String, Interaction)> {
    let name = kind.name();
    let mut all = vec![
        ("GET", format!("/fhir/{name}/{id}"), Interaction::Read),
        ("HEAD", format!("/fhir/{name}/{id}"), Interaction::Read),
    ];
    let served = fhir::served(kind).expect("every type is served");
    if served.takes(Interaction::Search) {
        all.push(("GET", format!("/fhir/{name}"), Interaction::Search));
        all.push(("POST", format!("/fhir/{name}/_search"), Interaction::Search));
    }
    if !served.update.patient.is_empty() {
        all.push(("PUT", format!("/fhir/{name}/{id}"), Interaction::Update));
        all.push(("PATCH", format!("/fhir/{name}/{id}"), Interaction::Update));
    }
    all
}

async fn status(
    clinic: &Clinic,
    (method, path): (&str, &str),
    authorization: Option<&str>,
) -> StatusCode {
    let kind = match (method, path.ends_with("_search")) {
        (_, true) => "application/x-www-form-urlencoded",
        ("PATCH", _) => "application/json-patch+json",
        _ => "application/fhir+json",
    };
    let mut request = Request::builder()
        .method(method)
        .uri(path)
        .header("content-type", kind);
    if let Some(value) = authorization {
        request = request.header("authorization", value);
    }
    let body = match method {
        "PATCH" => Body::from(r#"[{"op":"replace","path":"/status","value":"cancelled"}]"#),
        "PUT" => Body::from("{}"),
        _ => Body::empty(),
    };
    clinic
        .send(request.body(body).expect("a request"))
        .await
        .status
}

#[tokio::test]
async fn no_bad_expired_or_foreign_kind_of_token_opens_anything() {
    let clinic = Clinic::open().await;
    let maria = clinic.patient("active");
    let json = clinic.browser().launch(maria, EVERYTHING).await;
    let text = |name: &str| json[name].as_str().expect("a token").to_owned();
    let bad = [
        None,
        Some("Bearer".to_owned()),
        Some("Bearer at_invented-by-somebody".to_owned()),
        Some(format!("Basic {}", text("access_token"))),
        Some(format!("Bearer {}", text("refresh_token"))),
        Some(format!("Bearer {}", text("id_token"))),
    ];
    for served in RESOURCES {
        for (method, path, _) in requests(served.kind, &maria.id) {
            for authorization in &bad {
                let found = status(&clinic, (method, &path), authorization.as_deref()).await;
                assert_eq!(
                    found,
                    StatusCode::UNAUTHORIZED,
                    "{method} {path} {authorization:?}"
                );
            }
            let in_query = format!("{path}?access_token={}", text("access_token"));
            assert_eq!(
                status(&clinic, (method, &in_query), None).await,
                StatusCode::UNAUTHORIZED
            );
        }
    }
    let good = format!("Bearer {}", text("access_token"));
    clinic.wait(Duration::seconds(601));
    for served in RESOURCES {
        for (method, path, _) in requests(served.kind, &maria.id) {
            let found = status(&clinic, (method, &path), Some(&good)).await;
            assert_eq!(found, StatusCode::UNAUTHORIZED, "expired: {method} {path}");
        }
    }
    clinic.close().await;
}

#[tokio::test]
async fn a_scope_opens_what_it_says_and_nothing_else() {
    let clinic = Clinic::open().await;
    let maria = clinic.patient("active");
    for granted in RESOURCES {
        let name = granted.kind.name();
        for (letters, interaction) in [("r", Interaction::Read), ("s", Interaction::Search)] {
            if !granted.takes(interaction) {
                continue;
            }
            let token = clinic
                .token(maria, &format!("launch/patient patient/{name}.{letters}"))
                .await;
            let good = format!("Bearer {token}");
            // The address is counted for every login; the clock forgives.
            clinic.wait(Duration::seconds(5));
            for served in RESOURCES {
                for (method, path, needs) in requests(served.kind, &maria.id) {
                    let found = status(&clinic, (method, &path), Some(&good)).await;
                    // A panel tells of other patients: no patient's scope opens one.
                    let opens = served.kind == granted.kind
                        && needs == interaction
                        && served.kind != ResourceType::Group;
                    assert_eq!(
                        found != StatusCode::FORBIDDEN,
                        opens,
                        "{name}.{letters}: {method} {path}: {found}"
                    );
                }
            }
        }
    }
    clinic.close().await;
}

#[tokio::test]
async fn no_request_reaches_another_patients_record() {
    let clinic = Clinic::open().await;
    let mut active = clinic.patients("active");
    let (maria, sean) = (active.next().expect("one"), active.next().expect("two"));
    let mine = clinic.token(maria, EVERYTHING).await;
    let theirs = clinic.token(sean, EVERYTHING).await;
    let good = format!("Bearer {mine}");
    for served in RESOURCES
        .iter()
        .filter(|served| served.kind.in_patient_compartment())
    {
        let name = match served.kind {
            ResourceType::Binary => "DocumentReference",
            kind => kind.name(),
        };
        let found = clinic
            .get(&format!("/fhir/{name}?_count=200"), &theirs)
            .await
            .json();
        for entry in found["entry"].as_array().into_iter().flatten() {
            let id = entry["resource"]["id"].as_str().expect("an id");
            for (method, path, interaction) in requests(served.kind, id) {
                if interaction == Interaction::Search {
                    let by_id = format!("/fhir/{name}?_id={id}");
                    let answer = clinic.get(&by_id, &mine).await.json();
                    assert!(answer.get("entry").is_none(), "{by_id}");
                    continue;
                }
                let found = status(&clinic, (method, &path), Some(&good)).await;
                assert_eq!(found, StatusCode::NOT_FOUND, "{method} {path}");
            }
        }
    }
    clinic.close().await;
}

#[tokio::test]
async fn case_116_pages_of_ones_own_lead_strangers_to_the_login() {
    let clinic = Clinic::open().await;
    for (route, _) in ROUTES.iter().filter(|(_, guard)| *guard == Guard::Session) {
        let path = route
            .replace("{grant}", "made-up")
            .replace("{id}", "made-up");
        let mut stranger = clinic.browser();
        let answer = stranger.get(&path).await;
        let place = answer.header("location").to_owned();
        let refused = [
            StatusCode::METHOD_NOT_ALLOWED,
            StatusCode::BAD_REQUEST,
            // The events of the desk: a browser that is told this does not ask again.
            StatusCode::NO_CONTENT,
        ];
        assert!(
            place.starts_with("/login") || refused.contains(&answer.status),
            "GET {path}: {} {place}",
            answer.status
        );
        let posted = stranger
            .post(&path, &[("decision", "approve".to_owned())])
            .await;
        assert!(
            posted.status.is_client_error() || posted.header("location").starts_with("/login"),
            "POST {path}: {}",
            posted.status
        );
    }
    clinic.close().await;
}
