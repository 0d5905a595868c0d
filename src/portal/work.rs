//! The rules about what waits: who decides it, and how.

use uuid::Uuid;

use crate::domain::forms::Form;
use crate::domain::tasks::Owner;
use crate::domain::tasks::Task;
use crate::domain::tasks::Work;
use crate::portal::Change;
use crate::portal::Verdict;
use crate::portal::chart::Writer;
use crate::portal::document::DocumentCase;
use crate::portal::insurance;
use crate::portal::insurance::InsuranceCase;
use crate::portal::permitted;
use crate::portal::rules;
use crate::portal::rules::Rule;

/// What a decision is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decide {
    /// What was asked for is taken over.
    Accept,
    /// It is refused.
    Reject,
    /// Who asked for it takes it back.
    Withdraw,
}

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkAsk {
    /// What waits, as it was when it was decided.
    pub task: Task,
    /// The decision.
    pub decide: Decide,
    /// Why; empty where nothing was said.
    pub reason: String,
    /// What is not taken over of a change that is: the element, and why.
    pub refused: Vec<(String, String)>,
    /// The category a document is filed under; empty for the one it lies under.
    pub category: String,
}

/// What is told to staff who may not open what is to be decided.
pub const CLOSED: &str =
    "Your account in OpenEMR does not open this document, so you cannot decide about it.";

/// A signed form, with the document of the chart it is to become.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Charting {
    /// The form as it was drawn.
    pub form: Form,
    /// The document.
    pub document: DocumentCase,
    /// Its signatures that are not void.
    pub signatures: Vec<Uuid>,
}

/// What is known when it is decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkCase {
    /// What was asked.
    pub ask: WorkAsk,
    /// Who decides.
    pub writer: Writer,
    /// Whether the portal is on.
    pub portal_on: bool,
    /// Fields that wait to be taken over and that this house does not write.
    pub foreign: Vec<String>,
    /// The category that was named, by number, where the practice has it and whoever decides may use it.
    pub category: Option<i64>,
    /// The category a document lay under when its patient sent it.
    pub home: Option<i64>,
    /// Whether whoever decides may open the document or the form it is about; true where it is about none.
    pub opens: bool,
    /// The insurance as it would be, without what is refused of it; `None` where it is about none.
    pub policy: Option<Box<InsuranceCase>>,
    /// The form that is to become part of the chart.
    pub charting: Option<Box<Charting>>,
}

impl WorkCase {
    /// A decision about which nothing but this is known.
    pub fn of(ask: WorkAsk, (writer, portal_on): (Writer, bool)) -> Self {
        Self {
            ask,
            writer,
            portal_on,
            foreign: Vec::new(),
            category: None,
            home: None,
            opens: true,
            policy: None,
            charting: None,
        }
    }
}

/// What may be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkChange {
    /// What was asked.
    pub ask: WorkAsk,
    /// Who decides.
    pub writer: Writer,
    /// The category a document goes to; `None` for the one it lies under.
    pub category: Option<i64>,
    /// The category it lay under when its patient sent it.
    pub home: Option<i64>,
    /// The form that becomes part of the chart.
    pub charting: Option<Box<Charting>>,
}

