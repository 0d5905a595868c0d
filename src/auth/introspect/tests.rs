//! What is told about tokens, and to whom.

use serde_json::Value;
use serde_json::json;

use super::*;
use crate::auth::client_fixture::BEARER;
use crate::auth::client_fixture::SECRET;
use crate::auth::client_fixture::SYSTEM;
use crate::auth::client_fixture::add_clients;
use crate::auth::client_fixture::assertion;
use crate::auth::fixture;
use crate::auth::fixture::House;
use crate::auth::fixture::VERIFIER;
use crate::auth::token::tests::ask as token;
use crate::auth::token::tests::code;
use crate::auth::token::tests::refresh;
use crate::auth::token::tests::trade;
use crate::store::authorizations::Launched;
use crate::store::grants::Given;
use crate::store::tokens::Token;

async fn house(name: &str) -> House {
    let house = House::open(name, &[]).await;
    add_clients(&house).await;
    house
}

/// Asks; the answer or the error and its status.
async fn ask(
    house: &House,
    shown: Shown<'_>,
    pairs: &[(&str, &str)],
) -> Result<Value, (String, u16)> {
    let params: Vec<(String, String)> = pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    match introspect(&house.context(), &params, shown).await {
        Ok(answer) => Ok(answer),
        Err(error) => {
            assert!(error.broken.is_none(), "{:?}", error.broken);
            Err((error.error.as_ref().to_owned(), error.status()))
        }
    }
}

/// The backend service asks about a token.
async fn service(house: &House, token: &str) -> Value {
    let assertion = assertion(house, "service");
    let pairs = [
        ("client_assertion_type", BEARER),
        ("client_assertion", &assertion),
        ("token", token),
    ];
    ask(house, Shown::Basic(None), &pairs).await.unwrap()
}

async fn bearer(house: &House, bearer: &Value, token: &Value) -> Result<Value, (String, u16)> {
    let shown = Shown::Bearer(bearer.as_str().unwrap());
    ask(house, shown, &[("token", token.as_str().unwrap())]).await
}

async fn system_token(house: &House) -> Value {
    let assertion = assertion(house, "service");
    let pairs = [
        ("client_assertion_type", BEARER),
        ("client_assertion", &assertion),
        ("grant_type", "client_credentials"),
        ("scope", SYSTEM),
    ];
    token(house, &pairs).await.unwrap()["access_token"].clone()
}

async fn launched(house: &House) -> Value {
    let code = code(house, &[]).await;
    trade(house, &code, VERIFIER).await.unwrap()
}

fn inactive() -> Value {
    json!({ "active": false })
}

#[tokio::test]
async fn case_62_an_active_token_is_told_like_its_answer() {
    let house = house("intro-good").await;
    let answer = launched(&house).await;
    let now = house.now.unix_timestamp();
    let told = service(&house, answer["access_token"].as_str().unwrap()).await;
    let wanted = json!({
        "active": true, "scope": answer["scope"], "client_id": "app", "exp": now + 600, "iat": now,
        "token_type": "Bearer", "iss": "https://emr.example", "sub": fixture::ALICE.to_string(),
        "aud": "https://emr.example/fhir",
        "fhirUser": format!("https://emr.example/fhir/Patient/{}", fixture::ALICE),
        "patient": answer["patient"], "need_patient_banner": answer["need_patient_banner"],
        "smart_style_url": answer["smart_style_url"],
    });
    assert_eq!(told, wanted);
    let told = service(&house, answer["refresh_token"].as_str().unwrap()).await;
    assert_eq!(
        (&told["active"], &told["exp"]),
        (&json!(true), &json!(now + 100 * 86_400))
    );
    assert_eq!(
        (&told["scope"], told.get("token_type")),
        (&answer["scope"], None)
    );
    let own = system_token(&house).await;
    let told = service(&house, own.as_str().unwrap()).await;
    assert_eq!(
        (&told["client_id"], &told["sub"]),
        (&json!("service"), &json!("service"))
    );
    assert_eq!(
        (&told["scope"], &told["exp"]),
        (&json!(SYSTEM), &json!(now + 300))
    );
    for absent in ["patient", "fhirUser", "need_patient_banner"] {
        assert!(told.get(absent).is_none(), "{absent}");
    }
    assert_eq!(house.noted("token.introspect", "success", "").await, 3);
}

