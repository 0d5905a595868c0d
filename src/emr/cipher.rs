//! OpenEMR's way of encrypting a document: three digits of version, then base64 of HMAC-SHA384 (48 bytes), IV
//! (16 bytes) and AES-256-CBC ciphertext, with keys from the `keys` table (OpenEMR facts 4).

pub mod streamed;

use std::io::Cursor;

use aws_lc_rs::cipher::AES_256;
use aws_lc_rs::cipher::EncryptionContext;
use aws_lc_rs::cipher::PaddedBlockEncryptingKey;
use aws_lc_rs::cipher::UnboundCipherKey;
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::hmac;
use aws_lc_rs::iv::FixedLength;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sqlx::FromRow;

use crate::crypto::Entropy;
use crate::db::Db;
use crate::db::Tx;
use crate::db::sql::Sql;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Fault;

/// The versions whose keys lie in the database: the digits, and the names of the encryption key and the HMAC key.
const VERSIONS: [(&str, &str, &str); 3] = [
    ("006", "sixa", "sixb"),
    ("005", "fivea", "fiveb"),
    ("004", "foura", "fourb"),
];

/// `keys` is a reserved word of both engines. A row is absent until OpenEMR first needs it.
const READ: &str = "SELECT name, value FROM `keys` WHERE name IN ";

/// Length of the HMAC in front.
const MAC: usize = 48;

/// Length of the initialisation vector behind it.
const IV: usize = 16;

/// The key pairs of the `keys` table. Not printable.
#[derive(Clone, Default)]
pub struct DatabaseKeys(Vec<Pair>);

#[derive(Clone)]
struct Pair {
    version: &'static str,
    encryption: [u8; 32],
    authentication: [u8; 32],
}

#[derive(FromRow)]
struct KeyRow {
    name: String,
    value: Option<String>,
}

impl DatabaseKeys {
    /// Reads the keys OpenEMR made. A version whose pair is absent or no base64 of 32 bytes is left out.
    ///
    /// # Errors
    /// As [`Db::all`].
    pub async fn read(db: &Db) -> Answer<Self> {
        Ok(Self::of(&db.all(statement()).await?))
    }

    /// The same within a transaction, on whose connection it is asked.
    ///
    /// # Errors
    /// As [`Db::all`].
    pub async fn within(tx: &mut Tx) -> Answer<Self> {
        Ok(Self::of(&tx.all(statement()).await?))
    }

    fn of(rows: &[KeyRow]) -> Self {
        let value = |name: &str| {
            let row = rows.iter().find(|row| row.name == name)?;
            key(row.value.as_deref()?)
        };
        let pairs = VERSIONS
            .iter()
            .filter_map(|(version, encryption, authentication)| {
                Some(Pair {
                    version,
                    encryption: value(encryption)?,
                    authentication: value(authentication)?,
                })
            });
        Self(pairs.collect())
    }

    /// Whether there is a pair for new files.
    pub fn can_encrypt(&self) -> bool {
        self.pair("006").is_some()
    }

    /// A new pair for version 006, as OpenEMR makes one the first time it encrypts.
    ///
    /// # Errors
    /// The operating system has no random bytes.
    pub fn fresh(entropy: &dyn Entropy) -> Result<Self, Fault> {
        let mut pair = Pair {
            version: "006",
            encryption: [0; 32],
            authentication: [0; 32],
        };
        entropy.fill(&mut pair.encryption)?;
        entropy.fill(&mut pair.authentication)?;
        Ok(Self(vec![pair]))
    }

    /// The pairs as rows of the `keys` table: name and base64 value.
    pub fn rows(&self) -> Vec<(&'static str, String)> {
        self.0
            .iter()
            .flat_map(|pair| {
                VERSIONS
                    .iter()
                    .filter(|(version, ..)| *version == pair.version)
                    .flat_map(|(_, encryption, authentication)| {
                        [
                            (*encryption, STANDARD.encode(pair.encryption)),
                            (*authentication, STANDARD.encode(pair.authentication)),
                        ]
                    })
            })
            .collect()
    }

    fn pair(&self, version: &str) -> Option<&Pair> {
        self.0.iter().find(|pair| pair.version == version)
    }
}

fn statement() -> Sql {
    let names = VERSIONS
        .iter()
        .flat_map(|(_, encryption, authentication)| [*encryption, *authentication]);
    Sql::new(READ).list(names)
}

/// The plain bytes of an encrypted file. The HMAC is verified, in constant time, before anything is decrypted.
///
/// # Errors
/// A fault that says which: a version whose keys lie on the drive (001 to 003) or that is unknown, keys that are
/// absent, a text that is no base64 or too short, a wrong HMAC, a wrong padding.
pub fn decrypt(keys: &DatabaseKeys, file: &[u8]) -> Result<Vec<u8>, Fault> {
    let mut plain = Vec::new();
    streamed::decrypt(keys, &mut Cursor::new(file), |piece| {
        plain.extend_from_slice(piece);
        Ok(())
    })?;
    Ok(plain)
}

