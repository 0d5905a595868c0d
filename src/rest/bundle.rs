//! Batch and transaction: requests in a Bundle, each under the caller's own reach as if it came alone.
//!
//! A batch goes from entry to entry. A transaction prepares everything, writes it in one database transaction, and
//! reads afterwards; the reads are tried beforehand, so that one that is refused keeps everything from being written.

mod linked;

use std::collections::HashSet;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use uuid::Uuid;

use crate::domain::ResourceType;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Failure;
use crate::domain::refusal::Refusal;
use crate::domain::scope::Interaction;
use crate::fhir::inputs;
use crate::fhir::search::Handling;
use crate::fhir::sent_bundle::Entry;
use crate::fhir::sent_bundle::Method;
use crate::rest::Answered;
use crate::rest::Rest;
use crate::rest::answer;
use crate::rest::answer::Wanted;
use crate::rest::commit;
use crate::rest::commit::Committed;
use crate::rest::commit::Settled;
use crate::rest::read::Known;
use crate::rest::repeat::Repeat;
use crate::rest::route;
use crate::rest::route::Address;
use crate::rest::route::Conditions;
use crate::rest::route::Verb;
use crate::rest::write;
use crate::rest::write::Booked;
use crate::rest::write::Payload;
use crate::rest::write::Prepared;
use crate::rest::write::Request;
use crate::rest::write::Target;

/// How often a transaction is decided anew where others were first.
const TRIES: u32 = 5;

/// All answers together at most: the whole of it is in memory.
const MOST_BYTES: usize = 20 * 1024 * 1024;

/// What became of one entry.
#[derive(Debug)]
pub struct Done {
    /// Whether it wrote, or would have.
    pub is_write: bool,
    /// The answer.
    pub answer: Answer<Answered>,
}

/// The entry that keeps a transaction from being done.
#[derive(Debug)]
pub struct Stopped {
    /// Its place in the Bundle.
    pub index: usize,
    /// Why.
    pub failure: Failure,
}

/// What an entry comes to.
#[derive(Clone, Debug)]
enum Step {
    /// A read, a search, an operation.
    Read(Box<Entry>, Address),
    /// A write.
    Write(Box<Entry>, Write),
}

/// What is written, before references are resolved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Write {
    kind: ResourceType,
    target: Target,
    if_match: Option<u64>,
}

/// Each entry alone, in the order they came in; what fails does so in its own place.
///
/// # Errors
/// None: they are in the entries.
pub async fn batch(
    rest: &Rest<'_>,
    entries: Vec<Result<Entry, Refusal>>,
    wanted: Wanted,
) -> Vec<Done> {
    let mut all = Vec::with_capacity(entries.len());
    let mut bytes = 0;
    for entry in entries {
        let mut done = match entry.and_then(|entry| step(rest, entry)) {
            Ok(step) => alone(rest, step, wanted).await,
            Err(refusal) => Done {
                is_write: false,
                answer: Err(refusal.into()),
            },
        };
        hold(&mut done, &mut bytes);
        all.push(done);
    }
    all
}

async fn alone(rest: &Rest<'_>, step: Step, wanted: Wanted) -> Done {
    match step {
        Step::Read(entry, address) => Done {
            is_write: false,
            answer: looked(rest, &entry, &address).await,
        },
        Step::Write(entry, what) => Done {
            is_write: true,
            answer: match request(&entry, &what) {
                Ok(request) => answer::write(rest, request, (None, wanted)).await,
                Err(refusal) => Err(refusal.into()),
            },
        },
    }
}

/// An answer over the limit is let go: what was written is written, what was read is not told.
fn hold(done: &mut Done, bytes: &mut usize) {
    let Ok(answered) = &mut done.answer else {
        return;
    };
    *bytes += answered.body.len();
    if *bytes <= MOST_BYTES {
        return;
    }
    *bytes -= answered.body.len();
    match done.is_write {
        true => answered.body = Vec::new(),
        false => {
            let why = "The answers are over 20 MiB together: ask for less in one Bundle.";
            done.answer = Err(Refusal::TooLarge(why).into());
        }
    }
}

