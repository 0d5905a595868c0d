//! The two discovery documents, from one value: SMART App Launch 2.2 `smart-configuration` and OpenID Connect Discovery
//! 1.0. Only what is built is in it.

use std::iter;

use openidconnect::AdditionalProviderMetadata;
use openidconnect::AuthUrl;
use openidconnect::AuthenticationContextClass;
use openidconnect::IssuerUrl;
use openidconnect::JsonWebKeySetUrl;
use openidconnect::ProviderMetadata;
use openidconnect::RegistrationUrl;
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

use crate::auth::session;
use crate::config::Config;
use crate::config::Registration;
use crate::domain::refusal::Fault;

/// What this server can do (SMART App Launch 2.2, "Capabilities").
const CAPABILITIES: [&str; 18] = [
    "launch-ehr",
    "launch-standalone",
    "authorize-post",
    "client-public",
    "client-confidential-symmetric",
    "client-confidential-asymmetric",
    "sso-openid-connect",
    "context-banner",
    "context-style",
    "context-ehr-patient",
    "context-ehr-encounter",
    "context-standalone-patient",
    "permission-offline",
    "permission-online",
    "permission-patient",
    "permission-user",
    "permission-v1",
    "permission-v2",
];

/// What an id token and userinfo may say.
const CLAIMS: [&str; 10] = [
    "iss",
    "sub",
    "aud",
    "exp",
    "iat",
    "auth_time",
    "nonce",
    "at_hash",
    "acr",
    "fhirUser",
];

/// How an app may prove at an endpoint who it is.
const METHODS: [CoreClientAuthMethod; 3] = [
    CoreClientAuthMethod::ClientSecretBasic,
    CoreClientAuthMethod::ClientSecretPost,
    CoreClientAuthMethod::PrivateKeyJwt,
];

/// What an app may sign its assertions with (SMART 2.2, "Client Authentication: Asymmetric").
const ALGORITHMS: [CoreJwsSigningAlgorithm; 2] = [
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha384,
    CoreJwsSigningAlgorithm::EcdsaP384Sha384,
];

/// Members beside OpenID Connect's: SMART's, RFC 8414's, RFC 9207's and those of RP-Initiated Logout.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct SmartMeta {
    /// SMART capabilities.
    pub capabilities: Vec<String>,
    /// RFC 8414.
    pub code_challenge_methods_supported: Vec<String>,
    /// RFC 9207.
    pub authorization_response_iss_parameter_supported: bool,
    /// RFC 7662.
    pub introspection_endpoint: String,
    /// How a caller of it may prove who it is; a bearer token is the other way.
    pub introspection_endpoint_auth_methods_supported: Vec<CoreClientAuthMethod>,
    /// What it may sign with.
    pub introspection_endpoint_auth_signing_alg_values_supported: Vec<CoreJwsSigningAlgorithm>,
    /// RFC 7009.
    pub revocation_endpoint: String,
    /// How an app proves there who it is.
    pub revocation_endpoint_auth_methods_supported: Vec<CoreClientAuthMethod>,
    /// What it may sign with.
    pub revocation_endpoint_auth_signing_alg_values_supported: Vec<CoreJwsSigningAlgorithm>,
    /// Where users see their apps and take access away.
    pub management_endpoint: String,
    /// OpenID Connect RP-Initiated Logout 1.0.
    pub end_session_endpoint: String,
    /// Initiating User Registration via OpenID Connect 1.0, section 3, names the member; the values are Core's.
    pub prompt_values_supported: Vec<String>,
    /// The brand bundle (SMART 2.2, "User-access Brands").
    pub user_access_brand_bundle: String,
    /// Which brand in it is the practice's.
    pub user_access_brand_identifier: Identifier,
}

/// A FHIR `Identifier`, as far as a brand has one.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct Identifier {
    /// Whose numbering it is.
    pub system: String,
    /// The number.
    pub value: String,
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

