//! Invitations: to one patient, and to many as a job. What is done for one is one transaction, which for a job begins with
//! the job's own line: whoever is killed in the middle leaves nothing behind, and whoever comes next does what is left.

use time::Duration;
use uuid::Uuid;

use crate::auth::Context;
use crate::auth::accounts;
use crate::auth::accounts::Hand;
use crate::auth::accounts::Invited;
use crate::auth::accounts::Once;
use crate::auth::accounts::With;
use crate::auth::circulars;
use crate::config::accounts::Factor;
use crate::crypto;
use crate::db::Tx;
use crate::domain::accounts::Post;
use crate::domain::accounts::Standing;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Failure;
use crate::domain::refusal::Reason;
use crate::domain::refusal::Refusal;
use crate::emr::letting_in;
use crate::emr::letting_in::Access;
use crate::emr::standing;
use crate::emr::standing::Which;
use crate::portal::account;
use crate::portal::account::AccountCase;
use crate::portal::rules;
use crate::store::accounts as memory;
use crate::store::accounts::Mark;
use crate::store::circulars as letters;
use crate::store::jobs;
use crate::store::jobs::By;
use crate::store::jobs::Item;
use crate::store::jobs::Job;
use crate::store::jobs::NewJob;
use crate::store::jobs::Status;
use crate::store::jobs::Wish;
use crate::store::ledger;
use crate::store::ledger::Entry;
use crate::store::ledger::Outcome;
use crate::store::outbox::Letter;

/// Patients of one job at most.
pub const MOST: usize = 200_000;

/// Lines done between two looks at the lease and at the rights of whoever made the job.
const SLICE: u32 = 20;

/// How long a job is in one hand: a replica that was killed is followed after this.
const LEASE: Duration = Duration::seconds(15);

/// How often a line may break, and how long it, or the job, is left alone after each time, in seconds.
const TRIES: i64 = 5;
const PAUSE: i64 = 20;

/// A letter that was not sent because another one was, a while ago.
pub const RECENTLY: &str = "skipped-recently";

/// What a letter is called where it is told what went out (F096).
pub fn code(letter: Letter) -> &'static str {
    match letter {
        Letter::Reset => "reset-sent",
        _ => "invited",
    }
}

/// What keeps a patient from getting a letter, each thing once: the rules of letting in where that is wanted, those of
/// letters, and those of what the letter is for, so that no letter leads nowhere.
pub fn unmet(case: &AccountCase, wish: Wish) -> Vec<Reason> {
    let mut case = case.clone();
    case.attested = wish.attested;
    // Somebody who registered is let in where registrations are decided.
    let opens =
        wish.enable && !case.standing.allowed && case.standing.remembered.registered.is_none();
    let mut broken = Vec::new();
    if opens {
        broken = rules::broken(account::ENABLE, &case);
        case.standing.allowed = true;
    }
    let purpose = match case.standing.is_set_up() {
        true => account::RESET,
        false => account::CREDENTIAL,
    };
    for list in [account::LETTER, purpose] {
        broken.extend(rules::broken(list, &case));
    }
    let mut all: Vec<Reason> = Vec::new();
    for reason in broken {
        if all.iter().all(|known| known.id != reason.id) {
            all.push(reason);
        }
    }
    all
}

/// Invites one patient, or sends a reset; at once, however often they were invited before.
///
/// # Errors
/// `Rules` with everything that is missing; otherwise as [`crate::db::Db::run`].
pub async fn invite(
    context: &Context<'_>,
    (hand, post): (&Hand, Post),
    standing: &Standing,
    wish: Wish,
) -> Answer<Invited> {
    let sent = invite_once(context, (hand, post), standing, (wish, None)).await?;
    sent.ok_or_else(|| Refusal::Conflict("This was asked before.".to_owned()).into())
}

