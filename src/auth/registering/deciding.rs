//! What staff decide about registrations at the desk: let in or refuse who waits, and look at those whom the practice
//! seems to know already.

use uuid::Uuid;

use super::draft;
use crate::auth::Context;
use crate::auth::desk;
use crate::db::Tx;
use crate::domain::access::Right;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Refusal;
use crate::domain::tasks::Task;
use crate::domain::tasks::Work;
use crate::emr::colleague::Colleague;
use crate::emr::registering;
use crate::emr::registering::Known;
use crate::emr::registering::opening;
use crate::emr::registering::opening::Decided;
use crate::emr::registering::opening::Opened;
use crate::emr::registering::opening::Prepared;
use crate::emr::standing;
use crate::emr::standing::Which;
use crate::emr::tasks;
use crate::emr::writing;
use crate::portal;
use crate::portal::Case;
use crate::portal::chart::Writer;
use crate::portal::registration::draft::Draft;
use crate::portal::registration::draft::FIELDS;
use crate::portal::work::Decide;
use crate::portal::work::WorkAsk;
use crate::portal::work::WorkCase;
use crate::store::ledger;
use crate::store::ledger::Outcome;
use crate::store::registrations;
use crate::store::registrations::Registration;
use crate::store::registrations::Settled;
use crate::store::registrations::Status;

/// One registration as staff judge it.
#[derive(Clone, Debug, PartialEq)]
pub struct Waiting {
    /// The Task, or the registration where there is no chart yet.
    pub id: Uuid,
    /// The new chart's FHIR id; `None` where none was opened.
    pub chart: Option<Uuid>,
    /// Whether access waits for the decision; otherwise it is to be taken notice of.
    pub waits: bool,
    /// What was typed.
    pub draft: Draft,
    /// The names behind the ids of insurer and provider.
    pub names: [String; 2],
    /// When it was sent in, in seconds since 1970.
    pub sent: i64,
    /// Charts that have something in common with it.
    pub like: Vec<Known>,
}

/// How many registrations wait, for the desk's tile (F116).
///
/// # Errors
/// As [`crate::db::Db::all`].
pub async fn count(context: &Context<'_>) -> Answer<usize> {
    let waiting = tasks::waiting(context.emr, Work::Registration).await?;
    let known = registrations::duplicates(&context.emr.db, context.seconds()).await?;
    Ok(waiting.len() + known.len())
}

/// The registrations that wait, those of known people first. Looking is told in the ledger.
///
/// # Errors
/// As [`desk::need`].
pub async fn list(context: &Context<'_>, colleague: &Colleague) -> Answer<Vec<Waiting>> {
    desk::need(context, colleague, Right::Portal).await?;
    let emr = context.emr;
    let providers = registering::providers(emr).await?;
    let insurers = registering::insurance_companies(emr).await?;
    let mut all = Vec::new();
    for one in registrations::duplicates(&emr.db, context.seconds()).await? {
        let draft = draft(&one.fields);
        let insurer = insurers
            .iter()
            .find(|(id, _)| id.to_string() == draft.get("insurer"));
        let provider = providers
            .iter()
            .find(|one| one.id.to_string() == draft.get("provider"));
        all.push(Waiting {
            id: one.id,
            chart: None,
            waits: true,
            names: [
                insurer.map_or_else(String::new, |(_, name)| name.clone()),
                provider.map_or_else(String::new, |one| one.name.clone()),
            ],
            sent: one.submitted.unwrap_or(one.created),
            like: registering::known(emr, &draft).await?,
            draft,
        });
    }
    let tasks = tasks::waiting(emr, Work::Registration).await?;
    let pids: Vec<i64> = tasks.iter().map(|task| task.person.pid).collect();
    let charts = standing::find(emr, &Which::Pids(&pids)).await?;
    for task in tasks {
        let chart = charts.iter().find(|chart| chart.person == task.person);
        let waits = chart.is_some_and(|chart| chart.remembered.registered.is_some());
        let draft = told(&task);
        let mut like = registering::known(emr, &draft).await?;
        like.retain(|known| known.pid != task.person.pid);
        all.push(Waiting {
            id: task.uuid,
            chart: Some(task.person.uuid),
            waits,
            names: ["insurer", "provider"].map(|name| draft.get(name).to_owned()),
            sent: task
                .authored
                .map_or(0, time::OffsetDateTime::unix_timestamp),
            like,
            draft,
        });
    }
    let mut entry = context.entry("registration.list", Outcome::Success);
    entry.actor = desk::actor(colleague);
    ledger::record_all(&emr.db, &[entry]).await?;
    Ok(all)
}

