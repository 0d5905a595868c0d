//! Refreshing, against the whole launch before it.

use serde_json::Value;

use super::tests::ask;
use super::tests::code;
use super::tests::opens;
use super::tests::refresh;
use super::tests::refused;
use super::tests::trade;
use crate::auth::fixture::House;
use crate::auth::fixture::VERIFIER;

#[tokio::test]
async fn case_46_refreshing_rotates_and_an_old_token_ends_the_family() {
    let mut house = House::open("token-rotate", &[]).await;
    let code = code(&house, &[]).await;
    let first = trade(&house, &code, VERIFIER).await.unwrap();
    let second = refresh(&house, &first["refresh_token"]).await.unwrap();
    assert_ne!(second["refresh_token"], first["refresh_token"]);
    assert_eq!(second["patient"], first["patient"]);
    let third = refresh(&house, &second["refresh_token"]).await.unwrap();
    assert!(opens(&house, &third["access_token"]).await.is_some());
    house.wait(1);
    assert_eq!(
        refresh(&house, &first["refresh_token"]).await,
        refused("invalid_grant"),
        "the grandparent"
    );
    assert!(opens(&house, &third["access_token"]).await.is_none());
    assert_eq!(
        refresh(&house, &third["refresh_token"]).await,
        refused("invalid_grant")
    );
    assert_eq!(
        house
            .noted("grant.revoke", "success", "refresh-reuse")
            .await,
        1
    );
}

#[tokio::test]
async fn a_lost_answer_may_be_asked_for_again_for_half_a_minute() {
    let mut house = House::open("token-grace", &[]).await;
    let code = code(&house, &[]).await;
    let first = trade(&house, &code, VERIFIER).await.unwrap();
    let lost = refresh(&house, &first["refresh_token"]).await.unwrap();
    house.wait(30);
    let again = refresh(&house, &first["refresh_token"]).await.unwrap();
    assert!(
        opens(&house, &lost["access_token"]).await.is_none(),
        "the unused pair is revoked"
    );
    assert!(
        opens(&house, &again["access_token"]).await.is_some(),
        "the new pair works"
    );
    assert_eq!(
        refresh(&house, &first["refresh_token"]).await,
        refused("invalid_grant"),
        "used by now"
    );
    assert!(
        opens(&house, &again["access_token"]).await.is_none(),
        "and so the family ended"
    );
}

#[tokio::test]
async fn case_46_the_pair_the_grace_took_back_is_a_thiefs_or_its_victims() {
    let house = House::open("token-taken", &[]).await;
    let code = code(&house, &[]).await;
    let first = trade(&house, &code, VERIFIER).await.unwrap();
    let victims = refresh(&house, &first["refresh_token"]).await.unwrap();
    let thiefs = refresh(&house, &first["refresh_token"]).await.unwrap();
    assert!(opens(&house, &thiefs["access_token"]).await.is_some());
    assert_eq!(
        refresh(&house, &victims["refresh_token"]).await,
        refused("invalid_grant")
    );
    assert!(
        opens(&house, &thiefs["access_token"]).await.is_none(),
        "the victim's refresh ends what the thief got"
    );
    assert_eq!(
        house
            .noted("grant.revoke", "success", "refresh-reuse")
            .await,
        1
    );
}

#[tokio::test]
async fn the_grace_is_over_after_half_a_minute() {
    let mut house = House::open("token-late", &[]).await;
    let code = code(&house, &[]).await;
    let first = trade(&house, &code, VERIFIER).await.unwrap();
    refresh(&house, &first["refresh_token"]).await.unwrap();
    house.wait(31);
    assert_eq!(
        refresh(&house, &first["refresh_token"]).await,
        refused("invalid_grant")
    );
    assert_eq!(
        house
            .noted("grant.revoke", "success", "refresh-reuse")
            .await,
        1
    );
}

#[tokio::test]
async fn case_44_a_refresh_may_ask_for_less_and_later_for_all_again_but_never_for_more() {
    let house = House::open("token-less", &[]).await;
    let code = code(&house, &[]).await;
    let first = trade(&house, &code, VERIFIER).await.unwrap();
    let with = async |token: &Value, scope: &str| {
        let token = token.as_str().unwrap();
        let pairs = [
            ("grant_type", "refresh_token"),
            ("client_id", "app"),
            ("refresh_token", token),
            ("scope", scope),
        ];
        ask(&house, &pairs).await
    };
    for more in [
        "patient/Patient.cruds",
        "patient/*.rs",
        "patient/Binary.r",
        "admin",
    ] {
        assert_eq!(
            with(&first["refresh_token"], more).await,
            refused("invalid_scope"),
            "{more}"
        );
    }
    let less = with(&first["refresh_token"], "patient/Patient.r")
        .await
        .unwrap();
    assert_eq!(less["scope"], "patient/Patient.r");
    let grant = opens(&house, &less["access_token"]).await.unwrap();
    assert_eq!(grant.scopes().len(), 1);
    let all = with(&less["refresh_token"], first["scope"].as_str().unwrap())
        .await
        .unwrap();
    assert_eq!(all["scope"], first["scope"]);
}

