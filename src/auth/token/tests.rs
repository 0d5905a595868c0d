//! Codes, refresh tokens and id tokens, and what happens to stolen ones.

use openidconnect::ClientId;
use openidconnect::IssuerUrl;
use openidconnect::core::CoreJsonWebKey;
use openidconnect::url::Url;
use serde_json::Value;

use super::*;
use crate::auth::authorize;
use crate::auth::authorize::Begin;
use crate::auth::consent;
use crate::auth::fixture;
use crate::auth::fixture::House;
use crate::auth::fixture::REDIRECT;
use crate::auth::fixture::VERIFIER;
use crate::auth::session::Visitor;
use crate::domain::access::Grant;
use crate::emr::account;

/// A whole launch by Alice up to the code; `change` is what the app asks differently.
pub(in crate::auth) async fn code(house: &House, change: &[(&str, &str)]) -> String {
    let context = house.context();
    let browser = Visitor {
        token: "browser",
        session: None,
        staff: None,
    };
    let params = fixture::asked(change);
    let Begin::Login(id, _) = authorize::begin(&context, &params, browser).await.unwrap() else {
        panic!("the login form comes first");
    };
    let pending = authorize::pending(&context, &id, browser).await.unwrap();
    let account = account::by_pid(&house.emr, 1).await.unwrap().unwrap();
    let who = Who::Patient(account);
    let login = (&who, session::PASSWORD, None);
    let cookie = authorize::attach_login(&context, &pending, login, browser)
        .await
        .unwrap();
    let visitor = Visitor {
        session: Some(&cookie),
        ..browser
    };
    let all: Vec<String> = pending.asked.scope.split(' ').map(str::to_owned).collect();
    let address = consent::approve(&context, &id, visitor, &all)
        .await
        .unwrap();
    let url = Url::parse(&address).unwrap();
    let code = url.query_pairs().find(|(name, _)| name == "code").unwrap();
    code.1.into_owned()
}

pub(in crate::auth) async fn ask(house: &House, pairs: &[(&str, &str)]) -> Result<Value, String> {
    let params: Vec<(String, String)> = pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    match exchange(&house.context(), &params, None).await {
        Ok(answer) => Ok(serde_json::to_value(answer).unwrap()),
        Err(error) => {
            assert!(error.broken.is_none(), "{:?}", error.broken);
            Err(error.error.as_ref().to_owned())
        }
    }
}

pub(in crate::auth) async fn trade(
    house: &House,
    code: &str,
    verifier: &str,
) -> Result<Value, String> {
    ask(
        house,
        &[
            ("grant_type", "authorization_code"),
            ("client_id", "app"),
            ("code", code),
            ("redirect_uri", REDIRECT),
            ("code_verifier", verifier),
        ],
    )
    .await
}

pub(in crate::auth) async fn refresh(house: &House, token: &Value) -> Result<Value, String> {
    let token = token.as_str().unwrap();
    ask(
        house,
        &[
            ("grant_type", "refresh_token"),
            ("client_id", "app"),
            ("refresh_token", token),
        ],
    )
    .await
}

pub(in crate::auth) async fn opens(house: &House, token: &Value) -> Option<Grant> {
    let hash = crypto::fingerprint(token.as_str().unwrap());
    let now = house.now.unix_timestamp();
    grants::by_access_token(&house.emr.db, &hash, now)
        .await
        .unwrap()
}

pub(in crate::auth) fn refused(error: &str) -> Result<Value, String> {
    Err(error.to_owned())
}

#[tokio::test]
async fn a_code_becomes_tokens_that_say_what_smart_asks_for() {
    let house = House::open("token-good", &[]).await;
    let code = code(&house, &[]).await;
    let answer = trade(&house, &code, VERIFIER).await.unwrap();
    assert_eq!(answer["token_type"], "Bearer");
    assert_eq!(answer["expires_in"], 600);
    assert_eq!(
        answer["scope"],
        "openid fhirUser launch/patient offline_access patient/Patient.read patient/Appointment.rs"
    );
    assert_eq!(answer["patient"], fixture::ALICE.to_string());
    assert!(answer["refresh_token"].as_str().unwrap().starts_with("rt_"));
    let grant = opens(&house, &answer["access_token"]).await.unwrap();
    assert_eq!(grant.patient().unwrap().uuid, fixture::ALICE);
    assert_eq!(grant.client_id(), "app");
    assert!(
        opens(&house, &answer["refresh_token"]).await.is_none(),
        "a refresh token opens nothing"
    );
    let info = serde_json::to_value(answer::userinfo(&house.context(), &grant).unwrap()).unwrap();
    assert_eq!(info["sub"], fixture::ALICE.to_string());
    assert_eq!(
        info["fhirUser"],
        format!("https://emr.example/fhir/Patient/{}", fixture::ALICE)
    );
}

