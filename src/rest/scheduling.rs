//! Argonaut Scheduling 1.0.1 on R4: `Appointment/$find` tells free time as proposed Appointments, `$hold` keeps one for a
//! while, `$book` asks for it or, with `cancelled-appt-id`, moves a visit there in one step. What is written goes the way
//! every write goes; a no is an OperationOutcome with the practice's reason, not an Appointment that says cancelled.

use serde_json::Value;
use serde_json::json;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::domain::ResourceType;
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
use crate::rest::How;
use crate::rest::Rest;
use crate::rest::commit;
use crate::rest::commit::Committed;
use crate::rest::commit::Settled;
use crate::rest::repeat::Repeat;
use crate::rest::write;
use crate::rest::write::Booked;
use crate::rest::write::Payload;
use crate::rest::write::Prepared;
use crate::rest::write::Request;
use crate::rest::write::Target;
use crate::store::holds;
use crate::store::holds::Hold;

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
const HOLD: [&str; 2] = ["appt-id", "resource"];

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

/// How often a request is decided anew where another one with the same `Idempotency-Key` was first.
const TRIES: u32 = 5;

/// What `$find` answers with, or what came of `$hold`, is sent back as it came: what a new visit is not asked with goes.
const NOT_ASKED: [&str; 7] = [
    "id",
    "meta",
    "text",
    "identifier",
    "specialty",
    "created",
    "extension",
];

/// A visit that is to be booked.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Wish {
    /// The Appointment as it was sent; `None` where `id` says it.
    pub resource: Option<Value>,
    /// A proposal of `$find`, which is a Slot, or what `$hold` answered with.
    pub id: Option<Uuid>,
    /// The visit that is given up for it.
    pub instead: Option<Uuid>,
    /// Whose visit, where that is not the caller's own.
    pub patient: Option<Uuid>,
    /// Words to the practice.
    pub comment: Option<String>,
}

