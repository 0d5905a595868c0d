//! Whose turn it is to take a record away: that reads all of it, so few do at once, and each person once.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;

use crate::domain::people::Person;
use crate::domain::refusal::Refusal;

/// Records that are taken away at once.
const AT_ONCE: usize = 2;

const YOURS: &str = "Your record is on its way already. Please wait until it is there.";
const OTHERS: &str = "Others are taking their records away just now. Please try again in a minute.";

/// Who is taking a record away: `patient_data.pid`.
#[derive(Clone, Debug, Default)]
pub struct Exports(Arc<Mutex<HashSet<i64>>>);

/// A turn, which ends with this value.
#[derive(Debug)]
pub struct Turn {
    all: Exports,
    pid: i64,
}

impl Exports {
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
        match self.0.lock() {
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
    use uuid::Uuid;

    fn person(pid: i64) -> Person {
        Person {
            pid,
            uuid: Uuid::from_u128(pid.unsigned_abs().into()),
        }
    }

    #[test]
    fn two_take_their_records_away_at_once_and_each_once() {
        let exports = Exports::default();
        let first = exports.turn(person(1)).expect("free");
        assert_eq!(
            exports.turn(person(1)).err(),
            Some(Refusal::Unavailable(YOURS))
        );
        let second = exports.turn(person(2)).expect("free");
        assert_eq!(
            exports.turn(person(3)).err(),
            Some(Refusal::Unavailable(OTHERS))
        );
        drop(first);
        let again = exports.turn(person(1));
        assert!(again.is_ok());
        drop((second, again));
        assert!(exports.turn(person(3)).is_ok());
    }
}
