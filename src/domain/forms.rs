//! Forms that patients fill in and sign: what is asked, what is answered, how far each is.

pub mod outline;

use std::collections::BTreeMap;

use time::OffsetDateTime;
use uuid::Uuid;

use crate::domain::people::Person;

/// How an item is answered.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// With a line of text.
    Line,
    /// With any text.
    Lines,
    /// With a day.
    Date,
    /// With a tick, or without.
    Check,
    /// With one of these.
    Choice(Vec<String>),
}

/// One thing that is asked.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Item {
    /// What it is called in a Questionnaire (`linkId`).
    pub id: String,
    /// What OpenEMR calls it in `template_data`, such as `text_input1`.
    pub name: String,
    /// The question.
    pub label: String,
    /// How it is answered.
    pub kind: Kind,
    /// Whether it has to be.
    pub required: bool,
}

/// A part of a form, as it is read from top to bottom.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    /// What a section is about.
    Heading(String),
    /// A paragraph.
    Words(String),
    /// A question.
    Item(Item),
}

/// What a form asks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Questions {
    /// Its parts.
    pub parts: Vec<Part>,
    /// Directives of the template that mean nothing here, as they are written there.
    pub unknown: Vec<String>,
    /// What it has that no page here can show, in words; such a form is only read here. Empty where all can be shown.
    pub hidden: Vec<&'static str>,
}

/// Answers by [`Item::id`]: a text, a day as `2026-11-29`, the choice; [`TICKED`] for a tick.
pub type Answers = BTreeMap<String, String>;

/// The answer of a box that is ticked.
pub const TICKED: &str = "on";

/// Letters of an answer at most.
pub const LONGEST: usize = 4_000;
/// Parts of a form that is made here, at most.
pub const MOST: usize = 300;

impl Questions {
    /// Whether a page here shows all of it, so that it can be filled in and signed here.
    pub fn is_whole(&self) -> bool {
        self.hidden.is_empty()
    }

    /// What is asked.
    pub fn items(&self) -> impl Iterator<Item = &Item> {
        self.parts.iter().filter_map(|part| match part {
            Part::Item(item) => Some(item),
            _ => None,
        })
    }

    /// Gives every item the name OpenEMR would: by its kind, and counted from the top.
    pub fn named(&mut self) {
        let mut counts = [0_usize; 4];
        for part in &mut self.parts {
            let Part::Item(item) = part else { continue };
            let (place, word) = match &item.kind {
                Kind::Line | Kind::Date => (0, "text_input"),
                Kind::Lines => (1, "text_area"),
                Kind::Check => (2, "check"),
                Kind::Choice(options) if options == &["Yes", "No"] => (3, "ynradio"),
                Kind::Choice(_) => (3, "group_radio"),
            };
            counts[place] += 1;
            item.name = format!("{word}{}", counts[place]);
        }
    }
}

/// How far a form is: OpenEMR's word in `onsite_documents.denial_reason` (OpenEMR facts 1.14).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// Nobody has opened it.
    New,
    /// It was opened.
    Open,
    /// Something was filled in.
    Editing,
    /// It is signed and waits for staff.
    InReview,
    /// It is done.
    Locked,
}

impl State {
    /// Each with its word.
    pub const ALL: [(&'static str, Self); 5] = [
        ("New", Self::New),
        ("Open", Self::Open),
        ("Editing", Self::Editing),
        ("In Review", Self::InReview),
        ("Locked", Self::Locked),
    ];

    /// As stored.
    pub fn word(self) -> &'static str {
        let known = Self::ALL.iter().find(|(_, one)| *one == self);
        known.map_or("", |(word, _)| word)
    }

    /// The state of a word; `None` for one this house does not know.
    pub fn of(word: &str) -> Option<Self> {
        let known = Self::ALL.iter().find(|(known, _)| *known == word);
        known.map(|(_, one)| *one)
    }

    /// Whether the patient may still write.
    pub const fn is_open(self) -> bool {
        matches!(self, Self::New | Self::Open | Self::Editing)
    }
}

/// How somebody signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum How {
    /// By typing the name.
    Typed,
    /// By drawing.
    Drawn,
}

