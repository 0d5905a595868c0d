//! The rules about a message between patient and staff: who may write to whom (F140, F141).

use uuid::Uuid;

use crate::domain::people::Person;
use crate::portal::Change;
use crate::portal::Verdict;
use crate::portal::permitted;
use crate::portal::rules;
use crate::portal::rules::Rule;

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MessageAsk {
    /// A new message.
    Send(Letter),
    /// Marks on the own copy.
    Mark(Mark),
}

/// A new message as its writer has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// Whose mailbox it is about: the patient of the token, or the one staff write to.
    pub patient: Uuid,
    /// The member of staff a patient writes to; `None` where staff write.
    pub colleague: Option<Uuid>,
    /// The message that is answered.
    pub answered: Option<Uuid>,
    /// Subject line; may be empty.
    pub title: String,
    /// The text.
    pub body: String,
}

/// What a patient notes on the own copy of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// FHIR id of the copy.
    pub message: Uuid,
    /// It has been read. What was read stays so.
    pub read: bool,
    /// It is put away, or not any more.
    pub archived: bool,
}

/// What is known when it is decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MessageCase {
    /// About a new message.
    Send(SendCase),
    /// About marks.
    Mark(MarkCase),
}

/// What is known of a new message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SendCase {
    /// What was asked.
    pub letter: Letter,
    /// Whether the portal is on (`portal_onsite_two_enable`).
    pub portal_on: bool,
    /// Whether the patient's own portal is on (`allow_patient_portal`).
    pub patient_on: bool,
    /// The patient.
    pub person: Person,
    /// The patient's end; `None` where no mailbox is this patient's alone.
    pub patient: Option<End>,
    /// The end of staff; `None` where nobody who takes part in the portal has that id.
    pub colleague: Option<End>,
    /// Whether the patient writes.
    pub by: Writer,
    /// The thread in the patient's mailbox, where one is answered.
    pub thread: Option<i64>,
}

/// Who writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Writer {
    /// The patient, to staff.
    Patient,
    /// Staff, to the patient.
    Staff,
}

/// One end of a message: the name of its mailbox, and the name to show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct End {
    /// `onsite_mail.owner`.
    pub mailbox: String,
    /// For display.
    pub name: String,
}

/// What is known of marks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MarkCase {
    /// What was asked.
    pub mark: Mark,
    /// Whether the portal is on (`portal_onsite_two_enable`).
    pub portal_on: bool,
    /// The row.
    pub row: Copied,
}

/// The patient's copy as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Copied {
    /// `onsite_mail.id`.
    pub row: i64,
    /// The mailbox it lies in.
    pub owner: String,
    /// `message_status`.
    pub status: String,
    /// `deleted`.
    pub archived: bool,
}

/// What may be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MessageChange {
    /// Both copies of a message.
    Send {
        /// Who writes.
        by: Writer,
        /// The patient's end.
        patient: End,
        /// The end of staff.
        colleague: End,
        /// What is written.
        letter: Letter,
        /// The thread in the patient's mailbox, where one is answered.
        thread: Option<i64>,
    },
    /// Marks on one copy.
    Mark {
        /// The copy as the rules saw it.
        row: Copied,
        /// What is to hold.
        mark: Mark,
    },
}

const OFF: &str = "The practice's portal is switched off. Please call the practice.";

/// When a message may be sent.
pub const SEND: &[Rule<SendCase>] = &[
    Rule {
        id: "portal-disabled",
        about: "The patient portal is switched on.",
        holds: |case| case.portal_on,
        sentence: |_| OFF.to_owned(),
        expression: "portal_onsite_two_enable",
    },
    Rule {
        id: "message.patient-off",
        about: "The patient's own portal is switched on.",
        holds: |case| case.patient_on,
        sentence: |case| match case.by {
            Writer::Patient => {
                "Your access to the portal is switched off. Please call the practice.".to_owned()
            }
            Writer::Staff => {
                "This patient does not use the portal, so nobody would read it.".to_owned()
            }
        },
        expression: "allow_patient_portal",
    },
    Rule {
        id: "message.mailbox",
        about: "The patient has a mailbox that is nobody else's.",
        holds: |case| case.patient.is_some(),
        sentence: |_| {
            "There is no mailbox of this patient alone. Please call the practice.".to_owned()
        },
        expression: "patient_access_onsite.portal_username",
    },
    Rule {
        id: "recipient-not-portal-user",
        about: "The member of staff takes part in the portal (F141).",
        holds: |case| case.colleague.is_some(),
        sentence: |case| match case.by {
            Writer::Patient => "This person does not take messages from patients. Please choose \
                one of the people your practice offers."
                .to_owned(),
            Writer::Staff => {
                "You do not take part in the patient portal, so the patient could not \
                answer. An administrator switches that on in your user settings."
                    .to_owned()
            }
        },
        expression: "Communication.recipient",
    },
];

