//! `private_key_jwt`: an app proves who it is with a JWT it signed (RFC 7521, RFC 7523; SMART App Launch 2.2,
//! "Client authentication: asymmetric"). What is not exactly as it should be is refused with the reason.

use jsonwebtoken::Algorithm;
use jsonwebtoken::crypto::verify;
use serde::Deserialize;
use serde_json::Number;
use serde_json::Value;

use crate::auth::Context;
use crate::auth::jwks;
use crate::auth::oauth_error::OAuthError;
use crate::crypto;
use crate::domain::refusal::Answer;
use crate::store::clients::Client;
use crate::store::jtis;

/// The one `client_assertion_type`.
pub(super) const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// The longest assertion that is looked at.
const LONGEST: usize = 16 * 1024;

/// The longest name of an assertion.
const LONGEST_JTI: usize = 512;

/// Seconds an assertion may be good for (SMART), and what clocks may differ.
const LIFE: i64 = 300;
const LEEWAY: i64 = 60;

/// RFC 7515, 4.1. Where a key could be fetched from, or the key itself, is not read: `x5u`, `jwk`, `x5c`.
#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    typ: Option<String>,
    jku: Option<String>,
    crit: Option<Value>,
    b64: Option<Value>,
}

/// RFC 7523, 3. A time that is no JSON number makes the whole unreadable (CVE-2026-25537).
#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: Value,
    exp: Number,
    nbf: Option<Number>,
    iat: Option<Number>,
    jti: String,
}

/// An assertion, taken apart and not believed.
pub(super) struct Assertion<'a> {
    header: Header,
    claims: Claims,
    message: &'a str,
    signature: &'a str,
}

impl<'a> Assertion<'a> {
    /// Takes an assertion apart.
    ///
    /// # Errors
    /// `invalid_client` for anything that is no signed JWT with the claims an assertion has.
    pub(super) fn of(text: &'a str) -> Result<Self, OAuthError> {
        if text.len() > LONGEST {
            return Err(refused("it is longer than 16 KiB"));
        }
        let form = || refused("it is not a signed JWT, which is three parts of base64url");
        let (message, signature) = text.rsplit_once('.').ok_or_else(form)?;
        let (header, claims) = message.split_once('.').ok_or_else(form)?;
        let bytes = |part: &str| crypto::from_base64url(part).ok_or_else(form);
        let header: Header = serde_json::from_slice(&bytes(header)?).map_err(|_| {
            refused("its header must have alg, and alg, kid, typ and jku are strings")
        })?;
        let claims: Claims = serde_json::from_slice(&bytes(claims)?).map_err(|_| {
            refused("it must have iss, sub, aud, exp and jti; iss, sub and jti are strings, exp, nbf and iat are numbers")
        })?;
        Ok(Self {
            header,
            claims,
            message,
            signature,
        })
    }

    /// Which app it says it is from; nothing is proved yet.
    pub(super) fn issuer(&self) -> &str {
        &self.claims.iss
    }

    /// Believes it, once. `endpoint` is where it was sent.
    ///
    /// # Errors
    /// `invalid_client` with what is wrong.
    pub(super) async fn prove(
        &self,
        context: &Context<'_>,
        client: &Client,
        endpoint: &str,
    ) -> Result<(), OAuthError> {
        let (algorithm, kid) = self.algorithm(client)?;
        let set = match (&client.jwks, &client.jwks_uri) {
            (Some(jwks), _) => jwks::read(jwks).map(std::sync::Arc::new),
            (None, Some(uri)) => {
                let place = (client.client_id.as_str(), uri.as_str());
                context.key_sets.at(context, place, (kid, algorithm)).await
            }
            (None, None) => Err("the app has no keys registered".to_owned()),
        };
        let set = set.map_err(OAuthError::client)?;
        let key = set.find(kid, algorithm).ok_or_else(|| {
            refused("its kid names no key of the app's key set that fits its alg (RSA for RS384, P-384 for ES384)")
        })?;
        let good = verify(
            self.signature,
            self.message.as_bytes(),
            &key.decoding,
            algorithm,
        );
        if !good.unwrap_or(false) {
            return Err(refused("its signature does not fit the key its kid names"));
        }
        let expires = self.times(context.seconds())?;
        self.names(context, client, endpoint)?;
        match first(context, &client.client_id, (&self.claims.jti, expires)).await? {
            true => Ok(()),
            false => Err(refused(
                "it was used already; every request needs one with a new jti",
            )),
        }
    }

