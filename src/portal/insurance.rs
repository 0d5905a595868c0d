//! The rules about a patient's insurance.

use uuid::Uuid;

use crate::config::Choice;
use crate::domain::coverage::Coverage;
use crate::domain::coverage::Policy;
use crate::domain::people::Person;
use crate::portal::Change;
use crate::portal::Verdict;
use crate::portal::chart::Writer;
use crate::portal::permitted;
use crate::portal::rules;
use crate::portal::rules::Rule;

/// What is asked: an insurance as it is to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InsuranceAsk {
    /// The FHIR id it has or is to have.
    pub id: Uuid,
    /// Whose, as the body says; of one that is there it is the one of the row.
    pub patient: Uuid,
    /// The insurance as it stands; `None` for a new one.
    pub before: Option<Coverage>,
    /// What it is to say.
    pub policy: Policy,
}

/// What is known when it is decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InsuranceCase {
    /// What was asked.
    pub ask: InsuranceAsk,
    /// Whose chart it is.
    pub person: Person,
    /// The insurer's row, where the practice knows it.
    pub insurer: Option<i64>,
    /// Whether another insurance of that rank begins on that day.
    pub taken: bool,
    /// Whether the row of an insurance can hold a last day.
    pub ends: bool,
    /// Who asks.
    pub writer: Writer,
    /// Through which app.
    pub client_id: String,
    /// Whether the portal is on.
    pub portal_on: bool,
    /// What becomes of a patient's wish (`review_coverage`).
    pub choice: Choice,
}

/// What may be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InsuranceChange {
    /// What was asked.
    pub ask: InsuranceAsk,
    /// Whose chart it is.
    pub person: Person,
    /// The insurer's row.
    pub insurer: i64,
    /// Who asks.
    pub writer: Writer,
    /// Through which app.
    pub client_id: String,
    /// Whether it waits for staff.
    pub waits: bool,
}

/// What an insurance must keep to.
pub const INSURANCE: &[Rule<InsuranceCase>] = &[
    Rule {
        id: "portal-disabled",
        about: "The patient portal is switched on, or staff write.",
        holds: |case| case.portal_on || case.writer != Writer::Patient,
        sentence: |_| "The practice's portal is switched off. Please call the practice.".to_owned(),
        expression: "portal_onsite_two_enable",
    },
    Rule {
        id: "coverage.forbidden",
        about: "The practice takes insurances here, or staff write.",
        holds: |case| case.writer != Writer::Patient || case.choice != Choice::Forbidden,
        sentence: |_| {
            "The practice takes no insurances online. Please call the practice, and bring the card."
                .to_owned()
        },
        expression: "review_coverage",
    },
    Rule {
        id: "coverage.payor",
        about: "The insurer is one the practice works with.",
        holds: |case| case.insurer.is_some(),
        sentence: |_| {
            "The practice does not know this insurer. Please choose one of its Organizations, or call the practice."
                .to_owned()
        },
        expression: "Coverage.payor",
    },
    Rule {
        id: "coverage.number",
        about: "An insurance has a policy number.",
        holds: |case| !case.ask.policy.number.trim().is_empty(),
        sentence: |_| "The number on the insurance card is needed.".to_owned(),
        expression: "Coverage.subscriberId",
    },
    Rule {
        id: "coverage.start",
        about: "An insurance says its first day.",
        holds: |case| case.ask.policy.start.is_some(),
        sentence: |_| "The first day of the insurance is needed.".to_owned(),
        expression: "Coverage.period.start",
    },
    Rule {
        id: "coverage.end",
        about: "An insurance ends after it begins, and OpenEMR has a place for that day where one is set.",
        holds: |case| {
            let policy = &case.ask.policy;
            let before = case
                .ask
                .before
                .as_ref()
                .and_then(|before| before.policy.end);
            let ordered = match (policy.start, policy.end) {
                (Some(start), Some(end)) => start <= end,
                _ => true,
            };
            ordered && (case.ends || policy.end == before)
        },
        sentence: |case| match case.ends {
            true => "The last day of the insurance must not be before its first.".to_owned(),
            false => {
                "This practice's OpenEMR has no place for the last day of an insurance.".to_owned()
            }
        },
        expression: "Coverage.period.end",
    },
    Rule {
        id: "coverage.taken",
        about: "No other insurance of that rank begins on the same day.",
        holds: |case| !case.taken,
        sentence: |case| {
            let rank = case.ask.policy.rank.word();
            format!("There is a {rank} insurance from that day already: change that one.")
        },
        expression: "Coverage.order",
    },
];

/// Applies the practice's rules.
pub(super) fn decide(case: InsuranceCase) -> Verdict {
    let reasons = rules::broken(INSURANCE, &case);
    match (reasons.is_empty(), case.insurer) {
        (true, Some(insurer)) => permitted(Change::Insurance(Box::new(InsuranceChange {
            ask: case.ask,
            person: case.person,
            insurer,
            waits: case.writer == Writer::Patient && case.choice != Choice::Automatic,
            writer: case.writer,
            client_id: case.client_id,
        }))),
        _ => Verdict::Refused(reasons),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::coverage::Rank;
    use crate::domain::coverage::Relationship;
    use time::macros::date;

    fn case() -> InsuranceCase {
        let person = Person {
            pid: 1,
            uuid: Uuid::from_u128(1),
        };
        InsuranceCase {
            ask: InsuranceAsk {
                id: Uuid::from_u128(2),
                patient: person.uuid,
                before: None,
                policy: Policy {
                    rank: Rank::Primary,
                    payor: (None, "Harbor".to_owned()),
                    plan: String::new(),
                    group: String::new(),
                    number: "X1".to_owned(),
                    relationship: Relationship::Own,
                    subscriber: Default::default(),
                    start: Some(date!(2026 - 01 - 01)),
                    end: None,
                },
            },
            person,
            insurer: Some(10),
            taken: false,
            ends: true,
            writer: Writer::Patient,
            client_id: "app".to_owned(),
            portal_on: true,
            choice: Choice::Review,
        }
    }

    #[test]
    fn every_rule_can_be_broken_alone() {
        type Break = fn(&mut InsuranceCase);
        let breaks: [(&str, Break); 7] = [
            ("portal-disabled", |case| case.portal_on = false),
            ("coverage.forbidden", |case| case.choice = Choice::Forbidden),
            ("coverage.payor", |case| case.insurer = None),
            ("coverage.number", |case| case.ask.policy.number.clear()),
            ("coverage.start", |case| case.ask.policy.start = None),
            ("coverage.end", |case| {
                case.ask.policy.end = Some(date!(2025 - 01 - 01))
            }),
            ("coverage.taken", |case| case.taken = true),
        ];
        assert_eq!(breaks.len(), INSURANCE.len(), "a rule has no test");
        for (id, broke) in breaks {
            let mut case = case();
            broke(&mut case);
            let broken = rules::broken(INSURANCE, &case);
            let ids: Vec<&str> = broken.iter().map(|reason| reason.id).collect();
            assert_eq!(ids, [id]);
        }
        assert!(matches!(decide(case()), Verdict::Permitted(_)));
    }

    #[test]
    fn where_there_is_no_place_for_a_last_day_none_is_taken() {
        let mut case = case();
        case.ends = false;
        case.ask.policy.end = Some(date!(2026 - 12 - 31));
        assert!(
            matches!(decide(case), Verdict::Refused(reasons) if reasons[0].id == "coverage.end")
        );
    }
}
