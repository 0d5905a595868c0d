//! Letters that say there is something to read and no word of what it is: to whom one may go, and what the ledger says where
//! it may not.

use serde_json::json;

use crate::auth::Context;
use crate::auth::accounts;
use crate::config::accounts::Factor;
use crate::db::Tx;
use crate::domain::accounts::Post;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Failure;
use crate::domain::refusal::Refusal;
use crate::emr::standing;
use crate::emr::standing::Which;
use crate::portal::account::LETTER;
use crate::portal::rules;
use crate::store::ledger;
use crate::store::ledger::Entry;
use crate::store::ledger::Outcome;
use crate::store::outbox;
use crate::store::outbox::Letter;
use crate::store::outbox::NewLetter;

/// What comes of a letter.
pub(super) enum Bare {
    /// It goes.
    Goes(NewLetter),
    /// It may not: the line of the ledger.
    Refused(Entry),
    /// There is nobody it could go to.
    Nobody,
}

/// A bare letter to a patient; `action` is what the ledger calls one that may not go.
///
/// # Errors
/// As [`standing::find`].
pub(super) async fn bare(
    context: &Context<'_>,
    post: Post,
    (pid, letter, action): (i64, Letter, &'static str),
) -> Answer<Bare> {
    let found = standing::find(context.emr, &Which::Pids(&[pid])).await?;
    let Some(standing) = found.into_iter().next() else {
        return Ok(Bare::Nobody);
    };
    let mut case = accounts::case(context, standing.clone(), post).await?;
    // It carries no link that could ask for anything.
    case.factor = Factor::None;
    let broken = rules::broken(LETTER, &case);
    if !broken.is_empty() {
        let ids: Vec<&str> = broken.iter().map(|reason| reason.id).collect();
        let mut entry = context.entry(action, Outcome::Refused);
        "system".clone_into(&mut entry.actor);
        entry.resource = format!("Patient/{}", standing.person.uuid);
        entry.patient = Some(standing.person.uuid);
        entry.reason = ids.join(" ");
        return Ok(Bare::Refused(entry));
    }
    Ok(Bare::Goes(NewLetter {
        letter,
        pid: Some(pid),
        address: standing.address().to_owned(),
        language: standing.language,
        told: json!({}),
        link: None,
        created: context.seconds(),
    }))
}

/// What came of telling one patient: `None` where that broke, which keeps nobody else from being told.
///
/// # Errors
/// `Unavailable`: the database is away for everybody, and the next look begins anew.
pub(super) fn of_one(told: Answer<bool>) -> Answer<Option<bool>> {
    match told {
        Ok(sent) => Ok(Some(sent)),
        Err(Failure::Refused(away @ Refusal::Unavailable(_))) => Err(away.into()),
        Err(failure) => {
            tracing::warn!(?failure, "one patient could not be told by letter");
            Ok(None)
        }
    }
}

/// Puts it into the outbox, or its refusal into the ledger, in the transaction that notes what it tells of; whether it is on its
/// way.
///
/// # Errors
/// As [`Tx::run`].
pub(super) async fn sent(tx: &mut Tx, bare: &Bare) -> Answer<bool> {
    match bare {
        Bare::Goes(letter) => outbox::put(tx, letter).await.map(|_| true),
        Bare::Refused(entry) => ledger::record(tx, entry).await.map(|_| false),
        Bare::Nobody => Ok(false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::refusal::Fault;

    #[test]
    fn f148_what_breaks_for_one_is_passed_over_and_what_is_away_for_all_ends_the_look() {
        for sent in [true, false] {
            assert_eq!(of_one(Ok(sent)).expect("told"), Some(sent));
        }
        let broken = Fault::new("asking the database", "it is no text");
        assert_eq!(of_one(Err(broken.into())).expect("passed over"), None);
        let gone = of_one(Err(Refusal::NotFound.into()));
        assert_eq!(gone.expect("passed over"), None);
        let away = Refusal::Unavailable("The database is not reachable.");
        let told = of_one(Err(away.clone().into()));
        assert!(matches!(told, Err(Failure::Refused(refusal)) if refusal == away));
    }
}
