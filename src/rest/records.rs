//! Finding records for a caller: what the EMR holds, and the one type that is made of others. A Provenance is seen by
//! whoever sees the record it is about, so it is looked for through that record's own reach.

use uuid::Uuid;

use crate::domain::ResourceType;
use crate::domain::access::Reach;
use crate::domain::query::Cursor;
use crate::domain::query::Field;
use crate::domain::query::Filter;
use crate::domain::query::Page;
use crate::domain::query::Query;
use crate::domain::query::Target;
use crate::domain::records::Record;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Refusal;
use crate::domain::scope::Interaction;
use crate::emr;
use crate::emr::origins;
use crate::rest::Rest;

/// A page of records of one type.
///
/// # Errors
/// As [`emr::find`].
pub async fn find(rest: &Rest<'_>, reach: &Reach, query: &Query) -> Answer<Page<Record>> {
    match reach.kind() {
        ResourceType::Provenance => origins(rest, reach, query).await,
        _ => emr::find(rest.emr, reach, query).await,
    }
}

/// One record by its FHIR id.
///
/// # Errors
/// As [`emr::read`].
pub async fn read(rest: &Rest<'_>, reach: &Reach, id: Uuid) -> Answer<Record> {
    let page = find(rest, reach, &Query::one(id)).await?;
    let record = page.records.into_iter().next();
    record.ok_or_else(|| Refusal::NotFound.into())
}

/// The origins of what the caller may read, type after type. The cursor is that of the type's own page, with the place
/// of the type before it.
async fn origins(rest: &Rest<'_>, reach: &Reach, query: &Query) -> Answer<Page<Record>> {
    let asked = Asked::of(reach, query)?;
    let (first, mut after) = resumed(query)?;
    let mut records: Vec<Record> = Vec::new();
    for (place, kind) in origins::KINDS.into_iter().enumerate().skip(first) {
        let within = after.take();
        let Ok(theirs) = rest.grant.reach(kind, Interaction::Read) else {
            continue;
        };
        let Some(ids) = asked.of_kind(kind) else {
            continue;
        };
        let wanted = query.count.saturating_sub(count(&records));
        let ask = Query {
            ids,
            patient: asked.patient,
            count: wanted,
            after: within,
            ..Query::default()
        };
        let page = match wanted {
            0 => None,
            _ => Some(emr::find(rest.emr, &theirs, &ask).await?),
        };
        // A full page goes on where the type's page ended, or at the next type.
        let Some(page) = page else {
            let next = cursor(place, None);
            return Ok(Page {
                records,
                next: Some(next),
            });
        };
        records.extend(origins::of(rest.emr, &page.records).await?);
        if let Some(next) = page.next {
            return Ok(Page {
                records,
                next: Some(cursor(place, Some(next))),
            });
        }
    }
    Ok(Page {
        records,
        next: None,
    })
}

fn count(records: &[Record]) -> u32 {
    u32::try_from(records.len()).unwrap_or(u32::MAX)
}

/// What a search of Provenance asks for.
struct Asked {
    patient: Option<Uuid>,
    ids: Option<Vec<Uuid>>,
    targets: Option<Vec<Target>>,
}

impl Asked {
    fn of(reach: &Reach, query: &Query) -> Result<Self, Refusal> {
        let mut targets: Option<Vec<Target>> = None;
        for filter in &query.filters {
            let Filter::Reference(Field::Target, named) = filter else {
                let why = "Provenance has no such search parameter.";
                return Err(Refusal::Unsupported(why.to_owned()));
            };
            targets = Some(match targets.take() {
                Some(known) => known
                    .into_iter()
                    .filter(|one| named.contains(one))
                    .collect(),
                None => named.clone(),
            });
        }
        let patient = query.patient.or(reach.patient().map(|person| person.uuid));
        let open = patient.is_none() && targets.is_none() && query.ids.is_none();
        match open {
            true => Err(Refusal::invalid(
                "target",
                "this token reaches more than one patient: say whose, as patient=[id], or of what, as target=[Type]/[id]",
            )),
            false => Ok(Self {
                patient,
                ids: query.ids.clone(),
                targets,
            }),
        }
    }

    /// Which records of a type are asked about: `None` for none of them, `Some(None)` for all.
    fn of_kind(&self, kind: ResourceType) -> Option<Option<Vec<Uuid>>> {
        let by_target = self.targets.as_ref().map(|targets| {
            let same = |one: &&Target| one.kind.is_none_or(|named| named == kind);
            let ids = targets.iter().filter(same).map(|one| one.id);
            ids.collect::<Vec<Uuid>>()
        });
        let by_id = self.ids.as_ref().map(|ids| {
            let targets = ids.iter().filter_map(|id| origins::target_of(kind, *id));
            targets.collect::<Vec<Uuid>>()
        });
        let ids = match (by_target, by_id) {
            (None, None) => return Some(None),
            (Some(ids), None) | (None, Some(ids)) => ids,
            (Some(ids), Some(others)) => ids.into_iter().filter(|id| others.contains(id)).collect(),
        };
        (!ids.is_empty()).then_some(Some(ids))
    }
}

/// Where the first type's page begins.
fn resumed(query: &Query) -> Result<(usize, Option<Cursor>), Refusal> {
    let Some(cursor) = &query.after else {
        return Ok((0, None));
    };
    let parts = cursor.key.split_once('\u{1f}');
    let place = parts.and_then(|(place, key)| Some((place.parse().ok()?, key)));
    let (place, key) = place.ok_or_else(|| Refusal::invalid("_page", "search again"))?;
    let within = (cursor.row >= 0).then(|| Cursor {
        key: key.to_owned(),
        row: cursor.row,
    });
    Ok((place, within))
}

/// A row below 0 stands for the beginning of the type.
fn cursor(place: usize, within: Option<Cursor>) -> Cursor {
    match within {
        Some(within) => Cursor {
            key: format!("{place}\u{1f}{}", within.key),
            row: within.row,
        },
        None => Cursor {
            key: format!("{place}\u{1f}"),
            row: -1,
        },
    }
}
