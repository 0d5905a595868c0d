//! Days and times of day as the columns' text has them, read without trust: zero dates, days that never were, and hours
//! beyond 23 all occur (OpenEMR facts 1.4 and 6.2).

use time::Date;
use time::Month;

/// Years FHIR can spell and a patient can have lived in; what is outside was mistyped.
pub(super) const YEARS: std::ops::RangeInclusive<i32> = 1000..=9998;

/// The day a DATE or DATETIME text begins with; `None` for the zero date and for every day no calendar has.
pub(super) fn day(text: &str) -> Option<Date> {
    let mut parts = text.get(..10)?.split('-');
    let mut next = || parts.next()?.parse::<u16>().ok();
    let (year, month, day) = (next()?, next()?, next()?);
    let month = Month::try_from(u8::try_from(month).ok()?).ok()?;
    let date = Date::from_calendar_date(i32::from(year), month, u8::try_from(day).ok()?).ok()?;
    YEARS.contains(&date.year()).then_some(date)
}

/// Seconds since midnight of a TIME text, which may be more than a day's; `None` for a negative or broken one.
pub(super) fn clock(text: &str) -> Option<i64> {
    let mut parts = text.split(':');
    let mut next = || parts.next()?.parse::<u32>().ok();
    let (hours, minutes) = (next()?, next()?);
    let seconds = parts
        .next()
        .map_or("0", |rest| rest.split('.').next().unwrap_or(rest));
    let seconds: u32 = seconds.parse().ok()?;
    let fits = hours <= 838 && minutes < 60 && seconds < 60;
    fits.then(|| i64::from(hours) * 3600 + i64::from(minutes) * 60 + i64::from(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::date;

    #[test]
    fn only_days_of_the_calendar_are_days() {
        assert_eq!(day("2026-11-21"), Some(date!(2026 - 11 - 21)));
        assert_eq!(day("2026-11-21 08:00:00"), Some(date!(2026 - 11 - 21)));
        for none in [
            "",
            "0000-00-00",
            "1980-00-00",
            "2026-02-30",
            "0026-01-01",
            "today, so",
            "2026-1-1",
        ] {
            assert_eq!(day(none), None, "{none}");
        }
    }

    #[test]
    fn a_clock_may_run_past_midnight() {
        assert_eq!(clock("08:30:00"), Some(30_600));
        assert_eq!(clock("24:15:00"), Some(87_300));
        assert_eq!(clock("08:30"), Some(30_600));
        assert_eq!(clock("08:30:00.000000"), Some(30_600));
        for none in ["", "noon", "-01:00:00", "08:61:00", "08", "900:00:00"] {
            assert_eq!(clock(none), None, "{none}");
        }
    }
}
