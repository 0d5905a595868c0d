//! The two discovery documents and the key set: WK-1 to WK-17 and ID-2 to ID-5 of `fhir-and-smart.md`.

use anteroom::db::sql::Sql;
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
async fn wk_3_every_address_that_is_advertised_is_absolute_and_answers() {
    let clinic = Clinic::open().await;
    let answer = clinic
        .get("/fhir/.well-known/smart-configuration", "")
        .await
        .json();
    for name in [
        "authorization_endpoint",
        "token_endpoint",
        "userinfo_endpoint",
        "jwks_uri",
        "registration_endpoint",
        "introspection_endpoint",
        "revocation_endpoint",
        "management_endpoint",
        "end_session_endpoint",
        "user_access_brand_bundle",
    ] {
        let url = answer[name].as_str().expect("absolute");
        let path = url
            .strip_prefix("http://127.0.0.1:8080")
            .unwrap_or_else(|| panic!("{name}: {url}"));
        let found = clinic.get(path, "").await;
        assert_ne!(found.status, StatusCode::NOT_FOUND, "{name}: {url}");
    }
    let members = answer.as_object().expect("an object");
    for (name, value) in members {
        let known = !name.ends_with("_endpoint") || value.is_string();
        assert!(known && !value.is_null(), "{name}: {value}");
    }
    assert_eq!(
        answer["code_challenge_methods_supported"],
        serde_json::json!(["S256"])
    );
    clinic.close().await;
}

#[tokio::test]
async fn wk_15_the_brand_that_is_named_is_one_of_the_bundle() {
    let clinic = Clinic::open().await;
    let answer = clinic
        .get("/fhir/.well-known/smart-configuration", "")
        .await
        .json();
    let wanted = &answer["user_access_brand_identifier"];
    assert!(wanted["value"].is_string() && wanted["system"].is_string());
    let bundle = clinic.get("/brands", "").await.json();
    let entries = bundle["entry"].as_array().expect("entries").clone();
    let is_it = |one: &serde_json::Value| {
        one["system"] == wanted["system"] && one["value"] == wanted["value"]
    };
    let named = entries.iter().filter(|entry| {
        let identifiers = entry["resource"]["identifier"].as_array();
        entry["resource"]["resourceType"] == "Organization"
            && identifiers.is_some_and(|list| list.iter().any(is_it))
    });
    assert_eq!(named.count(), 1, "{wanted} in {bundle}");
    clinic.close().await;
}

#[tokio::test]
async fn context_style_is_open_to_every_origin() {
    let clinic = Clinic::open().await;
    let request = Request::get("/smart-style.json").header("origin", "https://app.example");
    let answer = clinic
        .send(request.body(Body::empty()).expect("a request"))
        .await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.header("access-control-allow-origin"), "*");
    assert!(
        answer
            .header("content-type")
            .starts_with("application/json")
    );
    let style = answer.json();
    let style = style.as_object().expect("an object");
    assert_eq!(style.len(), 11);
    assert_eq!(style["color_background"], "#f4f6f5");
    clinic.close().await;
}

#[tokio::test]
async fn wk_12_every_scope_for_patients_that_is_advertised_is_granted() {
    let clinic = Clinic::open().await;
    let register = "UPDATE anteroom_client SET scope = scope || ' online_access' WHERE client_id = 'demo-public'";
    let done = clinic.app.emr.db.run(Sql::new(register)).await;
    done.expect("registered for all of it");
    let answer = clinic
        .get("/fhir/.well-known/smart-configuration", "")
        .await
        .json();
    let all: Vec<String> = answer["scopes_supported"]
        .as_array()
        .expect("scopes")
        .iter()
        .map(|scope| scope.as_str().expect("text").to_owned())
        // The others are for staff, for launches from the EHR, and for services.
        .filter(|scope| !scope.starts_with("user/") && !scope.starts_with("system/"))
        .filter(|scope| scope != "launch")
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
