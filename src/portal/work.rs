//! The rules about something that waits and is decided.

use crate::portal::Verdict;

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WorkAsk {}

/// What is known when it is decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WorkCase {}

/// What may be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WorkChange {}

/// Applies the practice's rules.
pub(super) fn decide(case: WorkCase) -> Verdict {
    match case {}
}
