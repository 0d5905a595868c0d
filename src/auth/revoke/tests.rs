//! Giving tokens back, one's own and others'.

use serde_json::Value;

use super::*;
use crate::auth::client_fixture::SECRET;
use crate::auth::client_fixture::add_clients;
use crate::auth::fixture::House;
use crate::auth::fixture::VERIFIER;
use crate::auth::token::tests::code;
use crate::auth::token::tests::opens;
use crate::auth::token::tests::refresh;
use crate::auth::token::tests::trade;

async fn launched(house: &House) -> Value {
    let code = code(house, &[]).await;
    trade(house, &code, VERIFIER).await.unwrap()
}

async fn give_back(
    house: &House,
    basic: Option<(&str, &str)>,
    pairs: &[(&str, &str)],
) -> Result<(), (String, u16)> {
    let params: Vec<(String, String)> = pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    let basic = basic.map(|(id, secret)| (id.to_owned(), secret.to_owned()));
    let done = revoke(&house.context(), &params, basic).await;
    done.map_err(|error| {
        assert!(error.broken.is_none(), "{:?}", error.broken);
        (error.error.as_ref().to_owned(), error.status())
    })
}

#[tokio::test]
async fn case_64_a_refresh_token_takes_everything_with_it() {
    let house = House::open("revoke-refresh", &[]).await;
    let answer = launched(&house).await;
    let second = refresh(&house, &answer["refresh_token"]).await.unwrap();
    let other = launched(&house).await;
    let token = second["refresh_token"].as_str().unwrap();
    let pairs = [
        ("client_id", "app"),
        ("token", token),
        ("token_type_hint", "access_token"),
    ];
    for _ in 0..2 {
        assert_eq!(give_back(&house, None, &pairs).await, Ok(()));
        assert!(opens(&house, &answer["access_token"]).await.is_none());
        assert!(opens(&house, &second["access_token"]).await.is_none());
        assert!(refresh(&house, &second["refresh_token"]).await.is_err());
    }
    assert!(
        opens(&house, &other["access_token"]).await.is_some(),
        "another grant goes on"
    );
    assert_eq!(house.noted("grant.revoke", "success", "app").await, 1);
}

#[tokio::test]
async fn case_64_an_access_token_goes_alone() {
    let house = House::open("revoke-access", &[]).await;
    let answer = launched(&house).await;
    let token = answer["access_token"].as_str().unwrap();
    for _ in 0..2 {
        let done = give_back(&house, None, &[("client_id", "app"), ("token", token)]).await;
        assert_eq!(done, Ok(()));
        assert!(opens(&house, &answer["access_token"]).await.is_none());
    }
    assert_eq!(house.noted("token.revoke", "success", "").await, 1);
    let again = refresh(&house, &answer["refresh_token"]).await.unwrap();
    assert!(opens(&house, &again["access_token"]).await.is_some());
}

#[tokio::test]
async fn case_64_what_is_not_the_apps_stays() {
    let house = House::open("revoke-foreign", &[]).await;
    add_clients(&house).await;
    let answer = launched(&house).await;
    let million = "x".repeat(1_000_000);
    for token in [
        answer["access_token"].as_str().unwrap(),
        answer["refresh_token"].as_str().unwrap(),
        "unknown",
        &million,
    ] {
        let done = give_back(&house, Some(("secretive", SECRET)), &[("token", token)]).await;
        assert_eq!(done, Ok(()));
    }
    assert!(opens(&house, &answer["access_token"]).await.is_some());
    assert!(refresh(&house, &answer["refresh_token"]).await.is_ok());
    assert_eq!(
        house
            .noted("token.revoke", "refused", "not a token of this app")
            .await,
        4
    );
}

#[tokio::test]
async fn case_64_who_gives_back_says_who_it_is() {
    let house = House::open("revoke-who", &[]).await;
    add_clients(&house).await;
    let answer = launched(&house).await;
    let token = answer["access_token"].as_str().unwrap();
    let denied = || Err(("invalid_client".to_owned(), 401));
    assert_eq!(give_back(&house, None, &[("token", token)]).await, denied());
    assert_eq!(
        give_back(
            &house,
            None,
            &[("token", token), ("client_id", "secretive")]
        )
        .await,
        denied()
    );
    assert_eq!(
        give_back(&house, Some(("secretive", "x")), &[("token", token)]).await,
        denied()
    );
    let wrong = Err(("invalid_request".to_owned(), 400));
    assert_eq!(
        give_back(&house, None, &[("client_id", "app")]).await,
        wrong
    );
    let twice = [("client_id", "app"), ("token", token), ("token", token)];
    assert_eq!(give_back(&house, None, &twice).await, wrong);
    assert!(opens(&house, &answer["access_token"]).await.is_some());
}
