//! From the code to what the ID token proves (OpenID Connect Core, 3.1.3): exchanged over the back channel, signed by a
//! key of the provider, for this server, for this login, now.

use std::sync::Arc;

use openidconnect::AccessTokenHash;
use openidconnect::AuthorizationCode;
use openidconnect::ClaimsVerificationError;
use openidconnect::ClientId;
use openidconnect::IssuerUrl;
use openidconnect::Nonce;
use openidconnect::OAuth2TokenResponse;
use openidconnect::PkceCodeVerifier;
use openidconnect::RequestTokenError;
use openidconnect::SignatureVerificationError;
use openidconnect::TokenResponse;
use openidconnect::core::CoreErrorResponseType;
use openidconnect::core::CoreIdToken;
use openidconnect::core::CoreIdTokenVerifier;
use openidconnect::core::CoreJwsSigningAlgorithm;
use openidconnect::core::CoreTokenResponse;
use serde_json::Map;
use serde_json::Value;

use crate::auth::Context;
use crate::auth::upstream;
use crate::auth::upstream::Doubt;
use crate::auth::upstream::LONGEST_ACR;
use crate::auth::upstream::SKEW;
use crate::auth::upstream::Trouble;
use crate::auth::upstream::provider::Known;
use crate::auth::upstream::provider::Line;
use crate::config::StaffIdp;
use crate::crypto;
use crate::domain::refusal::Failure;
use crate::domain::refusal::Fault;
use crate::domain::refusal::Refusal;
use crate::store::upstream::Begun;

/// Signatures anybody can check and only the provider can make.
pub(super) const SIGNATURES: [CoreJwsSigningAlgorithm; 9] = [
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha384,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha512,
    CoreJwsSigningAlgorithm::RsaSsaPssSha256,
    CoreJwsSigningAlgorithm::RsaSsaPssSha384,
    CoreJwsSigningAlgorithm::RsaSsaPssSha512,
    CoreJwsSigningAlgorithm::EcdsaP256Sha256,
    CoreJwsSigningAlgorithm::EcdsaP384Sha384,
    CoreJwsSigningAlgorithm::EdDsa,
];

/// What an ID token proved.
pub(super) struct Proof {
    /// The account there (`sub`).
    pub(super) subject: String,
    /// How the login was made, where it says so.
    pub(super) acr: Option<String>,
    /// The session there.
    pub(super) sid: Option<String>,
    /// Every claim.
    pub(super) claims: Map<String, Value>,
}

/// What a code proves.
pub(super) async fn of_code(
    context: &Context<'_>,
    (idp, known): (&StaffIdp, &Arc<Known>),
    code: &str,
    begun: &Begun,
) -> Result<Proof, Trouble> {
    let tokens = exchange(context, (idp, known), code, begun).await?;
    let checked = match check(context, (idp, known), &tokens, begun) {
        // A key that came into use since the keys were read.
        Err(doubt) if doubt.word == KEY => {
            let renewed = context.provider.renewed(context, idp, known).await;
            check(context, (idp, &renewed), &tokens, begun)
        }
        checked => checked,
    };
    Ok(checked?)
}

async fn exchange(
    context: &Context<'_>,
    (idp, known): (&StaffIdp, &Known),
    code: &str,
    begun: &Begun,
) -> Result<CoreTokenResponse, Trouble> {
    let client = upstream::client(context, idp, known)?;
    let line = Line::new(context.fetch);
    let asked = client
        .exchange_code(AuthorizationCode::new(code.to_owned()))
        .map_err(|error| Failure::from(Fault::new("asking for an ID token", error)))?
        .set_pkce_verifier(PkceCodeVerifier::new(begun.verifier.clone()))
        .request_async(&line)
        .await;
    asked.map_err(|error| match error {
        RequestTokenError::Request(fault) => {
            tracing::warn!(%fault, "the identity provider for staff does not answer as it should");
            let away = "The login page of this practice does not answer at the moment. Please try again later.";
            Failure::from(Refusal::Unavailable(away)).into()
        }
        RequestTokenError::ServerResponse(response) => match response.error() {
            CoreErrorResponseType::InvalidClient | CoreErrorResponseType::UnauthorizedClient => {
                tracing::error!("the identity provider for staff does not accept staff_idp_client_id and its secret");
                Doubt::new(
                    "invalid_client",
                    "The login page of this practice does not know this server. Who looks after it: check staff_idp_client_id and staff_idp_client_secret.",
                )
                .into()
            }
            _ => Doubt::new("code", "The login page of this practice did not accept its own answer. Please start again.").into(),
        },
        RequestTokenError::Parse(..) | RequestTokenError::Other(_) => unbelievable("answer").into(),
    })
}

/// The word of a signature under a key that is not known.
const KEY: &str = "key";

