//! More attacks on the authorization endpoint (`security.md` 1.1): what is asked, added, fetched, and silently wanted.

use axum::http::StatusCode;
use time::Duration;

use crate::auth::launch::with;
use crate::clinic::CALLBACK;
use crate::clinic::Clinic;
use crate::clinic::EVERYTHING;
use crate::clinic::browser::authorization;
use crate::clinic::browser::encoded;
use crate::clinic::browser::parameter;

#[tokio::test]
async fn case_3_an_app_must_say_where_to_answer() {
    let clinic = Clinic::open().await;
    let answer = clinic
        .browser()
        .get(&format!(
            "/oauth2/authorize?{}",
            encoded(&with("redirect_uri", ""))
        ))
        .await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert_eq!(answer.header("location"), "");
    clinic.close().await;
}

#[tokio::test]
async fn case_8_what_a_form_adds_to_the_stored_request_is_ignored() {
    let clinic = Clinic::open().await;
    let maria = clinic.patient("active");
    let mut browser = clinic.browser();
    let form = browser
        .start(&authorization("openid launch/patient patient/Patient.rs"))
        .await;
    let evil = [
        ("response_type", "token"),
        ("redirect_uri", "https://evil.example/"),
        ("scope", "patient/*.cruds"),
        ("client_id", "demo-backend"),
    ];
    let mut fields = vec![
        ("username", maria.username.as_str()),
        ("password", maria.password.as_str()),
    ];
    fields.extend(evil);
    let answer = browser.submit(&form, &fields).await;
    let consent = browser.follow(answer).await;
    let mut fields = vec![("decision", "approve")];
    fields.extend(evil);
    let done = browser.submit(&consent, &fields).await;
    let place = done.header("location").to_owned();
    assert!(place.starts_with(CALLBACK), "{place}");
    let code = parameter(&place, "code").expect("a code");
    let tokens = browser.exchange(&code).await.json();
    assert_eq!(tokens["scope"], "openid launch/patient patient/Patient.rs");
    clinic.close().await;
}

#[tokio::test]
async fn case_14_only_what_is_registered_is_offered_and_the_rest_is_told() {
    let clinic = Clinic::open().await;
    let maria = clinic.patient("active");
    let mut browser = clinic.browser();
    let scope = "patient/Patient.cruds patient/Patient.rs system/*.rs openid launch/patient admin";
    let form = browser.start(&authorization(scope)).await;
    let consent = browser.log_in(&form, maria).await;
    assert_eq!(consent.status, StatusCode::OK);
    for dropped in ["patient/Patient.cruds", "system/*.rs", "admin"] {
        let offered = format!("value=\"{dropped}\"");
        assert!(!consent.text().contains(&offered), "{dropped} is offered");
        assert!(consent.text().contains(dropped), "{dropped} is told");
    }
    let done = browser.submit(&consent, &[("decision", "approve")]).await;
    let code = parameter(done.header("location"), "code").expect("a code");
    let tokens = browser.exchange(&code).await.json();
    assert_eq!(tokens["scope"], "patient/Patient.rs openid launch/patient");
    clinic.close().await;
}

#[tokio::test]
async fn case_17_a_request_object_is_never_fetched() {
    let clinic = Clinic::open().await;
    let canary = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let port = canary.local_addr().expect("an address").port();
    for name in ["request_uri", "registration", "request"] {
        let url = format!("http://127.0.0.1:{port}/{name}");
        let answer = clinic
            .browser()
            .get(&format!("/oauth2/authorize?{}", encoded(&with(name, &url))))
            .await;
        let error = parameter(answer.header("location"), "error").expect("an error");
        assert!(error.ends_with("_not_supported"), "{error}");
    }
    let knock = tokio::time::timeout(std::time::Duration::from_millis(50), canary.accept()).await;
    assert!(knock.is_err(), "nobody knocked");
    clinic.close().await;
}

#[tokio::test]
async fn case_19_a_session_without_consent_gives_no_code_silently() {
    let clinic = Clinic::open().await;
    let maria = clinic.patient("active");
    let mut browser = clinic.browser();
    browser.code(maria, EVERYTHING).await;
    let silent = with("prompt", "none");
    let answer = browser
        .get(&format!("/oauth2/authorize?{}", encoded(&silent)))
        .await;
    let place = answer.header("location");
    assert_eq!(parameter(place, "code"), None);
    // Anybody on the machine may listen on a loopback address, so a grant given before is no consent there.
    assert_eq!(
        parameter(place, "error").as_deref(),
        Some("consent_required")
    );
    clinic.close().await;
}

#[tokio::test]
async fn case_31_a_login_that_is_too_old_or_too_weak_is_made_again() {
    let clinic = Clinic::open().await;
    let maria = clinic.patient("active");
    for (name, value) in [
        ("max_age", "0"),
        ("prompt", "login"),
        ("acr_values", "urn:example:second-factor"),
    ] {
        let mut browser = clinic.browser();
        let first = browser.launch(maria, EVERYTHING).await;
        clinic.wait(Duration::seconds(5));
        let page = browser.start(&with(name, value)).await;
        assert!(
            page.text().contains("name=\"password\""),
            "{name}={value} asks for the password"
        );
        let consent = browser.log_in(&page, maria).await;
        let done = browser.submit(&consent, &[("decision", "approve")]).await;
        let code = parameter(done.header("location"), "code").expect("a code");
        let second = browser.exchange(&code).await.json();
        assert!(
            auth_time(&second) > auth_time(&first),
            "{name}={value} gives a new auth_time"
        );
    }
    clinic.close().await;
}

fn auth_time(tokens: &serde_json::Value) -> i64 {
    let token = tokens["id_token"].as_str().expect("an id token");
    let claims = token.split('.').nth(1).expect("claims");
    let bytes = anteroom::crypto::from_base64url(claims).expect("base64url");
    let claims: serde_json::Value = serde_json::from_slice(&bytes).expect("JSON");
    claims["auth_time"].as_i64().expect("a time")
}

#[tokio::test]
async fn a_prefetchers_look_begins_nothing() {
    let clinic = Clinic::open().await;
    let path = format!("/oauth2/authorize?{}", encoded(&authorization(EVERYTHING)));
    let request = axum::http::Request::head(path).body(axum::body::Body::empty());
    let answer = clinic.send(request.expect("a request")).await;
    assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
    let begun = "SELECT CAST(COUNT(*) AS CHAR) AS text FROM anteroom_authorization";
    assert_eq!(clinic.look(begun).await, "0");
    clinic.close().await;
}