/// All of it or nothing: DELETE, POST, PUT and PATCH, then GET (R4 http, 3.1.0.11.2). The answers are in the order of
/// the entries.
///
/// # Errors
/// The first entry that is refused, as it would be alone; `Invalid` where two entries are about one record.
pub async fn transaction(
    rest: &Rest<'_>,
    entries: Vec<Result<Entry, Refusal>>,
    (wanted, repeat): (Wanted, Option<&Repeat>),
) -> Result<Vec<Done>, Stopped> {
    let mut steps = Vec::with_capacity(entries.len());
    for (index, entry) in entries.into_iter().enumerate() {
        let step = entry.and_then(|entry| step(rest, entry));
        steps.push(step.map_err(|refusal| stopped(index)(refusal.into()))?);
    }
    apart(&steps)?;
    // The number of each write, in the order they are done in; the sort keeps the order of equals.
    let mut order: Vec<usize> = (0..steps.len())
        .filter(|index| matches!(steps[*index], Step::Write(..)))
        .collect();
    order.sort_by_key(
        |index| matches!(&steps[*index], Step::Write(entry, _) if entry.method != Method::Post),
    );
    let reads = (0..steps.len()).filter(|index| !order.contains(index));
    let reads: Vec<usize> = reads.collect();
    let settled = match order.is_empty() {
        true => Vec::new(),
        false => written(rest, (&steps, &order, &reads), repeat).await?,
    };
    let mut all: Vec<Option<Done>> = steps.iter().map(|_| None).collect();
    for (index, settled) in order.iter().zip(settled) {
        all[*index] = Some(Done {
            is_write: true,
            answer: answer::answer(rest, settled, wanted).await,
        });
    }
    for index in reads {
        let Step::Read(entry, address) = &steps[index] else {
            continue;
        };
        let answer = looked(rest, entry, address).await;
        // Nothing was written where nothing is to be: then a refusal is that of the whole.
        if order.is_empty()
            && let Err(failure) = answer
        {
            return Err(stopped(index)(failure));
        }
        all[index] = Some(Done {
            is_write: false,
            answer,
        });
    }
    let mut bytes = 0;
    Ok(all
        .into_iter()
        .flatten()
        .map(|mut done| {
            hold(&mut done, &mut bytes);
            done
        })
        .collect())
}

fn stopped(index: usize) -> impl Fn(Failure) -> Stopped {
    move |failure| Stopped { index, failure }
}

/// Decides on every write and commits them once; what waits for others is decided anew.
async fn written(
    rest: &Rest<'_>,
    (steps, order, reads): (&[Step], &[usize], &[usize]),
    repeat: Option<&Repeat>,
) -> Result<Vec<Settled>, Stopped> {
    let last = order.last().copied().unwrap_or_default();
    for _ in 0..TRIES {
        if let Some(repeat) = repeat
            && let Some(done) = repeat.before(rest).await.map_err(stopped(last))?
        {
            return Ok(done);
        }
        let outcome = decided(rest, (steps, order, reads)).await;
        let prepared = match outcome {
            Ok(prepared) => prepared,
            Err(stop) => {
                // The same Bundle may have been done while this one was looked at: then this is why it was refused.
                if let (Some(repeat), Failure::Refused(_)) = (repeat, &stop.failure)
                    && let Some(done) = repeat.before(rest).await.map_err(stopped(last))?
                {
                    return Ok(done);
                }
                told(rest, steps, &stop).await?;
                return Err(stop);
            }
        };
        match commit::commit(rest, &prepared, repeat).await {
            Ok(Committed::Done(settled)) => return Ok(settled),
            Ok(Committed::Beaten) => {}
            // The database does not say whose row it was.
            Err(failure) => return Err(stopped(last)(failure)),
        }
    }
    let why = "Too many equal requests at once.";
    Err(stopped(last)(Refusal::Unavailable(why).into()))
}

