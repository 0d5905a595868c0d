//! The standalone launch of a public app: AZ-1 to AZ-15 and the attacks of `security.md` 1.1.

use axum::body::Body;
use axum::http::Request;
use axum::http::StatusCode;

use crate::clinic::CALLBACK;
use crate::clinic::Clinic;
use crate::clinic::EVERYTHING;
use crate::clinic::browser::authorization;
use crate::clinic::browser::encoded;
use crate::clinic::browser::parameter;

pub(super) fn with(name: &'static str, value: &str) -> Vec<(&'static str, String)> {
    let mut pairs = authorization(EVERYTHING);
    pairs.retain(|(known, _)| *known != name);
    if !value.is_empty() {
        pairs.push((name, value.to_owned()));
    }
    pairs
}

#[tokio::test]
async fn az_1_get_and_post_lead_to_the_same_login() {
    let clinic = Clinic::open().await;
    let got = clinic.browser().start(&authorization(EVERYTHING)).await;
    assert_eq!(got.status, StatusCode::OK);
    assert!(got.text().contains("name=\"password\""));
    let mut browser = clinic.browser();
    let posted = browser
        .post("/oauth2/authorize", &authorization(EVERYTHING))
        .await;
    let posted = browser.follow(posted).await;
    assert!(posted.text().contains("name=\"password\""));
    clinic.close().await;
}

#[tokio::test]
async fn case_1_2_6_9_no_redirect_to_where_nobody_registered() {
    let clinic = Clinic::open().await;
    let odd = [
        "http://127.0.0.1:8765/callback?x=1",
        "http://127.0.0.1:8765/callback/",
        "http://127.0.0.1:8765/CALLBACK",
        "http://127.0.0.1:8765/callback%2f",
        "http://127.0.0.1:8765/callback#f",
        "https://127.0.0.1:8765/callback",
        "http://127.0.0.1:8765@evil.example/callback",
        "http://127.0.0.1.evil.example/callback",
        "http://evil\\@127.0.0.1:8765/callback",
        "http://127.0.0.1:8765/callback\r\nX: 1",
        "//127.0.0.1:8765/callback",
        "http://127.0.0.1:8765/cb/../callback",
        "http://localhost:8765/callback",
        "javascript:alert(1)",
        "",
    ];
    let mut requests: Vec<Vec<(&'static str, String)>> = odd
        .iter()
        .map(|redirect| with("redirect_uri", redirect))
        .collect();
    requests.push(with("client_id", "nobody"));
    requests.push(with("client_id", ""));
    let mut twice = authorization(EVERYTHING);
    twice.push(("redirect_uri", "https://evil.example/".to_owned()));
    requests.push(twice);
    let mut twice = authorization(EVERYTHING);
    twice.push(("client_id", "nobody".to_owned()));
    requests.push(twice);
    let mut words = Vec::new();
    for pairs in requests {
        let answer = clinic
            .browser()
            .get(&format!("/oauth2/authorize?{}", encoded(&pairs)))
            .await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{pairs:?}");
        assert_eq!(answer.header("location"), "");
        words.push(answer.text().replace(answer.header("x-request-id"), ""));
    }
    assert!(
        words.iter().all(|text| *text == words[0]),
        "unknown app and unknown address look alike"
    );
    clinic.close().await;
}

#[tokio::test]
async fn case_4_a_loopback_address_may_differ_in_its_port() {
    let clinic = Clinic::open().await;
    let answer = clinic
        .browser()
        .start(&with("redirect_uri", "http://127.0.0.1:51004/callback"))
        .await;
    assert!(answer.text().contains("name=\"password\""));
    clinic.close().await;
}

#[tokio::test]
async fn case_7_11_13_16_17_18_28_errors_go_back_to_the_app_with_state_and_iss() {
    let clinic = Clinic::open().await;
    for (name, value, error) in [
        ("response_type", "token", "unsupported_response_type"),
        ("response_type", "code token", "unsupported_response_type"),
        ("code_challenge_method", "plain", "invalid_request"),
        ("code_challenge_method", "", "invalid_request"),
        ("code_challenge", "", "invalid_request"),
        ("code_challenge", "short", "invalid_request"),
        ("aud", "https://evil.example/fhir", "invalid_request"),
        ("aud", "", "invalid_request"),
        ("aud", "http://127.0.0.1:8080/FHIR", "invalid_request"),
        ("scope", "user/*.rs system/*.rs admin", "invalid_scope"),
        (
            "scope",
            "patient/DocumentReference.rs?patient=x",
            "invalid_scope",
        ),
        (
            "request",
            "eyJhbGciOiJub25lIn0.e30.",
            "request_not_supported",
        ),
        (
            "request_uri",
            "http://169.254.169.254/",
            "request_uri_not_supported",
        ),
        ("response_type", "none", "unsupported_response_type"),
        ("response_type", "id_token", "unsupported_response_type"),
        ("code_challenge_method", "S512", "invalid_request"),
        (
            "aud",
            "http://127.0.0.1:8080/fhir/../fhir",
            "invalid_request",
        ),
        (
            "scope",
            "patient/DocumentReference.rs?_include=*",
            "invalid_scope",
        ),
        (
            "scope",
            "patient/DocumentReference.rs?subject.name=x",
            "invalid_scope",
        ),
        (
            "scope",
            "patient/DocumentReference.rs?category:in=x",
            "invalid_scope",
        ),
        ("scope", "patient/Observation.rs?code:in=x", "invalid_scope"),
        ("launch", "lt_invented", "invalid_request"),
        ("prompt", "none", "login_required"),
    ] {
        let pairs = with(name, value);
        let answer = clinic
            .browser()
            .get(&format!("/oauth2/authorize?{}", encoded(&pairs)))
            .await;
        let place = answer.header("location");
        assert!(
            place.starts_with(CALLBACK),
            "{name}={value}: {} {place}",
            answer.status
        );
        assert_eq!(
            parameter(place, "error").as_deref(),
            Some(error),
            "{name}={value}"
        );
        assert_eq!(
            parameter(place, "state").as_deref(),
            Some("state-of-the-app")
        );
        assert_eq!(
            parameter(place, "iss").as_deref(),
            Some("http://127.0.0.1:8080")
        );
        assert_eq!(parameter(place, "code"), None);
    }
    let answer = clinic
        .browser()
        .get(&format!(
            "/oauth2/authorize?{}",
            encoded(&with("state", ""))
        ))
        .await;
    assert_eq!(
        parameter(answer.header("location"), "error").as_deref(),
        Some("invalid_request"),
        "AZ-5"
    );
    clinic.close().await;
}

#[tokio::test]
async fn case_12_the_state_comes_back_byte_for_byte() {
    let clinic = Clinic::open().await;
    let state = "a\"b<script>&=%20 \u{fc}+";
    let mut browser = clinic.browser();
    let form = browser.start(&with("state", state)).await;
    assert!(!form.text().contains("<script>&="));
    let consent = browser.log_in(&form, clinic.patient("active")).await;
    let done = browser.submit(&consent, &[("decision", "approve")]).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER);
    assert_eq!(
        parameter(done.header("location"), "state").as_deref(),
        Some(state)
    );
    clinic.close().await;
}

