//! The tokens of single-use links. A token is made of the link's id and a key of the house, so that the letter that
//! carries it can be written again after a crash, with the same token, and no table holds it.

use uuid::Uuid;

use crate::auth::keys::Keys;
use crate::crypto;
use crate::crypto::Entropy;
use crate::domain::refusal::Fault;

/// What the MAC is about, so that no other sealed thing can be taken for a link.
const PURPOSE: &[u8] = b"anteroom single-use link 1\0";

/// Letters and digits of a PIN: 32 of them, none that is read for another.
const SYMBOLS: &[u8; 32] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";

/// Characters of a PIN (30 bits).
const PIN: usize = 6;

/// The token of a link: 256 bits as base64url, with what it is before them.
pub fn token(keys: &Keys, id: Uuid) -> String {
    let said = [PURPOSE, id.as_bytes()].concat();
    let mac = crypto::hmac_sha256(&keys.page, &said);
    format!("al_{}", crypto::base64url(&mac))
}

/// A PIN of six characters.
///
/// # Errors
/// As [`Entropy::fill`].
pub fn pin(entropy: &dyn Entropy) -> Result<String, Fault> {
    let mut bytes = [0; PIN];
    entropy.fill(&mut bytes)?;
    // 256 is eight times 32: every symbol is as likely as any other.
    let symbol = |byte: &u8| char::from(SYMBOLS[usize::from(byte % 32)]);
    Ok(bytes.iter().map(symbol).collect())
}

/// What is kept of a PIN: a fingerprint that is of use for this link alone.
pub fn pin_hash(id: Uuid, pin: &str) -> String {
    crypto::fingerprint(&format!("{id}\n{pin}"))
}

/// What is kept of the address a letter went to: the same for the same mailbox.
pub fn address_hash(address: &str) -> String {
    crypto::fingerprint(&address.trim().to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::SystemEntropy;
    use std::collections::HashMap;

    #[test]
    fn case_98_pins_are_of_32_symbols_and_uniform() {
        let mut counts: HashMap<char, f64> = HashMap::new();
        let rounds = 20_000;
        for _ in 0..rounds {
            let pin = pin(&SystemEntropy).expect("random bytes");
            assert_eq!(pin.len(), PIN);
            for symbol in pin.chars() {
                *counts.entry(symbol).or_default() += 1.0;
            }
        }
        assert_eq!(counts.len(), 32);
        let expected = f64::from(rounds * 6) / 32.0;
        let chi: f64 = counts
            .values()
            .map(|count| (count - expected).powi(2) / expected)
            .sum();
        // 31 degrees of freedom: above 70 once in some twenty thousand runs.
        assert!(chi < 70.0, "{chi}");
    }
}
