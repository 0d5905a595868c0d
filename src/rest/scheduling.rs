//! Argonaut Scheduling 1.0.1 on R4: `Appointment/$find` tells free time as proposed Appointments, `$hold` keeps one for a
//! while, `$book` asks for it or, with `cancelled-appt-id`, moves a visit there in one step. What is written goes the way
//! every write goes; a no is an OperationOutcome with the practice's reason, not an Appointment that says cancelled.

mod booking;

use time::Duration;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::domain::ResourceType;
use crate::domain::access::Reach;
use crate::domain::access::User;
use crate::domain::people::Person;
use crate::domain::records::Record;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Failure;
use crate::domain::refusal::Reason;
use crate::domain::refusal::Refusal;
use crate::domain::scope::Interaction;
use crate::domain::scope::Token;
use crate::domain::visits::Appointment;
use crate::domain::visits::Status;
use crate::emr;
use crate::emr::persons;
use crate::emr::slots::offers;
use crate::emr::slots::offers::Offer;
use crate::emr::slots::offers::Offers;
use crate::emr::slots::offers::Wanted;
use crate::fhir::bundle;
use crate::fhir::inputs::Inputs;
use crate::fhir::inputs::Span;
use crate::fhir::subset::Subset;
use crate::portal::visit::Step;
use crate::rest::Answered;
use crate::rest::Rest;
use crate::rest::commit::Settled;
use crate::rest::repeat::Repeat;
use crate::store::holds;
use crate::store::holds::Hold;

pub use booking::Wish;

const KIND: ResourceType = ResourceType::Appointment;

/// What `$find` takes.
const FIND: [&str; 11] = [
    "start",
    "end",
    "specialty",
    "visit-type",
    "practitioner",
    "organization",
    "location-string",
    "location-reference",
    "patient-reference",
    "reason",
    "_count",
];

/// What `$hold` takes beside the resource.
const HOLD: [&str; 3] = ["appt-id", "patient-id", "resource"];

/// What `$book` takes beside the resource.
const BOOK: [&str; 5] = [
    "appt-id",
    "resource",
    "cancelled-appt-id",
    "patient-id",
    "comment",
];

/// Proposals in an answer, where nobody says how many, and at most.
const USUAL: usize = 50;
const MOST: usize = 200;

/// `Appointment/$find`.
///
/// # Errors
/// `Forbidden` without a scope to search Appointments; `Invalid` at a parameter.
pub async fn find(rest: &Rest<'_>, inputs: &Inputs) -> Answer<Answered> {
    let reach = rest.grant.reach(KIND, Interaction::Search)?;
    inputs.only("$find", &FIND)?;
    let patient = inputs.one("patient-reference")?;
    let patient = patient.map(|text| id_of(rest, ("patient-reference", text), "Patient"));
    let patient = ("patient-reference", patient.transpose()?);
    let (person, name) = whose(rest, &reach, patient).await?;
    let mut wanted = wanted(rest, inputs, person.pid)?;
    let count = wanted.count;
    // One more tells whether there are more.
    wanted.count += 1;
    let mut found = match count {
        0 => Offers::default(),
        _ => offers::find(rest.emr, &reach, &wanted).await?,
    };
    let more = found.offers.len() > count;
    found.offers.truncate(count);
    let records = found.offers.iter().map(|offer| {
        let visit = proposed(offer, (person, &name), (offer.slot.uuid, Status::Proposed));
        Record::Appointment(Box::new(visit))
    });
    let records: Vec<Record> = records.collect();
    let pairs = inputs.said(&FIND);
    let total = match count == 0 || more {
        true => None,
        false => Some(records.len()),
    };
    let said = Said {
        reasons: &found.reasons,
        total,
        ..Said::default()
    };
    let mut answered = told(rest, (&records, said), ("$find", &pairs))?;
    let mut note = rest.entry("Appointment.find".to_owned(), KIND.name().to_owned());
    note.patient = Some(person.uuid);
    answered.notes.push(note);
    Ok(answered)
}

/// Free time for the caller's own pages: the same as `$find`.
///
/// # Errors
/// As [`find`].
pub async fn offered(rest: &Rest<'_>, wanted: &Wanted) -> Answer<Offers> {
    let reach = rest.grant.reach(KIND, Interaction::Search)?;
    offers::find(rest.emr, &reach, wanted).await
}

