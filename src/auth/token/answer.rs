//! What a token answer, an id token and the userinfo endpoint say, in the types of oauth2 and openidconnect.

use std::time::Duration;

use chrono::DateTime;
use chrono::Utc;
use oauth2::AccessToken;
use oauth2::ExtraTokenFields;
use oauth2::RefreshToken;
use oauth2::StandardTokenResponse;
use oauth2::TokenType;
use openidconnect::AdditionalClaims;
use openidconnect::Audience;
use openidconnect::AuthenticationContextClass;
use openidconnect::IdToken;
use openidconnect::IdTokenClaims;
use openidconnect::IssuerUrl;
use openidconnect::Nonce;
use openidconnect::StandardClaims;
use openidconnect::SubjectIdentifier;
use openidconnect::UserInfoClaims;
use openidconnect::core::CoreGenderClaim;
use openidconnect::core::CoreJweContentEncryptionAlgorithm;
use openidconnect::core::CoreJwsSigningAlgorithm;
use serde::Deserialize;
use serde::Serialize;

use crate::auth::Context;
use crate::auth::authorize;
use crate::auth::oauth_error::OAuthError;
use crate::auth::token::Pair;
use crate::auth::token::Standing;
use crate::domain::access::Grant;
use crate::domain::access::Holder;
use crate::domain::refusal::Failure;
use crate::domain::refusal::Fault;
use crate::domain::refusal::Refusal;
use crate::domain::scope::Scope;
use crate::domain::scope::Word;
use crate::store::grants::Given;
use crate::store::tokens;

/// Seconds an id token is good for: it is read right after the launch.
const ID_TOKEN_LIFE: i64 = 600;

/// The answer of the token endpoint.
pub type TokenAnswer = StandardTokenResponse<SmartFields, TokenKind>;

/// The one kind of token, spelled as SMART 2.2 prints it; openidconnect's own type writes it in lower case.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub enum TokenKind {
    /// RFC 6750.
    Bearer,
}

impl TokenType for TokenKind {}

/// An id token with SMART's claim.
pub type SmartIdToken = IdToken<
    SmartClaims,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJwsSigningAlgorithm,
>;

/// What the userinfo endpoint answers.
pub type UserInfo = UserInfoClaims<SmartClaims, CoreGenderClaim>;

/// SMART's own claim.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct SmartClaims {
    /// The user as a FHIR resource.
    #[serde(rename = "fhirUser", skip_serializing_if = "Option::is_none")]
    pub fhir_user: Option<String>,
}

impl AdditionalClaims for SmartClaims {}

/// What a SMART token answer has beside RFC 6749's members. The id token is here because openidconnect's own struct
/// writes `null` where there is none.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct SmartFields {
    /// Signed, where `openid` was granted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id_token: Option<SmartIdToken>,
    /// FHIR id of the patient in context.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub patient: Option<String>,
    /// FHIR id of the encounter in context.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encounter: Option<String>,
    /// What the app was launched to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub intent: Option<String>,
    /// Whether the app has to show whose record it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub need_patient_banner: Option<bool>,
    /// Where the colours are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub smart_style_url: Option<String>,
}

impl ExtraTokenFields for SmartFields {}

/// Tokens that are stored and not yet told.
pub(in crate::auth) struct Issued {
    pub(in crate::auth) pair: Pair,
    pub(in crate::auth) scope: String,
    pub(in crate::auth) given: Given,
    pub(in crate::auth) standing: Standing,
    pub(in crate::auth) nonce: Option<String>,
}

/// Writes the answer. `patient` is there whenever a patient's resources are, and what the app shows depends on it, too
/// (SMART, "Launch context").
pub(in crate::auth) fn token_answer(
    context: &Context<'_>,
    issued: Issued,
) -> Result<TokenAnswer, OAuthError> {
    let scopes = Scope::list(&issued.scope);
    let access = AccessToken::new(issued.pair.access.clone());
    let broken = |fault| OAuthError::from(Failure::Broken(fault));
    let fields = SmartFields {
        id_token: match Scope::has(&scopes, &Word::OpenId) {
            true => Some(id_token(context, &issued, &scopes, &access).map_err(broken)?),
            false => None,
        },
        ..launched(context, &scopes, (&issued.given, &issued.standing))
    };
    let mut answer = TokenAnswer::new(access, TokenKind::Bearer, fields);
    let life = match issued.given.holder {
        Holder::System => tokens::SYSTEM_LIFE,
        Holder::Patient(_) | Holder::Staff(_) => tokens::ACCESS_LIFE,
    };
    let life = life.min(issued.given.ends - context.seconds());
    let life = u64::try_from(life).unwrap_or_default();
    answer.set_expires_in(Some(&Duration::from_secs(life)));
    answer.set_refresh_token(issued.pair.refresh.map(RefreshToken::new));
    let words = scopes
        .into_iter()
        .map(|scope| oauth2::Scope::new(scope.spelling));
    answer.set_scopes(Some(words.collect()));
    Ok(answer)
}