/// The same for a request that may come again; `None` where it was answered before.
///
/// # Errors
/// As [`invite`].
pub async fn invite_once(
    context: &Context<'_>,
    (hand, post): (&Hand, Post),
    standing: &Standing,
    (wish, once): (Wish, Option<&Once>),
) -> Answer<Option<Invited>> {
    let with = With {
        once,
        alongside: None,
    };
    if let Some(once) = once
        && once.was_before(context).await?
    {
        return Ok(None);
    }
    let case = accounts::case(context, standing.clone(), post).await?;
    let broken = unmet(&case, wish);
    if !broken.is_empty() {
        ledger::record_all(
            &context.emr.db,
            &[refused(context, (hand, standing), &broken)],
        )
        .await?;
        return Err(Refusal::Rules(broken).into());
    }
    let about = (context, standing, hand, with);
    context
        .emr
        .db
        .transaction_about(&about, |(context, standing, hand, with), tx| {
            Box::pin(async move {
                if !Once::begins(with.once, context, tx).await? {
                    return Ok(None);
                }
                let sent = send(context, tx, (standing, hand), wish).await?;
                with.writes(tx, standing).await?;
                Ok(Some(sent))
            })
        })
        .await
}

async fn let_in(
    context: &Context<'_>,
    tx: &mut Tx,
    (standing, hand): (&Standing, &Hand),
    wish: Wish,
) -> Answer<()> {
    let pid = standing.person.pid;
    if !letting_in::switch(tx, pid, Access::On).await? {
        return Ok(());
    }
    if wish.attested {
        let mark = Mark::Attested(context.seconds(), hand.actor.clone());
        memory::remember(tx, pid, &mark).await?;
    }
    let entry = hand.entry(context, ("portal.enable", Outcome::Success), standing);
    ledger::record(tx, &entry).await
}

async fn send(
    context: &Context<'_>,
    tx: &mut Tx,
    (standing, hand): (&Standing, &Hand),
    wish: Wish,
) -> Answer<Invited> {
    if wish.enable && !standing.allowed {
        let_in(context, tx, (standing, hand), wish).await?;
    }
    accounts::invite(context, tx, standing, hand).await
}

fn refused(
    context: &Context<'_>,
    (hand, standing): (&Hand, &Standing),
    broken: &[Reason],
) -> Entry {
    let mut entry = hand.entry(context, ("portal.invite", Outcome::Refused), standing);
    let ids: Vec<&str> = broken.iter().map(|reason| reason.id).collect();
    entry.reason = ids.join(" ");
    entry
}

/// Whether letters can go to many at once: not where each has a PIN that somebody has to read out.
///
/// # Errors
/// `Conflict` with what to do instead.
pub fn many(context: &Context<'_>) -> Result<(), Refusal> {
    match context.config.accounts.invite_factor {
        Factor::Pin => Err(Refusal::Conflict(
            "Each invitation has a PIN here that you read out (invite_factor = \"pin\"): invite one patient at a time."
                .to_owned(),
        )),
        Factor::BirthDate | Factor::None => Ok(()),
    }
}

/// What makes two requests the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ticket {
    /// A number of the form or the request, such as its `Idempotency-Key`.
    pub number: String,
    /// Everything that was asked for under it.
    pub asked: Vec<u8>,
}

/// Makes a job; the one that was made with the same `ticket` before, where there is one. Who asks is
/// part of the ticket.
///
/// # Errors
/// `Invalid` for nobody, `TooLarge` for too many, `Conflict` as [`many`], `Unprocessable` where the ticket was used for
/// something else; otherwise as [`crate::db::Db::run`].
pub async fn start(
    context: &Context<'_>,
    (by, ticket): (&By, &Ticket),
    pids: Vec<i64>,
    wish: Wish,
) -> Answer<Uuid> {
    many(context)?;
    if pids.is_empty() {
        return Err(Refusal::invalid("patient", "nobody was chosen").into());
    }
    if pids.len() > MOST {
        return Err(Refusal::TooLarge("A job has at most 200,000 patients.").into());
    }
    let mut bytes = [0; 16];
    context.entropy.fill(&mut bytes)?;
    let job = NewJob {
        id: uuid::Builder::from_random_bytes(bytes).into_uuid(),
        ticket: crypto::fingerprint(&format!(
            "{}\n{}\n{}",
            by.actor, by.client_id, ticket.number
        )),
        asked: crypto::base64url(&crypto::sha256(&ticket.asked)),
        wish,
        by: By {
            request_id: context.request_id.to_owned(),
            ..by.clone()
        },
        pids,
        created: context.seconds(),
    };
    let mut entry = entry(context, &job.by, "portal.job");
    entry.reason = format!("{} patients", job.pids.len());
    context
        .emr
        .db
        .transaction_about(&(job, entry), |(job, entry), tx| {
            Box::pin(async move {
                let id = jobs::add(tx, job).await?;
                if id == job.id {
                    ledger::record(tx, entry).await?;
                }
                Ok(id)
            })
        })
        .await
}

