//! A visit in words: when it is, how it stands, and what was said about it.

use time::OffsetDateTime;

use crate::domain::visits::Appointment;
use crate::domain::visits::BY_PATIENT;
use crate::domain::visits::Status;
use crate::domain::visits::told_apart;
use crate::emr::zone::Zone;
use crate::http::pages::plain::plain;
use crate::portal::visit::By;
use crate::words::day;

/// Letters of a reason that a page shows.
const SHOWN: usize = 1000;

/// The day of an instant, by the practice's calendar.
pub fn day_of(zone: &Zone, at: OffsetDateTime) -> String {
    day(zone.wall(at).date())
}

/// The practice's clock: `09:15`.
pub fn clock(zone: &Zone, at: OffsetDateTime) -> String {
    let wall = zone.wall(at);
    format!("{:02}:{:02}", wall.hour(), wall.minute())
}

/// From when to when: `09:15–09:30`.
pub fn span(zone: &Zone, (start, end): (OffsetDateTime, OffsetDateTime)) -> String {
    format!("{}–{}", clock(zone, start), clock(zone, end))
}

/// With whom.
pub fn providers(visit: &Appointment) -> String {
    let names = visit.providers.iter().map(|(_, name)| plain(name, 80));
    names.collect::<Vec<String>>().join(", ")
}

/// Where; empty where unknown.
pub fn place(visit: &Appointment) -> String {
    let place = visit.location.as_ref();
    place.map_or_else(String::new, |(_, name)| plain(name, 120))
}

/// What for, in the practice's words.
pub fn kind(visit: &Appointment) -> String {
    let category = visit.category.as_ref();
    category.map_or_else(String::new, |category| plain(&category.display, 80))
}

/// Colour and words of how a visit stands, for its patient; of one whose time is over nothing waits any more.
pub fn to_patient(visit: &Appointment, over: bool) -> (&'static str, &'static str) {
    match visit.status {
        Status::Proposed => ("off", "Free"),
        Status::Pending if over => ("off", "Was not answered"),
        Status::Booked if over => ("off", "Was booked"),
        Status::Arrived | Status::CheckedIn if over => ("off", "Took place"),
        Status::Pending if visit.offered => ("warn", "The practice proposes this time"),
        Status::Pending => ("wait", "Waits for the practice"),
        Status::Waitlist => ("wait", "The practice will call you"),
        Status::Booked => ("good", "Booked"),
        Status::Arrived => ("good", "You have arrived"),
        Status::CheckedIn => ("good", "You are being seen"),
        Status::Fulfilled => ("off", "Took place"),
        Status::Cancelled => ("off", "Cancelled"),
        Status::NoShow => ("off", "You did not come"),
    }
}

/// The same for staff.
pub fn to_staff(visit: &Appointment) -> (&'static str, &'static str) {
    match visit.status {
        Status::Proposed => ("off", "Free"),
        Status::Pending if visit.offered => ("warn", "Waits for the patient"),
        Status::Pending => ("wait", "Asked for"),
        Status::Waitlist => ("wait", "Wants a call"),
        Status::Booked => ("good", "Booked"),
        Status::Arrived => ("good", "Arrived"),
        Status::CheckedIn => ("good", "Being seen"),
        Status::Fulfilled => ("off", "Over"),
        Status::Cancelled => ("off", "Cancelled"),
        Status::NoShow => ("bad", "Did not come"),
    }
}

/// What a visit is for; and why it was cancelled, and by whom, where it was. The calendar keeps both in one text.
pub fn words(visit: &Appointment) -> (String, Option<(By, String)>) {
    let shown = |text: &str| plain(text, SHOWN);
    if visit.status != Status::Cancelled {
        return (shown(&visit.comment), None);
    }
    let (before, why) = told_apart(&visit.comment);
    let why = why.map(|(begins, why)| {
        let by = match begins {
            BY_PATIENT => By::Patient,
            _ => By::Staff,
        };
        (by, shown(why))
    });
    (shown(before), why)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::people::Person;
    use time::macros::date;
    use time::macros::datetime;
    use uuid::Uuid;

    fn visit(status: Status, comment: &str) -> Appointment {
        Appointment {
            uuid: Uuid::nil(),
            person: Person {
                pid: 1,
                uuid: Uuid::nil(),
            },
            patient_name: "Ana".to_owned(),
            status,
            mark: "x".to_owned(),
            category: None,
            start: datetime!(2026-11-24 14:15 UTC),
            end: datetime!(2026-11-24 14:30 UTC),
            providers: Vec::new(),
            specialties: Vec::new(),
            location: None,
            comment: comment.to_owned(),
            created: None,
            series: false,
            offered: false,
            slot: None,
        }
    }

    #[test]
    fn f128_why_a_visit_was_cancelled_stands_apart_from_what_it_was_for() {
        for (comment, reason, why) in [
            ("Cough", "Cough", None),
            (
                "Cough\nCancelled: On leave",
                "Cough",
                Some((By::Staff, "On leave")),
            ),
            (
                "Cancelled by patient: Travel",
                "",
                Some((By::Patient, "Travel")),
            ),
            (
                "One\nTwo\nCancelled by patient: Better",
                "One Two",
                Some((By::Patient, "Better")),
            ),
        ] {
            let (found, because) = words(&visit(Status::Cancelled, comment));
            assert_eq!(found, reason, "{comment}");
            let because = because.as_ref().map(|(by, text)| (*by, text.as_str()));
            assert_eq!(because, why, "{comment}");
        }
        let (found, why) = words(&visit(Status::Booked, "Cancelled: is what I typed"));
        assert_eq!((found.as_str(), why), ("Cancelled: is what I typed", None));
    }

    #[test]
    fn days_and_times_are_the_practices() {
        let zone = Zone::named("America/New_York").expect("a zone");
        let one = visit(Status::Booked, "");
        assert_eq!(day(date!(2026 - 11 - 24)), "Tuesday, 24 November 2026");
        assert_eq!(day_of(&zone, one.start), "Tuesday, 24 November 2026");
        assert_eq!(span(&zone, (one.start, one.end)), "09:15–09:30");
    }
}
