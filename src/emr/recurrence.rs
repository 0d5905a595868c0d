//! OpenEMR's recurrences: from `pc_recurrtype` and `pc_recurrspec` to the days an event is on (facts 1.4, 1.6, 2.7).
//! What its own calendar shows is right by definition, its oddities included; they are told at each rule.

use std::collections::BTreeSet;

use time::Date;
use time::Duration;
use time::Month;

use crate::emr::php;
use crate::emr::php::Value;

/// Days one call yields at most: five and a half years of a daily event.
pub const MOST: usize = 2_000;

/// The longest rhythm that is believed. OpenEMR's page offers 1 to 6; a number beyond this was not made by it.
const LONGEST: i64 = 1_000;

/// A series of events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recurrence {
    start: Date,
    end: Date,
    rhythm: Rhythm,
    except: BTreeSet<Date>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Rhythm {
    /// How many days lie between an occurrence and the next one, by the weekday of the first, Sunday first. Days,
    /// weeks, work days and listed weekdays are all that.
    Days([i64; 7]),
    /// Every so many months, years being twelve, on the day of the month.
    Months(i64),
    /// A weekday (0 is Sunday) of every so many months: 1 to 4 is the nth, 5 the last. `cursor` is the day of the month
    /// OpenEMR counts months from.
    Nth {
        every: i64,
        nth: i64,
        weekday: i64,
        cursor: u8,
    },
}

impl Recurrence {
    /// Reads a series. `weekend` is the setting `weekend_days` in its order, 0 for Sunday. `None` for everything
    /// OpenEMR never shows: no recurrence (type 0), no usable end, a spec that is broken or lacks what its type needs.
    pub fn of(
        recurrtype: i64,
        spec: &str,
        start: Date,
        end: Option<Date>,
        weekend: &[u8],
    ) -> Option<Self> {
        let spec = Spec(php::read(spec)?);
        let rhythm = match recurrtype {
            // OpenEMR looks at the unit alone, so that a type 1 may have listed weekdays and a type 3 may have not.
            1 | 3 => stepping(&spec, weekend)?,
            2 => nth_weekday(&spec, start)?,
            _ => return None,
        };
        Some(Self {
            start,
            end: end?,
            rhythm,
            except: spec.except(),
        })
    }

    /// The days the event is on from one day until another, both included, in order; at most [`MOST`].
    /// The first day of a series is one of its days even if it is none of its weekdays; excluded days are left out.
    pub fn occurrences(&self, from: Date, until: Date) -> Vec<Date> {
        let from = from.max(self.start);
        let until = until.min(self.end);
        if from > until {
            return Vec::new();
        }
        let shown = |date: &Date| *date >= from && !self.except.contains(date);
        match &self.rhythm {
            Rhythm::Days(gaps) => {
                let first = skipped(self.start, gaps, from);
                let next = |date: &Date| date.checked_add(Duration::days(gaps[index(*date)]));
                let days = std::iter::successors(Some(first), next);
                days.take_while(|date| *date <= until)
                    .filter(shown)
                    .take(MOST)
                    .collect()
            }
            Rhythm::Months(every) => months(self.start, *every, from)
                .take_while(|date| *date <= until)
                .filter(shown)
                .take(MOST)
                .collect(),
            Rhythm::Nth {
                every,
                nth,
                weekday,
                cursor,
            } => {
                let Ok(begin) = self.start.replace_day(*cursor) else {
                    return Vec::new();
                };
                // A cursor is a month: the last one before `from` may hold a day after it.
                let month = from.replace_day(1).unwrap_or(from);
                let last = (until.year(), u8::from(until.month()));
                months(begin, *every, month)
                    .take_while(|cursor| (cursor.year(), u8::from(cursor.month())) <= last)
                    .filter_map(|cursor| of_month(cursor, *nth, *weekday))
                    .filter(|date| *date <= until)
                    .filter(shown)
                    .take(MOST)
                    .collect()
            }
        }
    }

