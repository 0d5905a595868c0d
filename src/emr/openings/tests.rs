//! Free time by OpenEMR's rules, one by one, and against a second reading of them minute by minute.

use super::*;
use time::Duration;
use time::macros::date;

const MONDAY: Date = date!(2026 - 11 - 23);
const TUESDAY: Date = date!(2026 - 11 - 24);
const HOUR: i64 = 3600;
const MINUTE: i64 = 60;

const RULES: Rules = Rules {
    step_minutes: 15,
    schedule_end: 17,
    cancelled: Cancelled::Blocks,
};

/// A visit of two steps.
const NEW_PATIENT: Visit = Visit {
    category: 10,
    seconds: 30 * MINUTE,
};

const ANY: Kind = Kind::In { reserved_for: None };

const TAKES: Kind = Kind::Other { cancelled: false };

fn at(date: Date, start: i64, kind: Kind) -> Event {
    Event {
        date,
        start,
        seconds: 0,
        all_day: false,
        kind,
    }
}

fn visit(date: Date, start: i64, seconds: i64) -> Event {
    Event {
        seconds,
        ..at(date, start, TAKES)
    }
}

/// In from 8 to 10.
fn morning(date: Date) -> Vec<Event> {
    vec![at(date, 8 * HOUR, ANY), at(date, 10 * HOUR, Kind::Out)]
}

fn openings(events: &[Event]) -> Openings {
    Openings::of(events, &[MONDAY], &RULES, &NEW_PATIENT)
}

/// The offered starts of one day, in minutes since midnight.
fn minutes(openings: &Openings) -> Vec<i64> {
    let starts = openings.starts();
    starts.iter().map(|(_, start)| start / MINUTE).collect()
}

#[test]
fn a_day_is_open_from_in_office_to_out_of_office() {
    let found = openings(&morning(MONDAY));
    assert_eq!(minutes(&found), [480, 510, 540, 570]);
    assert_eq!(found.why_none(), None);
}

#[test]
fn a_visit_takes_its_time_and_the_next_offer_begins_where_there_is_room() {
    let mut events = morning(MONDAY);
    events.push(visit(MONDAY, 8 * HOUR + 30 * MINUTE, 15 * MINUTE));
    assert_eq!(minutes(&openings(&events)), [480, 525, 555]);
}

#[test]
fn an_in_office_lasts_until_out_of_office_whatever_its_own_length() {
    let mut events = morning(MONDAY);
    events[0].seconds = 15 * MINUTE;
    assert_eq!(minutes(&openings(&events)), [480, 510, 540, 570]);
}

#[test]
fn without_out_of_office_the_schedule_ends_the_day() {
    let found = openings(&[at(MONDAY, 16 * HOUR, ANY)]);
    assert_eq!(minutes(&found), [960, 990]);
    // An evening that nobody closed is after the end.
    let found = openings(&[at(MONDAY, 18 * HOUR, ANY)]);
    assert_eq!(found.why_none(), Some(NoTime::Full));
}

#[test]
fn with_out_of_office_the_schedule_ends_nothing() {
    let found = openings(&[at(MONDAY, 18 * HOUR, ANY), at(MONDAY, 19 * HOUR, Kind::Out)]);
    assert_eq!(minutes(&found), [1080, 1110]);
    // The afternoon is open to the end of the schedule, the morning was closed.
    let mut events = morning(MONDAY);
    events.push(at(MONDAY, 16 * HOUR, ANY));
    assert_eq!(minutes(&openings(&events)), [480, 510, 540, 570, 960, 990]);
}

#[test]
fn out_wins_where_both_begin_in_one_step() {
    let found = openings(&[
        at(MONDAY, 8 * HOUR, ANY),
        at(MONDAY, 8 * HOUR + 14 * MINUTE, Kind::Out),
    ]);
    assert_eq!(found.why_none(), Some(NoTime::Full));
}

