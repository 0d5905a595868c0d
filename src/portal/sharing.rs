//! The rule about what a patient sees of the documents in the chart (F151): staff say it.

use uuid::Uuid;

use crate::portal::Change;
use crate::portal::Verdict;
use crate::portal::permitted;
use crate::portal::rules;
use crate::portal::rules::Rule;

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShareAsk {
    /// FHIR id of the document.
    pub document: Uuid,
    /// Whether its patient is to see it.
    pub shared: bool,
}

/// What is known when it is decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShareCase {
    /// What was asked.
    pub ask: ShareAsk,
    /// `documents.id`
    pub row: i64,
    /// Whose chart it is in: `patient_data.pid`.
    pub pid: i64,
    /// FHIR id of the member of staff who asks; `None` for anybody else.
    pub by: Option<Uuid>,
}

/// When it is said anew what a patient sees.
pub const SHARE: &[Rule<ShareCase>] = &[Rule {
    id: "share.staff",
    about: "Staff say which documents of the chart its patient sees.",
    holds: |case| case.by.is_some(),
    sentence: |_| "Only the practice's staff share documents. Please ask the practice.".to_owned(),
    expression: "DocumentReference.securityLabel",
}];

/// Applies the practice's rules.
pub(super) fn decide(case: ShareCase) -> Verdict {
    let reasons = rules::broken(SHARE, &case);
    match reasons.is_empty() {
        true => permitted(Change::Share(case)),
        false => Verdict::Refused(reasons),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f151_staff_alone_share() {
        let case = |by| ShareCase {
            ask: ShareAsk {
                document: Uuid::from_u128(1),
                shared: true,
            },
            row: 1,
            pid: 7,
            by,
        };
        assert_eq!(SHARE.len(), 1, "a rule has no test");
        let allowed = decide(case(Some(Uuid::from_u128(5))));
        assert!(matches!(allowed, Verdict::Permitted(_)));
        match decide(case(None)) {
            Verdict::Refused(reasons) => assert_eq!(reasons[0].id, "share.staff"),
            Verdict::Permitted(permit) => panic!("{permit:?}"),
        }
    }
}
