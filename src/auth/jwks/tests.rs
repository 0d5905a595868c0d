//! What a key set may hold, and how long a fetched one is believed.

use serde_json::Value;
use serde_json::json;

use super::*;
use crate::auth::client_fixture::Shelf;
use crate::auth::client_fixture::public;
use crate::auth::client_fixture::set;
use crate::auth::fixture::House;

fn good(kid: &str) -> Value {
    public(kid, &Value::Null)
}

fn why(keys: &[Value]) -> String {
    check(&set(keys)).err().unwrap_or_default()
}

#[test]
fn case_61_weak_broken_and_secret_keys_are_refused_by_name() {
    assert_eq!(check(&set(&[good("rsa"), good("ec")])), Ok(()));
    let short = crypto::base64url(&[0xff; 64]);
    let huge = crypto::base64url(&[0xff; 1025]);
    let off = crypto::base64url(&[7; 48]);
    for (kid, change, said) in [
        ("rsa", json!({ "n": short }), "this one 512"),
        ("rsa", json!({ "n": huge }), "this one 8200"),
        ("rsa", json!({ "n": null }), "n of an RSA key"),
        (
            "rsa",
            json!({ "e": "AQ" }),
            "e of an RSA key is odd, 3 or more",
        ),
        (
            "rsa",
            json!({ "e": "AAAB" }),
            "e of an RSA key is odd, 3 or more",
        ),
        (
            "rsa",
            json!({ "e": "AQAA" }),
            "e of an RSA key is odd, 3 or more",
        ),
        ("rsa", json!({ "e": "" }), "e of an RSA key is a number"),
        ("rsa", json!({ "kid": null }), "kid is required"),
        ("rsa", json!({ "kid": "" }), "kid is required"),
        ("rsa", json!({ "d": "AQAB" }), "holds a secret"),
        ("ec", json!({ "d": "AQAB" }), "holds a secret"),
        ("ec", json!({ "kty": "oct", "k": "AQAB" }), "holds a secret"),
        ("ec", json!({ "kty": "oct" }), "holds a secret"),
        ("ec", json!({ "x": off }), "not a point on P-384"),
        ("ec", json!({ "x": "AQAB" }), "not a point on P-384"),
        ("ec", json!({ "y": null }), "x and y"),
        ("ec", json!({ "crv": "P-256" }), "must be P-384"),
        ("ec", json!({ "use": "enc" }), "no key for signatures"),
        ("ec", json!({ "alg": "ES256" }), "no key for signatures"),
        (
            "ec",
            json!({ "key_ops": ["sign"] }),
            "no key for signatures",
        ),
        ("ec", json!({ "kty": "OKP" }), "no key for signatures"),
    ] {
        let found = why(&[public(kid, &change)]);
        assert!(found.contains(said), "{change}: {found}");
    }
    // What is not for us is passed over, but a secret spoils the whole set.
    let other = public("ec", &json!({ "kty": "OKP", "crv": "Ed25519" }));
    assert_eq!(why(&[good("rsa"), other]), "");
    let secret = public(
        "ec",
        &json!({ "kty": "OKP", "crv": "Ed25519", "d": "AQAB" }),
    );
    assert!(why(&[good("rsa"), secret]).starts_with("key 2 of the key set: it holds a secret"));
}

#[test]
fn case_61_two_keys_of_one_name_and_kind_are_refused() {
    let named = |kid: &str| public(kid, &json!({ "kid": "k" }));
    assert!(why(&[named("rsa"), named("rsa")]).contains("another key's already"));
    assert!(why(&[named("ec"), named("ec")]).contains("another key's already"));
    assert_eq!(
        why(&[named("rsa"), named("ec")]),
        "",
        "kty tells them apart"
    );
}

#[test]
fn a_key_set_has_its_form_and_its_limits() {
    for text in [
        "",
        "{}",
        "[]",
        "{\"keys\":{}}",
        "{\"keys\":[1]}",
        "{\"keys\":[{}]}",
    ] {
        let found = check(text).unwrap_err();
        assert!(found.contains("{\"keys\": [...]}"), "{text}: {found}");
    }
    assert!(
        check("{\"keys\":[]}")
            .unwrap_err()
            .contains("no key for signatures")
    );
    let many: Vec<Value> = (0..21)
        .map(|n| public("ec", &json!({ "kid": n.to_string() })))
        .collect();
    assert_eq!(why(&many[..20]), "");
    assert!(why(&many).contains("more than 20"));
    let long = public("ec", &json!({ "x5t": "x".repeat(LARGEST) }));
    assert!(why(&[long]).contains("64 KiB"));
    let deep = format!(
        "{{\"keys\":[{}{}]}}",
        "[".repeat(30_000),
        "]".repeat(30_000)
    );
    assert!(check(&deep).is_err(), "and no stack is spent on it");
}

async fn find(house: &House, shelf: &Shelf, kid: &str) -> Result<bool, String> {
    let context = house.context();
    let wanted = (kid, Algorithm::RS384);
    let set = house
        .key_sets
        .at(&context, ("c", &shelf.uri), wanted)
        .await?;
    Ok(set.find(kid, Algorithm::RS384).is_some())
}

