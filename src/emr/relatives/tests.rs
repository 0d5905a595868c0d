//! Relatives are found by patient, by id and across the practice, page by page.

use super::*;
use crate::domain::ResourceType;
use crate::domain::scope::Interaction;
use crate::emr::fixture::Fixture;
use crate::emr::fixture::reach;
use crate::emr::fixture::wide;

/// A child with both, a patient with a phone alone, one with neither, one with blanks.
const FAMILIES: &str = "
INSERT INTO patient_data (id, pid, uuid, fname, lname, guardiansname, guardianrelationship, guardianphone,
    contact_relationship, phone_contact)
  VALUES (1, 1, x'00000000000000000000000000000001', 'Noah', 'Kim', 'Ana Kim', 'Mother', '555-1', 'Joe O&#039;Neil', '555-2'),
    (2, 2, x'00000000000000000000000000000002', 'Ben', 'Lee', NULL, NULL, NULL, '', '555-3'),
    (3, 3, x'00000000000000000000000000000003', 'Cy', 'Moe', NULL, NULL, NULL, '', ''),
    (4, 4, x'00000000000000000000000000000004', 'Di', 'Nox', ' ', NULL, NULL, ' ', '');
";

async fn found(
    practice: &Fixture,
    reach: &Reach,
    query: &Query,
) -> (Vec<RelatedPerson>, Option<Cursor>) {
    let page = find(&practice.emr, reach, query).await.expect("a page");
    let of = |record: Record| match record {
        Record::RelatedPerson(one) => *one,
        other => panic!("no relative but {other:?}"),
    };
    (page.records.into_iter().map(of).collect(), page.next)
}

fn at_most(count: u32) -> Query {
    Query {
        count,
        ..Query::default()
    }
}

#[tokio::test]
async fn a_patient_finds_the_own_relatives_and_no_others() {
    let practice = Fixture::with(FAMILIES).await;
    let own = reach(
        1,
        "patient/*.rs",
        ResourceType::RelatedPerson,
        Interaction::Search,
    );
    let (mine, next) = found(&practice, &own, &at_most(10)).await;
    assert_eq!(next, None);
    let names: Vec<&str> = mine.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(names, ["Ana Kim", "Joe O'Neil"]);
    assert_eq!(mine[0].relationship, "Mother");
    let other = id(Uuid::from_u128(2), Tie::EmergencyContact);
    assert!(
        found(&practice, &own, &Query::one(other))
            .await
            .0
            .is_empty()
    );
    let (one, _) = found(&practice, &own, &Query::one(mine[1].uuid)).await;
    assert_eq!(one, [mine[1].clone()]);
}

#[tokio::test]
async fn pages_over_the_practice_miss_nobody_and_hold_no_more_than_asked() {
    let practice = Fixture::with(FAMILIES).await;
    let all = wide(
        "system/*.rs",
        ResourceType::RelatedPerson,
        Interaction::Search,
    );
    let mut query = at_most(1);
    let mut seen = Vec::new();
    loop {
        let (page, next) = found(&practice, &all, &query).await;
        assert!(page.len() <= 1);
        seen.extend(page.into_iter().map(|one| (one.person.pid, one.tie)));
        query.after = next;
        if query.after.is_none() {
            break;
        }
    }
    let expected = [
        (1, Tie::Guardian),
        (1, Tie::EmergencyContact),
        (2, Tie::EmergencyContact),
    ];
    assert_eq!(seen, expected);
}

#[test]
fn ids_lead_back_and_are_never_the_patients_own() {
    let patient = Uuid::from_u128(0x1234_5678_9abc_4def_8123_4567_89ab_cdef);
    for (tie, bits) in TIES {
        let made = id(patient, tie);
        assert_ne!(made, patient);
        assert_eq!(made.get_version_num(), 4);
        assert_eq!(Uuid::from_u128(made.as_u128() ^ bits), patient);
    }
}
