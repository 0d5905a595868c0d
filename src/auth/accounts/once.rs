//! `Idempotency-Key` where an answer holds a password: a request that comes again is not done again, and what it showed is
//! not shown again either.

use crate::auth::Context;
use crate::db::Tx;
use crate::domain::accounts::Standing;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Refusal;
use crate::store::repeats;

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
    pub(super) async fn was_before(&self, context: &Context<'_>) -> Answer<bool> {
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
    pub(super) async fn begins(
        once: Option<&Self>,
        context: &Context<'_>,
        tx: &mut Tx,
    ) -> Answer<bool> {
        match once {
            Some(once) => repeats::claim(tx, &once.name, &once.request, context.seconds()).await,
            None => Ok(true),
        }
    }

    /// Remembers whose account it was about.
    pub(super) async fn ends(once: Option<&Self>, tx: &mut Tx, standing: &Standing) -> Answer<()> {
        let Some(once) = once else {
            return Ok(());
        };
        let told = format!("updated Patient {}", standing.person.uuid);
        repeats::settle(tx, &once.name, &told).await
    }
}