#[tokio::test]
async fn az_10_the_patient_takes_a_scope_out() {
    let clinic = Clinic::open().await;
    let mut browser = clinic.browser();
    let scope = "openid launch/patient patient/Patient.rs patient/Appointment.rs patient/DocumentReference.rs";
    let form = browser.start(&authorization(scope)).await;
    let consent = browser.log_in(&form, clinic.patient("active")).await;
    let html = consent.text();
    assert!(html.contains("value=\"patient/Appointment.rs\""));
    let csrf = html
        .split("name=\"csrf\" value=\"")
        .nth(1)
        .and_then(|rest| rest.split('"').next())
        .expect("csrf")
        .to_owned();
    let action = html
        .split("action=\"")
        .nth(1)
        .and_then(|rest| rest.split('"').next())
        .expect("action")
        .to_owned();
    let done = browser
        .post(
            &action,
            &[
                ("csrf", csrf),
                ("decision", "approve".to_owned()),
                ("scope", "patient/Patient.rs".to_owned()),
                ("scope", "patient/Appointment.rs".to_owned()),
                // Not asked for, so not granted, whatever the form says (case 8).
                ("scope", "patient/*.rus".to_owned()),
            ],
        )
        .await;
    let code = parameter(done.header("location"), "code").expect("a code");
    let token = browser.exchange(&code).await.json();
    assert_eq!(
        token["scope"],
        "openid launch/patient patient/Patient.rs patient/Appointment.rs"
    );
    let token = token["access_token"].as_str().expect("a token");
    assert_eq!(
        clinic.get("/fhir/DocumentReference", token).await.status,
        StatusCode::FORBIDDEN
    );
    assert_eq!(
        clinic.get("/fhir/Appointment", token).await.status,
        StatusCode::OK
    );
    clinic.close().await;
}

