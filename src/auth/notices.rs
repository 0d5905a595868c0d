//! That there is a message is told to the patient by letter, and nothing else of it: not from whom, not about what. Looked for
//! in the mailboxes themselves, because staff write in OpenEMR's own screens as well as here. What comes within an hour after
//! a letter waits for the next, and for none where it was read meanwhile.

use crate::auth::Context;
use crate::auth::bare_letters::Bare;
use crate::auth::bare_letters::bare;
use crate::auth::bare_letters::of_one;
use crate::auth::bare_letters::sent;
use crate::db::Tx;
use crate::domain::accounts::Post;
use crate::domain::refusal::Answer;
use crate::emr::mail::arrivals;
use crate::emr::mail::arrivals::Arrivals;
use crate::store::notices;
use crate::store::notices::Due;
use crate::store::outbox::Letter;

/// What the ledger calls a letter that may not go.
const ACTION: &str = "message.tell";

/// Seconds from one letter to the next.
const QUIET: i64 = 3600;

/// Looks once; how many letters are on their way.
///
/// # Errors
/// As [`crate::db::Db::all`].
pub async fn look(context: &Context<'_>, post: Post) -> Answer<usize> {
    let db = &context.emr.db;
    match notices::place(db).await? {
        None => {
            let newest = arrivals::newest(context.emr).await?;
            db.transaction_about(&newest, |newest, tx| Box::pin(notices::begin(tx, *newest)))
                .await?;
        }
        Some(place) => {
            let found = (place, arrivals::since(context.emr, place).await?);
            db.transaction_about(&found, |found, tx| Box::pin(noted(found, tx)))
                .await?;
        }
    }
    let since = context.seconds() - QUIET;
    let (mut told, mut behind) = (0, Some(i64::MIN));
    // Patients whose rows cannot be read keep nobody else from being told, however many of them come first.
    while let Some(place) = behind {
        let all = notices::due(db, (since, place)).await?;
        let mut failed = false;
        for due in &all {
            let sent = of_one(tell(context, post, *due).await)?;
            failed |= sent.is_none();
            told += usize::from(sent == Some(true));
        }
        behind = all.last().filter(|_| failed).map(|last| last.pid);
    }
    Ok(told)
}

async fn tell(context: &Context<'_>, post: Post, due: Due) -> Answer<bool> {
    let tells = context.config.notify.on_message;
    let bare = match tells && arrivals::unread(context.emr, due.pid).await? > 0 {
        true => bare(context, post, (due.pid, Letter::Message, ACTION)).await?,
        false => Bare::Nobody,
    };
    let news = (due, bare);
    let db = &context.emr.db;
    db.transaction_about(&news, |news, tx| Box::pin(settled(news, tx)))
        .await
}

async fn noted((place, found): &(i64, Arrivals), tx: &mut Tx) -> Answer<()> {
    for message in &found.messages {
        notices::owe(tx, *message).await?;
    }
    // Where another server was faster it has owed the same.
    notices::advance(tx, (*place, found.settled))
        .await
        .map(|_| ())
}

async fn settled((due, bare): &(Due, Bare), tx: &mut Tx) -> Answer<bool> {
    let told = match bare {
        Bare::Goes(letter) => letter.created,
        Bare::Refused(_) | Bare::Nobody => due.told,
    };
    match notices::settle(tx, due, told).await? {
        true => sent(tx, bare).await,
        false => Ok(false),
    }
}
