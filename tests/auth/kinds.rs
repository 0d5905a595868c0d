//! Every kind of client over HTTP: how it proves itself, what it gets, and what it is refused (SMART 2.2; RFC 6749, 2.3;
//! RFC 7523; `security.md` 1.2).

use axum::body::Body;
use axum::http::Request;
use axum::http::StatusCode;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::clinic::Answer;
use crate::clinic::CALLBACK;
use crate::clinic::Clinic;
use crate::clinic::assertion;
use crate::clinic::browser::VERIFIER;
use crate::clinic::browser::authorization;
use crate::clinic::browser::encoded;
use crate::clinic::browser::parameter;

const TOKEN: &str = "http://127.0.0.1:8080/oauth2/token";
const SCOPE: &str = "openid launch/patient offline_access patient/Patient.rs";

/// A form to an endpoint for machines, with or without HTTP Basic.
async fn post(
    clinic: &Clinic,
    path: &str,
    basic: Option<(&str, &str)>,
    form: &[(&str, &str)],
) -> Answer {
    let mut request =
        Request::post(path).header("content-type", "application/x-www-form-urlencoded");
    if let Some((id, secret)) = basic {
        let word = STANDARD.encode(format!("{id}:{secret}"));
        request = request.header("authorization", format!("Basic {word}"));
    }
    let request = request.body(Body::from(encoded(form)));
    clinic.send(request.expect("a request")).await
}

/// A code for an app, by way of the pages.
async fn code(clinic: &Clinic, client_id: &str) -> String {
    let mut pairs = authorization(SCOPE);
    pairs.retain(|(name, _)| *name != "client_id");
    pairs.push(("client_id", client_id.to_owned()));
    let mut browser = clinic.browser();
    let form = browser.start(&pairs).await;
    let consent = browser.log_in(&form, clinic.patient("active")).await;
    let done = browser.submit(&consent, &[("decision", "approve")]).await;
    parameter(done.header("location"), "code").expect("a code")
}

fn exchange(code: &str) -> Vec<(&str, &str)> {
    vec![
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
    ]
}

fn now(clinic: &Clinic) -> i64 {
    clinic.app.emr.now().unix_timestamp()
}

async fn read_own(clinic: &Clinic, tokens: &Value) -> StatusCode {
    let patient = tokens["patient"].as_str().expect("a patient");
    let access = tokens["access_token"].as_str().expect("a token");
    clinic
        .get(&format!("/fhir/Patient/{patient}"), access)
        .await
        .status
}

#[tokio::test]
async fn case_43_a_secret_by_basic_or_in_the_body_and_never_without() {
    let clinic = Clinic::open().await;
    let app = clinic.app_of("confidential");
    let (id, secret) = (app.client_id.as_str(), app.client_secret.as_deref());
    let secret = secret.expect("a secret");
    let code_one = code(&clinic, id).await;
    let basic = post(
        &clinic,
        "/oauth2/token",
        Some((id, secret)),
        &exchange(&code_one),
    )
    .await;
    assert_eq!(basic.status, StatusCode::OK, "{}", basic.text());
    assert_eq!(read_own(&clinic, &basic.json()).await, StatusCode::OK);
    let code_two = code(&clinic, id).await;
    let mut form = exchange(&code_two);
    form.extend([("client_id", id), ("client_secret", "wrong")]);
    let wrong = post(&clinic, "/oauth2/token", None, &form).await;
    assert_eq!(wrong.status, StatusCode::UNAUTHORIZED);
    assert_eq!(wrong.json()["error"], "invalid_client");
    form.pop();
    let none = post(&clinic, "/oauth2/token", None, &form).await;
    assert_eq!(none.status, StatusCode::UNAUTHORIZED, "no secret at all");
    let bad = post(
        &clinic,
        "/oauth2/token",
        Some((id, "wrong")),
        &exchange(&code_two),
    )
    .await;
    assert_eq!(bad.status, StatusCode::UNAUTHORIZED);
    assert!(bad.header("www-authenticate").starts_with("Basic"));
    form.push(("client_secret", secret));
    let body = post(&clinic, "/oauth2/token", None, &form).await;
    assert_eq!(body.status, StatusCode::OK, "the code was not spent");
    let refresh = body.json()["refresh_token"].as_str().map(str::to_owned);
    let refresh = refresh.expect("a refresh token");
    let form = [
        ("grant_type", "refresh_token"),
        ("refresh_token", refresh.as_str()),
    ];
    let bare = post(&clinic, "/oauth2/token", None, &form).await;
    assert_eq!(
        bare.status,
        StatusCode::UNAUTHORIZED,
        "a refresh needs the secret too"
    );
    let good = post(&clinic, "/oauth2/token", Some((id, secret)), &form).await;
    assert_eq!(good.status, StatusCode::OK);
    clinic.close().await;
}