#[tokio::test]
async fn a_token_that_staff_launched_with_tells_the_whole_launch() {
    let house = house("intro-staff").await;
    house
        .change("INSERT INTO users (id, uuid, username, active) VALUES (5, x'0000000000000000000000000000005a', 'sam', 1)")
        .await;
    house
        .change("INSERT INTO users_secure (id, username, password) VALUES (5, 'sam', 'hash')")
        .await;
    let sam = crate::emr::colleague::by_id(&house.emr, 5)
        .await
        .unwrap()
        .unwrap();
    let who = crate::auth::who::Who::Staff(sam);
    let encounter = "0d2d3a4e-0000-4000-8000-000000000001";
    let now = house.now.unix_timestamp();
    let given = Given {
        id: "grant-staff".into(),
        client_id: "secretive".into(),
        holder: Holder::Staff(5),
        launch: Launched {
            by: None,
            patient: Some(1),
            encounter: Some(encounter.into()),
            intent: Some("reconcile".into()),
            banner: false,
        },
        scope: "launch openid fhirUser user/Patient.rs".into(),
        credential: who.credential(),
        acr: String::new(),
        session_hash: None,
        auth_time: now,
        ends: now + 900,
    };
    let row = Token {
        token_hash: crypto::fingerprint("at_staff"),
        grant_id: given.id.clone(),
        kind: Kind::Access,
        scope: given.scope.clone(),
        parent: "x".into(),
        issued: now,
        expires: now + 600,
    };
    let stored = house.emr.db.transaction(|tx| {
        let (given, row) = (given.clone(), row.clone());
        Box::pin(async move {
            grants::add(tx, &given, now).await?;
            tokens::add(tx, &row).await
        })
    });
    stored.await.unwrap();
    let told = service(&house, "at_staff").await;
    assert_eq!(told["patient"], fixture::ALICE.to_string());
    assert_eq!(told["encounter"], encounter);
    assert_eq!(told["intent"], "reconcile");
    assert_eq!(told["need_patient_banner"], false);
    let user = told["fhirUser"].as_str().unwrap();
    assert_eq!(
        user,
        "https://emr.example/fhir/Practitioner/00000000-0000-0000-0000-00000000005a"
    );
    assert!(user.ends_with(told["sub"].as_str().unwrap()));
    house.change("UPDATE users SET active = 0").await;
    assert_eq!(
        service(&house, "at_staff").await,
        inactive(),
        "case 63: a colleague who left"
    );
}

#[tokio::test]
async fn case_62_who_proves_nothing_is_told_nothing() {
    let house = house("intro-who").await;
    let answer = launched(&house).await;
    let access = answer["access_token"].as_str().unwrap();
    let denied = |word: &str| Err((word.to_owned(), 401));
    let none = || Shown::Basic(None);
    assert_eq!(
        ask(&house, none(), &[("token", access)]).await,
        denied("invalid_client")
    );
    let public = [("token", access), ("client_id", "app")];
    assert_eq!(
        ask(&house, none(), &public).await,
        denied("invalid_client"),
        "a public app proves nothing"
    );
    let wrong = Shown::Basic(Some(("secretive".into(), "wrong".into())));
    assert_eq!(
        ask(&house, wrong, &[("token", access)]).await,
        denied("invalid_client")
    );
    for bad in ["", "at_made-up", answer["refresh_token"].as_str().unwrap()] {
        let found = ask(&house, Shown::Bearer(bad), &[("token", access)]).await;
        assert_eq!(found, denied("invalid_token"), "{bad}");
    }
    let both = [("token", access), ("client_secret", SECRET)];
    let found = ask(&house, Shown::Bearer(access), &both).await;
    assert_eq!(found, Err(("invalid_request".to_owned(), 400)));
    let basic = || Shown::Basic(Some(("secretive".into(), SECRET.into())));
    let found = ask(&house, basic(), &[]).await;
    assert_eq!(
        found,
        Err(("invalid_request".to_owned(), 400)),
        "token is required"
    );
    assert_eq!(
        house
            .noted("token.introspect", "refused", "invalid_client")
            .await,
        3
    );
    assert_eq!(
        house
            .noted("token.introspect", "refused", "invalid_token")
            .await,
        3
    );
}

#[tokio::test]
async fn case_62_everybody_but_a_service_sees_what_is_theirs() {
    let house = house("intro-own").await;
    let (first, second) = (launched(&house).await, launched(&house).await);
    let own = bearer(&house, &first["access_token"], &first["access_token"])
        .await
        .unwrap();
    assert_eq!(own["active"], true);
    let own = bearer(&house, &first["access_token"], &first["refresh_token"])
        .await
        .unwrap();
    assert_eq!(own["active"], true);
    let other = bearer(&house, &first["access_token"], &second["access_token"]).await;
    assert_eq!(other, Ok(inactive()), "another grant of the same app");
    let system = system_token(&house).await;
    let told = bearer(&house, &system, &second["access_token"])
        .await
        .unwrap();
    assert_eq!(
        told["client_id"], "app",
        "SMART: a service asks about any app's token"
    );
    let foreign = bearer(&house, &first["access_token"], &system).await;
    assert_eq!(foreign, Ok(inactive()));
    let basic = Shown::Basic(Some(("secretive".into(), SECRET.into())));
    let token = first["access_token"].as_str().unwrap();
    assert_eq!(
        ask(&house, basic, &[("token", token)]).await,
        Ok(inactive()),
        "another app's"
    );
    house.change("UPDATE anteroom_grant SET client_id = 'secretive' WHERE staff IS NULL AND pid IS NOT NULL").await;
    let basic = Shown::Basic(Some(("secretive".into(), SECRET.into())));
    let told = ask(&house, basic, &[("token", token)]).await.unwrap();
    assert_eq!(told["active"], true, "its own");
}

