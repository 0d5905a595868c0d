//! `DocumentReference/$docref` (US Core 7.0.0): the documents of a patient by the dates of care and by type; without
//! either, the current summary of care, where the chart holds one. Nothing is put together on demand.

use crate::domain::ResourceType;
use crate::domain::records::Record;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Refusal;
use crate::domain::scope::Interaction;
use crate::fhir;
use crate::fhir::bundle;
use crate::fhir::inputs::Inputs;
use crate::fhir::inputs::Span;
use crate::fhir::subset::Subset;
use crate::rest::Answered;
use crate::rest::Rest;
use crate::rest::search;

/// A CCD: what is meant where nothing is said.
const SUMMARY: &str = "http://loinc.org|34133-9";

/// Documents in an answer at most.
const MOST: usize = 1_000;

const NAMES: [&str; 6] = ["patient", "start", "end", "type", "on-demand", "profile"];

/// The documents asked for, the newest first.
///
/// # Errors
/// `Forbidden` without a scope to search them, or for another patient than the token's; `Invalid` at a parameter, or at
/// `patient` where neither it nor the token says whose documents; `Unsupported` over 1,000 of them.
pub async fn docref(rest: &Rest<'_>, inputs: &Inputs) -> Answer<Answered> {
    let kind = ResourceType::DocumentReference;
    let reach = rest.grant.reach(kind, Interaction::Search)?;
    inputs.only("$docref", &NAMES)?;
    let patient = match (inputs.one("patient")?, reach.patient()) {
        (Some(named), _) => named.to_owned(),
        (None, Some(person)) => person.uuid.to_string(),
        (None, None) => match rest.grant.patient() {
            Some(person) => person.uuid.to_string(),
            None => {
                let why = "say whose documents: this token has no patient in context";
                return Err(Refusal::invalid("patient", why).into());
            }
        },
    };
    let span = Span::read(inputs, &rest.emr.zone, rest.emr.now())?;
    let on_demand = match inputs.one("on-demand")? {
        None | Some("false") => false,
        Some("true") => true,
        Some(_) => return Err(Refusal::invalid("on-demand", "this is true or false").into()),
    };
    let mut kinds: Vec<&str> = inputs.all("type").collect();
    let bare = kinds.is_empty() && span.is_open() && inputs.all("profile").next().is_none();
    if bare {
        kinds.push(SUMMARY);
    }
    let mut pairs = vec![("patient".to_owned(), patient)];
    if !kinds.is_empty() {
        pairs.push(("type".to_owned(), kinds.join(",")));
    }
    // Whose they are is asked first, whatever else there is to say.
    let mut found = search::matching(rest, kind, &pairs, MOST + 1).await?;
    if found.len() > MOST {
        let why = "More than 1,000 documents: narrow them by start, end or type.";
        return Err(Refusal::Unsupported(why.to_owned()).into());
    }
    let profiles: Vec<&str> = inputs.all("profile").collect();
    if on_demand || !profiles.is_empty() && !profiles.iter().any(|profile| is_ours(profile)) {
        found.clear();
    }
    found.retain(|record| match record {
        Record::DocumentReference(document) => {
            let (from, to) = match &document.about {
                Some(about) if about.start.is_some() => (about.start, about.end.or(about.start)),
                _ => (document.date, document.date),
            };
            span.meets(from, to)
        }
        _ => false,
    });
    let date = |record: &Record| match record {
        Record::DocumentReference(document) => document.date,
        _ => None,
    };
    found.sort_by(|one, other| date(other).cmp(&date(one)).then(one.id().cmp(&other.id())));
    if bare {
        found.truncate(1);
    }
    let links = bundle::Links {
        base: rest.base.url(),
        kind,
        pairs: &inputs.said(&NAMES),
        total: u32::try_from(found.len()).ok(),
        next: None,
    };
    let entries = bundle::Entries {
        matches: &found,
        included: &[],
        subset: &Subset::Whole,
        warnings: &[],
        reasons: &[],
    };
    let body = bundle::of_operation(&entries, &links, "DocumentReference/$docref")?;
    let mut answered = Answered::found(body);
    let mut note = rest.entry(
        "DocumentReference.docref".to_owned(),
        kind.name().to_owned(),
    );
    let about = reach.patient().map(|person| person.uuid);
    let named = found
        .first()
        .and_then(Record::person)
        .map(|person| person.uuid);
    note.patient = about.or(named).or(note.patient);
    answered.notes.push(note);
    Ok(answered)
}

/// The profile every document here has, with or without its version.
fn is_ours(profile: &str) -> bool {
    let url = profile.split('|').next().unwrap_or(profile);
    let served = fhir::served(ResourceType::DocumentReference);
    served.and_then(|served| served.profile) == Some(url)
}
