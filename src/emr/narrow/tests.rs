//! A reach over the whole practice, asked for records of one patient, of another, and of nobody.

use time::macros::datetime;

use super::*;
use crate::domain::access::LaunchContext;
use crate::domain::access::Right;
use crate::domain::access::Staff;
use crate::domain::access::User;
use crate::domain::people::Person;
use crate::domain::query::DateRange;
use crate::domain::query::Field;
use crate::domain::query::Filter;
use crate::domain::query::Prefix;
use crate::domain::refusal::Failure;
use crate::domain::refusal::Refusal;
use crate::domain::scope::Interaction;
use crate::emr;
use crate::emr::fixture::Fixture;
use crate::emr::fixture::granted;
use crate::emr::fixture::wide;
use crate::emr::mail::id_of;

const ROWS: &str = "
INSERT INTO patient_data (id, pid, uuid, fname, lname) VALUES (70, 7, x'00000000000000000000000000000007', 'Ada', 'King'),
    (80, 8, x'00000000000000000000000000000008', 'Bob', 'Ray');
INSERT INTO patient_access_onsite (pid, portal_username) VALUES (7, 'Ada70');
INSERT INTO documents (id, uuid, foreign_id, name, deleted, date, revision) VALUES
    (1, x'000000000000000000000000000000d1', 7, 'of Ada', 0, '2026-01-01 00:00:00', '2026-01-01 00:00:00'),
    (2, x'000000000000000000000000000000d2', 8, 'of Bob', 0, '2026-01-01 00:00:00', '2026-01-01 00:00:00'),
    (3, x'000000000000000000000000000000d3', 9, 'of nobody', 0, '2026-01-01 00:00:00', '2026-01-01 00:00:00');
INSERT INTO openemr_postcalendar_events (pc_eid, uuid, pc_pid, pc_eventDate, pc_startTime, pc_eventstatus, pc_apptstatus, pc_multiple) VALUES
    (1, x'000000000000000000000000000000e1', '7', '2026-03-01', '09:00:00', 1, '-', 0),
    (2, x'000000000000000000000000000000e2', '8', '2026-03-01', '10:00:00', 1, '^', 0),
    (3, x'000000000000000000000000000000e3', '8abc', '2026-03-01', '11:00:00', 1, '-', 0),
    (4, x'000000000000000000000000000000e4', '', '2026-03-01', '12:00:00', 1, '-', 0),
    (5, x'000000000000000000000000000000e5', '8', '2026-04-01', '10:00:00', 1, '-', 0);
INSERT INTO onsite_mail (id, date, owner, title, body, sender_id, recipient_id, message_status) VALUES
    (1, '2026-01-01 09:00:00', 'Ada70', 'by account', '', 'dlee', 'Ada70', 'New'),
    (2, '2026-01-01 09:00:00', 'Bob80', 'by chart', '', 'dlee', 'Bob80', 'New'),
    (3, '2026-01-01 09:00:00', 'dlee', 'of staff', '', 'dlee', 'Bob80', 'New');
";

const DOCUMENT: ResourceType = ResourceType::DocumentReference;
const VISIT: ResourceType = ResourceType::Appointment;
const MESSAGE: ResourceType = ResourceType::Communication;

fn person(pid: i64) -> Person {
    Person {
        pid,
        uuid: Uuid::from_u128(u128::from(pid.unsigned_abs())),
    }
}

fn everybodys(kind: ResourceType) -> Reach {
    wide("system/*.rs", kind, Interaction::Search)
}

/// What staff reach who were launched with Ada.
fn staffs(scope: &str, kind: ResourceType) -> Reach {
    let staff = Staff {
        id: 4,
        uuid: Uuid::from_u128(4),
        rights: vec![Right::Super],
    };
    let context = LaunchContext {
        patient: Some(person(7)),
        encounter: None,
    };
    granted(User::Staff(staff), context, scope)
        .reach(kind, Interaction::Search)
        .expect("the scope opens it")
}

fn of(patient: Option<Uuid>) -> Query {
    Query {
        patient,
        count: 10,
        ..Query::default()
    }
}

async fn found(practice: &Fixture, reach: &Reach, query: &Query) -> Vec<Uuid> {
    let page = emr::find(&practice.emr, reach, query).await;
    let records = page.expect("a page").records;
    records.iter().map(|record| record.id()).collect()
}

