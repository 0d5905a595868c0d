//! Staff log in through the practice's identity provider: this server as its relying party (OpenID Connect Core 1.0,
//! authorization code with PKCE, state, nonce and RFC 9207's `iss`; `spec/security.md`, cases 76 to 84). What comes back
//! is believed only as far as the signed ID token says it.

mod backchannel;
mod people;
mod proof;
mod provider;

use std::time::Duration;

use openidconnect::AuthType;
use openidconnect::AuthenticationContextClass;
use openidconnect::AuthenticationFlow;
use openidconnect::ClientId;
use openidconnect::ClientSecret;
use openidconnect::CsrfToken;
use openidconnect::EndpointMaybeSet;
use openidconnect::EndpointNotSet;
use openidconnect::EndpointSet;
use openidconnect::Nonce;
use openidconnect::PkceCodeChallenge;
use openidconnect::PkceCodeVerifier;
use openidconnect::RedirectUrl;
use openidconnect::Scope;
use openidconnect::core::CoreAuthPrompt;
use openidconnect::core::CoreClient;
use openidconnect::core::CoreClientAuthMethod;
use openidconnect::core::CoreResponseType;

use crate::auth::Context;
use crate::auth::login;
use crate::auth::request;
use crate::auth::request::Params;
use crate::auth::session;
use crate::auth::session::Visitor;
use crate::auth::upstream::provider::Known;
use crate::auth::who::Audience;
use crate::config::StaffIdp;
use crate::crypto;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Failure;
use crate::domain::refusal::Fault;
use crate::domain::refusal::Refusal;
use crate::emr::colleague::Colleague;
use crate::store::authorizations;
use crate::store::ledger::Outcome;
use crate::store::upstream as logins;
use crate::store::upstream::Begun;

pub use backchannel::log_out;
pub use people::all;
pub use people::unlink;
pub use provider::Provider;

/// Where the identity provider sends the browser back to, below the issuer.
pub const CALLBACK: &str = "/login/staff/callback";

/// How a login is called that an identity provider made without saying how (OpenID Connect's `acr`).
pub const FEDERATED: &str = "urn:anteroom:acr:identity-provider";

/// How long an `acr` may be for our tables; a longer one is one that says nothing.
const LONGEST_ACR: usize = 64;

/// By how many seconds its clock and ours may differ.
const SKEW: i64 = 30;

/// Somebody who has logged in there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// The id of the request that waited.
    pub request: String,
    /// Who it is here.
    pub colleague: Colleague,
    /// How the login was made.
    pub acr: String,
    /// The session there, as a fingerprint of issuer and `sid`, where it has one.
    pub upstream: Option<String>,
}

/// Why something from there is not believed.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Doubt {
    /// For the ledger.
    word: &'static str,
    /// For the page.
    sentence: String,
}

impl Doubt {
    fn new(word: &'static str, sentence: impl Into<String>) -> Self {
        Self {
            word,
            sentence: sentence.into(),
        }
    }
}

/// What keeps a login from being done.
enum Trouble {
    /// It is not to be believed.
    Doubt(Doubt),
    /// It cannot be looked into.
    Failure(Failure),
}

impl From<Doubt> for Trouble {
    fn from(doubt: Doubt) -> Self {
        Self::Doubt(doubt)
    }
}

