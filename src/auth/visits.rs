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
use crate::domain::visits::Status;
use crate::emr::standing;
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

/// What the ledger calls a letter that may not go.
const ACTION: &str = "visit.tell";

/// A change that is to be noted, and the letter about it.
struct News<'a> {
    changed: &'a Changed,
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
    if !visits::told(tx, news.changed).await? {
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
    let quiet = News {
        changed,
        letter: None,
        refused: None,
    };
    let told = word(changed).filter(|_| context.config.booking.letters);
    let (Some(word), Some((start, end))) = (told, span(context, changed)) else {
        return Ok(quiet);
    };
    let Some(standing) = standing::by_pid(context.emr, changed.known.pid).await? else {
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
            "revision": changed.revision + 1,
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

/// What the letter says of a change; `None` for one that is no news to the patient, such as that they have arrived.
fn word(changed: &Changed) -> Option<&'static str> {
    let before = telling::status(&changed.known.mark);
    let waited = matches!(before, Status::Pending | Status::Waitlist);
    let live = waited || before == Status::Booked;
    let called_off = match waited {
        true => "declined",
        false => "cancelled",
    };
    let Some((mark, wall, _)) = &changed.now else {
        return live.then_some(called_off);
    };
    let moved = *wall != changed.known.wall;
    match (telling::status(mark), moved) {
        (Status::Cancelled, _) if live => Some(called_off),
        (Status::Booked, _) if waited => Some("confirmed"),
        (Status::Booked, true) if live => Some("moved"),
        (Status::Pending | Status::Waitlist, true) if waited && changed.offered => Some("offered"),
        (Status::Pending | Status::Waitlist, true) if live => Some("moved"),
        _ => None,
    }
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

    fn changed(before: &str, after: Option<(&str, &str)>, offered: bool) -> Changed {
        Changed {
            known: Known {
                event: 1,
                pid: 1,
                mark: before.to_owned(),
                wall: "2026-12-01 09:15:00".to_owned(),
                seconds: 900,
                uid: "a".to_owned(),
            },
            offered,
            revision: 0,
            now: after.map(|(mark, wall)| (mark.to_owned(), wall.to_owned(), 900)),
        }
    }

    #[test]
    fn f138_what_is_news_to_a_patient_has_a_word() {
        let same = "2026-12-01 09:15:00";
        let other = "2026-12-02 10:00:00";
        for (before, after, offered, expected) in [
            ("^", Some(("-", same)), false, Some("confirmed")),
            ("^", Some(("EMAIL", other)), false, Some("confirmed")),
            ("CALL", Some(("*", same)), false, Some("confirmed")),
            ("^", Some(("x", same)), false, Some("declined")),
            ("^", Some(("^", other)), true, Some("offered")),
            ("^", Some(("^", other)), false, Some("moved")),
            ("-", Some(("-", other)), false, Some("moved")),
            ("-", Some(("x", same)), false, Some("cancelled")),
            ("-", Some(("%", same)), false, Some("cancelled")),
            ("^", None, false, Some("declined")),
            ("-", None, false, Some("cancelled")),
            ("-", Some(("@", same)), false, None),
            ("-", Some(("SMS", same)), false, None),
            ("x", Some(("-", same)), false, None),
            ("x", None, false, None),
            ("@", Some((">", same)), false, None),
        ] {
            let found = word(&changed(before, after, offered));
            assert_eq!(found, expected, "{before} {after:?} {offered}");
        }
    }
}