/// When a copy may be marked.
pub const MARK: &[Rule<MarkCase>] = &[
    Rule {
        id: "portal-disabled",
        about: "The patient portal is switched on.",
        holds: |case| case.portal_on,
        sentence: |_| OFF.to_owned(),
        expression: "portal_onsite_two_enable",
    },
    Rule {
        id: "message.unread",
        about: "What has been read stays read, and what is put away counts as read.",
        holds: |case| {
            let unread = case.row.status.eq_ignore_ascii_case("New");
            case.mark.read || (unread && !case.mark.archived)
        },
        sentence: |_| {
            "A message that was read or put away counts as read; that cannot be taken back."
                .to_owned()
        },
        expression: "Communication.extension",
    },
];

/// Applies the practice's rules.
pub(super) fn decide(case: MessageCase) -> Verdict {
    match case {
        MessageCase::Send(case) => {
            let reasons = rules::broken(SEND, &case);
            match (reasons.is_empty(), case.patient, case.colleague) {
                (true, Some(patient), Some(colleague)) => {
                    permitted(Change::Message(MessageChange::Send {
                        by: case.by,
                        patient,
                        colleague,
                        letter: case.letter,
                        thread: case.thread,
                    }))
                }
                _ => Verdict::Refused(reasons),
            }
        }
        MessageCase::Mark(case) => {
            let reasons = rules::broken(MARK, &case);
            match reasons.is_empty() {
                true => permitted(Change::Message(MessageChange::Mark {
                    row: case.row,
                    mark: case.mark,
                })),
                false => Verdict::Refused(reasons),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn end(name: &str) -> Option<End> {
        Some(End {
            mailbox: name.to_owned(),
            name: name.to_owned(),
        })
    }

    fn case(by: Writer) -> SendCase {
        SendCase {
            letter: Letter {
                patient: Uuid::from_u128(7),
                colleague: Some(Uuid::from_u128(5)),
                answered: None,
                title: "Question".to_owned(),
                body: "May I?".to_owned(),
            },
            portal_on: true,
            patient_on: true,
            person: Person {
                pid: 7,
                uuid: Uuid::from_u128(7),
            },
            patient: end("ana"),
            colleague: end("lee"),
            by,
            thread: None,
        }
    }

    fn ids(verdict: Verdict) -> Vec<&'static str> {
        match verdict {
            Verdict::Refused(reasons) => reasons.iter().map(|reason| reason.id).collect(),
            Verdict::Permitted(_) => Vec::new(),
        }
    }

    #[test]
    fn every_rule_of_sending_can_be_broken_alone() {
        type Break = fn(&mut SendCase);
        let breaks: [(&str, Break); 4] = [
            ("portal-disabled", |case| case.portal_on = false),
            ("message.patient-off", |case| case.patient_on = false),
            ("message.mailbox", |case| case.patient = None),
            ("recipient-not-portal-user", |case| case.colleague = None),
        ];
        assert_eq!(breaks.len(), SEND.len(), "a rule has no test");
        for by in [Writer::Patient, Writer::Staff] {
            assert!(ids(decide(MessageCase::Send(case(by)))).is_empty());
            for (id, broke) in breaks {
                let mut case = case(by);
                broke(&mut case);
                assert_eq!(ids(decide(MessageCase::Send(case))), [id]);
            }
        }
    }

    #[test]
    fn what_was_read_stays_read() {
        let case = |status: &str, read, portal_on| {
            MessageCase::Mark(MarkCase {
                mark: Mark {
                    message: Uuid::from_u128(1),
                    read,
                    archived: false,
                },
                portal_on,
                row: Copied {
                    row: 1,
                    owner: "ana".to_owned(),
                    status: status.to_owned(),
                    archived: false,
                },
            })
        };
        assert!(ids(decide(case("New", true, true))).is_empty());
        assert!(ids(decide(case("New", false, true))).is_empty());
        assert!(ids(decide(case("Read", true, true))).is_empty());
        assert_eq!(ids(decide(case("Read", false, true))), ["message.unread"]);
        assert_eq!(ids(decide(case("New", true, false))), ["portal-disabled"]);
    }
}
