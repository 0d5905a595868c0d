//! `/brands`: which practice this is, for the lists people choose from in an app.

use std::sync::Arc;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::HeaderValue;
use axum::http::StatusCode;
use axum::http::header::CACHE_CONTROL;
use axum::http::header::ETAG;
use axum::http::header::IF_NONE_MATCH;
use axum::response::IntoResponse;
use axum::response::Response;

use crate::crypto;
use crate::domain::refusal::Answer;
use crate::emr::facilities;
use crate::fhir::brands;
use crate::fhir::brands::Brands;
use crate::http::App;
use crate::http::reply;
use crate::http::request_id::RequestId;

/// `GET /brands`: the brand bundle of SMART App Launch 2.2, for anybody.
pub async fn bundle(State(app): State<Arc<App>>, id: RequestId, headers: HeaderMap) -> Response {
    match answer(&app, &headers).await {
        Ok(response) => response,
        Err(failure) => reply::fhir(&app, &id.0, failure),
    }
}

async fn answer(app: &App, headers: &HeaderMap) -> Answer<Response> {
    let facilities = facilities::directory(&app.emr).await?;
    let practice = app.emr.known();
    let brands = Brands {
        public_url: &app.config.public_url,
        website: &app.config.website,
        name: &practice.name,
        primary: practice.organization,
        facilities: &facilities,
    };
    let bytes = brands::bundle(&brands, app.emr.now())?;
    // Weak: the same brands, not the same bytes on every version of this server.
    let etag = format!("W/\"{}\"", crypto::base64url(&crypto::sha256(&bytes)));
    let known = headers.get(IF_NONE_MATCH);
    let known = known.and_then(|value| value.to_str().ok());
    let unchanged =
        known.is_some_and(|known| known == "*" || known.split(',').any(|one| one.trim() == etag));
    let mut response = match unchanged {
        true => StatusCode::NOT_MODIFIED.into_response(),
        false => reply::fhir_body(StatusCode::OK, bytes),
    };
    let headers = response.headers_mut();
    headers.insert(
        CACHE_CONTROL,
        HeaderValue::from_static("public, max-age=300"),
    );
    if let Ok(etag) = HeaderValue::from_str(&etag) {
        headers.insert(ETAG, etag);
    }
    Ok(response)
}
