//! Create, update and patch as far as the Permit: [`prepare`] decides on a request and writes nothing. What was prepared,
//! be it one request or all of a transaction Bundle, is written by [`crate::rest::commit`].

use serde_json::Map;
use serde_json::Value;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::domain::ResourceType;
use crate::domain::access::Reach;
use crate::domain::access::User;
use crate::domain::records::Record;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Failure;
use crate::domain::refusal::Refusal;
use crate::domain::scope::Interaction;
use crate::emr;
use crate::emr::writing;
use crate::fhir;
use crate::fhir::ask;
use crate::fhir::ask::Role;
use crate::fhir::ask::Sent;
use crate::fhir::body;
use crate::fhir::body::Body;
use crate::fhir::patch;
use crate::portal;
use crate::portal::Ask;
use crate::portal::Permit;
use crate::portal::visit::Step;
use crate::portal::visit::VisitAsk;
use crate::rest::Rest;
use crate::rest::condition;
use crate::rest::condition::Condition;
use crate::rest::condition::Found;
use crate::store::ledger;
use crate::store::ledger::Entry;
use crate::store::ledger::Outcome;

/// What is to be written.
#[derive(Clone, Debug)]
pub struct Request {
    /// The type of the address.
    pub kind: ResourceType,
    /// Which record.
    pub target: Target,
    /// The body.
    pub payload: Payload,
    /// The version of `If-Match`.
    pub if_match: Option<u64>,
    /// The query of `If-None-Exist`.
    pub if_none_exist: Option<String>,
    /// What a new visit comes to.
    pub booked: Booked,
}

/// What a new visit comes to (`Appointment/$hold` and `$book`); of every other record it says nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Booked {
    /// Whether it is asked for, or its time is held.
    pub step: Step,
    /// When the visit begins that is given up for it in the same transaction.
    pub instead: Option<OffsetDateTime>,
}

impl Default for Booked {
    fn default() -> Self {
        Self {
            step: Step::Ask,
            instead: None,
        }
    }
}

/// Which record is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// A new one, with the id it is to have where its table holds one.
    New(Uuid),
    /// This one.
    Known(Uuid),
}

/// A body as it came.
#[derive(Clone, Debug)]
pub enum Payload {
    /// A resource.
    Resource(Vec<u8>),
    /// A JSON Patch.
    Patch(Vec<u8>),
}

/// A request that was decided and may be written.
#[derive(Debug)]
pub struct Prepared {
    /// The type.
    pub kind: ResourceType,
    /// The id the record has, or is to have.
    pub id: Uuid,
    pub(super) plan: Plan,
}

#[derive(Debug)]
pub(super) enum Plan {
    /// `If-None-Exist` found it: nothing is written.
    Existing,
    /// What waits for review since an equal request: nothing is written. The Task's id stands in `Prepared`.
    Waiting,
    /// The record is as the request wants it: nothing is written.
    Unchanged,
    /// This is written.
    Write(Box<Write>),
}

#[derive(Debug)]
pub(super) struct Write {
    pub(super) permit: Permit,
    pub(super) before: Option<Before>,
    pub(super) method: &'static str,
    pub(super) patient: Option<Uuid>,
    pub(super) seen: Option<u64>,
    pub(super) condition: Option<Condition>,
}

/// A record as it stands, and its JSON.
#[derive(Debug)]
pub(super) struct Before {
    pub(super) record: Record,
    pub(super) bytes: Vec<u8>,
    json: Map<String, Value>,
}