/// Who was sent away by which rule is told in the ledger, as it is for a request of its own.
async fn told(rest: &Rest<'_>, steps: &[Step], stop: &Stopped) -> Result<(), Stopped> {
    match (&stop.failure, steps.get(stop.index)) {
        (Failure::Refused(refusal), Some(Step::Write(_, what))) => {
            let told = write::refused(rest, (what.kind, what.target), refusal).await;
            told.map_err(stopped(stop.index))
        }
        _ => Ok(()),
    }
}

async fn decided(
    rest: &Rest<'_>,
    (steps, order, reads): (&[Step], &[usize], &[usize]),
) -> Result<Vec<Prepared>, Stopped> {
    let links = linked::links(rest, steps, order).await?;
    let mut prepared = Vec::with_capacity(order.len());
    for index in order {
        let Step::Write(entry, what) = &steps[*index] else {
            continue;
        };
        let mut entry = entry.clone();
        let rewritten = linked::resolved(rest, &mut entry, &links).await;
        rewritten.map_err(stopped(*index))?;
        let request = request(&entry, what).map_err(|refusal| stopped(*index)(refusal.into()))?;
        prepared.push(
            write::prepare(rest, request)
                .await
                .map_err(stopped(*index))?,
        );
    }
    for index in reads {
        if let Step::Read(entry, address) = &steps[*index] {
            let tried = looked(rest, entry, address).await;
            tried.map_err(stopped(*index))?;
        }
    }
    Ok(prepared)
}

/// Two entries about one record have no order between them (R4 http, 3.1.0.11.2).
fn apart(steps: &[Step]) -> Result<(), Stopped> {
    let (mut records, mut names, mut conditions) = (HashSet::new(), HashSet::new(), HashSet::new());
    for (index, step) in steps.iter().enumerate() {
        let Step::Write(entry, what) = step else {
            continue;
        };
        let record = match what.target {
            Target::Known(id) => records.insert((what.kind, id)),
            Target::New(_) => true,
        };
        let name = entry
            .full_url
            .as_ref()
            .is_none_or(|name| names.insert(name));
        let condition = match (&entry.if_none_exist, what.target) {
            (Some(query), Target::New(_)) => conditions.insert((what.kind, sorted(query))),
            _ => true,
        };
        if !(record && name && condition) {
            let why = "another entry is about the same record";
            let refusal = Refusal::invalid(format!("Bundle.entry[{index}]"), why);
            return Err(stopped(index)(refusal.into()));
        }
    }
    Ok(())
}

/// A query whose parameters are in one order.
fn sorted(query: &str) -> Vec<(String, String)> {
    let query = query.trim().trim_start_matches('?');
    let mut pairs: Vec<_> = form_urlencoded::parse(query.as_bytes())
        .into_owned()
        .collect();
    pairs.sort();
    pairs
}

/// What an entry asks for.
fn step(rest: &Rest<'_>, entry: Entry) -> Result<Step, Refusal> {
    let address = Address::read(&entry.url, rest.base)?;
    let path = address.path();
    let is_read = matches!(entry.method, Method::Get | Method::Head)
        || entry.method == Method::Post && address.is_operation();
    if is_read {
        return Ok(Step::Read(Box::new(entry), address));
    }
    let kind = path.first().and_then(|kind| ResourceType::of(kind));
    let kind = kind.ok_or(Refusal::NotFound)?;
    let (interaction, target) = match (entry.method, &path[1..]) {
        (Method::Post, []) => (
            Interaction::Create,
            Target::New(
                rest.new_id()
                    .map_err(|_| Refusal::Unavailable("No id could be made."))?,
            ),
        ),
        (Method::Put | Method::Patch, [id]) => {
            // Whether the type is open to this caller comes before whether there is such a record.
            rest.grant.reach(kind, Interaction::Update)?;
            let id = id.parse::<Uuid>().map_err(|_| Refusal::NotFound)?;
            (Interaction::Update, Target::Known(id))
        }
        _ => return Err(Refusal::NoMethod),
    };
    rest.grant.reach(kind, interaction)?;
    if !address.pairs.is_empty() {
        let why = "a write has no query: conditions are ifMatch and ifNoneExist";
        return Err(Refusal::invalid("request.url", why));
    }
    let if_match = entry.if_match.as_deref().map(version).transpose()?;
    let what = Write {
        kind,
        target,
        if_match,
    };
    Ok(Step::Write(Box::new(entry), what))
}

