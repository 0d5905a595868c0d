//! Assertions, good and bad, up to the app they prove.

use jsonwebtoken::EncodingKey;
use serde_json::Value;
use serde_json::json;

use super::*;
use crate::auth::client_auth::authenticate;
use crate::auth::client_fixture;
use crate::auth::client_fixture::BEARER;
use crate::auth::client_fixture::ENDPOINT;
use crate::auth::client_fixture::Shelf;
use crate::auth::client_fixture::add_clients;
use crate::auth::client_fixture::assertion;
use crate::auth::client_fixture::claims;
use crate::auth::client_fixture::public;
use crate::auth::client_fixture::set;
use crate::auth::client_fixture::signed;
use crate::auth::fixture;
use crate::auth::fixture::House;
use crate::store::clients::Kind;

const SIGNING: &str = "signing";

async fn house(name: &str) -> House {
    let house = House::open(name, &[]).await;
    add_clients(&house).await;
    house
}

fn header() -> Value {
    json!({ "alg": "RS384", "kid": "rsa", "typ": "JWT" })
}

/// Shows an assertion: the app it proves, or the error and what is said about it.
async fn show(house: &House, assertion: &str) -> Result<String, String> {
    let params = [
        ("client_assertion_type", BEARER),
        ("client_assertion", assertion),
    ];
    let params = params.map(|(name, value)| (name.to_owned(), value.to_owned()));
    match authenticate(&house.context(), &params, None, ENDPOINT).await {
        Ok(client) => Ok(client.client_id),
        Err(error) => {
            assert!(error.broken.is_none(), "{:?}", error.broken);
            assert_eq!(
                (error.error.as_ref(), error.status()),
                ("invalid_client", 401)
            );
            assert!(error.description.is_ascii(), "{}", error.description);
            Err(error.description.into_owned())
        }
    }
}

/// Shows one whose header or claims were changed.
async fn changed(house: &House, header: &Value, change: &Value) -> Result<String, String> {
    show(house, &signed(header, &claims(house, SIGNING, change))).await
}

fn says(found: Result<String, String>, said: &str, what: &Value) {
    let found = found.unwrap_err();
    assert!(found.contains(said), "{what}: {found}");
}

#[tokio::test]
async fn both_algorithms_of_smart_prove_an_app() {
    let house = house("assert-good").await;
    let none = Value::Null;
    let found = changed(&house, &header(), &none).await;
    assert_eq!(found, Ok(SIGNING.to_owned()));
    let ec = json!({ "alg": "ES384", "kid": "ec" });
    assert_eq!(
        changed(&house, &ec, &none).await,
        Ok(SIGNING.to_owned()),
        "typ may be absent"
    );
    let lower = json!({ "alg": "ES384", "kid": "ec", "typ": "jwt" });
    assert!(changed(&house, &lower, &none).await.is_ok());
}

#[tokio::test]
async fn case_52_an_assertion_works_once() {
    let mut house = house("assert-once").await;
    let once = assertion(&house, SIGNING);
    assert!(show(&house, &once).await.is_ok());
    says(show(&house, &once).await, "used already", &Value::Null);
    house.wait(299);
    says(show(&house, &once).await, "used already", &Value::Null);
    house.wait(1);
    says(show(&house, &once).await, "expired", &Value::Null);
    let same = json!({ "jti": "j-1" });
    assert!(changed(&house, &header(), &same).await.is_ok());
    let other = signed(&header(), &claims(&house, "service", &same));
    assert_eq!(
        show(&house, &other).await,
        Ok("service".to_owned()),
        "each app has names of its own"
    );
    let later = json!({ "jti": "j-1", "exp": house.now.unix_timestamp() + 200 });
    says(
        changed(&house, &header(), &later).await,
        "used already",
        &later,
    );
}

