//! What vanished, and for whom.

use super::*;
use crate::domain::scope::Interaction;
use crate::emr::composed::Parts;
use crate::emr::fixture::Fixture;
use crate::emr::fixture::reach;
use crate::emr::fixture::wide;

const ROWS: &str = "INSERT INTO patient_data (id, pid, uuid, fname, lname) VALUES \
    (1, 7, X'00000000000000000000000000000007', 'Ana', 'Diaz'), (2, 8, X'00000000000000000000000000000008', 'Bo', 'Lund'); \
    INSERT INTO openemr_postcalendar_events (pc_eid, uuid, pc_pid, pc_multiple, pc_eventDate) VALUES \
    (1, X'00000000000000000000000000000101', '7', 0, '2026-11-01'), (2, X'00000000000000000000000000000102', '', 0, '2026-11-01'), \
    (3, X'00000000000000000000000000000103', '7x', 0, '2026-11-01'); \
    INSERT INTO documents (id, uuid, revision, foreign_id, deleted) VALUES \
    (1, X'00000000000000000000000000000201', '2026-11-01 00:00:00', 7, 0), \
    (2, X'00000000000000000000000000000202', '2026-11-01 00:00:00', 7, 1), \
    (3, X'00000000000000000000000000000203', '2026-11-01 00:00:00', 0, 0); \
    INSERT INTO form_encounter (id, uuid, pid, encounter) VALUES (1, X'00000000000000000000000000000301', 8, 1);";

async fn is_gone(emr: &Emr, pid: i64, kind: ResourceType, id: Uuid) -> bool {
    let reach = reach(pid, "patient/*.rs", kind, Interaction::Read);
    gone(emr, &reach, kind, id).await.expect("asked")
}

#[tokio::test]
async fn what_vanished_is_gone_for_whose_it_was_and_absent_for_everybody_else() {
    let fixture = Fixture::with(ROWS).await;
    let emr = &fixture.emr;
    assert_eq!(
        look(emr).await.expect("looked"),
        4,
        "two rows are nobody's, one of no number"
    );
    assert_eq!(look(emr).await.expect("looked"), 0);
    let (visit, document) = (ResourceType::Appointment, ResourceType::DocumentReference);
    let (one, two) = (Uuid::from_u128(0x101), Uuid::from_u128(0x201));
    assert!(!is_gone(emr, 7, visit, one).await, "it is there");
    emr.db
        .script("DELETE FROM openemr_postcalendar_events WHERE pc_eid = 1; UPDATE documents SET deleted = 1")
        .await
        .expect("removed");
    let occurrence = composed::id(
        Kind::Occurrence,
        Parts {
            row: 1,
            at: 20_000,
            extra: 0,
        },
    );
    for (kind, id) in [
        (visit, one),
        (visit, occurrence),
        (document, two),
        (ResourceType::Binary, two),
        (document, Uuid::from_u128(0x202)),
    ] {
        assert!(is_gone(emr, 7, kind, id).await, "{kind:?} {id}");
        assert!(!is_gone(emr, 8, kind, id).await, "{kind:?} {id}");
        let service = wide("system/*.rs", kind, Interaction::Read);
        assert!(gone(emr, &service, kind, id).await.expect("asked"));
    }
    // What never was, another type's id, and a scope that may not have covered it.
    assert!(!is_gone(emr, 7, visit, Uuid::from_u128(0x999)).await);
    assert!(!is_gone(emr, 7, visit, two).await);
    assert!(!is_gone(emr, 7, ResourceType::Encounter, Uuid::from_u128(0x301)).await);
    let cut = "patient/DocumentReference.rs?category=Lab";
    let cut = reach(7, cut, document, Interaction::Read);
    assert!(!gone(emr, &cut, document, two).await.expect("asked"));
}

#[tokio::test]
async fn a_row_that_was_written_late_or_named_late_is_noted_all_the_same() {
    let fixture = Fixture::with(ROWS).await;
    let emr = &fixture.emr;
    let late = "INSERT INTO openemr_postcalendar_events (pc_eid, uuid, pc_pid, pc_multiple, pc_eventDate) VALUES \
        (50, X'00000000000000000000000000000150', '7', 0, '2026-11-01'), (40, NULL, '7', 0, '2026-11-01')";
    emr.db.script(late).await.expect("inserted");
    assert_eq!(look(emr).await.expect("looked"), 5, "one has no name yet");
    let named = "UPDATE openemr_postcalendar_events SET uuid = X'00000000000000000000000000000140' WHERE pc_eid = 40";
    emr.db.script(named).await.expect("named");
    assert_eq!(look(emr).await.expect("looked"), 1);
}

#[tokio::test]
async fn a_large_table_is_noted_in_chunks() {
    let fixture = Fixture::with(ROWS).await;
    let emr = &fixture.emr;
    let many = "WITH RECURSIVE n(i) AS (SELECT 100 UNION ALL SELECT i + 1 FROM n WHERE i < 12099) \
        INSERT INTO form_encounter (id, uuid, pid, encounter) SELECT i, randomblob(16), 7, i FROM n";
    emr.db.script(many).await.expect("inserted");
    assert_eq!(look(emr).await.expect("looked"), 4 + 12_000);
    assert_eq!(look(emr).await.expect("looked"), 0);
}