#[test]
fn time_reserved_for_another_category_is_out_as_staff_see_it() {
    let reserved = |category| Kind::In {
        reserved_for: Some(category),
    };
    let mut events = morning(MONDAY);
    events.push(at(MONDAY, 9 * HOUR, reserved(5)));
    assert_eq!(minutes(&openings(&events)), [480, 510]);
    events.pop();
    events.push(at(MONDAY, 9 * HOUR, reserved(NEW_PATIENT.category)));
    assert_eq!(minutes(&openings(&events)), [480, 510, 540, 570]);
    let found = openings(&[at(MONDAY, 8 * HOUR, reserved(5))]);
    assert_eq!(found.why_none(), Some(NoTime::Full), "a calendar there is");
}

#[test]
fn a_cancelled_visit_blocks_or_not_as_the_practice_says() {
    let mut events = morning(MONDAY);
    events.push(Event {
        kind: Kind::Other { cancelled: true },
        ..visit(MONDAY, 8 * HOUR, 2 * HOUR)
    });
    assert_eq!(openings(&events).why_none(), Some(NoTime::Full));
    let rules = Rules {
        cancelled: Cancelled::Frees,
        ..RULES
    };
    let found = Openings::of(&events, &[MONDAY], &rules, &NEW_PATIENT);
    assert_eq!(minutes(&found), [480, 510, 540, 570]);
}

#[test]
fn all_day_events_block_the_day_and_only_that_day() {
    for kind in [TAKES, Kind::Out] {
        let mut events = morning(MONDAY);
        events.extend(morning(TUESDAY));
        events.push(Event {
            all_day: true,
            ..visit(MONDAY, 12 * HOUR, 86_400)
        });
        events.last_mut().expect("the event").kind = kind;
        let found = Openings::of(&events, &[MONDAY, TUESDAY], &RULES, &NEW_PATIENT);
        let days: Vec<Date> = found.starts().iter().map(|(date, _)| *date).collect();
        assert_eq!(days, [TUESDAY; 4], "{kind:?}");
    }
}

#[test]
fn an_event_without_length_blocks_one_step() {
    let mut events = morning(MONDAY);
    events.push(visit(MONDAY, 9 * HOUR, 0));
    events.push(visit(MONDAY, 9 * HOUR + 30 * MINUTE, -100));
    assert_eq!(minutes(&openings(&events)), [480, 510]);
}

#[test]
fn an_event_off_the_steps_blocks_every_step_it_touches() {
    let mut events = morning(MONDAY);
    events.push(visit(MONDAY, 8 * HOUR + 40 * MINUTE, 15 * MINUTE));
    // 8:40 to 8:55 touches the steps of 8:30 and of 8:45.
    assert_eq!(minutes(&openings(&events)), [480, 540, 570]);
}

#[test]
fn an_event_runs_past_midnight() {
    let mut events = vec![at(MONDAY, 0, ANY), at(MONDAY, 2 * HOUR, Kind::Out)];
    events.push(visit(date!(2026 - 11 - 22), 23 * HOUR, 2 * HOUR));
    assert_eq!(minutes(&openings(&events)), [60, 90]);
    // But no visit is offered that would.
    let late = openings(&[at(MONDAY, 23 * HOUR + 45 * MINUTE, ANY)]);
    assert_eq!(late.why_none(), Some(NoTime::Full));
}

#[test]
fn no_calendar_and_a_full_one_are_told_apart() {
    let found = openings(&[
        visit(MONDAY, 8 * HOUR, HOUR),
        at(MONDAY, 9 * HOUR, Kind::Out),
    ]);
    assert_eq!(found.why_none(), Some(NoTime::NoCalendar));
    assert_eq!(
        openings(&morning(TUESDAY)).why_none(),
        Some(NoTime::NoCalendar),
        "another day"
    );
    let mut events = morning(MONDAY);
    events.push(visit(MONDAY, 8 * HOUR, 2 * HOUR));
    assert_eq!(openings(&events).why_none(), Some(NoTime::Full));
    let never = Openings::of(&events, &[], &RULES, &NEW_PATIENT);
    assert_eq!(never.why_none(), Some(NoTime::NoCalendar));
}

