//! The token endpoint: TK-1 to TK-15, section 1.5 of `fhir-and-smart.md`, and the attacks of `security.md` 1.2.

use axum::body::Body;
use axum::http::Request;
use axum::http::StatusCode;
use time::Duration;

use crate::clinic::APP;
use crate::clinic::Answer;
use crate::clinic::CALLBACK;
use crate::clinic::Clinic;
use crate::clinic::EVERYTHING;
use crate::clinic::browser::VERIFIER;

fn error(answer: &Answer) -> String {
    assert_eq!(answer.header("cache-control"), "no-store");
    answer.json()["error"]
        .as_str()
        .expect("an RFC 6749 error")
        .to_owned()
}

#[tokio::test]
async fn tk_2_3_4_6_8_a_good_exchange() {
    let clinic = Clinic::open().await;
    let maria = clinic.patient("active");
    let mut browser = clinic.browser();
    let code = browser.code(maria, EVERYTHING).await;
    let answer = browser.exchange(&code).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.header("pragma"), "no-cache");
    let json = answer.json();
    assert_eq!(json["token_type"], "Bearer");
    assert_eq!(json["expires_in"], 600);
    assert_eq!(json["scope"], EVERYTHING);
    assert_eq!(json["patient"], maria.id.as_str());
    assert!(json["refresh_token"].is_string() && json["id_token"].is_string());
    clinic.close().await;
}

#[tokio::test]
async fn without_offline_access_or_openid_there_is_no_token_for_it() {
    let clinic = Clinic::open().await;
    let json = clinic
        .browser()
        .launch(
            clinic.patient("active"),
            "launch/patient patient/Patient.rs",
        )
        .await;
    assert!(json.get("refresh_token").is_none() && json.get("id_token").is_none());
    clinic.close().await;
}

#[tokio::test]
async fn tk_10_to_13_codes_are_bound_and_used_once() {
    let clinic = Clinic::open().await;
    let maria = clinic.patient("active");
    let mut browser = clinic.browser();
    let code = browser.code(maria, EVERYTHING).await;
    let base = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("redirect_uri", CALLBACK),
        ("client_id", APP),
        ("code_verifier", VERIFIER),
    ];
    for (name, value, said) in [
        (
            "code_verifier",
            "the-wrong-verifier-that-is-long-enough-0123456789",
            "invalid_grant",
        ),
        ("code_verifier", "", "invalid_request"),
        (
            "redirect_uri",
            "http://127.0.0.1:8765/other",
            "invalid_grant",
        ),
        ("redirect_uri", "", "invalid_grant"),
        ("client_id", "anteroom-sample-app", "invalid_grant"),
        ("client_id", "nobody", "invalid_client"),
        ("code", "ac_made-up", "invalid_grant"),
        ("grant_type", "password", "unsupported_grant_type"),
    ] {
        let mut pairs: Vec<(&str, &str)> = base.to_vec();
        pairs.retain(|(known, _)| *known != name);
        if !value.is_empty() {
            pairs.push((name, value));
        }
        let answer = browser.token_request(&pairs).await;
        assert!(answer.status.is_client_error(), "{name}={value}");
        assert_eq!(error(&answer), said, "{name}={value}");
    }
    let first = browser.token_request(&base).await;
    assert_eq!(
        first.status,
        StatusCode::OK,
        "mistakes of others do not spend it: {}",
        first.text()
    );
    let token = first.json()["access_token"]
        .as_str()
        .expect("a token")
        .to_owned();
    let path = format!("/fhir/Patient/{}", maria.id);
    assert_eq!(clinic.get(&path, &token).await.status, StatusCode::OK);
    let replay = browser.token_request(&base).await;
    assert_eq!(
        (replay.status, error(&replay)),
        (StatusCode::BAD_REQUEST, "invalid_grant".to_owned())
    );
    assert_eq!(
        clinic.get(&path, &token).await.status,
        StatusCode::UNAUTHORIZED,
        "case 33"
    );
    clinic.close().await;
}

