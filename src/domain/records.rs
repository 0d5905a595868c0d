//! Records: messages, documents, and the one sum of everything the EMR can hand out.

use std::hash::Hash;
use std::hash::Hasher;

use time::OffsetDateTime;
use uuid::Uuid;

use crate::domain::ResourceType;
use crate::domain::coverage::Coverage;
use crate::domain::forms::Questions;
use crate::domain::forms::Signed;
use crate::domain::forms::Standing;
use crate::domain::forms::State;
use crate::domain::forms::Template;
use crate::domain::people::Code;
use crate::domain::people::Facility;
use crate::domain::people::Patient;
use crate::domain::people::Person;
use crate::domain::people::Practitioner;
use crate::domain::staffing::Endpoint;
use crate::domain::staffing::Group;
use crate::domain::staffing::PractitionerRole;
use crate::domain::staffing::RelatedPerson;
use crate::domain::tasks::Task;
use crate::domain::trace::AuditEvent;
use crate::domain::trace::Provenance;
use crate::domain::visits::Appointment;
use crate::domain::visits::Encounter;
use crate::domain::visits::Schedule;
use crate::domain::visits::Slot;

/// The one category every document of the chart is shown in: US Core's, as system and code.
pub const CLINICAL_NOTE: (&str, &str) = (
    "http://hl7.org/fhir/us/core/CodeSystem/us-core-documentreference-category",
    "clinical-note",
);

/// The type of a document whose category has no LOINC code, as system and code.
pub const UNKNOWN_KIND: (&str, &str) =
    ("http://terminology.hl7.org/CodeSystem/v3-NullFlavor", "UNK");

/// System of the practice's own document categories; their names are the codes.
pub const DOCUMENT_CATEGORIES: &str = "https://anteroom.dev/fhir/CodeSystem/document-category";

/// The category of every secure message, as system and code.
pub const MESSAGE: (&str, &str) = (
    "https://anteroom.dev/fhir/CodeSystem/communication-category",
    "message",
);

/// What a message is about, where that is known (F145).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Topic {
    /// Somebody registered.
    Registration,
    /// A visit.
    Appointment,
    /// A document.
    Document,
    /// Money.
    Payment,
}

impl Topic {
    /// Each with its code, in the system of [`MESSAGE`], and its words.
    pub const ALL: [(Self, &'static str, &'static str); 4] = [
        (Self::Registration, "registration", "Registration"),
        (Self::Appointment, "appointment", "Appointment"),
        (Self::Document, "document", "Document"),
        (Self::Payment, "payment", "Payment"),
    ];

    /// Its code.
    pub fn code(self) -> &'static str {
        let known = Self::ALL.iter().find(|(topic, ..)| *topic == self);
        known.map_or("", |(_, code, _)| code)
    }

    /// Its words.
    pub fn display(self) -> &'static str {
        let known = Self::ALL.iter().find(|(topic, ..)| *topic == self);
        known.map_or("", |(.., words)| words)
    }

    /// The topic of a code.
    pub fn of(code: &str) -> Option<Self> {
        let known = Self::ALL.iter().find(|(_, known, _)| *known == code);
        known.map(|(topic, ..)| *topic)
    }
}

/// A document that a message carries, as its reader may see it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Attached {
    /// FHIR id of the DocumentReference.
    pub document: Uuid,
    /// Its name.
    pub name: String,
}

/// Somebody at one end of a message.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Party {
    /// The patient whose mailbox this is.
    Patient {
        /// Which chart.
        person: Person,
        /// Display name.
        name: String,
    },
    /// A member of staff with a FHIR id.
    Staff {
        /// FHIR id of the Practitioner.
        uuid: Uuid,
        /// Display name.
        name: String,
    },
    /// Somebody known by name only.
    Other(String),
}

/// The patient's copy of one secure message (`onsite_mail`).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Communication {
    /// FHIR id, name-based from the row (the table has no uuid).
    pub uuid: Uuid,
    /// Whose mailbox.
    pub person: Person,
    /// Who wrote.
    pub sender: Party,
    /// To whom.
    pub recipient: Party,
    /// Subject line.
    pub title: String,
    /// The body as plain text.
    pub body: String,
    /// The body as XHTML that is safe to show; empty where there is none.
    pub html: String,
    /// What it is about, where that is known.
    pub topic: Option<Topic>,
    /// The documents it carries and its reader may see.
    pub attached: Vec<Attached>,
    /// When it was sent.
    pub sent: Option<OffsetDateTime>,
    /// Whether the patient has read it (`message_status` is not `New`) or wrote it.
    pub read: bool,
    /// Whether the patient archived it.
    pub archived: bool,
    /// Whether the patient has completed it (`message_status` is `Done`).
    pub done: bool,
    /// Whether the practice has, in its own copy.
    pub handled: bool,
    /// FHIR id of the first message of the thread, where it is another one.
    pub thread: Option<Uuid>,
}

