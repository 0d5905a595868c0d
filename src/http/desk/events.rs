//! `/staff/events`: the counts of the desk as they change (server-sent events, HTML Living Standard 9.2). A page that
//! only stands open keeps nobody logged in: no session is used by this, and each turn asks again who may see what.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::HeaderName;
use axum::http::HeaderValue;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::response::Response;
use axum::response::sse::Event;
use axum::response::sse::KeepAlive;
use axum::response::sse::Sse;
use futures_util::stream;
use tokio::sync::watch::Receiver;

use super::counted;
use super::counts::Fresh;
use crate::auth::desk;
use crate::domain::refusal::Answer;
use crate::http::App;
use crate::http::forms;
use crate::http::oauth::context;
use crate::http::reply;
use crate::http::request_id::RequestId;

/// How often it is counted again.
const EVERY: Duration = Duration::from_secs(5);

/// A page that watches.
struct Watch {
    app: Arc<App>,
    id: RequestId,
    headers: HeaderMap,
    stopping: Receiver<bool>,
    /// What it was told last; `None` before anything.
    told: Option<String>,
    over: bool,
}

/// `GET /staff/events`
pub async fn events(State(app): State<Arc<App>>, id: RequestId, headers: HeaderMap) -> Response {
    let begun = counts(&app, &id, &headers).await;
    match begun {
        Ok(Some(_)) => {}
        // A browser that is told 204 does not come back (9.2.3).
        Ok(None) => return StatusCode::NO_CONTENT.into_response(),
        Err(failure) => return reply::page(&app, &id.0, failure),
    }
    let watch = Watch {
        stopping: app.stopping.subscribe(),
        app,
        id,
        headers,
        told: None,
        over: false,
    };
    let events = stream::unfold(watch, |watch| watch.next());
    let alive = KeepAlive::new().interval(Duration::from_secs(15));
    let mut response = Sse::new(events).keep_alive(alive).into_response();
    // nginx would gather events until its buffer is full.
    response.headers_mut().insert(
        HeaderName::from_static("x-accel-buffering"),
        HeaderValue::from_static("no"),
    );
    response
}

impl Watch {
    /// The next event: at once the first time, later when a count has changed.
    async fn next(mut self) -> Option<(Result<Event, Infallible>, Self)> {
        loop {
            if self.over {
                return None;
            }
            if self.told.is_some() {
                tokio::select! {
                    () = tokio::time::sleep(EVERY) => {}
                    _ = self.stopping.wait_for(|stopping| *stopping) => return None,
                }
            }
            match counts(&self.app, &self.id, &self.headers).await {
                Ok(Some(counts)) if self.told.as_ref() == Some(&counts) => {}
                Ok(Some(counts)) => {
                    let event = Event::default().event("counts").data(&counts);
                    self.told = Some(counts);
                    return Some((Ok(event), self));
                }
                Ok(None) => {
                    self.over = true;
                    return Some((Ok(Event::default().event("over").data("")), self));
                }
                Err(failure) => {
                    tracing::warn!(?failure, "the counts of the desk could not be read");
                    return None;
                }
            }
        }
    }
}

/// The counts as JSON, by the queues' names; `None` where nobody is logged in any more.
async fn counts(app: &App, id: &RequestId, headers: &HeaderMap) -> Answer<Option<String>> {
    let Some(visitor) = forms::own_watcher(app, headers) else {
        return Ok(None);
    };
    let base = app.config.fhir_base();
    let Some(colleague) = desk::seen(&context(app, &base, &id.0), visitor).await? else {
        return Ok(None);
    };
    let counted = counted(app, id, &colleague, Fresh::Recent).await;
    let counts = counted.into_iter().map(|(known, count)| (known.key, count));
    let counts: serde_json::Map<String, serde_json::Value> = counts
        .map(|(key, count)| (key.to_owned(), count.into()))
        .collect();
    Ok(Some(serde_json::Value::Object(counts).to_string()))
}