#[tokio::test]
async fn case_52_53_56_57_58_59_an_app_with_a_key_signs_each_request_anew() {
    let clinic = Clinic::open().await;
    let app = clinic.app_of("asymmetric");
    let code = code(&clinic, &app.client_id).await;
    let now = now(&clinic);
    let ask = async |assertion: &str| {
        let mut form = exchange(&code);
        form.extend([
            ("client_assertion_type", assertion::TYPE),
            ("client_assertion", assertion),
        ]);
        post(&clinic, "/oauth2/token", None, &form).await
    };
    let changes: [(&str, Value); 14] = [
        ("alg", "none".into()),
        ("alg", "HS256".into()),
        ("alg", "RS384".into()),
        ("kid", "another".into()),
        ("typ", "logout+jwt".into()),
        ("jku", "https://evil.example/jwks".into()),
        ("aud", "https://other.example/token".into()),
        ("aud", serde_json::json!([TOKEN, "https://other.example"])),
        ("sub", "demo-backend".into()),
        ("iss", "demo-backend".into()),
        ("exp", (now - 61).into()),
        ("exp", (now + 7200).into()),
        ("exp", "soon".into()),
        ("nbf", "now".into()),
    ];
    for (name, value) in changes {
        let (mut header, mut claims) = assertion::parts(app, (TOKEN, "jti-odd"), now);
        let inside = match name {
            "alg" | "kid" | "typ" | "jku" => &mut header,
            _ => &mut claims,
        };
        inside[name] = value.clone();
        let answer = ask(&assertion::signed(app, &header, &claims)).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{name}={value}");
        assert_eq!(answer.json()["error"], "invalid_client", "{name}={value}");
    }
    let good = assertion::fresh(app, TOKEN, now);
    let answer = ask(&good).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    assert_eq!(read_own(&clinic, &answer.json()).await, StatusCode::OK);
    let again = ask(&good).await;
    assert_eq!(
        again.status,
        StatusCode::UNAUTHORIZED,
        "an assertion works once"
    );
    clinic.close().await;
}

#[tokio::test]
async fn a_backend_service_gets_five_minutes_of_what_it_was_given_and_no_refresh_token() {
    let clinic = Clinic::open().await;
    let app = clinic.app_of("backend");
    let ask = async |scope: &str| {
        let assertion = assertion::fresh(app, TOKEN, now(&clinic));
        let form = [
            ("grant_type", "client_credentials"),
            ("scope", scope),
            ("client_assertion_type", assertion::TYPE),
            ("client_assertion", assertion.as_str()),
        ];
        post(&clinic, "/oauth2/token", None, &form).await
    };
    let answer = ask("system/Patient.rs system/*.cruds patient/*.rs").await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    let json = answer.json();
    assert_eq!(json["scope"], "system/Patient.rs");
    assert_eq!(json["expires_in"], 300);
    assert!(json.get("refresh_token").is_none() && json.get("patient").is_none());
    let access = json["access_token"].as_str().expect("a token").to_owned();
    let all = clinic.get("/fhir/Patient?_count=200", &access).await;
    assert_eq!(all.status, StatusCode::OK, "{}", all.text());
    let entries = all.json()["entry"].as_array().map_or(0, Vec::len);
    assert!(entries >= 8, "{entries} patients");
    let other = clinic.get("/fhir/Appointment?patient=x", &access).await;
    assert_eq!(other.status, StatusCode::FORBIDDEN);
    let nothing = ask("patient/*.rs user/*.rs").await;
    assert_eq!(nothing.status, StatusCode::BAD_REQUEST);
    assert_eq!(nothing.json()["error"], "invalid_scope");
    clinic.wait(time::Duration::seconds(301));
    assert_eq!(
        clinic.get("/fhir/Patient", &access).await.status,
        StatusCode::UNAUTHORIZED
    );
    clinic.close().await;
}

