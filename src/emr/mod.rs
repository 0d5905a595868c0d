//! OpenEMR: its tables, its odd values, its documents. Everything that knows a column name of it is in this room.
//!
//! The verbs: [`find`], [`read`] and [`content`] take a [`Reach`]; [`calendar::case`] gathers the facts of a
//! decision; [`calendar::apply`] takes a Permit. Accounts are looked up in [`account`], before there is a Reach.

mod accepting;
pub mod account;
pub mod actors;
pub mod addresses;
mod addressing;
mod booking;
pub mod calendar;
pub mod cancel;
mod chart;
pub mod check;
pub mod cipher;
pub mod claims;
pub mod colleague;
pub mod composed;
pub mod coverages;
pub mod credentialing;
pub mod documents;
pub mod encounters;
pub mod endpoints;
pub mod events;
mod exception;
pub mod facilities;
pub mod files;
pub mod filing;
pub mod forms;
pub mod globals;
pub mod groups;
pub mod html;
mod insurance;
mod insurers;
pub mod layout;
pub mod letting_in;
pub mod lists;
pub mod mail;
mod marking;
pub mod message_writing;
pub mod names;
mod narrow;
pub mod onboarding;
pub mod openings;
pub mod origins;
pub mod patients;
pub mod people;
pub mod persons;
pub mod php;
pub mod plain;
pub mod predicates;
pub mod recurrence;
pub mod registering;
pub mod relatives;
mod review;
pub mod roles;
pub mod scanning;
pub mod schedules;
pub mod seen;
mod sharing;
pub mod slots;
mod sniff;
pub mod spool;
pub mod staff;
pub mod standing;
pub mod tasks;
pub mod telling;
mod tracking;
pub mod uuids;
pub mod vocabulary;
mod wall;
pub mod whom;
pub mod writing;
pub mod zone;

#[cfg(test)]
mod fixture;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::RwLock;
use std::time::Duration;

use time::OffsetDateTime;
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::Semaphore;
use uuid::Uuid;

use crate::config::Booking;
use crate::config::Papers;
use crate::db::Db;
use crate::domain::ResourceType;
use crate::domain::access::Reach;
use crate::domain::query::Page;
use crate::domain::query::Query;
use crate::domain::records::Content;
use crate::domain::records::Record;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Fault;
use crate::domain::refusal::Refusal;
use crate::emr::globals::Globals;
use crate::emr::layout::Layout;
use crate::emr::lists::Lists;
use crate::emr::plain::PATIENCE;
use crate::emr::plain::Places;
use crate::emr::zone::Zone;

/// How long OpenEMR's settings are believed before they are read again, in seconds: what staff switch off ends within
/// a second (`spec/security.md`, case 156).
const FRESH: i64 = 1;

/// The same for the code lists and the practice's name, which are longer and hardly ever change.
const LISTS_FRESH: i64 = 60;

/// How many documents are encrypted or decrypted at once.
const CIPHERS: usize = 2;

/// Tells the present instant; given in, so that a test can choose it.
pub type Clock = Arc<dyn Fn() -> OffsetDateTime + Send + Sync>;

/// An OpenEMR practice: its database, what its tables look like, and where its documents lie.
pub struct Emr {
    /// The database.
    pub db: Db,
    /// Which columns this version has.
    pub layout: Layout,
    /// The practice's zone, fixed at start.
    pub zone: Zone,
    /// `sites/<site>/documents`; `None` where no folder was configured and documents have no bytes.
    pub documents: Option<PathBuf>,
    /// How visits are asked for.
    pub booking: Booking,
    /// What is done with documents.
    pub papers: Papers,
    /// The turn of whoever books through this process: waited for here, no connection is held meanwhile, and on a cluster
    /// one of each node competes.
    pub turn: tokio::sync::Mutex<()>,
    ciphers: Arc<Semaphore>,
    /// Decrypted documents that are being taken.
    pub(in crate::emr) plains: Places,
    clock: Clock,
    practice: RwLock<Arc<Practice>>,
}

/// What staff set up and may change at any time.
#[derive(Clone, Debug)]
pub struct Practice {
    /// OpenEMR's settings.
    pub globals: Globals,
    /// OpenEMR's code lists.
    pub lists: Arc<Lists>,
    /// Name of the primary business entity.
    pub name: String,
    /// FHIR id of its Organization.
    pub organization: Option<Uuid>,
    /// When the settings were read, in seconds.
    read_at: i64,
    /// When the rest was.
    lists_read_at: i64,
}

