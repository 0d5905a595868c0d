//! `/account/visits`: a patient's visits, and the last question before one is asked for.

use super::frame::Frame;
use crate::http::words::filters;
use askama::Template;

/// The visits. Forms to each one's address: fields `seen`, `reason`, `csrf`; buttons `decision=cancel|agree`.
#[derive(Debug, Template)]
#[template(path = "visits.html")]
pub struct Visits {
    /// Title, practice, sandbox.
    pub frame: Frame,
    /// The form token.
    pub csrf: String,
    /// What has just been done, in a sentence; empty where nothing was.
    pub notice: &'static str,
    /// Why nothing can be asked for or changed here; empty where it can.
    pub closed: &'static str,
    /// The practice's phone number; empty where none is set.
    pub phone: String,
    /// What is held and not asked for yet.
    pub held: Option<Held>,
    /// Visits that are not over, the soonest first.
    pub coming: Vec<VisitCard>,
    /// The last ones, the latest first.
    pub past: Vec<VisitCard>,
    /// Whether there are more past ones than are shown.
    pub more: bool,
    /// The name of the practice's time zone.
    pub zone: String,
}

/// Time that is held for a patient.
#[derive(Debug, Clone)]
pub struct Held {
    /// When, with whom and where.
    pub what: Told,
    /// Until when, by the practice's clock.
    pub until: String,
    /// Where it is asked for.
    pub address: String,
}

/// When and with whom a visit is, in words.
#[derive(Debug, Clone, Default)]
pub struct Told {
    /// The day.
    pub day: String,
    /// From when to when.
    pub time: String,
    /// With whom.
    pub provider: String,
    /// Where; empty where unknown.
    pub place: String,
    /// What for, in the practice's words; may be empty.
    pub kind: String,
}

/// A visit of the list.
#[derive(Debug, Clone, Default)]
pub struct VisitCard {
    /// Its FHIR id.
    pub id: String,
    /// The version that is shown.
    pub seen: String,
    /// When, with whom and where.
    pub what: Told,
    /// The reason that was given; may be empty.
    pub reason: String,
    /// Who says why it was cancelled, and why.
    pub why: Option<(&'static str, String)>,
    /// Colour and words of how it stands.
    pub pill: (&'static str, &'static str),
    /// Whether the patient may agree to its time.
    pub agrees: bool,
    /// Whether the patient may cancel it.
    pub cancels: bool,
    /// Where another time is chosen for it; empty where none can be.
    pub moves: String,
    /// Whether it can be put into a calendar.
    pub files: bool,
    /// What was wrong; empty where nothing was.
    pub error: String,
    /// The reason that was typed.
    pub typed: String,
}

/// The last question. Fields: `slot`, `instead`, `reason`, `call`, `csrf`.
#[derive(Debug, Template)]
#[template(path = "visits_ask.html")]
pub struct VisitsAsk {
    /// Title, practice, sandbox.
    pub frame: Frame,
    /// The form token.
    pub csrf: String,
    /// The FHIR id of the Slot.
    pub slot: String,
    /// What is asked for.
    pub what: Told,
    /// Until when it is held, by the practice's clock; empty where it is not.
    pub until: String,
    /// Whether it is confirmed at once.
    pub confirmed: bool,
    /// The visit that is given up for it: id, and when it is.
    pub instead: Option<(String, Told)>,
    /// The name of the practice's time zone.
    pub zone: String,
    /// Where another time is chosen.
    pub again: String,
    /// The reason that was typed.
    pub reason: String,
    /// Whether a call was asked for.
    pub call: bool,
    /// What is wrong with the reason; empty where nothing is.
    pub reason_error: &'static str,
    /// What was wrong; empty where nothing was.
    pub error: String,
}

impl Told {
    /// A visit next week.
    pub fn sample() -> Self {
        Told {
            day: "Tuesday, 24 November 2026".to_owned(),
            time: "09:15–09:30".to_owned(),
            provider: "Donna Lee".to_owned(),
            place: "Linden Street".to_owned(),
            kind: "Office Visit".to_owned(),
        }
    }
}

impl Visits {
    /// A visit of each kind, and a time that is held.
    pub fn sample() -> Self {
        let card = |id: &str, pill| VisitCard {
            id: id.to_owned(),
            seen: "00000000000000aa".to_owned(),
            what: Told::sample(),
            reason: "Knee pain".to_owned(),
            pill,
            cancels: true,
            moves: "/account/visits/new?instead=a".to_owned(),
            files: true,
            ..VisitCard::default()
        };
        let over = |id: &str, pill| VisitCard {
            cancels: false,
            moves: String::new(),
            files: false,
            ..card(id, pill)
        };
        Visits {
            frame: Frame::sample("Your appointments"),
            csrf: "sample-form-token".to_owned(),
            notice: "The practice has your request. You find the answer here.",
            closed: "",
            phone: "(555) 555-0100".to_owned(),
            held: Some(Held {
                what: Told::sample(),
                until: "09:05".to_owned(),
                address: "/account/visits/ask".to_owned(),
            }),
            coming: vec![
                VisitCard {
                    agrees: true,
                    ..card("a", ("warn", "The practice proposes this time"))
                },
                VisitCard {
                    error: "The practice asks for 24 hours' notice. Please call the practice."
                        .to_owned(),
                    typed: "Travel".to_owned(),
                    ..card("b", ("good", "Booked"))
                },
                VisitCard {
                    why: Some(("The practice says", "Dr. Lee is away".to_owned())),
                    ..over("c", ("off", "Cancelled"))
                },
            ],
            past: vec![over("d", ("off", "Took place"))],
            more: true,
            zone: "America/New_York".to_owned(),
        }
    }

    /// No visit at all.
    pub fn sample_empty() -> Self {
        Visits {
            notice: "",
            held: None,
            coming: Vec::new(),
            past: Vec::new(),
            more: false,
            ..Visits::sample()
        }
    }

    /// Where the practice offers no appointments here.
    pub fn sample_closed() -> Self {
        Visits {
            closed: "The practice does not take requests for visits online. Please call the practice.",
            ..Visits::sample_empty()
        }
    }
}

impl VisitsAsk {
    /// A time that is held.
    pub fn sample() -> Self {
        VisitsAsk {
            frame: Frame::sample("Ask for this visit"),
            csrf: "sample-form-token".to_owned(),
            slot: "0b7f1d3e-5f0c-4c1e-9d0b-4f5e9d5e3f0a".to_owned(),
            what: Told::sample(),
            until: "09:05".to_owned(),
            confirmed: false,
            instead: None,
            zone: "America/New_York".to_owned(),
            again: "/account/visits/new".to_owned(),
            reason: String::new(),
            call: false,
            reason_error: "",
            error: String::new(),
        }
    }

    /// Instead of another visit, confirmed at once, and no longer held; somebody was faster.
    pub fn sample_refused() -> Self {
        VisitsAsk {
            until: String::new(),
            confirmed: true,
            instead: Some(("a".to_owned(), Told::sample())),
            reason: "Knee pain".to_owned(),
            reason_error: "Write at most 1000 letters.",
            error: "This time is taken. Next free: 2026-11-24 09:30, 2026-11-24 09:45.".to_owned(),
            ..VisitsAsk::sample()
        }
    }
}
