//! `aws-lc-rs` in the words of the house: digests, MACs, random bytes, and constant-time comparison.
//! One library for all of it; it is the one rustls and jsonwebtoken use too.

use aws_lc_rs::digest;
use aws_lc_rs::encoding::AsBigEndian;
use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::encoding::EcPrivateKeyBin;
use aws_lc_rs::encoding::Pkcs8V1Der;
use aws_lc_rs::hmac;
use aws_lc_rs::rand;
use aws_lc_rs::rsa;
use aws_lc_rs::signature;
use aws_lc_rs::signature::KeyPair;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::domain::refusal::Fault;

/// Where random bytes come from; an argument wherever something must be unguessable.
pub trait Entropy: Send + Sync {
    /// Fills the buffer.
    ///
    /// # Errors
    /// The operating system has none to give.
    fn fill(&self, buffer: &mut [u8]) -> Result<(), Fault>;

    /// 256 random bits as 43 characters of base64url.
    ///
    /// # Errors
    /// As [`Entropy::fill`].
    fn token(&self) -> Result<String, Fault> {
        let mut bytes = [0; 32];
        self.fill(&mut bytes)?;
        Ok(base64url(&bytes))
    }
}

/// The operating system's generator.
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), Fault> {
        #[expect(clippy::disallowed_methods, reason = "this is the one place that may")]
        rand::fill(buffer).map_err(|_| Fault::new("drawing random bytes", "the generator failed"))
    }
}

/// SHA-256.
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(digest::digest(&digest::SHA256, bytes).as_ref());
    out
}

/// SHA-256 of a secret as base64url: the only form in which a secret is stored.
pub fn fingerprint(secret: &str) -> String {
    base64url(&sha256(secret.as_bytes()))
}

/// What a session or token remembers of the password and login name it was made under: another value as soon as
/// either changes. `hash` is the stored hash, never the password.
pub fn credential(hash: &str, login_name: &str) -> String {
    fingerprint(&format!("{hash}\n{login_name}"))
}

/// A new RSA key of 2048 bits as PKCS#8 in PEM.
///
/// # Errors
/// A fault where the library cannot make one.
pub fn new_rsa_key() -> Result<String, Fault> {
    let fault = |_| Fault::new("making a signing key", "the generator failed");
    let pair = rsa::KeyPair::generate(rsa::KeySize::Rsa2048).map_err(fault)?;
    let der = AsDer::<Pkcs8V1Der<'_>>::as_der(&pair).map_err(fault)?;
    let text = STANDARD.encode(der.as_ref());
    let mut pem = "-----BEGIN PRIVATE KEY-----\n".to_owned();
    for line in text.as_bytes().chunks(64) {
        pem.push_str(&String::from_utf8_lossy(line));
        pem.push('\n');
    }
    pem.push_str("-----END PRIVATE KEY-----\n");
    Ok(pem)
}

/// Whether two coordinates of 48 bytes each are a point on the curve P-384.
pub fn is_on_p384(x: &[u8], y: &[u8]) -> bool {
    let point = [&[4], x, y].concat();
    x.len() == 48
        && y.len() == 48
        && signature::ParsedPublicKey::new(&signature::ECDSA_P384_SHA384_FIXED, point).is_ok()
}

/// A new key on the curve P-384: its point's two coordinates and its private number, 48 bytes each.
///
/// # Errors
/// A fault where the library cannot make one.
pub fn new_p384_key() -> Result<[Vec<u8>; 3], Fault> {
    let fault = |_| Fault::new("making a key", "the generator failed");
    let algorithm = &signature::ECDSA_P384_SHA384_FIXED_SIGNING;
    let pair = signature::EcdsaKeyPair::generate(algorithm).map_err(fault)?;
    let private =
        AsBigEndian::<EcPrivateKeyBin<'_>>::as_be_bytes(&pair.private_key()).map_err(fault)?;
    // An uncompressed point: 4, x, y.
    let point = pair.public_key().as_ref();
    match point.split_first() {
        Some((4, numbers)) if numbers.len() == 96 => {
            let (x, y) = numbers.split_at(48);
            Ok([x.to_vec(), y.to_vec(), private.as_ref().to_vec()])
        }
        _ => Err(Fault::new(
            "making a key",
            "its point is not written plainly",
        )),
    }
}

/// SHA-1, which FHIR asks for in `Attachment.hash` and nothing else here uses.
pub fn sha1(bytes: &[u8]) -> Vec<u8> {
    digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, bytes)
        .as_ref()
        .to_vec()
}

/// A digest of bytes that come in pieces.
pub struct Running(digest::Context);

impl Running {
    /// SHA3-512, which OpenEMR takes of documents.
    pub fn sha3_512() -> Self {
        Self(digest::Context::new(&digest::SHA3_512))
    }

    /// SHA-1, which it took before 5.0.2.
    pub fn sha1() -> Self {
        Self(digest::Context::new(&digest::SHA1_FOR_LEGACY_USE_ONLY))
    }

    /// The next piece.
    pub fn add(&mut self, piece: &[u8]) {
        self.0.update(piece);
    }

    /// The digest in hex.
    pub fn hex(self) -> String {
        hex(self.0.finish().as_ref())
    }
}

/// SHA3-512 in hex, OpenEMR's `documents.hash`.
pub fn sha3_512_hex(bytes: &[u8]) -> String {
    hex(digest::digest(&digest::SHA3_512, bytes).as_ref())
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    let mut hex = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        // Writing to a String cannot fail.
        let _ = write!(hex, "{byte:02x}");
    }
    hex
}

/// HMAC-SHA-256.
pub fn hmac_sha256(key: &[u8], bytes: &[u8]) -> Vec<u8> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key);
    hmac::sign(&key, bytes).as_ref().to_vec()
}

/// Whether two byte strings are equal, in a time that depends on their length only.
pub fn same(left: &[u8], right: &[u8]) -> bool {
    aws_lc_rs::constant_time::verify_slices_are_equal(left, right).is_ok()
}

/// base64 in one line.
pub fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// base64url without padding.
pub fn base64url(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The bytes behind base64, whose lines may be broken; `None` where it is not that.
pub fn from_base64(text: &str) -> Option<Vec<u8>> {
    let bare: Vec<u8> = text
        .bytes()
        .filter(|byte| !byte.is_ascii_whitespace())
        .collect();
    STANDARD.decode(bare).ok()
}

/// The bytes behind base64url; `None` where it is not that.
pub fn from_base64url(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}
