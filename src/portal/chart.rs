//! The rules about a chart: what a patient asks to have changed, and what staff change.

use crate::portal::Verdict;

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChartAsk {}

/// What is known when it is decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChartCase {}

/// What may be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChartChange {}

/// Applies the practice's rules.
pub(super) fn decide(case: ChartCase) -> Verdict {
    match case {}
}
