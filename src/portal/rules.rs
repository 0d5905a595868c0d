//! The rules as tables: one table an action, one row a rule. Ids are stable; sentences are for the patient.

use crate::domain::refusal::Reason;
use crate::domain::visits::Status;
use crate::portal::CancelCase;
use crate::portal::account;
use crate::portal::addressee;
use crate::portal::chart;
use crate::portal::document;
use crate::portal::form;
use crate::portal::insurance;
use crate::portal::login;
use crate::portal::message;
use crate::portal::registration;
use crate::portal::sharing;
use crate::portal::visit;
use crate::portal::work;

/// One rule about facts of type `F`.
#[derive(Debug)]
pub struct Rule<F: 'static> {
    /// The stable dotted id; the code in `https://anteroom.dev/fhir/CodeSystem/reason`.
    pub id: &'static str,
    /// What must hold, as a sentence for the practice.
    pub about: &'static str,
    /// Whether it holds.
    pub holds: fn(&F) -> bool,
    /// What the patient reads where it does not.
    pub sentence: fn(&F) -> String,
    /// FHIRPath of the element, or name of the setting, that would have to change.
    pub expression: &'static str,
}

// By hand, because a derive would want facts that can be copied too.
impl<F> Clone for Rule<F> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<F> Copy for Rule<F> {}

/// When a patient may call off a visit: F127, F128; row ids are the codes.
pub const CANCEL: &[Rule<CancelCase>] = &[
    Rule {
        id: "portal-disabled",
        about: "The patient portal is switched on.",
        holds: |case| case.portal_on,
        sentence: |_| "The practice's portal is switched off. Please call the practice.".to_owned(),
        expression: "portal_onsite_two_enable",
    },
    Rule {
        id: "cancel.off",
        about: "The practice offers appointments in the portal.",
        holds: |case| case.appointments_on,
        sentence: |_| {
            "The practice does not take changes to visits online. Please call the practice."
                .to_owned()
        },
        expression: "allow_portal_appointments",
    },
    Rule {
        id: "cancel.status",
        about: "The visit is asked for, agreed or waiting for a call; it has not begun, ended or been cancelled.",
        holds: |case| {
            matches!(
                case.appointment.status,
                Status::Pending | Status::Booked | Status::Waitlist
            )
        },
        sentence: |case| match case.appointment.status {
            Status::Cancelled => "This visit is already cancelled.".to_owned(),
            _ => "This visit has begun or is over, so it can no longer be cancelled.".to_owned(),
        },
        expression: "Appointment.status",
    },
    Rule {
        id: "cancel.past",
        about: "The visit's time has not come yet.",
        // A request to be called back has no time that could have passed.
        holds: |case| {
            case.appointment.status == Status::Waitlist || case.now < case.appointment.start
        },
        sentence: |_| "This visit's time has passed, so it can no longer be cancelled.".to_owned(),
        expression: "Appointment.start",
    },
    Rule {
        id: "cancel.notice",
        about: "The visit is at least as many hours away as the practice asks for.",
        holds: |case| {
            // A visit that has passed breaks its own rule, not this one too.
            case.now >= case.appointment.start || case.appointment.start - case.now >= case.notice
        },
        sentence: |case| {
            format!(
                "The practice asks for {} hours' notice. Please call the practice.",
                case.notice.whole_hours()
            )
        },
        expression: "cancel_notice_hours",
    },
];

/// Every rule of a table that does not hold, in the table's order.
pub fn broken<F>(rules: &[Rule<F>], facts: &F) -> Vec<Reason> {
    let broken = rules.iter().filter(|rule| !(rule.holds)(facts));
    let reasons = broken.map(|rule| Reason {
        id: rule.id,
        text: (rule.sentence)(facts),
        expression: rule.expression,
    });
    reasons.collect()
}

