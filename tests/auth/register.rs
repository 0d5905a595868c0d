//! Apps that register themselves, over `/oauth2/register` and over the form at `/developers/register`.

use axum::body::Body;
use axum::http::Request;
use axum::http::StatusCode;
use serde_json::Value;
use serde_json::json;
use time::Duration;

use crate::clinic::Answer;
use crate::clinic::CALLBACK;
use crate::clinic::Clinic;
use crate::clinic::browser::authorization;

const REGISTER: &str = "/oauth2/register";

async fn post(clinic: &Clinic, body: impl Into<Body>) -> Answer {
    let request = Request::post(REGISTER).header("content-type", "application/json");
    let request = request.body(body.into()).expect("a request");
    clinic.send(request).await
}

fn diary() -> Value {
    json!({
        "client_name": "Health Diary",
        "redirect_uris": [CALLBACK],
        "token_endpoint_auth_method": "none",
        "scope": "openid fhirUser launch/patient patient/*.rs",
    })
}

fn changed(change: Value) -> String {
    let mut body = diary();
    for (name, value) in change.as_object().expect("an object") {
        body[name] = value.clone();
    }
    body.to_string()
}

/// How many apps there are.
async fn apps(clinic: &Clinic) -> String {
    clinic
        .look("SELECT CAST(COUNT(*) AS CHAR) AS text FROM anteroom_client")
        .await
}

#[tokio::test]
async fn an_app_that_registered_itself_starts_at_once() {
    let clinic = Clinic::open().await;
    let answer = post(&clinic, diary().to_string()).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
    assert_eq!(answer.header("cache-control"), "no-store");
    let made = answer.json();
    assert_eq!(made["anteroom_status"], "active");
    assert!(made.get("client_secret").is_none(), "a public app");
    let id = made["client_id"].as_str().expect("an id").to_owned();
    let mut asked = authorization("launch/patient patient/*.rs");
    for (name, value) in &mut asked {
        if *name == "client_id" {
            value.clone_from(&id);
        }
    }
    let mut browser = clinic.browser();
    let form = browser.start(&asked).await;
    assert!(form.text().contains("Health Diary"), "{}", form.text());
    clinic.close().await;
}

#[tokio::test]
async fn case_71_what_is_refused_names_the_member_and_what_to_write() {
    let clinic = Clinic::open().await;
    let before = apps(&clinic).await;
    for (change, error, said) in [
        (
            json!({ "redirect_uris": ["http://diary.example/cb"] }),
            "invalid_redirect_uri",
            "redirect_uris: http://diary.example/cb: Only loopback",
        ),
        (
            json!({ "client_name": "" }),
            "invalid_client_metadata",
            "client_name: Write",
        ),
        (
            json!({ "grant_types": ["password"] }),
            "invalid_client_metadata",
            "grant_types: Write authorization_code",
        ),
        (
            json!({ "scope": "system/*.rs" }),
            "invalid_client_metadata",
            "private_key_jwt",
        ),
        (
            json!({ "software_statement": "eyJhbGciOiJub25lIn0.e30." }),
            "unapproved_software_statement",
            "software_statement",
        ),
        (
            json!({ "token_endpoint_auth_method": "private_key_jwt" }),
            "invalid_client_metadata",
            "jwks: Give",
        ),
    ] {
        let answer = post(&clinic, changed(change.clone())).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{change}");
        let told = answer.json();
        assert_eq!(told["error"], error, "{change}");
        let description = told["error_description"].as_str().expect("a sentence");
        assert!(description.contains(said), "{change}: {description}");
        assert_eq!(told["request_id"], answer.header("x-request-id"));
    }
    assert_eq!(apps(&clinic).await, before, "nothing was registered");
    clinic.close().await;
}

#[tokio::test]
async fn case_71_a_backend_service_waits_and_gets_no_token_until_it_is_let_in() {
    let clinic = Clinic::open().await;
    let service = json!({
        "token_endpoint_auth_method": "private_key_jwt", "jwks_uri": "https://service.example/jwks",
        "redirect_uris": null, "grant_types": ["client_credentials"], "scope": "system/*.rs",
    });
    let answer = post(&clinic, changed(service)).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
    let made = answer.json();
    assert_eq!(made["anteroom_status"], "waiting for the practice");
    assert_eq!(made["grant_types"], json!(["client_credentials"]));
    assert_eq!(made["response_types"], json!([]));
    let staff = changed(json!({ "scope": "openid launch user/*.rs" }));
    let staff = post(&clinic, staff).await.json();
    let mut asked = authorization("openid launch user/*.rs");
    asked.retain(|(name, _)| *name != "client_id");
    asked.push((
        "client_id",
        staff["client_id"].as_str().expect("an id").to_owned(),
    ));
    let page = clinic.browser().start(&asked).await;
    assert_eq!(page.status, StatusCode::BAD_REQUEST, "it waits");
    clinic.close().await;
}

#[tokio::test]
async fn case_72_a_flood_of_registrations_is_told_to_wait() {
    let clinic = Clinic::open().await;
    let before: i64 = apps(&clinic).await.parse().expect("a number");
    let (mut made, mut waited) = (0, 0);
    for _ in 0..1000 {
        let answer = post(&clinic, diary().to_string()).await;
        match answer.status {
            StatusCode::CREATED => made += 1,
            StatusCode::TOO_MANY_REQUESTS => {
                let seconds: u64 = answer.header("retry-after").parse().expect("seconds");
                assert!((1..=3600).contains(&seconds), "{seconds}");
                waited += 1;
            }
            other => panic!("{other}: {}", answer.text()),
        }
    }
    assert_eq!((made, waited), (20, 980));
    let rows: i64 = apps(&clinic).await.parse().expect("a number");
    assert_eq!(rows - before, 20);
    clinic.wait(Duration::hours(1));
    let answer = post(&clinic, diary().to_string()).await;
    assert_eq!(answer.status, StatusCode::CREATED);
    clinic.close().await;
}

