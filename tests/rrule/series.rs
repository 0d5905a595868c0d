//! Ten thousand random series of every kind, day by day.

use std::collections::BTreeMap;

use anteroom::emr::php;
use anteroom::emr::recurrence::MOST;
use anteroom::emr::recurrence::Recurrence;
use serde_json::Value;
use serde_json::json;
use time::Date;
use time::Duration;
use time::macros::date;

use super::Numbers;
use super::judged;

const SEED: u64 = 125;

const SERIES: usize = 10_000;

const KINDS: [&str; 7] = [
    "days",
    "weeks",
    "months",
    "years",
    "work days",
    "nth",
    "listed",
];

/// `weekend_days` as practices have it, and as they could have it by mistake.
const WEEKENDS: [&[u8]; 7] = [&[6, 0], &[5, 6], &[6], &[0], &[], &[0, 6], &[4, 5, 6]];

/// One series: what OpenEMR has in its row, and the same in plain words.
struct Series {
    recurrtype: i64,
    spec: String,
    start: Date,
    end: Date,
    weekend: &'static [u8],
    from: Date,
    until: Date,
    told: Value,
}

fn days(count: i64) -> Duration {
    Duration::days(count)
}

fn text(date: Date) -> String {
    date.to_string()
}

impl Series {
    fn random(numbers: &mut Numbers) -> Self {
        let kind = numbers.one(&KINDS);
        let start = match numbers.below(4) {
            // The ends of months are where calendars differ.
            0 => {
                let month = date!(2019 - 01 - 01) + days(numbers.below(4_000));
                let length = i64::from(month.month().length(month.year()));
                month.replace_day(1).expect("a first") + days(numbers.from(27, length - 1))
            }
            _ => date!(2019 - 01 - 01) + days(numbers.below(4_000)),
        };
        let length = match kind {
            "years" => numbers.below(15_000),
            "months" | "nth" => numbers.below(4_000),
            _ => numbers.below(900),
        };
        let end = start + days(length - 10);
        let (from, until) = match numbers.below(5) {
            0 => (start - days(400), end + days(400)),
            1 => (start, start + days(numbers.below(60))),
            _ => {
                let from = start + days(numbers.from(-30, length.max(1)));
                (from, from + days(numbers.below(800)))
            }
        };
        let every = match numbers.below(10) {
            0 => numbers.from(7, 30),
            _ => numbers.from(1, 6),
        };
        let weekend = numbers.one(&WEEKENDS);
        let except: Vec<Date> = (0..numbers.below(6))
            .map(|_| start + days(numbers.below(length.clamp(1, 40))))
            .collect();
        let weekdays: Vec<i64> = (0..7).filter(|_| numbers.below(3) == 0).collect();
        let weekdays = match weekdays.is_empty() {
            true => vec![numbers.below(7)],
            false => weekdays,
        };
        let (place, weekday) = (numbers.from(1, 5), numbers.below(7));
        let fixed = numbers.below(2) == 0;
        let told = json!({
            "kind": kind, "every": every, "start": text(start), "end": text(end), "from": text(from),
            "until": text(until), "weekend": weekend, "weekdays": weekdays, "nth": place, "weekday": weekday,
            "fixed": fixed, "except": except.iter().map(|date| text(*date)).collect::<Vec<_>>(),
        });
        let except: Vec<String> = except
            .iter()
            .map(|date| match numbers.below(2) {
                0 => text(*date),
                _ => text(*date).replace('-', ""),
            })
            .collect();
        let (recurrtype, unit) = match kind {
            "days" => (1, "0"),
            "weeks" => (1, "1"),
            "months" => (1, "2"),
            "years" => (1, "3"),
            "work days" => (1, "4"),
            "nth" => (2, "0"),
            _ => (3, "6"),
        };
        let listed: Vec<String> = weekdays.iter().map(|day| (day + 1).to_string()).collect();
        let freq = match kind {
            "listed" => listed.join(","),
            "nth" => "0".to_owned(),
            _ => every.to_string(),
        };
        let on = match kind {
            "nth" => [place, weekday, every].map(|number| number.to_string()),
            _ => ["1", "0", "0"].map(str::to_owned),
        };
        let except = except.join(",");
        let mut entries = vec![
            ("event_repeat_freq", freq.as_str()),
            ("event_repeat_freq_type", unit),
            ("event_repeat_on_num", on[0].as_str()),
            ("event_repeat_on_day", on[1].as_str()),
            ("event_repeat_on_freq", on[2].as_str()),
            ("exdate", except.as_str()),
        ];
        // Rows from before 2016 lack the flag.
        if fixed {
            entries.push(("rt2_pf_flag", "1"));
        }
        Self {
            recurrtype,
            spec: php::array(&entries),
            start,
            end,
            weekend,
            from,
            until,
            told,
        }
    }

    fn ours(&self) -> Recurrence {
        let (kind, end) = (self.recurrtype, Some(self.end));
        let series = Recurrence::of(kind, &self.spec, self.start, end, self.weekend);
        series.unwrap_or_else(|| panic!("OpenEMR shows this: {}", self.told))
    }
}

#[test]
fn f125_ten_thousand_series_have_the_days_dateutil_gives_them() {
    let mut numbers = Numbers(SEED);
    let all: Vec<Series> = (0..SERIES).map(|_| Series::random(&mut numbers)).collect();
    let asked: Vec<Value> = all.iter().map(|series| series.told.clone()).collect();
    let Some(judged) = judged("expand.py", &asked) else {
        return;
    };
    // Of each kind: how many, how many with days, how many by the library's own rules.
    let mut counts: BTreeMap<&str, [usize; 3]> = BTreeMap::new();
    let mut weekends: BTreeMap<&[u8], usize> = BTreeMap::new();
    let mut most = 0;
    for (number, (series, judged)) in all.iter().zip(&judged).enumerate() {
        let expected: Vec<&str> = judged["days"]
            .as_array()
            .expect("days")
            .iter()
            .filter_map(Value::as_str)
            .take(MOST)
            .collect();
        let ours = series.ours();
        let found: Vec<String> = ours
            .occurrences(series.from, series.until)
            .into_iter()
            .map(text)
            .collect();
        let by = &judged["by"];
        let told = &series.told;
        assert_eq!(
            found, expected,
            "seed {SEED}, series {number}, theirs by {by}: {told}"
        );
        let day = series.from + days(numbers.below(60));
        let is_within = day <= series.until;
        assert!(
            !is_within || ours.is_on(day) == expected.contains(&text(day).as_str()),
            "seed {SEED}, series {number} on {day}: {told}"
        );
        let kind = told["kind"].as_str().expect("a kind");
        let count = counts.entry(kind).or_default();
        count[0] += 1;
        count[1] += usize::from(!found.is_empty());
        count[2] += usize::from(by == "rrule");
        if kind == "work days" {
            *weekends.entry(series.weekend).or_default() += 1;
        }
        most = most.max(found.len());
    }
    eprintln!(
        "kind: [all, with days, by rrule]: {counts:?}; weekends: {weekends:?}; longest {most}"
    );
    assert_eq!(counts.len(), KINDS.len(), "every kind");
    assert_eq!(weekends.len(), WEEKENDS.len(), "every weekend");
    for (kind, [all, with_days, ruled]) in counts {
        assert!(all > SERIES / 10, "{kind}: {all}");
        assert!(with_days > all / 2, "{kind}: {with_days} of {all}");
        assert!(ruled > all / 3, "{kind}: {ruled} of {all} by the library");
    }
}
