//! Decrypting a file piece by piece, so that memory does not grow with it. It is gone through twice: first for the HMAC, and
//! only where that is right to decrypt it.

use std::io::BufReader;
use std::io::ErrorKind;
use std::io::Read;
use std::io::Seek;
use std::io::SeekFrom;
use std::io::Take;

use aws_lc_rs::cipher::AES_256;
use aws_lc_rs::cipher::DecryptionContext;
use aws_lc_rs::cipher::StreamingDecryptingKey;
use aws_lc_rs::cipher::UnboundCipherKey;
use aws_lc_rs::constant_time;
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::hmac;
use aws_lc_rs::iv::FixedLength;
use base64::engine::GeneralPurpose;
use base64::engine::general_purpose::STANDARD;
use base64::read::DecoderReader;

use crate::domain::refusal::Fault;
use crate::emr::cipher::DatabaseKeys;
use crate::emr::cipher::IV;
use crate::emr::cipher::MAC;
use crate::emr::cipher::Pair;
use crate::emr::cipher::refused;

/// How much of a file is in memory at a time.
const PIECE: usize = 64 * 1024;

/// What the cipher may hold back of a piece and give with the next.
const BLOCK: usize = 16;

/// How many digits of version stand in front.
const DIGITS: u64 = 3;

/// Blanks in front and behind that are no part of the text, at most.
const BLANKS: u64 = 1024;

/// Hands the plain bytes of an encrypted file to a taker, a piece at a time. What was handed over is worth nothing unless this
/// ends well. Slow for large files: not for an async worker thread.
///
/// # Errors
/// As [`crate::emr::cipher::decrypt`], and the taker's own.
pub fn decrypt<S: Read + Seek>(
    keys: &DatabaseKeys,
    source: &mut S,
    mut taken: impl FnMut(&[u8]) -> Result<(), Fault>,
) -> Result<(), Fault> {
    let pair = pair(keys, source)?;
    let span = span(source)?;
    let mut piece = vec![0; PIECE];
    let mut sealed = Sealed::open(part(source, span)?, pair)?;
    while sealed.next(&mut piece)? > 0 {}
    sealed.verified()?;
    let mut sealed = Sealed::open(part(source, span)?, pair)?;
    let mut iv = [0; IV];
    if sealed.next(&mut iv)? < IV {
        return Err(refused("the file is too short"));
    }
    let wrong = |_| refused("its padding is wrong");
    let mut key = opening(pair, iv).map_err(wrong)?;
    let mut plain = vec![0; PIECE + BLOCK];
    loop {
        let read = sealed.next(&mut piece)?;
        if read == 0 {
            break;
        }
        let update = key.update(&piece[..read], &mut plain).map_err(wrong)?;
        taken(update.written())?;
    }
    // Somebody may have written into it since it was gone through first.
    sealed.verified()?;
    let rest = key.finish(&mut plain).map_err(wrong)?;
    taken(rest.written())
}

/// The keys of a file's version.
fn pair<'k, S: Read + Seek>(keys: &'k DatabaseKeys, source: &mut S) -> Result<&'k Pair, Fault> {
    source.rewind().map_err(unread)?;
    let mut version = [0; 3];
    if filled(source, &mut version)? < version.len() {
        return Err(refused("the file is too short"));
    }
    let version = match &version {
        b"006" => "006",
        b"005" => "005",
        b"004" => "004",
        b"003" | b"002" | b"001" => {
            return Err(refused(
                "it is in a format before OpenEMR 5.0.2 whose keys lie on the drive; download and upload it again in OpenEMR",
            ));
        }
        _ => return Err(refused("it does not begin with a known version")),
    };
    keys.pair(version)
        .ok_or_else(|| refused("the keys table has no keys for its version"))
}

/// Where the text begins, and how long it is.
fn span<S: Read + Seek>(source: &mut S) -> Result<(u64, u64), Fault> {
    let end = source.seek(SeekFrom::End(0)).map_err(unread)?;
    let mut blanks = Vec::new();
    let mut look = |from: u64| -> Result<(u64, u64), Fault> {
        blanks.clear();
        source.seek(SeekFrom::Start(from)).map_err(unread)?;
        let read = source.by_ref().take(BLANKS).read_to_end(&mut blanks);
        read.map_err(unread)?;
        let front = blanks.len() - blanks.trim_ascii_start().len();
        let behind = blanks.len() - blanks.trim_ascii_end().len();
        Ok((length(front), length(behind)))
    };
    let (front, _) = look(DIGITS)?;
    let start = DIGITS + front;
    let (_, behind) = look(end.saturating_sub(BLANKS).max(DIGITS))?;
    Ok((start, end.saturating_sub(behind).saturating_sub(start)))
}

