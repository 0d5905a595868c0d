//! Create, update and patch: Ask, Case, Verdict, Permit, Record, in one transaction with the ledger. [`prepare`] decides
//! and writes nothing; [`commit`] writes what was prepared, be it one request or all of a transaction Bundle.

use std::sync::Mutex;

use serde_json::Map;
use serde_json::Value;
use uuid::Uuid;

use crate::db::Tx;
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
use crate::emr::writing::Written;
use crate::fhir;
use crate::fhir::ask;
use crate::fhir::ask::Role;
use crate::fhir::ask::Sent;
use crate::fhir::body;
use crate::fhir::body::Body;
use crate::fhir::patch;
use crate::portal;
use crate::portal::Change;
use crate::portal::Permit;
use crate::rest::How;
use crate::rest::Rest;
use crate::rest::condition;
use crate::rest::condition::Condition;
use crate::rest::condition::Found;
use crate::rest::repeat::Repeat;
use crate::store::changes;
use crate::store::changes::Replaced;
use crate::store::ledger;
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
    plan: Plan,
}

#[derive(Debug)]
enum Plan {
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
struct Write {
    permit: Permit,
    before: Option<Before>,
    method: &'static str,
    patient: Option<Uuid>,
    seen: Option<u64>,
    condition: Option<Condition>,
}

/// A record as it stands, and its JSON.
#[derive(Debug)]
struct Before {
    record: Record,
    bytes: Vec<u8>,
    json: Map<String, Value>,
}

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settled {
    /// The type of what is shown: that of the request, or Task.
    pub kind: ResourceType,
    /// Its id.
    pub id: Uuid,
    /// What it came to.
    pub how: How,
}

/// Whether everything was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Committed {
    /// Everything, in the order of what was prepared.
    Done(Vec<Settled>),
    /// Nothing: another request with the same `Idempotency-Key`, or the same `If-None-Exist`, was first. What is asked
    /// again finds what that one made.
    Beaten,
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
            (patched(rest, (kind, &bytes), (known, writable)).await?, "PATCH")
        }
    };
    let changed = body::changed(
        kind,
        (before.as_ref().map(|before| &before.json), &body.json),
        writable,
    )?;
    if before.is_none() && reach.filters().is_some_and(|lists| !body::fits(&body.json, lists)) {
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
    let ask = ask::of(sent, rest.base).map_err(Refusal::understood)?;
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

/// What a transaction looks at.
struct Work<'a> {
    rest: &'a Rest<'a>,
    all: &'a [Prepared],
    repeat: Option<&'a Repeat>,
    beaten: Mutex<bool>,
}

impl Work<'_> {
    /// Ends the transaction, and says that it is no failure.
    fn beaten(&self) -> Failure {
        match self.beaten.lock() {
            Ok(mut beaten) => *beaten = true,
            Err(poisoned) => *poisoned.into_inner() = true,
        }
        Refusal::Conflict("Another request was first.".to_owned()).into()
    }

    fn was_beaten(&self) -> bool {
        match self.beaten.lock() {
            Ok(beaten) => *beaten,
            Err(poisoned) => *poisoned.into_inner(),
        }
    }
}

/// Writes everything that was prepared in one transaction: what may happen once, the records, the states before, the
/// ledger. All of it or nothing.
///
/// # Errors
/// `Stale` where a record changed since `If-Match` was looked at, `Conflict` where it changed since the rules were.
pub async fn commit(
    rest: &Rest<'_>,
    all: &[Prepared],
    repeat: Option<&Repeat>,
) -> Answer<Committed> {
    let work = Work {
        rest,
        all,
        repeat,
        beaten: Mutex::new(false),
    };
    let done = rest
        .emr
        .db
        .transaction_about(&work, |work, tx| Box::pin(write_all(work, tx)))
        .await;
    match done {
        Ok(settled) => Ok(Committed::Done(settled)),
        Err(_) if work.was_beaten() => Ok(Committed::Beaten),
        Err(Failure::Refused(Refusal::Conflict(why))) => {
            match moved(rest, all).await? {
                true => Err(Refusal::Stale.into()),
                false => Err(Refusal::Conflict(why).into()),
            }
        }
        Err(failure) => Err(failure),
    }
}

