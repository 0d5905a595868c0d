//! The history of one record: the present state, and those that writes of this house replaced.

use std::collections::HashSet;

use time::OffsetDateTime;
use uuid::Uuid;

use crate::domain::ResourceType;
use crate::domain::query::Cursor;
use crate::domain::records::Record;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Failure;
use crate::domain::refusal::Refusal;
use crate::domain::scope::Interaction;
use crate::fhir;
use crate::fhir::history;
use crate::fhir::history::Frame;
use crate::fhir::history::State;
use crate::fhir::page_link;
use crate::fhir::page_link::PageState;
use crate::rest::Answered;
use crate::rest::Rest;
use crate::rest::read;
use crate::store::changes;
use crate::store::changes::Version;

/// States on a page where the client does not say, and at most.
const USUAL: u32 = 50;
const MOST: u32 = 200;

/// How long the link to the next page works, in seconds.
const PAGE_LIFE: i64 = 3600;

/// Which states are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Wanted {
    count: Option<u32>,
    since: Option<OffsetDateTime>,
    at: Option<OffsetDateTime>,
}

/// `T/id/_history`. Only of a record the caller can read now; under a scope that is cut to some records, only the
/// present state, because what it was may not be one of them.
///
/// # Errors
/// As [`read::read`]; `Invalid` at a parameter.
pub async fn instance(
    rest: &Rest<'_>,
    (kind, id): (ResourceType, &str),
    pairs: &[(String, String)],
) -> Answer<Answered> {
    let reach = rest.grant.reach(kind, Interaction::Read)?;
    let id = id.parse::<Uuid>().map_err(|_| Refusal::NotFound)?;
    let (before, pairs) = continued(rest, (kind, id), pairs)?;
    let wanted = wanted(&pairs)?;
    let current = match read::or_gone(rest, &reach, id).await {
        Ok(record) => Some(record),
        Err(Failure::Refused(Refusal::Gone)) => None,
        Err(failure) => return Err(failure),
    };
    let count = wanted.count.unwrap_or(USUAL).min(MOST);
    // One more tells whether there is a next page, and what made the last one of this page.
    let rows = match reach.filters() {
        None => changes::of(&rest.emr.db, (kind, id), (before, count + 1)).await?,
        Some(_) => Vec::new(),
    };
    let is_first = before == i64::MAX;
    let (states, next) = page(rest, (current.as_ref(), rows), (is_first, count))?;
    let above = match is_first || states.is_empty() {
        true => Vec::new(),
        false => shown_before(rest, (kind, id), (before, current.as_ref())).await?,
    };
    let states: Vec<State> = match wanted.at {
        Some(_) => selected(states, &wanted),
        None => selected(each_once(states, above), &wanted),
    };
    let link = |row| {
        let link = page_link::seal(&page_state(rest, (kind, id), (&pairs, row)), rest.page_key);
        format!("{}/_history?_page={link}", rest.base.of(kind, id))
    };
    let next = next.map(link);
    let frame = Frame {
        base: rest.base,
        of: (kind, id),
        query: query(&pairs),
        total: (is_first && next.is_none()).then_some(states.len()),
        next,
    };
    let shown = if wanted.count == Some(0) {
        &[][..]
    } else {
        &states[..]
    };
    let mut answer = Answered::found(history::bundle(shown, &frame));
    let name = kind.name();
    let mut entry = rest.entry(format!("{name}.history"), format!("{name}/{id}"));
    if let Some(person) = current.as_ref().and_then(Record::person) {
        entry.patient = Some(person.uuid);
    }
    answer.notes.push(entry);
    Ok(answer)
}

/// The states of one page, the newest first, and the row the next page begins before.
fn page(
    rest: &Rest<'_>,
    (current, rows): (Option<&Record>, Vec<Version>),
    (is_first, count): (bool, u32),
) -> Answer<(Vec<State>, Option<i64>)> {
    let mut states = Vec::with_capacity(rows.len() + 1);
    if is_first {
        states.push(match current {
            Some(record) => {
                let body = fhir::encode(record, rest.base)?;
                let newest = rows.first();
                State {
                    body: Some(String::from_utf8_lossy(&body).into_owned()),
                    version: fhir::version_id(record),
                    method: newest.map_or("POST", |row| row.method.as_str()).to_owned(),
                    since: newest
                        .and_then(|row| read::instant(row.replaced))
                        .or(record.last_updated()),
                }
            }
            None => State {
                body: None,
                version: String::new(),
                method: "DELETE".to_owned(),
                since: None,
            },
        });
    }
    let room = usize::try_from(count).unwrap_or(usize::MAX).max(1) - states.len();
    for (index, row) in rows.iter().take(room).enumerate() {
        // What made a state is told by the one before it.
        let made = rows.get(index + 1);
        states.push(State {
            body: Some(row.body.clone()),
            version: row.version.clone(),
            method: made.map_or("POST", |made| made.method.as_str()).to_owned(),
            since: made
                .and_then(|made| read::instant(made.replaced))
                .or(row.updated.and_then(read::instant)),
        });
    }
    let last = match room {
        0 => rows.first().map(|_| i64::MAX - 1),
        room => rows
            .get(room)
            .and_then(|_| rows.get(room - 1))
            .map(|row| row.id),
    };
    Ok((states, last))
}

