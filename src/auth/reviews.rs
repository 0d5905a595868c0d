//! Patients are told by letter that a request of theirs was decided, here or in OpenEMR's own dashboard (F148). What was
//! decided is not in the letter. Noted and put into the outbox in one transaction: each decision is told once, however many
//! servers look, and several of one look in one letter.

use uuid::Uuid;

use crate::auth::Context;
use crate::auth::bare_letters::Bare;
use crate::auth::bare_letters::bare;
use crate::auth::bare_letters::of_one;
use crate::auth::bare_letters::sent;
use crate::db::Tx;
use crate::domain::accounts::Post;
use crate::domain::refusal::Answer;
use crate::domain::tasks::Work;
use crate::emr::persons;
use crate::emr::tasks;
use crate::store::outbox::Letter;
use crate::store::reviews;
use crate::store::reviews::Untold;

/// What the ledger calls a letter that may not go.
const ACTION: &str = "review.tell";

/// Decisions about one patient, and what comes of them.
struct News {
    ids: Vec<Uuid>,
    at: i64,
    bare: Bare,
}

/// Notes what was decided in OpenEMR's dashboard, and tells what was decided since the last look; how many letters are on
/// their way. What cannot be told of one patient is tried at the next look, and keeps nobody else from being told.
///
/// # Errors
/// As [`crate::db::Db::all`].
pub async fn look(context: &Context<'_>, post: Post) -> Answer<usize> {
    if let Err(failure) = tasks::settle(context.emr).await {
        tracing::warn!(
            ?failure,
            "what was decided in OpenEMR could not be looked for"
        );
    }
    let (mut told, mut behind) = (0, Some(i64::MIN));
    while let Some(place) = behind {
        let untold = reviews::untold(&context.emr.db, place).await?;
        let mut failed = false;
        for decided in untold.chunk_by(|one, other| one.person() == other.person()) {
            let sent = of_one(tell(context, post, decided).await)?;
            failed |= sent.is_none();
            told += usize::from(sent == Some(true));
        }
        // Behind those that cannot be told there may be others.
        let last = untold.last().filter(|_| failed);
        behind = last.map(|last| last.person().pid);
    }
    Ok(told)
}

/// Tells one patient of decisions; whether a letter is on its way.
async fn tell(context: &Context<'_>, post: Post, decided: &[Untold]) -> Answer<bool> {
    let Some(person) = decided.first().map(Untold::person) else {
        return Ok(false);
    };
    let pid = person.pid;
    // Of a chart that was deleted the number may be somebody else's by now: to them it is no news.
    let here = persons::by_pid(context.emr, pid).await? == Some(person);
    let registered = Work::Registration.code().0;
    // Who registered gets a letter of another kind, with the decision.
    let news = here && decided.iter().any(|one| one.kind != registered);
    let bare = match news && context.config.reviews.letters {
        true => bare(context, post, (pid, Letter::Reviewed, ACTION)).await?,
        false => Bare::Nobody,
    };
    let news = News {
        ids: decided.iter().map(Untold::id).collect(),
        at: reviews::millis(context.emr.now()),
        bare,
    };
    let db = &context.emr.db;
    db.transaction_about(&news, |news, tx| Box::pin(note(news, tx)))
        .await
}

async fn note(news: &News, tx: &mut Tx) -> Answer<bool> {
    let mut noted = 0;
    for id in &news.ids {
        noted += reviews::told(tx, *id, news.at).await?;
    }
    match noted {
        0 => Ok(false),
        _ => sent(tx, &news.bare).await,
    }
}
