//! What a registration request may say, what becomes of it, and who waits.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use serde_json::json;

use super::*;
use crate::auth::fixture::House;

/// A good request, with some members changed (or taken out, by null).
fn request(change: Value) -> Vec<u8> {
    let mut body = json!({
        "client_name": "Health Diary",
        "redirect_uris": ["https://diary.example/cb"],
        "token_endpoint_auth_method": "none",
        "scope": "openid launch/patient patient/*.rs",
    });
    for (name, value) in change.as_object().unwrap() {
        body[name] = value.clone();
    }
    body.to_string().into_bytes()
}

/// The wrong members of a request that is refused while it is read.
fn wrong(change: Value) -> Vec<&'static str> {
    match read(&request(change.clone())) {
        Err(Rejected::Wrong(wrong)) => wrong.into_iter().map(|(member, _)| member).collect(),
        other => panic!("{change}: {other:?}"),
    }
}

async fn house_with(registration: Registration) -> House {
    // The counter of addresses must not be shared with a test beside this one.
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let number = NUMBER.fetch_add(1, Ordering::SeqCst);
    let mut house = House::open(&format!("registration-{number}"), &[]).await;
    house.config.registration = registration;
    house
}

async fn registered(house: &House, body: &[u8]) -> Result<Value, Rejected> {
    let asked = read(body)?;
    let caller = ("address", "registration");
    let added = register(&house.context(), caller, asked.app).await?;
    Ok(answer(&added, asked.method))
}

#[test]
fn the_method_and_the_grants_say_what_an_app_is() {
    let kind = |change: Value| read(&request(change)).unwrap().app.kind;
    let keys = "https://diary.example/jwks";
    assert_eq!(kind(json!({})), Kind::Public);
    let none = json!({ "token_endpoint_auth_method": null });
    assert_eq!(kind(none), Kind::Confidential, "RFC 7591, 2: the default");
    let post = json!({ "token_endpoint_auth_method": "client_secret_post" });
    assert_eq!(kind(post), Kind::Confidential);
    let signs = json!({ "token_endpoint_auth_method": "private_key_jwt", "jwks_uri": keys });
    assert_eq!(kind(signs), Kind::Asymmetric);
    let alone = json!({
        "token_endpoint_auth_method": "private_key_jwt", "jwks_uri": keys, "redirect_uris": [],
        "grant_types": ["client_credentials"], "scope": "system/*.rs",
    });
    assert_eq!(kind(alone), Kind::Backend);
}

#[test]
fn case_71_what_an_app_may_not_have_is_refused_by_name() {
    assert_eq!(
        wrong(json!({ "grant_types": ["password"] })),
        ["grant_types"]
    );
    assert_eq!(
        wrong(json!({ "grant_types": ["implicit"] })),
        ["grant_types"]
    );
    assert_eq!(
        wrong(json!({ "response_types": ["token"] })),
        ["response_types"]
    );
    assert_eq!(
        wrong(json!({ "scope": "system/*.rs" })),
        ["token_endpoint_auth_method"],
        "a system scope for an app that signs nothing"
    );
    assert_eq!(
        wrong(json!({ "token_endpoint_auth_method": "client_secret_jwt" })),
        ["token_endpoint_auth_method"]
    );
    assert_eq!(wrong(json!({ "scope": "admin everything" })), ["scope"]);
    assert_eq!(
        wrong(
            json!({ "redirect_uris": "https://diary.example/cb", "client_name": 7, "contacts": [1], "jwks": "x" })
        ),
        ["contacts", "client_name", "redirect_uris", "jwks"],
        "every wrong member at once"
    );
    for statement in [json!("eyJhbGciOiJub25lIn0.e30."), json!({})] {
        let found = read(&request(json!({ "software_statement": statement })));
        assert!(matches!(found, Err(Rejected::Statement)));
    }
    for body in ["", "[]", "null", "{", "\"x\""] {
        assert!(
            matches!(read(body.as_bytes()), Err(Rejected::Wrong(_))),
            "{body}"
        );
    }
}

