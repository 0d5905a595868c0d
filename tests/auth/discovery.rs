//! The two discovery documents and the key set: WK-1 to WK-17 and ID-2 to ID-5 of `fhir-and-smart.md`.

use axum::body::Body;
use axum::http::Request;
use axum::http::StatusCode;

use crate::clinic::Clinic;

#[tokio::test]
async fn wk_1_2_17_open_to_everybody_as_json() {
    let clinic = Clinic::open().await;
    for path in [
        "/fhir/.well-known/smart-configuration",
        "/.well-known/openid-configuration",
    ] {
        for accept in ["text/html", "application/fhir+json", "*/*"] {
            let request = Request::get(path)
                .header("accept", accept)
                .header("origin", "https://app.example");
            let answer = clinic
                .send(request.body(Body::empty()).expect("a request"))
                .await;
            assert_eq!(answer.status, StatusCode::OK);
            assert!(
                answer
                    .header("content-type")
                    .starts_with("application/json")
            );
            assert_eq!(answer.header("access-control-allow-origin"), "*");
            assert_eq!(answer.header("access-control-allow-credentials"), "");
        }
    }
    clinic.close().await;
}

#[tokio::test]
async fn nothing_is_advertised_that_is_not_there() {
    let clinic = Clinic::open().await;
    let answer = clinic
        .get("/fhir/.well-known/smart-configuration", "")
        .await
        .json();
    for absent in [
        "introspection_endpoint",
        "revocation_endpoint",
        "registration_endpoint",
        "management_endpoint",
    ] {
        assert!(answer.get(absent).is_none(), "{absent}");
    }
    let capabilities = answer["capabilities"].to_string();
    for absent in [
        "launch-ehr",
        "client-confidential",
        "permission-user",
        "context-banner",
        "context-ehr",
    ] {
        assert!(!capabilities.contains(absent), "{absent}");
    }
    for path in [
        "authorization_endpoint",
        "token_endpoint",
        "userinfo_endpoint",
        "jwks_uri",
    ] {
        let url = answer[path].as_str().expect("absolute");
        assert!(url.starts_with("http://127.0.0.1:8080/oauth2/"), "{url}");
    }
    assert_eq!(
        answer["code_challenge_methods_supported"],
        serde_json::json!(["S256"])
    );
    clinic.close().await;
}

#[tokio::test]
async fn every_scope_that_is_advertised_is_granted() {
    let clinic = Clinic::open().await;
    let answer = clinic
        .get("/fhir/.well-known/smart-configuration", "")
        .await
        .json();
    let all: Vec<String> = answer["scopes_supported"]
        .as_array()
        .expect("scopes")
        .iter()
        .map(|scope| scope.as_str().expect("text").to_owned())
        .collect();
    let token = clinic
        .browser()
        .launch(clinic.patient("active"), &all.join(" "))
        .await;
    let granted: Vec<&str> = token["scope"].as_str().expect("scope").split(' ').collect();
    for scope in &all {
        assert!(
            granted.contains(&scope.as_str()),
            "{scope} is advertised and was not granted"
        );
    }
    clinic.close().await;
}

#[tokio::test]
async fn id_4_the_key_set_has_one_usable_rsa_key() {
    let clinic = Clinic::open().await;
    let keys = clinic.get("/oauth2/jwks", "").await.json();
    let keys = keys["keys"].as_array().expect("keys");
    assert_eq!(keys.len(), 1);
    for member in ["kty", "use", "alg", "kid", "n", "e"] {
        assert!(keys[0][member].is_string(), "{member}");
    }
    assert!(keys[0].get("d").is_none());
    clinic.close().await;
}
