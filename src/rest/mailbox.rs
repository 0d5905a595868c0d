//! What the pages of messages do: the way of every write, without a body in FHIR's words. An app sends and marks the same
//! through `Communication`.

use std::sync::Mutex;

use uuid::Uuid;

use crate::db::Tx;
use crate::domain::ResourceType;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Failure;
use crate::domain::refusal::Fault;
use crate::domain::refusal::Refusal;
use crate::domain::scope::Interaction;
use crate::emr::writing;
use crate::emr::writing::Written;
use crate::portal;
use crate::portal::Ask;
use crate::portal::Permit;
use crate::portal::message::Letter;
use crate::portal::message::MessageAsk;
use crate::portal::message::Sort;
use crate::rest::How;
use crate::rest::Rest;
use crate::rest::commit;
use crate::rest::commit::Settled;
use crate::rest::repeat::Repeat;
use crate::rest::write;
use crate::rest::write::Target;
use crate::store::ledger;

const KIND: ResourceType = ResourceType::Communication;

/// What a transaction looks at.
struct Work<'a> {
    rest: &'a Rest<'a>,
    permit: &'a Permit,
    patient: Option<Uuid>,
    verb: &'static str,
    repeat: Option<&'a Repeat>,
    beaten: Mutex<bool>,
}

/// Sends a message; the FHIR id of the patient's copy. `ticket` is the form's: one that comes again sends nothing again.
///
/// # Errors
/// `Rules` with every broken rule; `Unprocessable` for what is not there for this caller.
pub async fn send(rest: &Rest<'_>, letter: Letter, ticket: &str) -> Answer<Uuid> {
    let repeat = Repeat::of(rest, ticket, &[b"message", letter.patient.as_bytes()])?;
    if let Some(sent) = before(rest, &repeat).await? {
        return Ok(sent);
    }
    let patient = letter.patient;
    let ask = MessageAsk::Send(letter);
    let about = (Target::New(patient), Some(patient));
    let permit = decided(rest, (Interaction::Create, ask), about).await?;
    let work = Work {
        rest,
        permit: &permit,
        patient: Some(patient),
        verb: "create",
        repeat: Some(&repeat),
        beaten: Mutex::new(false),
    };
    match written(&work).await? {
        Some(id) => Ok(id),
        None => {
            let sent = before(rest, &repeat).await?;
            Ok(sent
                .ok_or_else(|| Fault::new("sending a message", "it was sent and is not there"))?)
        }
    }
}

/// Does something with the own copies of a thread.
///
/// # Errors
/// `NotFound` where the own mailbox has no such copy.
pub async fn sort(rest: &Rest<'_>, sort: Sort, patient: Option<Uuid>) -> Answer<()> {
    let target = Target::Known(sort.message);
    let ask = MessageAsk::Sort(sort);
    let permit = decided(rest, (Interaction::Update, ask), (target, patient)).await?;
    let work = Work {
        rest,
        permit: &permit,
        patient,
        verb: "update",
        repeat: None,
        beaten: Mutex::new(false),
    };
    written(&work).await.map(|_| ())
}

/// What the form was sent for before.
async fn before(rest: &Rest<'_>, repeat: &Repeat) -> Answer<Option<Uuid>> {
    let done = repeat.before(rest).await?;
    Ok(done
        .and_then(|done| done.into_iter().next())
        .map(|settled| settled.id))
}

async fn decided(
    rest: &Rest<'_>,
    (interaction, ask): (Interaction, MessageAsk),
    (target, patient): (Target, Option<Uuid>),
) -> Answer<Permit> {
    let reach = rest.grant.reach(KIND, interaction)?;
    let ask = (Ask::Message(ask), rest.rules);
    let case = writing::case(rest.emr, rest.grant, &reach, ask).await?;
    match portal::decide(case).permit() {
        Ok(permit) => Ok(permit),
        Err(refusal) => {
            if let Some(mut line) = write::refusal_line(rest, (KIND, target), &refusal) {
                // At the desk the grant names nobody.
                line.patient = patient.or(line.patient);
                ledger::record_all(&rest.emr.db, &[line]).await?;
            }
            Err(refusal.into())
        }
    }
}

/// Writes it in one transaction; `None` where the same form was faster.
async fn written(work: &Work<'_>) -> Answer<Option<Uuid>> {
    let done = work
        .rest
        .emr
        .db
        .transaction_about(work, |work, tx| Box::pin(write(work, tx)))
        .await;
    match done {
        Ok(id) => {
            writing::settled(work.rest.emr, work.permit).await;
            Ok(Some(id))
        }
        Err(failure) => {
            writing::undo(work.rest.emr, work.permit).await;
            match work.was_beaten() {
                true => Ok(None),
                false => Err(failure),
            }
        }
    }
}

async fn write(work: &Work<'_>, tx: &mut Tx) -> Answer<Uuid> {
    if let Some(repeat) = work.repeat
        && !repeat.claim(tx, work.rest).await?
    {
        return Err(work.beaten());
    }
    let id = match writing::apply(work.rest.emr, tx, work.permit).await? {
        Written::Record(id) | Written::Review(id) => id,
    };
    if let Some(repeat) = work.repeat {
        let how = How::Created;
        let kind = KIND;
        repeat.settle(tx, &[Settled { kind, id, how }]).await?;
    }
    let name = KIND.name();
    let mut entry = work
        .rest
        .entry(format!("{name}.{}", work.verb), format!("{name}/{id}"));
    entry.patient = work.patient.or(entry.patient);
    ledger::record(tx, &entry).await?;
    commit::alongside(work.rest, tx, (work.permit, &entry)).await?;
    Ok(id)
}

impl Work<'_> {
    /// Ends the transaction, and says that it is no failure.
    fn beaten(&self) -> Failure {
        match self.beaten.lock() {
            Ok(mut beaten) => *beaten = true,
            Err(poisoned) => *poisoned.into_inner() = true,
        }
        Refusal::Conflict("The same form was first.".to_owned()).into()
    }

    fn was_beaten(&self) -> bool {
        match self.beaten.lock() {
            Ok(beaten) => *beaten,
            Err(poisoned) => *poisoned.into_inner(),
        }
    }
}
