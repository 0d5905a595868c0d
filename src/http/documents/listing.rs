//! Documents as the pages list them: a page of fifty, the newest first.

use crate::db::sql::date_text;
use crate::domain::ResourceType;
use crate::domain::people::Person;
use crate::domain::query::Cursor;
use crate::domain::query::Query;
use crate::domain::records::DocumentReference;
use crate::domain::records::Record;
use crate::domain::records::Stage;
use crate::domain::refusal::Answer;
use crate::domain::scope::Interaction;
use crate::emr;
use crate::http::App;
use crate::http::binary;
use crate::http::negotiate;
use crate::http::pages::documents::Row;
use crate::http::pages::plain::plain;
use crate::rest::Rest;

const KIND: ResourceType = ResourceType::DocumentReference;

/// Documents on a page.
const PAGE: u32 = 50;

/// A document, and the version of it that a page shows.
#[derive(Clone, Debug)]
pub struct Found {
    /// The document.
    pub document: DocumentReference,
    /// What `If-Match` would say.
    pub version: u64,
}

/// A page of a chart's documents and where the next one begins, with the ledger's line of the look.
///
/// # Errors
/// As [`emr::find`].
pub async fn found(
    app: &App,
    rest: &Rest<'_>,
    (person, after): (Person, Option<Cursor>),
) -> Answer<(Vec<Found>, Option<Cursor>)> {
    let reach = rest.grant.reach(KIND, Interaction::Search)?;
    let query = Query {
        patient: Some(person.uuid),
        after,
        count: PAGE,
        ..Query::default()
    };
    let page = emr::find(rest.emr, &reach, &query).await?;
    let records = page.records.into_iter().filter_map(|record| {
        let version = record.version();
        match record {
            Record::DocumentReference(document) => Some(Found {
                document: *document,
                version,
            }),
            _ => None,
        }
    });
    let mut entry = rest.entry(format!("{}.search", KIND.name()), KIND.name().to_owned());
    entry.patient = Some(person.uuid);
    app.reads.note(entry).await;
    Ok((records.collect(), page.next))
}

/// Where a page begins, as its address says it.
pub fn after(query: Option<&str>) -> Option<Cursor> {
    let pairs = negotiate::pairs(query);
    let (_, value) = pairs.iter().find(|(name, _)| name == "after")?;
    let (row, key) = value.split_once('~')?;
    Some(Cursor {
        key: key.to_owned(),
        row: row.parse().ok()?,
    })
}

/// The address of a page.
pub fn address(path: &str, next: &Cursor) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("after", &format!("{}~{}", next.row, next.key));
    format!("{path}?{}", query.finish())
}

/// A document as a line of a list.
pub fn row(found: &Found) -> Row {
    let document = &found.document;
    let refused = matches!(document.stage, Stage::Refused(_));
    Row {
        id: document.uuid.to_string(),
        name: plain(&document.name, 200),
        category: plain(&document.category, 100),
        day: document
            .date
            .map_or_else(String::new, |date| date_text(date.date())),
        size: size(document.size),
        sender: String::new(),
        pill: match &document.stage {
            Stage::Waiting => ("wait", "Nobody has looked yet"),
            Stage::Refused(_) => ("bad", "Refused"),
            Stage::Final if document.from_patient => ("good", "Looked at"),
            Stage::Final => ("", ""),
        },
        reason: match &document.stage {
            Stage::Refused(reason) => plain(reason, 1000),
            Stage::Waiting | Stage::Final => String::new(),
        },
        saves: !refused,
        shows: !refused && binary::is_shown(&document.content_type),
        shared: document.shared,
        seen: format!("{:016x}", found.version),
    }
}

/// How large a file is, for people.
fn size(bytes: Option<i64>) -> String {
    match bytes {
        Some(bytes @ 0..1_000) => format!("{bytes} B"),
        Some(bytes @ 1_000..1_000_000) => format!("{} KB", bytes / 1_000),
        Some(bytes @ 1_000_000..) => {
            format!("{}.{} MB", bytes / 1_000_000, bytes % 1_000_000 / 100_000)
        }
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_is_told_in_the_unit_people_use() {
        for (bytes, expected) in [
            (Some(0), "0 B"),
            (Some(999), "999 B"),
            (Some(1_999), "1 KB"),
            (Some(20_971_520), "20.9 MB"),
            (Some(-1), ""),
            (None, ""),
        ] {
            assert_eq!(size(bytes), expected);
        }
    }

    #[test]
    fn an_address_leads_where_its_page_ended() {
        let cursor = Cursor {
            key: "2026-11-20 10:00:00".to_owned(),
            row: 7,
        };
        let address = address("/x", &cursor);
        let query = address.split_once('?').map(|(_, query)| query);
        assert_eq!(after(query), Some(cursor));
        assert_eq!(after(Some("after=x~y")), None);
        assert_eq!(after(None), None);
    }
}