#[tokio::test]
async fn case_52_of_fifty_at_once_one_is_believed() {
    let house = house("assert-race").await;
    let once = assertion(&house, SIGNING);
    let all = futures_util::future::join_all((0..50).map(|_| show(&house, &once))).await;
    assert_eq!(all.iter().filter(|one| one.is_ok()).count(), 1);
    let rest = all.iter().filter_map(|one| one.as_ref().err());
    assert_eq!(rest.filter(|why| why.contains("used already")).count(), 49);
}

#[tokio::test]
async fn case_53_other_algorithms_are_refused() {
    let house = house("assert-alg").await;
    for alg in [
        "none", "None", "HS256", "HS384", "RS256", "PS384", "ES256", "EdDSA", "",
    ] {
        let odd = json!({ "alg": alg, "kid": "rsa", "typ": "JWT" });
        says(
            changed(&house, &odd, &Value::Null).await,
            "alg in its header must be RS384 or ES384",
            &odd,
        );
    }
    for (alg, kid) in [("ES384", "rsa"), ("RS384", "ec"), ("RS384", "other")] {
        let odd = json!({ "alg": alg, "kid": kid, "typ": "JWT" });
        says(
            changed(&house, &odd, &Value::Null).await,
            "kid names no key",
            &odd,
        );
    }
    // HMAC with the public key as secret, under an allowed name and its own.
    for alg in ["HS256", "HS384", "RS384"] {
        let odd = json!({ "alg": alg, "kid": "rsa", "typ": "JWT" });
        let good = signed(&odd, &claims(&house, SIGNING, &Value::Null));
        let (message, _) = good.rsplit_once('.').unwrap();
        let secret = public("rsa", &Value::Null).to_string();
        let key = EncodingKey::from_secret(secret.as_bytes());
        let mac = jsonwebtoken::crypto::sign(message.as_bytes(), &key, Algorithm::HS256).unwrap();
        assert!(show(&house, &format!("{message}.{mac}")).await.is_err());
        assert!(
            show(&house, &format!("{message}.")).await.is_err(),
            "no signature"
        );
    }
}

#[tokio::test]
async fn case_54_keys_that_an_assertion_brings_are_not_looked_at() {
    let house = house("assert-jku").await;
    let canary = Shelf::open("200 OK", &set(&[public("rsa", &Value::Null)])).await;
    let mut foreign = header();
    foreign["jku"] = json!(canary.uri);
    says(
        changed(&house, &foreign, &Value::Null).await,
        "jku in its header",
        &foreign,
    );
    // The thief's own key, everywhere a header may hold one: the signature does not fit the registered key.
    let pem = crypto::new_rsa_key().unwrap();
    let key = EncodingKey::from_rsa_pem(pem.as_bytes()).unwrap();
    let jwk = jsonwebtoken::jwk::Jwk::from_encoding_key(&key, Algorithm::RS384).unwrap();
    let mut header = header();
    header["jwk"] = serde_json::to_value(&jwk).unwrap();
    header["x5u"] = json!(canary.uri);
    header["x5c"] = json!(["MIIB"]);
    let whole = signed(&header, &claims(&house, SIGNING, &Value::Null));
    let (message, _) = whole.rsplit_once('.').unwrap();
    let theft = jsonwebtoken::crypto::sign(message.as_bytes(), &key, Algorithm::RS384).unwrap();
    says(
        show(&house, &format!("{message}.{theft}")).await,
        "its signature does not fit",
        &header,
    );
    assert_eq!(
        show(&house, &whole).await,
        Ok(SIGNING.to_owned()),
        "and they do no harm"
    );
    assert_eq!(canary.asked(), 0, "nothing was fetched");
}