#[tokio::test]
async fn case_62_64_introspection_and_revocation_are_for_those_who_may() {
    let clinic = Clinic::open().await;
    let maria = clinic.patient("active");
    let tokens = clinic.browser().launch(maria, SCOPE).await;
    let access = tokens["access_token"].as_str().expect("a token");
    let refresh = tokens["refresh_token"].as_str().expect("a token");
    let nobody = post(&clinic, "/oauth2/introspect", None, &[("token", access)]).await;
    assert_eq!(nobody.status, StatusCode::UNAUTHORIZED);
    let app = clinic.app_of("confidential");
    let basic = (
        app.client_id.as_str(),
        app.client_secret.as_deref().expect("a secret"),
    );
    let foreign = post(
        &clinic,
        "/oauth2/introspect",
        Some(basic),
        &[("token", access), ("token_type_hint", "refresh_token")],
    )
    .await;
    assert_eq!(foreign.status, StatusCode::OK);
    assert_eq!(foreign.json(), serde_json::json!({ "active": false }));
    let own = Request::post("/oauth2/introspect")
        .header("content-type", "application/x-www-form-urlencoded")
        .header("authorization", format!("Bearer {access}"))
        .body(Body::from(encoded(&[("token", access)])));
    let own = clinic.send(own.expect("a request")).await.json();
    assert_eq!(own["active"], true);
    assert_eq!(own["scope"], tokens["scope"]);
    assert_eq!(own["patient"], tokens["patient"]);
    assert!(own["exp"].is_i64());
    let foreign = post(
        &clinic,
        "/oauth2/revoke",
        Some(basic),
        &[("token", refresh)],
    )
    .await;
    assert_eq!(foreign.status, StatusCode::OK, "not told either");
    assert_eq!(read_own(&clinic, &tokens).await, StatusCode::OK);
    let form = [("token", refresh), ("client_id", crate::clinic::APP)];
    let revoked = post(&clinic, "/oauth2/revoke", None, &form).await;
    assert_eq!(revoked.status, StatusCode::OK);
    assert_eq!(
        read_own(&clinic, &tokens).await,
        StatusCode::UNAUTHORIZED,
        "its access token died with it"
    );
    clinic.close().await;
}

#[tokio::test]
async fn case_49_a_refresh_token_in_another_apps_hands_is_neither_spent_nor_taken_for_stolen() {
    let clinic = Clinic::open().await;
    let maria = clinic.patient("active");
    let mut browser = clinic.browser();
    let tokens = browser.launch(maria, SCOPE).await;
    let refresh = tokens["refresh_token"].as_str().expect("a token");
    let app = clinic.app_of("confidential");
    let secret = app.client_secret.as_deref().expect("a secret");
    let form = [("grant_type", "refresh_token"), ("refresh_token", refresh)];
    let basic = Some((app.client_id.as_str(), secret));
    let foreign = post(&clinic, "/oauth2/token", basic, &form).await;
    assert_eq!(foreign.status, StatusCode::BAD_REQUEST);
    assert_eq!(foreign.json()["error"], "invalid_grant");
    assert_eq!(read_own(&clinic, &tokens).await, StatusCode::OK);
    assert_eq!(browser.refresh(refresh).await.status, StatusCode::OK);
    clinic.close().await;
}

#[tokio::test]
async fn case_67_answers_of_the_token_side_are_json_that_nobody_keeps() {
    let clinic = Clinic::open().await;
    let maria = clinic.patient("active");
    let mut browser = clinic.browser();
    let code = browser.code(maria, SCOPE).await;
    let good = browser.exchange(&code).await;
    let access = good.json()["access_token"]
        .as_str()
        .expect("one")
        .to_owned();
    let app = clinic.app_of("confidential");
    let secret = app.client_secret.as_deref().expect("a secret");
    let basic = Some((app.client_id.as_str(), secret));
    let answers = [
        good,
        post(&clinic, "/oauth2/token", None, &[("grant_type", "none")]).await,
        clinic.get("/oauth2/userinfo", &access).await,
        clinic.get("/oauth2/userinfo", "at_invented").await,
        post(&clinic, "/oauth2/introspect", basic, &[("token", &access)]).await,
        post(&clinic, "/oauth2/introspect", None, &[("token", &access)]).await,
    ];
    for (number, answer) in answers.iter().enumerate() {
        assert_eq!(answer.header("cache-control"), "no-store", "{number}");
        assert!(
            answer
                .header("content-type")
                .starts_with("application/json"),
            "{number}"
        );
    }
    clinic.close().await;
}