/// What a decision must keep to.
pub const WORK: &[Rule<WorkCase>] = &[
    Rule {
        id: "portal-disabled",
        about: "The patient portal is switched on, or staff write.",
        holds: |case| case.portal_on || case.writer != Writer::Patient,
        sentence: |_| "The practice's portal is switched off. Please call the practice.".to_owned(),
        expression: "portal_onsite_two_enable",
    },
    Rule {
        id: "review.decided",
        about: "It still waits.",
        holds: |case| case.ask.task.progress.waits(),
        sentence: |_| "This was decided already.".to_owned(),
        expression: "Task.status",
    },
    Rule {
        id: "review.who",
        about: "Staff accept and refuse; the patient takes back what the patient asked for.",
        holds: |case| match (&case.writer, case.ask.decide) {
            (Writer::Patient, Decide::Withdraw) => {
                let task = &case.ask.task;
                // What is signed is not taken back, and neither is who one is.
                let stays = matches!(task.work, Work::Registration | Work::Form);
                task.by_patient && task.owner == Owner::Desk && !stays
            }
            (Writer::Patient, _) | (_, Decide::Withdraw) => false,
            _ => true,
        },
        sentence: |case| match case.writer {
            Writer::Patient => {
                "Only an own request can be taken back; the practice decides the others.".to_owned()
            }
            _ => "Staff set the status to completed or to rejected.".to_owned(),
        },
        expression: "Task.status",
    },
    Rule {
        id: "review.elsewhere",
        about: "Changed profiles, insurances, documents, registrations and signed forms are decided here; requests for visits at the visit; payments in OpenEMR.",
        holds: |case| match case.ask.task.work {
            Work::Profile | Work::Coverage | Work::Document | Work::Registration => true,
            Work::Form => case.ask.task.by_patient,
            Work::Payment | Work::Visit => false,
        },
        sentence: |case| {
            match case.ask.task.work {
            Work::Visit => {
                "Answer the visit itself: Appointment.status booked, or cancelled with a reason."
                    .to_owned()
            }
            Work::Form => {
                "The patient fills the form in and signs it first: then it is decided at a Task of its own."
                    .to_owned()
            }
            _ => "This is decided in OpenEMR's own portal dashboard.".to_owned(),
        }
        },
        expression: "Task.code",
    },
    Rule {
        id: "review.fields",
        about: "Everything that is to be taken over can be written here.",
        holds: |case| case.ask.decide != Decide::Accept || case.foreign.is_empty(),
        sentence: |case| {
            format!(
                "This holds fields that are taken over in OpenEMR's own portal dashboard only: {}.",
                case.foreign.join(", ")
            )
        },
        expression: "Task.input",
    },
    Rule {
        id: "review.parts",
        about: "What is refused of a change is part of what was asked for, and something of it is taken over.",
        holds: |case| {
            let asked = &case.ask.task.asked;
            let refused = &case.ask.refused;
            let known = |name: &String| asked.iter().any(|one| one.element == *name);
            refused.is_empty()
                || (case.ask.decide == Decide::Accept
                    && refused.iter().all(|(name, _)| known(name))
                    && asked
                        .iter()
                        .any(|one| refused.iter().all(|(name, _)| one.element != *name)))
        },
        sentence: |_| {
            "Name in Task.output what is refused by the elements of Task.input, and leave something to take over: \
            otherwise refuse the whole."
                .to_owned()
        },
        expression: "Task.output",
    },
    Rule {
        id: "review.needed",
        about: "Of a new insurance rank, insurer, number, relationship and first day are taken over together.",
        holds: |case| {
            let task = &case.ask.task;
            let new = task.work == Work::Coverage && task.focus.is_none();
            let mut refused = case.ask.refused.iter();
            !new || !refused.any(|(name, _)| NEEDED.contains(&name.as_str()))
        },
        sentence: |_| {
            "There is no insurance without this: take it over, or refuse the whole.".to_owned()
        },
        expression: "Task.output",
    },
    Rule {
        id: "review.together",
        about: "How a patient is related to the insured, and the name of the insured, are taken over together.",
        holds: |case| {
            let refused = |name: &str| case.ask.refused.iter().any(|(one, _)| one == name);
            let asked = case.ask.task.asked.iter();
            let mut parts = asked.filter(|one| TOGETHER.contains(&one.element.as_str()));
            let first = parts.next().map(|one| refused(&one.element));
            first.is_none_or(|first| parts.all(|one| refused(&one.element) == first))
        },
        sentence: |_| {
            "The relationship and the name of the insured belong together: take over all of it or nothing of it."
                .to_owned()
        },
        expression: "Task.output",
    },
    Rule {
        id: "review.opens",
        about: "A document or a form is decided by who may open it (F163, F164).",
        holds: |case| case.opens,
        sentence: |_| CLOSED.to_owned(),
        expression: "Task.focus",
    },
    Rule {
        id: "review.category",
        about: "A document that is accepted is filed under a category there is, for whoever decides.",
        holds: |case| {
            let filed = case.ask.decide == Decide::Accept && case.ask.task.work == Work::Document;
            case.ask.category.is_empty() || (filed && case.category.is_some())
        },
        sentence: |_| {
            "Name one of the practice's categories you may file to, for a document you accept."
                .to_owned()
        },
        expression: "Task.output",
    },
    Rule {
        id: "review.reason",
        about: "Who refuses, the whole or a part, says why, for the patient to read.",
        holds: |case| {
            let silent = |why: &str| why.trim().is_empty();
            let parts = case.ask.refused.iter().all(|(_, why)| !silent(why));
            parts && (case.ask.decide != Decide::Reject || !silent(&case.ask.reason))
        },
        sentence: |_| "Say in statusReason.text why, for the patient to read.".to_owned(),
        expression: "Task.statusReason",
    },
];

