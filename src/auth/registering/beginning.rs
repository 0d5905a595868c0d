//! The first form of somebody who registers, and the letters it sends: to the address, or to whoever the practice knows.

use serde_json::json;
use uuid::Uuid;

use super::DRAFT;
use super::LINK;
use super::case;
use super::entry;
use super::fields;
use super::missing;
use crate::auth::Context;
use crate::auth::links as tokens;
use crate::config::accounts::Factor;
use crate::crypto;
use crate::db::Tx;
use crate::domain::accounts::Post;
use crate::domain::language::Language;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Fault;
use crate::domain::refusal::Reason;
use crate::domain::refusal::Refusal;
use crate::emr::registering;
use crate::emr::registering::Known;
use crate::portal::registration;
use crate::portal::registration::draft::Draft;
use crate::portal::registration::draft::Step;
use crate::store::ledger;
use crate::store::ledger::Outcome;
use crate::store::links;
use crate::store::links::NewLink;
use crate::store::links::Purpose;
use crate::store::outbox;
use crate::store::outbox::Letter;
use crate::store::outbox::NewLetter;
use crate::store::registrations;
use crate::store::registrations::NewRegistration;
use crate::store::throttle;
use crate::store::throttle::Reserved;

/// An hour from one network, on the whole site, and to one mailbox. A clinic's waiting room shares an address.
const PER_CALLER: i64 = 20;
const PER_SITE: i64 = 300;
const PER_MAILBOX: i64 = 3;

/// Charts of one person that are told of: more than two are a mistake of the practice's, not of a registrant's.
const OWNERS: usize = 3;

/// How a first form ended. What becomes of it is not told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Begun {
    /// If the address can be used, a letter is on its way.
    Sent,
    /// What has to be corrected, with its field.
    Wrong(Vec<Reason>),
}

/// Takes the first form. A letter with a link goes to the address, unless that is the one the practice has of this very
/// person: then, and to every other address it has of the person, a letter says that somebody tried. So a family may
/// share a mailbox, and neither the page nor a mailbox of one's own tells whether somebody else is a patient.
///
/// # Errors
/// `Rules` where it is not offered, `TooMany` from one network or on the whole site.
pub async fn begin(
    context: &Context<'_>,
    (post, caller): (Post, &str),
    typed: &Draft,
) -> Answer<Begun> {
    let missing = missing(context, post).await?;
    if !missing.is_empty() {
        return Err(Refusal::Rules(missing).into());
    }
    let typed = dated(&typed.person());
    let case = case(context, post, typed.clone()).await?;
    let wrong = registration::wrong(&case, Step::Person);
    if !wrong.is_empty() {
        return Ok(Begun::Wrong(wrong));
    }
    let limits = [
        (format!("rc:{caller}"), PER_CALLER),
        ("register".to_owned(), PER_SITE),
    ];
    let db = &context.emr.db;
    let now = context.seconds();
    if let Reserved::Wait(seconds) = throttle::reserve_hourly(db, &limits, now).await? {
        return Err(Refusal::TooMany(seconds).into());
    }
    let mut same = registering::known(context.emr, &typed).await?;
    same.retain(|known| known.identity().is_like(&typed.identity()));
    let email = typed.get("email");
    let own = same.iter().find(|known| known.reads(email));
    let mut letters = Vec::new();
    if mailbox_is_free(context, email).await? {
        letters.push(match own {
            Some(known) => Written::Known(known, email.to_owned()),
            None => Written::Verify(Box::new(new(context, &typed)?)),
        });
    }
    for known in same.iter().take(OWNERS).filter(|known| !known.reads(email)) {
        if let Some(address) = known.address()
            && mailbox_is_free(context, address).await?
        {
            letters.push(Written::Known(known, address.to_owned()));
        }
    }
    let work = (context, letters, Language::of(typed.get("language")));
    db.transaction_about(&work, |(context, letters, language), tx| {
        Box::pin(write(context, tx, letters, language.unwrap_or_default()))
    })
    .await?;
    Ok(Begun::Sent)
}

