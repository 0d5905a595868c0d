//! A series of visits as its days, within what a search can be about.

use time::Date;
use time::Duration;
use time::OffsetDateTime;

use crate::domain::query::DateRange;
use crate::domain::query::Prefix;
use crate::domain::query::Query;
use crate::emr::Emr;
use crate::emr::calendar::dates;
use crate::emr::calendar::rows::EventRow;
use crate::emr::predicates;
use crate::emr::recurrence::Recurrence;
use crate::emr::wall;

/// Visits of a series are told this far ahead.
const AHEAD: Duration = Duration::days(731);

/// And this far back: five years.
const BACK: Duration = Duration::days(1_827);

/// First and last day a search can be about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Window {
    pub(super) from: Date,
    pub(super) until: Date,
}

impl Window {
    /// The days around now, cut by the dates that are asked for and by what earlier pages showed.
    pub(super) fn of(emr: &Emr, query: &Query) -> Self {
        let today = emr.zone.wall(emr.now()).date();
        let mut window = Self {
            from: today.saturating_sub(BACK),
            until: today.saturating_add(AHEAD),
        };
        for ranges in dates(query) {
            let (first, last) = predicates::span(ranges, &emr.zone);
            window.from = first.map_or(window.from, |first| first.max(window.from));
            window.until = last.map_or(window.until, |last| last.min(window.until));
        }
        let seen = query.after.as_ref().and_then(|after| wall::day(&after.key));
        window.from = seen.map_or(window.from, |seen| seen.max(window.from));
        window
    }
}

/// The days of a series within a window; none where OpenEMR would not show it.
pub(super) fn days(emr: &Emr, row: &EventRow, window: Window) -> Vec<Date> {
    let practice = emr.known();
    let weekend = weekend(practice.globals.text("weekend_days"));
    let spec = row.spec.as_deref().unwrap_or_default();
    let last = row.last_day.as_deref().and_then(wall::day);
    let series = wall::day(&row.sort_key)
        .and_then(|first| Recurrence::of(row.recurrence, spec, first, last, &weekend));
    series.map_or_else(Vec::new, |series| {
        series.occurrences(window.from, window.until)
    })
}

/// `weekend_days`: days between commas, 0 for Sunday.
pub(in crate::emr) fn weekend(text: &str) -> Vec<u8> {
    text.split(',')
        .filter_map(|day| day.trim().parse().ok())
        .collect()
}

/// Whether a moment is in one of the ranges of a date parameter, as SQL compares it.
pub(in crate::emr) fn fits(ranges: &[DateRange], at: OffsetDateTime) -> bool {
    ranges.iter().any(|range| match range.prefix {
        Prefix::Eq => range.start <= at && at < range.end,
        Prefix::Ne => at < range.start || range.end <= at,
        Prefix::Gt | Prefix::Sa => range.end <= at,
        Prefix::Lt | Prefix::Eb => at < range.start,
        Prefix::Ge => range.start <= at,
        Prefix::Le => at < range.end,
    })
}
