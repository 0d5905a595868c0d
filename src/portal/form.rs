//! The rules about forms: what may be put before a patient, what may still be written, and what makes a signature.

pub mod keep;

use time::OffsetDateTime;
use uuid::Uuid;

use crate::domain::forms::Answers;
use crate::domain::forms::Form;
use crate::domain::forms::How;
use crate::domain::forms::Item;
use crate::domain::forms::Kind;
use crate::domain::forms::LONGEST;
use crate::domain::forms::TICKED;
use crate::domain::forms::Template;
use crate::domain::people::Person;
use crate::domain::refusal::Reason;
use crate::portal::Change;
use crate::portal::Verdict;
use crate::portal::document::DocumentCase;
use crate::portal::form::keep::KEEP;
use crate::portal::form::keep::KeepAsk;
use crate::portal::form::keep::KeepCase;
use crate::portal::permitted;
use crate::portal::rules;
use crate::portal::rules::Rule;

/// The rule a form breaks that is signed: a conflict, and no wrong request.
pub const LOCKED: &str = "document-locked";

const SIGNED: &str = "This form is signed, and can not be changed any more.";

/// The rule a form breaks that has more than a page here can show.
const WHOLE: &str = "form.whole";

const NOT_SHOWN: &str = "This form has parts that can not be shown here. Please fill it in on the practice's portal, or ask the practice.";

/// Letters of a name that is signed with, at most.
const LONGEST_NAME: usize = 100;

/// Letters of a drawing, at most: OpenEMR keeps the picture in a column of 64 KiB.
const LARGEST_DRAWING: usize = 40_000;

/// Strokes that are no more than a slip.
const SLIP: usize = 4;

/// What a practice does with a form that is signed (`review_form`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Policy {
    /// Staff look through it.
    #[default]
    Review,
    /// It is locked and filed at once.
    Automatic,
}

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FormAsk {
    /// Staff put a form before a patient.
    Put {
        /// The patient.
        patient: Uuid,
        /// The Questionnaire.
        template: Uuid,
        /// The name of the category of the chart it is to go to; empty for the template's own.
        category: String,
    },
    /// Staff make one, or make it anew.
    Keep(Box<KeepAsk>),
    /// The patient fills one in, or signs it.
    Fill(Fill),
}

/// What a patient does with a form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fill {
    /// The form.
    pub form: Uuid,
    /// All answers; `None` for those that are kept.
    pub answers: Option<Answers>,
    /// The signature; `None` where it is only kept.
    pub signature: Option<Signature>,
    /// What the page showed ([`Form::seen`]); `None` where it was no page.
    pub seen: Option<String>,
    /// Who handed over the tablet, where it is done on the practice's.
    pub tablet: Option<Uuid>,
}

/// A signature as it was sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Signature {
    /// The name that was typed.
    pub name: String,
    /// What was drawn, as the path of an SVG with nothing but `M` and `L` and whole numbers; empty where nothing was.
    pub drawing: String,
    /// Whether it was said that this signs.
    pub agreed: bool,
}

impl Signature {
    /// How it was given.
    pub fn how(&self) -> How {
        match self.drawing.is_empty() {
            true => How::Typed,
            false => How::Drawn,
        }
    }

    /// The strokes of a drawing; `None` where it is no drawing of ours, or an empty one.
    pub fn strokes(&self) -> Option<Vec<Vec<(u16, u16)>>> {
        if self.drawing.len() > LARGEST_DRAWING {
            return None;
        }
        let mut strokes: Vec<Vec<(u16, u16)>> = Vec::new();
        for stroke in self.drawing.split('M').filter(|one| !one.is_empty()) {
            let points = stroke.split('L').map(|point| {
                let (x, y) = point.split_once(',')?;
                let place = (x.parse().ok()?, y.parse().ok()?);
                let (x, y): (u16, u16) = place;
                (x <= 2_000 && y <= 1_000).then_some((x, y))
            });
            strokes.push(points.collect::<Option<Vec<(u16, u16)>>>()?);
        }
        let points: usize = strokes.iter().map(Vec::len).sum();
        (self.drawing.starts_with('M') && points >= SLIP).then_some(strokes)
    }
}

/// Who writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// The patient, through the portal or an app.
    Patient,
    /// The patient, on the practice's tablet, which this member of staff handed over.
    Tablet(Uuid),
    /// A member of staff: `users.id`.
    Staff(i64),
}

impl By {
    /// Who handed over the tablet.
    pub const fn witness(self) -> Option<Uuid> {
        match self {
            Self::Tablet(colleague) => Some(colleague),
            Self::Patient | Self::Staff(_) => None,
        }
    }
}