/// A letter of the first form.
enum Written<'k> {
    /// To the owner of a chart, at an address.
    Known(&'k Known, String),
    /// To whoever registers.
    Verify(Box<(NewRegistration, String)>),
}

fn new(context: &Context<'_>, typed: &Draft) -> Result<(NewRegistration, String), Fault> {
    let (id, invite) = (new_id(context)?, new_id(context)?);
    let email = typed.get("email").to_owned();
    let created = context.seconds();
    let registration = NewRegistration {
        id,
        address: tokens::address_hash(&email),
        fields: fields(typed),
        invite: (
            invite,
            crypto::fingerprint(&tokens::token(context.keys, invite)),
        ),
        factor: match context.config.accounts.invite_factor {
            // Nobody reads a PIN to somebody who is not there yet.
            Factor::BirthDate | Factor::Pin => "birth-date",
            Factor::None => "none",
        },
        created,
        expires: created + DRAFT.whole_seconds(),
    };
    Ok((registration, email))
}

async fn write(
    context: &Context<'_>,
    tx: &mut Tx,
    letters: &[Written<'_>],
    language: Language,
) -> Answer<()> {
    for one in letters {
        let (letter, entry) = match one {
            Written::Known(known, address) => {
                let letter = NewLetter {
                    letter: Letter::AlreadyKnown,
                    pid: Some(known.pid),
                    address: address.clone(),
                    language: known.language,
                    told: json!({}),
                    link: None,
                    created: context.seconds(),
                };
                let mut entry = context.entry("register.known", Outcome::Refused);
                "register.known".clone_into(&mut entry.reason);
                if let Some(id) = known.id {
                    entry.resource = format!("Patient/{id}");
                    entry.patient = Some(id);
                }
                (letter, entry)
            }
            Written::Verify(new) => {
                let (registration, email) = new.as_ref();
                registrations::add(tx, registration).await?;
                links::add(tx, &link(context, registration)).await?;
                let letter = NewLetter {
                    letter: Letter::VerifyEmail,
                    pid: None,
                    address: email.clone(),
                    language,
                    told: json!({ "hours": LINK.whole_hours() }),
                    link: Some(registration.id),
                    created: context.seconds(),
                };
                (letter, entry(context, "register.begin", registration.id))
            }
        };
        outbox::put(tx, &letter).await?;
        ledger::record(tx, &entry).await?;
    }
    Ok(())
}

fn link(context: &Context<'_>, registration: &NewRegistration) -> NewLink {
    NewLink {
        id: registration.id,
        token_hash: crypto::fingerprint(&tokens::token(context.keys, registration.id)),
        purpose: Purpose::Register,
        pid: None,
        address: registration.address.clone(),
        bound: String::new(),
        factor: "none".to_owned(),
        pin_hash: None,
        created: registration.created,
        // The browser that began goes on with it for longer than the letter opens it: `find` tells them apart.
        expires: registration.expires,
    }
}

/// Whether another letter may go to a mailbox in this hour (case 93): nobody is told where not.
async fn mailbox_is_free(context: &Context<'_>, address: &str) -> Answer<bool> {
    let limits = [(format!("rm:{}", tokens::address_hash(address)), PER_MAILBOX)];
    let reserved = throttle::reserve_hourly(&context.emr.db, &limits, context.seconds()).await?;
    Ok(reserved == Reserved::GoOn)
}

/// The same draft with the birth date as the tables have it.
fn dated(draft: &Draft) -> Draft {
    let born = registration::day(draft.get("birth_date"));
    let text = born.map_or_else(String::new, |born| born.to_string());
    let mut pairs: Vec<(&str, &str)> = draft.pairs().collect();
    if born.is_some() {
        pairs.push(("birth_date", &text));
    }
    Draft::of(pairs)
}

/// A new random id (RFC 9562, version 4).
fn new_id(context: &Context<'_>) -> Result<Uuid, Fault> {
    let mut bytes = [0; 16];
    context.entropy.fill(&mut bytes)?;
    Ok(uuid::Builder::from_random_bytes(bytes).into_uuid())
}
