//! Forms by the rules: every rule broken once, and what an answer may be.

use super::*;
use crate::domain::forms::Source;
use crate::domain::forms::State;
use crate::domain::forms::outline;
use time::macros::datetime;

fn person() -> Person {
    Person {
        pid: 7,
        uuid: Uuid::from_u128(7),
    }
}

fn put() -> PutCase {
    PutCase {
        person: person(),
        by: Some(3),
        template: Some(Template {
            uuid: Uuid::from_u128(1),
            source: Source::House,
            title: "Consent".to_owned(),
            category: String::new(),
            active: true,
            questions: outline::read("Words").expect("a form"),
            changed: None,
        }),
        html: String::new(),
        category: Some(29),
        waits: false,
    }
}

fn fill() -> FillCase {
    let questions = outline::read("- Name *\n-d Day\n-y Well?\n[] I agree").expect("a form");
    FillCase {
        form: Form {
            uuid: Uuid::from_u128(1),
            row: 1,
            person: person(),
            patient_name: "Ana Kim".to_owned(),
            title: "Consent".to_owned(),
            category: None,
            state: State::New,
            questions,
            answers: Answers::new(),
            reason: String::new(),
            signed: None,
            elsewhere: None,
            filed: None,
            put_by: 0,
            created: None,
            seen: String::new(),
        },
        by: By::Patient,
        portal_on: true,
        answers: Answers::from([("1".to_owned(), "Ana".to_owned())]),
        signing: Some(Signing {
            signature: Signature {
                name: "Ana Kim".to_owned(),
                drawing: String::new(),
                agreed: true,
            },
            picture: String::new(),
            hash: String::new(),
            id: Uuid::from_u128(2),
            charted: None,
        }),
        seen: String::new(),
        html: String::new(),
        data: String::new(),
        client_id: String::new(),
        at: datetime!(2026-11-29 10:00 UTC),
    }
}

fn broken<F>(table: &[Rule<F>], case: &F) -> Vec<&'static str> {
    let broken = rules::broken(table, case);
    broken.iter().map(|reason| reason.id).collect()
}

fn sign(case: &mut FillCase) -> &mut Signature {
    &mut case.signing.as_mut().expect("it is signed").signature
}

#[test]
fn f152_every_rule_of_putting_can_be_broken_alone() {
    type Break = fn(&mut PutCase);
    let breaks: [(&str, Break); 6] = [
        ("form.who", |case| case.by = None),
        ("form.template", |case| case.template = None),
        ("form.template", |case| {
            if let Some(template) = &mut case.template {
                template.active = false;
            }
        }),
        ("form.whole", |case| {
            if let Some(template) = &mut case.template {
                template.questions.hidden.push("a picture");
            }
        }),
        ("form.category", |case| case.category = None),
        ("form.waits", |case| case.waits = true),
    ];
    assert!(broken(PUT, &put()).is_empty());
    for rule in PUT {
        assert!(breaks.iter().any(|(id, _)| *id == rule.id), "{}", rule.id);
    }
    for (id, broke) in breaks {
        let mut case = put();
        broke(&mut case);
        assert_eq!(broken(PUT, &case), [id]);
    }
}

#[test]
fn f153_every_rule_of_signing_can_be_broken_alone() {
    type Break = fn(&mut FillCase);
    let breaks: [(&str, Break); 15] = [
        (LOCKED, |case| case.form.state = State::InReview),
        (LOCKED, |case| case.form.state = State::Locked),
        ("portal-disabled", |case| case.portal_on = false),
        ("form.patient", |case| case.by = By::Staff(1)),
        ("form.whole", |case| {
            case.form.questions.hidden.push("a picture");
        }),
        ("form.answer", |case| {
            case.answers.insert("2".to_owned(), "tomorrow".to_owned());
        }),
        ("form.answer", |case| {
            case.answers.insert("3".to_owned(), "Maybe".to_owned());
        }),
        ("form.answer", |case| {
            case.answers.insert("9".to_owned(), "x".to_owned());
        }),
        ("form.required", |case| {
            case.answers = Answers::from([("3".to_owned(), "Yes".to_owned())]);
        }),
        ("form.unsigned", |case| sign(case).name = " ".to_owned()),
        ("form.unsigned", |case| sign(case).name = "x".repeat(200)),
        ("form.unsigned", |case| {
            sign(case).drawing = "M1,1".to_owned()
        }),
        ("form.unsigned", |case| {
            sign(case).drawing = "M1,1L2,2L3,3L4,4\"><script>".to_owned();
        }),
        ("form.consent", |case| sign(case).agreed = false),
        ("form.empty", |case| {
            case.answers.clear();
            case.form.questions = outline::read("- Name").expect("a form");
        }),
    ];
    assert!(broken(FILL, &fill()).is_empty());
    for rule in FILL {
        assert!(breaks.iter().any(|(id, _)| *id == rule.id), "{}", rule.id);
    }
    for (id, broke) in breaks {
        let mut case = fill();
        broke(&mut case);
        assert_eq!(broken(FILL, &case), [id]);
    }
}

#[test]
fn f156_at_the_practice_a_form_is_signed_whatever_the_portal_is() {
    let mut case = fill();
    case.portal_on = false;
    case.by = By::Tablet(Uuid::from_u128(9));
    assert!(broken(FILL, &case).is_empty());
}

#[test]
fn a_draft_needs_neither_signature_nor_answers() {
    let mut case = fill();
    case.signing = None;
    case.answers.clear();
    assert!(broken(FILL, &case).is_empty());
}

#[test]
fn a_drawing_is_strokes_and_nothing_else() {
    let of = |drawing: &str| Signature {
        drawing: drawing.to_owned(),
        ..Signature::default()
    };
    let good = of("M10,20L11,21L12,22M5,5L6,6");
    assert_eq!(good.strokes().map(|all| all.len()), Some(2));
    for wrong in [
        "",
        "M",
        "L1,1L2,2L3,3L4,4",
        "M1,1L2,2L3,3Z",
        "M-1,1L2,2L3,3L4,4",
        "M9999,1L2,2L3,3L4,4",
        "M1,1 L2,2 L3,3 L4,4",
    ] {
        assert_eq!(of(wrong).strokes(), None, "{wrong}");
    }
}
