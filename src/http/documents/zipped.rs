//! A ZIP archive that is made while it is sent: whatever it holds, no more of it is in memory than a few pieces.

use std::collections::HashSet;
use std::io;
use std::io::Write;
use std::sync::Arc;
use std::sync::Mutex;

use axum::body::Body;
use futures_util::stream;
use time::PrimitiveDateTime;
use tokio::io::AsyncReadExt;
use tokio::sync::mpsc;
use tokio::sync::mpsc::Sender;
use zip::CompressionMethod;
use zip::DateTime;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;
use zip::write::StreamWriter;

use crate::domain::refusal::Fault;
use crate::emr::documents::Bytes;

/// How much is compressed at once, and how many pieces wait for a slow reader.
const PIECE: usize = 64 * 1024;
const WAITING: usize = 4;

/// Letters of a name at most, before its number is put in front.
const LONGEST: usize = 120;

/// Where the archive writes: what is here goes out after each piece.
#[derive(Clone, Default)]
struct Sink(Arc<Mutex<Vec<u8>>>);

impl Sink {
    fn drained(&self) -> Vec<u8> {
        match self.0.lock() {
            Ok(mut bytes) => std::mem::take(&mut *bytes),
            Err(poisoned) => std::mem::take(&mut *poisoned.into_inner()),
        }
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut kept = self.0.lock().map_err(|_| io::ErrorKind::BrokenPipe)?;
        kept.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// An archive that is being sent.
pub struct Archive {
    zip: ZipWriter<StreamWriter<Sink>>,
    sink: Sink,
    out: Sender<io::Result<Vec<u8>>>,
    written: DateTime,
    names: HashSet<String>,
}

/// An archive, and the body it becomes. `wall` is the practice's clock.
pub fn archive(wall: PrimitiveDateTime) -> (Archive, Body) {
    let (out, pieces) = mpsc::channel(WAITING);
    let sink = Sink::default();
    let archive = Archive {
        zip: ZipWriter::new_stream(sink.clone()),
        sink,
        out,
        written: moment(wall),
        names: HashSet::new(),
    };
    let next = |mut pieces: mpsc::Receiver<io::Result<Vec<u8>>>| async move {
        let piece = pieces.recv().await?;
        Some((piece, pieces))
    };
    (archive, Body::from_stream(stream::unfold(pieces, next)))
}

impl Archive {
    /// Begins a file. Its name is made safe for every system, and unlike the others.
    ///
    /// # Errors
    /// A fault where nobody listens any more, or the archive is broken.
    pub async fn begin(&mut self, folder: &str, name: &str) -> Result<(), Fault> {
        let mut path = format!("{folder}{}", safe(name));
        let mut number = 2;
        while !self.names.insert(path.to_lowercase()) {
            path = format!("{folder}{number} {}", safe(name));
            number += 1;
        }
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            .compression_level(Some(1))
            .last_modified_time(self.written)
            .unix_permissions(0o600);
        self.zip.start_file(path, options).map_err(fault)?;
        self.flushed().await
    }

    /// The next bytes of the file.
    ///
    /// # Errors
    /// As [`Archive::begin`].
    pub async fn write(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        for piece in bytes.chunks(PIECE) {
            self.zip.write_all(piece).map_err(fault)?;
            self.flushed().await?;
        }
        Ok(())
    }

    /// All bytes of a document.
    ///
    /// # Errors
    /// As [`Archive::begin`], and where the document's file cannot be read.
    pub async fn copy(&mut self, bytes: Bytes) -> Result<(), Fault> {
        let mut file = match bytes {
            Bytes::Whole(bytes) => return self.write(&bytes).await,
            Bytes::File(file) => file,
        };
        let mut piece = vec![0; PIECE];
        loop {
            let read = file.read(&mut piece).await.map_err(fault)?;
            if read == 0 {
                return Ok(());
            }
            self.write(piece.get(..read).unwrap_or_default()).await?;
        }
    }

    /// Writes the list of what there is, without which it is no archive.
    ///
    /// # Errors
    /// As [`Archive::begin`].
    pub async fn finish(self) -> Result<(), Fault> {
        self.zip.finish().map_err(fault)?;
        let rest = self.sink.drained();
        self.out.send(Ok(rest)).await.map_err(fault)
    }

    /// Ends the connection before the archive is whole, so that nobody takes it for one.
    pub async fn break_off(self) {
        let broken = io::Error::from(io::ErrorKind::UnexpectedEof);
        let _ = self.out.send(Err(broken)).await;
    }

    async fn flushed(&self) -> Result<(), Fault> {
        let bytes = self.sink.drained();
        match bytes.is_empty() {
            true => Ok(()),
            false => self.out.send(Ok(bytes)).await.map_err(fault),
        }
    }
}

fn fault(error: impl std::error::Error + Send + Sync + 'static) -> Fault {
    Fault::new("sending an archive", error)
}

/// The archive's own way to write a moment; it begins in 1980.
fn moment(wall: PrimitiveDateTime) -> DateTime {
    let year = u16::try_from(wall.year()).unwrap_or_default();
    let (hour, minute, second) = wall.as_hms();
    let made = DateTime::from_date_and_time(
        year,
        u8::from(wall.month()),
        wall.day(),
        hour,
        minute,
        second,
    );
    made.unwrap_or_default()
}

/// A name that is a file's on every system, and leads nowhere else.
fn safe(name: &str) -> String {
    let plain = |letter: char| match letter {
        '<' | '>' | ':' | '"' | '/' | '\\' | '|' | '?' | '*' => '_',
        // Letters that turn the direction of a name make an .exe look like a .pdf.
        '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => '_',
        letter if letter.is_control() => '_',
        letter => letter,
    };
    let name: String = name.chars().map(plain).collect();
    let name = name.trim_matches([' ', '.']);
    let count = name.chars().count();
    match (count, name.rsplit_once('.')) {
        (0, _) => "document".to_owned(),
        (..=LONGEST, _) => name.to_owned(),
        // The ending tells what it is.
        (_, Some((stem, ending))) if ending.chars().count() <= 8 => {
            let stem: String = stem.chars().take(LONGEST - 9).collect();
            format!("{}.{ending}", stem.trim_end())
        }
        _ => name.chars().take(LONGEST).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn a_name_is_safe_on_every_system() {
        for (name, expected) in [
            ("blood.pdf", "blood.pdf"),
            ("../../etc/passwd", "_.._etc_passwd"),
            ("C:\\Windows\\a.exe", "C__Windows_a.exe"),
            ("a\u{202e}fdp.exe", "a_fdp.exe"),
            ("..", "document"),
            ("", "document"),
            ("trailing. ", "trailing"),
            ("Überweisung 漢字.pdf", "Überweisung 漢字.pdf"),
        ] {
            assert_eq!(safe(name), expected);
        }
        let long = format!("{}.pdf", "x".repeat(300));
        assert!(safe(&long).ends_with("x.pdf") && safe(&long).chars().count() <= LONGEST);
        assert_eq!(safe(&"y".repeat(300)).chars().count(), LONGEST);
    }

    #[tokio::test]
    async fn an_archive_is_whole_and_no_two_names_are_the_same() {
        let (mut archive, body) = archive(datetime!(2026-11-21 15:00));
        let writing = tokio::spawn(async move {
            for _ in 0..2 {
                archive.begin("documents/", "a.txt").await?;
                archive.write(&vec![b'x'; 3 * PIECE + 1]).await?;
            }
            archive.finish().await
        });
        let bytes = axum::body::to_bytes(body, usize::MAX).await.expect("whole");
        writing.await.expect("joins").expect("writes");
        let mut read = zip::ZipArchive::new(io::Cursor::new(bytes)).expect("an archive");
        let names: Vec<String> = read
            .file_names()
            .map(|name| name.expect("a name").into_owned())
            .collect();
        assert_eq!(names, ["documents/a.txt", "documents/2 a.txt"]);
        let mut first = read.by_index(0).expect("a file");
        assert_eq!(first.size(), 3 * 65_536 + 1);
        let copied = io::copy(&mut first, &mut io::sink()).expect("reads");
        assert_eq!(copied, 3 * 65_536 + 1);
    }

    #[tokio::test]
    async fn an_archive_nobody_reads_is_given_up() {
        let (mut archive, body) = archive(datetime!(2026-11-21 15:00));
        drop(body);
        assert!(archive.begin("", "a.txt").await.is_err());
    }
}
