//! Conditional create (`If-None-Exist`): a search under the caller's own reach, and behind it a row whose key keeps two
//! of any number of creators from creating the same thing.

use uuid::Uuid;

use crate::crypto;
use crate::db::Tx;
use crate::domain::ResourceType;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Failure;
use crate::domain::refusal::Refusal;
use crate::domain::scope::Interaction;
use crate::rest::Rest;
use crate::rest::records;
use crate::rest::search;
use crate::store::conditions;
use crate::store::conditions::Made;

/// How long what was created counts although the search does not find it, in seconds: the answer to a request that is
/// sent again, and to all that were sent at once. Later it has been changed, or was never findable by that search.
const FRESH: i64 = 60;

/// A condition nothing meets yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    name: String,
    now: i64,
    old: Option<Made>,
}

/// What a condition finds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// One, or a Task where it waits for review.
    Existing(ResourceType, Uuid),
    /// None: it may be created.
    Free(Condition),
}

/// Looks for what `If-None-Exist` describes.
///
/// # Errors
/// `Several` where it describes more than one; `Invalid` for an empty query; otherwise as a search of the type.
pub async fn look(rest: &Rest<'_>, kind: ResourceType, query: &str) -> Answer<Found> {
    let query = query.trim().trim_start_matches('?');
    let mut pairs: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes())
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect();
    if pairs.is_empty() {
        let why = "it is a search, such as identifier=system|value";
        return Err(Refusal::invalid("If-None-Exist", why).into());
    }
    pairs.sort();
    let name = name(rest, kind, &pairs);
    // The row first: what is made between the two is found by the search.
    let old = conditions::find(&rest.emr.db, &name).await?;
    match search::matching(rest, kind, &pairs, 2).await?.as_slice() {
        [] => {}
        [one] => return Ok(Found::Existing(kind, one.id())),
        _ => return Err(Refusal::Several.into()),
    }
    let now = rest.emr.now().unix_timestamp();
    if let Some(old) = &old
        && now - old.created < FRESH
        && let Some((kind, id)) = of(&old.resource)
        && is_there(rest, (kind, id)).await?
    {
        return Ok(Found::Existing(kind, id));
    }
    Ok(Found::Free(Condition { name, now, old }))
}

impl Condition {
    /// Claims it for what is about to be created; false where somebody else was first.
    ///
    /// # Errors
    /// As [`conditions::claim`].
    pub async fn claim(&self, tx: &mut Tx, made: (ResourceType, Uuid)) -> Answer<bool> {
        let made = Made {
            resource: resource(made),
            created: self.now,
        };
        conditions::claim(tx, &self.name, &made, self.old.as_ref()).await
    }

    /// Tells what was created, where that is another id or a Task.
    ///
    /// # Errors
    /// As [`conditions::settle`].
    pub async fn settle(&self, tx: &mut Tx, made: (ResourceType, Uuid)) -> Answer<()> {
        conditions::settle(tx, &self.name, &resource(made)).await
    }
}

/// Who asks and what for. Two users of one app, and two apps of one user, do not meet.
fn name(rest: &Rest<'_>, kind: ResourceType, pairs: &[(String, String)]) -> String {
    let mut text = format!(
        "{}\n{}\n{}",
        rest.grant.user().reference(),
        rest.grant.client_id(),
        kind.name()
    );
    for (name, value) in pairs {
        // Lengths keep one pair from looking like two.
        text.push_str(&format!("\n{} {name} {} {value}", name.len(), value.len()));
    }
    crypto::fingerprint(&text)
}

fn resource((kind, id): (ResourceType, Uuid)) -> String {
    format!("{}/{id}", kind.name())
}

fn of(resource: &str) -> Option<(ResourceType, Uuid)> {
    let (kind, id) = resource.split_once('/')?;
    Some((ResourceType::of(kind)?, id.parse().ok()?))
}

/// Whether it is still there for this caller. A Task that the scope does not open is there: it was made a moment ago.
async fn is_there(rest: &Rest<'_>, (kind, id): (ResourceType, Uuid)) -> Answer<bool> {
    let Ok(reach) = rest.grant.reach(kind, Interaction::Read) else {
        return Ok(true);
    };
    match records::read(rest, &reach, id).await {
        Ok(_) => Ok(true),
        Err(Failure::Refused(Refusal::NotFound | Refusal::Gone)) => Ok(false),
        Err(failure) => Err(failure),
    }
}
