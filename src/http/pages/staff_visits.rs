//! The desk's list of visits that patients asked for, and of those of the day.

use super::frame::Frame;
use super::visits::Told;
use crate::http::words::filters;
use askama::Template;

/// Answering requests. Fields: `id`, `seen`, `reason`, `slot`, `when`, `csrf`; buttons `decision=confirm|decline|propose`.
#[derive(Debug, Template)]
#[template(path = "staff_visits.html")]
pub struct StaffVisits {
    /// Title, practice, sandbox.
    pub frame: Frame,
    /// The form token.
    pub csrf: String,
    /// What has just been done, in a sentence; empty where nothing was.
    pub notice: &'static str,
    /// Whether nothing was done, because somebody else was faster.
    pub late: bool,
    /// What was wrong; empty where nothing was.
    pub error: String,
    /// What waits, the soonest first.
    pub waiting: Vec<Request>,
    /// How many more wait than are shown.
    pub more: usize,
    /// Today, in words.
    pub day: String,
    /// The visits of today.
    pub today: Vec<Row>,
    /// The name of the practice's time zone.
    pub zone: String,
}

/// A visit somebody asked for.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// Its FHIR id.
    pub id: String,
    /// The version that is shown.
    pub seen: String,
    /// The patient's name.
    pub patient: String,
    /// The birth date; may be empty.
    pub born: String,
    /// When, with whom and where.
    pub what: Told,
    /// The reason; may be empty.
    pub reason: String,
    /// Colour and words of how it stands.
    pub pill: (&'static str, &'static str),
    /// What else is in the provider's calendar then; empty where nothing is.
    pub beside: &'static str,
    /// The next free starts, day by day: the day, then id and time of each.
    pub free: Vec<(String, Vec<(String, String)>)>,
    /// What was wrong; empty where nothing was.
    pub error: String,
    /// What was about to be done when it was wrong: `decline` or `propose`.
    pub open: String,
    /// The reason that was typed.
    pub typed: String,
    /// The time that was chosen: of the list, and typed.
    pub picked: [String; 2],
}

/// A visit of today.
#[derive(Debug, Clone)]
pub struct Row {
    /// From when to when.
    pub time: String,
    /// The patient's name.
    pub patient: String,
    /// With whom.
    pub provider: String,
    /// What for; may be empty.
    pub kind: String,
    /// The reason; may be empty.
    pub reason: String,
    /// Colour and words of how it stands.
    pub pill: (&'static str, &'static str),
}

impl Request {
    /// Whether this time of the list was chosen.
    fn picks(&self, id: &str) -> bool {
        self.picked[0] == id
    }
}

impl StaffVisits {
    /// Two requests and a visit.
    pub fn sample() -> Self {
        let request = |id: &str, pill| Request {
            id: id.to_owned(),
            seen: "00000000000000aa".to_owned(),
            patient: "Ana Moreno".to_owned(),
            born: "1984-02-29".to_owned(),
            what: Told::sample(),
            reason: "Knee pain".to_owned(),
            pill,
            free: vec![(
                "Tuesday, 24 November 2026".to_owned(),
                vec![("s1".to_owned(), "09:30".to_owned())],
            )],
            ..Request::default()
        };
        StaffVisits {
            frame: Frame::sample("Appointments"),
            csrf: "sample-form-token".to_owned(),
            notice: "The visit is booked, and the patient sees it.",
            late: false,
            error: "Say why, for the patient to read.".to_owned(),
            waiting: vec![
                Request {
                    beside: "Another visit at this time",
                    error: "Say why, for the patient to read.".to_owned(),
                    open: "decline".to_owned(),
                    ..request("a", ("wait", "Asked for"))
                },
                Request {
                    free: Vec::new(),
                    open: "propose".to_owned(),
                    error: "Choose a time.".to_owned(),
                    picked: [String::new(), "2026-11-24T10:00".to_owned()],
                    ..request("b", ("warn", "Waits for the patient"))
                },
            ],
            more: 3,
            day: "Saturday, 21 November 2026".to_owned(),
            today: vec![Row {
                time: "09:00–09:15".to_owned(),
                patient: "Ben Okafor".to_owned(),
                provider: "Donna Lee".to_owned(),
                kind: "Office Visit".to_owned(),
                reason: "Check-up".to_owned(),
                pill: ("good", "Booked"),
            }],
            zone: "America/New_York".to_owned(),
        }
    }

    /// Nothing waits, and nobody comes today; somebody else was faster.
    pub fn sample_empty() -> Self {
        StaffVisits {
            notice: "Somebody else was faster: the visit had changed, and nothing was done. This is how it is now.",
            late: true,
            error: String::new(),
            waiting: Vec::new(),
            more: 0,
            today: Vec::new(),
            ..StaffVisits::sample()
        }
    }
}