/// The launch context that goes with scopes: the same in a token answer and when a token is looked at.
pub(in crate::auth) fn launched(
    context: &Context<'_>,
    scopes: &[Scope],
    (given, standing): (&Given, &Standing),
) -> SmartFields {
    let launch = &given.launch;
    let patient = standing.patient.filter(|_| has_patient(scopes));
    SmartFields {
        id_token: None,
        patient: patient.map(|patient| patient.to_string()),
        encounter: launch.encounter.clone().filter(|_| patient.is_some()),
        intent: launch.intent.clone(),
        need_patient_banner: patient.map(|_| launch.banner),
        smart_style_url: patient.map(|_| format!("{}/smart-style.json", context.issuer)),
    }
}

/// Who the user of an access token is.
///
/// # Errors
/// `Forbidden` where `openid` was not granted.
pub fn userinfo(context: &Context<'_>, grant: &Grant) -> Result<UserInfo, Refusal> {
    if !grant.has(&Word::OpenId) {
        return Err(Refusal::Forbidden(
            "The token's scope does not include openid.",
        ));
    }
    let user = grant.user().reference();
    let claims = StandardClaims::new(subject(&user));
    let more = SmartClaims {
        fhir_user: grant
            .has(&Word::FhirUser)
            .then(|| fhir_user(context, &user)),
    };
    Ok(UserInfo::new(claims, more))
}

fn id_token(
    context: &Context<'_>,
    issued: &Issued,
    scopes: &[Scope],
    access: &AccessToken,
) -> Result<SmartIdToken, Fault> {
    let now = context.seconds();
    let issuer = IssuerUrl::new(context.issuer.to_owned())
        .map_err(|error| Fault::new("writing an id token", error))?;
    let named = Scope::has(scopes, &Word::FhirUser);
    let user = &issued.standing.user;
    let acr = Some(issued.given.acr.clone()).filter(|acr| !acr.is_empty());
    let acr = acr.map(AuthenticationContextClass::new);
    let claims = IdTokenClaims::new(
        issuer,
        vec![Audience::new(issued.given.client_id.clone())],
        instant(now + ID_TOKEN_LIFE)?,
        instant(now)?,
        StandardClaims::new(subject(user)),
        SmartClaims {
            fhir_user: named.then(|| fhir_user(context, user)),
        },
    )
    .set_auth_time(Some(instant(issued.given.auth_time)?))
    .set_auth_context_ref(acr)
    .set_nonce(issued.nonce.clone().map(Nonce::new));
    let algorithm = CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256;
    let key = context.keys.signing(now)?;
    IdToken::new(claims, key.as_ref(), algorithm, Some(access), None)
        .map_err(|error| Fault::new("signing an id token", error))
}

fn has_patient(scopes: &[Scope]) -> bool {
    authorize::needs_patient(scopes) || Scope::has(scopes, &Word::Launch)
}

pub(in crate::auth) fn fhir_user(context: &Context<'_>, user: &str) -> String {
    format!("{}/{user}", context.fhir_base)
}

/// The id of the user, which lasts as long as the chart or the account does.
pub(in crate::auth) fn subject(user: &str) -> SubjectIdentifier {
    let (_, id) = user.split_once('/').unwrap_or(("", user));
    SubjectIdentifier::new(id.to_owned())
}

/// openidconnect counts time in chrono's type.
fn instant(seconds: i64) -> Result<DateTime<Utc>, Fault> {
    DateTime::from_timestamp(seconds, 0)
        .ok_or_else(|| Fault::new("writing an id token", "the time is out of range"))
}
