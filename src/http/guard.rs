//! From the request's access token to the Grant behind it: the only door to the FHIR side.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::Mutex;

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use time::Duration;
use time::OffsetDateTime;

use crate::crypto;
use crate::domain::access::Grant;
use crate::domain::access::User;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Failure;
use crate::domain::refusal::Refusal;
use crate::http::App;
use crate::store::grants;

/// How long a look-up is believed. What another replica revokes is refused here at the latest after this;
/// what this process revokes, at once.
const BELIEVED: Duration = Duration::milliseconds(500);

/// How many tokens are remembered; beyond that the memory starts anew.
const REMEMBERED: usize = 10_000;

/// No token of ours is longer; anything longer is not looked up.
const LONGEST: usize = 128;

/// Grants by the digest of their token, and when each was looked up.
type Known = HashMap<[u8; 32], (Arc<Grant>, OffsetDateTime)>;

/// Tokens that were looked up a moment ago.
#[derive(Default)]
pub struct Cache(Mutex<Known>);

impl Cache {
    /// Forgets everything: called where this process ends a grant.
    pub fn clear(&self) {
        self.locked(HashMap::clear);
    }

    fn get(&self, digest: &[u8; 32], now: OffsetDateTime) -> Option<Arc<Grant>> {
        self.locked(|known| {
            let (grant, seen) = known.get(digest)?;
            let age = now - *seen;
            (Duration::ZERO <= age && age < BELIEVED).then(|| grant.clone())
        })
    }

    fn put(&self, digest: [u8; 32], grant: Arc<Grant>, now: OffsetDateTime) {
        self.locked(|known| {
            if known.len() >= REMEMBERED {
                known.clear();
            }
            known.insert(digest, (grant, now));
        });
    }

    fn locked<T>(&self, work: impl FnOnce(&mut Known) -> T) -> T {
        match self.0.lock() {
            Ok(mut known) => work(&mut known),
            Err(poisoned) => work(&mut poisoned.into_inner()),
        }
    }
}

/// The grant behind the request's bearer token.
///
/// # Errors
/// `Unauthenticated` for no token, two of them, another scheme, one that is unknown, expired or ended, or a practice
/// that has switched its portal off.
pub async fn grant(app: &App, headers: &HeaderMap) -> Answer<Arc<Grant>> {
    let token = bearer(headers).ok_or(Refusal::Unauthenticated)?;
    let digest = crypto::sha256(token.as_bytes());
    let now = app.emr.now();
    if let Some(grant) = app.tokens.get(&digest, now) {
        return Ok(grant);
    }
    if !app
        .emr
        .practice()
        .await?
        .globals
        .on("portal_onsite_two_enable")
    {
        return Err(Refusal::Unauthenticated.into());
    }
    let fingerprint = crypto::base64url(&digest);
    let found = grants::by_access_token(&app.emr.db, &fingerprint, now.unix_timestamp()).await?;
    let grant = Arc::new(found.ok_or(Refusal::Unauthenticated)?);
    app.tokens.put(digest, grant.clone(), now);
    Ok(grant)
}

/// The same for the portal's operations: staff and services are let in while the portal is off, to be told so (F001).
///
/// # Errors
/// As [`grant`], but for the switch.
pub async fn grant_of_desk(app: &App, headers: &HeaderMap) -> Answer<Arc<Grant>> {
    match grant(app, headers).await {
        Err(Failure::Refused(Refusal::Unauthenticated)) => {}
        other => return other,
    }
    let token = bearer(headers).ok_or(Refusal::Unauthenticated)?;
    let fingerprint = crypto::fingerprint(token);
    let now = app.emr.now().unix_timestamp();
    let found = grants::by_access_token(&app.emr.db, &fingerprint, now).await?;
    let found = found.filter(|grant| !matches!(grant.user(), User::Patient(_)));
    Ok(Arc::new(found.ok_or(Refusal::Unauthenticated)?))
}

/// The token of exactly one `Authorization: Bearer` header (RFC 6750, 2.1); a token in the query or a form is none.
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut all = headers.get_all(AUTHORIZATION).iter();
    let (first, second) = (all.next()?, all.next());
    let (scheme, token) = first.to_str().ok()?.split_once(' ')?;
    let plain = token
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte));
    let fits = (1..=LONGEST).contains(&token.len());
    (second.is_none() && scheme.eq_ignore_ascii_case("bearer") && plain && fits).then_some(token)
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn headers(values: &[&'static str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(AUTHORIZATION, HeaderValue::from_static(value));
        }
        headers
    }

    #[test]
    fn case_151_one_bearer_header_and_nothing_else() {
        assert_eq!(bearer(&headers(&["Bearer at_x"])), Some("at_x"));
        assert_eq!(bearer(&headers(&["bearer at_x"])), Some("at_x"));
        for refused in [
            &[][..],
            &["Bearer"],
            &["Bearer "],
            &["Basic YTpi"],
            &["Bearer a b"],
            &["Bearer a", "Bearer a"],
        ] {
            assert_eq!(bearer(&headers(refused)), None, "{refused:?}");
        }
    }
}
