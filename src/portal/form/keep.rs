//! The rules about forms that are made here, for all patients.

use uuid::Uuid;

use crate::domain::forms::MOST;
use crate::domain::forms::Questions;
use crate::portal::rules::Rule;

/// Letters of a title at most.
const LONGEST_TITLE: usize = 200;

/// What is asked: a form is to be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeepAsk {
    /// The id of the Questionnaire: a new one, or that of one of this house that is made anew.
    pub id: Uuid,
    /// What it is called.
    pub title: String,
    /// The name of the category of the chart that is proposed.
    pub category: String,
    /// What it asks.
    pub questions: Questions,
    /// Whether it is offered; `None` where that stays as it is. A new one is offered.
    pub offered: Option<bool>,
    /// The version that was looked at, of one that is made anew.
    pub seen: Option<u64>,
    /// How it was written.
    pub told: Told,
}

/// How a form was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// As lines, which say all of it.
    Lines,
    /// As a Questionnaire, which knows neither headings nor directives.
    Questionnaire,
}

/// What is known when a form is to be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeepCase {
    /// What is asked.
    pub ask: KeepAsk,
    /// Who makes it, as FHIR id; `None` for anybody but staff, and for staff who may act for one patient alone.
    pub by: Option<Uuid>,
    /// The category of the chart; `None` where there is none of that name for this user.
    pub category: Option<i64>,
    /// What becomes of it.
    pub before: Before,
    /// Whether the category that one was kept for is open to who changes it, or is there no more.
    pub open: bool,
}

/// What stood there before a form is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Before {
    /// Nothing: it is a new one.
    Nothing,
    /// One of this house, as one hash: it must be the same when it is written.
    Ours(String),
    /// A template of OpenEMR.
    OpenEmrs,
}

/// When a form may be kept.
pub const KEEP: &[Rule<KeepCase>] = &[
    Rule {
        id: "template.who",
        about: "Staff make the practice's forms.",
        holds: |case| case.by.is_some(),
        sentence: |_| "Only the practice makes forms for its patients.".to_owned(),
        expression: "Questionnaire",
    },
    Rule {
        id: "template.openemr",
        about: "It is a new one, or one that was made here.",
        holds: |case| case.before != Before::OpenEmrs,
        sentence: |_| {
            "This is a template of OpenEMR. Please change it there, or make a new form here."
                .to_owned()
        },
        expression: "Questionnaire.id",
    },
    Rule {
        id: "template.title",
        about: "It has a title of at most 200 letters, on one line.",
        holds: |case| {
            let title = case.ask.title.trim();
            let fits = !title.is_empty() && title.chars().count() <= LONGEST_TITLE;
            fits && !title.chars().any(char::is_control)
        },
        sentence: |_| "Give the form a title of at most 200 letters.".to_owned(),
        expression: "Questionnaire.title",
    },
    Rule {
        id: "template.category",
        about: "The category of the chart is there, and open to who chooses it.",
        holds: |case| case.category.is_some(),
        sentence: |_| "Choose one of the chart's categories for this form.".to_owned(),
        expression: "Questionnaire.code",
    },
    Rule {
        id: "template.held",
        about: "One that is changed was kept for a category that is open to who changes it, or that is there no more.",
        holds: |case| case.open,
        sentence: |_| {
            "This form is kept for a category of the chart that is not open to you.".to_owned()
        },
        expression: "Questionnaire.code",
    },
    Rule {
        id: "template.items",
        about: "It asks something or has words to sign, and at most 300 items.",
        holds: |case| (1..=MOST).contains(&case.ask.questions.parts.len()),
        sentence: |_| "Give the form at least one item, and at most 300.".to_owned(),
        expression: "Questionnaire.item",
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::forms::outline;
    use crate::portal::rules;

    #[test]
    fn f155_every_rule_of_making_a_form_can_be_broken_alone() {
        type Break = fn(&mut KeepCase);
        let breaks: [(&str, Break); 9] = [
            ("template.who", |case| case.by = None),
            ("template.openemr", |case| case.before = Before::OpenEmrs),
            ("template.title", |case| case.ask.title = " ".to_owned()),
            ("template.title", |case| case.ask.title = "x".repeat(201)),
            ("template.title", |case| case.ask.title = "a\nb".to_owned()),
            ("template.category", |case| case.category = None),
            ("template.held", |case| case.open = false),
            ("template.items", |case| case.ask.questions.parts.clear()),
            ("template.items", |case| {
                let part = case.ask.questions.parts[0].clone();
                case.ask.questions.parts = vec![part; MOST + 1];
            }),
        ];
        let whole = KeepCase {
            ask: KeepAsk {
                id: Uuid::from_u128(1),
                title: "Consent".to_owned(),
                category: "Reviewed".to_owned(),
                questions: outline::read("- Name").expect("a form"),
                offered: None,
                seen: None,
                told: Told::Lines,
            },
            by: Some(Uuid::from_u128(2)),
            category: Some(29),
            before: Before::Nothing,
            open: true,
        };
        let ids = |case: &KeepCase| {
            let broken = rules::broken(KEEP, case);
            broken.iter().map(|reason| reason.id).collect::<Vec<&str>>()
        };
        assert!(ids(&whole).is_empty());
        for rule in KEEP {
            assert!(breaks.iter().any(|(id, _)| *id == rule.id), "{}", rule.id);
        }
        for (id, broke) in breaks {
            let mut case = whole.clone();
            broke(&mut case);
            assert_eq!(ids(&case), [id]);
        }
    }
}
