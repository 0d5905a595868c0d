//! What comes along with a page: what its records refer to, and what refers to them. All of it within the caller's own
//! reach for each type; what that does not open is not there, and nothing says so.

use std::collections::HashSet;

use uuid::Uuid;

use crate::domain::ResourceType;
use crate::domain::access::Reach;
use crate::domain::query::Query;
use crate::domain::records::Record;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Failure;
use crate::domain::refusal::Refusal;
use crate::domain::scope::Interaction;
use crate::emr::origins;
use crate::fhir::matching;
use crate::fhir::parameter::Indexed;
use crate::fhir::search::Handling;
use crate::fhir::search::Include;
use crate::fhir::search::Search;
use crate::rest::Rest;
use crate::rest::records;
use crate::rest::search;

/// Records that come along with a page at most.
const MOST: usize = 500;

/// Rounds in which what was included includes more.
const ROUNDS: usize = 3;

/// What comes along.
#[derive(Debug, Default)]
pub struct Along {
    /// The records, each once and none that was searched for.
    pub records: Vec<Record>,
    /// What is to be said about them.
    pub warning: Option<String>,
}

/// What is on the page already, so that nothing is there twice.
type Seen = HashSet<(ResourceType, Uuid)>;

/// What comes along with these records.
///
/// # Errors
/// `Unsupported` for a `_revinclude` across patients that is not served; a fault of the EMR.
pub async fn along(
    rest: &Rest<'_>,
    reach: &Reach,
    asked: &Search,
    matches: &[Record],
) -> Answer<Along> {
    let mut along = Along::default();
    if matches.is_empty() || asked.includes.is_empty() && asked.revincludes.is_empty() {
        return Ok(along);
    }
    let own = |record: &Record| (record.kind(), record.id());
    let mut seen: Seen = matches.iter().map(own).collect();
    let mut fresh = 0..0;
    for round in 0..ROUNDS {
        let sources = match round {
            0 => matches,
            _ => along.records.get(fresh.clone()).unwrap_or_default(),
        };
        if sources.is_empty() {
            break;
        }
        let mut found = forward(rest, (asked, round), sources, &mut seen).await?;
        found.extend(reverse(rest, (reach, asked, round), sources, &mut seen).await?);
        fresh = along.records.len()..along.records.len() + found.len();
        along.records.append(&mut found);
        if along.records.len() > MOST {
            along.records.truncate(MOST);
            let why = "Not everything is included: a page comes with at most 500 other resources.";
            along.warning = Some(why.to_owned());
            break;
        }
    }
    Ok(along)
}

/// What these records refer to: one statement for each type.
async fn forward(
    rest: &Rest<'_>,
    (asked, round): (&Search, usize),
    sources: &[Record],
    seen: &mut Seen,
) -> Answer<Vec<Record>> {
    let mut wanted: Vec<(ResourceType, Vec<Uuid>)> = Vec::new();
    let includes = asked.includes.iter();
    for include in includes.filter(|include| round == 0 || include.iterate) {
        let theirs = sources.iter().filter(|one| one.kind() == include.source);
        for (kind, id) in theirs.flat_map(|record| references(include, record)) {
            let other = include.target.is_some_and(|target| target != kind);
            if other || !seen.insert((kind, id)) {
                continue;
            }
            match wanted.iter_mut().find(|(known, _)| *known == kind) {
                Some((_, ids)) => ids.push(id),
                None => wanted.push((kind, vec![id])),
            }
        }
    }
    let mut found = Vec::new();
    for (kind, ids) in wanted {
        found.extend(opened(rest, kind, ids).await?);
    }
    Ok(found)
}

/// The records of these ids that the caller may read.
async fn opened(rest: &Rest<'_>, kind: ResourceType, mut ids: Vec<Uuid>) -> Answer<Vec<Record>> {
    let Ok(reach) = rest.grant.reach(kind, Interaction::Read) else {
        return Ok(Vec::new());
    };
    if let Some(only) = reach.only() {
        // No more than the user's own record: asked for alone, or not at all.
        ids.retain(|id| *id == only);
    }
    ids.truncate(MOST + 1);
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let query = Query {
        count: u32::try_from(ids.len()).unwrap_or(u32::MAX),
        ids: Some(ids),
        ..Query::default()
    };
    shown(
        records::find(rest, &reach, &query)
            .await
            .map(|page| page.records),
    )
}

