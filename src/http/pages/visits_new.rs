//! `/account/visits/new`: what for, with whom, when. Each step is an address, so that the browser's way back works.

use super::frame::Frame;
use super::visits::Told;
use crate::http::words::filters;
use askama::Template;

/// Choosing a time. Fields: `kind`, `provider`, `from`, `instead`, `csrf`; buttons `slot=<FHIR id>`.
#[derive(Debug, Template)]
#[template(path = "visits_new.html")]
pub struct VisitsNew {
    /// Title, practice, sandbox.
    pub frame: Frame,
    /// The form token.
    pub csrf: String,
    /// What was wrong; empty where nothing was.
    pub error: String,
    /// Why nothing can be asked for here; empty where it can.
    pub closed: &'static str,
    /// The practice's phone number; empty where none is set.
    pub phone: String,
    /// The visit that another time is chosen for: its id, and when it is.
    pub instead: Option<(String, Told)>,
    /// What has been chosen: what it is, the choice, and where another is made.
    pub chosen: Vec<Choice>,
    /// The step.
    pub step: Step,
}

/// Something that has been chosen.
#[derive(Debug, Clone)]
pub struct Choice {
    /// What it is.
    pub name: &'static str,
    /// The choice.
    pub value: String,
    /// Whether the choice is in words of ours.
    pub ours: bool,
    /// Where another is made.
    pub address: String,
}

/// The step of the way.
#[derive(Debug)]
pub enum Step {
    /// What for.
    Kind(Vec<KindRow>),
    /// With whom.
    Provider(String, Vec<ProviderRow>),
    /// When.
    Time(Box<Week>),
}

/// A kind of visit.
#[derive(Debug, Clone)]
pub struct KindRow {
    /// Where it leads.
    pub address: String,
    /// Its name in the practice.
    pub name: String,
    /// How long it is; 0 where that is not said.
    pub minutes: i64,
    /// Whether a request is confirmed at once.
    pub confirmed: bool,
}

/// Somebody a visit can be with.
#[derive(Debug, Clone)]
pub struct ProviderRow {
    /// Where it leads; empty for somebody who cannot be chosen.
    pub address: String,
    /// The name.
    pub name: String,
    /// What they do; may be empty.
    pub specialty: String,
    /// Where; may be empty.
    pub place: String,
}

/// A week of free starts.
#[derive(Debug)]
pub struct Week {
    /// The kind, the provider and the first day, as the addresses say them.
    pub asked: [String; 3],
    /// The first day, in words.
    pub title: String,
    /// Its days.
    pub days: Vec<Day>,
    /// The week before, where there is one.
    pub before: Option<String>,
    /// The week after, where the practice plans that far.
    pub after: Option<String>,
    /// The first day with free time, where this week has none: the day, and its address.
    pub first: Option<(String, String)>,
    /// Why there is none.
    pub reasons: Vec<String>,
    /// The first and the last day that can be chosen.
    pub bounds: [String; 2],
    /// The name of the practice's time zone.
    pub zone: String,
}

/// A day of a week.
#[derive(Debug, Clone)]
pub struct Day {
    /// The day, in words.
    pub name: String,
    /// Its free starts.
    pub starts: Vec<Start>,
    /// Whether they are seen at first.
    pub open: bool,
}

/// A free start.
#[derive(Debug, Clone)]
pub struct Start {
    /// The FHIR id of the Slot.
    pub slot: String,
    /// By the practice's clock.
    pub time: String,
    /// With whom, where that was left open; else empty.
    pub provider: String,
}

impl VisitsNew {
    /// The step as people count it.
    fn number(&self) -> u8 {
        match self.step {
            Step::Kind(_) => 1,
            Step::Provider(..) => 2,
            Step::Time(_) => 3,
        }
    }

    /// The first step.
    pub fn sample() -> Self {
        let kind = |name: &str, minutes, confirmed| KindRow {
            address: "/account/visits/new?kind=office_visit".to_owned(),
            name: name.to_owned(),
            minutes,
            confirmed,
        };
        VisitsNew {
            frame: Frame::sample("Ask for a visit"),
            csrf: "sample-form-token".to_owned(),
            error: String::new(),
            closed: "",
            phone: "(555) 555-0100".to_owned(),
            instead: None,
            chosen: Vec::new(),
            step: Step::Kind(vec![
                kind("Office Visit", 15, false),
                kind("New Patient", 0, true),
            ]),
        }
    }

    /// The second step.
    pub fn sample_of_providers() -> Self {
        let row = |name: &str, address: &str| ProviderRow {
            address: address.to_owned(),
            name: name.to_owned(),
            specialty: "Family Medicine".to_owned(),
            place: "Linden Street".to_owned(),
        };
        VisitsNew {
            chosen: vec![Choice {
                name: "What for",
                value: "Office Visit".to_owned(),
                ours: false,
                address: "/account/visits/new".to_owned(),
            }],
            step: Step::Provider(
                "/account/visits/new?provider=any".to_owned(),
                vec![
                    row("Donna Lee", "/account/visits/new?provider=a"),
                    row("New Here", ""),
                ],
            ),
            ..VisitsNew::sample()
        }
    }

    /// The last step, after somebody else was faster.
    pub fn sample_of_times() -> Self {
        let start = |time: &str| Start {
            slot: "a".to_owned(),
            time: time.to_owned(),
            provider: "Donna Lee".to_owned(),
        };
        let day = |name: &str, starts| Day {
            name: name.to_owned(),
            open: true,
            starts,
        };
        VisitsNew {
            error: "This time is taken. Next free: 2026-11-24 09:30.".to_owned(),
            instead: Some(("a".to_owned(), Told::sample())),
            step: Step::Time(Box::new(Week {
                asked: ["office_visit", "any", "2026-11-24"].map(str::to_owned),
                title: "Tuesday, 24 November 2026".to_owned(),
                days: vec![
                    day(
                        "Tuesday, 24 November 2026",
                        vec![start("09:30"), start("09:45")],
                    ),
                    day("Wednesday, 25 November 2026", Vec::new()),
                ],
                before: Some("/account/visits/new?from=2026-11-17".to_owned()),
                after: Some("/account/visits/new?from=2026-12-01".to_owned()),
                first: None,
                reasons: Vec::new(),
                bounds: ["2026-11-21", "2027-11-21"].map(str::to_owned),
                zone: "America/New_York".to_owned(),
            })),
            ..VisitsNew::sample_of_providers()
        }
    }

    /// The last step, where nothing is free.
    pub fn sample_full() -> Self {
        let mut page = VisitsNew::sample_of_times();
        if let Step::Time(week) = &mut page.step {
            week.days.clear();
            week.first = Some((
                "Thursday, 3 December 2026".to_owned(),
                "/account/visits/new?from=2026-12-03".to_owned(),
            ));
            week.reasons = vec![
                "Nothing is free at this time. Please look at other days or providers.".to_owned(),
            ];
            week.before = None;
        }
        page
    }
}
