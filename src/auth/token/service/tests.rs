//! Tokens of backend services, and who gets none.

use serde_json::Value;
use serde_json::json;

use crate::auth::client_fixture::BEARER;
use crate::auth::client_fixture::SECRET;
use crate::auth::client_fixture::SYSTEM;
use crate::auth::client_fixture::add_clients;
use crate::auth::client_fixture::assertion;
use crate::auth::fixture::House;
use crate::auth::token::exchange;
use crate::auth::token::tests::ask;
use crate::auth::token::tests::opens;
use crate::auth::token::tests::refused;
use crate::domain::access::User;

async fn house(name: &str) -> House {
    let house = House::open(name, &[]).await;
    add_clients(&house).await;
    house
}

/// Asks with a fresh assertion of an app.
async fn signed(house: &House, id: &str, pairs: &[(&str, &str)]) -> Result<Value, String> {
    let assertion = assertion(house, id);
    let proof = [
        ("client_assertion_type", BEARER),
        ("client_assertion", &assertion),
    ];
    ask(house, &[&proof[..], pairs].concat()).await
}

async fn service(house: &House, scope: &str) -> Result<Value, String> {
    let pairs = [("grant_type", "client_credentials"), ("scope", scope)];
    signed(house, "service", &pairs).await
}

#[tokio::test]
async fn a_service_gets_five_minutes_and_no_refresh_token() {
    let mut house = house("service-good").await;
    let answer = service(&house, SYSTEM).await.unwrap();
    assert_eq!(answer["token_type"], "Bearer");
    assert_eq!(answer["expires_in"], 300);
    assert_eq!(answer["scope"], SYSTEM);
    for absent in [
        "refresh_token",
        "id_token",
        "patient",
        "need_patient_banner",
    ] {
        assert!(answer.get(absent).is_none(), "{absent}");
    }
    let grant = opens(&house, &answer["access_token"]).await.unwrap();
    assert_eq!(*grant.user(), User::System);
    assert!(grant.patient().is_none());
    assert_eq!(grant.client_id(), "service");
    assert_eq!(house.noted("token.issue", "success", "").await, 1);
    house.wait(299);
    assert!(opens(&house, &answer["access_token"]).await.is_some());
    house.wait(1);
    assert!(opens(&house, &answer["access_token"]).await.is_none());
}

#[tokio::test]
async fn case_44_a_service_has_what_it_is_registered_for_and_no_more() {
    let house = house("service-scope").await;
    let more = "system/*.cruds system/Patient.r system/Appointment.cruds patient/Patient.rs openid offline_access system/Appointment.s";
    let answer = service(&house, more).await.unwrap();
    assert_eq!(answer["scope"], "system/Patient.r system/Appointment.s");
    for none in [
        "",
        "system/*.rs",
        "patient/Patient.rs",
        "user/Patient.rs",
        "openid",
        "offline_access",
        "x",
    ] {
        assert_eq!(
            service(&house, none).await,
            refused("invalid_scope"),
            "{none}"
        );
    }
    let without = [("grant_type", "client_credentials")];
    assert_eq!(
        signed(&house, "service", &without).await,
        refused("invalid_scope")
    );
    let long = "system/Patient.r ".repeat(500);
    assert_eq!(service(&house, &long).await, refused("invalid_request"));
}

#[tokio::test]
async fn case_41_a_grant_is_for_its_kind_of_app() {
    let house = house("service-kind").await;
    for grant_type in ["authorization_code", "refresh_token"] {
        let pairs = [
            ("grant_type", grant_type),
            ("code", "ac_x"),
            ("refresh_token", "rt_x"),
        ];
        assert_eq!(
            signed(&house, "service", &pairs).await,
            refused("unauthorized_client"),
            "{grant_type}"
        );
    }
    let system = [
        ("grant_type", "client_credentials"),
        ("scope", "system/Patient.rs"),
    ];
    assert_eq!(
        signed(&house, "signing", &system).await,
        refused("unauthorized_client")
    );
    let public = [&system[..], &[("client_id", "app")]].concat();
    assert_eq!(ask(&house, &public).await, refused("unauthorized_client"));
    let secret = [
        &system[..],
        &[("client_id", "secretive"), ("client_secret", SECRET)],
    ]
    .concat();
    assert_eq!(ask(&house, &secret).await, refused("unauthorized_client"));
    assert_eq!(house.noted("token.issue", "success", "").await, 0);
}

#[tokio::test]
async fn case_41_an_unknown_grant_type_is_told_before_anybody_proves_anything() {
    let house = house("service-type").await;
    let bad = [
        ("client_assertion_type", "x"),
        ("client_assertion", "y"),
        ("client_secret", "z"),
    ];
    for grant_type in [
        "not_a_grant_type",
        "password",
        "implicit",
        "urn:ietf:params:oauth:grant-type:jwt-bearer",
        "Client_Credentials",
    ] {
        let pairs = [&bad[..], &[("grant_type", grant_type)]].concat();
        let params: Vec<(String, String)> = pairs
            .iter()
            .map(|(name, value)| ((*name).into(), (*value).into()))
            .collect();
        let error = exchange(&house.context(), &params, None).await.unwrap_err();
        assert_eq!(
            (error.error.as_ref(), error.status()),
            ("unsupported_grant_type", 400)
        );
        assert!(
            error.description.contains("client_credentials"),
            "it says what there is"
        );
    }
    let twice = [
        ("grant_type", "client_credentials"),
        ("grant_type", "password"),
    ];
    assert_eq!(ask(&house, &twice).await, refused("invalid_request"));
    assert_eq!(
        ask(&house, &bad).await,
        refused("invalid_request"),
        "none at all"
    );
}

#[tokio::test]
async fn a_service_that_is_switched_off_is_out_at_once() {
    let house = house("service-off").await;
    let answer = service(&house, SYSTEM).await.unwrap();
    house
        .change("UPDATE anteroom_client SET disabled = 1 WHERE client_id = 'service'")
        .await;
    assert!(opens(&house, &answer["access_token"]).await.is_none());
    assert_eq!(service(&house, SYSTEM).await, refused("invalid_client"));
    assert_eq!(
        json!(house.noted("token", "refused", "invalid_client").await),
        json!(1)
    );
}