/// `Appointment/$hold`: what is held, and until when.
///
/// # Errors
/// `Conflict` with the next free starts where the time is taken, and where an equal request's hold has ended; `Rules`
/// with every broken rule.
pub async fn hold(
    rest: &Rest<'_>,
    (inputs, id): (&Inputs, Option<Uuid>),
    repeat: Option<&Repeat>,
) -> Answer<(Answered, OffsetDateTime)> {
    inputs.only("$hold", &HOLD)?;
    let wish = booking::wish(rest, inputs, id)?;
    let (settled, person) = booking::done(rest, (&wish, Step::Hold), repeat).await?;
    let hold = held(rest, person).await?;
    let hold = hold.filter(|hold| hold.id == settled.id);
    let ended = || Refusal::Conflict("This hold has ended: hold the time again.".to_owned());
    let hold = hold.ok_or_else(ended)?;
    let slot = offers::slot_of(rest.emr, &hold).ok_or_else(ended)?;
    let offer = offers::named_by(rest.emr, slot).await?.ok_or_else(ended)?;
    let name = name_of(rest, person).await?;
    let visit = proposed(&offer, (person, &name), (hold.id, Status::Pending));
    let records = [Record::Appointment(Box::new(visit))];
    let until = OffsetDateTime::from_unix_timestamp(hold.expires);
    let said = Said {
        total: Some(1),
        ..Said::default()
    };
    let answered = told(rest, (&records, said), ("$hold", &[]))?;
    Ok((answered, until.unwrap_or_else(|_| rest.emr.now())))
}

/// `Appointment/$book`: the visit as it is now.
///
/// # Errors
/// As [`hold`]; nothing is given up where the new time cannot be had.
pub async fn book(
    rest: &Rest<'_>,
    (inputs, id): (&Inputs, Option<Uuid>),
    repeat: Option<&Repeat>,
) -> Answer<Answered> {
    inputs.only("$book", &BOOK)?;
    let wish = booking::wish(rest, inputs, id)?;
    let settled = asked(rest, &wish, repeat).await?;
    // A scope that opens writing may not open reading.
    let record = match rest.grant.reach(KIND, Interaction::Read) {
        Ok(reach) => match emr::read(rest.emr, &reach, settled.id).await {
            Ok(record) => Some(record),
            Err(Failure::Refused(Refusal::NotFound)) => None,
            Err(failure) => return Err(failure),
        },
        Err(_) => None,
    };
    let records: Vec<Record> = record.into_iter().collect();
    let unseen = ["Done. The token's scope does not open the result.".to_owned()];
    let said = Said {
        warnings: match records.is_empty() {
            true => &unseen,
            false => &[],
        },
        total: Some(records.len()),
        ..Said::default()
    };
    let mut answered = told(rest, (&records, said), ("$book", &[]))?;
    answered.location = Some(rest.base.of(KIND, settled.id));
    Ok(answered)
}

/// Asks for a visit: what `$book` does, for the pages too.
///
/// # Errors
/// As [`book`].
pub async fn asked(rest: &Rest<'_>, wish: &Wish, repeat: Option<&Repeat>) -> Answer<Settled> {
    let done = booking::done(rest, (wish, Step::Ask), repeat).await?;
    Ok(done.0)
}

/// Holds a time: what `$hold` does, for the pages too.
///
/// # Errors
/// As [`hold`].
pub async fn kept(rest: &Rest<'_>, wish: &Wish) -> Answer<Settled> {
    let done = booking::done(rest, (wish, Step::Hold), None).await?;
    Ok(done.0)
}

/// What is held for a patient, and when it begins.
///
/// # Errors
/// As [`holds::of_patient`].
pub async fn held(rest: &Rest<'_>, person: Person) -> Answer<Option<Hold>> {
    let now = rest.emr.now().unix_timestamp();
    holds::of_patient(&rest.emr.db, person.pid, now).await
}

/// Whose visit it is: the caller's own, the one named, or the one in context. Somebody the reach does not open is like
/// somebody who is not there.
async fn whose(
    rest: &Rest<'_>,
    reach: &Reach,
    (name, named): (&str, Option<Uuid>),
) -> Answer<(Person, String)> {
    let person = match (rest.grant.user(), named) {
        (User::Patient(person), None) => *person,
        (User::Patient(person), Some(named)) if named == person.uuid => *person,
        (User::Patient(_), Some(_)) => {
            return Err(Refusal::Forbidden("A patient asks for visits of their own.").into());
        }
        (User::Staff(_) | User::System, Some(named)) => {
            let found = persons::by_uuid(rest.emr, named).await?;
            let found = found.filter(|person| reach.within(*person).is_some());
            found.ok_or_else(|| Refusal::invalid(name, "there is no such patient"))?
        }
        (User::Staff(_) | User::System, None) => rest.grant.patient().ok_or_else(|| {
            let why = "say for whom: this token has no patient in context";
            Refusal::invalid(name, why)
        })?,
    };
    Ok((person, name_of(rest, person).await?))
}

