//! Date values of searches: a prefix, and the range of instants that the written precision means (R4 search,
//! 3.1.1.4.5). A value without offset is in the practice's zone.

use time::Date;
use time::Duration;
use time::Month;
use time::OffsetDateTime;
use time::PrimitiveDateTime;
use time::Time;
use time::UtcOffset;
use time::macros::datetime;

use crate::domain::query::DateRange;
use crate::domain::query::Prefix;
use crate::emr::zone::Zone;

/// What is earlier or later counts as this: every offset of a zone fits between these and the ends of the calendar.
const EARLIEST: OffsetDateTime = datetime!(0001-01-03 00:00 UTC);
const LATEST: OffsetDateTime = datetime!(9999-12-29 00:00 UTC);

/// A tenth of the way from the present to a date is about that date (R4 search, 3.1.1.4.5).
const ABOUT: i32 = 10;

const PREFIXES: [(&str, Prefix); 8] = [
    ("eq", Prefix::Eq),
    ("ne", Prefix::Ne),
    ("gt", Prefix::Gt),
    ("lt", Prefix::Lt),
    ("ge", Prefix::Ge),
    ("le", Prefix::Le),
    ("sa", Prefix::Sa),
    ("eb", Prefix::Eb),
];

/// Reads one value; `None` where it is no date FHIR has. `ap` is as wide as its date is far from the present.
pub(super) fn range(text: &str, zone: &Zone, now: OffsetDateTime) -> Option<DateRange> {
    if let Some(about) = text.strip_prefix("ap") {
        // Only a date may follow, no second prefix.
        let exact = about.starts_with(|first: char| first.is_ascii_digit());
        let range = range(about, zone, now).filter(|_| exact)?;
        let gap = (range.start - now).abs() / ABOUT;
        return Some(DateRange {
            prefix: Prefix::Eq,
            start: range.start.saturating_sub(gap).clamp(EARLIEST, LATEST),
            end: range.end.saturating_add(gap).clamp(EARLIEST, LATEST),
        });
    }
    let known = |(name, prefix): (&str, Prefix)| text.strip_prefix(name).map(|rest| (prefix, rest));
    let prefixed = PREFIXES.into_iter().find_map(known);
    let (prefix, value) = prefixed.unwrap_or((Prefix::Eq, text));
    let (start, end) = match value.split_once('T') {
        Some((day, clock)) => moment(day, clock, zone)?,
        None => days(value, zone)?,
    };
    Some(DateRange {
        prefix,
        start: start.clamp(EARLIEST, LATEST),
        end: end.clamp(EARLIEST, LATEST),
    })
}

/// `YYYY`, `YYYY-MM` or `YYYY-MM-DD`.
fn days(value: &str, zone: &Zone) -> Option<(OffsetDateTime, OffsetDateTime)> {
    let parts: Vec<&str> = value.split('-').collect();
    let (first, last) = match parts[..] {
        [year] => (day(year, "01", "01")?, day(year, "12", "31")?),
        [year, month] => {
            let first = day(year, month, "01")?;
            let length = first.month().length(first.year());
            (first, first.replace_day(length).ok()?)
        }
        [year, month, number] => {
            let day = day(year, month, number)?;
            (day, day)
        }
        _ => return None,
    };
    let start = instant(first.midnight(), zone);
    let end = match last.next_day() {
        Some(next) => instant(next.midnight(), zone),
        None => LATEST,
    };
    Some((start, end))
}

