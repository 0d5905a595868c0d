//! The days on which clocks are put forward: what is skipped of them can not be had, and what runs over it ends later by
//! the wall.

use std::collections::HashMap;

use time::Date;
use time::Duration;

use crate::emr::openings::Event;
use crate::emr::openings::Kind;
use crate::emr::zone::Zone;

/// Puts the events of each provider forward. What is skipped of a day is taken in every calendar: nobody can come then.
pub(super) fn put(zone: &Zone, days: (Date, Date), found: &mut HashMap<i64, Vec<Event>>) {
    let skipped = skipped(zone, days);
    if skipped.is_empty() {
        return;
    }
    for events in found.values_mut() {
        for event in events.iter_mut() {
            *event = moved(*event, zone);
        }
        events.extend(&skipped);
    }
}

fn skipped(zone: &Zone, (from, last): (Date, Date)) -> Vec<Event> {
    let days = std::iter::successors(Some(from), |day| day.next_day());
    let taken = days.take_while(|day| *day <= last).filter_map(|date| {
        let (start, end) = zone.skipped(date)?;
        Some(Event {
            date,
            start,
            seconds: end - start,
            all_day: false,
            kind: Kind::Other { cancelled: false },
        })
    });
    taken.collect()
}

/// What begins in the hour that is skipped begins after it, as PHP has it.
fn moved(event: Event, zone: &Zone) -> Event {
    let midnight = event.date.midnight();
    let told = midnight.checked_add(Duration::seconds(event.start));
    let Some(told) = told else { return event };
    let begin = zone.instant(told);
    let end = begin.checked_add(Duration::seconds(event.seconds));
    let Some(end) = end else { return event };
    let start = zone.wall(begin);
    let lasts = zone.wall(end) - start;
    Event {
        start: event.start + (start - told).whole_seconds(),
        // Where clocks are put back it would be less than nothing: there the wall's own count is the longer one.
        seconds: event.seconds.max(lasts.whole_seconds()),
        ..event
    }
}