/// The visit a document is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct About {
    /// FHIR id of the Encounter.
    pub encounter: Uuid,
    /// When it began, with the practice's offset on that day.
    pub start: Option<OffsetDateTime>,
    /// When it ended, where that was written down.
    pub end: Option<OffsetDateTime>,
}

/// What is known about a document in the chart (`documents`).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DocumentReference {
    /// FHIR id of the document; the Binary has the same.
    pub uuid: Uuid,
    /// Whose document.
    pub person: Person,
    /// The patient's name for display.
    pub patient_name: String,
    /// File name as uploaded.
    pub name: String,
    /// Category name in the practice.
    pub category: String,
    /// LOINC code of the category, where the practice gave it one.
    pub loinc: Option<Code>,
    /// Media type.
    pub content_type: String,
    /// Size of the plain bytes.
    pub size: Option<i64>,
    /// When it was filed.
    pub date: Option<OffsetDateTime>,
    /// Who filed it, as FHIR id and display.
    pub author: Option<(Uuid, String)>,
    /// The practice, as FHIR id of the Organization.
    pub custodian: Option<Uuid>,
    /// The visit it is about, where that may be shown.
    pub about: Option<About>,
    /// The patient sent it through the portal.
    pub from_patient: bool,
    /// How far staff are with it.
    pub stage: Stage,
    /// Whether the patient may see it.
    pub shared: bool,
    /// What it is a form of; `None` for any other document.
    pub form: Option<Box<OfForm>>,
    /// FHIR id of the form it was made of.
    pub transforms: Option<Uuid>,
    /// When the row last changed.
    pub last_updated: Option<OffsetDateTime>,
}

/// How far staff are with a document.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Stage {
    /// It belongs to the chart.
    Final,
    /// A patient sent it, and nobody has looked yet.
    Waiting,
    /// A patient sent it, and staff refused it: why, which may be empty. It has no bytes any more.
    Refused(String),
}

/// A form as a document.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct OfForm {
    /// What it is as a document.
    pub standing: Standing,
    /// How far it is.
    pub state: State,
    /// Its signature.
    pub signed: Option<Signed>,
    /// What it asks, as long as it can be filled in and signed here; nothing afterwards.
    pub questions: Questions,
}

/// The bytes of a document, checked against the hash OpenEMR stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    /// FHIR id, that of the DocumentReference.
    pub uuid: Uuid,
    /// File name as uploaded.
    pub name: String,
    /// Media type.
    pub content_type: String,
    /// The plain bytes.
    pub bytes: Vec<u8>,
    /// When the row last changed.
    pub last_updated: Option<OffsetDateTime>,
}

/// What the EMR holds, in the domain's words.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Record {
    /// A patient.
    Patient(Box<Patient>),
    /// A visit.
    Appointment(Box<Appointment>),
    /// A message.
    Communication(Box<Communication>),
    /// A document.
    DocumentReference(Box<DocumentReference>),
    /// A member of staff.
    Practitioner(Box<Practitioner>),
    /// A facility as a body.
    Organization(Box<Facility>),
    /// A facility as a place.
    Location(Box<Facility>),
    /// A visit that took place.
    Encounter(Box<Encounter>),
    /// A provider's calendar.
    Schedule(Box<Schedule>),
    /// Time in it.
    Slot(Box<Slot>),
    /// What somebody does at the practice.
    PractitionerRole(Box<PractitionerRole>),
    /// Somebody who acts for a patient.
    RelatedPerson(Box<RelatedPerson>),
    /// An insurance.
    Coverage(Box<Coverage>),
    /// Something that waits.
    Task(Box<Task>),
    /// A form that can be put before a patient.
    Questionnaire(Box<Template>),
    /// Who is behind a record.
    Provenance(Box<Provenance>),
    /// A line of the ledger.
    AuditEvent(Box<AuditEvent>),
    /// A panel of patients.
    Group(Box<Group>),
    /// Where this server is.
    Endpoint(Box<Endpoint>),
}

