//! A document's plain bytes while they are taken: in a file that has no name any more, so that memory stays as it is however
//! slowly they are taken, and nothing is left of them when that is over.

use std::collections::HashMap;
use std::fs::File;
use std::fs::OpenOptions;
use std::io;
use std::io::Seek;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;
use tokio::time::timeout_at;

use crate::domain::access::taker::Taker;
use crate::domain::refusal::Fault;
use crate::domain::refusal::Refusal;
use crate::emr::cipher::DatabaseKeys;
use crate::emr::cipher::streamed;
use crate::emr::files;
use crate::emr::files::Seen;
use crate::emr::files::Stored;
use crate::emr::spool;
use crate::emr::uuids;

/// Such files at once, of at most 64 MiB each, and how many of them one may take.
const AT_ONCE: usize = 64;
pub(super) const OF_ONE: usize = 16;

/// How long somebody waits for a place.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

const FULL: &str =
    "Too many documents are on their way at the same time. Please try again in a moment.";

/// What is told where this server can write to no folder, or the disk is full.
pub const UNWRITABLE: &str = "This document is encrypted, and this server has no room to decrypt it at the moment. Please tell the practice.";

/// The places there are for such files.
#[derive(Clone, Debug, Default)]
pub(super) struct Places {
    /// How many each takes.
    taken: Arc<Mutex<HashMap<Taker, usize>>>,
    freed: Arc<Notify>,
}

/// A place, which is free again when this value is gone.
#[derive(Debug)]
pub struct Place {
    all: Places,
    taker: Taker,
}

impl Places {
    /// A place for a document that somebody takes.
    ///
    /// # Errors
    /// `Unavailable` where none is free and none becomes free in this time.
    pub(super) async fn place(&self, taker: &Taker, patience: Duration) -> Result<Place, Refusal> {
        let until = Instant::now() + patience;
        loop {
            // Listened for first: what becomes free from here on is heard.
            let freed = self.freed.notified();
            if let Some(place) = self.free(taker) {
                return Ok(place);
            }
            if timeout_at(until, freed).await.is_err() {
                return Err(Refusal::Unavailable(FULL));
            }
        }
    }

    fn free(&self, taker: &Taker) -> Option<Place> {
        let mut taken = self.held();
        let all: usize = taken.values().sum();
        let own = taken.entry(taker.clone()).or_default();
        let free = all < AT_ONCE && *own < OF_ONE;
        if free {
            *own += 1;
        }
        taken.retain(|_, count| *count > 0);
        free.then(|| Place {
            all: self.clone(),
            taker: taker.clone(),
        })
    }

    fn held(&self) -> MutexGuard<'_, HashMap<Taker, usize>> {
        match self.taken.lock() {
            Ok(held) => held,
            Err(poisoned) => poisoned.into_inner(),
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.all.held();
        if let Some(count) = taken.get_mut(&self.taker) {
            *count = count.saturating_sub(1);
        }
        taken.retain(|_, count| *count > 0);
        drop(taken);
        self.all.freed.notify_waiters();
    }
}

/// Work for no async worker thread, with what it keeps until it is done: who waits for it may be gone before that.
///
/// # Errors
/// A fault where it panicked.
pub(super) async fn at_work<K, T>(
    kept: K,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<(T, K), Fault>
where
    K: Send + 'static,
    T: Send + 'static,
{
    let work = move || {
        let done = work();
        (done, kept)
    };
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| Fault::new("decrypting a document", error))
}

/// The plain bytes of an encrypted file, compared with its row, in the first of some empty files that takes them, which is at its
/// beginning; and how many they are. Slow for large files: not for an async worker thread.
///
/// # Errors
/// `Unavailable` where none of the files takes them; within, a fault that says what does not fit.
pub(super) fn unsealed(
    mut sealed: File,
    stored: &Stored,
    (keys, files): (&DatabaseKeys, impl IntoIterator<Item = io::Result<File>>),
) -> Result<Result<(File, u64), Fault>, Refusal> {
    let mut said = Vec::new();
    for file in files {
        match file.and_then(|file| written(&mut sealed, stored, (keys, file))) {
            Ok(done) => return Ok(done),
            Err(error) => said.push(error),
        }
    }
    tracing::error!(?said, "a document's plain bytes can be written nowhere");
    Err(Refusal::Unavailable(UNWRITABLE))
}

/// The outer failure is that of the file that is written.
fn written(
    sealed: &mut File,
    stored: &Stored,
    (keys, mut plain): (&DatabaseKeys, File),
) -> io::Result<Result<(File, u64), Fault>> {
    let mut seen = Seen::of(stored);
    let mut unwritten = None;
    let done = streamed::decrypt(keys, sealed, |piece| {
        seen.add(piece);
        plain.write_all(piece).map_err(|error| {
            unwritten = Some(error);
            Fault::new("writing a document's plain bytes", "the disk takes no more")
        })
    });
    if let Some(error) = unwritten {
        return Err(error);
    }
    let length = match done.and_then(|()| seen.whole(stored)) {
        Ok(length) => length,
        Err(wrong) => return Ok(Err(wrong)),
    };
    plain.rewind()?;
    Ok(Ok((plain, length)))
}