impl Emr {
    /// Opens the practice behind a database: probes the layout, settles the zone, fills missing uuids once.
    /// `fallback_zone` serves where `gbl_time_zone` is empty.
    ///
    /// # Errors
    /// A fault whose sentence names the table, column or setting that is missing.
    pub async fn open(
        db: Db,
        documents: Option<PathBuf>,
        fallback_zone: &str,
        clock: Clock,
    ) -> Answer<Self> {
        let emr = Self::look(db, documents, fallback_zone, clock).await?;
        uuids::fill_all(&emr).await?;
        let practice = Practice::read(&emr.db, emr.now()).await?;
        emr.remember(practice);
        Ok(emr)
    }

    /// The same without writing anything: for the doctor, who must not stop at the first missing right.
    ///
    /// # Errors
    /// As [`Emr::open`].
    pub async fn look(
        db: Db,
        documents: Option<PathBuf>,
        fallback_zone: &str,
        clock: Clock,
    ) -> Answer<Self> {
        let layout = Layout::probe(&db).await?;
        let practice = Practice::read(&db, clock()).await?;
        let zone = zone_of(&practice.globals, fallback_zone)?;
        Ok(Self {
            db,
            layout,
            zone,
            documents,
            booking: Booking::default(),
            papers: Papers::default(),
            turn: tokio::sync::Mutex::new(()),
            ciphers: Arc::new(Semaphore::new(CIPHERS)),
            plains: Places::default(),
            clock,
            practice: RwLock::new(Arc::new(practice)),
        })
    }

    /// The turn of who encrypts or decrypts a document: either keeps a core busy, and what is encrypted is whole in memory
    /// meanwhile. It goes along into the work: who asked for that may be gone before it is done.
    ///
    /// # Errors
    /// A fault where the server stops.
    pub(in crate::emr) async fn cipher_turn(&self) -> Result<OwnedSemaphorePermit, Fault> {
        let turn = self.ciphers.clone().acquire_owned().await;
        turn.map_err(|error| Fault::new("waiting to decrypt a document", error))
    }

    /// The present instant, from the clock the practice was opened with.
    pub fn now(&self) -> OffsetDateTime {
        (self.clock)()
    }

    /// What the practice has set up: the settings at most a second old, the rest at most a minute.
    ///
    /// # Errors
    /// As [`Db::all`].
    pub async fn practice(&self) -> Answer<Arc<Practice>> {
        let now = self.now();
        let known = self.known();
        if now.unix_timestamp() - known.read_at < FRESH {
            return Ok(known);
        }
        let practice = match now.unix_timestamp() - known.lists_read_at < LISTS_FRESH {
            true => known.with_settings(&self.db, now).await?,
            false => Practice::read(&self.db, now).await?,
        };
        self.remember(practice);
        Ok(self.known())
    }

    /// What was read last, however old: for rendering, where a few seconds do not matter.
    pub fn known(&self) -> Arc<Practice> {
        match self.practice.read() {
            Ok(practice) => practice.clone(),
            Err(poisoned) => poisoned.into_inner().clone(),
        }
    }

    fn remember(&self, practice: Practice) {
        match self.practice.write() {
            Ok(mut known) => *known = Arc::new(practice),
            Err(poisoned) => *poisoned.into_inner() = Arc::new(practice),
        }
    }
}

impl Practice {
    async fn read(db: &Db, now: OffsetDateTime) -> Answer<Self> {
        let (name, organization) = facilities::primary(db).await?;
        Ok(Self {
            globals: Globals::read(db).await?,
            lists: Arc::new(Lists::read(db).await?),
            name,
            organization,
            read_at: now.unix_timestamp(),
            lists_read_at: now.unix_timestamp(),
        })
    }

    /// The same with the settings as they are now.
    async fn with_settings(&self, db: &Db, now: OffsetDateTime) -> Answer<Self> {
        Ok(Self {
            globals: Globals::read(db).await?,
            read_at: now.unix_timestamp(),
            ..self.clone()
        })
    }
}

/// The practice's zone, read before anything else because each session with the database is set to it.
///
/// # Errors
/// As [`Emr::open`], where there is no table `globals` or no such zone.
pub async fn settle_zone(db: &Db, fallback: &str) -> Answer<Zone> {
    // Judged first, so that a database that is not OpenEMR is told as that.
    Layout::probe(db).await?;
    Ok(zone_of(&Globals::read(db).await?, fallback)?)
}

