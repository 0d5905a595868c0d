//! Which member of staff an account of the identity provider is: decided once, by what the ID token proves
//! (`spec/security.md`, cases 78 and 79).

use serde_json::Value;
use serde_json::json;

use super::Idp;
use super::LEE;
use super::LINKS;
use super::SESSIONS;
use super::Trip;
use super::assert_out;
use super::backchannel::claims as logout;
use super::backchannel::send;
use super::clinic;
use super::clinic_with;
use super::is_in;
use super::log_in;
use super::settings;
use crate::clinic::Clinic;
use crate::clinic::engine::LAYOUTS;

#[tokio::test]
async fn case_78_only_a_verified_address_of_the_id_token_links_and_only_once() {
    let idp = Idp::start().await;
    let clinic = clinic(&idp).await;
    for (what, verified) in [
        ("false", json!(false)),
        ("absent", Value::Null),
        ("the string", json!("true")),
        ("a number", json!(1)),
    ] {
        let (_, answer) = log_in(&clinic, &idp, |claims| match &verified {
            Value::Null => {
                claims.as_object_mut().unwrap().remove("email_verified");
            }
            value => claims["email_verified"] = value.clone(),
        })
        .await;
        assert_out(&answer, what);
    }
    for (what, email) in [
        ("unknown", json!("nobody@harborstreet.example.com")),
        ("a wildcard", json!("%@harborstreet.example.com")),
        ("empty", json!("")),
    ] {
        let (_, answer) = log_in(&clinic, &idp, |claims| claims["email"] = email.clone()).await;
        assert_out(&answer, what);
    }
    let (_, answer) = log_in(&clinic, &idp, |claims| {
        claims.as_object_mut().unwrap().remove("email");
    })
    .await;
    assert_out(
        &answer,
        "no address in the ID token, whatever userinfo says",
    );
    let db = clinic.app.emr.db.clone();
    db.script(&format!("UPDATE users SET email = '{LEE}' WHERE id = 5"))
        .await
        .unwrap();
    let (_, answer) = log_in(&clinic, &idp, |_| {}).await;
    assert_out(&answer, "two users with one address");
    assert!(answer.text().contains("More than one"));
    db.script("UPDATE users SET email = 'm@example.com' WHERE id = 5")
        .await
        .unwrap();
    db.script("UPDATE users SET active = 0 WHERE id = 4")
        .await
        .unwrap();
    let (_, answer) = log_in(&clinic, &idp, |_| {}).await;
    assert_out(&answer, "switched off");
    db.script("UPDATE users SET active = 1 WHERE id = 4")
        .await
        .unwrap();
    assert_eq!(clinic.look(LINKS).await, "0");

    let (_, answer) = log_in(&clinic, &idp, |_| {}).await;
    assert!(is_in(&answer), "{}", answer.text());
    // Case 79: another account with the very address of the first.
    let (_, answer) = log_in(&clinic, &idp, |claims| claims["sub"] = json!("account-2")).await;
    assert_out(&answer, "another account with the same address");
    assert!(
        answer.text().contains("anteroom staff unlink dlee"),
        "{}",
        answer.text()
    );
    // Linked, the account alone counts: its address may change, or become another user's.
    for email in ["new@example.com", "nhaddad@harborstreet.example.com"] {
        let (_, answer) = log_in(&clinic, &idp, |claims| {
            claims["email"] = json!(email);
            claims["email_verified"] = json!(false);
        })
        .await;
        assert!(is_in(&answer), "{email}: {}", answer.text());
    }
    let other = "SELECT CAST(COUNT(*) AS CHAR) AS text FROM anteroom_session WHERE staff <> 4";
    assert_eq!(clinic.look(other).await, "0");
    db.script("UPDATE users SET active = 0 WHERE id = 4")
        .await
        .unwrap();
    let (_, answer) = log_in(&clinic, &idp, |_| {}).await;
    assert_out(&answer, "linked and switched off");
    assert!(answer.text().contains("switched off"));
    let refused = "SELECT CAST(COUNT(*) AS CHAR) AS text FROM anteroom_audit \
        WHERE action = 'login' AND outcome = 'refused' AND reason = 'identity-provider: taken'";
    assert_eq!(clinic.look(refused).await, "1");
    clinic.close().await;
}

#[tokio::test]
async fn case_79_of_two_accounts_at_once_one_is_linked() {
    let idp = Idp::start().await;
    let clinic = clinic(&idp).await;
    let (mut one, mut two) = (Trip::begin(&clinic).await, Trip::begin(&clinic).await);
    let mut claims = one.claims(&clinic, &idp);
    idp.gives(&idp.signed(&claims));
    let first = one.back(&idp).await;
    claims["nonce"] = json!(two.sent("nonce"));
    claims["sub"] = json!("account-2");
    idp.gives(&idp.signed(&claims));
    let second = two.back(&idp).await;
    assert!(is_in(&first));
    assert_out(&second, "the second account");
    // The same at the table, where a race ends: whichever comes second is not written.
    let db = clinic.app.emr.db.clone();
    let added = db
        .transaction(|tx| {
            Box::pin(async move { anteroom::store::staff_links::add(tx, "other", 4, 1).await })
        })
        .await
        .unwrap();
    assert!(!added);
    assert_eq!(clinic.look(LINKS).await, "1");
    clinic.close().await;
}

#[tokio::test]
async fn a_claim_with_a_user_name_is_taken_exactly() {
    let idp = Idp::start().await;
    let clinic = clinic_with(&idp, |settings| {
        settings.claim = "preferred_username".into()
    })
    .await;
    for name in [
        "DLEE",
        "dlee@harborstreet.example.com",
        "oe-system",
        "portal-user",
        "nobody",
    ] {
        let (_, answer) = log_in(&clinic, &idp, |claims| {
            claims["preferred_username"] = json!(name)
        })
        .await;
        assert_out(&answer, name);
    }
    let (trip, answer) = log_in(&clinic, &idp, |claims| {
        claims["preferred_username"] = json!("dlee")
    })
    .await;
    assert!(is_in(&answer), "{}", answer.text());
    assert_eq!(trip.sent("scope"), "openid profile");
    clinic.close().await;
}

#[tokio::test]
async fn the_links_are_the_same_on_mariadb() {
    let idp = Idp::start().await;
    for layout in LAYOUTS {
        let settings = settings(&idp, |_| {});
        let opened = Clinic::on_mariadb_with(layout, |config| config.staff_idp = Some(settings));
        let Some(clinic) = opened.await else {
            continue;
        };
        let (mut trip, answer) =
            log_in(&clinic, &idp, |claims| claims["acr"] = json!("\u{fc}")).await;
        assert!(is_in(&answer), "{layout}: {}", answer.text());
        assert_out(&trip.back(&idp).await, "the state a second time");
        let (_, answer) = log_in(&clinic, &idp, |claims| claims["sub"] = json!("\u{1f600}")).await;
        assert_out(&answer, "another account");
        let (_, answer) =
            log_in(&clinic, &idp, |claims| claims["email"] = json!("\u{1f600}")).await;
        assert!(is_in(&answer), "{layout}: {}", answer.text());
        let token = idp.signed(&logout(&clinic, &idp));
        assert_eq!(send(&clinic, &token).await.status, 200, "{layout}");
        assert_eq!(
            send(&clinic, &token).await.status,
            400,
            "{layout}: a second time"
        );
        assert_eq!(clinic.look(SESSIONS).await, "0", "{layout}");
        clinic.close().await;
    }
}