/// Empty files for this server's user alone, each of which is gone with its last reader: one beside the documents, and where this
/// server cannot write there, one in the system's folder for such files.
pub(super) fn empty(root: &Path) -> impl Iterator<Item = io::Result<File>> {
    let folders = [spool::folder(root), std::env::temp_dir()];
    folders.into_iter().map(|folder| nameless(&folder))
}

fn nameless(folder: &Path) -> io::Result<File> {
    files::make_folder_here(folder)?;
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
    use crate::crypto::SystemEntropy;
    use crate::domain::access::Holder;
    use crate::emr::cipher;
    use std::io::Read;
    use std::os::unix::fs::MetadataExt;

    const SHORT: Duration = Duration::from_millis(20);
    const ANA: Taker = Taker::Person(Holder::Patient(1));

    #[tokio::test]
    async fn f150_one_takes_some_places_and_all_take_no_more_than_there_are() {
        let places = Places::default();
        let mut held = Vec::new();
        for _ in 0..OF_ONE {
            held.push(places.place(&ANA, SHORT).await.expect("free"));
        }
        let full = places.place(&ANA, SHORT).await.err();
        assert_eq!(full, Some(Refusal::Unavailable(FULL)));
        // A member of staff whose number is that of the chart, and a service, are others.
        let staff = Taker::Person(Holder::Staff(1));
        held.push(places.place(&staff, SHORT).await.expect("free"));
        let service = |number: usize| Taker::Service(number.to_string());
        for number in held.len()..AT_ONCE {
            held.push(places.place(&service(number), SHORT).await.expect("free"));
        }
        assert!(places.place(&service(900), SHORT).await.is_err());
        held.truncate(1);
        let again = places.place(&ANA, SHORT).await;
        assert!(again.is_ok());
        drop((held, again));
        assert!(places.held().is_empty());
    }

    #[tokio::test]
    async fn f150_whoever_waits_gets_the_place_that_becomes_free() {
        let places = Places::default();
        let mut held = Vec::new();
        for _ in 0..OF_ONE {
            held.push(places.place(&ANA, SHORT).await.expect("free"));
        }
        let waiting = tokio::spawn({
            let places = places.clone();
            async move { places.place(&ANA, PATIENCE).await.is_ok() }
        });
        tokio::time::sleep(SHORT).await;
        held.pop();
        assert!(waiting.await.expect("joins"));
    }

    #[tokio::test]
    async fn f150_a_place_is_taken_until_the_work_for_it_is_done_whoever_waits() {
        let places = Places::default();
        let place = places.place(&ANA, SHORT).await.expect("free");
        let (go, gone) = std::sync::mpsc::channel::<()>();
        let working = at_work(place, move || gone.recv());
        assert!(tokio::time::timeout(SHORT, working).await.is_err());
        // Nobody waits any more, and it still works.
        assert_eq!(places.held().get(&ANA), Some(&1));
        go.send(()).expect("it listens");
        let freed = async {
            while !places.held().is_empty() {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        let freed = tokio::time::timeout(PATIENCE, freed).await;
        assert!(freed.is_ok());
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
        let first = empty(&root).next().expect("one");
        check(first.expect("made"));
        let left = std::fs::read_dir(spool::folder(&root)).expect("a folder");
        assert_eq!(left.count(), 0);
        std::fs::remove_dir_all(&root).expect("removed");
        // A file where the folder would be: nothing can be made in it.
        std::fs::write(&root, b"x").expect("written");
        let mut both = empty(&root);
        assert!(both.next().expect("one").is_err());
        check(both.next().expect("another").expect("made elsewhere"));
        std::fs::remove_file(&root).expect("removed");
    }

    #[test]
    fn f150_what_one_folder_has_no_room_for_the_next_one_takes_or_it_is_told() {
        let keys = DatabaseKeys::fresh(&SystemEntropy).expect("entropy");
        let plain = vec![7; 200_000];
        let bytes = cipher::encrypt(&keys, &plain, &SystemEntropy).expect("keys are there");
        let stored = Stored {
            url: String::new(),
            depth: 1,
            encrypted: true,
            hash: String::new(),
            size: Some(200_000),
        };
        let elsewhere = || nameless(&std::env::temp_dir());
        let full = || OpenOptions::new().read(true).write(true).open("/dev/full");
        let none = || Err(io::Error::from(io::ErrorKind::PermissionDenied));
        let tried = |files: Vec<io::Result<File>>| {
            let mut sealed = elsewhere().expect("made");
            sealed.write_all(&bytes).expect("written");
            unsealed(sealed, &stored, (&keys, files))
        };
        for first in [full(), none()] {
            let done = tried(vec![first, elsewhere()]).expect("written");
            let (mut file, length) = done.expect("whole");
            let mut read = Vec::new();
            file.read_to_end(&mut read).expect("read");
            assert!(length == 200_000 && read == plain);
        }
        for files in [vec![full(), none()], vec![none(), full()], vec![none()]] {
            let told = tried(files).err();
            assert_eq!(told, Some(Refusal::Unavailable(UNWRITABLE)));
        }
    }
}
