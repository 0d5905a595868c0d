//! The identity provider says that somebody has logged out there, or somebody else says so (`spec/security.md`, cases 81
//! and 82).

use anteroom::crypto;
use axum::body::Body;
use axum::http::Request;
use axum::http::StatusCode;
use serde_json::Value;
use serde_json::json;

use super::CLIENT;
use super::Idp;
use super::SESSIONS;
use super::clinic;
use super::is_in;
use super::log_in;
use super::provider;
use crate::clinic::Answer;
use crate::clinic::Clinic;
use crate::clinic::browser::encoded;

const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

pub(super) fn claims(clinic: &Clinic, idp: &Idp) -> Value {
    let now = clinic.app.emr.now().unix_timestamp();
    json!({
        "iss": idp.issuer, "aud": CLIENT, "iat": now, "exp": now + 120, "jti": provider::unique(),
        "events": { EVENT: {} }, "sid": "session-1", "sub": "account-1",
    })
}

pub(super) async fn send(clinic: &Clinic, token: &str) -> Answer {
    let request = Request::post("/login/staff/backchannel")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Body::from(encoded(&[("logout_token", token)])))
        .expect("a request");
    let answer = clinic.send(request).await;
    assert_eq!(answer.header("cache-control"), "no-store");
    answer
}

#[tokio::test]
async fn case_81_a_logout_token_that_is_wrong_in_anything_ends_nothing() {
    let idp = Idp::start().await;
    let clinic = clinic(&idp).await;
    let (_, answer) = log_in(&clinic, &idp, |_| {}).await;
    assert!(is_in(&answer), "{}", answer.text());
    let now = clinic.app.emr.now().unix_timestamp();
    let wrong: Vec<(&str, Value)> = vec![
        ("nonce", json!("n")),
        ("events", Value::Null),
        ("events", json!({})),
        ("events", json!({ EVENT: true })),
        ("events", json!([EVENT])),
        ("aud", json!("another-client")),
        ("aud", Value::Null),
        ("iss", json!(format!("{}/", idp.issuer))),
        ("iat", json!(now + 120)),
        ("iat", json!(now - 3600)),
        ("iat", Value::Null),
        ("exp", json!(now - 1)),
        ("exp", Value::Null),
        ("jti", Value::Null),
    ];
    for (name, value) in wrong {
        let mut claims = claims(&clinic, &idp);
        match &value {
            Value::Null => {
                claims.as_object_mut().unwrap().remove(name);
            }
            value => claims[name] = value.clone(),
        }
        let answer = send(&clinic, &idp.signed(&claims)).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{name} = {value}");
        assert_eq!(answer.json()["error"], "invalid_request");
    }
    let mut nobody = claims(&clinic, &idp);
    nobody.as_object_mut().unwrap().remove("sub");
    nobody.as_object_mut().unwrap().remove("sid");
    assert_eq!(
        send(&clinic, &idp.signed(&nobody)).await.status,
        StatusCode::BAD_REQUEST
    );
    let good = claims(&clinic, &idp);
    for typ in ["at+jwt", "secevent+jwt", "id_token"] {
        let token = idp.signed_with(&good, |header| header.typ = Some(typ.to_owned()));
        assert_eq!(
            send(&clinic, &token).await.status,
            StatusCode::BAD_REQUEST,
            "{typ}"
        );
    }
    let (foreign, _) = provider::new_key("first");
    let mut header = jsonwebtoken::Header::new(jsonwebtoken::Algorithm::RS256);
    header.kid = Some("first".to_owned());
    let foreign = jsonwebtoken::encode(&header, &good, &foreign).unwrap();
    let part = |value: &Value| crypto::base64url(value.to_string().as_bytes());
    let unsigned = format!(
        "{}.{}.",
        part(&json!({ "alg": "none", "typ": "logout+jwt" })),
        part(&good)
    );
    for token in [
        foreign,
        unsigned,
        "a.b.c".to_owned(),
        String::new(),
        "x".repeat(20_000),
    ] {
        assert_eq!(send(&clinic, &token).await.status, StatusCode::BAD_REQUEST);
    }
    assert_eq!(clinic.look(SESSIONS).await, "1", "the session stays");

    let token = idp.signed_with(&good, |header| header.typ = Some("logout+jwt".to_owned()));
    let answer = send(&clinic, &token).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    assert_eq!(clinic.look(SESSIONS).await, "0");
    let (_, answer) = log_in(&clinic, &idp, |_| {}).await;
    assert!(is_in(&answer), "{}", answer.text());
    let replayed = send(&clinic, &token).await;
    assert_eq!(replayed.status, StatusCode::BAD_REQUEST, "a jti works once");
    assert_eq!(clinic.look(SESSIONS).await, "1");
    clinic.close().await;
}

#[tokio::test]
async fn case_82_a_session_or_everything_of_somebody_ends_at_once() {
    let idp = Idp::start().await;
    let clinic = clinic(&idp).await;
    let (_, first) = log_in(&clinic, &idp, |_| {}).await;
    let (_, second) = log_in(&clinic, &idp, |claims| claims["sid"] = json!("session-2")).await;
    let (_, other) = log_in(&clinic, &idp, |claims| {
        claims["sub"] = json!("account-9");
        claims["email"] = json!("nhaddad@harborstreet.example.com");
        claims["sid"] = json!("session-9");
    })
    .await;
    assert!(is_in(&first) && is_in(&second) && is_in(&other));
    // What lasts as long as a session, and what was given for longer.
    let db = clinic.app.emr.db.clone();
    db.script(
        "INSERT INTO anteroom_grant (id, client_id, staff, scope, credential, session_hash, auth_time, created, ends) \
         SELECT 'online', 'demo-public', 4, '', '', session_hash, 0, 0, 9999999999 FROM anteroom_session \
         WHERE staff = 4 ORDER BY auth_time LIMIT 1; \
         INSERT INTO anteroom_grant (id, client_id, staff, scope, credential, auth_time, created, ends) \
         VALUES ('offline', 'demo-public', 4, '', '', 0, 0, 9999999999);",
    )
    .await
    .unwrap();
    let of_lee = "SELECT CAST(COUNT(*) AS CHAR) AS text FROM anteroom_session WHERE ended IS NULL AND staff = 4";
    let mut unknown = claims(&clinic, &idp);
    unknown["sid"] = json!("session-of-nobody");
    assert_eq!(
        send(&clinic, &idp.signed(&unknown)).await.status,
        StatusCode::OK
    );
    assert_eq!(clinic.look(of_lee).await, "2", "a session nobody has here");
    let one = claims(&clinic, &idp);
    assert_eq!(
        send(&clinic, &idp.signed(&one)).await.status,
        StatusCode::OK
    );
    assert_eq!(clinic.look(of_lee).await, "1", "one session");
    let mut all = claims(&clinic, &idp);
    all.as_object_mut().unwrap().remove("sid");
    assert_eq!(
        send(&clinic, &idp.signed(&all)).await.status,
        StatusCode::OK
    );
    assert_eq!(
        clinic.look(of_lee).await,
        "0",
        "every session of the account"
    );
    assert_eq!(clinic.look(SESSIONS).await, "1", "and nobody else's");
    let revoked = "SELECT id AS text FROM anteroom_grant WHERE revoked IS NOT NULL";
    assert_eq!(clinic.look(revoked).await, "online");
    clinic.close().await;
}