#[tokio::test]
async fn case_39_a_code_lives_a_minute() {
    let clinic = Clinic::open().await;
    let mut browser = clinic.browser();
    let code = browser.code(clinic.patient("active"), EVERYTHING).await;
    clinic.wait(Duration::seconds(61));
    assert_eq!(error(&browser.exchange(&code).await), "invalid_grant");
    clinic.close().await;
}

#[tokio::test]
async fn case_34_of_fifty_at_once_one_gets_tokens() {
    let clinic = Clinic::open().await;
    let mut browser = clinic.browser();
    let code = browser.code(clinic.patient("active"), EVERYTHING).await;
    let pairs = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("redirect_uri", CALLBACK),
        ("client_id", APP),
        ("code_verifier", VERIFIER),
    ];
    let answers =
        futures_util::future::join_all((0..50).map(|_| browser.token_request(&pairs))).await;
    let good = answers
        .iter()
        .filter(|answer| answer.status == StatusCode::OK)
        .count();
    assert!(good <= 1, "{good}");
    assert!(
        answers
            .iter()
            .all(|answer| !answer.status.is_server_error())
    );
    clinic.close().await;
}

#[tokio::test]
async fn case_44_refresh_rotates_narrows_and_never_widens() {
    let clinic = Clinic::open().await;
    let maria = clinic.patient("active");
    let mut browser = clinic.browser();
    let scope = "openid launch/patient offline_access patient/Patient.rs patient/Appointment.rs";
    let first = browser.launch(maria, scope).await;
    let second = browser
        .refresh(first["refresh_token"].as_str().expect("a token"))
        .await;
    assert_eq!(second.status, StatusCode::OK, "{}", second.text());
    assert_eq!(second.header("pragma"), "no-cache");
    let second = second.json();
    assert_eq!(second["scope"], scope);
    assert_eq!(second["patient"], maria.id.as_str());
    assert_ne!(second["refresh_token"], first["refresh_token"]);
    let token = second["refresh_token"].as_str().expect("a token");
    let refresh = |token: &str, scope: &str| {
        [
            ("grant_type", "refresh_token".to_owned()),
            ("refresh_token", token.to_owned()),
            ("client_id", APP.to_owned()),
            ("scope", scope.to_owned()),
        ]
    };
    let wider = refresh(token, "patient/*.rus");
    let wider: Vec<(&str, &str)> = wider
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    let answer = browser.token_request(&wider).await;
    assert_eq!(error(&answer), "invalid_scope");
    let narrow = refresh(token, "patient/Patient.rs");
    let narrow: Vec<(&str, &str)> = narrow
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    let third = browser.token_request(&narrow).await;
    assert_eq!(
        third.status,
        StatusCode::OK,
        "a refused request spends nothing: {}",
        third.text()
    );
    let third = third.json();
    assert_eq!(third["scope"], "patient/Patient.rs");
    let access = third["access_token"].as_str().expect("a token");
    assert_eq!(
        clinic.get("/fhir/Appointment", access).await.status,
        StatusCode::FORBIDDEN
    );
    let fourth = browser
        .refresh(third["refresh_token"].as_str().expect("a token"))
        .await
        .json();
    assert_eq!(fourth["scope"], scope, "case 44: back up to the grant");
    clinic.close().await;
}

#[tokio::test]
async fn case_46_a_stolen_refresh_token_ends_the_family() {
    let clinic = Clinic::open().await;
    let mut browser = clinic.browser();
    let first = browser.launch(clinic.patient("active"), EVERYTHING).await;
    let old = first["refresh_token"].as_str().expect("a token");
    let second = browser.refresh(old).await.json();
    let third = browser
        .refresh(second["refresh_token"].as_str().expect("a token"))
        .await
        .json();
    clinic.wait(Duration::seconds(31));
    assert_eq!(error(&browser.refresh(old).await), "invalid_grant");
    assert_eq!(
        error(
            &browser
                .refresh(third["refresh_token"].as_str().expect("a token"))
                .await
        ),
        "invalid_grant"
    );
    let access = third["access_token"].as_str().expect("a token");
    assert_eq!(
        clinic.get("/fhir/Patient", access).await.status,
        StatusCode::UNAUTHORIZED
    );
    clinic.close().await;
}

