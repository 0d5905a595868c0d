//! A visit as an entry of the patient's own calendar (iCalendar, RFC 5545; its methods RFC 5546). It says that there is a
//! visit at the practice, when and where; with whom and what for is nobody's business who looks at that calendar.

use chrono::DateTime;
use chrono::Utc;
use icalendar::Calendar;
use icalendar::Component;
use icalendar::Event;
use icalendar::EventLike;
use icalendar::EventStatus;
use icalendar::Property;
use time::OffsetDateTime;

use crate::domain::mailbox;

/// What made it (RFC 5545, 3.7.3).
const MADE_BY: &str = "-//Anteroom//Visits//EN";

/// How a visit stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stands {
    /// Asked for or proposed.
    Tentative,
    /// Agreed.
    Confirmed,
    /// Called off.
    Cancelled,
}

/// A visit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// What the calendar knows it by, on every change the same: the Appointment's FHIR id.
    pub uid: String,
    /// What it is called, such as `Visit at Elm Street Clinic`.
    pub title: String,
    /// Where; empty where unknown.
    pub place: String,
    /// First instant.
    pub start: OffsetDateTime,
    /// The instant it is over.
    pub end: OffsetDateTime,
    /// Whose calendar it comes from: the practice's e-mail address; empty where it has none.
    pub organizer: String,
    /// How it stands.
    pub stands: Stands,
    /// How often it has changed: a calendar takes the highest.
    pub revision: u32,
    /// When this was made.
    pub made: OffsetDateTime,
}

/// The file, with the line ends and folds of the standard.
pub fn file(entry: &Entry) -> String {
    let utc = |at: OffsetDateTime| -> DateTime<Utc> {
        DateTime::from_timestamp(at.unix_timestamp(), 0).unwrap_or_default()
    };
    let line = |text: &str| mailbox::line(text, 150);
    let mut event = Event::new();
    event
        .uid(&entry.uid)
        .timestamp(utc(entry.made))
        .sequence(entry.revision)
        .starts(utc(entry.start))
        .ends(utc(entry.end))
        .status(match entry.stands {
            Stands::Tentative => EventStatus::Tentative,
            Stands::Confirmed => EventStatus::Confirmed,
            Stands::Cancelled => EventStatus::Cancelled,
        })
        .summary(&line(&entry.title));
    if !entry.organizer.is_empty() {
        // RFC 5546, 3.2.1 and 3.2.5: what is published or called off says by whom.
        event.add_property("ORGANIZER", format!("mailto:{}", line(&entry.organizer)));
    }
    let place = line(&entry.place);
    if !place.is_empty() {
        event.location(&place);
    }
    let mut calendar = Calendar::empty();
    calendar
        .append_property(Property::new("VERSION", "2.0"))
        .append_property(Property::new("PRODID", MADE_BY))
        .append_property(Property::new("METHOD", method(entry)))
        .push(event.done());
    calendar.to_string()
}

/// How it is to be taken: put in, or out.
pub fn method(entry: &Entry) -> &'static str {
    match entry.stands {
        Stands::Cancelled => "CANCEL",
        Stands::Tentative | Stands::Confirmed => "PUBLISH",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    fn entry() -> Entry {
        Entry {
            uid: "0b7f1d3e-5f0c-4c1e-9d0b-4f5e9d5e3f0a".to_owned(),
            title: "Visit at Elm, Street; Clinic".to_owned(),
            place: "12 Elm Street".to_owned(),
            organizer: "portal@practice.example".to_owned(),
            start: datetime!(2026-12-01 09:15 -5),
            end: datetime!(2026-12-01 09:30 -5),
            stands: Stands::Confirmed,
            revision: 2,
            made: datetime!(2026-11-29 03:00 UTC),
        }
    }

    #[test]
    fn f138_an_entry_says_when_and_where_and_no_more() {
        let text = file(&entry());
        for line in [
            "BEGIN:VCALENDAR",
            "VERSION:2.0",
            "METHOD:PUBLISH",
            "UID:0b7f1d3e-5f0c-4c1e-9d0b-4f5e9d5e3f0a",
            "DTSTAMP:20261129T030000Z",
            "DTSTART:20261201T141500Z",
            "DTEND:20261201T143000Z",
            "SEQUENCE:2",
            "ORGANIZER:mailto:portal@practice.example",
            "STATUS:CONFIRMED",
            "SUMMARY:Visit at Elm\\, Street\\; Clinic",
            "LOCATION:12 Elm Street",
            "END:VCALENDAR",
        ] {
            assert!(
                text.split("\r\n").any(|known| known == line),
                "{line} in {text}"
            );
        }
    }

    #[test]
    fn a_visit_that_was_called_off_goes_out_again() {
        let gone = Entry {
            stands: Stands::Cancelled,
            ..entry()
        };
        let text = file(&gone);
        assert!(text.contains("METHOD:CANCEL\r\n") && text.contains("STATUS:CANCELLED\r\n"));
    }

    #[test]
    fn no_line_of_the_file_can_be_put_in_by_a_name() {
        let forged = Entry {
            title: "Clinic\r\nATTENDEE:mailto:x@evil.example".to_owned(),
            ..entry()
        };
        let text = file(&forged);
        assert!(
            !text.lines().any(|line| line.starts_with("ATTENDEE")),
            "{text}"
        );
    }
}
