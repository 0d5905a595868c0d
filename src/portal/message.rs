//! The rules about a message between patient and staff.

use crate::portal::Verdict;

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MessageAsk {}

/// What is known when it is decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MessageCase {}

/// What may be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MessageChange {}

/// Applies the practice's rules.
pub(super) fn decide(case: MessageCase) -> Verdict {
    match case {}
}