/// Stops a job: who has no letter yet gets none. Stopping one that has ended is no error.
///
/// # Errors
/// As [`crate::db::Db::run`].
pub async fn stop(context: &Context<'_>, by: &By, id: Uuid) -> Answer<()> {
    let entry = entry(context, by, "portal.job.stop");
    let now = context.seconds();
    context
        .emr
        .db
        .transaction_about(&entry, |entry, tx| {
            Box::pin(async move {
                match jobs::stop(tx, id, now).await? {
                    true => ledger::record(tx, entry).await,
                    false => Ok(()),
                }
            })
        })
        .await
}

/// Tries again what was refused, broke, or was left when the job was stopped.
///
/// # Errors
/// As [`crate::db::Db::run`].
pub async fn again(context: &Context<'_>, by: &By, id: Uuid) -> Answer<()> {
    let entry = entry(context, by, "portal.job");
    let by = By {
        request_id: context.request_id.to_owned(),
        ..by.clone()
    };
    context
        .emr
        .db
        .transaction_about(&(entry, by), |(entry, by), tx| {
            Box::pin(async move {
                jobs::again(tx, id, by).await?;
                ledger::record(tx, entry).await
            })
        })
        .await
}

fn entry(context: &Context<'_>, by: &By, action: &'static str) -> Entry {
    let mut entry = context.entry(action, Outcome::Success);
    entry.actor.clone_from(&by.actor);
    entry.client_id.clone_from(&by.client_id);
    entry.grant_id.clone_from(&by.grant_id);
    "Patient".clone_into(&mut entry.resource);
    entry
}

/// Does a slice of the job that waits longest and that nobody else is at; false where there is nothing to do now.
///
/// # Errors
/// As [`crate::db::Db::run`]; a line that breaks is put off and fails nobody else's.
pub async fn work(context: &Context<'_>, worker: &str, post: Post) -> Answer<bool> {
    let now = context.seconds();
    let lease = (now, now + LEASE.whole_seconds());
    let Some(job) = jobs::lease(&context.emr.db, worker, lease).await? else {
        return Ok(false);
    };
    let done = slice(context, &job, post).await;
    // What breaks, or waits for its lines, is left alone for a while: other jobs come first.
    if !matches!(done, Ok(true)) {
        let until = context.seconds() + PAUSE;
        jobs::rest(&context.emr.db, (job.id, worker), until).await?;
    }
    done
}

/// Does a slice of one job, whoever else is at it; false where nothing is left to do now.
///
/// # Errors
/// As [`work`].
pub async fn slice(context: &Context<'_>, job: &Job, post: Post) -> Answer<bool> {
    if job.status != Status::Waiting {
        return Ok(false);
    }
    // The ledger tells the request that began it.
    let context = &Context {
        request_id: &job.by.request_id,
        ..*context
    };
    let db = &context.emr.db;
    let lines = jobs::waiting(db, job.id, (context.seconds(), SLICE)).await?;
    if lines.is_empty() {
        let (id, now) = (job.id, context.seconds());
        db.transaction(|tx| Box::pin(jobs::finish(tx, id, now)))
            .await?;
        return Ok(false);
    }
    if let Some(circular) = letters::find(db, job.id).await? {
        return circulars::slice(context, (job, &lines), &circular).await;
    }
    if !circulars::still_may(context, &job.by).await? {
        stop(context, &job.by, job.id).await?;
        return Ok(false);
    }
    let pids: Vec<i64> = lines.iter().map(|line| line.pid).collect();
    let standings = standing::find(context.emr, &Which::Pids(&pids)).await?;
    for line in &lines {
        let standing = standings.iter().find(|one| one.person.pid == line.pid);
        if let Err(failure) = one(context, (job, line), (standing, post)).await {
            broke(context, (job, line), &failure).await?;
        }
    }
    Ok(true)
}

