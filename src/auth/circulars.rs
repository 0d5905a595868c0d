//! A message to many as a job: each patient gets one of their own, by the rules of every message, in one transaction with the
//! line of the job. Whoever is cut off anywhere leaves it sent or not begun, and nobody gets it twice.

use uuid::Uuid;

use crate::auth::Context;
use crate::auth::desk;
use crate::auth::onboarding;
use crate::crypto;
use crate::db::Tx;
use crate::domain::ResourceType;
use crate::domain::access::Right;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Failure;
use crate::domain::refusal::Reason;
use crate::domain::refusal::Refusal;
use crate::domain::scope::Interaction;
use crate::emr::colleague;
use crate::emr::colleague::Colleague;
use crate::emr::mail::colleagues;
use crate::emr::persons;
use crate::emr::writing;
use crate::emr::writing::Rules;
use crate::emr::writing::Written;
use crate::portal;
use crate::portal::Ask;
use crate::portal::Permit;
use crate::portal::form::Policy;
use crate::portal::message::Body;
use crate::portal::message::Letter;
use crate::portal::message::MessageAsk;
use crate::store::circulars;
use crate::store::circulars::Circular;
use crate::store::grants;
use crate::store::jobs;
use crate::store::jobs::By;
use crate::store::jobs::Item;
use crate::store::jobs::Job;
use crate::store::jobs::Mark;
use crate::store::jobs::NewJob;
use crate::store::jobs::Wish;
use crate::store::ledger;
use crate::store::ledger::Entry;
use crate::store::ledger::Outcome;

/// What the ledger calls the beginning of one.
const ACTION: &str = "message.many";

/// What became of a patient who has the message.
pub const SENT: &str = "sent";

/// What the transaction of one line looks at.
struct Line<'l> {
    context: &'l Context<'l>,
    place: (Uuid, i64),
    mark: Mark,
    permit: Option<Permit>,
    entry: Option<Entry>,
}

/// Begins to send a message to patients, each once; the job. The same ticket begins none again.
///
/// # Errors
/// `Invalid` for nobody; otherwise as [`crate::db::Db::run`].
pub async fn start(
    context: &Context<'_>,
    (colleague, ticket): (&Colleague, &str),
    pids: Vec<i64>,
    circular: Circular,
) -> Answer<Uuid> {
    if pids.is_empty() {
        let why = "Nobody fits: nothing was sent.";
        return Err(Refusal::invalid("whom", why).into());
    }
    let mut bytes = [0; 16];
    context.entropy.fill(&mut bytes)?;
    let actor = desk::actor(colleague);
    let said = format!("{}\n{}", circular.title, circular.body);
    let asked = crypto::base64url(&crypto::sha256(said.as_bytes()));
    let job = NewJob {
        id: uuid::Builder::from_random_bytes(bytes).into_uuid(),
        ticket: crypto::fingerprint(&format!("{actor}\n{ticket}\n{asked}")),
        asked,
        wish: Wish::default(),
        by: By {
            staff: Some(colleague.staff.id),
            actor,
            request_id: context.request_id.to_owned(),
            ..By::default()
        },
        pids,
        created: context.seconds(),
    };
    let mut entry = context.entry(ACTION, Outcome::Success);
    entry.actor.clone_from(&job.by.actor);
    "Communication".clone_into(&mut entry.resource);
    entry.reason = format!("{} patients", job.pids.len());
    context
        .emr
        .db
        .transaction_about(&(job, circular, entry), |(job, circular, entry), tx| {
            Box::pin(async move {
                let id = jobs::add(tx, job).await?;
                if id == job.id {
                    circulars::add(tx, id, circular).await?;
                    ledger::record(tx, entry).await?;
                }
                Ok(id)
            })
        })
        .await
}

/// Sends it to some patients; false where its sender may not send any more or nobody knows what it said, which stops the job.
///
/// # Errors
/// As [`crate::db::Db::run`].
pub async fn slice(
    context: &Context<'_>,
    (job, lines): (&Job, &[Item]),
    circular: &Circular,
) -> Answer<bool> {
    let sender = match circular.body.is_empty() {
        // What it said is forgotten after a while.
        true => None,
        false => sender(context, &job.by).await?,
    };
    let Some(sender) = sender else {
        onboarding::stop(context, &job.by, job.id).await?;
        return Ok(false);
    };
    for line in lines {
        if let Err(failure) = one(context, (job, line), (&sender, circular)).await {
            onboarding::broke(context, (job, line), &failure).await?;
        }
    }
    Ok(true)
}

