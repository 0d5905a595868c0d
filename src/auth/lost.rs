//! A lost login, or a first one for somebody who has a chart (portal rules F043, F058 to F062, F089, F090, G02, G03, G12).
//! Whoever asks says who they are, and gets the same answer in the same time whatever was found: a PIN on the screen.
//! Where it fits one chart, a letter with a link goes to the address on file, and the PIN belongs to it.

use std::net::IpAddr;

use serde_json::json;
use time::Date;
use time::Duration;
use time::Month;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;
use uuid::Uuid;

use crate::auth::Context;
use crate::auth::accounts;
use crate::auth::email_change;
use crate::auth::links as tokens;
use crate::auth::login::network;
use crate::auth::login::portal_is_on;
use crate::config::accounts::Factor;
use crate::crypto;
use crate::db::Tx;
use crate::domain::accounts::Post;
use crate::domain::accounts::Standing;
use crate::domain::accounts::State;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Reason;
use crate::emr::claims;
use crate::emr::credentialing;
use crate::portal::account::CREDENTIAL;
use crate::portal::account::LETTER;
use crate::portal::rules;
use crate::store::accounts as memory;
use crate::store::accounts::Mark;
use crate::store::ledger;
use crate::store::ledger::Entry;
use crate::store::ledger::Outcome;
use crate::store::links;
use crate::store::links::NewLink;
use crate::store::links::Purpose;
use crate::store::outbox;
use crate::store::outbox::Letter;
use crate::store::outbox::NewLetter;
use crate::store::throttle;
use crate::store::throttle::Reserved;

/// How long a link that was asked for works (F062).
pub const LIFE: Duration = Duration::hours(1);

/// What the ledger calls it.
const ACTION: &str = "reset.ask";

/// What somebody says about themselves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// The e-mail address on file.
    pub email: String,
    /// The birth date.
    pub born: Date,
    /// The last name.
    pub family: String,
    /// The ZIP code; its first five characters count, and `00000` is for a chart without one.
    pub zip: String,
    /// Where the question comes from.
    pub address: IpAddr,
}

/// What is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// This PIN is shown, whether or not a letter goes out.
    Pin(String),
    /// Too many questions: seconds to wait.
    Wait(u64),
}

/// Whether the practice lets patients help themselves (F043): the portal is on, letters can leave (F048), and the practice
/// has not switched it off.
///
/// # Errors
/// As [`crate::db::Db::all`].
pub async fn is_offered(context: &Context<'_>, post: Post) -> Answer<bool> {
    let practice = context.emr.practice().await?;
    let own = practice.globals.on("portal_two_pass_reset");
    let offered = context.config.accounts.self_reset.is_on(own);
    Ok(offered && post == Post::Ready && portal_is_on(context).await?)
}

/// Takes a question.
///
/// # Errors
/// As [`crate::db::Db::run`]; a fault where there is no randomness.
pub async fn ask(context: &Context<'_>, post: Post, told: &Told) -> Answer<Asked> {
    let db = &context.emr.db;
    let now = context.seconds();
    let address = crypto::fingerprint(&network(told.address));
    if let Reserved::Wait(seconds) = throttle::reserve_lost(db, &address, now).await? {
        let nobody = refused(context, None, "throttled");
        ledger::record_all(db, &[nobody]).await?;
        return Ok(Asked::Wait(seconds));
    }
    let pin = tokens::pin(context.entropy)?;
    let mut found = claims::by_email(context.emr, &told.email).await?;
    found.retain(|standing| fits(standing, told));
    let no = match found.as_slice() {
        [one] => answer(context, post, one, &pin)
            .await?
            .map(|why| refused(context, Some(one), &why)),
        [] => Some(refused(context, None, "no-match")),
        // Of two charts that fit, nobody here can tell which is meant (G12).
        _ => Some(refused(context, None, "several-match")),
    };
    if let Some(no) = no {
        ledger::record_all(db, &[no]).await?;
    }
    Ok(Asked::Pin(pin))
}

/// Sends the letter that fits the account; why not, in the ledger's words, where it may not have one.
async fn answer(
    context: &Context<'_>,
    post: Post,
    standing: &Standing,
    pin: &str,
) -> Answer<Option<String>> {
    let mut case = accounts::case(context, standing.clone(), post).await?;
    // The link of this letter asks for the PIN that was shown.
    case.factor = Factor::Pin;
    let mut broken = rules::broken(LETTER, &case);
    let purpose = match standing.state(case.portal_on) {
        State::Active | State::CredentialsIssued => Purpose::Reset,
        State::AuthorisedNoCredentials => {
            broken.extend(rules::broken(CREDENTIAL, &case));
            Purpose::Invite
        }
        State::PendingVerification => return Ok(Some("pending-verification".to_owned())),
        State::PortalOff | State::NotAuthorised | State::Disabled => Purpose::Reset,
    };
    if !broken.is_empty() {
        return Ok(Some(ids(&broken)));
    }
    let now = context.seconds();
    // Changed in OpenEMR a moment ago, and not noticed yet: the hold begins now.
    let holds = !context.config.accounts.email_hold.is_zero();
    if email_change::look(context, standing).await? && holds {
        return Ok(Some("email-hold".to_owned()));
    }
    let reserved = throttle::reserve_letter(&context.emr.db, standing.person.pid, now).await?;
    if matches!(reserved, Reserved::Wait(_)) {
        return Ok(Some("too-many-letters".to_owned()));
    }
    let sent = Sent {
        context,
        standing,
        purpose,
        pin,
    };
    let db = &context.emr.db;
    db.transaction_about(&sent, |sent, tx| Box::pin(send(sent, tx)))
        .await?;
    Ok(None)
}

