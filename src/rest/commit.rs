//! Writing what was prepared: what may happen once, the records, the states before and the ledger, in one transaction.

use std::sync::Mutex;
use std::time::Duration;

use tokio::sync::MutexGuard;
use tokio::time::timeout;
use uuid::Uuid;

use crate::db::Tx;
use crate::domain::ResourceType;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Failure;
use crate::domain::refusal::Refusal;
use crate::domain::scope::Interaction;
use crate::emr;
use crate::emr::letting_in;
use crate::emr::writing;
use crate::emr::writing::Written;
use crate::fhir;
use crate::portal::Change;
use crate::portal::Permit;
use crate::portal::chart::ChartAsk;
use crate::portal::chart::Writer;
use crate::portal::form::FormChange;
use crate::portal::visit::Step;
use crate::portal::visit::VisitChange;
use crate::rest::How;
use crate::rest::Rest;
use crate::rest::repeat::Repeat;
use crate::rest::write::Before;
use crate::rest::write::Plan;
use crate::rest::write::Prepared;
use crate::rest::write::Write;
use crate::store::changes;
use crate::store::changes::Replaced;
use crate::store::ledger;
use crate::store::ledger::Entry;

/// How long somebody who books waits for others who do.
const PATIENCE: Duration = Duration::from_secs(10);

/// What the ledger calls it where a form is made, or made anew, on a page.
pub(super) const TEMPLATE: &str = "form.template";

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
    let _turn = match all.iter().filter_map(Prepared::permit).any(writing::books) {
        true => Some(turn(rest).await?),
        false => None,
    };
    let done = rest
        .emr
        .db
        .transaction_about(&work, |work, tx| Box::pin(write_all(work, tx)))
        .await;
    for permit in all.iter().filter_map(Prepared::permit) {
        match done {
            Ok(_) => writing::settled(rest.emr, permit).await,
            Err(_) => writing::undo(rest.emr, permit).await,
        }
    }
    match done {
        Ok(settled) => Ok(Committed::Done(settled)),
        Err(_) if work.was_beaten() => Ok(Committed::Beaten),
        Err(Failure::Refused(Refusal::Conflict(why))) => match moved(rest, all).await? {
            true => Err(Refusal::Stale.into()),
            false => Err(Refusal::Conflict(why).into()),
        },
        Err(failure) => Err(failure),
    }
}

/// The turn of this process, which is not waited for longer than a caller would.
async fn turn<'a>(rest: &Rest<'a>) -> Answer<MutexGuard<'a, ()>> {
    let turn = timeout(PATIENCE, rest.emr.turn.lock()).await;
    turn.map_err(|_| Refusal::Unavailable("Too many book at the same time.").into())
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
    let permits: Vec<&Permit> = work.all.iter().filter_map(Prepared::permit).collect();
    if permits.len() > 1 {
        writing::hold(tx, &permits).await?;
    }
    let mut settled = Vec::with_capacity(work.all.len());
    for one in work.all {
        settled.push(settle(work.rest, tx, one).await?);
    }
    if let Some(repeat) = work.repeat {
        repeat.settle(tx, &settled).await?;
    }
    Ok(settled)
}

/// Writes what was prepared in somebody else's transaction, which undoes it where it fails: a change of a record whose
/// Permit leaves nothing outside the database.
///
/// # Errors
/// `Conflict` where the record changed since the rules were looked at.
pub async fn within(rest: &Rest<'_>, tx: &mut Tx, one: &Prepared) -> Answer<()> {
    settle(rest, tx, one).await.map(|_| ())
}

async fn settle(rest: &Rest<'_>, tx: &mut Tx, one: &Prepared) -> Answer<Settled> {
    match &one.plan {
        Plan::Existing => Ok(one.came_to(How::Existing)),
        Plan::Waiting => Ok(one.came_to(How::Accepted)),
        Plan::Unchanged => Ok(one.came_to(How::Updated)),
        Plan::Write(write) => write_one(rest, tx, (one, write)).await,
    }
}

