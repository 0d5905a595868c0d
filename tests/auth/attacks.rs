//! Attacks on the doors themselves: requests that are too much, too odd, or sent by somebody in the patient's way.

use std::collections::HashSet;

use anteroom::crypto;
use anteroom::crypto::Entropy;
use anteroom::crypto::SystemEntropy;
use axum::body::Body;
use axum::http::Request;
use axum::http::StatusCode;
use time::Duration;

use crate::clinic::APP;
use crate::clinic::Clinic;
use crate::clinic::EVERYTHING;
use crate::clinic::browser::authorization;
use crate::clinic::browser::encoded;
use crate::clinic::engine::LAYOUTS;

#[tokio::test]
async fn a_form_of_very_many_fields_is_refused_before_it_is_looked_through() {
    let clinic = Clinic::open().await;
    let fields: Vec<String> = (0..50_000).map(|n| format!("{n:x}=")).collect();
    let fields = fields.join("&");
    for (path, status) in [
        ("/oauth2/token", StatusCode::BAD_REQUEST),
        ("/oauth2/authorize", StatusCode::PAYLOAD_TOO_LARGE),
    ] {
        let request = Request::post(path)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Body::from(fields.clone()))
            .expect("a request");
        assert_eq!(clinic.send(request).await.status, status, "{path}");
    }
    clinic.close().await;
}

#[tokio::test]
async fn a_state_too_long_to_carry_is_not_carried() {
    let clinic = Clinic::open().await;
    let mut asked = authorization(EVERYTHING);
    for pair in &mut asked {
        if pair.0 == "state" {
            pair.1 = "x".repeat(100_000);
        }
    }
    let answer = clinic.browser().post("/oauth2/authorize", &asked).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert!(answer.header("location").contains("error=invalid_request"));
    assert!(answer.header("location").len() < 500);
    clinic.close().await;
}

#[tokio::test]
async fn cases_21_182_refusals_of_the_outer_layer_are_as_careful_as_any_other() {
    let clinic = Clinic::open().await;
    let long = "x".repeat(9000);
    let get = async |path: String| {
        let request = Request::get(path).body(Body::empty()).expect("a request");
        clinic.send(request).await
    };
    let page = get(format!("/login?request={long}")).await;
    assert_eq!(page.status, StatusCode::URI_TOO_LONG);
    assert_eq!(page.header("x-frame-options"), "DENY");
    assert_eq!(page.header("cache-control"), "no-store");
    assert!(
        page.header("content-security-policy")
            .contains("frame-ancestors 'none'")
    );
    let machine = get(format!("/oauth2/userinfo?x={long}")).await;
    assert_eq!(machine.json()["error"], "invalid_request");
    assert_eq!(machine.header("access-control-allow-origin"), "*");
    let fhir = get(format!("/fhir/Patient?x={long}")).await;
    assert_eq!(fhir.issue(), "too-long");
    assert_eq!(fhir.header("access-control-allow-origin"), "*");
    clinic.close().await;
}

#[tokio::test]
async fn case_182_a_path_that_is_no_text_is_nowhere() {
    let clinic = Clinic::open().await;
    let token = clinic.token(clinic.patient("active"), EVERYTHING).await;
    for path in ["/fhir/%ff", "/fhir/Patient/%ff"] {
        let answer = clinic.get(path, &token).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
        assert_eq!(answer.issue(), "not-found");
        let stranger = clinic.get(path, "at_nobody").await;
        assert_eq!(stranger.status, StatusCode::UNAUTHORIZED, "{path}");
    }
    let put = Request::put("/fhir/Appointment/%ff")
        .header("authorization", format!("Bearer {token}"))
        .body(Body::empty())
        .expect("a request");
    assert_eq!(clinic.send(put).await.issue(), "not-found");
    let post = Request::post("/fhir/metadata")
        .body(Body::empty())
        .expect("a request");
    let answer = clinic.send(post).await;
    assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(answer.issue(), "not-supported");
    clinic.close().await;
}

