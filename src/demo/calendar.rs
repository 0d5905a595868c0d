//! The calendar: when the providers are in, and who comes to see them.

use time::Date;
use time::Duration;
use time::Time;
use time::Weekday;
use time::macros::time;

use crate::db::sql::Value;
use crate::db::sql::date_text;
use crate::demo::book::Book;
use crate::demo::book::Row;
use crate::demo::people::PEOPLE;
use crate::demo::practice::ANNEX;
use crate::demo::practice::MAIN;
use crate::demo::staff::FISCHER;
use crate::demo::staff::LEE;
use crate::demo::staff::MANAGER;
use crate::demo::staff::MENSAH;
use crate::demo::visits::VISITS;
use crate::demo::visits::Visit;
use crate::demo::visits::WEEKLY;
use crate::emr::php;

/// The days Dr. Fischer works.
const FISCHER_DAYS: [Weekday; 2] = [Weekday::Tuesday, Weekday::Thursday];

/// The days the others work.
const WORK_DAYS: [Weekday; 5] = [
    Weekday::Monday,
    Weekday::Tuesday,
    Weekday::Wednesday,
    Weekday::Thursday,
    Weekday::Friday,
];

/// `users.id`, in, lunch and out.
pub(super) const HOURS: [(i64, [Time; 3]); 3] = [
    (LEE, [time!(8:00), time!(12:00), time!(17:00)]),
    (MENSAH, [time!(9:00), time!(12:30), time!(17:30)]),
    (FISCHER, [time!(8:30), time!(12:00), time!(16:00)]),
];

/// First and last working day of Abena Mensah's vacation.
pub(super) const VACATION: [i64; 2] = [11, 15];

const IN: (i64, &str) = (2, "In Office");
const OUT: (i64, &str) = (3, "Out Of Office");
const HOLIDAY: (i64, &str) = (4, "Vacation");
const LUNCH: (i64, &str) = (8, "Lunch");
const RESERVED: (i64, &str) = (11, "Reserved");

/// How an event comes again: `pc_recurrtype` and the entries of `pc_recurrspec` (facts 1.6).
#[derive(Clone, Copy)]
struct Rhythm<'a> {
    kind: i64,
    every: &'a str,
    unit: &'a str,
    nth: &'a str,
    weekday: &'a str,
    except: &'a str,
}

const ONCE: Rhythm<'_> = Rhythm {
    kind: 0,
    every: "0",
    unit: "0",
    nth: "1",
    weekday: "0",
    except: "",
};

const WORK_DAILY: Rhythm<'_> = Rhythm {
    kind: 1,
    every: "1",
    unit: "4",
    ..ONCE
};

/// Weekdays are counted from 1, Sunday.
const TUESDAYS_AND_THURSDAYS: Rhythm<'_> = Rhythm {
    kind: 3,
    every: "3,5",
    unit: "6",
    ..ONCE
};

/// Weekdays are counted from 0, Sunday.
const FIRST_WEDNESDAY: Rhythm<'_> = Rhythm {
    kind: 2,
    every: "1",
    unit: "2",
    weekday: "3",
    ..ONCE
};

/// An event about to be written.
struct Event<'a> {
    category: (i64, &'static str),
    provider: i64,
    patient: Option<i64>,
    facility: i64,
    days: [Option<Date>; 2],
    start: Time,
    seconds: i64,
    rhythm: Rhythm<'a>,
    mark: &'static str,
    text: &'static str,
}

/// The working day of a provider this many days from a date: 1 is the first after it, -1 the last before it.
pub(super) fn working_day(provider: i64, from: Date, number: i64) -> Date {
    let days: &[Weekday] = match provider {
        FISCHER => &FISCHER_DAYS,
        _ => &WORK_DAYS,
    };
    let step = Duration::days(number.signum());
    let mut date = from;
    let mut left = number.abs();
    while left > 0 {
        date += step;
        if days.contains(&date.weekday()) {
            left -= 1;
        }
    }
    date
}