#[tokio::test]
async fn taking_access_away_works_at_once() {
    let table = [
        "UPDATE patient_data SET allow_patient_portal = 'NO'",
        "UPDATE patient_data SET allow_patient_portal = 'yes'",
        "UPDATE patient_data SET prevent_portal_apps = ' on '",
        "UPDATE patient_access_onsite SET portal_pwd = 'another'",
        "UPDATE patient_access_onsite SET portal_login_username = 'another'",
        "DELETE FROM patient_access_onsite",
        "UPDATE anteroom_client SET disabled = 1",
        "UPDATE anteroom_grant SET revoked = 1",
    ];
    for (number, change) in table.into_iter().enumerate() {
        let house = House::open(&format!("token-away-{number}"), &[]).await;
        let code = code(&house, &[]).await;
        let answer = trade(&house, &code, VERIFIER).await.unwrap();
        assert!(opens(&house, &answer["access_token"]).await.is_some());
        house.change(change).await;
        assert!(
            opens(&house, &answer["access_token"]).await.is_none(),
            "{change}"
        );
        assert!(
            refresh(&house, &answer["refresh_token"]).await.is_err(),
            "{change}"
        );
    }
}

#[tokio::test]
async fn a_refresh_token_ends_after_a_hundred_idle_days_and_after_a_year() {
    let mut house = House::open("token-age", &[]).await;
    let first = code(&house, &[]).await;
    let mut answer = trade(&house, &first, VERIFIER).await.unwrap();
    for _ in 0..3 {
        house.wait(99 * 86_400);
        answer = refresh(&house, &answer["refresh_token"]).await.unwrap();
    }
    house.wait(68 * 86_400);
    assert_eq!(
        refresh(&house, &answer["refresh_token"]).await,
        refused("invalid_grant"),
        "a year is over"
    );
    let second = code(&house, &[]).await;
    let answer = trade(&house, &second, VERIFIER).await.unwrap();
    house.wait(100 * 86_400);
    assert_eq!(
        refresh(&house, &answer["refresh_token"]).await,
        refused("invalid_grant")
    );
}

#[tokio::test]
async fn case_51_online_access_lasts_as_long_as_the_login() {
    let house = House::open("token-online", &[]).await;
    house
        .change("UPDATE anteroom_client SET scope = 'openid online_access patient/*.rs'")
        .await;
    let scope = [("scope", "online_access patient/Patient.rs")];
    let code = code(&house, &scope).await;
    let first = trade(&house, &code, VERIFIER).await.unwrap();
    assert_eq!(first["scope"], "online_access patient/Patient.rs");
    let second = refresh(&house, &first["refresh_token"]).await.unwrap();
    assert!(opens(&house, &second["access_token"]).await.is_some());
    house.change("UPDATE anteroom_session SET ended = 1").await;
    assert_eq!(
        refresh(&house, &second["refresh_token"]).await,
        refused("invalid_grant")
    );
}

#[tokio::test]
async fn case_51_without_either_word_there_is_nothing_to_refresh_with() {
    let house = House::open("token-neither", &[]).await;
    let code = code(&house, &[("scope", "patient/Patient.rs")]).await;
    let answer = trade(&house, &code, VERIFIER).await.unwrap();
    assert!(answer.get("refresh_token").is_none());
    assert_eq!(
        refresh(&house, &answer["access_token"]).await,
        refused("invalid_grant"),
        "an access token is no refresh token"
    );
}

#[tokio::test]
async fn case_43_a_refresh_without_a_name_is_for_public_apps_alone() {
    let house = House::open("token-nameless", &[]).await;
    let token_of = async |house: &House| {
        let code = code(house, &[]).await;
        let answer = trade(house, &code, VERIFIER).await.unwrap();
        answer["refresh_token"].as_str().unwrap().to_owned()
    };
    let nameless = async |token: &str| {
        let pairs = [("grant_type", "refresh_token"), ("refresh_token", token)];
        ask(&house, &pairs).await
    };
    let token = token_of(&house).await;
    assert!(nameless(&token).await.is_ok(), "as fhirclient does it");
    let token = token_of(&house).await;
    for kind in ["confidential", "asymmetric"] {
        let change = match kind {
            "confidential" => "UPDATE anteroom_client SET kind = 'confidential'",
            _ => "UPDATE anteroom_client SET kind = 'asymmetric'",
        };
        house.change(change).await;
        assert_eq!(nameless(&token).await, refused("invalid_client"), "{kind}");
    }
    house
        .change("UPDATE anteroom_client SET kind = 'public'")
        .await;
    assert!(nameless(&token).await.is_ok(), "nothing was spent");
}
