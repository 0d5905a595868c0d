//! `Patient/[id]/$everything`: the patient, everything in the compartment that the token opens, type after type, and on
//! each page the practitioners, organizations and places its records refer to.

use std::collections::BTreeMap;
use std::collections::HashSet;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use uuid::Uuid;

use crate::domain::ResourceType;
use crate::domain::access::Reach;
use crate::domain::query::Cursor;
use crate::domain::query::Query;
use crate::domain::records::Record;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Failure;
use crate::domain::refusal::Refusal;
use crate::domain::scope::Interaction;
use crate::fhir;
use crate::fhir::bundle;
use crate::fhir::inputs::Inputs;
use crate::fhir::inputs::Span;
use crate::fhir::matching;
use crate::fhir::page_link;
use crate::fhir::page_link::PageState;
use crate::fhir::parameter::Indexed;
use crate::fhir::subset::Subset;
use crate::rest::Answered;
use crate::rest::Rest;
use crate::rest::read;
use crate::rest::records;

/// Records on a page where the client does not say, and at most.
const COUNT: (u32, u32) = (50, 200);

/// Records looked through for one page at most: dates are compared here, and a page may come with fewer records than
/// were asked for, or none, and a link to go on.
const MOST_LOOKED_THROUGH: usize = 1_000;

/// How long a paging link works, in seconds.
const PAGE_LIFE: i64 = 3600;

/// What comes along with a page.
const ALONG: [ResourceType; 3] = [
    ResourceType::Practitioner,
    ResourceType::Organization,
    ResourceType::Location,
];

/// The search parameters that tell when care was given, of the types that have one: the others are there whatever
/// the dates (R4 patient-operation-everything).
const CARE: [(ResourceType, &str); 6] = [
    (ResourceType::Appointment, "date"),
    (ResourceType::Communication, "sent"),
    (ResourceType::DocumentReference, "date"),
    (ResourceType::Encounter, "date"),
    (ResourceType::Coverage, "period"),
    (ResourceType::AuditEvent, "date"),
];

const NAMES: [&str; 6] = ["start", "end", "_since", "_type", "_count", "_page"];

/// What is wanted.
struct Wanted {
    span: Span,
    since: Option<OffsetDateTime>,
    kinds: Option<Vec<ResourceType>>,
    count: u32,
}

/// Where a page begins: the place of the type, and where in it.
type Start = (usize, Option<Cursor>);

/// What was found for a page, and where the next one begins.
struct Found {
    records: Vec<Record>,
    next: Option<Start>,
}

/// One page.
///
/// # Errors
/// As a read of the patient; `Forbidden` for a type of `_type` that the token does not open; `Invalid` at a parameter.
pub async fn everything(rest: &Rest<'_>, id: &str, inputs: &Inputs) -> Answer<Answered> {
    let reach = rest.grant.reach(ResourceType::Patient, Interaction::Read)?;
    inputs.only("$everything", &NAMES)?;
    let id = id.parse::<Uuid>().map_err(|_| Refusal::NotFound)?;
    let (inputs, start) = continued(rest, id, inputs)?;
    let wanted = wanted(rest, &inputs)?;
    let patient = read::or_gone(rest, &reach, id).await?;
    let is_first = start == (0, None);
    let found = found(rest, &patient, (&wanted, start)).await?;
    let included = along(rest, &wanted, &found.records).await?;
    let path = format!("Patient/{id}/$everything");
    let pairs: Vec<(String, String)> = inputs.pairs;
    let whole = is_first && found.next.is_none();
    let total = u32::try_from(found.records.len()).ok().filter(|_| whole);
    let next = found.next.map(|next| {
        let state = page_state(rest, id, (&pairs, next));
        let link = page_link::seal(&state, rest.page_key);
        format!("{}/{path}?_page={link}", rest.base.url())
    });
    let links = bundle::Links {
        base: rest.base.url(),
        kind: ResourceType::Patient,
        pairs: &pairs,
        total,
        next,
    };
    let entries = bundle::Entries {
        matches: &found.records,
        included: &included,
        subset: &Subset::Whole,
        warnings: &[],
        reasons: &[],
    };
    let mut answered = Answered::found(bundle::of_operation(&entries, &links, &path)?);
    let mut note = rest.entry("Patient.everything".to_owned(), format!("Patient/{id}"));
    note.patient = Some(id);
    answered.notes.push(note);
    Ok(answered)
}

