//! The free time of one provider, by OpenEMR's own rules (facts 2.7): plain events in, free starts out. Times are
//! wall times; whoever asks hides what is past and turns walls into instants.
//!
//! Where this is stricter than OpenEMR: an event that begins or ends within a step blocks the whole step (OpenEMR
//! counts whole steps from its begin and may offer time that is taken), and a day closed for all of it is closed.

use time::Date;

/// Seconds of a day.
const DAY: i64 = 86_400;

/// `calendar_interval` where the setting is none, in minutes.
const USUAL_STEP: i64 = 15;

/// In Office: the step of its start opens the day.
const OPENS: u8 = 1;

/// Out Of Office: the step of its start closes the day.
const CLOSES: u8 = 2;

/// Another event: its steps are taken.
const TAKEN: u8 = 4;

/// What the walk over a day left open.
const OPEN: u8 = 8;

/// What an event in a provider's calendar means for his time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// In Office (category 2), for all visits or for those of one category (`pc_prefcatid`).
    In {
        /// The category; `None` for 0, any.
        reserved_for: Option<i64>,
    },
    /// Out Of Office (category 3).
    Out,
    /// Everything else: visits, lunch, vacation, reserved time, holidays stored under the provider.
    Other {
        /// Whether its status says cancelled (`x`, `%`).
        cancelled: bool,
    },
}

/// One event, or one occurrence of a series, of the provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// The day it begins.
    pub date: Date,
    /// Seconds since midnight, by the wall.
    pub start: i64,
    /// How long it is, in seconds. For In and Out Of Office it means nothing (facts 2.7, 4).
    pub seconds: i64,
    /// `pc_alldayevent`.
    pub all_day: bool,
    /// What it means.
    pub kind: Kind,
}

/// Whether a cancelled visit still takes its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cancelled {
    /// As in OpenEMR, whose own search shows it as taken until staff delete it (facts 2.7, a).
    Blocks,
    /// Its time can be had again.
    Frees,
}

/// The settings of the practice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// `calendar_interval`: minutes from one possible start to the next.
    pub step_minutes: i64,
    /// `schedule_end`: the hour that ends a day nobody closed.
    pub schedule_end: i64,
    /// What cancelled visits do.
    pub cancelled: Cancelled,
}

/// The visit time is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Visit {
    /// `pc_catid`.
    pub category: i64,
    /// `pc_duration` of the category.
    pub seconds: i64,
}

/// Whether a stretch of time can be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// A visit can begin at its start.
    Free,
    /// The provider is in and has something else to do.
    Busy,
}

/// A stretch of one day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interval {
    /// The day.
    pub date: Date,
    /// Seconds since midnight.
    pub start: i64,
    /// Seconds since midnight, not included.
    pub end: i64,
    /// Free or busy.
    pub state: State,
}

/// Why there is no free time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoTime {
    /// On none of the days is there an In Office event: the practice has not set up this provider's calendar.
    NoCalendar,
    /// There is one, but no room for this visit.
    Full,
}

/// A provider's days, looked through for one kind of visit.
#[derive(Clone, Debug)]
pub struct Openings {
    days: Vec<(Date, Vec<u8>)>,
    /// Seconds of a step.
    step: i64,
    /// Steps a visit needs.
    needed: usize,
    /// Seconds a visit takes.
    seconds: i64,
    has_calendar: bool,
}

impl Openings {
    /// Looks through some days. `events` are all of the provider, of any category, patient and status, series expanded
    /// to their days (facts 2.7, 2); those of the day before too, as one may run past midnight. Days may come in any
    /// order; events of other days are overlooked.
    pub fn of(events: &[Event], days: &[Date], rules: &Rules, visit: &Visit) -> Self {
        let step = 60
            * match rules.step_minutes {
                minutes @ 1..=1440 => minutes,
                _ => USUAL_STEP,
            };
        // A category without a length takes one step. Nothing is longer than some days, and then nothing fits.
        let seconds = match visit.seconds {
            ..=0 => step,
            seconds => seconds.min(3 * DAY),
        };
        let mut days = days.to_vec();
        days.sort_unstable();
        days.dedup();
        // What is left of the day after the last whole step belongs to none, and is not offered.
        let steps = place(DAY, step);
        let mut openings = Self {
            days: days.into_iter().map(|day| (day, vec![0; steps])).collect(),
            step,
            // Facts 2.7, 1: as many steps as the category is long, rounded up.
            needed: place(seconds + step - 1, step),
            seconds,
            has_calendar: false,
        };
        for event in events {
            openings.enter(event, rules.cancelled, visit.category);
        }
        // Facts 2.7, advice: the end of the schedule counts only where nothing closes the day.
        let end = place(rules.schedule_end.clamp(0, 24) * 3600, step);
        for (_, day) in &mut openings.days {
            walk(day, end);
        }
        openings
    }

    /// The starts to offer, in order: seconds since midnight. After an offered start the next is looked for where its
    /// visit would end (facts 2.7, 5), so that no two of them overlap.
    pub fn starts(&self) -> Vec<(Date, i64)> {
        let mut starts = Vec::new();
        for (date, day) in &self.days {
            let mut at = 0;
            while at < day.len() {
                if self.has_room(day, at) {
                    starts.push((*date, at as i64 * self.step));
                    at += self.needed;
                } else {
                    at += 1;
                }
            }
        }
        starts
    }

