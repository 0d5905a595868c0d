//! Every rule of visits, broken alone.

use super::*;
use crate::portal::Case;
use crate::portal::decide;
use time::macros::datetime;

/// A request nothing speaks against.
fn case() -> RequestCase {
    let now = datetime!(2026-11-21 10:00 UTC);
    RequestCase {
        ask: Request {
            id: Uuid::from_u128(1),
            by: By::Patient,
            patient: Uuid::from_u128(7),
            provider: Some(Uuid::from_u128(5)),
            location: None,
            category: None,
            slot: None,
            start: Some(now + Duration::days(2)),
            length: Some(Duration::minutes(15)),
            status: Status::Pending,
            reason: "Cough".to_owned(),
            step: Step::Ask,
            instead: None,
        },
        patient: (
            Person {
                pid: 7,
                uuid: Uuid::from_u128(7),
            },
            "Ana Diaz".to_owned(),
        ),
        now,
        portal_on: true,
        appointments_on: true,
        host: Some(Host {
            row: 4,
            configured: true,
        }),
        service: Some(Service {
            row: 5,
            name: "Office Visit".to_owned(),
            length: Duration::minutes(15),
        }),
        facility: Some(0),
        start: now + Duration::days(2),
        free: true,
        next: vec!["2026-11-24 09:15".to_owned()],
        writer: None,
        open: (0, Some(3)),
        notice: Duration::hours(1),
        ahead: Duration::days(365),
        confirmed: false,
    }
}

fn ids(table: &[Rule<RequestCase>], case: &RequestCase) -> Vec<&'static str> {
    let reasons = rules::broken(table, case);
    reasons.iter().map(|reason| reason.id).collect()
}

#[test]
fn f121_f123_a_request_within_the_rules_is_booked_for_the_categorys_length() {
    let mut asked = case();
    asked.ask.length = None;
    let verdict = decide(Case::Visit(VisitCase::Request(Box::new(asked))));
    let permit = verdict.permit().expect("permitted");
    let Change::Visit(VisitChange::Book(booking)) = permit.change() else {
        panic!("something else")
    };
    assert_eq!(booking.length, Duration::minutes(15));
}

#[test]
fn every_rule_of_a_request_can_be_broken_alone() {
    type Break = fn(&mut RequestCase);
    let breaks: [(&str, Break); 13] = [
        ("portal-disabled", |case| case.portal_on = false),
        ("book.off", |case| case.appointments_on = false),
        ("book.category", |case| case.service = None),
        ("book.provider", |case| case.host = None),
        ("book.location", |case| case.facility = None),
        ("book.status", |case| case.ask.status = Status::Booked),
        ("book.past", |case| case.start = case.now),
        ("book.notice", |case| {
            case.start = case.now + Duration::MINUTE
        }),
        (OPEN, |case| case.open.0 = 3),
        ("book.ahead", |case| {
            case.start = case.now + Duration::days(366)
        }),
        ("book.length", |case| case.ask.length = Some(Duration::HOUR)),
        ("schedule-not-configured", |case| {
            case.host = Some(Host {
                row: 4,
                configured: false,
            });
            case.free = false;
        }),
        (TAKEN, |case| case.free = false),
    ];
    assert_eq!(breaks.len(), REQUEST.len(), "a rule has no test");
    for (id, broke) in breaks {
        let mut case = case();
        broke(&mut case);
        assert_eq!(ids(REQUEST, &case), [id]);
    }
}

#[test]
fn time_that_is_taken_is_a_conflict_with_what_is_free_next() {
    let mut taken = case();
    taken.free = false;
    let verdict = decide(Case::Visit(VisitCase::Request(Box::new(taken))));
    let Err(crate::domain::refusal::Refusal::Conflict(why)) = verdict.permit() else {
        panic!("no conflict")
    };
    assert!(why.contains("2026-11-24 09:15"), "{why}");
}

#[test]
fn f124_staff_book_what_patients_may_only_ask_for() {
    let mut case = case();
    case.ask.by = By::Staff;
    for status in [Status::Booked, Status::Pending, Status::Waitlist] {
        case.ask.status = status;
        case.free = false;
        case.portal_on = false;
        assert!(ids(BOOK, &case).is_empty(), "staff may book twice");
    }
    case.ask.status = Status::Arrived;
    assert_eq!(ids(BOOK, &case), ["book.new"]);
}