#[tokio::test]
async fn case_56_times_are_numbers_in_their_bounds() {
    let house = house("assert-times").await;
    let now = house.now.unix_timestamp();
    for (change, said) in [
        (json!({ "exp": null }), "exp"),
        (json!({ "exp": (now + 300).to_string() }), "exp"),
        (json!({ "exp": [now + 300] }), "exp"),
        (json!({ "exp": 1e308 }), "at most 5 minutes"),
        (json!({ "exp": -1e308 }), "at most 5 minutes"),
        (json!({ "exp": now + 7200 }), "at most 5 minutes"),
        (json!({ "exp": now + 361 }), "at most 5 minutes"),
        (json!({ "exp": now - 61 }), "expired"),
        (json!({ "exp": now }), "expired"),
        (json!({ "nbf": "0" }), "nbf"),
        (json!({ "nbf": now + 61 }), "nbf and iat must not be"),
        (json!({ "nbf": 1e300 }), "nbf and iat must not be"),
        (json!({ "iat": "now" }), "iat"),
        (json!({ "iat": now + 61 }), "nbf and iat must not be"),
        (json!({ "jti": null }), "jti"),
        (json!({ "jti": 7 }), "jti"),
        (json!({ "jti": "" }), "jti"),
        (json!({ "jti": "x".repeat(513) }), "jti"),
    ] {
        says(changed(&house, &header(), &change).await, said, &change);
    }
    for good in [
        json!({ "exp": now + 360 }),
        json!({ "exp": now + 1 }),
        json!({ "exp": now as f64 + 299.5 }),
        json!({ "nbf": now + 60, "iat": now + 60 }),
        json!({ "nbf": 0, "iat": 0 }),
    ] {
        assert_eq!(
            changed(&house, &header(), &good).await,
            Ok(SIGNING.to_owned()),
            "{good}"
        );
    }
}

#[tokio::test]
async fn case_57_the_audience_is_this_server_alone() {
    let house = house("assert-aud").await;
    for aud in [
        json!(ENDPOINT),
        json!("https://emr.example"),
        json!([ENDPOINT]),
    ] {
        let change = json!({ "aud": aud });
        assert_eq!(
            changed(&house, &header(), &change).await,
            Ok(SIGNING.to_owned()),
            "{change}"
        );
    }
    for aud in [
        json!("https://other.example/oauth2/token"),
        json!("https://emr.example/"),
        json!("https://emr.example/oauth2/token/"),
        json!("https://EMR.example/oauth2/token"),
        json!("https://emr.example/fhir"),
        json!([ENDPOINT, "https://other.example"]),
        json!([ENDPOINT, ENDPOINT]),
        json!([]),
        json!([[ENDPOINT]]),
        json!({}),
        json!(""),
        Value::Null,
    ] {
        let change = json!({ "aud": aud });
        says(changed(&house, &header(), &change).await, "aud", &change);
    }
}

#[tokio::test]
async fn case_58_issuer_and_subject_are_the_app_itself() {
    let house = house("assert-who").await;
    for change in [
        json!({ "sub": "service" }),
        json!({ "sub": "" }),
        json!({ "sub": null }),
        json!({ "iss": ["signing"] }),
        json!({ "iss": "nobody", "sub": "nobody" }),
        json!({ "iss": "app", "sub": "app" }),
        json!({ "iss": "secretive", "sub": "secretive" }),
    ] {
        assert!(
            changed(&house, &header(), &change).await.is_err(),
            "{change}"
        );
    }
    let thief = Client {
        client_id: "thief".into(),
        kind: Kind::Asymmetric,
        jwks: Some(set(&[public("ec", &Value::Null)])),
        ..fixture::client()
    };
    client_fixture::add(&house, thief).await;
    let own = json!({ "alg": "ES384", "kid": "ec", "typ": "JWT" });
    let as_itself = signed(&own, &claims(&house, "thief", &Value::Null));
    assert_eq!(show(&house, &as_itself).await, Ok("thief".to_owned()));
    for change in [json!({ "sub": SIGNING }), json!({ "iss": SIGNING })] {
        let theft = signed(&own, &claims(&house, "thief", &change));
        says(show(&house, &theft).await, "iss and sub must both", &change);
    }
}