    fn algorithm(&self, client: &Client) -> Result<(Algorithm, &str), OAuthError> {
        let header = &self.header;
        let algorithm = match header.alg.as_str() {
            "RS384" => Algorithm::RS384,
            "ES384" => Algorithm::ES384,
            _ => return Err(refused("alg in its header must be RS384 or ES384")),
        };
        if header.crit.is_some() || header.b64.is_some() {
            return Err(refused("its header must not have crit or b64"));
        }
        let typ = header.typ.as_deref();
        if typ.is_some_and(|typ| !typ.eq_ignore_ascii_case("JWT")) {
            return Err(refused("typ in its header must be JWT"));
        }
        if header.jku.is_some() && header.jku != client.jwks_uri {
            return Err(refused(
                "jku in its header must be the registered jwks_uri, or absent",
            ));
        }
        let kid = header.kid.as_deref().filter(|kid| !kid.is_empty());
        let kid = kid.ok_or_else(|| refused("kid is required in its header"))?;
        Ok((algorithm, kid))
    }

    /// Judges the times; until when the name has to be remembered.
    fn times(&self, now: i64) -> Result<i64, OAuthError> {
        let claims = &self.claims;
        let exp = seconds(&claims.exp).unwrap_or(i64::MAX);
        if exp <= now {
            return Err(refused("it has expired: exp must be in the future"));
        }
        if exp > now + LIFE + LEEWAY {
            return Err(refused("exp must be at most 5 minutes in the future"));
        }
        let early = |time: &Option<Number>| {
            time.as_ref()
                .is_some_and(|time| seconds(time).is_none_or(|time| time > now + LEEWAY))
        };
        if early(&claims.nbf) || early(&claims.iat) {
            return Err(refused("nbf and iat must not be in the future"));
        }
        Ok(exp + LEEWAY)
    }

    fn names(
        &self,
        context: &Context<'_>,
        client: &Client,
        endpoint: &str,
    ) -> Result<(), OAuthError> {
        let claims = &self.claims;
        if claims.iss != client.client_id || claims.sub != client.client_id {
            return Err(refused("iss and sub must both be the client_id"));
        }
        if !(1..=LONGEST_JTI).contains(&claims.jti.len()) {
            return Err(refused("jti must have 1 to 512 characters"));
        }
        let only = match &claims.aud {
            Value::Array(all) => match all.as_slice() {
                [only] => only.as_str(),
                _ => None,
            },
            value => value.as_str(),
        };
        let token = format!("{}/oauth2/token", context.issuer);
        match only.is_some_and(|aud| aud == endpoint || aud == token || aud == context.issuer) {
            true => Ok(()),
            false => Err(refused(&format!(
                "aud must be {token}, and nothing beside it"
            ))),
        }
    }
}

/// Whole seconds; fractions are cut. `None` for what no clock shows.
fn seconds(number: &Number) -> Option<i64> {
    const FAR: f64 = 1e15;
    let value = number.as_f64().filter(|value| value.abs() < FAR)?;
    #[expect(
        clippy::cast_possible_truncation,
        reason = "cutting is what is meant, and it is below 1e15"
    )]
    Some(value.floor() as i64)
}

/// Remembers an assertion; false where any replica has seen it before.
async fn first(
    context: &Context<'_>,
    client_id: &str,
    (jti, expires): (&str, i64),
) -> Answer<bool> {
    let name = crypto::fingerprint(&format!("{client_id}\n{jti}"));
    context
        .emr
        .db
        .transaction(|tx| {
            let name = name.clone();
            Box::pin(async move { jtis::first(tx, &name, expires).await })
        })
        .await
}

fn refused(why: &str) -> OAuthError {
    OAuthError::client(format!("client_assertion: {why}"))
}

#[cfg(test)]
mod tests;