#[tokio::test]
async fn case_72_bodies_are_small_and_json() {
    let clinic = Clinic::open().await;
    let large = changed(json!({ "note": "x".repeat(64 * 1024) }));
    assert_eq!(
        post(&clinic, large).await.status,
        StatusCode::PAYLOAD_TOO_LARGE
    );
    let form = Request::post(REGISTER)
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Body::from("client_name=x"))
        .expect("a request");
    let answer = clinic.send(form).await;
    assert_eq!(answer.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert_eq!(answer.json()["error"], "invalid_request");
    for odd in ["[]", "{", "\u{0}", &"[".repeat(5000)] {
        let answer = post(&clinic, odd.to_owned()).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{odd:.10}");
    }
    clinic.close().await;
}

#[tokio::test]
async fn case_73_nobody_reads_changes_or_deletes_a_registration() {
    let clinic = Clinic::open().await;
    let made = post(&clinic, diary().to_string()).await.json();
    assert!(made.get("registration_access_token").is_none());
    assert!(made.get("registration_client_uri").is_none());
    let id = made["client_id"].as_str().expect("an id");
    for method in ["GET", "PUT", "PATCH", "DELETE"] {
        for path in [
            REGISTER.to_owned(),
            format!("{REGISTER}?client_id={id}"),
            format!("{REGISTER}/{id}"),
        ] {
            let request = Request::builder()
                .method(method)
                .uri(&path)
                .header("authorization", "Bearer rat_invented")
                .body(Body::empty())
                .expect("a request");
            let answer = clinic.send(request).await;
            match path.starts_with(&format!("{REGISTER}/")) {
                true => assert_eq!(answer.status, StatusCode::NOT_FOUND, "{method} {path}"),
                false => {
                    assert_eq!(
                        answer.status,
                        StatusCode::METHOD_NOT_ALLOWED,
                        "{method} {path}"
                    );
                    assert_eq!(answer.header("allow"), "POST");
                }
            }
            assert!(!answer.text().contains("Health Diary"));
        }
    }
    clinic.close().await;
}

#[tokio::test]
async fn a_developer_registers_an_app_on_the_page() {
    let clinic = Clinic::open().await;
    let mut browser = clinic.browser();
    let page = browser.get("/developers/register").await;
    let fields = [
        ("name", "Health Diary"),
        ("kind", "confidential"),
        (
            "redirect_uris",
            "https://diary.example/cb\r\n\r\n https://diary.example/cb2 ",
        ),
        ("contact", "mail@diary.example"),
        ("more_scopes", "offline_access"),
    ];
    let done = browser.submit(&page, &fields).await;
    assert_eq!(done.status, StatusCode::CREATED, "{}", done.text());
    assert_eq!(done.header("cache-control"), "no-store");
    let html = done.text();
    assert!(html.contains("cs_") && html.contains("in use"), "{html}");
    let kept = "SELECT CONCAT(scope, ' ', redirect_uris, ' ', registered_by, ' ', waits) AS text \
        FROM anteroom_client WHERE contact = 'mail@diary.example'";
    assert_eq!(
        clinic.look(kept).await,
        "openid fhirUser launch/patient patient/*.rs offline_access \
         https://diary.example/cb\nhttps://diary.example/cb2 developers page 0"
    );
    clinic.close().await;
}

#[tokio::test]
async fn the_page_keeps_what_was_typed_and_marks_what_is_wrong() {
    let clinic = Clinic::open().await;
    let mut browser = clinic.browser();
    let page = browser.get("/developers/register").await;
    let fields = [
        ("name", "<b>Diary</b>"),
        ("kind", "asymmetric"),
        ("redirect_uris", "http://diary.example/cb"),
        ("jwks", "{\"keys\": 7}"),
        ("client_uri", "javascript:alert(1)"),
        ("more_scopes", "everything"),
    ];
    let again = browser.submit(&page, &fields).await;
    assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY);
    let html = again.text();
    for field in ["redirect_uris", "jwks", "client_uri", "scope"] {
        assert!(html.contains(&format!("id=\"{field}-error\"")), "{field}");
    }
    assert!(!html.contains("<b>Diary"), "case 173");
    assert!(html.contains("value=\"everything\""), "kept");
    assert!(!html.contains("id=\"name-error\""));
    clinic.close().await;
}

#[tokio::test]
async fn case_23_the_form_is_bound_to_its_browser() {
    let clinic = Clinic::open().await;
    let before = apps(&clinic).await;
    let fields = [
        ("name", "Health Diary".to_owned()),
        ("kind", "public".to_owned()),
        ("redirect_uris", "https://diary.example/cb".to_owned()),
        ("scope", "patient/*.rs".to_owned()),
    ];
    let mut stranger = clinic.browser();
    let without_cookie = stranger.post("/developers/register", &fields).await;
    assert_eq!(without_cookie.status, StatusCode::FORBIDDEN);
    stranger.get("/developers/register").await;
    let without_token = stranger.post("/developers/register", &fields).await;
    assert_eq!(without_token.status, StatusCode::FORBIDDEN);
    assert_eq!(apps(&clinic).await, before);
    clinic.close().await;
}
