//! Read and vread: one record, as it is or as it was.

use time::OffsetDateTime;
use uuid::Uuid;

use crate::domain::ResourceType;
use crate::domain::access::Reach;
use crate::domain::records::Record;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Failure;
use crate::domain::refusal::Refusal;
use crate::domain::scope::Interaction;
use crate::emr::seen;
use crate::fhir;
use crate::fhir::subset;
use crate::fhir::subset::Subset;
use crate::rest::Answered;
use crate::rest::How;
use crate::rest::Rest;
use crate::rest::records;
use crate::rest::terminology;
use crate::store::changes;

/// What the caller has already.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// The versions of `If-None-Match`; `*` is any.
    pub versions: Vec<String>,
    /// The date of `If-Modified-Since`, which counts only where there is no `If-None-Match` (RFC 9110, 13.1.3).
    pub since: Option<OffsetDateTime>,
}

/// A record as it is.
///
/// # Errors
/// `Forbidden` where no scope opens the type, `NotFound` where there is none for this caller, `Gone` where there was.
pub async fn read(
    rest: &Rest<'_>,
    (kind, id): (ResourceType, &str),
    (subset, known): (&Subset, &Known),
) -> Answer<Answered> {
    if matches!(kind, ResourceType::ValueSet | ResourceType::CodeSystem) {
        let mut answer = terminology::read(rest, kind, id).await?;
        answer.body = subset::apply(answer.body, subset);
        return Ok(answer);
    }
    let reach = rest.grant.reach(kind, Interaction::Read)?;
    let id = id.parse::<Uuid>().map_err(|_| Refusal::NotFound)?;
    let record = or_gone(rest, &reach, id).await?;
    let mut answer = shown(rest, &record)?;
    if is_known(&record, known) {
        answer.how = How::NotModified;
        answer.body = Vec::new();
    }
    answer.body = subset::apply(answer.body, subset);
    note(rest, &mut answer, (&record, "read"));
    Ok(answer)
}

/// A version of a record: the present one, or one that a write of this house replaced.
///
/// # Errors
/// As [`read`]: whoever cannot read the record now cannot read what it was. `NotFound` also for a version that is not
/// known, and under a scope that is cut to some records: what it was may not be one of them.
pub async fn vread(
    rest: &Rest<'_>,
    (kind, id): (ResourceType, &str),
    version: &str,
) -> Answer<Answered> {
    let reach = rest.grant.reach(kind, Interaction::Read)?;
    let id = id.parse::<Uuid>().map_err(|_| Refusal::NotFound)?;
    let record = or_gone(rest, &reach, id).await?;
    let mut answer = shown(rest, &record)?;
    if answer.version.as_deref() != Some(version) {
        let old = match reach.filters() {
            None => changes::version(&rest.emr.db, (kind, id), version).await?,
            Some(_) => None,
        };
        // MariaDB compares the column without its blanks at the end.
        let old = old.filter(|old| old.version == version);
        let old = old.ok_or(Refusal::NotFound)?;
        answer.body = old.body.into_bytes();
        answer.version = Some(old.version);
        answer.last_updated = old.updated.and_then(instant);
    }
    note(rest, &mut answer, (&record, "vread"));
    Ok(answer)
}

/// The record, or that it is gone.
///
/// # Errors
/// `Gone` where it was there and is not any more, `NotFound` otherwise.
pub async fn or_gone(rest: &Rest<'_>, reach: &Reach, id: Uuid) -> Answer<Record> {
    match records::read(rest, reach, id).await {
        Err(Failure::Refused(Refusal::NotFound)) => match gone(rest, reach, id).await? {
            true => Err(Refusal::Gone.into()),
            false => Err(Refusal::NotFound.into()),
        },
        answer => answer,
    }
}

/// Whether a record was there for this caller once.
async fn gone(rest: &Rest<'_>, reach: &Reach, id: Uuid) -> Answer<bool> {
    seen::gone(rest.emr, reach, reach.kind(), id).await
}

/// A record with its version and date.
///
/// # Errors
/// As [`fhir::encode`].
pub fn shown(rest: &Rest<'_>, record: &Record) -> Answer<Answered> {
    let mut answer = Answered::found(fhir::encode(record, rest.base)?);
    answer.version = Some(fhir::version_id(record));
    answer.last_updated = record.last_updated();
    Ok(answer)
}

/// Leaves the ledger line of a read with the answer.
fn note(rest: &Rest<'_>, answer: &mut Answered, (record, what): (&Record, &str)) {
    let name = record.kind().name();
    let mut entry = rest.entry(format!("{name}.{what}"), format!("{name}/{}", record.id()));
    if let Some(person) = record.person() {
        entry.patient = Some(person.uuid);
    }
    answer.notes.push(entry);
}

/// From milliseconds since 1970.
pub(super) fn instant(millis: i64) -> Option<OffsetDateTime> {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(millis) * 1_000_000).ok()
}

fn is_known(record: &Record, known: &Known) -> bool {
    if !known.versions.is_empty() {
        let version = fhir::version_id(record);
        return known
            .versions
            .iter()
            .any(|one| one == "*" || *one == version);
    }
    // HTTP's dates have no fractions of a second.
    let updated = record.last_updated().map(OffsetDateTime::unix_timestamp);
    match (known.since, updated) {
        (Some(since), Some(updated)) => stamps(record.kind()) && updated <= since.unix_timestamp(),
        _ => false,
    }
}

/// Whether the type's tables have a stamp that moves with every change. The calendar tells when a visit was written
/// down first, the mailbox when a message was sent: a caller told by that date would never see a visit called off.
fn stamps(kind: ResourceType) -> bool {
    !matches!(
        kind,
        ResourceType::Appointment | ResourceType::Communication
    )
}
