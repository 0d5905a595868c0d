//! Every request has an id of ours: in the answer's `X-Request-Id`, in the ledger, and in the log line of a breakage.
//! What a caller calls its request comes back as `X-Correlation-Id` and is kept nowhere: it could be anything.

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::extract::Request;
use axum::extract::State;
use axum::http::HeaderValue;
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::Response;

use crate::crypto;
use crate::http::App;

/// The id of the request being served: 16 characters of base64url, unguessable and meaningless.
#[derive(Clone, Debug, Default)]
pub struct RequestId(pub String);

/// The longest name of a caller for its request; a longer one does not come back.
const LONGEST: usize = 64;

/// Gives the request its id and tells the caller (R4 http, 3.1.0.1.7).
pub async fn layer(State(app): State<Arc<App>>, mut request: Request, next: Next) -> Response {
    let mut bytes = [0; 12];
    // Without entropy nothing else works either; an empty id is then the least of the troubles.
    let id = match app.entropy.fill(&mut bytes) {
        Ok(()) => crypto::base64url(&bytes),
        Err(_) => String::new(),
    };
    request.extensions_mut().insert(RequestId(id.clone()));
    let sent = request.headers().get("x-request-id").cloned();
    let mut response = next.run(request).await;
    if let Some(theirs) = sent.filter(is_plain) {
        response.headers_mut().insert("x-correlation-id", theirs);
    }
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert("x-request-id", value);
    }
    response
}

/// Whether a caller's name for its request is short and of visible ASCII.
fn is_plain(value: &HeaderValue) -> bool {
    let bytes = value.as_bytes();
    (1..=LONGEST).contains(&bytes.len()) && bytes.iter().all(u8::is_ascii_graphic)
}

impl<S: Send + Sync> FromRequestParts<S> for RequestId {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let id = parts.extensions.get::<Self>().cloned();
        Ok(id.unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_short_and_visible_names_come_back() {
        let longest = "x".repeat(LONGEST);
        for plain in ["a", "fhir-suite-0001", &longest] {
            assert!(
                is_plain(&HeaderValue::from_str(plain).expect("a value")),
                "{plain}"
            );
        }
        let longer = "x".repeat(LONGEST + 1);
        for other in ["", "a b", "a\tb", "caf\u{e9}", &longer] {
            let value = HeaderValue::from_bytes(other.as_bytes()).expect("a value");
            assert!(!is_plain(&value), "{other}");
        }
    }
}
