//! What becomes of a visit is told to the patient by letter (F138): confirmed, declined, another time proposed, moved,
//! cancelled. Looked for in the calendar, because staff answer in OpenEMR's own screens as well as here; noted and put into
//! the outbox in one transaction, so that each change is told once, however many servers look.

use serde_json::json;
use time::Duration;
use time::OffsetDateTime;

use crate::auth::Context;
use crate::auth::accounts;
use crate::config::accounts::Factor;
use crate::db::Tx;
use crate::domain::accounts::Post;
use crate::domain::accounts::Standing;
use crate::domain::refusal::Answer;
use crate::emr::standing;
use crate::emr::standing::Which;
use crate::emr::telling;
use crate::portal::account::LETTER;
use crate::portal::rules;
use crate::store::ledger;
use crate::store::ledger::Entry;
use crate::store::ledger::Outcome;
use crate::store::outbox;
use crate::store::outbox::Letter;
use crate::store::outbox::NewLetter;
use crate::store::visits;
use crate::store::visits::Changed;
use crate::store::visits::Stand;

/// What the ledger calls a letter that may not go.
const ACTION: &str = "visit.tell";

/// A change that is to be noted, and the letter about it.
struct News<'a> {
    changed: &'a Changed,
    /// As what it is told from now on, and whether a time is proposed.
    noted: (Stand, bool),
    letter: Option<NewLetter>,
    refused: Option<Entry>,
}

/// Tells what has changed since the last look, at most a hundred visits; how many were told by letter.
///
/// # Errors
/// As [`crate::db::Db::all`].
pub async fn look(context: &Context<'_>, post: Post) -> Answer<usize> {
    let mut told = 0;
    for changed in telling::changed(context.emr).await? {
        let news = news(context, post, &changed).await?;
        let sent = context
            .emr
            .db
            .transaction_about(&news, |news, tx| Box::pin(note(news, tx)))
            .await?;
        told += usize::from(sent);
    }
    Ok(told)
}