/// A refusal is nothing to include; breakage is breakage.
fn shown(found: Answer<Vec<Record>>) -> Answer<Vec<Record>> {
    match found {
        Err(Failure::Refused(_)) => Ok(Vec::new()),
        other => other,
    }
}

/// What refers to these records.
async fn reverse(
    rest: &Rest<'_>,
    (reach, asked, round): (&Reach, &Search, usize),
    sources: &[Record],
    seen: &mut Seen,
) -> Answer<Vec<Record>> {
    let mut found = Vec::new();
    let includes = asked.revincludes.iter();
    for include in includes.filter(|include| round == 0 || include.iterate) {
        let aims = |record: &&Record| include.reaches(record.kind());
        let targets: Vec<&Record> = sources.iter().filter(aims).collect();
        if targets.is_empty() {
            continue;
        }
        let theirs = match include.source {
            ResourceType::Provenance if include.parameter.name == "target" => {
                provenance(rest, &targets).await?
            }
            _ => referring(rest, (reach, asked), include, &targets).await?,
        };
        let new = |record: &Record| seen.insert((record.kind(), record.id()));
        found.extend(theirs.into_iter().filter(new));
    }
    Ok(found)
}

/// Where these records come from: made of the records themselves.
async fn provenance(rest: &Rest<'_>, targets: &[&Record]) -> Answer<Vec<Record>> {
    let Ok(reach) = rest
        .grant
        .reach(ResourceType::Provenance, Interaction::Read)
    else {
        return Ok(Vec::new());
    };
    let mine = |record: &&&Record| {
        let patient = reach.patient();
        patient.is_none() || record.person() == patient
    };
    let targets: Vec<Record> = targets
        .iter()
        .filter(mine)
        .map(|one| (*one).clone())
        .collect();
    origins::of(rest.emr, &targets).await
}

/// The records of one patient that refer to these, or of the practice where they are nobody's.
async fn referring(
    rest: &Rest<'_>,
    (reach, asked): (&Reach, &Search),
    include: &Include,
    targets: &[&Record],
) -> Answer<Vec<Record>> {
    let kind = include.source;
    // What comes in this way was searched for and is shown: both are needed.
    let opened = rest.grant.reach(kind, Interaction::Read);
    let (Ok(_), Ok(theirs)) = (opened, rest.grant.reach(kind, Interaction::Search)) else {
        return Ok(Vec::new());
    };
    let mut search = search::parsed(rest, &theirs, &[], Handling::Strict)?;
    if kind.in_patient_compartment() && theirs.patient().is_none() {
        let mut people = targets.iter().filter_map(|record| record.person());
        let first = people.next();
        let one = first.filter(|first| people.all(|person| person == *first));
        let named = reach.patient().or(one).map(|person| person.uuid);
        search.query.patient = named.or(asked.query.patient);
        if search.query.patient.is_none() {
            return Err(Refusal::Unsupported(format!(
                "{}:{} is included for one patient at a time: name the patient.",
                kind.name(),
                include.parameter.name
            ))
            .into());
        }
    }
    let all = search::gathered(rest, &theirs, &search, usize::MAX).await?;
    let ids: HashSet<(ResourceType, Uuid)> =
        targets.iter().map(|one| (one.kind(), one.id())).collect();
    let refers = |record: &Record| {
        references(include, record)
            .iter()
            .any(|one| ids.contains(one))
    };
    Ok(all.into_iter().filter(refers).take(MOST + 1).collect())
}

/// What a record refers to by the parameter of an include.
fn references(include: &Include, record: &Record) -> Vec<(ResourceType, Uuid)> {
    let values = matching::values(include.parameter, record).into_iter();
    let reference = |value| match value {
        Indexed::Reference(kind, id) => Some((kind, id)),
        _ => None,
    };
    values.filter_map(reference).collect()
}
