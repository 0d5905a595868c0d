//! Wall clocks, and free time on the days they change.

use anteroom::emr::composed;
use anteroom::emr::composed::Kind;
use anteroom::emr::composed::Parts;
use anteroom::emr::zone::Zone;
use axum::http::StatusCode;
use serde_json::Value;
use serde_json::json;
use time::Date;
use time::Duration;
use time::PrimitiveDateTime;
use time::Time;
use time::format_description::well_known::Rfc3339;

use super::Numbers;
use super::judged;
use crate::attacks::crowd::wanted;
use crate::clinic::Clinic;
use crate::clinic::EVERYTHING;

const SEED: u64 = 2_702;

/// Zones whose clocks change, the last of them by half an hour, with a step of the calendar for each in minutes. On Lord
/// Howe the half hour that is skipped is one step and a half.
const ZONES: [(&str, i64); 3] = [
    ("America/New_York", 15),
    ("Europe/Berlin", 30),
    ("Australia/Lord_Howe", 20),
];

/// Calendars for each of these days.
const CALENDARS: i64 = 40;

/// What is asked for, with its minutes; 0 is a step.
const VISITS: [(&str, i64); 3] = [("", 0), ("office_visit", 15), ("new_patient", 30)];

/// The days within a year on which clocks are put forward and back.
fn changes(zone: &Zone, today: Date) -> [Date; 2] {
    let noon = Time::from_hms(12, 0, 0).expect("noon");
    let at = |date: Date| zone.instant(date.with_time(noon));
    let find = |is_change: fn(i64) -> bool| {
        let mut days = (3..363).map(|ahead| today + Duration::days(ahead));
        let found = days.find(|day| {
            let before = at(*day - Duration::DAY);
            is_change((at(*day) - before).whole_minutes())
        });
        found.expect("clocks change each year")
    };
    [find(|length| length < 1_440), find(|length| length > 1_440)]
}

fn wall_text(wall: PrimitiveDateTime) -> String {
    let (hour, minute, second) = wall.as_hms();
    format!("{}T{hour:02}:{minute:02}:{second:02}", wall.date())
}

#[test]
fn f125_wall_times_are_the_instants_zoneinfo_makes_of_them() {
    let mut numbers = Numbers(SEED);
    let today = anteroom::command::serve::system_clock()().date();
    let mut walls: Vec<(Zone, Vec<PrimitiveDateTime>)> = Vec::new();
    for (name, _) in ZONES {
        let zone = Zone::named(name).expect("a zone");
        let mut all = Vec::new();
        for day in changes(&zone, today) {
            let minutes = (0..1_440).map(|at| day.midnight() + Duration::minutes(at));
            all.extend(minutes);
        }
        let random = (0..2_000).map(|_| {
            let day = today + Duration::days(numbers.from(-12_000, 3_000));
            day.midnight() + Duration::seconds(numbers.below(86_400))
        });
        all.extend(random);
        walls.push((zone, all));
    }
    let asked: Vec<Value> = walls
        .iter()
        .map(|(zone, walls)| {
            let walls: Vec<String> = walls.iter().copied().map(wall_text).collect();
            json!({"ask": "instants", "zone": zone.name(), "walls": walls})
        })
        .collect();
    let Some(judged) = judged("clocks.py", &asked) else {
        return;
    };
    for ((zone, walls), judged) in walls.iter().zip(&judged) {
        let told = judged["instants"].as_array().expect("instants");
        assert_eq!(told.len(), walls.len());
        for (wall, told) in walls.iter().zip(told) {
            let ours = zone.instant(*wall);
            let found = json!([
                ours.unix_timestamp(),
                i64::from(ours.offset().whole_minutes())
            ]);
            assert_eq!(found, *told, "seed {SEED}, {wall} in {}", zone.name());
            // Back again, but for what is skipped.
            let second = (*wall - wall.date().midnight()).whole_seconds();
            let skipped = zone.skipped(wall.date());
            let is_skipped = skipped.is_some_and(|(from, until)| (from..until).contains(&second));
            assert_eq!(zone.wall(ours) != *wall, is_skipped, "{wall}");
        }
    }
}