/// One rule of one table: its id, what must hold, and the element or setting that decides.
pub type Told = (&'static str, &'static str, &'static str);

/// Every table with its title; a table of another module is a line here (`tests/definitions/made.rs` counts them).
pub fn tables() -> Vec<(&'static str, Vec<Told>)> {
    vec![
        (
            "A patient may cancel a visit where all of this holds.",
            told(CANCEL),
        ),
        (
            "A patient may ask for a visit where all of this holds.",
            told(visit::REQUEST),
        ),
        (
            "Staff may book a visit where all of this holds.",
            told(visit::BOOK),
        ),
        (
            "Staff may change a visit where all of this holds.",
            told(visit::EDIT),
        ),
        (
            "A patient may agree to a time that was proposed where all of this holds.",
            told(visit::ACCEPT),
        ),
        (
            "A chart may be changed, or the change asked for, where all of this holds.",
            told(chart::CHART),
        ),
        (
            "An insurance may be changed, or the change asked for, where all of this holds.",
            told(insurance::INSURANCE),
        ),
        (
            "Staff may put a form before a patient where all of this holds.",
            told(form::PUT),
        ),
        (
            "Staff may make a form for all patients where all of this holds.",
            told(form::keep::KEEP),
        ),
        (
            "A patient may fill in a form, and sign it, where all of this holds.",
            told(form::FILL),
        ),
        (
            "A message may be sent where all of this holds.",
            told(message::SEND),
        ),
        (
            "A message may be marked where all of this holds.",
            told(message::MARK),
        ),
        (
            "The own copies of a thread may be sorted where all of this holds.",
            told(message::SORT),
        ),
        (
            "A document may be filed where all of this holds.",
            told(document::FILE),
        ),
        (
            "A document may be shared with its patient, or taken back, where all of this holds.",
            told(sharing::SHARE),
        ),
        (
            "Whether somebody of the practice takes messages may be said where all of this holds.",
            told(addressee::ADDRESSEE),
        ),
        (
            "What waits may be decided where all of this holds.",
            told(work::WORK),
        ),
        (
            "A patient may be let in where all of this holds.",
            told(account::ENABLE),
        ),
        (
            "A patient may be shut out, locked or unlocked where all of this holds.",
            told(account::SWITCH),
        ),
        (
            "Credentials may be made where all of this holds.",
            told(account::CREDENTIAL),
        ),
        (
            "A letter may go to a patient where all of this holds.",
            told(account::LETTER),
        ),
        (
            "Credentials may be reset where all of this holds.",
            told(account::RESET),
        ),
        (
            "A patient may be sent a link that was asked for on the login page where all of this holds.",
            told(account::LINK),
        ),
        (
            "New patients may register where all of this holds.",
            told(registration::OFFER),
        ),
        (
            "What somebody types who registers is taken where all of this holds.",
            told(registration::FORM),
        ),
        (
            "A chart is opened for somebody who registered where all of this holds.",
            told(registration::OPEN),
        ),
        (
            "A login name and a password may be typed where all of this holds.",
            told(login::LOGIN),
        ),
    ]
}

fn told<F>(rules: &[Rule<F>]) -> Vec<Told> {
    let told = rules
        .iter()
        .map(|rule| (rule.id, rule.about, rule.expression));
    told.collect()
}

/// Every rule of every table once, by id: what it asks for and what would have to change. The CodeSystem of reasons.
pub fn all() -> Vec<Told> {
    let rules = tables().into_iter().flat_map(|(_, rules)| rules);
    let mut all: Vec<Told> = rules.collect();
    all.sort_unstable();
    all.dedup_by_key(|(id, ..)| *id);
    all
}

/// The tables as Markdown, for a practice manager to read and sign.
pub fn markdown() -> String {
    let tables = tables().into_iter().map(|(title, rules)| {
        let mut text =
            format!("{title}\n\n| rule | what must hold | decided by |\n| --- | --- | --- |\n");
        for (id, about, expression) in rules {
            text.push_str(&format!("| `{id}` | {about} | `{expression}` |\n"));
        }
        text
    });
    tables.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::people::Person;
    use crate::domain::visits::Appointment;
    use crate::domain::visits::Cancellation;
    use crate::portal::Case;
    use crate::portal::Change;
    use crate::portal::Verdict;
    use crate::portal::decide;
    use time::Duration;
    use time::macros::datetime;
    use uuid::Uuid;

    /// A visit in three days that may be cancelled.
    fn case() -> CancelCase {
        let now = datetime!(2026-11-21 10:00 UTC);
        let start = now + Duration::days(3);
        CancelCase {
            ask: Cancellation {
                uuid: Uuid::from_u128(1),
                seen: None,
                reason: String::new(),
            },
            appointment: Appointment {
                uuid: Uuid::from_u128(1),
                person: Person {
                    pid: 1,
                    uuid: Uuid::from_u128(2),
                },
                patient_name: String::new(),
                status: Status::Booked,
                mark: "-".to_owned(),
                category: None,
                start,
                end: start + Duration::minutes(15),
                providers: Vec::new(),
                specialties: Vec::new(),
                location: None,
                comment: String::new(),
                created: None,
                series: false,
                offered: false,
                slot: None,
            },
            now,
            portal_on: true,
            appointments_on: true,
            notice: Duration::ZERO,
        }
    }

    fn ids(case: &CancelCase) -> Vec<&'static str> {
        broken(CANCEL, case)
            .iter()
            .map(|reason| reason.id)
            .collect()
    }

    #[test]
    fn f127_a_future_visit_may_be_cancelled() {
        let verdict = decide(Case::Cancel(case()));
        let Verdict::Permitted(permit) = verdict else {
            panic!("refused")
        };
        let Change::Cancel { mark, .. } = permit.change() else {
            panic!("something else")
        };
        assert_eq!(*mark, "x");
    }

    #[test]
    fn f128_within_a_day_the_mark_is_the_late_one() {
        let mut case = case();
        case.now = case.appointment.start - Duration::hours(23);
        let Verdict::Permitted(permit) = decide(Case::Cancel(case)) else {
            panic!("refused")
        };
        let Change::Cancel { mark, .. } = permit.change() else {
            panic!("something else")
        };
        assert_eq!(*mark, "%");
    }

    #[test]
    fn every_rule_can_be_broken_alone() {
        type Break = fn(&mut CancelCase);
        let breaks: [(&str, Break); 5] = [
            ("portal-disabled", |case| case.portal_on = false),
            ("cancel.off", |case| case.appointments_on = false),
            ("cancel.status", |case| {
                case.appointment.status = Status::Fulfilled;
            }),
            ("cancel.past", |case| {
                case.now = case.appointment.start + Duration::MINUTE;
            }),
            ("cancel.notice", |case| case.notice = Duration::days(4)),
        ];
        assert_eq!(breaks.len(), CANCEL.len(), "a rule has no test");
        for (id, broke) in breaks {
            let mut case = case();
            broke(&mut case);
            assert_eq!(ids(&case), [id]);
        }
    }

    #[test]
    fn every_broken_rule_is_told_not_only_the_first() {
        let mut case = case();
        case.portal_on = false;
        case.appointments_on = false;
        assert_eq!(ids(&case), ["portal-disabled", "cancel.off"]);
    }

    #[test]
    fn the_tables_print_as_markdown() {
        let text = markdown();
        for (id, about, expression) in all() {
            let row = format!("| `{id}` | {about} | `{expression}` |");
            assert!(text.contains(&row), "{id}");
        }
        let tables = super::tables();
        let rules: usize = tables.iter().map(|(_, rules)| rules.len()).sum();
        assert_eq!(text.lines().count(), rules + 5 * tables.len() - 1);
    }
}