    /// Whether the visit could begin then, be it offered or not: the check within a booking. A start off the steps
    /// must find room from the step it lies in.
    pub fn fits(&self, date: Date, start: i64) -> bool {
        if !(0..DAY).contains(&start) {
            return false;
        }
        let Ok(found) = self.days.binary_search_by_key(&date, |(day, _)| *day) else {
            return false;
        };
        let (_, day) = &self.days[found];
        let first = place(start, self.step);
        let last = place(start + self.seconds + self.step - 1, self.step);
        let steps = day.get(first..last.max(first + self.needed));
        steps.is_some_and(|steps| steps.iter().all(|step| is_free(*step)))
    }

    /// The days as slots, in order: the free starts, each as long as the visit, and between them the stretches in
    /// which the provider is in and taken. Gaps too short for the visit are neither.
    pub fn intervals(&self) -> Vec<Interval> {
        let free = self.starts().into_iter().map(|(date, start)| Interval {
            date,
            start,
            end: start + self.seconds,
            state: State::Free,
        });
        let mut intervals: Vec<Interval> = free.collect();
        for (date, day) in &self.days {
            intervals.extend(self.taken(*date, day));
        }
        intervals.sort_unstable_by_key(|interval| (interval.date, interval.start));
        intervals
    }

    /// Why there is no start to offer; `None` where there is one.
    pub fn why_none(&self) -> Option<NoTime> {
        let has_room = |(_, day): &(Date, Vec<u8>)| (0..day.len()).any(|at| self.has_room(day, at));
        match (self.days.iter().any(has_room), self.has_calendar) {
            (true, _) => None,
            (false, true) => Some(NoTime::Full),
            (false, false) => Some(NoTime::NoCalendar),
        }
    }

    /// Facts 2.7, 3: In and Out Of Office mark the step of their start, everything else all of its steps.
    fn enter(&mut self, event: &Event, cancelled: Cancelled, category: i64) {
        match event.kind {
            Kind::In { reserved_for } => {
                // Facts 2.7, e: to staff an In Office reserved for another category is an Out Of Office.
                let mark = match reserved_for.is_none_or(|reserved| reserved == category) {
                    true => OPENS,
                    false => CLOSES,
                };
                self.has_calendar |= self.mark(event, mark);
            }
            // OpenEMR closes the day at midnight and lets the next In Office open it again: not what staff meant.
            Kind::Out if event.all_day => self.take(event),
            Kind::Out => {
                self.mark(event, CLOSES);
            }
            Kind::Other { cancelled: true } if cancelled == Cancelled::Frees => {}
            Kind::Other { .. } => self.take(event),
        }
    }

    /// Marks the step an event begins in; false where that is on none of the days.
    fn mark(&mut self, event: &Event, mark: u8) -> bool {
        let found = self.days.binary_search_by_key(&event.date, |(day, _)| *day);
        let Ok(found) = found else {
            return false;
        };
        let at = place(event.start.max(0), self.step);
        let Some(step) = self.days[found].1.get_mut(at) else {
            return false;
        };
        *step |= mark;
        true
    }

    /// Takes every step an event touches, on the days after its own too, and at least one. All-day events take their
    /// whole day, wherever they begin.
    fn take(&mut self, event: &Event) {
        let start = if event.all_day { 0 } else { event.start.max(0) };
        let shortest = if event.all_day { DAY } else { 1 };
        let end = start.saturating_add(event.seconds.max(shortest));
        let first = self.days.partition_point(|(day, _)| *day < event.date);
        for (date, day) in &mut self.days[first..] {
            let midnight = (*date - event.date).whole_days().saturating_mul(DAY);
            if midnight >= end {
                break;
            }
            let from = place((start - midnight).clamp(0, DAY), self.step);
            let until = (end - midnight).min(DAY) + self.step - 1;
            let until = place(until, self.step).min(day.len());
            for step in day.get_mut(from..until).unwrap_or_default() {
                *step |= TAKEN;
            }
        }
    }

    fn has_room(&self, day: &[u8], at: usize) -> bool {
        let steps = day.get(at..at + self.needed);
        steps.is_some_and(|steps| steps.iter().all(|step| is_free(*step)))
    }

    /// The stretches of a day that are open and taken, neighbours joined.
    fn taken(&self, date: Date, day: &[u8]) -> Vec<Interval> {
        let mut stretches: Vec<Interval> = Vec::new();
        for (at, step) in day.iter().enumerate() {
            if *step & OPEN == 0 || *step & TAKEN == 0 {
                continue;
            }
            let start = at as i64 * self.step;
            let end = (start + self.step).min(DAY);
            match stretches.last_mut() {
                Some(last) if last.end == start => last.end = end,
                _ => stretches.push(Interval {
                    date,
                    start,
                    end,
                    state: State::Busy,
                }),
            }
        }
        stretches
    }
}

/// Facts 2.7, 4: a day begins closed; In Office opens it until the next Out Of Office, which wins where both begin in
/// one step. What is still open at midnight nobody closed: that is cut at the end of the schedule.
fn walk(day: &mut [u8], schedule_end: usize) {
    let mut opened = None;
    for (at, step) in day.iter_mut().enumerate() {
        if *step & OPENS != 0 {
            opened = opened.or(Some(at));
        }
        if *step & CLOSES != 0 {
            opened = None;
        }
        if opened.is_some() {
            *step |= OPEN;
        }
    }
    if let Some(opened) = opened {
        for step in day.iter_mut().skip(schedule_end.max(opened)) {
            *step &= !OPEN;
        }
    }
}

fn is_free(step: u8) -> bool {
    step & (OPEN | TAKEN) == OPEN
}

/// Which step a second lies in.
fn place(second: i64, step: i64) -> usize {
    usize::try_from(second / step).unwrap_or_default()
}

#[cfg(test)]
mod tests;
