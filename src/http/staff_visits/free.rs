//! Other times for a request: the next free starts of the same provider and kind, or any time that is typed. Staff may
//! double-book: they know why.

use std::collections::HashMap;

use time::Date;
use time::Duration;
use time::OffsetDateTime;
use time::Time;
use uuid::Uuid;

use crate::domain::refusal::Answer;
use crate::domain::refusal::Refusal;
use crate::domain::scope::Token;
use crate::domain::visits::Appointment;
use crate::emr::slots::offers;
use crate::emr::slots::offers::Wanted;
use crate::http::forms::Form;
use crate::http::visits::choosing::day;
use crate::http::visits::found;
use crate::http::visits::said;
use crate::rest::Rest;
use crate::rest::scheduling;

/// How far they are looked for.
const FAR: Duration = Duration::days(28);

/// How many are told.
const TOLD: usize = 60;

/// Free starts, day by day: the day, then id and time of each.
type Free = Vec<(String, Vec<(String, String)>)>;

/// What requests have in common that are answered with the same free starts: the provider, the kind, the day.
type Key = (Uuid, String, Date);

/// What was looked up for the requests of a page.
#[derive(Default)]
pub(super) struct Openings(HashMap<Key, Free>);

impl Openings {
    /// The next free starts for a request, from its day on; none where nobody, or several, are to be there.
    pub(super) async fn of(&mut self, rest: &Rest<'_>, visit: &Appointment) -> Answer<Free> {
        let ([(provider, _)], Some(kind)) = (visit.providers.as_slice(), &visit.category) else {
            return Ok(Vec::new());
        };
        let date = rest.emr.zone.wall(visit.start).date();
        let key = (*provider, kind.code.clone(), date);
        if let Some(known) = self.0.get(&key) {
            return Ok(known.clone());
        }
        let from = found::morning(rest.emr, date).max(rest.emr.now());
        let wanted = Wanted {
            from,
            until: from + FAR,
            providers: vec![*provider],
            locations: Vec::new(),
            places: Vec::new(),
            organizations: Vec::new(),
            specialties: Vec::new(),
            categories: vec![Token::of(&kind.code)],
            pid: 0,
            count: TOLD,
        };
        let zone = &rest.emr.zone;
        let mut free: Free = Vec::new();
        for offer in scheduling::offered(rest, &wanted).await?.offers {
            let day = said::day_of(zone, offer.slot.start);
            let start = (
                offer.slot.uuid.to_string(),
                said::clock(zone, offer.slot.start),
            );
            match free.last_mut().filter(|(known, _)| *known == day) {
                Some((_, starts)) => starts.push(start),
                None => free.push((day, vec![start])),
            }
        }
        self.0.insert(key, free.clone());
        Ok(free)
    }
}

/// The time that was chosen: typed, as long as the visit is; or of the list.
///
/// # Errors
/// `Invalid` where there is none, or one that has passed.
pub(super) async fn picked(
    rest: &Rest<'_>,
    visit: &Appointment,
    form: &Form,
) -> Answer<(OffsetDateTime, OffsetDateTime)> {
    let emr = rest.emr;
    let typed = form.text("when");
    let span = match typed.trim() {
        "" => {
            let slot = Uuid::try_parse(&form.text("slot"));
            let slot = slot.map_err(|_| Refusal::invalid("slot", "Choose a time."))?;
            let offer = offers::named_by(emr, slot).await?;
            let offer = offer.ok_or_else(|| Refusal::invalid("slot", "Choose a time."))?;
            (offer.slot.start, offer.slot.end)
        }
        text => {
            let wall = wall(text).ok_or_else(|| {
                let why = "Give the day and the time, such as 2026-11-24 09:15.";
                Refusal::invalid("when", why)
            })?;
            let start = emr.zone.instant(wall);
            (start, emr.zone.at(start + (visit.end - visit.start)))
        }
    };
    match emr.now() < span.0 {
        true => Ok(span),
        false => {
            let why = "This time has passed. Please choose a later one.";
            Err(Refusal::invalid("when", why).into())
        }
    }
}

/// A wall time as browsers send it, or as people type it.
fn wall(text: &str) -> Option<time::PrimitiveDateTime> {
    let (date, clock) = text.split_once(['T', ' '])?;
    let mut parts = clock.trim().split(':');
    let (hour, minute) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    let time = Time::from_hms(hour, minute, 0).ok()?;
    Some(day(date)?.with_time(time))
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn a_time_is_read_as_browsers_send_it_and_as_people_type_it() {
        let expected = Some(datetime!(2026-11-24 09:15));
        for text in [
            "2026-11-24T09:15",
            "2026-11-24 09:15",
            "2026-11-24T09:15:00",
        ] {
            assert_eq!(wall(text), expected, "{text}");
        }
        for none in [
            "",
            "tomorrow",
            "2026-11-24",
            "2026-11-24T25:00",
            "2026-02-30T09:00",
        ] {
            assert_eq!(wall(none), None, "{none}");
        }
    }
}
