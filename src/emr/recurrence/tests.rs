//! Recurrences, day by day.

use super::*;
use time::macros::date;

/// Saturday and Sunday, as OpenEMR ships.
const WEEKEND: [u8; 2] = [6, 0];

fn spec(every: &str, unit: &str, except: &str) -> String {
    php::array(&[
        ("event_repeat_freq", every),
        ("event_repeat_freq_type", unit),
        ("event_repeat_on_num", "1"),
        ("event_repeat_on_day", "0"),
        ("event_repeat_on_freq", "0"),
        ("exdate", except),
    ])
}

fn nth(every: &str, nth: &str, weekday: &str, flag: &str) -> String {
    php::array(&[
        ("event_repeat_freq", "0"),
        ("event_repeat_freq_type", "0"),
        ("event_repeat_on_num", nth),
        ("event_repeat_on_day", weekday),
        ("event_repeat_on_freq", every),
        ("exdate", ""),
        ("rt2_pf_flag", flag),
    ])
}

fn days(kind: i64, spec: &str, [start, end]: [Date; 2]) -> Vec<Date> {
    let series = Recurrence::of(kind, spec, start, Some(end), &WEEKEND).expect("a series");
    series.occurrences(start, end)
}

#[test]
fn every_day_and_every_third() {
    let span = [date!(2026 - 11 - 28), date!(2026 - 12 - 04)];
    assert_eq!(days(1, &spec("1", "0", ""), span).len(), 7);
    let third = [
        date!(2026 - 11 - 28),
        date!(2026 - 12 - 01),
        date!(2026 - 12 - 04),
    ];
    assert_eq!(days(1, &spec("3", "0", ""), span), third);
}

#[test]
fn every_second_week() {
    let span = [date!(2026 - 12 - 22), date!(2027 - 01 - 19)];
    let expected = [
        date!(2026 - 12 - 22),
        date!(2027 - 01 - 05),
        date!(2027 - 01 - 19),
    ];
    assert_eq!(days(1, &spec("2", "1", ""), span), expected);
}

#[test]
fn a_month_without_the_day_overflows_and_the_series_goes_on_from_there() {
    let span = [date!(2026 - 01 - 31), date!(2026 - 05 - 31)];
    let expected = [
        date!(2026 - 01 - 31),
        date!(2026 - 03 - 03),
        date!(2026 - 04 - 03),
        date!(2026 - 05 - 03),
    ];
    assert_eq!(days(1, &spec("1", "2", ""), span), expected);
    let leap = [date!(2024 - 02 - 29), date!(2028 - 03 - 01)];
    let expected = [
        date!(2024 - 02 - 29),
        date!(2025 - 03 - 01),
        date!(2026 - 03 - 01),
        date!(2027 - 03 - 01),
        date!(2028 - 03 - 01),
    ];
    assert_eq!(days(1, &spec("1", "3", ""), leap), expected);
}

#[test]
fn every_fourth_year_keeps_the_leap_day() {
    let span = [date!(1996 - 02 - 29), date!(2004 - 12 - 31)];
    let expected = [
        date!(1996 - 02 - 29),
        date!(2000 - 02 - 29),
        date!(2004 - 02 - 29),
    ];
    assert_eq!(days(1, &spec("4", "3", ""), span), expected);
}

#[test]
fn work_days_step_over_the_weekend_of_the_practice() {
    // A Thursday.
    let span = [date!(2026 - 11 - 26), date!(2026 - 12 - 02)];
    let western = [
        date!(2026 - 11 - 26),
        date!(2026 - 11 - 27),
        date!(2026 - 11 - 30),
        date!(2026 - 12 - 01),
        date!(2026 - 12 - 02),
    ];
    assert_eq!(days(1, &spec("1", "4", ""), span), western);
    let [start, end] = span;
    let eastern = Recurrence::of(1, &spec("1", "4", ""), start, Some(end), &[5, 6]);
    let expected = [
        date!(2026 - 11 - 26),
        date!(2026 - 11 - 29),
        date!(2026 - 11 - 30),
        date!(2026 - 12 - 01),
        date!(2026 - 12 - 02),
    ];
    assert_eq!(eastern.expect("a series").occurrences(start, end), expected);
    let one = Recurrence::of(1, &spec("1", "4", ""), start, Some(end), &[0]);
    let sundays = one.expect("a series").occurrences(start, end);
    assert_eq!(sundays.len(), 6);
    assert!(!sundays.contains(&date!(2026 - 11 - 29)));
    let none = Recurrence::of(1, &spec("1", "4", ""), start, Some(end), &[]);
    assert_eq!(none.expect("a series").occurrences(start, end).len(), 7);
}

