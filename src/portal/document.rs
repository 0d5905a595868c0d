//! The rules about a document that is filed.

use crate::portal::Verdict;

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DocumentAsk {}

/// What is known when it is decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DocumentCase {}

/// What may be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DocumentChange {}

/// Applies the practice's rules.
pub(super) fn decide(case: DocumentCase) -> Verdict {
    match case {}
}