fn wanted(rest: &Rest<'_>, inputs: &Inputs) -> Result<Wanted, Refusal> {
    let since = inputs.one("_since")?.map(|text| {
        // A plus sign in a query means a blank.
        OffsetDateTime::parse(&text.replace(' ', "+"), &Rfc3339).map_err(|_| {
            let why = "this is an instant, such as 2026-11-21T14:00:00Z";
            Refusal::invalid("_since", why)
        })
    });
    let mut kinds: Option<Vec<ResourceType>> = None;
    for name in inputs.all("_type").flat_map(|text| text.split(',')) {
        let kind = ResourceType::of(name.trim());
        let kind = kind.filter(|kind| order().contains(kind) || ALONG.contains(kind));
        let kind = kind.ok_or_else(|| {
            let why =
                "this is a list of types of a patient's record, such as Appointment,Encounter";
            Refusal::invalid("_type", why)
        })?;
        opened(rest, kind)?;
        kinds.get_or_insert_default().push(kind);
    }
    let count = match inputs.one("_count")? {
        None => COUNT.0,
        Some(text) => {
            let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            // More digits than a number has are still a number, and cut to the most there is.
            let count = digits.then(|| text.parse::<u32>().unwrap_or(u32::MAX));
            let why = "this is a whole number, 1 or more";
            let count = count.filter(|count| *count > 0);
            count
                .ok_or_else(|| Refusal::invalid("_count", why))?
                .min(COUNT.1)
        }
    };
    Ok(Wanted {
        span: Span::read(inputs, &rest.emr.zone, rest.emr.now())?,
        since: since.transpose()?,
        kinds,
        count,
    })
}

/// The types of a compartment in the order of what is served. A Binary is asked for by the id of its document.
fn order() -> Vec<ResourceType> {
    let all = ResourceType::ALL.into_iter();
    all.filter(|kind| kind.in_patient_compartment() && *kind != ResourceType::Binary)
        .collect()
}

/// What is shown was searched for and can be read: both are needed, except for the patient, who was named.
fn opened(rest: &Rest<'_>, kind: ResourceType) -> Result<Reach, Refusal> {
    let read = rest.grant.reach(kind, Interaction::Read)?;
    match kind == ResourceType::Patient || ALONG.contains(&kind) {
        true => Ok(read),
        false => rest.grant.reach(kind, Interaction::Search),
    }
}

/// The records of a page.
async fn found(
    rest: &Rest<'_>,
    patient: &Record,
    (wanted, start): (&Wanted, Start),
) -> Answer<Found> {
    let (first, mut after) = start;
    let mut found = Found {
        records: Vec::new(),
        next: None,
    };
    let mut looked = 0;
    for (place, kind) in order().into_iter().enumerate().skip(first) {
        let within = after.take();
        if wanted
            .kinds
            .as_ref()
            .is_some_and(|kinds| !kinds.contains(&kind))
        {
            continue;
        }
        if kind == ResourceType::Patient {
            found
                .records
                .extend(Some(patient.clone()).filter(|one| is_wanted(one, wanted)));
            continue;
        }
        let Ok(reach) = opened(rest, kind) else {
            continue;
        };
        let mut query = Query {
            patient: Some(patient.id()),
            after: within,
            ..Query::default()
        };
        loop {
            let room = wanted
                .count
                .saturating_sub(u32::try_from(found.records.len()).unwrap_or(u32::MAX));
            if room == 0 || looked >= MOST_LOOKED_THROUGH {
                found.next = Some((place, query.after));
                return Ok(found);
            }
            query.count = room;
            let page = match records::find(rest, &reach, &query).await {
                Ok(page) => page,
                // A type that cannot be looked through for this patient has nothing to show.
                Err(Failure::Refused(refusal)) if refusal.is_absence() => break,
                Err(broken) => return Err(broken),
            };
            looked += page.records.len();
            let fitting = page
                .records
                .into_iter()
                .filter(|one| is_wanted(one, wanted));
            found.records.extend(fitting);
            match page.next {
                Some(next) => query.after = Some(next),
                None => break,
            }
        }
    }
    Ok(found)
}