/// What is known when a form is to be put before a patient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PutCase {
    /// The patient.
    pub person: Person,
    /// Who puts it there: `users.id`; `None` for anybody but staff.
    pub by: Option<i64>,
    /// The template, filled in for the patient; `None` where there is none.
    pub template: Option<Template>,
    /// The form as OpenEMR keeps it.
    pub html: String,
    /// The category of the chart it is to go to; `None` where there is none of that name for this user.
    pub category: Option<i64>,
    /// Whether the same form of the same template waits for the patient already.
    pub waits: bool,
}

/// What is known when a form is to be filled in or signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FillCase {
    /// The form as it stands.
    pub form: Form,
    /// Who writes.
    pub by: By,
    /// Whether the portal is on.
    pub portal_on: bool,
    /// The answers it is to have.
    pub answers: Answers,
    /// The signature, where it is to be signed.
    pub signing: Option<Signing>,
    /// What the row was when the rules looked at it: it must be the same when it is written.
    pub seen: String,
    /// The form as it is to stand: HTML and OpenEMR's `template_data`.
    pub html: String,
    /// The same.
    pub data: String,
    /// Through which app; empty for the pages.
    pub client_id: String,
    /// When.
    pub at: OffsetDateTime,
}

/// A signature that is to be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signing {
    /// As it was sent.
    pub signature: Signature,
    /// The picture of it, as a data URI.
    pub picture: String,
    /// SHA3-512 of what is signed.
    pub hash: String,
    /// The id the signature gets.
    pub id: Uuid,
    /// What becomes of it at once; `None` where staff look through it first.
    pub charted: Option<Box<DocumentCase>>,
}

/// The facts of a decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FormCase {
    /// A form is to be put before a patient.
    Put(Box<PutCase>),
    /// One is to be kept for all patients.
    Keep(Box<KeepCase>),
    /// One is to be filled in, or signed.
    Fill(Box<FillCase>),
}

/// What may be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FormChange {
    /// This form is put before a patient.
    Put(Box<PutCase>),
    /// This one is kept for all patients.
    Keep(Box<KeepCase>),
    /// This one is filled in, or signed.
    Fill(Box<FillCase>),
}

/// When a form may be put before a patient.
pub const PUT: &[Rule<PutCase>] = &[
    Rule {
        id: "form.who",
        about: "Staff put forms before patients.",
        holds: |case| case.by.is_some(),
        sentence: |_| "Only the practice puts forms before its patients.".to_owned(),
        expression: "Task.requester",
    },
    Rule {
        id: "form.template",
        about: "The template is there, is not retired, and asks something or has words to sign.",
        holds: |case| {
            let template = case.template.as_ref();
            template.is_some_and(|one| one.active && !one.questions.parts.is_empty())
        },
        sentence: |_| "There is no such form to be put before a patient.".to_owned(),
        expression: "Task.focus",
    },
    Rule {
        id: WHOLE,
        about: "The page patients fill it in on can show all of it.",
        holds: |case| {
            case.template
                .as_ref()
                .is_none_or(|one| one.questions.is_whole())
        },
        sentence: |_| {
            "This form has parts that can not be shown here. Please put it before the patient in OpenEMR."
                .to_owned()
        },
        expression: "Task.focus",
    },
    Rule {
        id: "form.category",
        about: "The category of the chart is there, and open to who chooses it.",
        holds: |case| case.category.is_some(),
        sentence: |_| "Choose one of the chart's categories for this form.".to_owned(),
        expression: "Task.input",
    },
    Rule {
        id: "form.waits",
        about: "The same form does not wait for the patient already.",
        holds: |case| !case.waits,
        sentence: |_| "This form waits for the patient already.".to_owned(),
        expression: "Task.focus",
    },
];

