//! The keys of the house: those that sign id tokens and make the public key set (OpenID Connect Core 1.0, sections 2 and
//! 10.1.1), the one that seals paging links, and the one that signs the seals of the ledger. The types are openidconnect's; signatures are jsonwebtoken's with
//! aws-lc-rs.

mod ring;

use std::sync::Arc;
use std::sync::PoisonError;
use std::sync::RwLock;

use openidconnect::JsonWebKeySet;
use openidconnect::core::CoreJsonWebKeySet;
use time::Duration;
use time::OffsetDateTime;

use crate::crypto;
use crate::crypto::Entropy;
use crate::db::Db;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Fault;
use crate::store::keys;
use crate::store::keys::Purpose;
use crate::store::keys::Stored;
use crate::store::ledger::Entry;
use crate::store::ledger::Outcome;

pub use ring::Key;
pub use ring::PUBLISHED_AFTER;
pub use ring::PUBLISHED_BEFORE;
pub use ring::Ring;
pub use ring::State;

/// The keys in use. Clones share them: a key that one of them reads is there for all.
#[derive(Clone)]
pub struct Keys {
    ring: Arc<RwLock<Arc<Ring>>>,
    /// Seals paging links: 32 bytes.
    pub page: Vec<u8>,
    /// Signs the seals of the ledger: 32 bytes.
    pub seal: Vec<u8>,
}

/// Why a new signing key is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rotation {
    /// The one in use has reached the age that the settings allow.
    ByAge(Duration),
    /// Somebody wants one.
    ByHand,
    /// Others may know those there are: the new one signs at once and they are dropped.
    AtOnce,
}

impl Keys {
    /// Reads the keys, making those that are missing. Two replicas that start at once end with the same keys.
    ///
    /// # Errors
    /// As [`Db::run`], and a fault where a stored key cannot be read.
    pub async fn load(db: &Db, now: i64, entropy: &dyn Entropy) -> Answer<Self> {
        if keys::signing(db).await?.is_empty() {
            keys::add_first(db, Purpose::Sign, &fresh().await?, now).await?;
        }
        let page = secret(db, Purpose::Page, (now, entropy)).await?;
        let seal = secret(db, Purpose::Seal, (now, entropy)).await?;
        Ok(Self::of(keys::signing(db).await?, page, seal)?)
    }

    /// The keys from their stored forms, one of each: PKCS#8 PEM, and base64url.
    ///
    /// # Errors
    /// A fault where either is not that.
    pub fn from_parts(pem: &str, page: &str) -> Result<Self, Fault> {
        let only = Stored {
            name: "sign-1".to_owned(),
            alone: false,
            material: pem.to_owned(),
            created: 0,
        };
        let page = bytes(page)?;
        Self::of(vec![only], page.clone(), page)
    }

    fn of(stored: Vec<Stored>, page: Vec<u8>, seal: Vec<u8>) -> Result<Self, Fault> {
        let ring = Ring::read(stored, &Ring::default())?;
        Ok(Self {
            ring: Arc::new(RwLock::new(Arc::new(ring))),
            page,
            seal,
        })
    }

    /// Reads the signing keys again, so that what another replica has made is known here too.
    ///
    /// # Errors
    /// As [`Db::all`], and a fault where a stored key cannot be read; then those known before stay in use.
    pub async fn refresh(&self, db: &Db) -> Answer<()> {
        let stored = keys::signing(db).await?;
        let ring = Arc::new(Ring::read(stored, &self.ring())?);
        *self.ring.write().unwrap_or_else(PoisonError::into_inner) = ring;
        Ok(())
    }

    /// The signing keys as they are known here.
    pub fn ring(&self) -> Arc<Ring> {
        let ring = self.ring.read().unwrap_or_else(PoisonError::into_inner);
        ring.clone()
    }

    /// The key that signs at `now`.
    ///
    /// # Errors
    /// A fault where there is none.
    pub fn signing(&self, now: i64) -> Result<Arc<Key>, Fault> {
        let key = self.ring().signing(now);
        key.ok_or_else(|| Fault::new("signing", "there is no signing key"))
    }

    /// The public key set at `now`.
    pub fn jwks(&self, now: i64) -> CoreJsonWebKeySet {
        JsonWebKeySet::new(self.ring().published(now))
    }
}

/// The secret of a purpose that has one of 32 bytes; made where there is none yet. Of two that make it at once both end
/// with the same.
///
/// # Errors
/// As [`Db::run`], and a fault where what is stored cannot be read.
pub async fn secret(
    db: &Db,
    purpose: Purpose,
    (now, entropy): (i64, &dyn Entropy),
) -> Answer<Vec<u8>> {
    if let Some(known) = known_secret(db, purpose).await? {
        return Ok(known);
    }
    keys::add_first(db, purpose, &entropy.token()?, now).await?;
    let stored = known_secret(db, purpose).await?;
    Ok(stored.ok_or_else(|| Fault::new("reading a key", "it was stored and is not there"))?)
}

/// The same where it is there already.
///
/// # Errors
/// As [`secret`].
pub async fn known_secret(db: &Db, purpose: Purpose) -> Answer<Option<Vec<u8>>> {
    let stored = keys::newest(db, purpose).await?;
    Ok(stored.map(|text| bytes(&text)).transpose()?)
}

fn bytes(text: &str) -> Result<Vec<u8>, Fault> {
    let bytes = crypto::from_base64url(text);
    bytes.ok_or_else(|| Fault::new("reading a key of the house", "it is not base64url"))
}

/// The signing keys of a database, to look at.
///
/// # Errors
/// As [`Keys::refresh`].
pub async fn read(db: &Db) -> Answer<Ring> {
    Ok(Ring::read(keys::signing(db).await?, &Ring::default())?)
}

/// Makes a signing key that follows those there are, where it is due; whether this call made one. Its name tells which
/// key it follows, so that of two replicas that see the same age only one makes it.
///
/// # Errors
/// As [`Db::run`].
pub async fn rotate(db: &Db, now: OffsetDateTime, why: Rotation) -> Answer<bool> {
    let seconds = now.unix_timestamp();
    let stored = keys::signing(db).await?;
    let newest = stored.last().map(|key| key.created);
    let (purpose, reason) = match (why, newest) {
        (Rotation::ByAge(age), Some(created)) if seconds - created >= age.whole_seconds() => {
            (Purpose::Sign, "by-age")
        }
        // The first key is made by the server that needs it.
        (Rotation::ByAge(_), _) => return Ok(false),
        (Rotation::ByHand, _) => (Purpose::Sign, "by-hand"),
        (Rotation::AtOnce, _) => (Purpose::SignNow, "at-once"),
    };
    let mut entry = Entry::new("key.rotate", Outcome::Success, now);
    entry.reason = reason.to_owned();
    entry.actor = "system".to_owned();
    // After the one it follows by every clock, so that a replica whose clock is behind does not put it before.
    let created = newest.map_or(seconds, |newest| seconds.max(newest + 1));
    let after = newest.unwrap_or_default();
    keys::add_next(db, purpose, (&fresh().await?, created), after, &entry).await
}

/// A new RSA key, made where waiting for it holds nobody up.
async fn fresh() -> Answer<String> {
    let made = tokio::task::spawn_blocking(crypto::new_rsa_key).await;
    Ok(made.map_err(|error| Fault::new("making a signing key", error))??)
}

#[cfg(test)]
mod tests;
