//! Bytes on their way into the documents folder: received piece by piece into a file of their own, then written where
//! OpenEMR looks, whole or not at all.

use std::borrow::Cow;
use std::path::Path;
use std::path::PathBuf;

use sqlx::FromRow;
use tokio::fs;
use tokio::io::AsyncWriteExt;
use uuid::Uuid;

use crate::crypto::Running;
use crate::crypto::SystemEntropy;
use crate::db::Tx;
use crate::db::sql::Sql;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Fault;
use crate::domain::refusal::Refusal;
use crate::emr::Emr;
use crate::emr::cipher;
use crate::emr::cipher::DatabaseKeys;
use crate::emr::files;
use crate::emr::uuids;
use crate::portal::document::DocumentCase;
use crate::portal::document::LARGEST;
use crate::portal::document::Received;
use crate::portal::document::Source;

/// The folder for what is being received, or is sent decrypted. No document lies in it: a document's folder is a number.
const FOLDER: &str = ".anteroom";

/// How the note ends that a file is about to be put into a chart's folder.
const FILING: &str = "filing";

/// Whether a row names a file.
const NAMED: &str = "SELECT COUNT(*) AS number FROM documents WHERE drive_uuid = ?";

/// How long a file may lie there. Whoever sent it has long been answered.
const LONGEST: std::time::Duration = std::time::Duration::from_secs(3600);

/// A file that is being received; it goes away with this value.
pub struct Spool {
    id: Uuid,
    path: PathBuf,
    file: fs::File,
    size: u64,
    digest: Running,
}

impl Drop for Spool {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

impl Spool {
    /// An empty file.
    ///
    /// # Errors
    /// `Unavailable` where there is no folder of documents, a fault where it cannot be written.
    pub async fn open(emr: &Emr) -> Answer<Self> {
        let root = emr.documents.as_ref();
        let root = root.ok_or(Refusal::Unavailable(
            "This server knows no folder of documents.",
        ))?;
        let folder = folder(root);
        files::make_folder(&folder).await?;
        let id = uuids::fresh();
        let path = folder.join(id.to_string());
        let file = files::make(&path).await?;
        Ok(Self {
            id,
            path,
            file,
            size: 0,
            digest: Running::sha3_512(),
        })
    }

    /// The next piece.
    ///
    /// # Errors
    /// `TooLarge` over 20 MiB, a fault where the disk is full.
    pub async fn write(&mut self, piece: &[u8]) -> Answer<()> {
        self.size += u64::try_from(piece.len()).unwrap_or(u64::MAX);
        if self.size > LARGEST {
            return Err(Refusal::TooLarge("A file has at most 20 MiB.").into());
        }
        self.digest.add(piece);
        let done = self.file.write_all(piece).await;
        Ok(done.map_err(|error| Fault::new("receiving a file", error))?)
    }

    /// What was received; for as long as this value lives.
    ///
    /// # Errors
    /// A fault where the disk is full.
    pub async fn received(&mut self) -> Answer<Source> {
        let done = self.file.flush().await;
        done.map_err(|error| Fault::new("receiving a file", error))?;
        let digest = std::mem::replace(&mut self.digest, Running::sha3_512());
        Ok(Source::Spooled(Received {
            id: self.id,
            size: self.size,
            hash: digest.hex(),
        }))
    }
}

/// Where files lie that are on their way in or out.
pub(super) fn folder(root: &Path) -> PathBuf {
    root.join(FOLDER)
}

/// Where a file lies that was received.
pub(super) fn place(root: &Path, id: Uuid) -> PathBuf {
    root.join(FOLDER).join(id.to_string())
}

/// The bytes of a source.
///
/// # Errors
/// A fault where the file is not there any more.
pub(super) async fn bytes(emr: &Emr, source: &Source) -> Answer<Cow<'static, [u8]>> {
    match source {
        Source::Inline(bytes) => Ok(Cow::Owned(bytes.to_vec())),
        Source::Spooled(received) => {
            let root = emr.documents.as_ref().ok_or(Refusal::NotFound)?;
            let read = fs::read(place(root, received.id)).await;
            Ok(Cow::Owned(read.map_err(|error| {
                Fault::new("reading a received file", error)
            })?))
        }
    }
}