/// What no insurance is without.
const NEEDED: [&str; 5] = [
    "Coverage.order",
    "Coverage.payor",
    "Coverage.subscriberId",
    "Coverage.relationship",
    "Coverage.period.start",
];

/// What says who is insured, and is true together only.
const TOGETHER: [&str; 3] = [
    "Coverage.relationship",
    "Coverage.subscriber (first name)",
    "Coverage.subscriber (last name)",
];

/// Applies the practice's rules; an insurance that is taken over in part must keep to those about insurances as well.
pub(super) fn decide(case: WorkCase) -> Verdict {
    let mut reasons = rules::broken(WORK, &case);
    if let Some(policy) = &case.policy {
        reasons.extend(rules::broken(insurance::INSURANCE, policy));
    }
    match reasons.is_empty() {
        true => permitted(Change::Work(WorkChange {
            ask: case.ask,
            writer: case.writer,
            category: case.category,
            home: case.home,
            charting: case.charting,
        })),
        false => Verdict::Refused(reasons),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ResourceType;
    use crate::domain::people::Person;
    use crate::domain::tasks::Asked;
    use crate::domain::tasks::Progress;
    use uuid::Uuid;

    fn asked(element: &str) -> Asked {
        Asked {
            element: element.to_owned(),
            before: String::new(),
            after: "x".to_owned(),
        }
    }

    fn case(writer: Writer, decide: Decide) -> WorkCase {
        let ask = WorkAsk {
            task: Task {
                uuid: Uuid::from_u128(1),
                person: Person {
                    pid: 1,
                    uuid: Uuid::from_u128(2),
                },
                patient_name: String::new(),
                work: Work::Profile,
                progress: Progress::Requested,
                description: String::new(),
                focus: None,
                by_patient: true,
                owner: Owner::Desk,
                asked: ["Patient.address.city", "Patient.birthDate"]
                    .map(asked)
                    .to_vec(),
                note: String::new(),
                reason: String::new(),
                refused: Vec::new(),
                stand: String::new(),
                authored: None,
                last_updated: None,
            },
            decide,
            reason: "No proof".to_owned(),
            refused: Vec::new(),
            category: String::new(),
        };
        WorkCase::of(ask, (writer, true))
    }

    fn broken(case: &WorkCase) -> Vec<&'static str> {
        let broken = rules::broken(WORK, case);
        broken.iter().map(|reason| reason.id).collect()
    }

    #[test]
    fn staff_decide_and_the_patient_takes_back() {
        let staff = || Writer::Staff(1, Uuid::from_u128(3));
        assert!(broken(&case(staff(), Decide::Accept)).is_empty());
        assert!(broken(&case(staff(), Decide::Reject)).is_empty());
        assert!(broken(&case(Writer::Patient, Decide::Withdraw)).is_empty());
        assert_eq!(broken(&case(staff(), Decide::Withdraw)), ["review.who"]);
        let mut registered = case(Writer::Patient, Decide::Withdraw);
        for work in [Work::Registration, Work::Form] {
            registered.ask.task.work = work;
            assert_eq!(broken(&registered), ["review.who"]);
        }
        assert_eq!(
            broken(&case(Writer::Patient, Decide::Accept)),
            ["review.who"]
        );
        assert_eq!(
            broken(&case(Writer::Patient, Decide::Reject)),
            ["review.who"]
        );
    }

    #[test]
    fn every_other_rule_can_be_broken_alone() {
        type Break = fn(&mut WorkCase);
        let breaks: [(&str, Break); 6] = [
            ("review.decided", |case| {
                case.ask.task.progress = Progress::Completed
            }),
            ("review.elsewhere", |case| {
                case.ask.task.work = Work::Payment
            }),
            ("review.elsewhere", |case| {
                case.ask.task.work = Work::Form;
                case.ask.task.by_patient = false;
            }),
            ("review.opens", |case| case.opens = false),
            ("review.fields", |case| {
                case.ask.decide = Decide::Accept;
                case.foreign.push("religion".to_owned());
            }),
            ("review.reason", |case| case.ask.reason.clear()),
        ];
        for (id, broke) in breaks {
            let mut case = case(Writer::Service, Decide::Reject);
            broke(&mut case);
            assert_eq!(broken(&case), [id]);
        }
        let part = |element: &str, why: &str| {
            let mut case = case(Writer::Service, Decide::Accept);
            case.ask.refused = vec![(element.to_owned(), why.to_owned())];
            case
        };
        assert!(broken(&part("Patient.birthDate", "Bring proof")).is_empty());
        assert_eq!(broken(&part("Patient.birthDate", " ")), ["review.reason"]);
        assert_eq!(broken(&part("Patient.gender", "No")), ["review.parts"]);
        let mut all = part("Patient.birthDate", "No");
        all.ask
            .refused
            .push(("Patient.address.city".to_owned(), "No".to_owned()));
        assert_eq!(broken(&all), ["review.parts"]);
        let mut whole = part("Patient.birthDate", "No");
        whole.ask.decide = Decide::Reject;
        assert_eq!(broken(&whole), ["review.parts"]);
        let mut insurance = part("Coverage.payor", "Unknown");
        insurance.ask.task.work = Work::Coverage;
        insurance.ask.task.asked = ["Coverage.payor", "Coverage.subscriberId"]
            .map(asked)
            .to_vec();
        assert_eq!(broken(&insurance), ["review.needed"]);
        insurance.ask.task.focus = Some((ResourceType::Coverage, Uuid::from_u128(5)));
        assert!(broken(&insurance).is_empty());
        insurance.ask.task.asked = TOGETHER.map(asked).to_vec();
        insurance.ask.task.asked.push(asked("Coverage.payor"));
        insurance.ask.refused = vec![(TOGETHER[1].to_owned(), "Another name".to_owned())];
        assert_eq!(broken(&insurance), ["review.together"]);
        let all = TOGETHER.map(|name| (name.to_owned(), "Another name".to_owned()));
        insurance.ask.refused = all.to_vec();
        assert!(broken(&insurance).is_empty());
        let mut paper = case(Writer::Service, Decide::Accept);
        paper.ask.task.work = Work::Document;
        paper.ask.category = "Lab Report".to_owned();
        assert_eq!(broken(&paper), ["review.category"]);
        paper.category = Some(2);
        assert!(broken(&paper).is_empty());
        paper.ask.decide = Decide::Reject;
        assert_eq!(broken(&paper), ["review.category"]);
        let mut form = case(Writer::Service, Decide::Accept);
        form.ask.task.work = Work::Form;
        assert!(broken(&form).is_empty(), "what is signed is decided here");
        let mut off = case(Writer::Patient, Decide::Withdraw);
        off.portal_on = false;
        assert_eq!(broken(&off), ["portal-disabled"]);
    }
}