/// `Appointment/$find`.
///
/// # Errors
/// `Forbidden` without a scope to search Appointments; `Invalid` at a parameter.
pub async fn find(rest: &Rest<'_>, inputs: &Inputs) -> Answer<Answered> {
    let reach = rest.grant.reach(KIND, Interaction::Search)?;
    inputs.only("$find", &FIND)?;
    let patient = inputs.one("patient-reference")?;
    let patient = patient.map(|text| id_of(rest, ("patient-reference", text), "Patient"));
    let (person, name) = whose(rest, patient.transpose()?).await?;
    if reach.within(person).is_none() {
        return Err(Refusal::Forbidden("The token is for another patient.").into());
    }
    let wanted = wanted(rest, inputs, person.pid)?;
    let found = offers::find(rest.emr, &reach, &wanted).await?;
    let records = found.offers.iter().map(|offer| {
        let visit = proposed(offer, (person, &name), (offer.slot.uuid, Status::Proposed));
        Record::Appointment(Box::new(visit))
    });
    let records: Vec<Record> = records.collect();
    let pairs = inputs.said(&FIND);
    let mut answered = told(rest, (&records, &found.reasons), ("$find", &pairs))?;
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
/// `Conflict` with the next free starts where the time is taken; `Rules` with every broken rule.
pub async fn hold(
    rest: &Rest<'_>,
    (inputs, id): (&Inputs, Option<Uuid>),
    repeat: Option<&Repeat>,
) -> Answer<(Answered, OffsetDateTime)> {
    inputs.only("$hold", &HOLD)?;
    let wish = wish(rest, inputs, id)?;
    let (person, name) = whose(rest, wish.patient).await?;
    once(rest, &wish, (person, Step::Hold), repeat).await?;
    let hold = held(rest, person).await?.ok_or(Refusal::NotFound)?;
    let reach = rest.grant.reach(KIND, Interaction::Create)?;
    let slot = offers::slot_of(rest.emr, &hold).ok_or(Refusal::NotFound)?;
    let offer = offers::named_by(rest.emr, &reach, slot).await?;
    let offer = offer.ok_or(Refusal::NotFound)?;
    let visit = proposed(&offer, (person, &name), (hold.id, Status::Pending));
    let records = [Record::Appointment(Box::new(visit))];
    let until = OffsetDateTime::from_unix_timestamp(hold.expires);
    let answered = told(rest, (&records, &[]), ("$hold", &[]))?;
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
    let wish = wish(rest, inputs, id)?;
    let settled = asked(rest, &wish, repeat).await?;
    // A scope that opens writing may not open reading.
    let records: Vec<Record> = match rest.grant.reach(KIND, Interaction::Read) {
        Ok(reach) => vec![emr::read(rest.emr, &reach, settled.id).await?],
        Err(_) => Vec::new(),
    };
    told(rest, (&records, &[]), ("$book", &[]))
}

/// Asks for a visit: what `$book` does, for the pages too.
///
/// # Errors
/// As [`book`].
pub async fn asked(rest: &Rest<'_>, wish: &Wish, repeat: Option<&Repeat>) -> Answer<Settled> {
    let (person, _) = whose(rest, wish.patient).await?;
    once(rest, wish, (person, Step::Ask), repeat).await
}

/// Holds a time: what `$hold` does, for the pages too.
///
/// # Errors
/// As [`hold`].
pub async fn kept(rest: &Rest<'_>, wish: &Wish) -> Answer<Settled> {
    let (person, _) = whose(rest, wish.patient).await?;
    once(rest, wish, (person, Step::Hold), None).await
}

/// What is held for a patient, and when it begins.
///
/// # Errors
/// As [`holds::of_patient`].
pub async fn held(rest: &Rest<'_>, person: Person) -> Answer<Option<Hold>> {
    let now = rest.emr.now().unix_timestamp();
    holds::of_patient(&rest.emr.db, person.pid, now).await
}

async fn once(
    rest: &Rest<'_>,
    wish: &Wish,
    (person, step): (Person, Step),
    repeat: Option<&Repeat>,
) -> Answer<Settled> {
    for _ in 0..TRIES {
        if let Some(repeat) = repeat
            && let Some(done) = repeat.before(rest).await?
            && let Some(last) = done.into_iter().next_back()
        {
            return Ok(last);
        }
        let all = match prepared(rest, wish, (person, step)).await {
            Ok(all) => all,
            Err(Failure::Refused(refusal)) => {
                let target = Target::New(Uuid::nil());
                write::refused(rest, (KIND, target), &refusal).await?;
                return Err(refusal.into());
            }
            Err(broken) => return Err(broken),
        };
        if let Committed::Done(settled) = commit::commit(rest, &all, repeat).await?
            && let Some(last) = settled.into_iter().next_back()
        {
            return Ok(last);
        }
    }
    Err(Refusal::Unavailable("Too many equal requests at once.").into())
}

/// What is given up, and then what is asked for.
async fn prepared(
    rest: &Rest<'_>,
    wish: &Wish,
    (person, step): (Person, Step),
) -> Answer<Vec<Prepared>> {
    let mut all = Vec::new();
    let mut booked = Booked {
        step,
        instead: None,
    };
    if let Some(old) = wish.instead {
        let reach = rest.grant.reach(KIND, Interaction::Update)?;
        let record = emr::read(rest.emr, &reach, old).await?;
        let Record::Appointment(visit) = record else {
            return Err(Refusal::NotFound.into());
        };
        if visit.person != person {
            let why = "this is another patient's visit";
            return Err(Refusal::invalid("cancelled-appt-id", why).into());
        }
        booked.instead = Some(visit.start);
        let ends = json!([{"op": "replace", "path": "/status", "value": "cancelled"}]);
        let given_up = Request {
            kind: KIND,
            target: Target::Known(old),
            payload: Payload::Patch(ends.to_string().into_bytes()),
            if_match: None,
            if_none_exist: None,
            booked: Booked::default(),
        };
        all.push(write::prepare(rest, given_up).await?);
    }
    let body = body(rest, wish, person).await?;
    let request = Request {
        kind: KIND,
        target: rest.target()?,
        payload: Payload::Resource(body.to_string().into_bytes()),
        if_match: None,
        if_none_exist: None,
        booked,
    };
    all.push(write::prepare(rest, request).await?);
    Ok(all)
}

/// The Appointment that is asked for, as it would be sent to `POST Appointment`.
async fn body(rest: &Rest<'_>, wish: &Wish, person: Person) -> Answer<Value> {
    let mut body = match &wish.resource {
        Some(Value::Object(sent)) => {
            let mut sent = sent.clone();
            for name in NOT_ASKED {
                sent.remove(name);
            }
            // The Slot says with whom, where and for how long; who takes part is said anew.
            if sent.contains_key("slot") {
                sent.remove("participant");
            }
            Value::Object(sent)
        }
        Some(_) => return Err(Refusal::invalid("Appointment", "this is a JSON object").into()),
        None => {
            let slot = slot(rest, wish.id, person).await?;
            json!({"resourceType": "Appointment", "slot": [{"reference": format!("Slot/{slot}")}]})
        }
    };
    body["status"] = json!(match rest.grant.user() {
        User::Patient(_) if body["status"] == "waitlist" => "waitlist",
        User::Patient(_) => "pending",
        User::Staff(_) | User::System => "booked",
    });
    if body.get("participant").is_none() {
        let patient = format!("Patient/{}", person.uuid);
        body["participant"] = json!([{"actor": {"reference": patient}, "status": "accepted"}]);
    }
    if let Some(comment) = &wish.comment {
        body["comment"] = json!(comment);
    }
    Ok(body)
}

/// The Slot behind an id: a proposal's is its Slot's, and what was held knows its own.
async fn slot(rest: &Rest<'_>, id: Option<Uuid>, person: Person) -> Answer<Uuid> {
    let wrong = |why: &str| Refusal::invalid("appt-id", why);
    let id =
        id.ok_or_else(|| wrong("name what $find or $hold answered with, or send appt-resource"))?;
    if offers::is_slot(rest.emr, id) {
        return Ok(id);
    }
    let hold = held(rest, person).await?.filter(|hold| hold.id == id);
    let slot = hold.and_then(|hold| offers::slot_of(rest.emr, &hold));
    slot.ok_or_else(|| {
        wrong("this is nothing that is free or held: the hold may have ended").into()
    })
}

fn wish(rest: &Rest<'_>, inputs: &Inputs, id: Option<Uuid>) -> Result<Wish, Refusal> {
    let named = |name: &'static str, kind: &str| {
        let text = inputs.one(name)?;
        text.map(|text| id_of(rest, (name, text), kind)).transpose()
    };
    let id = match (id, named("appt-id", "Appointment")?) {
        (Some(one), Some(other)) if one != other => {
            let why = "this is not the Appointment of the address";
            return Err(Refusal::invalid("appt-id", why));
        }
        (one, other) => one.or(other),
    };
    Ok(Wish {
        resource: inputs.resource.clone(),
        id,
        instead: named("cancelled-appt-id", "Appointment")?,
        patient: match named("patient-id", "Patient")? {
            Some(patient) => Some(patient),
            None => inputs
                .resource
                .as_ref()
                .and_then(|sent| patient_of(rest, sent)),
        },
        comment: inputs.one("comment")?.map(str::to_owned),
    })
}