/// Whether a record that was to be in the version of `If-Match` is in another one now.
async fn moved(rest: &Rest<'_>, all: &[Prepared]) -> Answer<bool> {
    for one in all {
        let Plan::Write(write) = &one.plan else {
            continue;
        };
        let Some(seen) = write.seen else { continue };
        let reach = rest.grant.reach(one.kind, Interaction::Update)?;
        match emr::read(rest.emr, &reach, one.id).await {
            Ok(record) if record.version() == seen => {}
            Ok(_) | Err(Failure::Refused(Refusal::NotFound)) => return Ok(true),
            Err(failure) => return Err(failure),
        }
    }
    Ok(false)
}

async fn write_all(work: &Work<'_>, tx: &mut Tx) -> Answer<Vec<Settled>> {
    // A transaction that is tried again begins anew.
    if let Some(repeat) = work.repeat
        && !repeat.claim(tx, work.rest).await?
    {
        return Err(work.beaten());
    }
    for one in work.all {
        if let Plan::Write(write) = &one.plan
            && let Some(condition) = &write.condition
            && !condition.claim(tx, (one.kind, one.id)).await?
        {
            return Err(work.beaten());
        }
    }
    let mut settled = Vec::with_capacity(work.all.len());
    for one in work.all {
        settled.push(match &one.plan {
            Plan::Existing => one.came_to(How::Existing),
            Plan::Waiting => one.came_to(How::Accepted),
            Plan::Unchanged => one.came_to(How::Updated),
            Plan::Write(write) => write_one(work.rest, tx, (one, write)).await?,
        });
    }
    if let Some(repeat) = work.repeat {
        repeat.settle(tx, &settled).await?;
    }
    Ok(settled)
}

async fn write_one(
    rest: &Rest<'_>,
    tx: &mut Tx,
    (one, write): (&Prepared, &Write),
) -> Answer<Settled> {
    let written = writing::apply(rest.emr, tx, &write.permit).await?;
    let (settled, waits) = match written {
        Written::Record(id) => {
            let how = match write.before {
                Some(_) => How::Updated,
                None => How::Created,
            };
            (Settled { kind: one.kind, id, how }, false)
        }
        Written::Review(id) => {
            let (kind, how) = (ResourceType::Task, How::Accepted);
            (Settled { kind, id, how }, true)
        }
    };
    let made = (settled.kind, settled.id);
    if let Some(condition) = &write.condition
        && made != (one.kind, one.id)
    {
        condition.settle(tx, made).await?;
    }
    if let (Some(before), false) = (&write.before, waits) {
        changes::add(tx, &replaced(rest, (one, write), before)).await?;
    }
    let mut entry = rest.entry(action(one, write), String::new());
    entry.resource = match waits {
        true => format!("{}/{}", one.kind.name(), one.id),
        false => format!("{}/{}", settled.kind.name(), settled.id),
    };
    entry.patient = write.patient.or(entry.patient);
    ledger::record(tx, &entry).await?;
    Ok(settled)
}

fn replaced(rest: &Rest<'_>, (one, write): (&Prepared, &Write), before: &Before) -> Replaced {
    let millis = |at: time::OffsetDateTime| {
        i64::try_from(at.unix_timestamp_nanos() / 1_000_000).unwrap_or_default()
    };
    Replaced {
        kind: one.kind,
        target: one.id,
        pid: before.record.person().map(|person| person.pid),
        version: fhir::version_id(&before.record),
        updated: before.record.last_updated().map(millis),
        body: String::from_utf8_lossy(&before.bytes).into_owned(),
        method: write.method,
        replaced: millis(rest.emr.now()),
        replaced_by: rest.grant.user().reference(),
        client_id: rest.grant.client_id().to_owned(),
    }
}

/// What the ledger calls it.
fn action(one: &Prepared, write: &Write) -> String {
    let verb = match (write.permit.change(), write.method) {
        (Change::Cancel { .. }, _) => "cancel",
        (_, "POST") => "create",
        (_, "PATCH") => "patch",
        _ => "update",
    };
    format!("{}.{verb}", one.kind.name())
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
    let Refusal::Rules(reasons) = refusal else {
        return Ok(());
    };
    let ids: Vec<&str> = reasons.iter().map(|reason| reason.id).collect();
    let name = kind.name();
    let cancel = ids.iter().all(|id| id.starts_with("cancel.") || *id == "portal.off");
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
    ledger::record_all(&rest.emr.db, &[entry]).await
}

impl Prepared {
    fn came_to(&self, how: How) -> Settled {
        Settled {
            kind: self.kind,
            id: self.id,
            how,
        }
    }
}
