//! Recurrences: `type|start|end|weekend|from|until` on the first line, `pc_recurrspec` on the rest.

use anteroom::emr::recurrence::MOST;
use anteroom::emr::recurrence::Recurrence;
use time::Date;
use time::Duration;
use time::Month;

use super::CANARY;
use super::Target;
use super::run;

const WORDS: [&str; 20] = [
    CANARY,
    "|",
    "\n",
    ",",
    "6,0",
    "0",
    "2026-02-28",
    "2024-02-29",
    "1990-01-31",
    "9999-12-31",
    "s:17:\"event_repeat_freq\";s:1:\"3\";",
    "s:22:\"event_repeat_freq_type\";s:1:\"6\";",
    "s:20:\"event_repeat_on_freq\";i:2;",
    "s:19:\"event_repeat_on_num\";s:1:\"5\";",
    "s:11:\"rt2_pf_flag\";s:1:\"1\";",
    "s:6:\"exdate\";s:8:\"20261225\";",
    "20261231",
    "s:5:\"2,4,6\";",
    "N;",
    "a:0:{}",
];

/// The days of a series are in order, within it and within what was asked, not too many, and the same when they are
/// asked for in two halves or one by one.
fn look(input: &[u8]) -> String {
    let text = String::from_utf8_lossy(input);
    let (head, spec) = text.split_once('\n').unwrap_or((&text, ""));
    let parts: Vec<&str> = head.split('|').collect();
    let part = |at: usize| parts.get(at).copied().unwrap_or_default();
    let weekend: Vec<u8> = part(3)
        .split(',')
        .filter_map(|day| day.parse().ok())
        .collect();
    let [Some(start), Some(from), Some(until)] = [1, 4, 5].map(|at| day(part(at))) else {
        return "no dates".to_owned();
    };
    let end = day(part(2));
    let kind = part(0).parse().unwrap_or(1);
    let Some(series) = Recurrence::of(kind, spec, start, end, &weekend) else {
        return "no series".to_owned();
    };
    let end = end.expect("a series without an end is none");
    let days = series.occurrences(from, until);
    assert!(days.len() <= MOST);
    assert!(days.windows(2).all(|pair| pair[0] < pair[1]));
    let within = |date: &Date| *date >= from.max(start) && *date <= until.min(end);
    assert!(days.iter().all(within));
    assert!(days.iter().take(20).all(|date| series.is_on(*date)));
    if days.len() < MOST && from < until {
        let middle = from + Duration::days((until - from).whole_days() / 2);
        let mut halves = series.occurrences(from, middle);
        halves.extend(
            middle
                .next_day()
                .map(|next| series.occurrences(next, until))
                .unwrap_or_default(),
        );
        assert_eq!(halves, days);
    }
    format!("{} days", days.len())
}

fn day(text: &str) -> Option<Date> {
    let mut parts = text.split('-');
    let year = parts.next()?.parse().ok()?;
    let month: u8 = parts.next()?.parse().ok()?;
    Date::from_calendar_date(
        year,
        Month::try_from(month).ok()?,
        parts.next()?.parse().ok()?,
    )
    .ok()
}

#[test]
fn series_are_expanded_whatever_the_calendar_holds() {
    run(&Target {
        name: "recurrence",
        words: &WORDS,
        iterations: 5_000,
        look,
    });
}