/// Office hours, visits, and the flow board's rows.
pub(super) fn write(book: &mut Book<'_>) {
    let today = book.today();
    let mut number = 0;
    for event in presence(today) {
        number += 1;
        let row = row(book, number, &event);
        // Events made on a calendar page have no uuid until OpenEMR's filler comes round (facts 1.17).
        book.add(row);
    }
    for visit in &VISITS {
        number += 1;
        let day = working_day(visit.provider, today, visit.day);
        let row = row(book, number, &coming(visit, day));
        match visit.mark {
            "^" | "CALL" => book.add(row),
            _ => book.add_known(row, ("pc_eid", number)),
        }
        if visit.mark != "^" {
            flow(book, visit, (number, day));
        }
    }
    let weekly = row(book, number + 1, &weekly(today, &missed(today)));
    book.add_known(weekly, ("pc_eid", number + 1));
}

/// When the providers are in, from three months ago for two years.
fn presence(today: Date) -> Vec<Event<'static>> {
    let monday = today - Duration::days(91 + i64::from(today.weekday().number_days_from_monday()));
    let until = today + Duration::days(730);
    let mut events = Vec::new();
    for (provider, [start, lunch, end]) in HOURS {
        let (rhythm, first, facility) = match provider {
            FISCHER => (TUESDAYS_AND_THURSDAYS, monday + Duration::days(1), ANNEX),
            _ => (WORK_DAILY, monday, MAIN),
        };
        for (category, start, seconds) in [(IN, start, 0), (LUNCH, lunch, 3600), (OUT, end, 0)] {
            events.push(Event {
                facility,
                seconds,
                rhythm,
                ..blocked(category, provider, [first, until], start)
            });
        }
    }
    let [first, last] = VACATION.map(|number| working_day(MENSAH, today, number));
    events.push(Event {
        seconds: 86400,
        rhythm: WORK_DAILY,
        text: "Back refreshed!",
        ..blocked(HOLIDAY, MENSAH, [first, last], Time::MIDNIGHT)
    });
    events.push(Event {
        seconds: 3600,
        rhythm: FIRST_WEDNESDAY,
        text: "Quality meeting",
        ..blocked(
            RESERVED,
            LEE,
            [first_wednesday(monday), until],
            time!(13:00),
        )
    });
    events
}

fn blocked(
    category: (i64, &'static str),
    provider: i64,
    days: [Date; 2],
    start: Time,
) -> Event<'static> {
    Event {
        category,
        provider,
        patient: None,
        facility: MAIN,
        days: days.map(Some),
        start,
        seconds: 0,
        rhythm: ONCE,
        mark: "-",
        text: "",
    }
}

fn first_wednesday(near: Date) -> Date {
    let first = near - Duration::days(i64::from(near.day()) - 1);
    let past = i64::from(first.weekday().number_days_from_monday());
    first + Duration::days((2 - past).rem_euclid(7))
}

/// A visit on its day. What a patient asks for in the portal has no facility yet (facts 2.6).
fn coming(visit: &Visit, day: Date) -> Event<'static> {
    let (category, name, seconds) = visit.kind.category();
    let facility = match (visit.mark, visit.provider) {
        ("^", _) => 0,
        (_, FISCHER) => ANNEX,
        _ => MAIN,
    };
    Event {
        category: (category, name),
        provider: visit.provider,
        patient: Some(visit.pid),
        facility,
        days: [Some(day), None],
        start: visit.start,
        seconds,
        rhythm: ONCE,
        mark: visit.mark,
        text: visit.reason,
    }
}

/// The Tuesday two weeks from the next one, on which the weekly visit is left out.
fn missed(today: Date) -> String {
    let day = next_tuesday(today) + Duration::days(14);
    date_text(day).replace('-', "")
}

fn next_tuesday(today: Date) -> Date {
    today + Duration::days((1 - i64::from(today.weekday().number_days_from_monday())).rem_euclid(7))
}

fn weekly(today: Date, missed: &str) -> Event<'_> {
    let tuesday = next_tuesday(today);
    let rhythm = Rhythm {
        kind: 1,
        every: "1",
        unit: "1",
        except: missed,
        ..ONCE
    };
    Event {
        days: [
            Some(tuesday - Duration::days(21)),
            Some(tuesday + Duration::days(42)),
        ],
        rhythm,
        ..coming(&WEEKLY, tuesday)
    }
}

