//! What scripts of other origins may send and read.

use std::time::Duration;

use axum::http::HeaderName;
use axum::http::Method;
use tower_http::cors::Any;
use tower_http::cors::CorsLayer;

/// Any origin, no credentials; what an app sends and reads (`fhir-and-smart.md` 1.7).
pub(super) fn layer() -> CorsLayer {
    let names = |list: &[&'static str]| {
        list.iter()
            .map(|name| HeaderName::from_static(name))
            .collect::<Vec<_>>()
    };
    CorsLayer::new()
        .allow_origin(Any)
        .allow_methods(
            ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"]
                .map(|method| Method::from_bytes(method.as_bytes()).unwrap_or(Method::GET)),
        )
        .allow_headers(names(&[
            "authorization",
            "content-type",
            "accept",
            "prefer",
            "if-match",
            "if-none-exist",
            "if-none-match",
            "if-modified-since",
            "if-range",
            "range",
            "content-disposition",
            "x-security-context",
            "idempotency-key",
            "x-request-id",
            "x-requested-with",
        ]))
        .expose_headers(names(&[
            "accept-ranges",
            "content-length",
            "content-range",
            "etag",
            "location",
            "expires",
            "content-location",
            "content-disposition",
            "last-modified",
            "link",
            "retry-after",
            "www-authenticate",
            "x-progress",
            "x-request-id",
            "x-correlation-id",
        ]))
        .max_age(Duration::from_secs(3600))
}