/// `hh:mm`, `hh:mm:ss` or `hh:mm:ss.fff`, with or without an offset.
fn moment(date: &str, clock: &str, zone: &Zone) -> Option<(OffsetDateTime, OffsetDateTime)> {
    let parts: Vec<&str> = date.split('-').collect();
    let [year, month, number] = parts[..] else {
        return None;
    };
    // An unescaped `+` of an offset arrives as a blank.
    let (clock, offset) = match clock.find(['Z', '+', '-', ' ']) {
        Some(at) => {
            let (clock, offset) = clock.split_at_checked(at)?;
            (clock, Some(offset_of(offset)?))
        }
        None => (clock, None),
    };
    let parts: Vec<&str> = clock.split(':').collect();
    let (hour, minute, second) = match parts[..] {
        [hour, minute] => (hour, minute, None),
        [hour, minute, second] => (hour, minute, Some(second)),
        _ => return None,
    };
    let time = Time::from_hms(digits(hour, 2)?, digits(minute, 2)?, 0).ok()?;
    let (into, length) = match second {
        Some(second) => seconds(second)?,
        None => (Duration::ZERO, Duration::MINUTE),
    };
    let wall = PrimitiveDateTime::new(day(year, month, number)?, time);
    let minute = match offset {
        Some(offset) => wall.assume_offset(offset),
        None => instant(wall, zone),
    };
    let start = minute.saturating_add(into);
    Some((start, start.saturating_add(length)))
}

/// How far into the minute, and how long what was written is. A leap second, `60`, is the moment after the minute.
fn seconds(text: &str) -> Option<(Duration, Duration)> {
    let (whole, fraction) = match text.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (text, None),
    };
    let whole: u8 = digits(whole, 2)?;
    if whole > 60 {
        return None;
    }
    let mut into = Duration::seconds(i64::from(whole));
    let mut length = Duration::SECOND;
    if let Some(fraction) = fraction {
        let places = u32::try_from(fraction.len())
            .ok()
            .filter(|n| (1..=9).contains(n))?;
        let unit = 10_i64.pow(9 - places);
        into += Duration::nanoseconds(digits::<i64>(fraction, fraction.len())? * unit);
        length = Duration::nanoseconds(unit);
    }
    Some((into, length))
}

/// `Z`, or `+hh:mm` up to 14 hours.
fn offset_of(text: &str) -> Option<UtcOffset> {
    if text == "Z" {
        return Some(UtcOffset::UTC);
    }
    let (sign, rest) = text.split_at_checked(1)?;
    let (hours, minutes) = rest.split_once(':')?;
    let (hours, minutes): (i8, i8) = (digits(hours, 2)?, digits(minutes, 2)?);
    let allowed = hours < 14 && minutes < 60 || hours == 14 && minutes == 0;
    let sign = match sign {
        "+" | " " => 1,
        "-" => -1,
        _ => return None,
    };
    let offset = UtcOffset::from_hms(sign * hours, sign * minutes, 0).ok();
    offset.filter(|_| allowed)
}

fn day(year: &str, month: &str, number: &str) -> Option<Date> {
    let month = Month::try_from(digits::<u8>(month, 2)?).ok()?;
    let year = digits(year, 4).filter(|year| *year > 0)?;
    Date::from_calendar_date(year, month, digits(number, 2)?).ok()
}

/// A number of exactly so many digits.
fn digits<N: std::str::FromStr>(text: &str, length: usize) -> Option<N> {
    let all = text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit());
    all.then(|| text.parse().ok()).flatten()
}