/// The zone the practice's wall times are in.
fn zone_of(globals: &Globals, fallback: &str) -> Result<Zone, Fault> {
    let name = match globals.text("gbl_time_zone") {
        "" => fallback,
        name => name,
    };
    Zone::named(name).ok_or_else(|| {
        Fault::new(
            "settling the practice's time zone",
            format!("'{name}' is no IANA time zone: set gbl_time_zone in OpenEMR or zone here"),
        )
    })
}

/// A page of the records of one type that a reach opens and a query asks for. A reach over the whole practice is cut to
/// one patient's part first, wherever the query names the patient or the record.
///
/// # Errors
/// `Unsupported` for a filter the type does not have; `Invalid` at `patient` where a type is not looked for across
/// patients; otherwise as [`Db::all`].
pub async fn find(emr: &Emr, reach: &Reach, query: &Query) -> Answer<Page<Record>> {
    let Some(reach) = narrow::narrowed(emr, reach, query).await? else {
        return Ok(Page {
            records: Vec::new(),
            next: None,
        });
    };
    let reach = reach.as_ref();
    match reach.kind() {
        ResourceType::Patient => people::find(emr, reach, query).await,
        ResourceType::Appointment => calendar::find(emr, reach, query).await,
        ResourceType::Communication => mail::find(emr, reach, query).await,
        ResourceType::DocumentReference => forms::with_documents(emr, reach, query).await,
        ResourceType::Practitioner => staff::find(emr, reach, query).await,
        ResourceType::Organization | ResourceType::Location => {
            facilities::find(emr, reach, query).await
        }
        ResourceType::Encounter => encounters::find(emr, reach, query).await,
        ResourceType::Schedule => schedules::find(emr, reach, query).await,
        ResourceType::Slot => slots::find(emr, reach, query).await,
        ResourceType::PractitionerRole => roles::find(emr, reach, query).await,
        ResourceType::RelatedPerson => relatives::find(emr, reach, query).await,
        ResourceType::Coverage => coverages::find(emr, reach, query).await,
        ResourceType::Task => tasks::find(emr, reach, query).await,
        ResourceType::Questionnaire => forms::questionnaires(emr, reach, query).await,
        ResourceType::AuditEvent => events::find(emr, reach, query).await,
        ResourceType::Group => groups::find(emr, reach, query).await,
        ResourceType::Endpoint => endpoints::find(emr, reach, query).await,
        // Not rows of a table: `rest` makes the one of other records, and the others of the practice's lists.
        ResourceType::Provenance | ResourceType::ValueSet | ResourceType::CodeSystem => {
            Err(Refusal::Unsupported(format!("{} is no row.", reach.kind().name())).into())
        }
        ResourceType::Binary => Err(Refusal::Unsupported(
            "Binary is read by id; search DocumentReference.".to_owned(),
        )
        .into()),
    }
}

/// One record by its FHIR id.
///
/// # Errors
/// `NotFound` where there is none, or none within this reach: the caller cannot tell which.
pub async fn read(emr: &Emr, reach: &Reach, id: Uuid) -> Answer<Record> {
    let page = find(emr, reach, &Query::one(id)).await?;
    let record = page.records.into_iter().next();
    record.ok_or_else(|| Refusal::NotFound.into())
}

/// The bytes of one document.
///
/// # Errors
/// `NotFound` as for [`read`], and where the file is not there or not whole.
pub async fn content(emr: &Emr, reach: &Reach, id: Uuid) -> Answer<Content> {
    let reach = narrow::narrowed(emr, reach, &Query::one(id)).await?;
    let reach = reach.ok_or(Refusal::NotFound)?;
    if forms::row_of(id).is_some() {
        return forms::content(emr, &reach, id).await;
    }
    documents::content(emr, &reach, id).await
}

/// One document with its bytes, checked and ready to be sent.
///
/// # Errors
/// As [`content`].
pub async fn open(emr: &Emr, reach: &Reach, id: Uuid) -> Answer<documents::Opened> {
    open_within(emr, reach, (id, PATIENCE)).await
}

/// The same for who has so much patience where as many decrypted documents are being taken as may.
///
/// # Errors
/// As [`content`]; `Unavailable` where the patience is over.
pub async fn open_within(
    emr: &Emr,
    reach: &Reach,
    (id, patience): (Uuid, Duration),
) -> Answer<documents::Opened> {
    let reach = narrow::narrowed(emr, reach, &Query::one(id)).await?;
    let reach = reach.ok_or(Refusal::NotFound)?;
    if forms::row_of(id).is_some() {
        return forms::open(emr, &reach, id).await;
    }
    documents::open(emr, &reach, (id, patience)).await
}