/// The request of an entry, its body as it would come alone.
fn request(entry: &Entry, what: &Write) -> Result<Request, Refusal> {
    let resource = entry.resource.as_ref().ok_or_else(|| {
        let why = "an entry that writes has a resource";
        Refusal::invalid("resource", why)
    })?;
    let payload = match entry.method {
        Method::Patch => Payload::Patch(patch(resource)?),
        _ => Payload::Resource(resource.to_string().into_bytes()),
    };
    let create = matches!(what.target, Target::New(_));
    Ok(Request {
        kind: what.kind,
        target: what.target,
        payload,
        if_match: what.if_match,
        if_none_exist: entry.if_none_exist.clone().filter(|_| create),
        booked: Booked::default(),
    })
}

/// A JSON Patch travels as a Binary (R4 http, 3.1.0.11.1).
fn patch(resource: &serde_json::Value) -> Result<Vec<u8>, Refusal> {
    let text = |name: &str| resource[name].as_str().unwrap_or_default();
    let is_patch = text("resourceType") == "Binary";
    let bytes = crate::crypto::from_base64(text("data"));
    match bytes.filter(|_| is_patch && text("contentType") == "application/json-patch+json") {
        Some(bytes) => Ok(bytes),
        None => {
            let why = "a patch is a Binary of contentType application/json-patch+json with the operations as data";
            Err(Refusal::invalid("resource", why))
        }
    }
}

/// `W/"<version>"`, as `If-Match` has it.
fn version(text: &str) -> Result<u64, Refusal> {
    let quoted = text.trim().trim_start_matches("W/");
    let inner = quoted
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'));
    match inner {
        // A version that is none of ours cannot be the present one.
        Some(version) => u64::from_str_radix(version, 16).map_err(|_| Refusal::Stale),
        None if quoted == "*" => Err(Refusal::Stale),
        None => {
            let why = "one version, such as W/\"0123456789abcdef\"";
            Err(Refusal::invalid("request.ifMatch", why))
        }
    }
}

/// A read, a search or an operation.
async fn looked(rest: &Rest<'_>, entry: &Entry, address: &Address) -> Answer<Answered> {
    let path = address.path();
    if entry.method == Method::Post {
        let takes = route::takes_resource(&path);
        let mut inputs = match &entry.resource {
            Some(resource) => inputs::of(resource.clone(), takes)?,
            None => inputs::Inputs::default(),
        };
        inputs.pairs.extend(address.pairs.iter().cloned());
        return route::operation(rest, &path, (Verb::Post, inputs)).await;
    }
    let conditions = Conditions {
        known: known(entry)?,
        handling: Handling::Lenient,
    };
    let mut answered = route::get(rest, &path, &address.pairs, &conditions).await?;
    if entry.method == Method::Head {
        answered.body = Vec::new();
    }
    Ok(answered)
}

fn known(entry: &Entry) -> Result<Known, Refusal> {
    let versions = entry.if_none_match.iter().flat_map(|text| text.split(','));
    let versions = versions.map(|one| one.trim().trim_start_matches("W/").trim_matches('"'));
    let since = entry.if_modified_since.as_ref().map(|text| {
        OffsetDateTime::parse(text, &Rfc3339).map_err(|_| {
            let why = "this is an instant, such as 2026-11-21T14:00:00Z";
            Refusal::invalid("request.ifModifiedSince", why)
        })
    });
    Ok(Known {
        versions: versions.map(str::to_owned).collect(),
        since: since.transpose()?,
    })
}
