//! That a form waits is told to the patient by letter, and nothing else of it (F152). The letter is owed in the transaction
//! that put the form there; several forms of one look are told in one letter, and each once, however many servers look.

use crate::auth::Context;
use crate::auth::bare_letters::Bare;
use crate::auth::bare_letters::bare;
use crate::auth::bare_letters::sent;
use crate::db::Tx;
use crate::domain::accounts::Post;
use crate::domain::refusal::Answer;
use crate::store::form_letters;
use crate::store::form_letters::Owed;
use crate::store::outbox::Letter;

/// What the ledger calls a letter that may not go.
const ACTION: &str = "form.tell";

/// Looks once; how many letters are on their way. What cannot be told to one patient is tried at the next look, and keeps
/// nobody else from being told.
///
/// # Errors
/// As [`form_letters::owed`].
pub async fn look(context: &Context<'_>, post: Post) -> Answer<usize> {
    let owed = form_letters::owed(&context.emr.db).await?;
    let mut told = 0;
    for forms in owed.chunk_by(|one, other| one.pid == other.pid) {
        match tell(context, post, forms).await {
            Ok(sent) => told += usize::from(sent),
            Err(failure) => tracing::warn!(?failure, "a form could not be told"),
        }
    }
    Ok(told)
}

/// Tells one patient of forms; whether a letter is on its way.
async fn tell(context: &Context<'_>, post: Post, forms: &[Owed]) -> Answer<bool> {
    let Some(first) = forms.first() else {
        return Ok(false);
    };
    let bare = match context.config.notify.on_message {
        true => bare(context, post, (first.pid, Letter::Form, ACTION)).await?,
        false => Bare::Nobody,
    };
    let news = (forms, bare);
    let db = &context.emr.db;
    db.transaction_about(&news, |news, tx| Box::pin(settled(news, tx)))
        .await
}

async fn settled((forms, bare): &(&[Owed], Bare), tx: &mut Tx) -> Answer<bool> {
    let mut mine = false;
    for form in *forms {
        mine |= form_letters::settle(tx, form.document).await?;
    }
    match mine {
        true => sent(tx, bare).await,
        false => Ok(false),
    }
}