#[tokio::test]
async fn a_record_named_by_its_id_is_found_in_its_owners_chart() {
    let practice = Fixture::with(ROWS).await;
    for (kind, id, there) in [
        (DOCUMENT, Uuid::from_u128(0xd1), true),
        (DOCUMENT, Uuid::from_u128(0xd2), true),
        (DOCUMENT, Uuid::from_u128(0xd3), false),
        (DOCUMENT, Uuid::from_u128(0xe1), false),
        (VISIT, Uuid::from_u128(0xe2), true),
        (VISIT, Uuid::from_u128(0xe3), false),
        (VISIT, Uuid::from_u128(0xe4), false),
        (MESSAGE, id_of(1), true),
        (MESSAGE, id_of(2), true),
        (MESSAGE, id_of(3), false),
        (MESSAGE, id_of(4), false),
    ] {
        let read = emr::read(&practice.emr, &everybodys(kind), id).await;
        match read {
            Ok(record) => assert!(there && record.id() == id, "{kind:?} {id}"),
            Err(Failure::Refused(Refusal::NotFound)) => assert!(!there, "{kind:?} {id}"),
            Err(other) => panic!("{kind:?} {id}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn what_belongs_to_patients_is_searched_with_the_patient() {
    let practice = Fixture::with(ROWS).await;
    let bob = Some(person(8).uuid);
    let search = async |kind, patient| found(&practice, &everybodys(kind), &of(patient)).await;
    assert_eq!(search(DOCUMENT, bob).await, [Uuid::from_u128(0xd2)]);
    assert_eq!(search(MESSAGE, bob).await, [id_of(2)]);
    assert_eq!(search(VISIT, bob).await.len(), 2);
    let invented = Some(Uuid::from_u128(99));
    for kind in [DOCUMENT, MESSAGE, VISIT, ResourceType::Encounter] {
        assert!(search(kind, invented).await.is_empty(), "{kind:?}");
    }
    for kind in [DOCUMENT, MESSAGE, VISIT] {
        let refused = emr::find(&practice.emr, &everybodys(kind), &of(None)).await;
        assert!(
            matches!(
                refused,
                Err(Failure::Refused(Refusal::Invalid { ref location, .. })) if location == "patient"
            ),
            "{kind:?}: {refused:?}"
        );
    }
}

#[tokio::test]
async fn everybodys_visits_are_searched_by_the_day() {
    let practice = Fixture::with(ROWS).await;
    let march = DateRange {
        prefix: Prefix::Eq,
        start: datetime!(2026-03-01 0:00 -5),
        end: datetime!(2026-04-01 0:00 -4),
    };
    let query = Query {
        filters: vec![Filter::Date(Field::Date, vec![march])],
        ..of(None)
    };
    let visits = found(&practice, &everybodys(VISIT), &query).await;
    assert_eq!(visits, [Uuid::from_u128(0xe1), Uuid::from_u128(0xe2)]);
}

#[tokio::test]
async fn a_union_of_scopes_is_cut_for_each_patient() {
    let practice = Fixture::with(ROWS).await;
    let reach = staffs(
        "user/Appointment.rs?status=pending patient/Appointment.rs",
        VISIT,
    );
    let (ada, bob) = (Some(person(7).uuid), Some(person(8).uuid));
    assert_eq!(
        found(&practice, &reach, &of(ada)).await,
        [Uuid::from_u128(0xe1)]
    );
    assert_eq!(
        found(&practice, &reach, &of(bob)).await,
        [Uuid::from_u128(0xe2)]
    );
    for (id, there) in [(0xe1, true), (0xe2, true), (0xe5, false)] {
        let read = emr::read(&practice.emr, &reach, Uuid::from_u128(id)).await;
        assert_eq!(read.is_ok(), there, "{id:x}");
    }
    let context = staffs("patient/*.rs", DOCUMENT);
    assert!(found(&practice, &context, &of(bob)).await.is_empty());
    let read = emr::read(&practice.emr, &context, Uuid::from_u128(0xd2)).await;
    assert!(matches!(read, Err(Failure::Refused(Refusal::NotFound))));
}

#[tokio::test]
async fn ids_of_old_layouts_are_walked_to_their_owner() {
    let practice = Fixture::with(ROWS).await;
    let walk = async |table, sql, row| {
        let ids = [named(table, row)];
        walked(&practice.emr, (table, sql), &ids)
            .await
            .expect("pids")
    };
    assert_eq!(walk("documents", DOCUMENTS_WALKED, 2).await, [8]);
    let events = "openemr_postcalendar_events";
    assert_eq!(walk(events, EVENTS_WALKED, 1).await, [7]);
    assert!(walk(events, EVENTS_WALKED, 99).await.is_empty());
}

#[tokio::test]
async fn the_only_record_of_a_reach_is_the_only_one_whatever_is_asked() {
    let practice = Fixture::with(ROWS).await;
    let context = LaunchContext {
        patient: Some(person(7)),
        encounter: None,
    };
    let own = granted(User::Patient(person(7)), context, "openid fhirUser")
        .reach(ResourceType::Patient, Interaction::Read)
        .expect("the own record");
    let read = async |id| emr::read(&practice.emr, &own, id).await.is_ok();
    assert!(read(person(7).uuid).await);
    assert!(!read(person(8).uuid).await);
    assert!(found(&practice, &own, &of(None)).await.is_empty());
    let run = Sql::new("DELETE FROM patient_data WHERE pid = 7");
    practice.emr.db.run(run).await.expect("deleted");
    assert!(!read(person(7).uuid).await);
}
