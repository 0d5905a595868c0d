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
async fn refreshing_rotates_and_an_old_token_ends_the_family() {
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
    assert_eq!(
        refresh(&house, &lost["refresh_token"]).await,
        refused("invalid_grant")
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
async fn a_refresh_may_ask_for_less_and_later_for_all_again_but_never_for_more() {
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
