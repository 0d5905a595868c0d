//! A document's plain bytes while they are taken: in a file that has no name any more, so that memory stays as it is however
//! slowly they are taken, and nothing is left of them when that is over.

use std::collections::HashMap;
use std::fs::DirBuilder;
use std::fs::File;
use std::fs::OpenOptions;
use std::io;
use std::io::Seek;
use std::io::Write;
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;
use tokio::time::timeout_at;

use crate::domain::refusal::Fault;
use crate::domain::refusal::Refusal;
use crate::emr::cipher::DatabaseKeys;
use crate::emr::cipher::streamed;
use crate::emr::files::Seen;
use crate::emr::files::Stored;
use crate::emr::spool;
use crate::emr::uuids;

/// Such files at once, of at most 64 MiB each, and how many of them may be of one chart.
const AT_ONCE: usize = 64;
const OF_ONE: usize = 16;

/// How long somebody waits for a place.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

const FULL: &str =
    "Too many documents are on their way at the same time. Please try again in a moment.";

/// The places there are for such files.
#[derive(Clone, Debug, Default)]
pub(super) struct Places {
    /// How many are taken of each chart: `patient_data.pid`.
    taken: Arc<Mutex<HashMap<i64, usize>>>,
    freed: Arc<Notify>,
}

/// A place, which is free again when this value is gone.
#[derive(Debug)]
pub struct Place {
    all: Places,
    pid: i64,
}

impl Places {
    /// A place for a document of a chart.
    ///
    /// # Errors
    /// `Unavailable` where none is free and none becomes free in this time.
    pub(super) async fn place(&self, pid: i64, patience: Duration) -> Result<Place, Refusal> {
        let until = Instant::now() + patience;
        loop {
            // Listened for first: what becomes free from here on is heard.
            let freed = self.freed.notified();
            if let Some(place) = self.free(pid) {
                return Ok(place);
            }
            if timeout_at(until, freed).await.is_err() {
                return Err(Refusal::Unavailable(FULL));
            }
        }
    }

    fn free(&self, pid: i64) -> Option<Place> {
        let mut taken = self.held();
        let all: usize = taken.values().sum();
        let own = taken.entry(pid).or_default();
        let free = all < AT_ONCE && *own < OF_ONE;
        if free {
            *own += 1;
        }
        taken.retain(|_, count| *count > 0);
        free.then(|| Place {
            all: self.clone(),
            pid,
        })
    }

    fn held(&self) -> MutexGuard<'_, HashMap<i64, usize>> {
        match self.taken.lock() {
            Ok(held) => held,
            Err(poisoned) => poisoned.into_inner(),
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.all.held();
        if let Some(count) = taken.get_mut(&self.pid) {
            *count = count.saturating_sub(1);
        }
        taken.retain(|_, count| *count > 0);
        drop(taken);
        self.all.freed.notify_waiters();
    }
}

/// The plain bytes of an encrypted file, compared with its row, in a file of no name that is at its beginning; and how many they
/// are. Slow for large files: not for an async worker thread.
///
/// # Errors
/// A fault of this server, which cannot write them; within, one that says what does not fit.
pub(super) fn unsealed(
    mut sealed: File,
    stored: &Stored,
    (keys, root): (&DatabaseKeys, &Path),
) -> Result<Result<(File, u64), Fault>, Fault> {
    let fault = |error| Fault::new("writing a document's plain bytes", error);
    let mut plain = nameless(root).map_err(fault)?;
    let mut seen = Seen::of(stored);
    let mut unwritten = None;
    let done = streamed::decrypt(keys, &mut sealed, |piece| {
        seen.add(piece);
        plain.write_all(piece).map_err(|error| {
            unwritten = Some(error.kind());
            fault(error)
        })
    });
    match (done, unwritten) {
        (Err(disk), Some(_)) => return Err(disk),
        (Err(wrong), None) => return Ok(Err(wrong)),
        (Ok(()), _) => {}
    }
    let length = match seen.whole(stored) {
        Ok(length) => length,
        Err(wrong) => return Ok(Err(wrong)),
    };
    plain.rewind().map_err(fault)?;
    Ok(Ok((plain, length)))
}

/// An empty file for this server's user alone, which is gone with its last reader: beside the documents, or where this server may
/// only read those, in the system's folder for such files.
fn nameless(root: &Path) -> io::Result<File> {
    nameless_in(&spool::folder(root)).or_else(|_| nameless_in(&std::env::temp_dir()))
}

fn nameless_in(folder: &Path) -> io::Result<File> {
    if !folder.try_exists()? {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)?;
    }
    let path = folder.join(uuids::fresh().to_string());
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true).mode(0o600);
    let file = options.open(&path)?;
    std::fs::remove_file(&path)?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::MetadataExt;

    const SHORT: Duration = Duration::from_millis(20);

    #[tokio::test]
    async fn f150_one_chart_takes_some_places_and_all_take_no_more_than_there_are() {
        let places = Places::default();
        let mut held = Vec::new();
        for _ in 0..OF_ONE {
            held.push(places.place(1, SHORT).await.expect("free"));
        }
        let full = places.place(1, SHORT).await.err();
        assert_eq!(full, Some(Refusal::Unavailable(FULL)));
        for pid in 2.. {
            if held.len() == AT_ONCE {
                break;
            }
            held.push(places.place(pid, SHORT).await.expect("free"));
        }
        assert!(places.place(900, SHORT).await.is_err());
        held.truncate(1);
        let again = places.place(1, SHORT).await;
        assert!(again.is_ok());
        drop((held, again));
        assert!(places.held().is_empty());
    }

    #[tokio::test]
    async fn f150_whoever_waits_gets_the_place_that_becomes_free() {
        let places = Places::default();
        let mut held = Vec::new();
        for _ in 0..OF_ONE {
            held.push(places.place(1, SHORT).await.expect("free"));
        }
        let waiting = tokio::spawn({
            let places = places.clone();
            async move { places.place(1, PATIENCE).await.is_ok() }
        });
        tokio::time::sleep(SHORT).await;
        held.pop();
        assert!(waiting.await.expect("joins"));
    }

    #[test]
    fn f150_plain_bytes_lie_in_a_file_of_no_name_even_where_documents_can_only_be_read() {
        let root = std::env::temp_dir().join(format!("anteroom-{}", uuids::fresh()));
        std::fs::create_dir_all(&root).expect("made");
        let check = |mut file: File| {
            file.write_all(b"plain").expect("written");
            let about = file.metadata().expect("told");
            assert_eq!((about.nlink(), about.mode() & 0o777), (0, 0o600));
        };
        check(nameless(&root).expect("made"));
        let left = std::fs::read_dir(spool::folder(&root)).expect("a folder");
        assert_eq!(left.count(), 0);
        std::fs::remove_dir_all(&root).expect("removed");
        // A file where the folder would be: nothing can be made in it.
        std::fs::write(&root, b"x").expect("written");
        check(nameless(&root).expect("made elsewhere"));
        std::fs::remove_file(&root).expect("removed");
    }
}
