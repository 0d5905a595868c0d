//! The signing key and what it signs: id tokens and the public key set (OpenID Connect Core 1.0, section 2). The types
//! are openidconnect's; the signature is made by jsonwebtoken with aws-lc-rs.

use jsonwebtoken::Algorithm;
use jsonwebtoken::EncodingKey;
use jsonwebtoken::jwk::AlgorithmParameters;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::jwk::ThumbprintHash;
use openidconnect::JsonWebKeyId;
use openidconnect::JsonWebKeySet;
use openidconnect::PrivateSigningKey;
use openidconnect::SigningError;
use openidconnect::core::CoreJsonWebKey;
use openidconnect::core::CoreJsonWebKeySet;
use openidconnect::core::CoreJwsSigningAlgorithm;
use serde_json::json;

use crate::crypto;
use crate::crypto::Entropy;
use crate::db::Db;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Fault;
use crate::store::keys;
use crate::store::keys::Purpose;

/// The keys in use.
pub struct Keys {
    signing: EncodingKey,
    public: CoreJsonWebKey,
    /// Seals paging links: 32 bytes.
    pub page: Vec<u8>,
}

impl Keys {
    /// Reads the keys, making those that are missing. Two replicas that start at once end with the same keys.
    ///
    /// # Errors
    /// As [`Db::run`], and a fault where a stored key cannot be read.
    pub async fn load(db: &Db, now: i64, entropy: &dyn Entropy) -> Answer<Self> {
        let signing = match keys::newest(db, Purpose::Sign).await? {
            Some(pem) => pem,
            None => {
                let fresh = tokio::task::spawn_blocking(crypto::new_rsa_key).await;
                let fresh = fresh.map_err(|error| Fault::new("making a signing key", error))??;
                made(db, Purpose::Sign, fresh, now).await?
            }
        };
        let page = match keys::newest(db, Purpose::Page).await? {
            Some(page) => page,
            None => made(db, Purpose::Page, entropy.token()?, now).await?,
        };
        Ok(Self::from_parts(&signing, &page)?)
    }

    /// The keys from their stored forms: PKCS#8 PEM, and base64url.
    ///
    /// # Errors
    /// A fault where either is not that.
    pub fn from_parts(pem: &str, page: &str) -> Result<Self, Fault> {
        let fault = |error| Fault::new("reading the signing key", error);
        let signing = EncodingKey::from_rsa_pem(pem.as_bytes()).map_err(fault)?;
        let jwk = Jwk::from_encoding_key(&signing, Algorithm::RS256).map_err(fault)?;
        let kid = jwk.thumbprint(ThumbprintHash::SHA256).map_err(fault)?;
        let AlgorithmParameters::RSA(rsa) = &jwk.algorithm else {
            return Err(Fault::new(
                "reading the signing key",
                "it is not an RSA key",
            ));
        };
        // openidconnect's constructor sets no `alg` and has no setter, so the key is read from its JSON form.
        let public = json!({
            "kty": "RSA", "use": "sig", "alg": "RS256", "kid": kid, "n": rsa.n, "e": rsa.e,
        });
        Ok(Self {
            signing,
            public: serde_json::from_value(public)
                .map_err(|error| Fault::new("reading the signing key", error))?,
            page: crypto::from_base64url(page)
                .ok_or_else(|| Fault::new("reading the page key", "it is not base64url"))?,
        })
    }

    /// The public key set.
    pub fn jwks(&self) -> CoreJsonWebKeySet {
        JsonWebKeySet::new(vec![self.public.clone()])
    }

    /// The RFC 7638 thumbprint that names the signing key.
    pub fn kid(&self) -> Option<&JsonWebKeyId> {
        openidconnect::JsonWebKey::key_id(&self.public)
    }
}

impl PrivateSigningKey for Keys {
    type VerificationKey = CoreJsonWebKey;

    fn sign(
        &self,
        algorithm: &CoreJwsSigningAlgorithm,
        message: &[u8],
    ) -> Result<Vec<u8>, SigningError> {
        if *algorithm != CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256 {
            return Err(SigningError::UnsupportedAlg(format!("{algorithm:?}")));
        }
        let signature = jsonwebtoken::crypto::sign(message, &self.signing, Algorithm::RS256)
            .map_err(|_| SigningError::CryptoError)?;
        crypto::from_base64url(&signature).ok_or(SigningError::CryptoError)
    }

    fn as_verification_key(&self) -> CoreJsonWebKey {
        self.public.clone()
    }
}

/// Stores a fresh key unless another replica was first, and reads whichever is there.
async fn made(db: &Db, purpose: Purpose, fresh: String, now: i64) -> Answer<String> {
    keys::add_first(db, purpose, &fresh, now).await?;
    let stored = keys::newest(db, purpose).await?;
    stored.ok_or_else(|| Fault::new("reading a key", "it was stored and is not there").into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::fixture;
    use crate::crypto::SystemEntropy;

    #[tokio::test]
    async fn two_replicas_end_with_the_same_keys_and_keep_them() {
        let db = fixture::empty_db("keys").await;
        let (one, two) = tokio::join!(
            Keys::load(&db, 1, &SystemEntropy),
            Keys::load(&db, 2, &SystemEntropy)
        );
        let (one, two) = (one.unwrap(), two.unwrap());
        assert_eq!(one.kid(), two.kid());
        assert_eq!(one.page, two.page);
        assert_eq!(one.page.len(), 32);
        let later = Keys::load(&db, 3, &SystemEntropy).await.unwrap();
        assert_eq!(later.kid(), one.kid());
    }

    #[test]
    fn the_public_key_set_says_what_the_key_is_for() {
        let keys = fixture::keys();
        let set = serde_json::to_value(keys.jwks()).unwrap();
        let key = &set["keys"][0];
        assert_eq!(key["kty"], "RSA");
        assert_eq!(key["use"], "sig");
        assert_eq!(key["alg"], "RS256");
        assert_eq!(key["kid"].as_str().map(str::len), Some(43));
        assert!(key.get("d").is_none(), "the private part stays in");
    }
}
