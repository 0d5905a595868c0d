//! What `$hold` and `$book` write: from a wish to the writes of every Appointment, decided and committed together.

use serde_json::Value;
use serde_json::json;
use uuid::Uuid;

use super::KIND;
use super::held;
use super::id_of;
use super::whose;
use crate::domain::access::User;
use crate::domain::people::Person;
use crate::domain::records::Record;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Failure;
use crate::domain::refusal::Refusal;
use crate::domain::scope::Interaction;
use crate::emr;
use crate::emr::slots::offers;
use crate::fhir::inputs::Inputs;
use crate::portal::visit::Step;
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
use crate::store::ledger;
use crate::store::ledger::Outcome;

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

/// Reads a wish from what an operation is given; `id` is that of the address.
///
/// # Errors
/// `Invalid` at a parameter that is wrong, or says something else than another one.
pub(super) fn wish(rest: &Rest<'_>, inputs: &Inputs, id: Option<Uuid>) -> Result<Wish, Refusal> {
    if inputs.all("resource").next().is_some() {
        let why = "the Appointment is the body, or its parameter appt-resource";
        return Err(Refusal::invalid("resource", why));
    }
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
    let sent = inputs
        .resource
        .as_ref()
        .and_then(|sent| patient_of(rest, sent));
    let patient = match (named("patient-id", "Patient")?, sent) {
        (Some(one), Some(other)) if one != other => {
            let why = "this is not the patient of the Appointment";
            return Err(Refusal::invalid("patient-id", why));
        }
        (one, other) => one.or(other),
    };
    Ok(Wish {
        resource: inputs.resource.clone(),
        id,
        instead: named("cancelled-appt-id", "Appointment")?,
        patient,
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

/// Does what is wished: once, however often the same key comes.
///
/// # Errors
/// As [`write::prepare`] and [`commit::commit`].
pub(super) async fn done(
    rest: &Rest<'_>,
    (wish, step): (&Wish, Step),
    repeat: Option<&Repeat>,
) -> Answer<(Settled, Person)> {
    let reach = rest.grant.reach(KIND, Interaction::Create)?;
    let (person, _) = whose(rest, &reach, ("patient-id", wish.patient)).await?;
    match once(rest, wish, (person, step), repeat).await {
        Ok(settled) => Ok((settled, person)),
        Err(Failure::Refused(refusal)) => {
            // The same request may have been done while this one was looked at: then this is why it was refused.
            if let Some(repeat) = repeat
                && !write::is_of_the_key(&refusal)
                && let Some(before) = first(rest, repeat).await?
            {
                return Ok((before, person));
            }
            refused(rest, wish, (person, step), &refusal).await?;
            Err(refusal.into())
        }
        Err(broken) => Err(broken),
    }
}

async fn first(rest: &Rest<'_>, repeat: &Repeat) -> Answer<Option<Settled>> {
    let done = repeat.before(rest).await?;
    Ok(done.and_then(|done| done.into_iter().next_back()))
}

async fn once(
    rest: &Rest<'_>,
    wish: &Wish,
    (person, step): (Person, Step),
    repeat: Option<&Repeat>,
) -> Answer<Settled> {
    for _ in 0..TRIES {
        if let Some(repeat) = repeat
            && let Some(before) = first(rest, repeat).await?
        {
            return Ok(before);
        }
        let all = prepared(rest, wish, (person, step)).await?;
        if let Committed::Done(settled) = commit::commit(rest, &all, repeat).await?
            && let Some(last) = settled.into_iter().next_back()
        {
            return Ok(last);
        }
    }
    Err(Refusal::Unavailable("Too many equal requests at once.").into())
}

/// A no of the practice's rules is told in the ledger: what somebody wanted to do, and why not.
async fn refused(
    rest: &Rest<'_>,
    wish: &Wish,
    (person, step): (Person, Step),
    refusal: &Refusal,
) -> Answer<()> {
    let Refusal::Rules(reasons) = refusal else {
        return Ok(());
    };
    let ids: Vec<&str> = reasons.iter().map(|reason| reason.id).collect();
    let gives_up = ids.iter().all(|id| id.starts_with("cancel."));
    let name = KIND.name();
    let (verb, resource) = match (wish.instead.filter(|_| gives_up), step) {
        (Some(old), _) => ("cancel", format!("{name}/{old}")),
        (None, Step::Hold) => ("hold", name.to_owned()),
        (None, Step::Ask) => ("create", name.to_owned()),
    };
    let mut entry = rest.entry(format!("{name}.{verb}"), resource);
    entry.outcome = Outcome::Refused;
    entry.reason = ids.join(" ");
    entry.patient = Some(person.uuid);
    ledger::record_all(&rest.emr.db, &[entry]).await
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
    let named = match wish.id {
        Some(id) => Some(slot(rest, id, person).await?),
        None => None,
    };
    let mut body = match (&wish.resource, named) {
        (Some(Value::Object(sent)), _) => {
            let mut sent = sent.clone();
            for name in NOT_ASKED {
                sent.remove(name);
            }
            Value::Object(sent)
        }
        (Some(_), _) => return Err(Refusal::invalid("Appointment", "this is a JSON object").into()),
        (None, Some(slot)) => by_slot(rest, slot, person).await?,
        (None, None) => {
            let why = "name what $find or $hold answered with, or send appt-resource";
            return Err(Refusal::invalid("appt-id", why).into());
        }
    };
    if let Some(slot) = named {
        let said = body["slot"][0]["reference"].as_str();
        if said.is_some_and(|said| !said.ends_with(&slot.to_string())) {
            let why = "this is not the slot of the Appointment";
            return Err(Refusal::invalid("appt-id", why).into());
        }
        body["slot"] = json!([{"reference": format!("Slot/{slot}")}]);
    }
    body["status"] = json!(match rest.grant.user() {
        User::Patient(_) if body["status"] == "waitlist" => "waitlist",
        User::Patient(_) => "pending",
        User::Staff(_) | User::System => "booked",
    });
    if body.get("participant").is_none() {
        let said = body["slot"][0]["reference"].as_str();
        let slot = said.and_then(|said| said.rsplit('/').next()?.parse().ok());
        body["participant"] = match slot {
            Some(slot) => by_slot(rest, slot, person).await?["participant"].take(),
            None => json!([patient(person)]),
        };
    }
    if let Some(comment) = &wish.comment {
        body["comment"] = json!(comment);
    }
    Ok(body)
}

fn patient(person: Person) -> Value {
    let reference = format!("Patient/{}", person.uuid);
    json!({"actor": {"reference": reference}, "status": "accepted"})
}

/// What a Slot says: when, with whom, and where that is.
async fn by_slot(rest: &Rest<'_>, slot: Uuid, person: Person) -> Answer<Value> {
    let offer = offers::named_by(rest.emr, slot).await?;
    let place = offer.and_then(|offer| offer.location);
    let mut participants = vec![patient(person)];
    participants.extend(place.map(
        |(id, _)| json!({"actor": {"reference": format!("Location/{id}")}, "status": "accepted"}),
    ));
    Ok(json!({
        "resourceType": KIND.name(),
        "slot": [{"reference": format!("Slot/{slot}")}],
        "participant": participants,
    }))
}

/// The Slot behind an id: a proposal's is its Slot's, and what was held knows its own.
async fn slot(rest: &Rest<'_>, id: Uuid, person: Person) -> Answer<Uuid> {
    if offers::is_slot(rest.emr, id) {
        return Ok(id);
    }
    let hold = held(rest, person).await?.filter(|hold| hold.id == id);
    let slot = hold.and_then(|hold| offers::slot_of(rest.emr, &hold));
    let why = "this is nothing that is free or held: the hold may have ended";
    slot.ok_or_else(|| Refusal::invalid("appt-id", why).into())
}
