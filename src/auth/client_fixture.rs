//! Apps that prove who they are, for the tests of this room: keys of their own, key sets, assertions, and a server that
//! hands out a key set.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::OnceLock;

use aws_lc_rs::signature::ECDSA_P384_SHA384_FIXED_SIGNING;
use aws_lc_rs::signature::EcdsaKeyPair;
use jsonwebtoken::Algorithm;
use jsonwebtoken::EncodingKey;
use jsonwebtoken::jwk::Jwk;
use serde_json::Value;
use serde_json::json;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;

use crate::auth::fixture;
use crate::auth::fixture::House;
use crate::crypto;
use crate::store::clients;
use crate::store::clients::Client;
use crate::store::clients::Kind;

/// The secret of `secretive`: it holds what form encoding changes.
pub(super) const SECRET: &str = "s3cret+with%41 & more";
/// Where tokens are had.
pub(super) const ENDPOINT: &str = "https://emr.example/oauth2/token";
/// What the backend service may have.
pub(super) const SYSTEM: &str = "system/Patient.rs system/Appointment.rs";
/// What says that an assertion is a JWT.
pub(super) const BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// The app's RSA key, named `rsa`.
pub(super) fn rsa() -> EncodingKey {
    static PEM: OnceLock<String> = OnceLock::new();
    let pem = PEM.get_or_init(|| crypto::new_rsa_key().unwrap());
    EncodingKey::from_rsa_pem(pem.as_bytes()).unwrap()
}

/// The app's key on P-384, named `ec`.
pub(super) fn ec() -> EncodingKey {
    static DER: OnceLock<Vec<u8>> = OnceLock::new();
    let der = DER.get_or_init(|| {
        let pair = EcdsaKeyPair::generate(&ECDSA_P384_SHA384_FIXED_SIGNING).unwrap();
        let der = pair.to_pkcs8v1().unwrap();
        der.as_ref().to_vec()
    });
    EncodingKey::from_ec_der(der)
}

/// The public side of a key, with some members changed (or taken out, by null).
pub(super) fn public(kid: &str, change: &Value) -> Value {
    let (key, algorithm, name) = match kid {
        "rsa" => (rsa(), Algorithm::RS384, "RS384"),
        _ => (ec(), Algorithm::ES384, "ES384"),
    };
    let mut jwk = serde_json::to_value(Jwk::from_encoding_key(&key, algorithm).unwrap()).unwrap();
    jwk["kid"] = json!(kid);
    jwk["alg"] = json!(name);
    jwk["use"] = json!("sig");
    for (member, value) in change.as_object().into_iter().flatten() {
        match value {
            Value::Null => {
                jwk.as_object_mut().unwrap().remove(member);
            }
            value => jwk[member] = value.clone(),
        }
    }
    jwk
}

/// A key set as an app registers it.
pub(super) fn set(keys: &[Value]) -> String {
    json!({ "keys": keys }).to_string()
}

/// Adds an app of each kind beside `app`: `secretive`, `signing` and `service`.
pub(super) async fn add_clients(house: &House) {
    let keys = set(&[public("rsa", &Value::Null), public("ec", &Value::Null)]);
    let base = fixture::client();
    let secretive = Client {
        client_id: "secretive".into(),
        kind: Kind::Confidential,
        secret_hash: Some(crypto::fingerprint(SECRET)),
        ..base.clone()
    };
    let signing = Client {
        client_id: "signing".into(),
        kind: Kind::Asymmetric,
        jwks: Some(keys.clone()),
        ..base.clone()
    };
    let service = Client {
        client_id: "service".into(),
        kind: Kind::Backend,
        redirect_uris: Vec::new(),
        scope: SYSTEM.into(),
        jwks: Some(keys),
        ..base
    };
    for client in [secretive, signing, service] {
        add(house, client).await;
    }
}

/// Adds one app.
pub(super) async fn add(house: &House, client: Client) {
    let added = house.emr.db.transaction(|tx| {
        let client = client.clone();
        Box::pin(async move { clients::add(tx, &client).await })
    });
    added.await.unwrap();
}

/// What a good assertion of an app says, with some claims changed (or taken out, by null).
pub(super) fn claims(house: &House, client_id: &str, change: &Value) -> Value {
    let mut claims = json!({
        "iss": client_id, "sub": client_id, "aud": ENDPOINT,
        "exp": house.now.unix_timestamp() + 300,
        "jti": crypto::Entropy::token(&house.entropy).unwrap(),
    });
    for (claim, value) in change.as_object().into_iter().flatten() {
        match value {
            Value::Null => {
                claims.as_object_mut().unwrap().remove(claim);
            }
            value => claims[claim] = value.clone(),
        }
    }
    claims
}

/// Signs with the key that the header's `alg` is for, whatever else the header says.
pub(super) fn signed(header: &Value, claims: &Value) -> String {
    let part = |value: &Value| crypto::base64url(value.to_string().as_bytes());
    let message = format!("{}.{}", part(header), part(claims));
    let (key, algorithm) = match header["alg"].as_str() {
        Some("ES384") => (ec(), Algorithm::ES384),
        Some("RS256") => (rsa(), Algorithm::RS256),
        _ => (rsa(), Algorithm::RS384),
    };
    let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &key, algorithm).unwrap();
    format!("{message}.{signature}")
}

/// A good assertion of an app, signed with its RSA key.
pub(super) fn assertion(house: &House, client_id: &str) -> String {
    let header = json!({ "alg": "RS384", "kid": "rsa", "typ": "JWT" });
    signed(&header, &claims(house, client_id, &Value::Null))
}

/// A server that answers every request with what it was last told, and counts.
#[derive(Clone)]
pub(super) struct Shelf {
    /// Where it is.
    pub(super) uri: String,
    state: Arc<Mutex<(String, usize)>>,
}

impl Shelf {
    /// Starts one.
    pub(super) async fn open(headers: &str, body: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let uri = format!("http://{}/jwks", listener.local_addr().unwrap());
        let shelf = Self {
            uri,
            state: Arc::default(),
        };
        shelf.put(headers, body);
        let state = shelf.state.clone();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut asked = [0; 4096];
                let _ = stream.read(&mut asked).await;
                let answer = {
                    let mut state = state.lock().unwrap();
                    state.1 += 1;
                    state.0.clone()
                };
                let _ = stream.write_all(answer.as_bytes()).await;
                let _ = stream.shutdown().await;
            }
        });
        shelf
    }

    /// Changes the answer; `headers` begin with the status.
    pub(super) fn put(&self, headers: &str, body: &str) {
        let length = body.len();
        let answer = format!(
            "HTTP/1.1 {headers}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        );
        self.state.lock().unwrap().0 = answer;
    }

    /// How often it was asked.
    pub(super) fn asked(&self) -> usize {
        self.state.lock().unwrap().1
    }
}