#[tokio::test]
async fn case_59_other_tokens_are_no_assertions() {
    let house = house("assert-typ").await;
    for typ in ["logout+jwt", "at+jwt", "dpop+jwt", "JWS", ""] {
        let odd = json!({ "alg": "RS384", "kid": "rsa", "typ": typ });
        says(
            changed(&house, &odd, &Value::Null).await,
            "typ in its header",
            &odd,
        );
    }
    for (member, value) in [
        ("typ", json!(1)),
        ("kid", json!(1)),
        ("kid", Value::Null),
        ("kid", json!("")),
    ] {
        let mut odd = header();
        odd[member] = value;
        assert!(changed(&house, &odd, &Value::Null).await.is_err(), "{odd}");
    }
    for (member, value) in [("crit", json!(["exp"])), ("b64", json!(false))] {
        let mut odd = header();
        odd[member] = value;
        says(
            changed(&house, &odd, &Value::Null).await,
            "crit or b64",
            &odd,
        );
    }
    let good = assertion(&house, SIGNING);
    let cut = &good[..good.len() - 4];
    let long = "x".repeat(LONGEST + 1);
    for text in [
        "a",
        "a.b",
        "a.b.c",
        "..",
        "at_abc",
        &format!("{good}.x"),
        cut,
        &long,
    ] {
        assert!(show(&house, text).await.is_err(), "{text}");
    }
    assert!(show(&house, &good).await.is_ok());
}

#[tokio::test]
async fn case_53_a_signature_in_der_form_is_refused() {
    let house = house("assert-der").await;
    let own = json!({ "alg": "ES384", "kid": "ec", "typ": "JWT" });
    let good = signed(&own, &claims(&house, SIGNING, &Value::Null));
    let (message, signature) = good.rsplit_once('.').unwrap();
    let bytes = crypto::from_base64url(signature).unwrap();
    let integer = |part: &[u8]| [&[2, 49, 0][..], part].concat();
    let both = [integer(&bytes[..48]), integer(&bytes[48..])].concat();
    let der = [&[0x30, u8::try_from(both.len()).unwrap()][..], &both].concat();
    let der = format!("{message}.{}", crypto::base64url(&der));
    says(show(&house, &der).await, "its signature does not fit", &own);
}

#[tokio::test]
async fn case_61_a_key_set_that_may_not_be_registered_proves_nothing() {
    let house = house("assert-hygiene").await;
    let good = public("rsa", &Value::Null);
    for (number, keys) in [
        vec![good.clone(), good.clone()],
        vec![
            good.clone(),
            public("ec", &json!({ "kty": "oct", "k": "AQAB" })),
        ],
        vec![
            good.clone(),
            public("ec", &json!({ "x": crypto::base64url(&[7; 48]) })),
        ],
        vec![good.clone(), public("ec", &json!({ "d": "AQAB" }))],
    ]
    .into_iter()
    .enumerate()
    {
        let client = Client {
            client_id: format!("weak-{number}"),
            kind: Kind::Backend,
            jwks: Some(set(&keys)),
            ..fixture::client()
        };
        let id = client.client_id.clone();
        client_fixture::add(&house, client).await;
        let found = show(&house, &assertion(&house, &id)).await;
        says(found, "of the key set", &json!(number));
    }
}

#[tokio::test]
async fn an_app_may_keep_its_keys_at_an_address() {
    let mut house = house("assert-uri").await;
    let shelf = Shelf::open("200 OK", &set(&[public("rsa", &Value::Null)])).await;
    let client = Client {
        client_id: "away".into(),
        kind: Kind::Asymmetric,
        jwks_uri: Some(shelf.uri.clone()),
        ..fixture::client()
    };
    client_fixture::add(&house, client).await;
    assert_eq!(
        show(&house, &assertion(&house, "away")).await,
        Ok("away".to_owned())
    );
    let mut named = header();
    named["jku"] = json!(shelf.uri);
    let named = signed(&named, &claims(&house, "away", &Value::Null));
    assert_eq!(
        show(&house, &named).await,
        Ok("away".to_owned()),
        "jku may say what is registered"
    );
    assert_eq!(shelf.asked(), 1);
    house.wait(3600);
    shelf.put("500 Oops", "");
    let found = show(&house, &assertion(&house, "away")).await;
    says(
        found,
        "the registered jwks_uri: it answered with status 500",
        &Value::Null,
    );
}
