//! The loops behind the server. One writes the ledger lines of reads in batches, so that no read waits for one; lines
//! of writes are not here, they are in the transaction of the write itself. One removes what has ended. One reads the
//! signing keys again and makes a new one when it is time. One sends letters ([`outbox`]).

pub mod outbox;

pub mod seal;

pub mod jobs;

pub mod telling;

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;

use time::OffsetDateTime;
use tokio::sync::mpsc;
use tokio::sync::mpsc::Receiver;
use tokio::sync::mpsc::Sender;
use tokio::task::JoinHandle;
use tokio::task::JoinSet;

use crate::auth::keys;
use crate::auth::keys::Keys;
use crate::auth::keys::Rotation;
use crate::db::Db;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Fault;
use crate::emr::Clock;
use crate::emr::Emr;
use crate::emr::registering::deciding;
use crate::emr::seen;
use crate::emr::spool;
use crate::store::expiry;
use crate::store::ledger;
use crate::store::ledger::Entry;

/// Does a turn of a loop in a task of its own: what panics there ends the turn, and not the loop; what aborts the loop
/// ends both.
///
/// # Errors
/// As the turn; a fault where it broke off.
async fn apart<T: Send + 'static>(
    turn: impl Future<Output = Answer<T>> + Send + 'static,
) -> Answer<T> {
    let mut turns = JoinSet::new();
    turns.spawn(turn);
    match turns.join_next().await {
        Some(Ok(done)) => done,
        Some(Err(broken)) => Err(Fault::new("a turn of a loop behind the server", broken).into()),
        None => Err(Fault::new("a turn of a loop behind the server", "it never began").into()),
    }
}

/// How many lines may wait. A reader who finds it full waits, so that nothing is ever dropped.
const WAITING: usize = 8192;

/// How many lines go into one transaction.
const BATCH: usize = 1024;

/// How long lines are gathered before they are written.
const GATHER: Duration = Duration::from_millis(200);

/// When ended rows are first looked for, and how often then.
const FIRST_SWEEP: Duration = Duration::from_secs(60);
const BETWEEN_SWEEPS: Duration = Duration::from_secs(3600);

/// How often the signing keys are read again: a quarter of an hour before a new one signs, every replica must know it.
const BETWEEN_READINGS: Duration = Duration::from_secs(30);

/// How often the age of the signing key is looked at, in readings: every hour.
const READINGS: u32 = 120;

/// How often it is noted which rows of OpenEMR are there.
const BETWEEN_LOOKS: Duration = Duration::from_secs(60);

/// Where handlers leave the ledger lines of reads.
pub struct Reads {
    sender: Sender<Entry>,
    written: Arc<AtomicU64>,
}

impl Reads {
    /// Leaves a line; waits only where thousands are waiting already.
    pub async fn note(&self, entry: Entry) {
        if self.sender.send(entry).await.is_err() {
            tracing::error!("the ledger of reads has stopped");
        }
    }

    /// How many lines have been written since the start.
    pub fn written(&self) -> u64 {
        self.written.load(Ordering::Relaxed)
    }
}

/// Starts the loop. It ends, with everything written, after the [`Reads`] is dropped.
pub fn start(db: Db) -> (Reads, JoinHandle<()>) {
    let (sender, receiver) = mpsc::channel(WAITING);
    let written = Arc::new(AtomicU64::new(0));
    let reads = Reads {
        sender,
        written: written.clone(),
    };
    let task = tokio::spawn(write_behind(db, receiver, written));
    (reads, task)
}

/// Starts the loop that removes what has ended, a minute after the start and every hour from then on. It runs until
/// it is aborted; a sweep that is cut off goes on with the next one.
pub fn sweep(clock: Clock, db: Db) -> JoinHandle<()> {
    tokio::spawn(async move {
        let mut pause = FIRST_SWEEP;
        loop {
            tokio::time::sleep(pause).await;
            pause = BETWEEN_SWEEPS;
            match expiry::sweep(&db, clock().unix_timestamp()).await {
                Ok(0) => {}
                Ok(rows) => tracing::info!(rows, "removed what had ended"),
                Err(failure) => tracing::warn!(?failure, "what has ended could not be removed"),
            }
        }
    })
}