#[tokio::test]
async fn a_no_on_the_consent_page_is_a_no_to_the_app() {
    let clinic = Clinic::open().await;
    let mut browser = clinic.browser();
    let form = browser.start(&authorization(EVERYTHING)).await;
    let consent = browser.log_in(&form, clinic.patient("active")).await;
    let done = browser.submit(&consent, &[("decision", "deny")]).await;
    let place = done.header("location");
    assert_eq!(parameter(place, "error").as_deref(), Some("access_denied"));
    assert_eq!(
        parameter(place, "state").as_deref(),
        Some("state-of-the-app")
    );
    clinic.close().await;
}

#[tokio::test]
async fn case_23_24_27_a_form_belongs_to_its_page_browser_and_login() {
    let clinic = Clinic::open().await;
    let maria = clinic.patient("active");
    let mut browser = clinic.browser();
    let form = browser.start(&authorization(EVERYTHING)).await;
    let html = form.text();
    let action = html
        .split("action=\"")
        .nth(1)
        .and_then(|rest| rest.split('"').next())
        .expect("action")
        .to_owned();
    let fields = |csrf: &str| {
        encoded(&[
            ("username", maria.username.as_str()),
            ("password", maria.password.as_str()),
            ("csrf", csrf),
        ])
    };
    let csrf = html
        .split("name=\"csrf\" value=\"")
        .nth(1)
        .and_then(|rest| rest.split('"').next())
        .expect("csrf")
        .to_owned();
    let post = |action: &str| {
        Request::post(action).header("content-type", "application/x-www-form-urlencoded")
    };
    let foreign = browser
        .send(
            post(&action).header("origin", "https://evil.example"),
            Body::from(fields(&csrf)),
        )
        .await;
    assert_eq!(foreign.status, StatusCode::FORBIDDEN);
    let cross = browser
        .send(
            post(&action).header("sec-fetch-site", "cross-site"),
            Body::from(fields(&csrf)),
        )
        .await;
    assert_eq!(cross.status, StatusCode::FORBIDDEN);
    let without = browser.send(post(&action), Body::from(fields(""))).await;
    assert_eq!(without.status, StatusCode::FORBIDDEN);
    // Another browser, with a visitor of its own, cannot use this request.
    let mut other = clinic.browser();
    other.start(&authorization(EVERYTHING)).await;
    let stolen = other.get(&action).await;
    assert_eq!(stolen.status, StatusCode::BAD_REQUEST);
    assert!(stolen.text().contains("expired"));
    // The right one still works.
    let right = browser.send(post(&action), Body::from(fields(&csrf))).await;
    assert_eq!(right.status, StatusCode::SEE_OTHER);
    clinic.close().await;
}

#[tokio::test]
async fn case_21_22_29_174_the_headers_of_every_page() {
    let clinic = Clinic::open().await;
    let mut browser = clinic.browser();
    let login = browser.start(&authorization(EVERYTHING)).await;
    let mut pages = vec![login];
    for path in ["/", "/help", "/developers", "/app", "/login", "/nowhere"] {
        pages.push(browser.get(path).await);
    }
    for page in pages {
        let policy = page.header("content-security-policy");
        assert!(
            policy.contains("frame-ancestors 'none'") && policy.contains("default-src 'none'"),
            "{policy}"
        );
        assert!(!policy.contains("unsafe-inline"));
        assert_eq!(page.header("x-frame-options"), "DENY");
        assert_eq!(page.header("referrer-policy"), "no-referrer");
        assert_eq!(page.header("cache-control"), "no-store");
        assert_eq!(page.header("x-content-type-options"), "nosniff");
        assert_eq!(page.header("access-control-allow-origin"), "");
    }
    clinic.close().await;
}

#[tokio::test]
async fn f001_with_the_portal_off_nobody_gets_in() {
    let clinic = Clinic::open().await;
    let db = clinic.app.emr.db.clone();
    db.script("UPDATE globals SET gl_value = '0' WHERE gl_name = 'portal_onsite_two_enable'")
        .await
        .expect("switched off");
    clinic.wait(time::Duration::seconds(10));
    let answer = clinic.browser().start(&authorization(EVERYTHING)).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert!(
        answer.text().contains("portal switched off"),
        "{}",
        answer.text()
    );
    clinic.close().await;
}
