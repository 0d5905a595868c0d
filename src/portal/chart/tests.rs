//! Every rule about a chart can be broken alone.

use super::*;
use crate::domain::people::Name;
use crate::domain::people::Person;

pub(super) fn patient() -> Patient {
    Patient {
        person: Person {
            pid: 1,
            uuid: Uuid::from_u128(1),
        },
        chart_number: String::new(),
        account: None,
        portal_status: None,
        name: Name {
            given: vec!["Ana".to_owned()],
            family: "Kim".to_owned(),
            ..Name::default()
        },
        preferred_name: String::new(),
        old_names: Vec::new(),
        birth_date: None,
        gender: Gender::Female,
        birth_sex: None,
        gender_identity: None,
        race: Vec::new(),
        ethnicity: Vec::new(),
        tribes: Vec::new(),
        marital: None,
        language: None,
        telecom: Vec::new(),
        addresses: Vec::new(),
        deceased: None,
        contact: None,
        provider: None,
        organization: None,
        last_updated: None,
    }
}

fn edit(parts: Vec<(Part, String)>) -> ChartCase {
    ChartCase {
        ask: ChartAsk::Edit(Box::new(Edit {
            before: patient(),
            parts,
            former_names: false,
            former_homes: false,
        })),
        options: Vec::new(),
        writer: Writer::Patient,
        client_id: "app".to_owned(),
        portal_on: true,
        today: "2026-11-22".to_owned(),
        choice: Choice::Review,
    }
}

fn said_by(case: &ChartCase) -> Vec<&'static str> {
    let broken = rules::broken(CHART, case);
    broken.iter().map(|reason| reason.id).collect()
}

fn with(part: Part, text: &str) -> ChartCase {
    edit(vec![(part, text.to_owned())])
}

#[test]
fn case_143_an_email_is_not_changed_in_the_chart_by_a_patient() {
    let mut case = with(Part::Email, "new@example.org");
    assert_eq!(said_by(&case), ["profile.email"]);
    case.writer = Writer::Service;
    assert!(said_by(&case).is_empty());
}

#[test]
fn every_rule_can_be_broken_alone() {
    let former = |names: bool| {
        let mut case = edit(Vec::new());
        if let ChartAsk::Edit(edit) = &mut case.ask {
            edit.former_names = names;
            edit.former_homes = !names;
        }
        case
    };
    let mut off = with(Part::City, "Troy");
    off.portal_on = false;
    assert_eq!(said_by(&off), ["portal-disabled"]);
    let mut forbidden = with(Part::City, "Troy");
    forbidden.choice = Choice::Forbidden;
    assert_eq!(said_by(&forbidden), ["profile.forbidden"]);
    forbidden.writer = Writer::Service;
    assert!(said_by(&forbidden).is_empty());
    assert_eq!(said_by(&former(true)), ["profile.former-names"]);
    assert_eq!(said_by(&former(false)), ["profile.former-addresses"]);
    assert_eq!(said_by(&with(Part::First, " ")), ["profile.name"]);
    assert_eq!(
        said_by(&with(Part::BirthDate, "2027-01-01")),
        ["profile.birth-date"]
    );
    assert_eq!(said_by(&with(Part::Gender, "")), ["profile.gender"]);
    assert!(said_by(&with(Part::City, "")).is_empty());
}

#[test]
fn a_new_chart_needs_name_birth_date_and_gender() {
    let mut case = edit(Vec::new());
    case.writer = Writer::Service;
    let open = |parts: Vec<(Part, String)>| ChartAsk::Open {
        id: Uuid::from_u128(9),
        parts,
    };
    case.ask = open(Vec::new());
    let needed = ["profile.name", "profile.birth-date", "profile.gender"];
    assert_eq!(said_by(&case), needed);
    let text = |text: &str| text.to_owned();
    case.ask = open(vec![
        (Part::First, text("Ana")),
        (Part::Family, text("Kim")),
        (Part::BirthDate, text("2000-02-29")),
        (Part::Gender, text("female")),
    ]);
    assert!(said_by(&case).is_empty());
}

#[test]
fn f148_what_a_patient_asks_for_waits_unless_the_practice_takes_it_over_at_once() {
    let waits = |writer: Writer, choice: Choice| {
        let mut case = with(Part::City, "Troy");
        (case.writer, case.choice) = (writer, choice);
        let Verdict::Permitted(permit) = decide(case) else {
            panic!("refused")
        };
        match permit.change() {
            Change::Chart(change) => change.waits,
            other => panic!("{other:?}"),
        }
    };
    assert!(waits(Writer::Patient, Choice::Review));
    assert!(!waits(Writer::Patient, Choice::Automatic));
    assert!(!waits(Writer::Service, Choice::Review));
}