#[tokio::test]
async fn the_id_token_is_accepted_by_a_relying_party() {
    let house = House::open("token-id", &[]).await;
    let code = code(&house, &[]).await;
    let answer = trade(&house, &code, VERIFIER).await.unwrap();
    let token: answer::SmartIdToken = serde_json::from_value(answer["id_token"].clone()).unwrap();
    let verifier = openidconnect::IdTokenVerifier::<CoreJsonWebKey>::new_public_client(
        ClientId::new("app".into()),
        IssuerUrl::new("https://emr.example".into()).unwrap(),
        house.keys.jwks(house.now.unix_timestamp()),
    );
    let now = chrono::DateTime::from_timestamp(house.now.unix_timestamp(), 0).unwrap();
    let verifier = verifier.set_time_fn(move || now);
    let claims = token
        .claims(&verifier, &openidconnect::Nonce::new("n0nce".into()))
        .unwrap();
    assert_eq!(claims.subject().as_str(), fixture::ALICE.to_string());
    assert_eq!(claims.auth_time(), Some(now));
    assert!(claims.access_token_hash().is_some());
    assert!(
        claims
            .additional_claims()
            .fhir_user
            .as_deref()
            .is_some_and(|user| user.ends_with(&fixture::ALICE.to_string()))
    );
    assert!(
        token
            .claims(&verifier, &openidconnect::Nonce::new("other".into()))
            .is_err()
    );
}

#[tokio::test]
async fn without_openid_and_offline_there_is_no_id_token_and_no_refresh_token() {
    let mut house = House::open("token-bare", &[]).await;
    let code = code(&house, &[("scope", "patient/Patient.rs")]).await;
    let answer = trade(&house, &code, VERIFIER).await.unwrap();
    assert!(answer.get("id_token").is_none());
    assert!(answer.get("refresh_token").is_none());
    assert_eq!(
        answer["patient"],
        fixture::ALICE.to_string(),
        "patient scopes imply the patient"
    );
    assert!(opens(&house, &answer["access_token"]).await.is_some());
    house.wait(tokens::ACCESS_LIFE);
    assert!(
        opens(&house, &answer["access_token"]).await.is_none(),
        "ten minutes are over"
    );
}

#[tokio::test]
async fn case_33_a_code_used_twice_takes_its_tokens_with_it() {
    let house = House::open("token-replay", &[]).await;
    let code = code(&house, &[]).await;
    let answer = trade(&house, &code, VERIFIER).await.unwrap();
    assert!(opens(&house, &answer["access_token"]).await.is_some());
    assert_eq!(
        trade(&house, &code, VERIFIER).await,
        refused("invalid_grant")
    );
    assert!(opens(&house, &answer["access_token"]).await.is_none());
    assert_eq!(
        refresh(&house, &answer["refresh_token"]).await,
        refused("invalid_grant")
    );
    assert_eq!(
        house.noted("grant.revoke", "success", "code-replay").await,
        1
    );
}

#[tokio::test]
async fn case_34_of_many_at_once_one_spends_the_code_and_replay_ends_it() {
    let house = House::open("token-race", &[]).await;
    let code = code(&house, &[]).await;
    let tries = (0..10).map(|_| trade(&house, &code, VERIFIER));
    let mut outcomes = Vec::new();
    let mut tasks: Vec<_> = tries.map(Box::pin).collect();
    // Polled together on one thread: every one has looked the code up before the first has spent it.
    let together = std::future::poll_fn(|cx| {
        tasks.retain_mut(|task| match task.as_mut().poll(cx) {
            std::task::Poll::Ready(outcome) => {
                outcomes.push(outcome);
                false
            }
            std::task::Poll::Pending => true,
        });
        match tasks.is_empty() {
            true => std::task::Poll::Ready(()),
            false => std::task::Poll::Pending,
        }
    });
    together.await;
    let good: Vec<&Value> = outcomes
        .iter()
        .filter_map(|outcome| outcome.as_ref().ok())
        .collect();
    assert_eq!(good.len(), 1);
    assert!(
        opens(&house, &good[0]["access_token"]).await.is_none(),
        "the replay was seen"
    );
}

#[tokio::test]
async fn case_39_a_code_lives_a_minute() {
    let mut house = House::open("token-minute", &[]).await;
    let early = code(&house, &[]).await;
    let late = code(&house, &[]).await;
    house.wait(59);
    assert!(trade(&house, &early, VERIFIER).await.is_ok());
    house.wait(2);
    assert_eq!(
        trade(&house, &late, VERIFIER).await,
        refused("invalid_grant")
    );
}