/// When a form may be filled in.
pub const FILL: &[Rule<FillCase>] = &[
    Rule {
        id: LOCKED,
        about: "The form is not signed yet.",
        holds: |case| case.form.state.is_open(),
        sentence: |_| SIGNED.to_owned(),
        expression: "DocumentReference.docStatus",
    },
    Rule {
        id: "portal-disabled",
        about: "The patient portal is switched on, or the patient is at the practice.",
        holds: |case| case.portal_on || matches!(case.by, By::Tablet(_)),
        sentence: |_| "The practice's portal is switched off. Please call the practice.".to_owned(),
        expression: "portal_onsite_two_enable",
    },
    Rule {
        id: "form.patient",
        about: "The patient fills it in and signs it, nobody else.",
        holds: |case| !matches!(case.by, By::Staff(_)),
        sentence: |_| {
            "A form is filled in and signed by the patient. Hand over a tablet at the practice."
                .to_owned()
        },
        expression: "DocumentReference.subject",
    },
    Rule {
        id: WHOLE,
        about: "The page it is filled in on can show all of it.",
        holds: |case| case.form.questions.is_whole(),
        sentence: |_| NOT_SHOWN.to_owned(),
        expression: "DocumentReference.content",
    },
    Rule {
        id: "form.answer",
        about: "Each answer is one to a question of the form, and of its kind.",
        holds: |case| wrong(case).is_none(),
        sentence: |case| match wrong(case) {
            Some(label) => format!("This answer does not fit: {label}"),
            None => String::new(),
        },
        expression: "QuestionnaireResponse.item",
    },
    Rule {
        id: "form.required",
        about: "Where it is signed, every question that must be answered is.",
        holds: |case| case.signing.is_none() || missing(case).is_empty(),
        sentence: |case| {
            let labels: Vec<&str> = missing(case)
                .iter()
                .map(|item| item.label.as_str())
                .collect();
            format!("Please answer before you sign: {}", labels.join("; "))
        },
        expression: "QuestionnaireResponse.item",
    },
    Rule {
        id: "form.empty",
        about: "Where it is signed, something is filled in, if anything is asked.",
        holds: |case| {
            let asks = case.form.questions.items().next().is_some();
            case.signing.is_none() || !asks || case.answers.values().any(|one| !blank(one))
        },
        sentence: |_| "The form is empty. Please fill it in before you sign.".to_owned(),
        expression: "QuestionnaireResponse.item",
    },
    Rule {
        id: "form.unsigned",
        about: "Where it is signed, there is a name, and a drawing is no mere slip.",
        holds: |case| {
            case.signing
                .as_ref()
                .is_none_or(|one| signed(&one.signature))
        },
        sentence: |_| "Please type your full name, or draw your signature.".to_owned(),
        expression: "Provenance.signature",
    },
    Rule {
        id: "form.consent",
        about: "Where it is signed, the patient says so.",
        holds: |case| case.signing.as_ref().is_none_or(|one| one.signature.agreed),
        sentence: |_| "Please tick that this is your signature.".to_owned(),
        expression: "Provenance.signature",
    },
];

/// Why a form that is signed is not changed.
pub fn locked() -> Vec<Reason> {
    reason(LOCKED, SIGNED)
}

/// Why a form that can not be shown is not handed over.
pub fn not_whole() -> Vec<Reason> {
    reason(WHOLE, NOT_SHOWN)
}

fn reason(id: &str, text: &str) -> Vec<Reason> {
    let rule = FILL.iter().find(|rule| rule.id == id);
    rule.map(|rule| Reason {
        id: rule.id,
        text: text.to_owned(),
        expression: rule.expression,
    })
    .into_iter()
    .collect()
}

/// Whether the rules let a form be filled in or signed so.
pub fn permits(case: &FillCase) -> bool {
    rules::broken(FILL, case).is_empty()
}

fn blank(text: &str) -> bool {
    text.trim().is_empty()
}

/// Whether a signature is one.
fn signed(signature: &Signature) -> bool {
    let name = signature.name.trim();
    let letters = name.chars().filter(|letter| letter.is_alphabetic()).count();
    let named =
        letters >= 2 && name.chars().count() <= LONGEST_NAME && !name.chars().any(char::is_control);
    named && (signature.drawing.is_empty() || signature.strokes().is_some())
}

fn missing(case: &FillCase) -> Vec<&Item> {
    let open = |item: &&Item| {
        let answer = case.answers.get(&item.id);
        item.required && answer.is_none_or(|answer| blank(answer))
    };
    case.form.questions.items().filter(open).collect()
}

/// The question whose answer is none.
fn wrong(case: &FillCase) -> Option<String> {
    for (id, answer) in &case.answers {
        let Some(item) = case.form.questions.items().find(|item| item.id == *id) else {
            return Some(id.chars().take(40).collect());
        };
        if !blank(answer) && !fits(item, answer) {
            return Some(item.label.clone());
        }
    }
    None
}

fn fits(item: &Item, answer: &str) -> bool {
    let control = |letter: char| letter.is_control() && !matches!(letter, '\n' | '\r' | '\t');
    if answer.chars().count() > LONGEST || answer.contains(control) {
        return false;
    }
    match &item.kind {
        Kind::Line => !answer.contains(['\n', '\r']),
        Kind::Lines => true,
        Kind::Date => {
            let format = time::macros::format_description!("[year]-[month]-[day]");
            time::Date::parse(answer, format).is_ok()
        }
        Kind::Check => answer == TICKED,
        Kind::Choice(options) => options.iter().any(|option| option == answer),
    }
}

/// Applies the practice's rules.
pub(super) fn decide(case: FormCase) -> Verdict {
    let (reasons, change) = match case {
        FormCase::Put(case) => (rules::broken(PUT, &case), FormChange::Put(case)),
        FormCase::Keep(case) => (rules::broken(KEEP, &case), FormChange::Keep(case)),
        FormCase::Fill(case) => (rules::broken(FILL, &case), FormChange::Fill(case)),
    };
    match reasons.is_empty() {
        true => permitted(Change::Form(Box::new(change))),
        false => Verdict::Refused(reasons),
    }
}

#[cfg(test)]
mod tests;