/// The versions that the pages before this one showed.
async fn shown_before(
    rest: &Rest<'_>,
    of: (ResourceType, Uuid),
    (before, current): (i64, Option<&Record>),
) -> Answer<Vec<String>> {
    let mut above = changes::versions_from(&rest.emr.db, of, before).await?;
    above.extend(current.map(fhir::version_id));
    Ok(above)
}

/// A version is what a record says: a state that comes back is the version it was. Each is told once, where it is the
/// newest.
fn each_once(states: Vec<State>, above: Vec<String>) -> Vec<State> {
    let mut told: HashSet<String> = above.into_iter().collect();
    let is_new = |state: &State| told.insert(state.version.clone());
    let mut states = states;
    states.retain(is_new);
    states
}

/// The states since a moment, or the one that stood at one.
fn selected(states: Vec<State>, wanted: &Wanted) -> Vec<State> {
    if let Some(at) = wanted.at {
        let stood = |state: &State| state.since.is_none_or(|since| since <= at);
        return states.into_iter().find(stood).into_iter().collect();
    }
    let Some(from) = wanted.since else {
        return states;
    };
    let later = |state: &State| state.since.is_none_or(|since| since >= from);
    states.into_iter().filter(later).collect()
}

fn wanted(pairs: &[(String, String)]) -> Result<Wanted, Refusal> {
    let mut wanted = Wanted::default();
    for (name, value) in pairs {
        match name.as_str() {
            "_count" => {
                let count = value.parse::<u32>();
                let why = "this is a whole number, 0 or more";
                wanted.count = Some(count.map_err(|_| Refusal::invalid("_count", why))?);
            }
            "_since" => wanted.since = Some(moment("_since", value)?),
            "_at" => wanted.at = Some(moment("_at", value)?),
            _ => {}
        }
    }
    Ok(wanted)
}

fn moment(name: &'static str, value: &str) -> Result<OffsetDateTime, Refusal> {
    let format = &time::format_description::well_known::Rfc3339;
    // A plus sign in a query means a blank.
    OffsetDateTime::parse(&value.replace(' ', "+"), format).map_err(|_| {
        let why = "this is an instant, such as 2026-11-21T14:00:00Z";
        Refusal::invalid(name, why)
    })
}

/// The row a page begins before, and the parameters of its history.
fn continued(
    rest: &Rest<'_>,
    (kind, id): (ResourceType, Uuid),
    pairs: &[(String, String)],
) -> Result<(i64, Vec<(String, String)>), Refusal> {
    let Some((_, link)) = pairs.iter().find(|(name, _)| name == "_page") else {
        let ours = |name: &str| matches!(name, "_count" | "_since" | "_at");
        let used = pairs.iter().filter(|(name, _)| ours(name)).cloned();
        return Ok((i64::MAX, used.collect()));
    };
    let holder = page_link::holder(rest.grant);
    let state = page_link::open(link, &holder, (kind, rest.emr.now()), rest.page_key)?;
    match state.cursor.key == key(id) {
        true => Ok((state.cursor.row, state.pairs)),
        false => {
            let why = "this is not a link of this history: follow the next link as it is";
            Err(Refusal::invalid("_page", why))
        }
    }
}

fn page_state(
    rest: &Rest<'_>,
    (kind, id): (ResourceType, Uuid),
    (pairs, row): (&[(String, String)], i64),
) -> PageState {
    PageState {
        holder: page_link::holder(rest.grant),
        kind,
        pairs: pairs.to_vec(),
        cursor: Cursor { key: key(id), row },
        expires: rest.emr.now().unix_timestamp() + PAGE_LIFE,
    }
}

/// What keeps a link of a history from being taken for one of a search.
fn key(id: Uuid) -> String {
    format!("history {id}")
}

fn query(pairs: &[(String, String)]) -> String {
    match pairs {
        [] => String::new(),
        pairs => {
            let mut written = form_urlencoded::Serializer::new(String::from("?"));
            for (name, value) in pairs {
                written.append_pair(name, value);
            }
            written.finish()
        }
    }
}