#[tokio::test]
async fn case_37_only_the_verifier_opens_a_code_and_five_wrong_ones_burn_it() {
    let house = House::open("token-pkce", &[]).await;
    let first = code(&house, &[]).await;
    let wrong = "w".repeat(43);
    let challenge = crypto::fingerprint(VERIFIER);
    for verifier in [
        wrong.as_str(),
        challenge.as_str(),
        &"w".repeat(42),
        &"w".repeat(129),
    ] {
        assert_eq!(
            trade(&house, &first, verifier).await,
            refused("invalid_grant"),
            "{verifier}"
        );
    }
    assert_eq!(trade(&house, &first, "").await, refused("invalid_request"));
    assert!(
        trade(&house, &first, VERIFIER).await.is_ok(),
        "four wrong ones do not burn it"
    );
    let second = code(&house, &[]).await;
    for _ in 0..5 {
        assert_eq!(
            trade(&house, &second, &wrong).await,
            refused("invalid_grant")
        );
    }
    assert_eq!(
        trade(&house, &second, VERIFIER).await,
        refused("invalid_grant")
    );
}

#[tokio::test]
async fn case_36_and_49_a_code_is_for_its_app_and_its_address() {
    let house = House::open("token-bound", &[]).await;
    house
        .change("INSERT INTO anteroom_client (client_id, name, kind, redirect_uris, scope, created) SELECT 'thief', name, kind, redirect_uris, scope, created FROM anteroom_client")
        .await;
    let code = code(&house, &[]).await;
    let with = async |client: &str, redirect: &str| {
        ask(
            &house,
            &[
                ("grant_type", "authorization_code"),
                ("client_id", client),
                ("code", &code),
                ("redirect_uri", redirect),
                ("code_verifier", VERIFIER),
            ],
        )
        .await
    };
    assert_eq!(with("thief", REDIRECT).await, refused("invalid_grant"));
    assert_eq!(with("nobody", REDIRECT).await, refused("invalid_client"));
    assert_eq!(
        with("app", "https://app.example/other").await,
        refused("invalid_grant")
    );
    assert_eq!(with("app", "").await, refused("invalid_grant"));
    let answer = with("app", REDIRECT).await.unwrap();
    let token = answer["refresh_token"].as_str().unwrap();
    let theft = [
        ("grant_type", "refresh_token"),
        ("client_id", "thief"),
        ("refresh_token", token),
    ];
    assert_eq!(ask(&house, &theft).await, refused("invalid_grant"));
    assert!(
        refresh(&house, &answer["refresh_token"]).await.is_ok(),
        "nothing was spent"
    );
}

#[tokio::test]
async fn case_41_a_malformed_request_has_its_error() {
    let house = House::open("token-odd", &[]).await;
    let table: [(&[(&str, &str)], &str); 8] = [
        (
            &[("grant_type", "password"), ("client_id", "app")],
            "unsupported_grant_type",
        ),
        (&[("client_id", "app")], "invalid_request"),
        (
            &[("grant_type", "refresh_token"), ("client_id", "app")],
            "invalid_request",
        ),
        (
            &[("grant_type", "authorization_code"), ("client_id", "app")],
            "invalid_request",
        ),
        (
            &[
                ("grant_type", "refresh_token"),
                ("grant_type", "refresh_token"),
                ("client_id", "app"),
            ],
            "invalid_request",
        ),
        (&[("grant_type", "refresh_token")], "invalid_client"),
        (
            &[
                ("grant_type", "refresh_token"),
                ("client_id", "app"),
                ("client_secret", "x"),
            ],
            "invalid_client",
        ),
        (
            &[
                ("grant_type", "refresh_token"),
                ("client_id", "app"),
                ("refresh_token", "rt_made-up"),
            ],
            "invalid_grant",
        ),
    ];
    for (pairs, error) in table {
        assert_eq!(ask(&house, pairs).await, refused(error), "{pairs:?}");
    }
    let code = ("grant_type".to_owned(), "authorization_code".to_owned());
    let params = [code.clone(), ("client_id".to_owned(), "app".to_owned())];
    let basic = Some(("other".to_owned(), "secret".to_owned()));
    let error = exchange(&house.context(), &params, basic)
        .await
        .unwrap_err();
    assert_eq!(
        (error.error.as_ref(), error.status()),
        ("invalid_request", 400)
    );
    let basic = Some(("app".to_owned(), "secret".to_owned()));
    let error = exchange(&house.context(), &[code], basic)
        .await
        .unwrap_err();
    assert_eq!(
        (error.error.as_ref(), error.status()),
        ("invalid_client", 401)
    );
}