    /// Whether the event is on this day.
    pub fn is_on(&self, date: Date) -> bool {
        !self.occurrences(date, date).is_empty()
    }
}

/// The entries of `pc_recurrspec`.
struct Spec(Vec<(String, Value)>);

impl Spec {
    fn text(&self, key: &str) -> Option<String> {
        php::get(&self.0, key)?.text()
    }

    /// A number within a range; whatever else PHP would make of the text leads it nowhere.
    fn number(&self, key: &str, range: std::ops::RangeInclusive<i64>) -> Option<i64> {
        let number = self.text(key)?.trim().parse().ok()?;
        range.contains(&number).then_some(number)
    }

    /// `exdate`: `YYYYMMDD` between commas. Staff's code for events of several providers writes `YYYY-MM-DD`, which
    /// OpenEMR then fails to find (facts 1.6); what staff meant is taken, so that a deleted visit stays deleted.
    fn except(&self) -> BTreeSet<Date> {
        let text = self.text("exdate").unwrap_or_default();
        text.split(',').filter_map(excluded).collect()
    }
}

fn excluded(text: &str) -> Option<Date> {
    let digits: String = text
        .trim()
        .chars()
        .filter(|letter| *letter != '-')
        .collect();
    if digits.len() != 8 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let part = |range: std::ops::Range<usize>| digits.get(range);
    let month: u8 = part(4..6)?.parse().ok()?;
    let month = Month::try_from(month).ok()?;
    let year = part(0..4)?.parse().ok()?;
    Date::from_calendar_date(year, month, part(6..8)?.parse().ok()?).ok()
}

/// Types 1 and 3: `event_repeat_freq` times the unit `event_repeat_freq_type`.
fn stepping(spec: &Spec, weekend: &[u8]) -> Option<Rhythm> {
    let unit = spec.number("event_repeat_freq_type", 0..=6)?;
    let every = || spec.number("event_repeat_freq", 1..=LONGEST);
    Some(match unit {
        0 => Rhythm::Days([every()?; 7]),
        1 => Rhythm::Days([every()? * 7; 7]),
        2 => Rhythm::Months(every()?),
        3 => Rhythm::Months(every()? * 12),
        4 => {
            let every = every()?;
            Rhythm::Days(std::array::from_fn(|day| work_days(day, every, weekend)))
        }
        6 => listed(&spec.text("event_repeat_freq")?)?,
        _ => return None,
    })
}

/// How many days so many work days are, from a weekday on. Days of the weekend that are stepped over add one each;
/// where the step then lands on the weekend, it goes on to the day after it. OpenEMR does the latter by the order of
/// the setting, two days further from the first and one from the second, and only for settings of one or two days.
fn work_days(weekday: usize, every: i64, weekend: &[u8]) -> i64 {
    let day_after = |days: i64| (weekday as i64 + days).rem_euclid(7);
    let is =
        |days: i64, day: Option<&u8>| day.is_some_and(|day| i64::from(*day) == day_after(days));
    let stepped_over = (1..=every)
        .filter(|days| weekend.iter().any(|day| is(*days, Some(day))))
        .count() as i64;
    let days = every + stepped_over;
    match weekend.len() {
        2 if is(days, weekend.first()) => days + 2,
        2 if is(days, weekend.get(1)) => days + 1,
        1 if is(days, weekend.first()) => days + 1,
        _ => days,
    }
}

/// Listed weekdays, 1 for Sunday, between commas: on to the nearest of them, which is a week away where the day is
/// the only one.
fn listed(text: &str) -> Option<Rhythm> {
    let day = |part: &str| {
        let day: i64 = part.trim().parse().ok()?;
        (1..=7).contains(&day).then_some(day - 1)
    };
    let days: Vec<i64> = text.split(',').map(day).collect::<Option<_>>()?;
    let gap = |from: usize| {
        let gaps = days
            .iter()
            .map(|day| (day - from as i64 - 1).rem_euclid(7) + 1);
        gaps.min().unwrap_or(7)
    };
    Some(Rhythm::Days(std::array::from_fn(gap)))
}