/// That part of the file.
fn part<S: Read + Seek>(
    source: &mut S,
    (start, length): (u64, u64),
) -> Result<Take<BufReader<&mut S>>, Fault> {
    source.seek(SeekFrom::Start(start)).map_err(unread)?;
    Ok(BufReader::with_capacity(PIECE, source).take(length))
}

/// What the HMAC is of, behind it.
struct Sealed<R: Read> {
    source: DecoderReader<'static, GeneralPurpose, R>,
    mac: [u8; MAC],
    seen: hmac::Context,
}

impl<R: Read> Sealed<R> {
    fn open(source: R, pair: &Pair) -> Result<Self, Fault> {
        let mut source = DecoderReader::new(source, &STANDARD);
        let mut mac = [0; MAC];
        if filled(&mut source, &mut mac)? < MAC {
            return Err(refused("the file is too short"));
        }
        let key = hmac::Key::new(hmac::HMAC_SHA384, &pair.authentication);
        let seen = hmac::Context::with_key(&key);
        Ok(Self { source, mac, seen })
    }

    /// Fills a piece; how much of it, which is less at the end alone.
    fn next(&mut self, piece: &mut [u8]) -> Result<usize, Fault> {
        let read = filled(&mut self.source, piece)?;
        self.seen.update(&piece[..read]);
        Ok(read)
    }

    /// Whether what was seen is what the HMAC is of, compared in constant time.
    fn verified(self) -> Result<(), Fault> {
        let tag = self.seen.sign();
        constant_time::verify_slices_are_equal(tag.as_ref(), &self.mac)
            .map_err(|_| refused("its HMAC is wrong"))
    }
}

fn opening(pair: &Pair, iv: [u8; IV]) -> Result<StreamingDecryptingKey, Unspecified> {
    let key = UnboundCipherKey::new(&AES_256, &pair.encryption)?;
    let context = DecryptionContext::Iv128(FixedLength::from(iv));
    StreamingDecryptingKey::cbc_pkcs7(key, context)
}

/// Reads until a piece is full or there is no more.
fn filled(source: &mut impl Read, piece: &mut [u8]) -> Result<usize, Fault> {
    let mut read = 0;
    while read < piece.len() {
        match source.read(&mut piece[read..]) {
            Ok(0) => break,
            Ok(more) => read += more,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::InvalidData => {
                return Err(refused("it is not base64"));
            }
            Err(error) => return Err(unread(error)),
        }
    }
    Ok(read)
}

fn length(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

fn unread(error: std::io::Error) -> Fault {
    Fault::new("decrypting a document", error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::SystemEntropy;
    use crate::emr::cipher::encrypt;
    use std::io::Cursor;

    fn pieces(keys: &DatabaseKeys, file: &[u8]) -> Result<Vec<Vec<u8>>, Fault> {
        let mut pieces = Vec::new();
        decrypt(keys, &mut Cursor::new(file), |piece| {
            pieces.push(piece.to_vec());
            Ok(())
        })?;
        Ok(pieces)
    }

    #[test]
    fn f150_a_file_of_any_length_comes_in_small_pieces() {
        let keys = DatabaseKeys::fresh(&SystemEntropy).expect("entropy");
        for length in [0, 1, 16, PIECE - 1, PIECE, PIECE + 1, 5 * PIECE + 7] {
            let plain: Vec<u8> = (0..=250).cycle().take(length).collect();
            let file = encrypt(&keys, &plain, &SystemEntropy).expect("keys are there");
            let blanks = [b"006 \n".as_slice(), &file[3..], b"\r\n \n"].concat();
            for file in [file, blanks] {
                let pieces = pieces(&keys, &file).expect("it is whole");
                assert!(pieces.iter().all(|piece| piece.len() <= PIECE + BLOCK));
                assert_eq!(pieces.concat(), plain, "{length}");
            }
        }
    }

    #[test]
    fn f150_nothing_of_a_file_with_a_wrong_hmac_is_handed_over() {
        let keys = DatabaseKeys::fresh(&SystemEntropy).expect("entropy");
        let plain = vec![7; 3 * PIECE];
        let mut file = encrypt(&keys, &plain, &SystemEntropy).expect("keys are there");
        let last = file.len() - 9;
        file[last] = if file[last] == b'A' { b'B' } else { b'A' };
        let mut handed = 0;
        let fault = decrypt(&keys, &mut Cursor::new(&file), |piece| {
            handed += piece.len();
            Ok(())
        });
        assert!(fault.expect_err("changed").to_string().contains("HMAC"));
        assert_eq!(handed, 0);
    }

    #[test]
    fn f150_what_the_taker_cannot_take_ends_it() {
        let keys = DatabaseKeys::fresh(&SystemEntropy).expect("entropy");
        let file = encrypt(&keys, &[7; 100], &SystemEntropy).expect("keys are there");
        let done = decrypt(&keys, &mut Cursor::new(&file), |_| Err(refused("full")));
        assert!(done.expect_err("full").to_string().contains("full"));
    }
}
