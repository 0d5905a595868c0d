//! AuditEvent: the lines of our own ledger (`anteroom_audit`), the newest first.

use sqlx::FromRow;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::db::sql::Sql;
use crate::domain::ResourceType;
use crate::domain::access::Reach;
use crate::domain::access::Reader;
use crate::domain::query::Cursor;
use crate::domain::query::DateRange;
use crate::domain::query::Field;
use crate::domain::query::Filter;
use crate::domain::query::Page;
use crate::domain::query::Prefix;
use crate::domain::query::Query;
use crate::domain::records::Record;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Refusal;
use crate::domain::trace::Actor;
use crate::domain::trace::AuditEvent;
use crate::emr::Emr;
use crate::emr::composed;
use crate::emr::composed::Kind;
use crate::emr::composed::Parts;
use crate::emr::documents::carried;
use crate::emr::forms;

/// `patient` is the FHIR id of whose record the line is about; lines from before the column have none, and neither has
/// what is about nobody's record.
const SELECT: &str = "SELECT a.id, a.at, a.action, a.outcome, a.reason, a.actor, a.client_id, c.name AS client_name, \
    a.resource, a.request_id, a.patient FROM anteroom_audit a \
    LEFT JOIN anteroom_client c ON c.client_id = a.client_id WHERE 1 = 1";

const ORDER: &str = " ORDER BY a.id DESC";

#[derive(FromRow)]
struct Row {
    id: i64,
    at: i64,
    action: String,
    outcome: String,
    reason: String,
    actor: String,
    client_id: String,
    client_name: Option<String>,
    resource: String,
    request_id: String,
    patient: Option<Vec<u8>>,
}

/// A page of lines: those about one patient's record, or all where the reach is that wide.
///
/// # Errors
/// `Unsupported` for a filter a line does not have; otherwise as [`crate::db::Db::all`].
pub(super) async fn find(emr: &Emr, reach: &Reach, query: &Query) -> Answer<Page<Record>> {
    if query.count == 0 || reach.filters().is_some() {
        return Ok(Page {
            records: Vec::new(),
            next: None,
        });
    }
    let mut sql = Sql::new(SELECT);
    if let Some(person) = reach.patient() {
        sql = sql.push(" AND a.patient = ?").bind(person.uuid);
    }
    if let Some(ids) = &query.ids {
        let parts = ids
            .iter()
            .filter_map(|id| composed::parts(Kind::AuditEvent, *id));
        let rows = parts.filter_map(|parts| i64::try_from(parts.row).ok());
        sql = sql.push(" AND a.id IN ").list(rows);
    }
    for filter in &query.filters {
        let Filter::Date(Field::Date, ranges) = filter else {
            let why = "AuditEvent has no such search parameter.";
            return Err(Refusal::Unsupported(why.to_owned()).into());
        };
        sql = dated(sql, ranges);
    }
    if let Some(cursor) = &query.after {
        sql = sql.push(" AND a.id < ?").bind(cursor.row);
    }
    let mut rows: Vec<Row> = emr
        .db
        .all(sql.push(ORDER).limit(query.count.saturating_add(1)))
        .await?;
    let count = usize::try_from(query.count).unwrap_or(usize::MAX);
    let more = rows.len() > count;
    rows.truncate(count);
    let next = rows.last().filter(|_| more).map(|row| Cursor {
        key: String::new(),
        row: row.id,
    });
    let mut lines: Vec<AuditEvent> = rows.into_iter().filter_map(|row| row.line(emr)).collect();
    if reach.reader() == Reader::Patient {
        unnamed(emr, reach, &mut lines).await?;
    }
    let records = lines
        .into_iter()
        .map(|line| Record::AuditEvent(Box::new(line)));
    Ok(Page {
        records: records.collect(),
        next,
    })
}