/// The patient a resource names as taking part.
fn patient_of(rest: &Rest<'_>, sent: &Value) -> Option<Uuid> {
    let all = sent["participant"].as_array()?;
    let mut named = all
        .iter()
        .filter_map(|one| one["actor"]["reference"].as_str());
    named.find_map(|text| {
        let of_patient = text.contains("Patient/");
        of_patient.then(|| id_of(rest, ("participant", text), "Patient").ok())?
    })
}

/// Whose visit it is: the caller's own, the one named, or the one in context.
async fn whose(rest: &Rest<'_>, named: Option<Uuid>) -> Answer<(Person, String)> {
    let person = match (rest.grant.user(), named) {
        (User::Patient(person), None) => *person,
        (User::Patient(person), Some(named)) if named == person.uuid => *person,
        (User::Patient(_), Some(_)) => {
            return Err(Refusal::Forbidden("A patient asks for visits of their own.").into());
        }
        (User::Staff(_) | User::System, Some(named)) => {
            let found = persons::by_uuid(rest.emr, named).await?;
            found
                .ok_or_else(|| Refusal::invalid("patient-reference", "there is no such patient"))?
        }
        (User::Staff(_) | User::System, None) => rest.grant.patient().ok_or_else(|| {
            let why = "say for whom: this token has no patient in context";
            Refusal::invalid("patient-reference", why)
        })?,
    };
    let mut names = persons::names(rest.emr, &[person.pid]).await?;
    Ok((person, names.remove(&person.pid).unwrap_or_default()))
}

fn wanted(rest: &Rest<'_>, inputs: &Inputs, pid: i64) -> Result<Wanted, Refusal> {
    let span = Span::read(inputs, &rest.emr.zone, rest.emr.now())?;
    let (Some(from), Some(until)) = span.bounds() else {
        let why = "say between when and when";
        return Err(Refusal::invalid("start", why));
    };
    let ids = |name: &'static str, kind: &str| {
        let all = inputs.all(name);
        all.map(|text| id_of(rest, (name, text), kind))
            .collect::<Result<Vec<Uuid>, Refusal>>()
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

fn told(
    rest: &Rest<'_>,
    (records, reasons): (&[Record], &[Reason]),
    (operation, pairs): (&str, &[(String, String)]),
) -> Answer<Answered> {
    let links = bundle::Links {
        base: rest.base.url(),
        kind: KIND,
        pairs,
        total: u32::try_from(records.len()).ok(),
        next: None,
    };
    let entries = bundle::Entries {
        matches: records,
        included: &[],
        subset: &Subset::Whole,
        warnings: &[],
        reasons,
    };
    let body = bundle::of_operation(&entries, &links, &format!("Appointment/{operation}"))?;
    let mut answered = Answered::found(body);
    answered.how = How::Found;
    Ok(answered)
}
