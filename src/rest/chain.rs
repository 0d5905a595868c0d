//! Chains and `_has`: conditions on other records, which are searched for first, within the caller's own reach for
//! them. What the caller may not search for cannot be asked about in this way either.

use std::future::Future;
use std::pin::Pin;

use crate::domain::ResourceType;
use crate::domain::access::Reach;
use crate::domain::query::Target;
use crate::domain::records::Record;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Refusal;
use crate::domain::scope::Interaction;
use crate::fhir::matching;
use crate::fhir::parameter::Indexed;
use crate::fhir::parameter::Parameter;
use crate::fhir::search::Handling;
use crate::fhir::search::Link;
use crate::fhir::search::Linked;
use crate::fhir::search::Search;
use crate::rest::Rest;
use crate::rest::search;

/// Records that a chain may go through.
const MOST: usize = 1_000;

/// Links in a chain at most.
const DEEPEST: usize = 3;

/// A future of its own size, for what calls itself.
type Later<'a> = Pin<Box<dyn Future<Output = Answer<()>> + Send + 'a>>;

/// Replaces the chains and `_has` of a search with the ids they come to.
///
/// # Errors
/// `Forbidden` where the token's scope opens none of the types asked about; `Invalid` at the chain; `Unsupported` where
/// it goes through too many records.
pub fn resolve<'a>(
    rest: &'a Rest<'_>,
    reach: &'a Reach,
    asked: &'a mut Search,
    depth: usize,
) -> Later<'a> {
    Box::pin(async move {
        for linked in std::mem::take(&mut asked.linked) {
            if depth >= DEEPEST {
                let why = "a chain has at most 3 links";
                return Err(Refusal::invalid(linked.name, why).into());
            }
            match &linked.link {
                Link::Forward(parameter, kinds) => {
                    let targets = targets(rest, (&linked, kinds), depth).await?;
                    asked.refers(parameter, targets, reach.patient());
                }
                Link::Reverse(kind, parameter) => {
                    let theirs = rest.grant.reach(*kind, Interaction::Search)?;
                    let found = found(rest, &theirs, &linked, depth).await?;
                    let mut ids: Vec<_> = found
                        .iter()
                        .flat_map(|record| referred(parameter, record, reach.kind()))
                        .collect();
                    ids.sort_unstable();
                    ids.dedup();
                    asked.only(ids);
                }
            }
        }
        Ok(())
    })
}

/// What a chain refers to: of each type that the caller may search for.
async fn targets(
    rest: &Rest<'_>,
    (linked, kinds): (&Linked, &[ResourceType]),
    depth: usize,
) -> Answer<Vec<Target>> {
    let mut targets = Vec::new();
    let mut refused = None;
    let mut open = false;
    for kind in kinds {
        let theirs = match rest.grant.reach(*kind, Interaction::Search) {
            Ok(theirs) => theirs,
            Err(refusal) => {
                refused = Some(refusal);
                continue;
            }
        };
        open = true;
        let found = found(rest, &theirs, linked, depth).await?;
        targets.extend(found.iter().map(|record| Target {
            kind: Some(*kind),
            id: record.id(),
        }));
    }
    match refused.filter(|_| !open) {
        Some(refusal) => Err(refusal.into()),
        None => Ok(targets),
    }
}

/// The records at the other end of a link.
async fn found(
    rest: &Rest<'_>,
    reach: &Reach,
    linked: &Linked,
    depth: usize,
) -> Answer<Vec<Record>> {
    let pairs = std::slice::from_ref(&linked.pair);
    let parsed = search::parsed(rest, reach, pairs, Handling::Strict);
    let mut asked = parsed.map_err(|refusal| match refusal {
        // It is told of the parameter that was sent, not of the part of it that is wrong.
        Refusal::Invalid { why, .. } => Refusal::invalid(&linked.name, why),
        other => other,
    })?;
    resolve(rest, reach, &mut asked, depth + 1).await?;
    let found = search::gathered(rest, reach, &asked, MOST + 1).await?;
    match found.len() > MOST {
        true => Err(Refusal::Unsupported(format!(
            "{} goes through more than 1,000 records: narrow it.",
            linked.name
        ))
        .into()),
        false => Ok(found),
    }
}

/// The ids of one type that a record refers to by a parameter.
fn referred<'r>(
    parameter: &Parameter,
    record: &'r Record,
    wanted: ResourceType,
) -> impl Iterator<Item = uuid::Uuid> + use<'r> {
    let values = matching::values(parameter, record).into_iter();
    values.filter_map(move |value| match value {
        Indexed::Reference(kind, id) if kind == wanted => Some(id),
        _ => None,
    })
}
