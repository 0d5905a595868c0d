//! What is an id token of ours and what is not: the hints of case 74.

use jsonwebtoken::EncodingKey;
use jsonwebtoken::Header;
use jsonwebtoken::encode;
use serde_json::Value;
use serde_json::json;

use super::*;
use crate::auth::fixture;
use crate::crypto;

const ISSUER: &str = "https://emr.example";

fn claims() -> Value {
    json!({ "iss": ISSUER, "sub": "user", "aud": "app", "exp": 1, "iat": 1 })
}

fn header() -> Header {
    let mut header = Header::new(Algorithm::RS256);
    header.kid = Some(fixture::keys().signing(0).unwrap().kid().to_owned());
    header
}

fn ours(claims: &Value) -> String {
    let key = EncodingKey::from_rsa_pem(fixture::pem().as_bytes()).unwrap();
    encode(&header(), claims, &key).unwrap()
}

fn named(token: &str) -> Option<(String, String)> {
    subject(&fixture::keys(), ISSUER, token)
}

#[test]
fn an_id_token_of_ours_names_its_user_long_after_its_time() {
    let expected = Some(("app".to_owned(), "user".to_owned()));
    assert_eq!(named(&ours(&claims())), expected);
    let mut list = claims();
    list["aud"] = json!(["app"]);
    assert_eq!(named(&ours(&list)), expected);
}

#[test]
fn case_74_nothing_else_does() {
    let changed = |name: &str, value: Value| {
        let mut claims = claims();
        claims[name] = value;
        ours(&claims)
    };
    let good = ours(&claims());
    let (signed, signature) = good.rsplit_once('.').unwrap();
    let (head, body) = signed.split_once('.').unwrap();
    let plain = |value: &Value| crypto::base64url(value.to_string().as_bytes());
    let other = EncodingKey::from_rsa_pem(crypto::new_rsa_key().unwrap().as_bytes()).unwrap();
    let mut by_secret = Header::new(Algorithm::HS256);
    by_secret.kid = header().kid;
    let public = serde_json::to_vec(&fixture::keys().jwks(0)).unwrap();
    let mut nameless = header();
    nameless.kid = None;
    let own = EncodingKey::from_rsa_pem(fixture::pem().as_bytes()).unwrap();
    let mut somebody = claims();
    somebody["sub"] = json!("admin");
    let table = [
        ("nothing", String::new()),
        ("words", "a.b.c".to_owned()),
        (
            "the issuer of another",
            changed("iss", json!("https://other.example")),
        ),
        (
            "an issuer with a slash",
            changed("iss", json!("https://emr.example/")),
        ),
        ("two apps", changed("aud", json!(["app", "other"]))),
        ("no app", changed("aud", json!([]))),
        ("no user", changed("sub", Value::Null)),
        (
            "a changed body",
            format!("{head}.{}.{signature}", plain(&somebody)),
        ),
        ("only base64", format!("{head}.{body}.")),
        (
            "alg none",
            format!(
                "{}.{body}.",
                plain(&json!({ "alg": "none", "kid": header().kid }))
            ),
        ),
        (
            "another key under our name",
            encode(&header(), &claims(), &other).unwrap(),
        ),
        ("no key's name", encode(&nameless, &claims(), &own).unwrap()),
        (
            "our public key as a secret",
            encode(&by_secret, &claims(), &EncodingKey::from_secret(&public)).unwrap(),
        ),
        ("too long", changed("more", json!("x".repeat(9000)))),
    ];
    for (what, token) in table {
        assert_eq!(named(&token), None, "{what}");
    }
}