async fn note(news: &News<'_>, tx: &mut Tx) -> Answer<bool> {
    if !visits::told(tx, news.changed, news.noted).await? {
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

async fn news<'a>(context: &Context<'_>, post: Post, changed: &'a Changed) -> Answer<News<'a>> {
    let (word, stand, offered) = judged(changed);
    let quiet = News {
        changed,
        noted: (stand, offered),
        letter: None,
        refused: None,
    };
    let word = word.filter(|_| context.config.booking.letters);
    let (Some(word), Some((start, end))) = (word, span(context, changed)) else {
        return Ok(quiet);
    };
    // Of what is over nobody is told.
    if start <= context.emr.now() {
        return Ok(quiet);
    }
    // Whether an address is shared is not asked: it costs a look at every chart.
    let found = standing::find(context.emr, &Which::Pids(&[changed.known.pid])).await?;
    let Some(standing) = found.into_iter().next() else {
        return Ok(quiet);
    };
    let mut case = accounts::case(context, standing.clone(), post).await?;
    // It carries no link that could ask for anything.
    case.factor = Factor::None;
    let broken = rules::broken(LETTER, &case);
    if !broken.is_empty() {
        let ids: Vec<&str> = broken.iter().map(|reason| reason.id).collect();
        return Ok(News {
            refused: Some(refused(context, &standing, &ids.join(" "))),
            ..quiet
        });
    }
    let letter = NewLetter {
        letter: Letter::Visit,
        pid: Some(changed.known.pid),
        address: standing.address().to_owned(),
        language: standing.language,
        told: json!({
            "change": word,
            "start": start.unix_timestamp(),
            "end": end.unix_timestamp(),
            "uid": changed.known.uid,
            "revision": changed.known.revision + 1,
        }),
        link: None,
        created: context.seconds(),
    };
    Ok(News {
        letter: Some(letter),
        ..quiet
    })
}

fn refused(context: &Context<'_>, standing: &Standing, why: &str) -> Entry {
    let mut entry = context.entry(ACTION, Outcome::Refused);
    "system".clone_into(&mut entry.actor);
    entry.resource = format!("Patient/{}", standing.person.uuid);
    entry.patient = Some(standing.person.uuid);
    why.clone_into(&mut entry.reason);
    entry
}

/// What a change comes to: the letter's word, `None` for one that is no news to the patient, such as that they have
/// arrived; as what it is told; and whether the practice proposes the time.
fn judged(changed: &Changed) -> (Option<&'static str>, Stand, bool) {
    let before = changed.known.stand;
    let off = match before {
        Stand::Waits => Some("declined"),
        Stand::Agreed => Some("cancelled"),
        Stand::Off => None,
    };
    let Some((mark, wall, _)) = &changed.now else {
        return (off, Stand::Off, false);
    };
    let moved = *wall != changed.known.wall;
    let after = telling::stand(mark).unwrap_or(before);
    let word = match (before, after) {
        (_, Stand::Off) => off,
        (Stand::Waits | Stand::Off, Stand::Agreed) => {
            telling::is_booked(mark).then_some("confirmed")
        }
        (Stand::Agreed, Stand::Agreed) => moved.then_some("moved"),
        // Whoever moves what is not agreed proposes a time, in OpenEMR's own screens too.
        (Stand::Waits | Stand::Agreed, Stand::Waits) => moved.then_some("offered"),
        (Stand::Off, Stand::Waits) => None,
    };
    let offered = after == Stand::Waits && (changed.offered || word == Some("offered"));
    (word, after, offered)
}

/// When the visit is, or was to be.
fn span(context: &Context<'_>, changed: &Changed) -> Option<(OffsetDateTime, OffsetDateTime)> {
    let (wall, seconds) = match &changed.now {
        Some((_, wall, seconds)) => (wall, *seconds),
        None => (&changed.known.wall, changed.known.seconds),
    };
    let start = telling::instant(context.emr, wall)?;
    let end = start.checked_add(Duration::seconds(seconds.clamp(0, 86_400)))?;
    Some((start, end))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::visits::Known;

    fn changed(stand: Stand, after: Option<(&str, &str)>) -> Changed {
        Changed {
            known: Known {
                event: 1,
                pid: 1,
                mark: "^".to_owned(),
                wall: "2026-12-01 09:15:00".to_owned(),
                seconds: 900,
                uid: "a".to_owned(),
                stand,
                revision: 0,
            },
            offered: false,
            now: after.map(|(mark, wall)| (mark.to_owned(), wall.to_owned(), 900)),
        }
    }

    #[test]
    fn f138_what_is_news_to_a_patient_has_a_word() {
        use Stand::Agreed;
        use Stand::Off;
        use Stand::Waits;
        let same = "2026-12-01 09:15:00";
        let other = "2026-12-02 10:00:00";
        for (before, after, word, stand) in [
            (Waits, Some(("-", same)), Some("confirmed"), Agreed),
            (Waits, Some(("EMAIL", other)), Some("confirmed"), Agreed),
            (Waits, Some(("x", same)), Some("declined"), Off),
            (Waits, Some(("^", other)), Some("offered"), Waits),
            (Waits, Some(("CALL", same)), None, Waits),
            (Waits, Some(("@", same)), None, Agreed),
            (Waits, Some(("#", same)), None, Waits),
            (Agreed, Some(("#", same)), None, Agreed),
            (Agreed, Some(("+", same)), None, Agreed),
            (Agreed, Some(("-", other)), Some("moved"), Agreed),
            (Agreed, Some(("+", other)), Some("moved"), Agreed),
            (Agreed, Some(("^", other)), Some("offered"), Waits),
            (Agreed, Some(("^", same)), None, Waits),
            (Agreed, Some(("x", same)), Some("cancelled"), Off),
            (Agreed, Some(("%", same)), Some("cancelled"), Off),
            (Agreed, Some((">", same)), None, Agreed),
            // A slip of the pen that is put right is told as well.
            (Off, Some(("-", same)), Some("confirmed"), Agreed),
            (Off, Some(("^", same)), None, Waits),
            (Off, None, None, Off),
            (Waits, None, Some("declined"), Off),
            (Agreed, None, Some("cancelled"), Off),
        ] {
            let (found, told, offered) = judged(&changed(before, after));
            assert_eq!((found, told), (word, stand), "{before:?} {after:?}");
            assert_eq!(offered, word == Some("offered"), "{before:?} {after:?}");
        }
    }
}