/// One line, in one transaction that takes it first.
async fn one(
    context: &Context<'_>,
    (job, line): (&Job, &Item),
    (standing, post): (Option<&Standing>, Post),
) -> Answer<()> {
    let place = (job.id, line.number);
    let now = context.seconds();
    let Some(standing) = standing else {
        let text = "This chart is not there any more.".to_owned();
        let mark = jobs::Mark {
            outcome: "not-found".to_owned(),
            reasons: vec![("not-found".to_owned(), text)],
        };
        let take = context.emr.db.transaction_about(&mark, |mark, tx| {
            Box::pin(jobs::claim(tx, place, mark, now))
        });
        return take.await.map(|_| ());
    };
    let hand = Hand {
        actor: job.by.actor.clone(),
        client_id: job.by.client_id.clone(),
        grant_id: job.by.grant_id.clone(),
    };
    let case = accounts::case(context, standing.clone(), post).await?;
    let broken = unmet(&case, job.wish);
    let told = |reason: &Reason| (reason.id.to_owned(), reason.text.clone());
    let mark = match broken.first() {
        Some(first) => jobs::Mark {
            outcome: first.id.to_owned(),
            reasons: broken.iter().map(told).collect(),
        },
        None => jobs::Mark::done(code(Letter::Invite)),
    };
    let about = Line {
        context,
        standing,
        hand,
        job,
        place,
        mark,
        broken,
    };
    let db = &context.emr.db;
    db.transaction_about(&about, |about, tx| Box::pin(about.done(tx)))
        .await
}

/// What one line is about.
struct Line<'l> {
    context: &'l Context<'l>,
    standing: &'l Standing,
    hand: Hand,
    job: &'l Job,
    place: (Uuid, i64),
    mark: jobs::Mark,
    broken: Vec<Reason>,
}

impl Line<'_> {
    async fn done(&self, tx: &mut Tx) -> Answer<()> {
        let now = self.context.seconds();
        if !jobs::claim(tx, self.place, &self.mark, now).await? {
            return Ok(());
        }
        let who = (&self.hand, self.standing);
        if !self.broken.is_empty() {
            return ledger::record(tx, &refused(self.context, who, &self.broken)).await;
        }
        // Letting in is wanted for itself, also where a letter went a short while ago.
        let who = (self.standing, &self.hand);
        if self.job.wish.enable && !self.standing.allowed {
            let_in(self.context, tx, who, self.job.wish).await?;
        }
        let again = self.context.config.accounts.invite_again.whole_seconds();
        let pid = self.standing.person.pid;
        if !memory::invite_once(tx, pid, (now, now - again)).await? {
            return jobs::say(tx, self.place, &jobs::Mark::done(RECENTLY)).await;
        }
        let sent = accounts::invite(self.context, tx, self.standing, &self.hand).await?;
        match sent.letter {
            Letter::Invite => Ok(()),
            letter => jobs::say(tx, self.place, &jobs::Mark::done(code(letter))).await,
        }
    }
}

/// A line that broke is tried again a little later, and given up after a few times.
pub(super) async fn broke(
    context: &Context<'_>,
    (job, line): (&Job, &Item),
    failure: &Failure,
) -> Answer<()> {
    tracing::warn!(?failure, tries = line.tries + 1, "a line of a job broke");
    let db = &context.emr.db;
    let now = context.seconds();
    let place = (job.id, line.number);
    if line.tries + 1 < TRIES {
        return jobs::put_off(db, place, now + PAUSE * (line.tries + 1)).await;
    }
    let text = "Something broke here more than once. Try this patient again later.".to_owned();
    let mark = jobs::Mark {
        outcome: jobs::FAILED.to_owned(),
        reasons: vec![(jobs::FAILED.to_owned(), text)],
    };
    let take = db.transaction_about(&mark, |mark, tx| {
        Box::pin(jobs::claim(tx, place, mark, now))
    });
    take.await.map(|_| ())
}
