//! An insurance is written into the chart that is meant, or not at all.

use super::*;
use crate::domain::coverage::Rank;
use crate::emr::fixture::Fixture;
use time::macros::date;

const CHART: &str = "
INSERT INTO patient_data (id, pid, uuid, fname, lname) VALUES (1, 1, x'00000000000000000000000000000001', 'Ana', 'Kim');
";

#[tokio::test]
async fn f148_an_insurance_of_a_chart_that_is_gone_is_a_conflict() {
    let practice = Fixture::with(CHART).await;
    let policy = Policy {
        rank: Rank::Primary,
        payor: (None, "Harbor".to_owned()),
        plan: String::new(),
        group: String::new(),
        number: "X1".to_owned(),
        relationship: Relationship::Own,
        subscriber: Default::default(),
        start: Some(date!(2026 - 01 - 01)),
        end: None,
    };
    let emr = &practice.emr;
    for (uuid, written) in [(0x77, false), (1, true)] {
        let person = Person {
            pid: 1,
            uuid: Uuid::from_u128(uuid),
        };
        let work = (emr, (person, &policy));
        let done: Answer<()> = emr
            .db
            .transaction_about(&work, |(emr, (person, policy)), tx| {
                let target = (*person, Uuid::from_u128(5), None);
                Box::pin(write(emr, tx, target, (*policy, Some(3))))
            })
            .await;
        let conflict = matches!(done, Err(Failure::Refused(Refusal::Conflict(_))));
        assert_eq!((done.is_ok(), conflict), (written, !written), "{done:?}");
    }
}
