//! The rules about a patient's insurance.

use crate::portal::Verdict;

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InsuranceAsk {}

/// What is known when it is decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InsuranceCase {}

/// What may be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InsuranceChange {}

/// Applies the practice's rules.
pub(super) fn decide(case: InsuranceCase) -> Verdict {
    match case {}
}
