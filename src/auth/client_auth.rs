//! Which app asks, and how it proves that: the same for every endpoint that apps call (RFC 6749, 2.3; SMART App Launch
//! 2.2). A public app names itself; a confidential one has a secret; the others sign.

use openidconnect::url::form_urlencoded;

use crate::auth::Context;
use crate::auth::assertion;
use crate::auth::assertion::Assertion;
use crate::auth::client;
use crate::auth::oauth_error::OAuthError;
use crate::auth::request;
use crate::auth::request::Params;
use crate::auth::token::refresh;
use crate::crypto;
use crate::store::clients::Client;
use crate::store::clients::Kind;

/// What a request brings to prove who it is from.
enum Proof<'p> {
    /// Nothing.
    None,
    /// A secret, in the header or in the body.
    Secret(&'p str),
    /// A JWT, taken apart.
    Signed(Box<Assertion<'p>>),
}

/// Who asks. `basic` is the `Authorization: Basic` header, taken apart, where there was one; `endpoint` is the absolute
/// address that was asked.
///
/// # Errors
/// `invalid_request` for parameters that come twice, ways of authentication that do not go together, and names that
/// differ; `invalid_client` for an app that is unknown or proves nothing; otherwise as [`crate::db::Db::all`].
pub async fn authenticate(
    context: &Context<'_>,
    params: &Params,
    basic: Option<(String, String)>,
    endpoint: &str,
) -> Result<Client, OAuthError> {
    if let Some(name) = request::repeated(params) {
        let why = format!("{name} is repeated; send it once");
        return Err(OAuthError::request(why));
    }
    let get = |name| request::one(params, name).unwrap_or_default();
    let proof = proof(params, basic.as_ref())?;
    let header = basic.as_ref().map(|(id, _)| id.as_str());
    let id = match (header, get("client_id"), &proof) {
        (Some(header), Some(named), _)
            if header != named && decoded(header).as_deref() != Some(named) =>
        {
            return Err(OAuthError::request(
                "client_id differs from the Authorization header; send it in one place",
            ));
        }
        (_, Some(named), Proof::Signed(assertion)) if named != assertion.issuer() => {
            return Err(OAuthError::client(
                "client_id differs from iss in the client_assertion",
            ));
        }
        (_, Some(named), _) => Some(named.to_owned()),
        (Some(header), None, _) => Some(header.to_owned()),
        (None, None, Proof::Signed(assertion)) => Some(assertion.issuer().to_owned()),
        (None, None, Proof::Secret(_)) => None,
        // RFC 6749 asks for client_id with a code (3.2.1) but not with a refresh token (6), and fhirclient sends none:
        // then the token says whose it is. An app that has to prove itself cannot come this way.
        (None, None, Proof::None) => refresh::owner(context, params).await?,
    };
    let missing = "client_id is required, in the body or in the Authorization header";
    let id = id.ok_or_else(|| OAuthError::client(missing))?;
    let mut found = client::in_use(&context.emr.db, &id).await?;
    if found.is_none() && header == Some(id.as_str()) {
        // RFC 6749, 2.3.1 wants the parts of the header form-encoded, which many apps do not do.
        if let Some(plain) = decoded(&id) {
            found = client::in_use(&context.emr.db, &plain).await?;
        }
    }
    let unknown = "client_id names no app that is registered here and in use";
    let client = found.ok_or_else(|| OAuthError::client(unknown))?;
    proves(context, &client, (proof, endpoint)).await?;
    Ok(client)
}

/// The one way a request goes (RFC 6749, 2.3).
fn proof<'p>(
    params: &'p Params,
    basic: Option<&'p (String, String)>,
) -> Result<Proof<'p>, OAuthError> {
    let get = |name| request::one(params, name).unwrap_or_default();
    let (assertion, kind) = (get("client_assertion"), get("client_assertion_type"));
    let signs = assertion.is_some() || kind.is_some();
    match (basic, get("client_secret"), signs) {
        (Some(_), Some(_), _) | (Some(_), _, true) | (_, Some(_), true) => {
            Err(OAuthError::request(
                "send one of the Authorization header, client_secret and client_assertion, not several",
            ))
        }
        // An id without a secret is what a public app sends.
        (Some((_, secret)), None, false) if secret.is_empty() => Ok(Proof::None),
        (Some((_, secret)), None, false) => Ok(Proof::Secret(secret)),
        (None, Some(secret), false) => Ok(Proof::Secret(secret)),
        (None, None, false) => Ok(Proof::None),
        (None, None, true) => {
            if kind != Some(assertion::TYPE) {
                let type_ = assertion::TYPE;
                return Err(OAuthError::client(format!(
                    "client_assertion_type must be {type_}"
                )));
            }
            let assertion =
                assertion.ok_or_else(|| OAuthError::client("client_assertion is required"))?;
            Ok(Proof::Signed(Box::new(Assertion::of(assertion)?)))
        }
    }
}

/// Holds the proof against what the app is registered with.
async fn proves(
    context: &Context<'_>,
    client: &Client,
    (proof, endpoint): (Proof<'_>, &str),
) -> Result<(), OAuthError> {
    let wanted = match (client.kind, proof) {
        (Kind::Public, Proof::None) => return Ok(()),
        (Kind::Confidential, Proof::Secret(secret)) => {
            return match fits(secret, client) {
                true => Ok(()),
                false => Err(OAuthError::client("the client secret is not this app's")),
            };
        }
        (Kind::Asymmetric | Kind::Backend, Proof::Signed(assertion)) => {
            return assertion.prove(context, client, endpoint).await;
        }
        (Kind::Public, _) => {
            "this app is registered as public: send client_id alone, without a secret or an assertion"
        }
        (Kind::Confidential, _) => {
            "this app is registered as confidential: send its secret, as Authorization: Basic or as client_secret"
        }
        (Kind::Asymmetric | Kind::Backend, _) => {
            "this app is registered with keys of its own: send client_assertion_type and client_assertion (private_key_jwt)"
        }
    };
    Err(OAuthError::client(wanted))
}

/// Whether a secret is the app's, as it came or with form encoding taken off. Fingerprints are compared, so that the
/// time it takes says nothing about the secret (`spec/security.md`, case 68).
fn fits(secret: &str, client: &Client) -> bool {
    let known = client.secret_hash.as_deref().unwrap_or_default();
    let same =
        |secret: &str| crypto::same(crypto::fingerprint(secret).as_bytes(), known.as_bytes());
    let plain = decoded(secret);
    same(secret) | plain.is_some_and(|plain| same(&plain))
}

/// The text with form encoding taken off, where it may have had one.
fn decoded(text: &str) -> Option<String> {
    if !text.contains(['%', '+']) || text.contains(['&', '=']) {
        return None;
    }
    let (plain, _) = form_urlencoded::parse(text.as_bytes()).next()?;
    Some(plain.into_owned())
}

#[cfg(test)]
mod tests;
