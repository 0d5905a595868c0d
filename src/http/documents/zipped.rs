//! A ZIP archive that is made while it is sent: whatever it holds, no more of it is in memory than a few pieces.

use std::collections::HashMap;
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

/// Bytes of a name at most, before its number is put in front: no system takes more than 255, and 200 are enough.
const LONGEST: usize = 188;

/// Names that are devices on Windows, whatever their ending; those of ports have a digit behind them.
const DEVICES: [&str; 4] = ["con", "prn", "aux", "nul"];
const PORTS: [&str; 2] = ["com", "lpt"];

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
    /// Each with the number the next one of that name gets.
    names: HashMap<String, u64>,
}

/// An archive, and the body it becomes. `wall` is the practice's clock.
pub fn archive(wall: PrimitiveDateTime) -> (Archive, Body) {
    let (out, body) = pieces(WAITING);
    let sink = Sink::default();
    let archive = Archive {
        zip: ZipWriter::new_stream(sink.clone()),
        sink,
        out,
        written: moment(wall),
        names: HashMap::new(),
    };
    (archive, body)
}

/// A body that is made while it is sent; `waiting` pieces of it wait for a slow reader.
pub fn pieces(waiting: usize) -> (Sender<io::Result<Vec<u8>>>, Body) {
    let (out, pieces) = mpsc::channel(waiting);
    let next = |mut pieces: mpsc::Receiver<io::Result<Vec<u8>>>| async move {
        let piece = pieces.recv().await?;
        Some((piece, pieces))
    };
    (out, Body::from_stream(stream::unfold(pieces, next)))
}

/// Ends the connection before a body is whole, so that nobody takes it for one.
pub async fn break_off(out: &Sender<io::Result<Vec<u8>>>) {
    let broken = io::Error::from(io::ErrorKind::UnexpectedEof);
    let _ = out.send(Err(broken)).await;
}

impl Archive {
    /// Begins a file. Its name is made safe for every system, and unlike the others.
    ///
    /// # Errors
    /// A fault where nobody listens any more, or the archive is broken.
    pub async fn begin(&mut self, folder: &str, name: &str) -> Result<(), Fault> {
        let path = self.unlike(folder, &safe(name));
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            .compression_level(Some(1))
            .last_modified_time(self.written)
            .unix_permissions(0o600);
        self.zip.start_file(path, options).map_err(fault)?;
        self.flushed().await
    }

    /// A path that no other file has: a number goes before a name that comes again.
    fn unlike(&mut self, folder: &str, name: &str) -> String {
        let mut path = format!("{folder}{name}");
        let own = path.to_lowercase();
        if let Some(next) = self.names.get(&own).copied() {
            let mut number = next;
            while self.names.contains_key(&path.to_lowercase()) {
                path = format!("{folder}{number} {name}");
                number += 1;
            }
            self.names.insert(own, number);
        }
        self.names.insert(path.to_lowercase(), 2);
        path
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
        let (mut file, _place) = match bytes {
            Bytes::Whole(bytes) => return self.write(&bytes).await,
            Bytes::File(file, place) => (file, place),
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
        break_off(&self.out).await;
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
    let name = match name.rsplit_once('.') {
        _ if name.is_empty() => "document".to_owned(),
        _ if name.len() <= LONGEST => name.to_owned(),
        // The ending tells what it is.
        Some((stem, ending)) if ending.chars().count() <= 8 => {
            format!("{}.{ending}", cut(stem, LONGEST - ending.len() - 1))
        }
        _ => cut(name, LONGEST).to_owned(),
    };
    match is_device(&name) {
        true => format!("_{name}"),
        false => name,
    }
}

/// As many whole letters as these bytes hold, without a blank or a dot at the end, which Windows takes away.
fn cut(text: &str, most: usize) -> &str {
    let ends = text
        .char_indices()
        .map(|(at, letter)| at + letter.len_utf8());
    let end = ends.take_while(|end| *end <= most).last();
    text[..end.unwrap_or_default()].trim_end_matches([' ', '.'])
}

/// Whether Windows takes a name for a device.
fn is_device(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default();
    let stem = stem.trim_end().to_lowercase();
    let port = |port: &&str| {
        stem.strip_prefix(*port)
            .is_some_and(|rest| rest.chars().count() == 1 && rest.contains(is_number))
    };
    DEVICES.contains(&stem.as_str()) || PORTS.iter().any(port)
}

/// Digits, and those that stand above the line.
fn is_number(letter: char) -> bool {
    letter.is_ascii_digit() || "¹²³".contains(letter)
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
            ("CON.pdf", "_CON.pdf"),
            ("lpt1 .txt", "_lpt1 .txt"),
            ("aux", "_aux"),
            ("com².pdf", "_com².pdf"),
            ("com12.pdf", "com12.pdf"),
            ("console.pdf", "console.pdf"),
        ] {
            assert_eq!(safe(name), expected);
        }
        let long = format!("{}.pdf", "x".repeat(300));
        assert!(safe(&long).ends_with("x.pdf") && safe(&long).chars().count() <= LONGEST);
        assert_eq!(safe(&"y".repeat(300)).chars().count(), LONGEST);
        // Bytes count: a letter may have four of them.
        for letter in ["漢", "👩", "Ü"] {
            let safe = safe(&format!("{}.pdf", letter.repeat(300)));
            assert!(safe.len() <= LONGEST && safe.len() > LONGEST - 4, "{safe}");
            assert!(safe.ends_with(&format!("{letter}.pdf")), "{safe}");
        }
        let dotted = format!("{}. . {}", "z".repeat(LONGEST - 4), "z".repeat(20));
        assert_eq!(safe(&dotted), "z".repeat(LONGEST - 4));
    }

    #[test]
    fn names_that_come_again_are_numbered_and_whole() {
        let (mut archive, _body) = archive(datetime!(2026-11-21 15:00));
        let name = safe(&format!("{}.pdf", "漢".repeat(300)));
        let mut paths = std::collections::HashSet::new();
        for _ in 0..1_000 {
            let path = archive.unlike("documents/", &name);
            let file = path.strip_prefix("documents/").expect("in the folder");
            assert!(file.len() <= 200, "{file}");
            assert!(paths.insert(path.to_lowercase()), "{path}");
        }
        assert_eq!(archive.unlike("", "3 a.txt"), "3 a.txt");
        for expected in ["a.txt", "2 a.txt", "4 a.txt"] {
            assert_eq!(archive.unlike("", "a.txt"), expected);
        }
        assert_eq!(archive.unlike("", "A.TXT"), "5 A.TXT");
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