/// Writes the document of a server with these settings, the scopes FHIR offers and the practice's brand.
///
/// # Errors
/// A fault where the issuer is no URL.
pub fn document(
    config: &Config,
    scopes: &[String],
    brand: (String, String),
) -> Result<Discovery, Fault> {
    let fault = |error| Fault::new("writing the discovery document", error);
    let issuer = &config.public_url;
    let at = |path: &str| format!("{issuer}{path}");
    let document = Discovery::new(
        IssuerUrl::new(issuer.clone()).map_err(fault)?,
        AuthUrl::new(at("/oauth2/authorize")).map_err(fault)?,
        JsonWebKeySetUrl::new(at("/oauth2/jwks")).map_err(fault)?,
        vec![ResponseTypes::new(vec![CoreResponseType::Code])],
        vec![CoreSubjectIdentifierType::Public],
        vec![CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256],
        smart(&at, brand),
    );
    let registration = match config.registration {
        Registration::Open | Registration::Approval => Some(at("/oauth2/register")),
        Registration::Off => None,
    };
    let registration = registration.map(RegistrationUrl::new).transpose();
    let claims = CLAIMS
        .iter()
        .map(|claim| CoreClaimName::new((*claim).to_owned()));
    let at_provider = config.staff_idp.as_ref().and_then(|idp| idp.acr.clone());
    let logins = iter::once(session::PASSWORD.to_owned()).chain(at_provider);
    Ok(document
        .set_token_endpoint(Some(TokenUrl::new(at("/oauth2/token")).map_err(fault)?))
        .set_userinfo_endpoint(Some(
            UserInfoUrl::new(at("/oauth2/userinfo")).map_err(fault)?,
        ))
        .set_registration_endpoint(registration.map_err(fault)?)
        .set_scopes_supported(Some(scopes.iter().cloned().map(Scope::new).collect()))
        .set_response_modes_supported(Some(vec![CoreResponseMode::Query]))
        .set_grant_types_supported(Some(vec![
            CoreGrantType::AuthorizationCode,
            CoreGrantType::ClientCredentials,
            CoreGrantType::RefreshToken,
        ]))
        .set_acr_values_supported(Some(logins.map(AuthenticationContextClass::new).collect()))
        .set_token_endpoint_auth_methods_supported(Some(any_app()))
        .set_token_endpoint_auth_signing_alg_values_supported(Some(ALGORITHMS.to_vec()))
        .set_claims_supported(Some(claims.collect()))
        .set_request_parameter_supported(Some(false))
        .set_request_uri_parameter_supported(Some(false)))
}

fn smart(at: &impl Fn(&str) -> String, (system, value): (String, String)) -> SmartMeta {
    let text = |words: &[&str]| {
        words
            .iter()
            .map(|word| (*word).to_owned())
            .collect::<Vec<_>>()
    };
    SmartMeta {
        capabilities: text(&CAPABILITIES),
        code_challenge_methods_supported: text(&["S256"]),
        authorization_response_iss_parameter_supported: true,
        introspection_endpoint: at("/oauth2/introspect"),
        introspection_endpoint_auth_methods_supported: METHODS.to_vec(),
        introspection_endpoint_auth_signing_alg_values_supported: ALGORITHMS.to_vec(),
        revocation_endpoint: at("/oauth2/revoke"),
        revocation_endpoint_auth_methods_supported: any_app(),
        revocation_endpoint_auth_signing_alg_values_supported: ALGORITHMS.to_vec(),
        management_endpoint: at("/account/apps"),
        end_session_endpoint: at("/oauth2/logout"),
        prompt_values_supported: text(&["none", "login", "consent", "select_account"]),
        user_access_brand_bundle: at("/brands"),
        user_access_brand_identifier: Identifier { system, value },
    }
}