impl How {
    /// As stored.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Typed => "typed",
            Self::Drawn => "drawn",
        }
    }
}

/// A signature as it was given.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Signed {
    /// The name that was signed with.
    pub name: String,
    /// How.
    pub how: How,
    /// The picture of it, as a data URI.
    pub picture: String,
    /// When.
    pub at: OffsetDateTime,
    /// SHA3-512 of what was signed, in hex.
    pub hash: String,
    /// Whether the row still is what was signed.
    pub whole: bool,
    /// Who handed over the tablet, where it was signed at the practice.
    pub witness: Option<Uuid>,
}

/// A signature that OpenEMR's own portal took; nothing here vouches for it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Elsewhere {
    /// The picture of it, as a data URI.
    pub picture: String,
    /// When, as OpenEMR has it.
    pub at: Option<OffsetDateTime>,
}

/// A form in a patient's Documents Center (`onsite_documents`).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Form {
    /// FHIR id, composed of the row's number.
    pub uuid: Uuid,
    /// `onsite_documents.id`
    pub row: i64,
    /// Whose.
    pub person: Person,
    /// The patient's name for display.
    pub patient_name: String,
    /// What it is called.
    pub title: String,
    /// The category of the chart it goes to: number and name.
    pub category: Option<(i64, String)>,
    /// How far it is.
    pub state: State,
    /// What it asks.
    pub questions: Questions,
    /// What is answered.
    pub answers: Answers,
    /// Why staff gave it back; empty where they did not.
    pub reason: String,
    /// The signature.
    pub signed: Option<Signed>,
    /// Where none was given here, the one OpenEMR's own portal took.
    pub elsewhere: Option<Elsewhere>,
    /// The document of the chart it has become: `documents.id`.
    pub filed: Option<i64>,
    /// Who put it before the patient: `users.id`.
    pub put_by: i64,
    /// When.
    pub created: Option<OffsetDateTime>,
    /// What its row holds, as one hash: whoever signs signs this state and no other. Empty in a list.
    pub seen: String,
}

/// Where a template is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Source {
    /// In OpenEMR: `document_templates.id`.
    OpenEmr(i64),
    /// In this house (`anteroom_questionnaire`).
    House,
}

/// A form that can be put before patients.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Template {
    /// FHIR id of the Questionnaire.
    pub uuid: Uuid,
    /// Where it is kept.
    pub source: Source,
    /// What it is called.
    pub title: String,
    /// The category of the chart that is proposed for it; empty where none.
    pub category: String,
    /// Whether it is offered; otherwise it is retired.
    pub active: bool,
    /// What it asks.
    pub questions: Questions,
    /// When it last changed.
    pub changed: Option<OffsetDateTime>,
}

/// What of a form is shown as a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Standing {
    /// Not signed, or signed and not locked.
    Preliminary,
    /// Locked.
    Final,
    /// Something was changed after it was signed.
    Amended,
}

impl Form {
    /// What became of it since it was signed; empty where nothing did.
    pub fn since_signed(&self) -> &'static str {
        match &self.signed {
            Some(signed) if !signed.whole && self.is_openemrs() => {
                "Staff completed the form in OpenEMR after it was signed. What they added is not part of the signature."
            }
            Some(signed) if !signed.whole => "The form was changed after it was signed.",
            _ => "",
        }
    }

    /// Whether staff locked it in OpenEMR, whose review writes into the form, and not here.
    pub fn is_openemrs(&self) -> bool {
        self.state == State::Locked && self.filed.is_none()
    }

    /// What it is as a document.
    pub fn standing(&self) -> Standing {
        match (&self.signed, self.state) {
            (Some(signed), _) if !signed.whole => Standing::Amended,
            (_, State::Locked) => Standing::Final,
            _ => Standing::Preliminary,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_come_back_and_others_are_unknown() {
        for (word, state) in State::ALL {
            assert_eq!(State::of(word), Some(state));
            assert_eq!(state.word(), word);
            assert_eq!(
                state.is_open(),
                !matches!(state, State::InReview | State::Locked)
            );
        }
        assert_eq!(State::of("Denied by insurance"), None);
    }
}