/// A file in version 006, as OpenEMR itself writes it.
///
/// # Errors
/// No 006 keys, or no random bytes for the IV.
pub fn encrypt(keys: &DatabaseKeys, plain: &[u8], entropy: &dyn Entropy) -> Result<Vec<u8>, Fault> {
    let fault = |why: &'static str| Fault::new("encrypting a document", why);
    let pair = keys
        .pair("006")
        .ok_or_else(|| fault("the keys table has no sixa and sixb"))?;
    let mut iv = [0; IV];
    entropy.fill(&mut iv)?;
    let ciphertext = seal(pair, iv, plain.to_vec()).map_err(|_| fault("the cipher refused"))?;
    let sealed = [iv.as_slice(), ciphertext.as_slice()].concat();
    let authentication = hmac::Key::new(hmac::HMAC_SHA384, &pair.authentication);
    let mac = hmac::sign(&authentication, &sealed);
    let body = [mac.as_ref(), sealed.as_slice()].concat();
    Ok(format!("{}{}", pair.version, STANDARD.encode(body)).into_bytes())
}

fn seal(pair: &Pair, iv: [u8; IV], mut buffer: Vec<u8>) -> Result<Vec<u8>, Unspecified> {
    let key = UnboundCipherKey::new(&AES_256, &pair.encryption)?;
    let key = PaddedBlockEncryptingKey::cbc_pkcs7(key)?;
    key.less_safe_encrypt(&mut buffer, EncryptionContext::Iv128(FixedLength::from(iv)))?;
    Ok(buffer)
}

/// A key as the table holds it.
fn key(text: &str) -> Option<[u8; 32]> {
    STANDARD.decode(text.trim()).ok()?.try_into().ok()
}

fn refused(why: &'static str) -> Fault {
    Fault::new("decrypting a document", why)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::SystemEntropy;

    /// Made with Python's `cryptography` and checked with `openssl enc -aes-256-cbc`: keys 0..31 and 100..131,
    /// IV 200..215.
    const GOLDEN: &str = "006Q7kRBqN3p48sqhSQiN0MUU5RjBLf9PULj8gOuTEqH99kSTfX1sborgEPlvZDtyyFyMnKy8zNzs/Q0dLT1NXW19oloujO7rwK6sfQSsdAFQIKjOsF3wVrbfDtMVZsFNR+yXSjR3454QhZAWrhXB6tWw==";
    const PLAIN: &str = "Lab report: glucose 5.4 mmol/L ✓\n";
    const SIXA: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    const SIXB: &str = "ZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXp7fH1+f4CBgoM=";

    fn golden_keys(version: &'static str) -> DatabaseKeys {
        DatabaseKeys(vec![Pair {
            version,
            encryption: key(SIXA).expect("32 bytes"),
            authentication: key(SIXB).expect("32 bytes"),
        }])
    }

    #[test]
    fn a_file_somebody_else_encrypted_is_read() {
        let plain = decrypt(&golden_keys("006"), GOLDEN.as_bytes()).expect("it is whole");
        assert_eq!(String::from_utf8(plain).expect("text"), PLAIN);
        let older = GOLDEN.replacen("006", "005", 1);
        assert!(decrypt(&golden_keys("005"), older.as_bytes()).is_ok());
        assert!(decrypt(&golden_keys("006"), older.as_bytes()).is_err());
    }

    #[test]
    fn a_round_trip_of_every_padding_ends_where_it_began() {
        let keys = DatabaseKeys::fresh(&SystemEntropy).expect("entropy");
        for length in [0, 1, 15, 16, 17, 1000] {
            let plain = vec![7; length];
            let file = encrypt(&keys, &plain, &SystemEntropy).expect("keys are there");
            assert!(file.starts_with(b"006"));
            assert_eq!(decrypt(&keys, &file).expect("it is whole"), plain);
        }
    }

    #[test]
    fn a_flipped_byte_anywhere_is_refused() {
        let keys = golden_keys("006");
        let body = STANDARD.decode(&GOLDEN[3..]).expect("base64");
        for (place, part) in [
            (0, "MAC"),
            (47, "MAC"),
            (48, "IV"),
            (63, "IV"),
            (64, "text"),
        ] {
            let mut changed = body.clone();
            changed[place] ^= 1;
            let file = format!("006{}", STANDARD.encode(changed));
            let fault = decrypt(&keys, file.as_bytes()).expect_err(part);
            assert!(fault.to_string().contains("HMAC"), "{part}: {fault}");
        }
    }

    #[test]
    fn what_cannot_be_read_says_why() {
        let keys = golden_keys("006");
        for (file, why) in [
            ("", "too short"),
            ("006", "too short"),
            ("006AAAA", "too short"),
            ("006*", "base64"),
            ("003AAAA", "drive"),
            ("%PDF-1.7", "known version"),
            ("004AAAA", "no keys"),
        ] {
            let fault = decrypt(&keys, file.as_bytes()).expect_err(file);
            assert!(fault.to_string().contains(why), "{file}: {fault}");
        }
    }

    #[test]
    fn keys_are_written_as_the_table_holds_them() {
        let rows = golden_keys("006").rows();
        assert_eq!(rows, [("sixa", SIXA.to_owned()), ("sixb", SIXB.to_owned())]);
    }
}
