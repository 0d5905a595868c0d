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
use uuid::Uuid;

use crate::auth::Context;
use crate::auth::oauth_error::OAuthError;
use crate::auth::token::Pair;
use crate::domain::access::Grant;
use crate::domain::refusal::Failure;
use crate::domain::refusal::Fault;
use crate::domain::refusal::Refusal;
use crate::domain::scope::Level;
use crate::domain::scope::Scope;
use crate::domain::scope::Word;
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
}

impl ExtraTokenFields for SmartFields {}

/// Tokens that are stored and not yet told.
pub(in crate::auth) struct Issued {
    pub(in crate::auth) pair: Pair,
    pub(in crate::auth) scope: String,
    pub(in crate::auth) client_id: String,
    pub(in crate::auth) patient: Uuid,
    pub(in crate::auth) auth_time: i64,
    pub(in crate::auth) nonce: Option<String>,
}

/// Writes the answer. `patient` is there whenever a patient's resources are (SMART, "Launch context").
pub(in crate::auth) fn token_answer(
    context: &Context<'_>,
    issued: Issued,
) -> Result<TokenAnswer, OAuthError> {
    let scopes = Scope::list(&issued.scope);
    let access = AccessToken::new(issued.pair.access.clone());
    let broken = |fault| OAuthError::from(Failure::Broken(fault));
    let fields = SmartFields {
        id_token: match scopes.iter().any(|scope| scope.word == Word::OpenId) {
            true => Some(id_token(context, &issued, &scopes, &access).map_err(broken)?),
            false => None,
        },
        patient: has_patient(&scopes).then(|| issued.patient.to_string()),
    };
    let mut answer = TokenAnswer::new(access, TokenKind::Bearer, fields);
    let life = u64::try_from(tokens::ACCESS_LIFE).unwrap_or_default();
    answer.set_expires_in(Some(&Duration::from_secs(life)));
    answer.set_refresh_token(issued.pair.refresh.map(RefreshToken::new));
    let words = scopes
        .into_iter()
        .map(|scope| oauth2::Scope::new(scope.spelling));
    answer.set_scopes(Some(words.collect()));
    Ok(answer)
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
    let patient = grant.patient().uuid;
    let claims = StandardClaims::new(SubjectIdentifier::new(patient.to_string()));
    let more = SmartClaims {
        fhir_user: grant
            .has(&Word::FhirUser)
            .then(|| fhir_user(context, patient)),
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
    let named = scopes.iter().any(|scope| scope.word == Word::FhirUser);
    let claims = IdTokenClaims::new(
        issuer,
        vec![Audience::new(issued.client_id.clone())],
        instant(now + ID_TOKEN_LIFE)?,
        instant(now)?,
        StandardClaims::new(SubjectIdentifier::new(issued.patient.to_string())),
        SmartClaims {
            fhir_user: named.then(|| fhir_user(context, issued.patient)),
        },
    )
    .set_auth_time(Some(instant(issued.auth_time)?))
    .set_nonce(issued.nonce.clone().map(Nonce::new));
    let algorithm = CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256;
    IdToken::new(claims, context.keys, algorithm, Some(access), None)
        .map_err(|error| Fault::new("signing an id token", error))
}

fn has_patient(scopes: &[Scope]) -> bool {
    scopes.iter().any(|scope| match &scope.word {
        Word::LaunchPatient => true,
        Word::Resource(resource) => resource.level == Level::Patient,
        Word::OpenId | Word::FhirUser | Word::OfflineAccess => false,
    })
}

fn fhir_user(context: &Context<'_>, patient: Uuid) -> String {
    format!("{}/Patient/{patient}", context.fhir_base)
}

/// openidconnect counts time in chrono's type.
fn instant(seconds: i64) -> Result<DateTime<Utc>, Fault> {
    DateTime::from_timestamp(seconds, 0)
        .ok_or_else(|| Fault::new("writing an id token", "the time is out of range"))
}
