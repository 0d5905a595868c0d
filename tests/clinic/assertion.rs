//! The client assertions an app signs (RFC 7523; SMART 2.2, "Client Authentication: Asymmetric"), made by hand so that a
//! test can get every part of them wrong.

use anteroom::crypto;
use anteroom::demo::manifest::DemoClient;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::ECDSA_P384_SHA384_FIXED_SIGNING;
use aws_lc_rs::signature::EcdsaKeyPair;
use serde_json::Value;
use serde_json::json;

/// What `client_assertion_type` must be.
pub(crate) const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// Header and claims of a good assertion of this app for `audience`, to be changed before [`signed`].
pub(crate) fn parts(app: &DemoClient, (audience, jti): (&str, &str), now: i64) -> (Value, Value) {
    let key = app.private_jwk.as_ref().expect("an app with a key");
    let header = json!({ "alg": "ES384", "typ": "JWT", "kid": key["kid"] });
    let claims = json!({
        "iss": app.client_id, "sub": app.client_id, "aud": audience, "jti": jti, "iat": now, "exp": now + 300,
    });
    (header, claims)
}

/// The signed assertion.
pub(crate) fn signed(app: &DemoClient, header: &Value, claims: &Value) -> String {
    let key = app.private_jwk.as_ref().expect("an app with a key");
    let number = |name: &str| {
        let text = key[name].as_str().expect("a part of the key");
        crypto::from_base64url(text).expect("base64url")
    };
    let mut point = vec![4];
    point.extend(number("x"));
    point.extend(number("y"));
    let pair = EcdsaKeyPair::from_private_key_and_public_key(
        &ECDSA_P384_SHA384_FIXED_SIGNING,
        &number("d"),
        &point,
    )
    .expect("a key pair");
    let part = |value: &Value| crypto::base64url(value.to_string().as_bytes());
    let text = format!("{}.{}", part(header), part(claims));
    let signature = pair
        .sign(&SystemRandom::new(), text.as_bytes())
        .expect("a signature");
    format!("{text}.{}", crypto::base64url(signature.as_ref()))
}

/// A good assertion, once.
pub(crate) fn fresh(app: &DemoClient, audience: &str, now: i64) -> String {
    let jti = format!("jti-{}-{}", std::process::id(), number());
    let (header, claims) = parts(app, (audience, &jti), now);
    signed(app, &header, &claims)
}

fn number() -> u32 {
    use std::sync::atomic::AtomicU32;
    use std::sync::atomic::Ordering;
    static COUNT: AtomicU32 = AtomicU32::new(0);
    COUNT.fetch_add(1, Ordering::SeqCst)
}