/// That a job may be begun again: an invitation always, a message to many while it is known what it said.
///
/// # Errors
/// `Conflict` where that is forgotten.
pub async fn again(context: &Context<'_>, job: Uuid) -> Answer<()> {
    match circulars::find(&context.emr.db, job).await? {
        Some(circular) if circular.body.is_empty() => {
            let why = "What this message said is not kept any more. Please write it anew.";
            Err(Refusal::Conflict(why.to_owned()).into())
        }
        _ => Ok(()),
    }
}

/// Whoever a job is of, with the rights of now; `None` where they may not send any more.
///
/// # Errors
/// As [`colleague::by_id`].
async fn sender(context: &Context<'_>, by: &By) -> Answer<Option<Colleague>> {
    let Some(staff) = by.staff else {
        return Ok(None);
    };
    if !colleagues::takes_part(context.emr, staff).await? {
        return Ok(None);
    }
    let found = colleague::by_id(context.emr, staff).await?;
    Ok(found.filter(|found| found.active && found.staff.has(Right::Notes)))
}

/// The rights of whoever made the job, as the database has them now: a service has those it was given.
pub(super) async fn still_may(context: &Context<'_>, by: &By) -> Answer<bool> {
    let Some(staff) = by.staff else {
        return Ok(true);
    };
    let found = colleague::by_id(context.emr, staff).await?;
    Ok(found.is_some_and(|found| found.active && found.staff.has(Right::Portal)))
}

/// Sends it to one patient, in one transaction that takes the line first.
///
/// # Errors
/// As [`crate::db::Db::run`].
async fn one(
    context: &Context<'_>,
    (job, line): (&Job, &Item),
    (sender, circular): (&Colleague, &Circular),
) -> Answer<()> {
    let mut about = Line {
        context,
        place: (job.id, line.number),
        mark: Mark::done(SENT),
        permit: None,
        entry: None,
    };
    match decided(context, line.pid, (sender, circular)).await {
        Ok((permit, patient)) => {
            let mut entry = context.entry("Communication.create", Outcome::Success);
            entry.actor.clone_from(&job.by.actor);
            entry.patient = Some(patient);
            about.permit = Some(permit);
            about.entry = Some(entry);
        }
        Err(Failure::Refused(refusal)) => about.mark = refused(refusal),
        Err(broken) => return Err(broken),
    }
    let db = &context.emr.db;
    db.transaction_about(&about, |about, tx| Box::pin(about.done(tx)))
        .await
}

async fn decided(
    context: &Context<'_>,
    pid: i64,
    (sender, circular): (&Colleague, &Circular),
) -> Answer<(Permit, Uuid)> {
    let person = persons::by_pid(context.emr, pid).await?;
    let person = person.ok_or(Refusal::NotFound)?;
    let grant = grants::at_desk(sender.staff.clone());
    let reach = grant.reach(ResourceType::Communication, Interaction::Create)?;
    let letter = Letter {
        patient: person.uuid,
        colleague: None,
        answered: None,
        title: circular.title.clone(),
        body: Body::Text(circular.body.clone()),
        topic: None,
        enclosed: Vec::new(),
    };
    let rules = Rules {
        cancel_notice: context.config.cancel_notice,
        auto_enable: context.config.accounts.auto_enable,
        forms: match context.config.automatic_forms {
            true => Policy::Automatic,
            false => Policy::Review,
        },
        reviews: context.config.reviews,
    };
    let ask = (Ask::Message(MessageAsk::Send(letter)), rules);
    let case = writing::case(context.emr, &grant, &reach, ask).await?;
    Ok((portal::decide(case).permit()?, person.uuid))
}

fn refused(refusal: Refusal) -> Mark {
    let told = |reason: &Reason| (reason.id.to_owned(), reason.text.clone());
    match refusal {
        Refusal::Rules(reasons) => Mark {
            outcome: reasons
                .first()
                .map_or("failed", |first| first.id)
                .to_owned(),
            reasons: reasons.iter().map(told).collect(),
        },
        _ => {
            let text = "This chart is not there any more.".to_owned();
            Mark {
                outcome: "not-found".to_owned(),
                reasons: vec![("not-found".to_owned(), text)],
            }
        }
    }
}

impl Line<'_> {
    async fn done(&self, tx: &mut Tx) -> Answer<()> {
        let now = self.context.seconds();
        if !jobs::claim(tx, self.place, &self.mark, now).await? {
            return Ok(());
        }
        let (Some(permit), Some(entry)) = (&self.permit, &self.entry) else {
            return Ok(());
        };
        let written = writing::apply(self.context.emr, tx, permit).await?;
        let mut entry = entry.clone();
        if let Written::Record(id) = written {
            entry.resource = format!("Communication/{id}");
        }
        ledger::record(tx, &entry).await
    }
}
