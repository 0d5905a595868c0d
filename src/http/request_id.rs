//! Every request has an id: in the answer's `X-Request-Id`, in the ledger, and in the log line of a breakage.

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

/// Gives the request its id and tells the caller.
pub async fn layer(State(app): State<Arc<App>>, mut request: Request, next: Next) -> Response {
    let mut bytes = [0; 12];
    // Without entropy nothing else works either; an empty id is then the least of the troubles.
    let id = match app.entropy.fill(&mut bytes) {
        Ok(()) => crypto::base64url(&bytes),
        Err(_) => String::new(),
    };
    request.extensions_mut().insert(RequestId(id.clone()));
    let mut response = next.run(request).await;
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert("x-request-id", value);
    }
    response
}

impl<S: Send + Sync> FromRequestParts<S> for RequestId {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let id = parts.extensions.get::<Self>().cloned();
        Ok(id.unwrap_or_default())
    }
}
