//! Rows of the calendar as a searchset of FHIR Appointments of about the size the product serves, written as they are
//! walked over.

use serde::Serialize;
use serde::Serializer;
use serde::ser::SerializeStruct;
use sqlx::FromRow;
use time::Date;
use time::Duration;
use time::PrimitiveDateTime;
use time::Time;
use uuid::Uuid;

use crate::text::Concept;
use crate::text::Hex;
use crate::text::Id;
use crate::text::Link;
use crate::text::Meta;
use crate::text::Stamp;
use crate::text::filled;
use crate::text::uuid;

const CATEGORY: &str = "https://anteroom.dev/fhir/CodeSystem/openemr-calendar-category";
const MARK: &str = "https://anteroom.dev/fhir/StructureDefinition/emr-status";

#[derive(FromRow)]
pub(crate) struct EventRow {
    row_id: i64,
    uuid: Option<Vec<u8>>,
    mark: String,
    category: i64,
    title: Option<String>,
    constant: Option<String>,
    category_name: Option<String>,
    day: Option<Date>,
    start_time: Option<Time>,
    end_time: Option<Time>,
    duration: i64,
    comment: Option<String>,
    created: Option<PrimitiveDateTime>,
    recurrence: i64,
    all_day: i64,
    provider: Option<Vec<u8>>,
    provider_given: Option<String>,
    provider_family: Option<String>,
    location: Option<Vec<u8>>,
    location_name: Option<String>,
    patient: Option<Vec<u8>>,
    given: Option<String>,
    family: Option<String>,
}

/// The page.
pub(crate) struct Bundle<'a> {
    rows: &'a [EventRow],
    base: &'a str,
}

#[derive(Serialize)]
struct PageLink {
    relation: &'static str,
    url: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Entry<'a> {
    full_url: Link<'a>,
    resource: Appointment<'a>,
    search: Mode,
}

#[derive(Serialize)]
struct Mode {
    mode: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Appointment<'a> {
    resource_type: &'static str,
    id: Id,
    meta: Meta,
    extension: [Extension<'a>; 1],
    status: &'static str,
    service_type: [Concept<'a>; 1],
    appointment_type: Concept<'a>,
    start: Stamp,
    end: Stamp,
    minutes_duration: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    created: Option<Stamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    comment: Option<&'a str>,
    participant: [Participant; 3],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Extension<'a> {
    url: &'static str,
    value_code: &'a str,
}

#[derive(Serialize)]
struct Participant {
    actor: Actor,
    status: &'static str,
}

#[derive(Serialize)]
struct Actor {
    reference: Link<'static>,
    display: String,
}

impl<'a> Bundle<'a> {
    /// The page of these rows.
    pub(crate) fn of(rows: &'a [EventRow], base: &'a str) -> Self {
        Self { rows, base }
    }
}

impl Serialize for Bundle<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut bundle = serializer.serialize_struct("Bundle", 4)?;
        bundle.serialize_field("resourceType", "Bundle")?;
        bundle.serialize_field("type", "searchset")?;
        let link = PageLink {
            relation: "self",
            url: [self.base, "/Appointment?patient=&_count=50"].concat(),
        };
        bundle.serialize_field("link", &[link])?;
        bundle.serialize_field("entry", &Entries(self))?;
        bundle.end()
    }
}

struct Entries<'a>(&'a Bundle<'a>);

impl Serialize for Entries<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let rows = self.0.rows.iter().take(50);
        serializer.collect_seq(rows.map(|row| row.entry(self.0.base)))
    }
}

impl EventRow {
    fn entry<'a>(&'a self, base: &'a str) -> Entry<'a> {
        let id = uuid(self.uuid.as_deref()).unwrap_or_default();
        Entry {
            full_url: Link(base, "/Appointment/", id),
            resource: self.appointment(id),
            search: Mode { mode: "match" },
        }
    }

    fn appointment(&self, id: Uuid) -> Appointment<'_> {
        let day = self.day.unwrap_or(Date::MIN);
        let begin = match self.all_day {
            0 => self.start_time.unwrap_or(Time::MIDNIGHT),
            _ => Time::MIDNIGHT,
        };
        let start = day.with_time(begin);
        let length = match (self.duration, self.end_time) {
            (0, Some(end)) => end - begin,
            (seconds, _) => Duration::seconds(seconds),
        };
        let code = self.constant.as_deref().unwrap_or_default();
        let words = filled(&self.category_name)
            .or(filled(&self.title))
            .unwrap_or_default();
        Appointment {
            resource_type: "Appointment",
            id: Id(id),
            meta: Meta {
                version_id: Hex(self.row_id + self.category + self.recurrence),
                last_updated: self.created.map(Stamp),
                profile: None,
            },
            extension: [Extension {
                url: MARK,
                value_code: &self.mark,
            }],
            status: status(&self.mark),
            service_type: [Concept::of(CATEGORY, code, words)],
            appointment_type: Concept::of(CATEGORY, code, words),
            start: Stamp(start),
            end: Stamp(start + length),
            minutes_duration: length.whole_minutes(),
            created: self.created.map(Stamp),
            comment: filled(&self.comment),
            participant: [
                participant("Patient/", &self.patient, spoken(&self.given, &self.family)),
                participant(
                    "Practitioner/",
                    &self.provider,
                    spoken(&self.provider_given, &self.provider_family),
                ),
                participant(
                    "Location/",
                    &self.location,
                    self.location_name.clone().unwrap_or_default(),
                ),
            ],
        }
    }
}

fn participant(kind: &'static str, id: &Option<Vec<u8>>, display: String) -> Participant {
    Participant {
        actor: Actor {
            reference: Link(kind, "", uuid(id.as_deref()).unwrap_or_default()),
            display,
        },
        status: "accepted",
    }
}

fn status(mark: &str) -> &'static str {
    match mark {
        "^" | "#" => "pending",
        "CALL" => "waitlist",
        "@" | "~" => "arrived",
        "<" | "+" => "checked-in",
        ">" | "$" => "fulfilled",
        "x" | "%" | "!" => "cancelled",
        "?" => "noshow",
        _ => "booked",
    }
}

fn spoken(given: &Option<String>, family: &Option<String>) -> String {
    let (given, family) = (
        given.as_deref().unwrap_or_default(),
        family.as_deref().unwrap_or_default(),
    );
    let mut text = String::with_capacity(given.len() + family.len() + 1);
    text.push_str(given);
    text.push(' ');
    text.push_str(family);
    text
}
