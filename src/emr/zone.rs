//! The practice's wall clock. OpenEMR's datetimes are site-local; here they become instants and back.

use jiff::Timestamp;
use jiff::civil;
use jiff::tz::TimeZone;
use time::Date;
use time::OffsetDateTime;
use time::PrimitiveDateTime;
use time::UtcOffset;

use crate::emr::wall;

/// Seconds of a day on which no clock changes.
const DAY: i64 = 86_400;

/// The practice's time zone (`globals.gbl_time_zone`, or the setting where that is empty).
#[derive(Clone, Debug)]
pub struct Zone(TimeZone);

impl Zone {
    /// The zone of an IANA name; `None` where there is no such zone.
    pub fn named(name: &str) -> Option<Self> {
        TimeZone::get(name).ok().map(Self)
    }

    /// The IANA name.
    pub fn name(&self) -> &str {
        self.0.iana_name().unwrap_or("UTC")
    }

    /// The instant of a wall time, with the offset valid on that day. A time that a clock change skips counts from
    /// before the change (02:30 becomes 03:30), one that happens twice is the first of the two.
    pub fn instant(&self, wall: PrimitiveDateTime) -> OffsetDateTime {
        let (year, month, day) = wall.to_calendar_date();
        let (hour, minute, second) = wall.as_hms();
        let small = |value: u8| i8::try_from(value).unwrap_or_default();
        let civil = civil::DateTime::new(
            i16::try_from(year).unwrap_or(1),
            small(month.into()),
            small(day),
            small(hour),
            small(minute),
            small(second),
            0,
        );
        let zoned = civil
            .ok()
            .and_then(|civil| self.0.to_ambiguous_zoned(civil).compatible().ok());
        let instant = zoned.and_then(|zoned| {
            OffsetDateTime::from_unix_timestamp(zoned.timestamp().as_second()).ok()
        });
        self.at(instant.unwrap_or_else(|| wall.assume_utc()))
    }

    /// The instant of a wall time as FHIR can tell it; `None` for none and for a year that was mistyped.
    pub(super) fn told(&self, wall: Option<PrimitiveDateTime>) -> Option<OffsetDateTime> {
        wall.filter(|wall| wall::YEARS.contains(&wall.year()))
            .map(|wall| self.instant(wall))
    }

    /// The same instant with the offset the practice has then.
    pub fn at(&self, instant: OffsetDateTime) -> OffsetDateTime {
        instant.to_offset(self.offset(instant))
    }

    /// The wall time of an instant.
    pub fn wall(&self, instant: OffsetDateTime) -> PrimitiveDateTime {
        let local = self.at(instant);
        PrimitiveDateTime::new(local.date(), local.time())
    }

    /// What the clocks skip of a day, in seconds since midnight: from two to three on the morning they are put forward.
    pub fn skipped(&self, day: Date) -> Option<(i64, i64)> {
        let midnight = |day: Date| self.instant(day.midnight()).unix_timestamp();
        let (first, next) = (midnight(day), midnight(day.next_day()?));
        if next - first >= DAY {
            return None;
        }
        let told = day.midnight().assume_utc().unix_timestamp();
        // Where midnight itself is skipped, the change is before what counts as midnight.
        let changes = self.0.following(Timestamp::from_second(first - DAY).ok()?);
        let mut gaps = changes
            .map(|change| (change.timestamp().as_second(), change.offset()))
            .take_while(|(at, _)| *at <= next)
            .filter_map(|(at, after)| {
                let before = self.0.to_offset(Timestamp::from_second(at - 1).ok()?);
                let wall = |offset: i32| (at + i64::from(offset) - told).clamp(0, DAY);
                Some((wall(before.seconds()), wall(after.seconds())))
            });
        gaps.find(|(from, until)| from < until)
    }

    /// The practice's offset at an instant, in whole minutes: before the railways it had seconds, which a written
    /// time has no place for.
    pub fn offset(&self, instant: OffsetDateTime) -> UtcOffset {
        let seconds = Timestamp::from_second(instant.unix_timestamp())
            .map_or(0, |timestamp| self.0.to_offset(timestamp).seconds());
        UtcOffset::from_whole_seconds(seconds / 60 * 60).unwrap_or(UtcOffset::UTC)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::date;
    use time::macros::datetime;

    fn new_york() -> Zone {
        Zone::named("America/New_York").expect("bundled zone")
    }

    #[test]
    fn wall_times_get_the_offset_of_their_own_day() {
        let zone = new_york();
        assert_eq!(
            zone.instant(datetime!(2026-01-15 09:00)),
            datetime!(2026-01-15 09:00 -5)
        );
        assert_eq!(
            zone.instant(datetime!(2026-07-15 09:00)).offset(),
            datetime!(2026-07-15 09:00 -4).offset()
        );
    }

    #[test]
    fn skipped_and_doubled_hours_are_decided() {
        let zone = new_york();
        let skipped = zone.instant(datetime!(2026-03-08 02:30));
        assert_eq!(skipped, datetime!(2026-03-08 03:30 -4));
        let doubled = zone.instant(datetime!(2026-11-01 01:30));
        assert_eq!(doubled, datetime!(2026-11-01 01:30 -4));
    }

    #[test]
    fn what_the_clocks_skip_is_told() {
        let skipped = |name: &str, day| Zone::named(name).expect("a zone").skipped(day);
        let two_to_three = Some((7_200, 10_800));
        let spring = skipped("America/New_York", date!(2026 - 03 - 08));
        assert_eq!(spring, two_to_three);
        assert_eq!(skipped("America/New_York", date!(2026 - 03 - 09)), None);
        assert_eq!(skipped("America/New_York", date!(2026 - 11 - 01)), None);
        let half = skipped("Australia/Lord_Howe", date!(2026 - 10 - 04));
        assert_eq!(half, Some((7_200, 9_000)));
        let midnight = skipped("America/Santiago", date!(2026 - 09 - 06));
        assert_eq!(midnight, Some((0, 3_600)));
        // On the other side of the date line from one day to the next.
        let all = skipped("Pacific/Apia", date!(2011 - 12 - 30));
        assert_eq!(all, Some((0, DAY)));
    }

    #[test]
    fn years_nobody_lived_in_are_not_told_and_old_offsets_can_be_written() {
        let zone = new_york();
        assert_eq!(zone.told(None), None);
        assert_eq!(zone.told(Some(datetime!(0202-05-06 09:00))), None);
        let old = zone.told(Some(datetime!(1850-05-06 09:00)));
        assert_eq!(old.map(|at| at.offset().seconds_past_minute()), Some(0));
    }

    #[test]
    fn wall_and_instant_are_inverse() {
        let zone = new_york();
        let wall = datetime!(2026-11-21 14:05);
        assert_eq!(zone.wall(zone.instant(wall)), wall);
    }
}
