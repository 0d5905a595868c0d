//! The rules about a message between patient and staff: who may write to whom (F140, F141).

use uuid::Uuid;

use crate::domain::people::Person;
use crate::domain::records::Topic;
use crate::portal::Change;
use crate::portal::Verdict;
use crate::portal::document;
use crate::portal::document::DocumentCase;
use crate::portal::document::Paper;
use crate::portal::permitted;
use crate::portal::rules;
use crate::portal::rules::Rule;
use crate::portal::sharing;
use crate::portal::sharing::ShareCase;

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MessageAsk {
    /// A new message.
    Send(Letter),
    /// Marks on the own copy.
    Mark(Mark),
    /// What becomes of the own copies of a whole thread.
    Sort(Sort),
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
    /// What is said.
    pub body: Body,
    /// What it is about, where that was said.
    pub topic: Option<Topic>,
    /// The documents it carries.
    pub enclosed: Vec<Enclosure>,
}

/// What a message says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// Text, kept letter by letter.
    Text(String),
    /// HTML, kept as far as it is safe to show.
    Html(String),
}

/// A document that goes along with a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Enclosure {
    /// One of the chart.
    Known(Uuid),
    /// One that is filed with the message.
    New(Paper),
}

/// A document that goes along, as it was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Enclosed {
    /// One of the chart.
    Known {
        /// `documents.id`
        row: i64,
        /// Its name.
        name: String,
        /// What is known of sharing it, where staff send it along: its patient sees it from then on.
        share: Option<ShareCase>,
    },
    /// One that is filed with the message, by the rules of every upload.
    New(Box<DocumentCase>),
}

/// What is to become of the own copies of a thread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sort {
    /// FHIR id of one of the copies.
    pub message: Uuid,
    /// What.
    pub deed: Deed,
    /// The copies that were shown (`onsite_mail.id`): those count as read, and whatever came after the newest of them stays
    /// as it is.
    pub shown: Vec<i64>,
}

/// What can become of the own copies of a thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// What was new has been read.
    Read,
    /// They are put away.
    Archive,
    /// They are put away no more.
    Back,
    /// They are completed (F146).
    Complete,
}

/// What somebody notes on the own copy of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// FHIR id of the patient's copy.
    pub message: Uuid,
    /// In whose mailbox that is.
    pub person: Person,
    /// It has been read. What was read stays so.
    pub read: bool,
    /// It is put away, or not any more.
    pub archived: bool,
    /// It is completed from now on (F146).
    pub completes: bool,
}

/// What is known when it is decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MessageCase {
    /// About a new message.
    Send(SendCase),
    /// About marks.
    Mark(MarkCase),
    /// About the copies of a thread.
    Sort(SortCase),
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
    /// FHIR id of the member of staff who writes.
    pub author: Option<Uuid>,
    /// The thread in the patient's mailbox, where one is answered.
    pub thread: Option<i64>,
    /// The documents that go along.
    pub enclosed: Vec<Enclosed>,
}

/// Who writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Writer {
    /// The patient, to staff.
    Patient,
    /// Staff, to the patient.
    Staff,
}

/// One end of a message: the names of its mailbox, and the name to show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct End {
    /// Every `onsite_mail.owner` of what lies in it, first the one of what is written to it.
    pub names: Vec<String>,
    /// For display.
    pub name: String,
}

impl End {
    /// `onsite_mail.owner` of what is written to it.
    pub fn mailbox(&self) -> &str {
        self.names.first().map_or("", String::as_str)
    }
}

/// What is known of marks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MarkCase {
    /// What was asked.
    pub mark: Mark,
    /// Who marks: staff only complete, in their own copy.
    pub by: Writer,
    /// Whether the portal is on (`portal_onsite_two_enable`).
    pub portal_on: bool,
    /// The own copy; `None` for staff who neither wrote nor got the message.
    pub row: Option<Copied>,
}

