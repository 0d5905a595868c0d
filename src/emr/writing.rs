//! The two verbs of every write: the facts a decision needs, and what a permit allows, in the transaction it is given.

use crate::config::Reviews;
use crate::db::Tx;
use crate::domain::access::Grant;
use crate::domain::access::Reach;
use crate::domain::refusal::Answer;
use crate::emr::Emr;
use crate::portal::Ask;
use crate::portal::Case;
use crate::portal::Change;
use crate::portal::Permit;
use crate::portal::document::DocumentCase;
use crate::portal::document::DocumentChange;
use crate::portal::form::Policy;
use crate::portal::visit::VisitAsk;
use crate::portal::visit::VisitChange;
use crate::store::calendars;

use time::Duration;
use uuid::Uuid;

/// What a decision may take from the practice's settings.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// The least notice for calling off a visit.
    pub cancel_notice: Duration,
    /// Charts that staff open have access at once (F027).
    pub auto_enable: bool,
    /// What becomes of a form that is signed.
    pub forms: Policy,
    /// What of patients' wishes is looked at first.
    pub reviews: Reviews,
}

/// What was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Written {
    /// The record of this FHIR id is as the permit says.
    Record(Uuid),
    /// It waits for staff: the FHIR id of the Task.
    Review(Uuid),
}

/// Gathers what the rules must know. The reach must open the interaction; the record must be within it.
///
/// # Errors
/// `NotFound` where the record, or one the ask refers to, is not there for this caller; `Stale` where `If-Match` named
/// another version.
pub async fn case(
    emr: &Emr,
    grant: &Grant,
    reach: &Reach,
    (ask, rules): (Ask, Rules),
) -> Answer<Case> {
    match ask {
        Ask::Cancel(ask) => super::cancel::case(emr, reach, ask, rules.cancel_notice).await,
        Ask::Visit(VisitAsk::Request(ask)) => super::booking::case(emr, grant, reach, *ask).await,
        Ask::Visit(VisitAsk::Edit(ask)) => Ok(super::marking::case(grant, *ask)),
        Ask::Visit(VisitAsk::Accept(ask)) => super::accepting::case(emr, reach, ask).await,
        Ask::Chart(ask) => {
            super::chart::case(emr, grant, reach, (ask, rules.reviews.profile)).await
        }
        Ask::Message(ask) => {
            super::message_writing::case(emr, grant, reach, (ask, rules.reviews.document)).await
        }
        Ask::Share(ask) => super::sharing::case(emr, grant, reach, ask).await,
        Ask::Addressee(ask) => super::addressing::case(emr, grant, reach, ask).await,
        Ask::Work(ask) => super::tasks::case(emr, grant, reach, *ask).await,
        Ask::Form(ask) => super::forms::case(emr, (grant, reach), (*ask, rules.forms)).await,
        Ask::Document(ask) => {
            super::filing::case(emr, grant, reach, (ask, rules.reviews.document)).await
        }
        Ask::Insurance(ask) => {
            super::insurance::case(emr, grant, reach, (*ask, rules.reviews.coverage)).await
        }
    }
}

/// Holds, before anything of a transaction is looked at, what several of its parts will wait for: what is read first
/// is what the whole transaction sees, and must not be older than the last of the waits.
///
/// # Errors
/// As [`Tx::one`].
pub async fn hold(tx: &mut Tx, permits: &[&Permit]) -> Answer<()> {
    match permits.iter().copied().any(books) {
        true => calendars::take_turn(tx).await,
        false => Ok(()),
    }
}

/// Whether a permit is for a visit at a time others may want, too.
pub fn books(permit: &Permit) -> bool {
    matches!(permit.change(), Change::Visit(VisitChange::Book(_)))
}

/// Writes what a permit allows. Its line in the ledger, and the state before, are written by the caller in the same
/// transaction.
///
/// # Errors
/// `Conflict` where the record changed since the rules looked at it.
pub async fn apply(emr: &Emr, tx: &mut Tx, permit: &Permit) -> Answer<Written> {
    match permit.change() {
        Change::Cancel { .. } => super::cancel::apply(emr, tx, permit).await,
        Change::Visit(VisitChange::Book(booking)) => {
            super::booking::entry::apply(emr, tx, booking).await
        }
        Change::Visit(VisitChange::Edit(case)) => super::marking::apply(emr, tx, case).await,
        Change::Visit(VisitChange::Accept(case)) => super::accepting::apply(emr, tx, case).await,
        Change::Chart(change) => super::chart::apply(emr, tx, change).await,
        Change::Message(change) => super::message_writing::apply(emr, tx, change).await,
        Change::Document(change) => super::filing::apply(emr, tx, change).await,
        Change::Share(case) => super::sharing::apply(emr, tx, case).await,
        Change::Addressee(case) => super::addressing::apply(tx, case).await,
        Change::Work(change) => super::tasks::apply(emr, tx, change).await,
        Change::Insurance(change) => super::insurance::apply(emr, tx, change).await,
        Change::Form(change) => super::forms::apply(emr, tx, change).await,
    }
}

/// What else was written in the transaction of a permit, to the same patient's record: what the ledger calls it, and the FHIR
/// id of the document.
///
/// # Errors
/// As [`Tx::one`].
pub async fn alongside(
    emr: &Emr,
    tx: &mut Tx,
    permit: &Permit,
) -> Answer<Vec<(&'static str, Uuid)>> {
    match permit.change() {
        Change::Message(change) => super::message_writing::alongside(emr, tx, change).await,
        _ => Ok(Vec::new()),
    }
}

/// After a transaction that failed: takes back what a permit left outside the database.
pub async fn undo(emr: &Emr, permit: &Permit) {
    for case in filed(permit.change()) {
        super::filing::undo(emr, case).await;
    }
}

/// After a transaction that was committed: takes back what a permit needed outside the database until then.
pub async fn settled(emr: &Emr, permit: &Permit) {
    for case in filed(permit.change()) {
        super::filing::settled(emr, case).await;
    }
}

/// The documents that a change files.
fn filed(change: &Change) -> Vec<&DocumentCase> {
    match change {
        Change::Document(DocumentChange::File(case)) => vec![case],
        Change::Message(change) => super::message_writing::filed(change),
        Change::Form(change) => super::forms::filed(change).into_iter().collect(),
        Change::Work(change) => super::tasks::filed(change).into_iter().collect(),
        _ => Vec::new(),
    }
}