/// Puts the bytes where OpenEMR looks for them, encrypted where the practice wants that; the url for the row. A file
/// that is there already was put by an earlier try of the same transaction.
///
/// # Errors
/// `Unavailable` where OpenEMR has not made its keys yet, a fault where the folder cannot be written.
pub(super) async fn file(emr: &Emr, tx: &mut Tx, case: &DocumentCase) -> Answer<String> {
    let root = emr.documents.as_ref().ok_or(Refusal::NotFound)?;
    let path = files::path_of(root, case.person.pid, case.drive);
    let url = format!("file://{}", path.display());
    if url.len() > 255 {
        let why = "the documents folder's path is too long for documents.url";
        return Err(Fault::new("filing a document", why).into());
    }
    if fs::try_exists(&path).await.unwrap_or(false) {
        return Ok(url);
    }
    let filing = marker(root, (case.person.pid, case.drive));
    let plain = bytes(emr, &case.paper.bytes).await?;
    let whole = match case.encrypted {
        false => plain.into_owned(),
        true => {
            let keys = DatabaseKeys::within(tx).await?;
            if !keys.can_encrypt() {
                let why = "OpenEMR has not made its keys for documents yet: file one document in OpenEMR first.";
                return Err(Refusal::Unavailable(why).into());
            }
            let turn = emr.cipher_turn().await?;
            let work = move || {
                let _turn = turn;
                cipher::encrypt(&keys, &plain, &SystemEntropy)
            };
            let done = tokio::task::spawn_blocking(work).await;
            done.map_err(|error| Fault::new("encrypting a document", error))??
        }
    };
    // Written down first: a server that dies between the file and its row leaves a file that nothing names but this.
    files::put(&filing, Vec::new()).await?;
    files::put(&path, whole).await?;
    Ok(url)
}

/// Where it is written down that a file is about to be put into a chart's folder, for who sweeps after a server that died.
fn marker(root: &Path, (pid, drive): (i64, Uuid)) -> PathBuf {
    root.join(FOLDER).join(format!("{pid}.{drive}.{FILING}"))
}

/// What a marker says.
fn marked(path: &Path) -> Option<(i64, Uuid)> {
    let name = path.file_name()?.to_str()?.strip_suffix(FILING)?;
    let (pid, drive) = name.strip_suffix('.')?.split_once('.')?;
    Some((pid.parse().ok()?, drive.parse().ok()?))
}

/// Takes the note back, once a row names the file or the file is gone.
pub(super) async fn unmark(root: &Path, of: (i64, Uuid)) {
    let _ = fs::remove_file(marker(root, of)).await;
}

#[derive(FromRow)]
struct Count {
    number: i64,
}

/// Removes what was received longer than an hour ago and left by a server that died, and the files it had put into a chart's
/// folder and no row names. No transaction takes that long.
///
/// # Errors
/// A fault where the folder cannot be read.
pub async fn sweep(emr: &Emr) -> Answer<()> {
    let Some(root) = &emr.documents else {
        return Ok(());
    };
    let fault = |error| Fault::new("sweeping received files", error);
    let Ok(mut entries) = fs::read_dir(root.join(FOLDER)).await else {
        // Nothing was ever received.
        return Ok(());
    };
    while let Some(entry) = entries.next_entry().await.map_err(fault)? {
        let written = entry.metadata().await.and_then(|about| about.modified());
        let old = written.is_ok_and(|at| at.elapsed().is_ok_and(|age| age > LONGEST));
        if !old {
            continue;
        }
        if let Some((pid, drive)) = marked(&entry.path()) {
            let row: Option<Count> = emr.db.one(Sql::new(NAMED).bind(drive)).await?;
            if row.is_none_or(|row| row.number == 0) {
                files::remove(root, pid, drive).await;
            }
        }
        let _ = fs::remove_file(entry.path()).await;
    }
    Ok(())
}
