//! Whose turn it is to take a record away: that reads all of it, so few do at once, and each person once. Who takes it slowly
//! keeps a place and no more: what is read next is read in a turn of its own.

use std::collections::HashSet;
use std::future::Future;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::sync::SemaphorePermit;

use crate::domain::people::Person;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Failure;
use crate::domain::refusal::Fault;
use crate::domain::refusal::Refusal;
use crate::emr::plain::UNWRITABLE;

/// Records that are on their way at once: each has a connection, some pieces in memory and an open document.
pub const AT_ONCE: usize = 8;

/// How many of them read the next piece at the same moment.
const READ_AT_ONCE: usize = 2;

/// The longest a record may be on its way, however slowly it is taken.
pub const LONGEST: Duration = Duration::from_secs(30 * 60);

const YOURS: &str = "Your record is on its way already. Please wait until it is there.";
const OTHERS: &str = "Others are taking their records away just now. Please try again in a minute.";

/// Who is taking a record away.
#[derive(Clone, Debug)]
pub struct Exports {
    /// `patient_data.pid`
    takers: Arc<Mutex<HashSet<i64>>>,
    reading: Arc<Semaphore>,
}

/// A turn, which ends with this value.
#[derive(Debug)]
pub struct Turn {
    all: Exports,
    pid: i64,
}

impl Default for Exports {
    fn default() -> Self {
        Self {
            takers: Arc::default(),
            reading: Arc::new(Semaphore::new(READ_AT_ONCE)),
        }
    }
}

/// What takes its time, cut off after the longest of it.
///
/// # Errors
/// A fault where it took longer.
pub async fn in_time<T>(
    longest: Duration,
    work: impl Future<Output = Answer<T>> + Send,
) -> Answer<T> {
    match tokio::time::timeout(longest, work).await {
        Ok(done) => done,
        Err(error) => Err(Fault::new("sending a record", error).into()),
    }
}

impl Exports {
    /// The turn to read the next piece of a record, which is never held while somebody takes one. Nobody closes it.
    pub async fn reading(&self) -> Option<SemaphorePermit<'_>> {
        self.reading.acquire().await.ok()
    }

    /// What is read in such a turn. Where that is away for a moment it is tried again and again, and in between others have the
    /// turn; what can be written nowhere is not waited for.
    ///
    /// # Errors
    /// Those of the reading, but for one that says to come again.
    pub async fn read<T, F>(&self, pause: Duration, mut once: impl FnMut() -> F) -> Answer<T>
    where
        F: Future<Output = Answer<T>>,
    {
        loop {
            let read = {
                let _reading = self.reading().await;
                once().await
            };
            match read {
                Err(Failure::Refused(Refusal::Unavailable(why))) if why != UNWRITABLE => {
                    tokio::time::sleep(pause).await;
                }
                read => return read,
            }
        }
    }

    /// The turn of a person.
    ///
    /// # Errors
    /// `Unavailable` while the same person, or as many others as may, take theirs away.
    pub fn turn(&self, person: Person) -> Result<Turn, Refusal> {
        let mut all = self.held();
        if all.contains(&person.pid) {
            return Err(Refusal::Unavailable(YOURS));
        }
        if all.len() >= AT_ONCE {
            return Err(Refusal::Unavailable(OTHERS));
        }
        all.insert(person.pid);
        Ok(Turn {
            all: self.clone(),
            pid: person.pid,
        })
    }

    fn held(&self) -> MutexGuard<'_, HashSet<i64>> {
        match self.takers.lock() {
            Ok(held) => held,
            Err(poisoned) => poisoned.into_inner(),
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.all.held().remove(&self.pid);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::pin::pin;
    use tokio::time::timeout;
    use uuid::Uuid;

    const SHORT: Duration = Duration::from_millis(20);
    const LONG: Duration = Duration::from_secs(3600);

    fn person(pid: i64) -> Person {
        Person {
            pid,
            uuid: Uuid::from_u128(pid.unsigned_abs().into()),
        }
    }

    #[test]
    fn f159_some_take_their_records_away_at_once_and_each_once() {
        let exports = Exports::default();
        let first = exports.turn(person(1)).expect("free");
        assert_eq!(
            exports.turn(person(1)).err(),
            Some(Refusal::Unavailable(YOURS))
        );
        let others: Vec<Turn> = (2..)
            .take(AT_ONCE - 1)
            .map(|pid| exports.turn(person(pid)).expect("free"))
            .collect();
        assert_eq!(
            exports.turn(person(900)).err(),
            Some(Refusal::Unavailable(OTHERS))
        );
        drop(first);
        let again = exports.turn(person(1));
        assert!(again.is_ok());
        drop((others, again));
        assert!(exports.turn(person(900)).is_ok());
    }

    #[tokio::test]
    async fn f159_who_takes_a_record_slowly_keeps_nobody_from_reading_and_not_for_ever() {
        let exports = Exports::default();
        let places: Vec<Turn> = (1..)
            .take(AT_ONCE - 1)
            .map(|pid| exports.turn(person(pid)).expect("free"))
            .collect();
        // As many places as that, and still two read at once.
        let first = exports.reading().await;
        let second = exports.reading().await;
        assert!(first.is_some() && second.is_some());
        let third = tokio::time::timeout(Duration::from_millis(20), exports.reading()).await;
        assert!(third.is_err(), "a third one waits");
        drop(first);
        assert!(exports.reading().await.is_some());
        drop(places);
        let never = std::future::pending::<Answer<()>>();
        assert!(in_time(Duration::from_millis(1), never).await.is_err());
        let at_once = async { Ok(7) };
        assert_eq!(in_time(LONGEST, at_once).await.expect("whole"), 7);
    }

    #[tokio::test]
    async fn f159_what_has_no_place_yet_is_tried_again_and_others_read_meanwhile() {
        let exports = Exports::default();
        let mut tries = 0;
        let third = exports.read(Duration::from_millis(1), || {
            tries += 1;
            let full = tries < 3;
            async move {
                match full {
                    true => Err(Failure::from(Refusal::Unavailable("full"))),
                    false => Ok(7),
                }
            }
        });
        assert_eq!(third.await.expect("read"), 7);
        assert_eq!(tries, 3);
        let full = || async { Err::<(), _>(Failure::from(Refusal::Unavailable("full"))) };
        let mut waiting = pin!(exports.read(LONG, full));
        assert!(timeout(SHORT, waiting.as_mut()).await.is_err());
        let first = timeout(LONG, exports.reading()).await;
        let second = timeout(LONG, exports.reading()).await;
        assert!(first.is_ok() && second.is_ok(), "both turns are free");
    }

    #[tokio::test]
    async fn f159_what_comes_of_no_waiting_is_not_waited_for() {
        let exports = Exports::default();
        for why in [Refusal::Unavailable(UNWRITABLE), Refusal::NotFound] {
            let once = || async { Err::<(), _>(Failure::from(why.clone())) };
            let told = timeout(LONG, exports.read(LONG, once)).await;
            let told = told.expect("at once");
            assert!(matches!(told, Err(Failure::Refused(refusal)) if refusal == why));
        }
    }
}
