//! Calendars of providers.

use super::*;
use crate::domain::ResourceType;
use crate::domain::scope::Interaction;
use crate::emr;
use crate::emr::fixture::Fixture;
use crate::emr::fixture::reach;

const USERS: &str = "
INSERT INTO users (id, username, authorized, active, calendar, fname, lname) VALUES (4, 'lee', 1, 1, 1, 'Donna', 'Lee'),
  (5, 'mensah', 1, 1, 1, 'Abena', 'Mensah'), (6, 'fisch', 1, 1, 0, 'No', 'Calendar'), (7, 'left', 1, 0, 1, 'Has', 'Left'),
  (8, '', 1, 1, 1, 'Address', 'Book');
INSERT INTO openemr_postcalendar_categories (pc_catid, pc_constant_id, pc_catname, pc_duration, pc_cattype, pc_active) VALUES
  (1, 'no_show', 'No Show', 0, 0, 1), (2, 'in_office', 'In Office', 0, 1, 1), (5, 'office_visit', 'Office Visit', 900, 0, 1),
  (9, 'established_patient', 'Established Patient', 900, 0, 1), (10, 'new_patient', 'New Patient', 1800, 0, 1),
  (16, 'old', 'Not in use', 900, 0, 0);
INSERT INTO openemr_postcalendar_events (pc_eid, pc_catid, pc_multiple, pc_aid, pc_eventDate, pc_startTime, pc_eventstatus)
  VALUES (1, 2, 0, '4', '2026-11-23', '09:00:00', 1), (2, 2, 0, '5', '2026-11-20', '09:00:00', 1);
";

#[tokio::test]
async fn f125_a_provider_without_office_hours_to_come_is_told_as_that() {
    let practice = Fixture::with(USERS).await;
    let reach = reach(
        9,
        "patient/*.rs",
        ResourceType::Schedule,
        Interaction::Search,
    );
    let query = Query {
        count: 9,
        ..Query::default()
    };
    let page = emr::find(&practice.emr, &reach, &query)
        .await
        .expect("a page");
    let found: Vec<(&str, bool, usize)> = page
        .records
        .iter()
        .map(|record| match record {
            Record::Schedule(one) => (
                one.practitioner.1.as_str(),
                one.configured,
                one.services.len(),
            ),
            other => panic!("no calendar but {other:?}"),
        })
        .collect();
    assert_eq!(found.len(), 2);
    assert_eq!((found[0].0, found[0].1), ("Donna Lee", true));
    assert_eq!((found[1].0, found[1].1), ("Abena Mensah", false));
    assert_eq!(found[0].2, 3, "categories in use, without No Show");
    let id = page.records[1].id();
    let one = emr::read(&practice.emr, &reach, id).await.expect("by id");
    assert_eq!(one, page.records[1]);
}
