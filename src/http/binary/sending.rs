//! The bytes of a document while they are sent: a piece of them is in memory at a time, and what has a place of which there are
//! few is not sent for ever.

use std::io;
use std::io::ErrorKind;
use std::io::SeekFrom;
use std::pin::pin;
use std::time::Duration;

use axum::body::Body;
use futures_util::Stream;
use futures_util::StreamExt;
use futures_util::stream;
use tokio::fs::File;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncSeekExt;
use tokio::sync::mpsc;
use tokio::sync::mpsc::Receiver;
use tokio::sync::mpsc::Sender;
use tokio::time::timeout;

use crate::domain::refusal::Answer;
use crate::domain::refusal::Fault;
use crate::emr::documents::Bytes;

/// How much of a file is in memory at a time.
const PIECE: usize = 64 * 1024;

/// How many pieces wait for a slow taker of a decrypted file.
const WAITING: usize = 2;

/// The longest a decrypted file may be on its way, however slowly it is taken.
const LONGEST: Duration = Duration::from_secs(15 * 60);

type Piece = io::Result<Vec<u8>>;

/// A file that is being sent, and how many bytes of it are left.
type Sending = (File, u64);

/// `length` bytes from `first` on.
///
/// # Errors
/// A fault where the file cannot be read.
pub(super) async fn body(bytes: Bytes, (first, length): (u64, u64)) -> Answer<Body> {
    let (mut file, place) = match bytes {
        Bytes::Whole(bytes) => return Ok(Body::from(cut(bytes, (first, length)))),
        Bytes::File(file, place) => (file, place),
    };
    let sought = file.seek(SeekFrom::Start(first)).await;
    sought.map_err(|error| Fault::new("sending a document", error))?;
    let pieces = stream::unfold((file, length), piece);
    Ok(match place {
        Some(place) => Body::from_stream(in_time(LONGEST, pieces, place)),
        None => Body::from_stream(pieces),
    })
}

/// A part of bytes in memory. It is copied: the others must not stay there for as long as it is taken.
fn cut(bytes: Vec<u8>, (first, length): (u64, u64)) -> Vec<u8> {
    let first = usize::try_from(first).unwrap_or(usize::MAX);
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    if first == 0 && length >= bytes.len() {
        return bytes;
    }
    let rest = bytes.get(first..).unwrap_or_default();
    rest.get(..length).unwrap_or(rest).to_vec()
}

/// The next piece of a file, and what is left of it. A file that ends early ends the connection: the length was told.
async fn piece((mut file, left): Sending) -> Option<(Piece, Sending)> {
    if left == 0 {
        return None;
    }
    let most = usize::try_from(left).unwrap_or(PIECE).min(PIECE);
    let mut piece = vec![0; most];
    match file.read(&mut piece).await {
        Ok(0) => {
            let early = io::Error::from(ErrorKind::UnexpectedEof);
            Some((Err(early), (file, 0)))
        }
        Ok(read) => {
            piece.truncate(read);
            let left = left - u64::try_from(read).unwrap_or(left);
            Some((Ok(piece), (file, left)))
        }
        Err(error) => Some((Err(error), (file, 0))),
    }
}

/// Pieces for as long as there is time, and then an error that ends the connection. They are read by a task of their own, which
/// lets go of them and of what is kept for them, though the taker asks for no more and does not go away either.
fn in_time<K: Send + 'static>(
    longest: Duration,
    pieces: impl Stream<Item = Piece> + Send + 'static,
    kept: K,
) -> impl Stream<Item = Piece> + Send + 'static {
    let (out, taken) = mpsc::channel(WAITING);
    tokio::spawn(poured((pieces, kept), out, longest));
    stream::unfold(taken, next)
}

async fn next(mut taken: Receiver<Piece>) -> Option<(Piece, Receiver<Piece>)> {
    let piece = taken.recv().await?;
    Some((piece, taken))
}

async fn poured<K>(
    (pieces, kept): (impl Stream<Item = Piece>, K),
    out: Sender<Piece>,
    longest: Duration,
) {
    let late = timeout(longest, all_of(pieces, &out)).await.is_err();
    drop(kept);
    if late {
        tracing::warn!("a document was taken too slowly and is not sent whole");
        let late = io::Error::from(ErrorKind::TimedOut);
        // Whoever went away needs not be told.
        let _ = out.send(Err(late)).await;
    }
}

/// Until there are no more, or nobody takes them any more.
async fn all_of(pieces: impl Stream<Item = Piece>, out: &Sender<Piece>) {
    let mut pieces = pin!(pieces);
    while let Some(piece) = pieces.next().await {
        if out.send(piece).await.is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::Weak;

    const SHORT: Duration = Duration::from_millis(20);

    /// Waits until what was kept is let go.
    async fn let_go(kept: Weak<()>) {
        let gone = async {
            while kept.strong_count() > 0 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        let gone = timeout(Duration::from_secs(10), gone).await;
        assert!(gone.is_ok(), "it is kept still");
    }

    fn told(piece: Piece) -> Result<Vec<u8>, ErrorKind> {
        piece.map_err(|error| error.kind())
    }

    #[tokio::test]
    async fn f150_who_takes_too_slowly_keeps_nothing_and_is_cut_off() {
        let place = Arc::new(());
        let kept = Arc::downgrade(&place);
        let endless = stream::repeat_with(|| Ok(vec![7]));
        let slow = in_time(SHORT, endless, place);
        // Not one piece is asked for.
        let_go(kept).await;
        let all: Vec<_> = slow.map(told).collect().await;
        assert_eq!(all, [Ok(vec![7]), Ok(vec![7]), Err(ErrorKind::TimedOut)]);
    }

    #[tokio::test]
    async fn f150_who_takes_all_in_time_gets_all_and_who_goes_away_keeps_nothing() {
        let place = Arc::new(());
        let kept = Arc::downgrade(&place);
        let five = (0..5).map(|number| Ok(vec![number]));
        let quick = in_time(LONGEST, stream::iter(five), place);
        let all: Vec<_> = quick.map(told).collect().await;
        assert_eq!(all, [0, 1, 2, 3, 4].map(|number| Ok(vec![number])));
        let_go(kept).await;
        let place = Arc::new(());
        let kept = Arc::downgrade(&place);
        let endless = stream::repeat_with(|| Ok(vec![7]));
        drop(in_time(LONGEST, endless, place));
        let_go(kept).await;
    }

    #[test]
    fn f150_a_part_of_bytes_keeps_nothing_of_the_others() {
        let bytes = |length: u8| (0..length).collect::<Vec<u8>>();
        for (range, part) in [
            ((0, 10), bytes(10)),
            ((0, 3), vec![0, 1, 2]),
            ((4, 2), vec![4, 5]),
            ((8, 9), vec![8, 9]),
            ((11, 1), Vec::new()),
            ((0, u64::MAX), bytes(10)),
        ] {
            assert_eq!(cut(bytes(10), range), part, "{range:?}");
        }
        let one = cut(vec![7; 1024 * 1024], (0, 1));
        assert!(one.capacity() < 1024, "{}", one.capacity());
    }
}
