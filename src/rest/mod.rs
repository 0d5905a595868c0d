//! FHIR's interactions: from a Grant and what a request asks, in FHIR's words, to what is answered, in FHIR's words.
//! A request of its own and an entry of a Bundle come the same way. No HTTP: what a status is called is not known here.

pub mod answer;
pub mod bundle;
pub mod chain;
pub mod commit;
pub mod condition;
pub mod docref;
pub mod everything;
pub mod forms;
pub mod history;
pub mod include;
pub mod mailbox;
pub mod read;
pub mod records;
pub mod repeat;
pub mod route;
pub mod scheduling;
pub mod search;
pub mod terminology;
pub mod validate;
pub mod whole;
pub mod write;

use time::OffsetDateTime;
use uuid::Uuid;

use crate::crypto::Entropy;
use crate::domain::access::Grant;
use crate::domain::refusal::Fault;
use crate::emr::Emr;
use crate::emr::writing::Rules;
use crate::fhir::Base;
use crate::store::ledger::Entry;
use crate::store::ledger::Outcome;

/// What every interaction needs: the practice, the caller, and where things are.
#[derive(Clone, Copy)]
pub struct Rest<'a> {
    /// The practice.
    pub emr: &'a Emr,
    /// The FHIR base.
    pub base: &'a Base,
    /// What the caller may do.
    pub grant: &'a Grant,
    /// What paging links are signed with.
    pub page_key: &'a [u8],
    /// Where new ids come from.
    pub entropy: &'a dyn Entropy,
    /// What the practice's rules take from the settings.
    pub rules: Rules,
    /// The id of the request, for the ledger.
    pub request_id: &'a str,
}

/// What an interaction came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// Here it is.
    Found,
    /// It was made.
    Created,
    /// It was changed.
    Updated,
    /// `If-None-Exist` found one that exists already: here it is, and nothing was made.
    Existing,
    /// It waits for staff.
    Accepted,
    /// The caller has this version already.
    NotModified,
}

/// An answer.
#[derive(Clone, Debug)]
pub struct Answered {
    /// What it came to.
    pub how: How,
    /// FHIR JSON; empty where nothing is to be said.
    pub body: Vec<u8>,
    /// `meta.versionId`, for the ETag.
    pub version: Option<String>,
    /// `meta.lastUpdated`.
    pub last_updated: Option<OffsetDateTime>,
    /// Absolute URL of what was made, with its version where it has one.
    pub location: Option<String>,
    /// Ledger lines of reads, which are written behind. Lines of writes are in the transaction of the write.
    pub notes: Vec<Entry>,
}

impl Answered {
    /// A body that was found.
    pub fn found(body: Vec<u8>) -> Self {
        Self {
            how: How::Found,
            body,
            version: None,
            last_updated: None,
            location: None,
            notes: Vec::new(),
        }
    }
}

impl Rest<'_> {
    /// A new random id (RFC 9562, version 4).
    ///
    /// # Errors
    /// The operating system has no randomness to give.
    pub fn new_id(&self) -> Result<Uuid, Fault> {
        let mut bytes = [0; 16];
        self.entropy.fill(&mut bytes)?;
        Ok(uuid::Builder::from_random_bytes(bytes).into_uuid())
    }

    /// A ledger line of this request, such as `("Patient.read", "Patient/<uuid>")`.
    pub fn entry(&self, action: String, resource: String) -> Entry {
        let mut entry = Entry::new(action, Outcome::Success, self.emr.now()).under(self.grant);
        entry.resource = resource;
        self.request_id.clone_into(&mut entry.request_id);
        entry
    }
}