/// Events around the hours in which clocks change: what the tables hold, and the same for Python.
fn random_events(numbers: &mut Numbers, day: Date) -> (Vec<String>, Vec<Value>) {
    let mut rows = Vec::new();
    let mut told = Vec::new();
    let mut event = |kind: &str, date: Date, minute: i64, length: i64| {
        let category = match kind {
            "in" => 2,
            "out" => 3,
            _ => 5,
        };
        let clock = |minute: i64| format!("{:02}:{:02}:00", minute / 60, minute % 60);
        rows.push(format!(
            "({category}, 0, '1', '', 'x', '{date}', '0000-00-00', '{}', '{}', {}, 0, '', 1, '-')",
            clock(minute),
            clock((minute + length).min(1_439)),
            length * 60
        ));
        told.push(json!({"kind": kind, "date": date.to_string(), "start": minute * 60, "seconds": length * 60}));
    };
    // Often on the steps, and now and then off them.
    let minute = |numbers: &mut Numbers, last: i64| match numbers.below(4) {
        0 => numbers.below(last),
        _ => numbers.below(last / 15) * 15,
    };
    for _ in 0..numbers.from(1, 2) {
        event("in", day, minute(numbers, 300), 0);
    }
    for _ in 0..numbers.below(4) {
        event("out", day, minute(numbers, 720), 0);
    }
    for _ in 0..numbers.below(7) {
        let length = numbers.one(&[15, 15, 20, 30, 45, 60, 90, 150]);
        event("visit", day, minute(numbers, 360), length);
    }
    // One that runs past midnight.
    if numbers.below(4) == 0 {
        let length = numbers.from(30, 400);
        event("visit", day - Duration::DAY, 1_320, length);
    }
    (rows, told)
}

const PROVIDER: &str = "UPDATE users SET authorized = 1, active = 1, calendar = 1 WHERE id = 1;";

const EVENTS: &str = "DELETE FROM openemr_postcalendar_events WHERE pc_aid = '1';
    INSERT INTO openemr_postcalendar_events (pc_catid, pc_multiple, pc_aid, pc_pid, pc_title, pc_eventDate, pc_endDate,
    pc_startTime, pc_endTime, pc_duration, pc_recurrtype, pc_recurrspec, pc_eventstatus, pc_apptstatus) VALUES ";

fn schedule() -> uuid::Uuid {
    let parts = Parts {
        row: 1,
        at: 0,
        extra: 0,
    };
    composed::id(Kind::Schedule, parts)
}

/// The slots of a day, as a patient's app is told them.
async fn slots(clinic: &Clinic, token: &str, (day, visit): (Date, &str)) -> Vec<Value> {
    let schedule = schedule();
    let kind = match visit {
        "" => String::new(),
        visit => format!("&service-type={visit}"),
    };
    let path = format!("/fhir/Slot?schedule={schedule}&start={day}&_count=200{kind}");
    let found = clinic.get(&path, token).await;
    assert_eq!(found.status, StatusCode::OK, "{}", found.text());
    let entries = found.json()["entry"].as_array().cloned();
    let entries = entries.unwrap_or_default().into_iter();
    entries
        .filter(|entry| entry["resource"]["resourceType"] == "Slot")
        .map(|entry| {
            let slot = &entry["resource"];
            json!({"status": slot["status"], "start": slot["start"], "end": slot["end"]})
        })
        .collect()
}

