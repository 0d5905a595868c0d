//! The documents folder of an OpenEMR site: finding a document's file in it, never outside, and checking that what is
//! read is what was stored (OpenEMR facts 4).

use std::io;
use std::io::ErrorKind;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::path::PathBuf;

use tokio::fs;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncSeekExt;
use tokio::io::AsyncWriteExt;
use uuid::Uuid;

use crate::crypto::Running;
use crate::domain::refusal::Fault;

/// The largest file that is read.
const LIMIT: u64 = 64 * 1024 * 1024;

/// How much of a file is in memory at a time.
const PIECE: usize = 128 * 1024;

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

/// Opens a document's file.
///
/// # Errors
/// A fault that says why it has none to give, without a name: outside the folder, absent, unreadable, too large.
pub(super) async fn open(root: &Path, stored: &Stored) -> Result<fs::File, Fault> {
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
    let about = fs::metadata(&place).await.map_err(fault)?;
    if !about.is_file() {
        return Err(refused("its url names a folder or a device"));
    }
    match about.len() <= LIMIT {
        true => fs::File::open(&place).await.map_err(fault),
        false => Err(refused("its file is larger than 64 MiB")),
    }
}

/// All bytes of a file that was opened.
///
/// # Errors
/// A fault where it cannot be read, or has grown over the limit.
pub(super) async fn all_of(file: fs::File) -> Result<Vec<u8>, Fault> {
    let mut bytes = Vec::new();
    let read = file.take(LIMIT + 1).read_to_end(&mut bytes).await;
    read.map_err(|error| Fault::new("reading a document's file", error))?;
    match u64::try_from(bytes.len()).is_ok_and(|length| length <= LIMIT) {
        true => Ok(bytes),
        false => Err(refused("its file is larger than 64 MiB")),
    }
}

/// Goes through a file that is not encrypted and compares it with the row, as [`Seen`] does, a piece at a time; the file at its
/// beginning again, and its length.
///
/// # Errors
/// A fault that says what does not fit.
pub(super) async fn checked(mut file: fs::File, stored: &Stored) -> Result<(fs::File, u64), Fault> {
    let fault = |error| Fault::new("reading a document's file", error);
    let mut seen = Seen::of(stored);
    let mut piece = vec![0; PIECE];
    loop {
        let read = file.read(&mut piece).await.map_err(fault)?;
        if read == 0 {
            break;
        }
        seen.add(piece.get(..read).unwrap_or_default());
    }
    let length = seen.whole(stored)?;
    file.rewind().await.map_err(fault)?;
    Ok((file, length))
}

/// Where a patient's document lies: the folder is the patient's number, the name a uuid (OpenEMR facts 4).
pub(super) fn path_of(root: &Path, pid: i64, drive: Uuid) -> PathBuf {
    root.join(pid.to_string()).join(drive.to_string())
}

/// Writes a file whole or not at all: under another name first, and there until it is on the disk.
///
/// # Errors
/// A fault where the folder cannot be made or written.
pub(super) async fn put(path: &Path, bytes: Vec<u8>) -> Result<(), Fault> {
    let fault = |error| Fault::new("writing a document's file", error);
    let folder = path.parent().unwrap_or(path).to_owned();
    make_folder(&folder).await?;
    let part = path.with_extension("part");
    let _ = fs::remove_file(&part).await;
    let mut file = make(&part).await?;
    let written = async {
        file.write_all(&bytes).await?;
        file.sync_all().await?;
        fs::rename(&part, path).await?;
        fs::File::open(&folder).await?.sync_all().await
    };
    let written = written.await;
    if written.is_err() {
        let _ = fs::remove_file(&part).await;
    }
    written.map_err(fault)
}

/// A folder for this server's user alone, as OpenEMR makes them. What lies in it lasts only where its own name does, so a new
/// one is written down in the folder above it too.
///
/// # Errors
/// A fault where it cannot be made.
pub(super) async fn make_folder(folder: &Path) -> Result<(), Fault> {
    let folder = folder.to_owned();
    let made = tokio::task::spawn_blocking(move || make_folder_here(&folder)).await;
    let made = made.unwrap_or_else(|error| Err(error.into()));
    made.map_err(|error| Fault::new("making a folder of documents", error))
}

/// The same for who is on no async worker thread.
///
/// # Errors
/// Where it cannot be made.
pub(super) fn make_folder_here(folder: &Path) -> io::Result<()> {
    if folder.try_exists().unwrap_or(false) {
        return Ok(());
    }
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true).mode(0o700).create(folder)?;
    match folder.parent() {
        Some(above) => std::fs::File::open(above)?.sync_all(),
        None => Ok(()),
    }
}

/// A new file for this server's user alone.
///
/// # Errors
/// A fault where it cannot be made.
pub(super) async fn make(path: &Path) -> Result<fs::File, Fault> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    let made = options.open(path).await;
    made.map_err(|error| Fault::new("making a document's file", error))
}

/// Takes a patient's document away.
pub(super) async fn remove(root: &Path, pid: i64, drive: Uuid) {
    let path = path_of(root, pid, drive);
    let _ = fs::remove_file(path.with_extension("part")).await;
    let removed = fs::remove_file(path).await;
    if let Err(error) = removed
        && error.kind() != ErrorKind::NotFound
    {
        tracing::warn!(%error, "the file of a document that was not filed stays behind");
    }
}

/// Plain bytes that were seen, to be compared with the row's hash. A row without a hash this house knows is compared by size
/// instead.
pub(super) struct Seen {
    digest: Option<Running>,
    length: u64,
}

impl Seen {
    /// Nothing yet of a file that is stored so.
    pub(super) fn of(stored: &Stored) -> Self {
        let digest = match stored.hash.trim().len() {
            128 => Some(Running::sha3_512()),
            40 => Some(Running::sha1()),
            _ => None,
        };
        Self { digest, length: 0 }
    }

    /// The next piece.
    pub(super) fn add(&mut self, piece: &[u8]) {
        self.length += u64::try_from(piece.len()).unwrap_or_default();
        if let Some(digest) = &mut self.digest {
            digest.add(piece);
        }
    }

    /// How many they are, where they are those of the row.
    ///
    /// # Errors
    /// A fault that says what does not fit.
    pub(super) fn whole(self, stored: &Stored) -> Result<u64, Fault> {
        let fits = match self.digest {
            Some(digest) => digest.hex() == stored.hash.trim().to_ascii_lowercase(),
            None => stored
                .size
                .is_none_or(|size| size == 0 || u64::try_from(size) == Ok(self.length)),
        };
        match fits {
            true => Ok(self.length),
            false => Err(refused("its bytes are not those that were stored")),
        }
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
        let fits = |stored: &Stored| {
            let mut seen = Seen::of(stored);
            seen.add(b"a");
            seen.add(b"bc");
            seen.whole(stored).is_ok_and(|length| length == 3)
        };
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