#[tokio::test]
async fn case_42_a_secret_of_an_app_that_has_none_is_refused() {
    let clinic = Clinic::open().await;
    let body = encoded(&[
        ("grant_type", "refresh_token"),
        ("refresh_token", "rt_x"),
        ("client_id", APP),
    ]);
    // demo-public:secret
    let request = Request::post("/oauth2/token")
        .header("content-type", "application/x-www-form-urlencoded")
        .header("authorization", "Basic ZGVtby1wdWJsaWM6c2VjcmV0")
        .body(Body::from(body))
        .expect("a request");
    let answer = clinic.send(request).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    assert_eq!(answer.json()["error"], "invalid_client");
    clinic.close().await;
}

#[tokio::test]
async fn ids_in_any_script_are_unknown_and_break_nothing_in_every_layout() {
    for layout in LAYOUTS {
        let Some(clinic) = Clinic::on_mariadb(layout).await else {
            return;
        };
        for odd in ["é", "😀", "\u{202e}"] {
            let mut browser = clinic.browser();
            browser.start(&authorization(EVERYTHING)).await;
            let path = format!("/login?{}", encoded(&[("request", odd)]));
            assert_eq!(browser.get(&path).await.status, StatusCode::BAD_REQUEST);
            let fields = [
                ("grant_type", "authorization_code"),
                ("client_id", odd),
                ("code", odd),
            ];
            let token = browser.token_request(&fields).await;
            assert_eq!(token.status, StatusCode::UNAUTHORIZED, "{odd}");
        }
        clinic.close().await;
    }
}

#[tokio::test]
async fn every_line_of_the_ledger_names_its_request_and_a_revocation_is_told_once() {
    let clinic = Clinic::open().await;
    let mut browser = clinic.browser();
    let code = browser.code(clinic.patient("active"), EVERYTHING).await;
    let first = browser.exchange(&code).await;
    assert_eq!(first.status, StatusCode::OK);
    for _ in 0..3 {
        let again = browser.exchange(&code).await;
        assert_eq!(again.json()["error"], "invalid_grant");
    }
    let told = clinic
        .look("SELECT request_id AS text FROM anteroom_audit WHERE action = 'token.issue'")
        .await;
    assert_eq!(told, first.header("x-request-id"));
    // What the command line and the sandbox do is no request.
    let nameless = "SELECT CAST(COUNT(*) AS CHAR) AS text FROM anteroom_audit \
        WHERE request_id = '' AND action NOT LIKE 'client.%'";
    assert_eq!(clinic.look(nameless).await, "0");
    let revoked =
        "SELECT CAST(COUNT(*) AS CHAR) AS text FROM anteroom_audit WHERE action = 'grant.revoke'";
    assert_eq!(clinic.look(revoked).await, "1");
    clinic.close().await;
}

#[tokio::test]
async fn case_92_who_is_locked_out_on_purpose_still_gets_in_where_they_have_been_before() {
    let clinic = Clinic::open().await;
    let maria = clinic.patient("active");
    let mut own = clinic.browser();
    own.launch(maria, EVERYTHING).await;
    let mut stranger = clinic.browser();
    let form = stranger.start(&authorization(EVERYTHING)).await;
    for _ in 0..7 {
        let guess = [("username", maria.username.as_str()), ("password", "guess")];
        stranger.submit(&form, &guess).await;
    }
    let refused = stranger.log_in(&form, maria).await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    let mut asked = authorization(EVERYTHING);
    asked.push(("prompt", "login".to_owned()));
    let form = own.start(&asked).await;
    let consent = own.log_in(&form, maria).await;
    let consent = own.follow(consent).await;
    assert!(consent.text().contains("decision"), "{}", consent.text());
    clinic.close().await;
}

#[tokio::test]
async fn case_156_the_practice_switches_its_portal_off() {
    let clinic = Clinic::open().await;
    let maria = clinic.patient("active");
    let token = clinic.token(maria, EVERYTHING).await;
    let path = format!("/fhir/Patient/{}", maria.id);
    assert_eq!(clinic.get(&path, &token).await.status, StatusCode::OK);
    let off = "UPDATE globals SET gl_value = '0' WHERE gl_name = 'portal_onsite_two_enable'";
    clinic.app.emr.db.script(off).await.expect("a change");
    clinic.wait(time::Duration::seconds(6));
    let answer = clinic.get(&path, &token).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    clinic.close().await;
}

