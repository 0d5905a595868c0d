//! Visits of two patients, odd ones among them.

use time::macros::datetime;

use super::*;
use crate::domain::ResourceType;
use crate::domain::query::DateRange;
use crate::domain::query::Prefix;
use crate::domain::scope::Interaction;
use crate::emr::fixture::Fixture;
use crate::emr::fixture::reach;
use crate::emr::fixture::wide;

const ROWS: &str = "
INSERT INTO facility (id, name, service_location) VALUES (3, 'Main Street', 1);
INSERT INTO users (id, username, authorized, active, fname, lname) VALUES (4, 'dlee', 1, 1, 'Donna', 'Lee'),
    (5, '', 1, 1, 'Address', 'Book');
INSERT INTO patient_data (id, pid, uuid, fname, lname) VALUES (70, 7, x'00000000000000000000000000000007', 'Ada', 'King'),
    (80, 8, x'00000000000000000000000000000008', 'Bob', 'Ray');
INSERT INTO openemr_postcalendar_categories (pc_catid, pc_constant_id, pc_catname, pc_cattype) VALUES (5, 'office_visit', 'Office Visit', 0);
INSERT INTO form_encounter (id, encounter, pid, date, date_end, reason, class_code, pc_catid, provider_id, facility_id, sensitivity)
  VALUES (1, 1, 7, '2026-03-08 10:15:00', '2026-03-08 10:40:00', ' Cough &amp; cold ', 'AMB', 5, 4, 3, 'normal'),
    (2, 2, 7, '2026-11-21 09:00:00', NULL, '', 'VR', 5, 5, 0, NULL),
    (3, 3, 7, '2027-01-02 09:00:00', NULL, 'Later', 'nonsense', 99, 0, 0, ''),
    (4, 4, 7, NULL, NULL, 'Undated', '', 5, 0, 0, 'normal'),
    (5, 5, 7, '2026-05-05 09:00:00', NULL, 'Secret', 'AMB', 5, 4, 3, 'high'),
    (6, 6, 8, '2026-06-06 09:00:00', NULL, 'Of Bob', 'AMB', 5, 4, 3, 'normal');
";

fn mine(pid: i64) -> Reach {
    reach(
        pid,
        "patient/*.rs",
        ResourceType::Encounter,
        Interaction::Search,
    )
}

fn everybodys() -> Reach {
    wide("system/*.rs", ResourceType::Encounter, Interaction::Search)
}

async fn page(
    practice: &Fixture,
    reach: &Reach,
    query: &Query,
) -> (Vec<Encounter>, Option<Cursor>) {
    let page = find(&practice.emr, reach, query).await.expect("a page");
    let visits = page.records.into_iter().map(|record| match record {
        Record::Encounter(visit) => *visit,
        other => panic!("no encounter but {other:?}"),
    });
    (visits.collect(), page.next)
}

fn at_most(count: u32) -> Query {
    Query {
        count,
        ..Query::default()
    }
}

#[tokio::test]
async fn a_visit_is_told_with_who_where_and_why() {
    let practice = Fixture::with(ROWS).await;
    let (visits, _) = page(&practice, &mine(7), &at_most(10)).await;
    let reasons: Vec<&str> = visits.iter().map(|visit| visit.reason.as_str()).collect();
    assert_eq!(reasons, ["Later", "", "Cough & cold", "Undated"]);
    let [later, today, past, undated] = visits.as_slice() else {
        panic!("four expected");
    };
    assert_eq!(later.progress, Progress::Planned);
    assert_eq!(later.class.code, "AMB");
    assert_eq!(later.category, None);
    assert_eq!(today.progress, Progress::InProgress);
    assert_eq!(today.class.code, "VR");
    assert_eq!((&today.provider, today.location), (&None, None));
    assert_eq!(past.progress, Progress::Finished);
    assert_eq!(past.start, Some(datetime!(2026-03-08 10:15 -4)));
    assert_eq!(past.end, Some(datetime!(2026-03-08 10:40 -4)));
    assert_eq!(past.patient_name, "Ada King");
    let name = |party: &Option<(Uuid, String)>| party.clone().map(|(_, name)| name);
    assert_eq!(name(&past.provider).as_deref(), Some("Donna Lee"));
    assert_eq!(name(&past.organization).as_deref(), Some("Main Street"));
    assert!(past.location.is_some());
    let code = past.category.clone().map(|category| category.code);
    assert_eq!(code.as_deref(), Some("office_visit"));
    assert_eq!(
        (undated.progress, undated.start),
        (Progress::Finished, None)
    );
}

#[tokio::test]
async fn nobody_sees_anothers_visits_or_sensitive_ones() {
    let practice = Fixture::with(ROWS).await;
    let (bobs, _) = page(&practice, &mine(8), &at_most(10)).await;
    let [bobs] = bobs.as_slice() else {
        panic!("one expected");
    };
    let query = Query::one(bobs.uuid);
    assert!(page(&practice, &mine(7), &query).await.0.is_empty());
    assert_eq!(page(&practice, &everybodys(), &query).await.0.len(), 1);
    assert!(belongs(&practice.emr, bobs.uuid, 8).await.expect("asked"));
    assert!(!belongs(&practice.emr, bobs.uuid, 7).await.expect("asked"));
    assert!(!belongs(&practice.emr, Uuid::nil(), 8).await.expect("asked"));
    let (all, _) = page(&practice, &everybodys(), &at_most(10)).await;
    assert_eq!(all.len(), 5);
    assert!(all.iter().all(|visit| visit.reason != "Secret"));
}

#[tokio::test]
async fn pages_follow_each_other_and_dates_cut_them() {
    let practice = Fixture::with(ROWS).await;
    let (whole, _) = page(&practice, &everybodys(), &at_most(10)).await;
    let mut seen = Vec::new();
    let mut query = at_most(2);
    loop {
        let (visits, next) = page(&practice, &everybodys(), &query).await;
        seen.extend(visits);
        query.after = next;
        if query.after.is_none() {
            break;
        }
    }
    assert_eq!(seen, whole);
    let march = DateRange {
        prefix: Prefix::Eq,
        start: datetime!(2026-03-08 0:00 -5),
        end: datetime!(2026-03-09 0:00 -4),
    };
    let query = Query {
        filters: vec![Filter::Date(Field::Date, vec![march])],
        ..at_most(10)
    };
    assert_eq!(page(&practice, &mine(7), &query).await.0.len(), 1);
}
