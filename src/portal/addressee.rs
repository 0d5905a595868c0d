//! The rules about who of the practice takes messages from patients (F142): whoever administers its users says it.

use uuid::Uuid;

use crate::portal::Change;
use crate::portal::Verdict;
use crate::portal::permitted;
use crate::portal::rules;
use crate::portal::rules::Rule;

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AddresseeAsk {
    /// FHIR id of the member of staff.
    pub colleague: Uuid,
    /// Whether patients may write to them.
    pub takes: bool,
}

/// What is known when it is decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AddresseeCase {
    /// What was asked.
    pub ask: AddresseeAsk,
    /// `users.id`
    pub row: i64,
    /// Whether patients may write to them now (`users.portal_user`).
    pub takes: bool,
    /// Whether they work there (`users.active`).
    pub active: bool,
    /// Whether whoever asks administers users.
    pub may: bool,
}

/// When it may be said anew whether somebody takes messages.
pub const ADDRESSEE: &[Rule<AddresseeCase>] = &[
    Rule {
        id: "addressee.administrator",
        about: "Whoever administers the practice's users says who takes messages (F142).",
        holds: |case| case.may,
        sentence: |_| {
            "Who takes messages from patients is said by whoever may administer users in OpenEMR. \
                Please ask them."
                .to_owned()
        },
        expression: "Practitioner.extension",
    },
    Rule {
        id: "addressee.active",
        about: "Whoever is to take messages works there.",
        holds: |case| case.active || !case.ask.takes,
        sentence: |_| {
            "This account is not in use any more, so nobody would read what patients write."
                .to_owned()
        },
        expression: "Practitioner.active",
    },
];

/// Applies the practice's rules.
pub(super) fn decide(case: AddresseeCase) -> Verdict {
    let reasons = rules::broken(ADDRESSEE, &case);
    match reasons.is_empty() {
        true => permitted(Change::Addressee(case)),
        false => Verdict::Refused(reasons),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f142_every_rule_can_be_broken_alone() {
        type Break = fn(&mut AddresseeCase);
        let case = AddresseeCase {
            ask: AddresseeAsk {
                colleague: Uuid::from_u128(5),
                takes: true,
            },
            row: 5,
            takes: false,
            active: true,
            may: true,
        };
        let breaks: [(&str, Break); 2] = [
            ("addressee.administrator", |case| case.may = false),
            ("addressee.active", |case| case.active = false),
        ];
        assert_eq!(breaks.len(), ADDRESSEE.len(), "a rule has no test");
        assert!(matches!(decide(case), Verdict::Permitted(_)));
        for (id, broke) in breaks {
            let mut case = case;
            broke(&mut case);
            match decide(case) {
                Verdict::Refused(reasons) => {
                    let ids: Vec<&str> = reasons.iter().map(|reason| reason.id).collect();
                    assert_eq!(ids, [id]);
                }
                Verdict::Permitted(permit) => panic!("{permit:?}"),
            }
        }
        // Whoever has left can be taken off the list.
        let mut left = case;
        (left.active, left.ask.takes) = (false, false);
        assert!(matches!(decide(left), Verdict::Permitted(_)));
    }
}
