//! Recurrences against a second expansion that never jumps.

use super::*;
use time::macros::date;

/// A second expansion in OpenEMR's manner: one step after the other from the very first day, in PHP's calendar.
fn naive(case: &Case) -> Vec<Date> {
    let weekday = |date: Date| i64::from(date.weekday().number_days_from_sunday());
    let is_weekend = |day: i64| case.weekend.iter().any(|known| i64::from(*known) == day);
    let mktime = |year: i32, month: i64, day: i64| {
        let year = year + i32::try_from((month - 1).div_euclid(12)).expect("years");
        let month = u8::try_from((month - 1).rem_euclid(12) + 1).expect("a month");
        let first = Date::from_calendar_date(year, month.try_into().expect("a month"), 1);
        first.expect("a day") + Duration::days(day - 1)
    };
    let parts = |date: Date| {
        (
            date.year(),
            i64::from(u8::from(date.month())),
            i64::from(date.day()),
        )
    };
    let mut found = Vec::new();
    let mut date = case.start;
    let mut month = if case.flag {
        date.replace_day(1).expect("a first")
    } else {
        date
    };
    while date <= case.until && date <= case.end && month <= case.until + Duration::days(31) {
        if case.kind == 2 {
            let (year, number, _) = parts(month);
            let in_month = |day: &Date| u8::from(day.month()) == u8::from(month.month());
            let of_month = (1..=31)
                .map(|day| mktime(year, number, day))
                .filter(in_month);
            let right: Vec<Date> = of_month
                .filter(|day| weekday(*day) == case.weekday)
                .collect();
            let at = usize::try_from(case.nth - 1)
                .expect("a place")
                .min(right.len() - 1);
            let day = right[at];
            if day >= case.start && day <= case.end {
                found.push(day);
            }
            let (year, number, day) = parts(month);
            month = mktime(year, number + case.every, day);
            continue;
        }
        found.push(date);
        let (year, month, day) = parts(date);
        date = match case.unit {
            0 => mktime(year, month, day + case.every),
            1 => mktime(year, month, day + 7 * case.every),
            2 => mktime(year, month + case.every, day),
            3 => mktime(year + i32::try_from(case.every).expect("years"), month, day),
            4 => {
                let mut count = case.every;
                for ahead in 1..=case.every {
                    if is_weekend(weekday(mktime(year, month, day + ahead))) {
                        count += 1;
                    }
                }
                let landed = weekday(mktime(year, month, day + count));
                match case.weekend.as_slice() {
                    [first, _] if landed == i64::from(*first) => count += 2,
                    [_, second] if landed == i64::from(*second) => count += 1,
                    [only] if landed == i64::from(*only) => count += 1,
                    _ => {}
                }
                mktime(year, month, day + count)
            }
            _ => {
                let mut next = date.next_day().expect("a day");
                while !case.listed.contains(&(weekday(next) + 1)) {
                    next = next.next_day().expect("a day");
                }
                next
            }
        };
    }
    found.retain(|day| *day >= case.from && *day <= case.until && !case.except.contains(day));
    found
}

#[derive(Debug)]
struct Case {
    kind: i64,
    unit: i64,
    every: i64,
    nth: i64,
    weekday: i64,
    listed: Vec<i64>,
    flag: bool,
    start: Date,
    end: Date,
    from: Date,
    until: Date,
    weekend: Vec<u8>,
    except: Vec<Date>,
}

#[test]
fn jumping_finds_what_walking_finds() {
    let mut state: u64 = 0x2545_f491_4f6c_dd1d;
    let mut dice = |sides: i64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        i64::try_from(state % u64::try_from(sides).expect("sides")).expect("less than the sides")
    };
    let mut shown = 0;
    for round in 0..1_500 {
        let start = date!(1990 - 01 - 01) + Duration::days(dice(13_000));
        let from = start + Duration::days(dice(12_000) - 400);
        let weekends: [&[u8]; 7] = [&[6, 0], &[0], &[5], &[6], &[5, 6], &[], &[0, 6]];
        let unit = [0, 1, 2, 3, 4, 6][usize::try_from(dice(6)).expect("a place")];
        let case = Case {
            kind: [1, 2, 3][usize::try_from(dice(3)).expect("a place")],
            unit,
            every: 1 + dice(8),
            nth: 1 + dice(5),
            weekday: dice(7),
            listed: (0..=dice(3)).map(|_| 1 + dice(7)).collect(),
            flag: dice(2) == 0,
            start,
            end: start + Duration::days(dice(12_000) - 5),
            from,
            until: from + Duration::days(dice(900)),
            weekend: weekends[usize::try_from(dice(7)).expect("a place")].to_vec(),
            except: (0..dice(4))
                .map(|_| from + Duration::days(dice(60)))
                .collect(),
        };
        let listed: Vec<String> = case.listed.iter().map(i64::to_string).collect();
        let except: Vec<String> = case
            .except
            .iter()
            .map(|day| day.to_string().replace('-', ""))
            .collect();
        let every = if unit == 6 {
            listed.join(",")
        } else {
            case.every.to_string()
        };
        let text = php::array(&[
            ("event_repeat_freq", &every),
            ("event_repeat_freq_type", &case.unit.to_string()),
            ("event_repeat_on_num", &case.nth.to_string()),
            ("event_repeat_on_day", &case.weekday.to_string()),
            ("event_repeat_on_freq", &case.every.to_string()),
            ("exdate", &except.join(",")),
            ("rt2_pf_flag", if case.flag { "1" } else { "0" }),
        ]);
        let series = Recurrence::of(case.kind, &text, start, Some(case.end), &case.weekend);
        let found = series.expect("a series").occurrences(case.from, case.until);
        let expected = naive(&case);
        assert_eq!(found, expected, "round {round}: {case:?}");
        shown += found.len();
    }
    assert!(shown > 5_000, "only {shown} days were compared");
}