#[tokio::test]
async fn f125_time_is_offered_once_and_never_in_the_hour_that_is_skipped() {
    let mut numbers = Numbers(SEED);
    let mut asked = Vec::new();
    for (name, step) in ZONES {
        let settings = format!(
            "UPDATE globals SET gl_value = '{name}' WHERE gl_name = 'gbl_time_zone';
             UPDATE globals SET gl_value = '{step}' WHERE gl_name = 'calendar_interval';
             {PROVIDER}"
        );
        let clinic = Clinic::after(&settings).await;
        let token = clinic.token(clinic.patient("active"), EVERYTHING).await;
        let zone = clinic.app.emr.zone.clone();
        assert_eq!(zone.name(), name);
        let today = zone.wall(clinic.app.emr.now()).date();
        for day in changes(&zone, today) {
            for _ in 0..CALENDARS {
                let (rows, events) = random_events(&mut numbers, day);
                let script = format!("{EVENTS}{};", rows.join(", "));
                let db = &clinic.app.emr.db;
                db.script(&script).await.expect("the events");
                let (visit, minutes) = numbers.one(&VISITS);
                let slots = slots(&clinic, &token, (day, visit)).await;
                asked.push(json!({
                    "ask": "calendar", "zone": name, "day": day.to_string(), "step": step, "schedule_end": 17,
                    "length": if minutes == 0 { step } else { minutes }, "events": events, "slots": slots,
                }));
            }
        }
        clinic.close().await;
    }
    let Some(judged) = judged("clocks.py", &asked) else {
        return;
    };
    let (mut free, mut busy, mut wrong) = (0, 0, 0);
    for (asked, judged) in asked.iter().zip(&judged) {
        free += judged["free"].as_i64().expect("a number");
        busy += judged["busy"].as_i64().expect("a number");
        if judged["problems"] != json!([]) {
            wrong += 1;
            if wrong <= 3 {
                eprintln!("{asked}\n{judged}\n");
            }
        }
    }
    eprintln!("{} calendars, {free} free slots, {busy} busy", asked.len());
    assert_eq!(wrong, 0, "calendars of {}, seed {SEED}", asked.len());
    let calendars = i64::try_from(asked.len()).expect("a number");
    assert!(free > calendars * 5, "{free} free slots");
    assert!(busy > calendars, "{busy} busy slots");
}

#[tokio::test]
async fn f125_of_an_hour_that_comes_twice_the_first_can_be_had() {
    let clinic = Clinic::after(PROVIDER).await;
    let scope = "openid fhirUser launch/patient patient/*.crus";
    let patient = clinic.patient("active");
    let token = clinic.token(patient, scope).await;
    let zone = clinic.app.emr.zone.clone();
    let today = zone.wall(clinic.app.emr.now()).date();
    let [_, day] = changes(&zone, today);
    let office = |category: i64, clock: &str| {
        format!(
            "({category}, 0, '1', '', 'x', '{day}', '0000-00-00', '{clock}', '{clock}', 0, 0, '', 1, '-')"
        )
    };
    let (opens, closes) = (office(2, "00:00:00"), office(3, "06:00:00"));
    let script = format!("{EVENTS}{opens}, {closes};");
    clinic.app.emr.db.script(&script).await.expect("the events");
    let path = format!("/fhir/Schedule/{}", schedule());
    let calendar = clinic.get(&path, &token).await;
    let provider = calendar.json()["actor"][0]["reference"].clone();
    let time = Time::from_hms(1, 30, 0).expect("half past one");
    let first = zone.instant(day.with_time(time));
    let second = zone.at(first + Duration::HOUR);
    assert_eq!(zone.wall(second), zone.wall(first), "it comes twice");
    let (mut statuses, mut said) = (Vec::new(), String::new());
    for start in [second, first] {
        let start = start.format(&Rfc3339).expect("a moment");
        let body = wanted(&patient.id, &provider, &json!(start));
        let to = ("/fhir/Appointment", token.as_str());
        let answer = clinic.with_body("POST", to, "application/fhir+json", body);
        let answer = answer.await;
        statuses.push(answer.status);
        said.push_str(&answer.text());
        if answer.status == StatusCode::CREATED {
            assert_eq!(answer.json()["start"], start, "{}", answer.text());
        }
    }
    assert_eq!(
        statuses,
        [StatusCode::CONFLICT, StatusCode::CREATED],
        "{said}"
    );
    clinic.close().await;
}