/// The instant of a wall time; in the last year of the calendar in UTC, where a zone could leave the calendar.
fn instant(wall: PrimitiveDateTime, zone: &Zone) -> OffsetDateTime {
    match wall.year() {
        9999 => wall.assume_utc(),
        _ => zone.instant(wall),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<DateRange> {
        range(
            text,
            &Zone::named("America/New_York").expect("bundled zone"),
            datetime!(2026-11-21 20:00 UTC),
        )
    }

    #[test]
    fn about_a_date_is_a_tenth_of_the_way_to_it() {
        let found = read("ap2026-12-01").expect("a date");
        assert_eq!(found.prefix, Prefix::Eq);
        let gap = datetime!(2026-12-01 00:00 -5) - datetime!(2026-11-21 20:00 UTC);
        assert_eq!(found.start, datetime!(2026-12-01 00:00 -5) - gap / 10);
        assert_eq!(found.end, datetime!(2026-12-02 00:00 -5) + gap / 10);
        for ends in ["ap0001", "ap9999-12-31"] {
            assert!(read(ends).is_some_and(|range| range.start < range.end));
        }
        assert_eq!(read("apge2026"), None);
        assert_eq!(read("ap"), None);
    }

    #[test]
    fn a_value_means_the_whole_of_what_it_names() {
        for (text, start, end) in [
            (
                "2026",
                datetime!(2026-01-01 00:00 -5),
                datetime!(2027-01-01 00:00 -5),
            ),
            (
                "2024-02",
                datetime!(2024-02-01 00:00 -5),
                datetime!(2024-03-01 00:00 -5),
            ),
            (
                "2026-03-08",
                datetime!(2026-03-08 00:00 -5),
                datetime!(2026-03-09 00:00 -4),
            ),
            (
                "2026-07-01T09:30",
                datetime!(2026-07-01 09:30 -4),
                datetime!(2026-07-01 09:31 -4),
            ),
            (
                "2026-07-01T09:30:15",
                datetime!(2026-07-01 09:30:15 -4),
                datetime!(2026-07-01 09:30:16 -4),
            ),
            (
                "2026-07-01T09:30Z",
                datetime!(2026-07-01 09:30 UTC),
                datetime!(2026-07-01 09:31 UTC),
            ),
            (
                "2026-07-01T09:30:15+02:00",
                datetime!(2026-07-01 09:30:15 +2),
                datetime!(2026-07-01 09:30:16 +2),
            ),
            (
                "2026-07-01T09:30:15 02:00",
                datetime!(2026-07-01 09:30:15 +2),
                datetime!(2026-07-01 09:30:16 +2),
            ),
            (
                "2026-07-01T09:30:15.250Z",
                datetime!(2026-07-01 09:30:15.250 UTC),
                datetime!(2026-07-01 09:30:15.251 UTC),
            ),
            (
                "2016-12-31T23:59:60Z",
                datetime!(2017-01-01 00:00 UTC),
                datetime!(2017-01-01 00:00:01 UTC),
            ),
        ] {
            let found = read(text);
            assert_eq!(
                found.map(|range| (range.start, range.end)),
                Some((start, end)),
                "{text}"
            );
        }
    }

    #[test]
    fn prefixes_are_read() {
        for (name, prefix) in PREFIXES {
            let found = read(&format!("{name}2026-01-01"));
            assert_eq!(found.map(|range| range.prefix), Some(prefix), "{name}");
        }
        assert_eq!(read("2026").map(|range| range.prefix), Some(Prefix::Eq));
    }

    #[test]
    fn what_is_no_date_is_refused() {
        for text in [
            "",
            "eq",
            "2024-02-30",
            "2023-02-29",
            "0000",
            "0000-00-00",
            "292278994",
            "292278994-08-17",
            "-2026",
            "26",
            "2026-1",
            "2026-1-1",
            "2026-13",
            "2026-00",
            "2026-01-01T",
            "2026-01-01T09",
            "2026-01-01T24:00",
            "2026-01-01T09:60",
            "2026-01-01T09:00:61",
            "2026-01-01T09:00:00.",
            "2026-01-01T09:00:00.1234567890",
            "2026-01T09:00",
            "2026-01-01T09:00+15:00",
            "2026-01-01T09:00+1:00",
            "2026-01-01T09:00Zx",
            "xx2026",
            "today",
            "２０２６",
            "2026-01-01é",
            "2026-01-01T09:00é",
            "2026-01-01T09:00+é",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn the_ends_of_the_calendar_do_not_break() {
        for zone in [
            "America/New_York",
            "Pacific/Kiritimati",
            "Pacific/Pago_Pago",
            "UTC",
        ] {
            let zone = Zone::named(zone).expect("bundled zone");
            for text in [
                "9999",
                "9999-12",
                "9999-12-31",
                "9999-12-31T23:59:59",
                "9999-12-31T23:59:60-14:00",
                "9999-12-31T23:59Z",
                "0001",
                "0001-01-01",
                "0001-01-01T00:00:00+14:00",
                "9998-12-31",
            ] {
                let range = range(text, &zone, datetime!(2026-11-21 20:00 UTC)).expect(text);
                assert!(range.start <= range.end, "{text}");
                let _ = (zone.wall(range.start), zone.wall(range.end));
            }
        }
    }
}