impl Record {
    /// Its FHIR type.
    pub fn kind(&self) -> ResourceType {
        match self {
            Self::Patient(_) => ResourceType::Patient,
            Self::Appointment(_) => ResourceType::Appointment,
            Self::Communication(_) => ResourceType::Communication,
            Self::DocumentReference(_) => ResourceType::DocumentReference,
            Self::Practitioner(_) => ResourceType::Practitioner,
            Self::Organization(_) => ResourceType::Organization,
            Self::Location(_) => ResourceType::Location,
            Self::Encounter(_) => ResourceType::Encounter,
            Self::Schedule(_) => ResourceType::Schedule,
            Self::Slot(_) => ResourceType::Slot,
            Self::PractitionerRole(_) => ResourceType::PractitionerRole,
            Self::RelatedPerson(_) => ResourceType::RelatedPerson,
            Self::Coverage(_) => ResourceType::Coverage,
            Self::Task(_) => ResourceType::Task,
            Self::Questionnaire(_) => ResourceType::Questionnaire,
            Self::Provenance(_) => ResourceType::Provenance,
            Self::AuditEvent(_) => ResourceType::AuditEvent,
            Self::Group(_) => ResourceType::Group,
            Self::Endpoint(_) => ResourceType::Endpoint,
        }
    }

    /// Its FHIR id.
    pub fn id(&self) -> Uuid {
        match self {
            Self::Patient(patient) => patient.person.uuid,
            Self::Appointment(appointment) => appointment.uuid,
            Self::Communication(message) => message.uuid,
            Self::DocumentReference(document) => document.uuid,
            Self::Practitioner(practitioner) => practitioner.uuid,
            Self::Organization(facility) => facility.organization,
            Self::Location(facility) => facility.location,
            Self::Encounter(visit) => visit.uuid,
            Self::Schedule(calendar) => calendar.uuid,
            Self::Slot(slot) => slot.uuid,
            Self::PractitionerRole(role) => role.uuid,
            Self::RelatedPerson(relative) => relative.uuid,
            Self::Coverage(insurance) => insurance.uuid,
            Self::Task(task) => task.uuid,
            Self::Questionnaire(template) => template.uuid,
            Self::Provenance(origin) => origin.uuid,
            Self::AuditEvent(line) => line.uuid,
            Self::Group(panel) => panel.uuid,
            Self::Endpoint(endpoint) => endpoint.uuid,
        }
    }

    /// When it last changed, where OpenEMR records that.
    pub fn last_updated(&self) -> Option<OffsetDateTime> {
        match self {
            Self::Patient(patient) => patient.last_updated,
            Self::Appointment(appointment) => appointment.created,
            Self::Communication(message) => message.sent,
            Self::DocumentReference(document) => document.last_updated,
            Self::Practitioner(practitioner) => practitioner.last_updated,
            Self::Organization(facility) | Self::Location(facility) => facility.last_updated,
            Self::Encounter(visit) => visit.last_updated,
            Self::Schedule(calendar) => calendar.last_updated,
            Self::PractitionerRole(role) => role.last_updated,
            Self::RelatedPerson(relative) => relative.last_updated,
            Self::Coverage(insurance) => insurance.last_updated,
            Self::Task(task) => task.last_updated,
            Self::Questionnaire(template) => template.changed,
            Self::Provenance(origin) => Some(origin.recorded),
            Self::AuditEvent(line) => Some(line.recorded),
            Self::Slot(_) | Self::Group(_) | Self::Endpoint(_) => None,
        }
    }

    /// Whose record it is: the patient in whose compartment it lies.
    pub fn person(&self) -> Option<Person> {
        match self {
            Self::Patient(patient) => Some(patient.person),
            Self::Appointment(visit) => Some(visit.person),
            Self::Communication(message) => Some(message.person),
            Self::DocumentReference(document) => Some(document.person),
            Self::Encounter(visit) => Some(visit.person),
            Self::RelatedPerson(relative) => Some(relative.person),
            Self::Coverage(insurance) => Some(insurance.person),
            Self::Task(task) => Some(task.person),
            Self::Provenance(origin) => origin.person,
            _ => None,
        }
    }

    /// The version of this state. OpenEMR counts no versions and some tables have no time stamp that moves,
    /// so it is a hash of everything shown: the same on every replica, other as soon as anything differs.
    pub fn version(&self) -> u64 {
        let mut hasher = Fnv(0xcbf2_9ce4_8422_2325);
        self.hash(&mut hasher);
        hasher.finish()
    }
}

/// FNV-1a with 64 bits: unlike the standard library's hasher it is the same in every build.
struct Fnv(u64);

impl Hasher for Fnv {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}