async fn name_of(rest: &Rest<'_>, person: Person) -> Answer<String> {
    let mut names = persons::names(rest.emr, &[person.pid]).await?;
    Ok(names.remove(&person.pid).unwrap_or_default())
}

fn wanted(rest: &Rest<'_>, inputs: &Inputs, pid: i64) -> Result<Wanted, Refusal> {
    let span = Span::read(inputs, &rest.emr.zone, rest.emr.now())?;
    let (Some(from), Some(until)) = span.bounds() else {
        let why = "say between when and when";
        return Err(Refusal::invalid("start", why));
    };
    // A bare day counts whole; a moment is itself no part of what is looked at.
    let exact = inputs.one("end")?.is_some_and(|text| text.contains('T'));
    let until = match exact {
        true => until.checked_sub(Duration::SECOND).unwrap_or(until),
        false => until,
    };
    if until <= from {
        let why = "this comes after the start";
        return Err(Refusal::invalid("end", why));
    }
    let ids = |name: &'static str, kind: &str| {
        let all = inputs.all(name);
        let all = all.map(|text| id_of(rest, (name, text), kind));
        let mut ids = all.collect::<Result<Vec<Uuid>, Refusal>>()?;
        ids.sort_unstable();
        ids.dedup();
        Ok::<Vec<Uuid>, Refusal>(ids)
    };
    let tokens = |name: &'static str| inputs.all(name).map(Token::of).collect();
    let count = match inputs.one("_count")? {
        None => USUAL,
        Some(text) => text
            .parse()
            .map_err(|_| Refusal::invalid("_count", "this is a number"))?,
    };
    Ok(Wanted {
        from,
        until,
        providers: ids("practitioner", "Practitioner")?,
        locations: ids("location-reference", "Location")?,
        places: inputs.all("location-string").map(str::to_owned).collect(),
        organizations: ids("organization", "Organization")?,
        specialties: tokens("specialty"),
        categories: tokens("visit-type"),
        pid,
        count: count.min(MOST),
    })
}

/// The id of a reference: absolute on this base, relative, or bare.
fn id_of(rest: &Rest<'_>, (name, text): (&str, &str), kind: &str) -> Result<Uuid, Refusal> {
    let local = text.strip_prefix(rest.base.url()).unwrap_or(text);
    let local = local.trim_start_matches('/');
    let id = local.strip_prefix(&format!("{kind}/")).unwrap_or(local);
    id.parse().map_err(|_| {
        let why = format!("this is a reference such as {kind}/[id]");
        Refusal::invalid(name, why)
    })
}

/// Free time, or time that is held, as an Appointment.
fn proposed(
    offer: &Offer,
    (person, name): (Person, &str),
    (uuid, status): (Uuid, Status),
) -> Appointment {
    let slot = &offer.slot;
    Appointment {
        uuid,
        person,
        patient_name: name.to_owned(),
        status,
        mark: String::new(),
        category: slot.service.clone(),
        start: slot.start,
        end: slot.end,
        providers: vec![offer.practitioner.clone()],
        specialties: Some(slot.specialty.clone())
            .filter(|words| !words.is_empty())
            .into_iter()
            .collect(),
        location: offer.location.clone(),
        comment: String::new(),
        created: None,
        series: false,
        offered: false,
        slot: Some(slot.uuid),
    }
}

/// What is said beside the records.
#[derive(Default)]
struct Said<'a> {
    reasons: &'a [Reason],
    warnings: &'a [String],
    total: Option<usize>,
}

fn told(
    rest: &Rest<'_>,
    (records, said): (&[Record], Said<'_>),
    (operation, pairs): (&str, &[(String, String)]),
) -> Answer<Answered> {
    let links = bundle::Links {
        base: rest.base.url(),
        kind: KIND,
        pairs,
        total: said.total.and_then(|total| u32::try_from(total).ok()),
        next: None,
    };
    let entries = bundle::Entries {
        matches: records,
        included: &[],
        subset: &Subset::Whole,
        warnings: said.warnings,
        reasons: said.reasons,
    };
    let body = bundle::of_operation(&entries, &links, &format!("Appointment/{operation}"))?;
    Ok(Answered::found(body))
}