#[tokio::test]
async fn a_fetched_set_is_believed_as_long_as_it_says() {
    let mut house = House::open("jwks-cache", &[]).await;
    let body = set(&[good("rsa")]);
    let shelf = Shelf::open("200 OK\r\nCache-Control: public, Max-Age=100", &body).await;
    for seconds in [0, 50, 49] {
        house.wait(seconds);
        assert_eq!(find(&house, &shelf, "rsa").await, Ok(true));
    }
    assert_eq!(shelf.asked(), 1);
    house.wait(1);
    assert_eq!(find(&house, &shelf, "rsa").await, Ok(true));
    assert_eq!(shelf.asked(), 2, "a hundred seconds are over");
    house.wait(100);
    shelf.put("200 OK\r\nCache-Control: no-store, max-age=100", &body);
    for number in 3..6 {
        assert_eq!(find(&house, &shelf, "rsa").await, Ok(true));
        assert_eq!(shelf.asked(), number, "no-store means each time");
    }
}

#[test]
fn an_answer_is_kept_an_hour_at_most_and_a_minute_where_it_does_not_say() {
    let kept = |headers: &[(&str, &str)]| {
        life(&Incoming {
            status: 200,
            headers: headers
                .iter()
                .map(|(name, value)| ((*name).into(), (*value).into()))
                .collect(),
            body: Vec::new(),
        })
    };
    assert_eq!(kept(&[]), UNSAID);
    assert_eq!(kept(&[("cache-control", "public")]), UNSAID);
    assert_eq!(kept(&[("cache-control", "max-age=86400")]), 3600);
    assert_eq!(kept(&[("cache-control", "max-age=0")]), 0);
    assert_eq!(kept(&[("cache-control", "max-age=-5")]), 0);
    assert_eq!(kept(&[("cache-control", "max-age=x")]), 0);
    assert_eq!(kept(&[("cache-control", "max-age=\"90\"")]), 90);
    assert_eq!(kept(&[("cache-control", "max-age=90"), ("age", "80")]), 10);
    assert_eq!(kept(&[("cache-control", "No-Cache, max-age=90")]), 0);
}

#[tokio::test]
async fn an_unknown_key_is_looked_for_once_in_half_a_minute() {
    let mut house = House::open("jwks-search", &[]).await;
    let headers = "200 OK\r\nCache-Control: max-age=3600";
    let shelf = Shelf::open(headers, &set(&[good("rsa")])).await;
    assert_eq!(find(&house, &shelf, "rsa").await, Ok(true));
    house.wait(1);
    for _ in 0..3 {
        assert_eq!(find(&house, &shelf, "new").await, Ok(false));
    }
    assert_eq!(shelf.asked(), 2);
    shelf.put(headers, &set(&[public("rsa", &json!({ "kid": "new" }))]));
    house.wait(29);
    assert_eq!(find(&house, &shelf, "new").await, Ok(false));
    house.wait(1);
    assert_eq!(find(&house, &shelf, "new").await, Ok(true));
    assert_eq!(shelf.asked(), 3);
    assert_eq!(
        find(&house, &shelf, "rsa").await,
        Ok(false),
        "the old key is gone"
    );
    assert_eq!(shelf.asked(), 3);
}

#[tokio::test]
async fn a_failing_address_is_told_and_not_hammered() {
    let mut house = House::open("jwks-fail", &[]).await;
    let shelf = Shelf::open("302 Found\r\nLocation: http://127.0.0.1:1/", "").await;
    for _ in 0..3 {
        let told = find(&house, &shelf, "rsa").await.unwrap_err();
        assert!(
            told.contains("jwks_uri: it answered with status 302"),
            "{told}"
        );
    }
    assert_eq!(shelf.asked(), 1);
    house.wait(BETWEEN_FAILURES);
    shelf.put("200 OK", "<html>");
    assert!(
        find(&house, &shelf, "rsa")
            .await
            .unwrap_err()
            .contains("in JSON")
    );
    house.wait(BETWEEN_FAILURES);
    shelf.put("200 OK", &set(&[good("rsa")]));
    assert_eq!(find(&house, &shelf, "rsa").await, Ok(true));
}

#[tokio::test]
async fn case_54_a_caller_who_goes_away_does_not_make_us_knock_again() {
    let house = House::open("jwks-gone", &[]).await;
    let canary = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let uri = format!("http://{}/jwks", canary.local_addr().unwrap());
    let patience = std::time::Duration::from_millis(60);
    for _ in 0..5 {
        let context = house.context();
        let wanted = ("rsa", Algorithm::RS384);
        let asking = house.key_sets.at(&context, ("c", &uri), wanted);
        assert!(tokio::time::timeout(patience, asking).await.is_err());
    }
    let mut knocked = Vec::new();
    while let Ok(Ok((stream, _))) = tokio::time::timeout(patience, canary.accept()).await {
        knocked.push(stream);
    }
    assert_eq!(knocked.len(), 1, "one fetch, whoever has stopped waiting");
}
