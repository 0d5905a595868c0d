//! What the entries of a transaction call each other, and searches that stand for one record.

use crate::domain::ResourceType;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Failure;
use crate::domain::refusal::Refusal;
use crate::fhir::links;
use crate::fhir::links::Link;
use crate::fhir::links::Links;
use crate::fhir::sent_bundle::Entry;
use crate::rest::Rest;
use crate::rest::bundle::Step;
use crate::rest::bundle::Stopped;
use crate::rest::bundle::Write;
use crate::rest::bundle::stopped;
use crate::rest::condition;
use crate::rest::condition::Found;
use crate::rest::search;
use crate::rest::write::Target;

/// What each entry that writes is called by the others, and what that stands for. Where `If-None-Exist` finds a record,
/// it is that one.
pub(super) async fn links(
    rest: &Rest<'_>,
    steps: &[Step],
    order: &[usize],
) -> Result<Links, Stopped> {
    let mut all = Links::new();
    for index in order {
        let Step::Write(entry, what) = &steps[*index] else {
            continue;
        };
        let Some(name) = &entry.full_url else {
            continue;
        };
        let link = link(rest, (entry, what), *index).await;
        let link = link.map_err(stopped(*index))?;
        // `[base]/Task/1` is also called `Task/1` (R4 bundle, 2.36.4); a known record is called that anyway.
        let mut parts = name.rsplit('/');
        if let (Some(id), Some(kind), Target::New(_)) = (parts.next(), parts.next(), what.target)
            && ResourceType::of(kind).is_some()
        {
            all.insert(format!("{kind}/{id}"), link);
        }
        all.insert(name.clone(), link);
    }
    Ok(all)
}

async fn link(rest: &Rest<'_>, (entry, what): (&Entry, &Write), index: usize) -> Answer<Link> {
    let id = match what.target {
        Target::Known(id) => return Ok(Link::Record(what.kind, id)),
        Target::New(id) => id,
    };
    if let Some(query) = &entry.if_none_exist
        && let Found::Existing(kind, id) = condition::look(rest, what.kind, query).await?
    {
        return Ok(match kind == what.kind {
            true => Link::Record(kind, id),
            false => Link::Later(index),
        });
    }
    Ok(match keeps_id(rest, what.kind) {
        true => Link::Record(what.kind, id),
        false => Link::Later(index),
    })
}

/// Whether a new record has the id it is given: where its table holds one. The others are named by their rows, and what
/// waits for review has none.
fn keeps_id(rest: &Rest<'_>, kind: ResourceType) -> bool {
    let table = match kind {
        ResourceType::Appointment => "openemr_postcalendar_events",
        ResourceType::DocumentReference => "documents",
        _ => return false,
    };
    rest.emr.layout.has(table, "uuid")
}

/// Puts ids where the entry's resource names other entries, or searches for a record.
///
/// # Errors
/// `Several` where a search does not find exactly one; `Unprocessable` at what has no id yet; otherwise as a search.
pub(super) async fn resolved(rest: &Rest<'_>, entry: &mut Entry, links: &Links) -> Answer<()> {
    let Some(resource) = &mut entry.resource else {
        return Ok(());
    };
    let mut known = links.clone();
    for text in links::conditional(resource) {
        let Some((kind, query)) = links::search(&text) else {
            continue;
        };
        let pairs: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes())
            .into_owned()
            .collect();
        let found = search::matching(rest, kind, &pairs, 2).await;
        match found.map_err(Failure::understood)?.as_slice() {
            [one] => known.insert(text, Link::Record(kind, one.id())),
            _ => return Err(Refusal::Several.into()),
        };
    }
    Ok(links::rewrite(resource, &known, rest.base)?)
}
