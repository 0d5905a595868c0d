//! Series as their visits, visits with several providers, and pages over both.

use super::*;
use crate::domain::ResourceType;
use crate::domain::query::Prefix;
use crate::domain::scope::Interaction;
use crate::domain::scope::Token;
use crate::domain::visits::Appointment;
use crate::emr;
use crate::emr::calendar::rows::occurrence_id;
use crate::emr::fixture::Fixture;
use crate::emr::fixture::reach;
use crate::emr::fixture::wide;
use time::macros::date;
use time::macros::datetime;

/// Weekly on Tuesdays across the end of summer time (1 November 2026), the 10th of November left out; a single visit
/// in between; two providers at once; somebody else's series.
const CALENDAR: &str = "
INSERT INTO patient_data (id, pid, uuid, fname, lname) VALUES (7, 7, X'00000000000000000000000000000007', 'Ana', 'Diaz'),
  (8, 8, X'00000000000000000000000000000008', 'Bo', 'Ek');
INSERT INTO users (id, username, authorized, active, fname, lname, specialty) VALUES (4, 'lee', 1, 1, 'Donna', 'Lee', 'Family medicine'),
  (5, 'mensah', 1, 1, 'Abena', 'Mensah', '');
INSERT INTO openemr_postcalendar_events (pc_eid, pc_catid, pc_multiple, pc_aid, pc_pid, pc_title, pc_eventDate, pc_endDate,
  pc_startTime, pc_endTime, pc_duration, pc_recurrtype, pc_recurrspec, pc_eventstatus, pc_apptstatus, uuid) VALUES
  (1, 5, 0, '4', '7', 'Weekly', '2026-10-20', '2026-12-01', '14:00:00', '14:15:00', 900, 1,
   'a:6:{s:17:\"event_repeat_freq\";s:1:\"1\";s:22:\"event_repeat_freq_type\";s:1:\"1\";s:19:\"event_repeat_on_num\";s:1:\"1\";s:19:\"event_repeat_on_day\";s:1:\"0\";s:20:\"event_repeat_on_freq\";s:1:\"0\";s:6:\"exdate\";s:8:\"20261110\";}',
   1, '-', X'000000000000400080000000000000A1'),
  (2, 5, 0, '4', '7', 'Once', '2026-11-03', '0000-00-00', '09:00:00', '09:15:00', 900, 0, '', 1, '-', X'000000000000400080000000000000A2'),
  (3, 5, 6, '4', '7', 'Both', '2026-11-25', '0000-00-00', '10:00:00', '10:30:00', 1800, 0, '', 1, '-', X'000000000000400080000000000000A3'),
  (4, 5, 6, '5', '7', 'Both', '2026-11-25', '0000-00-00', '10:00:00', '10:30:00', 1800, 0, '', 1, '-', X'000000000000400080000000000000A4'),
  (5, 5, 0, '5', '8', 'Other', '2026-11-03', '2026-11-17', '08:00:00', '08:15:00', 900, 1,
   'a:3:{s:17:\"event_repeat_freq\";s:1:\"1\";s:22:\"event_repeat_freq_type\";s:1:\"1\";s:6:\"exdate\";s:0:\"\";}', 1, '-', NULL),
  (6, 5, 0, '5', '8', 'Broken', '2026-11-03', '2026-11-17', '08:00:00', '08:15:00', 900, 1, 'a:1:{broken', 1, '-', NULL);
";

fn own() -> Reach {
    reach(
        7,
        "patient/*.rs",
        ResourceType::Appointment,
        Interaction::Search,
    )
}

async fn page(practice: &Fixture, reach: &Reach, query: &Query) -> Page<Record> {
    emr::find(&practice.emr, reach, query)
        .await
        .expect("a page")
}

fn visits(page: &Page<Record>) -> Vec<&Appointment> {
    page.records
        .iter()
        .map(|record| match record {
            Record::Appointment(visit) => visit.as_ref(),
            other => panic!("no visit but {other:?}"),
        })
        .collect()
}

fn at_most(count: u32) -> Query {
    Query {
        count,
        ..Query::default()
    }
}

fn on(prefix: Prefix, start: OffsetDateTime, end: OffsetDateTime) -> Filter {
    Filter::Date(Field::Date, vec![DateRange { prefix, start, end }])
}