#[tokio::test]
async fn a_lost_answer_may_be_asked_for_again_for_half_a_minute() {
    let clinic = Clinic::open().await;
    let mut browser = clinic.browser();
    let first = browser.launch(clinic.patient("active"), EVERYTHING).await;
    let old = first["refresh_token"].as_str().expect("a token");
    let lost = browser.refresh(old).await.json();
    let again = browser.refresh(old).await;
    assert_eq!(again.status, StatusCode::OK, "{}", again.text());
    let unused = lost["access_token"].as_str().expect("a token");
    assert_eq!(
        clinic.get("/fhir/Patient", unused).await.status,
        StatusCode::UNAUTHORIZED
    );
    clinic.close().await;
}

#[tokio::test]
async fn case_66_a_token_is_only_good_for_what_it_is() {
    let clinic = Clinic::open().await;
    let json = clinic
        .browser()
        .launch(clinic.patient("active"), EVERYTHING)
        .await;
    let access = json["access_token"].as_str().expect("a token");
    for wrong in [
        json["refresh_token"].as_str().expect("a token").to_owned(),
        json["id_token"].as_str().expect("a token").to_owned(),
        access[..access.len() - 1].to_owned(),
        format!("{access}A"),
        access.to_uppercase(),
        String::new(),
    ] {
        let answer = clinic.get("/fhir/Patient", &wrong).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
        assert!(
            answer
                .header("www-authenticate")
                .starts_with("Bearer realm=")
        );
    }
    clinic.wait(Duration::seconds(601));
    assert_eq!(
        clinic.get("/fhir/Patient", access).await.status,
        StatusCode::UNAUTHORIZED,
        "ten minutes"
    );
    clinic.close().await;
}

#[tokio::test]
async fn case_41_only_one_way_to_ask() {
    let clinic = Clinic::open().await;
    let request = Request::post("/oauth2/token")
        .header("content-type", "application/json")
        .body(Body::from("{}"));
    let json = clinic.send(request.expect("a request")).await;
    assert_eq!(
        (json.status, error(&json)),
        (StatusCode::BAD_REQUEST, "invalid_request".to_owned())
    );
    let get = clinic.get("/oauth2/token", "").await;
    assert_eq!(
        (get.status, error(&get)),
        (StatusCode::METHOD_NOT_ALLOWED, "invalid_request".to_owned())
    );
    let browser = clinic.browser();
    let twice = browser
        .token_request(&[
            ("grant_type", "refresh_token"),
            ("grant_type", "authorization_code"),
            ("client_id", APP),
        ])
        .await;
    assert_eq!(error(&twice), "invalid_request");
    clinic.close().await;
}

#[tokio::test]
async fn only_digests_of_secrets_are_stored() {
    let clinic = Clinic::open().await;
    let json = clinic
        .browser()
        .launch(clinic.patient("active"), EVERYTHING)
        .await;
    let stored = clinic
        .look("SELECT GROUP_CONCAT(token_hash) AS text FROM anteroom_token")
        .await;
    for name in ["access_token", "refresh_token"] {
        let secret = json[name].as_str().expect("a token");
        assert!(!stored.contains(&secret[3..]));
        assert!(stored.contains(&anteroom::crypto::fingerprint(secret)));
    }
    clinic.close().await;
}

#[tokio::test]
async fn userinfo_tells_who_and_nothing_more() {
    let clinic = Clinic::open().await;
    let maria = clinic.patient("active");
    let token = clinic.token(maria, EVERYTHING).await;
    let answer = clinic.get("/oauth2/userinfo", &token).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    let json = answer.json();
    assert_eq!(
        json["fhirUser"],
        format!("http://127.0.0.1:8080/fhir/Patient/{}", maria.id)
    );
    assert!(!answer.text().contains(&maria.email) && !answer.text().contains(&maria.name));
    let plain = clinic
        .token(maria, "launch/patient patient/Patient.rs")
        .await;
    assert_eq!(
        clinic.get("/oauth2/userinfo", &plain).await.status,
        StatusCode::FORBIDDEN
    );
    assert_eq!(
        clinic.get("/oauth2/userinfo", "x").await.status,
        StatusCode::UNAUTHORIZED
    );
    clinic.close().await;
}
