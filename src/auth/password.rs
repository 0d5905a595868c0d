//! Password hashes in the formats OpenEMR writes and reads (OpenEMR facts 1.2.1), and hashing that cannot take the
//! machine down: two at once, a short queue, then "try again".

use argon2::Argon2;
use argon2::password_hash::PasswordVerifier;
use argon2::password_hash::phc::PasswordHash;
use sha_crypt::ShaCrypt;
use tokio::sync::Semaphore;
use tokio::sync::SemaphorePermit;

use crate::crypto::Entropy;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Fault;
use crate::domain::refusal::Refusal;

/// What bcrypt costs where this house writes the hash (`spec/security.md`).
pub const COST: u32 = 12;

/// bcrypt reads no further.
pub const LONGEST: usize = 72;

/// What a person reads when the queue is full.
const BUSY: &str = "Many people are logging in right now. Please try again in a few seconds.";

/// Two hashes at once (`spec/security.md` section 0, Hash).
static RUNNING: Semaphore = Semaphore::const_new(2);

/// Those that run and those that wait for it.
static WAITING: Semaphore = Semaphore::const_new(32);

/// Salt and hash of a bcrypt string that no password fits, for names nobody has.
const NOBODY: &str = "abcdefghijklmnopqrstuuAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA.";

/// What a hash says about a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It fits.
    Fits,
    /// It does not fit, or the hash is of no known kind.
    Wrong,
}

/// Verifies a password against a stored hash, off the async threads.
///
/// # Errors
/// `Unavailable` when too many hashes are waiting already.
pub async fn verify(password: String, hash: String) -> Answer<Verdict> {
    let _place = place().await?;
    let verdict = tokio::task::spawn_blocking(move || verdict(&password, &hash)).await;
    verdict.map_err(|error| Fault::new("verifying a password", error).into())
}

/// Spends what verifying a bcrypt hash of that cost takes, and never fits.
///
/// # Errors
/// As [`verify`].
pub async fn verify_nobody(password: String, cost: u32) -> Answer<Verdict> {
    verify(password, format!("$2y${cost:02}${NOBODY}")).await?;
    Ok(Verdict::Wrong)
}

/// The `$2y$` hash of a new password of at most [`LONGEST`] bytes: the prefix PHP recognises.
///
/// # Errors
/// `Invalid` for a longer one; otherwise as [`verify`].
pub async fn hash(password: String, cost: u32, entropy: &dyn Entropy) -> Answer<String> {
    if password.len() > LONGEST {
        return Err(Refusal::invalid("new_password", "A password has at most 72 bytes.").into());
    }
    let mut salt = [0; 16];
    entropy.fill(&mut salt)?;
    let _place = place().await?;
    let parts =
        tokio::task::spawn_blocking(move || bcrypt::hash_with_salt(password, cost, salt)).await;
    let parts = parts.map_err(|error| Fault::new("hashing a password", error))?;
    let parts = parts.map_err(|error| Fault::new("hashing a password", error))?;
    Ok(parts.format_for_version(bcrypt::Version::TwoY))
}

/// A place in the queue and then at the anvil; both end when the value does.
async fn place() -> Answer<(SemaphorePermit<'static>, SemaphorePermit<'static>)> {
    let queued = WAITING
        .try_acquire()
        .map_err(|_| Refusal::Unavailable(BUSY))?;
    let running = RUNNING.acquire().await;
    let running = running.map_err(|error| Fault::new("waiting to hash", error))?;
    Ok((queued, running))
}

/// Judges by the format the hash announces. An empty password or hash never fits.
fn verdict(password: &str, hash: &str) -> Verdict {
    let fits = !password.is_empty()
        && match hash {
            // Cut at 72 bytes as PHP does; an old `$2a$05$` hash with a short salt is not 60 long and never fits.
            bcrypt
                if ["$2y$", "$2a$", "$2b$"]
                    .iter()
                    .any(|p| bcrypt.starts_with(p)) =>
            {
                !password.contains('\0') && bcrypt::verify(password, bcrypt).unwrap_or(false)
            }
            phc if phc.starts_with("$argon2id$") || phc.starts_with("$argon2i$") => {
                PasswordHash::new(phc).is_ok_and(|parsed| {
                    Argon2::default()
                        .verify_password(password.as_bytes(), &parsed)
                        .is_ok()
                })
            }
            crypt if crypt.starts_with("$6$") => ShaCrypt::SHA512
                .verify_password(password.as_bytes(), crypt)
                .is_ok(),
            _ => false,
        };
    match fits {
        true => Verdict::Fits,
        false => Verdict::Wrong,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::SystemEntropy;

    /// Made with libxcrypt's `crypt` and the reference argon2 library, password `Correct-Horse-7`.
    const BCRYPT: &str = "$2y$05$abcdefghijklmnopqrstuuprk/rqhgcPTYTHLq52sX1mIsVNYyi5u";
    const ARGON2ID: &str = "$argon2id$v=19$m=1024,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$WP5iNmD4MNKcMuMYNHV5+byb81DNnMScqAC2S2EbOj8";
    const ARGON2I: &str = "$argon2i$v=19$m=1024,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$uJ80oV3pdQylFxOIlQ9NVBMWopFS67xGSJuHwZJ8Nt8";
    const SHA512: &str = "$6$rounds=5000$abcdefghijklmnop$oojYT2fDgXN/BvEBjrvlpf/VYZN2JDhPwiROgJgZuJfca60Zq5DBTuKeNyVeyTIN3povMztibTzCnIBHPX.Dt/";

    #[test]
    fn every_format_of_openemr_verifies() {
        for hash in [BCRYPT, ARGON2ID, ARGON2I, SHA512] {
            assert_eq!(verdict("Correct-Horse-7", hash), Verdict::Fits, "{hash}");
            assert_eq!(verdict("correct-horse-7", hash), Verdict::Wrong, "{hash}");
            assert_eq!(verdict("", hash), Verdict::Wrong, "{hash}");
        }
    }

    #[test]
    fn an_unknown_or_old_format_never_verifies() {
        for hash in [
            "",
            "Correct-Horse-7",
            "$1$abc$def",
            "$2a$05$MKtnxYsfFPlb2mOW7Qzq2Oz61S26s5E80Yd60lKdX4Wy3PBdEufN",
            "$argon2id$",
            "$6$",
            "$2y$",
        ] {
            assert_eq!(verdict("Correct-Horse-7", hash), Verdict::Wrong, "{hash}");
        }
    }

    #[tokio::test]
    async fn a_new_hash_is_what_php_recognises() {
        let made = hash("a good long one".to_owned(), 4, &SystemEntropy).await;
        let made = made.unwrap();
        assert!(made.starts_with("$2y$04$"), "{made}");
        assert_eq!(made.len(), 60);
        assert_eq!(verdict("a good long one", &made), Verdict::Fits);
        let long = hash("x".repeat(73), 4, &SystemEntropy).await;
        assert!(long.is_err());
    }

    #[test]
    fn nobodys_hash_is_well_formed_and_fits_nothing() {
        let nobody = format!("$2y$04${NOBODY}");
        assert!(
            bcrypt::verify("x", &nobody).is_ok(),
            "it must cost what a real one does"
        );
        assert_eq!(verdict("x", &nobody), Verdict::Wrong);
    }
}