#[tokio::test]
async fn every_visit_of_a_series_is_told_with_the_offset_of_its_day() {
    let practice = Fixture::with(CALENDAR).await;
    let page = page(&practice, &own(), &at_most(50)).await;
    let starts: Vec<OffsetDateTime> = visits(&page).iter().map(|visit| visit.start).collect();
    assert_eq!(
        starts,
        [
            datetime!(2026-10-20 14:00 -4),
            datetime!(2026-10-27 14:00 -4),
            datetime!(2026-11-03 09:00 -5),
            datetime!(2026-11-03 14:00 -5),
            datetime!(2026-11-17 14:00 -5),
            datetime!(2026-11-24 14:00 -5),
            datetime!(2026-11-25 10:00 -5),
            datetime!(2026-12-01 14:00 -5),
        ]
    );
    let series: Vec<bool> = visits(&page).iter().map(|visit| visit.series).collect();
    assert_eq!(series, [true, true, false, true, true, true, false, true]);
}

#[tokio::test]
async fn pages_of_any_size_tell_every_visit_once() {
    let practice = Fixture::with(CALENDAR).await;
    let whole = page(&practice, &own(), &at_most(50)).await.records;
    for size in 1..=9 {
        let mut query = at_most(size);
        let mut told = Vec::new();
        loop {
            let next = page(&practice, &own(), &query).await;
            told.extend(next.records);
            query.after = next.next;
            if query.after.is_none() {
                break;
            }
        }
        assert_eq!(told, whole, "pages of {size}");
    }
}

#[tokio::test]
async fn a_visit_of_a_series_is_read_by_its_id_and_the_series_is_none() {
    let practice = Fixture::with(CALENDAR).await;
    let id = |day| occurrence_id(1, day).expect("an id");
    let found = emr::read(&practice.emr, &own(), id(date!(2026 - 11 - 24))).await;
    let Ok(Record::Appointment(visit)) = found else {
        panic!("not found")
    };
    assert_eq!(visit.start, datetime!(2026-11-24 14:00 -5));
    assert_eq!(visit.specialties, ["Family medicine"]);
    let series = Uuid::from_u128(0x4000_8000_0000_0000_00a1);
    // A day that is left out, one that is none of the series, the series, the second provider's row, another chart's.
    let other = occurrence_id(5, date!(2026 - 11 - 10)).expect("an id");
    let second = Uuid::from_u128(0x4000_8000_0000_0000_00a4);
    for none in [
        id(date!(2026 - 11 - 10)),
        id(date!(2026 - 11 - 25)),
        series,
        second,
        other,
    ] {
        assert!(
            emr::read(&practice.emr, &own(), none).await.is_err(),
            "{none}"
        );
    }
    let everybody = wide("system/*.rs", ResourceType::Appointment, Interaction::Read);
    assert!(emr::read(&practice.emr, &everybody, other).await.is_ok());
    assert!(emr::read(&practice.emr, &everybody, series).await.is_err());
}

#[tokio::test]
async fn a_visit_with_two_providers_is_one_visit() {
    let practice = Fixture::with(CALENDAR).await;
    let query = Query {
        filters: vec![on(
            Prefix::Eq,
            datetime!(2026-11-25 00:00 -5),
            datetime!(2026-11-26 00:00 -5),
        )],
        ..at_most(9)
    };
    let page = page(&practice, &own(), &query).await;
    let [visit] = visits(&page)[..] else {
        panic!("one expected")
    };
    assert_eq!(visit.uuid, Uuid::from_u128(0x4000_8000_0000_0000_00a3));
    let names: Vec<&str> = visit
        .providers
        .iter()
        .map(|(_, name)| name.as_str())
        .collect();
    assert_eq!(names, ["Donna Lee", "Abena Mensah"]);
}

#[tokio::test]
async fn everybodys_days_hold_the_visits_of_their_series() {
    let practice = Fixture::with(CALENDAR).await;
    let everybody = wide(
        "system/*.rs",
        ResourceType::Appointment,
        Interaction::Search,
    );
    let day = on(
        Prefix::Eq,
        datetime!(2026-11-17 00:00 -5),
        datetime!(2026-11-18 00:00 -5),
    );
    let query = Query {
        filters: vec![day.clone()],
        ..at_most(9)
    };
    let found = page(&practice, &everybody, &query).await;
    let starts: Vec<_> = visits(&found).iter().map(|visit| visit.start).collect();
    assert_eq!(
        starts,
        [
            datetime!(2026-11-17 08:00 -5),
            datetime!(2026-11-17 14:00 -5)
        ]
    );
    let status = Filter::Token(Field::Status, vec![Token::of("cancelled")]);
    let query = Query {
        filters: vec![day, status],
        ..at_most(9)
    };
    assert!(page(&practice, &everybody, &query).await.records.is_empty());
    assert!(
        emr::find(&practice.emr, &everybody, &at_most(9))
            .await
            .is_err()
    );
}