/// Starts the loop that keeps the signing keys: it reads them again every half minute, and at the start and every hour
/// from then on makes a new one where the last is older than `age`. It runs until it is aborted.
pub fn keep_keys(clock: Clock, db: Db, keys: Keys, age: Option<time::Duration>) -> JoinHandle<()> {
    tokio::spawn(async move {
        loop {
            for reading in 0..READINGS {
                let due = age.filter(|_| reading == 0);
                if let Err(failure) = look_after(&db, &keys, (due, clock())).await {
                    tracing::warn!(?failure, "the signing keys could not be looked after");
                }
                tokio::time::sleep(BETWEEN_READINGS).await;
            }
        }
    })
}

/// Starts the loop that notes which rows of OpenEMR are there, at the start and every minute from then on, so that one
/// that vanishes is told apart from one that never was; it also removes what was received and never filed, and tells staff
/// of welcomes that did not arrive. It runs until it is aborted.
pub fn watch<H>(holder: Arc<H>) -> JoinHandle<()>
where
    H: AsRef<Emr> + Send + Sync + 'static,
{
    tokio::spawn(async move {
        loop {
            let emr: &Emr = holder.as_ref().as_ref();
            if let Err(failure) = seen::look(emr).await {
                tracing::warn!(?failure, "the rows that are there could not be noted");
            }
            if let Err(failure) = spool::sweep(emr).await {
                tracing::warn!(?failure, "what was received could not be swept");
            }
            if let Err(failure) = deciding::undelivered(emr).await {
                tracing::warn!(
                    ?failure,
                    "staff could not be told of welcomes that did not arrive"
                );
            }
            tokio::time::sleep(BETWEEN_LOOKS).await;
        }
    })
}

async fn look_after(
    db: &Db,
    keys: &Keys,
    (age, now): (Option<time::Duration>, OffsetDateTime),
) -> Answer<()> {
    if let Some(age) = age
        && keys::rotate(db, now, Rotation::ByAge(age)).await?
    {
        tracing::info!("made a new signing key");
    }
    keys.refresh(db).await
}

async fn write_behind(db: Db, mut lines: Receiver<Entry>, written: Arc<AtomicU64>) {
    let mut batch = Vec::with_capacity(BATCH);
    loop {
        if lines.recv_many(&mut batch, BATCH).await == 0 {
            return;
        }
        if batch.len() < BATCH {
            tokio::time::sleep(GATHER).await;
            while batch.len() < BATCH {
                match lines.try_recv() {
                    Ok(line) => batch.push(line),
                    Err(_) => break,
                }
            }
        }
        keep(&db, &batch).await;
        written.fetch_add(
            u64::try_from(batch.len()).unwrap_or_default(),
            Ordering::Relaxed,
        );
        batch.clear();
    }
}

/// Writes a batch, trying again for as long as the database is away: a read that happened stays told.
async fn keep(db: &Db, batch: &[Entry]) {
    let mut pause = Duration::from_millis(250);
    for attempt in 1..=12 {
        match ledger::record_all(db, batch).await {
            Ok(()) => return,
            Err(failure) => {
                tracing::warn!(
                    attempt,
                    ?failure,
                    lines = batch.len(),
                    "the ledger could not be written"
                );
            }
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(Duration::from_secs(30));
    }
    tracing::error!(
        lines = batch.len(),
        "ledger lines of reads were lost: the database stayed away"
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_panics_in_a_turn_is_an_error_of_that_turn() {
        assert!(matches!(apart(async { Ok(7) }).await, Ok(7)));
        let broken: Answer<()> = apart(async { panic!("a letter nobody can read") }).await;
        assert!(broken.is_err());
    }
}
