//! An identity provider that does what a test tells it to: right, wrong, slow, or not at all.

use std::sync::Arc;
use std::sync::Mutex;

use anteroom::crypto;
use anteroom::crypto::Entropy;
use anteroom::crypto::SystemEntropy;
use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::response::Response;
use axum::routing::get;
use axum::routing::post;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::Algorithm;
use jsonwebtoken::EncodingKey;
use jsonwebtoken::Header;
use jsonwebtoken::jwk::Jwk;
use serde_json::Value;
use serde_json::json;

/// The `client_id` of the server under test there.
pub(crate) const CLIENT: &str = "anteroom-at-the-practice";

/// Its secret there.
pub(crate) const SECRET: &str = "s3cret of: the practice";

/// How an endpoint behaves.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Mood {
    /// As it should.
    Well,
    /// Answers 503.
    Down,
    /// Answers 200 with a page of HTML.
    Html,
    /// Answers after longer than anybody waits.
    Slow,
}

/// What the test sets and looks at.
pub(crate) struct Told {
    /// How metadata and keys are answered.
    pub(crate) mood: Mood,
    /// `Cache-Control` of both.
    pub(crate) cache: &'static str,
    /// Whether the metadata promises RFC 9207's `iss`.
    pub(crate) tells_iss: bool,
    /// The keys that are published.
    pub(crate) keys: Vec<Value>,
    /// What the token endpoint answers.
    pub(crate) tokens: (StatusCode, Value),
    /// How often metadata was asked for.
    pub(crate) asked: usize,
    /// The last token request: `Authorization` and the form.
    pub(crate) exchange: Option<(String, Vec<(String, String)>)>,
}

/// A running provider.
pub(crate) struct Idp {
    pub(crate) issuer: String,
    pub(crate) told: Arc<Mutex<Told>>,
    key: EncodingKey,
    server: tokio::task::JoinHandle<()>,
}

/// A key of the provider: what signs, and what is published.
pub(crate) fn new_key(kid: &str) -> (EncodingKey, Value) {
    let pem = crypto::new_rsa_key().expect("a key");
    let key = EncodingKey::from_rsa_pem(pem.as_bytes()).expect("a key");
    let jwk = Jwk::from_encoding_key(&key, Algorithm::RS256).expect("a public key");
    let mut jwk = serde_json::to_value(jwk).expect("JSON");
    jwk["kid"] = json!(kid);
    jwk["use"] = json!("sig");
    (key, jwk)
}

impl Idp {
    /// Starts one on a port of its own.
    pub(crate) async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a port");
        let issuer = format!("http://{}", listener.local_addr().expect("an address"));
        let (key, jwk) = new_key("first");
        let told = Arc::new(Mutex::new(Told {
            mood: Mood::Well,
            cache: "max-age=300",
            tells_iss: true,
            keys: vec![jwk],
            tokens: (StatusCode::BAD_REQUEST, json!({ "error": "invalid_grant" })),
            asked: 0,
            exchange: None,
        }));
        let state = (issuer.clone(), told.clone());
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(metadata))
            .route("/jwks", get(keys))
            .route("/token", post(token))
            .with_state(state);
        let server = tokio::spawn(async move {
            axum::serve(listener, router).await.expect("it serves");
        });
        Self {
            issuer,
            told,
            key,
            server,
        }
    }

    /// Changes what it does.
    pub(crate) fn tell(&self, change: impl FnOnce(&mut Told)) {
        change(&mut self.told.lock().expect("not poisoned"));
    }

    /// How often metadata was asked for.
    pub(crate) fn asked(&self) -> usize {
        self.told.lock().expect("not poisoned").asked
    }

    /// A token over these claims by the key that is published.
    pub(crate) fn signed(&self, claims: &Value) -> String {
        self.signed_with(claims, |_| {})
    }

    /// The same with another header.
    pub(crate) fn signed_with(&self, claims: &Value, change: impl FnOnce(&mut Header)) -> String {
        let mut header = Header::new(Algorithm::RS256);
        header.kid = Some("first".to_owned());
        change(&mut header);
        jsonwebtoken::encode(&header, claims, &self.key).expect("a token")
    }

    /// Lets the token endpoint answer with this ID token.
    pub(crate) fn gives(&self, id_token: &str) {
        let body =
            json!({ "access_token": "access", "token_type": "Bearer", "id_token": id_token });
        self.tell(|told| told.tokens = (StatusCode::OK, body));
    }
}

impl Drop for Idp {
    fn drop(&mut self) {
        self.server.abort();
    }
}

type Shared = State<(String, Arc<Mutex<Told>>)>;

async fn metadata(State((issuer, told)): Shared) -> Response {
    let (mood, cache, tells_iss) = {
        let mut told = told.lock().expect("not poisoned");
        told.asked += 1;
        (told.mood, told.cache, told.tells_iss)
    };
    let document = json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/auth"),
        "token_endpoint": format!("{issuer}/token"),
        "jwks_uri": format!("{issuer}/jwks"),
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "authorization_response_iss_parameter_supported": tells_iss,
    });
    answer(mood, cache, &document).await
}

async fn keys(State((_, told)): Shared) -> Response {
    let (mood, cache, keys) = {
        let told = told.lock().expect("not poisoned");
        (told.mood, told.cache, told.keys.clone())
    };
    answer(mood, cache, &json!({ "keys": keys })).await
}

async fn answer(mood: Mood, cache: &'static str, document: &Value) -> Response {
    match mood {
        Mood::Well => {
            let kind = ("content-type", "application/json");
            ([("cache-control", cache), kind], document.to_string()).into_response()
        }
        Mood::Down => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        Mood::Html => axum::response::Html("<h1>Welcome</h1>").into_response(),
        Mood::Slow => {
            tokio::time::sleep(std::time::Duration::from_secs(60)).await;
            StatusCode::OK.into_response()
        }
    }
}

async fn token(State((_, told)): Shared, headers: HeaderMap, body: Body) -> Response {
    let bytes = axum::body::to_bytes(body, 1 << 20).await.expect("a body");
    let form: Vec<(String, String)> = form_urlencoded::parse(&bytes).into_owned().collect();
    let basic = headers.get("authorization").map_or("", |value| {
        value.to_str().expect("ASCII").trim_start_matches("Basic ")
    });
    let basic = STANDARD.decode(basic).expect("base64");
    let basic = String::from_utf8(basic).expect("text");
    let mut told = told.lock().expect("not poisoned");
    told.exchange = Some((basic, form));
    let (status, body) = told.tokens.clone();
    (status, axum::Json(body)).into_response()
}

/// Text nobody has seen before.
pub(crate) fn unique() -> String {
    SystemEntropy.token().expect("random bytes")
}