/// What is known of the copies of a thread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SortCase {
    /// What was asked.
    pub sort: Sort,
    /// Whether the portal is on (`portal_onsite_two_enable`).
    pub portal_on: bool,
    /// The thread in the own mailbox.
    pub thread: Thread,
}

/// The own copies of a thread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Thread {
    /// The names of the mailbox.
    pub owners: Vec<String>,
    /// `mail_chain`
    pub chain: i64,
    /// The names of the mailbox at the other end, where it is a thread with one alone: at the desk.
    pub other: Option<Vec<String>>,
}

/// An own copy as it stands.
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
        /// FHIR id of the member of staff who writes: what they enclose is shared.
        author: Option<Uuid>,
        /// Whose mailbox it is about.
        person: Person,
        /// The patient's end.
        patient: End,
        /// The end of staff.
        colleague: End,
        /// What is written.
        letter: Box<Letter>,
        /// The thread in the patient's mailbox, where one is answered.
        thread: Option<i64>,
        /// The documents that go along.
        enclosed: Vec<Enclosed>,
    },
    /// Marks on one copy.
    Mark {
        /// The copy as the rules saw it.
        row: Copied,
        /// What is to hold.
        mark: Mark,
    },
    /// The own copies of a thread.
    Sort {
        /// Which.
        thread: Thread,
        /// What becomes of them.
        sort: Sort,
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
            let status = case.row.as_ref().map_or("New", |row| row.status.as_str());
            let unread = status.eq_ignore_ascii_case("New");
            case.by == Writer::Staff || case.mark.read || (unread && !case.mark.archived)
        },
        sentence: |_| {
            "A message that was read or put away counts as read; that cannot be taken back."
                .to_owned()
        },
        expression: "Communication.extension",
    },
    Rule {
        id: "message.own-copy",
        about: "Whoever completes a message wrote it or got it (F146).",
        holds: |case| case.row.is_some(),
        sentence: |_| {
            "This message is between the patient and somebody else of the practice, who completes \
                it."
            .to_owned()
        },
        expression: "Communication.extension",
    },
];

/// When the copies of a thread may be sorted.
pub const SORT: &[Rule<SortCase>] = &[Rule {
    id: "portal-disabled",
    about: "The patient portal is switched on.",
    holds: |case| case.portal_on,
    sentence: |_| OFF.to_owned(),
    expression: "portal_onsite_two_enable",
}];

/// Applies the practice's rules.
pub(super) fn decide(case: MessageCase) -> Verdict {
    match case {
        MessageCase::Send(case) => {
            let mut reasons = rules::broken(SEND, &case);
            for one in &case.enclosed {
                match one {
                    Enclosed::New(file) => reasons.extend(rules::broken(document::FILE, file)),
                    Enclosed::Known { share, .. } => {
                        let broken = |share| rules::broken(sharing::SHARE, share);
                        reasons.extend(share.as_ref().map(broken).unwrap_or_default());
                    }
                }
            }
            match (reasons.is_empty(), case.patient, case.colleague) {
                (true, Some(patient), Some(colleague)) => {
                    permitted(Change::Message(MessageChange::Send {
                        by: case.by,
                        author: case.author,
                        person: case.person,
                        patient,
                        colleague,
                        letter: Box::new(case.letter),
                        thread: case.thread,
                        enclosed: case.enclosed,
                    }))
                }
                _ => Verdict::Refused(reasons),
            }
        }
        MessageCase::Mark(case) => {
            let reasons = rules::broken(MARK, &case);
            match (reasons.is_empty(), case.row) {
                (true, Some(row)) => permitted(Change::Message(MessageChange::Mark {
                    row,
                    mark: case.mark,
                })),
                _ => Verdict::Refused(reasons),
            }
        }
        MessageCase::Sort(case) => {
            let reasons = rules::broken(SORT, &case);
            match reasons.is_empty() {
                true => permitted(Change::Message(MessageChange::Sort {
                    thread: case.thread,
                    sort: case.sort,
                })),
                false => Verdict::Refused(reasons),
            }
        }
    }
}

#[cfg(test)]
mod tests;