/// The ways of an endpoint that apps without a secret may use too.
fn any_app() -> Vec<CoreClientAuthMethod> {
    let mut methods = METHODS.to_vec();
    methods.push(CoreClientAuthMethod::None);
    methods
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use serde_json::Value;
    use serde_json::json;

    use super::*;
    use crate::config::StaffIdp;

    fn config() -> Config {
        let mut config = Config::load(None, &HashMap::new()).unwrap();
        config.public_url = "https://emr.example".to_owned();
        config
    }

    fn written(config: &Config) -> Value {
        let scopes = ["openid".to_owned(), "patient/*.rs".to_owned()];
        let brand = (
            "urn:ietf:rfc:3986".to_owned(),
            "https://brand.example".to_owned(),
        );
        serde_json::to_value(document(config, &scopes, brand).unwrap()).unwrap()
    }

    fn has_null(value: &Value) -> bool {
        match value {
            Value::Null => true,
            Value::Array(list) => list.iter().any(has_null),
            Value::Object(members) => members.values().any(has_null),
            _ => false,
        }
    }

    #[test]
    fn wk_3_to_14_the_document_says_what_is_built_and_nothing_else() {
        let json = written(&config());
        assert!(!has_null(&json), "{json}");
        let expected = json!({
            "issuer": "https://emr.example",
            "authorization_endpoint": "https://emr.example/oauth2/authorize",
            "token_endpoint": "https://emr.example/oauth2/token",
            "userinfo_endpoint": "https://emr.example/oauth2/userinfo",
            "jwks_uri": "https://emr.example/oauth2/jwks",
            "registration_endpoint": "https://emr.example/oauth2/register",
            "introspection_endpoint": "https://emr.example/oauth2/introspect",
            "introspection_endpoint_auth_methods_supported":
                ["client_secret_basic", "client_secret_post", "private_key_jwt"],
            "introspection_endpoint_auth_signing_alg_values_supported": ["RS384", "ES384"],
            "revocation_endpoint": "https://emr.example/oauth2/revoke",
            "revocation_endpoint_auth_methods_supported":
                ["client_secret_basic", "client_secret_post", "private_key_jwt", "none"],
            "revocation_endpoint_auth_signing_alg_values_supported": ["RS384", "ES384"],
            "management_endpoint": "https://emr.example/account/apps",
            "end_session_endpoint": "https://emr.example/oauth2/logout",
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "subject_types_supported": ["public"],
            "grant_types_supported": ["authorization_code", "client_credentials", "refresh_token"],
            "token_endpoint_auth_methods_supported":
                ["client_secret_basic", "client_secret_post", "private_key_jwt", "none"],
            "token_endpoint_auth_signing_alg_values_supported": ["RS384", "ES384"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "code_challenge_methods_supported": ["S256"],
            "scopes_supported": ["openid", "patient/*.rs"],
            "claims_supported": CLAIMS,
            "acr_values_supported": [session::PASSWORD],
            "prompt_values_supported": ["none", "login", "consent", "select_account"],
            "authorization_response_iss_parameter_supported": true,
            "request_parameter_supported": false,
            "request_uri_parameter_supported": false,
            "capabilities": CAPABILITIES,
            "user_access_brand_bundle": "https://emr.example/brands",
            "user_access_brand_identifier":
                { "system": "urn:ietf:rfc:3986", "value": "https://brand.example" },
        });
        for (name, value) in json.as_object().unwrap() {
            assert_eq!(Some(value), expected.get(name), "{name}");
        }
        assert_eq!(json, expected);
    }

    #[test]
    fn registration_is_named_only_where_there_is_one() {
        let mut config = config();
        config.registration = Registration::Open;
        assert!(written(&config).get("registration_endpoint").is_some());
        config.registration = Registration::Off;
        assert!(written(&config).get("registration_endpoint").is_none());
    }

    #[test]
    fn the_login_at_the_practices_provider_is_one_that_can_be_asked_for() {
        let mut config = config();
        config.staff_idp = Some(StaffIdp {
            issuer: "https://idp.example".to_owned(),
            client_id: "anteroom".to_owned(),
            client_secret: None,
            claim: "email".to_owned(),
            acr: Some("urn:mfa".to_owned()),
        });
        assert_eq!(
            written(&config)["acr_values_supported"],
            json!([session::PASSWORD, "urn:mfa"])
        );
    }
}