fn ids(broken: &[Reason]) -> String {
    let mut ids: Vec<&str> = broken.iter().map(|reason| reason.id).collect();
    ids.dedup();
    ids.join(" ")
}

/// A letter that is to go.
struct Sent<'a> {
    context: &'a Context<'a>,
    standing: &'a Standing,
    purpose: Purpose,
    pin: &'a str,
}

async fn send(sent: &Sent<'_>, tx: &mut Tx) -> Answer<()> {
    let (context, standing) = (sent.context, sent.standing);
    let pid = standing.person.pid;
    let now = context.seconds();
    let mut bytes = [0; 16];
    context.entropy.fill(&mut bytes)?;
    let id: Uuid = uuid::Builder::from_random_bytes(bytes).into_uuid();
    links::end(tx, pid, &[Purpose::Reset, Purpose::Invite], now).await?;
    let link = NewLink {
        id,
        token_hash: crypto::fingerprint(&tokens::token(context.keys, id)),
        purpose: sent.purpose,
        pid: Some(pid),
        address: tokens::address_hash(standing.address()),
        bound: credentialing::fingerprint_now(tx, pid).await?,
        factor: "pin".to_owned(),
        pin_hash: Some(tokens::pin_hash(id, sent.pin)),
        created: now,
        expires: now + LIFE.whole_seconds(),
    };
    links::add(tx, &link).await?;
    let letter = NewLetter {
        letter: match sent.purpose {
            Purpose::Invite => Letter::Invite,
            _ => Letter::Reset,
        },
        pid: Some(pid),
        address: standing.address().to_owned(),
        language: standing.language,
        told: json!({ "factor": "pin", "hours": LIFE.whole_hours() }),
        link: Some(id),
        created: now,
    };
    outbox::put(tx, &letter).await?;
    if sent.purpose == Purpose::Invite {
        memory::remember(tx, pid, &Mark::Invited(Some(now))).await?;
    }
    let mut entry = about(context, Outcome::Success, Some(standing));
    sent.purpose.word().clone_into(&mut entry.reason);
    ledger::record(tx, &entry).await
}

fn about(context: &Context<'_>, outcome: Outcome, standing: Option<&Standing>) -> Entry {
    let mut entry = context.entry(ACTION, outcome);
    if let Some(standing) = standing {
        entry.resource = format!("Patient/{}", standing.person.uuid);
        entry.patient = Some(standing.person.uuid);
    }
    entry
}

fn refused(context: &Context<'_>, standing: Option<&Standing>, why: &str) -> Entry {
    let mut entry = about(context, Outcome::Refused, standing);
    why.clone_into(&mut entry.reason);
    entry
}

/// Whether what was said fits a chart whose address it fits already.
fn fits(standing: &Standing, told: &Told) -> bool {
    let family = plain(&told.family);
    let names = !family.is_empty() && plain(&standing.last) == family;
    let held: String = standing.zip.trim().chars().take(5).collect();
    let typed: String = told.zip.trim().chars().take(5).collect();
    let zip = match held.as_str() {
        "" => typed == "00000",
        held => held.eq_ignore_ascii_case(&typed),
    };
    names && zip && standing.born == Some(told.born)
}

/// A name as it is compared: letters alone, in lower case, without accents, as people type it on a phone.
fn plain(name: &str) -> String {
    name.nfkd()
        .filter(|c| !is_combining_mark(*c) && c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

/// A day as a browser sends it (`1984-02-29`), or as it is typed where it has no calendar to offer (`2/29/1984`).
pub fn day(text: &str) -> Option<Date> {
    let text = text.trim();
    let numbers = |mark: char| -> Option<[u16; 3]> {
        let parts: Option<Vec<u16>> = text.split(mark).map(|part| part.parse().ok()).collect();
        parts?.try_into().ok()
    };
    let [year, month, day] = match numbers('-') {
        Some(parts) => parts,
        None => numbers('/').map(|[month, day, year]| [year, month, day])?,
    };
    let month = Month::try_from(u8::try_from(month).ok()?).ok()?;
    let day = u8::try_from(day).ok()?;
    Some(Date::from_calendar_date(i32::from(year), month, day).ok()?).filter(|_| year > 1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_read_as_browsers_send_and_people_type_them() {
        for text in ["1984-02-29", " 2/29/1984 ", "02/29/1984"] {
            let found = day(text).map(|day| day.to_string());
            assert_eq!(found.as_deref(), Some("1984-02-29"), "{text}");
        }
        for text in [
            "",
            "1984-02-30",
            "29.2.1984",
            "84-02-29",
            "[]",
            "1984-02-29-1",
        ] {
            assert_eq!(day(text), None, "{text}");
        }
    }

    #[test]
    fn names_are_compared_without_accents_and_marks() {
        assert_eq!(plain("O’Connor "), plain("oconnor"));
        assert_eq!(plain("Nguyễn"), "nguyen");
        assert_eq!(plain("García-López"), plain("garcia lopez"));
        assert_ne!(plain("Garcia"), plain("Garza"));
    }
}
