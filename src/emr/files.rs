//! The documents folder of an OpenEMR site: finding a document's file in it, never outside, and checking that what is
//! read is what was stored (OpenEMR facts 4).

use std::path::Path;
use std::path::PathBuf;

use tokio::fs;
use tokio::io::AsyncReadExt;

use crate::crypto;
use crate::domain::refusal::Fault;
use crate::emr::cipher;
use crate::emr::cipher::DatabaseKeys;

/// The largest file that is read.
const LIMIT: u64 = 64 * 1024 * 1024;

/// More folders than this OpenEMR never makes (it makes one, modules make two).
const DEEPEST: i64 = 8;

/// The folder in the documents folder that holds OpenEMR's own keys and logs, and no document.
const KEYS_FOLDER: &str = "logs_and_misc";

/// How a document is stored, as its row says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stored {
    /// `documents.url`: an absolute path on the machine of the upload, of which only the end counts.
    pub(super) url: String,
    /// `documents.path_depth`: how many folders of it count.
    pub(super) depth: i64,
    /// `documents.encrypted`.
    pub(super) encrypted: bool,
    /// `documents.hash` in hex: SHA3-512 since OpenEMR 5.0.2, SHA-1 before; empty where unknown.
    pub(super) hash: String,
    /// `documents.size`: plain bytes.
    pub(super) size: Option<i64>,
}

/// Reads a document's file.
///
/// # Errors
/// A fault that says why it has none to give, without a name: outside the folder, absent, unreadable, too large.
pub(super) async fn read(root: &Path, stored: &Stored) -> Result<Vec<u8>, Fault> {
    let fault = |error| Fault::new("reading a document's file", error);
    let place = place(root, &stored.url, stored.depth)
        .ok_or_else(|| refused("its url does not name a file of the documents folder"))?;
    // Both are resolved, so a symbolic link that leads out of the folder is seen here.
    let root = fs::canonicalize(root).await.map_err(fault)?;
    let place = fs::canonicalize(place).await.map_err(fault)?;
    let inside = place
        .strip_prefix(&root)
        .map_err(|_| refused("its file lies outside the documents folder"))?;
    if inside.starts_with(KEYS_FOLDER) {
        return Err(refused("its url names a file that is no document"));
    }
    // Asked before it is opened: opening a pipe waits for a writer who may never come.
    if !fs::metadata(&place).await.map_err(fault)?.is_file() {
        return Err(refused("its url names a folder or a device"));
    }
    let file = fs::File::open(&place).await.map_err(fault)?;
    let mut bytes = Vec::new();
    file.take(LIMIT + 1)
        .read_to_end(&mut bytes)
        .await
        .map_err(fault)?;
    match u64::try_from(bytes.len()).is_ok_and(|length| length <= LIMIT) {
        true => Ok(bytes),
        false => Err(refused("its file is larger than 64 MiB")),
    }
}

/// The plain bytes of a file, decrypted where the row says so and compared with the row's hash. A row without a hash
/// this house knows is compared by size instead. Slow for large files: not for an async worker thread.
///
/// # Errors
/// A fault that says what does not fit.
pub(super) fn whole(
    bytes: Vec<u8>,
    stored: &Stored,
    keys: &DatabaseKeys,
) -> Result<Vec<u8>, Fault> {
    let plain = match stored.encrypted {
        true => cipher::decrypt(keys, &bytes)?,
        false => bytes,
    };
    let hash = stored.hash.trim().to_ascii_lowercase();
    let fits = match hash.len() {
        128 => crypto::sha3_512_hex(&plain) == hash,
        40 => hex(&crypto::sha1(&plain)) == hash,
        _ => stored
            .size
            .is_none_or(|size| size == 0 || usize::try_from(size) == Ok(plain.len())),
    };
    match fits {
        true => Ok(plain),
        false => Err(refused("its bytes are not those that were stored")),
    }
}

/// The name of the file a url ends with, for a row without a name.
pub(super) fn file_name(url: &str) -> &str {
    url.rsplit(['/', '\\']).next().unwrap_or_default()
}

/// Where the file lies: the last `depth` folders of the url and the file name, under the root. `None` where the url
/// has fewer, or where one of them is not a plain name.
fn place(root: &Path, url: &str, depth: i64) -> Option<PathBuf> {
    let count = usize::try_from(depth)
        .ok()
        .filter(|_| depth <= DEEPEST)?
        .checked_add(1)?;
    let path = url.strip_prefix("file://").unwrap_or(url);
    let parts: Vec<&str> = path
        .split(['/', '\\'])
        .filter(|part| !part.is_empty())
        .collect();
    let names = parts.get(parts.len().checked_sub(count)?..)?;
    let plain = |name: &&str| !matches!(*name, "." | "..") && !name.contains(['\0', ':']);
    let file = !url.ends_with(['/', '\\']);
    (file && names.iter().all(plain)).then(|| root.join(names.iter().collect::<PathBuf>()))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn refused(why: &'static str) -> Fault {
    Fault::new("reading a document's file", why)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(url: &str, depth: i64) -> Option<String> {
        place(Path::new("/r"), url, depth).map(|place| place.display().to_string())
    }

    #[test]
    fn only_the_end_of_a_url_counts() {
        let url = "file:///var/www/openemr/sites/default/documents/7/0190-aa";
        assert_eq!(at(url, 1).as_deref(), Some("/r/7/0190-aa"));
        assert_eq!(at(url, 2).as_deref(), Some("/r/documents/7/0190-aa"));
        assert_eq!(at(url, 0).as_deref(), Some("/r/0190-aa"));
        assert_eq!(
            at("file://C:\\oe\\7\\a.pdf", 1).as_deref(),
            Some("/r/7/a.pdf")
        );
        assert_eq!(at("file:///etc/passwd", 0).as_deref(), Some("/r/passwd"));
    }

    #[test]
    fn a_url_cannot_climb_out() {
        for (url, depth) in [
            ("file:///etc/passwd", 9),
            ("file:///etc/passwd", 2),
            ("file:///etc/passwd", -1),
            ("file:///x/../etc/passwd", 2),
            ("file:///x/..", 1),
            ("file:///x/.", 0),
            ("file:///x/7/", 1),
            ("file:///x/C:/a", 1),
            ("file:///x/a\0b", 0),
            ("..\\..\\etc\\passwd", 3),
            ("", 0),
        ] {
            assert_eq!(at(url, depth), None, "{url} {depth}");
        }
    }

    #[test]
    fn a_hash_decides_and_without_one_the_size() {
        let stored = |hash: &str, size| Stored {
            url: String::new(),
            depth: 1,
            encrypted: false,
            hash: hash.to_owned(),
            size,
        };
        let fits =
            |stored: &Stored| whole(b"abc".to_vec(), stored, &DatabaseKeys::default()).is_ok();
        let sha1 = "A9993E364706816ABA3E25717850C26C9CD0D89D";
        assert!(fits(&stored(sha1, Some(99))));
        assert!(!fits(&stored(&sha1.replace('A', "B"), Some(3))));
        let sha3 = "b751850b1a57168a5693cd924b6b096e08f621827444f70d884f5d0240d2712e\
            10e116e9192af3c91a7ec57647e3934057340b4cf408d5a56592f8274eec53f0";
        assert!(fits(&stored(sha3, Some(3))));
        assert!(!fits(&stored(&sha3.replace('b', "c"), Some(3))));
        assert!(fits(&stored("", Some(3))) && fits(&stored("", None)));
        assert!(!fits(&stored("", Some(4))));
    }
}