#[tokio::test]
async fn case_71_an_app_gets_what_the_answer_says_and_nothing_of_its_own_choice() {
    let house = house_with(Registration::Open).await;
    let greedy = request(json!({
        "client_id": "app", "client_secret": "mine", "registered_by": "staff", "verified": true, "waits": false,
        "token_endpoint_auth_method": "client_secret_basic", "software_id": "x", "registration_access_token": "y",
        "scope": "openid patient/Patient.rs patient/Nothing.rs admin offline_access",
    }));
    let answer = registered(&house, &greedy).await.unwrap();
    assert_eq!(answer["scope"], "openid patient/Patient.rs offline_access");
    assert_eq!(
        answer["grant_types"],
        json!(["authorization_code", "refresh_token"])
    );
    assert_eq!(answer["client_secret_expires_at"], 0);
    assert_eq!(answer["anteroom_status"], "active");
    for never in [
        "verified",
        "software_id",
        "registration_access_token",
        "registration_client_uri",
    ] {
        assert!(answer.get(never).is_none(), "{never}");
    }
    let id = answer["client_id"].as_str().unwrap();
    assert_ne!(id, "app");
    let secret = answer["client_secret"].as_str().unwrap();
    assert_ne!(secret, "mine");
    let kept = crate::store::clients::find(&house.emr.db, id)
        .await
        .unwrap()
        .unwrap();
    assert!(!kept.verified && !kept.waits);
    assert_eq!(kept.registered_by, "registration");
    assert_eq!(kept.secret_hash, Some(crate::crypto::fingerprint(secret)));
    assert_eq!(house.noted("client.add", "success", "").await, 1);
}

#[tokio::test]
async fn case_71_whatever_reaches_past_one_patient_waits_for_the_practice() {
    let house = house_with(Registration::Open).await;
    let keys = json!({
        "token_endpoint_auth_method": "private_key_jwt", "jwks_uri": "https://diary.example/jwks",
        "redirect_uris": null, "grant_types": ["client_credentials"], "scope": "system/*.rs",
    });
    for (change, status) in [
        (json!({}), "active"),
        (json!({ "scope": null }), "active"),
        (
            json!({ "scope": "launch patient/*.rs" }),
            "waiting for the practice",
        ),
        (
            json!({ "scope": "openid user/*.rs" }),
            "waiting for the practice",
        ),
        (keys, "waiting for the practice"),
    ] {
        let answer = registered(&house, &request(change.clone())).await.unwrap();
        assert_eq!(answer["anteroom_status"], status, "{change}");
        let id = answer["client_id"].as_str().unwrap();
        let usable = client::in_use(&house.emr.db, id).await.unwrap();
        assert_eq!(usable.is_some(), status == "active", "{change}");
    }
}

#[tokio::test]
async fn the_practice_may_look_at_every_app_or_take_none() {
    let careful = house_with(Registration::Approval).await;
    let answer = registered(&careful, &request(json!({}))).await.unwrap();
    assert_eq!(answer["anteroom_status"], "waiting for the practice");
    let closed = house_with(Registration::Off).await;
    let refused = registered(&closed, &request(json!({}))).await;
    assert!(matches!(refused, Err(Rejected::Off)));
    assert_eq!(
        client::list(&closed.emr.db).await.unwrap().len(),
        1,
        "the fixture's own"
    );
}

#[tokio::test]
async fn case_72_one_address_registers_twenty_apps_an_hour() {
    let mut house = house_with(Registration::Open).await;
    let wrong = request(json!({ "redirect_uris": ["ftp://x"] }));
    for _ in 0..30 {
        let found = registered(&house, &wrong).await;
        assert!(
            matches!(found, Err(Rejected::Wrong(_))),
            "corrections are free"
        );
    }
    for _ in 0..20 {
        registered(&house, &request(json!({}))).await.unwrap();
    }
    for _ in 0..100 {
        let found = registered(&house, &request(json!({}))).await;
        let wait = Refusal::TooMany(3600);
        assert!(matches!(found, Err(Rejected::Failed(Failure::Refused(no))) if no == wait));
    }
    assert_eq!(client::list(&house.emr.db).await.unwrap().len(), 21);
    house.wait(3600);
    registered(&house, &request(json!({}))).await.unwrap();
}

#[tokio::test]
async fn case_72_no_more_than_a_thousand_apps_wait() {
    let house = House::open("registration-full", &[]).await;
    house
        .change(
            "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 1000) \
             INSERT INTO anteroom_client (client_id, name, kind, redirect_uris, scope, created, waits) \
             SELECT 'w' || x, 'Waiting', 'public', 'https://w.example/cb', 'openid', 1, 1 FROM n",
        )
        .await;
    let found = registered(&house, &request(json!({}))).await;
    assert!(matches!(
        found,
        Err(Rejected::Failed(Failure::Refused(Refusal::Unavailable(_))))
    ));
    let gone = client::waiting(&house.emr.db).await.unwrap().remove(0);
    client::decline(&house.context(), &gone.client_id, "Practitioner/x")
        .await
        .unwrap();
    registered(&house, &request(json!({}))).await.unwrap();
}