/// The calendar row of an event.
fn row(book: &Book<'_>, number: i64, event: &Event<'_>) -> Row {
    let [first, last] = event.days;
    let (category, title) = event.category;
    let whole_day = event.seconds == 86400;
    let end = match whole_day {
        true => time!(23:59:59),
        false => event.start + Duration::seconds(event.seconds),
    };
    let written = first.map_or(book.now, |day| {
        (day - Duration::days(20)).with_time(time!(15:20))
    });
    let patient = event.patient.map_or(String::new(), |pid| pid.to_string());
    let informant = match event.mark {
        "^" => informant(event.patient),
        _ => MANAGER,
    };
    Row::of("openemr_postcalendar_events")
        .numbers([
            ("pc_eid", number),
            ("pc_catid", category),
            ("pc_multiple", 0),
            ("pc_duration", event.seconds),
            ("pc_recurrtype", event.rhythm.kind),
            ("pc_alldayevent", i64::from(whole_day)),
            ("pc_eventstatus", 1),
            ("pc_sharing", 1),
            ("pc_prefcatid", 0),
            ("pc_facility", event.facility),
            ("pc_billing_location", event.facility),
        ])
        .texts([
            ("pc_title", title),
            ("pc_hometext", event.text),
            ("pc_apptstatus", event.mark),
            ("pc_location", &location()),
            ("pc_recurrspec", &event.rhythm.spec()),
            ("pc_room", if event.mark == "<" { "2" } else { "" }),
        ])
        .set("pc_aid", event.provider.to_string())
        .set("pc_pid", patient)
        .set("pc_informant", informant.to_string())
        .set("pc_time", written.min(book.now))
        .set("pc_eventDate", first)
        .set("pc_endDate", no_later_than(book, last))
        .set("pc_startTime", event.start)
        .set("pc_endTime", end)
}

/// The last day of a recurrence; none is written the way this database writes it (facts 0.1).
fn no_later_than(book: &Book<'_>, last: Option<Date>) -> Value {
    match last {
        Some(day) => day.into(),
        None if book.layout.end_date_is_null => Value::Null,
        None => "0000-00-00".into(),
    }
}

/// The portal notes the patient's own provider as the one who wrote the row.
fn informant(pid: Option<i64>) -> i64 {
    let own = PEOPLE.iter().find(|person| Some(person.pid) == pid);
    own.map_or(MANAGER, |person| person.provider)
}

impl Rhythm<'_> {
    fn spec(&self) -> String {
        let mut entries = vec![
            ("event_repeat_freq", self.every),
            ("event_repeat_freq_type", self.unit),
            ("event_repeat_on_num", self.nth),
            ("event_repeat_on_day", self.weekday),
            (
                "event_repeat_on_freq",
                if self.kind == 2 { "1" } else { "0" },
            ),
            ("exdate", self.except),
        ];
        if self.kind == 2 {
            entries.push(("rt2_pf_flag", "1"));
        }
        php::array(&entries)
    }
}

/// Six empty places OpenEMR writes beside every event and never reads.
fn location() -> String {
    php::array(&[
        ("event_location", ""),
        ("event_street1", ""),
        ("event_street2", ""),
        ("event_city", ""),
        ("event_state", ""),
        ("event_postal", ""),
    ])
}

/// The flow board follows every visit staff booked, mark by mark (facts 1.9).
fn flow(book: &mut Book<'_>, visit: &Visit, event: (i64, Date)) {
    let (number, day) = event;
    let marks: &[&str] = match visit.mark {
        "-" => &["-"],
        ">" | "$" => &["-", "@", visit.mark],
        mark => &["-", mark],
    };
    let start = day.with_time(visit.start);
    book.add(
        Row::of("patient_tracker")
            .numbers([("id", number), ("eid", number), ("pid", visit.pid)])
            .texts([("original_user", "tbanks")])
            .set("date", start.min(book.now))
            .set("apptdate", day)
            .set("appttime", visit.start)
            .set("lastseq", marks.len().to_string()),
    );
    for (place, mark) in (1_i64..).zip(marks) {
        book.add(
            Row::of("patient_tracker_element")
                .numbers([("pt_tracker_id", number)])
                .texts([("room", ""), ("status", mark), ("user", "tbanks")])
                .set(
                    "start_datetime",
                    (start + Duration::minutes(10 * (place - 1))).min(book.now),
                )
                .set("seq", place.to_string()),
        );
    }
}
