//! Several signing keys and what each does at which time. Nothing is remembered: a key is published as soon as it is
//! stored, signs a quarter of an hour later, until the next one does, and stays published for an hour after that.

use std::sync::Arc;

use jsonwebtoken::Algorithm;
use jsonwebtoken::DecodingKey;
use jsonwebtoken::EncodingKey;
use jsonwebtoken::jwk::AlgorithmParameters;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::jwk::ThumbprintHash;
use openidconnect::PrivateSigningKey;
use openidconnect::SigningError;
use openidconnect::core::CoreJsonWebKey;
use openidconnect::core::CoreJwsSigningAlgorithm;
use serde_json::json;

use crate::crypto;
use crate::domain::refusal::Fault;
use crate::store::keys::Stored;

/// Seconds a key is published before it signs: longer than anybody may keep the key set (its `max-age` is 300) and
/// than a replica takes to see a new key, with room for clocks that differ.
pub const PUBLISHED_BEFORE: i64 = 15 * 60;

/// Seconds a key stays published after it has signed for the last time: longer than an id token lives.
pub const PUBLISHED_AFTER: i64 = 3600;

/// What a key does at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It is published and signs from this time on.
    Next(i64),
    /// It signs.
    Signing,
    /// It is published, until this time, for tokens it has signed.
    Retiring(i64),
    /// Nobody needs it any more.
    Retired,
    /// It was replaced at once, because others may know it: nothing it has signed counts.
    Dropped,
}

/// One signing key.
pub struct Key {
    stored: Stored,
    kid: String,
    signing: EncodingKey,
    verifying: DecodingKey,
    public: CoreJsonWebKey,
}

impl Key {
    /// The key from its stored form.
    ///
    /// # Errors
    /// A fault where the material is no RSA key.
    pub fn read(stored: Stored) -> Result<Self, Fault> {
        let fault = |error| Fault::new("reading the signing key", error);
        let signing = EncodingKey::from_rsa_pem(stored.material.as_bytes()).map_err(fault)?;
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
            verifying: DecodingKey::from_rsa_components(&rsa.n, &rsa.e).map_err(fault)?,
            public: serde_json::from_value(public)
                .map_err(|error| Fault::new("reading the signing key", error))?,
            stored,
            kid,
            signing,
        })
    }

    /// The RFC 7638 thumbprint that names the key to apps.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// When it was made, in seconds since 1970.
    pub fn created(&self) -> i64 {
        self.stored.created
    }

    /// Its public half, for checking what it signed.
    pub fn verifying(&self) -> &DecodingKey {
        &self.verifying
    }

    /// Its public half, as apps read it.
    pub fn public(&self) -> &CoreJsonWebKey {
        &self.public
    }
}

impl PrivateSigningKey for Key {
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

/// Every signing key there is, the oldest first.
#[derive(Default)]
pub struct Ring(Vec<Arc<Key>>);

impl Ring {
    /// The keys as they are stored, the oldest first; those that `before` has are not read again.
    ///
    /// # Errors
    /// As [`Key::read`].
    pub fn read(stored: Vec<Stored>, before: &Ring) -> Result<Self, Fault> {
        let keys = stored.into_iter().map(|stored| {
            let known = before.0.iter().find(|key| key.stored == stored);
            match known {
                Some(known) => Ok(known.clone()),
                None => Key::read(stored).map(Arc::new),
            }
        });
        keys.collect::<Result<_, _>>().map(Self)
    }

    /// The key that signs at `now`. There is none only in an empty ring.
    pub fn signing(&self, now: i64) -> Option<Arc<Key>> {
        let (key, _) = self
            .states(now)
            .find(|(_, state)| *state == State::Signing)?;
        Some(key.clone())
    }

    /// The keys that are published at `now`.
    pub fn published(&self, now: i64) -> Vec<CoreJsonWebKey> {
        self.states(now)
            .filter(|(_, state)| !matches!(state, State::Retired | State::Dropped))
            .map(|(key, _)| key.public.clone())
            .collect()
    }

    /// The key of this `kid` unless it was dropped. One that has retired is still ours.
    pub fn of_kid(&self, kid: &str) -> Option<Arc<Key>> {
        let found = self.0.iter().skip(self.first()).find(|key| key.kid == kid);
        found.cloned()
    }

    /// Each key with what it does at `now`, the oldest first.
    pub fn states(&self, now: i64) -> impl Iterator<Item = (&Arc<Key>, State)> {
        let all = self.0.iter().enumerate();
        all.map(move |(index, key)| (key, self.state(index, now)))
    }

    fn state(&self, index: usize, now: i64) -> State {
        if index < self.first() {
            return State::Dropped;
        }
        match (self.starts(index), self.starts(index + 1)) {
            (Some(start), _) if now < start => State::Next(start),
            (_, Some(next)) if now >= next.saturating_add(PUBLISHED_AFTER) => State::Retired,
            (_, Some(next)) if now >= next => State::Retiring(next.saturating_add(PUBLISHED_AFTER)),
            _ => State::Signing,
        }
    }

    /// From when on a key signs. The first one has always signed, so that no clock leaves us without a key.
    fn starts(&self, index: usize) -> Option<i64> {
        let key = self.0.get(index)?;
        Some(match index == self.first() {
            true => i64::MIN,
            false => key.stored.created.saturating_add(PUBLISHED_BEFORE),
        })
    }

    /// The first key that was not dropped: the last that was made to stand alone, or the oldest.
    fn first(&self) -> usize {
        let alone = self.0.iter().rposition(|key| key.stored.alone);
        alone.unwrap_or_default()
    }
}