/// A document that is not shared is not named to its patient: the line says that somebody was at a document.
async fn unnamed(emr: &Emr, reach: &Reach, lines: &mut [AuditEvent]) -> Answer<()> {
    let mut ids: Vec<Uuid> = lines.iter().filter_map(document).collect();
    ids.sort_unstable();
    ids.dedup();
    if ids.is_empty() {
        return Ok(());
    }
    let shown = carried::shown(emr, reach, &ids).await?;
    for line in lines {
        if document(line).is_some_and(|id| !shown.contains(&id))
            && let Some((kind, _)) = line.resource.split_once('/')
        {
            line.resource = kind.to_owned();
        }
    }
    Ok(())
}

/// The document a line names. A form of the Documents Center is its patient's whatever it is.
fn document(line: &AuditEvent) -> Option<Uuid> {
    let (kind, id) = line.resource.split_once('/')?;
    let kind = ResourceType::of(kind)?;
    let id: Uuid = id.parse().ok()?;
    let documents = [ResourceType::DocumentReference, ResourceType::Binary];
    (documents.contains(&kind) && forms::row_of(id).is_none()).then_some(id)
}

/// Adds `AND (... OR ...)`: the line was written in one of the ranges. `at` is milliseconds since 1970.
fn dated(sql: Sql, ranges: &[DateRange]) -> Sql {
    let mut sql = sql.push(" AND (1 = 0");
    for range in ranges {
        let (start, end) = (millis(range.start), millis(range.end));
        sql = match range.prefix {
            Prefix::Eq => sql
                .push(" OR (a.at >= ? AND a.at < ?)")
                .bind(start)
                .bind(end),
            Prefix::Ne => sql.push(" OR a.at < ? OR a.at >= ?").bind(start).bind(end),
            Prefix::Gt | Prefix::Sa => sql.push(" OR a.at >= ?").bind(end),
            Prefix::Lt | Prefix::Eb => sql.push(" OR a.at < ?").bind(start),
            Prefix::Ge => sql.push(" OR a.at >= ?").bind(start),
            Prefix::Le => sql.push(" OR a.at < ?").bind(end),
        };
    }
    sql.push(")")
}

fn millis(at: OffsetDateTime) -> i64 {
    i64::try_from(at.unix_timestamp_nanos() / 1_000_000).unwrap_or(i64::MAX)
}

impl Row {
    fn line(self, emr: &Emr) -> Option<AuditEvent> {
        let at = OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.at) * 1_000_000).ok()?;
        Some(AuditEvent {
            uuid: composed::id(
                Kind::AuditEvent,
                Parts {
                    row: u64::try_from(self.id).ok()?,
                    at: 0,
                    extra: 0,
                },
            ),
            recorded: emr.zone.at(at),
            action: self.action,
            outcome: self.outcome,
            reason: self.reason,
            actor: actor(self.actor),
            client: (self.client_id, self.client_name.unwrap_or_default()),
            resource: self.resource,
            patient: self.patient.and_then(|bytes| Uuid::from_slice(&bytes).ok()),
            request_id: self.request_id,
        })
    }
}

/// Who a line names: `Patient/<uuid>`, `Practitioner/<uuid>`, `system`, or a fingerprint.
fn actor(text: String) -> Actor {
    let named = text.split_once('/').and_then(|(kind, id)| {
        let kind = ResourceType::of(kind)?;
        Some(Actor::Person(kind, id.parse().ok()?))
    });
    match named {
        Some(person) => person,
        None if text == "system" || text.is_empty() => Actor::System,
        None => Actor::Unknown(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_actor_is_a_person_a_machine_or_unknown() {
        let id = Uuid::from_u128(7);
        let person = Actor::Person(ResourceType::Patient, id);
        assert_eq!(actor(format!("Patient/{id}")), person);
        assert_eq!(actor("system".to_owned()), Actor::System);
        assert_eq!(actor(String::new()), Actor::System);
        let typed = "a1b2c3".to_owned();
        assert_eq!(actor(typed.clone()), Actor::Unknown(typed));
        let odd = "Robot/7".to_owned();
        assert_eq!(actor(odd.clone()), Actor::Unknown(odd));
    }
}