/// What a Task says was typed.
fn told(task: &Task) -> Draft {
    let fields = FIELDS;
    let named = task.asked.iter().filter_map(|asked| {
        let field = fields.iter().find(|field| field.label == asked.element)?;
        Some((field.name, asked.after.as_str()))
    });
    Draft::of(named)
}

/// Lets in or refuses somebody who has a chart: the same step as `PUT Task/{id}`.
///
/// # Errors
/// `Rules` where it was decided already or the reason is missing; `NotFound` where nothing waits.
pub async fn decide(
    context: &Context<'_>,
    colleague: &Colleague,
    (id, decide, reason): (Uuid, Decide, &str),
) -> Answer<()> {
    desk::need(context, colleague, Right::Portal).await?;
    let waiting = tasks::waiting(context.emr, Work::Registration).await?;
    let task = waiting.into_iter().find(|task| task.uuid == id);
    let task = task.ok_or(Refusal::NotFound)?;
    let practice = context.emr.practice().await?;
    let mut entry = context.entry("registration.decide", Outcome::Success);
    entry.actor = desk::actor(colleague);
    entry.resource = format!("Task/{id}");
    entry.patient = Some(task.person.uuid);
    let ask = WorkAsk {
        task,
        decide,
        reason: reason.trim().chars().take(255).collect(),
        refused: Vec::new(),
        category: String::new(),
    };
    let writer = Writer::Staff(colleague.staff.id, colleague.staff.uuid);
    let portal_on = practice.globals.on("portal_onsite_two_enable");
    let case = Case::Work(WorkCase::of(ask, (writer, portal_on)));
    let work = (context, portal::decide(case).permit()?, entry);
    let db = &context.emr.db;
    db.transaction_about(&work, |(context, permit, entry), tx| {
        Box::pin(async move {
            writing::apply(context.emr, tx, permit).await?;
            ledger::record(tx, entry).await
        })
    })
    .await
}

struct Anyway<'a> {
    context: &'a Context<'a>,
    colleague: &'a Colleague,
    registration: Registration,
    prepared: Prepared,
}

/// Opens a chart for somebody who is like a known patient and is another person, such as a twin, and lets them in.
///
/// # Errors
/// `NotFound` where nobody such waits.
pub async fn open(context: &Context<'_>, colleague: &Colleague, id: Uuid) -> Answer<()> {
    desk::need(context, colleague, Right::Portal).await?;
    let registration = known(context, id).await?;
    let prepared = opening::prepare(context.emr, &draft(&registration.fields)).await?;
    let anyway = Anyway {
        context,
        colleague,
        registration,
        prepared,
    };
    let db = &context.emr.db;
    db.transaction_about(&anyway, |anyway, tx| Box::pin(opened(anyway, tx)))
        .await
}

async fn opened(anyway: &Anyway<'_>, tx: &mut Tx) -> Answer<()> {
    let (context, colleague) = (anyway.context, anyway.colleague);
    let about = (&anyway.registration, &anyway.prepared);
    let decided = Decided::AtDesk(colleague.staff.uuid);
    let mut entry = context.entry("registration.open", Outcome::Success);
    entry.actor = desk::actor(colleague);
    if let Opened::Chart(person) = opening::open(context.emr, tx, about, decided).await? {
        entry.resource = format!("Patient/{}", person.uuid);
        entry.patient = Some(person.uuid);
    }
    ledger::record(tx, &entry).await
}

/// Puts away the registration of somebody the practice does know; what was typed is forgotten.
///
/// # Errors
/// `NotFound` where nobody such waits.
pub async fn dismiss(context: &Context<'_>, colleague: &Colleague, id: Uuid) -> Answer<()> {
    desk::need(context, colleague, Right::Portal).await?;
    let registration = known(context, id).await?;
    let mut entry = context.entry("registration.dismiss", Outcome::Success);
    entry.actor = desk::actor(colleague);
    let settled = Settled {
        from: Status::Duplicate,
        to: Status::Dismissed,
        pid: registration.pid,
        fields: serde_json::json!({}),
        at: context.seconds(),
        expires: registration.expires,
    };
    let done = context
        .emr
        .db
        .transaction(|tx| {
            let (settled, entry) = (settled.clone(), entry.clone());
            Box::pin(async move {
                let done = registrations::settle(tx, id, &settled).await?;
                if done {
                    ledger::record(tx, &entry).await?;
                }
                Ok(done)
            })
        })
        .await?;
    Ok(done.then_some(()).ok_or(Refusal::NotFound)?)
}

async fn known(context: &Context<'_>, id: Uuid) -> Answer<Registration> {
    let found = registrations::find(&context.emr.db, id).await?;
    let known = found.filter(|one| one.status == Status::Duplicate);
    Ok(known.ok_or(Refusal::NotFound)?)
}
