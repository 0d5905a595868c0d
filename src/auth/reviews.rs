//! Patients are told by letter that a request of theirs was decided, here or in OpenEMR's own dashboard (F148). What was
//! decided is not in the letter. Noted and put into the outbox in one transaction: each decision is told once, however many
//! servers look, and several of one look in one letter.

use serde_json::json;
use uuid::Uuid;

use crate::auth::Context;
use crate::auth::accounts;
use crate::config::accounts::Factor;
use crate::db::Tx;
use crate::domain::accounts::Post;
use crate::domain::refusal::Answer;
use crate::domain::tasks::Work;
use crate::emr::standing;
use crate::emr::standing::Which;
use crate::emr::tasks;
use crate::portal::account::LETTER;
use crate::portal::rules;
use crate::store::ledger;
use crate::store::ledger::Entry;
use crate::store::ledger::Outcome;
use crate::store::outbox;
use crate::store::outbox::Letter;
use crate::store::outbox::NewLetter;
use crate::store::reviews;

/// What the ledger calls a letter that may not go.
const ACTION: &str = "review.tell";

/// Decisions about one patient, and what comes of them.
struct News {
    ids: Vec<Uuid>,
    at: i64,
    letter: Option<NewLetter>,
    refused: Option<Entry>,
}

/// Notes what was decided in OpenEMR's dashboard, and tells what was decided since the last look; how many letters are on
/// their way.
///
/// # Errors
/// As [`crate::db::Db::all`].
pub async fn look(context: &Context<'_>, post: Post) -> Answer<usize> {
    tasks::settle(context.emr).await?;
    let untold = reviews::untold(&context.emr.db).await?;
    let mut told = 0;
    for decided in untold.chunk_by(|one, other| one.pid == other.pid) {
        let Some(pid) = decided.first().map(|one| one.pid) else {
            continue;
        };
        let registered = Work::Registration.code().0;
        // Who registered gets a letter of another kind, with the decision.
        let news = decided.iter().any(|one| one.kind != registered);
        let ids = decided.iter().map(reviews::Untold::id).collect();
        let news = news_of(context, post, (pid, ids, news)).await?;
        let sent = context
            .emr
            .db
            .transaction_about(&news, |news, tx| Box::pin(note(news, tx)))
            .await?;
        told += usize::from(sent);
    }
    Ok(told)
}

async fn note(news: &News, tx: &mut Tx) -> Answer<bool> {
    let mut noted = 0;
    for id in &news.ids {
        noted += reviews::told(tx, *id, news.at).await?;
    }
    if noted == 0 {
        return Ok(false);
    }
    if let Some(refused) = &news.refused {
        ledger::record(tx, refused).await?;
    }
    match &news.letter {
        Some(letter) => outbox::put(tx, letter).await.map(|_| true),
        None => Ok(false),
    }
}

async fn news_of(
    context: &Context<'_>,
    post: Post,
    (pid, ids, news): (i64, Vec<Uuid>, bool),
) -> Answer<News> {
    let quiet = News {
        ids,
        at: reviews::millis(context.emr.now()),
        letter: None,
        refused: None,
    };
    if !news || !context.config.reviews.letters {
        return Ok(quiet);
    }
    let found = standing::find(context.emr, &Which::Pids(&[pid])).await?;
    let Some(standing) = found.into_iter().next() else {
        return Ok(quiet);
    };
    let mut case = accounts::case(context, standing.clone(), post).await?;
    // It carries no link that could ask for anything.
    case.factor = Factor::None;
    let broken = rules::broken(LETTER, &case);
    if !broken.is_empty() {
        let ids: Vec<&str> = broken.iter().map(|reason| reason.id).collect();
        let mut entry = context.entry(ACTION, Outcome::Refused);
        "system".clone_into(&mut entry.actor);
        entry.resource = format!("Patient/{}", standing.person.uuid);
        entry.patient = Some(standing.person.uuid);
        entry.reason = ids.join(" ");
        return Ok(News {
            refused: Some(entry),
            ..quiet
        });
    }
    let letter = NewLetter {
        letter: Letter::Reviewed,
        pid: Some(pid),
        address: standing.address().to_owned(),
        language: standing.language,
        told: json!({}),
        link: None,
        created: context.seconds(),
    };
    Ok(News {
        letter: Some(letter),
        ..quiet
    })
}
