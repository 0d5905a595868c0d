//! What is known of the identity provider: its metadata and keys, kept for as long as it says. When it is away, what is
//! kept serves until its time is over, and it is not asked again at every request.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::Mutex;

use openidconnect::AdditionalProviderMetadata;
use openidconnect::AsyncHttpClient;
use openidconnect::HttpRequest;
use openidconnect::HttpResponse;
use openidconnect::IssuerUrl;
use openidconnect::ProviderMetadata;
use openidconnect::core::CoreAuthDisplay;
use openidconnect::core::CoreClaimName;
use openidconnect::core::CoreClaimType;
use openidconnect::core::CoreClientAuthMethod;
use openidconnect::core::CoreGrantType;
use openidconnect::core::CoreJsonWebKey;
use openidconnect::core::CoreJweContentEncryptionAlgorithm;
use openidconnect::core::CoreJweKeyManagementAlgorithm;
use openidconnect::core::CoreResponseMode;
use openidconnect::core::CoreResponseType;
use openidconnect::core::CoreSubjectIdentifierType;
use openidconnect::http;
use openidconnect::http::header::CACHE_CONTROL;
use serde::Deserialize;
use serde::Serialize;
use tokio::sync::RwLock;

use crate::auth::Context;
use crate::config::StaffIdp;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Fault;
use crate::domain::refusal::Refusal;
use crate::fetch::Fetch;
use crate::fetch::Named;
use crate::fetch::Outgoing;

/// Seconds metadata and keys are kept where it does not say.
const USUAL: i64 = 600;

/// And at most, whatever it says.
const LONGEST: i64 = 3600;

/// And at least: an answer that may not be kept is not fetched at every login either.
const SHORTEST: i64 = 30;

/// Seconds between two tries.
const PAUSE: i64 = 10;

const DOING: &str = "asking the identity provider";

/// What everybody reads while it is away.
const AWAY: &str =
    "The login page of this practice does not answer at the moment. Please try again later.";

/// What RFC 9207 adds to the metadata.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(super) struct Also {
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
}

impl AdditionalProviderMetadata for Also {}

type Metadata = ProviderMetadata<
    Also,
    CoreAuthDisplay,
    CoreClientAuthMethod,
    CoreClaimName,
    CoreClaimType,
    CoreGrantType,
    CoreJweContentEncryptionAlgorithm,
    CoreJweKeyManagementAlgorithm,
    CoreJsonWebKey,
    CoreResponseMode,
    CoreResponseType,
    CoreSubjectIdentifierType,
>;

/// The identity provider, as it told about itself.
pub(super) struct Known {
    /// Its metadata, with its keys.
    pub(super) metadata: Metadata,
    fetched: i64,
    until: i64,
}

impl Known {
    /// Whether its answers carry `iss` (RFC 9207).
    pub(super) fn tells_issuer(&self) -> bool {
        let also = self.metadata.additional_metadata();
        also.authorization_response_iss_parameter_supported
    }
}

/// The identity provider's metadata and keys, kept.
#[derive(Default)]
pub struct Provider(RwLock<State>);

#[derive(Default)]
struct State {
    known: Option<Arc<Known>>,
    failed: Option<i64>,
}

impl Provider {
    /// What is known, asked for where it is not or no longer.
    ///
    /// # Errors
    /// `Unavailable` where it does not answer, or did not a moment ago.
    pub(super) async fn known(&self, context: &Context<'_>, idp: &StaffIdp) -> Answer<Arc<Known>> {
        let now = context.seconds();
        if let Some(known) = self.0.read().await.kept(now) {
            return Ok(known);
        }
        // One asks; who waits here finds the answer, or that there was none.
        let mut state = self.0.write().await;
        if let Some(known) = state.kept(now) {
            return Ok(known);
        }
        state.ask(context, idp).await
    }

    /// What is known, asked for again because a key is missing; the old where it was new a moment ago.
    pub(super) async fn renewed(
        &self,
        context: &Context<'_>,
        idp: &StaffIdp,
        old: &Arc<Known>,
    ) -> Arc<Known> {
        let now = context.seconds();
        let mut state = self.0.write().await;
        match state.kept(now) {
            Some(known) if known.fetched > old.fetched => known,
            _ if old.fetched > now - PAUSE => old.clone(),
            _ => match state.ask(context, idp).await {
                Ok(known) => known,
                Err(_) => old.clone(),
            },
        }
    }
}

impl State {
    fn kept(&self, now: i64) -> Option<Arc<Known>> {
        self.known.clone().filter(|known| known.until > now)
    }

