//! Looking for viruses in what is sent, by ClamAV's daemon (`INSTREAM`): before anything is written to OpenEMR's folder, and while
//! it cannot say, nothing is taken.

use std::io::ErrorKind;
use std::time::Duration;

use clamav_client::IoResult;
use clamav_client::tokio::Socket;
use clamav_client::tokio::Tcp;
use clamav_client::tokio::TransportProtocol;
use clamav_client::tokio::ping;
use clamav_client::tokio::scan_buffer;
use clamav_client::tokio::scan_file;
use tokio::time::Instant;
use tokio::time::timeout;
use tokio::time::timeout_at;

use crate::config::papers::Clamd;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Refusal;
use crate::emr::Emr;
use crate::emr::spool;
use crate::portal::document::Source;

/// How long a file may be looked at, and how long the daemon may take to say that it is there.
const PATIENCE: Duration = Duration::from_secs(20);
const GREETING: Duration = Duration::from_secs(5);

/// How much of a file goes to the daemon at once.
const PIECE: Option<usize> = Some(64 * 1024);

tokio::task_local! {
    /// When the patience ends that some files share.
    static UNTIL: Instant;
}

const AWAY: &str =
    "Files cannot be checked for viruses at the moment, so none is taken. Please try again later.";

/// What was found in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// Nothing, or nobody looks here.
    Nothing,
    /// A virus.
    Virus,
}

/// Work that looks through several files under one patience: whoever sent them waits for all of them.
pub(super) async fn together<T>(work: impl Future<Output = T>) -> T {
    UNTIL.scope(Instant::now() + PATIENCE, work).await
}

/// When the patience with a file ends.
fn until() -> Instant {
    let shared = UNTIL.try_with(|until| *until);
    shared.unwrap_or_else(|_| Instant::now() + PATIENCE)
}

/// Looks through a file, where the practice wants that.
///
/// # Errors
/// `Unavailable` where the daemon does not answer, or has no verdict.
pub(super) async fn looked_through(emr: &Emr, source: &Source) -> Answer<Found> {
    let Some(clamd) = &emr.papers.clamd else {
        return Ok(Found::Nothing);
    };
    let asked = async {
        match clamd {
            Clamd::Unix(path) => sent(emr, source, Socket { socket_path: path }).await,
            Clamd::Tcp(place) => {
                let host_address = place.as_str();
                sent(emr, source, Tcp { host_address }).await
            }
        }
    };
    let answer = match timeout_at(until(), asked).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(error)) => {
            tracing::warn!(%error, "clamd does not answer");
            return Err(Refusal::Unavailable(AWAY).into());
        }
        Err(_) => {
            tracing::warn!("clamd does not answer in time");
            return Err(Refusal::Unavailable(AWAY).into());
        }
    };
    let answer = String::from_utf8_lossy(&answer);
    let answer = answer.trim_end_matches(['\0', '\n']).trim();
    match verdict(answer) {
        Some(Found::Virus) => {
            tracing::warn!(answer, "a file that was sent was not taken");
            Ok(Found::Virus)
        }
        Some(Found::Nothing) => Ok(Found::Nothing),
        None => {
            tracing::warn!(answer, "clamd has no verdict about a file");
            Err(Refusal::Unavailable(AWAY).into())
        }
    }
}

/// Sends the bytes, piece by piece where they are on the disk.
async fn sent<T: TransportProtocol>(emr: &Emr, source: &Source, to: T) -> IoResult {
    match (source, &emr.documents) {
        (Source::Inline(bytes), _) => scan_buffer(bytes, to, PIECE).await,
        (Source::Spooled(received), Some(root)) => {
            scan_file(spool::place(root, received.id), to, PIECE).await
        }
        (Source::Spooled(_), None) => Err(ErrorKind::NotFound.into()),
    }
}

/// What the daemon's answer says: `stream: OK`, `stream: NAME FOUND`, or neither.
fn verdict(answer: &str) -> Option<Found> {
    let said = answer.strip_prefix("stream: ")?;
    match (said == "OK", said.ends_with(" FOUND")) {
        (true, _) => Some(Found::Nothing),
        (_, true) => Some(Found::Virus),
        _ => None,
    }
}

/// Whether the daemon answers; `None` where nobody looks here.
pub(super) async fn answers(emr: &Emr) -> Option<Result<(), String>> {
    let clamd = emr.papers.clamd.as_ref()?;
    let asked = async {
        match clamd {
            Clamd::Unix(path) => ping(Socket { socket_path: path }).await,
            Clamd::Tcp(place) => {
                let host_address = place.as_str();
                ping(Tcp { host_address }).await
            }
        }
    };
    Some(match timeout(GREETING, asked).await {
        Ok(Ok(answer)) if answer == clamav_client::PONG => Ok(()),
        Ok(Ok(_)) => Err("something else answers there".to_owned()),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err("it takes too long".to_owned()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn f150_files_that_come_together_share_one_patience() {
        let later = async || {
            let first = until();
            tokio::time::sleep(Duration::from_millis(5)).await;
            (first, until())
        };
        let (first, second) = together(later()).await;
        assert_eq!(first, second);
        let (first, second) = later().await;
        assert!(first < second);
    }

    #[test]
    fn an_answer_that_is_none_is_no_verdict() {
        assert_eq!(verdict("stream: OK"), Some(Found::Nothing));
        assert_eq!(verdict("stream: Eicar-Test FOUND"), Some(Found::Virus));
        for odd in [
            "",
            "OK",
            "stream:",
            "stream: ",
            "INSTREAM size limit exceeded. ERROR",
            "stream: lstat() failed ERROR",
            "stream: NOT OK",
        ] {
            assert_eq!(verdict(odd), None, "{odd}");
        }
    }
}