#[tokio::test]
async fn case_62_odd_tokens_and_hints_are_inactive_and_nothing_more() {
    let house = house("intro-odd").await;
    let answer = launched(&house).await;
    let system = system_token(&house).await;
    let system = system.as_str().unwrap();
    let million = "x".repeat(1_000_000);
    let id_token = answer["id_token"].as_str().unwrap();
    for odd in [
        "invalid_token_value",
        "ä",
        "at_",
        million.as_str(),
        id_token,
        "a b",
        "%",
    ] {
        let found = ask(&house, Shown::Bearer(system), &[("token", odd)]).await;
        assert_eq!(found, Ok(inactive()));
    }
    for (name, hint) in [
        ("access_token", "refresh_token"),
        ("refresh_token", "access_token"),
        ("access_token", "id_token"),
        ("access_token", ""),
    ] {
        let token = answer[name].as_str().unwrap();
        let pairs = [("token", token), ("token_type_hint", hint)];
        let told = ask(&house, Shown::Bearer(system), &pairs).await.unwrap();
        assert_eq!(told["active"], true, "{name} with hint {hint}");
    }
}

#[tokio::test]
async fn case_66_no_token_but_the_whole_one() {
    let house = house("intro-cut").await;
    let answer = launched(&house).await;
    let (access, refresh) = (
        answer["access_token"].as_str().unwrap(),
        answer["refresh_token"].as_str().unwrap(),
    );
    let flipped: String = access
        .chars()
        .map(|c| {
            if c.is_ascii_lowercase() {
                c.to_ascii_uppercase()
            } else {
                c.to_ascii_lowercase()
            }
        })
        .collect();
    let mut odd: Vec<String> = (1..access.len())
        .map(|cut| access[..cut].to_owned())
        .collect();
    odd.extend([
        flipped,
        format!("{access}x"),
        format!("{access} "),
        access[3..].to_owned(),
    ]);
    odd.extend([
        access.replacen("at_", "rt_", 1),
        refresh.replacen("rt_", "at_", 1),
    ]);
    let context = house.context();
    for odd in odd {
        let hash = crypto::fingerprint(&odd);
        let now = context.seconds();
        assert!(
            grants::by_access_token(&house.emr.db, &hash, now)
                .await
                .unwrap()
                .is_none(),
            "{odd}"
        );
        assert!(
            tokens::look(&house.emr.db, &hash).await.unwrap().is_none(),
            "{odd}"
        );
    }
}

#[tokio::test]
async fn case_63_what_has_ended_is_inactive_at_once() {
    let table = [
        "UPDATE patient_data SET allow_patient_portal = 'NO'",
        "UPDATE patient_data SET prevent_portal_apps = 'YES'",
        "UPDATE patient_access_onsite SET portal_pwd = 'another'",
        "UPDATE anteroom_client SET disabled = 1 WHERE client_id = 'app'",
        "UPDATE anteroom_grant SET revoked = 1",
        "UPDATE anteroom_token SET revoked = 1",
    ];
    for (number, change) in table.into_iter().enumerate() {
        let house = house(&format!("intro-ended-{number}")).await;
        let answer = launched(&house).await;
        let tokens = ["access_token", "refresh_token"].map(|name| answer[name].as_str().unwrap());
        for token in tokens {
            assert_eq!(service(&house, token).await["active"], true);
        }
        house.change(change).await;
        for token in tokens {
            assert_eq!(service(&house, token).await, inactive(), "{change}");
        }
    }
}

#[tokio::test]
async fn case_63_time_and_exchange_end_a_token_and_looking_does_not_use_it() {
    let mut house = house("intro-time").await;
    let first = launched(&house).await;
    let old = first["refresh_token"].as_str().unwrap();
    let second = refresh(&house, &first["refresh_token"]).await.unwrap();
    assert_eq!(service(&house, old).await, inactive(), "it was exchanged");
    let access = second["access_token"].as_str().unwrap();
    assert_eq!(service(&house, access).await["active"], true);
    assert!(
        refresh(&house, &first["refresh_token"]).await.is_ok(),
        "the answer may have been lost: a look at the token is no use of it"
    );
    assert_eq!(
        service(&house, access).await,
        inactive(),
        "the unused pair is revoked"
    );
    let third = launched(&house).await;
    let access = third["access_token"].as_str().unwrap();
    house.wait(599);
    assert_eq!(service(&house, access).await["active"], true);
    house.wait(1);
    assert_eq!(service(&house, access).await, inactive());
}