#[test]
fn a_visit_longer_than_the_room_does_not_fit() {
    for (seconds, expected) in [
        (2 * HOUR, 1),
        (2 * HOUR + 1, 0),
        (i64::MAX, 0),
        (0, 8),
        (-5, 8),
        (16 * MINUTE, 4),
    ] {
        let visit = Visit {
            category: 5,
            seconds,
        };
        let found = Openings::of(&morning(MONDAY), &[MONDAY], &RULES, &visit);
        assert_eq!(found.starts().len(), expected, "{seconds}");
    }
}

#[test]
fn a_booking_is_checked_whether_its_start_was_offered_or_not() {
    let mut events = morning(MONDAY);
    events.push(visit(MONDAY, 9 * HOUR, 15 * MINUTE));
    let found = openings(&events);
    let fits = |minutes: i64| found.fits(MONDAY, minutes * MINUTE);
    assert!(fits(480) && fits(495) && fits(510));
    assert!(!fits(525), "runs into the visit");
    assert!(!fits(540) && fits(555) && fits(570) && !fits(585) && !fits(600));
    assert!(fits(485), "off the steps");
    assert!(!fits(515), "off the steps and into the visit");
    assert!(!fits(465) && !fits(-15) && !fits(1440));
    assert!(
        !found.fits(TUESDAY, 8 * HOUR),
        "a day that was not looked through"
    );
}

#[test]
fn slots_are_free_or_busy_and_the_rest_is_neither() {
    let mut events = morning(MONDAY);
    events.push(visit(MONDAY, 8 * HOUR + 45 * MINUTE, 15 * MINUTE));
    events.push(visit(MONDAY, 9 * HOUR, 15 * MINUTE));
    events.push(visit(MONDAY, 12 * HOUR, HOUR));
    let slot = |start: i64, end: i64, state| Interval {
        date: MONDAY,
        start: start * MINUTE,
        end: end * MINUTE,
        state,
    };
    assert_eq!(
        openings(&events).intervals(),
        [
            // 8:30 is too short, and noon is not in the office hours.
            slot(480, 510, State::Free),
            slot(525, 555, State::Busy),
            slot(555, 585, State::Free),
        ]
    );
}

#[test]
fn odd_settings_are_endured() {
    for step_minutes in [-1, 0, 7, 60, 1440, 1441, i64::MAX] {
        for schedule_end in [-1, 0, 17, 24, i64::MAX] {
            let rules = Rules {
                step_minutes,
                schedule_end,
                ..RULES
            };
            let events = [
                at(MONDAY, 8 * HOUR, ANY),
                visit(MONDAY, i64::MAX, i64::MAX),
                visit(MONDAY, i64::MIN, i64::MIN),
                visit(Date::MIN, 0, HOUR),
                visit(Date::MAX, 0, HOUR),
                at(MONDAY, i64::MAX, Kind::Out),
            ];
            let found = Openings::of(&events, &[TUESDAY, MONDAY, MONDAY], &rules, &NEW_PATIENT);
            for (date, start) in found.starts() {
                // Never before the step in which the day is opened.
                assert!(date == MONDAY && start + found.step > 8 * HOUR);
                assert!(found.fits(date, start));
            }
        }
    }
    let forever = visit(Date::MIN, 0, i64::MAX);
    let found = openings(&[forever, at(MONDAY, 8 * HOUR, ANY)]);
    assert_eq!(found.why_none(), Some(NoTime::Full));
}

