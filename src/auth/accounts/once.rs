//! `Idempotency-Key` where an answer holds a password: a request that comes again is not done again, and what it showed is
//! not shown again either. And what else a request has written with the credentials, or not at all.

use crate::auth::Context;
use crate::db::Tx;
use crate::db::Work;
use crate::domain::accounts::Standing;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Refusal;
use crate::store::repeats;

/// What is written in the transaction of the credentials by a room that this one does not know: a chart's change (F085).
pub trait Alongside: Sync {
    /// Writes it; a failure undoes the credentials too.
    fn write<'t>(&'t self, tx: &'t mut Tx) -> Work<'t, ()>;
}

/// What goes with the making of credentials.
#[derive(Clone, Copy, Default)]
pub struct With<'w> {
    /// The request, where it may come again.
    pub once: Option<&'w Once>,
    /// What else is written, or nothing is.
    pub alongside: Option<&'w dyn Alongside>,
}

/// A request that may come again: its key, of this caller and app, and its fingerprint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Once {
    /// Fingerprint of the key.
    pub name: String,
    /// Fingerprint of the request.
    pub request: String,
}

impl Once {
    /// Whether the same request came before.
    ///
    /// # Errors
    /// `Unprocessable` where the key was another request's.
    pub async fn was_before(&self, context: &Context<'_>) -> Answer<bool> {
        let Some(earlier) = repeats::find(&context.emr.db, &self.name).await? else {
            return Ok(false);
        };
        if earlier.request != self.request {
            let why = "this key was sent with another request";
            return Err(Refusal::invalid("Idempotency-Key", why).understood().into());
        }
        Ok(true)
    }

    /// Claims the key, where there is one; false where the same request has it.
    pub(in crate::auth) async fn begins(
        once: Option<&Self>,
        context: &Context<'_>,
        tx: &mut Tx,
    ) -> Answer<bool> {
        match once {
            Some(once) => repeats::claim(tx, &once.name, &once.request, context.seconds()).await,
            None => Ok(true),
        }
    }
}

impl With<'_> {
    /// Writes what goes with the credentials, and remembers whose account it was about.
    pub(in crate::auth) async fn writes(&self, tx: &mut Tx, standing: &Standing) -> Answer<()> {
        if let Some(alongside) = self.alongside {
            alongside.write(tx).await?;
        }
        let Some(once) = self.once else {
            return Ok(());
        };
        let told = format!("updated Patient {}", standing.person.uuid);
        repeats::settle(tx, &once.name, &told).await
    }
}