async fn write_one(
    rest: &Rest<'_>,
    tx: &mut Tx,
    (one, write): (&Prepared, &Write),
) -> Answer<Settled> {
    let written = writing::apply(rest.emr, tx, &write.permit).await?;
    if rest.rules.auto_enable
        && let (Change::Chart(chart), Written::Record(id)) = (write.permit.change(), &written)
        && matches!(
            (&chart.ask, &chart.writer),
            (ChartAsk::Open { .. }, Writer::Staff(..))
        )
    {
        letting_in::open(tx, *id).await?;
    }
    let (settled, waits) = match written {
        Written::Record(id) => {
            let how = match write.before {
                Some(_) => How::Updated,
                None => How::Created,
            };
            (
                Settled {
                    kind: one.kind,
                    id,
                    how,
                },
                false,
            )
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
    let mut entry = rest.entry(action(rest, one, write), String::new());
    entry.resource = match waits {
        true => format!("{}/{}", one.kind.name(), one.id),
        false => format!("{}/{}", settled.kind.name(), settled.id),
    };
    entry.patient = write.patient.or(entry.patient);
    entry.reason = signed(write);
    ledger::record(tx, &entry).await?;
    alongside(rest, tx, (&write.permit, &entry)).await?;
    Ok(settled)
}

/// The hash of what was signed, so that the sealed ledger has it too; empty for all else.
fn signed(write: &Write) -> String {
    let hash = match write.permit.change() {
        Change::Form(change) => match change.as_ref() {
            FormChange::Fill(case) => case.signing.as_ref().map(|signing| &signing.hash),
            _ => None,
        },
        _ => None,
    };
    hash.map_or_else(String::new, |hash| format!("sha3-512 {hash}"))
}

/// The ledger's lines of what went along with a record: each document that a message brought into the chart or showed to its
/// patient.
///
/// # Errors
/// As [`Tx::run`].
pub async fn alongside(
    rest: &Rest<'_>,
    tx: &mut Tx,
    (permit, entry): (&Permit, &Entry),
) -> Answer<()> {
    for (action, id) in writing::alongside(rest.emr, tx, permit).await? {
        let mut entry = entry.clone();
        entry.action = action.into();
        entry.resource = format!("{}/{id}", ResourceType::DocumentReference.name());
        ledger::record(tx, &entry).await?;
    }
    Ok(())
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
fn action(rest: &Rest<'_>, one: &Prepared, write: &Write) -> String {
    let verb = match (write.permit.change(), write.method) {
        (Change::Cancel { .. }, _) => "cancel",
        (Change::Visit(VisitChange::Book(booking)), _) if booking.case.ask.step == Step::Hold => {
            "hold"
        }
        (Change::Visit(VisitChange::Accept(_)), _) => "accept",
        (Change::Share(case), _) if case.ask.shared => "share",
        (Change::Share(_), _) => "unshare",
        (Change::Form(change), _) => match change.as_ref() {
            FormChange::Keep(_) if rest.grant.client_id().is_empty() => {
                return TEMPLATE.to_owned();
            }
            FormChange::Keep(_) if write.method == "PATCH" => "patch",
            FormChange::Keep(_) if write.before.is_some() => "update",
            FormChange::Keep(_) | FormChange::Put(_) => "create",
            FormChange::Fill(case) if case.signing.is_some() => "sign",
            FormChange::Fill(_) => "fill",
        },
        (_, "POST") => "create",
        (_, "PATCH") => "patch",
        _ => "update",
    };
    format!("{}.{verb}", one.kind.name())
}

impl Prepared {
    /// What it changes; nothing where there is nothing to write.
    pub fn change(&self) -> Option<&Change> {
        self.permit().map(Permit::change)
    }

    fn permit(&self) -> Option<&Permit> {
        match &self.plan {
            Plan::Write(write) => Some(&write.permit),
            Plan::Existing | Plan::Waiting | Plan::Unchanged => None,
        }
    }

    fn came_to(&self, how: How) -> Settled {
        Settled {
            kind: self.kind,
            id: self.id,
            how,
        }
    }
}