/// Type 2. Rows from before a fix of 2016 lack `rt2_pf_flag`: there months are counted from the day of the month the
/// series begins on, and one that lacks this day is overflown (facts 1.6).
fn nth_weekday(spec: &Spec, start: Date) -> Option<Rhythm> {
    let fixed = spec.text("rt2_pf_flag");
    let fixed = fixed.is_some_and(|flag| !matches!(flag.as_str(), "" | "0"));
    Some(Rhythm::Nth {
        every: spec.number("event_repeat_on_freq", 1..=LONGEST)?,
        nth: spec.number("event_repeat_on_num", 1..=5)?,
        weekday: spec.number("event_repeat_on_day", 0..=6)?,
        cursor: match fixed {
            true => 1,
            false => start.day(),
        },
    })
}

/// Sunday is 0.
fn index(date: Date) -> usize {
    usize::from(date.weekday().number_days_from_sunday())
}

/// The last occurrence that is certainly not after `from`, or the first of all: whole rounds are jumped, a round being
/// the days until the same weekday comes again.
fn skipped(start: Date, gaps: &[i64; 7], from: Date) -> Date {
    let mut seen = [None; 7];
    let mut date = start;
    while date < from {
        let so_far = (date - start).whole_days();
        if let Some(before) = seen[index(date)].replace(so_far) {
            let round = so_far - before;
            let rounds = (from - date).whole_days() / round;
            return date
                .checked_add(Duration::days(rounds * round))
                .unwrap_or(date);
        }
        let Some(next) = date.checked_add(Duration::days(gaps[index(date)])) else {
            return date;
        };
        // Not beyond: what comes after `from` is stepped to by the caller.
        if next > from {
            return date;
        }
        date = next;
    }
    date
}

/// Day after day of a monthly rhythm, from the last that is not after `from`, or the first. PHP's calendar overflows,
/// and each step begins where the last one ended: after 31 January comes 3 March, and then 3 April.
fn months(start: Date, every: i64, from: Date) -> impl Iterator<Item = Date> {
    let mut first = start;
    // A day every month has never overflows, so that all whole steps can be taken at once. Others are few: they either
    // overflow within the first steps or come every few months.
    while first < from {
        let between = i64::from(from.year() - first.year()) * 12
            + i64::from(u8::from(from.month()))
            - i64::from(u8::from(first.month()));
        let steps = match first.day() <= 28 {
            true => (between - 1).max(0) / every,
            false => 1,
        };
        match months_after(first, steps * every) {
            Some(next) if steps > 0 && next <= from => first = next,
            _ => break,
        }
    }
    std::iter::successors(Some(first), move |date| months_after(*date, every))
}

/// The day with the same number so many months later, counted into the month after it where it has no such day.
fn months_after(date: Date, months: i64) -> Option<Date> {
    let count = i64::from(date.year()) * 12 + i64::from(u8::from(date.month())) - 1 + months;
    let month = u8::try_from(count.rem_euclid(12) + 1).ok()?;
    let year = i32::try_from(count.div_euclid(12)).ok()?;
    let first = Date::from_calendar_date(year, Month::try_from(month).ok()?, 1).ok()?;
    first.checked_add(Duration::days(i64::from(date.day()) - 1))
}

/// The nth weekday of a day's month, the last one for 5.
fn of_month(cursor: Date, nth: i64, weekday: i64) -> Option<Date> {
    let first = cursor.replace_day(1).ok()?;
    let to_first = (weekday - index(first) as i64).rem_euclid(7);
    let day = 1 + to_first + (nth - 1) * 7;
    let last = i64::from(first.month().length(first.year()));
    let day = if day > last { day - 7 } else { day };
    first.replace_day(u8::try_from(day).ok()?).ok()
}

#[cfg(test)]
mod tests;

#[cfg(test)]
mod walk_tests;
