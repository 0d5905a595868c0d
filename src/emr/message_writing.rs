//! Messages that are sent, and marks on the own copies: the rows OpenEMR's own portal would write (OpenEMR facts 1.10 and
//! 2.8).

pub(super) mod marking;
mod sending;

use sqlx::FromRow;
use uuid::Uuid;

use crate::config::Choice;
use crate::db::Tx;
use crate::db::sql::Sql;
use crate::domain::access::Grant;
use crate::domain::access::Reach;
use crate::domain::people::Person;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Refusal;
use crate::emr::Emr;
use crate::emr::mail;
use crate::emr::mail::mailbox::Mailbox;
use crate::emr::people::tidy;
use crate::emr::persons;
use crate::emr::writing::Written;
use crate::portal::Case;
use crate::portal::document::DocumentCase;
use crate::portal::message::Enclosed;
use crate::portal::message::MessageAsk;
use crate::portal::message::MessageCase;
use crate::portal::message::MessageChange;

/// A row without a thread is one of its own.
const COPY: &str = "SELECT id AS row_id, owner, message_status, COALESCE(deleted, 0) AS deleted, \
    COALESCE(NULLIF(mail_chain, 0), id) AS chain FROM onsite_mail WHERE id = ?";

#[derive(FromRow)]
struct Number {
    number: Option<i64>,
}

#[derive(FromRow)]
struct Copy {
    row_id: i64,
    owner: Option<String>,
    message_status: String,
    deleted: i64,
    chain: i64,
}

/// What the rules must know; `choice` is what the practice does with documents that patients send along.
///
/// # Errors
/// `NotFound` for a copy that is not there for this caller; `Unprocessable` for a patient or a message that is not;
/// `Forbidden` for a service, and for staff who write as somebody else.
pub(super) async fn case(
    emr: &Emr,
    grant: &Grant,
    reach: &Reach,
    (ask, choice): (MessageAsk, Choice),
) -> Answer<Case> {
    let case = match ask {
        MessageAsk::Send(letter) => {
            MessageCase::Send(sending::case(emr, grant, reach, (letter, choice)).await?)
        }
        MessageAsk::Mark(mark) => {
            MessageCase::Mark(marking::of_one(emr, grant, reach, mark).await?)
        }
        MessageAsk::Sort(sort) => {
            MessageCase::Sort(marking::of_thread(emr, grant, reach, sort).await?)
        }
    };
    Ok(Case::Message(case))
}

/// The chart a body names, within the reach.
pub(super) async fn patient(
    emr: &Emr,
    reach: &Reach,
    (uuid, place): (Uuid, &str),
) -> Answer<Person> {
    let found = match reach.patient() {
        Some(person) => Some(person).filter(|person| person.uuid == uuid),
        None => persons::by_uuid(emr, uuid)
            .await?
            .filter(|person| reach.within(*person).is_some()),
    };
    let missing = || Refusal::Unprocessable {
        location: place.to_owned(),
        why: "there is no such patient for this token".to_owned(),
    };
    Ok(found.ok_or_else(missing)?)
}

/// The row of a mailbox that has this id.
async fn copy(emr: &Emr, mailbox: &Mailbox, id: Uuid) -> Answer<Option<Copy>> {
    let rows = mail::rows_of(emr, mailbox, &[id]).await?;
    let Some(row) = rows.first() else {
        return Ok(None);
    };
    emr.db.one(Sql::new(COPY).bind(*row)).await
}

/// Writes what a permit allows, in the caller's transaction.
///
/// # Errors
/// `Conflict` where the copy changed since the rules looked at it.
pub(super) async fn apply(emr: &Emr, tx: &mut Tx, change: &MessageChange) -> Answer<Written> {
    match change {
        MessageChange::Send { .. } => sending::apply(emr, tx, change).await,
        MessageChange::Mark { row, mark } => {
            marking::set(emr, tx, (row, mark)).await?;
            Ok(Written::Record(mark.message))
        }
        MessageChange::Sort { thread, sort } => {
            marking::sort(emr, tx, (thread, sort)).await?;
            Ok(Written::Record(sort.message))
        }
    }
}

/// What was done to documents in the transaction of a message, as the ledger calls it, each with its FHIR id.
pub(super) async fn alongside(
    emr: &Emr,
    tx: &mut Tx,
    change: &MessageChange,
) -> Answer<Vec<(&'static str, Uuid)>> {
    sending::alongside(emr, tx, change).await
}

/// The documents that are filed with a message.
pub(super) fn filed(change: &MessageChange) -> Vec<&DocumentCase> {
    let MessageChange::Send { enclosed, .. } = change else {
        return Vec::new();
    };
    let new = enclosed.iter().filter_map(|one| match one {
        Enclosed::New(case) => Some(case.as_ref()),
        Enclosed::Known { .. } => None,
    });
    new.collect()
}

/// A line of text as its column has it, so that it is read as it was written: entities are decoded once on the way out,
/// because older OpenEMR stored names with them.
pub(super) fn stored(text: &str) -> String {
    match tidy(Some(text.to_owned())) == text {
        true => text.to_owned(),
        false => text.replace('&', "&amp;"),
    }
}

#[cfg(test)]
mod tests;