/// Whether a record lies in the dates. What has no date cannot be outside of them.
fn is_wanted(record: &Record, wanted: &Wanted) -> bool {
    let older = |since| record.last_updated().is_some_and(|at| at < since);
    if wanted.since.is_some_and(older) {
        return false;
    }
    let care = CARE.into_iter().find(|(kind, _)| *kind == record.kind());
    let Some((_, name)) = care.filter(|_| !wanted.span.is_open()) else {
        return true;
    };
    let served = fhir::served(record.kind());
    let mut parameters = served.into_iter().flat_map(|served| served.parameters);
    let Some(parameter) = parameters.find(|known| known.name == name) else {
        return true;
    };
    let values = matching::values(parameter, record);
    let dates: Vec<_> = values
        .iter()
        .filter_map(|value| match value {
            Indexed::Date(from, to) => Some((*from, *to)),
            _ => None,
        })
        .collect();
    dates.is_empty()
        || dates
            .into_iter()
            .any(|(from, to)| wanted.span.meets(from, to))
}

/// What the records of a page refer to, each once, as far as the token opens it: one statement for each type.
async fn along(rest: &Rest<'_>, wanted: &Wanted, page: &[Record]) -> Answer<Vec<Record>> {
    let mut named: BTreeMap<usize, HashSet<Uuid>> = BTreeMap::new();
    for record in page {
        let served = fhir::served(record.kind());
        for parameter in served.into_iter().flat_map(|served| served.parameters) {
            for value in matching::values(parameter, record) {
                let Indexed::Reference(kind, id) = value else {
                    continue;
                };
                if let Some(place) = ALONG.iter().position(|one| *one == kind) {
                    named.entry(place).or_default().insert(id);
                }
            }
        }
    }
    let mut found = Vec::new();
    for (place, ids) in named {
        let kind = ALONG[place];
        let unwanted = wanted
            .kinds
            .as_ref()
            .is_some_and(|kinds| !kinds.contains(&kind));
        let Ok(reach) = opened(rest, kind) else {
            continue;
        };
        let mut ids: Vec<Uuid> = ids.into_iter().collect();
        ids.sort_unstable();
        if let Some(only) = reach.only() {
            ids.retain(|id| *id == only);
        }
        if unwanted || ids.is_empty() {
            continue;
        }
        let query = Query {
            count: u32::try_from(ids.len()).unwrap_or(u32::MAX),
            ids: Some(ids),
            ..Query::default()
        };
        match records::find(rest, &reach, &query).await {
            Ok(page) => found.extend(page.records),
            Err(Failure::Refused(refusal)) if refusal.is_absence() => {}
            Err(broken) => return Err(broken),
        }
    }
    Ok(found)
}

/// The parameters, and where the page begins: a link stands alone, it carries what it continues.
fn continued(rest: &Rest<'_>, id: Uuid, inputs: &Inputs) -> Result<(Inputs, Start), Refusal> {
    let Some(link) = inputs.one("_page")? else {
        let used = Inputs {
            pairs: inputs.said(&NAMES),
            resource: None,
        };
        return Ok((used, (0, None)));
    };
    let holder = page_link::holder(rest.grant);
    let now = rest.emr.now();
    let state = page_link::open(link, &holder, (ResourceType::Patient, now), rest.page_key)?;
    let start = started(&state.cursor, id).ok_or_else(|| {
        let why = "this is not a link of this record: follow the next link as it is";
        Refusal::invalid("_page", why)
    })?;
    let inputs = Inputs {
        pairs: state.pairs,
        resource: None,
    };
    Ok((inputs, start))
}

fn page_state(rest: &Rest<'_>, id: Uuid, (pairs, next): (&[(String, String)], Start)) -> PageState {
    let (place, within) = next;
    // A row below 0 stands for the beginning of the type.
    let (key, row) = within.map_or((String::new(), -1), |within| (within.key, within.row));
    PageState {
        holder: page_link::holder(rest.grant),
        kind: ResourceType::Patient,
        pairs: pairs.to_vec(),
        cursor: Cursor {
            key: format!("everything {id}\u{1f}{place}\u{1f}{row}\u{1f}{key}"),
            row: 0,
        },
        expires: rest.emr.now().unix_timestamp() + PAGE_LIFE,
    }
}

fn started(cursor: &Cursor, id: Uuid) -> Option<Start> {
    let mut parts = cursor.key.splitn(4, '\u{1f}');
    let whose = parts.next()? == format!("everything {id}");
    let place: usize = parts.next()?.parse().ok()?;
    let row: i64 = parts.next()?.parse().ok()?;
    let key = parts.next()?.to_owned();
    // Cursors of types that are put together of others have rows below 0 too, but never without a key.
    let within = (row >= 0 || !key.is_empty()).then_some(Cursor { key, row });
    whose.then_some((place, within))
}