    async fn ask(&mut self, context: &Context<'_>, idp: &StaffIdp) -> Answer<Arc<Known>> {
        let now = context.seconds();
        if self.failed.is_some_and(|failed| failed > now - PAUSE) {
            return Err(Refusal::Unavailable(AWAY).into());
        }
        match discover(context.fetch, idp, now).await {
            Ok(known) => {
                let known = Arc::new(known);
                self.known = Some(known.clone());
                self.failed = None;
                Ok(known)
            }
            Err(fault) => {
                tracing::warn!(%fault, "the identity provider for staff does not answer as it should");
                self.failed = Some(now);
                Err(Refusal::Unavailable(AWAY).into())
            }
        }
    }
}

/// Reads metadata and keys (OpenID Connect Discovery 1.0, 4), whose issuer must be the one in the settings.
async fn discover(fetch: &Fetch, idp: &StaffIdp, now: i64) -> Result<Known, Fault> {
    let issuer = IssuerUrl::new(idp.issuer.clone()).map_err(|error| Fault::new(DOING, error))?;
    let line = Line::new(fetch);
    let metadata = Metadata::discover_async(issuer, &line)
        .await
        .map_err(|error| Fault::new(DOING, cause(&error)))?;
    let ends: [Option<&str>; 2] = [
        Some(metadata.authorization_endpoint().as_str()),
        metadata.token_endpoint().map(|url| url.as_str()),
    ];
    for end in ends {
        let Some(end) = end else {
            return Err(Fault::new(DOING, "its metadata names no token_endpoint"));
        };
        if idp.issuer.starts_with("https://") && !end.starts_with("https://") {
            return Err(Fault::new(
                DOING,
                "its metadata names an address without TLS",
            ));
        }
    }
    let life = line.life.into_inner().unwrap_or(USUAL);
    Ok(Known {
        metadata,
        fetched: now,
        until: now + life.clamp(SHORTEST, LONGEST),
    })
}

/// An error with what lies under it, in one sentence.
pub(super) fn cause(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(error) = next {
        text.push_str(": ");
        text.push_str(&error.to_string());
        next = error.source();
    }
    text
}

/// How long an answer may be kept (RFC 9111, 5.2.2).
fn age(response: &HttpResponse) -> i64 {
    let values = response.headers().get_all(CACHE_CONTROL).iter();
    let text: Vec<&str> = values.filter_map(|value| value.to_str().ok()).collect();
    let text = text.join(",").to_lowercase();
    let mut age = USUAL;
    for word in text.split(',').map(str::trim) {
        match word.strip_prefix("max-age=") {
            Some(seconds) => age = seconds.trim_matches('"').parse().unwrap_or(SHORTEST),
            None if word == "no-store" || word == "no-cache" => return SHORTEST,
            None => {}
        }
    }
    age
}

/// The line to the identity provider, as the library asks for one. It remembers how long what came may be kept.
pub(super) struct Line {
    fetch: Fetch,
    life: Mutex<i64>,
}

impl Line {
    /// A line that has carried nothing yet.
    pub(super) fn new(fetch: &Fetch) -> Self {
        Self {
            fetch: fetch.clone(),
            life: Mutex::new(LONGEST),
        }
    }

    /// One exchange. A server that has trouble of its own has not answered.
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, Fault> {
        let (parts, body) = request.into_parts();
        let headers = parts.headers.iter();
        let outgoing = Outgoing {
            method: parts.method.as_str().to_owned(),
            url: parts.uri.to_string(),
            headers: headers
                .filter_map(|(name, value)| {
                    Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()))
                })
                .collect(),
            body,
        };
        let incoming = self.fetch.send(&outgoing, Named::ByOperator).await?;
        if incoming.status >= 500 {
            let sentence = format!("it answered {}", incoming.status);
            return Err(Fault::new(DOING, sentence));
        }
        let mut response = http::Response::builder().status(incoming.status);
        for (name, value) in &incoming.headers {
            response = response.header(name, value);
        }
        let response = response
            .body(incoming.body)
            .map_err(|error| Fault::new(DOING, error))?;
        if let Ok(mut life) = self.life.lock() {
            *life = (*life).min(age(&response));
        }
        Ok(response)
    }
}

impl<'c> AsyncHttpClient<'c> for Line {
    type Error = Fault;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, Fault>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.send(request))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_84_an_answer_is_kept_as_long_as_it_says() {
        for (value, seconds) in [
            ("max-age=120", 120),
            ("public, max-age=7200", 7200),
            ("private, MAX-AGE=60, must-revalidate", 60),
            ("no-store", SHORTEST),
            ("max-age=600, no-cache", SHORTEST),
            ("max-age=soon", SHORTEST),
            ("public", USUAL),
        ] {
            let response = http::Response::builder().header("cache-control", value);
            assert_eq!(age(&response.body(Vec::new()).unwrap()), seconds, "{value}");
        }
        let silent = http::Response::builder().body(Vec::new()).unwrap();
        assert_eq!(age(&silent), USUAL);
    }
}
