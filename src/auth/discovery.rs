//! The two discovery documents, from one value: SMART App Launch 2.2 `smart-configuration` and OpenID Connect Discovery
//! 1.0. Only what is built is in it.

use openidconnect::AdditionalProviderMetadata;
use openidconnect::AuthUrl;
use openidconnect::IssuerUrl;
use openidconnect::JsonWebKeySetUrl;
use openidconnect::ProviderMetadata;
use openidconnect::ResponseTypes;
use openidconnect::Scope;
use openidconnect::TokenUrl;
use openidconnect::UserInfoUrl;
use openidconnect::core::CoreAuthDisplay;
use openidconnect::core::CoreClaimName;
use openidconnect::core::CoreClaimType;
use openidconnect::core::CoreClientAuthMethod;
use openidconnect::core::CoreGrantType;
use openidconnect::core::CoreJsonWebKey;
use openidconnect::core::CoreJweContentEncryptionAlgorithm;
use openidconnect::core::CoreJweKeyManagementAlgorithm;
use openidconnect::core::CoreJwsSigningAlgorithm;
use openidconnect::core::CoreResponseMode;
use openidconnect::core::CoreResponseType;
use openidconnect::core::CoreSubjectIdentifierType;
use serde::Deserialize;
use serde::Serialize;

use crate::domain::refusal::Fault;

/// What this server can do (SMART App Launch 2.2, "Capabilities").
const CAPABILITIES: [&str; 9] = [
    "launch-standalone",
    "authorize-post",
    "client-public",
    "sso-openid-connect",
    "context-standalone-patient",
    "permission-patient",
    "permission-offline",
    "permission-v1",
    "permission-v2",
];

/// What an id token and userinfo may say.
const CLAIMS: [&str; 9] = [
    "iss",
    "sub",
    "aud",
    "exp",
    "iat",
    "auth_time",
    "nonce",
    "at_hash",
    "fhirUser",
];

/// SMART's members beside OpenID Connect's.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct SmartMeta {
    /// SMART capabilities.
    pub capabilities: Vec<String>,
    /// RFC 8414.
    pub code_challenge_methods_supported: Vec<String>,
    /// RFC 9207.
    pub authorization_response_iss_parameter_supported: bool,
}

impl AdditionalProviderMetadata for SmartMeta {}

/// The document; the same value is served at both addresses.
pub type Discovery = ProviderMetadata<
    SmartMeta,
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

/// Writes the document for an issuer (without a slash at the end) and the scopes FHIR offers.
///
/// # Errors
/// A fault where the issuer is no URL.
pub fn document(issuer: &str, scopes: &[String]) -> Result<Discovery, Fault> {
    let fault = |error| Fault::new("writing the discovery document", error);
    let at = |path: &str| format!("{issuer}{path}");
    let text = |words: &[&str]| {
        words
            .iter()
            .map(|word| (*word).to_owned())
            .collect::<Vec<_>>()
    };
    let smart = SmartMeta {
        capabilities: text(&CAPABILITIES),
        code_challenge_methods_supported: text(&["S256"]),
        authorization_response_iss_parameter_supported: true,
    };
    let document = Discovery::new(
        IssuerUrl::new(issuer.to_owned()).map_err(fault)?,
        AuthUrl::new(at("/oauth2/authorize")).map_err(fault)?,
        JsonWebKeySetUrl::new(at("/oauth2/jwks")).map_err(fault)?,
        vec![ResponseTypes::new(vec![CoreResponseType::Code])],
        vec![CoreSubjectIdentifierType::Public],
        vec![CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256],
        smart,
    );
    let claims = CLAIMS
        .iter()
        .map(|claim| CoreClaimName::new((*claim).to_owned()));
    Ok(document
        .set_token_endpoint(Some(TokenUrl::new(at("/oauth2/token")).map_err(fault)?))
        .set_userinfo_endpoint(Some(
            UserInfoUrl::new(at("/oauth2/userinfo")).map_err(fault)?,
        ))
        .set_scopes_supported(Some(scopes.iter().cloned().map(Scope::new).collect()))
        .set_response_modes_supported(Some(vec![CoreResponseMode::Query]))
        .set_grant_types_supported(Some(vec![
            CoreGrantType::AuthorizationCode,
            CoreGrantType::RefreshToken,
        ]))
        .set_token_endpoint_auth_methods_supported(Some(vec![CoreClientAuthMethod::None]))
        .set_claims_supported(Some(claims.collect()))
        .set_request_parameter_supported(Some(false))
        .set_request_uri_parameter_supported(Some(false)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_says_what_is_built_and_nothing_else() {
        let scopes = ["openid".to_owned(), "patient/*.rs".to_owned()];
        let document = document("https://emr.example", &scopes).unwrap();
        let json = serde_json::to_value(&document).unwrap();
        assert_eq!(json["issuer"], "https://emr.example");
        assert_eq!(
            json["authorization_endpoint"],
            "https://emr.example/oauth2/authorize"
        );
        assert_eq!(
            json["response_types_supported"],
            serde_json::json!(["code"])
        );
        assert_eq!(
            json["grant_types_supported"],
            serde_json::json!(["authorization_code", "refresh_token"])
        );
        assert_eq!(
            json["token_endpoint_auth_methods_supported"],
            serde_json::json!(["none"])
        );
        assert_eq!(
            json["id_token_signing_alg_values_supported"],
            serde_json::json!(["RS256"])
        );
        assert_eq!(
            json["code_challenge_methods_supported"],
            serde_json::json!(["S256"])
        );
        assert_eq!(json["scopes_supported"], serde_json::json!(scopes));
        assert_eq!(json["capabilities"].as_array().map(Vec::len), Some(9));
        for absent in [
            "introspection_endpoint",
            "revocation_endpoint",
            "registration_endpoint",
            "management_endpoint",
        ] {
            assert!(json.get(absent).is_none(), "{absent}");
        }
    }
}
