//! The attacks of `spec/security.md` 1.5 to 1.7 that belong to no single interaction: what is hidden, what tokens open,
//! what travels on the wire, what is logged, what many callers at once do, and what time tells.

pub(crate) mod crowd;
mod doors;
mod hidden;
mod house;
mod leaving;
mod logs;
mod odd;
mod pages;
mod timing;
mod tokens;
mod urls;
mod wire;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anteroom::crypto;
use anteroom::demo::manifest::PatientLogin;
use anteroom::http;
use anteroom::http::App;
use anteroom::http::connections;
use anteroom::http::connections::Patience;
use axum::body::Body;
use axum::http::Request;
use axum::http::StatusCode;
use serde_json::json;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::clinic::Answer;
use crate::clinic::Clinic;
use crate::clinic::EVERYTHING;

/// An id nothing ever had.
const NOBODY: &str = "00000000-0000-4000-8000-00000000dead";

const FHIR: &str = "application/fhir+json";
const FORM: &str = "application/x-www-form-urlencoded";

/// The attacker and the victim.
struct Two {
    maria: &'static PatientLogin,
    sean: &'static PatientLogin,
    /// The attacker's token.
    mine: String,
    /// The victim's.
    theirs: String,
}

impl Two {
    async fn of(clinic: &Clinic, scope: &str) -> Self {
        let mut active = clinic.patients("active");
        let (maria, sean) = (active.next().expect("one"), active.next().expect("two"));
        Self {
            maria,
            sean,
            mine: token(clinic, maria, scope).await,
            theirs: token(clinic, sean, scope).await,
        }
    }
}

/// A patient's token with any scope, also one that the sandbox's apps may not ask for.
pub(crate) async fn token(clinic: &Clinic, patient: &PatientLogin, scope: &str) -> String {
    let token = clinic.token(patient, EVERYTHING).await;
    let hash = crypto::fingerprint(&token);
    let change = format!(
        "UPDATE anteroom_grant SET scope = '{scope}' \
         WHERE id = (SELECT grant_id FROM anteroom_token WHERE token_hash = '{hash}'); \
         UPDATE anteroom_token SET scope = '{scope}' WHERE token_hash = '{hash}'"
    );
    let changed = clinic.app.emr.db.script(&change).await;
    changed.expect("the scope is changed");
    clinic.app.tokens.clear();
    token
}

/// The ids of what a search finds.
async fn found(clinic: &Clinic, path: &str, token: &str) -> Vec<String> {
    let answer = clinic.get(path, token).await;
    assert!(answer.status.is_success(), "{path}: {}", answer.text());
    let entries = answer.json()["entry"].as_array().cloned();
    let ids = entries.unwrap_or_default().into_iter();
    let matches = ids.filter(|entry| entry["search"]["mode"] == "match");
    matches
        .filter_map(|entry| entry["resource"]["id"].as_str().map(str::to_owned))
        .collect()
}

/// A request of any method with these headers and this body.
async fn call(
    clinic: &Clinic,
    (method, path): (&str, &str),
    headers: &[(&str, &str)],
    body: impl Into<Body>,
) -> Answer {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    clinic
        .send(request.body(body.into()).expect("a request"))
        .await
}

/// A message that the practice takes; it is sent once to find out who takes it.
async fn letter(clinic: &Clinic, token: &str) -> String {
    for id in found(clinic, "/fhir/Practitioner?_count=50", token).await {
        let body = json!({
            "resourceType": "Communication", "status": "completed",
            "recipient": [{"reference": format!("Practitioner/{id}")}],
            "topic": {"text": "A question"}, "payload": [{"contentString": "May I come earlier?"}]
        });
        let body = body.to_string();
        let to = ("/fhir/Communication", token);
        let answer = clinic.with_body("POST", to, FHIR, body.clone()).await;
        if answer.status == StatusCode::CREATED {
            return body;
        }
    }
    panic!("nobody takes messages");
}

/// The server on a port of its own, as the program serves it.
struct Port {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<()>,
}

impl Port {
    async fn open(app: Arc<App>, patience: Patience) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let (stop, stopped) = oneshot::channel();
        let serving = tokio::spawn(async move {
            let stop = async {
                let _ = stopped.await;
            };
            connections::serve((listener, patience), http::router(app), stop).await;
        });
        Self {
            address,
            stop,
            serving,
        }
    }

    async fn close(self) {
        let _ = self.stop.send(());
        self.serving.await.expect("it ends");
    }

    /// Sends bytes as they are; what comes back until the server closes or is silent, and whether it closed.
    async fn exchange(&self, bytes: &[u8]) -> (String, bool) {
        let mut stream = TcpStream::connect(self.address).await.expect("it listens");
        // The server may close before it has read everything: then what it said still counts.
        let _ = stream.write_all(bytes).await;
        let mut heard = Vec::new();
        let mut buffer = [0; 16 * 1024];
        loop {
            let silence = Duration::from_millis(700);
            match tokio::time::timeout(silence, stream.read(&mut buffer)).await {
                Ok(Ok(0) | Err(_)) => break (lossy(&heard), true),
                Ok(Ok(more)) => heard.extend_from_slice(&buffer[..more]),
                Err(_) => break (lossy(&heard), false),
            }
        }
    }
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
