//! The rules about a visit: asked for, moved or marked.

use crate::portal::Verdict;

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VisitAsk {}

/// What is known when it is decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VisitCase {}

/// What may be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VisitChange {}

/// Applies the practice's rules.
pub(super) fn decide(case: VisitCase) -> Verdict {
    match case {}
}