fn check(
    context: &Context<'_>,
    (idp, known): (&StaffIdp, &Known),
    tokens: &CoreTokenResponse,
    begun: &Begun,
) -> Result<Proof, Doubt> {
    let token = tokens.id_token().ok_or_else(|| unbelievable("no-token"))?;
    let issuer = IssuerUrl::new(idp.issuer.clone()).map_err(|_| unbelievable("iss"))?;
    let verifier = verifier(context, (idp, known), begun, issuer)?;
    let nonce = Nonce::new(begun.nonce.clone());
    let verified = token
        .claims(&verifier, &nonce)
        .map_err(|error| doubt(&error))?;
    if let Some(expected) = verified.access_token_hash() {
        let found = token
            .signing_alg()
            .ok()
            .zip(token.signing_key(&verifier).ok())
            .and_then(|(alg, key)| {
                AccessTokenHash::from_token(tokens.access_token(), alg, key).ok()
            });
        if found.as_ref() != Some(expected) {
            return Err(unbelievable("at_hash"));
        }
    }
    let claims = payload(token).ok_or_else(|| unbelievable("token"))?;
    let text = |name: &str| claims.get(name).and_then(Value::as_str).map(str::to_owned);
    // Once more and letter by letter: an address may be spelled in two ways, a name only in one.
    if text("iss").as_deref() != Some(idp.issuer.as_str()) {
        return Err(unbelievable("iss"));
    }
    authorized(&claims, &idp.client_id)?;
    let subject = text("sub").filter(|sub| !sub.is_empty() && sub.len() <= 255);
    let plain = |acr: &String| acr.is_ascii() && !acr.is_empty() && acr.len() <= LONGEST_ACR;
    Ok(Proof {
        subject: subject.ok_or_else(|| unbelievable("sub"))?,
        acr: text("acr").filter(plain),
        sid: text("sid").filter(|sid| !sid.is_empty()),
        claims,
    })
}

/// The rules of OpenID Connect Core, 3.1.3.7, that the library knows.
fn verifier<'v>(
    context: &Context<'_>,
    (idp, known): (&'v StaffIdp, &Known),
    begun: &'v Begun,
    issuer: IssuerUrl,
) -> Result<CoreIdTokenVerifier<'v>, Doubt> {
    let now = chrono::DateTime::from_timestamp(context.seconds(), 0)
        .ok_or_else(|| unbelievable("time"))?;
    let client_id = ClientId::new(idp.client_id.clone());
    let keys = known.metadata.jwks().clone();
    let latest = now + chrono::Duration::seconds(SKEW);
    Ok(
        CoreIdTokenVerifier::new_public_client(client_id, issuer, keys)
            .set_allowed_algs(SIGNATURES)
            .set_time_fn(move || now)
            .set_issue_time_verifier_fn(move |issued| match issued <= latest {
                true => Ok(()),
                false => Err("issued in the future".to_owned()),
            })
            // Whose it is among several is told by `azp`.
            .set_other_audience_verifier_fn(|_| true)
            .set_auth_context_verifier_fn(move |acr| {
                let reached =
                    acr.is_some_and(|acr| upstream::wanted(idp).any(|one| one == acr.as_str()));
                match idp.acr.is_none() || reached {
                    true => Ok(()),
                    false => Err("not reached".to_owned()),
                }
            })
            .set_auth_time_verifier_fn(move |time| {
                let anew = time.is_some_and(|time| time.timestamp() >= begun.created - SKEW);
                match !begun.fresh || anew {
                    true => Ok(()),
                    false => Err("not logged in anew".to_owned()),
                }
            }),
    )
}

/// Of several audiences one is who asked, and that is named; named it must be us in any case.
fn authorized(claims: &Map<String, Value>, client_id: &str) -> Result<(), Doubt> {
    let several = matches!(claims.get("aud"), Some(Value::Array(all)) if all.len() > 1);
    let fits = match claims.get("azp") {
        Some(azp) => azp.as_str() == Some(client_id),
        None => !several,
    };
    fits.then_some(()).ok_or_else(|| unbelievable("azp"))
}

/// The claims of a token that was verified, as they were written.
fn payload(token: &CoreIdToken) -> Option<Map<String, Value>> {
    let text = token.to_string();
    let part = text.split('.').nth(1)?;
    serde_json::from_slice(&crypto::from_base64url(part)?).ok()
}

fn doubt(error: &ClaimsVerificationError) -> Doubt {
    use ClaimsVerificationError as Wrong;
    match error {
        Wrong::SignatureVerification(SignatureVerificationError::NoMatchingKey) => {
            unbelievable(KEY)
        }
        Wrong::SignatureVerification(_) => unbelievable("signature"),
        Wrong::InvalidNonce(_) => unbelievable("nonce"),
        Wrong::InvalidAudience(_) => unbelievable("aud"),
        Wrong::InvalidIssuer(_) => unbelievable("iss"),
        Wrong::Expired(_) => unbelievable("time"),
        Wrong::InvalidAuthContext(_) => Doubt::new(
            "acr",
            "Your login did not reach the level this practice asks for, such as a second factor. Please log in again with it.",
        ),
        Wrong::InvalidAuthTime(_) => Doubt::new(
            "auth_time",
            "The app asked that you log in anew, and the login page of this practice did not ask you to. Please start again.",
        ),
        _ => unbelievable("token"),
    }
}

fn unbelievable(word: &'static str) -> Doubt {
    Doubt::new(
        word,
        format!(
            "The login page of this practice gave an answer that cannot be trusted ({word}). Nobody was logged in. Please start again."
        ),
    )
}