/// Whether a provider is in and unoccupied in a minute, told from the list of events each time anew.
fn is_free_at(events: &[Event], date: Date, minute: i64, rules: &Rules) -> bool {
    let step = |second: i64| second / (rules.step_minutes * MINUTE);
    let here = step(minute * MINUTE);
    let turns = |opens: bool, from: i64, until: i64| {
        events.iter().any(|event| {
            let is = match event.kind {
                Kind::In { reserved_for } => {
                    reserved_for.is_none_or(|category| category == 10) == opens
                }
                Kind::Out => !opens && !event.all_day,
                Kind::Other { .. } => false,
            };
            is && event.date == date && (from..=until).contains(&step(event.start))
        })
    };
    let last_open = (0..=here).rev().find(|at| turns(true, *at, *at));
    let is_in = last_open.is_some_and(|opened| !turns(false, opened, here));
    let is_closed_later = turns(false, here + 1, step(DAY));
    let in_schedule = minute < rules.schedule_end * 60;
    let is_taken = events.iter().any(|event| {
        let blocks = match event.kind {
            Kind::Other { cancelled } => !cancelled || rules.cancelled == Cancelled::Blocks,
            Kind::Out => event.all_day,
            Kind::In { .. } => false,
        };
        let midnight = (event.date - date).whole_days() * DAY;
        let (start, end) = match event.all_day {
            true => (midnight, midnight + DAY.max(event.seconds)),
            false => (
                midnight + event.start,
                midnight + event.start + event.seconds.max(1),
            ),
        };
        let begin = here * rules.step_minutes * MINUTE;
        blocks && start < begin + rules.step_minutes * MINUTE && end > begin
    });
    is_in && (is_closed_later || in_schedule) && !is_taken
}

#[test]
fn the_walk_finds_what_each_minute_says() {
    let mut state: u64 = 0x5851_f42d_4c95_7f2d;
    let mut dice = |sides: i64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        i64::try_from(state % u64::try_from(sides).expect("sides")).expect("less than the sides")
    };
    let (mut offered, mut refused) = (0, 0);
    for round in 0..100 {
        let events: Vec<Event> = (0..dice(9))
            .map(|_| Event {
                date: MONDAY + Duration::days(dice(3) - 1),
                start: dice(288) * 5 * MINUTE,
                seconds: dice(30) * 10 * MINUTE,
                all_day: dice(25) == 0,
                kind: match dice(7) {
                    0 | 1 => ANY,
                    2 => Kind::In {
                        reserved_for: Some(5 + 5 * dice(2)),
                    },
                    3 => Kind::Out,
                    4 => Kind::Other { cancelled: true },
                    _ => TAKES,
                },
            })
            .collect();
        let rules = Rules {
            step_minutes: [5, 10, 15, 20, 30, 60][usize::try_from(dice(6)).expect("a place")],
            schedule_end: 12 + dice(13),
            cancelled: [Cancelled::Blocks, Cancelled::Frees]
                [usize::try_from(dice(2)).expect("a place")],
        };
        let length = 5 + 5 * dice(12);
        let wanted = Visit {
            category: 10,
            seconds: length * MINUTE,
        };
        let found = Openings::of(&events, &[MONDAY, TUESDAY], &rules, &wanted);
        for date in [MONDAY, TUESDAY] {
            let free: Vec<bool> = (0..1440)
                .map(|minute| is_free_at(&events, date, minute, &rules))
                .collect();
            for minute in (0..1440).step_by(usize::try_from(rules.step_minutes).expect("minutes")) {
                let until = minute + usize::try_from(length).expect("minutes");
                let expected = free
                    .get(minute..until)
                    .is_some_and(|free| free.iter().all(|free| *free));
                let start = i64::try_from(minute).expect("minutes") * MINUTE;
                assert_eq!(
                    found.fits(date, start),
                    expected,
                    "round {round} {date} {minute}: {rules:?} {events:?}"
                );
                match expected {
                    true => offered += 1,
                    false => refused += 1,
                }
            }
        }
        let starts = found.starts();
        assert!(starts.iter().all(|(date, start)| found.fits(*date, *start)));
        assert!(
            starts
                .windows(2)
                .all(|pair| pair[0].0 < pair[1].0 || pair[0].1 + wanted.seconds <= pair[1].1)
        );
        let slots = found.intervals();
        assert!(
            slots
                .windows(2)
                .all(|pair| pair[0].date < pair[1].date || pair[0].end <= pair[1].start)
        );
    }
    assert!(offered > 1_000 && refused > 1_000, "{offered} {refused}");
}
