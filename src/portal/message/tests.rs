//! Every rule of messages, broken alone.

use super::*;

fn end(name: &str) -> Option<End> {
    Some(End {
        names: vec![name.to_owned()],
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
            body: Body::Text("May I?".to_owned()),
            topic: None,
            enclosed: Vec::new(),
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
        author: None,
        thread: None,
        enclosed: Vec::new(),
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
                person: Person {
                    pid: 7,
                    uuid: Uuid::from_u128(7),
                },
                read,
                archived: false,
                completes: false,
            },
            by: Writer::Patient,
            portal_on,
            row: Some(Copied {
                row: 1,
                owner: "ana".to_owned(),
                status: status.to_owned(),
                archived: false,
            }),
        })
    };
    assert!(ids(decide(case("New", true, true))).is_empty());
    assert!(ids(decide(case("New", false, true))).is_empty());
    assert!(ids(decide(case("Read", true, true))).is_empty());
    assert_eq!(ids(decide(case("Read", false, true))), ["message.unread"]);
    assert_eq!(ids(decide(case("New", true, false))), ["portal-disabled"]);
    let mut others = case("New", true, true);
    if let MessageCase::Mark(case) = &mut others {
        case.row = None;
    }
    assert_eq!(ids(decide(others)), ["message.own-copy"]);
}

#[test]
fn f146_a_thread_is_sorted_while_the_portal_is_on() {
    let case = |portal_on| {
        MessageCase::Sort(SortCase {
            sort: Sort {
                message: Uuid::from_u128(1),
                deed: Deed::Complete,
                shown: vec![1],
            },
            portal_on,
            thread: Thread {
                owners: vec!["ana".to_owned()],
                chain: 1,
                other: None,
            },
        })
    };
    assert!(ids(decide(case(true))).is_empty());
    assert_eq!(ids(decide(case(false))), ["portal-disabled"]);
}
