//! Free and taken time.

use super::*;
use crate::domain::ResourceType;
use crate::domain::query::Prefix;
use crate::domain::query::Target;
use crate::domain::scope::Interaction;
use crate::emr;
use crate::emr::fixture::Fixture;
use crate::emr::fixture::reach;
use time::macros::datetime;

/// In from 9 to 11 every work day, a visit at 9:30 on Monday 23 November; another provider nobody set up, and one who
/// has no calendar at all. The fixture's day is Saturday 21 November 2026.
const CALENDAR: &str = "
INSERT INTO users (id, username, authorized, active, calendar, fname, lname) VALUES (4, 'lee', 1, 1, 1, 'Donna', 'Lee'),
  (5, 'mensah', 1, 1, 1, 'Abena', 'Mensah'), (6, 'fisch', 1, 1, 0, 'No', 'Calendar');
INSERT INTO openemr_postcalendar_categories (pc_catid, pc_constant_id, pc_catname, pc_duration, pc_cattype, pc_active) VALUES
  (1, 'no_show', 'No Show', 0, 0, 1), (2, 'in_office', 'In Office', 0, 1, 1), (5, 'office_visit', 'Office Visit', 900, 0, 1),
  (9, 'established_patient', 'Established Patient', 900, 0, 1), (10, 'new_patient', 'New Patient', 1800, 0, 1),
  (16, 'old', 'Not in use', 900, 0, 0);
INSERT INTO openemr_postcalendar_events (pc_eid, pc_catid, pc_multiple, pc_aid, pc_pid, pc_title, pc_eventDate, pc_endDate,
  pc_startTime, pc_endTime, pc_duration, pc_recurrtype, pc_recurrspec, pc_eventstatus, pc_apptstatus) VALUES
  (1, 2, 0, '4', '', 'In', '2026-11-02', '2027-11-02', '09:00:00', '09:00:00', 0, 1,
   'a:3:{s:17:\"event_repeat_freq\";s:1:\"1\";s:22:\"event_repeat_freq_type\";s:1:\"4\";s:6:\"exdate\";s:8:\"20261125\";}', 1, '-'),
  (2, 3, 0, '4', '', 'Out', '2026-11-02', '2027-11-02', '11:00:00', '11:00:00', 0, 1,
   'a:3:{s:17:\"event_repeat_freq\";s:1:\"1\";s:22:\"event_repeat_freq_type\";s:1:\"4\";s:6:\"exdate\";s:0:\"\";}', 1, '-'),
  (3, 5, 0, '4', '7', 'Visit', '2026-11-23', '0000-00-00', '09:30:00', '09:45:00', 900, 0, '', 1, '-');
";

fn open(kind: ResourceType) -> Reach {
    reach(7, "patient/*.rs", kind, Interaction::Search)
}

async fn slots(practice: &Fixture, query: &Query) -> Page<Record> {
    let found = emr::find(&practice.emr, &open(ResourceType::Slot), query).await;
    found.expect("a page")
}

fn told(page: &Page<Record>) -> Vec<(OffsetDateTime, i64, Availability)> {
    page.records
        .iter()
        .map(|record| match record {
            Record::Slot(slot) => (
                slot.start,
                (slot.end - slot.start).whole_minutes(),
                slot.state,
            ),
            other => panic!("no slot but {other:?}"),
        })
        .collect()
}

fn monday(filters: impl IntoIterator<Item = Filter>) -> Query {
    let range = DateRange {
        prefix: Prefix::Eq,
        start: datetime!(2026-11-23 00:00 -5),
        end: datetime!(2026-11-24 00:00 -5),
    };
    let target = Target {
        kind: Some(ResourceType::Schedule),
        id: schedule_id(4),
    };
    let given = [
        Filter::Date(Field::Date, vec![range]),
        Filter::Reference(Field::Schedule, vec![target]),
    ];
    Query {
        filters: given.into_iter().chain(filters).collect(),
        count: 50,
        ..Query::default()
    }
}

#[tokio::test]
async fn f125_slots_are_what_office_hours_leave() {
    let practice = Fixture::with(CALENDAR).await;
    let page = slots(&practice, &monday([])).await;
    let found = told(&page);
    assert_eq!(found.len(), 8, "{found:?}");
    assert_eq!(
        found[..4],
        [
            (datetime!(2026-11-23 09:00 -5), 15, Availability::Free),
            (datetime!(2026-11-23 09:15 -5), 15, Availability::Free),
            (datetime!(2026-11-23 09:30 -5), 15, Availability::Busy),
            (datetime!(2026-11-23 09:45 -5), 15, Availability::Free),
        ]
    );
    let busy = Filter::Token(Field::Status, vec![Token::of("busy-unavailable")]);
    assert_eq!(told(&slots(&practice, &monday([busy])).await).len(), 1);
    // New Patient takes half an hour: 9:00 has room before the visit, 9:45 and 10:15 after it, and 10:45 has not.
    let new = Filter::Token(Field::Category, vec![Token::of("new_patient")]);
    let free = Filter::Token(Field::Status, vec![Token::of("free")]);
    let found = told(&slots(&practice, &monday([new, free])).await);
    let starts: Vec<_> = found.iter().map(|(start, ..)| *start).collect();
    assert_eq!(
        starts,
        [
            datetime!(2026-11-23 09:00 -5),
            datetime!(2026-11-23 09:45 -5),
            datetime!(2026-11-23 10:15 -5),
        ]
    );
    let unknown = Filter::Token(Field::Category, vec![Token::of("no_show")]);
    assert!(
        slots(&practice, &monday([unknown]))
            .await
            .records
            .is_empty()
    );
}