#[tokio::test]
async fn a_wrong_login_takes_as_long_whatever_the_hash_and_for_nobody() {
    let clinic = Clinic::open().await;
    let mut names: Vec<&str> = clinic
        .patients("active")
        .map(|one| one.username.as_str())
        .collect();
    names.push("nobody.at.all");
    for name in names {
        let mut browser = clinic.browser();
        let form = browser.start(&authorization(EVERYTHING)).await;
        let guess = [("username", name), ("password", "guess")];
        let soon = std::time::Duration::from_millis(450);
        let answer = tokio::time::timeout(soon, browser.submit(&form, &guess)).await;
        assert!(answer.is_err(), "{name} was answered early");
    }
    clinic.close().await;
}

#[test]
fn case_98_tokens_are_256_bits_without_repeats_or_favourites() {
    const MANY: usize = 100_000;
    let mut seen = HashSet::with_capacity(MANY);
    let mut counts = [0_u32; 256];
    for _ in 0..MANY {
        let token = SystemEntropy.token().expect("randomness");
        let bytes = crypto::from_base64url(&token).expect("base64url");
        assert_eq!(bytes.len(), 32, "256 bits");
        for byte in bytes {
            counts[usize::from(byte)] += 1;
        }
        assert!(seen.insert(token), "a token came twice");
    }
    let expected = (MANY * 32 / 256) as f64;
    let square: f64 = counts
        .iter()
        .map(|count| (f64::from(*count) - expected).powi(2) / expected)
        .sum();
    // 255 degrees of freedom: seven standard deviations above the mean.
    assert!(
        square < 255.0 + 7.0 * (2.0 * 255.0_f64).sqrt(),
        "chi squared is {square}"
    );
}

#[tokio::test]
async fn case_91_a_locked_account_is_locked_on_every_way_in() {
    let clinic = Clinic::open().await;
    let maria = clinic.patient("active");
    for _ in 0..8 {
        let mut browser = clinic.browser();
        let form = browser.start(&authorization(EVERYTHING)).await;
        let wrong = [("username", maria.username.as_str()), ("password", "wrong")];
        browser.submit(&form, &wrong).await;
    }
    let good = [
        ("username", maria.username.as_str()),
        ("password", maria.password.as_str()),
    ];
    for way in ["app", "/account/apps", "/login/staff"] {
        let mut browser = clinic.browser();
        let form = match way {
            "app" => browser.start(&authorization(EVERYTHING)).await,
            "/login/staff" => {
                let begun = browser.get("/staff").await;
                browser.follow(begun).await
            }
            page => {
                let begun = browser.get(page).await;
                browser.follow(begun).await
            }
        };
        let answer = browser.submit(&form, &good).await;
        assert!(
            !answer.status.is_redirection(),
            "{way}: {} {}",
            answer.status,
            answer.header("location")
        );
    }
    let request = Request::post("/oauth2/token")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Body::from(format!(
            "grant_type=password&client_id={APP}&username={}&password={}",
            maria.username, maria.password
        )))
        .expect("a request");
    let answer = clinic.send(request).await;
    assert_eq!(answer.json()["error"], "unsupported_grant_type");
    clinic.close().await;
}

#[tokio::test]
async fn case_117_only_a_page_that_is_opened_keeps_a_session_alive() {
    let clinic = Clinic::open().await;
    for (mode, alive) in [("navigate", true), ("cors", false), ("no-cors", false)] {
        let mut browser = clinic.browser();
        browser.code(clinic.patient("active"), EVERYTHING).await;
        clinic.wait(Duration::minutes(20));
        let polled = Request::get("/account?keepalive=1&skip_timeout_reset=1")
            .header("sec-fetch-site", "same-origin")
            .header("sec-fetch-mode", mode);
        browser.send(polled, Body::empty()).await;
        clinic.wait(Duration::minutes(11));
        let answer = browser.get("/account").await;
        let inside = answer.status == StatusCode::OK;
        assert_eq!(inside, alive, "{mode}: {}", answer.status);
    }
    clinic.close().await;
}