#[test]
fn two_work_days_after_friday_is_tuesday() {
    let span = [date!(2026 - 11 - 27), date!(2026 - 12 - 04)];
    let expected = [
        date!(2026 - 11 - 27),
        date!(2026 - 12 - 01),
        date!(2026 - 12 - 03),
    ];
    assert_eq!(days(1, &spec("2", "4", ""), span), expected);
}

#[test]
fn listed_weekdays_count_from_sunday_as_one() {
    // A Sunday, which is not listed, and is a day of the series all the same.
    let span = [date!(2026 - 11 - 22), date!(2026 - 12 - 01)];
    let expected = [
        date!(2026 - 11 - 22),
        date!(2026 - 11 - 24),
        date!(2026 - 11 - 26),
        date!(2026 - 12 - 01),
    ];
    assert_eq!(days(3, &spec("3,5", "6", ""), span), expected);
    assert_eq!(days(3, &spec("5,3", "6", ""), span), expected);
    // OpenEMR goes by the unit, whatever the type says.
    assert_eq!(days(1, &spec("3,5", "6", ""), span), expected);
}

#[test]
fn the_nth_and_the_last_weekday_of_a_month() {
    let span = [date!(2026 - 09 - 09), date!(2026 - 12 - 31)];
    let second_wednesdays = [
        date!(2026 - 09 - 09),
        date!(2026 - 10 - 14),
        date!(2026 - 11 - 11),
        date!(2026 - 12 - 09),
    ];
    assert_eq!(days(2, &nth("1", "2", "3", "1"), span), second_wednesdays);
    let last_mondays = [
        date!(2026 - 09 - 28),
        date!(2026 - 10 - 26),
        date!(2026 - 11 - 30),
        date!(2026 - 12 - 28),
    ];
    assert_eq!(days(2, &nth("1", "5", "1", "1"), span), last_mondays);
    assert_eq!(
        days(2, &nth("2", "5", "1", "1"), span),
        [date!(2026 - 09 - 28), date!(2026 - 11 - 30)]
    );
}

#[test]
fn a_series_from_before_the_fix_of_2016_skips_short_months() {
    // The fifth Thursday: counted from the 31st, February is skipped by the overflow, and then nothing is.
    let span = [date!(2015 - 01 - 31), date!(2015 - 05 - 31)];
    let old = days(2, &nth("1", "5", "4", ""), span);
    assert_eq!(
        old,
        [
            date!(2015 - 03 - 26),
            date!(2015 - 04 - 30),
            date!(2015 - 05 - 28)
        ]
    );
    let new = days(2, &nth("1", "5", "4", "1"), span);
    assert_eq!(new.first(), Some(&date!(2015 - 02 - 26)));
    assert_eq!(days(2, &nth("1", "5", "4", "0"), span), old);
}

#[test]
fn nothing_is_before_the_series_begins() {
    // The first Monday of November is the 2nd, the series begins on the 20th.
    let span = [date!(2026 - 11 - 20), date!(2026 - 12 - 31)];
    let series = Recurrence::of(
        2,
        &nth("1", "1", "1", "1"),
        span[0],
        Some(span[1]),
        &WEEKEND,
    );
    let found = series
        .expect("a series")
        .occurrences(date!(2026 - 01 - 01), span[1]);
    assert_eq!(found, [date!(2026 - 12 - 07)]);
}

#[test]
fn excluded_days_are_left_out_in_both_spellings() {
    let span = [date!(2026 - 12 - 24), date!(2026 - 12 - 28)];
    let except = "20261225, 2026-12-26,,rubbish,20261399,2026122é";
    let expected = [
        date!(2026 - 12 - 24),
        date!(2026 - 12 - 27),
        date!(2026 - 12 - 28),
    ];
    assert_eq!(days(1, &spec("1", "0", except), span), expected);
    let series = Recurrence::of(1, &spec("1", "0", except), span[0], Some(span[1]), &WEEKEND);
    let series = series.expect("a series");
    assert!(series.is_on(date!(2026 - 12 - 24)));
    assert!(!series.is_on(date!(2026 - 12 - 25)));
    assert!(
        !series.is_on(date!(2026 - 12 - 29)),
        "the end is inclusive, and the end"
    );
}

