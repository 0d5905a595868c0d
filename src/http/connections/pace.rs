//! The least pace of a caller: a body must come whole in its time, a file piece by piece, and an answer must be taken
//! piece by piece. A caller who does neither holds memory and a connection for nothing (`spec/security.md`, case 191).

use std::future::Future;
use std::io;
use std::io::ErrorKind;
use std::io::IoSlice;
use std::pin::Pin;
use std::task::Context;
use std::task::Poll;
use std::task::ready;
use std::time::Duration;

use axum::body::Bytes;
use hyper::body::Body;
use hyper::body::Frame;
use hyper::body::Incoming;
use hyper::body::SizeHint;
use tokio::io::AsyncRead;
use tokio::io::AsyncWrite;
use tokio::io::ReadBuf;
use tokio::net::TcpStream;
use tokio::time::Sleep;

/// What must go through before the time begins anew.
const PIECE: usize = 64 * 1024;

/// How long the other end is waited for, piece by piece.
struct Waiting {
    patience: Duration,
    /// Since it was first waited for, and what has gone through since.
    end: Option<Pin<Box<Sleep>>>,
    gone: usize,
}

impl Waiting {
    fn new(patience: Duration) -> Self {
        Self {
            patience,
            end: None,
            gone: 0,
        }
    }

    /// Some bytes went through: after a piece of them the time begins anew.
    fn went(&mut self, bytes: usize) {
        self.gone += bytes;
        if self.gone >= PIECE {
            self.caught_up();
        }
    }

    fn caught_up(&mut self) {
        self.end = None;
        self.gone = 0;
    }

    /// Ready once the other end was waited for too long.
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let patience = self.patience;
        let waiting = || Box::pin(tokio::time::sleep(patience));
        let end = self.end.get_or_insert_with(waiting);
        end.as_mut().poll(context)
    }
}

/// A connection whose caller must take what it is sent.
pub(super) struct Paced {
    stream: TcpStream,
    waiting: Waiting,
}

impl Paced {
    pub(super) fn new(stream: TcpStream, patience: Duration) -> Self {
        Self {
            stream,
            waiting: Waiting::new(patience),
        }
    }

    /// What the socket said about a write: progress, or one more moment of waiting.
    fn written(
        &mut self,
        context: &mut Context<'_>,
        written: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        match written {
            Poll::Ready(Ok(bytes)) => {
                self.waiting.went(bytes);
                Poll::Ready(Ok(bytes))
            }
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => {
                ready!(self.waiting.poll(context));
                let why = "the answer was not taken in time";
                Poll::Ready(Err(io::Error::new(ErrorKind::TimedOut, why)))
            }
        }
    }
}

impl AsyncRead for Paced {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Paced {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.written(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.written(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    /// Asked once everything before it is written.
    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.waiting.caught_up();
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

/// A body that must come in its time: whole, and where it is a file also piece by piece.
pub(super) struct Upload {
    body: Incoming,
    /// None for no body at all.
    end: Option<Pin<Box<Sleep>>>,
    /// None for what is no file.
    waiting: Option<Waiting>,
}

impl Upload {
    /// A body that must be whole in this time.
    pub(super) fn new(body: Incoming, patience: Duration) -> Self {
        let end = !body.is_end_stream();
        Self {
            body,
            end: end.then(|| Box::pin(tokio::time::sleep(patience))),
            waiting: None,
        }
    }

    /// A file: it may take long, as long as it keeps coming.
    pub(super) fn of_file(body: Incoming, (whole, piece): (Duration, Duration)) -> Self {
        Self {
            waiting: Some(Waiting::new(piece)),
            ..Self::new(body, whole)
        }
    }

    /// Ready once the caller was waited for too long.
    fn is_late(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let Some(end) = &mut self.end else {
            return Poll::Pending;
        };
        match (end.as_mut().poll(context), &mut self.waiting) {
            (Poll::Pending, Some(waiting)) => waiting.poll(context),
            (late, _) => late,
        }
    }
}

impl Body for Upload {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(context) {
            if let (Some(waiting), Some(Ok(frame))) = (&mut self.waiting, &frame) {
                waiting.went(frame.data_ref().map_or(0, Bytes::len));
            }
            return Poll::Ready(frame.map(|frame| frame.map_err(io::Error::other)));
        }
        ready!(self.is_late(context));
        let why = "the body did not come in time";
        Poll::Ready(Some(Err(io::Error::new(ErrorKind::TimedOut, why))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