impl From<Failure> for Trouble {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

/// The address at the identity provider where the one in front of this waiting request logs in.
///
/// # Errors
/// `NotFound` where the practice has no identity provider, `Unavailable` where it does not answer; otherwise as
/// [`crate::db::Db::run`].
pub async fn start(context: &Context<'_>, request: &str, visitor: Visitor<'_>) -> Answer<String> {
    let idp = settings(context)?;
    let known = context.provider.known(context, idp).await?;
    // Who has a session and stands before the login all the same was sent there to show anew who it is; and so was
    // whoever an app wants a newer login of, whatever session the identity provider remembers (case 31).
    let current = session::current(context, visitor, Audience::Staff).await?;
    let visitor_hash = crypto::fingerprint(visitor.token);
    let db = &context.emr.db;
    let waiting = authorizations::find(db, request, &visitor_hash, context.seconds()).await?;
    let anew = waiting.is_some_and(|(asked, _)| asked.anew);
    let begun = Begun {
        request: request.to_owned(),
        nonce: context.entropy.token()?,
        verifier: context.entropy.token()?,
        fresh: current.is_some() || anew,
        created: context.seconds(),
    };
    let state = context.entropy.token()?;
    let hashes = (
        crypto::fingerprint(&state),
        crypto::fingerprint(visitor.token),
    );
    logins::add(&context.emr.db, (&hashes.0, &hashes.1), &begun).await?;
    let verifier = PkceCodeVerifier::new(begun.verifier.clone());
    let client = client(context, idp, &known)?;
    let scope = match idp.claim.as_str() {
        "email" => "email",
        _ => "profile",
    };
    let nonce = begun.nonce.clone();
    let mut url = client
        .authorize_url(
            AuthenticationFlow::<CoreResponseType>::AuthorizationCode,
            || CsrfToken::new(state),
            || Nonce::new(nonce),
        )
        .add_scope(Scope::new(scope.to_owned()))
        .set_pkce_challenge(PkceCodeChallenge::from_code_verifier_sha256(&verifier));
    for acr in wanted(idp) {
        url = url.add_auth_context_value(AuthenticationContextClass::new(acr.to_owned()));
    }
    if begun.fresh {
        url = url
            .add_prompt(CoreAuthPrompt::Login)
            .set_max_age(Duration::ZERO);
    }
    Ok(url.url().0.to_string())
}

/// Somebody comes back from the identity provider, with the parameters it gave the browser.
///
/// # Errors
/// `Invalid` with a sentence for the page where the login is not believed or the account is nobody's here,
/// `Unavailable` where the identity provider does not answer; otherwise as [`start`].
pub async fn callback(
    context: &Context<'_>,
    params: &Params,
    visitor: Visitor<'_>,
) -> Answer<Arrival> {
    let idp = settings(context)?;
    match arrive(context, idp, params, visitor).await {
        Ok(arrival) => Ok(arrival),
        Err(Trouble::Failure(failure)) => Err(failure),
        Err(Trouble::Doubt(doubt)) => {
            let mut entry = context.entry("login", Outcome::Refused);
            entry.reason = format!("identity-provider: {}", doubt.word);
            login::record(context, entry).await?;
            Err(Refusal::invalid("login", doubt.sentence).into())
        }
    }
}

async fn arrive(
    context: &Context<'_>,
    idp: &StaffIdp,
    params: &Params,
    visitor: Visitor<'_>,
) -> Result<Arrival, Trouble> {
    let repeated = |_| Doubt::new("repeated", "The login page answered twice over.");
    let one = |name| request::one(params, name).map_err(repeated);
    let (state, iss) = (one("state")?, one("iss")?);
    let (code, error) = (one("code")?, one("error")?);
    let db = &context.emr.db;
    let hashes = (
        crypto::fingerprint(state.unwrap_or_default()),
        crypto::fingerprint(visitor.token),
    );
    let (hashes, now) = ((hashes.0.as_str(), hashes.1.as_str()), context.seconds());
    let unknown = || {
        Doubt::new(
            "state",
            "This login was not begun in this browser, was used before, or took too long. Please start again.",
        )
    };
    let begun = logins::find(db, hashes, now).await?.ok_or_else(unknown)?;
    let known = context.provider.known(context, idp).await?;
    if !logins::claim(db, hashes, now).await? {
        return Err(unknown().into());
    }
    let same = match iss {
        Some(iss) => iss == idp.issuer,
        None => !known.tells_issuer(),
    };
    if !same {
        return Err(Doubt::new(
            "iss",
            "This answer is not from the login page of this practice. Please start again.",
        )
        .into());
    }
    if let Some(error) = error {
        return Err(no(error).into());
    }
    let Some(code) = code else {
        return Err(Doubt::new("code", "The login page answered without a code.").into());
    };
    let proof = proof::of_code(context, (idp, &known), code, &begun).await?;
    let colleague = people::of_proof(context, idp, &proof).await?;
    Ok(Arrival {
        request: begun.request,
        colleague,
        acr: proof.acr.unwrap_or_else(|| FEDERATED.to_owned()),
        upstream: proof.sid.map(|sid| session_hash(idp, &sid)),
    })
}

/// The login there ended with an error (RFC 6749, 4.1.2.1; OpenID Connect Core, 3.1.2.6).
fn no(error: &str) -> Doubt {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    match error {
        "access_denied" => Doubt::new(
            "access_denied",
            "The login was cancelled, or you may not log in here.",
        ),
        "temporarily_unavailable" | "server_error" => Doubt::new(
            "error",
            "The login page of this practice has trouble of its own. Please try again later.",
        ),
        code if code.len() < 60 && code.chars().all(plain) => Doubt::new(
            "error",
            format!(
                "The login page of this practice answered {code}. Who looks after this server needs to know that word."
            ),
        ),
        _ => Doubt::new(
            "error",
            "The login page of this practice answered with an error.",
        ),
    }
}

/// The practice's identity provider, where it has one.
fn settings<'c>(context: &Context<'c>) -> Answer<&'c StaffIdp> {
    Ok(context.config.staff_idp.as_ref().ok_or(Refusal::NotFound)?)
}

/// The levels of login that are enough; none where any is.
fn wanted(idp: &StaffIdp) -> impl Iterator<Item = &str> {
    idp.acr.as_deref().unwrap_or_default().split_whitespace()
}

/// A session there, as ours remember it.
fn session_hash(idp: &StaffIdp, sid: &str) -> String {
    crypto::fingerprint(&format!("{}\n{sid}", idp.issuer))
}

/// An account there, as the links remember it.
fn subject_hash(idp: &StaffIdp, subject: &str) -> String {
    crypto::fingerprint(&format!("{}\n{subject}", idp.issuer))
}

/// This server as a client of that provider.
type Client = CoreClient<
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

fn client(context: &Context<'_>, idp: &StaffIdp, known: &Known) -> Answer<Client> {
    let address = format!("{}{CALLBACK}", context.issuer);
    let address = RedirectUrl::new(address)
        .map_err(|error| Fault::new("writing the redirect address", error))?;
    let secret = idp.client_secret.clone().map(ClientSecret::new);
    let client = CoreClient::from_provider_metadata(
        known.metadata.clone(),
        ClientId::new(idp.client_id.clone()),
        secret,
    );
    let methods = known.metadata.token_endpoint_auth_methods_supported();
    let takes = |method| methods.is_none_or(|methods| methods.contains(&method));
    let auth = match takes(CoreClientAuthMethod::ClientSecretBasic) {
        true => AuthType::BasicAuth,
        false => AuthType::RequestBody,
    };
    Ok(client.set_redirect_uri(address).set_auth_type(auth))
}