#[test]
fn what_openemr_never_shows_is_no_series() {
    let start = date!(2026 - 11 - 22);
    let of = |kind, spec: &str, end| Recurrence::of(kind, spec, start, end, &WEEKEND);
    let end = Some(date!(2026 - 12 - 31));
    assert!(of(1, &spec("1", "0", ""), end).is_some());
    assert_eq!(of(1, &spec("1", "0", ""), None), None, "no end");
    assert_eq!(of(0, &spec("1", "0", ""), end), None, "not recurring");
    assert_eq!(of(4, &spec("1", "0", ""), end), None, "no such type");
    for (every, unit) in [
        ("", "0"),
        ("0", "0"),
        ("-1", "0"),
        ("1", ""),
        ("1", "5"),
        ("1", "7"),
        ("1,2", "0"),
        ("1001", "0"),
        ("", "6"),
        ("0", "6"),
        ("8", "6"),
        ("2,,3", "6"),
        ("monday", "6"),
    ] {
        assert_eq!(of(1, &spec(every, unit, ""), end), None, "{every} {unit}");
        assert_eq!(of(3, &spec(every, unit, ""), end), None, "{every} {unit}");
    }
    for (every, num, day) in [
        ("0", "1", "1"),
        ("1", "0", "1"),
        ("1", "6", "1"),
        ("1", "1", "7"),
        ("1", "1", ""),
    ] {
        assert_eq!(
            of(2, &nth(every, num, day, "1"), end),
            None,
            "{every} {num} {day}"
        );
    }
    for broken in ["", "a:0:{}", "a:1:{", "N;", "O:8:\"stdClass\":0:{}"] {
        for kind in [1, 2, 3] {
            assert_eq!(of(kind, broken, end), None, "{broken}");
        }
    }
    // What the portal writes for an event that does not recur (facts 1.6).
    let portal = "a:2:{s:17:\"event_repeat_freq\";N;s:22:\"event_repeat_freq_type\";s:1:\"0\";}";
    assert_eq!(of(1, portal, end), None);
    let numbers = "a:2:{s:17:\"event_repeat_freq\";i:1;s:22:\"event_repeat_freq_type\";i:0;}";
    assert!(
        of(1, numbers, end).is_some(),
        "no exdate is no excluded day"
    );
}

#[test]
fn an_end_before_the_start_leaves_no_day() {
    let span = [date!(2026 - 11 - 22), date!(2026 - 11 - 21)];
    assert!(days(1, &spec("1", "0", ""), span).is_empty());
    let series = Recurrence::of(1, &spec("1", "0", ""), span[0], Some(Date::MAX), &WEEKEND);
    let series = series.expect("a series");
    assert!(
        series
            .occurrences(date!(2026 - 12 - 02), date!(2026 - 12 - 01))
            .is_empty()
    );
    assert!(
        series
            .occurrences(Date::MIN, date!(2026 - 11 - 21))
            .is_empty()
    );
}

#[test]
fn a_call_yields_two_thousand_days_at_most() {
    let series = Recurrence::of(
        1,
        &spec("1", "0", ""),
        date!(1990 - 01 - 01),
        Some(Date::MAX),
        &WEEKEND,
    );
    let series = series.expect("a series");
    let found = series.occurrences(date!(1990 - 01 - 01), Date::MAX);
    assert_eq!(found.len(), MOST);
    let rest = series.occurrences(found[MOST - 1].next_day().expect("a day"), Date::MAX);
    assert_eq!(rest[0] - found[MOST - 1], Duration::days(1));
    // At the end of the calendar every rhythm just stops.
    for unit in ["0", "1", "2", "3", "4", "6"] {
        let series = Recurrence::of(
            1,
            &spec("1", unit, ""),
            date!(1990 - 01 - 31),
            Some(Date::MAX),
            &WEEKEND,
        );
        let last = series
            .expect("a series")
            .occurrences(date!(9999 - 12 - 01), Date::MAX);
        assert!(
            last.iter().all(|day| *day >= date!(9999 - 12 - 01)),
            "{unit}"
        );
    }
}

#[test]
fn an_old_series_is_jumped_not_walked() {
    let begun = std::time::Instant::now();
    for round in 0..2_000 {
        let unit = ["0", "1", "2", "3", "4"][round % 5];
        let series = Recurrence::of(
            1,
            &spec("1", unit, ""),
            Date::from_ordinal_date(1, 15).expect("a day"),
            Some(Date::MAX),
            &WEEKEND,
        );
        let series = series.expect("a series");
        assert!(
            series
                .occurrences(date!(9000 - 01 - 01), date!(9001 - 01 - 31))
                .len()
                <= 396
        );
    }
    // Walked, these were a thousand million steps.
    assert!(begun.elapsed().as_secs() < 20);
}