/// Decides on a request. Nothing is written.
///
/// # Errors
/// `NoMethod` where nobody writes the type; `Forbidden` where the scope, or the user's role, does not open it;
/// `NotFound` for a record that is not there for this caller; `Stale`, `PreconditionRequired` and `Several` for the
/// conditions; `Invalid` for what is not JSON or about another record; `Unprocessable` at any other element that is
/// wrong or not the caller's to set; `Rules` with every broken rule.
pub async fn prepare(rest: &Rest<'_>, request: Request) -> Answer<Prepared> {
    let kind = request.kind;
    let served = fhir::served(kind).ok_or(Refusal::NotFound)?;
    let (interaction, lists) = match request.target {
        Target::New(_) => (Interaction::Create, served.create),
        Target::Known(_) => (Interaction::Update, served.update),
    };
    if let Target::Known(id) = request.target {
        unlocked(rest, kind, id).await?;
    }
    if lists.patient.is_empty() && lists.staff.is_empty() {
        return Err(Refusal::NoMethod.into());
    }
    let reach = rest.grant.reach(kind, interaction)?;
    let (role, writable) = match rest.grant.user() {
        User::Patient(person) => (Role::Patient(*person), lists.patient),
        User::Staff(_) | User::System => (Role::Staff, lists.staff),
    };
    if writable.is_empty() {
        let why = "This is not for the kind of user this token is for.";
        return Err(Refusal::Forbidden(why).into());
    }
    let condition = match (&request.if_none_exist, request.target) {
        (Some(query), Target::New(_)) => match condition::look(rest, kind, query).await? {
            Found::Existing(kind, id) => {
                let plan = match kind == request.kind {
                    true => Plan::Existing,
                    false => Plan::Waiting,
                };
                return Ok(Prepared { kind, id, plan });
            }
            Found::Free(condition) => Some(condition),
        },
        _ => None,
    };
    let (id, before) = match request.target {
        Target::New(id) => (id, None),
        Target::Known(id) => (id, Some(before(rest, &reach, id).await?)),
    };
    let seen = request.if_match;
    let version = before.as_ref().map(|before| before.record.version());
    if seen.is_some() && seen != version {
        return Err(Refusal::Stale.into());
    }
    let (body, method) = match request.payload {
        Payload::Resource(_) if before.is_some() && seen.is_none() => {
            return Err(Refusal::PreconditionRequired.into());
        }
        Payload::Resource(bytes) => {
            let body = body::read(&bytes, kind)?;
            if before.is_some() {
                body::same_id(&body, kind, id)?;
            }
            (body, if before.is_some() { "PUT" } else { "POST" })
        }
        Payload::Patch(bytes) => {
            let known = before.as_ref().ok_or(Refusal::NoMethod)?;
            (
                patched(rest, (kind, &bytes), (known, writable)).await?,
                "PATCH",
            )
        }
    };
    let changed = body::changed(
        kind,
        (before.as_ref().map(|before| &before.json), &body.json),
        writable,
    )?;
    if before.is_none()
        && reach
            .filters()
            .is_some_and(|lists| !body::fits(&body.json, lists))
    {
        let why = "The token's scope is cut to resources this one is none of.";
        return Err(Refusal::Forbidden(why).into());
    }
    // The rules have their own word for a visit that is cancelled already.
    if before.is_some() && changed.is_empty() && kind != ResourceType::Appointment {
        let plan = Plan::Unchanged;
        return Ok(Prepared { kind, id, plan });
    }
    let patient = match (&before, role) {
        (_, Role::Patient(person)) => Some(person.uuid),
        (Some(before), Role::Staff) => before.record.person().map(|person| person.uuid),
        (None, Role::Staff) => body::patient(kind, id, &body.json),
    };
    let sent = Sent {
        kind,
        id,
        role,
        seen,
        before: before.as_ref().map(|before| &before.record),
        resource: body.resource,
        changed,
    };
    let mut ask = ask::of(sent, rest.base).map_err(Refusal::understood)?;
    if let Ask::Visit(VisitAsk::Request(visit)) = &mut ask {
        visit.step = request.booked.step;
        visit.instead = request.booked.instead;
    }
    let case = writing::case(rest.emr, rest.grant, &reach, (ask, rest.rules)).await;
    let permit = portal::decide(case.map_err(Failure::understood)?).permit()?;
    let write = Write {
        permit,
        before,
        method,
        patient,
        seen,
        condition,
    };
    Ok(Prepared {
        kind,
        id,
        plan: Plan::Write(Box::new(write)),
    })
}

/// A form that is signed is not changed by anybody (F157), whatever of it could be.
async fn unlocked(rest: &Rest<'_>, kind: ResourceType, id: Uuid) -> Answer<()> {
    let forms = kind == ResourceType::DocumentReference;
    let reach = rest.grant.reach(kind, Interaction::Update);
    if let (true, Ok(reach)) = (forms, reach)
        && emr::forms::is_locked(rest.emr, &reach, id).await?
    {
        return Err(Refusal::Rules(portal::form::locked()).into());
    }
    Ok(())
}

/// The record as it stands under the reach of the update.
async fn before(rest: &Rest<'_>, reach: &Reach, id: Uuid) -> Answer<Before> {
    let record = super::read::or_gone(rest, reach, id).await?;
    let bytes = fhir::encode(&record, rest.base)?;
    let json = body::object(&bytes)?;
    Ok(Before {
        record,
        bytes,
        json,
    })
}

/// What a patch makes of the record. Where it looks at the record, the caller must be able to read it: a test that
/// fails tells as much as a read.
async fn patched(
    rest: &Rest<'_>,
    (kind, sent): (ResourceType, &[u8]),
    (before, writable): (&Before, &[&str]),
) -> Answer<Body> {
    let patch = patch::read(sent)?;
    if patch.looks() {
        let reach = rest.grant.reach(kind, Interaction::Read)?;
        emr::read(rest.emr, &reach, before.record.id()).await?;
    }
    let bytes = patch.applied(kind, before.json.clone(), writable)?;
    body::read(&bytes, kind).map_err(Failure::understood)
}

/// A refusal by the rules is told in the ledger too: who was sent away and why.
///
/// # Errors
/// As [`ledger::record_all`].
pub async fn refused(
    rest: &Rest<'_>,
    (kind, target): (ResourceType, Target),
    refusal: &Refusal,
) -> Answer<()> {
    match refusal_line(rest, (kind, target), refusal) {
        Some(entry) => ledger::record_all(&rest.emr.db, &[entry]).await,
        None => Ok(()),
    }
}

/// The ledger's line of a refusal by the rules; there is none of any other.
pub fn refusal_line(
    rest: &Rest<'_>,
    (kind, target): (ResourceType, Target),
    refusal: &Refusal,
) -> Option<Entry> {
    let Refusal::Rules(reasons) = refusal else {
        return None;
    };
    let ids: Vec<&str> = reasons.iter().map(|reason| reason.id).collect();
    let name = kind.name();
    let cancel = ids
        .iter()
        .all(|id| id.starts_with("cancel.") || *id == "portal-disabled");
    let (verb, resource) = match target {
        Target::New(_) => ("create", name.to_owned()),
        Target::Known(id) if cancel && kind == ResourceType::Appointment => {
            ("cancel", format!("{name}/{id}"))
        }
        Target::Known(id) => ("update", format!("{name}/{id}")),
    };
    let mut entry = rest.entry(format!("{name}.{verb}"), resource);
    entry.outcome = Outcome::Refused;
    entry.reason = ids.join(" ");
    Some(entry)
}

/// A key that was another request's stays refused.
pub fn is_of_the_key(refusal: &Refusal) -> bool {
    matches!(refusal, Refusal::Unprocessable { location, .. } if location == "Idempotency-Key")
}
