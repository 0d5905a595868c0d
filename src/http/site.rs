//! The pages that need no login, the files they load, and the operator's two questions.

use std::sync::Arc;

use axum::Json;
use axum::extract::Path;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::http::header::ETAG;
use axum::http::header::IF_NONE_MATCH;
use axum::http::header::RETRY_AFTER;
use axum::response::IntoResponse;
use axum::response::Response;
use serde_json::json;

use crate::crypto;
use crate::domain::refusal::Refusal;
use crate::http::App;
use crate::http::pages::app::SampleApp;
use crate::http::pages::assets::ASSETS;
use crate::http::pages::help::Help;
use crate::http::pages::home::Home;
use crate::http::pages::problem::Problem;
use crate::http::reply;
use crate::http::request_id::RequestId;
use crate::store::clients;

/// The app that `/app` is.
pub const SAMPLE_APP: &str = "anteroom-sample-app";

/// The public client of the sandbox.
pub const SANDBOX_CLIENT: &str = "demo-public";

/// `/`
pub async fn home(State(app): State<Arc<App>>, id: RequestId) -> Response {
    let known = match clients::find(&app.emr.db, SAMPLE_APP).await {
        Ok(known) => known,
        Err(failure) => return reply::page(&app, &id.0, failure),
    };
    let page = Home {
        sample_app: known.is_some_and(|known| known.disabled.is_none()),
        frame: reply::frame(&app, "Start"),
        public_url: app.config.public_url.clone(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        logins: app.logins.clone(),
    };
    reply::html(StatusCode::OK, page)
}

/// `/help`
pub async fn help(State(app): State<Arc<App>>) -> Response {
    let phone = Some(app.config.help_phone.clone()).filter(|phone| !phone.is_empty());
    let page = Help {
        frame: reply::frame(&app, "Help"),
        phone,
        email: None,
    };
    reply::html(StatusCode::OK, page)
}

/// `/app`: on a practice's server it is there once somebody registered it.
pub async fn sample_app(State(app): State<Arc<App>>, id: RequestId) -> Response {
    match clients::find(&app.emr.db, SAMPLE_APP).await {
        Ok(Some(known)) if known.disabled.is_none() => {
            let page = SampleApp {
                frame: reply::frame(&app, "Sample app"),
            };
            reply::html(StatusCode::OK, page)
        }
        Ok(_) => {
            let page = Problem {
                frame: reply::frame(&app, "The sample app is not registered here"),
                sentence: "This practice has not registered Anteroom's own sample app.".to_owned(),
                steps: vec![format!(
                    "Whoever runs this server can: anteroom client add --client-id {SAMPLE_APP} --name \"Sample app\" --redirect-uri {}/app --scope \"openid fhirUser launch/patient offline_access patient/*.rus\"",
                    app.config.public_url
                )],
                request_id: String::new(),
                detail: Vec::new(),
            };
            reply::html(StatusCode::NOT_FOUND, page)
        }
        Err(failure) => reply::page(&app, &id.0, failure),
    }
}

/// A stylesheet, script or picture; the browser asks again after five minutes, by digest.
pub async fn asset(
    State(app): State<Arc<App>>,
    id: RequestId,
    Path(path): Path<String>,
    headers: HeaderMap,
) -> Response {
    let path = format!("/assets/{path}");
    let Some(asset) = ASSETS.iter().find(|asset| asset.path == path) else {
        return reply::page(&app, &id.0, Refusal::NotFound.into());
    };
    let etag = format!("\"{}\"", crypto::fingerprint(asset.body));
    let known = headers
        .get(IF_NONE_MATCH)
        .and_then(|value| value.to_str().ok());
    match known == Some(etag.as_str()) {
        true => (StatusCode::NOT_MODIFIED, [(ETAG, etag)]).into_response(),
        false => {
            let headers = [(CONTENT_TYPE, asset.content_type.to_owned()), (ETAG, etag)];
            (headers, asset.body).into_response()
        }
    }
}

/// Any other address.
pub async fn nothing_here(State(app): State<Arc<App>>, id: RequestId) -> Response {
    reply::page(&app, &id.0, Refusal::NotFound.into())
}

/// `/livez`: the process answers.
pub async fn livez() -> Response {
    Json(json!({ "status": "ok" })).into_response()
}

/// `/readyz`: the database answers too.
pub async fn readyz(State(app): State<Arc<App>>) -> Response {
    match clients::find(&app.emr.db, SAMPLE_APP).await {
        Ok(_) => Json(json!({ "status": "ok", "database": app.emr.db.engine() })).into_response(),
        Err(_) => {
            let body = Json(json!({ "status": "unavailable", "database": app.emr.db.engine() }));
            (StatusCode::SERVICE_UNAVAILABLE, [(RETRY_AFTER, "5")], body).into_response()
        }
    }
}
