//! Insurances with zero dates, without numbers, followed by others and of others.

use super::*;
use crate::domain::ResourceType;
use crate::domain::scope::Interaction;
use crate::emr::fixture::Fixture;
use crate::emr::fixture::reach;
use crate::emr::fixture::wide;
use time::macros::date;

const INSURED: &str = "
INSERT INTO patient_data (id, pid, uuid, fname, lname) VALUES
    (1, 1, x'00000000000000000000000000000001', 'Ana', 'Kim'),
    (2, 2, x'00000000000000000000000000000002', 'Ben', 'Lee');
INSERT INTO insurance_companies (id, name, cqm_sop) VALUES (10, 'Harbor &amp; Sons', 5);
INSERT INTO insurance_data (id, pid, type, provider, plan_name, policy_number, group_number, subscriber_relationship,
    subscriber_fname, subscriber_lname, date, date_end) VALUES
    (1, 1, 'primary', '10', 'Silver', 'X1', 'G1', 'self', 'Ana', 'Kim', '0000-00-00', NULL),
    (2, 1, 'primary', '10', 'Gold', 'X2', '', 'Life Partner', 'Joe', 'Kim', '2026-01-01', '0000-00-00'),
    (3, 1, 'secondary', '', '', '', '', '', '', '', '2026-01-01', NULL),
    (4, 2, 'tertiary', '77', '', '', '', 'self', '', '', '2020-01-01', '2025-12-31');
";

async fn found(practice: &Fixture, reach: &Reach, query: &Query) -> Vec<Coverage> {
    let page = find(&practice.emr, reach, query).await.expect("a page");
    let of = |record| match record {
        Record::Coverage(one) => *one,
        other => panic!("no insurance but {other:?}"),
    };
    page.records.into_iter().map(of).collect()
}

#[tokio::test]
async fn an_insurance_ends_when_the_next_begins_and_empty_rows_are_none() {
    let practice = Fixture::with(INSURED).await;
    let own = reach(
        1,
        "patient/*.rs",
        ResourceType::Coverage,
        Interaction::Search,
    );
    let query = Query {
        count: 10,
        ..Query::default()
    };
    let mine = found(&practice, &own, &query).await;
    assert_eq!(mine.len(), 2);
    let [first, second] = [&mine[0], &mine[1]];
    assert_eq!(first.policy.start, None);
    assert_eq!(first.policy.end, Some(date!(2025 - 12 - 31)));
    assert!(!first.active);
    assert_eq!(first.policy.payor.1, "Harbor & Sons");
    assert!(first.policy.payor.0.is_some());
    assert_eq!(second.policy.end, None);
    assert!(second.active);
    assert_eq!(second.policy.relationship, Relationship::Common);
    assert_eq!(second.typology, Some(5));
}

#[tokio::test]
async fn of_two_patients_each_finds_the_own_and_the_practice_both() {
    let practice = Fixture::with(INSURED).await;
    let all = wide("system/*.rs", ResourceType::Coverage, Interaction::Search);
    let one = Query {
        count: 1,
        ..Query::default()
    };
    let page = find(&practice.emr, &all, &one).await.expect("a page");
    assert!(page.next.is_some());
    let query = Query {
        count: 10,
        ..Query::default()
    };
    let everybody = found(&practice, &all, &query).await;
    assert_eq!(everybody.len(), 3);
    let other = everybody.last().expect("the other's");
    assert_eq!(other.policy.payor, (None, "77".to_owned()));
    assert!(!other.active);
    let own = reach(1, "patient/*.rs", ResourceType::Coverage, Interaction::Read);
    assert!(
        found(&practice, &own, &Query::one(other.uuid))
            .await
            .is_empty()
    );
}