#[tokio::test]
async fn pages_and_ids_tell_the_same_slots() {
    let practice = Fixture::with(CALENDAR).await;
    let all = Query {
        count: 200,
        ..Query::default()
    };
    let whole = slots(&practice, &all).await;
    // Nine work days of eight, the 25th left out, one visit: within 14 days from the 21st.
    assert_eq!(whole.records.len(), 72, "{}", whole.records.len());
    let mut query = Query {
        count: 7,
        ..Query::default()
    };
    let mut found = Vec::new();
    loop {
        let page = slots(&practice, &query).await;
        found.extend(page.records);
        query.after = page.next;
        if query.after.is_none() {
            break;
        }
    }
    assert_eq!(found, whole.records);
    for record in &found {
        let again = emr::read(&practice.emr, &open(ResourceType::Slot), record.id()).await;
        assert_eq!(again.ok().as_ref(), Some(record));
    }
}

#[tokio::test]
async fn what_cannot_be_looked_for_is_refused() {
    let practice = Fixture::with(CALENDAR).await;
    let range =
        |prefix, start, end| Filter::Date(Field::Date, vec![DateRange { prefix, start, end }]);
    let long = Query {
        filters: vec![
            range(
                Prefix::Ge,
                datetime!(2026-12-01 00:00 -5),
                datetime!(2026-12-02 00:00 -5),
            ),
            range(
                Prefix::Lt,
                datetime!(2027-03-01 00:00 -5),
                datetime!(2027-03-02 00:00 -5),
            ),
        ],
        count: 9,
        ..Query::default()
    };
    let refused = emr::find(&practice.emr, &open(ResourceType::Slot), &long).await;
    assert!(refused.is_err());
    let past = Named {
        provider: 4,
        category: None,
        start: datetime!(2026-11-20 09:00 -5),
        minutes: 15,
    };
    let reach = open(ResourceType::Slot);
    assert!(
        emr::read(&practice.emr, &reach, id_of(&past))
            .await
            .is_err()
    );
}

#[tokio::test]
async fn an_id_keeps_provider_category_start_and_length() {
    let practice = Fixture::with("").await;
    let known = Named {
        provider: 4,
        category: Some(10),
        start: datetime!(2026-11-23 09:00 -5),
        minutes: 960,
    };
    assert_eq!(named(&practice.emr, id_of(&known)), Some(known));
}

#[tokio::test]
async fn f125_nothing_is_offered_in_the_hour_that_the_clocks_skip() {
    // In from one to five in the morning of 14 March 2027, when two becomes three; a visit at a quarter to two for half
    // an hour, which ends at a quarter past three.
    let night = "
        INSERT INTO openemr_postcalendar_events (pc_eid, pc_catid, pc_multiple, pc_aid, pc_pid, pc_title, pc_eventDate,
          pc_endDate, pc_startTime, pc_endTime, pc_duration, pc_recurrtype, pc_recurrspec, pc_eventstatus, pc_apptstatus)
        VALUES (11, 2, 0, '5', '', 'In', '2027-03-14', '0000-00-00', '01:00:00', '01:00:00', 0, 0, '', 1, '-'),
          (12, 3, 0, '5', '', 'Out', '2027-03-14', '0000-00-00', '04:00:00', '04:00:00', 0, 0, '', 1, '-'),
          (13, 5, 0, '5', '7', 'Visit', '2027-03-14', '0000-00-00', '01:45:00', '03:15:00', 1800, 0, '', 1, '-');";
    let practice = Fixture::with(&format!("{CALENDAR}{night}")).await;
    let target = Target {
        kind: Some(ResourceType::Schedule),
        id: schedule_id(5),
    };
    let query = Query {
        filters: vec![
            Filter::Date(
                Field::Date,
                vec![DateRange {
                    prefix: Prefix::Eq,
                    start: datetime!(2027-03-14 00:00 -5),
                    end: datetime!(2027-03-15 00:00 -4),
                }],
            ),
            Filter::Reference(Field::Schedule, vec![target]),
        ],
        count: 50,
        ..Query::default()
    };
    let found = told(&slots(&practice, &query).await);
    let free = |start| (start, 15, Availability::Free);
    let expected = [
        free(datetime!(2027-03-14 01:00 -5)),
        free(datetime!(2027-03-14 01:15 -5)),
        free(datetime!(2027-03-14 01:30 -5)),
        (datetime!(2027-03-14 01:45 -5), 30, Availability::Busy),
        free(datetime!(2027-03-14 03:15 -4)),
        free(datetime!(2027-03-14 03:30 -4)),
        free(datetime!(2027-03-14 03:45 -4)),
    ];
    assert_eq!(found, expected);
}
